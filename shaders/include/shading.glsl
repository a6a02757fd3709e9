// Light on surfaces, in linear light. The formulas are those of glTF 2.0, appendix B; what the light from all around
// does is after Karis, "Physically Based Shading on Mobile", 2014, with no energy lost: Fdez-Aguera, "A
// Multiple-Scattering Microfacet Model for Real-Time Image-Based Lighting", JCGT 8(1), 2019.
#include "material.glsl"
#include "position.glsl"
#include "color.glsl"
#include "shadows.glsl"
#include "sky.glsl"
#include "fog.glsl"
#include "tone.glsl"

// What surfaces reflect: `diffuse` in all directions, `f0` of what comes straight at them.
struct Reflectance { vec3 diffuse, f0; float alpha2; };

// Of a light of irradiance 1 on a surface turned to it, times the cosine; pi is in the light.
vec3 reflected(Surface s, Reflectance r, vec3 light, vec3 eye) {
    float facing = dot(s.normal, light), seen = max(dot(s.normal, eye), 1e-4);
    vec3 through = r.diffuse * (s.translucency * max(-facing, 0.0));
    if (facing <= 0.0) return through;
    vec3 h = normalize(light + eye);
    float bent = dot(s.normal, h), along = max(dot(eye, h), 0.0);
    float spread = bent * bent * (r.alpha2 - 1.0) + 1.0;
    float distribution = r.alpha2 / (spread * spread);
    float visibility = 0.5 / (facing * sqrt(seen * seen * (1.0 - r.alpha2) + r.alpha2)
                              + seen * sqrt(facing * facing * (1.0 - r.alpha2) + r.alpha2));
    float away = 1.0 - along, away2 = away * away;
    vec3 fresnel = r.f0 + (1.0 - r.f0) * (away2 * away2 * away);
    vec3 diffuse = r.diffuse * (1.0 - s.translucency);
    return ((1.0 - fresnel) * diffuse + fresnel * (distribution * visibility)) * facing;
}

#include "lights.glsl"

// Of the light from sky and ground.
vec3 surrounded(Surface s, Reflectance r, vec3 eye) {
    float seen = clamp(dot(s.normal, eye), 0.0, 1.0);
    vec4 q = s.roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float bias = min(q.x * q.x, exp2(-9.28 * seen)) * q.x + q.y;
    vec2 ab = vec2(-1.04, 1.04) * bias + q.zw;
    vec3 once = r.f0 * ab.x + ab.y;
    float lost = 1.0 - ab.x - ab.y;
    vec3 mean = r.f0 + (1.0 - r.f0) * (1.0 / 21.0);
    vec3 again = once * mean / (1.0 - lost * mean) * lost;
    vec3 diffuse = r.diffuse * (1.0 - once - again);
    float mirrored = reflect(-eye, s.normal).y / max(s.roughness, 0.05);
    vec3 sky = frame.sky.rgb, ground = frame.ground.rgb;
    vec3 facing = mix(ground, sky, 0.5 + 0.5 * s.normal.y), behind = mix(sky, ground, 0.5 + 0.5 * s.normal.y);
    vec3 all_round = mix(facing, behind, s.translucency);
    return (once * mix(ground, sky, clamp(0.5 + 0.5 * mirrored, 0.0, 1.0)) + again * facing + diffuse * all_round)
        * s.occlusion;
}

// The light that a surface sends to the eye.
vec3 radiance(Surface s) {
    vec3 eye = towards_eye(s.position);
    float alpha = max(s.roughness * s.roughness, 1e-3);
    Reflectance r = Reflectance(s.color * (1.0 - s.metallic), mix(vec3(0.04), s.color, s.metallic), alpha * alpha);
    vec3 sun = frame.sun_color.rgb * reflected(s, r, frame.sun_direction.xyz, eye);
#ifdef CASCADES
    float facing = dot(s.normal, frame.sun_direction.xyz);
    if (facing > 0.0 || s.translucency > 0.0)
        sun *= sunlight(s.position, facing < 0.0 ? -s.normal : s.normal, facing);
#endif
    vec3 light = s.emissive + surrounded(s, r, eye) + sun;
#ifdef LIGHTS
    light += lamps(s, r, eye);
#endif
    return light;
}

// As the target wants it.
vec3 encoded(vec3 color) {
    color = clamp(color, 0.0, 1.0);
    return frame.sky.w == 0.0 ? color : srgb(color);
}

vec4 shaded(Surface s) { return vec4(encoded(s.unlit ? s.color : toned(fogged(radiance(s), s.position) * frame.ground.w)), 1.0); }
