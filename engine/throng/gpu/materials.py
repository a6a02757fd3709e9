"""The material table: a texture that fragment shaders look materials up in; so they do not split a draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import moderngl
import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.gpu.context import checked_texture
from throng.layout import MATERIAL, MATERIALS_ACROSS, UNLIT_MATERIAL
from throng.model.material import Material

_TEXELS = MATERIAL.size // 16


class MaterialTable:
    """The materials of one scene, MATERIAL structs, MATERIALS_ACROSS in each row of the texture.

    defines  for shaders: what some material has
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._version: object = None
        self._texture: moderngl.Texture | None = None
        self.defines: dict[str, object] = {}

    def update(self, rows: Sequence[Material], version: object) -> int:
        """Holds these materials, of which there are others when `version` is another; the bytes written."""
        if version == self._version:
            return 0
        self._version = version
        down = -(-len(rows) // MATERIALS_ACROSS)
        table = np.zeros(down * MATERIALS_ACROSS, MATERIAL.dtype)
        table[: len(rows)] = [packed(material) for material in rows]
        size = MATERIALS_ACROSS * _TEXELS, down
        if self._texture is None or self._texture.size != size:
            self.release()
            self._texture = checked_texture(self._ctx, size, 4, dtype="u4", purpose="the materials")
        self._texture.write(table)
        self.defines = {"EMISSIVE": 1} if table["emissive"].any() else {}
        return table.nbytes

    def bind(self, unit: int) -> None:
        assert self._texture is not None
        self._texture.use(location=unit)

    def release(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None


@lru_cache(maxsize=1 << 12)
def packed(material: Material) -> npt.NDArray[np.void]:
    """One row of the table."""
    row = np.zeros((), MATERIAL.dtype)
    red, green, blue = np.round(np.sqrt(math3d.linear_color(material.color)[:3]) * 1023).astype(np.uint32)
    row["color"] = red | green << 10 | blue << 20
    row["surface"] = (
        round(material.color[3] * 255) | round(material.roughness * 1023) << 8
        | round(material.metallic * 127) << 18 | round(material.translucency * 127) << 25
    )  # fmt: skip
    row["emissive"] = rgb9e5(math3d.linear_color(material.emissive)[:3] * material.emission)
    row["kind"] = UNLIT_MATERIAL * (material.shading == "unlit") | round(material.alpha_cutoff * 255) << 24
    return row


def rgb9e5(color: npt.NDArray[np.float64]) -> int:
    """Linear light, (3,), in 32 bits: 9 for each of red, green and blue, 5 for their exponent.

    EXT_texture_shared_exponent, 2004.
    """
    color = np.clip(color, 0.0, 65408.0)
    largest = float(color.max())
    exponent = max(-16, math.floor(math.log2(largest)) if largest > 0 else -16) + 1
    if round(largest / 2.0 ** (exponent - 9)) == 512:
        exponent += 1
    red, green, blue = (round(float(part) / 2.0 ** (exponent - 9)) for part in color)
    return red | green << 9 | blue << 18 | (exponent + 15) << 27
