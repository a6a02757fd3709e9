"""Batch maths against formulas that are not throng's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from throng import math3d

RANDOM = np.random.default_rng(0)


def test_importing_is_silent_where_nothing_is_compiled_yet(tmp_path: Path) -> None:
    """pyrr's docstrings have invalid escapes, which Python complains of when it compiles them."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONPYCACHEPREFIX": str(tmp_path),
    }
    program = [sys.executable, "-W", "error", "-c", "import throng.math3d"]
    ran = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def quaternions(count: int) -> np.ndarray:
    values = RANDOM.normal(size=(count, 4))
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def test_rotations_turn_vectors_as_quaternions_do() -> None:
    turns, vectors = quaternions(50), RANDOM.normal(size=(50, 3))
    t = 2 * np.cross(turns[:, :3], vectors)
    expected = vectors + turns[:, 3:] * t + np.cross(turns[:, :3], t)
    matrices = math3d.rotation_matrices(turns)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", matrices, vectors), expected, atol=1e-12)
    np.testing.assert_allclose(
        math3d.rotation_matrices(turns.reshape(5, 10, 4)), matrices.reshape(5, 10, 3, 3)
    )
    quarter = (0, np.sqrt(0.5), 0, np.sqrt(0.5))  # a quarter turn about +Y takes +Z to +X
    np.testing.assert_allclose(math3d.rotation_matrices(np.array(quarter)) @ (0, 0, 1), (1, 0, 0), atol=1e-12)


def test_affines_scale_then_turn_then_move() -> None:
    positions, turns, scales = RANDOM.normal(size=(9, 3)), quaternions(9), RANDOM.uniform(-2, 2, (9, 3))
    made = math3d.affines(positions, turns, scales)
    for n in range(9):
        point = RANDOM.normal(size=3)
        expected = math3d.rotation_matrices(turns[n]) @ (scales[n] * point) + positions[n]
        np.testing.assert_allclose(made[n] @ (*point, 1), expected, atol=1e-12)
    whole = [math3d.as_matrix(affine) for affine in made]
    np.testing.assert_allclose(math3d.combine(made[0], made[1]), (whole[0] @ whole[1])[:3])
    np.testing.assert_allclose(math3d.combine(made[:4], made[4:8])[2], (whole[2] @ whole[6])[:3])
    np.testing.assert_array_equal(math3d.mirrored(made), np.prod(scales, axis=1) < 0)
    assert bool(math3d.mirrored(np.diag([1.0, -1, 1, 1])[:3]))


def test_a_box_around_a_box_holds_its_corners_and_no_more() -> None:
    box = np.array([(-1, 2, -3), (4, 5, 6)], np.float32)
    affines = math3d.affines(RANDOM.normal(size=(7, 3)), quaternions(7), RANDOM.uniform(-2, 2, (7, 3)))
    corners = np.array([box[list(pick), range(3)] for pick in np.ndindex(2, 2, 2)], np.float64)
    moved = np.einsum("nij,cj->nci", affines[..., :3], corners) + affines[:, None, :, 3]
    expected = [moved.min(axis=1), moved.max(axis=1)]
    np.testing.assert_allclose(math3d.transformed_box(affines, box), expected, atol=1e-12)
    np.testing.assert_allclose(math3d.transformed_box(affines[0], box), [expected[0][0], expected[1][0]])


@pytest.mark.parametrize(
    "projection", [math3d.perspective(50, 1.5, 0.1, 2530), math3d.orthographic(8, 2, -3, 40)]
)
def test_reversed_depth_is_one_nearby_and_zero_far_away(projection: np.ndarray) -> None:
    turned = math3d.reversed_depth(projection)
    clip = RANDOM.normal(size=(20, 4)) @ projection.T
    clip = np.linalg.inv(projection) @ clip.T
    before, after = projection @ clip, turned @ clip
    np.testing.assert_allclose(after[[0, 1, 3]], before[[0, 1, 3]])
    np.testing.assert_allclose(after[2] / after[3], (1 - before[2] / before[3]) / 2, atol=1e-9)


def test_srgb_becomes_linear_and_alpha_stays() -> None:
    # Values of IEC 61966-2-1 that are published everywhere: middle grey, and both sides of the kink.
    np.testing.assert_allclose(
        math3d.srgb_to_linear(np.array([0, 0.04045, 0.5, 1])), [0, 0.0031308, 0.2140411, 1], atol=1e-7
    )
    byte = np.arange(256) / 255
    linear = math3d.srgb_to_linear(byte)
    back = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(back, byte, atol=1e-6)
    np.testing.assert_allclose(math3d.linear_color([(0.5, 1, 0, 0.5)]), [(0.2140411, 1, 0, 0.5)], atol=1e-7)
