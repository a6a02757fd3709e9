"""What triangles are made of: edges, areas, moments, connected pieces. Points (v, 3), triangles (t, 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def area_vectors(points: Floats, triangles: Ints) -> Floats:
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    return np.asarray(np.cross(b - a, c - a) / 2)


def lengths(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def sums(where: Ints, values: npt.NDArray[Any], total: int) -> Floats:
    """(total, c): rows of `values` added up by `where`."""
    return np.stack([np.bincount(where, values[:, axis], total) for axis in range(values.shape[1])], axis=1)


def edges_of(triangles: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """The edges (e, 2), how many triangles have each, and one of these."""
    start, end = triangles, triangles[:, [1, 2, 0]]
    key = (np.minimum(start, end) * size + np.maximum(start, end)).ravel()
    unique, first, uses = np.unique(key, return_index=True, return_counts=True)
    return np.column_stack([unique // size, unique % size]), uses, first // 3


def components(count: int, triangles: Ints) -> Ints:
    """(count,): for each vertex the lowest vertex that triangles connect it to."""
    label = np.arange(count)
    while True:
        corner = label[triangles]
        low = np.repeat(corner.min(axis=1), 3)
        following = label.copy()
        np.minimum.at(following, corner.ravel(), low)
        np.minimum.at(following, triangles.ravel(), low)
        following = following[following]
        if np.array_equal(following, label):
            return label
        label = following


def moments(
    points: Floats, triangles: Ints, areas: Floats, label: Ints, total: int
) -> tuple[Floats, Floats, Floats]:
    """Area (k,), its centre (k, 3) and its covariance (k, 3, 3) for each label, exact for flat triangles."""
    corner = points[triangles]
    summed = corner.sum(axis=1)
    area = np.asarray(np.bincount(label, areas, total), np.float64)
    safe = np.maximum(area, 1e-30)
    center = sums(label, summed / 3 * areas[:, None], total) / safe[:, None]
    local = corner - center[label][:, None]
    whole = local.sum(axis=1)
    second = np.einsum("tki,tkj->tij", local, local) + whole[:, :, None] * whole[:, None, :]
    spread = sums(label, (second * (areas / 12)[:, None, None]).reshape(-1, 9), total).reshape(-1, 3, 3)
    return area, center, spread / safe[:, None, None]


def roots(parent: Ints) -> Ints:
    """(v,): where a chain of parents ends, for each of its links."""
    while True:
        following = parent[parent]
        if np.array_equal(following, parent):
            return parent
        parent = following
