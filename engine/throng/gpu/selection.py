"""What mode "instanced" draws of each item: instances in view, by level of detail, found out on the CPU.

Large items are asked one by one what is seen of their instances. Small ones, of which there may be thousands,
are tested all at once, a box around each, and drawn as they are wherever it is in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from throng.gpu.instances import Body, Sight, Visible
from throng.gpu.items import Item, ItemTable
from throng.gpu.view import View

Doubles = npt.NDArray[np.float64]

# To ask what is seen of an item takes as long as a GPU takes for some hundred thousand triangles, and a CPU
# for a few thousand: worth it from so many rows or triangles on.
_WORTH_ROWS = 256
_WORTH_TRIANGLES = 1 << 15
# Of the size below which a level will do: levels that do not fade into each other have to wait a little, or
# the picture is further from the truth than 1.15 times what full meshes give.
_ABRUPT = 0.85
_SLACK = 1e-6  # of the distance from the eye: what adding up float32 may lose
_GROWTH = 1 + 1e-5


@dataclass(frozen=True)
class Run:
    """Gathered rows that are drawn alike: `count` from the place `first` on.

    turned  whether they are drawn by reversed triangles
    """

    level: int
    turned: bool
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class Share:
    """What is drawn of an item.

    level  of all rows, where they are drawn as they lie
    rows   counted from the item's first, run by run; None where they are drawn as they lie
    """

    level: int
    rows: npt.NDArray[np.int64] | None
    runs: tuple[Run, ...]
    visible: int
    simplified: int


class Selection:
    """Shares of items, kept as long as the view, the instances and what they stand under are the same."""

    def __init__(self) -> None:
        self.rebuild((), ItemTable(()))

    def rebuild(self, items: Sequence[Item], table: ItemTable) -> None:
        """Takes over another list of items."""
        self._items, self._table = items, table
        self._all: list[Share | None] = [_whole(item, 0) for item in items]
        self._large = [number for number, item in enumerate(items) if _is_large(item)]
        large = set(self._large)
        self._small = _Boxes([number for number in range(len(items)) if number not in large], items, table)
        self._levels: dict[tuple[int, int], Share] = {}
        self._kept: dict[int, tuple[object, Share | None]] = {}
        self._seen: tuple[object, ...] = ()
        self._shares = self._all
        self._has_levels = any(item.switches for item in items)

    def update(self, view: View, *, cull: bool, lod: bool) -> list[Share | None]:
        """For each item what is drawn of it, None for nothing; the same list where nothing changed."""
        if not cull and not (lod and self._has_levels):
            return self._all
        writes = [item.resident.writes for item in self._items]
        sways = self._table.rows["sway"].tobytes()  # others where there are movers
        seen = view.key, cull, lod, self._table.worlds.tobytes(), sways, writes
        if seen == self._seen:
            return self._shares
        sight = sight_of(view, cull=cull)
        shares = self._all.copy()
        if cull:
            for number in self._small.outside(sight, writes):
                shares[number] = None
        for number in self._large:
            item, world = self._items[number], self._table.worlds[number]
            if not cull and not item.switches:
                continue
            key = (
                view.key,
                cull,
                lod,
                writes[number],
                world.tobytes(),
                float(self._table.rows[number]["sway"]),
            )
            known = self._kept.get(number)
            if known is None or known[0] != key:
                self._kept[number] = known = key, self._share(number, sight, lod=lod)
            shares[number] = known[1]
        self._seen, self._shares = seen, shares
        return shares

    def _share(self, number: int, sight: Sight, *, lod: bool) -> Share | None:
        item, row = self._items[number], self._table.rows[number]
        extent, segment = item.extent, item.segment
        switches = tuple(_ABRUPT * size for size in item.switches) if lod else ()
        body = Body(extent.center, extent.radius, float(row["reach"]), float(row["sway"]), switches)
        world = self._table.worlds[number]
        seen = item.batch.instances.visible(segment.first, segment.count, world, body, sight)
        if seen.whole >= 0:
            key = number, seen.whole
            if key not in self._levels:
                self._levels[key] = _whole(item, seen.whole)
            return self._levels[key]
        return _gathered(item, seen)


def sight_of(view: View, *, cull: bool) -> Sight:
    """`view` in the scene's coordinates; where nothing is culled without planes."""
    planes, eye, clip_w = view.planes.copy(), view.eye.copy(), view.transform[3].copy()
    planes[:, 3] -= planes[:, :3] @ view.origin
    clip_w[3] -= clip_w[:3] @ view.origin
    if eye[3] != 0:
        eye[:3] += view.origin
    return Sight(planes if cull else planes[:0], eye, clip_w, view.pixels_per_metre)


