// The table of all materials, and what a surface of one of them is made of.
#include "layout.glsl"

uniform usampler2D material_table;

struct Surface {
    vec3 position;  // metres, relative to the origin
    vec3 eye;       // unit, towards it
    vec3 normal;    // unit, on the side that is seen
    vec3 color;     // linear: the base colour
    float alpha;
    float metallic, roughness, occlusion, translucency;
    vec3 emissive;  // linear
    bool unlit;
    float softness;  // metres, of what is blended
};

uvec4 material_texel(int row, int number) {
    uint at = uint(row);  // whose quotients by powers of two are shifts
    uvec2 place = uvec2(at % MATERIALS_ACROSS * MATERIAL_TEXELS + uint(number), at / MATERIALS_ACROSS);
    return texelFetch(material_table, ivec2(place), 0);
}

float alpha_cutoff(int row) { return float(material_texel(row, 0).w >> 24u) / 255.0; }

// What vertex shaders hand over flat, so that it is looked up for each vertex and not for each fragment: the base
// colour and alpha; roughness, metallic, translucency, and 1 where unlit.
void look_up(int row, out vec4 base, out vec4 traits) {
    uvec4 words = material_texel(row, 0);
    vec3 roots = vec3(words.xxx >> uvec3(0u, 10u, 20u) & 1023u) * (1.0 / 1023.0);
    base = vec4(roots * roots, float(words.y & 255u) * (1.0 / 255.0));
    traits = vec4(words.yyy >> uvec3(8u, 18u, 25u) & uvec3(1023u, 127u, 127u), words.w & UNLIT_MATERIAL)
        * vec4(1.0 / 1023.0, 1.0 / 127.0, 1.0 / 127.0, 1.0 / float(UNLIT_MATERIAL));
}

vec3 light_of(uint word) {  // RGB9E5
    return vec3(uvec3(word) >> uvec3(0u, 9u, 18u) & 511u) * uintBitsToFloat((word >> 27u) + 103u << 23u);
}

// The surface of a material of these traits.
Surface surface_of(int row, vec4 color, vec4 traits, vec3 normal) {
    Surface s;
    s.position = s.eye = vec3(0.0);
    s.normal = normal;
    s.color = color.rgb;
    s.alpha = color.a;
    s.roughness = traits.x;
    s.metallic = traits.y;
    s.translucency = traits.z;
    s.unlit = traits.w > 0.0;
    s.occlusion = 1.0;
#ifdef SOFT
    s.softness = uintBitsToFloat((material_texel(row, 0).w & 0xFFFF00u) << 8u);
#else
    s.softness = 0.0;
#endif
#ifdef EMISSIVE
    s.emissive = light_of(material_texel(row, 0).z);
#else
    s.emissive = vec3(0.0);
#endif
    return s;
}

#ifdef TEXTURED
// As textures make it on average, but for the colour: for what is too small to show more.
void average(inout Surface s, int row) {
    uvec4 words = material_texel(row, 2);
    vec3 means = vec3(words.zzz >> uvec3(0u, 8u, 16u) & 255u) * (1.0 / 255.0);
    s.roughness *= means.x;
    s.metallic *= means.y;
    s.occlusion = means.z;
    s.emissive = light_of(words.w);
}
#endif
