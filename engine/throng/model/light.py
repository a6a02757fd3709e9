"""The light that belongs to a scene."""

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
