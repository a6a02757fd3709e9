// The splats' picture: each pixel's nearest, shaded by the texel of its mask that the pixel falls on.
#include "visibility.glsl"
#include "splatted.glsl"

layout(std430, binding = 3) readonly buffer RecordBlock { Splat splats[]; };

uniform uint first_record, stop_record;  // what the records' binding reaches

#ifndef DEPTH_ONLY
layout(location = 0) out vec4 out_color;
#endif
#ifdef OUT_IDS
layout(location = OUT_IDS) out ivec2 out_ids;
#endif
#ifdef OUT_NORMALS
layout(location = OUT_NORMALS) out vec4 out_normal;
#endif

void main() {
    vec2 pixel = floor(gl_FragCoord.xy) - frame.viewport.xy;
    uvec2 grid = grid_of_samples();
#ifdef SAMPLES  // which run one by one
    uint sample_number = uint(gl_SampleID);
#else
    uint sample_number = 0u;
#endif
    pixel = pixel * vec2(grid) + vec2(sample_number % grid.x, sample_number / grid.x) + 0.5;
    uint at = uint(pixel.y) * uint(size_in_samples().x) + uint(pixel.x);
    uint key = screen[at];
#ifdef DEPTH_ONLY
    if (key == NONE) discard;
#else
    uint owner = screen[cull.at_owners + at];
    if (owner < first_record || owner >= stop_record) discard;  // NONE is the largest of all
#endif
    gl_FragDepth = uintBitsToFloat(switched(SWITCH_REVERSED) ? ~key : key);
#ifndef DEPTH_ONLY

    Splat s = splats[owner - first_record];
    vec2 inside = mat2(s.to_mask.xy, s.to_mask.zw) * (pixel - s.place.xy);
    uint texel = (s.texels & ~1u) + 2u * texel_of(inside, (s.texels & 1u) != 0u);
    vec2 a = unpackHalf2x16(s.normal0), b = unpackHalf2x16(s.normal1), c = unpackHalf2x16(s.normal2),
         d = unpackHalf2x16(s.normal3), e = unpackHalf2x16(s.normal4);
    mat3 turned = mat3(vec3(a, b.x), vec3(b.y, c), vec3(d, e.x));
    Surface surface = splatted(look_from(floatBitsToUint(s.place.zw)), texel, turned);
    vec3 place = vec3(gl_FragCoord.xy, gl_FragDepth);
    surface.position = position_of(place, w_of(place));
    surface.eye = towards_eye(gl_FragCoord.xy);
    out_color = shaded(surface);
#ifdef OUT_IDS
    out_ids = ivec2(s.object, s.id);
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(surface.normal, 1.0);
#endif
#endif
}
