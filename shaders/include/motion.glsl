// Movements of whole instances: functions of time and the instance, nothing else.
// `motion` is (kind, strength, spread, seconds), as Motion in material.py describes it.
#include "transform.glsl"

const int MOTION_WIND = 1, MOTION_FOUNTAIN = 2, MOTION_SNOW = 3;
const float TURN = 6.283185307179586;

// PCG, Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
uint hashed(uint seed) {
    uint state = seed * 747796405u + 2891336453u;
    uint word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// Four numbers in 0..1 that belong to the instance.
vec4 dice(int object, int id) {
    uint a = hashed(uint(id) ^ (uint(object) * 0x9E3779B9u));
    uint b = hashed(a);
    return vec4(a >> 16u, a & 0xFFFFu, b >> 16u, b & 0xFFFFu) / 65536.0;
}

// Leans with gusts that travel over the field, more the higher a vertex is: a shear, so the root stays.
// Main and cross lean add up to less than `strength`.
Affine in_wind(Affine m, vec4 motion, vec3 place, vec4 random) {
    const vec2 along = vec2(0.8, 0.6);
    float seconds = motion.w;
    float gust = 0.5 + 0.5 * sin(dot(place.xz, along) * TURN / motion.z - seconds * 1.6);
    float swell = 0.75 + 0.25 * sin(dot(place.xz, along.yx) * TURN / (motion.z * 2.7) - seconds * 0.45);
    float flutter = sin(seconds * (4.0 + 2.0 * random.x) + random.y * TURN);
    vec2 lean = motion.y * (along * (0.15 + 0.65 * gust * swell + 0.08 * flutter)
                            + vec2(-along.y, along.x) * 0.22 * sin(seconds * 2.3 + random.z * TURN));
    m.x.xyz += lean.x * m.y.xyz;
    m.z.xyz += lean.y * m.y.xyz;
    return m;
}

// Thrown upwards, each at its own moment, to land around the nozzle: a parabola in closed form. Where they land is
// strewn evenly over the disc, so most fly far out and leave the plume hollow.
vec3 in_fountain(vec4 motion, vec4 random) {
    float reach = sqrt(random.w);
    float height = motion.y * (0.85 + 0.15 * random.z) * (1.0 - 0.35 * random.w);
    float flight = 2.0 * sqrt(2.0 * height / 9.81);
    float done = fract(motion.w / flight + random.x);
    float angle = random.y * TURN, radius = motion.z * reach * done;
    return vec3(radius * cos(angle), 4.0 * height * done * (1.0 - done), radius * sin(angle));
}

// Falls from its place at its own speed, swaying, and starts again.
vec3 in_snow(vec4 motion, vec4 random) {
    float fall = motion.y / (1.0 + 0.6 * random.z);
    float done = fract(motion.w / fall + random.x);
    float sway = motion.w * (0.5 + random.w) + random.y * TURN;
    return vec3(0.7 * motion.z * sin(sway), -motion.y * done, 0.7 * motion.z * cos(sway * 0.83));
}

// The transform after the motion. `place` is where the instance stands in its crowd.
Affine moved(Affine m, int kind, vec4 motion, vec3 place, int object, int id) {
    if (kind == 0) return m;
    vec4 random = dice(object, id);
    if (kind == MOTION_WIND) return in_wind(m, motion, place, random);
    vec3 offset = kind == MOTION_FOUNTAIN ? in_fountain(motion, random) : in_snow(motion, random);
    m.x.w += offset.x;
    m.y.w += offset.y;
    m.z.w += offset.z;
    return m;
}
