"""Plants, rocks and people: procedural, seeded, standing on y = 0 at the origin. Sizes in metres.

Nothing here has a texture: form makes the looks, and vertex colours that darken what little light would
reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays
from throng.model.lods import levels
from throng.model.material import Material
from throng.model.mesh import Mesh, Model
from throng.model.shapes.solids import lathe, with_area

Floats = npt.NDArray[np.float64]
Random = np.random.Generator


@dataclass
class _Heap:
    """Pieces of one mesh."""

    points: list[Floats] = field(default_factory=list)
    triangles: list[npt.NDArray[np.int64]] = field(default_factory=list)
    normals: list[Floats] = field(default_factory=list)
    colors: list[Floats] = field(default_factory=list)
    count: int = 0

    def add(
        self, points: Floats, triangles: npt.NDArray[np.int64], normals: Floats, shade: npt.ArrayLike = 1.0
    ) -> None:
        """A piece; `shade` is one grey for all, one for each vertex, or (v, 3) colours."""
        grey = np.asarray(shade, np.float64)
        colors = grey if grey.ndim == 2 else np.broadcast_to(grey[..., None], (len(points), 3))
        self.points.append(points)
        self.triangles.append(triangles + self.count)
        self.normals.append(normals)
        self.colors.append(np.clip(colors, 0.0, 1.0))
        self.count += len(points)

    def mesh(self, *, lods: Sequence[Mesh] = (), tint: Sequence[float] = (1.0, 1.0, 1.0)) -> Mesh:
        points = np.concatenate(self.points)
        low, high = points.min(axis=0), points.max(axis=0)
        uvs = ((points - low) / np.maximum(high - low, 1e-9))[:, :2]
        return Mesh(
            points,
            np.concatenate(self.triangles),
            np.concatenate(self.normals),
            np.clip(uvs, 0.0, 1.0),
            np.concatenate(self.colors) * tint,
            lods=lods,
        )


# -- grass ----------------------------------------------------------------------------------------------


def grass_blade(height: float = 0.6, width: float = 0.05, bend: float = 0.35) -> Mesh:
    """One blade: 5 triangles, 7 vertices. It stands in XY, bends towards +Z, and is seen from both sides only
    with a double-sided material.

    bend  how far the tip leans, as a fraction of the height
    """
    heap = _Heap()
    _blade(
        heap,
        arrays.number(height, "height", above=0.0),
        arrays.number(width, "width", above=0.0),
        arrays.number(bend, "bend", low=0.0, high=2.0),
    )
    return heap.mesh()


def grass_tuft(seed: int = 0, blades: int = 9, height: float = 0.6) -> Mesh:
    """Several blades from one root: 5 x blades triangles, 45 by default. For a double-sided material."""
    random = _random(seed)
    count = arrays.integer(blades, "blades", low=1, high=1000)
    tall = arrays.number(height, "height", above=0.0)
    heap = _Heap()
    for number in range(count):
        turn = 2 * np.pi * (number + random.uniform(-0.4, 0.4)) / count
        length = tall * random.uniform(0.55, 1.0)
        offset = np.array((np.sin(turn), 0.0, np.cos(turn))) * tall * random.uniform(0.02, 0.14)
        width = tall * random.uniform(0.06, 0.10)
        _blade(heap, length, width, random.uniform(0.2, 0.75), turn, offset)
    return heap.mesh()


def _blade(
    heap: _Heap, height: float, width: float, bend: float, turn: float = 0.0, offset: Any = (0.0, 0.0, 0.0)
) -> None:
    along = np.array((0.0, 0.0, 0.4, 0.4, 0.75, 0.75, 1.0))
    half = np.array((-1.0, 1.0, -0.85, 0.85, -0.55, 0.55, 0.0)) * width / 2
    lean = bend * height * along**2
    # As it leans the blade keeps its length, more or less.
    points = np.column_stack([half, height * along * (1 - 0.25 * bend * along), lean])
    slope = 2 * bend * along
    normals = np.column_stack([np.zeros(7), -slope, np.ones(7)])
    # Towards the sky: a field of blades is lit like the ground that it covers, not like a heap of walls.
    normals = normals / np.linalg.norm(normals, axis=1)[:, None] + (0.0, 0.9, 0.0)
    triangles = np.array([(0, 1, 2), (1, 3, 2), (2, 3, 4), (3, 5, 4), (4, 5, 6)])
    spin = _about_y(turn)
    root, tip = np.array((0.42, 0.46, 0.36)), np.array((1.0, 1.0, 0.92))
    shade = root + (tip - root) * along[:, None] ** 0.8
    heap.add(points @ spin.T + offset, triangles, _unit(normals @ spin.T), shade)


# -- rocks ----------------------------------------------------------------------------------------------


def rock(seed: int = 0, size: float = 1.0, detail: int = 2) -> Mesh:
    """A boulder about `size` across, half sunk as boulders are: 20 x 4**detail triangles, 320 by default.

    detail  0..5
    """
    random = _random(seed)
    scale = arrays.number(size, "size", above=0.0)
    points, triangles = _icosphere(arrays.integer(detail, "detail", low=0, high=5))
    # Cracked along planes, as rock is: whatever sticks out of one is pressed onto it.
    for _ in range(13):
        normal = _unit(random.normal(size=3))
        reach = random.uniform(0.55, 0.9)
        over = np.maximum(points @ normal - reach, 0.0)
        points = points - over[:, None] * normal
    points = points * (1 + 0.05 * _waves(points, random, 3.0)[:, None])
    points = points * random.uniform((0.8, 0.55, 0.7), (1.15, 0.8, 1.0)) * scale * 0.6
    points[:, 1] -= points[:, 1].min() * 0.8
    faces = points[triangles]
    flat = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    smooth = np.zeros_like(points)
    for corner in range(3):
        np.add.at(smooth, triangles[:, corner], flat)
    # Split along every edge, mostly flat: facets catch the light one by one.
    normals = _unit(_unit(flat)[:, None, :] * 0.75 + _unit(smooth)[triangles] * 0.25)
    height = faces[..., 1] / max(float(points[:, 1].max()), 1e-9)
    shade = (0.62 + 0.38 * np.clip(height, 0, 1)) * (1 + 0.10 * random.uniform(-1, 1, (len(triangles), 1)))
    warm = np.array((1.0, 0.97, 0.93))
    heap = _Heap()
    split = np.arange(len(triangles) * 3).reshape(-1, 3)
    colors = shade.reshape(-1, 1) * warm
    heap.add(faces.reshape(-1, 3), split, normals.reshape(-1, 3), colors)
    return heap.mesh()


# -- trees ----------------------------------------------------------------------------------------------


def tree(seed: int = 0, kind: str = "broadleaf", height: float = 6.0, foliage: str = "solid") -> Model:
    """A tree: trunk with branches, and foliage, each a mesh and a material.

    kind     "broadleaf": 496 triangles, with sprigs about 1,800; "conifer": 316, or 1,268
    height   metres
    foliage  "solid": clumps of leaves, tiers of boughs; "sprigs": leaves and boughs stick out of them, in the
             mesh for near by, its coarser levels of detail being solid
    """
    random = _random(seed)
    tall = arrays.number(height, "height", above=0.0)
    grow = {"broadleaf": _broadleaf, "conifer": _conifer}[
        arrays.choice(kind, "kind", ("broadleaf", "conifer"))
    ]
    arrays.choice(foliage, "foliage", ("solid", "sprigs"))
    trunk, solid, sprigs, green = grow(random, tall)
    if foliage == "solid":
        return Model([(trunk.mesh(), Material((0.36, 0.26, 0.19))), (solid.mesh(), Material(green))])
    bark = Material((0.36, 0.27, 0.20), roughness=0.95)
    leaves = Material(np.multiply(green, 1.1), roughness=0.7, double_sided=True, translucency=0.35)
    far = levels(solid.mesh(tint=_SHADED[kind]))
    return Model([(trunk.mesh(), bark), (sprigs.mesh(lods=far), leaves)])


# sRGB: sprigs shade each other and what they stick out of, so that what stands for them from afar is darker.
_SHADED = {"broadleaf": (0.90, 0.87, 0.975), "conifer": (0.80, 0.785, 0.80)}


_Grown = tuple[_Heap, _Heap, _Heap, tuple[float, float, float]]


def _broadleaf(random: Random, tall: float) -> _Grown:
    trunk, solid, sprigs, fine = _Heap(), _Heap(), _Heap(), random.spawn(1)[0]
    lean = random.uniform(-0.05, 0.05, 2) * tall
    heights = np.array((0.0, 0.05, 0.28, 0.62)) * tall
    centers = np.column_stack([lean[0] * (heights / tall) ** 2, heights, lean[1] * (heights / tall) ** 2])
    radii = np.array((0.052, 0.032, 0.026, 0.010)) * tall
    _tube(trunk, centers, radii, 6, shade=(0.75, 0.9, 1.0, 0.7))
    middle = np.array((lean[0], 0.66 * tall, lean[1]))
    spread = tall * random.uniform(0.19, 0.24)
    first = random.uniform(0, 2 * np.pi)
    clumps = [(middle + (0, 0.13 * tall, 0), 0.205 * tall)]
    for number in range(4):
        angle = first + number * np.pi / 2 + random.uniform(-0.35, 0.35)
        drop = random.uniform(-0.10, 0.05) * tall
        center = middle + (np.sin(angle) * spread, drop, np.cos(angle) * spread)
        clumps.append((center, random.uniform(0.16, 0.20) * tall))
        start = centers[2] + (centers[3] - centers[2]) * random.uniform(0.1, 0.6)
        _tube(trunk, np.stack([start, center]), np.array((0.014, 0.005)) * tall, 3, shade=(0.8, 0.6))
    low, high = middle[1] - 0.28 * tall, middle[1] + 0.34 * tall

    def shades(placed: Floats) -> Floats:
        """How much light comes there: less below, and deep inside."""
        light = 0.58 + 0.42 * np.clip((placed[:, 1] - low) / (high - low), 0, 1)
        return np.asarray(light * np.clip(np.linalg.norm(placed - middle, axis=1) / (0.36 * tall), 0.6, 1.0))

    def clump(heap: _Heap, random: Random, center: Floats, radius: float, detail: int, darker: float) -> None:
        points, triangles = _icosphere(detail)
        lumpy = points * (1 + 0.17 * _waves(points, random, 2.6)[:, None]) * (1.08, 0.86, 1.08)
        placed = center + lumpy * radius
        # Between its own clump's normal and the crown's, so that clumps read as one crown.
        normals = _unit(_unit(lumpy) + 0.7 * _unit(placed - middle))
        heap.add(placed, triangles, normals, darker * shades(placed) * random.uniform(0.9, 1.0))

    for center, radius in clumps:
        clump(solid, random, center, radius, 1, 1.0)
        clump(sprigs, fine, center, 0.86 * radius, 0, 0.6)
        outward = _unit(fine.normal(size=(_SPRIGS, 3)))
        roots = center + outward * radius * (1.05, 0.84, 1.05) * fine.uniform(0.84, 1.0, (_SPRIGS, 1))
        hidden = np.any([_within(roots, *other) for other in clumps if other[0] is not center], axis=0)
        roots, outward = roots[~hidden], outward[~hidden]
        normals = _unit(outward + 0.7 * _unit(roots - middle) + fine.normal(0, 0.15, outward.shape))
        along = _unit(0.5 * outward + fine.normal(0, 0.8, outward.shape) - (0, 0.3, 0))
        shade = shades(roots) * fine.uniform(0.8, 1.15, len(roots))
        _kites(sprigs, fine, roots, along, normals, 0.068 * tall, 0.62, shade)
    hue = random.uniform(-1, 1)
    return trunk, solid, sprigs, (0.44 + 0.07 * hue, 0.62 + 0.03 * hue, 0.24)


_SPRIGS = 190  # of each clump of a broadleaf, those inside other clumps included


def _within(points: Floats, center: Floats, radius: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.linalg.norm((points - center) / (1.08, 0.86, 1.08), axis=1) < 0.75 * radius)


def _conifer(random: Random, tall: float) -> _Grown:
    trunk, solid, sprigs, fine = _Heap(), _Heap(), _Heap(), random.spawn(1)[0]
    up = np.array((0.0, 0.08, 0.9)) * tall
    _tube(trunk, np.column_stack([0 * up, up, 0 * up]), np.array((0.032, 0.024, 0.005)) * tall, 6)
    tiers, points_around = 7, 10
    for tier in range(tiers):
        part = tier / (tiers - 1)
        bottom, radius = (0.12 + 0.66 * part) * tall, (0.20 * (1 - part) ** 0.85 + 0.045) * tall
        top = bottom + (0.24 - 0.05 * part) * tall
        _skirt(solid, random, points_around, radius, bottom, top, 0.62 + 0.30 * part)
        _skirt(sprigs, fine, points_around, 0.76 * radius, bottom, top, 0.42 + 0.18 * part)
        _branches(sprigs, fine, radius, bottom, top, 0.62 + 0.34 * part)
    return trunk, solid, sprigs, (0.26, 0.47, 0.28)


def _skirt(
    heap: _Heap, random: Random, spikes: int, radius: float, bottom: float, top: float, light: float
) -> None:
    """One tier of a conifer: a cone with a jagged, drooping rim, closed below. 6 x spikes triangles."""
    around = 2 * spikes
    angle = np.arange(around) * (2 * np.pi / around) + random.uniform(0, np.pi)
    out = np.where(
        np.arange(around) % 2 == 0, random.uniform(0.9, 1.12, around), random.uniform(0.6, 0.72, around)
    )
    droop = np.where(np.arange(around) % 2 == 0, -0.12, 0.06) * (top - bottom)
    ring = np.column_stack([np.sin(angle), np.zeros(around), np.cos(angle)])
    rim = ring * (radius * out)[:, None] + np.column_stack([0 * droop, bottom + droop, 0 * droop])
    apex = np.array([(0.0, top, 0.0)])
    below = np.array([(0.0, bottom + 0.25 * (top - bottom), 0.0)])
    number, following = np.arange(around), (np.arange(around) + 1) % around
    upper = np.column_stack([np.full(around, around), number, following])
    outward = _unit(ring + (0.0, radius / (top - bottom) + 0.25, 0.0))
    shade = light * np.where(np.arange(around) % 2 == 0, 1.08, 0.72)
    heap.add(
        np.concatenate([rim, apex]),
        upper,
        np.concatenate([outward, [(0.0, 1.0, 0.0)]]),
        [*shade, light * 0.75],
    )
    lower = np.column_stack([np.full(around, around), following, number])
    downward = _unit(ring * 0.5 - (0.0, 1.0, 0.0))
    heap.add(
        np.concatenate([rim, below]), lower, np.concatenate([downward, [(0.0, -1.0, 0.0)]]),
        np.full(around + 1, light * 0.45),
    )  # fmt: skip


def _branches(heap: _Heap, random: Random, radius: float, bottom: float, top: float, light: float) -> None:
    """What sticks out of one tier of a conifer: boughs that droop, in three whorls."""
    for height, count in ((0.0, 28), (0.33, 24), (0.66, 16)):
        angle = np.arange(count) * (2 * np.pi / count) + random.normal(0, 0.12, count)
        out = np.column_stack([np.sin(angle), np.zeros(count), np.cos(angle)])
        reach = radius * (1 - height) * random.uniform(0.85, 1.2, count)
        y = bottom + (height + random.normal(0, 0.04, count)) * (top - bottom)
        roots = out * (0.35 * reach)[:, None] + np.column_stack([0 * y, y + 0.16 * (top - bottom), 0 * y])
        along = _unit(out - (0.0, 0.42, 0.0) + random.normal(0, 0.12, (count, 3)))
        normals = _unit(0.75 * out + (0.0, 0.8, 0.0) + random.normal(0, 0.15, (count, 3)))
        shade = light * (0.85 + 0.25 * height) * random.uniform(0.8, 1.15, count)
        _kites(heap, random, roots, along, normals, 0.66 * reach, 0.30, shade)


def _kites(
    heap: _Heap, random: Random, roots: Floats, along: Floats, normals: Floats, length: Any, width: float,
    shade: Floats,
) -> None:  # fmt: skip
    """Sprigs: two triangles each, from its root on, turned towards its normal, darker at the root.

    length  metres
    width   of that
    """
    count = len(roots)
    length = np.broadcast_to(np.asarray(length, float), count)[:, None] * random.uniform(
        0.75, 1.3, (count, 1)
    )
    aside = _unit(np.cross(normals, along)) * length * width / 2
    middle = roots + along * length * 0.45 + normals * length * 0.10
    tip = roots + along * length
    points = np.stack([roots, middle + aside, tip, middle - aside], axis=1)
    start = 4 * np.arange(count)[:, None]
    triangles = np.concatenate([start + (0, 1, 2), start + (0, 2, 3)])
    facing = np.einsum("ij,ij->i", np.cross(points[:, 1] - roots, tip - roots), normals) < 0
    triangles[np.tile(facing, 2)] = triangles[np.tile(facing, 2)][:, ::-1]
    lit = shade[:, None] * (0.7, 1.0, 1.12, 1.0)
    heap.add(points.reshape(-1, 3), triangles, np.repeat(normals, 4, axis=0), lit.reshape(-1))


# -- people ---------------------------------------------------------------------------------------------


def person(seed: int = 0, height: float = 1.75) -> Model:
    """Somebody standing: skin, shirt, trousers, hair and shoes, each a mesh and a material. 572 triangles."""
    random = _random(seed)
    tall = arrays.number(height, "height", above=0.0)
    width = random.uniform(0.92, 1.1)
    step = random.uniform(-0.06, 0.09)  # one foot before the other
    swing = random.uniform(-0.10, 0.14, 2)
    skin, shirt, trousers, hair, shoes = (_Heap() for _ in range(5))
    torso = np.array([(0, 0.51, 0), (0, 0.58, 0), (0, 0.72, 0.005), (0, 0.80, 0), (0, 0.835, 0)])
    _tube(shirt, torso, np.array((0.080, 0.083, 0.100, 0.088, 0.035)) * width, 8, flat=0.66)
    _tube(trousers, torso[:2] - (0, 0.055, 0), np.array((0.080, 0.086)) * width, 8, flat=0.7)
    _tube(skin, np.array([(0, 0.81, 0), (0, 0.87, 0.006)]), np.array((0.032, 0.030)), 6)
    _ball(skin, (0, 0.925, 0.010), (0.050, 0.066, 0.058), 8, 6)
    _ball(hair, (0, 0.945, -0.004), (0.055, 0.058, 0.060), 8, 5)
    for side, arm in ((-1, swing[0]), (1, swing[1])):
        hip, foot = side * 0.045 * width, step * side
        leg = np.array([(hip, 0.50, 0), (hip * 1.1, 0.27, foot * 0.6 + 0.01), (hip * 1.15, 0.045, foot)])
        _tube(trousers, leg, np.array((0.055, 0.040, 0.030)) * width, 6)
        _ball(shoes, (hip * 1.2, 0.024, foot + 0.022), (0.030, 0.026, 0.066), 6, 4)
        shoulder = side * 0.092 * width
        limb = np.array(
            [(shoulder, 0.80, 0), (shoulder * 1.34, 0.63, arm * 0.4), (shoulder * 1.42, 0.48, arm + 0.02)]
        )
        _tube(shirt, limb[:2], np.array((0.036, 0.030)) * width, 6)
        _tube(skin, limb[1:], np.array((0.026, 0.018)) * width, 5)
        _ball(skin, limb[2] - (0, 0.02, 0), (0.020, 0.034, 0.024), 5, 4)
    materials = _clothes(random)
    heaps = (skin, shirt, trousers, hair, shoes)
    for heap in heaps:
        heap.points = [points * tall for points in heap.points]
    return Model([(heap.mesh(), material) for heap, material in zip(heaps, materials, strict=True)])


def _clothes(random: Random) -> list[Material]:
    skins = ((0.87, 0.68, 0.56), (0.76, 0.57, 0.44), (0.55, 0.38, 0.28), (0.36, 0.25, 0.19))
    shirts = (
        (0.75, 0.22, 0.20),
        (0.20, 0.36, 0.62),
        (0.90, 0.86, 0.78),
        (0.25, 0.48, 0.33),
        (0.85, 0.62, 0.22),
    )
    trousers = ((0.20, 0.24, 0.34), (0.30, 0.28, 0.26), (0.50, 0.44, 0.34), (0.16, 0.16, 0.18))
    hairs = ((0.13, 0.10, 0.08), (0.30, 0.20, 0.12), (0.62, 0.47, 0.26), (0.45, 0.43, 0.42))
    picked = [colors[random.integers(len(colors))] for colors in (skins, shirts, trousers, hairs)]
    return [Material(color) for color in (*picked, (0.13, 0.11, 0.10))]


# -- pieces ---------------------------------------------------------------------------------------------


def _tube(
    heap: _Heap, centers: Floats, radii: Floats, sides: int, *, shade: npt.ArrayLike = 1.0, flat: float = 1.0
) -> None:
    """A tapered tube through `centers`, closed at both ends; its section is `flat` times as deep as wide.

    2 x sides x (rings - 1) + 2 x sides triangles.
    """
    rings = len(centers)
    along = _unit(
        np.gradient(centers, axis=0) if rings > 2 else np.repeat(centers[1:] - centers[:1], 2, axis=0)
    )
    side = _unit(np.cross(along, (0.0, 0.0, 1.0)))
    depth = np.cross(side, along)
    angle = np.arange(sides) * (2 * np.pi / sides)
    around = (
        np.cos(angle)[:, None, None] * side + flat * np.sin(angle)[:, None, None] * depth
    )  # (sides, rings, 3)
    normals = np.cos(angle)[:, None, None] * side + np.sin(angle)[:, None, None] / flat * depth
    points = (centers + around * radii[:, None]).transpose(1, 0, 2).reshape(-1, 3)
    corner = (np.arange(rings - 1)[:, None] * sides + np.arange(sides)).ravel()
    following = (np.arange(rings - 1)[:, None] * sides + (np.arange(sides) + 1) % sides).ravel()
    walls = np.concatenate([
        np.column_stack([corner, corner + sides, following]),
        np.column_stack([following, corner + sides, following + sides]),
    ])  # fmt: skip
    ends = np.concatenate([points, centers[[0, -1]]])
    ring, ring_next = np.arange(sides), (np.arange(sides) + 1) % sides
    last = (rings - 1) * sides
    caps = np.concatenate([
        np.column_stack([np.full(sides, rings * sides), ring, ring_next]),
        np.column_stack([np.full(sides, rings * sides + 1), last + ring_next, last + ring]),
    ])  # fmt: skip
    shades = np.broadcast_to(np.asarray(shade, np.float64), (rings,))
    outward = _unit(normals.transpose(1, 0, 2).reshape(-1, 3))
    heap.add(
        ends,
        np.concatenate([walls, caps]),
        np.concatenate([outward, [-along[0], along[-1]]]),
        np.concatenate([np.repeat(shades, sides), shades[[0, -1]]]),
    )


def _ball(heap: _Heap, center: Any, radii: Any, segments: int, rings: int) -> None:
    tilt = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = np.column_stack([np.cos(tilt), np.sin(tilt)])
    profile[[0, -1], 0] = 0.0
    points, triangles, _ = lathe(profile, segments)
    heap.add(points * radii + center, with_area(points, triangles), _unit(points / radii))


def _icosphere(detail: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """A unit sphere of 20 x 4**detail triangles of nearly equal size."""
    golden = (1 + 5**0.5) / 2
    points = np.array(
        [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0),
         (0, -1, golden), (0, 1, golden), (0, -1, -golden), (0, 1, -golden),
         (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]
    )  # fmt: skip
    triangles = np.array(
        [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2),
         (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11),
         (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    )  # fmt: skip
    points = _unit(points)
    for _ in range(detail):
        edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, place = np.unique(edges, axis=0, return_inverse=True)
        middles = place.reshape(-1, 3) + len(points)
        points = np.concatenate([points, _unit(points[unique].sum(axis=1))])
        (a, b, c), (ab, bc, ca) = triangles.T, middles.T
        triangles = np.concatenate(
            [np.column_stack(corners) for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
        )
    return points, triangles


def _waves(points: Floats, random: Random, frequency: float) -> Floats:
    """(n,) smooth noise in about -1..1: a few plane waves of random direction and phase."""
    directions = random.normal(size=(7, 3)) * frequency
    return np.asarray(np.sin(points @ directions.T + random.uniform(0, 2 * np.pi, 7)).sum(axis=1) / 3.0)


def _about_y(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([(c, 0, s), (0, 1, 0), (-s, 0, c)])


def _unit(vectors: npt.ArrayLike) -> Floats:
    values = np.asarray(vectors, np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12))


def _random(seed: int) -> Random:
    return np.random.default_rng(arrays.integer(seed, "seed", low=0))
