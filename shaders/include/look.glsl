// What a record says of its instance's looks, in two words: square roots of the linear colour, ten bits each; then
// alpha in 8 bits, how it fades in 6, and the row of its material.
#include "layout.glsl"

struct Look {
    vec4 color;     // linear, and alpha
    uint material;  // a row of the table; that of the model's first part
    float fade;     // 0; or how much of it is there: below 1 as it goes, above 1 as it comes
};

const float FADE_STEPS = 32.0;

// A share in steps that a look can hold.
float stepped(float share) { return share >= 1.0 ? 1.0 : max(floor(share * FADE_STEPS), 1.0) / FADE_STEPS; }

uvec2 words_of(Look look) {
    uvec3 roots = uvec3(sqrt(clamp(look.color.rgb, 0.0, 1.0)) * 1023.0 + 0.5);
    uint alpha = uint(clamp(look.color.a, 0.0, 1.0) * 255.0 + 0.5), fade = uint(look.fade * FADE_STEPS + 0.5);
    return uvec2(roots.r | roots.g << 10u | roots.b << 20u, alpha | fade << 8u | look.material << 14u);
}

Look look_from(uvec2 words) {
    vec3 roots = vec3(words.xxx >> uvec3(0u, 10u, 20u) & 1023u) * (1.0 / 1023.0);
    return Look(vec4(roots * roots, float(words.y & 255u) * (1.0 / 255.0)), words.y >> 14u,
                float(words.y >> 8u & 63u) * (1.0 / FADE_STEPS));
}
