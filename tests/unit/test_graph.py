"""The scene graph: families, ids, world transforms against a plain recursion, and what a change costs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import throng.model.table as table_module
from throng.errors import GraphError, InvalidIndex, InvalidType, InvalidValue
from throng.model import shapes
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene
from throng.model.material import Material, Motion
from throng.model.mesh import Mesh, Model

MESH = shapes.box()


def values(node: Node) -> list[Any]:
    return [
        np.array(v).tolist() for v in (node.position, node.rotation, node.scale, node.color, node.visible)
    ]


# -- families ---------------------------------------------------------------------------------------------


def test_families_know_each_other() -> None:
    scene, house, door = Scene(), Node(name="house"), Node(name="door")
    assert scene.add(house) is house
    assert house.add(door) is door
    assert scene.children == (house,)
    assert (door.parent, house.parent, scene.parent) == (house, scene, None)
    assert (door.scene, scene.scene) == (scene, scene)
    assert [repr(n) for n in (scene, house, Node())] == [
        "<Scene 'scene' id 0>",
        "<Node 'house' id 1>",
        "<Node>",
    ]
    house.remove(door)
    assert (door.parent, door.scene, door.id, house.children) == (None, None, -1, ())


def test_ids_are_given_on_joining_and_never_again() -> None:
    scene = Scene()
    first = scene.add(Node())
    family = Node()
    child = family.add(Node())
    assert (scene.id, first.id, child.id) == (0, 1, -1)
    scene.add(family)
    assert (family.id, child.id) == (2, 3)
    scene.remove(family)
    scene.add(family)
    assert (family.id, child.id) == (4, 5)
    assert scene.by_id(5) is child
    assert scene.by_id(0) is scene
    with pytest.raises(InvalidIndex, match=r"^node_id: expected the id of a node of this scene, got 2$"):
        scene.by_id(2)


def test_a_child_of_the_same_tree_moves() -> None:
    scene = Scene()
    a, b = scene.add(Node(position=(1, 0, 0))), scene.add(Node(position=(0, 2, 0)))
    child = a.add(Node(position=(0, 0, 3)))
    before = child.id
    assert child.world_matrix[:3, 3].tolist() == [1, 0, 3]
    b.add(child)
    assert (a.children, b.children, child.id) == ((), (child,), before)
    assert child.world_matrix[:3, 3].tolist() == [0, 2, 3]
    scene.add(a)  # again: goes to the end
    assert scene.children == (b, a)


def test_what_would_not_be_a_tree_is_an_error() -> None:
    scene, other = Scene(), Scene()
    top = scene.add(Node(name="top"))
    below = top.add(Node()).add(Node(name="below"))
    alone = Node()
    cases = [
        (below, top, r"child: expected a node that is not above <Node 'below' id 3>, got <Node 'top' id 1>"),
        (top, top, r"child: expected a node that is not above <Node 'top' id 1>, got <Node 'top' id 1>"),
        (alone, alone, r"child: expected a node that is not above <Node>, got <Node>"),
        (top, other, r"child: expected a node that is not a scene, got a Scene"),
        (scene, scene, r"child: expected a node that is not a scene, got a Scene"),
        (
            other,
            top,
            r"child: expected a node of no other scene, got <Node 'top' id 1>: remove it there first",
        ),
        (
            alone,
            top,
            r"child: expected a node of no other scene, got <Node 'top' id 1>: remove it there first",
        ),
        (
            scene,
            Node().add(Node()),
            r"child: expected a node without a parent, got <Node>: remove it there first",
        ),
    ]
    for parent, child, text in cases:
        with pytest.raises(GraphError) as caught:
            parent.add(child)
        assert str(caught.value) == text
    with pytest.raises(
        GraphError, match=r"^child: expected a child of <Scene 'scene' id 0>, got <Node 'below'"
    ):
        scene.remove(below)
    assert scene.children == (top,)
    assert below.scene is scene


# -- values -----------------------------------------------------------------------------------------------

SET: dict[str, Any] = {
    "position": (1e6 + 0.125, -2, 3), "rotation": (0, 0.6, 0, 0.8), "scale": (-1, 2, 0.5),
    "color": (0.25, 0.5, 1, 0.75), "visible": False,
}  # fmt: skip


def test_values_are_brought_along_and_taken_back() -> None:
    given = {name: value for name, value in SET.items() if name != "visible"}
    node, child = Node(MESH, **given), Node()
    node.visible = False
    node.add(child)
    before = values(node)
    assert before == [list(v) if isinstance(v, tuple) else v for v in SET.values()]
    scene = Scene()
    scene.add(node)
    assert values(node) == before
    scene.update()
    assert values(node) == before
    node.position = (7, 8, 9)
    node.scale = 3
    child.position = (1, 1, 1)
    scene.remove(node)
    assert values(node) == [[7, 8, 9], before[1], [3, 3, 3], before[3], False]
    assert child.position.tolist() == [1, 1, 1]
    np.testing.assert_allclose(child.world_matrix[:3, 3], node.world_matrix[:3] @ (1, 1, 1, 1))


@pytest.mark.parametrize("joined", [False, True])
def test_attributes_are_copies_that_take_in_place_operators(joined: bool) -> None:
    node = Node(MESH)
    if joined:
        scene = Scene()
        scene.add(node)
        scene.update()
    for name, value in SET.items():
        setattr(node, name, value)
        assert np.array(getattr(node, name)).tolist() == np.array(value).tolist()
    node.position += (1, 0, 0)
    node.position *= 2
    node.scale -= 1
    node.color *= 0.5
    assert node.position.tolist() == [2e6 + 2.25, -4, 6]
    assert node.scale.tolist() == [-2, 1, -0.5]
    assert node.color.tolist() == [0.125, 0.25, 0.5, 0.375]
    with pytest.raises(InvalidValue, match=r"^expected a write to a column or node"):
        node.position[0] = 3
    kept = node.position
    node.position = (0, 0, 0)
    assert kept.tolist() == [2e6 + 2.25, -4, 6]


def test_a_bad_value_changes_nothing() -> None:
    scene = Scene()
    node = scene.add(Node(MESH, position=(1, 2, 3)))
    before = values(node)
    for name, bad in (
        ("position", (0, np.nan, 0)),
        ("rotation", (0, 0, 0, 0)),
        ("scale", "x"),
        ("color", (2, 0, 0)),
    ):
        with pytest.raises((ValueError, TypeError)):
            setattr(node, name, bad)
    with pytest.raises(
        InvalidValue, match=r"^material: expected None for a node without a mesh, got a Material$"
    ):
        scene.material = Material()
    assert values(node) == before


# -- world transforms -------------------------------------------------------------------------------------


def reference_matrix(node: Node, parent: np.ndarray | None = None) -> np.ndarray:
    """By recursion, in float64, from what the attributes say; `parent` is the parent's, where it is known."""
    x, y, z, w = node.rotation
    turn = np.array([
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ])  # fmt: skip
    local = np.eye(4)
    local[:3, :3] = turn @ np.diag(node.scale)
    local[:3, 3] = node.position
    if node.parent is None:
        return local
    return np.asarray((reference_matrix(node.parent) if parent is None else parent) @ local)


