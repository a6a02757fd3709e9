"""Plain NumPy in, plain NumPy out: a simulation is drawn frame by frame, with depth and labels.

python numpy_frames.py [FOLDER]: writes colour, depth and label pictures of ten frames.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import throng


def main(folder: str = "frames", count: int = 2000, frames: int = 10) -> None:
    out = Path(folder)
    out.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    places, speeds = random.normal(size=(count, 3)) * 6, random.normal(size=(count, 3))

    scene = throng.Scene(background=(1, 1, 1))
    balls = scene.add(throng.Crowd(throng.shapes.sphere(0.2, segments=12, rings=8), positions=places))
    camera = throng.Camera(position=(0, 8, 26))
    with throng.Renderer(size=(640, 360), samples=4) as renderer:
        for number in range(frames):
            speeds -= places * 0.02  # a step of your own simulation
            places += speeds * 0.1
            balls.positions = places
            heat = np.clip(np.linalg.norm(speeds, axis=1) / 4, 0, 1)[:, None]
            balls.colors = (1 - heat) * (0.15, 0.35, 0.9) + heat * (0.95, 0.3, 0.1)

            frame = renderer.render(scene, camera, outputs=("color", "depth", "ids"))
            Image.fromarray(frame.color).convert("RGB").save(out / f"color-{number:03}.png")

            near, far = 10.0, 45.0  # depth is in metres along the view axis, inf where nothing is
            grey = np.clip((far - frame.depth) / (far - near), 0, 1)
            Image.fromarray((grey * 255).astype(np.uint8)).save(out / f"depth-{number:03}.png")

            # ids: the node's and the instance's; -1 where nothing is. Each ball gets a colour of its own.
            instance = frame.ids[..., 1]
            palette = np.random.default_rng(1).integers(64, 256, (count, 3), dtype=np.uint8)
            labels = np.where((instance >= 0)[..., None], palette[instance], np.uint8(0))
            Image.fromarray(labels).save(out / f"labels-{number:03}.png")
            seen = np.unique(instance[instance >= 0]).size
            nearest = frame.depth.min()
            print(f"frame {number}: {seen} of {count} balls can be seen, the nearest at {nearest:.1f} m")


if __name__ == "__main__":
    main(*sys.argv[1:])
