"""Forest: broadleaf trees and conifers in stands, with clearings and boulders between them.

`count` trees of six kinds; the forest grows with their number, so that it stays as dense.
"""

import numpy as np

import throng

COUNT = 6_000
DENSITY = 0.035  # trees a square metre
MOST_SPRIGS = 20_000  # trees, with up to four times the triangles: where there are more, most are far away
KINDS = [("broadleaf", 7.0), ("broadleaf", 8.5), ("broadleaf", 6.0), ("conifer", 9.0), ("conifer", 11.0)]
HOUR = 8.0


def build(count: int, seed: int, hour: float = HOUR) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = np.sqrt(count / DENSITY) / 2
    sky, sun = throng.Sky(turbidity=1.5, ground=(0.36, 0.40, 0.26)).at(
        hour, north=60, shadows=throng.Shadows(distance=260, cascades=4)
    )
    scene = throng.Scene(
        sky=sky, sun=sun, ambient=None, fog=throng.Fog(density=0.0012, falloff=0.006, start=40),
        exposure=sky.exposure(sun) + 0.8, tone_mapping="neutral",
    )  # fmt: skip

    foliage = "sprigs" if count <= MOST_SPRIGS else "solid"

    x, z = standing(random, count, half)
    # Conifers keep to the same places: stands, not a mixture.
    cold = np.sin(x * 0.031 + 1.7) + np.sin(z * 0.027 + 0.4) + random.normal(0, 0.45, count)
    kind = np.where(cold > 0.35, random.integers(3, 5, count), random.integers(0, 3, count))
    for number, (name, height) in enumerate(KINDS):
        mine = np.flatnonzero(kind == number)
        tint = 1.0 - random.uniform(0.0, 0.3, (len(mine), 1)) * (0.4, 0.8, 1.0)
        scene.add(
            throng.Crowd(
                throng.shapes.tree(seed + number, name, height, foliage=foliage),
                positions=np.column_stack([x[mine], hills(x[mine], z[mine]) - 0.1, z[mine]]),
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
            positions=np.column_stack([places[0], hills(*places), places[1]]),
            rotations=turned(random.uniform(0, 2 * np.pi, stones)),
            scales=random.uniform(0.3, 1.6, (stones, 1)) * random.uniform(0.7, 1.3, (stones, 3)),
            name="boulders",
        )
    )
    scene.add(ground(half))
    return scene


def hills(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The height of the ground, metres."""
    return 9.0 * throng.noise(x / 170, z / 170, seed=2) + 2.0 * throng.noise(x / 60, z / 60, seed=3)


def ground(half: float) -> throng.Node:
    """Moss and dry leaves in patches, as far as there are trees and beyond."""
    cells = int(np.clip(half / 1.5, 64, 700))
    x, z = np.meshgrid(*[np.linspace(-1, 1, cells) * 1.5 * half] * 2)
    heights = hills(x, z)
    beyond = np.clip((np.hypot(x, z) - 1.1 * half) / (0.4 * half), 0, 1)
    heights += beyond**2 * (3 - 2 * beyond) * 0.18 * half * (1 + 0.6 * throng.noise(x / 90, z / 90))
    patches = np.clip(0.5 + 0.8 * throng.noise(x / 14, z / 14, octaves=3), 0, 1)[..., None]
    moss, leaves = np.array((0.30, 0.38, 0.17)), np.array((0.45, 0.37, 0.22))
    mesh = throng.shapes.terrain(heights, 3 * half, moss + patches * (leaves - moss))
    return throng.Node(mesh, throng.Material(), name="ground")


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
    return float(ground.bounds[1, 0]) / 1.5


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
