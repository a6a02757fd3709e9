"""What is drawn, as the GPU sees it: items, each a model's instances, as many as lie in one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import moderngl
import numpy as np
import numpy.typing as npt

from throng.errors import InvalidValue
from throng.gpu.instances import Instances, InstanceStore, Resident, Segment
from throng.gpu.meshes import IndexRange, MeshPool, MeshSlot, Want
from throng.layout import ITEM, NONE
from throng.model.lods import levels, switch_size
from throng.model.material import MOTIONS, Material, Motion, Pipeline
from throng.model.mesh import Mesh
from throng.model.shader import Shader

Doubles = npt.NDArray[np.float64]

# Seconds of its own time after which a motion begins anew: in float32 they are exact to half a millisecond,
# where the time of day would stand still.
MOTION_PERIOD = 4096.0
SPLAT_PIXELS = 24.0  # the diameter of the largest splats; beyond it their masks are too coarse
# Columns that textured crowds may have: floats or integers a row, and of which kind.
_FOR_TEXTURES = (("layer", 1, np.int32, "(n,) integers"), ("uv_offset", 2, np.float32, "(n, 2) floats"))
_LARGEST = float(np.finfo(np.float32).max)
_WORTH_LEVELS = 32  # instances for which coarser levels of their mesh are made


class Key(Protocol):
    """What must match for instances to share a draw."""

    @property
    def mesh(self) -> Mesh: ...
    @property
    def double_sided(self) -> bool: ...
    @property
    def motion(self) -> Motion | None: ...
    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def tall(self) -> float: ...


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
    def part(self) -> int: ...
    @property
    def material(self) -> int: ...
    @property
    def surface(self) -> Material | None: ...
    @property
    def textured(self) -> bool: ...
    @property
    def object_id(self) -> int: ...
    @property
    def turns(self) -> bool: ...
    @property
    def mirrors(self) -> bool: ...


@dataclass(frozen=True)
class Part:
    """One mesh of a model, at each level of detail, finest first."""

    batch: Batch
    meshes: tuple[Mesh, ...]
    slots: tuple[MeshSlot, ...]

    def faces(self, *, level: int = 0, mirrored: bool = False) -> IndexRange:
        """The triangles to draw for instances that mirror, or do not; a part may have fewer levels."""
        slot = self.slots[min(level, len(self.slots) - 1)]
        return slot.faces(double_sided=self.batch.key.double_sided, mirrored=mirrored)


@dataclass(frozen=True)
class Extent:
    """How large a model is, in its own space: all parts at all levels.

    center, half  of the box around it
    radius        of the sphere around it, about `center`
    furthest      distance of its furthest point from its own origin
    """

    center: Doubles
    half: Doubles
    radius: float
    furthest: float

    @classmethod
    def of(cls, meshes: Sequence[Mesh], reach: float = 0.0, tall: float = 0.0) -> Extent:
        """`reach`: how far shaders carry their vertices; `tall`: that much is furthest at least."""
        boxes = np.stack([mesh.bounds for mesh in meshes]).astype(np.float64)
        low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
        center = (low + high) / 2
        radius = max(float(np.linalg.norm(mesh.positions - center, axis=1).max()) for mesh in meshes)
        furthest = max(tall, *(mesh.furthest for mesh in meshes))
        half = (high - low) / 2 + reach
        return cls(center, half, min(radius + reach * 3**0.5, _LARGEST), min(furthest + reach, _LARGEST))


@dataclass(frozen=True)
class Item:
    """A segment of a model's instances, ready to be drawn.

    batch     of the first part; in all but key and part the others' are the same
    switches  for each level but the finest the diameter in pixels below which it will do
    motion    how it moves, if that is to be seen
    """

    parts: tuple[Part, ...]
    resident: Resident
    segment: Segment
    extent: Extent
    switches: tuple[float, ...]
    motion: Motion | None = None

    @property
    def batch(self) -> Batch:
        return self.parts[0].batch

    @property
    def levels(self) -> int:
        return len(self.switches) + 1

    @property
    def splat_size(self) -> float:
        """The diameter in pixels below which an instance is a splat: with few triangles it pays later."""
        return min(SPLAT_PIXELS, max(switch_size(part.meshes[0]) for part in self.parts))

    @cached_property
    def faceted(self) -> bool:
        """Whether every triangle is flat: its vertices' normals are its own."""
        return all(_faceted(part.meshes[0]) for part in self.parts)

    @property
    def shaders(self) -> list[Shader]:
        """Those of its parts."""
        return [
            part.batch.key.pipeline.shader
            for part in self.parts
            if part.batch.key.pipeline.shader is not None
        ]

    @cached_property
    def shader_columns(self) -> tuple[tuple[str, str], ...]:
        """The columns that its parts' shaders read, and their types.

        Raises InvalidValue where the crowd has no such column, or parts want others.
        """
        wanted = list(dict.fromkeys(shader.columns for shader in self.shaders if shader.columns))
        if not wanted:
            return ()
        who = f"of the crowd with id {self.batch.object_id}" if self.batch.object_id >= 0 else "of nodes"
        if len(wanted) > 1:
            raise InvalidValue(f"shader: expected the same columns for all parts of a model, got {wanted}")
        for name, kind in wanted[0]:
            column = self.batch.instances.columns.get(name)
            if column is None:
                raise InvalidValue(f"shader: expected a column {name!r} {who}, got none of that name")
            width = int(kind[-1]) if kind[-1].isdigit() else 1
            came = column.read(0, 0)
            if column.row_bytes != 4 * width or (came.dtype == np.int32) != kind.startswith("i"):
                raise InvalidValue(
                    f"shader: expected a column {name!r} {who} for GLSL's {kind}, got one of "
                    f"{column.row_bytes // 4} {came.dtype} a row"
                )
        return wanted[0]

    @cached_property
    def texture_columns(self) -> frozenset[str]:
        """The columns that its textures read. Raises InvalidValue where one is of another form."""
        columns, found = self.batch.instances.columns, set()
        surfaces = [part.batch.surface for part in self.parts]
        if not any(surface is not None and surface.textured for surface in surfaces):
            return frozenset()
        for name, width, dtype, text in _FOR_TEXTURES:
            column = columns.get(name)
            if column is None:
                continue
            came = column.read(0, 0)
            if column.row_bytes != 4 * width or came.dtype != dtype:
                raise InvalidValue(
                    f"columns[{name!r}]: expected {text} for the textures of the crowd with id "
                    f"{self.batch.object_id}, got {column.row_bytes // 4} {came.dtype} a row"
                )
            found.add(name)
        return frozenset(found)

    @property
    def by_hand(self) -> bool:
        """Whether some instances mirror, others do not, and it makes a difference."""
        return self.segment.mixed and not all(part.batch.key.double_sided for part in self.parts)


