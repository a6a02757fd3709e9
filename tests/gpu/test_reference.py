"""throng's pictures against those of a renderer in NumPy that shares no code with it (rasterizer.py)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import rasterizer
from pictures import MODES, Drawer, Picture, share_differing

import throng
from throng import Camera, Crowd, Material, Mesh, Model, Node, Scene, shapes

SIZE = (96, 64)

# Pixels whose centre lies so close to an edge that float32 and float64 decide differently, and where two
# surfaces meet: at most 6 of 6144. Colours there differ by anything.
EDGES = 0.001


def solids() -> Scene:
    scene = Scene(background=(0.1, 0.2, 0.3, 0.5), ambient=(0.3, 0.4, 0.5))
    turn = (0.2, 0.5, -0.1, 0.8)
    scene.add(Node(shapes.box(), Material((0.9, 0.3, 0.2)), position=(-1.9, 0.6, 0), rotation=turn))
    scene.add(Node(shapes.sphere(segments=16, rings=8), position=(0.1, 0.9, 0), scale=(0.8, 0.5, 1.1)))
    mirrored = Material((0.2, 0.9, 0.4))
    scene.add(Node(shapes.cone(), mirrored, position=(1.9, 0.5, 0.3), scale=(-1.2, 1.5, 0.7), rotation=turn))
    unlit = Material((0.9, 0.7, 0.1), shading="unlit")
    scene.add(
        Node(
            shapes.box(), unlit, position=(-1.7, -1.0, 0.5), rotation=(0.4, 0.1, 0.3, 0.7), color=(0.5, 1, 1)
        )
    )
    scene.add(Node(shapes.cylinder(), position=(0.2, -1.1, 0.3), rotation=(0.6, 0.2, 0.1, 0.9), scale=-0.9))
    scene.add(Node(shapes.box(), position=(9, 0, 0), scale=0.0))
    hidden = scene.add(Node(shapes.box(), position=(0, 0, 2)))
    hidden.add(Node(shapes.box(), position=(0.5, 0, 0)))
    hidden.visible = False
    return scene


def quads() -> Scene:
    """Each sort of quad, from the front above and from the back below."""
    scene = Scene(sun=throng.Sun((-0.3, -0.5, -0.9), intensity=1.2), ambient=(0.2, 0.2, 0.2))
    quad = Mesh([(-0.6, -0.6, 0), (0.6, -0.6, 0), (0.6, 0.6, 0), (-0.6, 0.6, 0)], [(0, 1, 2), (0, 2, 3)])
    both = Material((0.8, 0.6, 0.9), double_sided=True)
    sorts = [(both, (1, 1, 1)), (Material(), (1, 1, 1)), (both, (-1, 1, 1)), (Material(), (1, -1, 1))]
    for column, (material, scale) in enumerate(sorts):
        for row, angle in enumerate((0.3, np.pi + 0.3)):
            turn = (0.1, np.sin(angle / 2), 0.0, np.cos(angle / 2))
            place = (column * 1.4 - 2.1, 0.8 - 1.6 * row, 0)
            scene.add(Node(quad, material, position=place, rotation=turn, scale=scale))
    return scene


def hierarchy() -> Scene:
    """Turned boxes below non-uniform scales: sheared, and mirrored twice, which is not mirrored."""
    scene = Scene()
    arm: Node = scene
    for depth in range(4):
        turn = (0.1 * depth, 0.2, 0.3, 0.8)
        scale = (1.3, 0.7, 0.9) if depth % 2 else (-0.8, 1.1, 1.2)
        arm = arm.add(Node(position=(0.5 - 0.2 * depth, 0.1, 0.2), rotation=turn, scale=scale))
        color = (1.0, 0.3 * depth, 0.2)
        arm.add(Node(shapes.box(), Material(color), position=(0.9, depth * 0.4 - 0.5, 0), rotation=turn))
        arm.add(Node(shapes.sphere(segments=12, rings=6), position=(-0.8, 0.3, 0.1 * depth), scale=0.4))
    return scene


def crowds(*, count: int = 14) -> Scene:
    """A crowd with all columns and a model of two parts, under a turned node; another one mirrored."""
    random = np.random.default_rng(3)
    scene = Scene(ambient=(0.25, 0.3, 0.35))
    tower = Model(
        [
            (shapes.sphere(segments=8, rings=5), Material((0.8, 0.8, 0.2))),
            (shapes.cone(), Material((0.3, 0.5, 1.0), shading="unlit")),
        ]
    )
    parent = scene.add(Node(position=(0.2, -0.1, 0), rotation=(0.2, 0.4, 0.1, 0.9), scale=(1.2, 0.8, 1.0)))
    for number, scale in enumerate([(1, 1, 1), (-0.9, 1.1, 0.7)]):
        parent.add(
            Crowd(
                tower if number else shapes.box(),
                positions=random.uniform(-1.8, 1.8, (count, 3)),
                rotations=random.normal(size=(count, 4)),
                scales=random.uniform(0.2, 0.6, (count, 3)) * random.choice([-1, 1], (count, 3)),
                colors=random.uniform(0, 1, (count, 4)),
                position=(0.1, 0.2, -0.3),
                rotation=(0.1, 0, 0.3, 1),
                scale=scale,
                color=(1, 0.9, 0.8),
            )
        )
    crowd = parent.children[-1]
    assert isinstance(crowd, Crowd)
    crowd.delete([2, 5])
    return scene


def painted() -> Scene:
    """Vertex colours, interpolated in linear light and in perspective, beside a mesh without any."""
    scene = Scene(sun=None, ambient=(1, 1, 1))
    floor = Mesh(
        [(-3, 0, -3), (3, 0, -3), (3, 0, 3), (-3, 0, 3)], [(0, 2, 1), (0, 3, 2)],
        colors=np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (20, 20, 20)], np.uint8),
    )  # fmt: skip
    scene.add(Node(floor, Material((1, 0.8, 0.6)), position=(0, -0.7, 0)))
    scene.add(Node(shapes.box(), position=(0.7, 0, -0.5)))
    scene.add(
        Crowd(
            floor,
            Material(shading="unlit", double_sided=True),
            positions=[(0, 3.4, -4.5)],
            rotations=[(0.6, 0, 0, 0.9)],
        )
    )
    return scene


SCENES: list[Callable[[], Scene]] = [solids, quads, hierarchy, crowds, painted]


def perspective() -> tuple[Camera, Picture, Picture]:
    eye, target, up = np.array([0.7, 1.1, 4.2]), np.array([0.1, 0.0, -0.2]), np.array([0.1, 1.0, 0.05])
    camera = Camera(eye, target, up, fov=52, near=0.2, far=60)
    return camera, rasterizer.look_at(eye, target, up), rasterizer.perspective(52, 1.5, 0.2, 60)


def orthographic() -> tuple[Camera, Picture, Picture]:
    eye, target, up = np.array([1.5, 1.2, 2.0]), np.array([0.0, 0.1, 0.0]), np.array([0.0, 1.0, 0.0])
    camera = Camera.orthographic(eye, target, up, height=4.1, near=-3, far=12)
    return camera, rasterizer.look_at(eye, target, up), rasterizer.orthographic(4.1, 1.5, -3, 12)


def calibrated() -> tuple[Camera, Picture, Picture]:
    """The principal point away from the middle, and pixels that are not square."""
    eye, target, up = np.array([-0.9, 0.8, 4.0]), np.array([0.2, 0.1, 0.0]), np.array([0.0, 1.0, 0.0])
    numbers = (410.0, 350.0, 260.0, 290.0, (600, 400))
    camera = Camera.from_intrinsics(*numbers, position=eye, target=target, up=up, near=0.5, far=50)
    return camera, rasterizer.look_at(eye, target, up), rasterizer.pinhole(*numbers, 0.5, 50)


def matrices() -> tuple[Camera, Picture, Picture]:
    """Both matrices by hand: a sheared projection, and a view that is not where any `target` would put it."""
    view = rasterizer.look_at(
        np.array([0.3, -0.6, 4.4]), np.array([0.0, 0.2, 0.0]), np.array([0.4, 1.0, 0.0])
    )
    projection = rasterizer.perspective(48, 1.5, 0.3, 40)
    projection[0, 1], projection[0, 2] = 0.15, 0.1
    return Camera.from_matrices(view, projection), view, projection


CAMERAS = [perspective, orthographic, calibrated, matrices]


def expect_picture(
    frame: throng.Frame, wanted: rasterizer.Pictures, tolerance: float, edges: float = EDGES
) -> None:
    color = share_differing(frame.color, wanted.color)
    assert color <= edges, f"{color:.3%} of the pixels differ in colour"
    ids = float((frame.ids != wanted.ids).any(axis=-1).mean())
    assert ids <= edges, f"{ids:.3%} of the pixels differ in ids"
    with np.errstate(invalid="ignore"):
        near = np.isclose(frame.depth, wanted.depth, rtol=tolerance, atol=1e-5)
    assert (~near).mean() <= edges, f"{(~near).mean():.3%} of the pixels differ in depth"
    normals = share_differing(frame.normals, wanted.normals, 0.004)
    assert normals <= edges, f"{normals:.3%} of the pixels differ in their normal"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_looks_as_the_rules_say(draw: Drawer, scene: Callable[[], Scene], mode: str) -> None:
    camera, view, projection = perspective()
    built = scene()
    wanted = rasterizer.rendered(built, view, projection, SIZE)
    assert (wanted.ids[..., 0] >= 0).mean() > 0.1  # there is something to see
    expect_picture(draw(built, camera, mode), wanted, draw.depth_tolerance)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("camera", CAMERAS[1:])
def test_every_camera_projects_as_it_says(
    draw: Drawer, camera: Callable[[], tuple[Camera, Picture, Picture]], mode: str
) -> None:
    ours, view, projection = camera()
    scene = crowds()
    wanted = rasterizer.rendered(scene, view, projection, SIZE)
    expect_picture(draw(scene, ours, mode), wanted, draw.depth_tolerance)


def test_what_lies_across_the_near_and_far_planes_is_cut_there(draw: Drawer) -> None:
    scene = Scene()
    scene.add(Node(shapes.box(), Material((1, 0.5, 0)), scale=(0.7, 0.5, 20), rotation=(0.02, 0.05, 0, 1)))
    eye, target, up = np.array([0.8, 0.9, 3.0]), np.array([0.1, 0.1, -5.0]), np.array([0.0, 1.0, 0.0])
    camera = Camera(eye, target, up, fov=60, near=1.0, far=8.0)
    view, projection = rasterizer.look_at(eye, target, up), rasterizer.perspective(60, 1.5, 1.0, 8.0)
    wanted = rasterizer.rendered(scene, view, projection, SIZE)
    expect_picture(draw(scene, camera), wanted, draw.depth_tolerance)


def test_the_reference_sees_a_known_picture() -> None:
    """Or it would prove nothing: a square of 2 m, 2 m away, in a view of 90 degrees, is half as high."""
    scene = Scene(sun=None, ambient=(0.6, 0.6, 0.6), background=(0, 0, 0, 0))
    node = scene.add(Node(Mesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)])))
    view = rasterizer.look_at(np.array([0, 0, 2.0]), np.zeros(3), np.array([0, 1.0, 0]))
    pictures = rasterizer.rendered(scene, view, rasterizer.perspective(90, 1.5, 0.1, 10), SIZE)
    covered = np.zeros((64, 96), bool)
    covered[16:48, 32:64] = True
    assert (pictures.ids[..., 0] == np.where(covered, node.id, -1)).all()
    np.testing.assert_allclose(pictures.depth[covered], 2.0)
    np.testing.assert_array_equal(pictures.color[covered], [(153, 153, 153, 255)] * 1024)
    np.testing.assert_allclose(pictures.normals[covered], [(0, 0, 1)] * 1024, atol=1e-12)
