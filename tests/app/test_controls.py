"""The camera moved by hand: what each movement keeps, and what it does to the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import throng
from throng.controls import FLY, Controls, fitting

ASPECT = 1.6
Doubles = npt.NDArray[np.float64]


def perspective() -> throng.Camera:
    return throng.Camera((3, 4, 12), (1, 0, -1), fov=50, near=0.5, far=300)


def orthographic() -> throng.Camera:
    return throng.Camera.orthographic((3, 4, 12), (1, 0, -1), height=7, near=0.5, far=300)


def matrices() -> throng.Camera:
    camera = perspective()
    return throng.Camera.from_matrices(camera.view_matrix, camera.projection_matrix(ASPECT))


def orthographic_matrices() -> throng.Camera:
    camera = orthographic()
    return throng.Camera.from_matrices(camera.view_matrix, camera.projection_matrix(ASPECT))


def upside_down() -> throng.Camera:
    return throng.Camera((3, 4, 12), (1, 0, -1), up=(0.2, -1, 0.1))


CAMERAS = [perspective, orthographic, matrices, orthographic_matrices, upside_down]
every_camera = pytest.mark.parametrize("make", CAMERAS, ids=lambda make: make.__name__.replace("_", " "))


def arm(camera: throng.Camera) -> Doubles:
    return np.asarray(camera.position - camera.target, np.float64)


def distance(camera: throng.Camera) -> float:
    return float(np.linalg.norm(arm(camera)))


def projected(camera: throng.Camera, points: npt.ArrayLike, aspect: float = ASPECT) -> Doubles:
    """(n, 3), x and y in heights of the picture from its middle, y downward, and the depth in -1..1."""
    points = np.atleast_2d(np.asarray(points, np.float64))
    clip = np.column_stack([points, np.ones(len(points))])
    clip = clip @ camera.view_matrix.T @ camera.projection_matrix(aspect).T
    ndc = clip[:, :3] / clip[:, 3:]
    return np.asarray(ndc * (aspect / 2, -0.5, 1.0), np.float64)


@every_camera
def test_controls_start_where_the_camera_stands(make: type) -> None:
    given = make()
    mine = Controls(given).camera
    points = np.random.default_rng(0).uniform(-3, 3, (50, 3))
    np.testing.assert_allclose(
        projected(mine, points)[:, :2], projected(given, points)[:, :2], rtol=1e-9, atol=1e-9
    )


@every_camera
def test_controls_leave_the_given_camera_alone(make: type) -> None:
    given = make()
    before = given.view_matrix, given.projection_matrix(1.0)
    controls = Controls(given)
    controls.orbit(0.1, 0.2)
    controls.pan(0.1, 0.2)
    controls.zoom(2)
    controls.fly(1, 1, 1, 0.5)
    np.testing.assert_array_equal(given.view_matrix, before[0])
    np.testing.assert_array_equal(given.projection_matrix(1.0), before[1])


@every_camera
def test_orbiting_keeps_target_distance_and_horizon(make: type) -> None:
    controls = Controls(make())
    target, length, up = controls.camera.target, distance(controls.camera), controls.camera.up
    for right, down in np.random.default_rng(1).uniform(-0.4, 0.4, (200, 2)):
        controls.orbit(float(right), float(down))
        np.testing.assert_array_equal(controls.camera.target, target)
        assert distance(controls.camera) == pytest.approx(length)
        side = controls.camera.view_matrix[0, :3]
        assert abs(float(side @ up)) < 1e-9, "the horizon stays level"


@pytest.mark.parametrize("down", [0.01, 0.3, 5.0, -0.01, -0.3, -5.0])
@every_camera
def test_orbiting_never_flips_over_a_pole(make: type, down: float) -> None:
    controls = Controls(make())
    up = controls.camera.up / np.linalg.norm(controls.camera.up)
    heading = controls.camera.view_matrix[0, :3]
    for _ in range(60):
        controls.orbit(0.0, down)
        assert controls.camera.view_matrix[1, :3] @ up > 0, "up is up in the picture"
        np.testing.assert_allclose(controls.camera.view_matrix[0, :3], heading, atol=1e-6)
    if abs(down) >= 0.3:
        assert arm(controls.camera) @ up * np.sign(down) > 0.99 * distance(controls.camera), "at the pole"


def test_orbiting_follows_the_drag() -> None:
    """What is nearer than the target moves with the cursor: to the right, or down."""
    for right, down in ((0.1, 0.0), (0.0, 0.1)):
        camera = perspective()
        controls = Controls(camera)
        nearer = camera.target + 0.3 * arm(camera)
        before = projected(controls.camera, nearer)[0]
        controls.orbit(right, down)
        after = projected(controls.camera, nearer)[0]
        moved = after - before
        assert moved[0] > 0.01 if right else abs(moved[0]) < 1e-6
        assert moved[1] > 0.01 if down else abs(moved[1]) < 0.01


@every_camera
def test_orbiting_back_is_where_it_began(make: type) -> None:
    controls = Controls(make())
    before = controls.camera.position
    controls.orbit(0.3, 0.1)
    controls.orbit(0.0, -0.1)
    controls.orbit(-0.3, 0.0)
    np.testing.assert_allclose(controls.camera.position, before, atol=1e-9)


def test_a_camera_that_stands_at_the_pole_already_can_be_turned() -> None:
    controls = Controls(throng.Camera((0, 10, 1e-7), (0, 0, 0)))
    controls.orbit(0.1, -0.2)
    assert np.isfinite(controls.camera.view_matrix).all()
    assert distance(controls.camera) == pytest.approx(10)


@every_camera
def test_panning_moves_the_target_under_the_cursor(make: type) -> None:
    controls = Controls(make())
    target = controls.camera.target
    for right, down in ((0.2, 0.0), (0.0, -0.3), (-0.4, 0.25)):
        before = projected(controls.camera, target)[0]
        controls.pan(right, down)
        moved = projected(controls.camera, target)[0] - before
        np.testing.assert_allclose(moved[:2], (right, down), atol=1e-9)


@every_camera
def test_panning_keeps_distance_and_direction(make: type) -> None:
    controls = Controls(make())
    before = arm(controls.camera)
    controls.pan(0.7, -0.2)
    np.testing.assert_allclose(arm(controls.camera), before, atol=1e-9)


@every_camera
def test_zooming_in_and_out_are_inverse(make: type) -> None:
    controls = Controls(make())
    camera = controls.camera
    before = camera.position, camera.target, camera.height, camera.near, camera.far
    for notches in (1, 5, 0.25, 30):
        controls.zoom(notches)
        controls.zoom(-notches)
        controls.zoom(-notches)
        controls.zoom(notches)
        after = camera.position, camera.target, camera.height, camera.near, camera.far
        for one, other in zip(before, after, strict=True):
            assert one is other is None or one == pytest.approx(other)


@every_camera
def test_zooming_enlarges_what_is_at_the_target(make: type) -> None:
    controls = Controls(make())
    beside = controls.camera.target + 0.01 * controls.camera.view_matrix[0, :3]
    before = projected(controls.camera, beside)[0, 0]
    controls.zoom(1)
    assert projected(controls.camera, beside)[0, 0] == pytest.approx(before / 0.88)


@pytest.mark.parametrize("notches", [80, -80, 1000, -1000])
@every_camera
def test_zooming_without_end_ends_somewhere(make: type, notches: int) -> None:
    controls = Controls(make())
    for _ in range(abs(notches)):
        controls.zoom(np.sign(notches))
    camera = controls.camera
    assert np.isfinite(camera.view_matrix).all()
    assert np.isfinite(camera.projection_matrix(ASPECT)).all()
    assert distance(camera) > 0
    depth = projected(camera, camera.target)[0, 2]
    assert -1 <= depth <= 1, "the target stays between near and far"


DIRECTIONS = [((1, 0, 0), 0, 1), ((0, 1, 0), 1, 1), ((0, 0, 1), 2, -1), ((-1, 0, 0), 0, -1)]


@pytest.mark.parametrize(("way", "axis", "sign"), DIRECTIONS)
@every_camera
def test_flying_goes_along_the_axes_of_the_picture(
    make: type, way: tuple[int, int, int], axis: int, sign: int
) -> None:
    controls = Controls(make())
    camera = controls.camera
    position, target, span = camera.position, camera.target, distance(camera)
    direction = camera.view_matrix[axis, :3] * sign
    controls.fly(*way, 0.5)
    np.testing.assert_allclose(camera.position, position + direction * FLY * span * 0.5, atol=1e-9)
    np.testing.assert_allclose(camera.target, target + direction * FLY * span * 0.5, atol=1e-9)


def test_an_upright_camera_from_matrices_is_turned_about_the_vertical() -> None:
    """Matrices know no `up` but the picture's own, which leans forward where the camera looks down."""
    controls = Controls(matrices())
    height = controls.camera.position[1]
    for _ in range(10):
        controls.orbit(0.1, 0.0)
        assert controls.camera.position[1] == pytest.approx(height)
        assert abs(controls.camera.view_matrix[0, 1]) < 1e-9, "the horizon stays level"


