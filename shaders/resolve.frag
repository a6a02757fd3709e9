// Many samples to one: colours are averaged in linear light, everything else is sample 0's.
#include "color.glsl"
#include "splat_sums.glsl"

uniform sampler2DMS samples_color;
uniform sampler2DMS samples_depth;
#ifdef BLENDED
uniform sampler2DMS samples_light, samples_weights;  // see blend.py
#endif
layout(location = 0) out vec4 out_color;
#ifdef OUT_IDS
uniform isampler2DMS samples_ids;
layout(location = OUT_IDS) out ivec2 out_ids;
#endif
#ifdef OUT_NORMALS
uniform sampler2DMS samples_normals;
layout(location = OUT_NORMALS) out vec4 out_normal;
#endif

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    vec4 sum = vec4(0.0);
    bool uniform_color = true;
    vec4 first = texelFetch(samples_color, pixel, 0), splats = vec4(0.0, 0.0, 0.0, 1.0);
    float more = 0.0;
#ifdef SPLATS
    splats = splats_at(pixel, more);
#endif
    for (int i = 0; i < SAMPLES; i++) {
        vec4 one = texelFetch(samples_color, pixel, i);
        uniform_color = uniform_color && one == first;
        vec4 light = vec4(linear(one.rgb), one.a);
#ifdef BLENDED
        vec4 over = texelFetch(samples_light, pixel, i);
        over = vec4(over.rgb + splats.rgb, over.a * splats.a);
        float weight = max(texelFetch(samples_weights, pixel, i).r + more, 1e-37);
        uniform_color = uniform_color && over.a == 1.0;
        light = vec4(mix(clamp(over.rgb / weight, 0.0, 1.0), light.rgb, over.a), 1.0 - (1.0 - one.a) * over.a);
#endif
        sum += light;
    }
    sum /= float(SAMPLES);
    out_color = uniform_color ? first : vec4(srgb(sum.rgb), sum.a);
    gl_FragDepth = texelFetch(samples_depth, pixel, 0).r;
#ifdef OUT_IDS
    out_ids = texelFetch(samples_ids, pixel, 0).rg;
#endif
#ifdef OUT_NORMALS
    out_normal = texelFetch(samples_normals, pixel, 0);
#endif
}
