"""City: tens of thousands of nodes in a hierarchy, added one by one; equal meshes are drawn together.

`count` nodes, to the next whole block: a district carries blocks, blocks carry buildings, buildings carry
roofs, windows and tanks. Nothing here asks for instancing; the scene finds out by itself.
"""

import numpy as np

import throng

COUNT = 25_000
BLOCK = 34.0  # metres from street to street
CUBE, DRUM, PLANE = throng.shapes.box(), throng.shapes.cylinder(segments=12), throng.shapes.plane()
TREE = throng.shapes.tree(3, height=5.0)
WALLS = [
    throng.Material((0.80, 0.76, 0.68)),
    throng.Material((0.70, 0.47, 0.38)),
    throng.Material((0.62, 0.64, 0.66)),
    throng.Material((0.86, 0.83, 0.78)),
    throng.Material((0.48, 0.52, 0.58)),
]
ROOF, GLASS, WOOD = (
    throng.Material((0.35, 0.35, 0.37)),
    throng.Material((0.20, 0.28, 0.36), metallic=0.6, roughness=0.2),
    throng.Material((0.5, 0.33, 0.2)),
)
PAVEMENT, ASPHALT = throng.Material((0.60, 0.59, 0.56)), throng.Material((0.27, 0.28, 0.30))
LAND = throng.Material((0.34, 0.37, 0.26))
HOUR = 16.0
LAMPS = 64


def build(count: int, seed: int, hour: float = HOUR) -> throng.Scene:
    random = np.random.default_rng(seed)
    day = throng.Sky(turbidity=1.8, ground=(0.34, 0.34, 0.34))
    sky, sun = day.at(hour, north=100, shadows=throng.Shadows(distance=700, cascades=4))
    scene = throng.Scene(
        sky=sky, sun=sun, ambient=None, fog=throng.Fog(density=0.0006, falloff=0.005, start=80),
        exposure=sky.exposure(sun) + 0.8, tone_mapping="neutral",
    )  # fmt: skip
    side = int(np.ceil(np.sqrt(count / 62)))  # a block has about 62 nodes
    dusk = float(np.clip(0.28 + day.sun_at(hour).direction[1], 0, 0.28)) / 0.28
    if dusk:
        scene.lights = lamps(dusk / 2**scene.exposure)
    glowing = (
        [GLASS] * 3
        if not dusk
        else [
            throng.Material(
                (0.20, 0.28, 0.36),
                metallic=0.6,
                roughness=0.2,
                emissive=color,
                emission=0.8 * dusk / 2**scene.exposure,
            )
            for color in ((1.0, 0.80, 0.52), (1.0, 0.88, 0.70), (0.85, 0.92, 1.0))
        ]
    )
    district = throng.Node(name="downtown")
    scene.add(district)
    nodes = 0
    for number in spiral(side + 2):
        if nodes >= count:
            break
        block = throng.Node(position=((number[0]) * BLOCK, 0, (number[1]) * BLOCK), name="block")
        centre = np.exp(-((np.hypot(*number) / (0.35 * side + 1)) ** 2))  # towers stand in the middle
        fill(block, random, float(centre), glowing)
        nodes += size(block)
        district.add(block)
    for name, looks, width, height in (
        ("streets", ASPHALT, side + 3, -0.12),
        ("land", LAND, 30 * side, -0.4),
    ):
        scene.add(throng.Node(PLANE, looks, position=(0, height, 0), scale=width * BLOCK, name=name))
    return scene


def lamps(strength: float) -> list[throng.PointLight]:
    """Lights over the crossings in the middle."""
    crossings = [(x - 0.5, z - 0.5) for x, z in spiral(8)][:LAMPS]
    return [
        throng.PointLight((x * BLOCK, 7.0, z * BLOCK), (1.0, 0.72, 0.42), 240.0 * strength, 38.0)
        for x, z in crossings
    ]


def fill(
    block: throng.Node, random: np.random.Generator, centre: float, glowing: list[throng.Material]
) -> None:
    """Pavement with four to nine lots on it: buildings, and now and then a park."""
    block.add(throng.Node(CUBE, PAVEMENT, position=(0, -0.05, 0), scale=(BLOCK - 8, 0.2, BLOCK - 8)))
    if random.random() < 0.10 + 0.1 * (1 - centre):
        for x, z in random.uniform(-11, 11, (24, 2)):
            block.add(throng.Node(TREE, position=(x, 0, z), scale=random.uniform(0.7, 1.4)))
        return
    lots = 2 if centre > 0.55 and random.random() < 0.8 else 3
    width = (BLOCK - 10) / lots
    for row in range(lots):
        for column in range(lots):
            if random.random() < 0.08:
                continue
            place = ((column - (lots - 1) / 2) * width, 0, (row - (lots - 1) / 2) * width)
            block.add(building(random, width, centre, glowing)).position = place


def building(
    random: np.random.Generator, width: float, centre: float, glowing: list[throng.Material]
) -> throng.Node:
    """A lot with a body, bands of windows, and something on the roof."""
    height = 7 + 62 * centre**2 * random.uniform(0.3, 1.2) + random.uniform(0, 9)
    breadth, depth = width * random.uniform(0.72, 0.92, 2)
    lot = throng.Node(name="lot")
    wall = WALLS[random.integers(len(WALLS))]
    shade = random.uniform(0.82, 1.0)
    lot.add(
        throng.Node(
            CUBE, wall, position=(0, height / 2, 0), scale=(breadth, height, depth), color=(shade,) * 3
        )
    )
    floors = int(min(height / 3.4, 14))
    for floor in range(1, floors + 1):
        level = floor * height / (floors + 1)
        lit = glowing[random.integers(3)] if random.random() < 0.35 else GLASS
        lot.add(throng.Node(CUBE, lit, position=(0, level, 0), scale=(breadth + 0.08, 1.3, depth + 0.08)))
    lot.add(throng.Node(CUBE, ROOF, position=(0, height + 0.25, 0), scale=(breadth + 0.5, 0.5, depth + 0.5)))
    if height > 40:
        lot.add(throng.Node(DRUM, ROOF, position=(0, height + 5, 0), scale=(0.5, 9, 0.5), name="mast"))
    elif random.random() < 0.35:
        tank = lot.add(throng.Node(position=(breadth * 0.2, height + 0.5, depth * 0.15), name="tank"))
        tank.add(throng.Node(DRUM, WOOD, position=(0, 1.6, 0), scale=(1.8, 2.0, 1.8)))
        tank.add(throng.Node(DRUM, ROOF, position=(0, 0.4, 0), scale=(1.2, 0.8, 1.2)))
    return lot


def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
    half = next(float(node.scale[0]) / 2 for node in scene.children if node.name == "streets")
    angle = 0.65 + 0.05 * seconds
    distance = 0.75 * half + 25
    position = (distance * np.sin(angle), 0.42 * distance + 12, distance * np.cos(angle))
    return throng.Camera(position, (0, 10, 0), fov=42, near=0.5, far=distance * 20)


def update(scene: throng.Scene, seconds: float) -> None:
    scene.time = seconds


def size(node: throng.Node) -> int:
    """How many nodes it is, with all below it."""
    return 1 + sum(size(child) for child in node.children)


def spiral(side: int) -> list[tuple[int, int]]:
    """Cells of a square, those in the middle first."""
    cells = [
        (x, z) for x in range(-(side // 2), side - side // 2) for z in range(-(side // 2), side - side // 2)
    ]
    return sorted(cells, key=lambda cell: (cell[0] ** 2 + cell[1] ** 2, cell))
