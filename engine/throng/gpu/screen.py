"""What the compute passes know of the picture: splats pixel by pixel, and the pyramid of depths."""

from __future__ import annotations

from collections.abc import Mapping

import moderngl

from throng import layout
from throng.gpu import source
from throng.gpu.context import checked_buffer
from throng.gpu.programs import attach
from throng.gpu.visibility import VisibilityPrograms
from throng.layout import PATCH, RECORD

TILE = 8  # pixels along each side of what the pyramid's finest level holds one depth of
_RECORDS, _SCREEN, _MASKS = 3, 5, 6


def grid_of(samples: int) -> tuple[int, int]:
    """How samples lie in a pixel, across and up. Where exactly is the driver's choice: it does not matter."""
    up = 1 << (samples.bit_length() - 1) // 2
    return samples // up, up


class Screen:
    """For each sample the nearest splat's depth and its record; for each patch of them whether it has any;
    then the pyramid's levels, finest first.

    All in one buffer of words; where what begins is `at_owners`, `at_patches`, `at_pyramid`. Patches
    without splats are neither painted nor cleared.
    """

    def __init__(
        self, ctx: moderngl.Context, programs: VisibilityPrograms, limit: int, max_groups: int
    ) -> None:
        self._ctx = ctx
        self._programs = programs
        self._limit = limit
        self._max_groups = max_groups
        self._programs_of: dict[tuple[tuple[str, object], ...], moderngl.Program] = {}
        self._painters: dict[tuple[tuple[str, object], ...], moderngl.VertexArray] = {}
        self.buffer = checked_buffer(ctx, reserve=16, purpose="the splats' pixels")
        self._clean = False
        self.at_owners = self.at_patches = self.at_pyramid = 0
        self._patches = 0
        self._width = 0
        self.grid = (1, 1)  # of samples in a pixel, across and up
        self._levels: list[tuple[int, int]] = [(1, 1)]

    @property
    def tiles(self) -> tuple[int, int]:
        """Of the finest level, across and down."""
        return self._levels[0]

    def lay_out(self, width: int, height: int, samples: int, *, splats: bool) -> None:
        """For a picture of that size; without room for splats where there are none."""
        self.grid = across, up = grid_of(samples)
        level = -(-width // TILE), -(-height // TILE)
        width, height = width * across, height * up
        pixels = width * height if splats else 0
        if (pixels, width) != (self.at_owners, self._width):
            self._forget_layout()
        self.at_owners, self._width = pixels, width
        self.at_patches = 2 * pixels
        self._patches = -(-width // PATCH) * -(-height // PATCH) if splats else 0
        self.at_pyramid = self.at_patches + self._patches
        self._levels = [level]
        while level != (1, 1):
            level = (level[0] + 1) // 2, (level[1] + 1) // 2
            self._levels.append(level)
        needed = 4 * (self.at_pyramid + sum(across * down for across, down in self._levels))
        if needed > self.buffer.size:
            self.buffer.release()
            self.buffer = checked_buffer(self._ctx, reserve=needed, purpose="the splats' pixels")
            self._forget_layout()

    def fits_splats(self, width: int, height: int, samples: int) -> bool:
        """Whether a picture of that size is not too large for splats: two words a sample in one block."""
        return width * height * samples * 9 <= self._limit

    def clear(self, *, owners: bool) -> None:
        """No pixel has a splat. Visibility.bind comes first, as in all that follows.

        owners  whether splats will take pixels, or only leave their depths
        """
        self._clean = self._clean and owners
        program = self._programs.get("clear")
        self.buffer.bind_to_storage_buffer(_SCREEN)
        program["patch_count"], program["all"] = self._patches, not self._clean
        width = max(min(self._patches, self._max_groups), 1)
        program.run(width, -(-self._patches // width), 1)
        self._clean = owners
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
        if self.grid != (1, 1):
            defines = {**defines, "SAMPLES": 1}
        key = tuple(sorted(defines.items()))
        if key not in self._programs_of:
            self._programs_of[key] = attach(
                source.compile_program(
                    self._ctx, "splats", version=430, defines=defines,
                    generated=layout.generated(), vertex="splats.vert", fragment="splats.frag",
                )
            )  # fmt: skip
        if key not in self._painters:
            painter = self._painters[key] = self._ctx.vertex_array(self._programs_of[key], [])
            painter.bind(0, "i", self.buffer, "1i", 4 * self.at_patches, 4, 1)
        self.buffer.bind_to_storage_buffer(_SCREEN)
        masks.bind_to_storage_buffer(_MASKS)
        self._ctx.memory_barrier(moderngl.VERTEX_ATTRIB_ARRAY_BARRIER_BIT)
        program, window = self._programs_of[key], self._limit // RECORD.size // 4 * 4
        if "DEPTH_ONLY" in defines:
            self._painters[key].render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._patches)
            return
        for first in range(0, records.size // RECORD.size, window):
            count = min(window, records.size // RECORD.size - first)
            records.bind_to_storage_buffer(_RECORDS, offset=first * RECORD.size, size=count * RECORD.size)
            program["first_record"], program["stop_record"] = first, first + count
            self._painters[key].render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._patches)

    def _forget_layout(self) -> None:
        """Nothing of what lies here, or where, is as it was."""
        self._clean = False
        for painter in self._painters.values():
            painter.release()
        self._painters.clear()

    def release(self) -> None:
        self.buffer.release()
        self._forget_layout()
        for program in self._programs_of.values():
            program.release()
