// Movements of whole instances: functions of time and the instance, nothing else.
// `motion` is (kind, strength, spread, seconds), as Motion in material.py describes it.
#include "layout.glsl"
#include "transform.glsl"

const int MOTION_WIND = 1, MOTION_FOUNTAIN = 2, MOTION_SNOW = 3;
const float PUSH = 1.0;  // by which movers make plants lean at most
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

// How far what stands at `place` leans, x and z, for its height: gusts that travel over the field, one front after the
// other, a swell, each plant's own flutter. All together add up to less than `strength`.
vec2 wind_at(vec4 motion, vec3 place, vec4 random) {
    const vec2 along = vec2(0.8, 0.6);
    float seconds = motion.w;
    float front = dot(place.xz, along) * TURN / motion.z - seconds * 1.6;
    float bow = 1.1 * sin(dot(place.xz, vec2(-along.y, along.x)) * TURN / (motion.z * 1.9) + seconds * 0.3);
    float gust = 0.5 + 0.5 * sin(front + bow);
    gust *= gust * (3.0 - 2.0 * gust);
    float swell = 0.75 + 0.25 * sin(dot(place.xz, along.yx) * TURN / (motion.z * 2.7) - seconds * 0.45);
    float flutter = sin(seconds * (4.0 + 2.0 * random.x) + random.y * TURN);
    return motion.y * (along * (0.15 + 0.65 * gust * swell + 0.08 * flutter)
                       + vec2(-along.y, along.x) * 0.22 * sin(seconds * 2.3 + random.z * TURN));
}

// Aside from what moves through, and down where it is.
vec2 pushed_at(vec3 place) {
    vec2 sum = vec2(0.0);
    for (int number = 0; number < int(frame.moment.x); number++) {
        vec3 away = place - frame.movers[number].xyz;
        float radius = frame.movers[number].w, far = length(away.xz);
        float share = smoothstep(1.0, 0.4, far / radius) * smoothstep(1.6, 0.8, abs(away.y) / radius);
        sum += share * (far > 1e-4 ? away.xz / far : vec2(1.0, 0.0));
    }
    float size = length(sum);
    return sum * (PUSH / max(size, 1.0));
}

// A shear by which the top is where `bent` has it; for what is too small for the difference, and for bounds.
Affine leaning(Affine m, vec2 lean) {
    m.x.xyz += lean.x * m.y.xyz;
    m.z.xyz += lean.y * m.y.xyz;
    return m;
}

// No less than the height of any vertex above or below the instance's origin, the furthest being so far from it.
float height_of(Affine m, float furthest) { return length(m.y.xyz) * furthest; }

// Where a vertex goes: stiff at the root, along a parabola that is as long as what it bends. `lean` is for the square
// of the height. Makes of `m` what normals are turned by there. After Jahrmann and Wimmer, "Responsive Real-Time Grass
// Rendering for General 3D Scenes", I3D 2017.
vec3 bent(inout Affine m, vec3 vertex, vec2 lean) {
    float height = dot(m.y.xyz, vertex);
    vec3 place = transformed(m, vertex);
    place.xz += lean * (height * height);
    place.y -= 0.6666667 * dot(lean, lean) * height * height * height;
    m.x.xyz += 2.0 * lean.x * height * m.y.xyz;
    m.z.xyz += 2.0 * lean.y * height * m.y.xyz;
    return place;
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

// The transform after a motion that carries instances as they are. `place` is where the instance stands in its crowd.
Affine moved(Affine m, int kind, vec4 motion, int object, int id) {
    if (kind != MOTION_FOUNTAIN && kind != MOTION_SNOW) return m;
    vec4 random = dice(object, id);
    vec3 offset = kind == MOTION_FOUNTAIN ? in_fountain(motion, random) : in_snow(motion, random);
    m.x.w += offset.x;
    m.y.w += offset.y;
    m.z.w += offset.z;
    return m;
}

// How far an instance under `m` leans for its height; 0 unless its motion is wind.
vec2 lean_of(Affine m, int kind, vec4 motion, vec3 place, int object, int id) {
    if (kind != MOTION_WIND) return vec2(0.0);
    return wind_at(motion, place, dice(object, id)) + pushed_at(vec3(m.x.w, m.y.w, m.z.w));
}
