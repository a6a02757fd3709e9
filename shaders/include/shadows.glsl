// How much of the sun's light reaches a place: cascades of depth maps, side by side in one texture (shadows.py).
#include "layout.glsl"
#include "shadow_block.glsl"

#ifdef CASCADES
uniform sampler2DShadow shadow_maps;

// Bilinear comparisons at four places that make a tent of 3x3 texels: Castano, "Shadow Mapping Summary", The Witness
// blog, 2013.
float filtered(vec2 place, float depth, vec2 corner, vec2 limit, vec2 texel) {
    vec2 at = place / texel, whole = floor(at + 0.5), part = at + 0.5 - whole;
    vec2 w0 = 3.0 - 2.0 * part, w1 = 1.0 + 2.0 * part;
    vec2 first = (whole + (2.0 - part) / w0 - 1.5) * texel, second = (whole + part / w1 + 0.5) * texel;
    first = clamp(first, corner, limit);
    second = clamp(second, corner, limit);
    float sum = w0.x * w0.y * texture(shadow_maps, vec3(first, depth));
    sum += w1.x * w0.y * texture(shadow_maps, vec3(second.x, first.y, depth));
    sum += w0.x * w1.y * texture(shadow_maps, vec3(first.x, second.y, depth));
    sum += w1.x * w1.y * texture(shadow_maps, vec3(second, depth));
    return sum * (1.0 / 16.0);
}

vec4 cascade(int number) {
    return number == 0 ? shadow.map0 : number == 1 ? shadow.map1 : number == 2 ? shadow.map2 : shadow.map3;
}

// `normal` is turned to the sun. Places are moved along it, by what a texel may be wrong: so a surface neither shadows
// itself nor stands off its shadow by more.
float sunlight(vec3 position, vec3 normal, float facing) {
    mat3 turn = transpose(mat3(shadow.across.xyz, shadow.up.xyz, shadow.toward.xyz));
    vec3 place = turn * position, aside = turn * normal;
    float slant = sqrt(max(1.0 - facing * facing, 0.0));
    for (int number = 0; number < CASCADES; number++) {
        vec4 map = cascade(number);
        float texel = shadow.texels[number];
        vec3 q = (place + aside * (texel * (0.6 + 2.0 * slant)) - map.xyz) * map.w;
        float edge = max(max(abs(q.x), abs(q.y)), -q.z);
        if (edge >= 0.98) continue;
        vec2 tile = shadow.atlas.xy, corner = vec2(number & 1, number >> 1) * tile, step = texel * map.w * 0.5 * tile;
        float depth = clamp(q.z * shadow.atlas.z + shadow.atlas.w, 0.0, 1.0);
        float lit = filtered(corner + (q.xy * 0.5 + 0.5) * tile, depth, corner + step, corner + tile - step, step);
        // The last one ends softly.
        return number == CASCADES - 1 ? mix(lit, 1.0, smoothstep(0.85, 0.98, edge)) : lit;
    }
    return 1.0;
}
#endif
