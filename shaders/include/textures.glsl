// Textures, which lie in arrays by their size. A reference holds the layer in 16 bits, the array, from 1 on, in 4, how it
// goes on outside 0..1 in 2, whether between texels in 1, and how many layers may be added to it.
#ifdef TEXTURED
uniform sampler2DArray textures0, textures1, textures2, textures3, textures4, textures5, textures6;

struct Place { vec2 uv, dx, dy; };  // and its derivatives, before it is wrapped

// `arrays`: bits of those that it may be in, known when compiled: some drivers execute both sides of every branch.
vec4 sampled(const int arrays, uint reference, Place place, float more) {
    uint array = (reference >> 16u & 15u) - 1u, wrap = reference >> 20u & 3u;
    float layer = float(reference & 0xFFFFu) + clamp(floor(more + 0.5), 0.0, float(reference >> 23u));
    vec2 uv = place.uv, dx = place.dx, dy = place.dy;
    float size = 1.0;
    if ((arrays & 1) != 0 && array == 0u) size = float(textureSize(textures0, 0).x);
    if ((arrays & 2) != 0 && array == 1u) size = float(textureSize(textures1, 0).x);
    if ((arrays & 4) != 0 && array == 2u) size = float(textureSize(textures2, 0).x);
    if ((arrays & 8) != 0 && array == 3u) size = float(textureSize(textures3, 0).x);
    if ((arrays & 16) != 0 && array == 4u) size = float(textureSize(textures4, 0).x);
    if ((arrays & 32) != 0 && array == 5u) size = float(textureSize(textures5, 0).x);
    if ((arrays & 64) != 0 && array == 6u) size = float(textureSize(textures6, 0).x);
    if (wrap == 1u) uv = clamp(uv, 0.5 / size, 1.0 - 0.5 / size);
    if (wrap == 2u) {
        uv = abs(uv - 2.0 * floor(uv * 0.5 + 0.5));
        uv = clamp(uv, 0.5 / size, 1.0 - 0.5 / size);
    }
    if ((reference >> 22u & 1u) != 0u) {
        uv = (floor(uv * size) + 0.5) / size;
        dx = dy = vec2(0.0);
    }
    vec3 at = vec3(uv, layer);
    vec4 found = vec4(1.0);
    if ((arrays & 1) != 0 && array == 0u) found = textureGrad(textures0, at, dx, dy);
    if ((arrays & 2) != 0 && array == 1u) found = textureGrad(textures1, at, dx, dy);
    if ((arrays & 4) != 0 && array == 2u) found = textureGrad(textures2, at, dx, dy);
    if ((arrays & 8) != 0 && array == 3u) found = textureGrad(textures3, at, dx, dy);
    if ((arrays & 16) != 0 && array == 4u) found = textureGrad(textures4, at, dx, dy);
    if ((arrays & 32) != 0 && array == 5u) found = textureGrad(textures5, at, dx, dy);
    if ((arrays & 64) != 0 && array == 6u) found = textureGrad(textures6, at, dx, dy);
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
