"""What is uploaded bit by bit gives the picture that a fresh renderer draws, whatever was edited."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MODES, OUTPUTS, Drawer, assert_frames_agree, everything, exact, share_differing
from randomscenes import random_camera, random_crowd, random_material, random_mesh, random_node, random_scene

import throng
from throng import Camera, Crowd, Material, Mesh, Node, Renderer, Scene, shapes
from throng.gpu.context import Capabilities

SIZE = (64, 48)
CAMERA = Camera((3, 2, 4))


class Editor:
    """Edits a scene at random."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.scene = random_scene(seed)
        self.removed: list[Node] = []
        self.done: list[str] = []

    def edit(self) -> None:
        edits = [
            self.append, self.delete, self.move, self.recolor, self.write_new_column, self.drop_column,
            self.scale, self.turn, self.move_node, self.paint_node, self.hide, self.reparent,
            self.change_mesh,
            self.change_material, self.remove, self.put_back, self.add, self.pass_time, self.light,
        ]  # fmt: skip
        edit = edits[self.random.integers(len(edits))]
        self.done.append(edit.__name__)
        edit()

    def nodes(self) -> list[Node]:
        found: list[Node] = list(self.scene.children)
        for node in found:
            found.extend(node.children)
        return found

    def node(self) -> Node:
        nodes = self.nodes()
        return nodes[self.random.integers(len(nodes))] if nodes else self.scene.add(Node(shapes.box()))

    def crowd(self) -> Crowd:
        crowds = [node for node in self.nodes() if isinstance(node, Crowd)]
        if not crowds:
            crowds = [self.scene.add(random_crowd(self.random))]
        return crowds[self.random.integers(len(crowds))]

    def some(self, crowd: Crowd) -> Any:
        start, stop = np.sort(self.random.integers(0, len(crowd) + 1, 2))
        return slice(int(start), int(stop))

    def append(self) -> None:
        count = int(self.random.choice([0, 1, 3, 40]))
        crowd = self.crowd()
        given: dict[str, Any] = {"positions": self.random.uniform(-2, 2, (count, 3))}
        if self.random.random() < 0.5:
            given["scales"] = self.random.uniform(-0.6, 0.6, (count, 3))
        if self.random.random() < 0.5:
            given["colors"] = self.random.random((count, 3))
        crowd.append(**given)

    def delete(self) -> None:
        crowd = self.crowd()
        gone = self.random.random(len(crowd)) < self.random.choice([0.1, 0.6, 1.0], p=[0.6, 0.3, 0.1])
        crowd.delete(np.asarray(crowd.ids)[gone])

    def move(self) -> None:
        crowd = self.crowd()
        crowd.positions[self.some(crowd)] += self.random.uniform(-0.5, 0.5, 3)

    def recolor(self) -> None:
        crowd = self.crowd()
        crowd.colors[self.some(crowd)] = self.random.random(3)

    def write_new_column(self) -> None:
        """Into a column that the crowd may not have had so far."""
        crowd = self.crowd()
        column = [crowd.rotations, crowd.scales, crowd.colors][self.random.integers(3)]
        rows = self.some(crowd)
        shape = np.asarray(column[rows]).shape
        column[rows] = self.random.uniform(0.2, 0.9, shape)

    def drop_column(self) -> None:
        crowd = self.crowd()
        setattr(crowd, ["rotations", "scales", "colors"][self.random.integers(3)], None)

    def scale(self) -> None:
        crowd = self.crowd()
        shape = (len(crowd), 3) if self.random.random() < 0.5 else (len(crowd),)
        crowd.scales = self.random.uniform(0.1, 0.6, shape) * self.random.choice([-1, 1, 1], shape)

    def turn(self) -> None:
        crowd = self.crowd()
        with crowd.rotations.edit() as view:
            view[:] = self.random.normal(size=view.shape)

    def move_node(self) -> None:
        node = self.node()
        for name, value in random_node(self.random).items():
            if self.random.random() < 0.5:
                setattr(node, name, value)

    def paint_node(self) -> None:
        self.node().color = self.random.random(3)

    def hide(self) -> None:
        node = self.node()
        node.visible = not node.visible

    def reparent(self) -> None:
        child, parent = self.node(), self.node()
        above: Node | None = parent
        while above is not None:
            if above is child:
                return
            above = above.parent
        parent.add(child)

    def change_mesh(self) -> None:
        node = self.node()
        if node.mesh is not None:
            node.mesh = random_mesh(self.random)

    def change_material(self) -> None:
        node = self.node()
        if node.mesh is not None:
            node.material = random_material(self.random) if self.random.random() < 0.8 else None

    def remove(self) -> None:
        node = self.node()
        assert node.parent is not None
        node.parent.remove(node)
        self.removed.append(node)

    def put_back(self) -> None:
        if self.removed:
            self.scene.add(self.removed.pop())

    def add(self) -> None:
        self.node().add(
            random_crowd(self.random, 9) if self.random.random() < 0.3 else Node(random_mesh(self.random))
        )

    def pass_time(self) -> None:
        self.scene.time += 0.3

    def light(self) -> None:
        self.scene.sun = throng.Sun(self.random.normal(size=3))
        self.scene.ambient = self.random.random(3)


