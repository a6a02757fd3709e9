"""Instance columns on the GPU: pages of one kind, from which each set of instances has its segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import moderngl
import numpy as np
import numpy.typing as npt

from throng.gpu.context import checked_buffer
from throng.layout import RECORD

Doubles = npt.NDArray[np.float64]
Range = tuple[int, int]

_ALIGNMENT = 256  # bytes; what any driver accepts as the start of a range
_PAGE_BYTES = 8 << 20
_BLOCK = 1 << 16  # rows written at a time, so that what is converted on the way stays in the cache


class Versions(Protocol):
    """When each row of a column last changed."""

    @property
    def latest(self) -> int: ...
    def ranges_since(self, version: int, count: int) -> list[Range]: ...


class GpuColumn(Protocol):
    """One column as the GPU keeps it."""

    @property
    def row_bytes(self) -> int: ...
    @property
    def versions(self) -> Versions: ...
    def read(self, start: int, stop: int) -> npt.NDArray[Any]: ...
    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]: ...


class Cells(Protocol):
    """Rows in runs of CELL that lie near each other, and a box around each run."""

    @property
    def order(self) -> npt.NDArray[np.uint32]: ...
    @property
    def low(self) -> npt.NDArray[np.float32]: ...
    @property
    def high(self) -> npt.NDArray[np.float32]: ...
    @property
    def sizes(self) -> npt.NDArray[np.float32]: ...
    @property
    def version(self) -> int: ...
    @property
    def bounds_version(self) -> int: ...


@dataclass(frozen=True)
class Body:
    """What each instance stands for, as far as it matters to who asks what is seen.

    center, radius  (3,) float64, metres: a sphere around all parts of the model
    reach           metres that a motion carries an instance at most
    sway            metres that it does in addition for each unit of an instance's own scale
    switches        for each level but the finest the diameter in pixels below which it will do, descending
    """

    center: Doubles
    radius: float
    reach: float
    sway: float
    switches: Sequence[float]


@dataclass(frozen=True)
class Sight:
    """How a scene is looked at, in its own coordinates; all float64.

    planes           (k, 4): dot(plane, (x, y, z, 1)) >= 0 inside; none where all is to be seen
    eye              (4,): where it is seen from, and 1; without perspective the direction towards it, and 0
    clip_w           (4,): dot(clip_w, (x, y, z, 1)) is clip space's w
    pixels_per_unit  how many pixels a metre across the view measures where w is 1
    """

    planes: Doubles
    eye: Doubles
    clip_w: Doubles
    pixels_per_unit: float


class Visible(Protocol):
    """What is seen of some rows: at each level of detail these; `whole`: the level of all, or -1."""

    @property
    def levels(self) -> Sequence[npt.NDArray[np.int64]]: ...
    @property
    def whole(self) -> int: ...


class Instances(Protocol):
    """A set of columns of equal length."""

    @property
    def count(self) -> int: ...
    @property
    def shape(self) -> int: ...
    @property
    def columns(self) -> Mapping[str, GpuColumn]: ...
    @property
    def mirrored(self) -> npt.NDArray[np.bool_] | None: ...
    @property
    def hands(self) -> int: ...
    def cells(self, first: int, count: int) -> Cells: ...
    def visible(self, first: int, count: int, world: Doubles, body: Body, view: Sight) -> Visible: ...


@dataclass(eq=False)
class Page:
    """A buffer and its free ranges, ascending."""

    buffer: moderngl.Buffer
    free: list[Range]

    def allocate(self, size: int) -> int | None:
        """The start of `size` bytes: the first range that is long enough."""
        for place, (start, stop) in enumerate(self.free):
            if stop - start >= size:
                self.free[place : place + 1] = [(start + size, stop)] if stop - start > size else []
                return start
        return None

    def release(self, start: int, size: int) -> None:
        merged: list[Range] = []
        for first, last in sorted([*self.free, (start, start + size)]):
            if merged and merged[-1][1] == first:
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        self.free = merged


@dataclass(eq=False)
class Segment:
    """Some rows of a set of instances, in one page.

    first, count, capacity  rows
    offsets                 bytes from the page's start to each column's first row here
    plain                   how many of the rows do not mirror
    cells                   the rows in cells, in a store that orders them
    """

    page: Page
    first: int
    count: int
    capacity: int
    offsets: dict[str, int]
    start: int
    size: int
    plain: int = 0
    cells: Cells | None = None
    seen_order: int = -1

    @property
    def mixed(self) -> bool:
        return 0 < self.plain < self.count


@dataclass(eq=False)
class Resident:
    """A set of instances as it lies on the GPU.

    changed  the ranges of rows that the last `sync` wrote
    writes   how often a `sync` wrote any
    layout   version of where things lie
    """

    segments: list[Segment]
    names: tuple[tuple[str, int], ...]
    capacity: int
    layout: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    seen_shape: int = -1
    seen_hands: int = -1
    changed: list[Range] = field(default_factory=list)
    writes: int = 0


class InstanceStore:
    """Mirrors sets of instances in pages no larger than `page_limit` bytes, uploading what changed.

    Where `ordered`, the order of a segment's rows by cells lies beside its columns, as "order".
    """

    def __init__(self, ctx: moderngl.Context, page_limit: int, *, ordered: bool) -> None:
        self._ctx = ctx
        self._limit = page_limit
        self._ordered = ordered
        self._pages: list[Page] = []
        self._residents: dict[int, tuple[Instances, Resident]] = {}
        self._layouts = 0
        self.uploaded_bytes = 0

    def sync(self, instances: Instances) -> Resident:
        """The resident copy of `instances`, up to date."""
        known = self._residents.get(id(instances))
        resident = known[1] if known is not None else None
        names = tuple((name, column.row_bytes) for name, column in instances.columns.items())
        if self._ordered:
            names = *names, ("order", 4)
        if resident is None or resident.seen_shape != instances.shape or resident.names != names:
            resident = self._reshaped(instances, names, resident)
            self._residents[id(instances)] = (instances, resident)
        resident.changed = []
        for name, column in instances.columns.items():
            seen = resident.seen.get(name, -1)
            if column.versions.latest != seen:
                ranges = column.versions.ranges_since(seen, instances.count)
                self._upload(resident, name, column, ranges)
                resident.seen[name] = column.versions.latest
                resident.changed += ranges
        resident.writes += bool(resident.changed)
        if resident.seen_hands != instances.hands:
            self._count_hands(instances, resident)
        if self._ordered:
            self._order(instances, resident)
        return resident

    def retain(self, wanted: Iterable[Instances]) -> None:
        """Frees what belongs to no set of `wanted`."""
        keep = {id(instances) for instances in wanted}
        for key in [key for key in self._residents if key not in keep]:
            self._free(self._residents.pop(key)[1])

    def release(self) -> None:
        for page in self._pages:
            page.buffer.release()
        self._pages.clear()
        self._residents.clear()

    # -- inside ------------------------------------------------------------------------------------

    def _reshaped(
        self, instances: Instances, names: tuple[tuple[str, int], ...], old: Resident | None
    ) -> Resident:
        """Room for the rows and columns that there now are: the old room where it does."""
        self._layouts += 1
        if old is not None and old.names == names and instances.count <= old.capacity:
            old.seen_shape, old.seen_hands, old.layout = instances.shape, -1, self._layouts
            self._set_counts(old, instances.count)
            return old
        capacity = instances.count
        if old is not None:
            if old.names == names:
                capacity = max(capacity, old.capacity * 3 // 2)
            self._free(old)
        segments = self._allocate(names, capacity)
        resident = Resident(segments, names, capacity, self._layouts, seen_shape=instances.shape)
        self._set_counts(resident, instances.count)
        return resident

    def _set_counts(self, resident: Resident, count: int) -> None:
        for segment in resident.segments:
            segment.count = segment.plain = min(max(count - segment.first, 0), segment.capacity)

    def _allocate(self, names: tuple[tuple[str, int], ...], capacity: int) -> list[Segment]:
        row_bytes = sum(size for _, size in names)
        slack = len(names) * _ALIGNMENT
        most = max((self._limit - slack) // max(row_bytes, RECORD.size), 1)
        segments = []
        for first in range(0, capacity, most):
            rows = min(most, capacity - first)
            offsets, size = {}, 0
            for name, width in names:
                offsets[name] = size
                size += _aligned(rows * width)
            page, start = self._room(size)
            offsets = {name: start + offset for name, offset in offsets.items()}
            segments.append(Segment(page, first, 0, rows, offsets, start, size))
        return segments

    def _room(self, size: int) -> tuple[Page, int]:
        for page in self._pages:
            start = page.allocate(size)
            if start is not None:
                return page, start
        whole = max(size, min(_PAGE_BYTES, self._limit))
        buffer = checked_buffer(self._ctx, reserve=whole, purpose="instance columns")
        page = Page(buffer, [(0, whole)])
        self._pages.append(page)
        start = page.allocate(size)
        assert start is not None
        return page, start

    def _free(self, resident: Resident) -> None:
        for segment in resident.segments:
            page = segment.page
            page.release(segment.start, segment.size)
            if page.free == [(0, page.buffer.size)]:
                page.buffer.release()
                self._pages.remove(page)

    def _upload(self, resident: Resident, name: str, column: GpuColumn, ranges: list[Range]) -> None:
        for segment in resident.segments:
            last = segment.first + segment.count
            for start, stop in ranges:
                first, end = max(start, segment.first), min(stop, last)
                if first >= end:
                    continue
                for block in range(first, end, _BLOCK):
                    data = column.read(block, min(block + _BLOCK, end))
                    offset = segment.offsets[name] + (block - segment.first) * column.row_bytes
                    segment.page.buffer.write(data, offset=offset)
                    self.uploaded_bytes += data.nbytes

    def _order(self, instances: Instances, resident: Resident) -> None:
        for segment in resident.segments:
            if not segment.count:
                continue
            segment.cells = instances.cells(segment.first, segment.count)
            if segment.cells.version != segment.seen_order:
                segment.seen_order = segment.cells.version
                segment.page.buffer.write(segment.cells.order, offset=segment.offsets["order"])

    def _count_hands(self, instances: Instances, resident: Resident) -> None:
        resident.seen_hands = instances.hands
        self._layouts += 1
        resident.layout = self._layouts
        for segment in resident.segments:
            segment.plain = segment.count
            if instances.mirrored is None or not segment.count:
                continue
            mirrored = instances.mirrored[segment.first : segment.first + segment.count]
            segment.plain -= int(np.count_nonzero(mirrored))


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
