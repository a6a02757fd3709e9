// Point lights, those that reach a fragment's cluster of the view: Olsson, Billeter and Assarsson, "Clustered
// Deferred and Forward Shading", HPG 2012. LIGHTS: words of 32 lights in a cluster's mask.
#ifdef LIGHTS
uniform sampler2D light_table;   // two texels a light: where, 1 / range^2; colour
uniform usampler2D light_masks;  // for each cluster which lights reach it

int lowest_bit(uint bits) { return (floatBitsToInt(float(bits & (~bits + 1u))) >> 23) - 127; }

// KHR_lights_punctual of glTF: inverse square, and a window that ends it at its range.
float attenuation(float squared, float by_range2) {
    float share = squared * by_range2;
    return clamp(1.0 - share * share, 0.0, 1.0) / max(squared, 1e-4);
}

vec3 lamps(Surface s, Reflectance r) {
    vec4 clip = frame.view_projection * vec4(s.position, 1.0);
    vec2 place = (clip.xy / clip.w * 0.5 + 0.5) * vec2(LIGHT_COLUMNS, LIGHT_ROWS);
    float depth = dot(frame.depth, vec4(s.position, 1.0)) + frame.slices.x;
    int slice = clamp(int(log2(max(depth, 1e-9)) * frame.slices.y + frame.slices.z), 0, int(LIGHT_SLICES) - 1);
    ivec2 cell = clamp(ivec2(place), ivec2(0), ivec2(LIGHT_COLUMNS, LIGHT_ROWS) - 1);
    ivec2 at = ivec2(cell.x * LIGHTS, slice * int(LIGHT_ROWS) + cell.y);
    vec3 sum = vec3(0.0);
    for (int word = 0; word < LIGHTS; word++) {
        uint bits = texelFetch(light_masks, at + ivec2(word, 0), 0).r;
        while (bits != 0u) {
            int number = word * 32 + lowest_bit(bits);
            bits &= bits - 1u;
            ivec2 row = ivec2(2 * (number & 63), number >> 6);
            vec4 where = texelFetch(light_table, row, 0);
            vec3 way = where.xyz - s.position;
            float squared = dot(way, way), share = attenuation(squared, where.w);
            if (share > 0.0)
                sum += texelFetch(light_table, row + ivec2(1, 0), 0).rgb
                    * (share * reflected(s, r, way * inversesqrt(max(squared, 1e-12))));
        }
    }
    return sum;
}
#endif
