"""Render targets of our own: colour, float32 depth, and what else was asked for."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from throng.gpu import rawgl, source
from throng.gpu.blend import Blender
from throng.gpu.context import Capabilities, checked_depth_texture, checked_texture
from throng.gpu.programs import EXTRA_OUTPUTS
from throng.gpu.sums import DEFINES

_FORMATS: dict[str, tuple[int, str]] = {"color": (4, "f1"), "ids": (2, "i4"), "normals": (4, "f2")}


class Target:
    """A framebuffer of `size` with the pictures in `outputs`.

    With several samples the scene is drawn into a multisample framebuffer; `resolve` averages its colours in
    linear light and takes sample 0 of everything else.
    """

    def __init__(
        self,
        ctx: moderngl.Context,
        size: tuple[int, int],
        samples: int,
        outputs: frozenset[str],
        capabilities: Capabilities,
    ) -> None:
        self._ctx = ctx
        self.size = size
        self.samples = samples
        self.outputs = outputs
        self.reversed_depth = capabilities.clip_control
        self._names = ["color", *(name for name in EXTRA_OUTPUTS if name in outputs)]
        self.framebuffer, self._parts = self._make(0)
        self.drawn, self._drawn_parts = self.framebuffer, self._parts
        self._resolvers: dict[tuple[bool, bool], moderngl.VertexArray] = {}
        self._colors: moderngl.Framebuffer | None = None
        if samples > 1:
            self.drawn, self._drawn_parts = self._make(samples)

    @property
    def drawn_depth(self) -> moderngl.Texture:
        """The depths drawn so far, of every sample."""
        return self._drawn_parts[-1]

    def clear(self, background: Sequence[float]) -> None:
        """Empties every picture; colours as they are to be read."""
        self.drawn.use()
        red, green, blue, alpha = background
        self.drawn.clear(red, green, blue, alpha, depth=0.0 if self.reversed_depth else 1.0)
        for place, name in enumerate(self._names[1:], start=1):
            _clear_attachment(place, name)

    def compose(self, blender: Blender) -> None:
        """Puts what is blended over the colours; of many samples `resolve` does."""
        if self.samples == 1:
            self.use_colors()
            blender.compose(encode=True)

    def use_colors(self) -> None:
        """The colours of one sample a pixel, and nothing else, are drawn to."""
        if self._colors is None:
            self._colors = self._ctx.framebuffer([self._parts[0]])
        self._colors.use()

    def resolve(self, blender: Blender | None = None) -> None:
        """Brings many samples down to one; `blender` has what is blended over them."""
        if self.samples == 1:
            return
        splats = blender is not None and blender.splats.waiting
        key = blender is not None, splats
        if key not in self._resolvers:
            self._resolvers[key] = self._make_resolver(*key)
        resolver = self._resolvers[key]
        if blender is not None and splats:
            blender.splats.take(resolver.program)
        parts = [*self._drawn_parts, *(blender.sums if blender is not None else ())]
        for unit, part in enumerate(parts):
            part.use(location=unit)
        self.framebuffer.use()
        self._ctx.enable_only(moderngl.DEPTH_TEST)
        self._ctx.depth_func = "1"
        resolver.render(moderngl.TRIANGLES, vertices=3)
        self._ctx.depth_func = "<"

    def read(self, name: str) -> npt.NDArray[Any]:
        """One picture as (h, w, ...), row 0 at the top, owned by the caller."""
        width, height = self.size
        if name == "depth":
            raw = self.framebuffer.read(components=1, attachment=-1, dtype="f4", alignment=1)
            picture: npt.NDArray[Any] = np.frombuffer(raw, np.float32).reshape(height, width)
        else:
            components, dtype = _FORMATS[name]
            place = self._names.index(name)
            raw = self.framebuffer.read(components=components, attachment=place, dtype=dtype, alignment=1)
            kinds = {"f1": np.uint8, "i4": np.int32, "f2": np.float16}
            picture = np.frombuffer(raw, kinds[dtype]).reshape(height, width, components)
        return np.array(picture[::-1])

    def release(self) -> None:
        if self._ctx.fbo in (
            self.framebuffer,
            self.drawn,
            self._colors,
        ):  # moderngl would go on binding what is gone
            self._ctx.detect_framebuffer(0).use()
        self.framebuffer.release()
        textures = [*self._parts]
        if self._colors is not None:
            self._colors.release()
        if self.samples > 1:
            textures += self._drawn_parts
            self.drawn.release()
        for resolver in self._resolvers.values():
            resolver.program.release()
            resolver.release()
        for texture in textures:
            texture.release()

    def _make(self, samples: int) -> tuple[moderngl.Framebuffer, list[moderngl.Texture]]:
        parts = []
        for name in self._names:
            components, dtype = _FORMATS[name]
            parts.append(
                checked_texture(
                    self._ctx,
                    self.size,
                    components,
                    dtype=dtype,
                    samples=samples,
                    purpose=f"the {name} picture",
                )
            )
        depth = checked_depth_texture(self._ctx, self.size, samples=samples, purpose="the depth picture")
        parts.append(depth)
        return self._ctx.framebuffer(parts[:-1], depth), parts

    def _make_resolver(self, blended: bool, splats: bool) -> moderngl.VertexArray:
        defines: dict[str, object] = {"SAMPLES": self.samples}
        if splats:
            defines |= {"SPLATS": 1, **DEFINES}
        if blended:
            defines["BLENDED"] = 1
        for place, name in enumerate(self._names[1:], start=1):
            defines[f"OUT_{name.upper()}"] = place
        program = source.compile_program(
            self._ctx,
            "resolve",
            version=430 if splats else 330,
            defines=defines,
            vertex="screen.vert",
            fragment="resolve.frag",
        )
        pictures = [*self._names, "depth", *(("light", "weights") if blended else ())]
        for unit, name in enumerate(pictures):
            program[f"samples_{name}"] = unit
        return self._ctx.vertex_array(program, [])


def use_depth(ctx: moderngl.Context, *, reversed_depth: bool, clip_control: bool) -> None:
    """The state that meshes are drawn in: nearest wins, back faces are culled, nothing is blended."""
    ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
    ctx.depth_func = ">" if reversed_depth else "<"
    ctx.cull_face = "back"
    ctx.front_face = "ccw"
    if clip_control:
        rawgl.clip_control(lower_left=True, zero_to_one=reversed_depth)


def clear_integers(place: int, values: tuple[int, int, int, int]) -> None:
    """Fills an attachment of integers, of the framebuffer in use."""
    rawgl.function("glClearBufferiv", "viip")(_COLOR, place, (ctypes.c_int * 4)(*values))


def _clear_attachment(place: int, name: str) -> None:
    """Clears one colour attachment of the framebuffer in use; glClear leaves integer ones undefined."""
    if name == "ids":
        clear_integers(place, (-1, -1, 0, 0))
    else:
        rawgl.function("glClearBufferfv", "viip")(_COLOR, place, (ctypes.c_float * 4)())


_COLOR = 0x1800
