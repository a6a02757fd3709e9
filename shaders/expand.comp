// Writes a record for each instance: what the vertex shader needs to know of it, and nothing to look up.
// A work group takes a chunk of rows of one item (a batch, or as much of it as lies in one page).
#include "layout.glsl"
#include "motion.glsl"

layout(local_size_x = CHUNK) in;

layout(std430, binding = 0) readonly buffer ItemBlock { Item items[]; };
layout(std430, binding = 1) readonly buffer ChunkBlock { uvec2 chunks[]; };  // item, first row
layout(std430, binding = 2) readonly buffer ColumnBlock { uint words[]; };
layout(std430, binding = 3) writeonly buffer RecordBlock { Record records[]; };

uniform uint first_chunk, chunk_count;

float number(uint at) { return uintBitsToFloat(words[at]); }
vec3 three(uint at) { return vec3(number(at), number(at + 1u), number(at + 2u)); }
vec4 four(uint at) { return vec4(three(at), number(at + 3u)); }

vec3 scale_of(Item item, uint row) {
    if (item.scales == NONE) return vec3(1.0);
    if (item.scale_width == 1u) return vec3(number(item.scales + row));
    return three(item.scales + row * 3u);
}

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    if (group >= chunk_count) return;
    uvec2 chunk = chunks[first_chunk + group];
    Item item = items[chunk.x];
    uint place_in_order = chunk.y + gl_LocalInvocationID.x;
    if (place_in_order >= item.count) return;
    uint row = item.order == NONE ? place_in_order : words[item.order + place_in_order];

    int object = item.object;
    int id = item.ids == NONE ? int(item.first_row + row) : int(words[item.ids + row]);
    Affine transform;
    vec3 place;
    if (item.matrices != NONE) {
        uint at = item.matrices + row * MATRIX_WORDS;
        Affine world = Affine(four(at), four(at + 4u), four(at + 8u));
        place = vec3(world.x.w, world.y.w, world.z.w);
        transform = relative(world, three(at + 12u), item.row0.xyz, item.row1.xyz);
        object = id;
        id = 0;
    } else {
        place = three(item.positions + row * 3u);
        mat3 linear = item.rotations == NONE ? mat3(1.0) : rotation_matrix(four(item.rotations + row * 4u));
        vec3 scale = scale_of(item, row);
        linear = mat3(linear[0] * scale.x, linear[1] * scale.y, linear[2] * scale.z);
        transform = combined(Affine(item.row0, item.row1, item.row2), affine(linear, place));
    }
    transform = moved(transform, item.motion, place, object, id);

    vec4 color = item.tint;
    if (item.colors != NONE) {
        uint at = item.colors + row * 2u;
        color *= vec4(unpackHalf2x16(words[at]), unpackHalf2x16(words[at + 1u]));
    }
    Record record;
    record.row0 = transform.x;
    record.row1 = transform.y;
    record.row2 = transform.z;
    record.color = uvec2(packHalf2x16(color.rg), packHalf2x16(color.ba));
    record.object = object;
    record.id = id;
    records[item.first_record + place_in_order] = record;
}
