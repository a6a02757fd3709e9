"""A filter that softens edges in a finished picture, for where many samples cost too much."""

from __future__ import annotations

import moderngl

from throng.gpu import source
from throng.gpu.copies import PictureCopy


class EdgeFilter:
    """After Lottes, "FXAA", NVIDIA, 2009: along edges of brightness, colours are averaged."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._copy = PictureCopy(ctx)
        self._painter: moderngl.VertexArray | None = None

    def apply(self) -> None:
        """Filters the colours of the framebuffer in use, in its viewport."""
        if self._painter is None:
            program = source.compile_program(
                self._ctx, "edges", version=330, vertex="screen.vert", fragment="edges.frag"
            )
            program["picture"] = 0
            self._painter = self._ctx.vertex_array(program, [])
        left, bottom, width, height = self._copy.take(0)
        self._painter.program["corner"] = left, bottom
        self._painter.program["texel"] = 1 / width, 1 / height
        self._ctx.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._painter.render(moderngl.TRIANGLES, vertices=3)
        self._ctx.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)

    def release(self) -> None:
        self._copy.release()
        if self._painter is not None:
            self._painter.program.release()
            self._painter.release()
