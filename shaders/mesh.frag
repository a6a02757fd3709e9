// Every mesh in every mode, lit by fragment.
#include "shading.glsl"
#include "textured.glsl"
#ifdef FADE
#include "noise.glsl"
flat in float v_fade;
#endif

in vec3 v_place;  // metres, relative to the origin
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
#ifdef HASH
#include "thresholds.glsl"
in vec3 v_local;
#endif
#ifdef SOFT
#include "soft.glsl"
uniform sampler2D soft_depths;  // of what is opaque
#endif
#ifdef TEXTURED
in vec2 v_uv;
flat in float v_layer;
#endif
#ifdef OUT_IDS
flat in ivec2 v_ids;
#endif

#ifndef DEPTH_ONLY
layout(location = 0) out vec4 out_color;
#endif
#ifdef SUMMED
layout(location = 1) out vec4 out_weight;
#endif
#ifdef OUT_IDS
layout(location = OUT_IDS) out ivec2 out_ids;
#endif
#ifdef OUT_NORMALS
layout(location = OUT_NORMALS) out vec4 out_normal;
#endif

#include "custom_columns.frag"
#include "custom.frag"

void main() {
    vec3 position = v_place;
#ifdef TEXTURED
    // Before anything is discarded: of pixels that are gone there are no differences.
    Place place = Place(v_uv, dFdx(v_uv), dFdy(v_uv));
    vec3 along_x = dFdx(position), along_y = dFdy(position);
#endif
#ifdef HASH
    float least = threshold(v_local, dFdx(v_local), dFdy(v_local));
#endif
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
    surface.position = position;
    surface.eye = normalize(frame.eye.xyz - position * frame.eye.w);
#ifdef TEXTURED
    textured(surface, abs(v_material) - 1, float(sign(v_material)), place, along_x, along_y, v_layer);
#endif
#ifdef CUSTOM
    fetch_columns();
#endif
#ifdef SHADES_SURFACE
    shade_surface(surface);
#endif
#ifdef MASK
    float above = surface.alpha - alpha_cutoff(abs(v_material) - 1);
#ifdef COVERAGE
    // Alpha becomes coverage, an edge one pixel wide: Golus, "Anti-aliased Alpha Test: The Esoteric Alpha To
    // Coverage", 2017.
    float coverage = clamp(above / max(fwidth(surface.alpha), 1e-4) + 0.5, 0.0, 1.0);
    if (coverage <= 0.0) discard;
#else
    if (above < 0.0) discard;
#endif
#endif
#ifdef HASH
#ifdef COVERAGE  // of the samples a share, which the driver finds
    float coverage = min(floor(surface.alpha * float(COVERAGE) + least) / float(COVERAGE), 1.0);
    if (coverage <= 0.0) discard;
#else
    if (surface.alpha < least) discard;
#endif
#endif
#ifndef DEPTH_ONLY
#ifdef SUMMED
    // The nearer the more it counts (blend.py); what shines through is not weighted.
    surface.alpha = clamp(surface.alpha, 0.0, 1.0);
#ifdef SOFT
    float behind = texelFetch(soft_depths, ivec2(gl_FragCoord.xy - frame.viewport.xy), 0).r;
    surface.alpha *= softened(surface, vec3(gl_FragCoord.xy, behind));
#endif
#ifdef SORTED
    float weight = surface.alpha;
#else
    float near = gl_FragCoord.w * gl_FragCoord.w, weight = clamp(near * near, 1e-20, 1e12) * surface.alpha;
#endif
    out_color = vec4(clamp(shown(surface), 0.0, 1.0) * weight, surface.alpha);
    out_weight = vec4(weight, 0.0, 0.0, surface.alpha);
#elif defined(OVER)
    out_color = vec4(shaded(surface).rgb, clamp(surface.alpha, 0.0, 1.0));
#else
    out_color = shaded(surface);
#if defined(COVERAGE) && (defined(MASK) || defined(HASH))
    out_color.a = coverage;
#endif
#endif
#endif
#ifdef OUT_IDS
    out_ids = v_ids;
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(surface.normal, 1.0);
#endif
}
