"""Meshes, models, materials: frozen, equal by content, and complete where something was left out."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from throng.errors import InvalidType, InvalidValue, UsageError
from throng.model import shapes
from throng.model.graph import Node
from throng.model.light import Sun
from throng.model.material import Material, Motion
from throng.model.mesh import DEFAULT_MATERIAL, Mesh, Model

CORNERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
FACES = [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]
NORMALS = [(0, 0, 1)] * 4
UVS = [(0, 0), (1, 0), (0, 1), (1, 1)]
COLORS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]
COARSE = Mesh(CORNERS[:3], [0, 1, 2])


def mesh(**changed: Any) -> Mesh:
    return Mesh(
        **{
            "positions": CORNERS,
            "indices": FACES,
            "normals": NORMALS,
            "uvs": UVS,
            "colors": COLORS,
            **changed,
        }
    )


SAME: list[dict[str, Any]] = [
    {},
    {"positions": np.array(CORNERS, np.float64)},
    {"indices": np.array(FACES, np.int64).ravel()},
    {"indices": np.array(FACES, np.uint8)},
    {"normals": np.array(NORMALS) * 5},
    {"colors": np.array(COLORS, np.uint8) * np.uint8(255)},
    {"colors": [(*color, 1.0) for color in COLORS]},
    {"lods": []},
]
OTHER: list[dict[str, Any]] = [
    {"positions": np.array(CORNERS) + 1e-6},
    {"indices": FACES[::-1]},
    {"normals": [(0, 1, 0)] * 4},
    {"normals": None},
    {"uvs": None},
    {"colors": None},
    {"colors": [(*color, 0.5) for color in COLORS]},
    {"lods": [COARSE]},
]


@pytest.mark.parametrize("changed", SAME)
def test_meshes_of_equal_content_are_equal(changed: dict[str, Any]) -> None:
    assert mesh(**changed) == mesh()
    assert hash(mesh(**changed)) == hash(mesh())


@pytest.mark.parametrize("changed", OTHER)
def test_meshes_of_other_content_are_not(changed: dict[str, Any]) -> None:
    assert mesh(**changed) != mesh()
    assert mesh(**changed).key != mesh().key
    assert mesh() != "a mesh"


def test_a_mesh_is_frozen_and_copies_what_it_is_given() -> None:
    corners = np.array(CORNERS, np.float32)
    made = Mesh(corners, FACES)
    key = made.key
    corners += 1
    assert made.positions[0].tolist() == [0, 0, 0]
    for name in ("positions", "indices", "normals", "uvs", "colors", "bounds"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, name)[0] = 1
        with pytest.raises(
            UsageError, match=rf"^{name}: expected a mesh to stay as it was made, got a new value"
        ):
            setattr(made, name, None)
    assert not made.sphere[0].flags.writeable
    assert Mesh(made.positions, made.indices).key == key == made.key
    assert repr(made) == "<Mesh of 4 vertices and 4 triangles>"


def test_what_is_left_out_is_filled_in() -> None:
    made = Mesh(CORNERS, FACES)
    assert (made.vertex_count, made.triangle_count, made.lods) == (4, 4, ())
    np.testing.assert_array_equal(made.uvs, np.zeros((4, 2)))
    np.testing.assert_array_equal(made.colors, np.full((4, 4), 255))
    assert [a.dtype.name for a in (made.positions, made.indices, made.normals, made.uvs, made.colors)] == [
        "float32", "uint32", "float32", "float32", "uint8"
    ]  # fmt: skip
    np.testing.assert_array_equal(made.bounds, [(0, 0, 0), (1, 1, 1)])
    center, radius = made.sphere
    assert (*center, radius) == pytest.approx((0.5, 0.5, 0.5, 0.75**0.5))


def test_normals_are_smooth_and_weighted_by_area() -> None:
    random = np.random.default_rng(0)
    corners, faces = random.normal(size=(30, 3)), random.integers(0, 29, (60, 3))
    sums = np.zeros((30, 3))
    for a, b, c in faces:
        area = np.cross(corners[b] - corners[a], corners[c] - corners[a])
        for corner in (a, b, c):
            sums[corner] += area
    used = np.linalg.norm(sums, axis=1) > 0
    expected = np.where(
        used[:, None], sums / np.maximum(np.linalg.norm(sums, axis=1), 1e-30)[:, None], (0, 1, 0)
    )
    np.testing.assert_allclose(Mesh(corners, faces).normals, expected, atol=1e-4)
    assert not used[29], "a vertex that no triangle has points up"
    # A cylinder's side is round: its normals point away from the axis.
    ball = shapes.sphere(2.0)
    np.testing.assert_allclose(Mesh(ball.positions, ball.indices).normals.mean(axis=0), 0, atol=0.05)


def test_given_normals_are_normalised_whatever_their_length() -> None:
    for length in (1e-15, 1, 1e30):
        np.testing.assert_allclose(mesh(normals=np.array(NORMALS) * length).normals, NORMALS, atol=1e-6)


def test_colours_are_kept_as_bytes() -> None:
    np.testing.assert_array_equal(mesh(colors=[(0.2, 0.4, 1)] * 4).colors, [(51, 102, 255, 255)] * 4)
    np.testing.assert_array_equal(mesh(colors=np.full((4, 4), 7, np.uint8)).colors, np.full((4, 4), 7))


# -- models -----------------------------------------------------------------------------------------------


def test_a_model_is_its_parts() -> None:
    red, green = Material((1, 0, 0)), Material((0, 1, 0))
    model = Model([(mesh(), red), [COARSE, green]])  # type: ignore[list-item]
    same = Model(parts=iter([(mesh(), red), (COARSE, Material((0, 1, 0)))]))
    assert model == same != Model([(mesh(), red)])
    assert hash(model) == hash(same)
    assert model != "a model"
    assert (model.triangle_count, repr(model)) == (5, "<Model of 2 parts and 5 triangles>")
    np.testing.assert_array_equal(model.bounds, [(0, 0, 0), (1, 1, 1)])
    assert Node(model).parts == model.parts
    assert Node(model, red).parts == ((mesh(), red), (COARSE, red))
    assert Node(COARSE).parts == ((COARSE, DEFAULT_MATERIAL),)
    assert Node().parts == ()


# -- materials --------------------------------------------------------------------------------------------


def test_materials_are_equal_by_value() -> None:
    assert Material((1, 0, 0)) == Material(np.array([255, 0, 0], np.uint8)) == Material([1, 0, 0, 1])
    assert hash(Material((1, 0, 0))) == hash(Material([1, 0, 0, 1.0]))
    assert Material(motion="wind") == Material(motion=Motion("wind", 0.15, 8))
    for other in (
        {"color": (1, 1, 0)},
        {"shading": "unlit"},
        {"double_sided": True},
        {"metallic": 1},
        {"roughness": 0.5},
        {"motion": "snow"},
    ):
        given: dict[str, Any] = other
        assert Material(**given) != Material()
    with pytest.raises(FrozenInstanceError):
        Material().color = (0, 0, 0, 0)  # type: ignore[misc]


def test_motions_have_sizes_that_fit_their_kind() -> None:
    assert Motion("fountain") == Motion("fountain", 6.0, 2.5, 1.0)
    assert Motion("snow", strength=3).spread == 0.6
    left = 1 / np.sqrt(1 + 0.5**2 * 4 / 3)  # of the height
    assert Motion("wind", 0.5).reach(10) == pytest.approx(10 * np.hypot(0.5 * left, 1 - left))
    assert Motion("snow", 4, 3).reach(10) == 5


def test_a_sun_shines_along_a_unit_vector() -> None:
    for length in (1e-200, 1, 1e307):
        np.testing.assert_allclose(Sun(np.array((0, -3, 4)) * length).direction, (0, -0.6, 0.8))
    assert Sun() == Sun()
    assert Sun(color=(1, 1, 1)).color == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: mesh(positions=np.zeros((0, 3))),
            InvalidValue,
            "positions: expected at least one vertex, got 0",
        ),
        (lambda: mesh(lods=[1]), InvalidType, "lods[0]: expected a Mesh, got int 1"),
        (lambda: Model([]), InvalidValue, "parts: expected at least one (mesh, material) pair, got none"),
    ],
)
def test_rules(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text
