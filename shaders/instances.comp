// What is drawn, and how: one work group for each visible chunk, one invocation an instance. Tests each, picks
// its level of detail, and marks it in the bins' bit masks; what is as small as a splat is put among the screen's
// nearest.
#include "visibility.glsl"
#include "choice.glsl"
#if SPLATS
#include "splat.glsl"
#endif

layout(local_size_x = LANES) in;

layout(std430, binding = 7) readonly buffer DispatchBlock { uvec4 dispatches[]; };

uniform uint span, chunk_stop;  // the dispatch's number, and the end of its chunks

shared uint bins[2u * (MAX_BINS + 1u)];  // the last pair is the splats'
shared uint seen[4];
shared uint tally;  // culled, occluded, simplified, splats, seven bits each

const uint CULLED = 1u, OCCLUDED = 1u << 7u, SIMPLIFIED = 1u << 14u, SPLATTED = 1u << 21u;

void test(Item item, uint place, uint index, uint lane) {
    uint word = lane >> 5u, bit = 1u << (lane & 31u);
    uint row = (index - item.first_chunk) * CELL + lane;
    bool there = row < item.count;
    if (!there) row = 0u;
    if (HAS_ORDER) row = words[item.order + row];
    Placed p = placed(item, row);
    Affine m = p.transform;
    vec3 center = transformed(m, item.center.xyz);
    float radius = radius_of(item, m);
    Choice choice = chosen(item, m, center, radius);
    vec3 room = vec3(0.0);
    if (MOTION == MOTION_WIND) room = room_to_bend(center, p.lean, height_of(m, item.span.w));
    bool visible = there && !(switched(SWITCH_CULL) && outside(center, radius + length(room)));
    uint became = visible ? 0u : CULLED;
    bool draws = visible && choice.mesh, splat = visible && choice.splat, now_seen = false;
    uint at_seen = cull.at_seen + index * 4u + word;
#if (SWITCHED & (SWITCH_FIRST | SWITCH_SECOND | SWITCH_KEPT)) != 0
    bool was = (work[at_seen] & bit) != 0u;
#if (SWITCHED & SWITCH_KEPT) != 0
    bool stays = was || (work[at_seen + 2u] & bit) != 0u;
    if (visible && !stays) became = OCCLUDED;
    draws = draws && stays;
    splat = splat && stays;
#elif (SWITCHED & SWITCH_FIRST) != 0
    draws = draws && was && !BLENDED;  // which hides nothing, and all of which is drawn at the end
    splat = false;
#else
    // A splat stays in the sphere, though not in the box.
    vec3 h = choice.splat ? vec3(item.center.w * 1.1) : item.span.xyz;
    mat3 axes = mat3(vec3(m.x.x, m.y.x, m.z.x) * h.x, vec3(m.x.y, m.y.y, m.z.y) * h.y,
                     vec3(m.x.z, m.y.z, m.z.z) * h.z);
    if (MOTION == MOTION_WIND) {
        room += abs(axes[0]) + abs(axes[1]) + abs(axes[2]);
        axes = mat3(room.x, 0.0, 0.0, 0.0, room.y, 0.0, 0.0, 0.0, room.z);
    }
    bool covered = hidden(clip_point(center), clip_vector(axes[0]), clip_vector(axes[1]), clip_vector(axes[2]));
    now_seen = draws && !covered;
    if (visible && covered && !(was && draws && !BLENDED)) became = OCCLUDED;
    splat = splat && !covered;
    draws = now_seen && (!was || BLENDED);
#endif
#endif
    if (became == 0u) {
        if (choice.splat && !choice.mesh) became = SPLATTED;
        else if (choice.level > 0u) became = SIMPLIFIED;
    }

#if SPLATS && (SWITCHED & SWITCH_FIRST) == 0
    if (BLENDED) {
        if (splat) atomicOr(bins[2u * cull.stride + word], bit);
    } else {
        if (MOTION == MOTION_WIND) p.transform = leaning(m, p.lean);
        Print s = print_of(item, p);
        if (!splat) s.center = s.extent = vec2(-1.0);  // of what is flat the centre is no number
        if (printed(s, choice.faded, 0u)) atomicOr(bins[2u * cull.stride + word], bit);
    }
#endif
    bool fades = choice.splat_fades || choice.other != choice.level;
    uint hand = item.hands == 2u && p.mirrored ? 1u : 0u;
    uint first = fades ? item.levels : 0u;
    if (draws) atomicOr(bins[2u * ((first + choice.level) * item.hands + hand) + word], bit);
#if LEVELS
    if (draws && choice.other != choice.level)
        atomicOr(bins[2u * ((first + choice.other) * item.hands + hand) + word], bit);
#endif
#if (SWITCHED & SWITCH_SECOND) != 0
    if (now_seen) atomicOr(seen[word], bit);
    if (splat) atomicOr(seen[word + 2u], bit);
#endif
#if (SWITCHED & SWITCH_FIRST) == 0
    if (there) atomicAdd(tally, became);
#endif
}

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first_turn = dispatches[span].w, turns = work[AT_BEFORE + chunk_stop] - first_turn;
    if (group >= turns) return;
    // llvmpipe gives each thread a run of groups: of two, each begins with near cells and ends with far ones.
    uint halfway = (turns + 1u) / 2u, turn = group < halfway ? 2u * group : 2u * (group - halfway) + 1u;
    uint place = work[cull.at_nearest + first_turn + turn];
    uint index = work[cull.at_visible + place];
#ifndef ONE_ITEM
    Item item = items[chunks[index].item];
#endif
    uint me = gl_LocalInvocationID.x, stride = cull.stride;
    for (uint i = me; i < 2u * (stride + 1u); i += LANES) bins[i] = 0u;
    for (uint i = me; i < 4u; i += LANES) seen[i] = 0u;
    if (me == 0u) tally = 0u;
    barrier();

    for (uint lane = me; lane < CELL; lane += LANES) test(item, place, index, lane);
    barrier();

    for (uint i = me; i < 2u * stride; i += LANES) {
        uint before = work[AT_BEFORE + item.first_chunk];
        uint bin_step = work[AT_BEFORE + item.first_chunk + item.chunk_count] - before;
        uint at = visible_count() + stride * before + (place - before) + (i >> 1u) * bin_step;
        work[cull.at_masks + 2u * at + (i & 1u)] = bins[i];
    }
    for (uint i = me; i < 2u; i += LANES) work[cull.at_masks + 2u * place + i] = bins[2u * stride + i];
#if (SWITCHED & SWITCH_SECOND) != 0
    for (uint i = me; i < 4u; i += LANES) work[cull.at_seen + index * 4u + i] = seen[i];
#endif
#if (SWITCHED & SWITCH_FIRST) == 0
    if (me == 0u) {
        uint all = min(CELL, item.count - (index - item.first_chunk) * CELL);
        uint culled = tally & 127u, occluded = tally >> 7u & 127u, simplified = tally >> 14u & 127u, splats = tally >> 21u;
        if (culled != 0u) atomicAdd(work[AT_COUNTERS + COUNT_CULLED], culled);
        if (occluded != 0u) atomicAdd(work[AT_COUNTERS + COUNT_OCCLUDED], occluded);
        if (simplified != 0u) atomicAdd(work[AT_COUNTERS + COUNT_SIMPLIFIED], simplified);
        if (splats != 0u) atomicAdd(work[AT_COUNTERS + COUNT_SPLATS], splats);
        atomicAdd(work[AT_COUNTERS + COUNT_MESHES], all - culled - occluded - splats);
    }
#endif
}
