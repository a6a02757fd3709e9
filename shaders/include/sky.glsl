// The sky, looked up in a table that sky.py made for the height of the sun.
#if defined(SKY) || defined(FOG_SKY)
uniform sampler2D sky_table;

// The light from `direction`, a unit vector, without the sun's disc.
vec3 sky_light(vec3 direction) {
    vec3 sun = frame.sun_direction.xyz;
    float level = length(direction.xz) * length(sun.xz);
    float across = level < 1e-6 ? 0.0 : clamp(dot(direction.xz, sun.xz) / level, -1.0, 1.0);
    float half_up = float(SKY_UP / 2u);
    float row = half_up + (direction.y < 0.0 ? -1.0 : 1.0) * (0.5 + sqrt(abs(direction.y)) * (half_up - 1.0));
    vec2 place = vec2(0.5 + (0.5 - 0.5 * across) * float(SKY_ACROSS - 1u), row)
        / vec2(float(SKY_ACROSS), float(2u * SKY_UP));
    vec3 clear = texture(sky_table, place).rgb, haze = texture(sky_table, place + vec2(0.0, 0.5)).rgb;
    // Cornette and Shanks, 1992
    const float g = HAZE_FORWARD;
    float cosine = dot(direction, sun), around = 1.0 + g * g - 2.0 * g * cosine;
    float phase = 0.1193662 * (1.0 - g * g) / (2.0 + g * g) * (1.0 + cosine * cosine) / (around * sqrt(around));
    return clear + haze * phase;
}
#endif
