"""Far from the origin, and over great depths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rasterizer
from pictures import MODES, OUTPUTS, Drawer, Picture, assert_frames_agree, share_differing

import throng
from throng import Camera, Crowd, Material, Node, Scene, shapes

FAR = np.array([1e6, -3e5, 7e5])  # metres: float32 there has steps of 0.06
SIZE = (160, 120)


def street(offset: Any) -> Scene:
    """Nodes, a hierarchy, and crowds with and without a turn, all around `offset`."""
    random = np.random.default_rng(1)
    scene = Scene()
    for place in random.uniform(-2, 2, (12, 3)):
        turn, color = random.normal(size=4), random.random(3)
        scene.add(Node(shapes.box(0.5), Material(color), position=offset + place, rotation=turn))
    district = scene.add(Node(position=offset))
    district.add(Node(shapes.cone(), position=(0.3, 0.8, 0))).add(
        Node(shapes.sphere(0.3), position=(0, 0.8, 0))
    )
    places, turns = random.uniform(-2, 2, (30, 3)), random.normal(size=(30, 4))
    district.add(Crowd(shapes.box(0.2), positions=places, colors=random.random((30, 3))))
    scene.add(
        Crowd(
            shapes.cone(0.2, 0.5),
            positions=places[::-1],
            rotations=turns,
            position=offset,
            rotation=(0, 0.3, 0.1, 1),
        )
    )
    return scene


def camera_at(offset: Any, shift: Any = (0, 0, 0)) -> Camera:
    return Camera(offset + (3, 2, 4) + np.asarray(shift), offset + np.asarray(shift), fov=50)


@pytest.mark.parametrize("mode", MODES)
def test_a_scene_a_thousand_kilometres_away_looks_as_at_the_origin(draw: Drawer, mode: str) -> None:
    here = draw(street(np.zeros(3)), camera_at(np.zeros(3)), mode, size=SIZE)
    there = draw(street(FAR), camera_at(FAR), mode, size=SIZE)
    assert (here.ids[..., 0] >= 0).mean() > 0.15
    assert_frames_agree(here, there)


@pytest.mark.parametrize("mode", MODES)
def test_it_does_not_shake_while_the_camera_moves_by_millimetres(draw: Drawer, mode: str) -> None:
    """Each frame of a slow flight is the one that the same flight gives at the origin."""
    here, there = street(np.zeros(3)), street(FAR)
    for step in range(8):
        shift = np.array([0.001, 0.0005, 0.002]) * step
        one = draw(here, camera_at(np.zeros(3), shift), mode, size=SIZE)
        other = draw(there, camera_at(FAR, shift), mode, size=SIZE)
        assert_frames_agree(one, other, share=0.002)


@pytest.mark.parametrize("mode", MODES)
def test_where_an_edge_is_seen_follows_the_camera_smoothly(draw: Drawer, mode: str) -> None:
    """At 20,000 pixels a metre, each step of 50 micrometres is one pixel, far from the origin too."""
    scene = Scene(sun=None, ambient=(1, 1, 1), background=(0, 0, 0))
    scene.add(Node(shapes.box(1.0), position=FAR, scale=(1, 9, 1)))
    crowd = scene.add(Crowd(shapes.box(1.0), positions=[(0, 0, 0)], position=FAR - (0, 20, 0)))
    crowd.scale = (1, 9, 1)
    for y in (0.0, -20.0):
        edges = []
        for step in range(20):
            # The right edge of the box lies half a metre from its middle.
            place = FAR + (0.5 + step * 5e-5, y, 3)
            camera = Camera.orthographic(place, place - (0, 0, 1), height=64 / 20_000)
            color = draw(scene, camera, mode, size=(96, 64), outputs=("color",)).color
            edges.append(int((color[32, :, 0] > 0).sum()))
        assert np.abs(np.array(edges) - np.arange(48, 28, -1)).max() <= 1
        assert (np.diff(edges) <= 0).all()


def test_a_moving_origin_leaves_the_picture_alone(draw: Drawer) -> None:
    """Along a flight of kilometres, what moves with the camera looks the same in every frame."""
    scene = Scene()
    ship = scene.add(Node(position=FAR))
    ship.add(Node(shapes.box(), position=(0, 0, -3), rotation=(0.2, 0.3, 0.1, 0.9)))
    ship.add(Crowd(shapes.cone(), positions=[(-1.5, 0, -4), (1.5, 0.5, -4)]))
    pictures: list[Picture] = []
    for step in range(12):
        place = FAR + np.array([313.37, 1.1, -71.7]) * step
        ship.position = place
        pictures.append(draw(scene, Camera(place, place - (0, 0, 1))).color)
    assert max(share_differing(picture, pictures[0]) for picture in pictures) <= 0.002


@pytest.mark.parametrize("mode", MODES)
def test_near_and_far_surfaces_keep_apart(draw: Drawer, mode: str) -> None:
    """Near .1, far 100 km: of walls 1/5,000 of their distance apart, the nearest is seen.

    A 24-bit depth buffer of the usual kind tells nothing apart beyond 1.3 km there.
    """
    camera = Camera((0, 0, 0), (0, 0, -1), near=0.1, far=1e5)
    for distance in (0.2, 1.0, 10.0, 1e3, 1e4, 9e4):
        scene = Scene()
        gap = distance * 2e-4
        for name, z in (("front", distance), ("back", distance + gap), ("further", distance + 2 * gap)):
            wall = throng.Mesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)])
            scene.add(Node(wall, position=(0, 0, -z), scale=distance * 2, name=name))
        frame = draw(scene, camera, mode, outputs=("depth", "ids"))
        assert set(np.unique(frame.ids[..., 0])) == {scene.children[0].id}
        np.testing.assert_allclose(frame.depth, distance, rtol=2e-6)


def test_depth_in_metres_is_exact_over_great_depths(draw: Drawer) -> None:
    scene = Scene()
    for exponent in range(-1, 5):
        distance = 3.0 * 10.0**exponent
        place = ((exponent - 1.5) * 0.45 * distance, 0, -distance)
        scene.add(Node(shapes.box(), position=place, scale=0.3 * distance, rotation=(0.3, 0.2, 0.1, 0.9)))
    view = rasterizer.look_at(np.zeros(3), np.array([0, 0, -1.0]), np.array([0, 1.0, 0]))
    wanted = rasterizer.rendered(scene, view, rasterizer.perspective(60, 1.5, 0.1, 1e5), (96, 64))
    frame = draw(scene, Camera((0, 0, 0), (0, 0, -1), near=0.1, far=1e5), outputs=OUTPUTS)
    both = np.isfinite(frame.depth) & np.isfinite(wanted.depth)
    assert (np.isfinite(frame.depth) != np.isfinite(wanted.depth)).mean() <= 0.001
    assert both.mean() > 0.1
    np.testing.assert_allclose(frame.depth[both], wanted.depth[both], rtol=draw.depth_tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_an_orthographic_camera_may_stand_far_away(draw: Drawer, mode: str) -> None:
    """A map seen from orbit: what matters is where it looks."""
    scene = street((0, 0, 0))
    near = draw(
        scene,
        Camera.orthographic((0, 0, 20), height=6, near=1, far=40),
        mode,
        size=SIZE,
        outputs=("color", "ids"),
    )
    high = Camera.orthographic((0, 0, 1e6), height=6, near=1e6 - 19, far=1e6 + 20)
    assert_frames_agree(draw(scene, high, mode, size=SIZE, outputs=("color", "ids")), near)
    matrices = Camera.from_matrices(high.view_matrix, high.projection_matrix(SIZE[0] / SIZE[1]))
    assert_frames_agree(draw(scene, matrices, mode, size=SIZE, outputs=("color", "ids")), near)
