// Every mesh in every mode, lit by fragment.
#include "shading.glsl"
#ifdef FADE
#include "noise.glsl"
flat in float v_fade;
#endif

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
#ifdef FADE
    // Below a half it goes, above it comes: each pixel is one's or the other's.
    float far = noise(gl_FragCoord.xy);
    if (v_fade < 0.5 ? far < 2.0 * v_fade : far >= 2.0 * v_fade - 1.0) discard;
#endif
#ifdef VERTEX_COLORS
    vec3 color = v_color;
    float side = v_side;
#else
    vec3 color = v_color.rgb;
    float side = v_color.w;
#endif
    vec3 normal = normalize(v_normal);
    out_color = shaded(color, normal, side);
#ifdef OUT_IDS
    out_ids = v_ids;
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(side < 0.0 ? -normal : normal, 1.0);
#endif
}
