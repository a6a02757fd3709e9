"""Fewer triangles for connected pieces of a mesh: by fast_simplification, or here, where it would eat them.

Both decimate by quadric errors (Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics",
1997). fast_simplification does large closed pieces in no time, but does not see that the outline of a leaf is
all there is to it, and a call for each blade of grass takes its time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from throng.model.triangles import Floats, Ints, area_vectors, edges_of, lengths, roots

STUCK = 1.5, 500  # times the triangles wanted, and triangles, from which on short edges go first
SHORT = 0.05  # of an edge that is wanted


def decimated(positions: Floats, parent: Ints, triangles: Ints, goal: int, closed: bool) -> Ints:
    """`triangles` of one piece brought down to `goal` by fast_simplification; writes positions, parents."""
    import fast_simplification

    used, local = np.unique(triangles, return_inverse=True)
    points, faces, collapses = fast_simplification.simplify(
        positions[used],
        local.reshape(-1, 3).astype(np.int32),
        target_count=goal,
        return_collapses=True,
        preserve_border=not closed,
    )
    if len(faces) > max(STUCK[0] * goal, STUCK[1]):
        fewer, new = _without_short_edges(positions, triangles, goal)
        if goal < len(fewer) < len(triangles):
            gone = np.flatnonzero(new != np.arange(len(new)))
            parent[gone] = new[gone]
            return decimated(positions, parent, fewer, goal, closed)
    mine = np.arange(len(used))
    mine[collapses[:, 1]] = collapses[:, 0]  # each goes once
    mine = roots(mine)
    left = np.unique(mine)
    if len(left) != len(points):  # its history and its result are two things
        return triangles
    positions[used[left]] = points
    parent[used] = used[mine]
    return np.asarray(used[left][faces.astype(np.int64)])


def collapsed(shape: Floats, parent: Ints, triangles: Ints, piece: Ints, budget: Ints) -> Ints:
    """Triangles of many small or open pieces, each brought down to its budget by collapsing edges of `shape`.

    All pieces at once, in each round those edges that are the cheapest around. A vertex goes to another
    vertex, so none leaves the surface. Borders have planes of their own, upright on the surface, that weigh
    ten times as much: the outline of a leaf is what is seen of it.
    """
    used, local = np.unique(triangles, return_inverse=True)
    points, triangles, piece = shape[used], local.reshape(-1, 3).astype(np.int64), piece[used]
    mine = np.arange(len(used))
    quadrics = _quadrics(points, triangles)
    banned = np.zeros(0, np.int64)
    size = len(used)
    for _ in range(100):
        count = np.bincount(piece[triangles[:, 0]], minlength=len(budget))
        excess = count - budget
        edges, uses, _ = edges_of(triangles, size)
        border = np.zeros(size, bool)
        border[edges[uses == 1]] = True
        gone, to = np.concatenate([edges, edges[:, ::-1]]).T
        both = np.concatenate([uses, uses])
        fine = (excess[piece[gone]] > 0) & (~border[gone] | (both == 1))
        if banned.size:
            fine &= ~np.isin(gone * size + to, banned)
        gone, to = gone[fine], to[fine]
        if not len(gone):
            break
        at = np.column_stack([points[to], np.ones(len(to))])
        cost = np.einsum("ei,eij,ej->e", at, quadrics[gone] + quadrics[to], at)
        # Where all cost the same, as on a plane, chance decides: an order would let through one a round.
        chance = (gone * 2654435761 + to * 40503) % 1021 / 1021.0
        cost += 1e-9 * ((points[gone] - points[to]) ** 2).sum(axis=1) * (1.0 + chance)
        picked = _independent(cost, gone, to, triangles, size)
        picked = picked[np.argsort(cost[picked], kind="stable")]
        # No more than the piece has too many, and the cheapest first.
        whose = piece[gone[picked]]
        by_piece = np.argsort(whose, kind="stable")
        rank = np.empty(len(picked), np.int64)
        sizes = np.bincount(whose, minlength=len(budget))
        rank[by_piece] = np.arange(len(picked)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        picked = picked[(rank < (excess[whose] + 1) // 2) & (rank < np.maximum(1, sizes[whose] // 2))]
        gone, to = gone[picked], to[picked]
        new = np.arange(size)
        new[gone] = to
        bad = _flipping(points, triangles, new)
        if bad.any():
            banned = np.concatenate([banned, gone[bad[gone]] * size + to[bad[gone]]])
            new[bad] = np.flatnonzero(bad)
        moved = np.flatnonzero(new != np.arange(size))
        np.add.at(quadrics, new[moved], quadrics[moved])
        mine = new[mine]
        triangles = new[triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (c != a)]
    parent[used] = used[mine]
    return used[triangles]


def _without_short_edges(points: Floats, triangles: Ints, goal: int) -> tuple[Ints, Ints]:
    """`triangles` without edges much shorter than those of `goal` triangles, and the point each becomes.

    fast_simplification takes slivers, as around the pole of a fine sphere, for triangles turned over: it
    leaves them as they are, and takes from elsewhere what is too many.
    """
    size = len(points)
    parent = np.arange(size)
    short = SHORT * float(np.sqrt(lengths(area_vectors(points, triangles)).sum() / goal))
    for _ in range(30):
        edges, _, _ = edges_of(triangles, size)
        length = lengths(points[edges[:, 0]] - points[edges[:, 1]])
        edges, length = edges[length < short], length[length < short]
        # Vertices that are each other's nearest become one.
        rank = np.empty(len(edges), np.int64)
        rank[np.argsort(length, kind="stable")] = np.arange(len(edges))
        best = np.full(size, len(edges))
        for end in range(2):
            np.minimum.at(best, edges[:, end], rank)
        mutual = (best[edges[:, 0]] == rank) & (best[edges[:, 1]] == rank)
        new = np.arange(size)
        new[edges[mutual, 1]] = edges[mutual, 0]
        bad = _flipping(points, triangles, new)
        new[bad] = np.flatnonzero(bad)
        moved = np.flatnonzero(new != np.arange(size))
        if len(moved) < 1e-3 * len(edges) or not len(moved):
            break
        parent[moved] = new[moved]
        triangles = new[triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (c != a)]
    return triangles, parent


def _quadrics(points: Floats, triangles: Ints) -> Floats:
    """(v, 4, 4): the sum of squared distances to the planes around each vertex, by area."""
    flats = area_vectors(points, triangles)
    area = np.maximum(lengths(flats), 1e-30)
    normal = flats / area[:, None]
    plane = np.column_stack([normal, -(normal * points[triangles[:, 0]]).sum(axis=1)])
    result = np.zeros((len(points), 4, 4))
    outer = plane[:, :, None] * plane[:, None, :] * area[:, None, None]
    for corner in range(3):
        np.add.at(result, triangles[:, corner], outer)
    edges, uses, triangle = edges_of(triangles, len(points))
    edges, triangle = edges[uses == 1], triangle[uses == 1]
    along = points[edges[:, 1]] - points[edges[:, 0]]
    upright = np.cross(along, normal[triangle])
    length = np.maximum(lengths(upright), 1e-30)
    upright /= length[:, None]
    plane = np.column_stack([upright, -(upright * points[edges[:, 0]]).sum(axis=1)])
    outer = plane[:, :, None] * plane[:, None, :] * (10 * length**2)[:, None, None]
    for corner in range(2):
        np.add.at(result, edges[:, corner], outer)
    return result


def _independent(cost: Floats, gone: Ints, to: Ints, triangles: Ints, size: int) -> Ints:
    """Indices of the collapses that are cheapest among all that touch their triangles."""
    rank = np.empty(len(cost), np.int64)
    rank[np.argsort(cost, kind="stable")] = np.arange(len(cost))
    best = np.full(size, len(cost))
    np.minimum.at(best, gone, rank)
    np.minimum.at(best, to, rank)
    for _ in range(2):
        low = np.repeat(best[triangles].min(axis=1), 3)
        best = best.copy()
        np.minimum.at(best, triangles.ravel(), low)
    return np.flatnonzero((best[gone] == rank) & (best[to] == rank))


def _flipping(points: Floats, triangles: Ints, new: Ints) -> npt.NDArray[np.bool_]:
    """(v,): vertices whose move to `new` would turn a triangle over or leave it without area."""
    moved = new[triangles]
    changed = (moved != triangles).any(axis=1)
    a, b, c = moved.T
    left = changed & (a != b) & (b != c) & (c != a)
    before, after = area_vectors(points, triangles[left]), area_vectors(points, moved[left])
    turned = (before * after).sum(axis=1) < 0.1 * lengths(before) * lengths(after) + 1e-16
    bad = np.zeros(len(points), bool)
    corner = triangles[left][turned]
    bad[corner[new[corner] != corner]] = True
    return bad
