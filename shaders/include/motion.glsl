// Movements of whole instances: functions of time and the instance, nothing else.
// `motion` is (kind, strength, spread, seconds), as Motion in material.py describes it.
#include "layout.glsl"
#include "transform.glsl"
#include "hash.glsl"

const int MOTION_WIND = 1, MOTION_FOUNTAIN = 2, MOTION_SNOW = 3;
const float PUSH = 2.0;   // by which movers make plants lean at most
const float FLAT = 0.35;  // of its height is left of what a mover stands on
const float TURN = 6.283185307179586;

// Four numbers in 0..1 that belong to the instance.
vec4 dice(int object, int id) {
    uint a = hashed(uint(id) ^ (uint(object) * 0x9E3779B9u));
    uint b = hashed(a);
    return vec4(a >> 16u, a & 0xFFFFu, b >> 16u, b & 0xFFFFu) / 65536.0;
}

float lattice(vec2 corner) {
    ivec2 c = ivec2(corner);
    return float(hashed(uint(c.x) * 0x9E3779B9u ^ hashed(uint(c.y))) >> 8u) / 16777216.0;
}

// 0..1, smooth, without a pattern: value noise.
float drift(vec2 p) {
    vec2 corner = floor(p), share = p - corner;
    share *= share * (3.0 - 2.0 * share);
    return mix(mix(lattice(corner), lattice(corner + vec2(1, 0)), share.x),
               mix(lattice(corner + vec2(0, 1)), lattice(corner + vec2(1, 1)), share.x), share.y);
}

// How far what stands at `place`, in the scene, leans, x and z, for its height: gusts that travel over the field, ripples
// that run through them, a swell, each plant's own flutter. All together add up to less than `strength`.
vec2 wind_at(vec4 motion, vec3 place, vec4 random) {
    float blows = length(frame.moment.zw), seconds = motion.w;
    if (blows == 0.0) return vec2(0.0);
    vec2 along = frame.moment.zw / blows, across = vec2(-along.y, along.x);
    vec2 p = vec2(dot(place.xz, along), dot(place.xz, across)) / motion.z;
    float gust = smoothstep(0.25, 0.8, drift(vec2(2.0 * p.x - 0.8 * seconds, 1.1 * p.y + 0.1 * seconds)));
    float ripple = drift(vec2(5.0 * p.x - 2.6 * seconds, 3.1 * p.y));
    float swell = 0.75 + 0.25 * sin(p.x * TURN / 2.7 + p.y - seconds * 0.45);
    float flutter = (0.3 + 0.7 * gust) * sin(seconds * (4.0 + 2.0 * random.x) + random.y * TURN);
    float lean = 0.08 + 0.5 * gust * swell + 0.25 * ripple * (0.4 + 0.6 * gust) + 0.1 * flutter;
    return motion.y * blows * (along * lean + across * (0.22 * sin(seconds * 2.3 + random.z * TURN)));
}

// Aside from what moves through, x and y, and how much of its height is left. What is taller than that is felt less.
vec3 pushed_at(vec3 root, float height) {
    vec2 sum = vec2(0.0);
    float left = 1.0;
    for (int number = 0; number < int(frame.moment.x); number++) {
        vec3 mover = frame.movers[number].xyz;
        float radius = frame.movers[number].w;
        vec2 away = (root.xz - mover.xz) / radius;
        float gap = max(max(mover.y - root.y - height, root.y - mover.y), 0.0) / radius;
        float far = length(vec3(away, gap)), small = min(radius * radius / max(height * height, 1e-12), 1.0);
        sum += small * (1.0 - smoothstep(0.3, 1.0, far)) * away / max(length(away), 0.3);
        left = min(left, 1.0 - (1.0 - FLAT) * small * (1.0 - smoothstep(0.15, 0.75, far)));
    }
    return vec3(sum * (PUSH / max(length(sum), 1.0)), left);
}

// How far the length of something that leans so much for its height is taken back, so that it stays as long.
float shortened(float lean2) { return inversesqrt(1.0 + 1.3333333 * lean2); }

// A linear transform for what is bent: exact at three quarters of the height. For what is too small for more.
Affine leaning(Affine m, vec2 lean) {
    lean *= 0.75;
    float left = shortened(dot(lean, lean));
    m.x.xyz += lean.x * left * m.y.xyz;
    m.z.xyz += lean.y * left * m.y.xyz;
    m.y.xyz *= left;
    return m;
}

// No less than the height of any vertex above or below the instance's origin, the furthest being so far from it.
float height_of(Affine m, float furthest) { return length(m.y.xyz) * furthest; }

// Where a vertex goes: stiff at the root, aside with the square of its height, down so that lengths stay (to the second
// order; however far it leans, it never gets to the ground). `lean` is for the square of the height. Makes of `m` what
// normals are turned by there. After Jahrmann and Wimmer, "Responsive Real-Time Grass Rendering for General 3D
// Scenes", I3D 2017, and Habel, Kusternig and Wimmer, "Physically Guided Animation of Trees", Eurographics 2009.
vec3 bent(inout Affine m, vec3 vertex, vec2 lean) {
    float height = dot(m.y.xyz, vertex), lean2 = dot(lean, lean) * height * height;
    float left = shortened(lean2);
    vec3 place = transformed(m, vertex);
    place.xz += lean * (height * height * left);
    place.y = m.y.w + height * left;
    // Its derivative by the height.
    float left2 = left * left;
    vec2 slope = lean * (height * left * (2.0 - 1.3333333 * lean2 * left2));
    m.x.xyz += slope.x * m.y.xyz;
    m.z.xyz += slope.y * m.y.xyz;
    m.y.xyz *= left * left2;
    return place;
}

// Where a box or sphere around the middle of what bends has to be, and what it has to be larger by along each axis.
vec3 room_to_bend(inout vec3 center, vec2 lean, float height) {
    float left = shortened(dot(lean, lean));
    vec2 aside = lean * (0.5 * height * left);
    center.xz += aside;
    return vec3(abs(aside.x), height * (1.0 - left), abs(aside.y));
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

// The transform after a motion that carries instances as they are.
Affine moved(Affine m, int kind, vec4 motion, int object, int id) {
    if (kind != MOTION_FOUNTAIN && kind != MOTION_SNOW) return m;
    vec4 random = dice(object, id);
    vec3 offset = kind == MOTION_FOUNTAIN ? in_fountain(motion, random) : in_snow(motion, random);
    m.x.w += offset.x;
    m.y.w += offset.y;
    m.z.w += offset.z;
    return m;
}

// How far an instance whose motion is wind leans for its height, the model's furthest vertex being so far from its
// origin. What stands under a mover has `m` pressed flat.
vec2 lean_of(inout Affine m, vec4 motion, float furthest, int object, int id) {
    vec3 root = vec3(m.x.w, m.y.w, m.z.w);
    vec2 lean = wind_at(motion, root + frame.origin.xyz, dice(object, id));
    if (frame.moment.x > 0.0) {
        vec3 pushed = pushed_at(root, height_of(m, furthest));
        lean += pushed.xy;
        m.y.xyz *= pushed.z;
    }
    return lean;
}
