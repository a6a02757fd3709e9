// Lambert's law in linear light; unlit surfaces keep their colour. `side`: +-LIT or +-UNLIT, or less.
#include "layout.glsl"
#include "color.glsl"

vec4 shaded(vec3 color, vec3 normal, float side) {
    float facing = max(dot(normal, frame.sun_direction.xyz) * side, 0.0);
    vec3 light = abs(side) < LIT ? vec3(1.0) : frame.ambient.rgb + frame.sun_color.rgb * facing;
    vec3 result = clamp(color * light, 0.0, 1.0);
    return vec4(frame.ambient.w == 0.0 ? result : srgb(result), 1.0);
}
