"""Meadow: grass, flowers, trees, rocks, people and drifting seeds together, in one draw call a pass.

`count` tufts of grass, and of everything else in proportion.
"""

import numpy as np
import numpy.typing as npt

import throng

COUNT = 40_000
DENSITY = 11.0  # tufts a square metre
HOUR = 9.0


def build(count: int, seed: int, hour: float = HOUR) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = np.sqrt(count / DENSITY) / 2
    sky, sun = throng.Sky(turbidity=1.8, ground=(0.36, 0.40, 0.26)).at(
        hour, north=150, shadows=throng.Shadows(distance=60, cascades=3, size=512)
    )
    scene = throng.Scene(
        sky=sky, sun=sun, ambient=None, fog=throng.Fog(density=0.006, falloff=0.04, start=10),
        exposure=sky.exposure(sun) + 0.8, tone_mapping="neutral",
    )  # fmt: skip
    wind = throng.Motion("wind", strength=0.25, spread=11.0)

    x, z = scattered(random, count, half)
    lush = 0.5 + 0.5 * np.sin(x * 0.4 + 1.5 * np.sin(z * 0.3)) * np.cos(z * 0.35)
    near_path = np.abs(x - path(z)) < 1.3
    greens = np.array((0.56, 0.66, 0.26)) + lush[:, None] * (-0.17, 0.02, -0.06)
    scene.add(
        throng.Crowd(
            throng.shapes.grass_tuft(seed),
            throng.Material(double_sided=True, motion=wind),
            positions=on_ground(x, z),
            rotations=turned(random.uniform(0, 2 * np.pi, count)),
            scales=np.where(near_path, 0.3, 0.65 + 0.5 * lush) * random.uniform(0.8, 1.2, count),
            colors=np.clip(greens + random.normal(0, 0.03, (count, 3)), 0, 1),
            name="grass",
        )
    )

    flowers = max(count // 10, 1)
    x, z = scattered(random, flowers, half)
    palette = np.array([(0.95, 0.90, 0.35), (0.90, 0.35, 0.40), (0.95, 0.95, 0.97), (0.60, 0.45, 0.85)])
    patch = (np.sin(x * 0.3) + np.sin(z * 0.27) + 2) / 4 * 3.99
    scene.add(
        throng.Crowd(
            throng.shapes.sphere(0.045, segments=6, rings=4),
            throng.Material(),
            positions=on_ground(x, z) + np.column_stack([0 * x, random.uniform(0.25, 0.5, flowers), 0 * x]),
            colors=palette[np.clip(patch + random.normal(0, 0.3, flowers), 0, 3).astype(int)],
            name="flowers",
        )
    )

    for number, kind in enumerate(("broadleaf", "broadleaf", "conifer")):
        trees = max(count // 1200, 1)
        x, z = scattered(random, trees, half, keep_off=5.5)
        scene.add(
            throng.Crowd(
                throng.shapes.tree(seed + number, kind, 7.0, foliage="sprigs"),
                positions=on_ground(x, z),
                rotations=turned(random.uniform(0, 2 * np.pi, trees)),
                scales=random.uniform(0.6, 1.15, trees),
                name=f"trees {number}",
            )
        )

    rocks = max(count // 250, 1)
    x, z = scattered(random, rocks, half)
    scene.add(
        throng.Crowd(
            throng.shapes.rock(seed),
            throng.Material((0.55, 0.54, 0.51)),
            positions=on_ground(x, z),
            rotations=turned(random.uniform(0, 2 * np.pi, rocks)),
            scales=random.uniform(0.15, 0.9, rocks),
            name="rocks",
        )
    )

    seeds = max(count // 8, 1)
    x, z = scattered(random, seeds, half, keep_off=4.0)
    scene.add(
        throng.Crowd(
            throng.shapes.box(),
            throng.Material(
                (1.0, 1.0, 0.94), shading="unlit", motion=throng.Motion("snow", strength=5.0, speed=0.4)
            ),
            positions=on_ground(x, z) + (0, 5.2, 0),
            scales=random.uniform(0.01, 0.02, seeds),
            name="seeds",
        )
    )

    for number in range(4):
        walker = scene.add(throng.Node(throng.shapes.person(seed + number), name=f"walker {number}"))
        walk(walker, number, 0.0)
    scene.movers = [throng.Mover(node.position, 0.7) for node in walkers(scene)]
    scene.add(ground(half))
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    ground = next(node.mesh for node in scene.children if node.mesh and node.name == "ground")
    half = max(float(ground.bounds[1, 0]) / 3.0, 2.0)
    distance = min(half * 0.9, 34.0)
    sway = 0.25 * np.sin(seconds * 0.1)
    position = (path(distance) + 1.5 + 4 * sway, 2.3 + 0.02 * distance, distance)
    return throng.Camera(position, (path(0.0) - 2 * sway, 1.4, 0.0), fov=48, far=half * 4 + 60)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds
    for number, walker in enumerate(walkers(scene)):
        walk(walker, number, seconds)
    scene.movers = [throng.Mover(walker.position, 0.7) for walker in walkers(scene)]


def walkers(scene: throng.Scene) -> list[throng.Node]:
    return [node for node in scene.children if node.name.startswith("walker")]


def walk(walker: throng.Node, number: int, seconds: float) -> None:
    """Puts a walker on the path: on the way from the back to the front, and round again."""
    z = (seconds * 1.3 + number * 9.0) % 40.0 - 22.0
    x, ahead = float(path(z)), float(path(z + 0.1) - path(z))
    walker.position = (x + 0.5 * (number % 2), float(hills(x, z)), z)
    angle = np.arctan2(ahead, 0.1)
    walker.rotation = (0, np.sin(angle / 2), 0, np.cos(angle / 2))


def path(z: npt.ArrayLike) -> np.ndarray:
    """Where the path runs: x for each z."""
    z = np.asarray(z)
    return 2.5 * np.sin(z * 0.12) + 0.8 * np.sin(z * 0.31)


def hills(x: npt.ArrayLike, z: npt.ArrayLike) -> np.ndarray:
    """The height of the ground, metres."""
    x, z = np.asarray(x), np.asarray(z)
    return 1.1 * throng.noise(x / 30, z / 30, seed=4) + 0.25 * throng.noise(x / 9, z / 9, seed=5)


def on_ground(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.column_stack([x, hills(x, z), z])


def scattered(
    random: np.random.Generator, count: int, half: float, keep_off: float = 0.7
) -> tuple[np.ndarray, np.ndarray]:
    """Places at random, pushed off the path."""
    x, z = random.uniform(-half, half, (2, count))
    beside = x - path(z)
    x = np.where(np.abs(beside) < keep_off, x + np.sign(beside + 1e-9) * keep_off, x)
    return x, z


def ground(half: float) -> throng.Node:
    """Soil raised by `hills`, sandy along the path, between ridges that hide where it ends."""
    reach, cells = 3.0 * half, 320
    steps = np.linspace(-1, 1, cells)
    warped = reach * np.sign(steps) * np.abs(steps) ** 1.6  # finer in the middle
    x, z = np.meshgrid(warped, warped)
    beyond = np.clip((np.hypot(x, z) - 1.1 * half) / (1.5 * half), 0, 1)
    ridge = beyond**2 * (3 - 2 * beyond) * 0.3 * half * (0.75 + 0.5 * throng.noise(x / 45, z / 45, octaves=3))
    heights = hills(x, z) - 0.02 + ridge
    trodden = np.clip(1.4 - np.abs(x - path(z)), 0, 1)[..., None]
    patches = np.clip(0.5 + 0.7 * throng.noise(x / 6, z / 6, octaves=3), 0, 1)[..., None]
    soil = (
        np.array((0.36, 0.44, 0.19)) + patches * (0.10, 0.05, 0.02) - beyond[..., None] * (0.08, 0.06, 0.04)
    )
    colors = soil + (np.array((0.72, 0.63, 0.46)) - soil) * trodden
    points = np.stack([x, heights, z], axis=-1).reshape(-1, 3)
    grid = throng.shapes.terrain(heights, 2 * reach).indices[:, ::-1]
    mesh = throng.Mesh(points, grid, colors=np.clip(colors, 0, 1).reshape(-1, 3))
    return throng.Node(mesh, throng.Material(), name="ground")


def turned(angles: np.ndarray) -> np.ndarray:
    """Quaternions that turn about the Y axis."""
    return np.sin(angles / 2)[:, None] * (0, 1, 0, 0) + np.cos(angles / 2)[:, None] * (0, 0, 0, 1)
