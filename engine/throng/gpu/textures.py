"""Textures in arrays, so that which one a material has does not split a draw.

An array holds images of one size, a power of two, in sRGB or as data; other sizes are resampled to the next.
Where there would be more arrays than shaders can look into, images join an array of larger ones. Mipmaps are
made here: colours are averaged in linear light, weighted by alpha, and the alpha of what is cut out keeps its
coverage (Castano, "Computing Alpha Mipmaps", 2010).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
from PIL import Image

from throng import math3d
from throng.errors import GpuMemoryError
from throng.gpu import rawgl
from throng.gpu.context import Capabilities
from throng.layout import MOST_ARRAYS
from throng.model.texture import FILTERS, WRAPS, Texture

Pixels = npt.NDArray[np.uint8]

_ARRAY = 0x8C1A  # GL_TEXTURE_2D_ARRAY
_FORMATS = {True: 0x8C43, False: 0x8058}  # SRGB8_ALPHA8, RGBA8
_SMALLEST = 4
_ANISOTROPY = 8.0


@dataclass(frozen=True)
class Use:
    """A texture as a material uses it. cutoff: the alpha below which it is cut out, or None."""

    texture: Texture
    srgb: bool
    cutoff: float | None = None


@dataclass(eq=False)
class _Array:
    """Images of one size. `uses`: where each begins; `images`: what each layer is made of, by level."""

    side: int
    srgb: bool
    texture: moderngl.TextureArray | None = None
    capacity: int = 0
    uses: dict[Use, int] = field(default_factory=dict)
    images: list[list[Pixels]] = field(default_factory=list)


class TextureStore:
    """All textures of a renderer.

    bytes  that they take on the GPU
    """

    def __init__(self, ctx: moderngl.Context, capabilities: Capabilities) -> None:
        self._ctx = ctx
        self._largest = min(capabilities.max_texture_size, 4096)
        self._anisotropy = 1.0 if capabilities.is_software else min(_ANISOTROPY, ctx.max_anisotropy)
        self._arrays: list[_Array] = []
        self._wanted: dict[int, set[Use]] = {}
        self.epoch = 0  # changes when textures have lost their places
        self.uploaded_bytes = 0

    @property
    def bytes(self) -> int:
        """That they take on the GPU, mipmaps included."""
        return sum(array.capacity * sum(_sizes(array.side)) * 4 for array in self._arrays)

    def retain(self, owner: object, uses: Iterable[Use]) -> None:
        """`owner` needs these, and no longer what it needed before; makes room where most is not needed."""
        self._wanted[id(owner)] = set(uses)
        needed = set().union(*self._wanted.values())
        there = [use for array in self._arrays for use in array.uses]
        if len(there) > 8 and 2 * sum(use in needed for use in there) < len(there):
            self._clear()

    def forget(self, owner: object) -> None:
        self._wanted.pop(id(owner), None)

    def place(self, use: Use) -> tuple[int, int]:
        """Which array, and which layer of it; uploaded when first asked for."""
        for number, array in enumerate(self._arrays):
            if use in array.uses:
                return number, array.uses[use]
        number = self._array_for(use)
        array = self._arrays[number]
        first = array.uses[use] = len(array.images)
        array.images += [
            mipmaps(_resampled(layer, array.side), srgb=use.srgb, cutoff=use.cutoff)
            for layer in use.texture.layers
        ]
        self._upload(array, first)
        return number, first

    def bind(self, unit: int) -> None:
        """From this unit on, one array after the other."""
        for number, array in enumerate(self._arrays):
            if array.texture is not None:
                array.texture.use(location=unit + number)

    def release(self) -> None:
        self._clear()

    # -- inside ------------------------------------------------------------------------------------

    def _array_for(self, use: Use) -> int:
        side = _SMALLEST
        while side < max(use.texture.size) and side < self._largest:
            side *= 2
        alike = [(array.side, number) for number, array in enumerate(self._arrays) if array.srgb == use.srgb]
        for there, number in alike:
            if there == side:
                return number
        # Each sort has a place at least.
        other = not any(array.srgb != use.srgb for array in self._arrays)
        if len(self._arrays) + other < MOST_ARRAYS or not alike:
            self._arrays.append(_Array(side, use.srgb))
            return len(self._arrays) - 1
        larger = [pair for pair in alike if pair[0] > side]
        return min(larger)[1] if larger else max(alike)[1]

    def _upload(self, array: _Array, first: int) -> None:
        """Layers from `first` on; all of them where there is not enough room."""
        if len(array.images) > array.capacity:
            self._grow(array, max(len(array.images), 2 * array.capacity))
            first = 0
        assert array.texture is not None
        array.texture.use(location=0)
        rawgl.function("glActiveTexture", "vi")(0x84C0)
        write = rawgl.function("glTexSubImage3D", "viiiiiiiiiip")
        for level, size in enumerate(_levels(array.side)):
            for layer in range(first, len(array.images)):
                pixels = np.ascontiguousarray(array.images[layer][level])
                write(_ARRAY, level, 0, 0, layer, size, size, 1, 0x1908, 0x1401, pixels.ctypes.data)
                self.uploaded_bytes += pixels.nbytes

    def _grow(self, array: _Array, capacity: int) -> None:
        if array.texture is not None:
            array.texture.release()
        array.texture = texture = self._ctx.texture_array((1, 1, 1), 4)
        texture.use(location=0)
        rawgl.function("glActiveTexture", "vi")(0x84C0)
        specify = rawgl.function("glTexImage3D", "viiiiiiiiip")
        for level, size in enumerate(_levels(array.side)):
            specify(_ARRAY, level, _FORMATS[array.srgb], size, size, capacity, 0, 0x1908, 0x1401, None)
        error = rawgl.get_error()
        if error is not None:
            raise GpuMemoryError(
                f"textures: expected room for {capacity} layers of {array.side}x{array.side}, got {error}"
            )
        rawgl.function("glTexParameteri", "viii")(_ARRAY, 0x813D, len(_levels(array.side)) - 1)  # MAX_LEVEL
        texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        texture.repeat_x = texture.repeat_y = True
        if self._anisotropy > 1.0:
            texture.anisotropy = self._anisotropy
        array.capacity = capacity

    def _clear(self) -> None:
        for array in self._arrays:
            if array.texture is not None:
                array.texture.release()
        self._arrays.clear()
        self.epoch += 1


def reference(array: int, layer: int, texture: Texture) -> int:
    """A texture as a row of the material table names it; 0 is none."""
    count = len(texture.layers) - 1
    wrap, kind = WRAPS.index(texture.wrap), FILTERS.index(texture.filter)
    return layer | (array + 1) << 16 | wrap << 20 | kind << 22 | count << 23


def _levels(side: int) -> list[int]:
    return [side >> level for level in range(side.bit_length())]


def _sizes(side: int) -> list[int]:
    return [size * size for size in _levels(side)]


def _resampled(image: Pixels, side: int) -> Pixels:
    """(side, side, 4), row 0 at the bottom."""
    if image.shape[:2] != (side, side):
        image = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(image[::-1])


def mipmaps(image: Pixels, *, srgb: bool, cutoff: float | None) -> list[Pixels]:
    """(side, side, 4) and all smaller levels of it."""
    levels = [image]
    light = image.astype(np.float64) / 255
    if srgb:
        light[..., :3] = math3d.srgb_to_linear(light[..., :3])
    covered = 0.0 if cutoff is None else float((light[..., 3] >= cutoff).mean())
    while len(light) > 1:
        weight = np.maximum(light[..., 3:], 1e-4) if srgb else np.ones_like(light[..., 3:])
        sums, weights = _halved(light * weight), _halved(weight)
        alpha = _halved(light[..., 3:])
        light = sums / weights
        light[..., 3:] = alpha
        level = light.copy()
        if cutoff is not None and 0.0 < covered < 1.0:
            # The alpha above which as much lies as was covered becomes the cutoff.
            edge = float(np.quantile(level[..., 3], 1.0 - covered))
            level[..., 3] = np.clip(level[..., 3] * (cutoff / max(edge, 1e-3)), 0.0, 1.0)
        if srgb:
            level[..., :3] = math3d.linear_to_srgb(level[..., :3])
        levels.append(np.round(level * 255).astype(np.uint8))
    return levels


def _halved(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    side = len(values) // 2
    return np.asarray(values.reshape(side, 2, side, 2, -1).mean(axis=(1, 3)))
