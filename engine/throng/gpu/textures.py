"""Textures in arrays, so that which one a material has does not split a draw.

An array holds images of one size, powers of two, in sRGB or as data; other sizes are resampled to the next.
Where there would be more arrays than shaders can look into, images join those of the next larger size.
Mipmaps are made here: colours are averaged in linear light, weighted by alpha where it counts, and the alpha
of what is cut out keeps its coverage (Castano, "Computing Alpha Mipmaps", 2010).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import moderngl
import numpy as np
import numpy.typing as npt
from PIL import Image

from throng import math3d
from throng.errors import GpuMemoryError, InvalidValue
from throng.gpu import rawgl
from throng.gpu.context import Capabilities
from throng.layout import MOST_ARRAYS
from throng.model.texture import FILTERS, WRAPS, Texture

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Sort = tuple[bool, int, int]  # of arrays: whether in sRGB, width, height

_ARRAY = 0x8C1A  # GL_TEXTURE_2D_ARRAY
_FORMATS = {True: 0x8C43, False: 0x8058}  # SRGB8_ALPHA8, RGBA8
_MOST_LAYERS = 1024  # that a reference can name
_LARGEST = 4096  # texels along a side
_ANISOTROPY = 8.0
_SHARES: Floats = np.arange(256, dtype=np.float32) / np.float32(255)
_LIGHT: Floats = np.asarray(math3d.srgb_to_linear(np.arange(256) / 255), np.float32)
# The bytes of linear light, finely enough that each byte has some steps.
_BYTES: Pixels = np.round(math3d.linear_to_srgb(np.arange(1 << 16) / 65535) * 255).astype(np.uint8)
_SHARP = 4  # of filter "nearest" each texel becomes at least so many where the size is no power of two
_WORTH_MAKING_ROOM = 1 << 22  # bytes that nobody needs


@dataclass(frozen=True)
class Use:
    """A texture as a material uses it.

    cutoff  the alpha below which it is cut out, or None
    clear   whether its alpha tells how much of its colour is there
    """

    texture: Texture
    srgb: bool
    cutoff: float | None = None
    clear: bool = False


@dataclass(eq=False)
class _Array:
    """Images of one size. `uses`: the layer where each begins; `count`: layers in use."""

    sort: Sort
    texture: moderngl.TextureArray | None = None
    capacity: int = 0
    count: int = 0
    uses: dict[Use, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return self.capacity * _bytes(self.sort)


class TextureStore:
    """All textures of a renderer."""

    def __init__(self, ctx: moderngl.Context, capabilities: Capabilities) -> None:
        self._ctx = ctx
        self._largest = min(capabilities.max_texture_size, _LARGEST)
        self._most = min(capabilities.max_texture_layers, _MOST_LAYERS)
        # In software it costs as much again for each sample that it takes.
        self._anisotropy = 1.0 if capabilities.is_software else min(_ANISOTROPY, ctx.max_anisotropy)
        self._arrays: list[_Array] = []
        self._wanted: dict[int, list[Use]] = {}
        self.epoch = 0  # changes when textures have lost their places
        self.uploaded_bytes = 0

    @property
    def bytes(self) -> int:
        """That they take on the GPU, mipmaps included."""
        return sum(array.bytes for array in self._arrays)

    def retain(self, owner: object, uses: Iterable[Use]) -> None:
        """`owner` needs these, and no longer what it needed before; what is not there yet is uploaded.

        Raises InvalidValue where there are more than fit, GpuMemoryError where the driver refuses them.
        """
        self._wanted[id(owner)] = list(dict.fromkeys(uses))
        needed = list(dict.fromkeys(use for wanted in self._wanted.values() for use in wanted))
        there = {use for array in self._arrays for use in array.uses}
        sizes = {use: len(use.texture.layers) * _bytes(self._sort(use)) for use in there}
        unneeded = sum(sizes[use] for use in there.difference(needed))
        if not needed or unneeded > max(_WORTH_MAKING_ROOM, sum(sizes.values()) / 2):
            self._clear()
        missing = [use for use in needed if self.place(use) is None]
        try:
            if missing and not self._added(missing):
                self._clear()
                self._add_planned(needed)
        except BaseException:
            self._clear()  # what is half there is not there
            raise

    def forget(self, owner: object) -> None:
        """`owner` needs nothing any more."""
        self._wanted.pop(id(owner), None)
        if not any(self._wanted.values()):
            self._clear()

    def place(self, use: Use) -> tuple[int, int, Sort] | None:
        """Which array, which layer of it, and what sort it is; None where it is not there."""
        for number, array in enumerate(self._arrays):
            if use in array.uses:
                return number, array.uses[use], array.sort
        return None

    def bind(self, unit: int) -> None:
        """From this unit on, one array after the other."""
        for number, array in enumerate(self._arrays):
            if array.texture is not None:
                array.texture.use(location=unit + number)

    def release(self) -> None:
        self._clear()

    # -- where each goes ---------------------------------------------------------------------------

    def _sort(self, use: Use) -> Sort:
        width, height = (_rounded(side, use.texture.filter) for side in use.texture.size)
        return use.srgb, min(width, self._largest), min(height, self._largest)

    def _added(self, uses: Iterable[Use]) -> bool:
        """Adds them to what is there, if there are arrays enough."""
        plan: dict[int, list[Use]] = {}
        arrays, counts = [array.sort for array in self._arrays], [array.count for array in self._arrays]
        for use in uses:
            sort, layers = self._sort(use), len(use.texture.layers)
            fitting = [
                (other != sort, _bytes(other), number)
                for number, other in enumerate(arrays)
                if _fits(sort, other) and counts[number] + layers <= self._most
            ]
            if fitting and (not min(fitting)[0] or len(arrays) == MOST_ARRAYS):
                number = min(fitting)[2]
            elif len(arrays) < MOST_ARRAYS:
                number = len(arrays)
                arrays.append(sort)
                counts.append(0)
            else:
                return False
            plan.setdefault(number, []).append(use)
            counts[number] += layers
        self._arrays += [_Array(sort) for sort in arrays[len(self._arrays) :]]
        for number, added in plan.items():
            self._upload(self._arrays[number], added)
        return True

    def _add_planned(self, uses: list[Use]) -> None:
        """Adds them to nothing: those of the sorts that it costs least to do without join larger ones."""
        plan: dict[Sort, list[Use]] = {}
        for use in uses:
            plan.setdefault(self._sort(use), []).append(use)
        while sum(len(list(self._parted(part))) for part in plan.values()) > MOST_ARRAYS:
            pairs = [
                (_grown(plan, one, other), one, other)
                for one, other in combinations(plan, 2)
                if one[0] == other[0]
            ]
            if not pairs:
                layers = sum(len(use.texture.layers) for use in uses)
                raise InvalidValue(
                    f"textures: expected at most {MOST_ARRAYS} x {self._most} of one size, got {layers}"
                )
            _, one, other = min(pairs)
            both = plan.pop(one) + plan.pop(other)
            plan[_joined(one, other)] = both + plan.get(_joined(one, other), [])
        for sort, members in plan.items():
            for part in self._parted(members):
                self._arrays.append(_Array(sort))
                self._upload(self._arrays[-1], part)

    def _parted(self, uses: list[Use]) -> Iterator[list[Use]]:
        """As many at a time as one array has layers for."""
        part: list[Use] = []
        count = 0
        for use in uses:
            layers = len(use.texture.layers)
            if part and count + layers > self._most:
                yield part
                part, count = [], 0
            part.append(use)
            count += layers
        yield part

    def _clear(self) -> None:
        if not self._arrays:
            return
        for array in self._arrays:
            if array.texture is not None:
                array.texture.release()
        self._arrays.clear()
        self.epoch += 1

    # -- what goes there ---------------------------------------------------------------------------

    def _upload(self, array: _Array, added: Iterable[Use]) -> None:
        """More images; all of the array's anew where there is not enough room."""
        for use in added:
            array.uses[use] = array.count
            array.count += len(use.texture.layers)
        first = 0
        if array.count > array.capacity:
            doubled = 2 * array.capacity
            self._grow(array, min(max(array.count, doubled), self._most))
        else:
            first = min(array.uses[use] for use in added)
        assert array.texture is not None
        array.texture.use(location=0)
        rawgl.function("glActiveTexture", "vi")(0x84C0)
        write = rawgl.function("glTexSubImage3D", "viiiiiiiiiip")
        for use, place in array.uses.items():
            if place < first:
                continue
            for number, layer in enumerate(use.texture.layers):
                image = _resampled(layer, array.sort[1:], use)
                levels = mipmaps(image, srgb=use.srgb, cutoff=use.cutoff, clear=use.clear)
                for level, pixels in enumerate(levels):
                    height, width = pixels.shape[:2]
                    pixels = np.ascontiguousarray(pixels)
                    data = pixels.ctypes.data
                    write(_ARRAY, level, 0, 0, place + number, width, height, 1, 0x1908, 0x1401, data)
                    self.uploaded_bytes += pixels.nbytes

    def _grow(self, array: _Array, capacity: int) -> None:
        if array.texture is not None:
            array.texture.release()
        srgb, width, height = array.sort
        array.texture = texture = self._ctx.texture_array((1, 1, 1), 4)
        texture.use(location=0)
        rawgl.function("glActiveTexture", "vi")(0x84C0)
        rawgl.get_error()
        specify = rawgl.function("glTexImage3D", "viiiiiiiiip")
        levels = _levels(array.sort)
        for level, size in enumerate(levels):
            specify(_ARRAY, level, _FORMATS[srgb], *size, capacity, 0, 0x1908, 0x1401, None)
        error = rawgl.get_error()
        if error is not None:
            raise GpuMemoryError(
                f"no memory for {capacity} textures of {width} x {height} texels: the driver refused: {error}"
            )
        rawgl.function("glTexParameteri", "viii")(_ARRAY, 0x813D, len(levels) - 1)  # MAX_LEVEL
        texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        texture.repeat_x = texture.repeat_y = True
        if self._anisotropy > 1.0:
            texture.anisotropy = self._anisotropy
        array.capacity = capacity


