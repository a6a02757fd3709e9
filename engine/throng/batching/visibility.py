"""Which instances are seen, and how finely: on the CPU, for mode "instanced".

Cells first: one that stands outside a plane of the frustum is not looked at any further, and one that stands
inside all of them, at one level of detail, is not either. The instances of the others are tested one by one,
each with a sphere around its model, a plane at a time over arrays that stay in the cache.

An instance that is seen is never left out: spheres are grown by what rounding may lose, and by how far a
motion carries them. Coordinates are float32 relative to the eye; what is added to all of them is computed in
float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from throng.batching.cells import CELL, SMALL, Cells, means, stretches

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

READ = ("positions", "rotations", "scales", "matrices")  # of an instance's columns

# Of a level's size: instances switch a little earlier or later, so that a field does not do it in a line.
JITTER = 0.08

_OUTSIDE, _MIXED = 255, 254
_BLOCK = 1 << 15  # rows at a time, so that what is computed stays in the cache
_SLACK = 1e-6  # of the distance from the eye: what adding up float32 may lose
_GROWTH = 1 + 1e-5


class View(Protocol):
    """How a scene is looked at, in its own coordinates; all float64.

    planes           (k, 4) of unit normals: dot(plane, (x, y, z, 1)) >= 0 inside. None of them: all is seen
    eye              (4,): the place it is seen from, and 1; or, without perspective, the unit vector towards
                     the viewer, and 0
    clip_w           (4,): dot(clip_w, (x, y, z, 1)) is clip space's w
    pixels_per_unit  how many pixels a metre across the view measures where w is 1
    """

    @property
    def planes(self) -> Doubles: ...
    @property
    def eye(self) -> Doubles: ...
    @property
    def clip_w(self) -> Doubles: ...
    @property
    def pixels_per_unit(self) -> float: ...


class Body(Protocol):
    """What each instance stands for.

    center, radius  (3,) float64, metres: a sphere around all parts of the model
    reach           metres that a motion carries an instance at most
    sway            metres that it does in addition for each unit of an instance's own scale
    switches        for each level but the finest the diameter in pixels below which it will do, descending
    """

    @property
    def center(self) -> Doubles: ...
    @property
    def radius(self) -> float: ...
    @property
    def reach(self) -> float: ...
    @property
    def sway(self) -> float: ...
    @property
    def switches(self) -> Sequence[float]: ...


@dataclass(frozen=True)
class Visible:
    """What is seen of some rows.

    levels  for each level of detail the rows to draw with it, ascending, counted from the first one
    whole   the level at which all rows are seen; -1 where there is no such level
    """

    levels: tuple[npt.NDArray[np.int64], ...]
    whole: int

    @property
    def count(self) -> int:
        """How many are seen."""
        return sum(len(rows) for rows in self.levels)


def visible(
    cells: Cells, columns: Mapping[str, npt.NDArray[Any]], world: Doubles, body: Body, view: View
) -> Visible:
    """What `view` sees of the rows that `cells` are made of.

    columns  those rows of READ, as many of these columns as there are
    world    (3, 4): what the crowd stands under; the identity for nodes
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        return _grouped(_Test(columns, world, body, view, cells.first).codes(cells), len(body.switches) + 1)


def _grouped(codes: Codes, levels: int) -> Visible:
    rows = []
    left, whole = len(codes), -1
    for level in range(levels):
        rows.append(np.flatnonzero(codes == level) if left else np.zeros(0, np.int64))
        left -= len(rows[-1])
        if len(codes) and len(rows[-1]) == len(codes):
            whole = level
    return Visible(tuple(rows), whole)