def test_a_rolled_camera_from_matrices_stays_as_it_is() -> None:
    rolled = throng.Camera((3, 4, 12), (1, 0, -1), up=(0.5, 1, 0))
    given = throng.Camera.from_matrices(rolled.view_matrix, rolled.projection_matrix(ASPECT))
    np.testing.assert_allclose(Controls(given).camera.view_matrix, rolled.view_matrix, atol=1e-9)


def test_a_camera_from_matrices_with_an_infinite_far_plane_can_be_moved() -> None:
    given = perspective()
    projection = given.projection_matrix(ASPECT)
    projection[2, 2], projection[2, 3] = -1.0, -2 * given.near
    controls = Controls(throng.Camera.from_matrices(given.view_matrix, projection))
    controls.zoom(-3)
    assert controls.camera.near == pytest.approx(given.near)
    assert controls.camera.far > 1000


# -- fitting -----------------------------------------------------------------------------------------------


def corners(scene: throng.Scene) -> Doubles:
    low, high = scene.bounds
    return np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T


@pytest.mark.parametrize("aspect", [16 / 9, 1.0, 0.4])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (100, 0.1, 0.1), (0.1, 900, 0.1), (1e-3, 1e-3, 2e-3), (1e5, 5, 1e5)]
)
@pytest.mark.parametrize("place", [(0, 0, 0), (1e6, -2e5, 3e5)])
def test_a_fitting_camera_sees_everything(
    aspect: float, shape: tuple[float, ...], place: tuple[float, ...]
) -> None:
    scene = throng.Scene()
    scene.add(throng.Node(throng.shapes.box(), position=place, scale=shape))
    camera = fitting(scene, aspect)
    seen = projected(camera, corners(scene), aspect)
    assert (np.abs(seen[:, 0]) <= aspect / 2).all()
    assert (np.abs(seen[:, 1:]) <= (0.5, 1.0)).all()
    assert np.ptp(seen[:, :2], axis=0).max() > 0.25 * min(aspect, 1), "and it fills the picture"


@pytest.mark.parametrize("empty", [throng.Scene(), throng.Scene(background=(1, 0, 0))])
def test_a_fitting_camera_of_an_empty_scene_looks_at_the_origin(empty: throng.Scene) -> None:
    camera = fitting(empty)
    np.testing.assert_array_equal(camera.target, (0, 0, 0))


def test_a_fitting_camera_of_a_single_point_can_be_used() -> None:
    scene = throng.Scene()
    scene.add(throng.Node(throng.shapes.box(), position=(5, 5, 5), scale=1e-9))
    assert np.isfinite(fitting(scene).view_matrix).all()
