"""What a renderer gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from throng.errors import NotRequestedError

OUTPUTS = ("color", "depth", "ids", "normals")


@dataclass(frozen=True)
class Stats:
    """Figures of one frame.

    mode            the mode in which it was drawn
    draw_calls      calls that draw geometry; full-screen passes do not count
    instances       how many the scene has that are not hidden, each once, whatever its parts
    visible         how many of them were drawn, as meshes or as splats
    culled          how many were left out because they are outside the view
    occluded        how many were left out because others hide them
    simplified      how many were drawn with a coarser mesh than their own
    splats          how many were small enough to be written by the compute pass
    triangles       how many were submitted
    uploaded_bytes  written to GPU buffers for this frame
    cpu_ms          time that Python and the driver took to submit it
    gpu_ms          time that the GPU took for the latest frame known, one to three frames ago; nan where
                    that is not known yet or the driver has no timers
    texture_bytes   that the textures of the renderer take on the GPU, mipmaps included
    """

    mode: str
    draw_calls: int
    instances: int
    visible: int
    culled: int
    occluded: int
    simplified: int
    splats: int
    triangles: int
    uploaded_bytes: int
    cpu_ms: float
    gpu_ms: float
    texture_bytes: int = 0


class Frame:
    """Pictures of one moment; row 0 is the top row. The arrays are the caller's.

    color    (h, w, 4) uint8, sRGB, straight alpha
    depth    (h, w) float32, metres along the view axis, inf where nothing is
    ids      (h, w, 2) int32: the node's id, and the instance's in its crowd (0 for a plain node); -1 where
             nothing is
    normals  (h, w, 3) float32, unit vectors in the scene's space, 0 where nothing is
    stats    a Stats

    Reading what was not asked for raises NotRequestedError.
    """

    def __init__(self, pictures: Mapping[str, npt.NDArray[Any]], stats: Stats) -> None:
        self._pictures = dict(pictures)
        self.stats = stats

    @property
    def color(self) -> npt.NDArray[np.uint8]:
        """(h, w, 4) uint8, sRGB, straight alpha."""
        return self._picture("color")

    @property
    def depth(self) -> npt.NDArray[np.float32]:
        """(h, w) float32, metres along the view axis; inf where nothing is."""
        return self._picture("depth")

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """(h, w, 2) int32: the node's id and the instance's; -1 where nothing is."""
        return self._picture("ids")

    @property
    def normals(self) -> npt.NDArray[np.float32]:
        """(h, w, 3) float32, unit vectors in the scene's space; 0 where nothing is."""
        return self._picture("normals")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The pictures that there are."""
        return tuple(self._pictures)

    def __repr__(self) -> str:
        height, width = next(iter(self._pictures.values())).shape[:2]
        return f"<Frame of {width}x{height}: {', '.join(self._pictures)}>"

    def _picture(self, name: str) -> npt.NDArray[Any]:
        try:
            return self._pictures[name]
        except KeyError:
            raise NotRequestedError(
                f"frame.{name}: expected one of the outputs asked for, {', '.join(self._pictures)}; ask with "
                f'render(..., outputs=("{name}", ...))'
            ) from None
