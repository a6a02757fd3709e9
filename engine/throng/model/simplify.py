"""One coarser mesh in the place of a finer one: fewer triangles, the same silhouette, colours and light.

Quadric error decimation (Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics", 1997)
alone is not enough for what stands far away: what is inscribed covers less, and what is thin disappears
first. So each connected piece of the mesh is simplified by itself, pieces too many are dropped, and those
that stay are widened until the projected area, averaged over all directions, is that of the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from throng.model.mesh import Mesh

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIRECTIONS, ROWS = 16, 40
LARGE = 40  # triangles of a closed piece from which on fast_simplification is quicker than `_collapse`
BORDERED = 1500  # triangles of an open piece that `_collapse` takes on by itself
CLOSED_LEAST = 4  # a tetrahedron
SLENDER = 2.0  # a piece this many times as long as wide is widened across, not lengthened
AREA_ERROR = 0.10  # of what is kept at all; what can be matched is matched within 1 %
MEMBERS = 30_000  # corners of the source that a level's normals and colours are averaged from
SMOOTH = 0.7  # the cosine up to which the normals of triangles that meet in a vertex become one


# -- what is simplified -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pieces:
    """What is known about the k connected pieces of a surface, each row a piece."""

    label: Ints  # (t,): the piece of each triangle
    counts: Ints  # (k,) triangles
    areas: Floats  # (k,)
    centers: Floats  # (k, 3): of the area
    closed: npt.NDArray[np.bool_]  # (k,): no edge has only one triangle
    least: Ints  # (k,): the fewest triangles that still show what it is
    widening: Floats  # (k, 3, 3): projects onto the directions it is widened in
    power: Floats  # (k,): of the ratio of areas, which is the scale in those directions


@dataclass(frozen=True)
class Surface:
    """A mesh in a sphere of radius 1 around the origin, its vertices welded by position.

    points (v, 3); triangles (t, 3) of these, all with an area; corners (t, 3): the mesh's own vertices
    """

    mesh: Mesh
    center: Floats
    radius: float
    points: Floats
    triangles: Ints
    corners: Ints

    @cached_property
    def faces(self) -> Floats:
        """(t, 3): the triangles' normals, as long as their areas."""
        return _faces(self.points, self.triangles)

    @cached_property
    def areas(self) -> Floats:
        """(t,): the triangles' areas."""
        return _lengths(self.faces)

    @cached_property
    def silhouette(self) -> float:
        """The projected area, averaged over directions."""
        return silhouette(self.points, self.triangles)

    @cached_property
    def pieces(self) -> Pieces:
        """Its connected pieces."""
        return _pieces(self)

    @cached_property
    def colors(self) -> Floats:
        """(n, 4): the colours of the mesh's own vertices, linear light."""
        return np.column_stack([LINEAR[self.mesh.colors[:, :3]], self.mesh.colors[:, 3] / 255.0])

    @cached_property
    def light(self) -> Floats:
        """(3,): the mean colour over the area, linear light."""
        return _mean_color(self.colors[:, :3], self.corners, self.areas)


def surface(mesh: Mesh) -> Surface | None:
    """`mesh` ready to be simplified; None where it has no area to speak of."""
    points = mesh.positions.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    center = (low + high) / 2
    radius = float(_lengths(points - center).max())
    if not radius > 1e-30:
        return None
    points = (points - center) / radius
    # Rounded to a millionth, each point is one number: 21 bits a coordinate.
    cells = np.rint((points + 1.0) * 2.0**19).astype(np.int64)
    key = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]
    _, first, welded = np.unique(key, return_index=True, return_inverse=True)
    points, corners = points[first], mesh.indices.astype(np.int64)
    triangles = welded.reshape(-1)[corners].astype(np.int64)
    real = _lengths(_faces(points, triangles)) > 1e-10
    return Surface(mesh, center, radius, points, triangles[real], corners[real]) if real.any() else None


def simplified(source: Surface, target: int) -> Mesh | None:
    """`source` with about `target` triangles; None where that comes out unlike it."""
    found = _reduced(source, target)
    if found is None:
        return None
    points, triangles, cluster, owner = found
    # The order of _reduced's vertices is not that of its pieces: `owner` says whose each is.
    fitted = _fitted(source, points, triangles, owner)
    if fitted is None:
        return None
    points, triangles = fitted
    return _dressed(source, points, triangles, cluster)


