"""What a camera, and later a shadow cascade, is to the GPU: matrices relative to an origin near it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.gpu.items import MOTION_PERIOD
from throng.layout import FRAME
from throng.model.camera import Camera
from throng.model.graph import Scene
from throng.model.light import Ambient
from throng.model.sky import baked

Doubles = npt.NDArray[np.float64]

# The origin stays where it is while the camera moves this many near distances, so that what was computed
# relative to it can be used again. float32 still resolves a hundredth of a pixel at the near plane.
_GRID_NEAR = 512.0


@dataclass(frozen=True)
class View:
    """One way of looking at a scene.

    origin      (3,) float64: what is drawn is float32 metres relative to this point, near the camera or what
                it looks at. It is a function of the camera alone, on a grid, not of earlier frames
    projection  (4, 4) float64 as the depth buffer wants it
    transform   (4, 4) float64: from metres relative to the origin to clip space
    viewport    left, bottom, width, height: where the picture lies in its framebuffer, pixels
    open_near   whether what lies before the near plane is seen too, as if on it
    hole        a rectangle of the picture that another view shows, so that what lies in it need not be drawn:
                its middle and half of its size, in normalised coordinates; all 0 for none. Not in perspective
    detail      how large a pixel counts where it is decided how finely something is drawn
    """

    origin: Doubles
    projection: Doubles
    transform: Doubles
    viewport: tuple[int, int, int, int]
    reversed_depth: bool
    open_near: bool = False
    hole: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    detail: float = 1.0

    @classmethod
    def of(
        cls,
        camera: Camera,
        viewport: tuple[int, int, int, int],
        *,
        reversed_depth: bool,
        origin: Doubles | None = None,
    ) -> View:
        """As `camera` sees it; relative to another `origin` only where another view decides."""
        projection = camera.projection_matrix(viewport[2] / viewport[3])
        if origin is None:
            grid = _grid(camera)
            origin = np.round(_center(camera) / grid) * grid
        if reversed_depth:
            projection = math3d.reversed_depth(projection)
        moved = np.eye(4)
        moved[:3, 3] = origin
        transform = projection @ (camera.view_matrix @ moved)
        return cls(origin, projection, transform, viewport, reversed_depth)

    @cached_property
    def planes(self) -> Doubles:
        """(6, 4): the frustum's, normalised, relative to the origin: dot(plane, (x, y, z, 1)) >= 0 inside.

        Gribb and Hartmann, "Fast Extraction of Viewing Frustum Planes", 2001.
        """
        x, y, z, w = self.transform
        near, far = (w - z, z) if self.reversed_depth else (w + z, w - z)
        planes = np.stack([w + x, w - x, w + y, w - y, near, far])
        lengths = np.linalg.norm(planes[:, :3], axis=1)
        there = lengths > 1e-12 * np.abs(
            planes[:, 3]
        )  # not so a far plane at infinity, which all is inside of
        planes[there] /= lengths[there, None]
        planes[~there] = 0
        if self.open_near:
            planes[4] = 0
        return planes

    @cached_property
    def eye(self) -> Doubles:
        """(4,): where it is seen from, relative to the origin, and 1; where there is no perspective the unit
        vector towards the viewer, and 0. It is what all of x, y and w vanish at.
        """
        eye: Doubles = np.asarray(np.linalg.svd(self.transform[[0, 1, 3]])[2][3], np.float64)
        if abs(eye[3]) > 1e-14 * np.linalg.norm(eye[:3]) and self.projection[3, :3].any():
            return np.asarray(eye / eye[3])
        eye /= np.linalg.norm(eye[:3])
        eye[3] = 0.0
        nearer = float(self.transform[2] @ eye)
        return eye if (nearer > 0) == self.reversed_depth else np.asarray(-eye)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal where two views see the same."""
        matrices = self.origin.tobytes(), self.transform.tobytes(), self.projection.tobytes()
        return *matrices, self.viewport, self.reversed_depth, self.hole

    @cached_property
    def rays(self) -> Doubles:
        """(4, 4): where a fragment lies, from its place in the picture, as position.glsl reads it.

        The ray at (0, 0, 0), and what is added for each step of gl_FragCoord's x, y and z. In the fourth
        column, of x and of y, what makes normalised coordinates of a depth: a factor, and what is added.
        """
        left, bottom, width, height = self.viewport
        scale, bias = (1.0, 0.0) if self.reversed_depth else (2.0, -1.0)
        steps = np.array((2.0 / width, 2.0 / height, scale))
        corner = np.array((-1.0 - left * steps[0], -1.0 - bottom * steps[1], bias))
        rays = np.zeros((4, 4))
        rows = self.transform
        if self.eye[3]:
            inverse = np.linalg.inv(rows[[0, 1, 3], :3])
            rays[0, :3] = inverse @ (*corner[:2], 1.0)
            rays[1:3, :3] = (inverse[:, :2] * steps[:2]).T
        else:
            inverse = np.linalg.inv(rows[:3, :3])
            rays[0, :3] = inverse @ (corner * rows[3, 3] - rows[:3, 3])
            rays[1:, :3] = (inverse * steps * rows[3, 3]).T
        rays[1:3, 3] = scale, bias
        return rays

    @cached_property
    def depth(self) -> Doubles:
        """(4,): dot with (x, y, z, 1) it is how far a point lies along the view, metres: from the eye
        or, where there is no perspective, from the near plane.
        """
        if not self.eye[3]:
            return np.asarray(self.planes[4], np.float64)
        toward = self.transform[3]
        return np.asarray(toward / np.linalg.norm(toward[:3]), np.float64)

    @cached_property
    def middle(self) -> float:
        """Clip space's w where most of what is seen may lie: a hundred times that of the near plane."""
        if not self.eye[3]:
            return 1.0
        near = np.linalg.inv(self.projection) @ (0.0, 0.0, 1.0 if self.reversed_depth else -1.0, 1.0)
        return 100.0 / abs(float(near[3]))

    @property
    def pixels_per_metre(self) -> float:
        """How many pixels a metre across the view measures where clip space's w is 1."""
        across, up, toward = self.transform[0, :3], self.transform[1, :3], self.transform[3, :3]
        length = float(toward @ toward)
        if length > 0:  # shifts of the picture are none of its scale
            across, up = (row - toward * (row @ toward) / length for row in (across, up))
        size = float(np.linalg.norm(across) * np.linalg.norm(up))
        return math.sqrt(size * self.viewport[2] * self.viewport[3]) / 2 * self.detail

    def metres(self, depth: npt.NDArray[np.float32], *, zero_to_one: bool) -> npt.NDArray[np.float32]:
        """Depth buffer values -> metres along the view axis, in place where that is possible.

        depth  (h, w), row 0 at the top; what lies at infinity may come out as infinity

        From z_clip = a z + b and w_clip = c z + d follows -z = (d depth - b) / (c depth - a).
        """
        if not zero_to_one:
            depth *= 2
            depth -= 1
        (a, b), (c, d) = self.projection[2, 2:], self.projection[3, 2:]
        with np.errstate(divide="ignore"):
            if self.projection[2:, :2].any():
                return self._oblique_metres(depth)
            if c == 0:  # orthographic
                depth *= np.float32(-d / a)
                depth += np.float32(b / a)
                return depth
            if d == 0:
                depth *= np.float32(-c / b)
                depth += np.float32(a / b)
                np.reciprocal(depth, out=depth)
                return depth
            wide = depth.astype(np.float64)
            return np.asarray((d * wide - b) / (c * wide - a), np.float32)

    def _oblique_metres(self, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The same where it depends on the place in the picture: a near plane that is not across the view."""
        height, width = depth.shape
        across = (np.arange(width) * 2 + 1) / width - 1
        up = 1 - (np.arange(height)[:, None] * 2 + 1) / height
        z, w = (
            row[0] * across + row[1] * up + row[2] * depth + row[3]
            for row in np.linalg.inv(self.projection)[2:]
        )
        return np.asarray(-z / w, np.float32)


def frame_block(scene: Scene, view: View, *, encode: bool) -> npt.NDArray[np.void]:
    """The uniform block FRAME for one view of a scene; `encode`: the target wants sRGB from the shader."""
    block = np.zeros((), FRAME.dtype)
    block["view_projection"] = view.transform.T
    sun = scene.sun
    if sun is not None:
        block["sun_direction"][:3] = -np.array(sun.direction)
        block["sun_color"] = _linear(sun.color) * sun.intensity
    block["sky"][:3], block["ground"][:3] = surroundings(scene)
    block["sky"][3], block["ground"][3] = float(encode), 1.0
    block["eye"] = view.eye
    for place, mover in zip(block["movers"], scene.movers, strict=False):
        place[:] = *(np.array(mover.position) - view.origin), mover.radius
    wind = scene.wind
    x, _, z = wind.direction
    seconds = math.fmod(scene.time, MOTION_PERIOD)
    block["moment"] = len(scene.movers), seconds, x * wind.strength, z * wind.strength
    block["origin"][:3] = view.origin
    block["viewport"] = view.viewport
    for name, ray in zip(("ray", "ray_x", "ray_y", "ray_z"), view.rays, strict=True):
        block[name] = ray
    return block


def surroundings(scene: Scene) -> tuple[Doubles, Doubles]:
    """The light from above and from below, linear."""
    ambient = scene.ambient
    if isinstance(ambient, Ambient):
        sky, ground = (_linear(color)[:3] * ambient.intensity for color in (ambient.sky, ambient.ground))
        return sky, ground
    if ambient is not None:
        return _linear(ambient)[:3], _linear(ambient)[:3]
    if scene.sky is not None:
        found = baked(scene.sky, scene.sun)
        return found.above, found.below
    return np.zeros(3), np.zeros(3)


@lru_cache(maxsize=64)
def _linear(rgba: tuple[float, ...]) -> Doubles:
    return math3d.linear_color(rgba)


def _center(camera: Camera) -> Doubles:
    """What has to be drawn most exactly lies here: the eye, or what a camera without perspective looks at."""
    eye, target = np.asarray(camera.position), np.asarray(camera.target)
    if not camera.is_orthographic:
        return eye
    if camera.height is not None:
        return target
    return eye + (target - eye) / np.linalg.norm(target - eye) * (camera.near + camera.far) / 2


def _grid(camera: Camera) -> float:
    if camera.is_orthographic:
        size = camera.height if camera.height is not None else camera.far - camera.near
        return max(abs(size), 1e-6) * 0.25
    near = abs(camera.near)
    return max(near, 1e-6) * _GRID_NEAR if np.isfinite(near) else _GRID_NEAR
