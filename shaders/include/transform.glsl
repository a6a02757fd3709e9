// The one place where an instance's transform is built, for every mode: different formulas for the same
// transform differ in hundreds of pixels.

struct Affine { vec4 x, y, z; };  // the rows of a 3x4 matrix

vec3 transformed(Affine m, vec3 point) {
    vec4 p = vec4(point, 1.0);
    return vec3(dot(m.x, p), dot(m.y, p), dot(m.z, p));
}

// The cofactor matrix times a normal: the inverse transpose up to a positive factor, for any scale, zero
// included; for a mirroring transform it turns the normal round, which Mesh sides rely on (meshes.py).
vec3 transformed_normal(Affine m, vec3 n) {
    vec3 a = vec3(m.x.x, m.y.x, m.z.x), b = vec3(m.x.y, m.y.y, m.z.y), c = vec3(m.x.z, m.y.z, m.z.z);
    return n.x * cross(b, c) + n.y * cross(c, a) + n.z * cross(a, b);
}

mat3 rotation_matrix(vec4 q) {
    vec3 twice = q.xyz * 2.0;
    vec3 x = q.xyz * twice.x;
    vec2 y = q.yz * twice.y;
    float z = q.z * twice.z;
    vec3 w = twice * q.w;
    return mat3(1.0 - y.x - z, x.y + w.z, x.z - w.y,
                x.y - w.z, 1.0 - x.x - z, y.y + w.x,
                x.z + w.y, y.y - w.x, 1.0 - x.x - y.x);
}

Affine affine(mat3 linear, vec3 position) {
    return Affine(vec4(linear[0].x, linear[1].x, linear[2].x, position.x),
                  vec4(linear[0].y, linear[1].y, linear[2].y, position.y),
                  vec4(linear[0].z, linear[1].z, linear[2].z, position.z));
}

vec4 combined_row(vec4 outer, Affine inner) {
    return outer.x * inner.x + outer.y * inner.y + outer.z * inner.z + vec4(0.0, 0.0, 0.0, outer.w);
}

// `inner`, then `outer`.
Affine combined(Affine outer, Affine inner) {
    return Affine(combined_row(outer.x, inner), combined_row(outer.y, inner), combined_row(outer.z, inner));
}

// A node's matrix: its translation is the sum of a high and a low float, and so is the origin's, so that
// their difference is exact wherever in the world both are.
Affine relative(Affine world, vec3 low, vec3 minus_origin_high, vec3 minus_origin_low) {
    vec3 high = vec3(world.x.w, world.y.w, world.z.w);
    vec3 place = (high + minus_origin_high) + (low + minus_origin_low);
    return Affine(vec4(world.x.xyz, place.x), vec4(world.y.xyz, place.y), vec4(world.z.xyz, place.z));
}
