"""Forest: broadleaf trees and conifers in stands, with clearings and boulders between them.

`count` trees of six kinds; the forest grows with their number, so that it stays as dense.
"""

import numpy as np

import throng

COUNT = 6_000
DENSITY = 0.035  # trees a square metre
KINDS = [("broadleaf", 7.0), ("broadleaf", 8.5), ("broadleaf", 6.0), ("conifer", 9.0), ("conifer", 11.0)]


def build(count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = np.sqrt(count / DENSITY) / 2
    scene = throng.Scene(
        background=(0.74, 0.83, 0.90),
        sun=throng.Sun(direction=(-0.6, -0.6, -0.35), color=(1.0, 0.93, 0.80), intensity=1.1),
        ambient=(0.50, 0.56, 0.62),
    )

    x, z = standing(random, count, half)
    # Conifers keep to the same places: stands, not a mixture.
    cold = np.sin(x * 0.031 + 1.7) + np.sin(z * 0.027 + 0.4) + random.normal(0, 0.45, count)
    kind = np.where(cold > 0.35, random.integers(3, 5, count), random.integers(0, 3, count))
    for number, (name, height) in enumerate(KINDS):
        mine = np.flatnonzero(kind == number)
        tint = 1.0 - random.uniform(0.0, 0.3, (len(mine), 1)) * (0.4, 0.8, 1.0)
        scene.add(
            throng.Crowd(
                throng.shapes.tree(seed + number, kind=name, height=height),
                positions=np.column_stack([x[mine], np.zeros(len(mine)), z[mine]]),
                rotations=turned(random.uniform(0, 2 * np.pi, len(mine))),
                scales=random.uniform(0.65, 1.2, len(mine)),
                colors=tint,
                name=f"{name} {number}",
            )
        )

    stones = max(count // 12, 1)
    places = random.uniform(-half, half, (2, stones))
    scene.add(
        throng.Crowd(
            throng.shapes.rock(seed),
            throng.Material((0.52, 0.51, 0.48)),
            positions=np.column_stack([places[0], np.zeros(stones), places[1]]),
            rotations=turned(random.uniform(0, 2 * np.pi, stones)),
            scales=random.uniform(0.3, 1.6, (stones, 1)) * random.uniform(0.7, 1.3, (stones, 3)),
            name="boulders",
        )
    )
    scene.add(
        throng.Node(throng.shapes.plane(2.1 * half), throng.Material((0.40, 0.45, 0.24)), name="ground")
    )
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    half = max(extent(scene), 12.0)
    angle = 0.5 + 0.04 * seconds
    out = np.array((np.sin(angle), 0.0, np.cos(angle)))
    distance = min(half * 1.05, 130.0)
    return throng.Camera(
        out * distance + (0, 9 + 0.16 * distance, 0), out * distance * 0.3, fov=45, far=half * 4
    )


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds


def extent(scene: throng.Scene) -> float:
    """Metres from the middle of the forest to its edge."""
    ground = next(node.mesh for node in scene.children if node.mesh and node.name == "ground")
    return float(ground.bounds[1, 0]) / 1.05


def standing(random: np.random.Generator, count: int, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Places for trees: thrown at random, and thrown away where a clearing is."""
    places = random.uniform(-half, half, (2, 2 * count + 8))
    x, z = places
    open_ground = np.sin(x * 0.045 + 2.2) * np.sin(z * 0.052) + 0.4 * np.sin(x * 0.13 + z * 0.11) > 0.55
    kept = np.concatenate([np.flatnonzero(~open_ground), np.flatnonzero(open_ground)])[:count]
    return x[kept], z[kept]


def turned(angles: np.ndarray) -> np.ndarray:
    """Quaternions that turn about the Y axis."""
    zero = np.zeros_like(angles)
    return np.column_stack([zero, np.sin(angles / 2), zero, np.cos(angles / 2)])
