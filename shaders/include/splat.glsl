// Splats: instances of a few pixels, written pixel by pixel from their model's masks. A pixel is covered where
// its centre falls on a covered texel: the rasteriser's own rule, so what is smaller than a pixel is right on
// average. Where a pixel has many samples, a grid of as many takes the place of pixels all through.
#include "columns.glsl"
#include "masks.glsl"
#include "noise.glsl"

struct Print {  // a splat on its way to the screen
    vec2 center;   // pixels
    mat2 to_mask;  // pixels from there to mask coordinates -1..1
    vec2 extent;   // half the box around it, pixels
    vec2 z, w;     // clip z and w at the centre, and what a texel's depth, -1..1, adds
    vec4 slope;    // clip z and w for each mask coordinate
#if FACETED
    vec4 window;                   // the mask's middle and half extents, in radii
    mat3 seen_from, made_from;     // right, up and towards the eye, of now and of when the mask was made
#endif
    uint mask;     // where its mask starts
    bool small;    // of no more than 8x8 pixels
    uvec2 cells;   // which of the mask's 8x8 are covered
    uint first_key;  // of no less depth than any pixel of it
};

float largest(vec3 v) { return max(v.x, max(v.y, v.z)); }

uint key_of(float depth) { return switched(SWITCH_REVERSED) ? ~floatBitsToUint(depth) : floatBitsToUint(depth); }

Print print_of(Item item, Placed p) {
    Affine m = p.transform;
    vec3 center = transformed(m, item.center.xyz);
    vec3 towards = frame.eye.w == 0.0 ? frame.eye.xyz : frame.eye.xyz - center;
    // Through the inverse of the linear part, up to a factor, to the model's space.
    vec3 a = vec3(m.x.x, m.y.x, m.z.x), b = vec3(m.x.y, m.y.y, m.z.y), c = vec3(m.x.z, m.y.z, m.z.z);
    // Of lengths around 1, whose products float32 has room for.
    float unit = 1.0 / largest(abs(a) + abs(b) + abs(c));
    vec3 a1 = a * unit, b1 = b * unit, c1 = c * unit, bc = cross(b1, c1);
    towards /= largest(abs(towards));
    vec3 d = vec3(dot(bc, towards), dot(cross(c1, a1), towards), dot(cross(a1, b1), towards));
    d = normalize(dot(a1, bc) < 0.0 ? -d : d);

    // The mask made nearest that direction; which is nearest differs a little from instance to instance, so that a
    // field does not change over all at once.
    vec2 at = (octahedral(d) + 1.0) * (0.5 * float(MASK_GRID)) - 0.5;
    vec2 dicey = dice(p.object, p.id).xy;
    uvec2 cell = uvec2(clamp(floor(at + 0.5 + 0.3 * (dicey - 0.5)), 0.0, float(MASK_GRID - 1u)));
    vec3 from = mask_direction(cell);
    Print s;
    s.mask = item.mask + (cell.y * MASK_GRID + cell.x) * MASK_WORDS;
    vec4 window = mask_quads[s.mask / 4u];
    s.cells = floatBitsToUint(mask_quads[s.mask / 4u + 1u].xy);

    vec3 up = mask_up(from);
    up = normalize(up - d * dot(up, d));
    vec3 right = cross(up, d);
    vec3 middle = item.center.xyz + (right * window.x + up * window.y) * item.center.w;
#if FACETED
    vec3 made_up = mask_up(from);
    s.window = window;
    s.seen_from = mat3(right, up, d);
    s.made_from = mat3(cross(made_up, from), made_up, from);
#endif
    right *= item.center.w * window.z;
    up *= item.center.w * window.w;
    d *= item.center.w;
    mat4 vp = frame.view_projection;
    vec4 place = vec4(transformed(m, middle), 1.0), o = vp * place;
    vec4 x = vp * vec4(a * right.x + b * right.y + c * right.z, 0.0);
    vec4 y = vp * vec4(a * up.x + b * up.y + c * up.z, 0.0);
    vec4 z = vp * vec4(a * d.x + b * d.y + c * d.z, 0.0);
    vec2 half_size = size_in_samples() * 0.5, ndc = o.xy / o.w;
    s.center = (ndc + 1.0) * half_size;
    vec2 dx = (x.xy - ndc * x.w) / o.w * half_size, dy = (y.xy - ndc * y.w) / o.w * half_size;
    float determinant = dx.x * dy.y - dx.y * dy.x;
    s.to_mask = mat2(dy.y, -dx.y, -dy.x, dx.x) / determinant;
    s.extent = determinant == 0.0 ? vec2(-1.0) : abs(dx) + abs(dy);
    s.small = max(s.extent.x, s.extent.y) < 3.5;
    s.z = vec2(o.z, z.z);
    s.w = vec2(o.w, z.w);
    s.slope = vec4(x.z, x.w, y.z, y.w);
    // Nearer than the nearest corner of a box around it.
    float w = max(o.w - abs(z.w) - abs(x.w) - abs(y.w), 1e-30), near = o.z / o.w;
    float reach = (abs(z.z - near * z.w) + abs(x.z - near * x.w) + abs(y.z - near * y.w)) / w;
    // Far away, with depths as OpenGL's default has them, that is less than what rounding makes of the sums.
    float rounding = (dot(abs(vec4(vp[0].z, vp[1].z, vp[2].z, vp[3].z)), abs(place)) + abs(o.z)) * 1e-6 / w;
    reach = reach * 1.25 + rounding;
    near = switched(SWITCH_REVERSED) ? near + reach : near - reach;
    if (!switched(SWITCH_ZERO_TO_ONE)) near = near * 0.5 + 0.5;
    s.first_key = key_of(clamp(near, 0.0, 1.0));
    return s;
}

