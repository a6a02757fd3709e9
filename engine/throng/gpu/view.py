"""What a camera, and later a shadow cascade, is to the GPU: matrices relative to an origin near it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.layout import FRAME
from throng.model.camera import Camera
from throng.model.graph import Scene

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
    """

    origin: Doubles
    projection: Doubles
    transform: Doubles

    @classmethod
    def of(cls, camera: Camera, aspect: float, *, reversed_depth: bool) -> View:
        projection = camera.projection_matrix(aspect)
        grid = _grid(camera)
        origin = np.round(_center(camera) / grid) * grid
        if reversed_depth:
            projection = math3d.reversed_depth(projection)
        moved = np.eye(4)
        moved[:3, 3] = origin
        return cls(origin, projection, projection @ (camera.view_matrix @ moved))

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
    block["ambient"] = _linear(scene.ambient)
    block["ambient"][3] = float(encode)
    return block


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
