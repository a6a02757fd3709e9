"""What is drawn: demo scenes, fields of one mesh, and places made to be seen through or not to be.

The camera moves a little in each frame. Besides the demo scenes there are

cubes, blades, trees   a field of one mesh, seen from above its edge
street, roofs, above   a dense city, a building for every five props: from the street at eye height, from
                       between the roofs, and from 200 m up
hall                   cubes on stands, all in view, none hidden, each 8 pixels wide and more at 1280x720
edge                   the demo's forest, a million trees of it, seen across from a tower at its edge
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import throng
from throng.gallery import Demo, find

FRAME_SECONDS = 1.0 / 60.0


@dataclass(frozen=True)
class Subject:
    """Something to measure: a demo scene, or a field."""

    name: str
    default_count: int
    build: Callable[[int, int], throng.Scene]
    camera: Callable[[throng.Scene, float], throng.Camera]
    update: Callable[[throng.Scene, float], None]


@dataclass(frozen=True)
class _Field:
    """n copies of a mesh strewn over a square, each turned and scaled at random.

    extent  half the square's side for 100,000 of them, metres
    """

    mesh: Callable[[], throng.Mesh]
    extent: float
    count: int
    double_sided: bool = False


def _blade() -> throng.Mesh:
    """Seven vertices: three pairs and a tip."""
    width, height, bend = np.array([(0.05, 0.0, 0.0), (0.04, 0.4, 0.05), (0.025, 0.7, 0.12)]).T
    left = np.column_stack([-width, height, bend])
    right = np.column_stack([width, height, bend])
    points = np.concatenate([np.stack([left, right], axis=1).reshape(6, 3), [(0.0, 1.0, 0.25)]])
    triangles = [(0, 1, 2), (1, 3, 2), (2, 3, 4), (3, 5, 4), (4, 5, 6)]
    return throng.Mesh(points, triangles, normals=np.tile((0.0, -0.2, 1.0), (7, 1)))


def _crown() -> throng.Mesh:
    """A tree's crown of 504 triangles on the ground."""
    ball = throng.shapes.sphere(1.0, segments=18, rings=15)
    return throng.Mesh(ball.positions + np.array((0, 1, 0), np.float32), ball.indices, ball.normals)


_FIELDS = {
    "cubes": _Field(throng.shapes.box, 150.0, 100_000),
    "blades": _Field(_blade, 60.0, 100_000, double_sided=True),
    "trees": _Field(_crown, 400.0, 10_000),
}