def references(node: Node, parent: np.ndarray | None = None, shown: bool = True) -> dict[Node, Any]:
    """World matrix and visibility of `node` and all below it."""
    world, shown = reference_matrix(node, parent), shown and node.visible
    found = {node: (world, shown)}
    for child in node.children:
        found |= references(child, world, shown)
    return found


def family(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in family(child))]


class RandomTree:
    """Random edits of a scene; `touched` are the nodes whose world transforms they may change."""

    def __init__(self, seed: int, count: int) -> None:
        self.random = np.random.default_rng(seed)
        self.scene = Scene()
        self.outside: list[Node] = []
        self.touched: set[Node] = set()
        for _ in range(count):
            self.pick(with_scene=True).add(self.new())

    def new(self) -> Node:
        random = self.random
        return Node(
            MESH if random.random() < 0.7 else None,
            position=random.normal(size=3),
            rotation=random.normal(size=4),
            scale=random.choice([-1, 1], 3) * random.uniform(0.7, 1.4, 3),
        )

    def pick(self, with_scene: bool = False) -> Node:
        nodes = family(self.scene)
        return nodes[int(self.random.integers(0 if with_scene or len(nodes) == 1 else 1, len(nodes)))]

    def edit(self) -> None:
        node, kind = self.pick(), int(self.random.integers(8))
        if node is self.scene:
            kind = 0
        if kind == 0:
            self.touched.add(self.pick(with_scene=True).add(self.new()))
        elif kind == 1 and node.parent is not None:
            node.parent.remove(node)
            self.outside.append(node)
        elif kind == 2 and self.outside:
            back = self.outside.pop(int(self.random.integers(len(self.outside))))
            self.pick(with_scene=True).add(back)
            self.touched |= set(family(back))
        elif kind == 3:
            parent = self.pick(with_scene=True)
            if parent not in family(node):
                parent.add(node)
                self.touched |= set(family(node))
        elif kind == 4:
            node.visible = not node.visible
        elif kind == 5:
            node.mesh = None if node.mesh is not None else MESH
        else:
            node.position += self.random.normal(size=3)
            node.rotation = self.random.normal(size=4)
            self.touched |= set(family(node))


