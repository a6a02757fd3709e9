// A model seen from each direction of the grid at once, each in its own tile.
#include "layout.glsl"
#include "octahedral.glsl"

layout(location = 0) in vec3 vertex_position;
layout(location = 1) in vec4 vertex_normal;
layout(location = 2) in vec4 vertex_color;

uniform vec4 center;  // w: radius
uniform sampler2D windows;  // for each direction the middle and the half extents of what it shows, in radii

#ifdef TEXTURED
layout(location = 3) in vec2 vertex_uv;
out vec2 v_uv;
#endif

out vec3 v_normal;
out vec4 v_color;
flat out float v_side;
out float v_out;

void main() {
    ivec2 cell = ivec2(gl_InstanceID % int(MASK_GRID), gl_InstanceID / int(MASK_GRID));
    vec3 from = mask_direction(uvec2(cell)), up = mask_up(from), right = cross(up, from);
    vec4 window = texelFetch(windows, cell, 0);
    vec3 p = (vertex_position - center.xyz) / center.w;
    vec2 inside = (vec2(dot(p, right), dot(p, up)) - window.xy) / window.zw;
    v_out = dot(p, from);
    gl_Position = vec4((2.0 * (vec2(cell) + 0.5 + 0.5 * inside)) / float(MASK_GRID) - 1.0, -v_out * 0.99, 1.0);
#ifdef TEXTURED
    v_uv = vertex_uv;
#endif
    v_normal = vertex_normal.xyz;
    v_color = vertex_color;
    v_side = vertex_normal.w;
}
