"""Point lights on the GPU: which of them reach which part of the view.

The view is cut into clusters, LIGHT_GRID of them: columns and rows of the picture, and slices of depth each
a factor deeper. For each there is a mask with a bit for every light, so that a fragment looks at those only
that may reach it: Olsson, Billeter and Assarsson, "Clustered Deferred and Forward Shading", HPG 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import moderngl
import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.gpu.context import checked_texture
from throng.gpu.view import View
from throng.layout import LIGHT_GRID
from throng.model.light import PointLight

Doubles = npt.NDArray[np.float64]

_ACROSS = 64  # lights in a row of the table
_SLACK = 1e-4  # of its range, by which a light is taken for larger than it is


@dataclass(frozen=True, eq=False)
class Lamps:
    """Many lights: (n, 3) positions, (n, 3) linear colours with the intensity, (n,) ranges; metres."""

    positions: Doubles
    colors: Doubles
    ranges: Doubles


@lru_cache(maxsize=4)
def lamps_of(lights: tuple[PointLight, ...]) -> Lamps:
    colors = math3d.linear_color([light.color for light in lights])[:, :3]
    strengths = np.array([light.intensity for light in lights])
    return Lamps(
        np.array([light.position for light in lights], np.float64),
        colors * strengths[:, None],
        np.array([light.range for light in lights], np.float64),
    )


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which lights reach which clusters.

    chosen  (n,) the numbers of the lights, in order
    masks   (slices, rows, columns, words) uint32: bit n % 32 of word n // 32 is the n-th chosen
    slices  what is added to a depth; then a factor, and what is added to its binary logarithm: the slice
    """

    chosen: npt.NDArray[np.int64]
    masks: npt.NDArray[np.uint32]
    slices: tuple[float, float, float]


