// What is blended fades away before it runs into what is opaque: Lorach, "Soft Particles", NVIDIA, 2007.
#include "material.glsl"
#include "position.glsl"

// How much of a surface is left where something opaque is `behind` it, in the same pixel.
float softened(Surface s, vec3 behind) {
    if (s.softness == 0.0) return 1.0;
    float w = w_of(behind);
    if (w <= 0.0) return 1.0;  // infinitely far
    return clamp(distance(position_of(behind, w), s.position) / s.softness, 0.0, 1.0);
}
