"""Where a batch's instances come from: a crowd's columns, or nodes gathered into columns.

Either is a set of named columns of equal length. A column knows which of its rows changed since a version
and reads any range of them in the form in which the GPU keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.batching.cells import Cells
from throng.batching.visibility import READ, Body, View, Visible, visible
from throng.layout import MATRIX_WORDS
from throng.model.column import Column
from throng.model.crowd import Crowd
from throng.model.table import NodeTable
from throng.model.versions import Versions, tick

Data = npt.NDArray[Any]
Slots = slice | npt.NDArray[np.int64]


@dataclass(frozen=True)
class GpuColumn:
    """One column as the GPU keeps it.

    row_bytes  bytes a row
    versions   when each row last changed
    data       gives all rows, as the CPU keeps them
    convert    makes of some of them what the GPU keeps; None where that is the same
    """

    row_bytes: int
    versions: Versions
    data: Callable[[], Data]
    convert: Callable[[Data], Data] | None = None

    def read(self, start: int, stop: int) -> Data:
        """Those rows, contiguous."""
        part = self.data()[start:stop]
        return part if self.convert is None else self.convert(part)

    def take(self, rows: npt.NDArray[np.int64]) -> Data:
        """These rows, (m,) int64, in this order; nothing else is read or converted."""
        part = np.take(self.data(), rows, axis=0, mode="clip")
        return part if self.convert is None else self.convert(part)


@dataclass
class Instances:
    """The columns of one crowd, or of the nodes that share a mesh.

    shape     version of the number of rows and of which columns there are
    mirrored  (n,) which rows' own transforms mirror; None where none does
    hands     version of `mirrored`
    """

    count: int = 0
    shape: int = 0
    columns: dict[str, GpuColumn] = field(default_factory=dict)
    mirrored: npt.NDArray[np.bool_] | None = None
    hands: int = 0
    _cells: dict[int, Cells] = field(default_factory=dict, repr=False)  # by their first row

    def cells(self, first: int, count: int) -> Cells:
        """The spatial cells of rows first..first+count, up to date. Always the same object."""
        known = self._cells.get(first)
        if known is None:  # cut into other segments than before: the old ones will not be asked for again
            self._cells = {start: cells for start, cells in self._cells.items() if cells.shape == self.shape}
            known = self._cells[first] = Cells(first)
        known.shape = self.shape
        known.update(self.columns, count)
        return known

    def visible(
        self, first: int, count: int, world: npt.NDArray[np.float64], body: Body, view: View
    ) -> Visible:
        """What `view` sees of rows first..first+count, standing under `world`, (3, 4): see visibility.py."""
        columns = {
            name: column.read(first, first + count) for name, column in self.columns.items() if name in READ
        }
        return visible(self.cells(first, count), columns, world, body, view)

    def _set_mirrored(self, mirrored: npt.NDArray[np.bool_] | None) -> None:
        if self.mirrored is not None or mirrored is not None:
            self.hands = tick()
        self.mirrored = mirrored


class CrowdInstances(Instances):
    """A crowd's own columns, read where they lie."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self.crowd = crowd
        self._seen_shape = -1
        self._seen_scales = -1

    def update(self) -> None:
        crowd = self.crowd
        if crowd.shape != self._seen_shape:
            self._seen_shape = crowd.shape
            self.shape = tick()
            self.count = len(crowd)
            self.columns = {name: _gpu_column(column) for name, column in crowd.present_columns().items()}
            self._seen_scales = -1
        if crowd.scales.versions.latest != self._seen_scales:
            self._seen_scales = crowd.scales.versions.latest
            self._set_mirrored(_mirrored_scales(crowd.scales))


