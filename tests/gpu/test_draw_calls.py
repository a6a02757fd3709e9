"""What a frame costs in calls and uploads, counted where they are made."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MATERIAL_TABLE, MODES, Drawer, everything, exact

import throng
from throng import Camera, Crowd, Model, Node, Options, Scene, gallery, shapes


class Calls:
    """Draw calls of meshes that reached moderngl, and commands within them."""

    def __init__(self) -> None:
        self.draws = self.commands = 0


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    counted = Calls()
    render, render_indirect = moderngl.VertexArray.render, moderngl.VertexArray.render_indirect

    def counting_render(self: moderngl.VertexArray, mode: int, *args: Any, **kwargs: Any) -> None:
        counted.draws += mode == moderngl.TRIANGLES and kwargs.get("vertices") != 3  # strips paint splats
        render(self, mode, *args, **kwargs)

    def counting_indirect(self: moderngl.VertexArray, *args: Any, **kwargs: Any) -> None:
        counted.draws += 1
        counted.commands += kwargs["count"]
        render_indirect(self, *args, **kwargs)

    monkeypatch.setattr(moderngl.VertexArray, "render", counting_render)
    monkeypatch.setattr(moderngl.VertexArray, "render_indirect", counting_indirect)
    return counted


def meadow() -> tuple[Scene, Camera]:
    demo = gallery.find("meadow")
    scene = demo.build(2000, 0)
    scene.sun = throng.Sun()  # whose shadow maps are draws of their own
    return scene, demo.camera(scene, 0.0)


def drawn_objects(scene: Scene) -> tuple[int, int]:
    """How many objects there are, each part counted, and into how many batches they fall."""
    objects, batches = 0, set()
    for node in scene.children:
        for mesh, material in node.parts:
            objects += len(node) if isinstance(node, Crowd) else 1
            key = mesh, material.double_sided, material.motion
            batches.add((key, node.id) if isinstance(node, Crowd) else (key, None))
    return objects, len(batches)


def test_the_whole_meadow_is_one_draw_call(draw: Drawer, calls: Calls) -> None:
    scene, camera = meadow()
    options = Options("indirect", lod=False, occlusion=False)
    draw(scene, camera, options)  # what splats are made of
    calls.draws = calls.commands = 0
    frame = draw(scene, camera, options, outputs=("color",))
    assert calls.draws == frame.stats.draw_calls == 1
    assert calls.commands == drawn_objects(scene)[1] > 5
    assert frame.stats.splats > 100


def test_what_fades_is_a_draw_call_of_its_own(draw: Drawer, calls: Calls) -> None:
    """However many levels of detail there are: they are commands of the same multi-draw."""
    scene, camera = meadow()
    options = Options("indirect", occlusion=False)
    draw(scene, camera, options)
    calls.draws = calls.commands = 0
    frame = draw(scene, camera, options, outputs=("color",))
    assert calls.draws == frame.stats.draw_calls == 2
    assert calls.commands > drawn_objects(scene)[1]


TWICE = pytest.mark.parametrize(("options", "once"), [(Options("indirect"), 2), (exact("indirect"), 1)])


def walled() -> tuple[Scene, Node]:
    """Rocks behind a wall, and that wall."""
    scene = Scene()
    random = np.random.default_rng(0)
    scene.add(Crowd(shapes.rock(), positions=random.uniform((-5, -5, -20), (5, 5, -2), (500, 3))))
    return scene, scene.add(Node(shapes.box((40, 40, 1))))


@TWICE
def test_occlusion_draws_twice_while_something_is_hidden(
    draw: Drawer, calls: Calls, options: Options, once: int
) -> None:
    scene, _ = walled()
    for away in (8.9, 9):  # nothing has been seen before, so all is drawn, and in the next first phase again
        draw(scene, Camera((0, 0, away)), options, outputs=("color",))
    for step in range(1, 8):
        calls.draws = 0
        frame = draw(scene, Camera((0, 0, 9 + step / 100)), options, outputs=("color",))
        assert calls.draws == frame.stats.draw_calls == 2 * once
        assert (frame.stats.occluded, frame.stats.visible) == (500, 1)


@TWICE
def test_occlusion_suspends_itself_while_nothing_is_hidden_and_comes_back(
    draw: Drawer, calls: Calls, options: Options, once: int
) -> None:
    scene, wall = walled()
    wall.position = (0, 0, -30)
    draws = []
    for step in range(80):
        calls.draws = 0
        frame = draw(scene, Camera((0, 0, 9 + step / 100)), options, outputs=("color",))
        assert calls.draws == frame.stats.draw_calls
        assert calls.draws in (once, 2 * once)
        draws.append(calls.draws)
    assert draws.count(once) > 60
    wall.position = (0, 0, 0)
    hidden = [
        draw(scene, Camera((0, 0, 9 + step / 100)), options, outputs=("color",)).stats.occluded
        for step in range(60)
    ]
    assert hidden[-20:] == [500] * 20


def test_instanced_needs_a_call_for_each_batch(draw: Drawer, calls: Calls) -> None:
    """As long as all of a batch's instances are drawn alike."""
    scene, camera = meadow()
    frame = draw(scene, camera, everything("instanced"), outputs=("color",))
    assert calls.draws == frame.stats.draw_calls == drawn_objects(scene)[1]


def test_naive_needs_a_call_for_each_object(draw: Drawer, calls: Calls) -> None:
    scene, camera = meadow()
    frame = draw(scene, camera, everything("naive"), outputs=("color",))
    assert calls.draws == frame.stats.draw_calls == drawn_objects(scene)[0] > 2000


