"""The compute passes that decide what is drawn, and write a record for each instance that is.

    cells      which runs of instances may be in view
    scan       lists them, in order, and sizes what follows
    instances  counting: which instances are, at which level of detail; splats go to the screen
    scan       where each bin's records start
    commands   the draw commands
    instances  writing: the records

Nothing is appended by atomics, so the order of what is drawn never changes from frame to frame. All but the
tests of the cells costs in proportion to what may be visible, not to what exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from throng import layout
from throng.gpu import source
from throng.gpu.context import Capabilities, checked_buffer
from throng.gpu.instances import Page
from throng.gpu.items import Item, ItemTable, needs_extra
from throng.gpu.programs import CULL_BINDING, ITEM_BINDING, attach
from throng.gpu.request import Request
from throng.gpu.sums import DEFINES
from throng.layout import CELL, CHUNK, COMMAND, COUNTERS, CULL, EXTRA, ITEM, RECORD, SOURCE, SWITCHES
from throng.model.material import Pipeline

SCAN = 256  # invocations of the scan's only work group
_ITEMS, _CHUNKS, _COLUMNS, _RECORDS, _WORK, _SCREEN, _SIXTH, _SEVENTH = range(8)
_OUTPUTS = ("SUMMED", "OUT_IDS", "OUT_NORMALS")  # defines that are nothing to compute shaders
_ALIGNED = 256  # bytes; what any driver accepts as the start of a uniform block
_COUNTER_WORDS = 16
# Invocations that share a cell. A GPU has one for each instance; llvmpipe runs eight at a time, and what all
# of them read alike is then read once for eight instances.
LANES_OF_SOFTWARE = 8
_WORTH_A_SPAN = 16  # chunks for which an item has a dispatch of its own
_ROOM = 1 << 20  # records for which there is room without asking how many are needed


class VisibilityPrograms:
    """The passes' programs, compiled when first needed; shared by all scenes of a renderer."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._programs: dict[tuple[object, ...], moderngl.ComputeShader] = {}

    def get(self, name: str, **defines: object) -> moderngl.ComputeShader:
        key = (name, *sorted(defines.items()))
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = source.compile_program(
                self._ctx, name, version=430, defines=defines,
                generated=layout.generated(), compute=f"{name}.comp",
            )  # fmt: skip
            attach(program)
        return program

    def release(self) -> None:
        for program in self._programs.values():
            program.release()


@dataclass(frozen=True)
class Run:
    """Commands that one multi-draw draws; `fades`: instances on the way from one level to another."""

    pipeline: Pipeline
    fades: bool
    first: int
    count: int

    @property
    def defines(self) -> dict[str, object]:
        return {**self.pipeline.defines, "FADE": 1} if self.fades else self.pipeline.defines


@dataclass(frozen=True)
class _Span:
    """Chunks that one dispatch takes on: of one item, or of several in one page, where `item` is None."""

    page: Page
    stop: int
    item: int | None = None
    form: tuple[tuple[str, object], ...] = ()
    blended: bool = False

    def defines(self, switches: int) -> dict[str, object]:
        """What its programs are compiled for."""
        form = dict(self.form)
        if not switches & SWITCHES["BLEND"]:
            form["BLENDED"] = "false"
        lacks_sums = self.blended and not switches & SWITCHES["SUM"] and switches & SWITCHES["BLEND"]
        if lacks_sums or not switches & SWITCHES["SPLAT"]:
            form["HAS_MASK"], form["SPLATS"] = "false", 0
        if self.item is None:
            form = {}
        return {"SWITCHED": switches, **form}


_TRUTH = {False: "false", True: "true"}
_OPTIONAL = ("matrices", "rotations", "colors", "ids")  # columns


