"""Looks come and go with the nodes that have them."""

from __future__ import annotations

import gc
import weakref

import throng
from throng.batching.collect import Collector


def batches_of(collector: Collector, scene: throng.Scene) -> dict[throng.Mesh, int]:
    return {batch.key.mesh: batch.instances.count for batch in collector.update(scene)}


def test_meshes_that_no_node_has_any_more_are_forgotten() -> None:
    scene, collector = throng.Scene(), Collector()
    known = []
    for radius in range(1, 50):
        node = scene.add(throng.Node(throng.shapes.sphere(radius, segments=3, rings=2)))
        known.append(weakref.ref(node.mesh))
        assert len(batches_of(collector, scene)) == 1
        scene.remove(node)
    del node
    assert batches_of(collector, scene) == {}
    gc.collect()
    assert [mesh() for mesh in known] == [None] * 49
    assert len(scene.tables.looks) < 5


def test_a_look_that_is_given_up_takes_nothing_of_the_others_with_it() -> None:
    scene, first, late = throng.Scene(), Collector(), Collector()
    box, ball, cone = throng.shapes.box(), throng.shapes.sphere(1), throng.shapes.cone()
    red, blue = throng.Material((1, 0, 0)), throng.Material((0, 0, 1))
    nodes = [scene.add(throng.Node(mesh, color)) for mesh in (box, ball) for color in (red, blue)]
    assert batches_of(first, scene) == {box: 2, ball: 2}
    scene.remove(nodes[0])  # red boxes are no more
    nodes[2].mesh = cone  # and no red ball: the number of one of the two is given out again
    assert batches_of(first, scene) == {box: 1, ball: 1, cone: 1}
    assert batches_of(late, scene) == {box: 1, ball: 1, cone: 1}
    nodes[2].mesh = box
    scene.add(nodes[0])
    assert batches_of(first, scene) == batches_of(late, scene) == {box: 3, ball: 1}


def test_a_hidden_node_keeps_its_look() -> None:
    scene, collector = throng.Scene(), Collector()
    node = scene.add(throng.Node(throng.shapes.box()))
    node.visible = False
    assert batches_of(collector, scene) == {}
    assert len(scene.tables.looks[0].parts) == 1
    node.visible = True
    assert batches_of(collector, scene) == {throng.shapes.box(): 1}


def test_setting_the_same_mesh_again_changes_nothing() -> None:
    scene, collector = throng.Scene(), Collector()
    node = scene.add(throng.Node(throng.shapes.box()))
    assert batches_of(collector, scene) == {throng.shapes.box(): 1}
    node.mesh = throng.shapes.box()  # equal, not the same
    assert batches_of(collector, scene) == {throng.shapes.box(): 1}
    assert len(scene.tables.looks) == 1