@pytest.mark.parametrize("seed", range(6))
def test_edits_give_the_picture_of_a_fresh_renderer(draw: Drawer, seed: int) -> None:
    """Two renderers of each mode live through the edits, one of them drawing rarely; the fresh one is new."""
    editor = Editor(seed)
    pairs = [(Renderer(SIZE, options=exact(mode)), Renderer(SIZE, options=exact(mode))) for mode in MODES]
    try:
        for step in range(24):
            for _ in range(editor.random.integers(1, 5)):
                editor.edit()
            camera = random_camera(seed * 100 + step)
            wanted = fresh(draw, editor.scene, camera)
            for number, (often, rarely) in enumerate(pairs):
                for renderer in (often, rarely) if step % 7 == 2 + number else (often,):
                    frame = renderer.render(editor.scene, camera, OUTPUTS)
                    try:
                        assert_frames_agree(frame, wanted, share=0.002)
                    except AssertionError as error:
                        raise AssertionError(
                            f"{MODES[number]}, {step}, {editor.done[-8:]}: {error}"
                        ) from None
    finally:
        for pair in pairs:
            for renderer in pair:
                renderer.close()


def fresh(draw: Drawer, scene: Scene, camera: Camera) -> throng.Frame:
    """A picture by a renderer that knows nothing of the scene yet; its programs are compiled already."""
    renderer = draw.renderer("indirect")
    renderer.size = SIZE
    renderer._release_states(0)
    return renderer.render(scene, camera, OUTPUTS)


@pytest.mark.parametrize("mode", MODES)
def test_columns_that_were_never_given_can_be_written_to(draw: Drawer, mode: str) -> None:
    scene = Scene()
    crowd = scene.add(Crowd(shapes.box(0.5), positions=[(-1, 0, 0), (1, 0, 0)]))
    pictures = [draw(scene, CAMERA, mode).color]
    changes: list[Callable[[], Any]] = [
        lambda: crowd.colors.__setitem__(0, (1, 0, 0)),
        lambda: crowd.scales.__setitem__(1, 2.0),
        lambda: crowd.rotations.__setitem__(0, (0, 0.4, 0, 0.9)),
        lambda: crowd.scales.__setitem__(0, -1.5),
        lambda: setattr(crowd, "scales", None),
    ]
    for change in changes:
        change()
        pictures.append(draw(scene, CAMERA, mode).color)
        assert share_differing(pictures[-1], pictures[-2]) > 0.001
    np.testing.assert_array_equal(pictures[-1], fresh_in(mode, scene))


def fresh_in(mode: str, scene: Scene) -> Any:
    with Renderer((96, 64), options=exact(mode)) as renderer:
        return renderer.render(scene, CAMERA).color


