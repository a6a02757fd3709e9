// The splats that were among the nearest, one invocation each: they take the pixels that are theirs, and are written
// as they are shaded.
#define OWNERS
#include "visibility.glsl"
#include "groups.glsl"
#include "choice.glsl"
#include "tinted.glsl"
#include "splat.glsl"

layout(local_size_x = CELL) in;

layout(std430, binding = 3) buffer RecordBlock { uvec4 records[]; };
layout(std430, binding = 7) readonly buffer DispatchBlock { uvec4 dispatches[]; };

uniform uint entry;  // the dispatch's, in that buffer
uniform uint first_record, stop_record;  // what the records' binding reaches

void main() {
    uint number = group_number() * CELL + gl_LocalInvocationID.x;
    uint record = dispatches[entry].w + number;
    if (record >= dispatches[entry + 1u].w || record < first_record || record >= stop_record) return;
    uint at = (record - first_record) * 4u;
    uint slot = records[at].x, index = slot / CELL;
#ifndef ONE_ITEM
    Item item = items[chunks[index].item];
#endif
    uint row = slot - item.first_chunk * CELL;
    if (HAS_ORDER) row = words[item.order + row];
    if (BLENDED) return;
    Placed p = placed(item, row);
    Affine m = p.transform;
    vec3 center = transformed(m, item.center.xyz);
    Choice c = chosen(item, m, center, radius_of(item, m));
    if (MOTION == MOTION_WIND) p.transform = m = leaning(m, p.lean);
    Print s = print_of(item, p);
    printed(s, c.faded, record);
    mat3 turned = normals_of(p.transform);
    vec3 x = turned[0], y = turned[1], z = turned[2];
    records[at] = floatBitsToUint(vec4(s.to_mask[0], s.to_mask[1]));
    records[at + 1u] = uvec4(floatBitsToUint(s.center), look_of(item, row, 0u, index, true, 0.0));
    records[at + 2u] = uvec4(uint(p.object), uint(p.id), s.mask + MASK_HEADER | uint(s.small), packHalf2x16(x.xy));
    records[at + 3u] = uvec4(packHalf2x16(vec2(x.z, y.x)), packHalf2x16(y.yz), packHalf2x16(z.xy),
                             packHalf2x16(vec2(z.z, 0.0)));
}