def needs_extra(item: Item) -> bool:
    """Whether its records have an EXTRA beside them."""
    bends = item.motion is not None and item.motion.kind == "wind"
    return bends or bool(item.shader_columns) or bool(item.texture_columns)


def _faceted(mesh: Mesh) -> bool:
    a, b, c = (mesh.positions[mesh.indices[:, corner]].astype(np.float64) for corner in range(3))
    faces = np.cross(b - a, c - a)
    faces /= np.maximum(np.linalg.norm(faces, axis=1), 1e-30)[:, None]
    return bool(((mesh.normals[mesh.indices] * faces[:, None]).sum(axis=-1) > 0.999).all())


def wants(batch: Batch, *, lod: bool) -> list[Want]:
    """The meshes that a batch is drawn with, finest first."""
    mesh = batch.key.mesh
    two_sided = batch.key.double_sided or batch.mirrors or batch.instances.mirrored is not None
    detailed = lod and (batch.instances.count >= _WORTH_LEVELS or bool(mesh.lods))
    return [Want(level, two_sided, batch.part) for level in (levels(mesh) if detailed else (mesh,))]


def make_items(
    batches: Iterable[Batch], residents: Sequence[Resident], pool: MeshPool, *, lod: bool, merged: bool,
    motion: bool = True,
) -> list[Item]:  # fmt: skip
    """The items of all batches, page by page; within a page those that move by themselves last.

    lod     whether to have coarser levels
    merged  whether batches of the same instances become parts of one item
    motion  whether what moves by itself does
    """
    models: dict[tuple[object, ...], tuple[Resident, list[Batch]]] = {}
    for number, (batch, resident) in enumerate(zip(batches, residents, strict=True)):
        same = (id(batch.instances), batch.object_id, batch.key.motion) if merged else (number,)
        models.setdefault(same, (resident, []))[1].append(batch)
    items = []
    for resident, members in models.values():
        parts = []
        for batch in members:
            wanted = wants(batch, lod=lod)
            parts.append(
                Part(batch, tuple(want.mesh for want in wanted), tuple(pool.slot(want) for want in wanted))
            )
        shaders = [batch.key.pipeline.shader for batch in members]
        reach = max((shader.reach for shader in shaders if shader is not None), default=0.0)
        extent = Extent.of([mesh for part in parts for mesh in part.meshes], reach, members[0].key.tall)
        switches = _switches(parts)
        items += [
            Item(tuple(parts), resident, segment, extent, switches, members[0].key.motion if motion else None)
            for segment in resident.segments
            if segment.count
        ]
    pages = {id(item.segment.page): number for number, item in reversed(list(enumerate(items)))}
    return sorted(items, key=lambda item: (pages[id(item.segment.page)], item.motion is not None))


def _switches(parts: Sequence[Part]) -> tuple[float, ...]:
    """A model's levels switch where those of its most detailed part do."""
    finest = max(parts, key=lambda part: len(part.meshes))
    return tuple(switch_size(mesh) for mesh in finest.meshes[1:])


