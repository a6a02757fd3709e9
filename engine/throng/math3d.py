"""Batch maths over NumPy arrays, and the one importer of pyrr.

Matrices here are column-vector matrices (`M @ v`) with the translation in the last column; an affine
transform is stored as its upper three rows, (..., 3, 4) float64. pyrr's are transposed and its functions
truncate integer input, so what crosses this border is float64 and turned around here.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

with warnings.catch_warnings():
    # pyrr's docstrings have invalid escapes, which Python complains of whenever it compiles them: where
    # packages cannot be written to, at every start.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyrr import matrix44

Doubles = npt.NDArray[np.float64]


def perspective(fov: float, aspect: float, near: float, far: float) -> Doubles:
    """(4, 4) OpenGL projection; `fov` is vertical, in degrees; depth -1 at `near`, 1 at `far`."""
    return _turned(matrix44.create_perspective_projection(float(fov), float(aspect), float(near), float(far)))


def orthographic(height: float, aspect: float, near: float, far: float) -> Doubles:
    """(4, 4) OpenGL projection of a view `height` metres high."""
    half = height / 2.0
    return _turned(
        matrix44.create_orthogonal_projection(
            -half * aspect, half * aspect, -half, half, float(near), float(far)
        )
    )


def look_at(position: npt.ArrayLike, target: npt.ArrayLike, up: npt.ArrayLike) -> Doubles:
    """(4, 4) view matrix. The caller has made sure that `up` is not along the view direction."""
    eye, center, upward = (np.asarray(v, dtype=np.float64) for v in (position, target, up))
    return _turned(matrix44.create_look_at(eye, center, upward))


def reversed_depth(projection: Doubles) -> Doubles:
    """The same projection with depth 1 at the near plane and 0 at the far one, for clip control 0..1.

    Reversed, a float32 depth buffer keeps its precision at any distance (Reed, "Depth Precision Visualized").
    """
    result = projection.copy()
    result[2] = (projection[3] - projection[2]) / 2.0
    return result


def rotation_matrices(quaternions: npt.NDArray[Any]) -> Doubles:
    """(..., 3, 3) from unit quaternions (..., 4), (x, y, z, w)."""
    wide = np.asarray(quaternions, np.float64)
    x, y, z, w = wide[..., 0], wide[..., 1], wide[..., 2], wide[..., 3]
    result = np.empty((*x.shape, 3, 3))
    result[..., 0, 0] = 1 - 2 * (y * y + z * z)
    result[..., 0, 1] = 2 * (x * y - z * w)
    result[..., 0, 2] = 2 * (x * z + y * w)
    result[..., 1, 0] = 2 * (x * y + z * w)
    result[..., 1, 1] = 1 - 2 * (x * x + z * z)
    result[..., 1, 2] = 2 * (y * z - x * w)
    result[..., 2, 0] = 2 * (x * z - y * w)
    result[..., 2, 1] = 2 * (y * z + x * w)
    result[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return result


def affines(positions: Doubles, quaternions: Doubles, scales: Doubles) -> Doubles:
    """(n, 3, 4): translation times rotation times scale."""
    result = np.empty((len(positions), 3, 4))
    np.multiply(rotation_matrices(quaternions), scales[:, None, :], out=result[..., :3])
    result[..., 3] = positions
    return result


def combine(outer: Doubles, inner: Doubles) -> Doubles:
    """(..., 3, 4): `inner`, then `outer`."""
    result: Doubles = outer[..., :3] @ inner
    result[..., 3] += outer[..., 3]
    return result


def as_matrix(affine: Doubles) -> Doubles:
    """(4, 4) from (3, 4)."""
    result = np.eye(4)
    result[:3] = affine
    return result


def mirrored(affine: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(...,) whether a (..., 3, 4) transform turns left hands into right ones: a negative determinant."""
    x, y, z = (affine[..., row, :3] for row in range(3))
    determinant = (
        x[..., 0] * (y[..., 1] * z[..., 2] - y[..., 2] * z[..., 1])
        - x[..., 1] * (y[..., 0] * z[..., 2] - y[..., 2] * z[..., 0])
        + x[..., 2] * (y[..., 0] * z[..., 1] - y[..., 1] * z[..., 0])
    )
    return np.asarray(determinant < 0)


def transformed_box(affine: Doubles, box: npt.NDArray[Any]) -> Doubles:
    """(2, ..., 3): the axis-aligned box around a box under (..., 3, 4) (Arvo, Graphics Gems, 1990)."""
    center = (box[0].astype(np.float64) + box[1]) / 2
    half = (box[1].astype(np.float64) - box[0]) / 2
    moved = affine[..., :3] @ center + affine[..., 3]
    reach = np.abs(affine[..., :3]) @ half
    return np.stack([moved - reach, moved + reach])


def srgb_to_linear(values: npt.NDArray[Any]) -> Doubles:
    """IEC 61966-2-1, element by element, 0..1."""
    wide = np.asarray(values, np.float64)
    return np.where(wide <= 0.04045, wide / 12.92, ((wide + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values: npt.NDArray[Any]) -> Doubles:
    """The inverse of `srgb_to_linear`."""
    wide = np.asarray(values, np.float64)
    return np.where(wide <= 0.0031308, wide * 12.92, 1.055 * np.maximum(wide, 0.0) ** (1 / 2.4) - 0.055)


def linear_color(rgba: npt.ArrayLike) -> Doubles:
    """(..., 4) sRGB with straight alpha -> linear, alpha as it is."""
    result = np.array(rgba, dtype=np.float64)
    result[..., :3] = srgb_to_linear(result[..., :3])
    return result


def _turned(matrix: Any) -> Doubles:
    return np.ascontiguousarray(np.asarray(matrix, dtype=np.float64).T)
