// Textures, which lie in arrays by their size. A reference holds the layer in 10 bits, the array, from 1 on, in 3, how
// it goes on outside 0..1 in 2, whether texels are sharp in 1, the logarithms of width and height in 4 each, and how many
// layers may be added to the first.
#ifdef TEXTURED
uniform sampler2DArray textures0, textures1, textures2, textures3, textures4, textures5, textures6;

struct Place { vec2 uv, dx, dy; };  // and its derivatives, before it is wrapped

// `arrays`: bits of those that it may be in, known when compiled: some drivers execute both sides of every branch.
vec4 sampled(const int arrays, uint reference, Place place, float more) {
    uint array = (reference >> 10u & 7u) - 1u, wrap = reference >> 13u & 3u;
    float layer = float(reference & 1023u) + clamp(floor(more + 0.5), 0.0, float(reference >> 24u));
    vec2 uv = place.uv, size = vec2(uvec2(1u) << (uvec2(reference >> 16u, reference >> 20u) & 15u));
    vec2 across = place.dx * size, up = place.dy * size;
    float texels = max(dot(across, across), dot(up, up));  // that a pixel measures, squared
    if (wrap == 2u) uv = abs(uv - 2.0 * floor(uv * 0.5 + 0.5));
    if (wrap != 0u) {
        // The arrays repeat: no closer to the edge than half a texel of the coarser mipmap that is read.
        vec2 edge = min(0.5 * exp2(ceil(0.5 * log2(max(texels, 1.0)))) / size, 0.5);
        uv = clamp(uv, edge, 1.0 - edge);
    }
    if (texels < 1.0 && (reference >> 15u & 1u) != 0u) uv = (floor(uv * size) + 0.5) / size;
    vec3 at = vec3(uv, layer);
    vec4 found = vec4(1.0);
    if ((arrays & 1) != 0 && array == 0u) found = textureGrad(textures0, at, place.dx, place.dy);
    if ((arrays & 2) != 0 && array == 1u) found = textureGrad(textures1, at, place.dx, place.dy);
    if ((arrays & 4) != 0 && array == 2u) found = textureGrad(textures2, at, place.dx, place.dy);
    if ((arrays & 8) != 0 && array == 3u) found = textureGrad(textures3, at, place.dx, place.dy);
    if ((arrays & 16) != 0 && array == 4u) found = textureGrad(textures4, at, place.dx, place.dy);
    if ((arrays & 32) != 0 && array == 5u) found = textureGrad(textures5, at, place.dx, place.dy);
    if ((arrays & 64) != 0 && array == 6u) found = textureGrad(textures6, at, place.dx, place.dy);
    return found;
}

// A normal from a texture's, whose x and y go along u and v: Schueler, "Normal Mapping Without Precomputed Tangents",
// ShaderX5, 2006.
vec3 bumped(vec3 normal, vec3 inner, vec3 along_x, vec3 along_y, Place place) {
    vec3 a = cross(along_y, normal), b = cross(normal, along_x);
    vec3 tangent = a * place.dx.x + b * place.dy.x, bitangent = a * place.dx.y + b * place.dy.y;
    float largest = max(dot(tangent, tangent), dot(bitangent, bitangent));
    if (largest < 1e-30) return normal;
    return normalize((tangent * inner.x + bitangent * inner.y) * inversesqrt(largest) + normal * inner.z);
}
#endif
