// Masks: small pictures of a model from many directions.
#include "octahedral.glsl"

// Each: (s, t) of its middle and its half extents, in radii of the model; a row of bits a word; two words a
// texel: colour, and normal and depth.
layout(std430, binding = 6) readonly buffer MaskBlock { uint masks[]; };
layout(std430, binding = 6) readonly buffer MaskQuadBlock { vec4 mask_windows[]; };  // the same words

uint texel_of(vec2 place) {
    uvec2 texel = uvec2(clamp((place * 0.5 + 0.5) * float(MASK_SIDE), 0.0, float(MASK_SIDE) - 1.0));
    return texel.y * MASK_SIDE + texel.x;
}
