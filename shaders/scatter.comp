// Which instance each record is of: the bits of the bins' masks, one invocation for each visible chunk. The number
// of the instance among all, cell by cell, stands in the record's first word until the record is written.
#include "visibility.glsl"

layout(local_size_x = CELL) in;

layout(std430, binding = 3) writeonly buffer RecordBlock { uvec4 records[]; };

uniform uint first_record, stop_record;  // what the records' binding reaches

void scatter(uint at, uint index) {
    uint low = work[cull.at_masks + 2u * at], high = work[cull.at_masks + 2u * at + 1u];
    uint record = work[cull.at_bases + at];
    for (; (low | high) != 0u; record++) {
        uint lane = low != 0u ? uint(findLSB(low)) : uint(findLSB(high)) + 32u;
        if (low != 0u) low &= low - 1u;
        else high &= high - 1u;
        if (record >= first_record && record < stop_record) records[(record - first_record) * 4u].x = index * CELL + lane;
    }
}

void main() {
    uint place = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * CELL + gl_LocalInvocationID.x;
    if (place >= visible_count()) return;
    uint index = work[cull.at_visible + place];
    uint item = chunks[index].item, first = items[item].first_chunk;
    uint before = work[AT_BEFORE + first], step = work[AT_BEFORE + first + items[item].chunk_count] - before;
    uint at = visible_count() + cull.stride * before + (place - before);
    scatter(place, index);
    for (uint b = 0u; b < cull.stride; b++) scatter(at + b * step, index);
}
