// Takes the splats from the patches of samples that have some, or from all: one work group a patch.
#include "visibility.glsl"

layout(local_size_x = CELL) in;

uniform uint patch_count;
uniform bool all;

void main() {
    uint number = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    if (number >= patch_count) return;
    bool dirty = all || screen[cull.at_patches + number] != 0u;
    uvec2 size = uvec2(size_in_samples());
    uint across = (size.x + PATCH - 1u) / PATCH;
    uvec2 corner = uvec2(number % across, number / across) * PATCH;
    for (uint i = dirty ? gl_LocalInvocationID.x : PATCH * PATCH; i < PATCH * PATCH; i += CELL) {
        uvec2 pixel = corner + uvec2(i % PATCH, i / PATCH);
        if (pixel.x >= size.x || pixel.y >= size.y) continue;
        uint at = pixel.y * size.x + pixel.x;
        screen[at] = screen[cull.at_owners + at] = NONE;
    }
    barrier();
    if (gl_LocalInvocationID.x == 0u) screen[cull.at_patches + number] = 0u;
}
