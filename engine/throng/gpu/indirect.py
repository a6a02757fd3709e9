"""Mode "indirect": the GPU decides what is drawn, and one multi-draw for each pipeline draws it.

Occlusion takes two phases: what was visible in the frame before is drawn first; a pyramid of the depths that
it left hides the rest, or does not, and what it does not is drawn second. So there is no frame of lag: what
the first phase draws in vain is hidden by the depth test, and what it misses the second draws (Haar and
Aaltonen, "GPU-Driven Rendering Pipelines", SIGGRAPH 2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import moderngl
import numpy as np

from throng.gpu.context import checked_buffer
from throng.gpu.items import Item, ItemTable, content, vertex_content
from throng.gpu.request import DEBUG, Request, Tally
from throng.gpu.screen import Screen
from throng.gpu.shared import Shared
from throng.gpu.sorting import Sorted
from throng.gpu.visibility import Drawn, Run, Visibility
from throng.layout import COUNTERS, MOST_CUSTOM, NONE, SWITCHES

_RECORD_ATTRIBUTES = (
    ("record_row0", "4f", 16), ("record_row1", "4f", 16), ("record_row2", "4f", 16),
    ("record_look", "2u", 8), ("record_ids", "2i", 8),
)  # fmt: skip
_EXTRA_ATTRIBUTES = (
    ("record_extra", "4u", 16), *((f"record_custom{slot}", "4u", 16) for slot in range(MOST_CUSTOM)),
)  # fmt: skip
_WORTH_MASKS = 64  # instances for which masks of their model are made
_LARGEST_MASKED = 1e15  # the radius of models whose masks float32 has room for
_LAG = 3  # frames after which counters are surely there
_WORTH_TESTING = 0.02  # the share of instances that has to be hidden for the second phase to be worth it
_PROBE = 30  # frames from one look whether it is to the next
_SETTLES = 3  # tests of the same frame until nothing more is found


def _blends(item: Item) -> bool:
    return all(part.batch.key.pipeline.blends for part in item.parts)


def _worth_masks(item: Item) -> bool:
    batches = [part.batch for part in item.parts]
    if len({b.key.pipeline.blends for b in batches}) > 1 or any(
        b.textured and b.surface is None for b in batches
    ):
        return False
    if item.shaders or item.texture_columns or any(b.key.pipeline.alpha_mode == "hash" for b in batches):
        return False  # masks do not know these
    return item.batch.instances.count >= _WORTH_MASKS and 0.0 < item.extent.radius < _LARGEST_MASKED


class IndirectMode:
    """Draws all items with glMultiDrawElementsIndirect."""

    def __init__(self, shared: Shared) -> None:
        ctx, limits = shared.ctx, shared.capabilities
        self._ctx = ctx
        self._pool = shared.pool
        self._masks = shared.masks
        self._programs = shared.programs(430)
        self._visibility = Visibility(ctx, shared.visibility_programs, limits)
        self._screen = Screen(
            ctx, shared.visibility_programs, limits.storage_block_bytes, limits.max_work_groups[0]
        )
        self._drawn = [Drawn(ctx), Drawn(ctx)]
        self._sorted = Sorted(ctx)
        self._arrays: dict[tuple[object, ...], moderngl.VertexArray] = {}
        self._counters = [checked_buffer(ctx, reserve=64, purpose="counters") for _ in range(_LAG)]
        self._frames = 0
        self._counted = 0  # instances of all items
        self._colored = self._bends = self._offset = False
        self._masked: set[bool] = set()  # whether what has masks blends
        self._made: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = ()  # which frame's, if any, what is kept as seen is
        self._latest = 0  # of `_drawn`, the one that has the splats
        self._idle = 0  # frames for which nothing is tested against the pyramid
        self._tested = 0  # frames in a row for which it was
        self._settled = 0  # tests of the frame that is drawn, since anything changed
        self._age = 0  # frames since the last that was decided

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None:
        """Takes over another list of items."""
        worth = [item for item in items if splat and _worth_masks(item)]
        places = dict(zip(map(id, worth), self._masks.places(self, worth), strict=True))
        table.rows["mask"] = [places.get(id(item), NONE) for item in items]
        self._counted = sum(item.segment.count for item in items)
        table.rows["blended"] = [_blends(item) for item in items]
        self._masked = {_blends(item) for item in worth if places[id(item)] != NONE}
        self._visibility.rebuild(items, table, fading=lod)
        self._bends = table.bends
        self._offset = any(item.texture_columns for item in items)
        self._colored = any(slot.colored for item in items for part in item.parts for slot in part.slots)
        self._made = ()
        self._idle = 0
        self._seen = ()  # it belongs to the items that were
        self._sorted.forget()
        self._release_arrays()

    def draw(self, request: Request, state: object) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls.

        state  another one where the scene's values, columns or items are others
        """
        if not self._visibility.has_items:
            return 0
        switches = request.switches
        splats = self._has_splats(request, blended=False)
        summed = self._has_splats(request, blended=True)
        chooses = switches.cull or switches.lod or splats or summed or switches.occlusion
        views = (request.view.key, request.chooser.key) if chooses else None
        made = (state, switches, splats, summed, request.separates, views, self._tests(request))
        if self._visibility.refresh() or made != self._made:
            self._settled = 0
        elif not self._unsettled(request):
            return self._repeat(request, splats=splats)
        calls = self._decide(request, splats=splats)
        self._made = made
        return calls

    def draw_blended(self, request: Request) -> int:
        """Draws what `draw` left out because it is blended; the number of draw calls."""
        if not self._visibility.has_items:
            return 0
        drawn, runs = self._drawn[self._latest], self._runs(request)
        if request.sorts:
            self._sorted.update(drawn, runs, self._visibility.extras, request, self._frames)
            drawn, runs = self._sorted.drawn, self._sorted.runs
        calls = self._render(drawn, runs, request)
        if request.sums is not None and self._has_splats(request, blended=True):
            assert request.depth is not None
            request.depth().use(location=0)
            self._visibility.add_splats(self._drawn[self._latest], self._masks.buffer, request)
        return calls

    def tally(self, total: int, *, wait: bool) -> Tally:
        """What became of `total` instances' parts: as they were lately, or just now if it may wait."""
        if not self._frames or not self._visibility.has_items:
            return Tally()
        behind = 1 if wait else max(min(_LAG - self._age, self._frames), 1)
        buffer = self._counters[(self._frames - behind) % _LAG]
        raw = np.frombuffer(buffer.read(4 * len(COUNTERS)), np.uint32).tolist()
        found = dict(zip(COUNTERS, raw, strict=True))
        # The parts of a node are counted one by one: each has its share in the node.
        if self._counted > total:
            for name in ("culled", "occluded", "simplified", "splats"):
                found[name] = round(found[name] * total / self._counted)
        return Tally(
            visible=max(total - found["culled"] - found["occluded"], 0),
            culled=found["culled"],
            occluded=found["occluded"],
            simplified=found["simplified"],
            splats=found["splats"],
            triangles=found["triangles"] + (found["triangles_high"] << 32),
        )

    def release(self) -> None:
        self._release_arrays()
        self._masks.forget(self)
        self._visibility.release()
        self._screen.release()
        for drawn in (*self._drawn, self._sorted.drawn):
            drawn.release()
        for buffer in self._counters:
            buffer.release()

    # -- inside ------------------------------------------------------------------------------------

    def _has_splats(self, request: Request, *, blended: bool) -> bool:
        """Whether something may be splats, of what is blended or of what is drawn with the rest."""
        if not request.switches.splat:
            return False
        if blended:
            return True in self._masked and request.sums is not None
        _, _, width, height = request.view.viewport
        drawn = self._masked - {request.separates} if request.separates else self._masked
        return bool(drawn) and self._screen.fits_splats(width, height, request.samples)

    def _repeat(self, request: Request, *, splats: bool) -> int:
        self._visibility.bind()
        runs = self._runs(request)
        calls = self._render(self._drawn[0], runs, request)
        if self._latest == 1:
            calls += self._render(self._drawn[1], runs, request)
        if splats:
            self._screen.paint(self._drawn[self._latest].records, self._masks.buffer, request.defines)
        self._age += 1
        return calls

    def _unsettled(self, request: Request) -> bool:
        """Whether deciding the same frame again may leave out more, or less."""
        if not self._tests(request):
            return False
        if self._idle:
            self._idle -= 1
            return False
        if request.alone or self._settled < _SETTLES:
            return self._settled < _SETTLES
        # What others have drawn may be another thing each time, and what it hid may come out again.
        return self._settled < _SETTLES + _LAG or self.tally(self._counted, wait=False).occluded > 0

    @staticmethod
    def _tests(request: Request) -> bool:
        return request.switches.occlusion and request.depth is not None and not request.frozen

    def _decide(self, request: Request, *, splats: bool) -> int:
        visibility, screen, switches = self._visibility, self._screen, request.switches
        _, _, width, height = request.view.viewport
        # What the frames before read and wrote, they are done with before it is written over.
        self._ctx.memory_barrier(moderngl.SHADER_STORAGE_BARRIER_BIT | moderngl.BUFFER_UPDATE_BARRIER_BIT)
        screen.lay_out(width, height, request.samples, splats=splats)
        summed = self._has_splats(request, blended=True)
        bits = SWITCHES["CULL"] * switches.cull | SWITCHES["LOD"] * switches.lod
        bits |= SWITCHES["SPLAT"] * (splats or summed) | SWITCHES["SUM"] * summed
        bits |= SWITCHES["BLEND"] * request.separates
        # Frozen, what was visible in the last frame that was tested is what stays.
        seen = (visibility.orders, switches.cull, switches.occlusion, request.chooser.key)
        kept = request.frozen and self._seen == seen
        bits |= SWITCHES["FROZEN"] * request.frozen | SWITCHES["KEPT"] * kept
        visibility.look(request, bits, DEBUG.index(switches.debug), screen)
        owners = "DEPTH_ONLY" not in request.defines
        if splats:
            visibility.bind()
            screen.clear(owners=owners)
        tested = self._tests(request) and not self._suspended()
        calls, runs = 0, self._runs(request)
        if tested:
            assert request.depth is not None
            visibility.run(self._drawn[0], screen, self._masks.buffer, SWITCHES["FIRST"])
            calls += self._render(self._drawn[0], runs, request)
            screen.build_pyramid(request.depth(), request.samples)
            visibility.run(self._drawn[1], screen, self._masks.buffer, SWITCHES["SECOND"])
            calls += self._render(self._drawn[1], runs, request)
        else:
            visibility.run(self._drawn[0], screen, self._masks.buffer, owners=owners)
            calls += self._render(self._drawn[0], runs, request)
        if tested:
            self._seen = seen
        elif not request.frozen:
            self._seen = ()
        self._tested = self._tested + 1 if tested else 0
        self._settled += tested
        self._latest = 1 if tested else 0
        if splats:
            screen.paint(self._drawn[self._latest].records, self._masks.buffer, request.defines)
        visibility.copy_counters(self._counters[self._frames % _LAG])
        self._frames += 1
        self._age = 0
        return calls

    def _suspended(self) -> bool:
        """Whether the last look at it, a few frames ago, found next to nothing hidden."""
        if self._idle:
            self._idle -= 1
            return True
        # The first frames see what was visible long ago, or nothing, and so hide little.
        if self._tested > _LAG + 1:
            found = self.tally(self._counted, wait=False)
            if found.occluded <= _WORTH_TESTING * found.visible:
                self._idle, self._tested = _PROBE, 0
                return True
        return False

    def _runs(self, request: Request) -> list[Run]:
        return [run for run in self._visibility.runs if request.draws(run.pipeline)]

    def _render(self, drawn: Drawn, runs: Sequence[Run], request: Request) -> int:
        for run in runs:
            array = self._vertex_array(drawn, {**request.defines, **run.defines})
            array.render_indirect(drawn.commands, moderngl.TRIANGLES, count=run.count, first=run.first)
        return len(runs)

    def _vertex_array(self, drawn: Drawn, defines: Mapping[str, object]) -> moderngl.VertexArray:
        wanted = {**defines, "RECORDS": 1}
        if self._offset:
            wanted["OFFSET_TEXTURES"] = 1
        if self._bends:
            wanted["WIND"] = 1
        if self._colored:
            wanted["VERTEX_COLORS"] = 1
        key = (
            id(drawn),
            drawn.version,
            self._pool.version,
            *sorted(wanted.items(), key=lambda item: item[0]),
        )
        array = self._arrays.get(key)
        if array is None:
            program = self._programs.get(wanted)
            parts = [
                vertex_content(self._pool, program),
                content(program, drawn.records, _RECORD_ATTRIBUTES, "i"),
            ]
            beside = _EXTRA_ATTRIBUTES[: self._visibility.extras]
            if any(name in program for name, _, _ in beside):
                parts.append(content(program, drawn.extras, beside, "i"))
            array = self._ctx.vertex_array(
                program, parts, index_buffer=self._pool.indices, index_element_size=4
            )
            self._arrays[key] = array
        return array

    def _release_arrays(self) -> None:
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()
