"""Spatial cells: runs of CELL instances that stand close together, with a box around each run.

Whoever looks for visible instances asks the cells first. The order lies beside the columns, whose rows stay
where the user put them. It follows a space-filling curve (Morton, "A Computer Oriented Geodetic Data Base",
IBM, 1966) whose bits are dealt out to the axes by their extents: each halves the axis along which the crowd
is then longest, so that a field gets its bits in x and z and a tower in y.

Everything here is linear in the rows and vectorised; where few rows changed, it is linear in those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from throng.model.versions import tick

if TYPE_CHECKING:
    from throng.batching.instances import GpuColumn

Floats = npt.NDArray[np.float32]

CELL = 64  # instances
SMALL = 1024  # rows; fewer are not worth an order
FEW = 8  # where more than one row in so many changed at once, keeping up costs more than cells save
CALM = 30  # calls without such a change, after which cells are worth building again

_KEY_BITS = 32
_AXIS_BITS = 16  # so that the table that spreads an axis' bits stays in the cache
_BLOCK = 512 * CELL  # rows at a time, so that what is gathered stays in the cache
_SPARE = 1 + 2.0**-19  # what float32 loses where a shader turns, scales and shears in any order
_LARGEST = float(np.finfo(np.float32).max)
_WATCHED = ("positions", "scales", "matrices")


class Cells:
    """The cells of rows first..first+count of one set of instances.

    order           (count,) uint32: rows counted from `first`; cell i is order[CELL * i : CELL * (i + 1)]
    low, high       (c, 3) float32: a box around the origins of the cell's instances, in the crowd's space
                    (of nodes: in the scene's)
    sizes           (c,) float32: at least the factor by which any instance of the cell stretches its mesh; -1
                    where the cell has no bounds at the moment, and has to be taken as visible
    means           (c,) float32: no more than the root mean square of the factors along the three axes of any
                    instance of the cell
    version         another one whenever `order` changed
    bounds_version  another one whenever boxes or sizes did

    Rows that are all moved in each frame get no cells: the order stays, and no cell has bounds until the rows
    have been calm for a while.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.shape = -1  # of the set of instances when it last asked: see Instances.cells
        self.order = np.zeros(0, np.uint32)
        self.low = np.zeros((0, 3), np.float32)
        self.high = np.zeros((0, 3), np.float32)
        self.sizes = np.zeros(0, np.float32)
        self.means = np.zeros(0, np.float32)
        self.version = tick()
        self.bounds_version = tick()
        self._seen: dict[str, int] = {}
        self._written = 0  # rows since the order was made
        self._restless = False
        self._quiet = 0  # calls without much change
        self._cell_of: npt.NDArray[np.uint32] | None = None  # of each row, once somebody asked

    def update(self, columns: Mapping[str, GpuColumn], count: int) -> None:
        """Brings the cells up to date with the first `count` rows of `columns` from `first` on."""
        latest = {name: columns[name].versions.latest for name in _WATCHED if name in columns}
        before = len(self.order)
        if latest == self._seen and count == before and not self._restless:
            return
        rows = self._changed(columns, latest, count)
        self._seen = latest
        if min(before, count) < SMALL:
            if rows is None or count != before:
                self._build(columns, count)
            elif rows.size:
                self._refit(columns, rows)
        elif self._restless or rows is None or count < before:
            self._wait(columns, count, calm=rows is not None and count >= before)
        else:
            if count > before:
                self._extend(count)
            self._written += len(rows)
            if self._written >= count:
                self._build(columns, count)
            elif rows.size:
                self._refit(columns, rows)

    # -- what changed ------------------------------------------------------------------------------

    def _changed(
        self, columns: Mapping[str, GpuColumn], latest: Mapping[str, int], count: int
    ) -> npt.NDArray[np.int64] | None:
        """Rows, counted from `first`, new or changed since the last call; None where they are many."""
        added = np.arange(len(self.order), count)
        most = count if count < SMALL else count // FEW
        if latest.keys() != self._seen.keys() or len(added) > most:
            return None
        parts = [added]
        for name, version in latest.items():
            versions, seen = columns[name].versions, self._seen[name]
            if version == seen:
                continue
            if seen < versions._whole:
                return None
            rows = versions.rows_since(seen, self.first + count)
            mine = rows[np.searchsorted(rows, self.first) :]
            if len(mine) > most:
                return None
            parts.append(mine - self.first)
        return np.concatenate(parts)

    def _wait(self, columns: Mapping[str, GpuColumn], count: int, *, calm: bool) -> None:
        """No bounds until the rows have been calm for a while."""
        self._quiet = self._quiet + 1 if calm and self._restless else 0
        if self._quiet >= CALM:
            self._build(columns, count)
            return
        if count != len(self.order):
            self._set_order(np.arange(count, dtype=np.uint32))
        elif self._restless:
            return
        self._restless = True
        self.sizes[:] = -1
        self.bounds_version = tick()

    # -- order -------------------------------------------------------------------------------------

    def _build(self, columns: Mapping[str, GpuColumn], count: int) -> None:
        self._restless = False
        self._quiet = self._written = 0
        if count < SMALL:
            order = np.arange(count, dtype=np.uint32)
        else:
            order = curve_order(_origins(_read(columns, self.first, count)))
        self._set_order(order)
        self._fit(columns, None)

    def _extend(self, count: int) -> None:
        """Room for rows behind the last, which end up in cells of their own."""
        before = len(self.order)
        added = np.arange(before, count, dtype=np.uint32)
        cell_of = self._cell_of
        self._set_order(np.concatenate([self.order, added]))
        if cell_of is not None:
            self._cell_of = np.concatenate([cell_of, added // CELL])

    def _set_order(self, order: npt.NDArray[np.uint32]) -> None:
        if len(order) != len(self.order) or not np.array_equal(order, self.order):
            self.order, self._cell_of = order, None
            self.version = tick()
        number = -(-len(order) // CELL)
        if number != len(self.sizes):
            kept = min(number, len(self.sizes))
            for name in ("low", "high", "sizes", "means"):
                old: Floats = getattr(self, name)
                new = np.zeros((number, *old.shape[1:]), np.float32)
                new[:kept] = old[:kept]
                setattr(self, name, new)

    # -- bounds ------------------------------------------------------------------------------------

    def _refit(self, columns: Mapping[str, GpuColumn], rows: npt.NDArray[np.int64]) -> None:
        """New bounds for the cells of these rows."""
        if self._cell_of is None:
            self._cell_of = np.empty(len(self.order), np.uint32)
            self._cell_of[self.order] = np.arange(len(self.order), dtype=np.uint32) // CELL
        touched = np.zeros(len(self.sizes), np.bool_)
        touched[self._cell_of[rows]] = True
        self._fit(columns, np.flatnonzero(touched))

    def _fit(self, columns: Mapping[str, GpuColumn], cells: npt.NDArray[np.int64] | None) -> None:
        """Boxes and sizes of these cells, ascending; None: of all."""
        count = len(self.order)
        number = len(self.sizes) if cells is None else len(cells)
        data = _read(columns, self.first, count)
        at_once = _BLOCK // CELL
        for start in range(0, number, at_once):
            if cells is None:
                chosen: Any = slice(start, min(start + at_once, number))
                rows = self.order[start * CELL : (start + at_once) * CELL]
            else:
                chosen = cells[start : start + at_once]
                places = (chosen[:, None] * CELL + np.arange(CELL)).ravel()
                rows = self.order[places[: len(places) - max(places[-1] - count + 1, 0)]]
            part = {name: np.take(column, rows, axis=0) for name, column in data.items()}
            starts = np.arange(0, len(rows), CELL)
            origins = _origins(part)
            low = np.minimum.reduceat(origins, starts, axis=0)
            high = np.maximum.reduceat(origins, starts, axis=0)
            if "matrices" in part:  # the high parts of float64 places, rounded to the nearest
                low, high = _outward(low, high)
            self.low[chosen], self.high[chosen] = low, high
            self.sizes[chosen], self.means[chosen] = _sizes_and_means(part, starts)
        self.bounds_version = tick()


def curve_order(origins: Floats) -> npt.NDArray[np.uint32]:
    """(n,) uint32: the rows of `origins`, (n, 3), along a space-filling curve; equal places by row.

    Sorted by radix, 16 bits at a time: 16 ms for a million rows, where a comparison sort takes 11 to 55,
    depending on the processor.
    """
    keys = _keys(origins)
    by_low = keys.astype(np.uint16).argsort(kind="stable").astype(np.uint32)
    high = (keys >> np.uint32(16)).astype(np.uint16)
    return by_low.take(high.take(by_low).argsort(kind="stable"))


def stretches(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any] | None:
    """(n,) or (n, k): the largest along each row is at least the factor by which its instance stretches.

    Of a crowd: its scales, whatever their signs; None where it has none. Of nodes: a bound of the largest
    singular value, exact where the matrix is a rotation times scales. Not grown by what rounding loses.
    """
    if "matrices" in columns:
        return _spectral_bounds(columns["matrices"])
    return np.abs(columns["scales"]) if "scales" in columns else None


def means(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any] | None:
    """(n,): the root mean square of the factors by which each row stretches its mesh along three axes."""
    if "matrices" in columns:
        rows = columns["matrices"]
        squares = sum(rows[:, place].astype(np.float64) ** 2 for place in (0, 1, 2, 4, 5, 6, 8, 9, 10))
        return np.asarray(np.sqrt(squares / 3))
    scales = columns.get("scales")
    if scales is None or scales.ndim == 1:
        return None if scales is None else np.abs(scales)
    return np.asarray(np.sqrt(sum(scales[:, axis].astype(np.float64) ** 2 for axis in range(3)) / 3))


def _spectral_bounds(matrices: Floats) -> npt.NDArray[np.float64]:
    """(n,): the square root of the largest row of |A^T A|, a bound of its eigenvalues (Gershgorin)."""
    wide = np.ascontiguousarray(matrices[:, :12].T, np.float64)
    x, y, z = wide[0::4], wide[1::4], wide[2::4]  # the columns of A, (3, n) each
    xy, xz, yz = (np.abs((a * b).sum(axis=0)) for a, b in ((x, y), (x, z), (y, z)))
    squares = [(a * a).sum(axis=0) for a in (x, y, z)]
    bounds = np.maximum(squares[0] + xy + xz, squares[1] + xy + yz)
    return np.asarray(np.sqrt(np.maximum(bounds, squares[2] + xz + yz)))


def _read(columns: Mapping[str, GpuColumn], first: int, count: int) -> dict[str, npt.NDArray[Any]]:
    return {name: columns[name].read(first, first + count) for name in _WATCHED if name in columns}


def _origins(columns: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """(n, 3): where instances stand; of nodes the high parts of it."""
    if "matrices" in columns:
        return np.ascontiguousarray(columns["matrices"][:, 3:12:4])
    return columns["positions"]


def _outward(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """A box around numbers that are `low` and `high` where they are rounded to float32."""
    with np.errstate(over="ignore", under="ignore"):
        wider = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    return wider[0].clip(-_LARGEST, None), wider[1].clip(None, _LARGEST)


def _sizes_and_means(
    columns: Mapping[str, npt.NDArray[Any]], starts: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """(c,) and (c,): of each run the largest factor, rounded up, and the least mean, rounded down."""
    factors = stretches(columns)
    mean = factors if factors is not None and "positions" in columns and factors.ndim == 1 else means(columns)
    if factors is None or mean is None:
        largest = least = np.ones(len(starts), np.float32)
    else:
        largest = np.maximum.reduceat(factors, starts, axis=0)
        largest = largest.max(axis=1) if largest.ndim == 2 else largest
        least = np.minimum.reduceat(mean, starts)
    sizes = np.minimum(largest.astype(np.float64) * _SPARE, _LARGEST)
    return sizes.astype(np.float32), np.minimum(least.astype(np.float64) / _SPARE, _LARGEST).astype(
        np.float32
    )


def _keys(origins: Floats) -> npt.NDArray[np.uint32]:
    """(n,): where along the curve each origin lies."""
    low, high = _extremes(origins)
    extents = high - low
    tables = _spreads(extents)
    keys = np.zeros(len(origins), np.uint32)
    for start in range(0, len(origins), _BLOCK):
        part = slice(start, start + _BLOCK)
        for axis, table in enumerate(tables):
            if len(table) > 1:
                steps = np.subtract(origins[part, axis], low[axis], dtype=np.float64)
                steps *= len(table) / extents[axis]
                keys[part] |= np.take(table, steps.astype(np.int64), mode="clip")
    return keys


def _spreads(extents: npt.NDArray[np.float64]) -> list[npt.NDArray[np.uint32]]:
    """For each axis a table from a step along it to that step's bits of the key, as many as 2**bits steps.

    The first bit goes to the longest axis and halves it; and so on.
    """
    lengths = extents.copy()
    places: list[list[int]] = [[], [], []]  # in the key, of each axis' bits, the highest first
    for place in reversed(range(_KEY_BITS)):
        axis = int(np.argmax(lengths))
        if lengths[axis] == 0.0:
            break
        places[axis].append(place)
        lengths[axis] = 0.0 if len(places[axis]) == _AXIS_BITS else lengths[axis] / 2
    tables = []
    for bits in places:
        table = np.zeros(1, np.uint32)
        for place in reversed(bits):
            table = np.concatenate([table, table | np.uint32(1 << place)])
        tables.append(table)
    return tables


def _extremes(origins: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(3,) and (3,): the least and the greatest of (n, 3), n > 0."""
    wide = 1024  # NumPy is several times slower at the extremes of rows of three
    whole = len(origins) // wide * wide
    low, high = origins[whole:], origins[whole:]
    if whole:
        rows = origins[:whole].reshape(-1, 3 * wide)
        low = np.concatenate([low, rows.min(axis=0).reshape(-1, 3)])
        high = np.concatenate([high, rows.max(axis=0).reshape(-1, 3)])
    return low.min(axis=0).astype(np.float64), high.max(axis=0).astype(np.float64)