def _form(item: Item, row: Any) -> tuple[tuple[str, object], ...]:
    """Defines that say what an item has, so that what it lacks costs nothing."""
    columns = item.batch.instances.columns
    masked = row["mask"] != layout.NONE
    surfaces = [part.batch.surface for part in item.parts]
    unlit = all(surface is not None and surface.shading == "unlit" for surface in surfaces)
    return tuple(
        {
            **({"UNLIT": 1} if unlit else {}),
            "ONE_ITEM": 1,
            **{
                f"HAS_{name.upper()}": _TRUTH[name in columns]
                for name in ("matrices", "rotations", "colors", "ids")
            },
            "HAS_ORDER": _TRUTH[row["order"] != layout.NONE],
            "HAS_MASK": _TRUTH[masked],
            "SPLATS": int(masked),
            "BLENDED": _TRUTH[bool(row["blended"])],
            "LEVELS": int(item.levels > 1),
            "FACETED": int(item.faceted),
            "SCALE_WIDTH": f"{row['scale_width']}u",
            "MOTION": int(row["motion"][0]),
        }.items()
    )


def _spans(items: Sequence[Item], table: ItemTable, first_chunks: npt.NDArray[np.int64]) -> list[_Span]:
    spans: list[_Span] = []
    for number, item in enumerate(items):
        page, stop = item.segment.page, int(first_chunks[number + 1])
        if stop - first_chunks[number] >= _WORTH_A_SPAN:
            row = table.rows[number]
            spans.append(_Span(page, stop, number, _form(item, row), bool(row["blended"])))
        elif spans and spans[-1].item is None and spans[-1].page is page:
            spans[-1] = _Span(page, stop)
        else:
            spans.append(_Span(page, stop))
    return spans