def reference(array: int, layer: int, sort: Sort, texture: Texture) -> int:
    """A texture as a row of the material table names it, see textures.glsl; 0 is none."""
    _, width, height = sort
    wrap, kind = WRAPS.index(texture.wrap), FILTERS.index(texture.filter)
    sides = int(math.log2(width)) << 16 | int(math.log2(height)) << 20
    return layer | (array + 1) << 10 | wrap << 13 | kind << 15 | sides | (len(texture.layers) - 1) << 24


def _rounded(side: int, kind: str) -> int:
    """To the next power of two; where texels are to have sharp edges, so far that these hardly move."""
    power = 1 << (side - 1).bit_length()
    return power if kind == "linear" or power == side or side > 256 else power * _SHARP


def _fits(sort: Sort, into: Sort) -> bool:
    return sort[0] == into[0] and sort[1] <= into[1] and sort[2] <= into[2]


def _joined(one: Sort, other: Sort) -> Sort:
    return one[0], max(one[1], other[1]), max(one[2], other[2])


def _grown(plan: dict[Sort, list[Use]], one: Sort, other: Sort) -> int:
    """Bytes that it costs to have both in one array."""
    layers = {sort: sum(len(use.texture.layers) for use in plan[sort]) for sort in (one, other)}
    before = sum(count * _bytes(sort) for sort, count in layers.items())
    return sum(layers.values()) * _bytes(_joined(one, other)) - before


