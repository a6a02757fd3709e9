"""Smooth noise: clumps, hills, and whatever else in nature is neither even nor at random."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays

Floats = npt.NDArray[np.float64]

_CELLS = 256  # after so many, the slopes repeat


def noise(x: npt.ArrayLike, y: npt.ArrayLike, *, seed: int = 0, octaves: int = 1) -> Floats:
    """Gradient noise at places of a plane: 0 on average, within about -1..1, smooth, the same for the same
    seed. Clumps are about 1 across: `noise(x / 20, z / 20)` has clumps of 20 metres.

    x, y     arrays of one shape, or of shapes that broadcast; a float64 array of that shape comes back
    octaves  1 to 16: each after the first adds clumps half as large and half as strong

    Perlin, "Improving Noise", SIGGRAPH 2002, with slopes from a table. Raises InvalidValue or InvalidType.
    """
    across, along = arrays.doubles(x, "x"), arrays.doubles(y, "y")
    start = arrays.integer(seed, "seed", low=0)
    count = arrays.integer(octaves, "octaves", low=1, high=16)
    total: Any = 0.0
    for octave in range(count):
        # Each is turned, and elsewhere, so that the cells of none lie on those of another.
        turn = 0.6 + 2.4 * octave
        c, s = 2.0**octave * np.cos(turn), 2.0**octave * np.sin(turn)
        total = total + _octave(c * across - s * along, s * across + c * along, start + octave) * 0.5**octave
    return np.asarray(total)


def _octave(x: Floats, y: Floats, seed: int) -> Floats:
    column, row = np.floor(x), np.floor(y)
    u, v = x - column, y - row
    slopes = _slopes(seed)
    left, low = (np.remainder(place, _CELLS).astype(np.intp) for place in (column, row))
    right, high = (left + 1) % _CELLS, (low + 1) % _CELLS

    def corner(columns: Any, rows: Any, dx: Floats, dy: Floats) -> Floats:
        place = rows * _CELLS + columns
        return np.asarray(slopes[0][place] * dx + slopes[1][place] * dy)

    wide, tall = (part * part * part * (part * (part * 6 - 15) + 10) for part in (u, v))
    below = corner(left, low, u, v)
    below = below + wide * (corner(right, low, u - 1, v) - below)
    above = corner(left, high, u, v - 1)
    above = above + wide * (corner(right, high, u - 1, v - 1) - above)
    return np.asarray((below + tall * (above - below)) * np.sqrt(2))


@lru_cache(maxsize=64)
def _slopes(seed: int) -> tuple[Floats, Floats]:
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, _CELLS * _CELLS)
    return np.cos(angle), np.sin(angle)
