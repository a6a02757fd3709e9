// Unit vectors on a square: Cigolle et al., "A Survey of Efficient Representations for Independent Unit
// Vectors", JCGT 3(2), 2014.
vec2 signs(vec2 v) { return vec2(v.x < 0.0 ? -1.0 : 1.0, v.y < 0.0 ? -1.0 : 1.0); }

vec2 octahedral(vec3 v) {
    vec2 p = v.xy / (abs(v.x) + abs(v.y) + abs(v.z));
    return v.z < 0.0 ? (1.0 - abs(p.yx)) * signs(p) : p;
}

vec3 from_octahedral(vec2 p) {
    vec3 v = vec3(p, 1.0 - abs(p.x) - abs(p.y));
    if (v.z < 0.0) v.xy = (1.0 - abs(v.yx)) * signs(v.xy);
    return normalize(v);
}

// The directions from which masks are made: the middles of a grid on that square.
vec3 mask_direction(uvec2 cell) { return from_octahedral((vec2(cell) + 0.5) * (2.0 / float(MASK_GRID)) - 1.0); }

// What is up in a mask made from `direction`.
vec3 mask_up(vec3 direction) {
    vec3 up = abs(direction.y) > 0.9 ? vec3(0.0, 0.0, 1.0) : vec3(0.0, 1.0, 0.0);
    return normalize(up - direction * dot(up, direction));
}
