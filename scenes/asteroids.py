"""Asteroids: rings of tumbling rock around a planet; every one is moved from NumPy in every frame.

`count` rocks of four shapes. A frame writes two columns of each crowd, positions and rotations, as whole
arrays.
"""

import numpy as np

import throng

COUNT = 12_000
SHAPES = 4


def build(count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    scene = throng.Scene(
        background=(0.015, 0.018, 0.035),
        sun=throng.Sun(direction=(-0.80, -0.22, 0.55), color=(1.0, 0.95, 0.88), intensity=1.6,
                       shadows=throng.Shadows(distance=90, cascades=3)),
        ambient=(0.16, 0.17, 0.22), exposure=1.0, tone_mapping="aces",
    )  # fmt: skip
    scene.add(
        throng.Node(throng.shapes.sphere(9, 96, 48), throng.Material((0.62, 0.44, 0.30)), name="planet")
    )
    stars(scene, random)
    for number in range(SHAPES):
        mine = count // SHAPES + (number < count % SHAPES)
        # More rocks in the two rings than between them, and small ones by far the most.
        radius = np.where(
            random.random(mine) < 0.65, random.normal(17.5, 1.6, mine), random.normal(25.5, 2.2, mine)
        )
        warmth = random.uniform(0, 1, (mine, 1))
        rocks = throng.Crowd(
            throng.shapes.rock(seed + number, detail=1 if number % 2 else 2),
            throng.Material((0.85, 0.82, 0.78)),
            positions=np.zeros((mine, 3)),
            rotations=np.tile((0.0, 0.0, 0.0, 1.0), (mine, 1)),
            scales=0.05 + 0.55 * random.power(0.35, mine)[:, None] ** 3 * random.uniform(0.6, 1.3, (mine, 3)),
            colors=np.array((0.42, 0.40, 0.40)) + warmth * (0.25, 0.14, 0.05),
            columns={
                "radius": radius,
                "phase": random.uniform(0, 2 * np.pi, mine),
                "height": random.normal(0, 0.25, mine),
                "axis": unit(random.normal(size=(mine, 3))),
                "spin": random.normal(0, 0.8, mine),
            },
            rotation=(0.16, 0, 0.06, 0.98),
            name=f"rocks {number}",
        )
        scene.add(rocks)
    update(scene, 0.0)
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    angle = 0.9 + 0.03 * seconds
    return throng.Camera((36 * np.sin(angle), 9.5, 36 * np.cos(angle)), (0, -1, 0), fov=48, far=900)


def update(scene: throng.Scene, seconds: float) -> None:
    """Kepler's third law for the orbits: the inner rocks overtake the outer ones."""
    scene.time = seconds
    for rocks in scene.crowds:
        if not rocks.name.startswith("rocks"):
            continue
        own = {name: np.asarray(column) for name, column in rocks.columns.items()}
        angle = own["phase"] + seconds * 12.0 / own["radius"] ** 1.5
        bob = own["height"] + 0.3 * np.sin(2 * angle + own["phase"])
        rocks.positions = np.column_stack([own["radius"] * np.cos(angle), bob, own["radius"] * np.sin(angle)])
        half = 0.5 * own["spin"] * seconds + own["phase"]
        rocks.rotations = np.column_stack([own["axis"] * np.sin(half)[:, None], np.cos(half)])


def stars(scene: throng.Scene, random: np.random.Generator) -> None:
    """Points of light far away; unlit, so that they are as bright as they are."""
    scene.add(
        throng.Crowd(
            throng.shapes.box(),
            throng.Material(shading="unlit"),
            positions=unit(random.normal(size=(900, 3))) * 600,
            scales=random.uniform(0.5, 1.6, 900),
            colors=np.array((0.85, 0.9, 1.0)) * random.uniform(0.25, 1.0, (900, 1)),
            name="stars",
        )
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