def python_calls(renderer: throng.Renderer, scene: Scene, camera: Camera) -> int:
    """Functions that are called during a frame, Python's and C's."""
    count = 0

    def counting(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        renderer.render(scene, camera)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("mode", ["indirect", "instanced"])
@pytest.mark.parametrize("kind", ["crowd", "nodes"])
def test_a_static_frame_makes_the_same_calls_whatever_the_number_of_instances(
    draw: Drawer, mode: str, kind: str
) -> None:
    counts = []
    renderer = draw.renderer(mode)
    renderer.size = (64, 48)
    for number in (1_000, 100_000 if kind == "crowd" else 10_000):
        random = np.random.default_rng(0)
        positions = random.uniform(-30, 30, (number, 3))
        scene = Scene()
        if kind == "crowd":
            scene.add(Crowd(shapes.quad(0.1), positions=positions, colors=random.random((number, 3))))
        else:
            for position in positions:
                scene.add(Node(shapes.quad(0.1), position=position))
        for _ in range(5):  # until every cache is warm and the timer has results
            renderer.render(scene, Camera())
        counts.append(python_calls(renderer, scene, Camera()))
    assert counts[0] == counts[1] < 1500


@pytest.mark.parametrize("mode", MODES)
def test_a_static_frame_uploads_nothing(draw: Drawer, mode: str) -> None:
    scene, camera = meadow()
    first = draw(scene, camera, mode)
    assert first.stats.uploaded_bytes > 2000 * 12
    for _ in range(2):
        assert draw(scene, camera, mode).stats.uploaded_bytes == 0
    camera = Camera((0, 3, 9))  # nor does another view of it, unless the CPU finds out what is in that
    assert (draw(scene, camera, mode).stats.uploaded_bytes == 0) == (mode != "instanced")
    assert draw(scene, camera, mode).stats.uploaded_bytes == 0


@pytest.mark.parametrize("mode", MODES)
def test_moved_positions_alone_are_uploaded(draw: Drawer, mode: str) -> None:
    scene = Scene()
    columns: dict[str, Any] = {
        "rotations": [(0, 0, 0, 1)] * 500,
        "scales": np.full(500, 0.1),
        "colors": np.ones((500, 3)),
    }
    crowd = scene.add(Crowd(shapes.box(), positions=np.zeros((500, 3)), **columns))
    camera = Camera((0, 0, 30))  # which sees all of it
    draw(scene, camera, mode)
    crowd.positions[100:140] += (0, 1, 0)
    assert draw(scene, camera, mode).stats.uploaded_bytes == 12 * 40
    crowd.positions[[3, 4, 5, 400]] = (1, 2, 3)
    assert draw(scene, camera, mode).stats.uploaded_bytes == 12 * 4
    crowd.colors[7] = (1, 0, 0)
    assert draw(scene, camera, mode).stats.uploaded_bytes == 8
    crowd.positions[:, 1] += 0.1
    assert draw(scene, camera, mode).stats.uploaded_bytes == 12 * 500


@pytest.mark.parametrize("mode", MODES)
def test_one_moved_node_uploads_its_own_row(draw: Drawer, mode: str) -> None:
    scene = Scene()
    nodes = [scene.add(Node(shapes.box(), position=(n % 20, n // 20, -30))) for n in range(300)]
    row = 60  # a 3x4 matrix of float32, and the low part of its translation
    first = draw(scene, Camera(), mode)
    assert first.stats.uploaded_bytes >= 300 * row
    nodes[123].position += (0.1, 0, 0)
    assert draw(scene, Camera(), mode).stats.uploaded_bytes == row
    nodes[5].color = (1, 0, 0)
    assert draw(scene, Camera(), mode).stats.uploaded_bytes == 8
    arm = nodes[7].add(Node())
    arm.add(Node(shapes.cone()))
    draw(scene, Camera(), mode)
    nodes[7].position += (0, 0.1, 0)  # itself and its descendant
    assert draw(scene, Camera(), mode).stats.uploaded_bytes == 2 * row


@pytest.mark.parametrize("mode", MODES)
def test_a_scene_is_not_charged_for_what_another_one_uploaded(draw: Drawer, mode: str) -> None:
    renderer = draw.renderer(mode)
    renderer.size = (64, 48)
    one, other = Scene(), Scene()
    one.add(Node(shapes.sphere(segments=48, rings=24)))
    other.add(Node(shapes.box(1.2345)))
    renderer.render(one, Camera())
    small = renderer.render(other, Camera()).stats.uploaded_bytes
    assert small < 3000 + MATERIAL_TABLE
    assert renderer.render(one, Camera()).stats.uploaded_bytes == 0
    assert renderer.render(other, Camera()).stats.uploaded_bytes == 0


def test_parts_of_a_model_share_the_columns(draw: Drawer) -> None:
    scene = Scene()
    material = throng.Material()
    meshes = [shapes.box(0.31), shapes.cone(0.32), shapes.sphere(0.33)]
    positions = np.zeros((1000, 3))
    model = Model([(mesh, material) for mesh in meshes])
    first = scene.add(Crowd(model, positions=np.zeros((1, 3))))
    draw(scene, Camera())  # the meshes themselves, as parts of a model
    scene.remove(first)
    draw(scene, Camera())
    scene.add(Crowd(model, positions=positions))
    stats = draw(scene, Camera()).stats
    assert stats.uploaded_bytes == 12 * 1000
    assert stats.instances == 1000
