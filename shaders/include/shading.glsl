// Light on surfaces, in linear light. The formulas are those of glTF 2.0, appendix B, but that what is reflected is
// taken from the diffuse light as a whole, so that no energy is gained at grazing angles; and what reflections among
// facets would lose is given back in light from all around: Turquin, "Practical multiple scattering compensation for
// microfacet models", 2019.
#include "material.glsl"
#include "position.glsl"
#include "color.glsl"
#include "shadows.glsl"
#include "sky.glsl"
#include "fog.glsl"
#include "tone.glsl"

// What surfaces reflect: `f0` of what comes straight at them, `around` of what comes from everywhere, and of the rest
// `diffuse`, in all directions.
struct Reflectance { vec3 diffuse, f0, around; float alpha2; };

Reflectance reflectance_of(Surface s) {
#ifdef MATTE
    return Reflectance(s.color, vec3(0.0), vec3(0.0), 1.0);
#else
    // Of a white metal, and how much of that with f0 = 0: fitted to the integral over all directions within 0.05.
    float r = s.roughness, v = clamp(dot(s.normal, s.eye), 0.0, 1.0);
    float white = 0.984 + v * (-0.0234 + v * (0.2896 - v * 0.3263))
        + r * (-0.0352 + v * (-0.0645 + v * 0.8121) + r * (-0.3762 - v * 1.3241 + r * 0.3412));
    float black = exp2(-0.0577 + v * (-7.1185 + r * 7.0607 - v * v * 11.4922) + r * r * (r * 10.2143 - 14.8552));
    float tinted = white - black, again = 1.0 / white - 1.0;
    float plain = (0.04 * tinted + black) * (1.0 + 0.04 * again);
    vec3 metal = (s.color * tinted + black) * (1.0 + s.color * again);
    float alpha = max(r * r, 1e-3);
    return Reflectance(s.color * ((1.0 - s.metallic) * (1.0 - plain)), mix(vec3(0.04), s.color, s.metallic),
                       mix(vec3(plain), metal, s.metallic), alpha * alpha);
#endif
}

// Of a light of irradiance 1 on a surface turned to it, times the cosine; pi is in the light. With h = light + eye,
// |h|^2 = 2 + 2 dot(light, eye), so that h itself is not needed, and one division does for all.
vec3 reflected(Surface s, Reflectance r, vec3 light) {
    float facing = dot(s.normal, light);
    vec3 through = r.diffuse * (s.translucency * max(-facing, 0.0));
    facing = max(facing, 0.0);
    vec3 front = r.diffuse * (1.0 - s.translucency);
#ifndef MATTE
    float seen = max(dot(s.normal, s.eye), 1e-4);
    float between = dot(light, s.eye), h2 = 2.0 + 2.0 * between, bent = facing + seen, less = 1.0 - r.alpha2;
    float spread = h2 - bent * bent * less;
    float visibility = bent;
    if (less > 0.0)
        visibility = facing * sqrt(seen * seen * less + r.alpha2) + seen * sqrt(facing * facing * less + r.alpha2);
    float mirrored = 0.5 * r.alpha2 * h2 * h2 / max(spread * spread * visibility, 1e-20);
    float away = 1.0 - sqrt(max(0.25 * h2, 0.0)), away2 = away * away;
    vec3 fresnel = r.f0 + (1.0 - r.f0) * (away2 * away2 * away);
    front += fresnel * mirrored;
#endif
    return front * facing + through;
}

#include "lights.glsl"

// Of the light from sky and ground.
vec3 surrounded(Surface s, Reflectance r) {
    float up = 0.5 * s.normal.y;
    vec3 middle = 0.5 * (frame.sky.rgb + frame.ground.rgb), more = frame.sky.rgb - frame.ground.rgb;
    vec3 light = r.diffuse * (middle + more * (up - 2.0 * up * s.translucency));
#ifndef MATTE
    float mirrored = (2.0 * dot(s.normal, s.eye) * s.normal.y - s.eye.y) * 0.5 / max(s.roughness, 0.05);
    light += r.around * (middle + more * clamp(mirrored, -0.5, 0.5));
#endif
    return light * s.occlusion;
}

// The light that a surface sends to the eye.
vec3 radiance(Surface s) {
    Reflectance r = reflectance_of(s);
    vec3 sun = frame.sun_color.rgb * reflected(s, r, frame.sun_direction.xyz);
#ifdef CASCADES
    float facing = dot(s.normal, frame.sun_direction.xyz);
    if (facing > 0.0 || s.translucency > 0.0)
        sun *= sunlight(s.position, facing < 0.0 ? -s.normal : s.normal, facing);
#endif
    vec3 light = s.emissive + surrounded(s, r) + sun;
#ifdef LIGHTS
    light += lamps(s, r);
#endif
    return light;
}

// As the target wants it.
vec3 encoded(vec3 color) {
    color = clamp(color, 0.0, 1.0);
    return frame.sky.w == 0.0 ? color : srgb(color);
}

// What is seen of it, in linear light.
vec3 shown(Surface s) {
#ifdef UNLIT  // some drivers execute both sides of every branch
    return s.color;
#else
    return s.unlit ? s.color : toned(fogged(radiance(s), s) * frame.ground.w);
#endif
}

vec4 shaded(Surface s) { return vec4(encoded(shown(s)), 1.0); }
