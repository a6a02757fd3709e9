"""The light that belongs to a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from throng import arrays
from throng.errors import InvalidValue


@dataclass(frozen=True, slots=True, init=False)
class Sun:
    """A light so far away that its rays are parallel.

    direction  the way its light travels, any length but zero; (0, -1, 0) is noon
    color      sRGB
    intensity  how much light a white surface turned to the sun sends on: 1 is white
    """

    direction: tuple[float, float, float]
    color: tuple[float, float, float, float]
    intensity: float

    def __init__(
        self, direction: Any = (-0.45, -0.8, -0.4), color: Any = (1.0, 0.96, 0.88), intensity: float = 0.9
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