class NodeInstances(Instances):
    """The nodes that share a mesh, gathered into columns.

    looks  for each look whose nodes are here its number, and the row of its material
    """

    def __init__(self) -> None:
        super().__init__()
        self.looks: dict[int, int] = {}
        self._moves = Versions()
        self._paints = Versions()
        self._rows = np.zeros(0, np.int64)  # of the table, slot by slot
        self._matrices = np.zeros((0, MATRIX_WORDS), np.float32)
        self._colors = np.zeros((0, 4), np.float16)
        self._handed = np.zeros(0, np.bool_)
        self._first_slots = np.zeros(0, np.int64)  # for each look of the scene; -1 where it is not here

    def rebuild(self, table: NodeTable) -> None:
        """Gathers all rows anew: nodes came, went, or look different."""
        self._first_slots = np.full(len(table.looks), -1)
        parts = [np.zeros(0, np.int64)]
        self.count = 0
        for number in self.looks:
            members = table.looks[number].rows
            part = np.fromiter(members, np.int64, len(members))
            self._first_slots[number] = self.count
            table.slot[part] = np.arange(len(part))
            parts.append(part)
            self.count += len(part)
        self._rows = np.concatenate(parts)
        self._matrices = np.empty((self.count, MATRIX_WORDS), np.float32)
        self._colors = np.empty((self.count, 4), np.float16)
        counts = [len(table.looks[number].rows) for number in self.looks]
        materials = np.repeat(np.array(list(self.looks.values()), np.uint32), counts)
        self._handed = np.empty(self.count, np.bool_)
        ids = table.id[self._rows]
        everything = slice(0, self.count)
        self._move(table, everything)
        self._paint(table, everything)
        self.shape = tick()
        self.columns = {
            "matrices": GpuColumn(4 * MATRIX_WORDS, self._moves, lambda: self._matrices),
            "colors": GpuColumn(8, self._paints, lambda: self._colors),
            "ids": GpuColumn(4, Versions(), lambda: ids),
            "materials": GpuColumn(4, Versions(), lambda: materials),
        }
        self._set_mirrored(self._handed.copy() if self._handed.any() else None)

    def move(self, table: NodeTable, changed: npt.NDArray[np.int64]) -> None:
        """Packs again the world matrices of those of the table's rows `changed` that are here."""
        slots = self._slots_of(table, changed)
        if slots is None:
            return
        before = self._handed[slots].copy()
        self._move(table, slots)
        if (before != self._handed[slots]).any():
            self._set_mirrored(self._handed.copy() if self._handed.any() else None)

    def paint(self, table: NodeTable, changed: npt.NDArray[np.int64]) -> None:
        """Packs again the colours of those of the table's rows `changed` that are here."""
        slots = self._slots_of(table, changed)
        if slots is not None:
            self._paint(table, slots)

    def _slots_of(self, table: NodeTable, changed: npt.NDArray[np.int64]) -> Slots | None:
        """Where the shown ones of the table's rows `changed` are here; None where none is."""
        shown = changed[table.shown[changed] & (table.look[changed] >= 0)]
        looks = table.look[shown]
        known = looks < len(self._first_slots)  # a look that is newer than this group is not in it
        first = np.where(known, self._first_slots[np.where(known, looks, 0)], -1) if shown.size else shown
        mine = first >= 0
        number = int(np.count_nonzero(mine))
        if number == self.count:
            return slice(0, self.count) if number else None
        return np.sort(first[mine] + table.slot[shown[mine]]) if number else None

    def _move(self, table: NodeTable, slots: Slots) -> None:
        rows = self._rows[slots]
        world = np.take(table.world, rows, axis=0)
        whole = isinstance(slots, slice)
        packed = self._matrices if whole else np.empty((len(rows), MATRIX_WORDS), np.float32)
        packed[:, :12] = world.reshape(-1, 12)
        packed[:, 12:] = world[..., 3] - packed[:, 3:12:4]
        if not whole:
            self._matrices[slots] = packed
        self._handed[slots] = table.mirrored[rows]
        self._moves.mark(slots, self.count)

    def _paint(self, table: NodeTable, slots: Slots) -> None:
        rows = self._rows[slots]
        self._colors[slots] = math3d.linear_color(table.color[rows])
        self._paints.mark(slots, self.count)


def _gpu_column(column: Column) -> GpuColumn:
    if column.name == "colors":
        return GpuColumn(8, column.versions, lambda: column.data, linear_halves)
    row_bytes = column.default.itemsize * column.default.size
    return GpuColumn(row_bytes, column.versions, lambda: column.data)


def _mirrored_scales(scales: Column) -> npt.NDArray[np.bool_] | None:
    """(n,) which scales mirror: an odd number of negative ones. None where none does."""
    if not scales.present or not len(scales) or scales.data.min() >= 0:
        return None
    negative = scales.data < 0
    return negative if negative.ndim == 1 else np.logical_xor.reduce(negative, axis=1)


_LINEAR = math3d.srgb_to_linear(np.arange(256) / 255).astype(np.float16)
_ALPHA = (np.arange(256) / 255).astype(np.float16)


def _of_two(low: Data, high: Data) -> Data:
    """(65536,) uint32: for two bytes read as one little-endian number both of their halves, side by side."""
    return np.stack(np.broadcast_arrays(low[None, :], high[:, None]), axis=-1).view(np.uint32).ravel()


_RED_GREEN, _BLUE_ALPHA = _of_two(_LINEAR, _LINEAR), _of_two(_LINEAR, _ALPHA)
_CHUNK = 1 << 14  # colours at a time, so that what is made of them stays in the cache


def linear_halves(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """(n, 4) sRGB bytes as halves: linear red, green and blue, and alpha."""
    words = np.ascontiguousarray(colors).view("<u2")
    result = np.empty(words.shape, np.uint32)
    for start in range(0, len(words), _CHUNK):
        part = slice(start, start + _CHUNK)
        np.take(_RED_GREEN, words[part, 0], out=result[part, 0], mode="clip")
        np.take(_BLUE_ALPHA, words[part, 1], out=result[part, 1], mode="clip")
    return result.view(np.float16).reshape(-1, 4)
