// Surfaces with textures; for fragment shaders.
#include "material.glsl"
#include "textures.glsl"

#ifdef TEXTURED
// What the textures of a material make of its surface, of which this side, 1 or -1, is seen, and which goes along
// these vectors from pixel to pixel. `more` is added to the layer of its colour.
void textured(inout Surface s, int row, float side, Place place, vec3 along_x, vec3 along_y, float more) {
    uvec4 first = material_texel(row, 1), second = material_texel(row, 2);
#ifdef COLOR_TEXTURES
    vec4 color = sampled(COLOR_TEXTURES, first.x, place, more);
    if (first.x != 0u) {
        s.color *= color.rgb;
        s.alpha *= color.a;
    }
#endif
#ifndef DEPTH_ONLY
#ifdef METALLIC_ROUGHNESS_TEXTURES
    vec4 traits = sampled(METALLIC_ROUGHNESS_TEXTURES, first.y, place, 0.0);
    if (first.y != 0u) {
        s.roughness *= traits.g;
        s.metallic *= traits.b;
    }
#endif
#ifdef NORMAL_TEXTURES
    vec3 inner = sampled(NORMAL_TEXTURES, first.z, place, 0.0).xyz * (255.0 / 127.0) - 128.0 / 127.0;
    inner.xy *= uintBitsToFloat(second.y) * side;  // all of it is turned on the back
    vec3 bump = bumped(s.normal, inner, along_x, along_y, place);
    if (first.z != 0u) s.normal = bump;
#endif
#ifdef OCCLUSION_TEXTURES
    float open = sampled(OCCLUSION_TEXTURES, first.w, place, 0.0).r;
    if (first.w != 0u) s.occlusion = 1.0 + float(second.z >> 24u) * (1.0 / 255.0) * (open - 1.0);
#endif
#ifdef EMISSIVE_TEXTURES
    vec3 glow = sampled(EMISSIVE_TEXTURES, second.x, place, 0.0).rgb;
    if (second.x != 0u) s.emissive *= glow;
#endif
#endif
}
#endif
