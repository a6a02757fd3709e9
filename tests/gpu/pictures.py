"""How pictures are compared, and what they are drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import throng
from throng.layout import MATERIAL, MATERIALS_ACROSS

Picture = npt.NDArray[Any]

MODES = ("indirect", "instanced", "naive")
MATERIAL_TABLE = MATERIALS_ACROSS * MATERIAL.size  # bytes: what a few materials take
OUTPUTS = ("color", "depth", "ids", "normals")


def exact(mode: str = "auto") -> throng.Options:
    """Without what changes the picture, to hold it against others; what is not seen is left out."""
    return throng.Options(mode=mode, lod=False, splat=False)


def everything(mode: str = "auto") -> throng.Options:
    """Nothing is left out."""
    return throng.Options(mode=mode, cull=False, lod=False, occlusion=False, splat=False)


class Drawer:
    """Renderers that are kept, one for each set of options and number of samples: making one takes 0.2 s."""

    def __init__(self) -> None:
        self._renderers: dict[tuple[throng.Options, int], throng.Renderer] = {}

    def renderer(self, options: str | throng.Options, samples: int = 1) -> throng.Renderer:
        """Of a mode's `exact` options, or of others."""
        if isinstance(options, str):
            options = exact(options)
        key = options, samples
        if key not in self._renderers:
            self._renderers[key] = throng.Renderer(samples=samples, options=options)
        return self._renderers[key]

    def __call__(
        self,
        scene: throng.Scene,
        camera: throng.Camera,
        options: str | throng.Options = "auto",
        *,
        size: tuple[int, int] = (96, 64),
        outputs: tuple[str, ...] = OUTPUTS,
        samples: int = 1,
    ) -> throng.Frame:
        renderer = self.renderer(options, samples)
        if renderer.size != size:
            renderer.size = size
        return renderer.render(scene, camera, outputs)

    @property
    def depth_tolerance(self) -> float:
        """How far, of itself, a depth may be from the exact one.

        GPUs interpolate between vertices that they have moved to a grid of 1/256 pixel; llvmpipe does not. In
        pictures of 100 pixels, surfaces seen at a grazing angle differ by up to a thousandth.
        """
        return 2e-5 if self.renderer("auto").capabilities.is_software else 1e-3

    def close(self) -> None:
        for renderer in self._renderers.values():
            renderer.close()


def share_differing(one: Picture, other: Picture, tolerance: float = 2.0) -> float:
    """The share of pixels that differ by more than `tolerance` in any channel."""
    assert one.shape == other.shape
    difference = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return float((difference.reshape(*one.shape[:2], -1).max(axis=-1) > tolerance).mean())


def assert_frames_agree(one: throng.Frame, other: throng.Frame, share: float = 0.001) -> None:
    """All outputs are the same in all but `share` of the pixels.

    Colours may differ by 2/255, depth by 1e-4 of itself, normals by a hundredth (they are kept as halves).
    Of surfaces that lie equally far, to a millionth, either may be seen: of pixels whose depths agree so well
    three percent may differ otherwise (a node that is flat lies in one plane).
    """
    assert one.outputs == other.outputs
    tied = np.zeros(getattr(one, one.outputs[0]).shape[:2], np.bool_)
    if {"color", "depth"} <= set(one.outputs) and share > 0:
        apart = np.abs(one.color.astype(int) - other.color).max(axis=-1) > 2
        tied = apart & np.isclose(one.depth, other.depth, rtol=1e-6, atol=0.0) & np.isfinite(one.depth)
        tied &= tied.mean() <= 0.03
    for name in one.outputs:
        a, b = getattr(one, name), getattr(other, name)
        b = np.where(tied.reshape(tied.shape + (1,) * (b.ndim - 2)), a, b)
        if name == "color":
            bad = share_differing(a, b)
        elif name == "depth":
            bad = 1.0 - float((np.isclose(a, b, rtol=1e-4, atol=0.0)).mean())  # inf is close to inf
        elif name == "ids":
            bad = float((a != b).any(axis=-1).mean())
        else:
            bad = share_differing(a, b, 0.01)
        assert bad <= share, f"{name}: {bad:.3%} of the pixels differ, {share:.3%} may"


@dataclass(frozen=True)
class Difference:
    """How far two pictures are apart.

    share  of pixels that differ by more than the tolerance in some channel
    block  the largest difference of the mean colour of a block of pixels, in any channel
    """

    share: float
    block: float


def difference(one: Picture, other: Picture, *, tolerance: float = 4.0, side: int = 8) -> Difference:
    """Compares two (h, w, 4) uint8 pictures pixel by pixel and block by block.

    A count of pixels alone lets a small defect pass, since it is a small share of the picture; the mean of a
    block finds that and is blind to a defect smaller still, which then differs by much. Blocks lie at every
    half of their side, so that a defect is never halved by a border.
    """
    assert one.shape == other.shape
    apart = one.astype(np.float64) - other.astype(np.float64)
    share = float((np.abs(apart).max(axis=-1) > tolerance).mean())
    sums = np.pad(apart.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    step = side // 2
    rows = np.arange(0, one.shape[0] - side + 1, step)[:, None]
    columns = np.arange(0, one.shape[1] - side + 1, step)[None, :]
    blocks = (
        sums[rows + side, columns + side]
        - sums[rows, columns + side]
        - sums[rows + side, columns]
        + sums[rows, columns]
    )
    return Difference(share, float(np.abs(blocks).max() / side**2))
