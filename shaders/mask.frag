// A texel of a mask, packed as masks.glsl and splats.frag read it.
#include "layout.glsl"
#include "octahedral.glsl"

#include "textures.glsl"

uniform float cutoff;
#ifdef TEXTURED
uniform uint reference;
in vec2 v_uv;
#endif
in vec3 v_normal;
in vec4 v_color;
flat in float v_side;
in float v_out;

layout(location = 0) out uvec4 out_texel;

void main() {
    vec4 base = v_color;
#ifdef TEXTURED
    base *= sampled(COLOR_TEXTURES, reference, Place(v_uv, dFdx(v_uv), dFdy(v_uv)), 0.0);
#endif
    if (base.a < cutoff) discard;
    vec3 color = sqrt(clamp(base.rgb, 0.0, 1.0));  // linear; kept as square roots
    uvec2 bent = uvec2(round((octahedral(normalize(v_normal) * sign(v_side)) + 1.0) * 511.5));
    uint far_out = max(uint(round((clamp(v_out, -1.0, 1.0) + 1.0) * 2047.5)), 1u);  // 0: nothing
    uint colors = packUnorm4x8(vec4(color, 0.0)) | uint(abs(v_side)) << 24u;
    out_texel = uvec4(colors, bent.x | bent.y << 10u | far_out << 20u, floatBitsToUint(clamp(base.a, 0.0, 1.0)), 0u);
}
