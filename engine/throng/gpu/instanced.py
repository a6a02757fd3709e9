"""Mode "instanced": instanced draws item by item, its columns bound as attributes. OpenGL 3.3.

Where all rows of an item are drawn alike they are drawn as they lie. Otherwise the rows in view are gathered
into a buffer of the item's own, level by level, with a draw for each part at each level. While camera and
instances rest, nothing is chosen, gathered or uploaded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from throng.gpu.items import Item, ItemTable, Part, vertex_content
from throng.gpu.meshes import IndexRange, MeshPool
from throng.gpu.programs import MeshPrograms
from throng.gpu.request import Request, Tally
from throng.gpu.selection import Run, Selection, Share
from throng.gpu.shared import Shared
from throng.gpu.sorting import turns
from throng.gpu.stream import Stream
from throng.layout import DEBUG_MATERIAL
from throng.model.material import Pipeline

# column: attribute, format, bytes from the start of the row. Custom columns have none, whatever their names.
_ATTRIBUTES = {
    "positions": [("positions", "3f", 0)],
    "rotations": [("rotations", "4f", 0)],
    "colors": [("colors", "4f2", 0)],
    "ids": [("ids", "1i", 0)],
    "matrices": [
        ("matrix_row0", "4f", 0),
        ("matrix_row1", "4f", 16),
        ("matrix_row2", "4f", 32),
        ("matrix_low", "3f", 48),
    ],
    "materials": [("materials", "1i", 0)],
    "layer": [("layer", "1i", 0)],
    "uv_offset": [("uv_offset", "2f", 0)],
}
UNIFORMS = {
    "item_row0": "row0", "item_row1": "row1", "item_row2": "row2", "item_tint": "tint",
    "item_motion": "motion", "item_object": "object", "item_first_row": "first_row",
    "item_material": "material", "item_span": "span",
}  # fmt: skip


def _attributes(item: Item, name: str, width: int) -> list[tuple[str, str, int]]:
    """The attributes that an item's column of `width` words feeds."""
    if name == "scales":
        return [("scales", f"{width}f", 0)]
    for custom, kind in item.shader_columns:
        if name == custom:
            return [(f"custom_{name}", f"{width}{'i' if kind.startswith('i') else 'f'}", 0)]
    return _ATTRIBUTES.get(name, [])


def item_defines(item: Item, part: Part) -> dict[str, object]:
    """What the vertex shader must know of the item's columns, of how it moves, and of one of its parts."""
    batch = item.batch
    columns = batch.instances.columns
    defines: dict[str, object] = {**part.batch.key.pipeline.defines}
    if "matrices" in columns:
        defines["NODES"] = 1
    elif batch.turns:
        defines["TURNED_CROWD"] = 1
    if "scales" in columns:
        defines[f"SCALE_{columns['scales'].row_bytes // 4}"] = 1
    for name in ("rotations", "colors", *sorted(item.texture_columns)):
        if name in columns:
            defines[f"HAS_{name.upper()}"] = 1
    if item.motion is not None:
        defines["WIND" if item.motion.kind == "wind" else "MOTION"] = 1
    if any(slot.colored for slot in part.slots):
        defines["VERTEX_COLORS"] = 1
    return defines


def reads_ids(defines: Mapping[str, object]) -> bool:
    """Whether a program made with these defines looks at the instance's id."""
    return "OUT_IDS" in defines or "MOTION" in defines or "WIND" in defines


@dataclass(frozen=True, eq=False)
class _Program:
    """A program, and where an item's values go in it."""

    program: moderngl.Program
    uniforms: tuple[tuple[moderngl.Uniform, str], ...]


@dataclass(frozen=True, eq=False)
class _Draw:
    """A vertex array ready to be drawn, and the uniforms that it needs set first.

    row   the item's, in the table
    tint  takes the place of the item's own values, in a debug view
    """

    array: moderngl.VertexArray
    faces: IndexRange
    count: int
    program: _Program
    row: int
    pipeline: Pipeline
    hand: tuple[moderngl.Uniform, float] | None = None
    tint: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class _Bound:
    """A vertex array over gathered rows, and which ones: of which filling of the stream, from which on."""

    array: moderngl.VertexArray
    fills: int = -1
    first: int = -1


