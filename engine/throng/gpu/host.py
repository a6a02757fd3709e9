"""Framebuffers that are somebody else's."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import moderngl

from throng.gpu import rawgl
from throng.gpu.context import checked_depth_texture

_COLOR, _DEPTH = 0x1800, 0x1801
_ENCODES = 0x8DB9  # GL_FRAMEBUFFER_SRGB


def framebuffer_in_use(ctx: moderngl.Context) -> moderngl.Framebuffer:
    """What is drawn into now: also where it was bound behind moderngl's back, as Qt and raw OpenGL do.

    In that case OpenGL's own viewport and scissor box are its.
    """
    if rawgl.get_integer(0x8CA6) == ctx.fbo.glo:
        return ctx.fbo
    found = ctx.detect_framebuffer()
    x, y, width, height = rawgl.get_integers(0x0BA2, 4)
    found.viewport = x, y, width, height
    if rawgl.is_enabled(0x0C11):
        x, y, width, height = rawgl.get_integers(0x0C10, 4)
        found.scissor = x, y, width, height
    return found


def encodes() -> bool:
    """Whether OpenGL is to encode what is written into framebuffers of sRGB, as the host has it."""
    return rawgl.is_enabled(_ENCODES)


def draw_into(target: moderngl.Framebuffer, *, encoded: bool) -> None:
    """Puts `target` to use, with its own masks, in the neutral state.

    encoded  whether OpenGL encodes what is written: the host's switch, where that is linear light
    """
    target.use()
    if encoded:
        rawgl.function("glEnable", "vi")(_ENCODES)
    # The shaders write one colour; what they do not write is undefined.
    for place in range(1, rawgl.get_integer(0x8824)):
        rawgl.function("glColorMaski", "vubbbb")(place, 0, 0, 0, 0)


class HostDepth:
    """The depths of somebody's framebuffer, which is in use, copied to where shaders can read them.

    has_depth  whether there are any
    readable   whether that is possible: a depth buffer of one sample a pixel
    """

    def __init__(self, ctx: moderngl.Context, target: moderngl.Framebuffer) -> None:
        self._ctx = ctx
        self._viewport = target.viewport
        self._copy: moderngl.Texture | None = None
        self.samples = max(rawgl.get_integer(0x80A9), 1)  # GL_SAMPLES
        self.has_depth = _has_depth(target)
        self.readable = self.samples == 1 and self.has_depth

    def copy(self) -> moderngl.Texture:
        """A texture of the viewport's depths as they are now."""
        x, y, width, height = self._viewport
        if self._copy is None:
            self._copy = checked_depth_texture(self._ctx, (width, height), purpose="a copy of the depths")
        self._copy.use(location=0)
        rawgl.function("glActiveTexture", "vi")(0x84C0)
        rawgl.function("glCopyTexSubImage2D", "viiiiiiii")(0x0DE1, 0, 0, 0, x, y, width, height)
        return self._copy

    def release(self) -> None:
        if self._copy is not None:
            self._copy.release()


def _has_depth(target: moderngl.Framebuffer) -> bool:
    """Whether the framebuffer in use has a depth buffer."""
    attachment = _DEPTH if target.glo == 0 else 0x8D00
    kind = (ctypes.c_int * 1)()
    rawgl.function("glGetFramebufferAttachmentParameteriv", "viiip")(0x8D40, attachment, 0x8CD0, kind)
    return rawgl.get_error() is None and kind[0] != 0


def clear_host(target: moderngl.Framebuffer, color: Iterable[float]) -> None:
    """Fills the first colour attachment and the depth of `target`, which is in use, where it may be drawn to.

    `target.clear` would fill every attachment, and with a viewport all of it whatever the scissor box.
    """
    x, y, width, height = target.viewport
    right, top = x + width, y + height
    inner = target.scissor
    if inner is not None:
        x, y = max(x, inner[0]), max(y, inner[1])
        right, top = min(right, inner[0] + inner[2]), min(top, inner[1] + inner[3])
    was_on, box = rawgl.is_enabled(0x0C11), rawgl.get_integers(0x0C10, 4)
    rawgl.function("glEnable", "vi")(0x0C11)
    rawgl.function("glScissor", "viiii")(x, y, max(right - x, 0), max(top - y, 0))
    fill = rawgl.function("glClearBufferfv", "viip")
    fill(_COLOR, 0, (ctypes.c_float * 4)(*color))
    fill(_DEPTH, 0, (ctypes.c_float * 1)(1.0))
    rawgl.function("glScissor", "viiii")(*box)
    rawgl.function("glEnable" if was_on else "glDisable", "vi")(0x0C11)
