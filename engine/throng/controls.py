"""Moves a camera by hand: orbit, pan, zoom and fly. Knows no window."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from throng.errors import InvalidValue
from throng.model.camera import Camera
from throng.model.graph import Scene

Doubles = npt.NDArray[np.float64]

ORBIT_DEGREES = 180.0  # that a drag over the height of the window turns the camera
ZOOM = 0.88  # the distance after a notch of the wheel, as a fraction of that before it
FLY = 0.6  # distances to the target flown in a second
_POLE = math.radians(1.0)  # how close the view direction comes to `up`


class Controls:
    """A camera of its own, which starts where another one stands.

    A camera made from matrices is followed by one with the same position, direction and field of view: of a
    projection that is skewed or not symmetric only that much can be kept.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = _movable(camera)
        self._near, self._far = self.camera.near, self.camera.far
        self._distance = self._span()

    def orbit(self, right: float, down: float) -> None:
        """Turns round the target by a drag, in fractions of the window's height."""
        camera = self.camera
        up = camera.up / np.linalg.norm(camera.up)
        arm = camera.position - camera.target
        distance = float(np.linalg.norm(arm))
        polar = math.acos(float(np.clip(arm @ up / distance, -1.0, 1.0)))
        wanted = min(max(polar - math.radians(ORBIT_DEGREES * down), _POLE), math.pi - _POLE)
        side = np.cross(up, arm)
        side /= np.linalg.norm(side)
        arm = _turned(arm, side, wanted - polar)
        arm = _turned(arm, up, -math.radians(ORBIT_DEGREES * right))
        camera.look(camera.target + arm, camera.target, camera.up)

    def pan(self, right: float, down: float) -> None:
        """Shifts the view so that the target follows a drag, in fractions of the window's height."""
        x, y, _ = self._axes()
        self._shift((y * down - x * right) * self._height())

    def zoom(self, notches: float) -> None:
        """Comes closer to the target by notches of the wheel, or goes away where they are negative."""
        camera, factor = self.camera, ZOOM**notches
        if camera.height is not None:
            camera.height = camera.height * factor
            return
        arm = (camera.position - camera.target) * factor
        if 1e-6 < float(np.linalg.norm(arm)) < 1e9:
            camera.look(camera.target + arm, camera.target, camera.up)
            self._keep_in_view()

    def fly(self, right: float, up: float, ahead: float, seconds: float) -> None:
        """Moves camera and target for that long; each direction is -1..1."""
        x, y, z = self._axes()
        self._shift((x * right + y * up - z * ahead) * (FLY * self._span() * seconds))

    def _axes(self) -> tuple[Doubles, Doubles, Doubles]:
        """Right, up and backward in the scene's space."""
        x, y, z = self.camera.view_matrix[:3, :3]
        return x, y, z

    def _span(self) -> float:
        return float(np.linalg.norm(self.camera.position - self.camera.target))

    def _height(self) -> float:
        """Metres that the picture is high at the target."""
        if self.camera.height is not None:
            return self.camera.height
        assert self.camera.fov is not None
        return 2.0 * self._span() * math.tan(math.radians(self.camera.fov) / 2.0)

    def _shift(self, offset: Doubles) -> None:
        camera = self.camera
        camera.look(camera.position + offset, camera.target + offset, camera.up)

    def _keep_in_view(self) -> None:
        """Depths that suit the distance: nothing vanishes for having been zoomed."""
        ratio = self._span() / self._distance
        self.camera.set_depths(self._near * min(ratio, 1.0), self._far * max(ratio, 1.0))


def fitting(scene: Scene, aspect: float = 1.0) -> Camera:
    """A camera that sees all of `scene` from a little above, or the origin where the scene is empty.

    `aspect` is how many times as wide as high the picture will be.
    """
    try:
        low, high = scene.bounds
    except InvalidValue:
        low, high = np.full(3, -1.0), np.full(3, 1.0)
    center, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-3)
    away = np.array((0.35, 0.4, 1.0))
    half = math.radians(20.0)
    narrower = min(half, math.atan(math.tan(half) * aspect))  # upright pictures see less to the sides
    distance = radius / math.sin(narrower)
    position = center + away / np.linalg.norm(away) * distance
    return Camera(position, center, fov=40.0, near=distance / 1000.0, far=(distance + radius) * 2.0)


def _movable(camera: Camera) -> Camera:
    """A copy whose view and projection are its own to change."""
    place = camera.position, camera.target, camera.up
    if camera.height is not None:
        return Camera.orthographic(*place, camera.height, camera.near, camera.far)
    if camera.fov is not None:
        return Camera(*place, camera.fov, camera.near, camera.far)
    position, target, up = place
    projection = camera.projection_matrix(1.0)
    near, far = camera.near, camera.far if math.isfinite(camera.far) else camera.near * 1e5
    target = position + (target - position) * max(10.0 * near, 1.0)
    if abs(float(camera.view_matrix[0, 1])) < 1e-6 and up[1] > 1e-3:  # it stands upright: turn about +Y
        up = np.array((0.0, 1.0, 0.0))
    if camera.is_orthographic:
        return Camera.orthographic(position, target, up, 2.0 / abs(projection[1, 1]), near, far)
    fov = math.degrees(2.0 * math.atan(1.0 / abs(projection[1, 1])))
    return Camera(position, target, up, fov, near, far)


def _turned(vector: Doubles, axis: Doubles, angle: float) -> Doubles:
    """Rodrigues' rotation of `vector` about the unit vector `axis`, radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.asarray(
        vector * cosine + np.cross(axis, vector) * sine + axis * float(axis @ vector) * (1 - cosine)
    )