def _build_field(field: _Field, count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = field.extent * np.sqrt(count / 100_000)
    scene = throng.Scene(
        background=(0.5, 0.6, 0.7),
        ambient=(0.58, 0.58, 0.58),
        sun=throng.Sun(direction=(-0.5, -0.7, -0.3), color=(1, 1, 1), intensity=0.9),
    )
    x, z = random.uniform(-half, half, (2, count))
    angle = random.uniform(0, np.pi, count)
    zero = np.zeros(count)
    scene.add(
        throng.Crowd(
            field.mesh(),
            throng.Material(double_sided=field.double_sided),
            positions=np.column_stack([x, zero, z]),
            rotations=np.column_stack([zero, np.sin(angle), zero, np.cos(angle)]),
            scales=random.uniform(0.5, 1.5, count),
            colors=random.integers(50, 255, (count, 3)).astype(np.uint8),
        )
    )
    return scene


def _over_field(scene: throng.Scene, seconds: float) -> throng.Camera:
    low, high = scene.children[0].bounds  # type: ignore[attr-defined]
    half = float((high - low)[0]) / 2
    angle = 0.3 + 0.6 * seconds
    position = (half * 1.3 * np.sin(angle), half * 0.35, half * 1.3 * np.cos(angle))
    return throng.Camera(position, (0, 0, 0), fov=60, near=0.1, far=half * 4 + 10)


def _still(scene: throng.Scene, seconds: float) -> None:
    """Only the camera moves."""


def _field_subject(name: str) -> Subject:
    field = _FIELDS[name]

    def build(count: int, seed: int) -> throng.Scene:
        return _build_field(field, count, seed)

    return Subject(name, field.count, build, _over_field, _still)


# -- a dense city ------------------------------------------------------------------------------------------

_BLOCK = 24.0  # metres from street to street
_BUILDING = 15.0  # metres, the longest side of a building
_PROPS = 5  # for each building


def _side(count: int) -> int:
    """How many buildings stand in a row, for so many props."""
    return max(int(np.ceil(np.sqrt(count / _PROPS))), 2)


def _build_dense_city(count: int, seed: int) -> throng.Scene:
    """`count` props of 504 triangles along the streets between `count / 5` buildings, which are boxes.

    Streets run along X and Z, every 24 m; the city is a square whose middle is the origin.
    """
    random = np.random.default_rng(seed)
    side = _side(count)
    buildings = -(-count // _PROPS)
    scene = throng.Scene(
        background=(0.76, 0.84, 0.91),
        ambient=(0.52, 0.57, 0.64),
        sun=throng.Sun(direction=(-0.55, -0.65, -0.42), color=(1.0, 0.94, 0.83), intensity=1.0),
    )
    scene.add(
        throng.Node(
            throng.shapes.plane((side + 4) * _BLOCK), throng.Material((0.42, 0.42, 0.43)), name="streets"
        )
    )
    cells = np.stack(np.divmod(np.arange(side * side), side), axis=1)[:buildings]
    middles = (cells - (side - 1) / 2) * _BLOCK
    heights = 7 + 33 * random.power(0.6, buildings)
    sizes = np.column_stack([random.uniform(12, _BUILDING, (buildings, 2)), heights])[:, [0, 2, 1]]
    scene.add(
        throng.Crowd(
            throng.shapes.box(),
            throng.Material((0.82, 0.78, 0.72)),
            positions=np.column_stack([middles[:, 0], heights / 2, middles[:, 1]]),
            scales=sizes,
            colors=random.uniform(0.45, 1.0, (buildings, 1)) * (1.0, 0.97, 0.92),
            name="buildings",
        )
    )
    # Around each building, between its wall and the middle of the street.
    home = np.arange(count) % buildings
    out, along = random.uniform(_BUILDING / 2 + 0.8, _BLOCK / 2 - 1.5, count), random.uniform(-11, 11, count)
    out *= random.choice((-1.0, 1.0), count)
    across = random.random(count) < 0.5
    x, z = np.where(across, out, along), np.where(across, along, out)
    scene.add(
        throng.Crowd(
            _crown(),
            throng.Material((0.75, 0.85, 0.6)),
            positions=np.column_stack([middles[home, 0] + x, np.zeros(count), middles[home, 1] + z]),
            scales=random.uniform(0.3, 0.75, count),
            colors=random.uniform(0.4, 1.0, (count, 3)),
            name="props",
        )
    )
    return scene


@dataclass(frozen=True)
class _Stand:
    """From where a dense city is seen: metres above the street, and what is looked at, metres ahead."""

    height: float
    ahead: float
    looked_at: float  # metres above the street


_STANDS = {
    "street": _Stand(1.7, 100.0, 4.0),
    "roofs": _Stand(27.0, 300.0, 12.0),
    "above": _Stand(200.0, 500.0, 0.0),
}


def _in_city(stand: _Stand, scene: throng.Scene, seconds: float) -> throng.Camera:
    """Walks up a street a quarter of the way into the city, so that about half of it lies ahead."""
    streets = next(node.mesh for node in scene.children if node.mesh and node.name == "streets")
    side = float(streets.bounds[1, 0]) * 2 - 4 * _BLOCK
    street = (round(side / _BLOCK) % 2) * _BLOCK / 2  # the one nearest to the middle
    z = -side / 4 + 1.5 * seconds
    position = (street + 0.4 * np.sin(2.0 * seconds), stand.height, z)
    target = (street + 6.0 * np.sin(0.5 * seconds), stand.looked_at, z + stand.ahead)
    return throng.Camera(position, target, fov=60, near=0.1, far=side * 1.6 + 500)


def _city_subject(name: str) -> Subject:
    def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
        return _in_city(_STANDS[name], scene, seconds)

    return Subject(name, 100_000, _build_dense_city, camera, _still)


# -- a hall ------------------------------------------------------------------------------------------------

_HALL_FOV = 20.0  # degrees
_FILLED = 0.96  # of the picture's width and height


def _build_hall(count: int, seed: int) -> throng.Scene:
    """Cubes on stands before the origin, which the camera fills its 16:9 picture with.

    40,000 cubes eight pixels wide would fill three pictures: rows stand behind one another, each a little
    higher, and of every cube at least two rows of pixels are seen. Cubes grow with their distance, so that
    all are as large in the picture.
    """
    random = np.random.default_rng(seed)
    columns = max(round(np.sqrt(count * 0.49)), 1)
    rows = -(-count // columns)
    scene = throng.Scene(background=(0.15, 0.16, 0.19), ambient=(0.6, 0.6, 0.62))
    tangent = np.tan(np.radians(_HALL_FOV / 2)) * _FILLED
    pitch = 2 * tangent * 16 / 9 / columns  # from cube to cube, at a distance of 1
    size = pitch / 1.03
    number = np.arange(count)
    row, column = np.divmod(number, columns)
    distance = (1 + 1.02 * size) ** row  # a row begins where the one before it ends
    lowest, highest = -tangent + size / 2, tangent - size / 2
    height = lowest + (highest - lowest) * row / max(rows - 1, 1)
    across = (column - (columns - 1) / 2) * pitch
    scene.add(
        throng.Crowd(
            throng.shapes.box(),
            positions=np.stack([across, height, -np.ones(count)], axis=1) * (distance * 100)[:, None],
            scales=distance * 100 * size,
            colors=random.uniform(0.2, 1.0, (count, 3)),
            name="cubes",
        )
    )
    return scene


def _in_hall(scene: throng.Scene, seconds: float) -> throng.Camera:
    sway = 0.2 * np.sin(2.0 * seconds)
    return throng.Camera((sway, 0.1 * sway, 0), (sway, 0.1 * sway, -100), fov=_HALL_FOV, near=1, far=5000)


# -- a forest from its edge ---------------------------------------------------------------------------------


def _at_the_edge(scene: throng.Scene, seconds: float) -> throng.Camera:
    """From a tower at the edge of the demo's forest, across it: two thirds of the trees are in view."""
    ground = next(node.mesh for node in scene.children if node.mesh and node.name == "ground")
    half = float(ground.bounds[1, 0]) / 1.5  # it goes on beyond the trees
    angle = 0.1 * seconds
    position = (half * np.sin(angle), 40.0, half * np.cos(angle))
    return throng.Camera(position, (0, 0, 0), fov=45, far=half * 4)


def _edge_subject() -> Subject:
    demo = find("forest")
    return Subject("edge", 1_000_000, demo.build, _at_the_edge, _still)


# -- all of them -------------------------------------------------------------------------------------------


def _scene_subject(demo: Demo) -> Subject:
    return Subject(demo.name, demo.count, demo.build, demo.camera, demo.update)


def subject(name: str) -> Subject:
    """The field, place or demo scene of that name, or the scene file at that path. Raises InvalidValue."""
    if name in _FIELDS:
        return _field_subject(name)
    if name in _STANDS:
        return _city_subject(name)
    if name == "hall":
        return Subject(name, 40_000, _build_hall, _in_hall, _still)
    if name == "edge":
        return _edge_subject()
    return _scene_subject(find(name, others=(*_FIELDS, *_STANDS, "hall", "edge")))
