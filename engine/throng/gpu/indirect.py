"""Mode "indirect": records from the expansion pass, and one multi-draw for everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import moderngl
import numpy as np

from throng.gpu.context import checked_buffer
from throng.gpu.expand import Expansion
from throng.gpu.items import Item, ItemTable, vertex_content
from throng.gpu.shared import Shared
from throng.layout import COMMAND

_RECORD_FORMATS = {
    False: ("4f 4f 4f 4f2 8x/i", ("record_row0", "record_row1", "record_row2", "record_color")),
    True: ("4f 4f 4f 4f2 2i/i", ("record_row0", "record_row1", "record_row2", "record_color", "record_ids")),
}


class IndirectMode:
    """Draws all items with a single glMultiDrawElementsIndirect."""

    def __init__(self, shared: Shared) -> None:
        ctx, limits = shared.ctx, shared.capabilities
        self._ctx = ctx
        self._pool = shared.pool
        self._programs = shared.programs(430)
        self._expansion = Expansion(
            ctx, shared.expand_program, limits.storage_block_bytes, limits.max_work_groups[0]
        )
        self._commands = checked_buffer(ctx, reserve=COMMAND.itemsize, purpose="draw commands")
        self._command_count = 0
        self._arrays: dict[tuple[object, ...], moderngl.VertexArray] = {}
        self._colored = False
        self.triangles = 0

    def rebuild(self, items: Sequence[Item], table: ItemTable) -> None:
        """Takes over another list of items."""
        self._expansion.rebuild(items, table)
        self._colored = any(item.slot.colored for item in items)
        self._write_commands(items)
        self._release_arrays()

    def draw(self, defines: Mapping[str, object]) -> int:
        """Draws everything into the framebuffer in use; the number of draw calls."""
        self._expansion.run()
        if not self._command_count:
            return 0
        self._vertex_array(defines).render_indirect(
            self._commands, moderngl.TRIANGLES, count=self._command_count
        )
        return 1

    def release(self) -> None:
        self._release_arrays()
        self._expansion.release()
        self._commands.release()

    def _write_commands(self, items: Sequence[Item]) -> None:
        commands: list[tuple[int, int, int, int, int]] = []
        for item, first in zip(items, self._expansion.first_records.tolist(), strict=True):
            key, segment, mirrors = item.batch.key, item.segment, item.batch.mirrors
            if key.double_sided:
                runs = [(0, segment.count, False)]
            else:
                plain = segment.plain
                runs = [(0, plain, mirrors), (plain, segment.count - plain, not mirrors)]
            for start, count, mirrored in runs:
                faces = item.slot.faces(double_sided=key.double_sided, mirrored=mirrored)
                if count:
                    commands.append((faces.count, count, faces.first, 0, first + start))
        data = np.array(commands, COMMAND)
        self._command_count = len(commands)
        self.triangles = int((data["index_count"].astype(np.int64) // 3 * data["instance_count"]).sum())
        if data.nbytes > self._commands.size:
            self._commands.release()
            self._commands = checked_buffer(self._ctx, reserve=2 * data.nbytes, purpose="draw commands")
        if commands:
            self._commands.write(data)

    def _vertex_array(self, defines: Mapping[str, object]) -> moderngl.VertexArray:
        wanted = {**defines, "RECORDS": 1}
        if self._colored:
            wanted["VERTEX_COLORS"] = 1
        key = (self._pool.version, *sorted(wanted.items()))
        array = self._arrays.get(key)
        if array is None:
            text, names = _RECORD_FORMATS["OUT_IDS" in defines]
            content = [
                vertex_content(self._pool, colored=self._colored),
                (self._expansion.records, text, *names),
            ]
            array = self._ctx.vertex_array(
                self._programs.get(wanted), content, index_buffer=self._pool.indices, index_element_size=4
            )
            self._arrays[key] = array
        return array

    def _release_arrays(self) -> None:
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()
