"""What a frame asks of a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import moderngl

from throng.gpu.sums import SplatSums
from throng.gpu.view import View
from throng.model.material import Pipeline

DEBUG = (None, "lod", "cell", "splat")


@dataclass(frozen=True)
class Switches:
    """What may be left out of the picture, and how; see Options."""

    cull: bool
    lod: bool
    occlusion: bool
    splat: bool
    debug: str | None


@dataclass(frozen=True)
class Request:
    """A view of a scene, and how to draw it.

    chooser   the view that decides what is drawn, relative to the same origin: `view` itself, unless frozen
    defines   for the fragment shaders: which outputs there are
    samples   of each pixel of the framebuffer in use
    depth     gives that framebuffer's depth, as it is when called, in a texture that starts at the viewport's
              corner; None where it cannot be had
    alone     whether nothing else was drawn to that framebuffer
    backdrop  draws what is behind everything opaque: called once all of that is drawn
    blending  whether blended materials are drawn in a pass of their own, and not as opaque
    sorts     whether blended instances are drawn from the back to the front
    sums      where blended splats are added up; None where they cannot be, and are drawn as meshes
    """

    view: View
    chooser: View
    switches: Switches
    defines: Mapping[str, object]
    samples: int
    depth: Callable[[], moderngl.Texture] | None
    alone: bool
    backdrop: Callable[[], None] | None = None
    blending: bool = False
    sorts: bool = False
    sums: SplatSums | None = None

    def draws(self, pipeline: Pipeline) -> bool:
        """Whether what has that pipeline takes part in the pass that is drawn now."""
        if "DEPTH_ONLY" in self.defines:
            return not pipeline.blends
        return (pipeline.blends and self.blending) == self.draws_blended

    @property
    def draws_blended(self) -> bool:
        """Whether this is the pass of what is blended."""
        return "SUMMED" in self.defines or "OVER" in self.defines

    @property
    def separates(self) -> bool:
        """Whether what is blended is not drawn with the rest."""
        return self.blending or "DEPTH_ONLY" in self.defines

    @property
    def frozen(self) -> bool:
        """Whether another view than the one that is drawn decides."""
        return self.chooser is not self.view


@dataclass
class Tally:
    """What became of a frame's instances, each counted once; see Stats.

    uploaded_bytes  written for what was chosen, beside the columns
    """

    visible: int = 0
    culled: int = 0
    occluded: int = 0
    simplified: int = 0
    splats: int = 0
    triangles: int = 0
    uploaded_bytes: int = 0
