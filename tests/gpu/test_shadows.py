"""Shadows against rays cast in NumPy, and the faults that shadow maps are known for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import MODES, Drawer, Picture, exact

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, Shadows, Sun, shapes
from throng.gpu.shadows import fitted, light_space

SIZE = (192, 128)
GRAY = Material((0.6, 0.6, 0.6))


def sun(elevation: float, azimuth: float = 40.0, shadows: Shadows | bool = True) -> Sun:
    up, around = np.radians((elevation, azimuth))
    away = (-np.cos(up) * np.cos(around), -np.sin(up), -np.cos(up) * np.sin(around))
    return Sun(away, color=(1, 1, 1), intensity=0.8, shadows=shadows)


def boxes_on_a_plane(elevation: float) -> tuple[Scene, list[tuple[Picture, Picture]]]:
    """A scene, and the corners of its boxes: some beside what the camera sees."""
    scene = Scene(sun=sun(elevation), ambient=(0.3, 0.3, 0.3))
    scene.add(Node(shapes.plane(400), GRAY))
    boxes = []
    for x, z, width, height in (
        (0, 0, 1, 1), (2, 1, 0.4, 2.5), (-2, 2, 0.8, 0.6), (-1, -3, 1.5, 3), (6, 5, 1, 6),
        (5, 12, 2, 9), (9, -1, 1, 8),
    ):  # fmt: skip
        low, high = (
            np.array((x - width / 2, 0, z - width / 2)),
            np.array((x + width / 2, height, z + width / 2)),
        )
        scene.add(Node(shapes.box(), GRAY, position=(low + high) / 2, scale=high - low))
        boxes.append((low, high))
    return scene, boxes


def hit(origins: Picture, direction: Picture, boxes: list[tuple[Picture, Picture]]) -> Picture:
    """(...): whether a ray from each origin meets a box: slabs."""
    found = np.zeros(origins.shape[:-1], bool)
    with np.errstate(divide="ignore"):
        for low, high in boxes:
            one, other = (low - origins) / direction, (high - origins) / direction
            enters, leaves = np.minimum(one, other).max(-1), np.maximum(one, other).min(-1)
            found |= (enters < leaves) & (leaves > 0)
    return found


def on_the_ground(camera: Camera, depth: Picture) -> tuple[Picture, Picture]:
    """(h, w, 3) where each pixel's ray meets y = 0, and (h, w) whether that is what is seen there."""
    height, width = depth.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 2 - 1, 1 - (np.arange(height) + 0.5) / height * 2)
    inverse = np.linalg.inv(camera.projection_matrix(width / height) @ camera.view_matrix)
    start, through = (
        np.stack([x, y, np.full_like(x, z), np.ones_like(x)], axis=-1) @ inverse.T for z in (-1.0, 0.5)
    )
    start, through = start[..., :3] / start[..., 3:], through[..., :3] / through[..., 3:]
    ray = through - start
    with np.errstate(divide="ignore"):
        places = start + ray * (-start[..., 1:2] / ray[..., 1:2])
    away = -(places @ camera.view_matrix[2, :3] + camera.view_matrix[2, 3])
    return places, np.isclose(away, depth, rtol=1e-3) & (ray[..., 1] < 0)


