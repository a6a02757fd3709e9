"""What a renderer may leave out, and how it draws."""

from __future__ import annotations

from dataclasses import dataclass, fields

from throng import arrays

MODES = ("auto", "indirect", "instanced", "naive")


@dataclass(frozen=True, slots=True)
class Options:
    """Frozen, checked when made. Each switch can leave something out; none switches anything on.

    mode       "indirect": one multi-draw for everything opaque, OpenGL 4.3; "instanced": one draw a batch,
               OpenGL 3.3; "naive": one draw an object, the baseline; "auto": the best that the context can do
    cull, lod, occlusion, splat, shadows
               whether to use what a later version brings: this one has none of them to leave out

    Raises InvalidValue or InvalidType, naming the option.
    """

    mode: str = "auto"
    cull: bool = True
    lod: bool = True
    occlusion: bool = True
    splat: bool = True
    shadows: bool = True

    def __post_init__(self) -> None:
        arrays.choice(self.mode, "mode", MODES)
        for option in fields(self):
            if option.name != "mode":
                arrays.flag(getattr(self, option.name), option.name)
