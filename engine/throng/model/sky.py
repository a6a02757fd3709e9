"""The sky, and what its air does to the light of the sun."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays, math3d
from throng.layout import SKY_ACROSS, SKY_UP
from throng.model.light import Shadows, Sun

Doubles = npt.NDArray[np.float64]

# The Earth's air, lengths in kilometres: Bruneton and Neyret, "Precomputed Atmospheric Scattering", EGSR
# 2008; ozone and the light scattered more than once after Hillaire, "A Scalable and Production Ready Sky and
# Atmosphere Rendering Technique", EGSR 2020. Colours are red, green, blue: 680, 550, 440 nm.
_RADIUS, _TOP, _EYE = 6360.0, 6460.0, 0.02
_MOLECULES, _MOLECULE_HEIGHT = np.array((5.802e-3, 13.558e-3, 33.1e-3)), 8.0
_HAZE_HEIGHT, _HAZE_ALBEDO = 1.2, 0.95
_OZONE = np.array((0.650e-3, 1.881e-3, 0.085e-3))
_SOLAR = 1.2  # how bright a white surface turned to the sun would be outside the air, at intensity 1
_DISC = 100.0  # how much brighter the sun's disc is than that; the real one would be 46,000 times
_DUSK = math.sin(math.radians(-5.0))
_MOONLIGHT, _MOON = 0.03, np.array((0.62, 0.78, 1.0))
HAZE_FORWARD = 0.8  # g of the phase function of haze
_STEPS = 32
_FINE = 96  # azimuths of a closer look


@dataclass(frozen=True, slots=True, init=False)
class Sky:
    """A clear sky that fits the direction of the scene's sun: blue at noon, red at dusk, dark without one.

    turbidity  how hazy it is: molecules and haze together against the molecules alone, as light from the
               zenith meets them. 1: no haze at all; 1.5: a clear day; 4: a hazy one
    ground     sRGB: the colour of the ground as far as the horizon
    intensity  how bright it is; at 1 it goes with a sun of about 0.9 at noon
    """

    turbidity: float
    ground: tuple[float, float, float, float]
    intensity: float

    def __init__(
        self, turbidity: float = 1.5, ground: Any = (0.42, 0.41, 0.36), intensity: float = 1.0
    ) -> None:
        put = object.__setattr__
        put(self, "turbidity", arrays.number(turbidity, "turbidity", low=1.0, high=50.0))
        put(self, "ground", arrays.rgba(ground, "ground"))
        put(self, "intensity", arrays.number(intensity, "intensity", low=0.0))

    def sun(self, elevation: float, azimuth: float = 135.0, shadows: Shadows | bool | None = None) -> Sun:
        """The sun of this sky, with the colour and strength that the air leaves it: white at noon, red when
        it rises and sets, none below the horizon.

        elevation  degrees above the horizon
        azimuth    degrees from -Z, north, by way of +X, east
        shadows    as Sun has it
        """
        high = math.radians(arrays.number(elevation, "elevation", low=-90.0, high=90.0))
        turn = math.radians(arrays.number(azimuth, "azimuth"))
        toward = np.array((math.cos(high) * math.sin(turn), math.sin(high), -math.cos(high) * math.cos(turn)))
        light = self.intensity * _SOLAR * _air(self.turbidity).sunlight(float(toward[1]))
        strength = float(light.max())
        color = math3d.linear_to_srgb(light / strength) if strength > 0 else np.ones(3)
        return Sun(-toward, np.clip(color, 0.0, 1.0), strength, shadows)

    def sun_at(
        self,
        hour: float,
        *,
        latitude: float = 40.0,
        north: float = 0.0,
        shadows: Shadows | bool | None = None,
    ) -> Sun:
        """The sun of this sky at a time of day of spring or autumn: it rises in the east at 6, is highest in
        the south at 12, and sets in the west at 18.

        hour      0..24
        latitude  degrees, -90..90: at noon the sun is 90 degrees less that high, in the north where negative
        north     degrees from -Z, by way of +X, to where north is
        shadows   as Sun has it
        """
        turn = math.radians(15.0 * (arrays.number(hour, "hour", low=0.0, high=24.0) - 12.0))
        lean = math.radians(arrays.number(latitude, "latitude", low=-90.0, high=90.0))
        up, south, west = math.cos(lean) * math.cos(turn), math.sin(lean) * math.cos(turn), math.sin(turn)
        azimuth = math.degrees(math.atan2(-west, -south)) + arrays.number(north, "north")
        return self.sun(math.degrees(math.asin(min(max(up, -1.0), 1.0))), azimuth, shadows)

    def at(
        self,
        hour: float,
        *,
        latitude: float = 40.0,
        north: float = 0.0,
        shadows: Shadows | bool | None = None,
    ) -> tuple[Sky, Sun]:
        """The sky and the light in it at a time of day: the sun, as `sun_at` has it; and where that is more
        than 5 degrees below the horizon, a full moon opposite, bluer and 10,000 times brighter than it is, as
        films have it, in a sky that is as much darker than by day.
        """
        sun = self.sun_at(hour, latitude=latitude, north=north, shadows=shadows)
        if -sun.direction[1] > _DUSK:
            return self, sun
        dark = replace(self, intensity=self.intensity * _MOONLIGHT)
        moon = dark.sun_at((hour + 12.0) % 24.0, latitude=latitude, north=north, shadows=shadows)
        return dark, replace(moon, color=np.array(moon.color[:3]) * _MOON)

    def exposure(self, sun: Sun) -> float:
        """Stops with which a scene under this sky and that sun is as bright as it is expected to be: none at
        noon, more the lower the sun is, though dusk stays darker than day, and night dark.
        """
        light = np.array((0.2126, 0.7152, 0.0722))
        high = max(-sun.direction[1], 0.25)  # much of what is seen is upright
        direct = sun.intensity * high * float(math3d.srgb_to_linear(np.array(sun.color[:3])) @ light)
        return min(0.8 * math.log2(0.9 / max(direct + float(baked(self, sun).above @ light), 1e-9)), 4.5)


@dataclass(frozen=True, eq=False)
class Baked:
    """A sky for one height of the sun, in linear light.

    table   (2 SKY_UP, SKY_ACROSS, 4) float32, as sky.glsl reads it: rows from straight down to straight up,
            columns from the sun's side to the other; then, in rows of their own, the light that the haze
            scatters once, still without its phase function
    above   (3,): how bright a white surface is that is turned straight up; and down
    below
    disc    (3,): of the sun's disc
    """

    table: npt.NDArray[np.float32]
    above: Doubles
    below: Doubles
    disc: Doubles


def baked(sky: Sky, sun: Sun | None) -> Baked:
    """The sky that goes with this sun."""
    if sun is None:
        return _NIGHT
    return _baked(sky, round(-sun.direction[1], 5))


class _Air:
    """What the air of one turbidity does to light."""

    def __init__(self, turbidity: float) -> None:
        haze = (turbidity - 1.0) * _MOLECULES[1] * _MOLECULE_HEIGHT / _HAZE_HEIGHT
        self.haze_scattering = haze * _HAZE_ALBEDO
        self.haze_extinction = haze
        self._heights = np.linspace(0.0, 1.0, 32) ** 2 * (_TOP - _RADIUS)
        self._shares = np.linspace(0.0, 1.0, 128)
        self._table = self._transmittances()

    def densities(self, height: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """Of molecules, haze, and ozone, against where they are densest."""
        height = np.maximum(height, 0.0)
        ozone = np.maximum(1.0 - np.abs(height - 25.0) / 15.0, 0.0)
        return np.exp(-height / _MOLECULE_HEIGHT), np.exp(-height / _HAZE_HEIGHT), ozone

    def extinction(self, height: Doubles) -> Doubles:
        """(..., 3): for each kilometre."""
        molecules, haze, ozone = self.densities(height)
        return np.asarray(
            molecules[..., None] * _MOLECULES
            + haze[..., None] * self.haze_extinction
            + ozone[..., None] * _OZONE
        )

    def _transmittances(self) -> Doubles:
        """(heights, shares, 3): of the whole way out, for directions from the horizon's to straight up."""
        lowest = _horizon(self._heights)[:, None]
        upward = lowest + (1.0 - lowest) * self._shares**2
        start = self._heights[:, None] + _RADIUS
        length = np.sqrt(np.maximum(_TOP**2 - start**2 * (1 - upward**2), 0)) - start * upward
        total = np.zeros((*upward.shape, 3))
        for along, step in _steps(64):
            way = length * along
            height = np.sqrt(start**2 + way**2 + 2 * way * start * upward) - _RADIUS
            total += self.extinction(height) * (length * step)[..., None]
        return np.exp(-total)

    def transmittance(self, height: Doubles, upward: Doubles) -> Doubles:
        """(..., 3): of the way from `height` out of the air, in directions whose upward part this is; 0 where
        the ground is in the way.
        """
        lowest = _horizon(height)
        share = np.sqrt(np.clip((upward - lowest) / (1.0 - lowest), 0.0, 1.0)) * (len(self._shares) - 1)
        row = np.sqrt(np.clip(height / (_TOP - _RADIUS), 0.0, 1.0)) * (len(self._heights) - 1)
        i, j = (np.minimum(part.astype(int), n - 2) for part, n in ((row, 32), (share, 128)))
        a, b = (row - i)[..., None], (share - j)[..., None]
        t = self._table
        near = t[i, j] * (1 - b) + t[i, j + 1] * b
        far = t[i + 1, j] * (1 - b) + t[i + 1, j + 1] * b
        # The sun's disc sinks by and by.
        risen = np.clip((upward - lowest) / 0.0093 + 0.5, 0.0, 1.0)
        return np.asarray((near * (1 - a) + far * a) * risen[..., None])

    def sunlight(self, upward: float) -> Doubles:
        """(3,): the share of the sun's light that reaches the ground."""
        return np.asarray(self.transmittance(np.array(_EYE), np.array(upward)))

    def many_times(self, sun: Doubles, ground: Doubles) -> tuple[Doubles, Doubles]:
        """Heights, and (heights, 3): light scattered twice and more, alike in all directions, for sun 1."""
        heights = np.linspace(0.0, 1.0, 12) ** 2 * (_TOP - _RADIUS - 1.0)
        count = 64
        number = np.arange(count) + 0.5
        up, turn = 1 - 2 * number / count, number * math.pi * (1 + math.sqrt(5))
        across = np.sqrt(1 - up**2)
        directions = np.stack([across * np.cos(turn), up, across * np.sin(turn)], axis=1)
        start, ways = np.repeat(heights, count), np.tile(directions, (len(heights), 1))
        length, hits = _lengths(start, ways)
        second, share, through = np.zeros((3, len(start), 3))
        through += 1.0
        for along, step in _steps(20):
            height, sun_up, _ = _along(start, ways, length * along, sun)
            molecules, haze, _ = self.densities(height)
            scattering = molecules[:, None] * _MOLECULES + haze[:, None] * self.haze_scattering
            span = (length * step)[:, None]
            passed = np.exp(-self.extinction(height) * span)
            seen = through * scattering * span * (1 + passed) / 2
            second += seen * self.transmittance(height, sun_up) / (4 * math.pi)
            share += seen
            through *= passed
        _, sun_up, _ = _along(start, ways, length, sun)
        lit = self.transmittance(np.zeros_like(start), sun_up) * np.maximum(sun_up, 0)[:, None]
        second += np.where(hits[:, None], through * lit * ground / math.pi, 0.0)
        second, share = (part.reshape(len(heights), count, 3).mean(axis=1) for part in (second, share))
        return heights, second / (1 - share)

    def inscattered(
        self, ways: Doubles, sun: Doubles, ground: Doubles
    ) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """For (n, 3) directions from the eye, and a sun of irradiance 1: the light scattered by molecules, or
        many times; by haze, once, without its phase function; what is left of the light of what lies behind;
        and the direct light on that, where it is ground. All (n, 3).
        """
        start = np.full(len(ways), _EYE)
        length, hits = _lengths(start, ways)
        heights, many = self.many_times(sun, ground)
        scattered, hazy = np.zeros((2, len(ways), 3))
        through = np.ones((len(ways), 3))
        cosine = ways @ sun
        phase = (3 / (16 * math.pi) * (1 + cosine**2))[:, None]
        for along, step in _steps(_STEPS):
            height, sun_up, _ = _along(start, ways, length * along, sun)
            molecules, haze, _ = self.densities(height)
            span = (length * step)[:, None]
            passed = np.exp(-self.extinction(height) * span)
            lit = self.transmittance(height, sun_up)
            again = np.stack([np.interp(height, heights, many[:, channel]) for channel in range(3)], axis=1)
            by_molecules, by_haze = molecules[:, None] * _MOLECULES, haze[:, None] * self.haze_scattering
            seen = through * span * (1 + passed) / 2
            scattered += seen * (by_molecules * phase * lit + (by_molecules + by_haze) * again)
            hazy += seen * by_haze * lit
            through *= passed
        _, sun_up, _ = _along(start, ways, length, sun)
        on_ground = self.transmittance(np.zeros_like(start), sun_up) * np.maximum(sun_up, 0)[:, None]
        return scattered, hazy, through, np.where(hits[:, None], on_ground, 0.0)


