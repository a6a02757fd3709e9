"""A shader of one's own: a field of columns that rise and glow by a column of data, in waves.

python custom_shading.py [PICTURE.png]
"""

import sys

import numpy as np
from PIL import Image

import throng

RISE = """
void move_vertex(inout vec3 position, inout vec3 normal) {
    float wave = 0.5 + 0.5 * sin(seconds() * 2.0 - column_distance * 1.5);
    if (position.y > 0.0) position.y += 2.0 * column_heat * wave;
}
"""
GLOW = """
void shade_surface(inout Surface surface) {
    surface.color = mix(vec3(0.03, 0.08, 0.3), vec3(1.0, 0.25, 0.03), column_heat);
    surface.emissive = surface.color * column_heat * column_heat;
    surface.roughness = 0.5;
}
"""


def scene(side: int = 40) -> throng.Scene:
    x, z = (grid.ravel() for grid in np.meshgrid(np.arange(side) - side / 2, np.arange(side) - side / 2))
    distance = np.hypot(x, z)
    heat = np.exp(-((distance / 9.0) ** 2)) + 0.15 * np.random.default_rng(0).random(len(x))
    shader = throng.Shader(
        vertex=RISE, surface=GLOW, columns={"heat": "float", "distance": "float"}, reach=2.4
    )
    result = throng.Scene(background=(0.02, 0.02, 0.05), sun=throng.Sun(intensity=0.6, shadows=True))
    result.add(
        throng.Crowd(
            throng.shapes.box((0.8, 1.0, 0.8)),
            throng.Material(shader=shader),
            positions=np.column_stack([x, np.zeros(len(x)), z]),
            columns={"heat": np.clip(heat, 0, 1), "distance": distance},
        )
    )
    return result


if __name__ == "__main__":
    field = scene()
    field.time = 1.3
    camera = throng.Camera(position=(14, 11, 20), target=(0, 0, 0))
    frame = throng.render(field, camera, size=(960, 540), samples=4)
    Image.fromarray(frame.color).save(sys.argv[1] if len(sys.argv) > 1 else "custom_shading.png")
