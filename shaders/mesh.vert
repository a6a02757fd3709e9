// Every mesh in every mode.
#include "layout.glsl"
#include "instance.glsl"

layout(location = 0) in vec3 vertex_position;
layout(location = 1) in vec4 vertex_normal;  // w: the side, +1 or -1 (meshes.py)
#ifdef VERTEX_COLORS
layout(location = 2) in vec4 vertex_color;  // linear; w: LIT or UNLIT
#endif

out vec3 v_normal;
#ifdef VERTEX_COLORS
out vec3 v_color;
flat out float v_side;
#else
flat out vec4 v_color;
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
    gl_Position = frame.view_projection * vec4(transformed(instance.transform, vertex_position), 1.0);
    v_normal = instance_normal(instance, vertex_normal.xyz);
    // The side travels with the colour, flat, from the provoking vertex; it is short where unlit.
#ifdef FADE
    float kind = instance.color.w >= LIT ? LIT : instance.color.w >= UNLIT ? UNLIT : FLAT;
    v_fade = instance.color.w / kind - 1.0;
    instance.color.w = kind;
#endif
    float side = vertex_normal.w * instance.color.w;
#ifdef VERTEX_COLORS
    v_color = instance.color.w == FLAT ? instance.color.rgb : instance.color.rgb * vertex_color.rgb;
    v_side = side * vertex_color.w;
#else
    v_color = vec4(instance.color.rgb, side);
#endif
#ifdef OUT_IDS
    v_ids = ivec2(instance.object, instance.id);
#endif
#ifdef ONE_HAND
    if (instance_hand(instance) != hand) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // clipped
#endif
}
