"""All three modes draw the same picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pictures import MODES, Drawer, assert_frames_agree
from randomscenes import painted_box, random_camera, random_crowd, random_scene, seeds

import throng
from throng import Camera, Crowd, Material, Node, Scene, shapes


def assert_modes_agree(
    draw: Drawer,
    scene: Scene,
    camera: Camera,
    *,
    size: tuple[int, int] = (160, 120),
    samples: int = 1,
    share: float = 0.001,
) -> throng.Frame:
    frames = [draw(scene, camera, mode, size=size, samples=samples) for mode in MODES]
    for mode, frame in zip(MODES[1:], frames[1:], strict=True):
        try:
            assert_frames_agree(frames[0], frame, share)
        except AssertionError as error:
            raise AssertionError(f"{MODES[0]} and {mode}: {error}") from None
    return frames[0]


@pytest.mark.parametrize(("seed", "samples"), [(seed, 4 if seed % 4 == 0 else 1) for seed in seeds(20)])
def test_random_scenes_look_the_same_in_every_mode(draw: Drawer, seed: int, samples: int) -> None:
    assert_modes_agree(draw, random_scene(seed), random_camera(seed), samples=samples)


def test_the_random_scenes_show_something(draw: Drawer) -> None:
    """Or the test above would show nothing."""
    seen = [
        (draw(random_scene(seed), random_camera(seed), size=(160, 120)).ids[..., 0] >= 0).mean()
        for seed in seeds(20)
    ]
    assert np.mean(np.array(seen) > 0.02) > 0.8


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("material", [Material(), Material(motion="wind"), Material(double_sided=True)])
def test_every_subset_of_columns_looks_the_same_in_every_mode(
    draw: Drawer, material: Material, turned: bool
) -> None:
    """Every program that the modes put together for a crowd, in one picture: 16 crowds side by side."""
    random = np.random.default_rng(1)
    scene = Scene(time=3.0)
    parent = scene.add(Node(rotation=(0.1, 0.2, 0.3, 1), scale=(1, 0.9, 1.1))) if turned else scene
    count = 12
    for place, (rotated, scaled, colored) in enumerate(
        itertools.product([False, True], [0, 1, 2, 3], [False, True])
    ):
        sizes = random.uniform(0.3, 0.7, (count, 3))
        sizes[::3] *= -1
        scales = (None, np.abs(sizes[:, 0]), sizes[:, 0], sizes)[scaled]
        crowd = Crowd(
            painted_box() if place % 3 == 0 else shapes.cone(segments=6),
            material,
            positions=random.uniform(-0.7, 0.7, (count, 3)),
            rotations=random.normal(size=(count, 4)) if rotated else None,
            scales=scales,
            colors=random.uniform(0, 1, (count, 3)) if colored else None,
            position=(place % 4 * 2 - 3, place // 4 * 2 - 3, 0),
        )
        crowd.delete([0, 7])
        parent.add(crowd)
    frame = assert_modes_agree(draw, scene, Camera((1, 2, 11), fov=45), size=(240, 180))
    assert len(np.unique(frame.ids[..., 0])) == 17


def test_custom_columns_may_have_any_name(draw: Drawer) -> None:
    """Names that the shaders use for something else must not reach them."""
    random = np.random.default_rng(2)
    names = [
        *(
            "vertex_position",
            "vertex_normal",
            "vertex_color",
            "hand",
            "item_tint",
            "item_row0",
            "item_object",
        ),
        *("matrix_row0", "matrix_low", "record_row0", "frame", "FrameBlock", "heat", "gl_Position"),
    ]
    scene, plain = Scene(), Scene()
    positions, scales = random.uniform(-2, 2, (30, 3)), random.choice([-0.4, 0.4], 30)
    columns = {name: random.random((30, 1 + place % 4)) for place, name in enumerate(names)}
    scene.add(Crowd(painted_box(), positions=positions, scales=scales, columns=columns))
    plain.add(Crowd(painted_box(), positions=positions, scales=scales))
    camera = Camera((3, 3, 4))
    for mode in MODES:
        assert_frames_agree(draw(scene, camera, mode), draw(plain, camera, mode), share=0)


UNLIT = [np.array(rgb, np.uint8) for rgb in itertools.product((0, 1, 7, 40, 128, 200, 255), repeat=3)][::3]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given_as", ["bytes", "floats"])
def test_unlit_colours_come_out_unchanged(draw: Drawer, mode: str, given_as: str) -> None:
    """As the material's, as a node's, and as an instance's; each colour fills a square of the picture."""
    scene = Scene(ambient=(0.1, 0.1, 0.1), sun=throng.Sun((0, 0, -1), intensity=3))
    colors = np.array(UNLIT)
    given = colors if given_as == "bytes" else colors / 255
    side = 11
    cells = np.arange(len(colors))
    places = np.column_stack([cells % side, cells // side, 0 * cells]) + (0.5, 0.5, 0)
    white = Material(shading="unlit")
    for first, kind in enumerate(("material", "node", "instance")):
        mine = slice(first, None, 3)
        if kind == "instance":
            scene.add(Crowd(shapes.box(), white, positions=places[mine], colors=given[mine]))
            continue
        for place, color in zip(places[mine], given[mine], strict=True):
            material = Material(color, shading="unlit") if kind == "material" else white
            scene.add(
                Node(shapes.box(), material, position=place, color=color if kind == "node" else (1, 1, 1))
            )
    camera = Camera.orthographic((side / 2, side / 2, 5), (side / 2, side / 2, 0), height=side, far=10)
    frame = draw(scene, camera, mode, size=(side * 8, side * 8), outputs=("color",))
    middles = frame.color[::-1][4::8, 4::8].reshape(-1, 4)[: len(colors)]
    assert np.abs(middles[:, :3].astype(int) - colors).max() <= 1
    assert (middles[:, 3] == 255).all()


def test_big_random_crowds_look_the_same_in_every_mode(draw: Drawer) -> None:
    random = np.random.default_rng(11)
    scene = Scene(time=2.0)
    for _ in range(4):
        scene.add(random_crowd(random, 700))
    assert_modes_agree(draw, scene, Camera((4, 3, 6)), size=(240, 160))


def test_flat_instances_show_the_same_side_in_every_mode(draw: Drawer) -> None:
    """Among mirrored ones, in a crowd and as nodes: their determinant, nearly zero, has no sign to go by."""
    random = np.random.default_rng(6)
    scene = Scene()
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * 0.8 - 2
    places = np.column_stack([grid, np.zeros(36)])
    scales = random.choice([-0.5, 0.5, 0.4], (36, 3))
    scales[::2, 2] = 0
    turns = random.normal(size=(36, 4))
    parent = scene.add(Node(rotation=(0.1, 0.3, 0.2, 1), scale=(1, 1.1, -0.9)))
    parent.add(Crowd(shapes.cone(segments=5), positions=places, rotations=turns, scales=scales))
    for place, turn, scale in zip(
        places, turns, np.abs(scales) * random.choice([-1, 1], (36, 1)), strict=True
    ):
        scale[1:] = np.abs(scale[1:])
        flat = (np.abs(scale) if scale[2] == 0 else scale) * (0.5, 0.5, 0.5)
        scene.add(Node(shapes.cone(segments=6), position=place - (0, 0, 1), rotation=turn, scale=flat))
    flattened = scene.add(Node(scale=(1, 0, 1), rotation=(0.5, 0.3, 0.1, 0.8), position=(0, 0, -2)))
    flattened.add(Crowd(shapes.cone(), positions=[(-4, 0, 0), (4, 0, 0)], scales=[-1, 1]))
    frame = assert_modes_agree(draw, scene, Camera((1, 1, 7), fov=40), share=0)
    assert (frame.ids[..., 0] >= 0).mean() > 0.1
