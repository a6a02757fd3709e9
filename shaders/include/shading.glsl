// Lambert's law in linear light; unlit surfaces keep their colour. `side`: +-LIT or +-UNLIT; or +-FLAT, or less,
// of debug views, which are lit.
#include "layout.glsl"
#include "color.glsl"

vec4 shaded(vec3 color, vec3 normal, float side) {
    float kind = abs(side);
    float facing = max(dot(normal, frame.sun_direction.xyz) * sign(side), 0.0);
    vec3 light = kind < LIT && kind > FLAT ? vec3(1.0) : frame.ambient.rgb + frame.sun_color.rgb * facing;
    vec3 result = clamp(color * light, 0.0, 1.0);
    return vec4(frame.ambient.w == 0.0 ? result : srgb(result), 1.0);
}