def _is_large(item: Item) -> bool:
    count = item.segment.count
    triangles = sum(part.faces().count for part in item.parts) // 3
    return count >= _WORTH_ROWS or count * triangles >= _WORTH_TRIANGLES


def _whole(item: Item, level: int) -> Share:
    count = item.segment.count
    return Share(level, None, (), count, count if level else 0)


def _gathered(item: Item, seen: Visible) -> Share | None:
    """Rows by level, and where hands differ by hand, so that each is drawn once."""
    segment, mirrors = item.segment, item.batch.mirrors
    mirrored = item.batch.instances.mirrored if item.by_hand else None
    parts, runs, first = [], [], 0
    for level, rows in enumerate(seen.levels):
        if mirrored is None:
            hands = [(mirrors != (segment.plain == 0), rows)]
        else:
            turned = mirrored[rows + segment.first]
            hands = [(mirrors, rows[~turned]), (not mirrors, rows[turned])]
        for hand, some in hands:
            if len(some):
                parts.append(some)
                runs.append(Run(level, hand, first, len(some)))
                first += len(some)
    if not runs:
        return None
    simplified = sum(run.count for run in runs if run.level)
    return Share(0, np.concatenate(parts), tuple(runs), first, simplified)


class _Boxes:
    """A box around the origins of each small item's instances, in the items' own space.

    An item whose instances move has none until they rest for a frame, so that what always moves costs no
    more than it did; it is taken as in view.
    """

    def __init__(self, numbers: Sequence[int], items: Sequence[Item], table: ItemTable) -> None:
        self._numbers = numbers
        self._items = [items[number] for number in numbers]
        self._table = table
        count = len(numbers)
        self._at = np.array(numbers, np.int64)
        self._low, self._high = np.zeros((2, count, 3))
        self._sizes = np.full(count, -1.0)  # the most by which any instance stretches its model; -1: no box
        self._furthest = np.array([item.extent.furthest for item in self._items])
        self._fitted = [-1] * count
        self._latest = [-1] * count

    def outside(self, sight: Sight, writes: Sequence[int]) -> list[int]:
        """The numbers of the items none of whose instances is in view."""
        if not self._numbers:
            return []
        self._fit([writes[number] for number in self._numbers])
        with np.errstate(over="ignore", invalid="ignore"):
            outside = self._outside(sight)
        numbers: list[int] = self._at[outside & (self._sizes >= 0)].tolist()
        return numbers

    def _outside(self, sight: Sight) -> npt.NDArray[np.bool_]:
        """Of each item whether its box, with all that its instances reach, is outside of a plane."""
        worlds = self._table.worlds[self._at]
        linear, rows = worlds[:, :, :3], self._table.rows[self._at]
        center = _applied(linear, (self._low + self._high) / 2) + worlds[:, :, 3]
        half = _applied(np.abs(linear), (self._high - self._low) / 2)
        distance = np.linalg.norm(center - sight.eye[:3] * (sight.eye[3] != 0), axis=1)
        margin = self._sizes * (self._furthest * rows["stretch"] + rows["sway"]) * _GROWTH
        margin += rows["reach"] * _GROWTH + _SLACK * distance
        normals = sight.planes[:, :3]
        reach = half @ np.abs(normals).T + margin[:, None]
        return np.asarray((center @ normals.T + sight.planes[:, 3] + reach < 0).any(axis=1))

    def _fit(self, writes: list[int]) -> None:
        if writes == self._fitted:
            return
        for place, (now, fitted, latest) in enumerate(zip(writes, self._fitted, self._latest, strict=True)):
            if now == fitted:
                continue
            if fitted >= 0 and now != latest:
                self._sizes[place] = -1.0
                continue
            segment = self._items[place].segment
            cells = self._items[place].batch.instances.cells(segment.first, segment.count)
            self._low[place], self._high[place] = cells.low.min(axis=0), cells.high.max(axis=0)
            self._sizes[place] = cells.sizes.max() if cells.sizes.min() >= 0 else -1.0
            self._fitted[place] = now
        self._latest = writes


def _applied(matrices: Doubles, vectors: Doubles) -> Doubles:
    """(n, 3, 3) times (n, 3)."""
    return np.asarray(np.einsum("nij,nj->ni", matrices, vectors))