# -- projected area ---------------------------------------------------------------------------------------


@cache
def _views() -> Floats:
    """(d, 2, 3): the axes of planes of projection, directions spread evenly over half a sphere.

    Each is turned by another angle, so that no grid of edges lies along the rows of all.
    """
    number = np.arange(DIRECTIONS) + 0.5
    golden = np.pi * (3 - 5**0.5)
    up = number / DIRECTIONS
    out = np.sqrt(1 - up**2)
    away = np.column_stack([np.cos(golden * number) * out, up, np.sin(golden * number) * out])
    side = np.cross(away, (0.36, 0.48, 0.8))
    side /= _lengths(side)[:, None]
    other = np.cross(away, side)
    turn = (number * golden * 1.7)[:, None]
    first = np.cos(turn) * side + np.sin(turn) * other
    return np.stack([first, np.cross(away, first)], axis=1)


def silhouette(points: Floats, triangles: Ints) -> float:
    """The area that triangles within a sphere of radius 1.5 cover, averaged over DIRECTIONS.

    Exact along each of ROWS lines in each projection: a line cuts a triangle in an interval, and the length
    of their union is what is covered.
    """
    step = 3.0 / ROWS
    views, count = DIRECTIONS, len(triangles)
    flat = _views() @ points.T
    # Rows of each view are shifted, so that edges do not beat with them.
    flat[:, 1] = flat[:, 1] / step + (ROWS / 2 + np.arange(views) * 0.618034 % 1.0)[:, None]
    above = np.ceil(flat[:, 1]).astype(np.int32)
    rows = [above[:, triangles[:, corner]] for corner in range(3)]
    first = np.minimum(np.minimum(rows[0], rows[1]), rows[2]).ravel()
    beyond = np.maximum(np.maximum(rows[0], rows[1]), rows[2]).ravel()
    hit = np.flatnonzero(beyond > first)
    first, sizes = first[hit], beyond[hit] - first[hit]
    view = hit // count
    corners = triangles[hit - view * count]
    x, y = flat[view[:, None], 0, corners], flat[view[:, None], 1, corners]
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
    # Lines one after the other on one axis, far enough apart, make the union of all one running maximum.
    line = (view[each] * (2 * ROWS) + row) * 8.0
    start, end = np.minimum(long, short) + line, np.maximum(long, short) + line
    order = np.argsort(start)
    start, end = start[order], np.maximum.accumulate(end[order])
    before = np.concatenate([[-np.inf], end[:-1]])
    return float(np.maximum(end - np.maximum(start, before), 0.0).sum() * step / views)


# -- pieces -----------------------------------------------------------------------------------------------


def _pieces(source: Surface) -> Pieces:
    points, triangles, areas = source.points, source.triangles, source.areas
    _, label = np.unique(_components(len(points), triangles)[triangles[:, 0]], return_inverse=True)
    label = label.reshape(-1).astype(np.int64)
    total = int(label.max()) + 1
    counts = np.bincount(label, minlength=total)
    edges, uses, _ = _edges(triangles, len(points))
    of_vertex = np.zeros(len(points), np.int64)
    of_vertex[triangles] = label[:, None]
    open_edges = np.bincount(of_vertex[edges[uses == 1][:, 0]], minlength=total)
    closed = open_edges == 0
    area, center, spread = _moments(points, triangles, areas, label, total)
    normal = source.faces / areas[:, None]
    normals = _sums(label, (normal[:, :, None] * source.faces[:, None, :]).reshape(-1, 9), total).reshape(
        -1, 3, 3
    )
    lengths, axes = np.linalg.eigh(spread)
    along = axes[:, :, 2]
    # A sheet may be bent along its length: its width is where its normals do not point.
    flat = np.eye(3) - along[:, :, None] * along[:, None, :]
    crossing = flat @ normals @ flat + along[:, :, None] * along[:, None, :] * (2 * area[:, None, None])
    across = np.linalg.eigh(crossing)[1][:, :, 0]
    width = np.einsum("ki,kij,kj->k", across, spread, across)
    sheet = across[:, :, None] * across[:, None, :]
    thin = np.where(closed, lengths[:, 1], width)
    slender = lengths[:, 2] > SLENDER**2 * thin
    widening = np.where(closed[:, None, None], flat, sheet)
    widening = np.where(slender[:, None, None], widening, np.eye(3))
    least = np.where(closed, CLOSED_LEAST, np.where(slender, 1, 2))
    power = np.where(slender, 1.0, 0.5)
    return Pieces(label, counts, area, center, closed, np.minimum(least, counts), widening, power)


