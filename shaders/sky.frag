// The sky behind everything, and the sun in it.
#include "layout.glsl"
#include "color.glsl"
#include "tone.glsl"
#include "sky.glsl"
#include "position.glsl"

in vec2 v_corner;

uniform vec3 disc;  // the light of the sun's disc

layout(location = 0) out vec4 out_color;

void main() {
    vec3 direction = -frame.eye.xyz;
    if (frame.eye.w != 0.0)
        direction = ray_at(frame.viewport.xy + (v_corner * 0.5 + 0.5) * frame.viewport.zw);
    direction = normalize(direction);
#if defined(FOG_SKY)  // far land is lost in it
    vec3 light = sky_light(normalize(vec3(direction.x, max(direction.y, 0.01), direction.z)));
#elif defined(FOG)
    vec3 light = direction.y < 0.0 ? frame.fog.rgb : sky_light(direction);
#else
    vec3 light = sky_light(direction);
#endif
    float off = distance(direction, frame.sun_direction.xyz), pixel = length(vec2(dFdx(off), dFdy(off)));
    float inside = clamp((SUN_RADIUS - off) / max(pixel, 1e-6) + 0.5, 0.0, 1.0);
    light += disc * (inside * smoothstep(-SUN_RADIUS * 0.1, 0.0, direction.y));
    light = toned(light * frame.ground.w);
    out_color = vec4(frame.sky.w == 0.0 ? clamp(light, 0.0, 1.0) : srgb(clamp(light, 0.0, 1.0)), 1.0);
}