@pytest.mark.parametrize("mode", MODES)
def test_crowds_of_none_draw_nothing(draw: Drawer, mode: str) -> None:
    scene = Scene()
    crowd = scene.add(
        Crowd(shapes.tree(), positions=np.zeros((0, 3)), colors=np.zeros((0, 3)), scales=np.zeros((0, 3)))
    )
    scene.add(Crowd(shapes.box(), Material(motion="snow"), positions=np.zeros((0, 3))))
    frame = draw(scene, CAMERA, mode)
    assert (frame.ids == -1).all()
    assert (frame.stats.draw_calls, frame.stats.instances) == (0, 0)
    ids = crowd.append([(0, -1, 0)])
    assert (draw(scene, CAMERA, mode).ids[..., 0] == crowd.id).any()
    crowd.delete(ids)
    assert (draw(scene, CAMERA, mode).ids == -1).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_crowd_that_comes_back_is_drawn_as_it_now_is(draw: Drawer, mode: str) -> None:
    scene = Scene()
    crowd = scene.add(Crowd(shapes.box(), positions=[(-1, 0, 0), (1, 0, 0)]))
    first = crowd.id
    draw(scene, CAMERA, mode)
    scene.remove(crowd)
    crowd.positions[:] += (0, 0.5, 0)
    assert (draw(scene, CAMERA, mode).ids == -1).all()
    crowd.append([(0, 0, 1)])
    scene.add(crowd)
    frame = draw(scene, CAMERA, mode)
    assert crowd.id != first
    assert set(np.unique(frame.ids[..., 0])) == {-1, crowd.id}
    assert set(np.unique(frame.ids[..., 1])) == {-1, 0, 1, 2}
    other = Scene()
    scene.remove(crowd)
    other.add(crowd)
    moved = draw(other, CAMERA, mode)
    np.testing.assert_array_equal(moved.color, frame.color)


LIMITS = [
    {"storage_block_bytes": 4096, "max_work_groups": (3, 65535, 65535)},
    {"storage_block_bytes": 65536, "max_work_groups": (7, 65535, 65535)},
    {"storage_block_bytes": 20000},
]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("mode", MODES)
def test_crowds_that_outgrow_the_drivers_limits_lie_in_pages(
    draw: Drawer, monkeypatch: pytest.MonkeyPatch, mode: str, limits: dict[str, Any]
) -> None:
    """Many pages and many dispatches, and no binding beyond what the driver is said to allow."""
    scene = crowded_scene()
    wanted = draw(scene, CAMERA)
    spy = lowered(monkeypatch, limits)
    with Renderer((96, 64), options=exact(mode)) as renderer:
        assert_frames_agree(renderer.render(scene, CAMERA, OUTPUTS), wanted)
        crowd = scene.children[1]
        assert isinstance(crowd, Crowd)
        crowd.positions[700:1300] += (0, 0.4, 0)
        crowd.scales[1000:1010] = -0.3
        crowd.delete(np.arange(100, 400))
        crowd.append(np.random.default_rng(9).uniform(-2, 2, (900, 3)))
        assert_frames_agree(renderer.render(scene, CAMERA, OUTPUTS), fresh_of(monkeypatch, scene))
        pages = renderer._states[0].gpu._store._pages
        assert len(pages) > 4
        assert max(page.buffer.size for page in pages) <= limits["storage_block_bytes"]
    assert spy.largest <= limits["storage_block_bytes"]
    if mode == "indirect":
        assert spy.dispatches > 5