class InstancedMode:
    """Draws item by item, with programs that read only the columns that are there."""

    def __init__(self, shared: Shared) -> None:
        self._ctx = shared.ctx
        self._pool = shared.pool
        self._programs = shared.programs(330)
        self._items: Sequence[Item] = ()
        self._table: ItemTable | None = None
        self._selection = Selection()
        self._streams: dict[int, Stream] = {}
        self._streams_sorted: dict[int, Stream] = {}
        self._kits: dict[tuple[object, ...], _Kit] = {}
        self._shares: Sequence[Share | None] = ()
        self._kit: _Kit | None = None
        self._draws: list[_Draw] = []
        self._rows = self._visible = self._simplified = self._triangles = self._uploaded = 0

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None:
        """Takes over another list of items."""
        self._items, self._table = items, table
        self._selection.rebuild(items, table)
        self._rows = sum(item.segment.count for item in items)
        self._release()

    def draw(self, request: Request, state: object) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        assert self._table is not None
        switches = request.switches
        shares = self._selection.update(request.chooser, cull=switches.cull, lod=switches.lod)
        kit = self._kit_for(request.defines, by_level=switches.debug == "lod")
        self._uploaded = 0
        if kit is not self._kit or shares is not self._shares:
            self._draws = self._list(kit, shares)
            self._kit, self._shares = kit, shares
            self._count(shares)
        return self._issue(draw for draw in self._draws if request.draws(draw.pipeline))

    def draw_blended(self, request: Request) -> int:
        """Draws what `draw` left out because it is blended; the number of draw calls."""
        if request.sorts:
            return self._issue(self._sorted(request))
        return self.draw(request, None)

    def tally(self, total: int, *, wait: bool) -> Tally:
        """What became of `total` instances in the latest frame.

        Of a node of several parts each part counts as a share of it.
        """
        each = total / max(self._rows, 1)
        visible, simplified = round(self._visible * each), round(self._simplified * each)
        return Tally(
            visible, total - visible, simplified=simplified,
            triangles=self._triangles, uploaded_bytes=self._uploaded,
        )  # fmt: skip

    def release(self) -> None:
        self._release()

    # -- inside ------------------------------------------------------------------------------------

    def _issue(self, draws: Iterable[_Draw]) -> int:
        """Draws them, each before the next is asked for; how many there were."""
        assert self._table is not None
        before: tuple[object, ...] = ()
        calls = 0
        for draw in draws:
            calls += 1
            now = draw.program, draw.row, draw.tint
            if now != before:
                row = self._table.rows[draw.row]
                for uniform, name in draw.program.uniforms:
                    uniform.write(draw.tint.get(name) or row[name].tobytes())
                before = now
            if draw.hand is not None:
                draw.hand[0].value = draw.hand[1]
            draw.array.render(
                moderngl.TRIANGLES, vertices=draw.faces.count, first=draw.faces.first, instances=draw.count
            )
        return calls

    def _sorted(self, request: Request) -> Iterator[_Draw]:
        """What is blended, from the back to the front: a draw wherever item, part or level change."""
        assert self._table is not None
        switches = request.switches
        shares = self._selection.update(request.chooser, cull=switches.cull, lod=switches.lod)
        kit = self._kit_for(request.defines, by_level=switches.debug == "lod")
        order = turns(self._items, self._table.worlds, shares, request.view)
        rows: dict[int, list[npt.NDArray[np.int64]]] = {}
        for turn in order:
            rows.setdefault(turn.item, []).append(turn.rows)
        for number, parts in rows.items():
            stream = self._streams_sorted.setdefault(number, Stream(self._ctx))
            share = Share(0, np.concatenate(parts), (), 0, 0)
            self._uploaded += stream.fill(self._items[number], share, kit.columns(number))
        for turn in order:
            run = Run(turn.level, turn.turned, turn.first, len(turn.rows))
            yield kit.sorted(turn.item, turn.part, run, self._streams_sorted[turn.item])

    def _list(self, kit: _Kit, shares: Sequence[Share | None]) -> list[_Draw]:
        """The draws of these shares; gathers and uploads what they need."""
        draws: list[_Draw] = []
        for number, share in enumerate(shares):
            if share is None:
                continue
            if share.rows is None:
                draws += kit.whole(number, share.level)
                continue
            stream = self._streams.get(number)
            if stream is None:
                stream = self._streams[number] = Stream(self._ctx)
            self._uploaded += stream.fill(self._items[number], share, kit.columns(number))
            draws += kit.gathered(number, share, stream)
        return draws

    def _count(self, shares: Sequence[Share | None]) -> None:
        shown = [share for share in shares if share is not None]
        self._visible = sum(share.visible for share in shown)
        self._simplified = sum(share.simplified for share in shown)
        self._triangles = sum(draw.faces.count // 3 * draw.count for draw in self._draws)

    def _kit_for(self, defines: Mapping[str, object], *, by_level: bool) -> _Kit:
        key = (self._pool.version, by_level, *sorted(defines.items()))
        if key not in self._kits:
            for old in [known for known in self._kits if known[0] != key[0]]:
                self._kits.pop(old).release()
            self._kits[key] = _Kit(self._ctx, self._pool, self._programs, self._items, defines, by_level)
        return self._kits[key]

    def _release(self) -> None:
        for kit in self._kits.values():
            kit.release()
        for stream in (*self._streams.values(), *self._streams_sorted.values()):
            stream.release()
        self._kits.clear()
        self._streams.clear()
        self._streams_sorted.clear()
        self._kit, self._shares, self._draws = None, (), []


class _Kit:
    """The draws of all items for one set of outputs, and what they are made of.

    by_level  whether instances are coloured by their level of detail
    """

    def __init__(
        self,
        ctx: moderngl.Context,
        pool: MeshPool,
        programs: MeshPrograms,
        items: Sequence[Item],
        defines: Mapping[str, object],
        by_level: bool,
    ) -> None:
        self._ctx = ctx
        self._pool = pool
        self._programs = programs
        self._items = items
        self._defines = defines
        self._by_level = by_level
        self._ready: dict[tuple[int, int, bool], _Program] = {}
        self._arrays: dict[tuple[int, int], moderngl.VertexArray] = {}
        self._bound: dict[tuple[int, int, int], _Bound] = {}
        self._whole: dict[tuple[int, int], list[_Draw]] = {}

    def whole(self, number: int, level: int) -> list[_Draw]:
        """The draws of all of an item's rows, as they lie, at this level."""
        draws = self._whole.get((number, level))
        if draws is None:
            item = self._items[number]
            draws = [
                draw
                for place in range(len(item.parts))
                for draw in self._whole_part(number, item, place, level)
            ]
            self._whole[number, level] = draws
        return draws

    def gathered(self, number: int, share: Share, stream: Stream) -> list[_Draw]:
        """The draws of an item's rows that `stream` holds."""
        item = self._items[number]
        return [
            self._run_draw(number, item, place, run_place, run, stream)
            for place in range(len(item.parts))
            for run_place, run in enumerate(share.runs)
        ]

    def sorted(self, number: int, place: int, run: Run, stream: Stream) -> _Draw:
        """The draw of one part of an item's rows in `stream`; the one before must be done with."""
        return self._run_draw(number, self._items[number], place, -1, run, stream)

    def columns(self, number: int) -> set[str]:
        """What gathered rows of an item need."""
        item = self._items[number]
        names = {
            name for name, column in item.batch.instances.columns.items()
            if _attributes(item, name, column.row_bytes // 4)
        }  # fmt: skip
        names -= {"ids", "colors", "materials"} if self._by_level else {"ids"}
        return names | {"ids"} if self._reads_ids(item) else names

    def release(self) -> None:
        for array in (*self._arrays.values(), *(bound.array for bound in self._bound.values())):
            array.release()

    def _whole_part(self, number: int, item: Item, place: int, level: int) -> list[_Draw]:
        part, segment, mirrors = item.parts[place], item.segment, item.batch.mirrors
        by_hand = segment.mixed and not part.batch.key.double_sided
        ready = self._program(number, item, place, gathered=False)
        array = self._arrays.get((number, place))
        if array is None:
            array = self._arrays[number, place] = self._vertex_array(ready)
            self._bind(array, ready, item, segment.page.buffer, segment.offsets)
        hand: Any = ready.program["hand"] if by_hand else None
        return [
            _Draw(
                array, part.faces(level=level, mirrored=mirrored), segment.count, ready, number,
                part.batch.key.pipeline,
                (hand, -1.0 if mirrored != mirrors else 1.0) if by_hand else None, self._tint(level),
            )
            for mirrored in ([False, True] if by_hand else [mirrors != (segment.plain == 0)])
        ]  # fmt: skip

    def _run_draw(
        self, number: int, item: Item, place: int, run_place: int, run: Run, stream: Stream
    ) -> _Draw:
        part = item.parts[place]
        ready = self._program(number, item, place, gathered=True)
        key = number, place, run_place
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = _Bound(self._vertex_array(ready))
        if (bound.fills, bound.first) != (stream.fills, run.first):
            assert stream.buffer is not None
            self._bind(bound.array, ready, item, stream.buffer, stream.offsets, run.first)
            bound.fills, bound.first = stream.fills, run.first
        faces = part.faces(level=run.level, mirrored=run.turned)
        return _Draw(
            bound.array, faces, run.count, ready, number, part.batch.key.pipeline, tint=self._tint(run.level)
        )

    def _program(self, number: int, item: Item, place: int, *, gathered: bool) -> _Program:
        key = number, place, gathered
        ready = self._ready.get(key)
        if ready is None:
            part = item.parts[place]
            wanted = {**self._defines, **item_defines(item, part), "INSTANCE": "in"}
            if self._by_level:
                wanted.pop("HAS_COLORS", None)
                wanted["PAINTED"] = 1
            if self._reads_ids(item) and (gathered or "ids" in item.batch.instances.columns):
                wanted["HAS_IDS"] = 1
            if not gathered and item.segment.mixed and not part.batch.key.double_sided:
                wanted["ONE_HAND"] = 1
            program = self._programs.get(wanted)
            uniforms: Any = tuple(
                (program[name], field) for name, field in UNIFORMS.items() if name in program
            )
            ready = self._ready[key] = _Program(program, uniforms)
        return ready

    def _reads_ids(self, item: Item) -> bool:
        return "OUT_IDS" in self._defines or item.motion is not None

    def _tint(self, level: int) -> Mapping[str, bytes]:
        if not self._by_level:
            return {}
        color = np.array((*palette(level), 1.0), np.float32)
        return {"tint": color.tobytes(), "material": np.uint32(DEBUG_MATERIAL).tobytes()}

    def _vertex_array(self, ready: _Program) -> moderngl.VertexArray:
        return self._ctx.vertex_array(
            ready.program, [vertex_content(self._pool, ready.program)],
            index_buffer=self._pool.indices, index_element_size=4,
        )  # fmt: skip

    def _bind(
        self,
        array: moderngl.VertexArray,
        ready: _Program,
        item: Item,
        buffer: moderngl.Buffer,
        offsets: Mapping[str, int],
        first: int = 0,
    ) -> None:
        """Makes `array` read the columns that start at `offsets`, from that row on."""
        columns = item.batch.instances.columns
        for name, offset in offsets.items():
            width = columns[name].row_bytes if name in columns else 4
            for attribute, text, start in _attributes(item, name, width // 4):
                if attribute not in ready.program:
                    continue
                member = ready.program[attribute]
                assert isinstance(member, moderngl.Attribute)
                kind = "i" if text.endswith("i") else "f"
                place = offset + first * width + start
                array.bind(member.location, kind, buffer, text, place, width, 1)


def palette(number: int) -> tuple[float, float, float]:
    """The linear colour of a level of detail: as in tinted.glsl."""
    hue = number * 0.61803399 % 1.0 * 6.0
    red, green, blue = abs(hue - 3) - 1, 2 - abs(hue - 2), 2 - abs(hue - 4)
    return min(max(red, 0.06), 0.9), min(max(green, 0.06), 0.9), min(max(blue, 0.06), 0.9)
