"""One scene on the GPU: its columns, its items, and the mode that draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from throng.gpu import rawgl
from throng.gpu.indirect import IndirectMode
from throng.gpu.instanced import InstancedMode
from throng.gpu.instances import Instances, InstanceStore
from throng.gpu.items import Batch, Item, ItemTable, make_items, sync, wants
from throng.gpu.lighting import Lighting
from throng.gpu.materials import MaterialTable
from throng.gpu.naive import NaiveMode
from throng.gpu.programs import UNITS
from throng.gpu.request import Request, Switches, Tally
from throng.gpu.shadows import ShadowMaps
from throng.gpu.shared import Shared
from throng.gpu.view import View
from throng.layout import FRAME
from throng.model.camera import Camera
from throng.model.light import Sun
from throng.model.material import Mover, Pipeline, Wind

_TO_COVERAGE, _TO_ONE = 0x809E, 0x809F  # GL_SAMPLE_ALPHA_TO_COVERAGE, GL_SAMPLE_ALPHA_TO_ONE


class Mode(Protocol):
    """A way of drawing items."""

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None: ...
    def draw(self, request: Request, state: object) -> int: ...
    def draw_blended(self, request: Request) -> int: ...
    def tally(self, total: int, *, wait: bool) -> Tally: ...
    def release(self) -> None: ...


_MODES: dict[str, Callable[[Shared], Mode]] = {
    "indirect": IndirectMode,
    "instanced": InstancedMode,
    "naive": NaiveMode,
}


class GpuScene:
    """Mirrors one scene's batches, in one mode."""

    def __init__(self, shared: Shared, mode: str) -> None:
        self.mode_name = mode
        self._shared = shared
        limit = shared.capabilities.storage_block_bytes or 1 << 30
        self._store = InstanceStore(shared.ctx, limit, ordered=mode == "indirect")
        self._mode: Mode = _MODES[mode](shared)
        self.materials = MaterialTable(shared.ctx, shared.textures)
        self.lighting = Lighting(shared.ctx)
        self._shadows: ShadowMaps | None = None
        self._items: Sequence[Item] = ()
        self.frame: npt.NDArray[np.void] = np.zeros((), FRAME.dtype)  # of what is drawn
        self._pipelines: set[Pipeline] = set()
        self._made_for = (False, False)
        self._table = ItemTable(())
        self._listed: tuple[object, ...] = ()
        self._values = -1
        self._placed: tuple[object, ...] = ()
        self._columns = 0  # how often any changed

    @property
    def uploaded_bytes(self) -> int:
        """Bytes of columns written since the scene was first drawn."""
        return self._store.uploaded_bytes

    def upload(
        self,
        batches: Sequence[Batch],
        sources: Iterable[Instances],
        version: int,
        values: int,
        *,
        lod: bool,
        splat: bool,
        motion: bool,
    ) -> None:
        """Brings columns and items up to date, once materials are. May draw into a framebuffer of its own,
        to make splat masks.

        lod, splat  whether to have what levels of detail and splats need
        motion   whether what moves by itself does
        version  another one where other instances are drawn, or in another way
        values   another one where only transforms or colours of batches changed
        """
        residents = sync(self._store, batches)
        pool = self._shared.pool
        layouts = [resident.layout for resident in residents]
        self._columns += any(resident.changed for resident in residents)
        naive = self.mode_name == "naive"
        lod, splat = lod and not naive, splat and self.mode_name == "indirect"
        textured = self.materials.textured
        if (version, layouts, pool.epoch, lod, splat, motion, textured) == self._listed:
            if values != self._values:
                self._table.update_values()
                self._values, self._placed = values, ()
            return
        self._store.retain(sources)
        pool.retain(self, (want for batch in batches for want in wants(batch, lod=lod)))
        items = make_items(batches, residents, pool, lod=lod, merged=not naive, motion=motion)
        self._table = ItemTable(items)
        self._items, self._made_for = items, (lod, splat)
        self._pipelines = {part.batch.key.pipeline for item in items for part in item.parts}
        self._mode.rebuild(items, self._table, lod=lod, splat=splat)
        if self._shadows is not None:
            self._shadows.rebuild(items, self._table, lod=lod, splat=splat)
        self._listed = version, layouts, pool.epoch, lod, splat, motion, textured
        self._values, self._placed = values, ()

    def place(
        self, origin: npt.NDArray[np.float64], seconds: float, wind: Wind, movers: Sequence[Mover] = ()
    ) -> None:
        """Makes everything relative to `origin`, at this time, in this wind, with these movers in it."""
        pushing = self._table.bends and bool(movers)
        bending = (wind, tuple(movers)) if self._table.bends else ()
        placed = origin.tolist(), seconds if self._table.moves else 0.0, bending
        if placed != self._placed:
            self._table.place(origin, seconds, pushed=pushing)
            self._placed = placed

    def cast_shadows(
        self, camera: Camera, view: View, sun: Sun, switches: Switches, frame: npt.NDArray[np.void]
    ) -> int:
        """Draws the maps of the sun's shadows, in a framebuffer of their own; the number of draw calls.

        frame  the FRAME block of `view`
        """
        if self._shadows is None:
            shared = self._shared
            self._shadows = ShadowMaps(
                shared.ctx, lambda: _MODES[self.mode_name](shared),
                reversed_depth=shared.capabilities.clip_control,
            )  # fmt: skip
            lod, splat = self._made_for
            self._shadows.rebuild(self._items, self._table, lod=lod, splat=splat)
        self._bind()
        names = ("TEXTURED", "COLOR_TEXTURES") if self.cuts else ()
        cuts = {name: self.materials.defines[name] for name in names if name in self.materials.defines}
        state = self._state, self.materials.made if cuts else None
        calls = self._shadows.draw(camera, view, sun, switches, frame, cuts, state)
        self._shadows.bind(UNITS["shadow_maps"])
        return calls

    def draw(self, request: Request) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        self._bind()
        # Where many samples are there, alpha tells how many of them what is cut out covers.
        covers = request.samples > 1 and self.cuts
        if covers:
            request = replace(request, defines={**request.defines, "COVERAGE": request.samples})
        with rawgl.switched_on(*(_TO_COVERAGE, _TO_ONE) if covers else ()):
            calls = self._mode.draw(request, self._state)
        if request.backdrop is not None:
            request.backdrop()
        return calls

    @property
    def cuts(self) -> bool:
        """Whether any material is cut out by its alpha."""
        return any(part.batch.key.pipeline.cuts for item in self._items for part in item.parts)

    @property
    def blends(self) -> bool:
        """Whether any material is blended."""
        return any(pipeline.blends for pipeline in self._pipelines)

    def draw_blended(self, request: Request) -> int:
        """Draws what `draw` left out because it is blended; the number of draw calls."""
        return self._mode.draw_blended(request)

    def _bind(self) -> None:
        self.materials.bind(UNITS["material_table"])
        self._shared.textures.bind(UNITS["textures0"])

    @property
    def _state(self) -> tuple[object, ...]:
        """Another one where anything that is drawn is."""
        return self._listed, self._values, self._placed, self._columns

    def tally(self, total: int, *, wait: bool) -> Tally:
        """What became of the scene's `total` instances: lately, or, if it may wait, in the latest frame."""
        return self._mode.tally(total, wait=wait)

    def release(self) -> None:
        self._shared.pool.forget(self)
        self._store.release()
        self.materials.release()
        self.lighting.release()
        if self._shadows is not None:
            self._shadows.release()
        self._mode.release()
