// One triangle that covers the screen, as far away as depth goes.
out vec2 v_corner;

void main() {
    vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
    gl_Position = vec4(corner, FARTHEST, 1.0);
    v_corner = corner;
}