// From the mask's normals to the scene's; of length one or so, for the halfs.
mat3 normals_of(Affine m) {
    float unit = 1.0 / largest(abs(m.x.xyz) + abs(m.y.xyz) + abs(m.z.xyz));
    m.x *= unit; m.y *= unit; m.z *= unit;
    mat3 turned = mat3(transformed_normal(m, vec3(1, 0, 0)), transformed_normal(m, vec3(0, 1, 0)),
                       transformed_normal(m, vec3(0, 0, 1)));
    unit = inversesqrt(max(dot(turned[0], turned[0]), max(dot(turned[1], turned[1]), dot(turned[2], turned[2]))));
    // A mirroring transform's cofactors turn normals round.
    return turned * (dot(vec3(m.x.x, m.y.x, m.z.x), turned[0]) < 0.0 ? -unit : unit);
}

uint patches_across() { return (uint(size_in_samples().x) + PATCH - 1u) / PATCH; }

// Whether a splat covers the middle of a pixel: the texel of its mask there, in words, depth and clip w.
bool meets(Print s, vec2 pixel, float faded, out uint at, out float depth, out float w) {
    vec2 place = s.to_mask * (pixel - s.center);
    if (faded < 1.0 && noise(floor(pixel / vec2(grid_of_samples())) + 0.5 + frame.viewport.xy) >= faded) return false;
    uint texel = texel_of(place, s.small);
    at = s.mask + MASK_HEADER + 2u * texel;
    uint bent = masks[at + 1u];
    if (bent == 0u) return false;  // not covered
    float out_of = float(bent >> 20u) / 2047.5 - 1.0;
#if FACETED
    // Where the ray meets the plane of the texel's facet: exact, whatever the direction of the mask.
    vec3 n = from_octahedral(vec2(bent & 1023u, bent >> 10u & 1023u) / 511.5 - 1.0);
    vec2 middle = (vec2(texel % MASK_SIDE, texel / MASK_SIDE) + 0.5) * (2.0 / float(MASK_SIDE)) - 1.0;
    vec3 q = s.made_from * vec3(s.window.xy + middle * s.window.zw, out_of);
    vec3 p = s.seen_from * vec3(s.window.xy + place * s.window.zw, 0.0);
    float facing = dot(n, s.seen_from[2]);
    if (facing > 0.05) out_of = clamp(dot(n, q - p) / facing, -1.2, 1.2);
#endif
    precise float z = s.z.x + s.z.y * out_of + s.slope.x * place.x + s.slope.z * place.y;
    precise float away = s.w.x + s.w.y * out_of + s.slope.y * place.x + s.slope.w * place.y;
    precise float near = z / away;
    if (!switched(SWITCH_ZERO_TO_ONE)) near = near * 0.5 + 0.5;
    depth = near;
    w = away;
    return depth > 0.0 && depth < 1.0;
}