def _components(count: int, triangles: Ints) -> Ints:
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


def _moments(
    points: Floats, triangles: Ints, areas: Floats, label: Ints, total: int
) -> tuple[Floats, Floats, Floats]:
    """Area (k,), its centre (k, 3) and its covariance (k, 3, 3) for each label, exact for flat triangles."""
    corner = points[triangles]
    summed = corner.sum(axis=1)
    area = np.asarray(np.bincount(label, areas, total), np.float64)
    safe = np.maximum(area, 1e-30)
    center = _sums(label, summed / 3 * areas[:, None], total) / safe[:, None]
    local = corner - center[label][:, None]
    whole = local.sum(axis=1)
    second = np.einsum("tki,tkj->tij", local, local) + whole[:, :, None] * whole[:, None, :]
    spread = _sums(label, (second * (areas / 12)[:, None, None]).reshape(-1, 9), total).reshape(-1, 3, 3)
    return area, center, spread / safe[:, None, None]


def _budgets(pieces: Pieces, target: int) -> tuple[Ints, Floats]:
    """How many triangles each piece may have, 0 where it is dropped, and the area that it stands for."""
    kept, stands_for = np.arange(len(pieces.counts)), pieces.areas
    if pieces.least.sum() > 1.5 * target:
        kept, stands_for = _chosen(pieces, target)
    wanted = np.sqrt(stands_for[kept])  # at equal density of triangles per diameter, equal error in metres
    low, high = pieces.least[kept], pieces.counts[kept]
    from_scale, to_scale = 0.0, float(high.max() / max(wanted.min(), 1e-12))
    for _ in range(50):
        scale = (from_scale + to_scale) / 2
        if np.clip(wanted * scale, low, high).sum() > target:
            to_scale = scale
        else:
            from_scale = scale
    share = np.clip(wanted * from_scale, low, high)
    # Rounded so that the sum stays: what one piece loses the next one gets.
    whole = np.diff(np.floor(np.cumsum(share) + 1e-9), prepend=0.0).astype(np.int64)
    budget = np.zeros(len(pieces.counts), np.int64)
    budget[kept] = np.clip(whole, low, high)
    return budget, stands_for


def _chosen(pieces: Pieces, target: int) -> tuple[Ints, Floats]:
    """Pieces that stay where there are too many, and what area each piece stands for then.

    Neighbours along a space-filling curve make groups of equal area; the largest of each stays for all of it.
    """
    cells = np.clip((pieces.centers + 1) * 512, 0, 1023).astype(np.int64)
    key = np.zeros(len(cells), np.int64)
    for bit in range(10):
        for axis in range(3):
            key |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    order = np.argsort(key, kind="stable")
    groups = max(1, int(target / pieces.least.mean()))
    middle = np.cumsum(pieces.areas[order]) - pieces.areas[order] / 2
    group = np.minimum((middle / pieces.areas.sum() * groups).astype(np.int64), groups - 1)
    by_size = np.lexsort((-pieces.areas[order], group))
    _, first, group = np.unique(group[by_size], return_index=True, return_inverse=True)
    total = np.bincount(group.reshape(-1), pieces.areas[order][by_size])
    kept = order[by_size][first]
    stands_for = pieces.areas.copy()
    stands_for[kept] = total
    sorting = np.argsort(kept)
    return kept[sorting], stands_for


# -- fewer triangles --------------------------------------------------------------------------------------


