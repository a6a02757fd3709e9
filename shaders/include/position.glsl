// Where a fragment lies, in metres relative to the origin, from its place in the picture: `coordinates` and `w` are
// gl_FragCoord's. Of a view with perspective it lies w away along the ray; of one without, its depth tells.
#include "layout.glsl"

vec3 ray_at(vec2 coordinates) {
    return frame.ray.xyz + frame.ray_x.xyz * coordinates.x + frame.ray_y.xyz * coordinates.y;
}

vec3 position_of(vec3 coordinates, float w) {
    vec3 ray = ray_at(coordinates.xy);
    return frame.eye.w == 0.0 ? ray + frame.ray_z.xyz * coordinates.z : frame.eye.xyz + ray / w;
}

// The unit vector from there to the eye.
vec3 towards_eye(vec2 coordinates) {
    return frame.eye.w == 0.0 ? frame.eye.xyz : normalize(-ray_at(coordinates));
}

// What gl_FragCoord.w would be for a fragment there.
float w_of(vec3 coordinates) {
    if (frame.eye.w == 0.0) return 1.0;
    mat4 m = frame.view_projection;
    vec4 row = vec4(m[0].z, m[1].z, m[2].z, m[3].z);
    vec3 place = ray_at(coordinates.xy);
    float depth = coordinates.z * frame.ray_x.w + frame.ray_y.w;  // in normalised device coordinates
    return (depth - dot(row.xyz, place)) / dot(row, frame.eye);
}