VIEWS = {
    "near": Camera((1.5, 2.2, 6), (0.3, 0.6, 0), far=120),
    "far": Camera((14, 9, 30), (0, 0, 0), far=120),
    "across": Camera.orthographic((6, 8, 14), (0, 0, 0), height=9, near=0.1, far=60),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("elevation", [70, 25, 6])
@pytest.mark.parametrize("view", VIEWS)
def test_shadows_lie_where_rays_say(draw: Drawer, view: str, elevation: float, mode: str) -> None:
    scene, boxes = boxes_on_a_plane(elevation)
    camera = VIEWS[view]
    matte = replace(exact(mode), reflections=False)
    frame = draw(scene, camera, matte, size=SIZE)
    places, ground = on_the_ground(camera, frame.depth)
    assert ground.mean() > 0.2
    assert scene.sun is not None
    toward = -np.array(scene.sun.direction)
    shaded = hit(places + toward * 1e-6, toward, boxes)
    lit = frame.color[..., 0].astype(float)
    bright, dark = np.median(lit[ground & ~shaded]), lit[ground].min()
    assert bright > dark + 8
    share = (bright - lit) / (bright - dark)  # 0 lit, 1 in shadow
    # A texel or two beside an edge the filter decides.
    texel = np.zeros(ground.shape)
    for cascade in reversed(fitted(camera, 1.5, scene.sun, Shadows())):
        offset = np.abs(places @ light_space(scene.sun).T - cascade.center).max(axis=-1)
        texel[offset < cascade.radius] = cascade.texel
    reach = (2.5 * texel / np.sin(np.radians(elevation)))[..., None]
    near_edge = np.zeros_like(shaded)
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        beside = places + reach * np.array((np.cos(angle), 0, np.sin(angle)))
        near_edge |= hit(beside + toward * 1e-6, toward, boxes) != shaded
    sure = ground & ~near_edge
    wrong = sure & (np.abs(share - shaded) > 0.25)
    assert wrong.sum() <= 0.002 * ground.sum(), f"{wrong.sum()} of {sure.sum()} pixels"
    if view == "near" and elevation > 10:
        assert (sure & shaded).sum() > 60


@pytest.mark.parametrize("elevation", [85, 45, 15, 5, 2])
def test_what_is_lit_does_not_shadow_itself(draw: Drawer, elevation: float) -> None:
    """Acne: on a plane, on round things, and where the sun grazes."""
    scene = Scene(sun=sun(elevation), ambient=(0.3, 0.3, 0.3))
    scene.add(Node(shapes.plane(400), GRAY))
    camera = Camera((0, 3, 8), (0, 0, -2), far=200)
    frame = draw(scene, camera, size=SIZE)
    scene.sun = sun(elevation, shadows=False)
    plain = draw(scene, camera, size=SIZE).color
    assert np.abs(frame.color.astype(int) - plain).max() <= 1  # some drivers fuse other products


def test_round_things_are_lit_on_their_sunny_side(draw: Drawer) -> None:
    scene = Scene(sun=sun(30), ambient=(0.3, 0.3, 0.3))
    scene.add(Node(shapes.sphere(), GRAY, position=(0, 1, 0)))
    camera = Camera((2.5, 2, 1), (0, 1, 0), far=50)
    frame = draw(scene, camera, size=SIZE, outputs=("color", "normals"))
    scene.sun = sun(30, shadows=False)
    plain = draw(scene, camera, size=SIZE).color
    assert scene.sun is not None
    facing = frame.normals @ -np.array(scene.sun.direction)
    differs = (np.abs(frame.color.astype(int) - plain) > 2).any(axis=-1)
    assert not (differs & (facing > 0.15)).any()


@pytest.mark.parametrize("elevation", [60, 20, 3])
def test_no_light_leaks_into_a_closed_room(draw: Drawer, elevation: float) -> None:
    scene = Scene(sun=sun(elevation), ambient=(0.3, 0.3, 0.3))
    scene.add(Node(shapes.plane(400), GRAY))
    for place, scale in (
        ((2.5, 1.5, 0), (0.2, 3, 5.2)), ((-2.5, 1.5, 0), (0.2, 3, 5.2)), ((0, 1.5, 2.5), (5.2, 3, 0.2)),
        ((0, 1.5, -2.5), (5.2, 3, 0.2)), ((0, 3.1, 0), (5.2, 0.2, 5.2)),
    ):  # fmt: skip
        scene.add(Node(shapes.box(), GRAY, position=place, scale=scale))
    camera = Camera((-1.8, 1.6, 1.9), (1, 0.8, -1), fov=80, far=80)
    frame = draw(scene, camera, size=SIZE)
    scene.sun = None
    dark = draw(scene, camera, size=SIZE).color
    leaks = (np.abs(frame.color.astype(int) - dark) > 2).any(axis=-1)
    assert leaks.mean() < 0.001, f"{leaks.sum()} pixels"


def test_cascades_keep_their_size_and_move_by_whole_texels() -> None:
    """So their edges do not swim while the camera turns and walks."""
    random = np.random.default_rng(0)
    light = sun(35)
    first = fitted(Camera((0, 2, 0), (0, 2, -1), far=300), 16 / 9, light, Shadows())
    for _ in range(200):
        place = random.uniform(-5000, 5000, 3)
        camera = Camera(place, place + random.normal(size=3), far=300)
        for one, other in zip(first, fitted(camera, 16 / 9, light, Shadows()), strict=True):
            assert (one.radius, one.texel) == (other.radius, other.texel)
            steps = other.center / other.texel
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)


