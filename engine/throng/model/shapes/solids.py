"""Simple solids and flat shapes. Sizes in metres, Y up, triangles counter-clockwise seen from outside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from throng import arrays
from throng.errors import InvalidValue
from throng.model.mesh import Mesh

Floats = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]


def box(size: npt.ArrayLike = 1.0) -> Mesh:
    """A box around the origin: 12 triangles, 24 vertices.

    size  the length of every edge, or (x, y, z), each more than 0
    """
    half = np.array(_positive(arrays.scale3(size, "size"), "size")) / 2
    points, normals, uvs = [], [], []
    for axis in range(3):
        for sign in (1.0, -1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            across = np.zeros(3)
            across[2 if axis == 0 else 0] = -sign if axis == 0 else (sign if axis == 2 else 1.0)
            upward = np.cross(normal, across)
            for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
                points.append((normal + (2 * u - 1) * across + (2 * v - 1) * upward) * half)
                normals.append(normal)
                uvs.append((u, v))
    corners = np.arange(24).reshape(6, 4)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    return Mesh(points, triangles, normals, uvs)


def plane(size: npt.ArrayLike = 1.0, divisions: int = 1) -> Mesh:
    """A level rectangle around the origin, seen from above: 2 x divisions x divisions triangles.

    size       the length of both edges, or (x, z), each more than 0
    divisions  cells along either edge
    """
    width, depth = _pair(size, "size")
    cells = arrays.integer(divisions, "divisions", low=1, high=4096)
    v, u = np.meshgrid(np.linspace(0, 1, cells + 1), np.linspace(0, 1, cells + 1), indexing="ij")
    points = np.stack([(u - 0.5) * width, np.zeros_like(u), (0.5 - v) * depth], axis=-1).reshape(-1, 3)
    uvs = np.stack([u, v], axis=-1).reshape(-1, 2)
    return Mesh(points, grid(cells + 1, cells + 1), np.tile((0.0, 1.0, 0.0), (len(points), 1)), uvs)


def terrain(heights: npt.ArrayLike, size: npt.ArrayLike = 1.0, colors: npt.ArrayLike | None = None) -> Mesh:
    """Land seen from above, its middle at the origin, its normals smooth: 2 triangles for each cell.

    heights  (h, w), at least 2 of each, metres: the first row at -Z, the first column at -X, as on a map with
             north at its top
    size     the length of both edges, or (x, z), each more than 0
    colors   (h, w, 3) or (h, w, 4): vertex colours, as Mesh has them; white where none are given

    Raises InvalidValue or InvalidType, naming the argument.
    """
    field = arrays.doubles(heights, "heights", ("h", "w"))
    rows, columns = field.shape
    if min(rows, columns) < 2:
        raise InvalidValue(f"heights: expected at least 2 rows and 2 columns, got shape {field.shape}")
    width, depth = _pair(size, "size")
    shades = None
    if colors is not None:
        given = arrays.color_bytes(colors, "colors", (rows, columns, 3), (rows, columns, 4))
        shades = given[::-1].reshape(rows * columns, -1)
    field = field[::-1]  # rows upwards, as uvs count
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    points = np.stack([(u - 0.5) * width, field, (0.5 - v) * depth], axis=-1).reshape(-1, 3)
    southward, eastward = np.gradient(field, -depth / (rows - 1), width / (columns - 1))
    normals = np.stack([-eastward, np.ones_like(field), -southward], axis=-1).reshape(-1, 3)
    uvs = np.stack([u, v], axis=-1).reshape(-1, 2)
    return Mesh(points, grid(rows, columns), normals, uvs, shades)


def quad(size: npt.ArrayLike = 1.0) -> Mesh:
    """An upright rectangle around the origin that faces +Z: 2 triangles.

    size  the length of both edges, or (width, height), each more than 0
    """
    width, height = _pair(size, "size")
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    points = np.column_stack([(corners - 0.5) * (width, height), np.zeros(4)])
    return Mesh(points, [(0, 1, 2), (0, 2, 3)], np.tile((0.0, 0.0, 1.0), (4, 1)), corners)


def sphere(radius: float = 0.5, segments: int = 24, rings: int = 12) -> Mesh:
    """A ball around the origin: 2 x segments x (rings - 1) triangles, 528 by default.

    segments  around the Y axis, at least 3
    rings     from pole to pole, at least 2
    """
    size = arrays.number(radius, "radius", above=0.0)
    around = arrays.integer(segments, "segments", low=3, high=4096)
    levels = arrays.integer(rings, "rings", low=2, high=4096)
    tilt = np.linspace(-np.pi / 2, np.pi / 2, levels + 1)
    profile = np.column_stack([np.cos(tilt), np.sin(tilt)])
    profile[[0, -1], 0] = 0.0
    points, triangles, uvs = lathe(profile, around)
    return Mesh(points * size, triangles, points, uvs)


def cylinder(radius: float = 0.5, height: float = 1.0, segments: int = 24) -> Mesh:
    """An upright cylinder around the origin: 4 x segments - 4 triangles, 92 by default.

    segments  around the Y axis, at least 3
    """
    return _turned(arrays.number(radius, "radius", above=0.0), height, segments, tip=False)


def cone(radius: float = 0.5, height: float = 1.0, segments: int = 24) -> Mesh:
    """An upright cone around the origin, its tip at height / 2: 2 x segments - 2 triangles, 46 by default.

    segments  around the Y axis, at least 3
    """
    return _turned(arrays.number(radius, "radius", above=0.0), height, segments, tip=True)


def grid(rows: int, columns: int) -> Triangles:
    """Triangles of a grid of vertices numbered row by row, rows upwards as seen from outside."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    lower = np.column_stack([corner, corner + 1, corner + columns + 1])
    upper = np.column_stack([corner, corner + columns + 1, corner + columns])
    return np.concatenate([lower, upper])


