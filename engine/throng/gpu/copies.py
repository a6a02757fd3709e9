"""Copies of what has been drawn, for passes that look at it and draw over it."""

from __future__ import annotations

import moderngl

from throng.gpu import rawgl
from throng.gpu.context import checked_depth_texture, checked_texture

Box = tuple[int, int, int, int]


class PictureCopy:
    """A texture with the colours of the framebuffer in use, in its viewport."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._texture: moderngl.Texture | None = None

    def take(self, unit: int) -> Box:
        """Copies, and binds the copy; returns the viewport: left, bottom, width, height."""
        left, bottom, width, height = rawgl.get_integers(0x0BA2, 4)
        if self._texture is None or self._texture.size != (width, height):
            self.release()
            self._texture = checked_texture(self._ctx, (width, height), 4, purpose="a copy of the picture")
            self._texture.repeat_x = self._texture.repeat_y = False
        self._texture.use(location=unit)
        rawgl.function("glActiveTexture", "vi")(0x84C0 + unit)
        copy = rawgl.function("glCopyTexSubImage2D", "viiiiiiii")
        copy(0x0DE1, 0, 0, 0, left, bottom, width, height)
        return left, bottom, width, height

    def release(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None


class DepthCopy:
    """A texture with the depths of a framebuffer of our own; of many samples, of one of them."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._target: moderngl.Framebuffer | None = None
        self._texture: moderngl.Texture | None = None

    def take(self, source: moderngl.Framebuffer, unit: int) -> None:
        """Copies the depths of `source`, which is in use afterwards, and binds the copy."""
        if self._texture is None or self._texture.size != source.size:
            self.release()
            self._texture = checked_depth_texture(self._ctx, source.size, purpose="a copy of the depths")
            self._target = self._ctx.framebuffer([], self._texture)
        assert self._target is not None
        self._target.use()
        rawgl.function("glBindFramebuffer", "vii")(0x8CA8, source.glo)  # GL_READ_FRAMEBUFFER
        width, height = source.size
        rawgl.function("glBlitFramebuffer", "viiiiiiiiii")(
            0, 0, width, height, 0, 0, width, height, 0x0100, 0x2600
        )
        source.use()
        self._texture.use(location=unit)

    def release(self) -> None:
        if self._target is not None and self._texture is not None:
            self._target.release()
            self._texture.release()
        self._target = self._texture = None
