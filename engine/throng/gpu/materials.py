"""The material table: a texture that fragment shaders look materials up in; so they do not split a draw."""

from __future__ import annotations

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
    """The materials of one scene, MATERIAL structs, MATERIALS_ACROSS in each row of the texture."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._version: object = None
        self._texture: moderngl.Texture | None = None

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
            self._texture = checked_texture(self._ctx, size, 4, dtype="f4", purpose="the materials")
        self._texture.write(table)
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
    row["color"] = math3d.linear_color(material.color)
    row["metallic"], row["roughness"] = material.metallic, material.roughness
    row["translucency"] = material.translucency
    row["kind"] = UNLIT_MATERIAL if material.shading == "unlit" else 0.0
    row["emissive"] = math3d.linear_color(material.emissive) * material.emission
    row["emissive"][3] = material.alpha_cutoff
    return row
