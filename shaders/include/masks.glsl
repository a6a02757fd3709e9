// Masks: small pictures of a model from many directions.
#include "octahedral.glsl"

// Each: (s, t) of its middle and its half extents, in radii of the model; which of 8x8 texels, picked evenly, are
// covered; their mean alpha, and a word; then two words a texel: colour and part, and normal and depth, which is 0 where the model is not.
layout(std430, binding = 6) readonly buffer MaskBlock { uint masks[]; };
layout(std430, binding = 6) readonly buffer MaskQuadBlock { vec4 mask_quads[]; };  // the same words

// The texel at mask coordinates -1..1; of a small splat the nearest of the 8x8.
uint texel_of(vec2 place, bool small) {
    if (small) {
        uvec2 cell = uvec2(clamp((place * 0.5 + 0.5) * 8.0, 0.0, 7.0));
        return (cell.y * 4u + 2u) * MASK_SIDE + cell.x * 4u + 2u;
    }
    uvec2 texel = uvec2(clamp((place * 0.5 + 0.5) * float(MASK_SIDE), 0.0, float(MASK_SIDE) - 1.0));
    return texel.y * MASK_SIDE + texel.x;
}
