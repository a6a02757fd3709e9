// Softer edges: where brightness changes, the mean along the edge (edges.py).
uniform sampler2D picture;
uniform vec2 texel;
uniform ivec2 corner;  // of the viewport

layout(location = 0) out vec4 out_color;

const vec3 LUMA = vec3(0.299, 0.587, 0.114);
const float LEAST = 1.0 / 128.0, SHARE = 1.0 / 8.0, FARTHEST = 2.0;

float brightness(vec2 at) { return dot(textureLod(picture, at, 0.0).rgb, LUMA); }

void main() {
    vec2 at = (gl_FragCoord.xy - vec2(corner)) * texel;
    vec4 own = textureLod(picture, at, 0.0);
    float middle = dot(own.rgb, LUMA);
    float nw = brightness(at + vec2(-1.0, 1.0) * texel), ne = brightness(at + texel);
    float sw = brightness(at - texel), se = brightness(at + vec2(1.0, -1.0) * texel);
    float low = min(middle, min(min(nw, ne), min(sw, se))), high = max(middle, max(max(nw, ne), max(sw, se)));
    out_color = own;
    if (high - low < max(LEAST, high * SHARE)) return;
    vec2 along = vec2(sw + se - nw - ne, nw + sw - ne - se);
    along.x = -along.x;
    float reduce = max((nw + ne + sw + se) * 0.25 * SHARE, LEAST);
    along = clamp(vec2(along.x, along.y) / (min(abs(along.x), abs(along.y)) + reduce), -FARTHEST, FARTHEST) * texel;
    vec3 near = 0.5 * (textureLod(picture, at - along / 6.0, 0.0).rgb + textureLod(picture, at + along / 6.0, 0.0).rgb);
    vec3 far = near * 0.5
        + 0.25 * (textureLod(picture, at - along * 0.5, 0.0).rgb + textureLod(picture, at + along * 0.5, 0.0).rgb);
    float seen = dot(far, LUMA);
    out_color.rgb = seen < low || seen > high ? near : far;
}
