// Every mesh in every mode.
#include "layout.glsl"
#include "instance.glsl"
#include "material.glsl"
#include "custom_columns.vert"
#include "custom.vert"

layout(location = 0) in vec3 vertex_position;
layout(location = 1) in vec4 vertex_normal;  // w: the side, + or -, times one more than the number of the part
#ifdef TEXTURED
layout(location = 3) in vec2 vertex_uv;
out vec2 v_uv;
flat out float v_layer;
#endif
#ifdef VERTEX_COLORS
layout(location = 2) in vec4 vertex_color;  // linear, and alpha
#endif

out vec3 v_place;  // not from gl_FragCoord: Mesa may not notice that up is down between a window and a framebuffer
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
#ifdef HASH
out vec3 v_local;
#endif
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
    vec3 position = vertex_position, normal = vertex_normal.xyz;
#ifdef CUSTOM
    fetch_columns();
#endif
#ifdef MOVES_VERTICES
    move_vertex(position, normal);
#endif
#ifdef WIND
    vec3 place = bent(instance.transform, position, instance.lean);
#else
    vec3 place = transformed(instance.transform, position);
#endif
    gl_Position = frame.view_projection * vec4(place, 1.0);
    v_place = place;
#ifdef HASH
    v_local = vertex_position;
#endif
#ifndef DEPTH_ONLY
    v_normal = instance_normal(instance, normal);
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
#ifdef TEXTURED
    v_uv = vertex_uv + instance.uv_offset;
    v_layer = instance.layer;
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
