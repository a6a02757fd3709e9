// How an instance in view is drawn: at which level of detail, or as a splat.
#include "columns.glsl"

const float FADE = 0.1;  // of a level's size is where it and the next are both drawn

struct Choice {
    uint level;   // drawn as a mesh of this level, if `mesh`
    uint other;   // and, where it fades, of this one
    float faded;  // how far, 0..1
    bool mesh, splat, splat_fades;
};

float size_of(vec3 center, float radius) {
    float w = dot(cull.clip_w, vec4(center, 1.0));
    float slant = cull.eye.w == 0.0 ? 1.0 : distance(center, cull.eye.xyz) * length(cull.clip_w.xyz) / w;
    return 2.0 * radius * cull.picture.z * slant / w;
}

// Whether what the frozen view would have as a splat is as small in the view that is drawn.
bool small_as_drawn(vec3 center, float radius) {
    mat4 m = frame.view_projection;
    float w = dot(vec4(m[0].w, m[1].w, m[2].w, m[3].w), vec4(center, 1.0));
    return w > 4.0 * radius && 2.0 * radius * cull.picture.z < 40.0 * w;
}

// By the diameter of the model's sphere in pixels, `radius` being `bound` times what the mean of its axes says.
Choice chosen(Item item, Affine m, vec3 center, float radius) {
    Choice c = Choice(0u, 0u, 1.0, true, false, false);
    float w = dot(cull.clip_w, vec4(center, 1.0));
    if (w <= 0.0) return c;
    float size = size_of(center, radius * 0.57735027);
    if (switched(SWITCH_LOD))
        for (uint k = 0u; k + 1u < item.levels; k++)
            if (size < item.switches[k]) c.level = k + 1u;
    c.other = c.level;
    float limit = item.splat_size;
    if (HAS_MASK && size < limit) {
        // Splats lie in front of the eye as a whole, and are not flat.
        vec3 rows = vec3(dot(m.x.xyz, m.x.xyz), dot(m.y.xyz, m.y.xyz), dot(m.z.xyz, m.z.xyz));
        vec3 axes = vec3(m.x.x * m.x.x + m.y.x * m.y.x + m.z.x * m.z.x, m.x.y * m.x.y + m.y.y * m.y.y + m.z.y * m.z.y,
                         m.x.z * m.x.z + m.y.z * m.y.z + m.z.z * m.z.z);
        float least = min(min(min(axes.x, axes.y), axes.z), min(min(rows.x, rows.y), rows.z));
        if (w > 4.0 * radius * length(cull.clip_w.xyz) && least > 1e-6 * max(axes.x, max(axes.y, axes.z))) {
            if (switched(SWITCH_FROZEN) && !small_as_drawn(center, radius)) {
                c.level = c.other = item.levels - 1u;
                return c;
            }
            c.splat = true;
            if (switched(SWITCH_LOD) && item.blended == 0u) c.faded = stepped((limit - size) / (limit * FADE));
            c.mesh = c.splat_fades = c.faded < 1.0;
            return c;
        }
    }
    if (c.level > 0u) {
        float edge = item.switches[c.level - 1u];
        c.faded = stepped((edge - size) / (edge * FADE));
        if (c.faded < 1.0) c.other = c.level - 1u;
    }
    return c;
}

// No less than the radius of the model's sphere: the Frobenius norm bounds how much anything is lengthened.
float radius_of(Item item, Affine m) {
    return item.center.w * sqrt(dot(m.x.xyz, m.x.xyz) + dot(m.y.xyz, m.y.xyz) + dot(m.z.xyz, m.z.xyz));
}