@lru_cache(maxsize=8)
def _air(turbidity: float) -> _Air:
    return _Air(turbidity)


@lru_cache(maxsize=32)
def _baked(sky: Sky, sun_up: float) -> Baked:
    air = _air(sky.turbidity)
    half = SKY_UP // 2
    sun = np.array((math.sqrt(max(1 - sun_up**2, 0.0)), sun_up, 0.0))
    albedo = math3d.linear_color(sky.ground)[:3]
    # Rows and columns as sky.glsl finds them.
    rising = np.concatenate([-(np.linspace(1, 0, half) ** 2), np.linspace(0, 1, half) ** 2])
    rising[[half - 1, half]] = -1e-6, 1e-6
    toward = 1 - 2 * np.linspace(0, 1, SKY_ACROSS)
    level = np.sqrt(1 - rising[:, None] ** 2)
    shape = SKY_UP, SKY_ACROSS
    ways = np.stack(
        np.broadcast_arrays(level * toward, rising[:, None], level * np.sqrt(1 - toward**2)), axis=-1
    ).reshape(-1, 3)
    scattered, hazy, through, on_ground = air.inscattered(ways, sun, albedo)
    # How bright a surface is that is turned up, or down: of the glow around the sun a closer look is taken.
    fine = np.cos((np.arange(_FINE) + 0.5) * (math.pi / _FINE))
    between = np.stack([np.interp(-fine, -toward, unit) for unit in np.eye(SKY_ACROSS)], axis=1)
    closer = np.stack(
        np.broadcast_arrays(level * fine, rising[:, None], level * np.sqrt(1 - fine**2)), axis=-1
    )
    weights = _weights(rising)[:, None, None] / _FINE
    clear, haze = (between @ part.reshape(*shape, 3) for part in (scattered, hazy))
    seen = (clear + haze * haze_phase(closer @ sun)[..., None]) * weights
    above = seen[half:].sum(axis=(0, 1))
    # The ground sends on what the sun, and the sky, send it: pi times their means.
    hits = _lengths(np.full(len(ways), _EYE), ways)[1][:, None]
    earth = through * albedo * (on_ground / math.pi + above) * hits
    below = (seen + between @ earth.reshape(*shape, 3) * weights)[:half].sum(axis=(0, 1))
    scattered = scattered + earth
    light = sky.intensity * _SOLAR * math.pi  # irradiance on what is turned to the sun
    table = np.ones((2 * SKY_UP, SKY_ACROSS, 4), np.float32)
    table[:SKY_UP, :, :3] = scattered.reshape(*shape, 3) * light
    table[SKY_UP:, :, :3] = hazy.reshape(*shape, 3) * light
    table.setflags(write=False)
    disc = air.sunlight(sun_up) * sky.intensity * _SOLAR * _DISC
    return Baked(table, above * light, below * light, disc)


