"""What is drawn, as the GPU sees it: items, each a batch or as much of one as lies in one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from throng.gpu.instances import Instances, InstanceStore, Resident, Segment
from throng.gpu.meshes import MeshPool, MeshSlot
from throng.layout import ITEM, NONE
from throng.model.material import MOTIONS, Motion
from throng.model.mesh import Mesh

Doubles = npt.NDArray[np.float64]

# Seconds of its own time after which a motion begins anew: in float32 they are exact to half a millisecond,
# where the time of day would stand still.
MOTION_PERIOD = 4096.0


class Key(Protocol):
    """What must match for instances to share a draw."""

    @property
    def mesh(self) -> Mesh: ...
    @property
    def double_sided(self) -> bool: ...
    @property
    def motion(self) -> Motion | None: ...


class Batch(Protocol):
    """Instances of one mesh that are drawn together."""

    @property
    def key(self) -> Key: ...
    @property
    def instances(self) -> Instances: ...
    @property
    def world(self) -> Doubles: ...
    @property
    def tint(self) -> Doubles: ...
    @property
    def object_id(self) -> int: ...
    @property
    def turns(self) -> bool: ...
    @property
    def mirrors(self) -> bool: ...


def two_sided(batch: Batch) -> bool:
    """Whether any of the batch's triangles may be seen from behind, or mirrored."""
    return batch.key.double_sided or batch.mirrors or batch.instances.mirrored is not None


@dataclass(frozen=True)
class Item:
    """A segment of a batch, ready to be drawn."""

    batch: Batch
    resident: Resident
    segment: Segment
    slot: MeshSlot


def make_items(batches: Iterable[Batch], residents: Sequence[Resident], pool: MeshPool) -> list[Item]:
    """The items of all batches; those that move by themselves last."""
    items = [
        Item(batch, resident, segment, pool.slot(batch.key.mesh, two_sided=two_sided(batch)))
        for batch, resident in zip(batches, residents, strict=True)
        for segment in resident.segments
        if segment.count
    ]
    return sorted(items, key=lambda item: item.batch.key.motion is not None)


class ItemTable:
    """The ITEM struct of each item. `place` fills in what depends on the camera and the time."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.rows = np.zeros(len(items), ITEM.dtype)
        batches = [item.batch for item in items]
        self._batches = batches
        self._nodes = np.array([batch.object_id < 0 for batch in batches], np.bool_)
        motions = [batch.key.motion for batch in batches]
        self._speeds = np.array([0.0 if motion is None else motion.speed for motion in motions])
        with np.errstate(divide="ignore", over="ignore"):
            self._periods = MOTION_PERIOD / self._speeds
        for row, item, motion in zip(self.rows, items, motions, strict=True):
            row["object"] = item.batch.object_id
            row["count"] = item.segment.count
            row["first_row"] = item.segment.first
            if motion is not None:
                row["motion"][:3] = MOTIONS.index(motion.kind) + 1, motion.strength, motion.spread
            self._set_columns(row, item)
        self.update_values()

    @property
    def moves(self) -> bool:
        """Whether any item is a function of the time."""
        return bool(self._speeds.any())

    def update_values(self) -> None:
        """Transforms and colours of crowds as they now are; `place` has to follow."""
        self._worlds = np.array([batch.world for batch in self._batches]).reshape(-1, 3, 4)
        self.rows["tint"] = np.array([batch.tint for batch in self._batches]).reshape(-1, 4)

    def place(self, origin: Doubles, seconds: float) -> None:
        """Transforms relative to `origin`, subtracted in float64, and the motions' own time."""
        worlds = self._worlds.copy()
        worlds[:, :, 3] -= origin
        high = origin.astype(np.float32)
        worlds[self._nodes, 0, :3] = -high
        worlds[self._nodes, 1, :3] = high - origin
        for number in range(3):
            self.rows[f"row{number}"] = worlds[:, number]
        self.rows["motion"][:, 3] = np.fmod(seconds, self._periods) * self._speeds

    def _set_columns(self, row: Any, item: Item) -> None:
        columns = item.batch.instances.columns
        for name in ("positions", "rotations", "scales", "colors", "matrices", "ids"):
            row[name] = item.segment.offsets[name] // 4 if name in columns else NONE
        row["scale_width"] = columns["scales"].row_bytes // 4 if "scales" in columns else 0
        draws_by_hand = item.segment.mixed and not item.batch.key.double_sided
        row["order"] = item.segment.offsets["order"] // 4 if draws_by_hand else NONE


def sync(store: InstanceStore, batches: Iterable[Batch]) -> list[Resident]:
    """The resident columns of each batch, up to date; batches may share instances."""
    done: dict[int, Resident] = {}
    residents = []
    for batch in batches:
        key = id(batch.instances)
        if key not in done:
            done[key] = store.sync(batch.instances)
        residents.append(done[key])
    return residents


VERTEX_FORMATS = {False: ("3f 4f 8x 8x", ("vertex_position", "vertex_normal")),
                  True: ("3f 4f 8x 4f2", ("vertex_position", "vertex_normal", "vertex_color"))}  # fmt: skip


def vertex_content(pool: MeshPool, *, colored: bool) -> tuple[Any, ...]:
    """The per-vertex part of a vertex array."""
    text, names = VERTEX_FORMATS[colored]
    return (pool.vertices, text, *names)
