// The splats' picture: each pixel's nearest, shaded by the texel of its mask that the pixel falls on.
#include "visibility.glsl"
#include "shading.glsl"
#include "masks.glsl"
#include "look.glsl"

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
    vec2 pixel = gl_FragCoord.xy - frame.viewport.xy;
    uint at = uint(pixel.y) * uint(cull.picture.x) + uint(pixel.x);
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
    uint colors = masks[texel], bent = masks[texel + 1u];
    Look look = look_from(floatBitsToUint(s.place.zw));
    vec3 roots = unpackUnorm4x8(colors).rgb;  // of the vertices' colours
    int row = int(look.material);
    if (look.material != DEBUG_MATERIAL) {
        look.color.rgb *= roots * roots;
        row += int(colors >> 24u) - 1;
    }
    vec3 n = from_octahedral(vec2(bent & 1023u, bent >> 10u & 1023u) / 511.5 - 1.0);
    vec2 a = unpackHalf2x16(s.normal0), b = unpackHalf2x16(s.normal1), c = unpackHalf2x16(s.normal2),
         d = unpackHalf2x16(s.normal3), e = unpackHalf2x16(s.normal4);
    vec3 normal = normalize(n.x * vec3(a, b.x) + n.y * vec3(b.y, c) + n.z * vec3(d, e.x));
    vec4 base, traits;
    look_up(row, base, traits);
    Surface surface = surface_of(row, look.color * base, traits, normal);
#ifdef TEXTURED
    average(surface, row);
#endif
    vec3 place = vec3(gl_FragCoord.xy, gl_FragDepth);
    surface.position = position_of(place, w_of(place));
    surface.eye = towards_eye(gl_FragCoord.xy);
    out_color = shaded(surface);
#ifdef OUT_IDS
    out_ids = ivec2(s.object, s.id);
#endif
#ifdef OUT_NORMALS
    out_normal = vec4(normal, 1.0);
#endif
#endif
}
