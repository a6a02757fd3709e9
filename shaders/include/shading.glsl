// Light on surfaces, in linear light. The formulas are those of glTF 2.0, appendix B; what the light from all around
// does is after Karis, "Physically Based Shading on Mobile", 2014, with the energy that reflections among facets
// would lose given back: Turquin, "Practical multiple scattering compensation for microfacet models", 2019.
#include "material.glsl"
#include "position.glsl"
#include "color.glsl"
#include "shadows.glsl"
#include "sky.glsl"
#include "fog.glsl"
#include "tone.glsl"

// What surfaces reflect: `diffuse` in all directions, `f0` of what comes straight at them.
struct Reflectance { vec3 diffuse, f0; float alpha2; };

// Of a light of irradiance 1 on a surface turned to it, times the cosine; pi is in the light. With h = light + eye,
// |h|^2 = 2 + 2 dot(light, eye), so that h itself is not needed, and one division does for all. MATTE: Lambert's law.
vec3 reflected(Surface s, Reflectance r, vec3 light, vec3 eye) {
    float facing = dot(s.normal, light), seen = max(dot(s.normal, eye), 1e-4);
    vec3 through = r.diffuse * (s.translucency * max(-facing, 0.0));
    facing = max(facing, 0.0);
#ifdef MATTE
    return r.diffuse * ((1.0 - s.translucency) * facing) + through;
#endif
    float between = dot(light, eye), h2 = 2.0 + 2.0 * between, bent = facing + seen, less = 1.0 - r.alpha2;
    float spread = h2 - bent * bent * less;
    float visibility = bent;
    if (less > 0.0)
        visibility = facing * sqrt(seen * seen * less + r.alpha2) + seen * sqrt(facing * facing * less + r.alpha2);
    float mirrored = 0.5 * r.alpha2 * h2 * h2 / max(spread * spread * visibility, 1e-20);
    float away = 1.0 - sqrt(max(0.25 * h2, 0.0)), away2 = away * away;
    vec3 fresnel = r.f0 + (1.0 - r.f0) * (away2 * away2 * away);
    vec3 diffuse = r.diffuse * (1.0 - s.translucency);
    return (diffuse + fresnel * (mirrored - diffuse)) * facing + through;
}

#include "lights.glsl"

// Of the light from sky and ground.
vec3 surrounded(Surface s, Reflectance r, vec3 eye) {
    float seen = clamp(dot(s.normal, eye), 0.0, 1.0);
    vec4 q = s.roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float bias = q.y;
    if (q.x > 0.0) bias += min(q.x * q.x, exp2(-9.28 * seen)) * q.x;
    vec2 ab = vec2(-1.04, 1.04) * bias + q.zw;
    float once = ab.x + ab.y;
    vec3 specular = (r.f0 * ab.x + ab.y) * (1.0 + r.f0 * (1.0 / once - 1.0));
    float up = 0.5 * s.normal.y, mirrored = 0.5 * (2.0 * seen * s.normal.y - eye.y) / max(s.roughness, 0.05);
    vec3 middle = 0.5 * (frame.sky.rgb + frame.ground.rgb), more = frame.sky.rgb - frame.ground.rgb;
    vec3 round_about = middle + more * (up - 2.0 * up * s.translucency);
    return (specular * (middle + more * clamp(mirrored, -0.5, 0.5)) + r.diffuse * (1.0 - specular) * round_about)
        * s.occlusion;
}

// The light that a surface sends to the eye.
vec3 radiance(Surface s) {
#ifdef MATTE
    Reflectance r = Reflectance(s.color, vec3(0.0), 1.0);
    float up = 0.5 * s.normal.y;
    vec3 light = s.color * mix(frame.ground.rgb, frame.sky.rgb, 0.5 + up - 2.0 * up * s.translucency) * s.occlusion;
#else
    float alpha = max(s.roughness * s.roughness, 1e-3);
    Reflectance r = Reflectance(s.color * (1.0 - s.metallic), mix(vec3(0.04), s.color, s.metallic), alpha * alpha);
    vec3 light = surrounded(s, r, s.eye);
#endif
    vec3 sun = frame.sun_color.rgb * reflected(s, r, frame.sun_direction.xyz, s.eye);
#ifdef CASCADES
    float facing = dot(s.normal, frame.sun_direction.xyz);
    if (facing > 0.0 || s.translucency > 0.0)
        sun *= sunlight(s.position, facing < 0.0 ? -s.normal : s.normal, facing);
#endif
#ifdef LIGHTS
    light += lamps(s, r, s.eye);
#endif
    return s.emissive + light + sun;
}

// As the target wants it.
vec3 encoded(vec3 color) {
    color = clamp(color, 0.0, 1.0);
    return frame.sky.w == 0.0 ? color : srgb(color);
}

// What is seen of it, in linear light.
vec3 shown(Surface s) { return s.unlit ? s.color : toned(fogged(radiance(s), s.position, s.eye) * frame.ground.w); }

vec4 shaded(Surface s) { return vec4(encoded(shown(s)), 1.0); }
