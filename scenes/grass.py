"""Grass: a field of tufts that gusts of wind travel over.

`count` tufts of nine blades each; the field grows with their number, so that it stays as dense.
"""

import numpy as np

import throng

COUNT = 30_000
DENSITY = 20.0  # tufts a square metre


def build(count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = np.sqrt(count / DENSITY) / 2
    scene = throng.Scene(
        background=(0.71, 0.83, 0.92),
        sun=throng.Sun(direction=(-0.5, -0.55, 0.45), color=(1.0, 0.95, 0.80), intensity=1.0),
        ambient=(0.52, 0.58, 0.60),
    )

    x, z = random.uniform(-half, half, (2, count))
    positions = np.column_stack([x, hills(x, z), z])

    # Clumps: what grows taller is also fresher, and dries out where it is short.
    lush = 0.5 + 0.5 * np.sin(x * 0.55 + 2 * np.sin(z * 0.21)) * np.sin(z * 0.47 + 1.3 * np.sin(x * 0.31))
    scales = (0.60 + 0.75 * lush) * random.uniform(0.75, 1.25, count)
    dry, fresh = np.array((0.78, 0.72, 0.36)), np.array((0.40, 0.66, 0.20))
    colors = dry + (fresh - dry) * np.clip(lush + random.normal(0, 0.18, count), 0, 1)[:, None]

    scene.add(
        throng.Crowd(
            throng.shapes.grass_tuft(seed),
            throng.Material(double_sided=True, motion=throng.Motion("wind", strength=0.35, spread=9.0)),
            positions=positions,
            rotations=turned(random.uniform(0, 2 * np.pi, count)),
            scales=scales,
            colors=colors,
            name="grass",
        )
    )
    scene.add(ground(half * 1.02))
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    ground = next(node.mesh for node in scene.children if node.mesh and node.name == "ground")
    half = max(float(ground.bounds[1, 0]), 1.0)
    angle = 0.6 + 0.03 * seconds
    position = np.array((np.sin(angle), 0.0, np.cos(angle))) * half * 0.85 + (0, 1.3 + 0.02 * half, 0)
    target = np.array((np.sin(angle), 0.0, np.cos(angle))) * half * 0.2
    return throng.Camera(position, target, fov=50, near=0.1, far=half * 4 + 50)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds


def hills(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The height of the ground, metres."""
    return 0.5 * np.sin(x * 0.11) * np.cos(z * 0.13) + 0.25 * np.sin(x * 0.05 + z * 0.07)


def ground(half: float) -> throng.Node:
    """The soil under the grass: a grid raised by `hills`."""
    flat = throng.shapes.plane(2 * half, divisions=64)
    points = np.array(flat.positions)
    points[:, 1] = hills(points[:, 0], points[:, 2]) - 0.02
    return throng.Node(throng.Mesh(points, flat.indices), throng.Material((0.34, 0.40, 0.17)), name="ground")


def turned(angles: np.ndarray) -> np.ndarray:
    """Quaternions that turn about the Y axis."""
    zero = np.zeros_like(angles)
    return np.column_stack([zero, np.sin(angles / 2), zero, np.cos(angles / 2)])
