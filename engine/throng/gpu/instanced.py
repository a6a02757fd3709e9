"""Mode "instanced": one instanced draw for each item, its columns bound as attributes. OpenGL 3.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moderngl

from throng.gpu.items import Item, ItemTable, Part, vertex_content
from throng.gpu.meshes import IndexRange
from throng.gpu.request import Request, Tally
from throng.gpu.shared import Shared

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
}
UNIFORMS = {
    "item_row0": "row0", "item_row1": "row1", "item_row2": "row2", "item_tint": "tint",
    "item_motion": "motion", "item_object": "object", "item_first_row": "first_row",
}  # fmt: skip


def _attributes(name: str, width: int) -> list[tuple[str, str, int]]:
    """The attributes that a column of `width` words feeds."""
    return [("scales", f"{width}f", 0)] if name == "scales" else _ATTRIBUTES.get(name, [])


def item_defines(item: Item, part: Part) -> dict[str, object]:
    """What the vertex shader must know of the item's columns, of how it moves, and of one of its parts."""
    batch = item.batch
    columns = batch.instances.columns
    defines: dict[str, object] = {}
    if "matrices" in columns:
        defines["NODES"] = 1
    elif batch.turns:
        defines["TURNED_CROWD"] = 1
    if "scales" in columns:
        defines[f"SCALE_{columns['scales'].row_bytes // 4}"] = 1
    for name in ("rotations", "colors"):
        if name in columns:
            defines[f"HAS_{name.upper()}"] = 1
    if batch.key.motion is not None:
        defines["MOTION"] = 1
    if any(slot.colored for slot in part.slots):
        defines["VERTEX_COLORS"] = 1
    return defines


def reads_ids(defines: Mapping[str, object]) -> bool:
    """Whether a program made with these defines looks at the instance's id."""
    return "OUT_IDS" in defines or "MOTION" in defines


@dataclass(frozen=True)
class _Draw:
    """A vertex array ready to be drawn, and the uniforms that it needs set first."""

    array: moderngl.VertexArray
    faces: IndexRange
    count: int
    uniforms: tuple[tuple[moderngl.Uniform, str], ...]
    row: int
    hand: tuple[moderngl.Uniform, float] | None


class InstancedMode:
    """Draws item by item, with programs that read only the columns that are there."""

    def __init__(self, shared: Shared) -> None:
        self._ctx = shared.ctx
        self._pool = shared.pool
        self._programs = shared.programs(330)
        self._items: Sequence[Item] = ()
        self._table: ItemTable | None = None
        self._draws: dict[tuple[object, ...], list[_Draw]] = {}
        self._triangles = 0

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None:
        """Takes over another list of items."""
        self._items, self._table = items, table
        self._release_draws()

    def draw(self, request: Request, state: object) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        defines = request.defines
        assert self._table is not None
        rows = self._table.rows
        draws = self._draws_for(defines)
        for draw in draws:
            row = rows[draw.row]
            for uniform, field in draw.uniforms:
                uniform.write(row[field].tobytes())
            if draw.hand is not None:
                draw.hand[0].value = draw.hand[1]
            draw.array.render(
                moderngl.TRIANGLES, vertices=draw.faces.count, first=draw.faces.first, instances=draw.count
            )
        self._triangles = sum(draw.faces.count // 3 * draw.count for draw in draws)
        return len(draws)

    def tally(self, total: int, *, wait: bool) -> Tally:
        return Tally(visible=total, triangles=self._triangles)

    def release(self) -> None:
        self._release_draws()

    def _draws_for(self, defines: Mapping[str, object]) -> list[_Draw]:
        key = (self._pool.version, *sorted(defines.items()))
        draws = self._draws.get(key)
        if draws is None:
            draws = self._draws[key] = [
                draw
                for number, item in enumerate(self._items)
                for part in item.parts
                for draw in self._item_draws(number, item, part, defines)
            ]
        return draws

    def _item_draws(
        self, number: int, item: Item, part: Part, defines: Mapping[str, object]
    ) -> list[_Draw]:
        wanted = {**defines, **item_defines(item, part), "INSTANCE": "in"}
        key, segment, mirrors = part.batch.key, item.segment, item.batch.mirrors
        if "ids" in item.batch.instances.columns and reads_ids(wanted):
            wanted["HAS_IDS"] = 1
        by_hand = segment.mixed and not key.double_sided
        if by_hand:
            wanted["ONE_HAND"] = 1
        program = self._programs.get(wanted)
        array = self._vertex_array(item, program, colored="VERTEX_COLORS" in wanted)
        uniforms = tuple((program[name], field) for name, field in UNIFORMS.items() if name in program)
        hands = [False, True] if by_hand else [mirrors != (segment.plain == 0)]
        return [
            _Draw(
                array,
                part.faces(mirrored=mirrored),
                segment.count,
                uniforms,  # type: ignore[arg-type]
                number,
                (program["hand"], -1.0 if mirrored != mirrors else 1.0) if by_hand else None,  # type: ignore[arg-type]
            )
            for mirrored in hands
        ]

    def _vertex_array(self, item: Item, program: moderngl.Program, *, colored: bool) -> moderngl.VertexArray:
        array = self._ctx.vertex_array(
            program, [vertex_content(self._pool, colored=colored)],
            index_buffer=self._pool.indices, index_element_size=4,
        )  # fmt: skip
        segment = item.segment
        for name, column in item.batch.instances.columns.items():
            for attribute, text, start in _attributes(name, column.row_bytes // 4):
                if attribute not in program:
                    continue
                member = program[attribute]
                assert isinstance(member, moderngl.Attribute)
                kind = "i" if text.endswith("i") else "f"
                offset = segment.offsets[name] + start
                array.bind(member.location, kind, segment.page.buffer, text, offset, column.row_bytes, 1)
        return array

    def _release_draws(self) -> None:
        for draws in self._draws.values():
            for array in {draw.array for draw in draws}:
                array.release()
        self._draws.clear()
