// Blended surfaces over what is opaque, from the sums that blend.py and sums.py tell of.
#include "color.glsl"
#include "splat_sums.glsl"

uniform sampler2D light, weights;
uniform ivec2 corner;  // of the viewport
#ifdef ENCODED
uniform sampler2D behind;
#endif

layout(location = 0) out vec4 out_color;

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy) - corner;
    vec4 sum = texelFetch(light, pixel, 0);
    float weight = texelFetch(weights, pixel, 0).r;
#ifdef SPLATS
    float more;
    vec4 splats = splats_at(pixel, more);
    sum = vec4(sum.rgb + splats.rgb, sum.a * splats.a);
    weight += more;
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
