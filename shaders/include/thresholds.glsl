// Alphas below which a pixel of what is cut out by chance is not there: Wyman and McGuire, "Hashed Alpha Testing",
// I3D 2017. They lie still on the surface and are as fine as the picture; each alpha is there in its share of pixels.
#include "hash.glsl"

float threshold_in(vec3 cell) {
    uvec3 c = uvec3(ivec3(cell));
    return float(hashed(c.x ^ hashed(c.y ^ hashed(c.z))) >> 8u) / 16777216.0;
}

// `place` on the surface, in the mesh's own space; `along_x` and `along_y`: to the next pixels.
float threshold(vec3 place, vec3 along_x, vec3 along_y) {
    // Two lattices, each a power of two fine, and how far the one is between them that is as fine as pixels.
    float fine = -0.5 * log2(max(max(dot(along_x, along_x), dot(along_y, along_y)), 1e-30));
    float coarser = floor(fine), share = fine - coarser;
    float mixed = mix(threshold_in(floor(exp2(coarser) * place)), threshold_in(floor(exp2(coarser + 1.0) * place)), share);
    // Spread evenly again, as each of them was.
    float less = min(share, 1.0 - share), more = 1.0 - less;
    float end = mixed < more ? mixed : 1.0 - mixed;
    float even = end < less ? end * end / (2.0 * less * more) : (end - 0.5 * less) / more;
    return clamp(mixed < more ? even : 1.0 - even, 1e-6, 1.0);
}
