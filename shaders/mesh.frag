// Lambert's law in linear light, by fragment; unlit surfaces keep their colour.
#include "layout.glsl"
#include "color.glsl"

in vec3 v_normal;
#ifdef VERTEX_COLORS
in vec3 v_color;
flat in float v_side;
#else
flat in vec4 v_color;
#endif
#ifdef OUT_IDS
flat in ivec2 v_ids;
#endif

layout(location = 0) out vec4 out_color;
#ifdef OUT_IDS
layout(location = OUT_IDS) out ivec2 out_ids;
#endif
#ifdef OUT_NORMALS
layout(location = OUT_NORMALS) out vec4 out_normal;
#endif

void main() {
#ifdef VERTEX_COLORS
    vec3 color = v_color;
    float side = v_side;
#else
    vec3 color = v_color.rgb;
    float side = v_color.w;
#endif
    vec3 normal = normalize(v_normal);
    float facing = max(dot(normal, frame.sun_direction.xyz) * side, 0.0);
    vec3 light = abs(side) < LIT ? vec3(1.0) : frame.ambient.rgb + frame.sun_color.rgb * facing;
    vec3 shaded = clamp(color * light, 0.0, 1.0);
    out_color = vec4(frame.ambient.w == 0.0 ? shaded : srgb(shaded), 1.0);
#ifdef OUT_IDS
    out_ids = v_ids;
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(side < 0.0 ? -normal : normal, 1.0);
#endif
}