class _Test:
    """One crowd under one view. A code is a level, or _OUTSIDE.

    _eye   (3,): the place that coordinates are relative to, in the scene; the eye, where there is one
    _near  (3,): the same place as the columns' coordinates have it, rounded to float32
    _rest  (3,): what that rounding leaves, in the scene
    """

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        world: Doubles,
        body: Body,
        view: View,
        first: int,
    ) -> None:
        self._columns = columns
        self._first = first
        self._body = body
        self._linear = world[:, :3]
        self._turned = bool((self._linear != np.eye(3)).any())
        self._stretch = float(np.linalg.norm(self._linear, 2)) if self._turned else 1.0
        self._mean = float(np.linalg.norm(self._linear)) / 3**0.5 if self._turned else 1.0
        self._furthest = float(np.linalg.norm(body.center)) + body.radius
        self._perspective = view.eye[3] != 0.0
        self._eye = view.eye[:3] if self._perspective else _middle(view.planes)
        self._normals = view.planes[:, :3]
        self._offsets = self._normals @ self._eye + view.planes[:, 3]
        self._toward = view.clip_w[:3]
        self._w = float(self._toward @ self._eye + view.clip_w[3])
        # A sphere's diameter in pixels is this times its radius, w^-2, and with perspective its distance.
        steep = float(np.linalg.norm(self._toward)) if self._perspective else self._w
        self._pixels = 2.0 * view.pixels_per_unit * steep
        at_eye = self._eye - world[:, 3]
        if self._turned:
            at_eye = np.asarray(np.linalg.lstsq(self._linear, at_eye)[0], np.float64)
        self._near = at_eye.astype(np.float32)
        self._rest = self._linear @ self._near.astype(np.float64) + world[:, 3] - self._eye
        # What the GPU loses where it turns large numbers, and adds others to them.
        far = float(np.abs(self._near).max()) if self._turned else 0.0
        self._lost = _SLACK * far * self._stretch

    def codes(self, cells: Cells) -> Codes:
        """(n,): of each row, in the order of rows."""
        count = len(cells.order)
        if not count:
            return np.zeros(0, np.uint8)
        if cells.sizes[0] < 0:  # none has bounds
            codes = np.empty(count, np.uint8)
            for start in range(0, count, _BLOCK):
                stop = min(start + _BLOCK, count)
                part = {name: column[start:stop] for name, column in self._columns.items()}
                codes[start:stop] = self._tested(part, np.arange(start, stop, dtype=np.uint32))
            return codes
        codes = _spread(self._cell_codes(cells), cells.order)
        # Rows as they ascend are read several times as fast as cell by cell.
        mixed = np.flatnonzero(codes == _MIXED)
        for start in range(0, len(mixed), _BLOCK):
            rows = mixed[start : start + _BLOCK]
            part = {name: np.take(column, rows, axis=0) for name, column in self._columns.items()}
            codes[rows] = self._tested(part, rows.astype(np.uint32))
        return codes

    # -- cells -------------------------------------------------------------------------------------

    def _cell_codes(self, cells: Cells) -> Codes:
        """(c,): of each cell; _MIXED where its instances have to be looked at."""
        low, high = (np.ascontiguousarray(corner.T, np.float64) for corner in (cells.low, cells.high))
        center = low + high - 2 * self._near.astype(np.float64)[:, None]
        center = self._linear @ (center / 2) + self._rest[:, None]
        half = np.abs(self._linear) @ ((high - low) / 2)
        sizes = cells.sizes.astype(np.float64) * (self._stretch * _GROWTH)
        distance = np.sqrt((center * center).sum(axis=0))
        margin = self._furthest * sizes + self._body.reach + self._body.sway * cells.sizes + _SLACK * distance
        margin += self._lost
        outside = np.zeros(len(sizes), np.bool_)
        inside = np.ones(len(sizes), np.bool_)
        for normal, offset in zip(self._normals, self._offsets, strict=True):
            middle = normal @ center + offset
            extent = np.abs(normal) @ half + margin
            outside |= middle + extent < 0
            inside &= middle - extent >= 0
        levels = self._cell_levels(cells, center, half, sizes, distance)
        return np.where(outside, _OUTSIDE, np.where(inside, levels, _MIXED)).astype(np.uint8)

    def _cell_levels(
        self, cells: Cells, center: Doubles, half: Doubles, sizes: Doubles, distance: Doubles
    ) -> Codes:
        """(c,): the level of all of a cell's instances; _MIXED where it depends."""
        switches = self._body.switches
        if not switches:
            return np.zeros(len(sizes), np.uint8)
        shift = float(np.linalg.norm(self._body.center)) * sizes  # from an origin to its sphere's centre
        w = self._toward @ center + self._w
        spread = np.abs(self._toward) @ half + float(np.linalg.norm(self._toward)) * shift
        nearest, furthest = np.maximum(w - spread, 0.0), np.maximum(w + spread, 0.0)
        around = np.sqrt((half * half).sum(axis=0)) + shift
        pixels = self._pixels * self._body.radius * self._mean
        least, largest = pixels * cells.means / furthest**2, pixels * cells.sizes / nearest**2
        if self._perspective:
            least = least * np.maximum(distance - around, 0.0)
            largest = largest * (distance + around)
        coarse, fine = np.zeros((2, len(sizes)), np.uint8)
        for switch in switches:
            coarse += least < switch * (1 + JITTER)
            fine += largest < switch * (1 - JITTER)
        return np.where(coarse == fine, coarse, _MIXED).astype(np.uint8)

    # -- instances ---------------------------------------------------------------------------------

    def _tested(self, columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[np.uint32]) -> Codes:
        """(m,): of the instances in these rows, whose columns are given."""
        body = self._body
        x, y, z = self._centers(columns)
        distance = np.sqrt(x * x + y * y + z * z)
        factors = stretches(columns)
        margin = _SLACK * distance
        size = np.float32(self._stretch * (body.radius * _GROWTH + self._furthest * _SLACK) + body.sway)
        if factors is None:
            margin += size
        else:
            widest = factors if factors.ndim == 1 else np.maximum(np.maximum(*factors.T[:2]), factors.T[2])
            margin += widest.astype(np.float32, copy=False) * size
        margin += np.float32(body.reach + self._lost)
        outside = np.zeros(len(rows), np.bool_)
        term, total = np.empty((2, len(rows)), np.float32)
        for normal, offset in zip(self._normals.astype(np.float32), self._offsets, strict=True):
            np.multiply(x, normal[0], out=total)
            total += np.multiply(y, normal[1], out=term)
            total += np.multiply(z, normal[2], out=term)
            total += margin
            outside |= total < np.float32(-offset)
        codes = self._levels(columns, rows, (x, y, z), distance) if body.switches else np.zeros(1, np.uint8)
        return np.where(outside, np.uint8(_OUTSIDE), codes)

    def _levels(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        rows: npt.NDArray[np.uint32],
        center: tuple[Floats, Floats, Floats],
        distance: Floats,
    ) -> Codes:
        """(m,): by the diameter in pixels, to which gpu/ comes in the same way."""
        toward = self._toward.astype(np.float32)
        w = center[0] * toward[0]
        w += center[1] * toward[1]
        w += center[2] * toward[2]
        w += np.float32(self._w)
        squared = w * np.maximum(w, 0)  # behind the eye nothing is small
        squared *= _jitter(rows + np.uint32(self._first))
        factors = means(columns)
        size: npt.NDArray[Any] = np.full(1, self._pixels * self._body.radius * self._mean, np.float32)
        if self._perspective:
            size = distance * size
        if factors is not None:
            size = size * factors.astype(np.float32, copy=False)
        levels = np.zeros(len(rows), np.uint8)
        for switch in self._body.switches:
            levels += size < squared * np.float32(switch)
        return levels

    def _centers(self, columns: Mapping[str, npt.NDArray[Any]]) -> tuple[Floats, Floats, Floats]:
        """Three times (m,): the centres of the instances' spheres in the scene, relative to the eye."""
        offset = self._body.center.astype(np.float32) if self._body.center.any() else None
        if "matrices" in columns:
            return self._node_centers(columns["matrices"], offset)
        positions, near = columns["positions"], self._near
        # A transform that stretches or shears may leave little of large numbers: in float64.
        wide = np.float64 if self._turned else np.float32
        x, y, z = (np.subtract(positions[:, axis], near[axis], dtype=wide) for axis in range(3))
        if offset is not None:
            for axis, moved in zip((x, y, z), _placed(offset, columns), strict=True):
                axis += moved
        if self._turned:
            x, y, z = (row[0] * x + row[1] * y + row[2] * z for row in self._linear)
        if self._rest.any():
            for axis, number in zip((x, y, z), self._rest.astype(wide), strict=True):
                axis += number
        if self._turned:
            return x.astype(np.float32), y.astype(np.float32), z.astype(np.float32)
        return x, y, z

    def _node_centers(self, matrices: Floats, offset: Floats | None) -> tuple[Floats, Floats, Floats]:
        result = []
        rest = self._rest.astype(np.float32)
        for axis in range(3):
            place = matrices[:, 4 * axis + 3] - self._near[axis]
            place += matrices[:, 12 + axis] + rest[axis]
            if offset is not None:
                for column in range(3):
                    place += matrices[:, 4 * axis + column] * offset[column]
            result.append(place)
        return result[0], result[1], result[2]


