// Fog that thins with height, of which the integral along a ray is known: Wenzel, "Real-time Atmospheric Effects in
// Games", SIGGRAPH 2006.
#ifdef FOG
vec3 fogged(vec3 light, Surface s) {
    vec3 back = s.eye, position = s.position;
    float away = frame.eye.w == 0.0 ? dot(frame.depth, vec4(position, 1.0)) : distance(position, frame.eye.xyz);
    float way = max(away - frame.fog_shape.y, 0.0), falloff = frame.fog_shape.x;
    float far = (position.y - frame.fog_shape.z) * falloff, rise = -back.y * way * falloff, near = far - rise;
    float at_near = exp(-clamp(near, -60.0, 60.0)), at_far = exp(-clamp(far, -60.0, 60.0));
    float mean = abs(rise) < 0.01 ? at_near * (1.0 - 0.5 * rise) : (at_near - at_far) / rise;
    float clear = exp(-frame.fog.w * mean * way);
#ifdef FOG_SKY
    vec3 haze = sky_light(normalize(vec3(-back.x, max(-back.y, 0.01), -back.z)));
#else
    vec3 haze = frame.fog.rgb;
#endif
    return mix(haze, light, clear);
}
#else
#define fogged(light, surface) (light)
#endif
