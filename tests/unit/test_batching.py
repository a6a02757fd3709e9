"""Scene -> batches: what is drawn together, what is packed, and how little a change touches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throng.batching.collect import Batch, Collector
from throng.batching.instances import CrowdInstances, NodeInstances, linear_halves
from throng.model import shapes
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene
from throng.model.material import Material
from throng.model.mesh import Mesh, Model


def box() -> Mesh:
    return shapes.box()


def linear(color: Any) -> np.ndarray:
    """sRGB -> linear, IEC 61966-2-1."""
    c = np.asarray(color, np.float64)[:3]
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def column(batch: Batch, name: str) -> np.ndarray:
    return np.array(batch.instances.columns[name].read(0, batch.instances.count))


def packed(batch: Batch) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """World matrix (3, 4) and colour (4,) of each node of a batch, by its id, as the GPU gets them."""
    matrices = column(batch, "matrices").astype(np.float64)
    worlds = matrices[:, :12].reshape(-1, 3, 4).copy()
    worlds[:, :, 3] += matrices[:, 12:]
    ids = column(batch, "ids").tolist()
    assert len(set(ids)) == len(ids)
    return dict(zip(ids, zip(worlds, column(batch, "colors").astype(np.float64), strict=True), strict=True))


def check_against_scene(scene: Scene, collector: Collector) -> None:
    """Every (node, part) that is shown is in exactly one batch, with its own values; and nothing else is."""
    batches, materials = collector.batches, collector.materials
    expected: dict[tuple[int, Mesh, bool, Any], list[tuple[np.ndarray, np.ndarray, Material]]] = {}
    stack: list[tuple[Node, bool]] = [(scene, True)]
    while stack:
        node, shown = stack.pop()
        shown = shown and node.visible
        stack += [(child, shown) for child in node.children]
        if shown and not isinstance(node, Crowd):
            for mesh, material in node.parts:
                color = np.array((*linear(node.color), node.color[3]))
                key = (node.id, mesh, material.double_sided, material.motion)
                expected.setdefault(key, []).append((node.world_matrix[:3], color, material))
    for batch in batches:
        if isinstance(batch.instances, NodeInstances):
            assert (batch.object_id, batch.world.tolist(), batch.tint.tolist()) == (
                -1,
                np.eye(4)[:3].tolist(),
                [1] * 4,
            )
            mirrored, rows = batch.instances.mirrored, column(batch, "materials")
            for slot, (number, (world, color)) in enumerate(packed(batch).items()):
                wanted = expected[number, batch.key.mesh, batch.key.double_sided, batch.key.motion]
                material = materials.rows[int(rows[slot])]
                fits = [np.allclose(color, c, atol=2e-3) and material == m for _, c, m in wanted]
                matrix, _, _ = wanted.pop(fits.index(True))
                np.testing.assert_allclose(world[:, 3], matrix[:, 3], rtol=1e-13, atol=1e-9)
                np.testing.assert_allclose(world[:, :3], matrix[:, :3], rtol=1e-6, atol=1e-6)
                mirrors = bool(np.linalg.det(matrix[:, :3]) < 0)
                assert mirrors == (mirrored is not None and bool(mirrored[slot]))
    assert not any(expected.values()), "something is shown and not drawn"


def test_nodes_of_equal_meshes_are_one_batch_whatever_their_looks() -> None:
    scene, collector = Scene(), Collector()
    for n in range(4):
        scene.add(Node(box(), Material((n / 4, 1, 0), shading=("lit", "unlit")[n % 2]), color=(1, n / 4, 1)))
    (batch,) = collector.update(scene)
    assert (batch.instances.count, collector.instances) == (4, 4)
    check_against_scene(scene, collector)
    scene.add(Node(shapes.box((1, 1, 1.5))))  # another mesh, other sides, another motion: other draws
    scene.add(Node(box(), Material(double_sided=True)))
    scene.add(Node(box(), Material(motion="wind")))
    batches = collector.update(scene)
    assert [b.instances.count for b in batches] == [4, 1, 1, 1]
    check_against_scene(scene, collector)


def test_a_model_is_a_batch_for_each_part_and_counts_once() -> None:
    model = Model([(box(), Material((1, 0, 0))), (shapes.cone(), Material()), (box(), Material((0, 1, 0)))])
    scene, collector = Scene(), Collector()
    scene.add(Node(model, scale=(-1, 1, 1)))
    scene.add(Node(model))
    crowd = scene.add(Crowd(model, positions=np.zeros((5, 3)), color=(0.5, 1, 1)))
    batches = collector.update(scene)
    assert collector.instances == 2 + 5
    assert [(b.instances.count, b.object_id) for b in batches] == [(5, crowd.id)] * 3 + [(2, -1)] * 3
    for batch, color in zip(batches, [(1, 0, 0), (1, 1, 1), (0, 1, 0)] * 2, strict=True):
        row = batch.material + batch.part if batch.object_id >= 0 else int(column(batch, "materials")[0])
        assert collector.materials.rows[row].color[:3] == color
    for batch in batches[:3]:
        np.testing.assert_allclose(batch.tint, (*linear((0.5, 1, 1)), 1))
    assert batches[0].instances is batches[1].instances
    check_against_scene(scene, collector)


def test_packed_matrices_keep_float64s_precision() -> None:
    scene, collector = Scene(), Collector()
    place = (1e6 + 0.123456, -2e6 - 0.000123, 5.5)
    node = scene.add(Node(box(), position=place))
    (batch,) = collector.update(scene)
    np.testing.assert_allclose(packed(batch)[node.id][0][:, 3], place, rtol=0, atol=1e-7)


def snapshot(batches: list[Batch]) -> list[tuple[int, ...]]:
    return [
        (b.instances.shape, b.instances.hands, *(c.versions.latest for c in b.instances.columns.values()))
        for b in batches
    ]


def a_scene() -> tuple[Scene, list[Node], Crowd]:
    scene = Scene()
    nodes = [scene.add(Node((box(), shapes.cone())[n % 2], position=(n, 0, 0))) for n in range(20)]
    crowd = scene.add(Crowd(shapes.rock(), positions=np.zeros((7, 3)), scales=np.ones(7)))
    return scene, nodes, crowd


def test_a_static_update_does_nothing() -> None:
    scene, _, _ = a_scene()
    collector = Collector()
    batches = collector.update(scene)
    before = snapshot(batches), collector.version, collector.values
    assert collector.update(scene) is batches
    scene.time += 1
    collector.update(scene)
    assert (snapshot(batches), collector.version, collector.values) == before


@pytest.mark.parametrize(("change", "name"), [("position", "matrices"), ("color", "colors")])
def test_a_changed_node_marks_only_its_row(change: str, name: str) -> None:
    scene, nodes, _ = a_scene()
    collector = Collector()
    batches = collector.update(scene)
    before, version = snapshot(batches), collector.version
    seen = [{k: c.versions.latest for k, c in b.instances.columns.items()} for b in batches]
    setattr(nodes[4], change, (0.5, 0, 0.5))
    assert collector.update(scene) is batches
    assert collector.version == version
    for batch, old in zip(batches, seen, strict=True):
        mine = batch.instances.columns.get("ids") and nodes[4].id in column(batch, "ids")
        for key, gpu in batch.instances.columns.items():
            row = column(batch, "ids").tolist().index(nodes[4].id) if mine else 0
            changed = [(row, row + 1)] if mine and key == name else []
            assert gpu.versions.ranges_since(old[key], batch.instances.count) == changed
    assert sum(a != b for a, b in zip(before, snapshot(batches), strict=True)) == 1
    check_against_scene(scene, collector)


@pytest.mark.parametrize("change", ["add", "remove", "hide", "material", "mesh"])
def test_a_change_of_structure_leaves_other_groups_alone(change: str) -> None:
    scene, nodes, _ = a_scene()
    collector = Collector()
    before = {b.key: s for b, s in zip(collector.update(scene), snapshot(collector.batches), strict=True)}
    version = collector.version
    if change == "add":
        scene.add(Node(box()))
    elif change == "remove":
        scene.remove(nodes[2])
    elif change == "hide":
        nodes[2].visible = False
    elif change == "material":
        nodes[2].material = Material((1, 0, 0))
    else:
        nodes[2].mesh = shapes.sphere()
    batches = collector.update(scene)
    touched = {b.key.mesh for b, s in zip(batches, snapshot(batches), strict=True) if before.get(b.key) != s}
    assert touched == {box()} | ({shapes.sphere()} if change == "mesh" else set())
    assert collector.version != version
    check_against_scene(scene, collector)


def test_what_is_hidden_vanishes_and_comes_back() -> None:
    scene, nodes, crowd = a_scene()
    collector = Collector()
    assert len(collector.update(scene)) == 3
    crowd.visible = False
    assert [b.object_id for b in collector.update(scene)] == [-1, -1]
    assert collector.instances == 20
    assert len(collector.sources()) == 3, "a hidden crowd stays on the GPU"
    for node in nodes[::2]:
        node.visible = False
    assert [b.key.mesh for b in collector.update(scene)] == [shapes.cone()]
    scene.visible = False
    assert collector.update(scene) == []
    assert collector.instances == 0
    scene.visible = crowd.visible = True
    for node in nodes[::2]:
        node.visible = True
    batches = collector.update(scene)
    assert sorted(b.instances.count for b in batches) == [7, 10, 10]
    check_against_scene(scene, collector)
    scene.remove(crowd)
    collector.update(scene)
    assert len(collector.sources()) == 2


def test_moving_a_crowd_touches_none_of_its_columns() -> None:
    scene, _, crowd = a_scene()
    collector = Collector()
    before, values, version = snapshot(collector.update(scene)), collector.values, collector.version
    crowd.position = (5, 0, 0)
    crowd.color = (1, 0, 0)
    batches = collector.update(scene)
    assert snapshot(batches) == before
    assert (collector.values != values, collector.version) == (True, version)
    crowd.scale = (-1, 1, 1)  # drawn in another way from now on
    batches = collector.update(scene)
    assert snapshot(batches) == before
    assert collector.version != version
    np.testing.assert_array_equal(batches[0].world, crowd.world_matrix[:3])
    np.testing.assert_array_equal(batches[0].tint, (1, 0, 0, 1))
    assert batches[0].mirrors


def test_a_crowds_columns_are_read_where_they_lie() -> None:
    random = np.random.default_rng(0)
    colors = random.integers(0, 256, (7, 4)).astype(np.uint8)
    scene, collector = Scene(), Collector()
    crowd = scene.add(
        Crowd(box(), positions=random.normal(size=(7, 3)), colors=colors, columns={"team": np.arange(7)})
    )
    (batch,) = collector.update(scene)
    assert list(batch.instances.columns) == ["positions", "colors", "team"]
    np.testing.assert_array_equal(column(batch, "positions"), crowd.positions)
    np.testing.assert_array_equal(column(batch, "team"), np.arange(7))
    expected = [(*linear(color / 255), color[3] / 255) for color in colors]
    np.testing.assert_allclose(column(batch, "colors"), expected, rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(linear_halves(colors[2:5]), column(batch, "colors")[2:5])

    version, versions = collector.version, crowd.positions.versions
    seen = versions.latest
    crowd.positions[3] += 1
    collector.update(scene)
    assert (collector.version, versions.ranges_since(seen, 7)) == (version, [(3, 4)])
    np.testing.assert_array_equal(column(batch, "positions"), crowd.positions)

    crowd.rotations[0] = (0, 1, 0, 0)  # a column that was absent until it was written to
    (batch,) = collector.update(scene)
    assert list(batch.instances.columns) == ["positions", "rotations", "colors", "team"]
    assert collector.version != version
    crowd.delete([1])
    crowd.append([(1, 1, 1)])
    (batch,) = collector.update(scene)
    assert column(batch, "ids").tolist() == [0, 2, 3, 4, 5, 6, 7]
    assert [c.row_bytes for c in batch.instances.columns.values()] == [12, 16, 8, 4, 4]


def test_mirrored_instances_are_found() -> None:
    scene, collector = Scene(), Collector()
    crowd = scene.add(Crowd(box(), positions=np.zeros((4, 3)), scales=[1, -1, 2, -3]))
    (batch,) = collector.update(scene)
    instances = batch.instances
    assert isinstance(instances, CrowdInstances)

    def found() -> list[bool] | None:
        collector.update(scene)
        return None if instances.mirrored is None else instances.mirrored.tolist()

    assert found() == [False, True, False, True]
    hands = instances.hands
    crowd.scales[1] = 1
    assert found() == [False, False, False, True]
    assert instances.hands != hands
    crowd.scales = [(1, 1, -1), (-1, -1, 1), (-1, -1, -1), (2, 2, 2)]
    assert found() == [True, False, True, False]
    crowd.delete([3])
    assert found() == [True, False, True]
    crowd.scales = None
    assert found() is None
    hands = instances.hands
    crowd.scales[:] = 5
    assert found() is None
    assert instances.hands == hands


def test_looks_that_nobody_has_any_more_are_forgotten() -> None:
    scene, nodes, _ = a_scene()
    often, seldom = Collector(), Collector()
    for step in range(300):
        nodes[step % 7].material = Material((step / 300, 0, 1), double_sided=step % 2 == 0)
        nodes[8].mesh = shapes.box((1, 1, 1 + step / 300))
        often.update(scene)
        check_against_scene(scene, often)
        if step % 29 == 0:
            seldom.update(scene)
            check_against_scene(scene, seldom)
    assert len(scene.tables.looks) < 30
    for collector in (often, seldom):
        collector.update(scene)
        assert len(collector.sources()) < 30
        check_against_scene(scene, collector)


def test_collectors_do_not_disturb_each_other() -> None:
    random = np.random.default_rng(3)
    scene, nodes, crowd = a_scene()
    often, seldom = Collector(), Collector()
    for step in range(120):
        node = nodes[int(random.integers(len(nodes)))]
        kind = random.integers(7)
        if kind == 0:
            nodes.append(
                nodes[int(random.integers(len(nodes)))].add(Node(shapes.cone(), Material((0, 0, 1))))
            )
        elif kind == 1 and node.parent is not None:
            node.parent.remove(node)
            scene.add(node)
        elif kind == 2:
            node.visible = not node.visible
        elif kind == 3:
            looks = Material(random.uniform(size=3), shading="unlit", double_sided=random.random() < 0.5)
            node.material = looks if node.mesh is not None and random.random() < 0.7 else None
        elif kind == 4:
            node.mesh = (box(), shapes.cone(), shapes.quad())[int(random.integers(3))]
        elif kind == 5:
            node.color = random.uniform(size=3)
        else:
            node.position = random.normal(size=3) * 100
            node.scale = random.uniform(0.5, 2, 3) * random.choice([-1, 1], 3)
        often.update(scene)
        check_against_scene(scene, often)
        if step % 17 == 0:
            seldom.update(scene)
            check_against_scene(scene, seldom)
            assert [(b.key, b.instances.count) for b in seldom.batches if b.object_id >= 0] == [
                (b.key, b.instances.count) for b in often.batches if b.object_id >= 0
            ]
            assert seldom.instances == often.instances
    assert crowd.parent is scene
