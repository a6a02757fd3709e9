// The records of what is drawn as a mesh, one invocation each.
#include "visibility.glsl"
#include "choice.glsl"
#include "tinted.glsl"

layout(local_size_x = CELL) in;

layout(std430, binding = 3) buffer RecordBlock { uvec4 records[]; };
#ifdef EXTRAS
layout(std430, binding = 6) writeonly buffer ExtraBlock { uvec4 extras[]; };
#endif
layout(std430, binding = 7) readonly buffer DispatchBlock { uvec4 dispatches[]; };

uniform uint entry;  // the dispatch's, in that buffer
uniform uint first_record, stop_record;  // what the records' binding reaches

void main() {
    uint number = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * CELL + gl_LocalInvocationID.x;
    uint record = dispatches[entry].w + number;
    if (record >= dispatches[entry + 1u].w || record < first_record || record >= stop_record) return;
    uint at = (record - first_record) * 4u;
    uint slot = records[at].x, index = slot / CELL;
#ifndef ONE_ITEM
    Item item = items[chunks[index].item];
#endif
    uint row = slot - item.first_chunk * CELL;
    if (HAS_ORDER) row = words[item.order + row];
    Placed p = placed(item, row);
    Affine m = p.transform;
    vec3 center = transformed(m, item.center.xyz);
    Choice c = chosen(item, m, center, radius_of(item, m));
    // Its bin is the one whose records it lies among: in order, so searched for by halving.
    uint before = work[AT_BEFORE + item.first_chunk];
    uint step = work[AT_BEFORE + item.first_chunk + item.chunk_count] - before;
    uint first = cull.at_bases + visible_count() + cull.stride * before;
    uint bin = 0u;
    for (uint half_way = 16u; half_way > 0u; half_way >>= 1u)
        if (bin + half_way < cull.stride && work[first + (bin + half_way) * step] <= record) bin += half_way;
    uint kind = bin / item.hands, level = kind % item.levels;
    float fade = 0.0;
    if (kind >= item.levels) {
        bool comes = !c.splat && level == c.level;
        fade = c.faded + float(comes);
    }
    records[at] = floatBitsToUint(m.x);
    records[at + 1u] = floatBitsToUint(m.y);
    records[at + 2u] = floatBitsToUint(m.z);
#ifdef EXTRAS
    float height = height_of(m, item.span.w);
    vec2 lean = height > 0.0 ? p.lean / height : vec2(0.0);
    uint layer = item.layers == NONE ? 0u : uint(clamp(int(words[item.layers + row]), 0, 65535));
    uvec2 offset = item.uv_offsets == NONE ? uvec2(0u) : uvec2(words[item.uv_offsets + 2u * row],
                                                               words[item.uv_offsets + 2u * row + 1u]);
    uint beside = (record - first_record) * EXTRAS;
    uvec2 place = uvec2(ivec2(round(uintBitsToFloat(offset) * 65536.0))) & 0xFFFFFFu;
    extras[beside] = uvec4(floatBitsToUint(lean), place | (uvec2(layer, layer >> 8u) & 255u) << 24u);
    uint customs[4] = uint[](item.custom0, item.custom1, item.custom2, item.custom3);
    for (uint i = 0u; i + 1u < EXTRAS; i++) {
        uint width = item.custom_widths >> 8u * i & 255u;
        uvec4 own = uvec4(0u);
        for (uint k = 0u; k < width; k++) own[k] = words[customs[i] + row * width + k];
        extras[beside + 1u + i] = own;
    }
#endif
    records[at + 3u] = uvec4(look_of(item, row, level, index, false, fade), uint(p.object), uint(p.id));
}