def clustered(lamps: Lamps, view: View, most: int, words: int) -> Clusters:
    """At most `most` lights: where more are in view, those that give most light at the eye, or would where
    they reach as far.
    """
    columns, rows, deep = LIGHT_GRID
    masks = np.zeros((deep, rows, columns, words), np.uint32)
    where = lamps.positions - view.origin
    reach = lamps.ranges * (1 + _SLACK)
    planes = view.planes
    seen = ((where @ planes[:, :3].T + planes[:, 3]) > -reach[:, None]).all(axis=1)
    seen &= lamps.colors.any(axis=1)
    chosen = np.flatnonzero(seen)
    if len(chosen) > most:
        light = lamps.colors[chosen] @ (0.2126, 0.7152, 0.0722)
        away = np.abs(_depths(view, where[chosen]))
        if view.eye[3]:
            away = np.linalg.norm(where[chosen] - view.eye[:3], axis=1)
        # As large as its sphere looks, as bright as it is half way out.
        weight = light / np.maximum(away, lamps.ranges[chosen]) ** 2
        chosen = np.sort(chosen[np.argsort(-weight, kind="stable")[:most]])
    if not len(chosen):
        return Clusters(chosen, masks, (0.0, 0.0, 0.0))
    where, reach = where[chosen], reach[chosen]
    depths = _depths(view, where)
    before, behind = depths - reach, depths + reach
    last = float(behind.max())
    if view.eye[3]:
        shift, first = 0.0, max(float(before.min()), last * 1e-4, 1e-6)
    else:  # slices of nearly the same depth
        span = last - float(before.min())
        shift = 2 * span - last
        first = span
        last = 2 * span
    factor = deep / np.log2(max(last / first, 1 + 1e-6))
    added = -np.log2(first) * factor
    # Where slices begin, as depths from each light; a little early and late, for what float32 makes of them.
    ends = 2.0 ** ((np.arange(deep + 1) - added) / factor) - shift - depths[:, None]
    slack = 1e-4 * (np.abs(ends) + np.abs(depths)[:, None])
    front = np.clip(ends[:, :-1] - slack[:, :-1], -reach[:, None], None)
    back = np.clip(ends[:, 1:] + slack[:, 1:], None, reach[:, None])
    front[:, 0], back[:, -1] = -reach, reach  # in which is whatever lies before and behind
    inside = [
        _between(view, where, reach, front, back, axis, count) for axis, count in ((0, columns), (1, rows))
    ]
    for word in range(-(-len(chosen) // 32)):
        across, up = (part[32 * word : 32 * word + 32].astype(np.uint32) for part in inside)
        bits = np.uint32(1) << np.arange(len(up), dtype=np.uint32)
        masks[..., word] = np.einsum("nsr,nsc->src", up * bits[:, None, None], across)
    return Clusters(chosen, masks, (shift, float(factor), float(added)))


def _depths(view: View, where: Doubles) -> Doubles:
    axis = view.depth
    return np.asarray(where @ axis[:3] + axis[3])


def _between(
    view: View, where: Doubles, reach: Doubles, front: Doubles, back: Doubles, axis: int, count: int
) -> npt.NDArray[np.bool_]:
    """(n, slices, count): whether what spheres have in slices reaches into columns, or rows, of the picture.

    front, back  (n, slices): from where to where a slice has part of a sphere, along the view from its centre
    """
    along, w = view.transform[axis], view.transform[3]
    planes = along - np.linspace(-1.0, 1.0, count + 1)[:, None] * w
    planes /= np.linalg.norm(planes[:, :3], axis=1)[:, None]
    away = (where @ planes[:, :3].T + planes[:, 3])[:, None]
    # Of points that lie so far along the view, and at most `wide` beside that axis: how far along the normal.
    tilt = planes[:, :3] @ view.depth[:3]
    level = np.sqrt(np.maximum(1.0 - tilt**2, 0.0))
    nearest = np.clip(0.0, front, back)
    wide = np.sqrt(np.maximum(reach[:, None] ** 2 - nearest**2, 0.0))[..., None] * level
    ends = front[..., None] * tilt, back[..., None] * tilt
    most = np.minimum(wide + np.maximum(*ends), reach[:, None, None])
    least = np.maximum(np.minimum(*ends) - wide, -reach[:, None, None])
    there = ((away + most)[..., :-1] > 0.0) & ((away + least)[..., 1:] < 0.0)
    return np.asarray(there & (front < back)[..., None])


class LightTextures:
    """The lights of a scene as one view needs them; made anew only when those or the view change."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._key: tuple[object, ...] = ()
        self._lights: Sequence[PointLight] = ()
        self._textures: list[moderngl.Texture] = []
        self._words = 0
        self.slices = (0.0, 0.0, 0.0)

    def update(self, lights: tuple[PointLight, ...], view: View, most: int) -> tuple[int, int]:
        """Words in a cluster's mask, and the bytes written."""
        words = 1 << max(-(-min(len(lights), most) // 32) - 1, 0).bit_length()
        key = view.key, most
        if key == self._key and lights == self._lights and words == self._words:
            return words, 0
        lamps = lamps_of(lights)
        found = clustered(lamps, view, most, words)
        table = np.zeros((max(words * 32 // _ACROSS, 1), _ACROSS, 2, 4), np.float32)
        rows = table.reshape(-1, 2, 4)[: len(found.chosen)]
        rows[:, 0, :3] = lamps.positions[found.chosen] - view.origin
        rows[:, 0, 3] = 1 / lamps.ranges[found.chosen] ** 2
        rows[:, 1, :3] = lamps.colors[found.chosen]
        if words != self._words:
            self._make(words, len(table))
        self._textures[0].write(table)
        self._textures[1].write(found.masks)
        self._key, self._lights, self.slices = key, lights, found.slices
        return words, table.nbytes + found.masks.nbytes

    def bind(self, table: int, masks: int) -> None:
        """To these texture units."""
        for texture, unit in zip(self._textures, (table, masks), strict=True):
            texture.use(location=unit)

    def release(self) -> None:
        for texture in self._textures:
            texture.release()
        self._textures = []

    def _make(self, words: int, down: int) -> None:
        self.release()
        columns, rows, deep = LIGHT_GRID
        self._textures = [
            checked_texture(self._ctx, (2 * _ACROSS, down), 4, dtype="f4", purpose="the lights"),
            checked_texture(
                self._ctx, (columns * words, rows * deep), 1, dtype="u4", purpose="the lights' clusters"
            ),
        ]
        for texture in self._textures:
            texture.filter = moderngl.NEAREST, moderngl.NEAREST
        self._words = words
