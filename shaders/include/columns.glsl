// An instance as its columns describe it: one page of them is bound at a time.
#include "look.glsl"
#include "motion.glsl"

// The same words by ones, twos and fours: a read costs the same, however wide.
layout(std430, binding = 2) readonly buffer ColumnBlock { uint words[]; };
layout(std430, binding = 2) readonly buffer ColumnPairBlock { uvec2 pairs[]; };
layout(std430, binding = 2) readonly buffer ColumnQuadBlock { vec4 quads[]; };

#ifdef ONE_ITEM
layout(std140) uniform OneItemBlock { Item item; };  // what is the same for all is read much faster so
#else
#define HAS_MATRICES (item.matrices != NONE)
#define HAS_ROTATIONS (item.rotations != NONE)
#define HAS_COLORS (item.colors != NONE)
#define HAS_IDS (item.ids != NONE)
#define HAS_ORDER (item.order != NONE)
#define BLENDED (item.blended != 0u && switched(SWITCH_BLEND))
#define HAS_MASK (item.mask != NONE && switched(SWITCH_SPLAT) && (!BLENDED || switched(SWITCH_SUM)))
#define SCALE_WIDTH (item.scales == NONE ? 0u : item.scale_width)
#define MOTION int(item.motion.x)
#define LEVELS 1
#define SPLATS 1
#define FACETED 1
#endif

float number(uint at) { return uintBitsToFloat(words[at]); }
vec3 three(uint at) { return vec3(number(at), number(at + 1u), number(at + 2u)); }
vec4 four(uint at) { return vec4(three(at), number(at + 3u)); }

struct Placed {
    Affine transform;  // relative to the origin, motion included but how wind bends it
    vec2 lean;         // by which wind bends it, for its height
    int object, id;
    bool mirrored;
};

vec3 scale_of(Item item, uint row) {
    if (SCALE_WIDTH == 0u) return vec3(1.0);
    if (SCALE_WIDTH == 1u) return vec3(number(item.scales + row));
    return three(item.scales + row * 3u);
}

bool mirrors(vec3 scale) {
    bvec3 negative = lessThan(scale, vec3(0.0));
    return negative.x != (negative.y != negative.z);
}

// A node's mirroring shows in its matrix; a flat one mirrors nothing.
bool mirrors(Affine m) {
    float size = length(m.x.xyz) * length(m.y.xyz) * length(m.z.xyz);
    return dot(m.x.xyz, cross(m.y.xyz, m.z.xyz)) < -1e-6 * size;
}

Placed placed(Item item, uint row) {
    Placed p;
    p.object = item.object;
    p.id = !HAS_IDS ? int(item.first_row + row) : int(words[item.ids + row]);
    if (HAS_MATRICES) {
        uint at = item.matrices + row * MATRIX_WORDS;
        Affine world = Affine(four(at), four(at + 4u), four(at + 8u));
        p.transform = relative(world, three(at + 12u), item.row0.xyz, item.row1.xyz);
        p.object = p.id;
        p.id = 0;
        p.mirrored = mirrors(p.transform);
    } else {
        vec3 place = three(item.positions + row * 3u);
        mat3 linear = !HAS_ROTATIONS ? mat3(1.0) : rotation_matrix(quads[item.rotations / 4u + row]);
        vec3 scale = scale_of(item, row);
        linear = mat3(linear[0] * scale.x, linear[1] * scale.y, linear[2] * scale.z);
        p.transform = combined(Affine(item.row0, item.row1, item.row2), affine(linear, place));
        p.mirrored = mirrors(scale);
    }
    p.lean = vec2(0.0);
    if (MOTION == MOTION_WIND) p.lean = lean_of(p.transform, item.motion, item.span.w, p.object, p.id);
    else if (MOTION != 0) p.transform = moved(p.transform, MOTION, item.motion, p.object, p.id);
    return p;
}

uint material_of(Item item, uint row) { return HAS_MATRICES ? words[item.materials + row] : item.material; }

vec4 color_of(Item item, uint row) {
    if (!HAS_COLORS) return item.tint;
    uvec2 halves = pairs[item.colors / 2u + row];
    return item.tint * vec4(unpackHalf2x16(halves.x), unpackHalf2x16(halves.y));
}
