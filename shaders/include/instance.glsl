// What a vertex shader knows of its instance, whichever way the mode hands it over:
//   RECORDS    attributes that the expansion pass has written (mode "indirect")
//   otherwise  the crowd's or nodes' own columns: attributes (mode "instanced"), or, where INSTANCE is
//              "uniform", values that are set for each object (mode "naive")
#include "look.glsl"
#include "motion.glsl"

struct Instance {
    Affine transform;
    Look look;
    int object, id;
    vec2 lean;  // for the square of a vertex's height
    float layer;
    vec2 uv_offset;
};

#ifdef RECORDS

layout(location = 4) in vec4 record_row0;
layout(location = 5) in vec4 record_row1;
layout(location = 6) in vec4 record_row2;
layout(location = 7) in uvec2 record_look;
#ifdef OUT_IDS
layout(location = 8) in ivec2 record_ids;
#endif
#if defined(WIND) || defined(OFFSET_TEXTURES)
layout(location = 9) in uvec4 record_extra;
#endif

Instance fetched() {
    Instance i;
    i.transform = Affine(record_row0, record_row1, record_row2);
    i.look = look_from(record_look);
#ifdef OUT_IDS
    i.object = record_ids.x;
    i.id = record_ids.y;
#else
    i.object = i.id = 0;
#endif
#ifdef WIND
    i.lean = uintBitsToFloat(record_extra.xy);
#endif
    i.layer = 0.0;
    i.uv_offset = vec2(0.0);
#ifdef OFFSET_TEXTURES
    i.layer = float(record_extra.z >> 24u | record_extra.w >> 24u << 8u);
    i.uv_offset = vec2(ivec2(record_extra.zw << 8u) >> 8) * (1.0 / 65536.0);
#endif
    return i;
}

vec3 instance_normal(Instance i, vec3 normal) { return transformed_normal(i.transform, normal); }

#else

uniform vec4 item_row0, item_row1, item_row2, item_tint, item_motion, item_span;
uniform int item_object, item_first_row, item_material;

#ifdef NODES
INSTANCE vec4 matrix_row0, matrix_row1, matrix_row2;
INSTANCE vec3 matrix_low;
INSTANCE int materials;
#else
INSTANCE vec3 positions;
#endif
#ifdef HAS_ROTATIONS
INSTANCE vec4 rotations;
#endif
#ifdef SCALE_1
INSTANCE float scales;
#endif
#ifdef SCALE_3
INSTANCE vec3 scales;
#endif
#ifdef HAS_COLORS
INSTANCE vec4 colors;
#endif
#ifdef HAS_IDS
INSTANCE int ids;
#endif
#ifdef HAS_LAYER
INSTANCE int layer;
#endif
#ifdef HAS_UV_OFFSET
INSTANCE vec2 uv_offset;
#endif

Instance fetched() {
    Instance i;
    i.object = item_object;
#ifdef HAS_IDS
    i.id = ids;
#else
    i.id = item_first_row + gl_InstanceID;
#endif
#ifdef NODES
    i.object = i.id;
    i.id = 0;
    i.transform = relative(Affine(matrix_row0, matrix_row1, matrix_row2), matrix_low, item_row0.xyz, item_row1.xyz);
#else
#ifdef HAS_ROTATIONS
    mat3 linear = rotation_matrix(rotations);
#else
    mat3 linear = mat3(1.0);
#endif
#ifdef SCALE_1
    linear = mat3(linear[0] * scales, linear[1] * scales, linear[2] * scales);
#endif
#ifdef SCALE_3
    linear = mat3(linear[0] * scales.x, linear[1] * scales.y, linear[2] * scales.z);
#endif
#ifdef TURNED_CROWD
    i.transform = combined(Affine(item_row0, item_row1, item_row2), affine(linear, positions));
#else
    i.transform = affine(linear, positions + vec3(item_row0.w, item_row1.w, item_row2.w));
#endif
#endif
#ifdef MOTION
    i.transform = moved(i.transform, int(item_motion.x), item_motion, i.object, i.id);
#endif
#ifdef WIND
    i.lean = lean_of(i.transform, item_motion, item_span.w, i.object, i.id);
    float height = height_of(i.transform, item_span.w);
    i.lean = height > 0.0 ? i.lean / height : vec2(0.0);
#endif
    i.look = Look(item_tint, uint(item_material), 0.0);
#ifdef HAS_COLORS
    i.look.color *= colors;
#endif
    i.layer = 0.0;
    i.uv_offset = vec2(0.0);
#ifdef HAS_LAYER
    i.layer = float(layer);
#endif
#ifdef HAS_UV_OFFSET
    i.uv_offset = uv_offset;
#endif
#if defined(NODES) && !defined(PAINTED)
    i.look.material = uint(materials);
#endif
    return i;
}

#ifdef ONE_HAND
// -1 where the instance mirrors. By the signs of its scales, as on the CPU: the determinant of a flat one has
// none to go by. Of a node there is only the matrix; where that is flat, it does not mirror.
float instance_hand(Instance i) {
#ifdef NODES
    Affine m = i.transform;
    float size = length(m.x.xyz) * length(m.y.xyz) * length(m.z.xyz);
    return dot(m.x.xyz, cross(m.y.xyz, m.z.xyz)) < -1e-6 * size ? -1.0 : 1.0;
#elif defined(SCALE_3)
    bvec3 negative = lessThan(scales, vec3(0.0));
    return negative.x != (negative.y != negative.z) ? -1.0 : 1.0;
#else
    return scales < 0.0 ? -1.0 : 1.0;
#endif
}
#endif

#if defined(NODES) || defined(SCALE_3) || defined(TURNED_CROWD) || defined(WIND)
vec3 instance_normal(Instance i, vec3 normal) { return transformed_normal(i.transform, normal); }
#else
// One scale for all axes: the cofactor matrix is the rotation times its square.
vec3 instance_normal(Instance i, vec3 normal) {
#ifdef HAS_ROTATIONS
    return rotation_matrix(rotations) * normal;
#else
    return normal;
#endif
}
#endif

#endif
