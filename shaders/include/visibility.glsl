// What decides whether something is drawn: the frustum, and the depth pyramid of what was drawn before.
#include "layout.glsl"
#include "cull.glsl"
#include "transform.glsl"

layout(std430, binding = 0) readonly buffer ItemBlock { Item items[]; };
layout(std430, binding = 1) readonly buffer ChunkBlock { Chunk chunks[]; };
// Counters; then for each chunk how many visible ones come before it; and at the places that `cull` names:
// the visible chunks, the bins' bit masks, where each bin's records start, and what was seen last time, of each
// chunk what was so as meshes, then as splats.
layout(std430, binding = 4) buffer WorkBlock { uint work[]; };
// For each sample the nearest splat's depth and its record; whether each patch of samples has splats; then the
// pyramid's levels, finest first.
layout(std430, binding = 5) buffer ScreenBlock { uint screen[]; };
layout(std430, binding = 5) readonly buffer ScreenQuadBlock { uvec4 screen_quads[]; };

const uint AT_COUNTERS = 0u, AT_BEFORE = 16u;

// Splats are written sample by sample: a grid of so many lies in each pixel.
#ifdef BY_PIXEL
uvec2 grid_of_samples() { return uvec2(1u); }
#else
uvec2 grid_of_samples() { return uvec2(cull.grid & 65535u, cull.grid >> 16u); }
#endif
vec2 size_in_samples() { return cull.picture.xy * vec2(grid_of_samples()); }

#ifdef SWITCHED  // known when compiled: what is switched off costs nothing
#define switched(bits) ((SWITCHED & (bits)) != 0)
#else
bool switched(int bits) { return (int(cull.switches) & bits) != 0; }
#endif

// Whether it lies in the part of the view that another one shows (View.hole); that has no perspective.
bool in_hole(vec3 center, vec2 reach) {
    if (cull.hole.z <= 0.0) return false;
    mat4 m = cull.view_projection;
    vec2 place = (m * vec4(center, 1.0)).xy - cull.hole.xy;
    return all(lessThan(abs(place) + reach, cull.hole.zw));
}

vec2 reach_of(vec3 extent) {
    mat4 m = cull.view_projection;
    return vec2(dot(abs(vec3(m[0].x, m[1].x, m[2].x)), extent), dot(abs(vec3(m[0].y, m[1].y, m[2].y)), extent));
}

bool outside(vec3 center, vec3 extent) {
    vec4 c = vec4(center, 1.0);
    float slack = 1e-6 * (abs(center.x) + abs(center.y) + abs(center.z));
    vec4 planes[6] = vec4[](cull.plane0, cull.plane1, cull.plane2, cull.plane3, cull.plane4, cull.plane5);
    for (int i = 0; i < 6; i++)
        if (dot(planes[i], c) + dot(abs(planes[i].xyz), extent) < -slack) return true;
    return in_hole(center, reach_of(extent));
}

bool outside(vec3 center, float radius) {
    vec4 c = vec4(center, 1.0);
    float slack = 1e-6 * (abs(center.x) + abs(center.y) + abs(center.z)) + radius;
    return min(min(min(dot(cull.plane0, c), dot(cull.plane1, c)), min(dot(cull.plane2, c), dot(cull.plane3, c))),
               min(dot(cull.plane4, c), dot(cull.plane5, c))) < -slack
        || in_hole(center, vec2(radius * cull.hole_scale));
}

// Whether a box, its centre and half axes in clip space, lies behind what the pyramid holds everywhere.
// Grown by a hundredth of a pixel and 2e-7 of depth, which rounding cannot exceed.
bool hidden(vec4 center, vec4 x, vec4 y, vec4 z) {
    bool reversed = switched(SWITCH_REVERSED);
    vec2 low = vec2(1e30), high = vec2(-1e30);
    float nearest = reversed ? 0.0 : 1.0;
    for (int i = 0; i < 8; i++) {
        vec4 p = center + ((i & 1) == 0 ? x : -x) + ((i & 2) == 0 ? y : -y) + ((i & 4) == 0 ? z : -z);
        if (p.w <= 1e-6) return false;
        vec3 q = p.xyz / p.w;
        if (!switched(SWITCH_ZERO_TO_ONE)) q.z = q.z * 0.5 + 0.5;
        low = min(low, q.xy);
        high = max(high, q.xy);
        nearest = reversed ? max(nearest, q.z) : min(nearest, q.z);
    }
    if (reversed ? nearest >= 1.0 : nearest <= 0.0) return false;
    vec2 size = cull.picture.xy;  // numbers too large for an int are clamped first
    ivec2 first = ivec2(clamp((low * 0.5 + 0.5) * size - 0.01, vec2(0.0), size - 1.0)) >> 3;
    ivec2 end = ivec2(clamp((high * 0.5 + 0.5) * size + 0.01, vec2(0.0), size - 1.0)) >> 3;
    uint at = cull.at_pyramid;
    int across = int(cull.tiles_across), down = int(cull.tiles_down);
    while (end.x - first.x > 1 || end.y - first.y > 1) {
        at += uint(across * down);
        across = (across + 1) >> 1;
        down = (down + 1) >> 1;
        first >>= 1;
        end >>= 1;
    }
    float a = uintBitsToFloat(screen[at + uint(first.y * across + first.x)]);
    float b = uintBitsToFloat(screen[at + uint(first.y * across + end.x)]);
    float c = uintBitsToFloat(screen[at + uint(end.y * across + first.x)]);
    float d = uintBitsToFloat(screen[at + uint(end.y * across + end.x)]);
    return reversed ? nearest + 2e-7 < min(min(a, b), min(c, d)) : nearest - 2e-7 > max(max(a, b), max(c, d));
}

vec4 clip_point(vec3 point) { return cull.view_projection * vec4(point, 1.0); }
vec4 clip_vector(vec3 vector) { return cull.view_projection * vec4(vector, 0.0); }

// Bins are laid out bin by bin for each item, so that the scan keeps the order of everything; splats come first.
uint visible_count() { return work[AT_BEFORE + cull.chunk_count]; }