def _levels(sort: Sort) -> list[tuple[int, int]]:
    _, width, height = sort
    return [
        (max(width >> level, 1), max(height >> level, 1)) for level in range(max(width, height).bit_length())
    ]


def _bytes(sort: Sort) -> int:
    """That one image takes, mipmaps included."""
    return sum(width * height * 4 for width, height in _levels(sort))


def _resampled(image: Pixels, size: tuple[int, int], use: Use) -> Pixels:
    """(h, w, 4), row 0 at the bottom."""
    if image.shape[1::-1] != size:
        sharp = use.texture.filter == "nearest"
        how = Image.Resampling.NEAREST if sharp else Image.Resampling.LANCZOS
        if use.clear:  # what is not there does not count
            image = np.asarray(Image.fromarray(image).resize(size, how))
        else:
            parts = [Image.fromarray(np.ascontiguousarray(image[..., n])) for n in range(4)]
            image = np.stack([np.asarray(part.resize(size, how)) for part in parts], axis=-1)
    return np.ascontiguousarray(image[::-1])


def mipmaps(image: Pixels, *, srgb: bool, cutoff: float | None = None, clear: bool = True) -> list[Pixels]:
    """(h, w, 4) and all smaller levels of it, which are powers of two.

    clear  whether colours count as much as their alpha: where it is 0, there is none, and what is around is
           taken for it, so that nothing else shows at the edges
    """
    alpha: Floats = _SHARES[image[..., 3:]]
    color: Floats = (_LIGHT if srgb else _SHARES)[image[..., :3]]
    covered = 0.0 if cutoff is None else float((alpha >= cutoff).mean())
    colors, alphas = [color], [alpha]
    while max(alpha.shape[:2]) > 1:
        if clear:
            color, alpha = _halved(color * alpha), _halved(alpha)
            color = np.divide(color, alpha, out=np.zeros_like(color), where=alpha > 0)
        else:
            color, alpha = _halved(color), _halved(alpha)
        colors.append(color)
        alphas.append(alpha)
    filled = clear and not alphas[0].all() and bool(alphas[-1].any())
    if filled:
        for number in range(len(colors) - 2, -1, -1):
            coarse = colors[number + 1]
            for axis in (0, 1):
                coarse = coarse.repeat(colors[number].shape[axis] // coarse.shape[axis], axis)
            colors[number] = np.where(alphas[number] > 0, colors[number], coarse)
    levels = [] if filled else [image]
    for color, alpha in list(zip(colors, alphas, strict=True))[len(levels) :]:
        scale = np.float32(1.0)
        if levels and cutoff is not None and 0.0 < covered < 1.0:
            scale = np.float32(cutoff / _edge(alpha, covered))
        level = np.empty((*alpha.shape[:2], 4), np.uint8)
        level[..., :3] = _BYTES[(color * 65535 + 0.5).astype(np.int32)] if srgb else color * 255 + 0.5
        level[..., 3:] = np.minimum(alpha * scale, 1.0) * 255 + 0.5
        levels.append(level)
    return levels


def _edge(alpha: Floats, covered: float) -> float:
    """The alpha above which there is as near to that share as can be, but something."""
    counts = np.bincount(np.round(alpha.ravel() * 1023).astype(np.int64), minlength=1024)
    values = np.flatnonzero(counts)
    if values[-1] == 0:
        return 1.0
    shares = np.cumsum(counts[values][::-1])[::-1] / alpha.size  # of what is that or more
    best = int(np.argmin(np.abs(shares - covered)))
    below = values[best - 1] if best else max(values[0] - 1, 0)
    return float(values[best] + below) / 2046


def _halved(values: Floats) -> Floats:
    if len(values) > 1:
        values = (values[::2] + values[1::2]) * np.float32(0.5)
    if values.shape[1] > 1:
        values = (values[:, ::2] + values[:, 1::2]) * np.float32(0.5)
    return values