def crowded_scene() -> Scene:
    """A crowd with every column and one with few, nodes, mirrored ones, a motion."""
    random = np.random.default_rng(4)
    scene = Scene(time=1.5)
    count = 2500
    scene.add(Crowd(shapes.box(0.08), Material(motion="snow"), positions=random.uniform(-2, 2, (count, 3))))
    scene.add(
        Crowd(
            shapes.cone(segments=5),
            positions=random.uniform(-2, 2, (count, 3)),
            rotations=random.normal(size=(count, 4)),
            scales=random.uniform(0.02, 0.1, (count, 3)) * random.choice([-1, 1], (count, 3)),
            colors=random.random((count, 3)),
            columns={"heat": random.random((count, 2))},
            rotation=(0.1, 0.2, 0, 1),
        )
    )
    for place in random.uniform(-2, 2, (300, 3)):
        scene.add(Node(shapes.box(0.1), position=place, scale=(random.choice([-1, 1]), 1, 1)))
    return scene


class Spy:
    """The largest range of a buffer that was bound, and how many dispatches there were."""

    def __init__(self) -> None:
        self.largest = self.dispatches = 0


def lowered(monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]) -> Spy:
    of, spy = Capabilities.of, Spy()
    monkeypatch.setattr(Capabilities, "of", lambda ctx: dataclasses.replace(of(ctx), **limits))
    bind, run = moderngl.Buffer.bind_to_storage_buffer, moderngl.ComputeShader.run
    run_indirect = moderngl.ComputeShader.run_indirect

    def watched_bind(self: moderngl.Buffer, binding: int = 0, offset: int = 0, size: int = -1) -> None:
        if size >= 0:  # columns are bound whole: see the pages' sizes
            spy.largest = max(spy.largest, size)
        bind(self, binding, offset=offset, size=size)

    def watched_run(self: moderngl.ComputeShader, x: int = 1, y: int = 1, z: int = 1) -> None:
        spy.dispatches += 1
        assert x <= limits.get("max_work_groups", (65535,))[0]
        run(self, x, y, z)

    def watched_indirect(self: moderngl.ComputeShader, *args: Any, **kwargs: Any) -> None:
        spy.dispatches += 1
        run_indirect(self, *args, **kwargs)

    monkeypatch.setattr(moderngl.Buffer, "bind_to_storage_buffer", watched_bind)
    monkeypatch.setattr(moderngl.ComputeShader, "run", watched_run)
    monkeypatch.setattr(moderngl.ComputeShader, "run_indirect", watched_indirect)
    return spy