@pytest.mark.parametrize("limit", [0, 256])
@pytest.mark.parametrize(("seed", "count"), [(0, 0), (1, 20), (2, 60), (3, 400)])
def test_hundreds_of_random_edits_against_a_recursion(
    seed: int, count: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Above the limit whole levels are swept instead of a walk from node to node.
    monkeypatch.setattr(table_module, "_WALK_LIMIT", limit)
    tree = RandomTree(seed, count)
    for _ in range(300 if count < 100 else 80):
        table = tree.scene.update()
        seen = table.moves.latest
        tree.touched.clear()
        for _ in range(int(tree.random.integers(1, 4))):
            tree.edit()
        tree.scene.update()
        expected = references(tree.scene)
        rows = [node._row for node in expected]
        worlds = np.array([world for world, _ in expected.values()])
        scale = np.maximum(1, np.abs(worlds).max(axis=(1, 2), keepdims=True))
        np.testing.assert_allclose(table.world[rows] / scale, worlds[:, :3] / scale, atol=1e-9)
        np.testing.assert_array_equal(table.mirrored[rows], np.linalg.det(worlds[:, :3, :3]) < 0)
        assert table.shown[rows].tolist() == [shown for _, shown in expected.values()]
        for node, row in zip(expected, rows, strict=True):
            assert (table.nodes[row], table.id[row], table.depth[row]) == (node, node.id, node._depth)
            assert tree.scene.by_id(node.id) is node
        drawn = {row for look in table.looks for row in look.rows}
        assert drawn == {
            node._row for node, (_, shown) in expected.items() if node.mesh is not None and shown
        }
        # What the version says is what was touched, and nothing else of what is still there.
        changed = {table.nodes[row] for row in table.moves.rows_since(seen, len(table.nodes))}
        assert changed == {node for node in tree.touched if node.scene is tree.scene}


@pytest.mark.parametrize("count", [10, 1000])
def test_only_the_changed_subtree_is_computed_again(count: int) -> None:
    scene = Scene()
    branches = [scene.add(Node(position=(n, 0, 0))) for n in range(3)]
    leaves = [branch.add(Node(MESH)) for branch in branches for _ in range(count)]
    table = scene.update()
    seen = table.moves.latest
    scene.update()
    assert table.moves.latest == seen
    branches[1].position += 1
    leaves[0].position += 1
    scene.update()
    rows = set(table.moves.rows_since(seen, len(table.nodes)).tolist())
    assert rows == {node._row for node in (branches[1], leaves[0], *branches[1].children)}
    seen, paints = table.moves.latest, table.paints.latest
    leaves[3].color = (1, 0, 0)
    scene.update()
    assert table.moves.latest == seen
    assert table.paints.rows_since(paints, len(table.nodes)).tolist() == [leaves[3]._row]


@pytest.mark.parametrize("joined", [False, True])
def test_a_deep_tree_is_no_deeper_than_memory(joined: bool) -> None:
    root = Node()
    nodes = [root]
    for _ in range(3000):
        nodes.append(nodes[-1].add(Node(MESH, position=(0, 1, 0))))
    scene = Scene()
    if joined:
        scene.add(root)
    assert nodes[-1].world_matrix[1, 3] == 3000
    root.position = (0, 1, 0)
    assert nodes[-1].world_matrix[1, 3] == 3001
    root.visible = False
    if joined:
        table = scene.update()
        assert not table.shown[nodes[-1]._row]
        scene.remove(root)
        scene.add(root)
        assert nodes[-1].world_matrix[1, 3] == 3001


def test_a_hidden_parent_hides_what_joins_it() -> None:
    scene = Scene()
    parent = scene.add(Node(MESH))
    parent.visible = False
    child = parent.add(Node(MESH))
    table = scene.update()
    assert not table.shown[child._row]
    assert child.visible
    scene.add(child)
    scene.update()
    assert table.shown[child._row]
    scene.visible = False
    scene.update()
    assert not table.shown[child._row]


# -- bounds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "motion", [None, Motion("wind", 0.5), Motion("fountain", 6, 9), Motion("snow", 12, 3)]
)
def test_bounds_of_a_scene_hold_every_vertex_of_every_node(motion: Motion | None) -> None:
    random = np.random.default_rng(5)
    flag = Mesh([(5, 10, 0), (6, 11, 0), (5, 11, 1)], [0, 1, 2])
    model = Model([(MESH, Material()), (flag, Material(motion=motion))])
    scene = Scene()
    parents: list[Node] = [scene]
    expected = []
    for _ in range(30):
        node = parents[int(random.integers(len(parents)))].add(
            Node(
                model,
                position=random.normal(size=3) * 5,
                rotation=random.normal(size=4),
                scale=random.uniform(-2, 2, 3),
            )
        )
        parents.append(node)
        world = reference_matrix(node)
        for mesh, material in model.parts:
            vertices = mesh.positions @ world[:3, :3].T
            if material.motion is not None and material.motion.kind == "wind":
                angle = random.uniform(0, 2 * np.pi)
                vertices = vertices + 0.5 * vertices[:, 1:2] * (np.cos(angle), 0, np.sin(angle))
            elif material.motion is not None:
                up = material.motion.strength * (1 if material.motion.kind == "fountain" else -1)
                vertices = vertices + (material.motion.spread, up, 0)
            expected.append(vertices + world[:3, 3])
    hidden = scene.add(Node(MESH, position=(1e6, 0, 0)))
    hidden.visible = False
    scene.add(Crowd(MESH, positions=np.zeros((0, 3))))
    every = np.concatenate(expected)
    low, high = scene.bounds
    assert (low <= every.min(axis=0) + 1e-9).all()
    assert (high >= every.max(axis=0) - 1e-9).all()
    if motion is None:
        corners = [world_corners(node) for node in parents[1:]]
        np.testing.assert_allclose(scene.bounds, [np.min(corners, (0, 1)), np.max(corners, (0, 1))])


