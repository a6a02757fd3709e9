// Draw commands for what the bins hold, and how many invocations write its records.
#include "visibility.glsl"

layout(local_size_x = CELL) in;

struct Command { uint index_count, instance_count, first_index, base_vertex, first_instance; };

layout(std430, binding = 6) readonly buffer SourceBlock { Source sources[]; };
layout(std430, binding = 7) writeonly buffer CommandBlock { Command commands[]; };

layout(std430, binding = 2) readonly buffer SpanBlock { uvec2 spans[]; };  // first and last + 1 chunk of each
layout(std430, binding = 3) buffer DispatchBlock { uvec4 dispatches[]; };

uniform uint command_count, span_count, max_groups;

// Work groups for these records, one invocation each; then where the records end.
void size_dispatch(uint at, uint start, uint stop) {
    uint groups = (stop - start + CELL - 1u) / CELL, wide = min(groups, max_groups);
    dispatches[at] = uvec4(wide, wide == 0u ? 0u : (groups + wide - 1u) / wide, 1u, start);
    dispatches[at + 1u] = uvec4(0u, 0u, 0u, stop);
}

void main() {
    uint index = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * CELL + gl_LocalInvocationID.x;
    if (index < span_count) {
        uint before = work[AT_BEFORE + spans[index].x], after = work[AT_BEFORE + spans[index].y];
        uint meshes = cull.at_bases + visible_count();
        size_dispatch(span_count + 2u * index, work[meshes + cull.stride * before], work[meshes + cull.stride * after]);
        size_dispatch(3u * span_count + 2u * index, work[cull.at_bases + before], work[cull.at_bases + after]);
    }
    if (index >= command_count) return;
    Source source = sources[index];
    Item item = items[source.item];
    uint first = work[AT_BEFORE + item.first_chunk], stop = work[AT_BEFORE + item.first_chunk + item.chunk_count];
    uint start = 0u, instances = 0u;
    if (stop > first) {
        uint at = visible_count() + cull.stride * first + source.bin * (stop - first);
        start = work[cull.at_bases + at];
        instances = work[cull.at_bases + at + stop - first] - start;
    }
    commands[index] = Command(source.index_count, instances, source.first_index, 0u, start);
    uint high, low;
    umulExtended(instances, source.index_count / 3u, high, low);
    uint before = atomicAdd(work[AT_COUNTERS + COUNT_TRIANGLES], low);
    if (before + low < before) high++;
    atomicAdd(work[AT_COUNTERS + COUNT_TRIANGLES_HIGH], high);
}
