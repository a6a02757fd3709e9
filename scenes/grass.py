"""Grass: a field of tufts that gusts of wind travel over.

`count` tufts of nine blades each; the field grows with their number, so that it stays as dense.
"""

import numpy as np

import throng

COUNT = 30_000
REACH = 4.0  # times as far as the grass is there land
DENSITY = 20.0  # tufts a square metre
HOUR = 16.5


def build(count: int, seed: int, hour: float = HOUR) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = np.sqrt(count / DENSITY) / 2
    sky, sun = throng.Sky(turbidity=1.6, ground=(0.36, 0.40, 0.24)).at(
        hour, north=20, shadows=throng.Shadows(distance=40, cascades=3)
    )
    scene = throng.Scene(
        sky=sky, sun=sun, ambient=None, fog=throng.Fog(density=0.006, falloff=0.03, start=8),
        exposure=sky.exposure(sun) + 0.8, tone_mapping="neutral",
    )  # fmt: skip

    x, z = random.uniform(-half, half, (2, count))
    positions = np.column_stack([x, hills(x, z), z])

    # Clumps: what grows taller is also fresher, and dries out where it is short.
    lush = np.clip(0.5 + 0.8 * throng.noise(x / 5, z / 5, seed=8, octaves=3), 0, 1)
    scales = (0.60 + 0.75 * lush) * random.uniform(0.75, 1.25, count)
    dry, fresh = np.array((0.78, 0.72, 0.36)), np.array((0.40, 0.66, 0.20))
    colors = dry + (fresh - dry) * np.clip(lush + random.normal(0, 0.18, count), 0, 1)[:, None]

    scene.add(
        throng.Crowd(
            throng.shapes.grass_tuft(seed),
            throng.Material(
                double_sided=True, translucency=0.35, motion=throng.Motion("wind", strength=0.35, spread=9.0)
            ),
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
    half = max(float(ground.bounds[1, 0]) / REACH, 1.0)
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
    """The soil under the grass, and meadows further off, up to ridges that hide where they end."""
    steps = np.linspace(-1, 1, 240)
    x, z = np.meshgrid(*[REACH * half * np.sign(steps) * np.abs(steps) ** 1.6] * 2)
    beyond = np.clip((np.hypot(x, z) - 1.2 * half) / (2 * half), 0, 1)
    ridge = beyond**2 * (3 - 2 * beyond) * 0.35 * half * (0.8 + 0.6 * throng.noise(x / 30, z / 30, octaves=3))
    heights = hills(x, z) - 0.02 + ridge
    patches = np.clip(0.5 + 0.8 * throng.noise(x / 5, z / 5, seed=8, octaves=3), 0, 1)[..., None]
    dry, fresh = np.array((0.50, 0.48, 0.24)), np.array((0.33, 0.46, 0.17))
    colors = (dry + (fresh - dry) * patches) * (0.75 + 0.25 * np.clip(beyond * 4, 0, 1))[..., None]
    points = np.stack([x, heights, z], axis=-1).reshape(-1, 3)
    grid = throng.shapes.terrain(heights, 2.0).indices[:, ::-1]
    return throng.Node(
        throng.Mesh(points, grid, colors=colors.reshape(-1, 3)), throng.Material(), name="ground"
    )


def turned(angles: np.ndarray) -> np.ndarray:
    """Quaternions that turn about the Y axis."""
    zero = np.zeros_like(angles)
    return np.column_stack([zero, np.sin(angles / 2), zero, np.cos(angles / 2)])