class Drawn:
    """Records and commands of what one run found visible.

    records  one after the other: splats, then bin by bin of each item
    extras   what some records have beside them, as many for each
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self.records = checked_buffer(ctx, reserve=RECORD.size, purpose="instance records")
        self.extras = checked_buffer(ctx, reserve=EXTRA.size, purpose="instance records")
        self.commands = checked_buffer(ctx, reserve=COMMAND.itemsize, purpose="draw commands")
        self.version = 0

    def reserve(self, records: int, commands: int, extras: int) -> None:
        """Room for at least so many; grows by half, but not beyond twice what is needed.

        extras  for each record
        """
        needed = records * RECORD.size
        if needed > self.records.size:
            size = max(needed, min(2 * needed, self.records.size * 3 // 2))
            self.records.release()
            self.records = checked_buffer(self._ctx, reserve=size, purpose="instance records")
            self.version += 1
        wanted = self.records.size // RECORD.size * EXTRA.size * extras
        if wanted > self.extras.size:
            self.extras.release()
            self.extras = checked_buffer(self._ctx, reserve=wanted, purpose="instance records")
            self.version += 1
        if commands * COMMAND.itemsize > self.commands.size:
            self.commands.release()
            self.commands = checked_buffer(
                self._ctx, reserve=2 * commands * COMMAND.itemsize, purpose="draw commands"
            )

    def release(self) -> None:
        self.records.release()
        self.extras.release()
        self.commands.release()


class Visibility:
    """Runs the passes over one scene's items."""

    def __init__(
        self, ctx: moderngl.Context, programs: VisibilityPrograms, capabilities: Capabilities
    ) -> None:
        self._ctx = ctx
        self._programs = programs
        self._limit = capabilities.storage_block_bytes
        self._max_groups = capabilities.max_work_groups[0]
        self._lanes = LANES_OF_SOFTWARE if capabilities.is_software else CELL
        self._dealt: dict[str, object] = {"DEALT": 1} if capabilities.is_software else {}  # groups.glsl
        self._buffers = {
            name: checked_buffer(ctx, reserve=64, purpose=purpose)
            for name, purpose in (
                ("items", "draw items"), ("alone", "draw items"),
                ("chunks", "chunks of instances"), ("spans", "chunks of instances"),
                ("sources", "draw commands"), ("work", "lists of what is visible"),
                ("dispatches", "lists of what is visible"),
            )
        }  # fmt: skip
        self._cull = checked_buffer(ctx, reserve=CULL.size, purpose="the view's uniforms")
        self._items: Sequence[Item] = ()
        self._table = ItemTable(())
        self._chunks = np.zeros(0, CHUNK.dtype)
        self._first_chunks = np.zeros(1, np.int64)
        self._seen_bounds: list[int] = []
        self._seen_orders: list[npt.NDArray[np.uint32] | None] = []
        self.orders = 0  # how often the order of rows in some item's cells became another
        self._spans: list[_Span] = []
        self._block = np.zeros((), CULL.dtype)
        self.runs: list[Run] = []
        self.extras = 0  # for each record
        self._most_records = 0

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, fading: bool) -> None:
        """Takes over another list of items; `fading`: whether levels fade into each other."""
        self._items, self._table = items, table
        counts = np.array([item.segment.count for item in items], np.int64)
        chunks = -(-counts // CELL)
        self._first_chunks = np.concatenate([[0], np.cumsum(chunks)]).astype(np.int64)
        table.rows["first_chunk"] = self._first_chunks[:-1]
        table.rows["chunk_count"] = chunks
        total = int(self._first_chunks[-1])
        owners = np.repeat(np.arange(len(items)), chunks)
        self._chunks = np.zeros(total, CHUNK.dtype)
        self._chunks["item"] = owners
        self._chunks["start"] = (np.arange(total) - self._first_chunks[owners]) * CELL
        self._chunks["count"] = np.minimum(CELL, counts[owners] - self._chunks["start"])
        self._seen_bounds = [-1] * len(items)
        self._seen_orders = [None] * len(items)
        customs = max((len(item.shader_columns) for item in items), default=0)
        self.extras = 1 + customs if any(needs_extra(item) for item in items) else 0
        self._write_sources(fading)
        stride = max((item.levels * (2 if item.by_hand else 1) * (1 + fading) for item in items), default=1)
        self._lay_out_work(total, stride)
        self._most_records = int(counts.sum()) * (1 + fading)
        self._spans = _spans(items, table, self._first_chunks)
        firsts = np.array([0, *(span.stop for span in self._spans)])
        self._chunks["dispatch"] = np.repeat(np.arange(len(self._spans)), np.diff(firsts))
        stops = np.array([span.stop for span in self._spans], np.uint32)
        starts = np.concatenate([[0], stops[:-1]]) if len(stops) else stops
        self._write("spans", np.stack([starts, stops], axis=1).astype(np.uint32))
        self._reserve("dispatches", 16 * 5 * max(len(self._spans), 1))

    @property
    def has_items(self) -> bool:
        return bool(len(self._items))

    def refresh(self) -> bool:
        """Uploads what changed of items and cells; whether cells did."""
        changed = False
        for number, item in enumerate(self._items):
            cells = item.segment.cells
            if cells is not None and cells.bounds_version != self._seen_bounds[number]:
                self._seen_bounds[number] = cells.bounds_version
                self._set_bounds(number, item)
                changed = True
                self.orders += cells.order is not self._seen_orders[number]
                self._seen_orders[number] = cells.order
        if changed:
            self._write("chunks", self._chunks)
        self._write("items", self._table.rows)
        alone = [span.item for span in self._spans if span.item is not None]
        apart = np.zeros((len(alone), _ALIGNED), np.uint8)
        apart[:, : ITEM.size] = self._table.rows[alone].view(np.uint8).reshape(-1, ITEM.size)
        self._write("alone", apart)
        return changed

    def look(self, request: Request, switches: int, debug: int, screen: Any) -> None:
        """From here on decides as asked. `screen`: the Screen that splats and the pyramid are on."""
        block, view = self._block, request.chooser
        block["view_projection"] = view.transform.T
        for number, plane in enumerate(view.planes):
            block[f"plane{number}"] = plane
        block["eye"] = view.eye
        block["clip_w"] = view.transform[3]
        width, height = request.view.viewport[2:]
        block["picture"] = width, height, view.pixels_per_metre, 0.0
        block["hole"], block["hole_scale"] = view.hole, np.linalg.norm(view.transform[0, :3])
        if request.view.reversed_depth:
            switches |= SWITCHES["REVERSED"] | SWITCHES["ZERO_TO_ONE"]
        block["switches"] = switches
        block["debug"] = debug
        block["at_owners"], block["at_patches"] = screen.at_owners, screen.at_patches
        block["at_pyramid"] = screen.at_pyramid
        block["grid"] = screen.grid[0] | screen.grid[1] << 16
        block["tiles_across"], block["tiles_down"] = screen.tiles
        self._buffers["work"].write(bytes(4 * _COUNTER_WORDS))

    def bind(self, extra_switches: int = 0) -> None:
        """Makes what all passes read known to them."""
        block = self._block.copy()
        block["switches"] |= extra_switches
        self._cull.write(block)
        self._cull.bind_to_uniform_block(CULL_BINDING)
        self._buffers["items"].bind_to_storage_buffer(_ITEMS)
        self._buffers["chunks"].bind_to_storage_buffer(_CHUNKS)
        self._buffers["work"].bind_to_storage_buffer(_WORK)

    def run(
        self,
        drawn: Drawn,
        screen: Any,
        masks: moderngl.Buffer,
        extra_switches: int = 0,
        *,
        owners: bool = True,
    ) -> None:
        """Decides what is drawn, and writes its records and commands.

        owners  whether splats take pixels, or only leave their depths
        """
        ctx = self._ctx
        self.bind(extra_switches)
        screen.buffer.bind_to_storage_buffer(_SCREEN)
        barrier = moderngl.SHADER_STORAGE_BARRIER_BIT
        self._dispatch(self._programs.get("cells"), -(-len(self._chunks) // CELL))
        ctx.memory_barrier(barrier)
        self._buffers["spans"].bind_to_storage_buffer(_SIXTH)
        self._buffers["dispatches"].bind_to_storage_buffer(_SEVENTH)
        scan = self._programs.get("scan", CHUNKS=1, SCAN=SCAN)
        scan["span_count"], scan["max_groups"] = len(self._spans), self._max_groups
        scan.run(1)
        ctx.memory_barrier(barrier | moderngl.COMMAND_BARRIER_BIT)
        commands = sum(run.count for run in self.runs)
        drawn.reserve(min(self._most_records, _ROOM), commands, self.extras)
        switches = int(self._block["switches"]) | extra_switches
        self._test(masks, switches)
        ctx.memory_barrier(barrier)
        self._programs.get("scan", SCAN=SCAN).run(1)
        ctx.memory_barrier(barrier | moderngl.BUFFER_UPDATE_BARRIER_BIT)  # which reading counters takes
        if self._most_records * RECORD.size > drawn.records.size:
            drawn.reserve(self.counters()["total"], 0, self.extras)
        self._buffers["spans"].bind_to_storage_buffer(_COLUMNS)
        self._buffers["dispatches"].bind_to_storage_buffer(_RECORDS)
        self._buffers["sources"].bind_to_storage_buffer(_SIXTH)
        drawn.commands.bind_to_storage_buffer(_SEVENTH)
        program = self._programs.get("commands")
        program["command_count"], program["span_count"] = commands, len(self._spans)
        program["max_groups"] = self._max_groups
        self._dispatch(program, -(-max(commands, len(self._spans)) // CELL))
        ctx.memory_barrier(barrier | moderngl.COMMAND_BARRIER_BIT)
        self._write_records(drawn, masks, switches, owners=owners)
        ctx.memory_barrier(
            barrier
            | moderngl.VERTEX_ATTRIB_ARRAY_BARRIER_BIT
            | moderngl.COMMAND_BARRIER_BIT
            | moderngl.BUFFER_UPDATE_BARRIER_BIT
        )

    def add_splats(self, drawn: Drawn, masks: moderngl.Buffer, request: Request) -> None:
        """Adds up the blended splats, where they are nearer than the depths in the texture of unit 0."""
        assert request.sums is not None
        self.bind()
        switches = int(self._block["switches"])
        masks.bind_to_storage_buffer(_SIXTH)
        request.sums.add().bind_to_storage_buffer(_SCREEN)
        effects = {name: value for name, value in request.defines.items() if name not in _OUTPUTS}
        window = self._limit // RECORD.size // 16 * 16
        room = drawn.records.size // RECORD.size
        for first in range(0, room, window):
            count = min(window, room - first)
            drawn.records.bind_to_storage_buffer(
                _RECORDS, offset=first * RECORD.size, size=count * RECORD.size
            )
            self._buffers["dispatches"].bind_to_storage_buffer(_SEVENTH)
            for number, span in self._bound_spans():
                defines = span.defines(switches)
                if not defines.get("SPLATS", 1) or defines.get("BLENDED", "true") != "true":
                    continue
                entry = 3 * len(self._spans) + 2 * number
                program = self._programs.get(
                    "sums", SAMPLES=request.samples, **{**effects, **DEFINES, **defines, **self._dealt}
                )
                program["depths"], program["distance0"] = 0, request.sums.distance
                program["entry"] = entry
                program["first_record"], program["stop_record"] = first, first + count
                program.run_indirect(self._buffers["dispatches"], offset=16 * entry)

    def counters(self) -> dict[str, int]:
        """The work buffer's, waited for."""
        raw = self._buffers["work"].read(4 * len(COUNTERS))
        return dict(zip(COUNTERS, np.frombuffer(raw, np.uint32).tolist(), strict=True))

    def copy_counters(self, target: moderngl.Buffer) -> None:
        self._ctx.copy_buffer(target, self._buffers["work"], size=4 * len(COUNTERS))

    def release(self) -> None:
        for buffer in (*self._buffers.values(), self._cull):
            buffer.release()

    # -- inside ------------------------------------------------------------------------------------

    def _test(self, masks: moderngl.Buffer, switches: int) -> None:
        masks.bind_to_storage_buffer(_SIXTH)
        self._buffers["dispatches"].bind_to_storage_buffer(_SEVENTH)
        for number, span in self._bound_spans():
            program = self._programs.get("instances", LANES=self._lanes, **span.defines(switches))
            program["span"], program["chunk_stop"] = number, span.stop
            program.run_indirect(self._buffers["dispatches"], offset=16 * number)

    def _write_records(self, drawn: Drawn, masks: moderngl.Buffer, switches: int, *, owners: bool) -> None:
        barrier = moderngl.SHADER_STORAGE_BARRIER_BIT
        scatter = self._programs.get("scatter")
        spans = len(self._spans)
        window = self._limit // RECORD.size // 16 * 16
        room = drawn.records.size // RECORD.size
        for first in range(0, room, window):
            count = min(window, room - first)
            drawn.records.bind_to_storage_buffer(
                _RECORDS, offset=first * RECORD.size, size=count * RECORD.size
            )
            scatter["first_record"], scatter["stop_record"] = first, first + count
            self._dispatch(scatter, -(-len(self._chunks) // CELL))
            self._ctx.memory_barrier(barrier)
            self._buffers["dispatches"].bind_to_storage_buffer(_SEVENTH)
            for number, span in self._bound_spans():
                for name, entry in (("records", spans + 2 * number), ("splats", 3 * spans + 2 * number)):
                    defines = span.defines(switches)
                    if name == "splats":
                        if not (owners and defines.get("SPLATS", 1)) or defines.get("BLENDED") == "true":
                            continue
                        defines |= self._dealt
                        masks.bind_to_storage_buffer(_SIXTH)
                    else:
                        if self.extras:
                            defines["EXTRAS"] = f"{self.extras}u"
                            size = EXTRA.size * self.extras
                            drawn.extras.bind_to_storage_buffer(
                                _SIXTH, offset=first * size, size=count * size
                            )
                    program = self._programs.get(name, **defines)
                    program["entry"] = entry
                    program["first_record"], program["stop_record"] = first, first + count
                    program.run_indirect(self._buffers["dispatches"], offset=16 * entry)

    def _bound_spans(self) -> Iterator[tuple[int, _Span]]:
        """The spans, each with its columns and its item bound."""
        alone = 0
        for number, span in enumerate(self._spans):
            span.page.buffer.bind_to_storage_buffer(_COLUMNS)
            if span.item is not None:
                self._buffers["alone"].bind_to_uniform_block(
                    ITEM_BINDING, offset=_ALIGNED * alone, size=ITEM.size
                )
                alone += 1
            yield number, span

    def _dispatch(self, program: moderngl.ComputeShader, groups: int) -> None:
        if groups:
            width = min(groups, self._max_groups)
            program.run(width, -(-groups // width), 1)

    def _lay_out_work(self, chunks: int, stride: int) -> None:
        block = self._block
        block["chunk_count"], block["stride"] = chunks, stride
        at = _COUNTER_WORDS + chunks + 1
        for name, words in (
            ("at_visible", chunks), ("at_nearest", chunks), ("at_masks", 2 * chunks * (stride + 1)),
            ("at_bases", chunks * (stride + 1) + 1), ("at_seen", 4 * chunks),
        ):  # fmt: skip
            at += at % 2
            block[name] = at
            at += words
        self._reserve("work", 4 * at)
        self._buffers["work"].clear()

    def _set_bounds(self, number: int, item: Item) -> None:
        cells = item.segment.cells
        assert cells is not None
        rows = self._chunks[self._first_chunks[number] : self._first_chunks[number + 1]]
        low, high = cells.low.astype(np.float64), cells.high.astype(np.float64)
        center = ((low + high) / 2).astype(np.float32)
        half = np.maximum(high - center, center - low).astype(np.float32)
        rows["center"][:, :3] = center
        rows["center"][:, 3] = cells.sizes
        rows["span"][:, :3] = np.nextafter(half, np.float32(np.inf))

    def _write_sources(self, fading: bool) -> None:
        sources: dict[tuple[Pipeline, bool], list[tuple[int, int, int, int]]] = {}
        for number, item in enumerate(self._items):
            hands = 2 if item.by_hand else 1
            row = self._table.rows[number]
            # Through what is blended one sees: that it changes over is not seen.
            faded = fading and (item.levels > 1 or (row["mask"] != layout.NONE and not row["blended"]))
            for kind in range(item.levels * (1 + faded)):
                level = kind % item.levels
                for hand in range(hands):
                    mirrored = item.batch.mirrors != (hand == 1 if hands == 2 else item.segment.plain == 0)
                    for part in item.parts:
                        faces = part.faces(level=level, mirrored=mirrored)
                        pipeline = part.batch.key.pipeline
                        like = pipeline, kind >= item.levels or (fading and pipeline.blends)  # one draw
                        command = number, kind * hands + hand, faces.count, faces.first
                        sources.setdefault(like, []).append(command)
        self.runs, first = [], 0
        for pipeline, fades in sorted(sources, key=lambda like: (like[0].order, like[1])):
            count = len(sources[pipeline, fades])
            self.runs.append(Run(pipeline, fades, first, count))
            first += count
        ordered = [command for run in self.runs for command in sources[run.pipeline, run.fades]]
        self._write("sources", np.array(ordered, SOURCE.dtype))

    def _write(self, name: str, data: npt.NDArray[Any]) -> None:
        self._reserve(name, data.nbytes)
        if data.nbytes:
            self._buffers[name].write(data)

    def _reserve(self, name: str, size: int) -> None:
        """Room in a buffer, or in a larger one that takes its place."""
        buffer = self._buffers[name]
        if size > buffer.size:
            buffer.release()
            self._buffers[name] = checked_buffer(
                self._ctx, reserve=size * 5 // 4, purpose=f"visibility's {name}"
            )
