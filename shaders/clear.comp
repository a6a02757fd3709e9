// Makes the splats' pixels empty again.
#include "visibility.glsl"

layout(local_size_x = CELL) in;

uniform uint word_count;

void main() {
    uint index = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * CELL + gl_LocalInvocationID.x;
    if (index < word_count) screen[index] = NONE;
}
