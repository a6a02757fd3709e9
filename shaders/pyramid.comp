// The depth pyramid: for each tile of 8x8 pixels the farthest depth, then of each 2x2 tiles, up to one.
#include "visibility.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

#ifdef FINEST
#if SAMPLES > 1
uniform sampler2DMS depth;
#else
uniform sampler2D depth;
#endif
#else
uniform uint at_finer;
uniform ivec2 finer;
#endif
uniform uint at_coarser;
uniform ivec2 coarser;

float farther(float a, float b) { return switched(SWITCH_REVERSED) ? min(a, b) : max(a, b); }

void main() {
    ivec2 tile = ivec2(gl_GlobalInvocationID.xy);
    if (tile.x >= coarser.x || tile.y >= coarser.y) return;
    float farthest = switched(SWITCH_REVERSED) ? 1.0 : 0.0;
#ifdef FINEST
    ivec2 end = min(tile * 8 + 8, ivec2(cull.picture.xy));
    for (int y = tile.y * 8; y < end.y; y++)
        for (int x = tile.x * 8; x < end.x; x++)
#if SAMPLES > 1
            for (int i = 0; i < SAMPLES; i++)
                farthest = farther(farthest, texelFetch(depth, ivec2(x, y), i).r);
#else
            farthest = farther(farthest, texelFetch(depth, ivec2(x, y), 0).r);
#endif
#else
    ivec2 last = min(tile * 2 + 1, finer - 1);
    for (int y = tile.y * 2; y <= last.y; y++)
        for (int x = tile.x * 2; x <= last.x; x++)
            farthest = farther(farthest, uintBitsToFloat(screen[at_finer + uint(y * finer.x + x)]));
#endif
    screen[at_coarser + uint(tile.y * coarser.x + tile.x)] = floatBitsToUint(farthest);
}
