"""What a renderer may leave out, and how it draws."""

from __future__ import annotations

from dataclasses import dataclass

from throng import arrays

MODES = ("auto", "indirect", "instanced", "naive")
SWITCHES = ("cull", "lod", "occlusion", "splat")  # of the work that finds out what need not be drawn
DEBUG = ("lod", "cell", "splat")


@dataclass(frozen=True, slots=True)
class Options:
    """Frozen, checked when made. Every switch is on, and leaves its work out where it is off.

    mode       "indirect": one multi-draw for everything opaque, OpenGL 4.3; "instanced": a draw for each
               batch and level of detail, OpenGL 3.3; "naive": one draw an object, the baseline, which always
               draws everything; "auto": the best that the context can do
    cull       nothing outside the view is drawn: cells of a crowd are tested first, then instances; not in
               mode "naive"
    lod        what is small in the picture is drawn with coarser meshes, which follow each other in a
               dithered cross-fade, in mode "instanced" without one; not in mode "naive"
    occlusion  what others hide is not drawn: what was visible a frame ago is drawn first, and the rest is
               tested against a pyramid of the depth of this very frame; mode "indirect" only
    splat      instances of a few pixels are written by a compute pass, past the rasteriser; mode "indirect"
               only
    shadows    for what a later version brings: this one has none to leave out
    debug      colours to look at instead of the scene's own. "lod": by level of detail; "cell": by spatial
               cell; "splat": splats against meshes; None: the scene's. Mode "instanced" knows "lod" only, and
               mode "naive" none

    Raises InvalidValue or InvalidType, naming the option.
    """

    mode: str = "auto"
    cull: bool = True
    lod: bool = True
    occlusion: bool = True
    splat: bool = True
    shadows: bool = True
    debug: str | None = None

    def __post_init__(self) -> None:
        arrays.choice(self.mode, "mode", MODES)
        for switch in (*SWITCHES, "shadows"):
            arrays.flag(getattr(self, switch), switch)
        if self.debug is not None:
            arrays.choice(self.debug, "debug", DEBUG)
