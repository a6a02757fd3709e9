// The colour of a record, debug views included.
#include "columns.glsl"

vec3 palette(uint number) {
    float hue = fract(float(number) * 0.61803399) * 6.0;
    return clamp(vec3(abs(hue - 3.0) - 1.0, 2.0 - abs(hue - 2.0), 2.0 - abs(hue - 4.0)), 0.06, 0.9);
}

// The colour of a record. `faded`: 0, or how far and which way it fades, for mesh.vert.
uvec2 color_words(Item item, uint row, uint level, uint cell, bool splat, float faded) {
    vec4 color = color_of(item, row);
    if (cull.debug == 1u) color = vec4(splat ? vec3(0.35) : palette(level), FLAT);
    if (cull.debug == 2u) color = vec4(palette(hashed(cell) & 1023u), FLAT);
    if (cull.debug == 3u) color = vec4(splat ? vec3(0.9, 0.15, 0.05) : vec3(0.15, 0.3, 0.6), FLAT);
    color.w *= 1.0 + faded;
    return uvec2(packHalf2x16(color.rg), packHalf2x16(color.ba));
}
