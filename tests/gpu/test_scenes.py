"""The demo scenes: in every mode, at any count, at any time, and as they looked when somebody looked."""

from __future__ import annotations

import golden
import numpy as np
import pytest
from golden import agree
from pictures import MODES, OUTPUTS, Drawer, Picture, assert_frames_agree
from test_features import FEATURES

from throng import Crowd, Options, Scene, gallery
from throng.gallery import Demo

DEMOS = {demo.name: demo for demo in gallery.demos()}
SIZE = (320, 180)
SECONDS = 2.0
# Of the golden images, the demo and the samples of each pixel: only with one are there splats.
PICTURES = {name: (demo, 4) for name, demo in DEMOS.items()} | {"forest-splats": (DEMOS["forest"], 1)}


def built(demo: Demo, count: int, seconds: float = SECONDS) -> Scene:
    scene = demo.build(count, 0)
    demo.update(scene, seconds)
    return scene


def picture(
    draw: Drawer,
    demo: Demo,
    scene: Scene | None = None,
    samples: int = 4,
    options: Options = Options(),  # noqa: B008 - frozen
) -> Picture:
    """The demo as the golden image shows it: half of its objects, every switch on."""
    scene = scene or built(demo, demo.count // 2)
    camera = demo.camera(scene, SECONDS)
    return draw(scene, camera, options, size=SIZE, samples=samples, outputs=("color",)).color


@pytest.fixture(params=DEMOS)
def demo(request: pytest.FixtureRequest) -> Demo:
    return DEMOS[request.param]


def test_there_are_demos() -> None:
    assert {"grass", "forest", "particles", "meadow", "city", "asteroids"} <= DEMOS.keys()


def test_a_demo_looks_the_same_in_every_mode(draw: Drawer, demo: Demo) -> None:
    scene = built(demo, 400)
    camera = demo.camera(scene, SECONDS)
    frames = [draw(scene, camera, mode, size=SIZE) for mode in MODES]
    for frame in frames[1:]:
        assert_frames_agree(frames[0], frame)
    assert (frames[0].ids[..., 0] >= 0).mean() > 0.02


@pytest.mark.parametrize("mode", MODES)
def test_a_demo_of_one_object_is_drawn(draw: Drawer, demo: Demo, mode: str) -> None:
    scene = built(demo, 1)
    frame = draw(scene, demo.camera(scene, SECONDS), mode, outputs=OUTPUTS)
    assert frame.stats.instances >= 1


def test_a_frame_depends_on_the_seconds_alone(draw: Drawer, demo: Demo) -> None:
    scene = built(demo, 300)
    first = draw(scene, demo.camera(scene, SECONDS)).color
    for seconds in (7.5, 100.0, 0.0):
        demo.update(scene, seconds)
        assert (draw(scene, demo.camera(scene, seconds)).color != first).any()
    demo.update(scene, SECONDS)
    np.testing.assert_array_equal(draw(scene, demo.camera(scene, SECONDS)).color, first)
    again = built(demo, 300)
    np.testing.assert_array_equal(draw(again, demo.camera(again, SECONDS)).color, first)


@pytest.mark.parametrize("name", PICTURES)
def test_a_demo_looks_as_it_did(draw: Drawer, name: str, pytestconfig: pytest.Config) -> None:
    demo, samples = PICTURES[name]
    golden.check(name, picture(draw, demo, samples=samples), draw, pytestconfig)


def test_no_golden_image_is_left_over() -> None:
    assert {file.stem for file in golden.FOLDER.glob("*")} == PICTURES.keys() | FEATURES.keys()


# -- the measure itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("shift", [-4, 4])
def test_the_measure_sees_a_small_patch_of_another_colour(draw: Drawer, channel: int, shift: int) -> None:
    """10 pixels square, by 4/255 in one channel: 0.2 % of the picture, and hardly visible."""
    good = picture(draw, DEMOS["meadow"])
    assert agree(good, good)
    for row, column in ((3, 5), (97, 201), (170, 310)):
        bad = good.astype(int)
        bad[row : row + 10, column : column + 10, channel] += shift
        assert not agree(good, np.clip(bad, 0, 255).astype(np.uint8))


def test_the_measure_sees_that_an_instance_is_missing(draw: Drawer) -> None:
    demo = DEMOS["asteroids"]
    scene = built(demo, demo.count // 2)
    good = picture(draw, demo, scene)
    frame = draw(scene, demo.camera(scene, SECONDS), size=SIZE)
    crowds = {node.id: node for node in scene.children if isinstance(node, Crowd)}
    inside = np.isin(frame.ids[..., 0], list(crowds))
    pairs, areas = np.unique(frame.ids[inside], axis=0, return_counts=True)
    node, instance = pairs[np.argmin(np.abs(areas - 40))]  # one of about 40 pixels of 57,600
    crowds[int(node)].delete([int(instance)])
    assert not agree(good, picture(draw, demo, scene))


@pytest.mark.parametrize("options", [Options(splat=False), Options(lod=False)])
def test_the_measure_sees_that_something_else_is_drawn(draw: Drawer, options: Options) -> None:
    demo, samples = PICTURES["forest-splats"]
    scene = built(demo, demo.count // 2)
    good = picture(draw, demo, scene, samples)
    assert not agree(good, picture(draw, demo, scene, samples, options))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_measure_sees_a_shift_by_a_pixel(draw: Drawer, demo: Demo, axis: int) -> None:
    good = picture(draw, demo)
    assert not agree(good, np.roll(good, 1, axis=axis))


def test_the_measure_forgives_what_drivers_differ_in(draw: Drawer) -> None:
    """Other rounding everywhere, and other edges in a few pixels."""
    good = picture(draw, DEMOS["meadow"])
    random = np.random.default_rng(0)
    other = good.astype(int) + random.integers(-1, 2, good.shape)
    edges = random.random(good.shape[:2]) < 0.001
    other[edges] += random.integers(-30, 30, (int(edges.sum()), 4))
    assert agree(good, np.clip(other, 0, 255).astype(np.uint8))
