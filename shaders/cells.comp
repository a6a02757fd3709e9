// Which chunks of instances may be seen. One invocation a chunk; the scan that follows lists those that may.
#include "visibility.glsl"

layout(local_size_x = CELL) in;

void main() {
    uint index = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * CELL + gl_LocalInvocationID.x;
    if (index >= cull.chunk_count) return;
    Chunk chunk = chunks[index];
    Item item = items[chunk.item];
    uint seen = cull.at_seen + index * 4u;
    bool visible = true;
    uint ring = 0u;
    uint why = COUNT_CULLED;
    if (switched(SWITCH_FIRST)) visible = (work[seen] | work[seen + 1u]) != 0u;
    if (visible && switched(SWITCH_CULL) && chunk.center.w >= 0.0) {
        vec3 extent = chunk.span.xyz + item.span.w * chunk.center.w;
        float margin = item.reach + item.sway * chunk.center.w;
        vec3 center;
        if (item.matrices != NONE) {
            center = (chunk.center.xyz + item.row0.xyz) + item.row1.xyz;
        } else {
            center = transformed(Affine(item.row0, item.row1, item.row2), chunk.center.xyz);
            extent = vec3(dot(abs(item.row0.xyz), extent), dot(abs(item.row1.xyz), extent),
                          dot(abs(item.row2.xyz), extent));
        }
        extent = (extent + margin) * 1.0001;
        float away = max(dot(cull.clip_w, vec4(center, 1.0)), 1e-6);
        float pixels = 2.0 * item.center.w * chunk.center.w * item.stretch * cull.picture.z / away;
        ring = uint(clamp(2.0 * (7.0 - log2(max(pixels, 1e-6))), 0.0, float(RINGS - 1u)));
        visible = !outside(center, extent);
        if (visible && switched(SWITCH_SECOND)) {
            mat4 m = cull.view_projection;
            visible = !hidden(clip_point(center), m[0] * extent.x, m[1] * extent.y, m[2] * extent.z);
            why = COUNT_OCCLUDED;
        }
    }
    if (!visible && !switched(SWITCH_FIRST)) {
        // What has just become hidden was drawn in the first phase.
        uint drawn = why == COUNT_OCCLUDED ? uint(bitCount(work[seen]) + bitCount(work[seen + 1u])) : 0u;
        for (uint i = 0u; i < 4u; i++) work[seen + i] = 0u;
        atomicAdd(work[AT_COUNTERS + why], chunk.count - drawn);
    }
    work[AT_BEFORE + index] = uint(visible) | ring << 1u;
}
