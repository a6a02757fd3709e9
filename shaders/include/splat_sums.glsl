// What blended splats added up to in a pixel (sums.py), taken so that it is 0 again.
#ifdef SPLATS
layout(std430, binding = 5) buffer SumBlock { uint sums[]; };
uniform uvec2 size;
uniform float unit;

float taken(uint at) {
    float sum = float(sums[at + 1u]) * 4294967296.0 + float(sums[at]);
    sums[at] = sums[at + 1u] = 0u;
    return sum * unit;
}

// Light and how much is let through; and the weights.
vec4 splats_at(ivec2 pixel, out float weight) {
    uint at = uint(pixel.y) * size.x + uint(pixel.x), hidden = sums[at];
    weight = 0.0;
    if (hidden == 0u) return vec4(0.0, 0.0, 0.0, 1.0);
    sums[at] = 0u;
    at = size.x * size.y + 8u * at;
    weight = taken(at + 6u);
    return vec4(taken(at), taken(at + 2u), taken(at + 4u), exp2(-float(hidden) / SUM_STEPS));
}
#endif
