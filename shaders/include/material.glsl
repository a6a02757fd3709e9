// The table of all materials, and what a surface of one of them is made of.
#include "layout.glsl"

uniform sampler2D material_table;

struct Surface {
    vec3 position;  // metres, relative to the origin
    vec3 normal;    // unit, on the side that is seen
    vec3 color;     // linear: the base colour
    float alpha;
    float metallic, roughness, occlusion, translucency;
    vec3 emissive;  // linear
    bool unlit;
};

vec4 material_texel(int row, int number) {
    return texelFetch(material_table, ivec2(row % int(MATERIALS_ACROSS) * int(MATERIAL_TEXELS) + number,
                                            row / int(MATERIALS_ACROSS)), 0);
}

float alpha_cutoff(int row) { return material_texel(row, 2).w; }

// The surface of a material where the instance and the vertices have this colour.
Surface surface_of(int row, vec4 color, vec3 normal) {
    vec4 base = material_texel(row, 0), kind = material_texel(row, 1), emissive = material_texel(row, 2);
    Surface s;
    s.position = vec3(0.0);
    s.normal = normal;
    s.color = color.rgb * base.rgb;
    s.alpha = color.a * base.a;
    s.metallic = kind.x;
    s.roughness = kind.y;
    s.translucency = kind.z;
    s.occlusion = 1.0;
    s.emissive = emissive.rgb;
    s.unlit = kind.w < 0.0;
    return s;
}
