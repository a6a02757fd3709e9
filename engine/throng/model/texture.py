"""Textures: images on surfaces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from throng import arrays
from throng.errors import AssetError, InvalidType, InvalidValue, UsageError

WRAPS = ("repeat", "clamp", "mirror")
FILTERS = ("linear", "nearest")
_LARGEST = 16384  # texels along a side
_MOST_LAYERS = 256


class Texture:
    """One image, or several of a size that instances choose from. Frozen; equal by content.

    image   (h, w), (h, w, 1), (h, w, 3) or (h, w, 4): uint8 as 0..255, anything else 0..1; with one more
            dimension in front, several layers, which the column "layer" of a crowd numbers from 0. Or the
            path of an image file, an os.PathLike or a str. Row 0 is the top row; uv (0, 0) is the lower left
            corner
    wrap    outside 0..1 "repeat" goes on with the image, "mirror" with its mirror image, "clamp" with its
            edge
    filter  "linear" between texels, or "nearest"

    Whether it is colour, which is sRGB and filtered in linear light, or data, is a matter of what a Material
    uses it for.

    Raises InvalidValue or InvalidType, naming the argument, and AssetError for a file that cannot be read.
    """

    def __init__(self, image: Any, *, wrap: str = "repeat", filter: str = "linear") -> None:  # noqa: A002
        self.layers = _layers(image)
        self.layers.flags.writeable = False
        self.wrap = arrays.choice(wrap, "wrap", WRAPS)
        self.filter = arrays.choice(filter, "filter", FILTERS)
        digest = hashlib.blake2b(self.layers.tobytes(), digest_size=16)
        digest.update(f"{self.layers.shape}{wrap}{filter}".encode())
        self.key = digest.digest()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise UsageError(
                f"{name}: expected a texture to stay as it was made, got a new value: make another"
            )
        super().__setattr__(name, value)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, texels."""
        return self.layers.shape[2], self.layers.shape[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texture) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        count, height, width, _ = self.layers.shape
        return f"<Texture of {width}x{height}{f', {count} layers' if count > 1 else ''}>"


def _layers(image: Any) -> npt.NDArray[np.uint8]:
    """(n, h, w, 4) uint8, straight alpha."""
    if isinstance(image, str | os.PathLike):
        image = _opened(Path(image))
    shapes: list[tuple[int | str, ...]] = [("h", "w"), ("h", "w", 1), ("h", "w", 3), ("h", "w", 4)]
    shapes += [("n", *shape) for shape in shapes[1:]]
    pixels = arrays.color_bytes(image, "image", *shapes)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim == 3:
        pixels = pixels[None]
    count, height, width, channels = pixels.shape
    if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST and 1 <= count <= _MOST_LAYERS):
        raise InvalidValue(
            f"image: expected 1 to {_MOST_LAYERS} layers of 1x1 to {_LARGEST}x{_LARGEST}, got {count} of "
            f"{width}x{height}"
        )
    result = np.full((count, height, width, 4), 255, np.uint8)
    result[..., : max(channels, 3)] = pixels
    return result


def _opened(path: Path) -> npt.NDArray[np.uint8]:
    """(h, w, 3 or 4): an image file's first picture, turned as it says."""
    try:
        with Image.open(path) as opened:
            if max(opened.size) > _LARGEST:
                raise AssetError(f"{path}: expected at most {_LARGEST}x{_LARGEST} pixels, got {opened.size}")
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I"):  # 16 bits; Pillow would cut all but the lowest
                deep = np.clip(np.asarray(picture).astype(np.float32), 0, 65535)
                return np.asarray(deep[..., None] / 257 + 0.5).astype(np.uint8)
            clear = "A" in picture.getbands() or "transparency" in picture.info
            return np.asarray(picture.convert("RGBA" if clear else "RGB"))
    except AssetError:
        raise
    except Exception as error:  # decoders raise whatever their parsers do
        raise AssetError(f"{path}: expected an image file, got {error or type(error).__name__}") from error


def checked(value: Any, where: str) -> Texture | None:
    """A Texture or None. Raises InvalidType."""
    if value is not None and not isinstance(value, Texture):
        raise InvalidType(f"{where}: expected a Texture or None, got {arrays.described(value)}")
    return value
