"""Cameras against formulas written out here, and pixels that a calibrated camera has to hit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from throng.errors import InvalidType, InvalidValue, UsageError
from throng.model.camera import Camera

EYE, TARGET, UP = (3.0, 4.0, 12.0), (1.0, -2.0, 5.0), (0.1, 1.0, 0.2)


def look_at(eye: Any, target: Any, up: Any) -> np.ndarray:
    """gluLookAt, with the camera looking along -Z."""
    back = np.subtract(eye, target)
    back = back / np.linalg.norm(back)
    right = np.cross(up, back)
    right = right / np.linalg.norm(right)
    view = np.eye(4)
    view[:3, :3] = right, np.cross(back, right), back
    view[:3, 3] = -view[:3, :3] @ eye
    return view


def perspective(fov: float, aspect: float, near: float, far: float) -> np.ndarray:
    """gluPerspective."""
    f = 1 / math.tan(math.radians(fov) / 2)
    depth, shift = (far + near) / (near - far), 2 * far * near / (near - far)
    return np.array([[f / aspect, 0, 0, 0], [0, f, 0, 0], [0, 0, depth, shift], [0, 0, -1, 0]])


def orthographic(height: float, aspect: float, near: float, far: float) -> np.ndarray:
    """glOrtho."""
    matrix = np.diag([2 / (height * aspect), 2 / height, -2 / (far - near), 1])
    matrix[2, 3] = -(far + near) / (far - near)
    return matrix


def pixel(camera: Camera, point: Any, size: tuple[int, int]) -> np.ndarray:
    """Pixels from the upper left corner of the picture."""
    clip = camera.projection_matrix(size[0] / size[1]) @ camera.view_matrix @ (*point, 1)
    return np.array([(clip[0] / clip[3] + 1) / 2 * size[0], (1 - clip[1] / clip[3]) / 2 * size[1]])


def test_views_are_what_look_at_makes_them() -> None:
    for camera in (Camera(EYE, TARGET, UP), Camera.orthographic(EYE, TARGET, UP)):
        np.testing.assert_allclose(camera.view_matrix, look_at(EYE, TARGET, UP), atol=1e-12)
    np.testing.assert_allclose(
        Camera((0, 0, 5)).view_matrix, look_at((0, 0, 5), (0, 0, 0), (0, 1, 0)), atol=1e-12
    )
    far_away = Camera((1e6 + 3, 0, 0), (1e6, 0, 0)).view_matrix
    assert (far_away @ (1e6, 0, 0, 1)).tolist() == pytest.approx([0, 0, -3, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("fov", "aspect", "near", "far"), [(60, 1.5, 0.1, 1000), (1, 0.5, 2, 3), (179, 4, 1e-3, 1e6)]
)
def test_projections_are_opengls(fov: float, aspect: float, near: float, far: float) -> None:
    camera = Camera(fov=fov, near=near, far=far)
    np.testing.assert_allclose(
        camera.projection_matrix(aspect), perspective(fov, aspect, near, far), rtol=1e-9
    )
    flat = Camera.orthographic(height=fov, near=-near, far=far)
    np.testing.assert_allclose(
        flat.projection_matrix(aspect), orthographic(fov, aspect, -near, far), rtol=1e-9
    )
    for made, nearest in ((camera, near), (flat, -near)):
        for distance, depth in ((nearest, -1), (far, 1)):
            clip = made.projection_matrix(aspect) @ (0, 0, -distance, 1)
            assert clip[2] / clip[3] == pytest.approx(depth, abs=1e-6)


def test_attributes_can_be_read_and_set() -> None:
    camera = Camera(position=EYE, target=TARGET, up=UP, fov=50, near=1, far=9)
    assert (camera.position.tolist(), camera.target.tolist(), camera.up.tolist()) == (
        list(EYE),
        list(TARGET),
        list(UP),
    )
    assert (camera.fov, camera.height, camera.near, camera.far, camera.is_orthographic) == (
        50,
        None,
        1,
        9,
        False,
    )
    camera.position += (1, 0, 0)
    camera.target = (0, 0, 0)
    camera.up = (0, 0, 1)
    camera.fov, camera.far, camera.near = 20, 90, 10
    np.testing.assert_allclose(camera.view_matrix, look_at((4, 4, 12), (0, 0, 0), (0, 0, 1)), atol=1e-12)
    np.testing.assert_allclose(camera.projection_matrix(2), perspective(20, 2, 10, 90), rtol=1e-9)
    camera.look((9, 9, 9), (8, 8, 8))
    camera.set_depths(200, 300)
    assert (camera.near, camera.far, camera.up.tolist()) == (200, 300, [0, 1, 0])
    with pytest.raises(InvalidValue, match=r"^expected a write to a column or node"):
        camera.position[0] = 1
    flat = Camera.orthographic(EYE, TARGET, height=5, near=-3, far=7)
    assert (flat.fov, flat.height, flat.near, flat.far, flat.is_orthographic) == (None, 5, -3, 7, True)
    flat.height = 6
    np.testing.assert_allclose(flat.projection_matrix(1), orthographic(6, 1, -3, 7))
    assert repr(flat) == "<Camera at (3, 4, 12)>"


def test_matrices_are_kept_as_they_came() -> None:
    view, projection = look_at(EYE, TARGET, UP), perspective(40, 1.25, 0.5, 80)
    camera = Camera.from_matrices(view, projection)
    np.testing.assert_array_equal(camera.view_matrix, view)
    np.testing.assert_array_equal(camera.projection_matrix(3), projection)
    np.testing.assert_allclose(camera.position, EYE, atol=1e-12)
    back = np.subtract(EYE, TARGET)
    np.testing.assert_allclose(camera.target, np.subtract(EYE, back / np.linalg.norm(back)), atol=1e-12)
    assert (camera.near, camera.far) == pytest.approx((0.5, 80))
    assert (camera.fov, camera.height, camera.is_orthographic) == (None, None, False)
    view[0, 0] = projection[0, 0] = 9
    camera.view_matrix[0, 0] = 9
    assert camera.view_matrix[0, 0] != 9 != camera.projection_matrix(1)[0, 0]
    flat = Camera.from_matrices(np.eye(4), orthographic(7, 2, -5, 50))
    assert (flat.near, flat.far) == pytest.approx((-5, 50))
    assert flat.is_orthographic
    endless = perspective(60, 1, 0.25, 1)
    endless[2, 2:] = -1, -0.5
    camera = Camera.from_matrices(np.eye(4), endless)
    assert (camera.near, camera.far) == (0.25, math.inf)


def test_a_calibrated_camera_hits_the_pixel_that_its_intrinsics_say() -> None:
    size, (fx, fy, cx, cy) = (640, 480), (500.0, 510.0, 300.0, 260.0)
    camera = Camera.from_intrinsics(fx, fy, cx, cy, size)
    for x, y, z in ((0, 0, 2), (0.3, -0.2, 1.5), (-1, 0.7, 4)):  # x right, y down, z forward
        expected = (fx * x / z + cx, fy * y / z + cy)
        np.testing.assert_allclose(pixel(camera, (x, -y, -z), size), expected, atol=1e-9)
    assert (camera.near, camera.far) == pytest.approx((0.1, 1000))
    posed = Camera.from_intrinsics(fx, fy, cx, cy, size, position=EYE, target=TARGET, up=UP, near=1, far=30)
    np.testing.assert_allclose(pixel(posed, TARGET, size), (cx, cy), atol=1e-9)
    np.testing.assert_allclose(posed.view_matrix, look_at(EYE, TARGET, UP), atol=1e-12)
    # Square pixels and a principal point in the middle: an ordinary camera.
    fov = math.degrees(2 * math.atan(240 / 500))
    plain = Camera.from_intrinsics(500, 500, 320, 240, size)
    np.testing.assert_allclose(plain.projection_matrix(4 / 3), perspective(fov, 4 / 3, 0.1, 1000), atol=1e-9)


SINGULAR = np.diag([1.0, 1, 0, 1])
MADE = Camera.from_matrices(np.eye(4), perspective(60, 1, 0.1, 100))
KEPT_VIEW = "a camera made from matrices keeps its view: make another"
KEPT_PROJECTION = "a camera made from matrices keeps its projection: make another"
BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: Camera(EYE, EYE),
        InvalidValue,
        "target: expected a point other than the position, got (3.0, 4.0, 12.0)",
    ),
    (
        lambda: Camera((1e308, 0, 0), (-1e308, 0, 0)),
        InvalidValue,
        "target: expected a point in reach of float64, got (-1e+308, 0.0, 0.0)",
    ),
    (
        lambda: Camera(EYE, TARGET, (0, 0, 0)),
        InvalidValue,
        "up: expected a direction other than zero, got (0.0, 0.0, 0.0)",
    ),
    (
        lambda: Camera((0, 5, 0), (0, 0, 0)),
        InvalidValue,
        "up: expected a direction that is not along the view direction, got (0.0, 1.0, 0.0)",
    ),
    (lambda: Camera(position=(0, 0)), InvalidValue, "position: expected shape (3,), got (2,)"),
    (
        lambda: Camera(position=(0, 0, math.nan)),
        InvalidValue,
        "position: expected finite values, got nan at [2]",
    ),
    (lambda: Camera(target="up"), InvalidType, "target: expected an array of numbers, got str 'up'"),
    (lambda: Camera(fov=0), InvalidValue, "fov: expected a number greater than 0, got 0"),
    (lambda: Camera(fov=180), InvalidValue, "fov: expected degrees in 0..180, both excluded, got 180"),
    (lambda: Camera(fov=True), InvalidType, "fov: expected a number, got bool True"),
    (lambda: Camera(fov="60"), InvalidType, "fov: expected a number, got str '60'"),  # type: ignore[arg-type]
    (lambda: Camera(near=0), InvalidValue, "near: expected a number greater than 0, got 0"),
    (lambda: Camera(near=5, far=5), InvalidValue, "far: expected more than near, 5, got 5"),
    (lambda: Camera(far=math.inf), InvalidValue, "far: expected a finite number, got inf"),
    (
        lambda: Camera.orthographic(height=-1),
        InvalidValue,
        "height: expected a number greater than 0, got -1",
    ),
    (lambda: Camera.orthographic(near=3, far=-3), InvalidValue, "far: expected more than near, 3, got -3"),
    (lambda: setattr(Camera(), "fov", None), InvalidType, "fov: expected a number, got NoneType None"),
    (
        lambda: setattr(Camera(), "height", 3),
        UsageError,
        "height: expected an orthographic camera, got one with perspective",
    ),
    (
        lambda: setattr(Camera.orthographic(), "fov", 3),
        UsageError,
        "fov: expected a camera with perspective, got an orthographic one",
    ),
    (
        lambda: setattr(Camera(), "target", (0, 0, 5)),
        InvalidValue,
        "target: expected a point other than the position, got (0.0, 0.0, 5.0)",
    ),
    (lambda: Camera().projection_matrix(0), InvalidValue, "aspect: expected a number greater than 0, got 0"),
    (
        lambda: Camera.from_matrices(np.eye(3), np.eye(4)),
        InvalidValue,
        "view: expected shape (4, 4), got (3, 3)",
    ),
    (
        lambda: Camera.from_matrices(np.eye(4), SINGULAR),
        InvalidValue,
        "projection: expected an invertible matrix, got a singular one",
    ),
    (
        lambda: Camera.from_matrices(np.eye(4) * 2, np.eye(4)),
        InvalidValue,
        "view: expected the last row (0, 0, 0, 1), got [0.0, 0.0, 0.0, 2.0]",
    ),
    (
        lambda: Camera.from_intrinsics(0, 1, 0, 0, (4, 4)),
        InvalidValue,
        "fx: expected a number greater than 0, got 0",
    ),
    (
        lambda: Camera.from_intrinsics(1, 1, math.nan, 0, (4, 4)),
        InvalidValue,
        "cx: expected a finite number, got nan",
    ),
    (
        lambda: Camera.from_intrinsics(1, 1, 0, 0, (4, 0)),
        InvalidValue,
        "size[1]: expected an integer, at least 1, got 0",
    ),
    (
        lambda: Camera.from_intrinsics(1, 1, 0, 0, 4),  # type: ignore[arg-type]
        InvalidType,
        "size: expected (width, height), got int 4",
    ),
    (lambda: setattr(MADE, "position", (1, 2, 3)), UsageError, KEPT_VIEW),
    (lambda: MADE.look((1, 2, 3), (0, 0, 0)), UsageError, KEPT_VIEW),
    (lambda: setattr(MADE, "fov", 50), UsageError, KEPT_PROJECTION),
    (lambda: setattr(MADE, "height", 50), UsageError, KEPT_PROJECTION),
    (lambda: setattr(MADE, "near", 1), UsageError, KEPT_PROJECTION),
]


@pytest.mark.parametrize(("call", "kind", "text"), BAD, ids=[text for _, _, text in BAD])
def test_degenerate_cameras_are_errors(call: Callable[[], object], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text


def test_a_camera_that_refused_a_value_is_as_it_was() -> None:
    camera = Camera(EYE, TARGET, UP)
    before = camera.view_matrix, camera.projection_matrix(2)
    for name, value in (("position", TARGET), ("up", (0, 0, 0)), ("far", 0.01), ("near", 2000), ("fov", 500)):
        with pytest.raises(InvalidValue):
            setattr(camera, name, value)
    np.testing.assert_array_equal(camera.view_matrix, before[0])
    np.testing.assert_array_equal(camera.projection_matrix(2), before[1])
