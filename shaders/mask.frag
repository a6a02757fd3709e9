// What a texel of a mask is made of.
in vec3 v_normal;
in vec4 v_color;
flat in float v_side;
in float v_out;

layout(location = 0) out vec4 out_color;   // linear; w: LIT or UNLIT
layout(location = 1) out vec4 out_normal;  // towards the eye; w: how far in front of the middle, in radii

void main() {
    out_color = v_color;
    out_normal = vec4(normalize(v_normal) * v_side, v_out);
}
