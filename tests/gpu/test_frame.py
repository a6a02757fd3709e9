"""What a renderer gives back: pictures, their order and ownership, and figures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest
import rasterizer
from pictures import MATERIAL_TABLE, MODES, OUTPUTS, Drawer, everything, exact
from randomscenes import random_scene

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, shapes
from throng.gpu import rawgl

CAMERA = Camera((3, 2, 4))


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with Renderer((48, 32)) as made:
        yield made


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize(
    "outputs", [OUTPUTS, OUTPUTS[::-1], ("ids",), ("depth", "color"), ("normals", "depth")]
)
def test_pictures_are_what_was_asked_for(draw: Drawer, outputs: tuple[str, ...], samples: int) -> None:
    scene = random_scene(103)
    whole = draw(scene, CAMERA, samples=samples)
    frame = draw(scene, CAMERA, outputs=outputs, samples=samples)
    assert frame.outputs == outputs
    for name, dtype, shape in zip(
        OUTPUTS, (np.uint8, np.float32, np.int32, np.float32), ((4,), (), (2,), (3,)), strict=True
    ):
        if name not in outputs:
            continue
        picture = getattr(frame, name)
        assert (picture.dtype, picture.shape) == (dtype, (64, 96, *shape))
        assert picture.flags.c_contiguous
        assert picture.flags.owndata
        assert picture.flags.writeable
        np.testing.assert_array_equal(picture, getattr(whole, name))
    assert repr(frame) == f"<Frame of 96x64: {', '.join(outputs)}>"


def test_pictures_stay_when_the_next_frame_is_drawn(renderer: Renderer) -> None:
    scene = random_scene(103)
    first = renderer.render(scene, CAMERA, OUTPUTS)
    before = {name: getattr(first, name).copy() for name in OUTPUTS}
    renderer.render(random_scene(104), CAMERA, OUTPUTS).color[:] = 0
    for name in OUTPUTS:
        np.testing.assert_array_equal(getattr(first, name), before[name])


def test_asking_for_a_picture_twice_gives_it_once(renderer: Renderer) -> None:
    assert renderer.render(Scene(), CAMERA, ["color", "ids", "color"]).outputs == ("color", "ids")


def test_row_0_is_the_top_row(draw: Drawer) -> None:
    scene = Scene(sun=None, ambient=(1, 1, 1))
    up = scene.add(Node(shapes.box(), position=(-2, 1.5, 0)))
    frame = draw(scene, Camera((0, 0, 5)))
    rows, columns = np.nonzero(frame.ids[..., 0] == up.id)
    assert rows.max() < 32
    assert columns.max() < 48


@pytest.mark.parametrize("samples", [1, 4])
def test_where_nothing_is(draw: Drawer, samples: int) -> None:
    scene = Scene(background=np.array((10, 20, 30, 40), np.uint8))
    scene.add(Node(shapes.box(), position=(-2, 0, 0)))
    frame = draw(scene, Camera((0, 0, 5)), samples=samples)
    right = slice(None), slice(64, None)
    assert (frame.color[right] == (10, 20, 30, 40)).all()
    assert (frame.depth[right] == np.inf).all()
    assert (frame.ids[right] == -1).all()
    assert (frame.normals[right] == 0).all()
    assert np.isfinite(frame.depth[:, :40]).any()


@pytest.mark.parametrize("mode", MODES)
def test_ids_stay_with_their_instances(draw: Drawer, mode: str) -> None:
    scene = Scene()
    nodes = [scene.add(Node(shapes.box(0.8), position=(x, 1.2, 0))) for x in (-2, -1, 0, 1, 2)]
    crowd = scene.add(Crowd(shapes.box(0.8), positions=[(x, -1.2, 0) for x in (-2, -1, 0, 1, 2)]))

    def seen() -> set[tuple[int, ...]]:
        ids = draw(scene, Camera((0, 0, 6)), mode).ids.reshape(-1, 2)
        return {tuple(pair) for pair in np.unique(ids, axis=0).tolist()}

    empty = (-1, -1)
    assert seen() == {empty, *((node.id, 0) for node in nodes), *((crowd.id, n) for n in range(5))}
    crowd.delete([0, 3])
    scene.remove(nodes[2])
    nodes[4].visible = False
    assert seen() == {empty, *((nodes[n].id, 0) for n in (0, 1, 3)), *((crowd.id, n) for n in (1, 2, 4))}
    assert crowd.append([(-2, -1.2, 0)]).tolist() == [5]
    assert (crowd.id, 5) in seen()
    ids = draw(scene, Camera((0, 0, 6)), mode).ids
    row = crowd.rows([4])[0]
    columns = np.nonzero((ids == (crowd.id, 4)).all(axis=-1))[1]
    assert crowd.positions[row][0] == 2
    assert columns.min() > 60  # the instance at the right is still the one that was


def test_with_several_samples_all_but_colour_are_sample_0s(draw: Drawer) -> None:
    """No averages: each depth, id and normal is one that a single sample may have."""
    scene = random_scene(105)
    one, four = draw(scene, CAMERA), draw(scene, CAMERA, samples=4)
    both = (one.ids == four.ids).all(axis=-1)
    assert both.mean() > 0.95
    pairs = {tuple(pair) for pair in one.ids.reshape(-1, 2).tolist()}
    strange = [
        pair for pair in np.unique(four.ids.reshape(-1, 2), axis=0).tolist() if tuple(pair) not in pairs
    ]
    assert len(strange) <= 3  # what is smaller than a pixel may be seen by sample 0 alone
    drawn = four.ids[..., 0] >= 0
    assert (np.isfinite(four.depth) == drawn).all()
    np.testing.assert_allclose(np.linalg.norm(four.normals[drawn], axis=-1), 1, atol=2e-3)
    assert share_of_edges(four.color, one.color) > 0


def share_of_edges(one: object, other: object) -> float:
    return float((np.asarray(one) != np.asarray(other)).any(axis=-1).mean())


def test_colours_are_averaged_in_linear_light(draw: Drawer) -> None:
    """Half a black pixel and half a white one look half as bright, which is 188 and not 128."""
    scene = Scene(background=(0, 0, 0))
    edge = shapes.quad(2.0)
    scene.add(Node(edge, Material(shading="unlit", double_sided=True), position=(-1, 0, 0), scale=(1, 10, 1)))
    camera = Camera.orthographic((0.5 * 4 / 64, 0, 5), (0.5 * 4 / 64, 0, 0), height=4)  # edges halve columns
    color = draw(scene, camera, samples=4, outputs=("color",)).color
    column = color[32, :, 0]
    between = column[(column > 0) & (column < 255)]
    assert between.tolist() == [188, 188]  # at the left edge and the right one


@pytest.mark.parametrize("samples", [2, 3, 5, 64])
def test_any_number_of_samples_gives_what_the_driver_has(samples: int) -> None:
    with Renderer((16, 16), samples=samples) as renderer:
        most = renderer.capabilities.max_samples
        assert renderer.samples == min(most, {2: 2, 3: 4, 5: 8, 64: 64}[samples])
        frame = renderer.render(random_scene(103), CAMERA, OUTPUTS)
        assert frame.outputs == OUTPUTS


def test_render_makes_a_picture_out_of_nothing() -> None:
    scene = random_scene(103)
    frame = throng.render(
        scene, CAMERA, (40, 30), outputs=("ids", "color"), samples=4, options=Options(mode="instanced")
    )
    assert frame.color.shape == (30, 40, 4)
    assert frame.stats.mode == "instanced"
    with Renderer((40, 30), samples=4, options=Options(mode="instanced")) as renderer:
        np.testing.assert_array_equal(renderer.render(scene, CAMERA).color, frame.color)
    assert throng.render(Scene(), CAMERA).color.shape == (720, 1280, 4)


def test_the_size_can_be_set_later() -> None:
    scene = random_scene(103)
    with Renderer() as renderer:
        assert renderer.size is None
        with pytest.raises(throng.UsageError):
            renderer.render(scene, CAMERA)
        renderer.size = (30, 20)
        assert renderer.render(scene, CAMERA).color.shape == (20, 30, 4)
        renderer.size = (48, 32)
        later = renderer.render(scene, CAMERA, OUTPUTS)
        with rawgl.current(renderer.context):
            assert rawgl.get_error() is None
        renderer.size = None
        assert renderer.size is None
    with Renderer((48, 32)) as renderer:
        np.testing.assert_array_equal(renderer.render(scene, CAMERA, OUTPUTS).normals, later.normals)


def test_options_can_be_set_later(renderer: Renderer) -> None:
    scene = random_scene(103)
    first = renderer.render(scene, CAMERA)
    assert first.stats.mode == "indirect"
    for mode in MODES:
        renderer.options = exact(mode)
        assert renderer.options.mode == mode
        frame = renderer.render(scene, CAMERA)
        assert frame.stats.mode == mode
        assert (np.abs(frame.color.astype(int) - first.color).max(axis=-1) > 2).mean() <= 0.001
    off = Options(cull=False, lod=False, occlusion=False, splat=False, shadows=False)
    renderer.options = off
    np.testing.assert_array_equal(renderer.render(scene, CAMERA).color, first.color)


@pytest.mark.parametrize("mode", MODES)
def test_stats_count_what_was_drawn(draw: Drawer, mode: str) -> None:
    scene = Scene()
    model = throng.Model([(shapes.box(), Material()), (shapes.box(0.5), Material((1, 0, 0)))])
    scene.add(Crowd(model, positions=np.zeros((7, 3))))
    scene.add(Node(shapes.box()))
    scene.add(Node())
    hidden = scene.add(Crowd(shapes.box(), positions=np.zeros((50, 3))))
    hidden.visible = False
    scene.add(Node(shapes.cone())).visible = False
    stats = draw(scene, CAMERA, everything(mode)).stats
    assert (stats.mode, stats.instances, stats.visible, stats.splats) == (mode, 8, 8, 0)
    assert (stats.culled, stats.occluded, stats.simplified) == (0, 0, 0)
    assert stats.triangles == 15 * 12
    assert stats.draw_calls == {"indirect": 1, "instanced": 3, "naive": 15}[mode]
    assert 0 < stats.cpu_ms < 5000
    assert draw.renderer(everything(mode)).stats is stats
    assert [field.name for field in dataclasses.fields(stats)] == [
        *("mode", "draw_calls", "instances", "visible", "culled", "occluded", "simplified", "splats"),
        *("triangles", "uploaded_bytes", "cpu_ms", "gpu_ms", "texture_bytes"),
    ]
    empty = draw(Scene(), CAMERA, everything(mode)).stats
    assert (empty.draw_calls, empty.instances, empty.triangles) == (0, 0, 0)
    assert empty.uploaded_bytes == MATERIAL_TABLE


def test_gpu_time_becomes_known_after_a_few_frames(renderer: Renderer) -> None:
    if not renderer.capabilities.timer_queries:
        pytest.skip("needs timer queries")
    scene = random_scene(103)
    times = [renderer.render(scene, CAMERA).stats.gpu_ms for _ in range(6)]
    assert math.isnan(times[0])
    assert all(0 < time < 5000 for time in times[4:])


def test_a_projection_without_a_far_plane_has_depth(draw: Drawer) -> None:
    """Nothing may divide by zero where nothing is."""
    projection = rasterizer.perspective(60, 1.5, 0.1, 1e9)
    projection[2, 2], projection[2, 3] = -1, -0.2
    view = rasterizer.look_at(np.array([0, 0, 5.0]), np.zeros(3), np.array([0, 1.0, 0]))
    scene = Scene()
    scene.add(Node(shapes.box(), scale=(2, 2, 2)))
    frame = draw(scene, Camera.from_matrices(view, projection))
    assert frame.depth[32, 48] == pytest.approx(4.0, rel=1e-6)
    assert frame.depth[0, 0] == np.inf
    wanted = rasterizer.rendered(scene, view, projection, (96, 64))
    np.testing.assert_allclose(frame.depth, wanted.depth, rtol=1e-5)


def test_an_oblique_near_plane_has_depth(draw: Drawer) -> None:
    """Mirrors and portals put the near plane at an angle: depth depends on the place in the picture."""
    projection = rasterizer.perspective(60, 1.5, 0.1, 50)
    projection[2] = projection[2] + (0.02, 0.05, 0.0, 0.0)
    view = rasterizer.look_at(np.array([1, 2, 5.0]), np.zeros(3), np.array([0, 1.0, 0]))
    scene = random_scene(103)
    frame = draw(scene, Camera.from_matrices(view, projection), outputs=("depth", "ids"))
    plain = draw(scene, Camera.from_matrices(view, rasterizer.perspective(60, 1.5, 0.1, 50)))
    both = np.isfinite(frame.depth) & (frame.ids == plain.ids).all(axis=-1)
    assert both.sum() > 100
    close = np.isclose(frame.depth[both], plain.depth[both], rtol=1e-3)
    assert close.mean() > 0.99


def test_a_picture_that_was_not_asked_for_says_how_to_ask(renderer: Renderer) -> None:
    frame = renderer.render(Scene(), CAMERA, ("color", "ids"))
    with pytest.raises(throng.NotRequestedError) as caught:
        frame.depth  # noqa: B018
    assert str(caught.value) == (
        "frame.depth: expected one of the outputs asked for, color, ids; "
        'ask with render(..., outputs=("depth", ...))'
    )
