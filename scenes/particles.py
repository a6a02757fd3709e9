"""Particles: fountains of glowing drops at dusk, in a slow fall of snow.

`count` particles. None of them is moved from Python: their materials name a motion, a function of the
scene's time and the particle, so a frame of a million costs as many calls as a frame of ten.
"""

import numpy as np

import throng

COUNT = 60_000


def build(count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    scene = throng.Scene(
        background=(0.10, 0.12, 0.21),
        sun=throng.Sun(direction=(-0.3, -1.0, -0.2), color=(0.65, 0.72, 1.0), intensity=0.5),
        ambient=(0.40, 0.42, 0.55),
    )
    scene.add(
        throng.Node(
            throng.shapes.cylinder(13, 0.4, 96), throng.Material((0.24, 0.26, 0.34)), position=(0, -0.2, 0)
        )
    )

    snow = count // 6
    drops = count - snow
    nozzles = np.array(
        [(0.0, 0.0, 0.0), *([5.5 * np.sin(a), 0.0, 5.5 * np.cos(a)] for a in np.arange(5) * 2 * np.pi / 5)]
    )
    for number, nozzle in enumerate(nozzles):
        mine = drops // len(nozzles) + (number < drops % len(nozzles))
        if not mine:
            continue
        middle = number == 0
        warm = random.uniform(0, 1, (mine, 1)) ** 2
        base = np.array((0.35, 0.75, 1.0)) if middle else np.array((1.0, 0.55, 0.25))
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=6, rings=4),
                throng.Material(
                    shading="unlit",
                    motion=throng.Motion(
                        "fountain", strength=8.0 if middle else 4.5, spread=3.2 if middle else 1.8
                    ),
                ),
                positions=np.tile(nozzle, (mine, 1)),
                scales=random.uniform(0.015, 0.05, mine),
                colors=base * (1 - warm) + warm,
                name=f"fountain {number}",
            )
        )
        scene.add(
            throng.Node(
                throng.shapes.cone(0.35, 0.5, 24), throng.Material((0.5, 0.5, 0.55)),
                position=nozzle + (0, 0.25, 0), name="nozzle",
            )
        )  # fmt: skip

    if snow:
        radius, angle = 11 * np.sqrt(random.uniform(0, 1, snow)), random.uniform(0, 2 * np.pi, snow)
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=5, rings=3),
                throng.Material((0.92, 0.95, 1.0), motion=throng.Motion("snow", strength=14.0)),
                positions=np.column_stack(
                    [radius * np.sin(angle), np.full(snow, 14.0), radius * np.cos(angle)]
                ),
                rotations=random.normal(size=(snow, 4)),
                scales=random.uniform(0.012, 0.028, snow),
                name="snow",
            )
        )
    return scene


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    angle = 0.3 + 0.08 * seconds
    return throng.Camera((17 * np.sin(angle), 6.5, 17 * np.cos(angle)), (0, 3.4, 0), fov=45)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds
