"""Shadows of the sun: cascades of depth maps, each a view of the scene of its own.

Each cascade covers a sphere around a slice of what the camera sees, so that it keeps its size however the
camera turns, and moves by whole texels only, so that its edges do not swim (Valient, "Stable Rendering of
Cascaded Shadow Maps", ShaderX6, 2008). It moves seldom, by steps of many texels, for which there is room
around the sphere; so where the scene stands still its map is drawn once for many frames. What it shows is
decided as it is for the camera, by the same passes: what no shadow can fall from into the picture is culled,
levels of detail are chosen by how large they are in the map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import moderngl
import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.gpu import rawgl
from throng.gpu.context import checked_buffer, checked_depth_texture
from throng.gpu.items import Item, ItemTable
from throng.gpu.programs import FRAME_BINDING, SHADOW_BINDING
from throng.gpu.request import Request, Switches
from throng.gpu.target import use_depth
from throng.gpu.view import View
from throng.layout import FRAME, SHADOW
from throng.model.camera import Camera
from throng.model.light import Shadows, Sun

Doubles = npt.NDArray[np.float64]

_LOGARITHMIC = 0.7  # between slices of equal depth, 0, and slices each a factor deeper, 1
_NEAREST = 1 / 100  # of the distance: how far the first slice reaches before those factors begin
_STEP = 1 / 8  # of a cascade's radius, by which it moves
_BEFORE = 20.0  # radii of the last cascade, towards the sun, up to which casters keep their depths
_SEEN = 0.98  # of a cascade's radius is what is looked up in it, as in shadows.glsl
_BESIDE = 6.0  # texels that filters, and places moved off their surfaces, reach at most
_DETAIL = 0.5  # maps are filtered, and what casts the shadows is not looked at
_DEPTH_CLAMP = 0x864F


@dataclass(frozen=True)
class Cascade:
    """center  (3,) float64, in the light's space; radius in metres, and what a texel measures."""

    center: Doubles
    radius: float
    texel: float


def light_space(sun: Sun) -> Doubles:
    """(3, 3): right, up and towards the sun, of the maps; rows."""
    toward = -np.asarray(sun.direction)
    beside = np.array((0.0, 0.0, 1.0)) if abs(toward[1]) > 0.7 else np.array((0.0, 1.0, 0.0))
    across = np.cross(beside, toward)
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(toward, across), toward])


def splits(near: float, far: float, count: int) -> list[float]:
    """Where slices begin, and the last one ends: Zhang et al., "Parallel-Split Shadow Maps", VRCIA 2006."""
    first = max(near, far * _NEAREST)
    shares = [number / count for number in range(1, count)]
    between = [
        _LOGARITHMIC * first * (far / first) ** share + (1 - _LOGARITHMIC) * (near + (far - near) * share)
        for share in shares
    ]
    return [near, *between, far]


def fitted(camera: Camera, aspect: float, sun: Sun, shadows: Shadows) -> list[Cascade]:
    """The cascades for what `camera` sees."""
    far = camera.far if shadows.distance is None else min(shadows.distance, camera.far)
    if not math.isfinite(far):
        far = 1000.0 * max(abs(camera.near), 1.0)
    near = min(camera.near, far * 0.999)
    inverse = np.linalg.inv(camera.projection_matrix(aspect))
    corners = []
    for depth in (-1.0, 0.0):
        points = np.array([(x, y, depth, 1.0) for x in (-1, 1) for y in (-1, 1)]) @ inverse.T
        corners.append(points[:, :3] / points[:, 3:])
    start, through = corners
    world = np.linalg.inv(camera.view_matrix)

    def at(depth: float) -> Doubles:
        share = (-depth - start[:, 2]) / (through[:, 2] - start[:, 2])
        return np.asarray(start + (through - start) * share[:, None], np.float64)

    edges = splits(near, far, shadows.cascades)
    basis = light_space(sun)
    found = []
    for front, back in pairwise(edges):
        center, radius = _sphere(at(front), at(back))
        # Rounded up, so that it is the same whatever the last digits are; with room to stay where it is.
        exponent = math.floor(math.log2(max(radius, 1e-6))) - 6
        radius = math.ceil(radius / 2.0**exponent) * 2.0**exponent * (1 + _STEP)
        texel = 2 * radius / shadows.size
        step = max(round(radius * _STEP / texel), 1) * texel
        place = basis @ (world[:3, :3] @ center + world[:3, 3])
        found.append(Cascade(np.round(place / step) * step, radius, texel))
    return found


def _sphere(front: Doubles, back: Doubles) -> tuple[Doubles, float]:
    """Centre and radius of a sphere around two faces of a frustum, (4, 3) each: its centre is on the axis."""
    a, b = front.mean(axis=0), back.mean(axis=0)
    axis = b - a
    inner, outer = np.linalg.norm(front - a, axis=1).max(), np.linalg.norm(back - b, axis=1).max()
    length = float(np.linalg.norm(axis))
    share = float(np.clip(0.5 + (outer**2 - inner**2) / (2 * max(length, 1e-9) ** 2), 0.0, 1.0))
    center = a + axis * share
    points = np.concatenate([front, back])
    return center, float(np.linalg.norm(points - center, axis=1).max())


def depths(cascades: Sequence[Cascade]) -> tuple[float, float]:
    """Where, towards the sun, all cascades begin and end: they look down as far as any, so that a cascade is
    chosen by its place across the light alone. Nearer the sun casters are drawn by clamped depth.
    """
    largest = cascades[-1].radius
    step = largest / 4
    low = min(cascade.center[2] - cascade.radius for cascade in cascades)
    high = max(cascade.center[2] for cascade in cascades) + largest * _BEFORE
    return math.floor(low / step) * step, math.ceil(high / step) * step


def view_of(
    cascade: Cascade, within: tuple[float, float], basis: Doubles, viewport: tuple[int, int, int, int],
    origin: Doubles, *, reversed_depth: bool, finer: Cascade | None = None,
) -> View:  # fmt: skip
    """The light's view of a cascade, of a scene relative to `origin`.

    within  see `depths`
    finer   the cascade before it, without what casts shadows there alone
    """
    scale = 1.0 / cascade.radius
    turn = np.eye(4)
    turn[:3, :3] = basis
    turn[:3, 3] = basis @ origin - cascade.center
    low, high = within[0] - cascade.center[2], within[1] - cascade.center[2]
    depth = np.diag([scale, scale, -2.0 / (high - low), 1.0])
    depth[2, 3] = (high + low) / (high - low)
    projection = math3d.reversed_depth(depth) if reversed_depth else depth
    hole = (0.0, 0.0, 0.0, 0.0)
    if finer is not None:
        x, y = (finer.center - cascade.center)[:2] * scale
        half = (finer.radius * _SEEN - cascade.texel * _BESIDE) * scale
        hole = float(x), float(y), half, half
    return View(
        origin, projection, projection @ turn, viewport, reversed_depth, open_near=True, hole=hole,
        detail=_DETAIL,
    )  # fmt: skip


class Caster(Protocol):
    """Draws items as one view sees them."""

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None: ...
    def draw(self, request: Request, state: object) -> int: ...
    def release(self) -> None: ...


class ShadowMaps:
    """The maps of one scene's sun, in one texture, a tile for each cascade.

    make  makes what draws the scene's items; each cascade has one of its own
    """

    def __init__(self, ctx: moderngl.Context, make: Callable[[], Caster], *, reversed_depth: bool) -> None:
        self._ctx = ctx
        self._make = make
        self._reversed = reversed_depth
        self._casters: list[Caster] = []
        self._items: tuple[Sequence[Item], ItemTable, bool, bool] | None = None
        self._atlas: moderngl.Texture | None = None
        self._target: moderngl.Framebuffer | None = None
        self._block = checked_buffer(ctx, reserve=SHADOW.size, purpose="the shadows' uniforms")
        self._frames: list[moderngl.Buffer] = []
        self._drawn: list[object] = []
        self._state: object = None

    def rebuild(self, items: Sequence[Item], table: ItemTable, *, lod: bool, splat: bool) -> None:
        """Other items cast shadows from now on."""
        self._items = items, table, lod, splat
        for caster in self._casters:
            caster.rebuild(items, table, lod=lod, splat=splat)
        self._drawn.clear()

    def draw(
        self, camera: Camera, view: View, sun: Sun, switches: Switches, frame: npt.NDArray[np.void],
        cuts: Mapping[str, object], state: object,
    ) -> int:  # fmt: skip
        """Brings the maps up to date, in a framebuffer of their own; the number of draw calls.

        frame  the FRAME block of the view that is drawn
        cuts   defines for shaders that cut out what alpha says is not there
        state  another one where what casts shadows is another, or elsewhere
        """
        shadows = sun.shadows
        assert shadows is not None
        width, height = view.viewport[2:]
        cascades = fitted(camera, width / height, sun, shadows)
        self._reserve(shadows)
        assert self._target is not None
        basis, size, calls = light_space(sun), shadows.size, 0
        switches = replace(switches, occlusion=False, debug=None)
        within = depths(cascades)
        self._drawn += [None] * (len(cascades) - len(self._drawn))
        moves, self._state = state != self._state, state
        for number, cascade in enumerate(cascades):
            tile = number % 2 * size, number // 2 * size, size, size
            # Where all maps are drawn anew each frame, nothing is drawn into several for nothing; otherwise a
            # map stays as it is when a finer one moves.
            finer = cascades[number - 1] if moves and number else None
            seen = view_of(
                cascade, within, basis, tile, view.origin, reversed_depth=self._reversed, finer=finer
            )
            wanted = seen.key, switches, cuts, state
            if self._drawn[number] != wanted:
                calls += self._cast(number, seen, switches, frame, cuts, state)
                self._drawn[number] = wanted
        self._write(cascades, within, basis, view.origin, shadows)
        return calls

    def bind(self, unit: int) -> None:
        """For the shaders that look at them."""
        assert self._atlas is not None
        self._atlas.use(location=unit)
        self._block.bind_to_uniform_block(SHADOW_BINDING)

    def release(self) -> None:
        self._release_atlas()
        for caster in self._casters:
            caster.release()
        for buffer in (*self._frames, self._block):
            buffer.release()

    def _cast(
        self, number: int, view: View, switches: Switches, frame: npt.NDArray[np.void],
        cuts: Mapping[str, object], state: object,
    ) -> int:  # fmt: skip
        assert self._target is not None
        assert self._items is not None
        while len(self._casters) <= number:
            caster = self._make()
            items, table, lod, splat = self._items
            caster.rebuild(items, table, lod=lod, splat=splat)
            self._casters.append(caster)
            self._frames.append(
                checked_buffer(self._ctx, reserve=FRAME.size, purpose="the shadows' uniforms")
            )
        block = frame.copy()
        block["view_projection"], block["eye"] = view.transform.T, view.eye
        block["viewport"] = view.viewport
        self._frames[number].write(block)
        self._frames[number].bind_to_uniform_block(FRAME_BINDING)
        self._target.use()
        self._target.viewport = view.viewport
        self._target.clear(depth=0.0 if self._reversed else 1.0, viewport=view.viewport)
        use_depth(self._ctx, reversed_depth=self._reversed, clip_control=rawgl.has_clip_control())
        rawgl.function("glEnable", "vi")(_DEPTH_CLAMP)
        try:
            request = Request(view, view, switches, {**cuts, "DEPTH_ONLY": 1}, 1, None, alone=True)
            return self._casters[number].draw(request, state)
        finally:
            rawgl.function("glDisable", "vi")(_DEPTH_CLAMP)

    def _write(
        self, cascades: list[Cascade], within: tuple[float, float], basis: Doubles, origin: Doubles,
        shadows: Shadows,
    ) -> None:  # fmt: skip
        block = np.zeros((), SHADOW.dtype)
        for name, row in zip(("across", "up", "toward"), basis, strict=True):
            block[name][:3] = row
        for number, cascade in enumerate(cascades):
            block[f"map{number}"] = *(cascade.center - basis @ origin), 1.0 / cascade.radius
            block["texels"][number] = cascade.texel
        across, down = _tiles(shadows.cascades)
        low, high = (end - float(basis[2] @ origin) for end in within)
        scale = 1.0 / (high - low)
        block["atlas"] = 1 / across, 1 / down, -scale, high * scale
        if self._reversed:
            block["atlas"][2:] = scale, -low * scale
        self._block.write(block)

    def _reserve(self, shadows: Shadows) -> None:
        across, down = _tiles(shadows.cascades)
        size = across * shadows.size, down * shadows.size
        if self._atlas is not None and self._atlas.size == size:
            return
        self._release_atlas()
        self._atlas = checked_depth_texture(self._ctx, size, purpose="the shadow maps")
        self._atlas.compare_func = ">=" if self._reversed else "<="
        self._atlas.filter = moderngl.LINEAR, moderngl.LINEAR
        self._atlas.repeat_x = self._atlas.repeat_y = False
        self._target = self._ctx.framebuffer([], self._atlas)
        self._drawn.clear()

    def _release_atlas(self) -> None:
        if self._atlas is not None and self._target is not None:
            self._target.release()
            self._atlas.release()


def _tiles(cascades: int) -> tuple[int, int]:
    return (1, 1) if cascades == 1 else (2, 1) if cascades == 2 else (2, 2)