def test_wind_reaches_as_far_as_a_vertex_is_high() -> None:
    high = Mesh([(0, 10, 0), (1, 11, 0), (0, 11, 1)], [0, 1, 2])
    scene = Scene()
    scene.add(Node(high, Material(motion=Motion("wind", 0.5)), position=(0, 100, 0)))
    left = 1 / np.sqrt(1 + 0.5**2 * 4 / 3)  # of the height, where it leans by half of it
    reach = 11 * np.hypot(0.5 * left, 1 - left)  # aside, and down
    np.testing.assert_allclose(scene.bounds[:, 0], (-reach, 1 + reach))


def world_corners(node: Node) -> np.ndarray:
    """The corners of the boxes of both parts: what a box around a box can know."""
    assert node.mesh is not None
    corners = [mesh.bounds[list(pick), range(3)] for mesh, _ in node.parts for pick in np.ndindex(2, 2, 2)]
    world = reference_matrix(node)
    return np.asarray(np.array(corners, np.float64) @ world[:3, :3].T + world[:3, 3])


def test_an_empty_scene_has_no_bounds() -> None:
    with pytest.raises(
        InvalidValue, match=r"^bounds: expected a scene that shows something, got an empty one$"
    ):
        _ = Scene().bounds


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("make", [Scene, Node, lambda: Crowd(shapes.box(), positions=np.zeros((2, 3)))])
def test_nodes_cannot_be_copied(copied: Callable[[Any], Any], make: Callable[[], Node]) -> None:
    """A copy would share its row with the original; versions would mean nothing in another process."""
    with pytest.raises(InvalidType, match="expected a node to stay where it is, got it copied or pickled"):
        copied(make())
