"""Blended splats in any order: sums of whole numbers, to which a compute shader adds.

They are the sums of blend.py, so that both can be put together. Of whole numbers, because what floats add up
to depends on the order, and OpenGL has no atomic sums of them.
"""

from __future__ import annotations

import moderngl

from throng.gpu.context import checked_buffer

BINDING = 5
_WORDS = 9  # a pixel: what is let through; then, of 64 bits each, red, green, blue and weights
_UNIT = 2.0**26  # what a weight of 1 is among them: most of what is added needs the lower word alone
# Weights between 2**-13 and 2**11: of what lies at 1/6 to 9 of the distance where they are 1. So there is
# room for a million of the largest, and of the smallest there are 2**13 steps.
DEFINES = {
    "SUM_STEPS": 4096.0, "SUM_UNIT": _UNIT, "SUM_LEAST": _UNIT / 2**13, "SUM_MOST": _UNIT * 2**11,
}  # fmt: skip


class SplatSums:
    """The sums of each pixel."""

    def __init__(self, ctx: moderngl.Context, limit: int) -> None:
        self._ctx = ctx
        self._limit = limit
        self._size = (0, 0)
        self._clean = True
        self.waiting = False  # whether anything was added, and not yet taken
        self.buffer = checked_buffer(ctx, reserve=16, purpose="what blended splats add up to")
        self.distance = 1.0  # clip w of what weighs 1

    def fits(self, size: tuple[int, int]) -> bool:
        """Whether there is room for a picture of that size."""
        return 4 * _WORDS * size[0] * size[1] <= self._limit

    def begin(self, size: tuple[int, int], distance: float) -> None:
        """Makes room for a picture of that size."""
        needed = 4 * _WORDS * size[0] * size[1]
        if needed > self.buffer.size:
            self.buffer.release()
            self.buffer = checked_buffer(self._ctx, reserve=needed, purpose="what blended splats add up to")
            self._clean = False
        if not self._clean:
            self.buffer.clear()
        self._size, self._clean, self.waiting, self.distance = size, True, False, distance

    def add(self) -> moderngl.Buffer:
        """The buffer, to be added to."""
        self._clean, self.waiting = False, True
        return self.buffer

    def take(self, program: moderngl.Program) -> None:
        """What comes next is to use `program` (splat_sums.glsl)."""
        program["size"] = self._size
        program["unit"] = max(1.0 / (_UNIT * self.distance**4), 1e-37)
        self._ctx.memory_barrier(moderngl.SHADER_STORAGE_BARRIER_BIT)
        self.buffer.bind_to_storage_buffer(BINDING)
        self.waiting = False

    def release(self) -> None:
        self.buffer.release()
