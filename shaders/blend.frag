// Blended surfaces over what is opaque, from the sums that blend.py and sums.py tell of.
#include "color.glsl"

uniform sampler2D light, weights;
uniform ivec2 corner;  // of the viewport
#ifdef ENCODED
uniform sampler2D behind;
#endif
#ifdef SPLATS
layout(std430, binding = 5) buffer SumBlock { uint sums[]; };
uniform uvec2 size;
uniform float unit;

float taken(uint at) {
    float sum = float(sums[at + 1u]) * 4294967296.0 + float(sums[at]);
    sums[at] = sums[at + 1u] = 0u;
    return sum * unit;
}
#endif

layout(location = 0) out vec4 out_color;

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy) - corner;
    vec4 sum = texelFetch(light, pixel, 0);
    float weight = texelFetch(weights, pixel, 0).r;
#ifdef SPLATS
    uint at = uint(pixel.y) * size.x + uint(pixel.x), hidden = sums[at];
    if (hidden != 0u) {
        sums[at] = 0u;
        sum.a *= exp2(-float(hidden) / SUM_STEPS);
        at = size.x * size.y + 8u * at;
        sum.rgb += vec3(taken(at), taken(at + 2u), taken(at + 4u));
        weight += taken(at + 6u);
    }
#endif
    if (sum.a == 1.0) discard;
    vec3 color = clamp(sum.rgb / max(weight, 1e-37), 0.0, 1.0);
#ifdef ENCODED
    vec4 under = texelFetch(behind, pixel, 0);
    out_color = vec4(srgb(mix(color, linear(under.rgb), sum.a)), 1.0 - (1.0 - under.a) * sum.a);
#else
    out_color = vec4(color, 1.0 - sum.a);
#endif
}
