// How a record looks, debug views included.
#include "columns.glsl"

vec3 palette(uint number) {
    float hue = fract(float(number) * 0.61803399) * 6.0;
    return clamp(vec3(abs(hue - 3.0) - 1.0, 2.0 - abs(hue - 2.0), 2.0 - abs(hue - 4.0)), 0.06, 0.9);
}

// `fade`: as Look has it.
uvec2 look_of(Item item, uint row, uint level, uint cell, bool splat, float fade) {
    Look look = Look(color_of(item, row), material_of(item, row), fade);
    if (cull.debug != 0u) {
        look.material = DEBUG_MATERIAL;
        if (cull.debug == 1u) look.color.rgb = splat ? vec3(0.35) : palette(level);
        if (cull.debug == 2u) look.color.rgb = palette(hashed(cell) & 1023u);
        if (cull.debug == 3u) look.color.rgb = splat ? vec3(0.9, 0.15, 0.05) : vec3(0.15, 0.3, 0.6);
    }
    return words_of(look);
}
