"""What the compute passes know of the picture: splats pixel by pixel, and the pyramid of depths."""

from __future__ import annotations

from collections.abc import Mapping

import moderngl

from throng import layout
from throng.gpu import source
from throng.gpu.context import checked_buffer
from throng.gpu.programs import CULL_BINDING, FRAME_BINDING
from throng.gpu.visibility import VisibilityPrograms
from throng.layout import CELL

TILE = 8  # pixels along each side of what the pyramid's finest level holds one depth of
_RECORDS, _SCREEN, _MASKS = 3, 5, 6


class Screen:
    """For each pixel the nearest splat's depth and its record; then the pyramid's levels, finest first.

    All in one buffer of words; where what begins is `at_owners`, `at_pyramid`. In `orders` the scan says whether
    there are splats, to be painted and to be cleared away before the next are written.
    """

    def __init__(
        self, ctx: moderngl.Context, programs: VisibilityPrograms, limit: int, max_groups: int
    ) -> None:
        self._ctx = ctx
        self._programs = programs
        self._limit = limit
        self._max_groups = max_groups
        self._painters: dict[tuple[tuple[str, object], ...], moderngl.VertexArray] = {}
        self.buffer = checked_buffer(ctx, reserve=16, purpose="the splats' pixels")
        self.orders = checked_buffer(ctx, bytes(64), purpose="the splats' draw command")
        self._clean = False
        self.at_owners = self.at_pyramid = 0
        self._levels: list[tuple[int, int]] = [(1, 1)]

    @property
    def tiles(self) -> tuple[int, int]:
        """Of the finest level, across and down."""
        return self._levels[0]

    def lay_out(self, width: int, height: int, *, splats: bool) -> None:
        """For a picture of that size; without pixels for splats where there are none."""
        pixels = width * height if splats else 0
        self._clean = self._clean and pixels == self.at_owners
        self.at_owners = pixels
        self.at_pyramid = 2 * self.at_owners
        level = -(-width // TILE), -(-height // TILE)
        self._levels = [level]
        while level != (1, 1):
            level = (level[0] + 1) // 2, (level[1] + 1) // 2
            self._levels.append(level)
        needed = 4 * (self.at_pyramid + sum(across * down for across, down in self._levels))
        if needed > self.buffer.size:
            self.buffer.release()
            self.buffer = checked_buffer(self._ctx, reserve=needed, purpose="the splats' pixels")
            self._clean = False

    def fits_splats(self, width: int, height: int) -> bool:
        """Whether a picture of that size is not too large for splats: two words a pixel in one block."""
        return width * height * 9 <= self._limit

    def clear(self) -> None:
        """No pixel has a splat. Visibility.bind comes first, as in all that follows."""
        program = self._programs.get("clear")
        self.buffer.bind_to_storage_buffer(_SCREEN)
        program["word_count"] = self.at_pyramid
        groups = -(-self.at_pyramid // CELL)
        width = min(groups, self._max_groups)
        if self._clean:
            program.run_indirect(self.orders, offset=32)
        else:
            program.run(width, -(-groups // width), 1)
            self._clean = True
        self._ctx.memory_barrier(moderngl.SHADER_STORAGE_BARRIER_BIT)

    def build_pyramid(self, depth: moderngl.Texture, samples: int) -> None:
        """From the depths drawn so far."""
        self.buffer.bind_to_storage_buffer(_SCREEN)
        depth.use(location=0)
        at = self.at_pyramid
        finer = (0, 0)
        for number, level in enumerate(self._levels):
            if number == 0:
                program = self._programs.get("pyramid", FINEST=1, SAMPLES=samples)
                program["depth"] = 0
                coarser_at = at
            else:
                program = self._programs.get("pyramid", SAMPLES=1)
                program["at_finer"], program["finer"] = at, finer
                coarser_at = at + finer[0] * finer[1]
            program["at_coarser"], program["coarser"] = coarser_at, level
            program.run(-(-level[0] // 8), -(-level[1] // 8), 1)
            self._ctx.memory_barrier(moderngl.SHADER_STORAGE_BARRIER_BIT)
            at, finer = coarser_at, level

    def paint(self, records: moderngl.Buffer, masks: moderngl.Buffer, defines: Mapping[str, object]) -> None:
        """Draws the splats into the framebuffer in use, where they are nearer than what is there."""
        key = tuple(sorted(defines.items()))
        if key not in self._painters:
            program = source.compile_program(
                self._ctx, "splats", version=430, defines=defines,
                generated={"layout.glsl": layout.glsl()}, vertex="screen.vert", fragment="splats.frag",
            )  # fmt: skip
            for block, binding in (("FrameBlock", FRAME_BINDING), ("CullBlock", CULL_BINDING)):
                program[block].binding = binding  # type: ignore[union-attr]
            self._painters[key] = self._ctx.vertex_array(program, [])
        limit = min(self._limit, records.size)
        records.bind_to_storage_buffer(_RECORDS, size=limit)
        self.buffer.bind_to_storage_buffer(_SCREEN)
        masks.bind_to_storage_buffer(_MASKS)
        self._painters[key].render_indirect(self.orders, moderngl.TRIANGLES, count=1)

    def release(self) -> None:
        self.buffer.release()
        self.orders.release()
        for painter in self._painters.values():
            painter.program.release()
            painter.release()
