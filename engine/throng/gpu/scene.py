"""One scene on the GPU: its columns, its items, and the mode that draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from throng.gpu.indirect import IndirectMode
from throng.gpu.instanced import InstancedMode
from throng.gpu.instances import Instances, InstanceStore
from throng.gpu.items import Batch, Item, ItemTable, make_items, sync, two_sided
from throng.gpu.naive import NaiveMode
from throng.gpu.shared import Shared


class Mode(Protocol):
    """A way of drawing items."""

    triangles: int

    def rebuild(self, items: Sequence[Item], table: ItemTable) -> None: ...
    def draw(self, defines: Mapping[str, object]) -> int: ...
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
        self._store = InstanceStore(shared.ctx, shared.capabilities.storage_block_bytes or 1 << 30)
        self._mode: Mode = _MODES[mode](shared)
        self._table = ItemTable(())
        self._listed: tuple[object, ...] = ()
        self._values = -1
        self._placed: tuple[object, ...] = ()

    @property
    def triangles(self) -> int:
        """How many the latest draw submitted."""
        return self._mode.triangles

    @property
    def uploaded_bytes(self) -> int:
        """Bytes of columns written since the scene was first drawn."""
        return self._store.uploaded_bytes

    def upload(
        self, batches: Sequence[Batch], sources: Iterable[Instances], version: int, values: int
    ) -> None:
        """Brings columns and items up to date.

        version  another one where other instances are drawn, or in another way
        values   another one where only transforms or colours of batches changed
        """
        residents = sync(self._store, batches)
        pool = self._shared.pool
        layouts = [resident.layout for resident in residents]
        if (version, layouts, pool.epoch) == self._listed:
            if values != self._values:
                self._table.update_values()
                self._values, self._placed = values, ()
            return
        self._store.retain(sources)
        pool.retain(self, ((batch.key.mesh, two_sided(batch)) for batch in batches))
        items = make_items(batches, residents, pool)
        self._table = ItemTable(items)
        self._mode.rebuild(items, self._table)
        self._listed = version, layouts, pool.epoch
        self._values, self._placed = values, ()

    def place(self, origin: npt.NDArray[np.float64], seconds: float) -> None:
        """Makes everything relative to `origin`, at this time."""
        placed = origin.tolist(), seconds if self._table.moves else 0.0
        if placed != self._placed:
            self._table.place(origin, seconds)
            self._placed = placed

    def draw(self, defines: Mapping[str, object]) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        return self._mode.draw(defines)

    def release(self) -> None:
        self._shared.pool.forget(self)
        self._store.release()
        self._mode.release()
