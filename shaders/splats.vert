// A rectangle for each patch of samples that has splats.
#include "layout.glsl"
#include "cull.glsl"

layout(location = 0) in int patch_used;

void main() {
    vec2 size = frame.viewport.zw * vec2(cull.grid & 65535u, cull.grid >> 16u);
    uint across = (uint(size.x) + PATCH - 1u) / PATCH, number = uint(gl_InstanceID);
    vec2 corner = vec2(number % across + uint(gl_VertexID & 1), number / across + uint(gl_VertexID >> 1));
    gl_Position = vec4(min(corner * float(PATCH), size) / size * 2.0 - 1.0, 0.5, 1.0);
#ifndef DEPTH_ONLY
    if (patch_used == 0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // clipped
#endif
}
