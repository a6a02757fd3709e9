// The surface that a splat shows where a pixel falls on a texel of its mask.
#include "shading.glsl"
#include "masks.glsl"
#include "look.glsl"

// `texel`: where it lies, in words; `turned`: from the mask's normals to the scene's.
Surface splatted(Look look, uint texel, mat3 turned) {
    uint colors = masks[texel], bent = masks[texel + 1u];
    vec3 roots = unpackUnorm4x8(colors).rgb;  // of the vertices' colours
    int row = int(look.material);
    if (look.material != DEBUG_MATERIAL) {
        look.color.rgb *= roots * roots;
        row += int(colors >> 24u) - 1;
    }
    vec3 n = from_octahedral(vec2(bent & 1023u, bent >> 10u & 1023u) / 511.5 - 1.0);
    vec4 base, traits;
    look_up(row, base, traits);
    Surface surface = surface_of(row, look.color * base, traits, normalize(turned * n));
#ifdef TEXTURED
    average(surface, row);
#endif
    return surface;
}