def lathe(profile: Floats, segments: int) -> tuple[Floats, Triangles, Floats]:
    """A profile of (radius, y), from the bottom up, turned around the Y axis: points, triangles and uvs.

    The seam has its vertices twice. Triangles without area, at radius 0, are left out.
    """
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    angle[-1] = 0.0  # the seam's two columns lie in exactly the same place
    ring = np.column_stack([np.sin(angle), np.cos(angle)])
    points = np.empty((len(profile), segments + 1, 3))
    points[..., 0] = profile[:, :1] * ring[:, 0]
    points[..., 1] = profile[:, 1:]
    points[..., 2] = profile[:, :1] * ring[:, 1]
    v, u = np.meshgrid(np.linspace(0, 1, len(profile)), np.linspace(0, 1, segments + 1), indexing="ij")
    triangles = grid(len(profile), segments + 1)
    flat = points.reshape(-1, 3)
    return flat, with_area(flat, triangles), np.stack([u, v], axis=-1).reshape(-1, 2)


def with_area(points: Floats, triangles: Triangles) -> Triangles:
    """The triangles that have an area."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.asarray(triangles[areas > 1e-12])


def disc(radius: float, y: float, segments: int, *, up: bool) -> tuple[Floats, Triangles]:
    """A level polygon, as a fan from its first corner."""
    angle = np.arange(segments) * (2 * np.pi / segments)
    points = np.column_stack([radius * np.sin(angle), np.full(segments, y), radius * np.cos(angle)])
    fan = np.column_stack([np.zeros(segments - 2), np.arange(1, segments - 1), np.arange(2, segments)])
    order = [0, 1, 2] if up else [0, 2, 1]
    return points, fan.astype(np.int64)[:, order]


def _turned(radius: float, height: float, segments: int, *, tip: bool) -> Mesh:
    tall = arrays.number(height, "height", above=0.0)
    around = arrays.integer(segments, "segments", low=3, high=4096)
    profile = np.array([(radius, -tall / 2), (0.0 if tip else radius, tall / 2)])
    points, triangles, uvs = lathe(profile, around)
    angle = np.arctan2(points[: around + 1, 0], points[: around + 1, 2])
    slope = radius / tall if tip else 0.0
    outward = np.column_stack([np.sin(angle), np.full(around + 1, slope), np.cos(angle)])
    parts = [(points, triangles, np.tile(outward, (2, 1)), uvs)]
    for up in (False,) if tip else (False, True):
        rim, fan = disc(radius, tall / 2 if up else -tall / 2, around, up=up)
        normals = np.tile((0.0, 1.0 if up else -1.0, 0.0), (around, 1))
        parts.append((rim, fan, normals, rim[:, [0, 2]] / (2 * radius) + 0.5))
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])
    return Mesh(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part[2] for part in parts]),
        np.clip(np.concatenate([part[3] for part in parts]), 0.0, 1.0),
    )


def _pair(value: npt.ArrayLike, where: str) -> tuple[float, float]:
    if np.ndim(value) == 0:
        one = arrays.number(value, where, above=0.0)
        return one, one
    first, second = arrays.doubles(value, where, (2,)).tolist()
    _positive((first, second), where)
    return first, second


def _positive(values: tuple[float, ...], where: str) -> tuple[float, ...]:
    if min(values) <= 0:
        raise InvalidValue(f"{where}: expected lengths greater than 0, got {min(values):g}")
    return values