def _reduced(source: Surface, target: int) -> tuple[Floats, Ints, Ints, Any] | None:
    """Points, triangles, what became of each of the source's points (-1: nothing), and for each triangle its
    piece and for all pieces the area they stand for."""
    pieces = source.pieces
    budget, stands_for = _budgets(pieces, target)
    order = np.argsort(pieces.label, kind="stable")
    starts = np.cumsum(pieces.counts) - pieces.counts
    small: list[Ints] = []
    positions, parent = source.points.copy(), np.arange(len(source.points))
    done: list[Ints] = []
    for piece in np.flatnonzero(budget).tolist():
        triangles = source.triangles[order[starts[piece] : starts[piece] + pieces.counts[piece]]]
        closed = bool(pieces.closed[piece])
        if budget[piece] >= len(triangles):
            done.append(triangles)
        elif len(triangles) < (LARGE if closed else BORDERED):
            small.append(triangles)
        else:
            goal = int(budget[piece]) if closed else max(int(budget[piece]), BORDERED // 2)
            triangles = _decimated(positions, parent, triangles, goal, closed)
            (done if closed else small).append(triangles)
    if small:
        done.append(_collapsed(positions, parent, np.concatenate(small), _of_points(source), budget))
    triangles = np.concatenate(done)
    triangles = triangles[_lengths(_faces(positions, triangles)) > 1e-9]
    if not len(triangles):
        return None
    used, compact = np.unique(triangles, return_inverse=True)
    cluster = np.full(len(positions), -1)
    cluster[used] = np.arange(len(used))
    label = _of_points(source)[used][compact.reshape(-1, 3)[:, 0]]
    return positions[used], compact.reshape(-1, 3), cluster[_roots(parent)], (label, stands_for)


def _of_points(source: Surface) -> Ints:
    """(v,): the piece of each point."""
    label = np.zeros(len(source.points), np.int64)
    label[source.triangles] = source.pieces.label[:, None]
    return label


def _decimated(positions: Floats, parent: Ints, triangles: Ints, goal: int, closed: bool) -> Ints:
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
    mine = np.arange(len(used))
    for to, gone in collapses.tolist():
        mine[gone] = to
    mine = _roots(mine)
    left = np.unique(mine)
    if len(left) != len(points):  # its history and its result are two things
        return triangles
    positions[used[left]] = points
    parent[used] = used[mine]
    return np.asarray(used[left][faces.astype(np.int64)])


def _roots(parent: Ints) -> Ints:
    while True:
        following = parent[parent]
        if np.array_equal(following, parent):
            return parent
        parent = following


def _collapsed(positions: Floats, parent: Ints, triangles: Ints, piece: Ints, budget: Ints) -> Ints:
    """Triangles of many small or open pieces, each brought down to its budget by collapsing edges.

    All pieces at once, in each round those edges that are the cheapest around. A vertex goes to another
    vertex, so none leaves the surface. Borders have planes of their own, upright on the surface, that weigh
    ten times as much: the outline of a leaf is what is seen of it.
    """
    used, local = np.unique(triangles, return_inverse=True)
    points, triangles, piece = positions[used], local.reshape(-1, 3).astype(np.int64), piece[used]
    mine = np.arange(len(used))
    quadrics = _quadrics(points, triangles)
    banned = np.zeros(0, np.int64)
    size = len(used)
    for _ in range(200):
        count = np.bincount(piece[triangles[:, 0]], minlength=len(budget))
        excess = count - budget
        edges, uses, _ = _edges(triangles, size)
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


def _quadrics(points: Floats, triangles: Ints) -> Floats:
    """(v, 4, 4): the sum of squared distances to the planes around each vertex, by area."""
    faces = _faces(points, triangles)
    area = np.maximum(_lengths(faces), 1e-30)
    normal = faces / area[:, None]
    plane = np.column_stack([normal, -(normal * points[triangles[:, 0]]).sum(axis=1)])
    result = np.zeros((len(points), 4, 4))
    outer = plane[:, :, None] * plane[:, None, :] * area[:, None, None]
    for corner in range(3):
        np.add.at(result, triangles[:, corner], outer)
    edges, uses, triangle = _edges(triangles, len(points))
    edges, triangle = edges[uses == 1], triangle[uses == 1]
    along = points[edges[:, 1]] - points[edges[:, 0]]
    upright = np.cross(along, normal[triangle])
    length = np.maximum(_lengths(upright), 1e-30)
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
    before, after = _faces(points, triangles[left]), _faces(points, moved[left])
    turned = (before * after).sum(axis=1) < 0.1 * _lengths(before) * _lengths(after) + 1e-16
    bad = np.zeros(len(points), bool)
    corner = triangles[left][turned]
    bad[corner[new[corner] != corner]] = True
    return bad


# -- the same area ----------------------------------------------------------------------------------------


def _fitted(source: Surface, points: Floats, triangles: Ints, owner: Any) -> tuple[Floats, Ints] | None:
    """Points moved so that the projected area is the source's; None where that cannot be."""
    label, stands_for = owner
    pieces = source.pieces
    total = len(pieces.counts)
    areas = _lengths(_faces(points, triangles))
    area, center, _ = _moments(points, triangles, areas, label, total)
    factor = stands_for / np.maximum(area, 1e-30)
    whose = np.zeros(len(points), np.int64)
    whose[triangles] = label[:, None]
    low = np.full(total, np.inf)
    high = np.full(total, -np.inf)
    of_point = _of_points(source)
    np.minimum.at(low, of_point, source.points[:, 1])
    np.maximum.at(high, of_point, source.points[:, 1])
    # What stands on y = 0 keeps standing there; all else stays around its middle.
    ground = -source.center[1] / source.radius
    below = (ground - low) / np.maximum(high - low, 1e-12)
    standing = (below > -0.02) & (below < 1 / 3)
    anchor = pieces.centers.copy()
    round_ = pieces.closed & (pieces.power < 1)
    shift = np.where(round_[:, None], pieces.centers - center, 0.0)
    anchor[standing, 1] = ground
    shift[standing, 1] = 0.0
    points = points + shift[whose]
    offset = points - anchor[whose]
    widened = np.einsum("vij,vj->vi", pieces.widening[whose], offset)
    ratio = 1.0
    for _ in range(6):
        scale = (factor * ratio) ** pieces.power
        placed = points + widened * (scale - 1)[whose][:, None]
        reach = float(_lengths(placed).max())
        if not reach < 1.45:
            return None
        error = silhouette(placed, triangles) / source.silhouette
        if abs(error - 1) < 0.005:
            break
        ratio /= error
    return (placed, triangles) if abs(error - 1) < AREA_ERROR else None


# -- the same looks ---------------------------------------------------------------------------------------


def _dressed(source: Surface, points: Floats, triangles: Ints, cluster: Ints) -> Mesh:
    """A mesh with the source's normals, colours and uvs, each averaged over the vertices that became one."""
    mesh = source.mesh
    corner, weight, of_new = _pairs(source, points, triangles, cluster)
    count = triangles.size
    normals = _sums(of_new, mesh.normals[corner] * weight[:, None], count)
    faces = _faces(points, triangles)
    areas = _lengths(faces)
    length = _lengths(normals)
    flat = np.repeat(faces / areas[:, None], 3, axis=0)
    normals = np.where(length[:, None] > 1e-9, normals / np.maximum(length, 1e-12)[:, None], flat)
    group = _merged(triangles.ravel(), normals)
    total = int(group.max()) + 1
    area = np.repeat(areas, 3)
    normal = _sums(group, normals * area[:, None], total)
    place = np.empty((total, 3))
    place[group] = points[triangles.ravel()]
    # Each pair's weight sums to 1 for each corner; corners count by the area of their triangle.
    pair = weight * area[of_new]
    whole = np.maximum(np.bincount(group[of_new], pair, total), 1e-30)[:, None]
    colors = _sums(group[of_new], source.colors[corner] * pair[:, None], total) / whole
    colors[:, :3] = _brightened(colors[:, :3], group.reshape(-1, 3), areas, source.light)
    uvs = _sums(group[of_new], mesh.uvs[corner] * pair[:, None], total) / whole
    colors[:, :3] = _encoded(colors[:, :3])
    return Mesh(
        place * source.radius + source.center,
        group.reshape(-1, 3),
        normal,
        uvs,
        np.rint(np.clip(colors, 0, 1) * 255).astype(np.uint8),
    )


def _pairs(source: Surface, points: Floats, triangles: Ints, cluster: Ints) -> tuple[Ints, Floats, Ints]:
    """The vertices of the source that each corner of the new triangles stands for.

    Returns for each pair the source's vertex, a weight (summing to 1 for each corner), and the corner. Those
    whose triangles face as the new one does weigh most, so that hard edges stay hard.
    """
    where = cluster[source.triangles].ravel()
    old = np.flatnonzero(where >= 0)
    old = old[np.argsort(where[old], kind="stable")]
    sizes = np.bincount(where[old], minlength=len(points))
    starts = np.cumsum(sizes) - sizes
    # A mean needs no more than some: of each vertex the first, and then one in so many.
    sparse = max(1, len(old) // MEMBERS)
    if sparse > 1:
        old = old[(np.arange(len(old)) - np.repeat(starts, sizes)) % sparse == 0]
        sizes = -(-sizes // sparse)
        starts = np.cumsum(sizes) - sizes
    corner = triangles.ravel()
    count = sizes[corner]
    of_new = np.repeat(np.arange(len(corner)), count)
    pair = old[np.arange(len(of_new)) - np.repeat(np.cumsum(count) - count, count) + starts[corner][of_new]]
    faces = _faces(points, triangles)
    unit = faces / _lengths(faces)[:, None]
    triangle = pair // 3
    facing = (source.faces[triangle] * unit[of_new // 3]).sum(axis=1)
    area = source.areas[triangle]
    weight = np.maximum(facing, 0.0) ** 2 / area + 1e-6 * area
    sums = np.bincount(of_new, weight, len(corner))
    return source.corners.ravel()[pair], weight / np.maximum(sums, 1e-30)[of_new], of_new


def _merged(vertex: Ints, normals: Floats) -> Ints:
    """(c,): a number for each corner, the same for those at one vertex whose normals are much the same."""
    group = np.full(len(vertex), -1)
    total = 0
    left = np.arange(len(vertex))
    while len(left):
        _, first, inverse = np.unique(vertex[left], return_index=True, return_inverse=True)
        leader = left[first][inverse.reshape(-1)]
        near = ((normals[left] * normals[leader]).sum(axis=1) > SMOOTH) | (leader == left)
        group[left[near]] = total + inverse.reshape(-1)[near]
        total += len(first)
        left = left[~near]
    return group


def _brightened(colors: Floats, triangles: Ints, areas: Floats, wanted: Floats) -> Floats:
    """Colours scaled so that their mean over the area is `wanted`, as far as white allows."""
    for _ in range(3):
        mean = _mean_color(colors, triangles, areas)
        colors = np.clip(colors * (wanted / np.maximum(mean, 1e-9)), 0.0, 1.0)
    return colors


def _mean_color(colors: Floats, triangles: Ints, areas: Floats) -> Floats:
    weight = np.bincount(triangles.ravel(), np.repeat(areas, 3), len(colors))
    return np.asarray(weight @ colors / weight.sum())


def _encoded(light: Floats) -> Floats:
    """sRGB of linear light, both 0..1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


_BYTES = np.arange(256) / 255.0
LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)


# -- small things -----------------------------------------------------------------------------------------


def _faces(points: Floats, triangles: Ints) -> Floats:
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    return np.asarray(np.cross(b - a, c - a) / 2)


def _lengths(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def _sums(where: Ints, values: npt.NDArray[Any], total: int) -> Floats:
    """(total, c): rows of `values` added up by `where`."""
    return np.stack([np.bincount(where, values[:, axis], total) for axis in range(values.shape[1])], axis=1)


def _edges(triangles: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """The edges (e, 2), how many triangles have each, and one of these."""
    start, end = triangles, triangles[:, [1, 2, 0]]
    key = (np.minimum(start, end) * size + np.maximum(start, end)).ravel()
    unique, first, uses = np.unique(key, return_index=True, return_counts=True)
    return np.column_stack([unique // size, unique % size]), uses, first // 3
