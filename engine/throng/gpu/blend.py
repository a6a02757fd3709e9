"""Blended surfaces in any order: sums of what they send out, the nearer the more, put over what is opaque.

McGuire and Bavoil, "Weighted Blended Order-Independent Transparency", JCGT 2(2), 2013. How much of what is
behind shines through is exact; the colour of layers over each other is a mean in which near ones count for
more. One function of the hardware's blending serves for both pictures, so that OpenGL 3.3 will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moderngl

from throng.gpu import rawgl, source, sums
from throng.gpu.context import checked_texture
from throng.gpu.copies import DepthCopy, PictureCopy
from throng.gpu.programs import UNITS

_ONES: Any = moderngl.ONE, moderngl.ONE, moderngl.ZERO, moderngl.ONE_MINUS_SRC_ALPHA
_COVERING: Any = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE_MINUS_SRC_ALPHA
_OVER: Any = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA

_PLAIN: Any = moderngl.DEFAULT_BLENDING


class Blender:
    """The sums of one size and number of samples, and the pass that puts them over a picture."""

    def __init__(self, ctx: moderngl.Context, block_limit: int) -> None:
        """`block_limit`: the most bytes of a storage buffer that shaders reach; 0 where there are none."""
        self._ctx = ctx
        self.splats = sums.SplatSums(ctx, block_limit)
        self._key: tuple[object, ...] = ()
        self._sums: list[moderngl.Texture] = []
        self._copy = PictureCopy(ctx)
        self._depths = DepthCopy(ctx)
        self._target: moderngl.Framebuffer | None = None
        self._painters: dict[tuple[bool, bool], moderngl.VertexArray] = {}

    @property
    def sums(self) -> list[moderngl.Texture]:
        """Weighted light, and in its alpha how much shines through; and the weights."""
        return self._sums

    def begin(
        self, size: tuple[int, int], samples: int, depth: moderngl.Texture, *, soft: bool, sorts: bool
    ) -> None:
        """Everything drawn from here on is summed, where it is nearer than `depth` has it.

        soft   whether shaders look at those depths as well
        sorts  whether what is farther comes first: then each layer covers those before it, and the sums are
               what is seen
        """
        key = size, samples, depth.glo
        if key != self._key:
            self._forget()
            count = samples if samples > 1 else 0
            for components in (4, 1):
                purpose = "what is blended"
                self._sums.append(
                    checked_texture(self._ctx, size, components, dtype="f4", samples=count, purpose=purpose)
                )
            self._target = self._ctx.framebuffer(self._sums, depth)
            self._key = key
        target = self._target
        assert target is not None
        target.depth_mask = True
        if soft:
            self._depths.take(target, UNITS["soft_depths"])
        target.use()
        rawgl.clear_floats(0, (0.0, 0.0, 0.0, 1.0))
        rawgl.clear_floats(1, (0.0, 0.0, 0.0, 0.0))
        target.depth_mask = False
        target.use()
        self._ctx.enable(moderngl.BLEND)
        self._ctx.blend_func = _COVERING if sorts else _ONES

    def end(self) -> None:
        """Nothing is summed any more."""
        self._ctx.disable(moderngl.BLEND)
        self._ctx.blend_func = _PLAIN

    def compose(self, *, encode: bool) -> None:
        """Puts the sums over the framebuffer in use, at its viewport.

        encode  whether its colours are sRGB; they are mixed in linear light all the same
        """
        splats = self.splats.waiting
        painter = self._painters.get((encode, splats))
        if painter is None:
            defines: dict[str, object] = {"SPLATS": 1, **sums.DEFINES} if splats else {}
            if encode:
                defines["ENCODED"] = 1
            program = source.compile_program(
                self._ctx, "blend", version=430 if splats else 330, defines=defines,
                vertex="screen.vert", fragment="blend.frag",
            )  # fmt: skip
            program["light"], program["weights"] = 0, 1
            if encode:
                program["behind"] = 2
            painter = self._painters[encode, splats] = self._ctx.vertex_array(program, [])
        for unit, picture in enumerate(self._sums):
            picture.use(location=unit)
        if splats:
            self.splats.take(painter.program)
        self._ctx.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        if encode:
            painter.program["corner"] = self._copy.take(2)[:2]
        else:
            painter.program["corner"] = rawgl.get_integers(0x0BA2, 4)[:2]
            self._ctx.enable(moderngl.BLEND)
            self._ctx.blend_func = _OVER
        painter.render(moderngl.TRIANGLES, vertices=3)
        self.end()
        self._ctx.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)

    def over(self, draw: Callable[[], int]) -> int:
        """Has `draw` blend each surface over what is there, as they come; returns what it returns."""
        mask = rawgl.function("glDepthMask", "vb")
        mask(0)
        self._ctx.enable(moderngl.BLEND)
        self._ctx.blend_func = _OVER
        try:
            return draw()
        finally:
            self.end()
            mask(1)

    def release(self) -> None:
        self._forget()
        self._copy.release()
        self._depths.release()
        self.splats.release()
        for painter in self._painters.values():
            painter.program.release()
            painter.release()

    def _forget(self) -> None:
        if self._target is not None:
            self._target.release()
        for texture in self._sums:
            texture.release()
        self._target, self._sums, self._key = None, [], ()
