"""Particles: lit fountains at dusk, with spray drifting around them, in a slow fall of snow.

`count` particles, all of them blended, in any order. None of them is moved from Python: their materials name
a motion, a function of the scene's time and the particle, so a frame of a million costs as many calls as a
frame of ten.
"""

import numpy as np

import throng

COUNT = 60_000
HOUR = 18.0
NOZZLES = [(0.0, 0.0), *((5.5 * np.sin(a), 5.5 * np.cos(a)) for a in np.arange(5) * 2 * np.pi / 5)]

# Puffs of spray: balls that fade towards their edge.
FADING = throng.Shader(
    surface="""
        void shade_surface(inout Surface surface) {
            float through = abs(dot(surface.normal, surface.eye));
            surface.alpha *= through * through * through;
        }
    """
)


def build(count: int, seed: int, hour: float = HOUR) -> throng.Scene:
    random = np.random.default_rng(seed)
    sky, sun = throng.Sky(turbidity=2.0, ground=(0.30, 0.31, 0.34)).at(
        hour, north=-110, shadows=throng.Shadows(distance=60, cascades=3)
    )
    scene = throng.Scene(
        sky=sky, sun=sun, ambient=None, fog=throng.Fog(density=0.004, falloff=0.04, start=25),
        exposure=sky.exposure(sun) + 0.3, tone_mapping="neutral",
    )  # fmt: skip
    bright = 1 / 2**scene.exposure  # of a lamp that is to look the same at any hour
    plaza(scene, bright)

    snow, spray = count // 6, min(count // 400, 150)
    drops = count - snow - spray
    for number, (x, z) in enumerate(NOZZLES):
        mine = drops // len(NOZZLES) + (number < drops % len(NOZZLES))
        if not mine:
            continue
        middle = number == 0
        white = random.uniform(0, 1, (mine, 1)) ** 2
        base = np.array((0.35, 0.75, 1.0)) if middle else np.array((1.0, 0.60, 0.28))
        colors = np.column_stack([base * (1 - white) + white, random.uniform(0.15, 0.6, mine)])
        motion = throng.Motion(
            "fountain", strength=8.0 if middle else 4.5, spread=3.2 if middle else 1.8, speed=0.8
        )
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=6, rings=4),
                throng.Material(shading="unlit", alpha_mode="blend", motion=motion),
                positions=np.tile((x, 0.3, z), (mine, 1)),
                scales=random.uniform(0.015, 0.055, mine),
                colors=colors,
                name=f"fountain {number}",
            )
        )

    if spray:
        nozzle = np.array(NOZZLES)[random.integers(0, len(NOZZLES), spray)]
        places = nozzle + random.normal(0, 1.1, (spray, 2))
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=14, rings=8),
                throng.Material(
                    alpha_mode="blend", softness=0.8, shader=FADING,
                    motion=throng.Motion("snow", strength=0.8, spread=1.5, speed=0.3),
                ),
                positions=np.column_stack(
                    [places[:, 0], 0.7 + random.exponential(0.5, spray), places[:, 1]]
                ),
                scales=random.uniform(0.4, 1.1, (spray, 1)) * (1.0, 0.6, 1.0),
                colors=np.column_stack([np.tile((0.75, 0.82, 0.92), (spray, 1)), np.full(spray, 0.12)]),
                name="spray",
            )
        )  # fmt: skip
    if snow:
        radius, angle = 14 * np.sqrt(random.uniform(0, 1, snow)), random.uniform(0, 2 * np.pi, snow)
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=5, rings=3),
                throng.Material(
                    alpha_mode="blend", translucency=0.7, motion=throng.Motion("snow", strength=16.0)
                ),
                positions=np.column_stack(
                    [radius * np.sin(angle), np.full(snow, 16.0), radius * np.cos(angle)]
                ),
                scales=random.uniform(0.012, 0.035, snow),
                colors=np.column_stack([np.ones((snow, 3)), random.uniform(0.4, 0.9, snow)]),
                name="snow",
            )
        )
    return scene


def plaza(scene: throng.Scene, bright: float) -> None:
    """Paving with basins on it, each with its lamp, on open land."""
    stone, dark = throng.Material((0.42, 0.43, 0.47), roughness=0.5), throng.Material((0.20, 0.21, 0.24))
    scene.add(
        throng.Node(throng.shapes.plane(1200), throng.Material((0.30, 0.31, 0.34)), position=(0, -0.3, 0))
    )
    scene.add(throng.Node(throng.shapes.cylinder(13, 0.4, 96), stone, position=(0, -0.2, 0)))
    for number, (x, z) in enumerate(NOZZLES):
        size = 1.0 if number == 0 else 0.6
        scene.add(
            throng.Node(
                throng.shapes.cylinder(3.6, 0.25, 64), dark, position=(x, 0.1, z), scale=(size, 1, size)
            )
        )
        scene.add(throng.Node(throng.shapes.cone(0.35, 0.5, 24), stone, position=(x, 0.4, z), name="nozzle"))
        color = (0.45, 0.78, 1.0) if number == 0 else (1.0, 0.62, 0.30)
        scene.lights += (throng.PointLight((x, 2.2 * size, z), color, 9.0 * size * bright, 14.0),)


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    angle = 0.3 + 0.08 * seconds
    return throng.Camera((17 * np.sin(angle), 4.5, 17 * np.cos(angle)), (0, 3.4, 0), fov=45, far=900)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds
