// Sums of all that comes before, in place: how the lists of what is visible stay in order. One work group.
// CHUNKS: lists the visible chunks and sizes the passes that follow; otherwise: where the bins' records start.
#include "visibility.glsl"

layout(local_size_x = SCAN) in;

layout(std430, binding = 7) buffer DispatchBlock { uvec4 dispatches[]; };  // x, y, z groups; first visible chunk

shared uint sums[SCAN];

#ifdef CHUNKS
layout(std430, binding = 6) readonly buffer SpanBlock { uvec2 spans[]; };  // first and last + 1 chunk of each
uniform uint span_count, max_groups;
shared uint rings[RINGS * MAX_SORTED];
uint value(uint i) { return work[AT_BEFORE + i] & 1u; }
void put(uint i, uint before, uint own) {
    uint ring = work[AT_BEFORE + i] >> 1u;
    work[AT_BEFORE + i] = before;
    if (own == 0u) return;
    work[cull.at_visible + before] = i;
    work[cull.at_nearest + before] = before;
    if (span_count > MAX_SORTED) return;
    uint ringed = chunks[i].dispatch * RINGS + ring;
    work[cull.at_bases + before] = ringed;  // which the other scan overwrites
    atomicAdd(rings[ringed], 1u);
}

// The visible chunks of each span sorted by how large their instances are: splats that come early are seldom
// overwritten. The order in which they are looked at decides nothing else.
void sort_by_size(uint me, uint count) {
    const uint each = (RINGS * MAX_SORTED + SCAN - 1u) / SCAN;
    uint sum = 0u;
    for (uint i = 0u; i < each; i++) sum += rings[me * each + i];
    barrier();
    sums[me] = sum;
    for (uint step = 1u; step < SCAN; step <<= 1u) {
        barrier();
        uint other = me >= step ? sums[me - step] : 0u;
        barrier();
        sums[me] += other;
    }
    uint start = sums[me] - sum;
    for (uint i = 0u; i < each; i++) {
        uint own = rings[me * each + i];
        rings[me * each + i] = start;
        start += own;
    }
    barrier();
    for (uint i = me; i < count; i += SCAN)
        work[cull.at_nearest + atomicAdd(rings[work[cull.at_bases + i]], 1u)] = i;
}
#else
uint value(uint i) {
    uint at = cull.at_masks + i * 2u;
    return bitCount(work[at]) + bitCount(work[at + 1u]);
}
void put(uint i, uint before, uint own) { work[cull.at_bases + i] = before; }
#endif

void main() {
#ifdef CHUNKS
    uint count = cull.chunk_count;
#else
    uint count = visible_count() * (cull.stride + 1u);
#endif
    uint me = gl_LocalInvocationID.x, run = (count + SCAN - 1u) / SCAN;
    uint first = min(me * run, count), stop = min(first + run, count);
    uint sum = 0u;
    for (uint i = first; i < stop; i++) sum += value(i);
    sums[me] = sum;
    for (uint step = 1u; step < SCAN; step <<= 1u) {
        barrier();
        uint other = me >= step ? sums[me - step] : 0u;
        barrier();
        sums[me] += other;
    }
    barrier();
    uint before = sums[me] - sum;
#ifdef CHUNKS
    for (uint i = me; i < RINGS * MAX_SORTED; i += SCAN) rings[i] = 0u;
    barrier();
#endif
    for (uint i = first; i < stop; i++) {
        uint own = value(i);
        put(i, before, own);
        before += own;
    }
    if (me == SCAN - 1u) {
#ifdef CHUNKS
        work[AT_BEFORE + count] = before;
#else
        work[cull.at_bases + count] = before;
        work[AT_COUNTERS + COUNT_TOTAL] = before;
#endif
    }
#ifdef CHUNKS
    memoryBarrierBuffer();
    barrier();
    if (span_count <= MAX_SORTED) sort_by_size(me, work[AT_BEFORE + count]);
    for (uint i = me; i < span_count; i += SCAN) {
        uint start = work[AT_BEFORE + spans[i].x], groups = work[AT_BEFORE + spans[i].y] - start;
        uint wide = min(groups, max_groups);
        dispatches[i] = uvec4(wide, wide == 0u ? 0u : (groups + wide - 1u) / wide, 1u, start);
    }
#endif
}
