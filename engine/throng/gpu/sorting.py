"""Blended instances from the farthest to the nearest, where a scene asks for that order.

Each is as far as the origin of its instance lies along the view. What is equally far comes in the order of
objects, instances and parts, so that every mode draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import moderngl
import numpy as np
import numpy.typing as npt

from throng.gpu.instances import Instances
from throng.gpu.items import Item
from throng.gpu.request import Request
from throng.gpu.selection import Share
from throng.gpu.view import View
from throng.gpu.visibility import Drawn, Run
from throng.layout import COMMAND, EXTRA, RECORD

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

_RECORD = np.dtype(
    [("rows", np.float32, (3, 4)), ("look", np.uint32, 2), ("object", np.int32), ("id", np.int32)]
)


def back_to_front(distances: Doubles, objects: Numbers, ids: Numbers, parts: Numbers) -> Numbers:
    """The order in which to draw: indices."""
    return np.asarray(np.lexsort((parts, ids, objects, -distances)), np.int64)


def starts_of(*columns: npt.NDArray[np.generic]) -> Numbers:
    """Where runs of rows that are the same in all columns begin; and, last, where they end."""
    count = len(columns[0])
    new = np.ones(count, np.bool_)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.append(np.flatnonzero(new), count)


def distances_of(instances: Instances, world: Doubles, rows: Numbers, view: View) -> Doubles:
    """Of these rows, which stand under `world`, (3, 4): metres along the view, without what motions add."""
    columns = instances.columns
    if "matrices" in columns:
        matrices = columns["matrices"].take(rows).astype(np.float64)
        origins = matrices[:, 3:12:4] + matrices[:, 12:15]
    else:
        origins = columns["positions"].take(rows).astype(np.float64) @ world[:, :3].T + world[:, 3]
    return np.asarray((origins - view.origin) @ view.depth[:3] + view.depth[3])


def names_of(item: Item, rows: Numbers) -> tuple[Numbers, Numbers]:
    """The ids of these rows' objects, and of the instances in them."""
    columns = item.batch.instances.columns
    ids = columns["ids"].take(rows).astype(np.int64) if "ids" in columns else rows
    if item.batch.object_id < 0:  # nodes
        return ids, np.zeros(len(rows), np.int64)
    return np.full(len(rows), item.batch.object_id, np.int64), ids


@dataclass(frozen=True)
class Turn:
    """Rows of an item that are drawn one after the other, alike: by one of its parts, at one level.

    rows    counted from the item's first
    turned  whether they are drawn by reversed triangles
    first   how many of the item's rows had their turn before
    """

    item: int
    part: int
    level: int
    turned: bool
    rows: Numbers
    first: int


def turns(items: Sequence[Item], worlds: Doubles, shares: Sequence[Share | None], view: View) -> list[Turn]:
    """What is blended of these shares, in the order in which it is to be drawn."""
    found = [
        _entries(number, item, worlds[number], share, view)
        for number, (item, share) in enumerate(zip(items, shares, strict=True))
        if share is not None and any(part.batch.key.pipeline.blends for part in item.parts)
    ]
    if not found:
        return []
    every = np.concatenate(found)
    every = every[back_to_front(*(every[name] for name in ("distance", "object", "id", "part")))]
    starts = starts_of(*(every[name] for name in ("item", "part", "level", "turned"))).tolist()
    made, before = [], dict.fromkeys(range(len(items)), 0)
    for begin, end in pairwise(starts):
        one = every[begin]
        item = int(one["item"])
        rows = every["row"][begin:end]
        made.append(Turn(item, int(one["part"]), int(one["level"]), bool(one["turned"]), rows, before[item]))
        before[item] += len(rows)
    return made


_ENTRY = np.dtype(
    [
        ("distance", np.float64), ("object", np.int64), ("id", np.int64), ("part", np.int64),
        ("item", np.int64), ("row", np.int64), ("level", np.int8), ("turned", np.bool_),
    ]
)  # fmt: skip


