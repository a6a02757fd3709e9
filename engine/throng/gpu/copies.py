"""Copies of what has been drawn, for passes that look at it and draw over it."""

from __future__ import annotations

import moderngl

from throng.gpu import rawgl
from throng.gpu.context import checked_texture

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