class ItemTable:
    """The ITEM struct of each item. `place` fills in what depends on the camera and the time."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.rows = np.zeros(len(items), ITEM.dtype)
        self._items = items
        self._pushed = False
        batches = [item.batch for item in items]
        self._batches = batches
        self._nodes = np.array([batch.object_id < 0 for batch in batches], np.bool_)
        motions = [item.motion for item in items]
        self._speeds = np.array([0.0 if motion is None else motion.speed for motion in motions])
        with np.errstate(divide="ignore", over="ignore"):
            self._periods = MOTION_PERIOD / self._speeds
        for row, item, motion in zip(self.rows, items, motions, strict=True):
            row["object"] = item.batch.object_id
            row["material"] = item.batch.material
            row["count"] = item.segment.count
            row["first_row"] = item.segment.first
            row["levels"] = item.levels
            row["hands"] = 2 if item.by_hand else 1
            row["mask"] = NONE
            row["splat_size"] = item.splat_size
            row["center"] = *item.extent.center, item.extent.radius
            row["span"] = *item.extent.half, item.extent.furthest
            row["switches"][: len(item.switches)] = item.switches
            if motion is not None:
                row["motion"][:3] = MOTIONS.index(motion.kind) + 1, motion.strength, motion.spread
            self._set_columns(row, item)
        self.update_values()

    @property
    def worlds(self) -> Doubles:
        """(n, 3, 4): the crowds' transforms in the scene; of nodes the identity."""
        return self._worlds

    @property
    def bends(self) -> bool:
        """Whether any item is bent by wind, and by what moves through it."""
        return any(item.motion is not None and item.motion.kind == "wind" for item in self._items)

    @property
    def moves(self) -> bool:
        """Whether any item is a function of the time."""
        moving = any(shader.vertex is not None for item in self._items for shader in item.shaders)
        return moving or bool(self._speeds.any())

    def update_values(self) -> None:
        """Transforms and colours of crowds as they now are; `place` has to follow."""
        self._worlds = np.array([batch.world for batch in self._batches]).reshape(-1, 3, 4)
        self.rows["tint"] = np.array([batch.tint for batch in self._batches]).reshape(-1, 4)
        if not len(self.rows):
            return
        self.rows["stretch"] = np.linalg.svd(self._worlds[:, :, :3], compute_uv=False)[:, 0]
        for row, item, world in zip(self.rows, self._items, self._worlds, strict=True):
            motion = item.motion
            if motion is not None and motion.kind == "wind":
                height = item.extent.furthest * float(np.linalg.norm(world[1, :3]))
                row["sway"] = motion.reach(height, pushed=self._pushed)
            elif motion is not None:
                row["reach"] = motion.reach(0.0)

    def place(self, origin: Doubles, seconds: float, *, pushed: bool = False) -> None:
        """Transforms relative to `origin`, subtracted in float64, and the motions' own time.

        pushed  whether something may push aside what the wind bends
        """
        if pushed != self._pushed:
            self._pushed = pushed
            self.update_values()
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
        for name in ("positions", "rotations", "scales", "colors", "matrices", "ids", "order", "materials"):
            there = name in columns or (name == "order" and name in item.segment.offsets)
            row[name] = item.segment.offsets[name] // 4 if there else NONE
        for field, name in (("layers", "layer"), ("uv_offsets", "uv_offset")):
            row[field] = item.segment.offsets[name] // 4 if name in item.texture_columns else NONE
        for slot, (name, _) in enumerate(item.shader_columns):
            row[f"custom{slot}"] = item.segment.offsets[name] // 4
            row["custom_widths"] |= columns[name].row_bytes // 4 << 8 * slot
        row["scale_width"] = columns["scales"].row_bytes // 4 if "scales" in columns else 0


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


Attribute = tuple[str, str, int]  # name; moderngl's format; bytes

VERTEX_ATTRIBUTES: tuple[Attribute, ...] = (
    ("vertex_position", "3f", 12), ("vertex_normal", "4f", 16), ("vertex_uv", "2f", 8),
    ("vertex_color", "4f2", 8),
)  # fmt: skip


def content(
    program: moderngl.Program, buffer: moderngl.Buffer, attributes: Sequence[Attribute], each: str = "v"
) -> tuple[Any, ...]:
    """The part of a vertex array that feeds those of `attributes`, side by side, that a program reads.

    each  "v": of each vertex; "i": of each instance
    """
    parts = [text if name in program else f"{size}x" for name, text, size in attributes]
    return buffer, f"{' '.join(parts)}/{each}", *(name for name, _, _ in attributes if name in program)


def vertex_content(pool: MeshPool, program: moderngl.Program) -> tuple[Any, ...]:
    """The per-vertex part of a vertex array."""
    return content(program, pool.vertices, VERTEX_ATTRIBUTES)
