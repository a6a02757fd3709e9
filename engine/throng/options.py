"""What a renderer may leave out, and how it draws."""

from __future__ import annotations

from dataclasses import dataclass

from throng import arrays

MODES = ("auto", "indirect", "instanced", "naive")
SWITCHES = ("cull", "lod", "occlusion", "splat")  # of the work that finds out what need not be drawn
# What belongs to the scene and can be left out of the picture.
EFFECTS = (
    "reflections", "shadows", "lights", "fog", "sky", "tone_mapping", "textures", "motion", "transparency",
    "soft_particles",
)  # fmt: skip
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
    reflections, shadows, lights, fog, sky, tone_mapping, textures, motion, transparency, soft_particles
               effects of the scene: reflections, without which all is matte; shadows of the sun; point
               lights; fog; the sky; exposure and tone mapping; textures; movement of materials and what
               pushes plants aside; blended materials, which are opaque without it; their softness
    max_lights  point lights that are drawn at most: those that matter most to the view
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
    reflections: bool = True
    shadows: bool = True
    lights: bool = True
    fog: bool = True
    sky: bool = True
    tone_mapping: bool = True
    textures: bool = True
    motion: bool = True
    transparency: bool = True
    soft_particles: bool = True
    max_lights: int = 64
    debug: str | None = None

    def __post_init__(self) -> None:
        arrays.choice(self.mode, "mode", MODES)
        for switch in (*SWITCHES, *EFFECTS):
            arrays.flag(getattr(self, switch), switch)
        arrays.integer(self.max_lights, "max_lights", low=0, high=1 << 15)
        if self.debug is not None:
            arrays.choice(self.debug, "debug", DEBUG)
