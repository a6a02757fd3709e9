// Every mesh in every mode.
#include "layout.glsl"
#include "instance.glsl"
#include "material.glsl"

layout(location = 0) in vec3 vertex_position;
layout(location = 1) in vec4 vertex_normal;  // w: the side, + or -, times one more than the number of the part
#ifdef VERTEX_COLORS
layout(location = 2) in vec4 vertex_color;  // linear, and alpha
#endif

#ifndef DEPTH_ONLY
out vec3 v_normal;
#endif
#ifdef VERTEX_COLORS
out vec4 v_color;
#else
flat out vec4 v_color;
#endif
flat out int v_material;  // one more than the row, with the sign of the side
flat out vec4 v_traits;
#ifdef OUT_IDS
flat out ivec2 v_ids;
#endif
#ifdef FADE
flat out float v_fade;
#endif
#ifdef ONE_HAND
uniform float hand;  // draws only what does (-1) or does not (+1) mirror, its crowd's transform left out
#endif

void main() {
    Instance instance = fetched();
    gl_Position = frame.view_projection * vec4(transformed(instance.transform, vertex_position), 1.0);
#ifndef DEPTH_ONLY
    v_normal = instance_normal(instance, vertex_normal.xyz);
#endif
    // Flat, so from the provoking vertex, whose side counts.
    bool debug = instance.look.material == DEBUG_MATERIAL;
    int part = debug ? 1 : int(abs(vertex_normal.w));
    v_material = (int(instance.look.material) + part) * int(sign(vertex_normal.w));
    vec4 base;
    look_up(abs(v_material) - 1, base, v_traits);
    v_color = instance.look.color * base;
#ifdef VERTEX_COLORS
    if (!debug) v_color *= vertex_color;
#endif
#ifdef FADE
    v_fade = instance.look.fade;
#endif
#ifdef OUT_IDS
    v_ids = ivec2(instance.object, instance.id);
#endif
#ifdef ONE_HAND
    if (instance_hand(instance) != hand) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // clipped
#endif
}
