"""Scenes of all that a scene may hold, thrown together."""

from __future__ import annotations

from typing import Any

import numpy as np

import throng
from throng import Crowd, Material, Mesh, Model, Motion, Node, Scene, shapes

Random = np.random.Generator


def random_material(random: Random) -> Material:
    motion: Any = None
    if random.random() < 0.3:
        kind = random.choice(["wind", "fountain", "snow"])
        motion = Motion(
            str(kind), strength=float(random.uniform(0.1, 1.5)), speed=float(random.uniform(0.5, 2))
        )
    return Material(
        random.uniform(0, 1, 3),
        shading=str(random.choice(["lit", "lit", "unlit"])),
        double_sided=bool(random.random() < 0.3),
        motion=motion,
    )


def random_mesh(random: Random) -> Mesh | Model:
    meshes: list[Mesh | Model] = [
        shapes.box(), shapes.sphere(segments=9, rings=5), shapes.cone(segments=7), shapes.quad(),
        shapes.cylinder(segments=8), shapes.grass_tuft(seed=1), painted_box(), shapes.tree(seed=1),
        Model([(shapes.box(0.4), random_material(random)), (shapes.quad(), random_material(random))]),
    ]  # fmt: skip
    return meshes[random.integers(len(meshes))]


def painted_box() -> Mesh:
    box = shapes.box()
    colors = np.random.default_rng(5).integers(0, 256, (box.vertex_count, 3), np.uint8)
    return Mesh(box.positions, box.indices, box.normals, colors=colors)


def random_scale(random: Random) -> Any:
    """Uniform or not, now and then mirrored, flat in one axis, or nothing at all."""
    scale = random.uniform(0.3, 1.2, 3)
    kind = random.random()
    if kind < 0.3:
        scale[:] = scale[0]
    elif kind < 0.55:
        scale *= random.choice([-1, 1], 3)
    elif kind < 0.6:
        scale[:] = 0
    elif kind < 0.65:
        scale[2] = 0
    return scale


def random_node(random: Random) -> dict[str, Any]:
    return {
        "position": random.uniform(-2, 2, 3),
        "rotation": random.normal(size=4),
        "scale": random_scale(random),
        "color": random.uniform(0.3, 1, 3),
    }


def random_columns(random: Random, count: int) -> dict[str, Any]:
    """Any subset of the columns that a crowd may have."""
    columns: dict[str, Any] = {"positions": random.uniform(-2.5, 2.5, (count, 3))}
    if random.random() < 0.5:
        columns["rotations"] = random.normal(size=(count, 4))
    kind = random.integers(4)
    if kind == 1:
        columns["scales"] = random.uniform(0.1, 0.8, count)
    elif kind == 2:
        columns["scales"] = random.uniform(0.1, 0.8, count) * random.choice([-1, 0, 1], count)
    elif kind == 3:
        columns["scales"] = random.uniform(0.1, 0.8, (count, 3)) * random.choice([-1, 1], (count, 3))
    if random.random() < 0.5:
        columns["colors"] = random.integers(0, 256, (count, random.integers(3, 5)), np.uint8)
    if random.random() < 0.3:
        columns["columns"] = {"heat": random.random(count), "team": random.integers(0, 9, (count, 2))}
    return columns


def random_crowd(random: Random, count: int | None = None) -> Crowd:
    number = int(random.integers(0, 40)) if count is None else count
    material = random_material(random) if random.random() < 0.6 else None
    crowd = Crowd(random_mesh(random), material, **random_columns(random, number))
    if random.random() < 0.5:
        crowd.position, crowd.rotation = random.uniform(-1, 1, 3), random.normal(size=4)
        crowd.scale = random_scale(random)
    if random.random() < 0.3:
        crowd.color = random.uniform(0.2, 1, 3)
    if random.random() < 0.3 and len(crowd) > 4:
        crowd.delete(random.choice(len(crowd), 3, replace=False))
    return crowd


def random_scene(seed: int) -> Scene:
    random = np.random.default_rng(seed)
    scene = Scene(
        background=random.uniform(0, 1, 4),
        sun=None if random.random() < 0.1 else throng.Sun(random.normal(size=3), random.uniform(0.5, 1, 3)),
        ambient=random.uniform(0.1, 0.8, 3),
        time=float(random.uniform(0, 100)),
    )
    parents: list[Node] = [scene]
    for _ in range(random.integers(6, 16)):
        mesh = random_mesh(random) if random.random() < 0.8 else None
        material = random_material(random) if mesh is not None and random.random() < 0.7 else None
        node = parents[random.integers(len(parents))].add(Node(mesh, material, **random_node(random)))
        node.visible = bool(random.random() < 0.92)
        parents.append(node)
    for _ in range(random.integers(2, 6)):
        crowd = parents[random.integers(len(parents))].add(random_crowd(random))
        crowd.visible = bool(random.random() < 0.92)
    return scene


def random_camera(seed: int) -> throng.Camera:
    random = np.random.default_rng(seed)
    place = random.normal(size=3)
    place *= random.uniform(2.5, 4.5) / np.linalg.norm(place)
    if random.random() < 0.25:
        return throng.Camera.orthographic(place, height=random.uniform(2, 4), near=0.1, far=30)
    return throng.Camera(place, random.uniform(-0.5, 0.5, 3), fov=float(random.uniform(40, 70)))


def seeds(count: int) -> range:
    return range(100, 100 + count)
