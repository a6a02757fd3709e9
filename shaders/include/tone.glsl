// How light brighter than white is brought into the picture.
#if TONE == 1
// Khronos PBR Neutral, 2024: colours below 0.8 stay what they are, but for the 0.04 that surfaces mirror.
vec3 toned(vec3 color) {
    const float start = 0.8 - 0.04, desaturation = 0.15, span = 1.0 - start;
    float low = min(color.r, min(color.g, color.b));
    color -= low < 0.08 ? low - 6.25 * low * low : 0.04;
    float peak = max(color.r, max(color.g, color.b));
    if (peak < start) return color;
    float lowered = 1.0 - span * span / (peak + span - start);
    return mix(vec3(lowered), color * (lowered / peak), 1.0 / (desaturation * (peak - lowered) + 1.0));
}
#elif TONE == 2
// Hill's fit of ACES, of the reference transform and the transform for sRGB displays, 2016.
vec3 toned(vec3 color) {
    const mat3 enter = mat3(0.59719, 0.07600, 0.02840, 0.35458, 0.90834, 0.13383, 0.04823, 0.01566, 0.83777);
    const mat3 leave = mat3(1.60475, -0.10208, -0.00327, -0.53108, 1.10813, -0.07276, -0.07367, -0.00605, 1.07602);
    vec3 v = enter * min(color, vec3(1e6));
    return leave * ((v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081));
}
#else
#define toned(color) (color)
#endif
