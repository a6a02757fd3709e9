// Every mesh in every mode, lit by fragment.
#include "shading.glsl"
#ifdef FADE
#include "noise.glsl"
flat in float v_fade;
#endif

#ifndef DEPTH_ONLY
in vec3 v_normal;
#endif
#ifdef VERTEX_COLORS
in vec4 v_color;
#else
flat in vec4 v_color;
#endif
flat in int v_material;
flat in vec4 v_traits;
#ifdef OUT_IDS
flat in ivec2 v_ids;
#endif

#ifndef DEPTH_ONLY
layout(location = 0) out vec4 out_color;
#endif
#ifdef OUT_IDS
layout(location = OUT_IDS) out ivec2 out_ids;
#endif
#ifdef OUT_NORMALS
layout(location = OUT_NORMALS) out vec4 out_normal;
#endif

void main() {
#ifdef FADE
    // Each pixel is one level's or the other's.
    float far = noise(gl_FragCoord.xy);
    if (v_fade < 1.0 ? far < v_fade : far >= v_fade - 1.0) discard;
#endif
#ifdef DEPTH_ONLY
    vec3 normal = vec3(0.0, 1.0, 0.0);
#else
    vec3 normal = normalize(v_normal) * float(sign(v_material));
#endif
    Surface surface = surface_of(abs(v_material) - 1, v_color, v_traits, normal);
#ifdef MASK
    if (surface.alpha < alpha_cutoff(abs(v_material) - 1)) discard;
#endif
#ifndef DEPTH_ONLY
    surface.position = position_of(gl_FragCoord.xyz, gl_FragCoord.w);
    surface.eye = towards_eye(gl_FragCoord.xy);
    out_color = shaded(surface);
#endif
#ifdef OUT_IDS
    out_ids = v_ids;
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(surface.normal, 1.0);
#endif
}
