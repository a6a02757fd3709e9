"""Mode "naive": a draw call for each object, its values set as uniforms. The baseline.

Written as a good engineer would write it: values prepared once, state changed once for each batch, and no
more Python for each object than its uniforms and its call need. It has no use for columns on the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import moderngl
import numpy as np

from throng.gpu.instanced import UNIFORMS, item_defines, reads_ids
from throng.gpu.items import Item, ItemTable, vertex_content
from throng.gpu.request import Request, Tally
from throng.gpu.selection import Share
from throng.gpu.shared import Shared
from throng.gpu.sorting import turns

_WHOLE = (
    "positions",
    "rotations",
    "scales",
    "colors",
    "ids",
    "materials",
    "layer",
    "uv_offset",
)  # columns that are one uniform of that name
# column: uniform, bytes, bytes from the start of the row
_PARTS = {
    "matrices": [
        ("matrix_row0", 16, 0),
        ("matrix_row1", 16, 16),
        ("matrix_row2", 16, 32),
        ("matrix_low", 12, 48),
    ],
}
_Write = Callable[[bytes], None]


@dataclass(frozen=True)
class _Kit:
    """What an item is drawn with.

    values   what is the same for all of it: how to set it, and to what
    writes   how to set what is not
    columns  to what, row by row
    faces    how many indices, from which on, row by row
    """

    values: list[tuple[_Write, bytes]]
    writes: list[_Write]
    columns: list[tuple[bytes, ...]]
    faces: list[tuple[int, int]]
    render: Callable[..., None]


class NaiveMode:
    """Draws object by object."""

    def __init__(self, shared: Shared) -> None:
        self._ctx = shared.ctx
        self._pool = shared.pool
        self._programs = shared.programs(330)
        self._arrays: dict[tuple[object, ...], moderngl.VertexArray] = {}
        self._values: dict[tuple[int, str], tuple[int, list[bytes]]] = {}
        self._items: Sequence[Item] = ()
        self._table: ItemTable | None = None
        self._triangles = 0

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None:
        """Takes over another list of items."""
        self._items, self._table = items, table
        self._values.clear()

    def draw(self, request: Request, state: object) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        self._triangles = 0
        return self.draw_blended(request)

    def draw_blended(self, request: Request) -> int:
        """Draws what takes part in this pass; the number of draw calls."""
        assert self._table is not None
        kits = {
            number: self._kit(number, item, request.defines)
            for number, item in enumerate(self._items)
            if request.draws(item.batch.key.pipeline)
        }
        if not (request.sorts and request.draws_blended):
            return sum(self._draw_rows(kit, range(len(kit.faces))) for kit in kits.values())
        shares = [Share(0, None, (), 0, 0) if number in kits else None for number in range(len(self._items))]
        order = turns(self._items, self._table.worlds, shares, request.view)
        return sum(self._draw_rows(kits[turn.item], turn.rows.tolist()) for turn in order)

    def tally(self, total: int, *, wait: bool) -> Tally:
        return Tally(visible=total, triangles=self._triangles)

    def release(self) -> None:
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()

    def _kit(self, number: int, item: Item, defines: Mapping[str, object]) -> _Kit:
        assert self._table is not None
        wanted = {**defines, **item_defines(item, item.parts[0]), "INSTANCE": "uniform"}
        if reads_ids(wanted):
            wanted["HAS_IDS"] = 1
        program = self._programs.get(wanted)
        row = self._table.rows[number]
        values = [
            (program[name].write, row[field].tobytes())  # type: ignore[union-attr]
            for name, field in UNIFORMS.items()
            if name in program
        ]
        setters = self._setters(number, item, program)
        columns = list(zip(*(values for _, values in setters), strict=True))
        render = self._vertex_array(program).render
        return _Kit(values, [write for write, _ in setters], columns, self._faces(item), render)

    def _draw_rows(self, kit: _Kit, rows: Iterable[int]) -> int:
        """Draws these of an item's rows; how many there were."""
        for write, value in kit.values:
            write(value)
        writes, columns, faces, render = kit.writes, kit.columns, kit.faces, kit.render
        count = 0
        for row in rows:
            for write, value in zip(writes, columns[row], strict=True):
                write(value)
            vertices, first = faces[row]
            render(moderngl.TRIANGLES, vertices, first=first)
            self._triangles += vertices // 3
            count += 1
        return count

    def _faces(self, item: Item) -> list[tuple[int, int]]:
        """For each object how many indices to draw, from which on."""
        segment = item.segment
        ranges = [item.parts[0].faces(mirrored=mirrored) for mirrored in (False, True)]
        plain, turned = ((faces.count, faces.first) for faces in ranges)
        if item.batch.mirrors:
            plain, turned = turned, plain
        mirrored = item.batch.instances.mirrored
        if mirrored is None:
            return [plain] * segment.count
        hands = mirrored[segment.first : segment.first + segment.count].tolist()
        return [turned if hand else plain for hand in hands]

    def _setters(
        self, number: int, item: Item, program: moderngl.Program
    ) -> list[tuple[_Write, list[bytes]]]:
        """For each uniform that differs from object to object how to set it, and its values."""
        setters = []
        for name, column in item.batch.instances.columns.items():
            whole = [(name, column.row_bytes, 0)] if name in _WHOLE else []
            if any(name == custom for custom, _ in item.shader_columns):
                whole = [(f"custom_{name}", column.row_bytes, 0)]
            for uniform, size, start in _PARTS.get(name, whole):
                if uniform in program:
                    values = self._rows(number, item, name, uniform, size, start)
                    setters.append((program[uniform].write, values))  # type: ignore[union-attr]
        if "ids" in program and "ids" not in item.batch.instances.columns:
            first = item.segment.first
            rows = np.arange(first, first + item.segment.count, dtype=np.int32)
            setters.append((program["ids"].write, _split(rows.tobytes(), 4)))  # type: ignore[union-attr]
        return setters

    def _rows(self, number: int, item: Item, name: str, uniform: str, size: int, start: int) -> list[bytes]:
        """The bytes to write for each object; kept until the column changes."""
        column = item.batch.instances.columns[name]
        latest = column.versions.latest
        known = self._values.get((number, uniform))
        if known is None or known[0] != latest:
            segment = item.segment
            data = np.ascontiguousarray(column.read(segment.first, segment.first + segment.count))
            raw = data.view(np.uint8).reshape(segment.count, column.row_bytes)
            if name == "colors":
                raw = raw.view(np.float16).astype(np.float32).view(np.uint8)
                size = 16
            known = latest, _split(np.ascontiguousarray(raw[:, start : start + size]).tobytes(), size)
            self._values[number, uniform] = known
        return known[1]

    def _vertex_array(self, program: moderngl.Program) -> moderngl.VertexArray:
        key = self._pool.version, program.glo
        if key not in self._arrays:
            self._arrays[key] = self._ctx.vertex_array(
                program, [vertex_content(self._pool, program)],
                index_buffer=self._pool.indices, index_element_size=4,
            )  # fmt: skip
        return self._arrays[key]


def _split(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]