def _entries(number: int, item: Item, world: Doubles, share: Share, view: View) -> npt.NDArray[np.void]:
    segment, instances = item.segment, item.batch.instances
    rows = np.arange(segment.count) if share.rows is None else share.rows
    entries = np.zeros(len(rows), _ENTRY)
    entries["item"], entries["row"], entries["level"] = number, rows, share.level
    entries["turned"] = item.batch.mirrors != (segment.plain == 0)
    if share.rows is None and item.by_hand:
        assert instances.mirrored is not None
        entries["turned"] = instances.mirrored[rows + segment.first] != item.batch.mirrors
    for run in share.runs:
        drawn = entries[run.first : run.first + run.count]
        drawn["level"], drawn["turned"] = run.level, run.turned
    whole = rows + segment.first
    entries["distance"] = distances_of(instances, world, whole, view)
    entries["object"], entries["id"] = names_of(item, whole)
    blended = [place for place, part in enumerate(item.parts) if part.batch.key.pipeline.blends]
    every = np.tile(entries, len(blended))
    every["part"] = np.repeat(blended, len(rows))
    return every


class Sorted:
    """The blended records of what was drawn, sorted, and commands that draw them in that order."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.drawn = Drawn(ctx)
        self.runs: list[Run] = []
        self._made: tuple[object, ...] = ()

    def update(self, drawn: Drawn, runs: Sequence[Run], extras: int, request: Request, made: object) -> None:
        """Sorts what `runs` draw of `drawn`: reads it back, unless that was done for this view.

        extras  for each record
        made    another one where `drawn` has something else
        """
        key = made, request.view.key
        if key == self._made:
            return
        commands = np.concatenate([_commands(drawn, run) for run in runs])
        counts = commands["instance_count"].astype(np.int64)
        of_command = np.repeat(np.arange(len(commands)), counts)
        first = np.repeat(commands["first_instance"] - (np.cumsum(counts) - counts), counts)
        places = first + np.arange(len(of_command))  # of the records
        low, high = (int(places.min()), int(places.max()) + 1) if len(places) else (0, 0)
        records = _read(drawn.records, RECORD.size, low, high)[places - low]
        view = request.view
        named = records.view(_RECORD)[:, 0]
        distances = named["rows"][:, :, 3].astype(np.float64) @ view.depth[:3] + view.depth[3]
        order = back_to_front(distances, named["object"], named["id"], of_command)
        of_command, records = of_command[order], records[order]

        pipelines = np.repeat(np.arange(len(runs)), [run.count for run in runs])[of_command]
        geometry = commands[of_command]
        starts = starts_of(pipelines, geometry["first_index"], geometry["index_count"])
        merged = geometry[starts[:-1]]
        merged["first_instance"], merged["instance_count"] = starts[:-1], np.diff(starts)
        self.drawn.reserve(len(records), len(merged), extras)
        if len(records):
            self.drawn.records.write(records)
            self.drawn.commands.write(merged)
            if extras:
                beside = _read(drawn.extras, EXTRA.size * extras, low, high)[places - low]
                self.drawn.extras.write(beside[order])
        pipelines = pipelines[starts[:-1]]
        bounds = starts_of(pipelines).tolist()
        self.runs = [
            Run(runs[pipelines[begin]].pipeline, runs[pipelines[begin]].fades, begin, end - begin)
            for begin, end in pairwise(bounds)
        ]
        self._made = key

    def forget(self) -> None:
        """What it knows is no longer so."""
        self._made = ()


def _commands(drawn: Drawn, run: Run) -> npt.NDArray[np.void]:
    size = COMMAND.itemsize
    raw = drawn.commands.read(run.count * size, offset=run.first * size)
    return np.frombuffer(raw, COMMAND)


def _read(buffer: moderngl.Buffer, size: int, low: int, high: int) -> npt.NDArray[np.uint8]:
    """(n, size): rows low..high of a buffer."""
    raw = buffer.read((high - low) * size, offset=low * size) if high > low else b""
    return np.frombuffer(raw, np.uint8).reshape(-1, size)
