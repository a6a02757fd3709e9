// PCG, Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
uint hashed(uint seed) {
    uint state = seed * 747796405u + 2891336453u;
    uint word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}
