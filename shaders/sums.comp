#define BY_PIXEL
// Blended splats, one invocation each: in each pixel what they send out and let through is added up (sums.py).
#include "visibility.glsl"
#include "groups.glsl"
#include "choice.glsl"
#include "tinted.glsl"
#include "splat.glsl"
#include "splatted.glsl"
#include "soft.glsl"

layout(local_size_x = CELL) in;

layout(std430, binding = 3) readonly buffer RecordBlock { uvec4 records[]; };
layout(std430, binding = 5) buffer SumBlock { uint sums[]; };
layout(std430, binding = 7) readonly buffer DispatchBlock { uvec4 dispatches[]; };

#if SAMPLES > 1
uniform sampler2DMS depths;  // of what is opaque; sample 0 stands for the pixel
#else
uniform sampler2D depths;
#endif
uniform float distance0;   // clip w of what weighs 1
uniform uint entry;        // the dispatch's, in that buffer
uniform uint first_record, stop_record;  // what the records' binding reaches

// In two words, of 64 bits together.
void add(uint at, float amount) {
    if (amount < 1.0) return;
    uint high = uint(amount * (1.0 / 4294967296.0)), low = uint(amount - float(high) * 4294967296.0);
    uint before = atomicAdd(sums[at], low);
    if (before + low < before) high++;
    if (high != 0u) atomicAdd(sums[at + 1u], high);
}

void sum_pixel(Print s, Look look, mat3 turned, float alpha, ivec2 where, float faded) {
    uint texel;
    float depth, w;
    vec2 pixel = vec2(where) + 0.5;
    if (!meets(s, pixel, faded, texel, depth, w)) return;
    float other = texelFetch(depths, where, 0).r;
    if (switched(SWITCH_REVERSED) ? depth <= other : depth >= other) return;
    Surface surface = splatted(look, texel, turned);
    vec2 coordinates = pixel + frame.viewport.xy;
    surface.position = position_of(vec3(coordinates, depth), 1.0 / w);
    surface.eye = towards_eye(coordinates);
    alpha *= clamp(surface.alpha, 0.0, 1.0);
#ifdef SOFT
    alpha *= softened(surface, vec3(coordinates, other));
#endif
    // How much is let through, as a sum of logarithms; where nothing is, more changes nothing.
    uint at = uint(where.y) * uint(cull.picture.x) + uint(where.x);
    if (sums[at] < 1u << 30u) atomicAdd(sums[at], uint(min(-log2(1.0 - alpha), 16.0) * SUM_STEPS + 0.5));
    float near = distance0 / w;
    near *= near;
    float weight = alpha * clamp(near * near * SUM_UNIT, SUM_LEAST, SUM_MOST);
    vec3 light = clamp(shown(surface), 0.0, 1.0) * weight;
    at = uint(cull.picture.x * cull.picture.y) + 8u * at;
    add(at, light.r);
    add(at + 2u, light.g);
    add(at + 4u, light.b);
    add(at + 6u, weight);
}

void main() {
    uint number = group_number() * CELL + gl_LocalInvocationID.x;
    uint record = dispatches[entry].w + number;
    if (record >= dispatches[entry + 1u].w || record < first_record || record >= stop_record) return;
    uint slot = records[(record - first_record) * 4u].x, index = slot / CELL;
#ifndef ONE_ITEM
    Item item = items[chunks[index].item];
#endif
    if (!BLENDED) return;
    uint row = slot - item.first_chunk * CELL;
    if (HAS_ORDER) row = words[item.order + row];
    Placed p = placed(item, row);
    Affine m = p.transform;
    vec3 center = transformed(m, item.center.xyz);
    Choice c = chosen(item, m, center, radius_of(item, m));
    if (MOTION == MOTION_WIND) p.transform = m = leaning(m, p.lean);
    Print s = print_of(item, p);
    Look look = look_from(look_of(item, row, 0u, index, true, 0.0));
    mat3 turned = normals_of(m);
    float alpha = uintBitsToFloat(masks[s.mask + 6u]);
    ivec2 low = ivec2(max(ceil(s.center - s.extent - 0.5), 0.0));
    ivec2 high = ivec2(min(floor(s.center + s.extent - 0.5), cull.picture.xy - 1.0));
    // Blocks of 8x8 pixels: which of them are the splat's, then those one by one; see `printed`.
    for (ivec2 corner = low; corner.y <= high.y && low.x <= high.x;) {
        uvec2 found = uvec2(0u);
        ivec2 last = min(corner + 7, high);
        for (ivec2 where = corner; where.y <= last.y;) {
            int n = (where.y - corner.y) * 8 + where.x - corner.x;
            if (may_cover(s, s.to_mask * (vec2(where) + 0.5 - s.center))) {
                if (n < 32) found.x |= 1u << uint(n);
                else found.y |= 1u << uint(n - 32);
            }
            where.x++;
            if (where.x > last.x) where = ivec2(corner.x, where.y + 1);
        }
        while ((found.x | found.y) != 0u) {
            ivec2 where = corner + next_pixel(found);
            sum_pixel(s, look, turned, alpha, where, c.faded);
        }
        corner.x += 8;
        if (corner.x > high.x) corner = ivec2(low.x, corner.y + 8);
    }
}
