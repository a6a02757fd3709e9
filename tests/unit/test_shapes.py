"""Every shape: sound geometry, as many triangles as its docstring says, the same bytes for the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from throng.errors import InvalidType, InvalidValue
from throng.model import shapes
from throng.model.lods import levels
from throng.model.mesh import Mesh, Model

SOLIDS: dict[str, Callable[[], Mesh]] = {
    "box": shapes.box,
    "flat box": lambda: shapes.box((2, 0.5, 1)),
    "sphere": shapes.sphere,
    "coarse sphere": lambda: shapes.sphere(2.0, segments=3, rings=2),
    "cylinder": shapes.cylinder,
    "coarse cylinder": lambda: shapes.cylinder(segments=3),
    "cone": shapes.cone,
    **{f"rock {seed}": partial(shapes.rock, seed) for seed in range(4)},
}
SHEETS: dict[str, Callable[[], Mesh]] = {
    "plane": shapes.plane,
    "divided plane": lambda: shapes.plane((3, 2), divisions=5),
    "quad": lambda: shapes.quad((2, 1)),
    "blade": shapes.grass_blade,
    "tuft": lambda: shapes.grass_tuft(3),
}
MODELS: dict[str, Callable[[], Model]] = {
    **{f"tree {seed}": partial(shapes.tree, seed) for seed in range(4)},
    **{f"conifer {seed}": partial(shapes.tree, seed, kind="conifer") for seed in range(4)},
    **{f"person {seed}": partial(shapes.person, seed) for seed in range(4)},
}


def corners(mesh: Mesh) -> np.ndarray:
    return np.asarray(mesh.positions.astype(np.float64)[mesh.indices])


def meshes() -> list[tuple[str, Mesh]]:
    found = [(name, make()) for name, make in {**SOLIDS, **SHEETS}.items()]
    for name, make in MODELS.items():
        found += [(f"{name}, part {number}", mesh) for number, (mesh, _) in enumerate(make().parts)]
    return found


def closed() -> list[tuple[str, Mesh]]:
    return [(name, mesh) for name, mesh in meshes() if name not in SHEETS]


@pytest.mark.parametrize(("name", "mesh"), meshes(), ids=[name for name, _ in meshes()])
def test_triangles_turn_the_way_their_normals_point(name: str, mesh: Mesh) -> None:
    a, b, c = np.moveaxis(corners(mesh), 1, 0)
    faces = np.cross(b - a, c - a)
    assert (np.linalg.norm(faces, axis=1) > 1e-10).all(), "a triangle without area"
    assert ((faces * mesh.normals[mesh.indices].mean(axis=1)).sum(axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
    assert mesh.uvs.min() >= 0 <= 1 >= mesh.uvs.max()


@pytest.mark.parametrize(("name", "mesh"), closed(), ids=[name for name, _ in closed()])
def test_solids_are_closed_and_face_outwards(name: str, mesh: Mesh) -> None:
    a, b, c = np.moveaxis(corners(mesh), 1, 0)
    assert (a * np.cross(b, c)).sum() / 6 > 0
    _, welded = np.unique(np.round(mesh.positions, 5), axis=0, return_inverse=True)
    triangles = welded.reshape(-1)[mesh.indices]
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses % 2 == 0).all(), "an edge that only one triangle has"


PROMISED = [
    (shapes.box, shapes.box()),
    (shapes.quad, shapes.quad()),
    (shapes.sphere, shapes.sphere()),
    (shapes.cylinder, shapes.cylinder()),
    (shapes.cone, shapes.cone()),
    (shapes.grass_blade, shapes.grass_blade()),
    (shapes.grass_tuft, shapes.grass_tuft()),
    (shapes.rock, shapes.rock()),
    (shapes.tree, shapes.tree()),
    (shapes.tree, shapes.tree(kind="conifer")),
    (shapes.person, shapes.person()),
]


@pytest.mark.parametrize(("function", "made"), PROMISED)
def test_docstrings_tell_the_triangle_count(function: Callable[..., object], made: Mesh | Model) -> None:
    assert re.search(rf"\b{made.triangle_count}\b", function.__doc__ or ""), made.triangle_count


def test_plane_has_the_cells_that_were_asked_for() -> None:
    plane = shapes.plane((4, 2), divisions=3)
    assert plane.triangle_count == 18
    np.testing.assert_array_equal(plane.bounds, [(-2, 0, -1), (2, 0, 1)])
    np.testing.assert_array_equal(plane.normals, np.tile((0, 1, 0), (16, 1)))


@pytest.mark.parametrize("make", [shapes.rock, shapes.tree, shapes.person, shapes.grass_tuft])
def test_a_seed_decides(make: Callable[[int], Mesh | Model]) -> None:
    assert make(5) == make(5)
    assert make(5) != make(6)


@pytest.mark.parametrize("make", [*MODELS.values(), lambda: shapes.grass_tuft(1), shapes.grass_blade])
def test_what_grows_or_walks_stands_on_the_ground(make: Callable[[], Mesh | Model]) -> None:
    low, high = make().bounds
    assert -0.02 < low[1] < 0.02
    assert abs(low[0] + high[0]) < 0.6 * (high[0] - low[0])


def test_sizes_are_kept() -> None:
    np.testing.assert_allclose(shapes.box((1, 2, 3)).bounds, [(-0.5, -1, -1.5), (0.5, 1, 1.5)])
    np.testing.assert_allclose(shapes.sphere(3).bounds[:, 1], (-3, 3), atol=1e-6)
    np.testing.assert_allclose(shapes.cone(1, 4).bounds[:, 1], (-2, 2))
    assert shapes.person(1, height=1.8).bounds[1, 1] == pytest.approx(1.8, rel=0.03)
    assert shapes.tree(1, height=9).bounds[1, 1] == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize("kind", ["broadleaf", "conifer"])
def test_a_tree_with_sprigs_is_the_solid_one_from_afar(kind: str) -> None:
    solid, sprigs = (shapes.tree(3, kind, foliage=foliage) for foliage in ("solid", "sprigs"))
    assert sprigs.parts[0][0] == solid.parts[0][0]  # the trunk
    near, far = sprigs.parts[1][0], solid.parts[1][0]
    assert [lod.triangle_count for lod in near.lods] == [lod.triangle_count for lod in levels(far)]
    assert near.triangle_count > 2.5 * far.triangle_count
    np.testing.assert_allclose(near.bounds, far.bounds, atol=0.1 * 6)
    assert sprigs == shapes.tree(3, kind, foliage="sprigs") != shapes.tree(4, kind, foliage="sprigs")
    # What is turned to the outside is the front of most of them.
    corners = near.positions[near.indices]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", faces, near.normals[near.indices[:, 0]]) > 0).mean() > 0.9


EIGHT: Any = 8.0
BAD = [
    (lambda: shapes.box(0), InvalidValue, "size: expected lengths greater than 0, got 0"),
    (lambda: shapes.box((1, 2)), InvalidValue, "size: expected shape (3,), got (2,)"),
    (lambda: shapes.plane((1, -2)), InvalidValue, "size: expected lengths greater than 0, got -2"),
    (lambda: shapes.plane(divisions=0), InvalidValue, "divisions: expected an integer, 1..4096, got 0"),
    (lambda: shapes.sphere(segments=2), InvalidValue, "segments: expected an integer, 3..4096, got 2"),
    (lambda: shapes.sphere(segments=EIGHT), InvalidType, "segments: expected an integer, got float 8.0"),
    (lambda: shapes.cone(radius=-1), InvalidValue, "radius: expected a number greater than 0, got -1"),
    (lambda: shapes.tree(kind="palm"), InvalidValue,
     "kind: expected one of 'broadleaf', 'conifer', got 'palm'"),
    (lambda: shapes.tree(foliage="none"), InvalidValue,
     "foliage: expected one of 'solid', 'sprigs', got 'none'"),
    (lambda: shapes.rock(-1), InvalidValue, "seed: expected an integer, at least 0, got -1"),
    (lambda: shapes.grass_tuft(blades=0), InvalidValue, "blades: expected an integer, 1..1000, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), BAD)
def test_bad_arguments(call: Callable[[], object], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()