// One pixel of a splat: whether it is, so far, the nearest there.
bool print_pixel(Print s, ivec2 where, float faded, uint record) {
    uint texel;
    float depth, w;
    if (!meets(s, vec2(where) + 0.5, faded, texel, depth, w)) return false;
    uint key = key_of(depth);
    uint at = uint(where.y) * uint(size_in_samples().x) + uint(where.x);
#ifdef OWNERS
    if (screen[at] != key) return false;
    atomicMin(screen[cull.at_owners + at], record);
    screen[cull.at_patches + uint(where.y) / PATCH * patches_across() + uint(where.x) / PATCH] = 1u;
    return true;
#else
    return key <= atomicMin(screen[at], key);
#endif
}

// Whether what is at these mask coordinates may be covered: of what is small it is.
bool may_cover(Print s, vec2 place) {
    uvec2 cell = uvec2(clamp((place * 0.5 + 0.5) * 8.0, 0.0, 7.0));
    uint bit = cell.y * 8u + cell.x;
    bool covered = !s.small || ((bit < 32u ? s.cells.x >> bit : s.cells.y >> bit - 32u) & 1u) != 0u;
    return covered && max(abs(place.x), abs(place.y)) < 1.0;
}

// Takes the first of what is marked in a block of 8x8.
ivec2 next_pixel(inout uvec2 found) {
    int n = found.x != 0u ? findLSB(found.x) : findLSB(found.y) + 32;
    if (found.x != 0u) found.x &= found.x - 1u;
    else found.y &= found.y - 1u;
    return ivec2(n & 7, n >> 3);
}

// OWNERS: makes the splat, at `record`, the owner of the pixels where it is the nearest; otherwise puts its depths
// among the screen's, and tells whether one is, so far, the nearest of its pixel.
bool printed(Print s, float faded, uint record) {
    ivec2 low = ivec2(max(ceil(s.center - s.extent - 0.5), 0.0));
    ivec2 high = ivec2(min(floor(s.center + s.extent - 0.5), size_in_samples() - 1.0));
    uint across = uint(size_in_samples().x);
    bool any_nearest = false;
    // Blocks of 8x8 pixels: first which of them may be the splat's, four at a time; then those one by one.
    for (ivec2 corner = low; corner.y <= high.y && low.x <= high.x;) {
        ivec2 last = min(corner + 7, high);
        uvec2 found = uvec2(0u);
        for (int y = corner.y; y <= last.y; y++) {
            uint start = uint(y) * across + uint(corner.x), stop = uint(y) * across + uint(last.x);
            vec2 left = s.to_mask * (vec2(corner.x, y) + 0.5 - s.center);
            uint row = 0u;
            for (uint quad = start >> 2u; quad <= stop >> 2u; quad++) {
                uvec4 keys = screen_quads[quad];
                for (int i = 0; i < 4; i++) {
                    int x = int(quad * 4u + uint(i) - start);
                    bool covered = may_cover(s, left + s.to_mask[0] * float(x));
                    if (covered && x >= 0 && x <= last.x - corner.x && keys[i] >= s.first_key) row |= 1u << uint(x);
                }
            }
            int line = y - corner.y;
            if (line < 4) found.x |= row << uint(line * 8);
            else found.y |= row << uint(line * 8 - 32);
        }
        while ((found.x | found.y) != 0u) {
            ivec2 where = corner + next_pixel(found);
            any_nearest = print_pixel(s, where, faded, record) || any_nearest;
        }
        corner.x += 8;
        if (corner.x > high.x) corner = ivec2(low.x, corner.y + 8);
    }
    return any_nearest;
}
