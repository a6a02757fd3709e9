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
from throng.gpu.textures import TextureStore, Use, reference
from throng.layout import MATERIAL, MATERIALS_ACROSS, UNLIT_MATERIAL
from throng.model.material import Material
from throng.model.texture import Texture

_TEXELS = MATERIAL.size // 16


class MaterialTable:
    """The materials of one scene, MATERIAL structs, MATERIALS_ACROSS in each row of the texture.

    defines   for shaders: what some material has
    textured  whether textures are to be seen
    soft      whether any of them fades away before what is opaque
    made      another one where what it holds is
    """

    def __init__(self, ctx: moderngl.Context, textures: TextureStore) -> None:
        self._ctx = ctx
        self._textures = textures
        self.made: tuple[object, ...] = ()
        self.textured = True
        self._texture: moderngl.Texture | None = None
        self.defines: dict[str, object] = {}
        self.soft = False

    def update(self, rows: Sequence[Material], version: object, *, textured: bool) -> int:
        """Holds these materials, of which there are others when `version` is another; the bytes written.

        textured  whether their textures are to be seen
        """
        made = version, textured, self._textures.epoch
        if made == self.made:
            return 0
        self.textured = textured
        before = self._textures.uploaded_bytes
        uses = [use for material in rows for _, use in uses_of(material)] if textured else []
        self._textures.retain(self, uses)
        down = -(-len(rows) // MATERIALS_ACROSS)
        table = np.zeros(down * MATERIALS_ACROSS, MATERIAL.dtype)
        table[: len(rows)] = [packed(material) for material in rows]
        self.defines = {"EMISSIVE": 1} if table["emissive"].any() else {}
        if uses:
            self._look_up(rows, table)
        self.soft = any(material.pipeline.blends and material.softness for material in rows)
        size = MATERIALS_ACROSS * _TEXELS, down
        if self._texture is None or self._texture.size != size:
            self._release_table()
            self._texture = checked_texture(self._ctx, size, 4, dtype="u4", purpose="the materials")
        self._texture.write(table)
        self.made = version, textured, self._textures.epoch
        return table.nbytes + self._textures.uploaded_bytes - before

    def _look_up(self, rows: Sequence[Material], table: npt.NDArray[np.void]) -> None:
        """Where textures lie; and, as bits, in which arrays those of each sort do."""
        bits = dict.fromkeys(TEXTURES, 0)
        for row, material in zip(table, rows, strict=False):
            for name, use in uses_of(material):
                place = self._textures.place(use)
                assert place is not None
                row[name] = reference(*place, use.texture)
                bits[name] |= 1 << place[0]
        self.defines["TEXTURED"] = 1
        for name, arrays in bits.items():
            if arrays:
                self.defines[f"{name.upper()}S"] = arrays

    def bind(self, unit: int) -> None:
        assert self._texture is not None
        self._texture.use(location=unit)

    def release(self) -> None:
        self._textures.forget(self)
        self._release_table()

    def _release_table(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None


TEXTURES = (
    "color_texture", "metallic_roughness_texture", "normal_texture", "occlusion_texture", "emissive_texture",
)  # fmt: skip
_COLORS = ("color_texture", "emissive_texture")  # are sRGB


def uses_of(material: Material) -> list[tuple[str, Use]]:
    """The textures of a material, by the names of its arguments."""
    found = []
    for name in TEXTURES:
        texture = getattr(material, name)
        if texture is not None:
            clear = material.alpha_mode != "opaque" and name == "color_texture"
            cutoff = cutoff_of(material) if clear and material.alpha_mode == "mask" else None
            found.append((name, Use(texture, name in _COLORS, cutoff, clear)))
    return found


def cutoff_of(material: Material) -> float:
    """The alpha of textures and vertices below which nothing is there; 0 where alpha does not say that."""
    if material.alpha_mode != "mask":
        return 0.0
    return min(material.alpha_cutoff / max(material.color[3], 1e-3), 1.0)


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
    softness = int(np.float32(material.softness).view(np.uint32)) >> 16 if material.pipeline.blends else 0
    cutoff = round(material.alpha_cutoff * 255)
    row["kind"] = UNLIT_MATERIAL * (material.shading == "unlit") | softness << 8 | cutoff << 24
    row["normal_scale"], strength = material.normal_scale, material.occlusion_strength
    _, roughness, metallic, _ = _mean(material.metallic_roughness_texture, srgb=False)
    occlusion = 1 + strength * (_mean(material.occlusion_texture, srgb=False)[0] - 1)
    for place, share in enumerate((roughness, metallic, occlusion, strength)):
        row["means"] |= round(share * 255) << 8 * place
    mean = _mean(material.emissive_texture, srgb=True)[:3]
    row["mean_emissive"] = rgb9e5(math3d.linear_color(material.emissive)[:3] * material.emission * mean)
    return row


@lru_cache(maxsize=1 << 12)
def _mean(texture: Texture | None, *, srgb: bool) -> npt.NDArray[np.float64]:
    """(4,): of all that a texture shows, in linear light; 1 where there is none."""
    if texture is None:
        return np.ones(4)
    counts = [np.bincount(texture.layers[..., channel].ravel(), minlength=256) for channel in range(4)]
    values = np.arange(256) / 255
    shares = [math3d.srgb_to_linear(values) if srgb and channel < 3 else values for channel in range(4)]
    return np.array([np.average(share, weights=count) for share, count in zip(shares, counts, strict=True)])


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