def haze_phase(cosine: Doubles) -> Doubles:
    """Cornette and Shanks, 1992, as Nishita et al. have it in "Display of the Earth taking into Account
    Atmospheric Scattering", SIGGRAPH 1993.
    """
    g = HAZE_FORWARD
    return np.asarray(
        3 / (8 * math.pi) * (1 - g * g) * (1 + cosine**2)
        / ((2 + g * g) * (1 + g * g - 2 * g * cosine) ** 1.5)
    )  # fmt: skip


def _steps(count: int) -> list[tuple[float, float]]:
    """Where to look along a way, and how much of it each place stands for: densest at its start."""
    return [(((n + 0.5) / count) ** 2, (2 * n + 1) / count**2) for n in range(count)]


def _horizon(height: Doubles) -> Doubles:
    """The upward part of directions to the horizon."""
    share = _RADIUS / (_RADIUS + np.maximum(height, 0.0))
    return np.asarray(-np.sqrt(np.maximum(1 - share**2, 0.0)))


def _lengths(height: Doubles, ways: Doubles) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Kilometres until a way leaves the air or meets the ground; whether it does meet it."""
    start = height + _RADIUS
    middle = start * ways[:, 1]
    beside = start**2 - middle**2
    hits = (ways[:, 1] < 0) & (beside < _RADIUS**2)
    ground = -middle - np.sqrt(np.maximum(_RADIUS**2 - beside, 0.0))
    out = np.sqrt(np.maximum(_TOP**2 - beside, 0.0)) - middle
    return np.where(hits, ground, out), hits


def _along(height: Doubles, ways: Doubles, way: Doubles, sun: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Height there, the upward part of the sun's direction there, the distance from the Earth's centre."""
    place = ways * way[:, None]
    place[:, 1] += height + _RADIUS
    center = np.sqrt(np.einsum("ij,ij->i", place, place))
    return center - _RADIUS, (place @ sun) / center, center


def _weights(rising: Doubles) -> Doubles:
    """What each row counts in how bright a surface is that faces its half; each half's sum is 1."""
    half = len(rising) // 2
    weights = []
    for y in (rising[:half], rising[half:]):
        edges = np.concatenate([y[:1], (y[1:] + y[:-1]) / 2, y[-1:]])
        weights.append(np.abs(np.diff(edges**2)))  # the integral of 2 |y| dy
    return np.concatenate(weights)


_NIGHT = Baked(np.zeros((2 * SKY_UP, SKY_ACROSS, 4), np.float32), *np.zeros((3, 3)))
_NIGHT.table[..., 3] = 1.0