def test_cascades_hold_all_that_they_are_for() -> None:
    random = np.random.default_rng(1)
    light, shadows = sun(20), Shadows(distance=150)
    basis = light_space(light)
    for _ in range(100):
        place = random.uniform(-100, 100, 3)
        camera = Camera(place, place + random.normal(size=3), fov=random.uniform(20, 100), far=400)
        cascades = fitted(camera, 1.7, light, shadows)
        inverse = np.linalg.inv(camera.projection_matrix(1.7) @ camera.view_matrix)
        ndc = np.concatenate([random.uniform(-1, 1, (300, 3)), np.ones((300, 1))], axis=1)
        ndc[:, 2] = 1 - 2 * random.uniform(0, 1, 300) ** 3 * 0.1  # most of depth is near the far plane
        points = ndc @ inverse.T
        points = points[:, :3] / points[:, 3:]
        away = -(points @ camera.view_matrix[2, :3] + camera.view_matrix[2, 3])
        seen = points[away < 150] @ basis.T
        held = np.zeros(len(seen), bool)
        for cascade in cascades:
            held |= (np.abs(seen - cascade.center) < 0.98 * cascade.radius).all(axis=1)
        assert held.all()


def test_a_map_is_drawn_again_only_where_something_changed() -> None:
    scene, _ = boxes_on_a_plane(30)
    camera = Camera((1.5, 2.2, 6), (0.3, 0.6, 0), far=120)
    with Renderer(SIZE) as renderer:
        renderer.render(scene, camera)
        assert renderer.stats is not None
        first = renderer.stats.draw_calls
        for _ in range(4):  # occlusion settles
            renderer.render(scene, camera)
        still = renderer.stats.draw_calls
        assert still <= first - 4
        camera.position += (0.001, 0, 0)  # less than a step of any map
        renderer.render(scene, camera)
        assert renderer.stats.draw_calls <= still + 1
        scene.children[2].position += (0.5, 0, 0)
        moved = renderer.render(scene, camera)
        assert renderer.stats.draw_calls >= still + 4
    np.testing.assert_array_equal(moved.color, throng.render(scene, camera, size=SIZE).color)


def test_moving_crowds_cast_moving_shadows(draw: Drawer) -> None:
    scene = Scene(sun=sun(50))
    scene.add(Node(shapes.plane(60), GRAY))
    crowd = scene.add(Crowd(shapes.box(), GRAY, positions=[(0, 1, 0), (3, 1, 0)]))
    camera = Camera((0, 6, 9), (0, 0, 0), far=60)
    with Renderer(SIZE) as renderer:
        before = renderer.render(scene, camera).color
        crowd.positions += (0, 1.5, 0)
        after = renderer.render(scene, camera).color
    assert (before != after).any(axis=-1).mean() > 0.02
    np.testing.assert_array_equal(after, draw(scene, camera, size=SIZE).color)


def test_far_from_the_origin_shadows_are_the_same(draw: Drawer) -> None:
    pictures = []
    for away in ((0, 0, 0), (1e6, 2e5, -3e6)):
        scene = Scene(sun=sun(30))
        group = scene.add(Node(position=away))
        group.add(Node(shapes.plane(60), GRAY))
        group.add(Node(shapes.box(), GRAY, position=(0, 0.5, 0)))
        place = np.array(away)
        pictures.append(draw(scene, Camera(place + (2, 3, 5), place, far=60), size=SIZE).color.astype(int))
    differs = (np.abs(pictures[0] - pictures[1]) > 6).any(axis=-1)
    assert differs.mean() < 0.01  # texels lie elsewhere


def test_shadows_can_be_left_out_and_are_by_default(draw: Drawer) -> None:
    scene, _ = boxes_on_a_plane(30)
    camera = VIEWS["near"]
    with_them = draw(scene, camera, size=SIZE).color
    without = throng.render(scene, camera, size=SIZE, options=Options(shadows=False)).color
    scene.sun = sun(30, shadows=False)
    np.testing.assert_array_equal(draw(scene, camera, size=SIZE).color, without)
    assert (with_them != without).any()
    assert Sun().shadows is None
    assert Sun(shadows=True).shadows == Shadows()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Sun(shadows=3), "shadows: expected a Shadows, True, False or None, got"),  # type: ignore[arg-type]
        (lambda: Shadows(distance=0), "distance: expected"),
        (lambda: Shadows(cascades=5), "cascades: expected"),
        (lambda: Shadows(size=1), "size: expected"),
    ],
)
def test_bad_shadows_are_refused(make: object, text: str) -> None:
    with pytest.raises(throng.ThrongError, match=text):
        make()  # type: ignore[operator]
