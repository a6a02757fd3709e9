"""Cameras: where a scene is seen from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays, math3d
from throng.errors import InvalidValue, UsageError
from throng.model.column import read_only

Doubles = npt.NDArray[np.float64]


class Camera:
    """A perspective camera; see the class methods for others.

    position  metres, float64
    target    the point looked at, other than `position`
    up        a direction that is up in the picture, not along the view direction
    fov       vertical field of view, degrees, 0 < fov < 180
    near, far metres along the view direction, 0 < near < far

    All of them can be set; `look` and `set_depths` set those together that would be degenerate one by one.
    Degenerate values are InvalidValue.
    """

    _projection: Doubles | None = None  # of a camera made from matrices, as is the view
    _view: Doubles | None = None
    _looking: Doubles | None = None  # the view made from position, target and up, once it was asked for
    height: float | None = None
    fov: float | None = None

    def __init__(
        self,
        position: npt.ArrayLike = (0.0, 0.0, 5.0),
        target: npt.ArrayLike = (0.0, 0.0, 0.0),
        up: npt.ArrayLike = (0.0, 1.0, 0.0),
        fov: float = 60.0,
        near: float = 0.1,
        far: float = 1000.0,
    ) -> None:
        self.look(position, target, up)
        self.set_depths(near, far)
        self.fov = fov

    @classmethod
    def orthographic(
        cls,
        position: npt.ArrayLike = (0.0, 0.0, 5.0),
        target: npt.ArrayLike = (0.0, 0.0, 0.0),
        up: npt.ArrayLike = (0.0, 1.0, 0.0),
        height: float = 10.0,
        near: float = 0.1,
        far: float = 1000.0,
    ) -> Camera:
        """A camera without perspective, whose picture is `height` metres high. `near` may be negative."""
        camera = cls.__new__(cls)
        camera.look(position, target, up)
        camera.height = height
        camera.set_depths(near, far)
        return camera

    @classmethod
    def from_matrices(cls, view: npt.ArrayLike, projection: npt.ArrayLike) -> Camera:
        """A camera from somebody else's (4, 4) matrices, in OpenGL's conventions: column vectors, the camera
        looks along -Z, depth -1 at the near plane and 1 at the far one. The projection fixes the aspect.
        """
        camera = cls.__new__(cls)
        camera._view = view_matrix = _invertible(view, "view")
        camera._projection = _invertible(projection, "projection")
        if not np.allclose(camera._view[3], (0, 0, 0, 1)):
            raise InvalidValue(f"view: expected the last row (0, 0, 0, 1), got {camera._view[3].tolist()}")
        inverse = np.asarray(np.linalg.inv(view_matrix), np.float64)
        camera._position = inverse[:3, 3]
        camera._target = inverse[:3, 3] - inverse[:3, 2]
        camera._up = inverse[:3, 1]
        camera._near, camera._far = _depths_of(camera._projection)
        return camera

    @classmethod
    def from_intrinsics(
        cls,
        fx: float,
        fy: float,
        cx: float,
        cy: float,
        size: tuple[int, int],
        *,
        position: npt.ArrayLike = (0.0, 0.0, 0.0),
        target: npt.ArrayLike = (0.0, 0.0, -1.0),
        up: npt.ArrayLike = (0.0, 1.0, 0.0),
        near: float = 0.1,
        far: float = 1000.0,
    ) -> Camera:
        """A calibrated pinhole camera.

        fx, fy  focal lengths, pixels
        cx, cy  principal point, pixels from the upper left corner of the picture
        size    (width, height) of the picture that they were measured in, pixels
        """
        width, height = arrays.size(size, "size")
        fx, fy = arrays.number(fx, "fx", above=0.0), arrays.number(fy, "fy", above=0.0)
        cx, cy = arrays.number(cx, "cx"), arrays.number(cy, "cy")
        posed = cls(position, target, up, near=near, far=far)
        projection = math3d.perspective(90.0, 1.0, posed.near, posed.far)
        projection[0, 0], projection[0, 2] = 2 * fx / width, 1 - 2 * cx / width
        projection[1, 1], projection[1, 2] = 2 * fy / height, 2 * cy / height - 1
        return cls.from_matrices(posed.view_matrix, projection)

    # -- attributes ------------------------------------------------------------------------------------

    def look(
        self, position: npt.ArrayLike, target: npt.ArrayLike, up: npt.ArrayLike = (0.0, 1.0, 0.0)
    ) -> None:
        """Moves the camera to `position`, looking at `target`."""
        if self._view is not None:
            raise UsageError("a camera made from matrices keeps its view: make another")
        self._place(
            *(np.array(arrays.vector3(v, n)) for v, n in zip((position, target, up), _NAMES, strict=True))
        )

    @property
    def position(self) -> Doubles:
        """(3,) float64, metres."""
        return _copied(self._position)

    @position.setter
    def position(self, value: npt.ArrayLike) -> None:
        self.look(value, self._target, self._up)

    @property
    def target(self) -> Doubles:
        """(3,) float64, metres: the point looked at."""
        return _copied(self._target)

    @target.setter
    def target(self, value: npt.ArrayLike) -> None:
        self.look(self._position, value, self._up)

    @property
    def up(self) -> Doubles:
        """(3,) float64: a direction that is up in the picture."""
        return _copied(self._up)

    @up.setter
    def up(self, value: npt.ArrayLike) -> None:
        self.look(self._position, self._target, value)

    @property
    def near(self) -> float:
        """Metres along the view direction; nothing nearer is drawn."""
        return self._near

    @near.setter
    def near(self, value: float) -> None:
        self.set_depths(value, self._far)

    @property
    def far(self) -> float:
        """Metres along the view direction; nothing further away is drawn."""
        return self._far

    @far.setter
    def far(self, value: float) -> None:
        self.set_depths(self._near, value)

    def set_depths(self, near: float, far: float) -> None:
        """Sets both planes, in metres along the view direction."""
        if self._projection is not None:
            raise UsageError("a camera made from matrices keeps its projection: make another")
        lowest = None if self.height is not None else 0.0  # an orthographic camera may look behind itself
        nearer = arrays.number(near, "near", above=lowest)
        further = arrays.number(far, "far")
        if further <= nearer:
            raise InvalidValue(f"far: expected more than near, {nearer:g}, got {further:g}")
        self._near, self._far = nearer, further

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("fov", "height") and self._projection is not None:
            raise UsageError("a camera made from matrices keeps its projection: make another")
        if name == "fov":
            if self.height is not None:
                raise UsageError("fov: expected a camera with perspective, got an orthographic one")
            value = arrays.number(value, "fov", above=0.0)
            if value >= 180.0:
                raise InvalidValue(f"fov: expected degrees in 0..180, both excluded, got {value:g}")
        elif name == "height":
            if self.fov is not None:
                raise UsageError("height: expected an orthographic camera, got one with perspective")
            value = arrays.number(value, "height", above=0.0)
        object.__setattr__(self, name, value)

    # -- matrices ---------------------------------------------------------------------------------------

    @property
    def is_orthographic(self) -> bool:
        """Whether what is far away looks as large as what is near."""
        if self._projection is not None:
            return bool(abs(self._projection[3, 3]) > abs(self._projection[3, 2]))
        return self.height is not None

    @property
    def view_matrix(self) -> Doubles:
        """(4, 4) float64, world to camera."""
        if self._view is not None:
            return self._view.copy()
        if self._looking is None:
            self._looking = math3d.look_at(self._position, self._target, self._up)
        return self._looking.copy()

    def projection_matrix(self, aspect: float) -> Doubles:
        """(4, 4) float64 in OpenGL's convention, for a picture `aspect` times as wide as it is high."""
        aspect = arrays.number(aspect, "aspect", above=0.0)
        if self._projection is not None:
            return self._projection.copy()
        if self.height is not None:
            return math3d.orthographic(self.height, aspect, self._near, self._far)
        assert self.fov is not None
        return math3d.perspective(self.fov, aspect, self._near, self._far)

    def __repr__(self) -> str:
        x, y, z = self._position
        return f"<Camera at ({x:g}, {y:g}, {z:g})>"

    def _place(self, position: Doubles, target: Doubles, up: Doubles) -> None:
        with np.errstate(over="ignore"):
            forward = target - position
        distance = math.hypot(*forward)
        if not distance < 1e150:  # its square has to be one too
            raise InvalidValue(f"target: expected a point in reach of float64, got {tuple(target.tolist())}")
        if distance == 0.0:
            raise InvalidValue(
                f"target: expected a point other than the position, got {tuple(target.tolist())}"
            )
        length = math.hypot(*up)
        if length == 0.0:
            raise InvalidValue("up: expected a direction other than zero, got (0.0, 0.0, 0.0)")
        if float(np.linalg.norm(np.cross(forward / distance, up / length))) < 1e-9:
            raise InvalidValue(
                f"up: expected a direction that is not along the view direction, got {tuple(up.tolist())}"
            )
        self._position, self._target, self._up = position, target, up
        self._looking = None


_NAMES = ("position", "target", "up")


def _copied(values: Doubles) -> Doubles:
    copy: Doubles = read_only(values.copy())
    return copy


def _invertible(value: npt.ArrayLike, where: str) -> Doubles:
    matrix = arrays.doubles(value, where, (4, 4)).copy()
    if abs(float(np.linalg.det(matrix))) < 1e-300 or not np.isfinite(np.linalg.cond(matrix)):
        raise InvalidValue(f"{where}: expected an invertible matrix, got a singular one")
    return matrix


def _depths_of(projection: Doubles) -> tuple[float, float]:
    """Metres along the view direction at which the depth is -1 and 1; infinity stays infinity."""
    (a, b), (c, d) = projection[2, 2:], projection[3, 2:]
    depths = []
    for depth in (-1.0, 1.0):
        divisor = a - depth * c
        depths.append(-(depth * d - b) / divisor if divisor else math.inf)
    return depths[0], depths[1]
