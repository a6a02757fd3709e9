"""The light that belongs to a scene, and the fog that it comes through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from throng import arrays
from throng.errors import InvalidType, InvalidValue
from throng.layout import MOST_CASCADES


@dataclass(frozen=True, slots=True, init=False)
class Shadows:
    """How the sun casts shadows: by maps of depth, each for a part of what the camera sees, near or far.

    distance  metres from the camera up to which there are shadows; None: as far as the camera sees
    cascades  1 to 4 maps
    size      texels along each side of a map
    """

    distance: float | None
    cascades: int
    size: int

    def __init__(self, distance: float | None = None, cascades: int = 4, size: int = 1024) -> None:
        put = object.__setattr__
        put(self, "distance", None if distance is None else arrays.number(distance, "distance", above=0.0))
        put(self, "cascades", arrays.integer(cascades, "cascades", low=1, high=MOST_CASCADES))
        put(self, "size", arrays.integer(size, "size", low=16, high=8192))


@dataclass(frozen=True, slots=True, init=False)
class Sun:
    """A light so far away that its rays are parallel.

    direction  the way its light travels, any length but zero; (0, -1, 0) is noon
    color      sRGB
    intensity  how much light a white surface turned to the sun sends on: 1 is white
    shadows    a Shadows; True for one as it is by default; False or None where it casts none
    """

    direction: tuple[float, float, float]
    color: tuple[float, float, float, float]
    intensity: float
    shadows: Shadows | None

    def __init__(
        self,
        direction: Any = (-0.45, -0.8, -0.4),
        color: Any = (1.0, 0.96, 0.88),
        intensity: float = 0.9,
        shadows: Shadows | bool | None = None,
    ) -> None:
        vector = arrays.vector3(direction, "direction")
        length = math.hypot(*vector)
        if length == 0.0:
            raise InvalidValue("direction: expected a direction other than zero, got (0.0, 0.0, 0.0)")
        x, y, z = (part / length for part in vector)
        put = object.__setattr__
        put(self, "direction", (x, y, z))
        put(self, "color", arrays.rgba(color, "color"))
        put(self, "intensity", arrays.number(intensity, "intensity", low=0.0))
        if shadows is True:
            shadows = Shadows()
        elif shadows is not None and not isinstance(shadows, Shadows) and shadows is not False:
            raise InvalidType(
                f"shadows: expected a Shadows, True, False or None, got {arrays.described(shadows)}"
            )
        put(self, "shadows", shadows or None)


@dataclass(frozen=True, slots=True, init=False)
class Ambient:
    """Light from all around: one colour from above, another from below, and between them on what stands.

    sky, ground  sRGB: a white surface turned straight up, or down, is as bright as this
    intensity    both count this many times
    """

    sky: tuple[float, float, float, float]
    ground: tuple[float, float, float, float]
    intensity: float

    def __init__(self, sky: Any, ground: Any, intensity: float = 1.0) -> None:
        put = object.__setattr__
        put(self, "sky", arrays.rgba(sky, "sky"))
        put(self, "ground", arrays.rgba(ground, "ground"))
        put(self, "intensity", arrays.number(intensity, "intensity", low=0.0))


@dataclass(frozen=True, slots=True, init=False)
class PointLight:
    """A light that shines in all directions from one point, less with the square of the distance.

    position   metres, in the scene
    color      sRGB
    intensity  how much light a white surface sends on that is turned to it and 1 metre away: 1 is white
    range      metres at which it ends, faded out as KHR_lights_punctual of glTF says
    """

    position: tuple[float, float, float]
    color: tuple[float, float, float, float]
    intensity: float
    range: float

    def __init__(
        self,
        position: Any,
        color: Any = (1.0, 1.0, 1.0),
        intensity: float = 1.0,
        range: float = 10.0,  # noqa: A002 - as glTF calls it
    ) -> None:
        put = object.__setattr__
        put(self, "position", arrays.vector3(position, "position"))
        put(self, "color", arrays.rgba(color, "color"))
        put(self, "intensity", arrays.number(intensity, "intensity", low=0.0))
        put(self, "range", arrays.number(range, "range", above=0.0))


@dataclass(frozen=True, slots=True, init=False)
class Fog:
    """Haze that hides what is far away, thinner with height; under a sky also the land beyond what is drawn.

    color    sRGB: what it looks like; None: as the sky in that direction, without a sky as the background
    density  of each metre at `height`, the share of the light that is lost (for short ways): 0.01 leaves
             37 % after 100 metres
    falloff  by how much it thins: after 1 / falloff metres upwards 37 % of it is left; 0: alike everywhere
    height   metres, where it has that density
    start    metres from the eye to where it begins
    """

    color: tuple[float, float, float, float] | None
    density: float
    falloff: float
    height: float
    start: float

    def __init__(
        self,
        color: Any = None,
        density: float = 0.01,
        falloff: float = 0.0,
        height: float = 0.0,
        start: float = 0.0,
    ) -> None:
        put = object.__setattr__
        put(self, "color", None if color is None else arrays.rgba(color, "color"))
        put(self, "density", arrays.number(density, "density", low=0.0))
        put(self, "falloff", arrays.number(falloff, "falloff", low=0.0))
        put(self, "height", arrays.number(height, "height"))
        put(self, "start", arrays.number(start, "start", low=0.0))