def fresh_of(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> throng.Frame:
    """By a renderer with the driver's own limits."""
    with monkeypatch.context() as unlimited:
        unlimited.undo()
        with Renderer((96, 64)) as renderer:
            renderer.options = exact("instanced")
            return renderer.render(scene, CAMERA, OUTPUTS)


def rounded(seed: int, vertices: int) -> Mesh:
    """A mesh of its own for each seed, of about so many vertices."""
    rings = max(int((vertices / 2) ** 0.5), 3)
    return shapes.sphere(0.5 + seed * 1e-3, segments=2 * rings, rings=rings)


@pytest.mark.parametrize("mode", MODES)
def test_meshes_come_and_go(draw: Drawer, mode: str) -> None:
    """The shared buffers grow, and start afresh when most of what is in them is no longer needed."""
    scene, other = Scene(), Scene()
    other.add(Node(rounded(999, 3000), position=(1, 0, 0)))
    with Renderer(SIZE, options=exact(mode)) as renderer:
        pool = renderer._shared.pool
        still = renderer.render(other, CAMERA).color
        for step in range(30):
            node = scene.add(Node(rounded(step, 1500), position=(step % 5 - 2, step % 3 - 1, 0)))
            if step % 2:
                node.scale = (-1, 1, 1)
            if step >= 3:
                scene.remove(scene.children[0])
            wanted = fresh(draw, scene, CAMERA)
            assert_frames_agree(renderer.render(scene, CAMERA, OUTPUTS), wanted, share=0.002)
            np.testing.assert_array_equal(renderer.render(other, CAMERA).color, still)
        assert pool.version > 0
        assert pool.epoch > 0
        assert pool.vertices.size < 2 << 20  # all that came would be more


def test_a_static_scene_runs_no_pass(draw: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn is decided anew where the view or the scene changed, and nowhere else."""
    scene = crowded_scene()
    scene.children[0].visible = False  # the one that moves by itself
    crowd = scene.children[1]
    assert isinstance(crowd, Crowd)
    with Renderer(SIZE) as renderer:
        spy = lowered(monkeypatch, {})

        def dispatches(camera: Camera = CAMERA, outputs: tuple[str, ...] = ("color",)) -> int:
            spy.dispatches = 0
            renderer.render(scene, camera, outputs)
            return spy.dispatches

        def settles() -> bool:
            """Decides again now, and soon not any more."""
            return dispatches() > 0 and [dispatches() for _ in range(4)][-1] == 0

        assert settles()
        scene.time += 1
        assert dispatches() == 0
        scene.sun, scene.background = throng.Sun((0, 0, -1)), (1, 0, 0)
        assert dispatches() == 0
        assert dispatches(outputs=OUTPUTS) == 0
        assert dispatches(Camera((3.1, 2.2, 3.9))) > 0
        assert settles()
        crowd.positions[5] = (0, 0, 0)
        assert settles()
        renderer.options = exact()
        assert settles()


def test_where_all_is_drawn_another_view_needs_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = crowded_scene()
    with Renderer(SIZE, options=everything()) as renderer:
        renderer.render(scene, CAMERA)
        spy = lowered(monkeypatch, {})
        renderer.render(scene, Camera((3.1, 2.2, 3.9)))
        assert spy.dispatches == 0
        scene.time += 0.1
        renderer.render(scene, Camera((3.1, 2.2, 3.9)))
        assert spy.dispatches > 0


def test_what_stands_beside_a_change_is_not_uploaded_again(draw: Drawer) -> None:
    random = np.random.default_rng(5)
    scene = Scene()
    scene.add(Crowd(shapes.cone(segments=5), positions=random.normal(size=(20_000, 3))))
    small = scene.add(Crowd(shapes.box(0.3), positions=random.normal(size=(128, 3))))
    ball = shapes.sphere(0.2, segments=5, rings=3)
    for place in random.normal(size=(50, 3)):
        scene.add(Node(ball, position=place))
    with Renderer(SIZE, options=exact("indirect")) as renderer:
        renderer.render(scene, CAMERA)
        small.append(np.zeros((1, 3)))  # beyond the room that there was
        scene.add(Node(ball))
        renderer.render(scene, CAMERA)

        def uploaded(change: Callable[[], object]) -> int:
            change()
            frame = renderer.render(scene, CAMERA, OUTPUTS)
            assert_frames_agree(frame, fresh(draw, scene, CAMERA))
            return frame.stats.uploaded_bytes

        place, number, node = 12, 4, 60 + 8 + 4 + 4  # a node's matrix, colour, id and material
        assert uploaded(lambda: None) == 0
        assert uploaded(lambda: setattr(small, "position", (0.5, 0, 0))) == 0
        assert uploaded(lambda: setattr(small, "color", (1, 0, 0))) == 0
        assert uploaded(lambda: setattr(small, "rotation", (0, 1, 0, 1))) == 0
        mirrored = uploaded(lambda: setattr(small, "scale", (-1, 1, 1)))
        assert 0 < mirrored < 4000  # the mesh of two sides
        assert uploaded(lambda: small.append(np.ones((3, 3)))) == 3 * place
        # Ids come in, so that the crowd is laid out anew.
        assert uploaded(lambda: small.delete([130, 131])) == 130 * (place + number)
        assert uploaded(lambda: small.delete([129])) == 0
        assert uploaded(lambda: small.delete([5])) == 123 * (place + number)  # all behind it move up
        assert uploaded(lambda: small.append(np.ones((1, 3)))) == place + number
        assert uploaded(lambda: scene.add(Node(ball))) == 52 * node  # all that share its mesh
        assert uploaded(lambda: setattr(scene.children[7], "color", (0, 1, 0))) == 8
