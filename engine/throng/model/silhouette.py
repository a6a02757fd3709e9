"""What is seen of triangles from all around: the area that they cover, and which of them lie in front.

A plane of projection is cut by parallel lines; on each of them a triangle is an interval, exactly. All meshes
lie within a sphere of radius 1.45 around the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from throng.model.triangles import Floats, Ints, lengths

DIRECTIONS, ROWS = 16, 40
STEP = 3.0 / ROWS
SAMPLES = ROWS  # along a line


@dataclass(frozen=True)
class Cuts:
    """The intervals in which lines cut triangles."""

    view: Ints
    row: Ints
    triangle: Ints
    start: Floats
    end: Floats


def cut(points: Floats, triangles: Ints) -> Cuts:
    """Triangles as the lines of all views cut them; a vertex on a line is above it."""
    across, up, _ = _axes(points)
    above = np.ceil(up).astype(np.int32)
    rows = [above[:, triangles[:, corner]] for corner in range(3)]
    first = np.minimum(np.minimum(rows[0], rows[1]), rows[2]).ravel()
    beyond = np.maximum(np.maximum(rows[0], rows[1]), rows[2]).ravel()
    hit = np.flatnonzero(beyond > first)
    first, sizes = first[hit], beyond[hit] - first[hit]
    view = hit // len(triangles)
    triangle = hit - view * len(triangles)
    corners = triangles[triangle]
    x, y = across[view[:, None], corners], up[view[:, None], corners]
    order = np.argsort(y, axis=1)
    x, y = np.take_along_axis(x, order, 1), np.take_along_axis(y, order, 1)
    each = np.repeat(np.arange(len(hit)), sizes)
    row = np.arange(len(each)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[each]
    x0, x1, x2 = x[each].T
    y0, y1, y2 = y[each].T
    long = x0 + (x2 - x0) * ((row - y0) / np.maximum(y2 - y0, 1e-12))
    lower = row < y1
    from_x, from_y = np.where(lower, x0, x1), np.where(lower, y0, y1)
    to_x, to_y = np.where(lower, x1, x2), np.where(lower, y1, y2)
    short = from_x + (to_x - from_x) * np.clip((row - from_y) / np.maximum(to_y - from_y, 1e-12), 0.0, 1.0)
    return Cuts(view[each], row, triangle[each], np.minimum(long, short), np.maximum(long, short))


def covered(cuts: Cuts) -> float:
    """The projected area, averaged over all directions."""
    # Lines one after the other on one axis, far enough apart, make the union of all one running maximum.
    line = (cuts.view * (2 * ROWS) + cuts.row) * 8.0
    order = np.argsort(cuts.start + line)
    start, end = (cuts.start + line)[order], np.maximum.accumulate((cuts.end + line)[order])
    before = np.concatenate([[-np.inf], end[:-1]])
    return float(np.maximum(end - np.maximum(start, before), 0.0).sum() * STEP / DIRECTIONS)


def seen(cuts: Cuts, points: Floats, triangles: Ints) -> tuple[Floats, Floats]:
    """How much of all that is seen lies at each corner of each triangle: (t, 3), its sum 1.

    Returns that of both sides of triangles, and that of their front sides only. A mean over what is seen, of
    anything given at corners and linear in between, is the sum of its products with these.
    """
    grain = 3.0 / SAMPLES
    first = np.ceil(cuts.start / grain).astype(np.int64)
    sizes = np.ceil(cuts.end / grain).astype(np.int64) - first
    each = np.repeat(np.arange(len(first)), sizes)
    if not len(each):
        return np.zeros((len(triangles), 3)), np.zeros((len(triangles), 3))
    column = np.arange(len(each)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[each]
    # Along a cut the weights of the triangle's corners, and with them its depth, are linear.
    corner = triangles[cuts.triangle]
    x, y, z = (axis[cuts.view[:, None], corner] for axis in _axes(points))
    ax, ay = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]
    bx, by = x[:, 2] - x[:, 0], y[:, 2] - y[:, 0]
    py = cuts.row - y[:, 0]
    twice = ax * by - bx * ay  # more than 0 where the triangle faces the one who looks against the direction
    safe = np.where(np.abs(twice) < 1e-12, 1e-12, twice)
    second, second_more = -(x[:, 0] * by + bx * py) / safe, by * grain / safe
    third, third_more = (ax * py + x[:, 0] * ay) / safe, -ay * grain / safe
    b, c = z[:, 1] - z[:, 0], z[:, 2] - z[:, 0]
    depth = np.clip(
        (z[:, 0] + second * b + third * c)[each] + column * (second_more * b + third_more * c)[each],
        -1.5,
        1.5,
    )
    place = ((cuts.view * (2 * ROWS) + cuts.row) * (2 * SAMPLES))[each] + column
    order = np.argsort(place * 4.0 + depth)
    change = np.flatnonzero(np.diff(place[order])) + 1
    # Looked at from both ends of each line of sight: the furthest is the nearest from behind.
    chosen = order[np.concatenate([change - 1, [len(order) - 1], [0], change])]
    of, column = each[chosen], column[chosen]
    u = np.clip(second[of] + column * second_more[of], 0.0, 1.0)
    v = np.clip(third[of] + column * third_more[of], 0.0, 1.0 - u)
    weights = np.column_stack([1.0 - u - v, u, v])
    front = (twice[of] > 0) == (np.arange(len(chosen)) < len(chosen) // 2)
    return (
        _shares(cuts.triangle[of], weights, len(triangles)),
        _shares(cuts.triangle[of[front]], weights[front], len(triangles)),
    )


def _shares(triangle: Ints, weights: Floats, total: int) -> Floats:
    found = [np.bincount(triangle, weights[:, corner], total) for corner in range(3)]
    return np.stack(found, axis=1) / max(len(triangle), 1)


@cache
def _views() -> tuple[Floats, Floats]:
    """(d, 3, 3): axes of projection, the third its direction, and (d,): what its rows are shifted by.

    Directions are spread evenly over half a sphere. Each view is turned by another angle, so that no grid of
    edges lies along the rows of all.
    """
    number = np.arange(DIRECTIONS) + 0.5
    golden = np.pi * (3 - 5**0.5)
    up = number / DIRECTIONS
    out = np.sqrt(1 - up**2)
    away = np.column_stack([np.cos(golden * number) * out, up, np.sin(golden * number) * out])
    side = np.cross(away, (0.36, 0.48, 0.8))
    side /= lengths(side)[:, None]
    other = np.cross(away, side)
    turn = (number * golden * 1.7)[:, None]
    first = np.cos(turn) * side + np.sin(turn) * other
    return np.stack([first, np.cross(away, first), away], axis=1), np.asarray(
        number * 0.618034 % 1.0, np.float64
    )


def _axes(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Each (d, v): across in metres, upwards in rows, and towards the viewer in metres."""
    axes, shift = _views()
    flat = axes @ points.T
    across, up, away = flat[:, 0], flat[:, 1], flat[:, 2]
    return across, up / STEP + (ROWS / 2 + shift)[:, None], away