def _spread(of_cells: Codes, order: npt.NDArray[np.uint32]) -> Codes:
    """(n,): the codes of cells, row by row."""
    count = len(order)
    if (of_cells == of_cells[0]).all():
        return np.full(count, of_cells[0])
    if count < SMALL:  # there the order is that of the rows
        return np.repeat(of_cells, CELL)[:count]
    codes = np.full(count, _OUTSIDE, np.uint8)
    shown = np.flatnonzero(of_cells != _OUTSIDE)
    if 2 * len(shown) > len(of_cells):
        codes[order] = np.repeat(of_cells, CELL)[:count]
    else:
        places = np.minimum(shown[:, None] * CELL + np.arange(CELL), count - 1)
        codes[order[places]] = of_cells[shown, None]
    return codes


def _placed(offset: Floats, columns: Mapping[str, npt.NDArray[Any]]) -> tuple[Any, Any, Any]:
    """A place in the mesh as each instance of a crowd scales and turns it: three times (m,) or a number."""
    x, y, z = offset
    scales = columns.get("scales")
    if scales is not None:
        wide = (scales,) * 3 if scales.ndim == 1 else tuple(scales.T)
        x, y, z = x * wide[0], y * wide[1], z * wide[2]
    if "rotations" in columns:
        a, b, c, w = columns["rotations"].T
        # v + 2 w (q x v) + 2 q x (q x v)
        u0, u1, u2 = 2 * (b * z - c * y), 2 * (c * x - a * z), 2 * (a * y - b * x)
        return (
            x + w * u0 + (b * u2 - c * u1),
            y + w * u1 + (c * u0 - a * u2),
            z + w * u2 + (a * u1 - b * u0),
        )
    return x, y, z


def _jitter(rows: npt.NDArray[np.uint32]) -> Floats:
    """(m,): within JITTER of 1, by a hash of the row."""
    mixed = rows * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA77)
    mixed >>= np.uint32(8)
    result = mixed.astype(np.float32)
    result *= np.float32(2 * JITTER / 2**24)
    result += np.float32(1 - JITTER)
    return result


def _middle(planes: Doubles) -> Doubles:
    """(3,): a place between the planes, as near to all of them as can be."""
    if not len(planes):
        return np.zeros(3)
    return np.asarray(np.linalg.lstsq(planes[:, :3], -planes[:, 3])[0])
