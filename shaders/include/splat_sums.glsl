// What blended splats added up to in a pixel (sums.py).
#ifdef SPLATS
layout(std430, binding = 5) readonly buffer SumBlock { uint sums[]; };
uniform uvec2 size;
uniform float unit;

float sum_of(uint at) { return (float(sums[at + 1u]) * 4294967296.0 + float(sums[at])) * unit; }

// Light and how much is let through; and the weights.
vec4 splats_at(ivec2 pixel, out float weight) {
    uint at = uint(pixel.y) * size.x + uint(pixel.x), hidden = sums[at];
    weight = 0.0;
    if (hidden == 0u) return vec4(0.0, 0.0, 0.0, 1.0);
    at = size.x * size.y + 8u * at;
    weight = sum_of(at + 6u);
    return vec4(sum_of(at), sum_of(at + 2u), sum_of(at + 4u), exp2(-float(hidden) / SUM_STEPS));
}
#endif
