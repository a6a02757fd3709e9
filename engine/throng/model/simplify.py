"""One coarser mesh in the place of a finer one: fewer triangles, the same silhouette, colours and light.

Quadric error decimation (Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics", 1997)
alone is not enough for what stands far away: what is inscribed covers less, and what is thin disappears
first. So each connected piece of the mesh is simplified by itself, pieces too many are dropped, and those
that stay are widened until the projected area, averaged over all directions, is that of the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from throng.model.decimate import collapsed, decimated
from throng.model.mesh import Mesh
from throng.model.silhouette import Cuts, covered, cut, seen
from throng.model.triangles import (
    Floats,
    Ints,
    area_vectors,
    components,
    edges_of,
    lengths,
    moments,
    roots,
    sums,
)

LARGE = 40  # triangles of a closed piece from which on fast_simplification is quicker than `collapsed`
BORDERED = 1500  # triangles of an open piece that `collapsed` takes on by itself
CLOSED_LEAST = 4  # a tetrahedron
SLENDER = 2.0  # a piece this many times as long as wide is widened across, not lengthened
AREA_ERROR = 0.10  # of what is kept at all; what can be matched is matched within 1 %
MEMBERS = 30_000  # corners of the source that a level's normals and colours are averaged from
REACH = 1.45  # radii of the mesh that a level may reach
TORN = 0.2  # of the image: how far uvs at one place lie apart that are kept apart
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
    unbending: Floats  # (k, 3, 3): what flattens a slender sheet along its length; 1 for all else
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
        return area_vectors(self.points, self.triangles)

    @cached_property
    def areas(self) -> Floats:
        """(t,): the triangles' areas."""
        return lengths(self.faces)

    @cached_property
    def cuts(self) -> Cuts:
        """It, as silhouettes are measured."""
        return cut(self.points, self.triangles)

    @cached_property
    def covered(self) -> float:
        """The projected area, averaged over directions."""
        return covered(self.cuts)

    @cached_property
    def seen(self) -> tuple[Floats, Floats]:
        """Each (t, 3): how much of what is seen lies at each corner, of both sides and of front sides."""
        return seen(self.cuts, self.points, self.triangles)

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
        """(3,): the mean colour of what is seen, linear light."""
        return _mean(self.colors[:, :3], self.corners, self.seen[0])

    @cached_property
    def facing(self) -> Floats:
        """(3,): the mean normal of what is seen of front sides."""
        return _mean(self.mesh.normals, self.corners, self.seen[1])


def surface(mesh: Mesh) -> Surface | None:
    """`mesh` ready to be simplified; None where it has no area to speak of."""
    points = mesh.positions.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    center = (low + high) / 2
    radius = float(lengths(points - center).max())
    if not radius > 1e-30:
        return None
    points = (points - center) / radius
    # Rounded to a millionth, each point is one number: 21 bits a coordinate.
    cells = np.rint((points + 1.0) * 2.0**19).astype(np.int64)
    key = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]
    _, first, welded = np.unique(key, return_index=True, return_inverse=True)
    points, corners = points[first], mesh.indices.astype(np.int64)
    triangles = welded.reshape(-1)[corners].astype(np.int64)
    real = lengths(area_vectors(points, triangles)) > 1e-10
    return Surface(mesh, center, radius, points, triangles[real], corners[real]) if real.any() else None


def simplified(source: Surface, target: int) -> Mesh | None:
    """`source` with about `target` triangles; None where that comes out unlike it."""
    reduced = _reduced(source, target)
    if reduced is None:
        return None
    points = _fitted(source, reduced)
    return None if points is None else _dressed(source, reduced, points)


# -- pieces -----------------------------------------------------------------------------------------------


def _pieces(source: Surface) -> Pieces:
    points, triangles, areas = source.points, source.triangles, source.areas
    _, label = np.unique(components(len(points), triangles)[triangles[:, 0]], return_inverse=True)
    label = label.reshape(-1).astype(np.int64)
    total = int(label.max()) + 1
    counts = np.bincount(label, minlength=total)
    edges, uses, _ = edges_of(triangles, len(points))
    of_vertex = np.zeros(len(points), np.int64)
    of_vertex[triangles] = label[:, None]
    open_edges = np.bincount(of_vertex[edges[uses == 1][:, 0]], minlength=total)
    closed = open_edges == 0
    area, center, spread = moments(points, triangles, areas, label, total)
    normal = source.faces / areas[:, None]
    normals = sums(label, (normal[:, :, None] * source.faces[:, None, :]).reshape(-1, 9), total).reshape(
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
    bend = np.cross(along, across)
    bent = (slender & ~closed)[:, None, None] * (bend[:, :, None] * bend[:, None, :])
    least = np.where(closed, CLOSED_LEAST, np.where(slender, 2 - counts % 2, 2))
    power = np.where(slender, 1.0, 0.5)
    return Pieces(
        label, counts, area, center, closed, np.minimum(least, counts), widening, np.eye(3) - bent, power
    )


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
    # Rounded so that the sum stays: what one piece loses the next one gets. What is closed has an even
    # number, and a strip loses pairs: of a bent one, half a pair would be a triangle across the bend.
    unit = np.where(pieces.closed | (pieces.power == 1), 2, 1)[kept]
    steps = np.diff(np.floor(np.cumsum((share - low) / unit) + 0.5), prepend=0.0).astype(np.int64)
    budget = np.zeros(len(pieces.counts), np.int64)
    budget[kept] = np.clip(low + steps * unit, low, high)
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


@dataclass(frozen=True)
class _Reduced:
    """What is left of a surface."""

    points: Floats
    triangles: Ints
    label: Ints  # (t,): the piece of each triangle
    stands_for: Floats  # (k,): the area that each piece is to show; that of dropped ones is added to others
    cluster: Ints  # for each of the source's points what became of it, -1: nothing


def _reduced(source: Surface, target: int) -> _Reduced | None:
    """About `target` triangles, not moved yet; None where none is left."""
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
            triangles = decimated(positions, parent, triangles, goal, closed)
            (done if closed else small).append(triangles)
    if small:
        whose = _of_points(source)
        # A bent blade is simplified as if it were straight: or else its bend, wider than it, is what is kept.
        shape = np.einsum("vij,vj->vi", pieces.unbending[whose], positions)
        done.append(collapsed(shape, parent, np.concatenate(small), whose, budget))
    triangles = np.concatenate(done)
    triangles = triangles[lengths(area_vectors(positions, triangles)) > 1e-9]
    if not len(triangles):
        return None
    used, compact = np.unique(triangles, return_inverse=True)
    label = _of_points(source)[triangles[:, 0]]
    cluster = np.full(len(positions), -1)
    cluster[used] = np.arange(len(used))
    return _Reduced(positions[used], compact.reshape(-1, 3), label, stands_for, cluster[roots(parent)])


def _of_points(source: Surface) -> Ints:
    """(v,): the piece of each point."""
    label = np.zeros(len(source.points), np.int64)
    label[source.triangles] = source.pieces.label[:, None]
    return label


# -- the same area ----------------------------------------------------------------------------------------


def _fitted(source: Surface, reduced: _Reduced) -> Floats | None:
    """Points moved so that the projected area is the source's; None where that cannot be."""
    pieces, triangles = source.pieces, reduced.triangles
    total = len(pieces.counts)
    areas = lengths(area_vectors(reduced.points, triangles))
    area, center, _ = moments(reduced.points, triangles, areas, reduced.label, total)
    factor = reduced.stands_for / np.maximum(area, 1e-30)
    whose = np.zeros(len(reduced.points), np.int64)
    whose[triangles] = reduced.label[:, None]
    low, high = np.full(total, np.inf), np.full(total, -np.inf)
    for corner in range(3):
        height = source.points[source.triangles[:, corner], 1]
        np.minimum.at(low, pieces.label, height)
        np.maximum.at(high, pieces.label, height)
    # What stands on y = 0, or sunk in it, keeps standing there; all else stays around its middle.
    ground = -source.center[1] / source.radius
    below = (ground - low) / np.maximum(high - low, 1e-12)
    even = pieces.power < 1
    standing = (below > -0.02) & (below < 1 / 3) & even
    anchor = pieces.centers.copy()
    anchor[standing, 1] = ground
    shift = np.where((pieces.closed & even)[:, None], pieces.centers - center, 0.0)
    shift[standing, 1] = 0.0
    points = reduced.points + shift[whose]
    widened = np.einsum("vij,vj->vi", pieces.widening[whose], points - anchor[whose])
    ratio = 1.0
    for _ in range(6):
        scale = (factor * ratio) ** pieces.power
        placed = points + widened * (scale - 1)[whose][:, None]
        if not float(lengths(placed).max()) < REACH:
            return None
        error = covered(cut(placed, triangles)) / source.covered
        if abs(error - 1) < 0.005:
            break
        ratio /= error
    return placed if abs(error - 1) < AREA_ERROR else None


# -- the same looks ---------------------------------------------------------------------------------------


def _dressed(source: Surface, reduced: _Reduced, points: Floats) -> Mesh:
    """A mesh with the source's normals, colours and uvs, each averaged over the vertices that became one; uvs
    over those on one side of a seam.
    """
    mesh, triangles = source.mesh, reduced.triangles
    pairs, weight, of_new = _pairs(source, points, triangles, reduced.cluster)
    corner, count = source.corners.ravel()[pairs], triangles.size
    normals = sums(of_new, mesh.normals[corner] * weight[:, None], count)
    flats = area_vectors(points, triangles)
    areas = lengths(flats)
    length = lengths(normals)
    flat = np.repeat(flats / areas[:, None], 3, axis=0)
    normals = np.where(length[:, None] > 1e-9, normals / np.maximum(length, 1e-12)[:, None], flat)
    group = _merged(triangles.ravel(), normals, lambda one, other: (one * other).sum(axis=1) > SMOOTH)
    total = int(group.max()) + 1
    area = np.repeat(areas, 3)
    normal = sums(group, normals * area[:, None], total)
    normal /= np.maximum(lengths(normal), 1e-30)[:, None]
    place = np.empty((total, 3))
    place[group] = points[triangles.ravel()]
    group = group.reshape(-1, 3)
    both, front = seen(cut(points, triangles), points, triangles)
    # Each pair's weight sums to 1 for each corner; corners count by the area of their triangle.
    pair, whose = weight * area[of_new], group.ravel()[of_new]
    whole = np.maximum(np.bincount(whose, pair, total), 1e-30)[:, None]
    colors = sums(whose, source.colors[corner] * pair[:, None], total) / whole
    colors[:, :3] = _encoded(_brightened(colors[:, :3], group, both, source.light))
    normal = _turned(normal, group, front, source.facing)
    uvs, whose, group = _unfolded(source, points[triangles], pairs, weight, of_new, group)
    return Mesh(
        (place * source.radius + source.center)[whose],
        group,
        normal[whose],
        uvs,
        np.rint(np.clip(colors[whose], 0, 1) * 255).astype(np.uint8),
    )


def _unfolded(
    source: Surface, points: Floats, pairs: Ints, weight: Floats, of_new: Ints, vertices: Ints
) -> tuple[Floats, Ints, Ints]:
    """Uvs for the corners of new triangles, where each has those of one side of a seam, not the mean of both.

    points    (t, 3, 3): the new triangles
    vertices  (t, 3): which of theirs are the same
    pairs, weight, of_new  see `_pairs`

    Returns the uvs of as many vertices as that takes, (n, 2), which of the old each was, and the triangles.
    """
    mesh, count = source.mesh, vertices.size
    if not mesh.uvs.any():
        return np.zeros((int(vertices.max()) + 1, 2)), np.arange(int(vertices.max()) + 1), vertices
    given = mesh.uvs[source.corners.ravel()[pairs]].astype(np.float64)
    extent = max(float(np.ptp(mesh.uvs, axis=0).max()), 1e-6)
    # What weighs most in a triangle is on the side that it is on, and goes on as it does there; of what
    # weighs enough in a corner, what lies nearest to that is on the same side, if it lies near.
    ahead = _ahead(source, points, pairs[_best(weight, of_new // 3)], extent)
    enough = weight >= 0.1 * weight[_best(weight, of_new)][of_new]
    away = lengths(given - ahead[of_new])
    best = _best(np.where(enough, -away, -np.inf), of_new)
    middle = np.where((away[best] < 2 * TORN * extent)[:, None], given[best], ahead)
    near = TORN * extent
    share = weight / (((given - middle[of_new]) ** 2).sum(axis=1) + near**2) ** 4
    uvs = sums(of_new, given * share[:, None], count) / np.bincount(of_new, share, count)[:, None]
    uvs = np.where((lengths(uvs - middle) < 2 * near)[:, None], uvs, middle)
    which = _merged(vertices.ravel(), uvs, lambda one, other: lengths(one - other) < near)
    shares, whose = np.bincount(which), np.empty(int(which.max()) + 1, np.int64)
    whose[which] = vertices.ravel()
    return sums(which, uvs, len(shares)) / shares[:, None], whose, which.reshape(-1, 3)


def _ahead(source: Surface, points: Floats, first: Ints, extent: float) -> Floats:
    """(3t, 2): the uvs of the corners of (t, 3, 3) triangles as they would be where those of the source's
    corners `first`, (t,), go on evenly, but no further than an image and a half.
    """
    corners, triangles = source.corners[first // 3], source.triangles[first // 3]
    a, b, c = (source.points[triangles[:, number]] for number in range(3))
    uv_a, uv_b, uv_c = (source.mesh.uvs[corners[:, number]].astype(np.float64) for number in range(3))
    along, across = b - a, c - a
    dots = [(one * other).sum(axis=1) for one, other in ((along, along), (along, across), (across, across))]
    whole = np.maximum(dots[0] * dots[2] - dots[1] ** 2, 1e-30)
    start = source.points[source.triangles.ravel()[first]]
    away = points - start[:, None]
    on_along, on_across = (away * along[:, None]).sum(axis=2), (away * across[:, None]).sum(axis=2)
    one = (on_along * dots[2][:, None] - on_across * dots[1][:, None]) / whole[:, None]
    other = (on_across * dots[0][:, None] - on_along * dots[1][:, None]) / whole[:, None]
    moved = one[..., None] * (uv_b - uv_a)[:, None] + other[..., None] * (uv_c - uv_a)[:, None]
    length = lengths(moved.reshape(-1, 2)).reshape(-1, 3, 1)
    moved *= np.minimum(1.5 * extent / np.maximum(length, 1e-30), 1.0)
    began = source.mesh.uvs[source.corners.ravel()[first]].astype(np.float64)
    return np.asarray((began[:, None] + moved).reshape(-1, 2))


def _best(values: Floats, group: Ints) -> Ints:
    """(g,): where in each group the largest value is."""
    order = np.lexsort((values, group))
    return order[np.flatnonzero(np.diff(np.append(group[order], -1)))]


def _pairs(source: Surface, points: Floats, triangles: Ints, cluster: Ints) -> tuple[Ints, Floats, Ints]:
    """The corners of the source that each corner of the new triangles stands for.

    Returns for each pair the source's corner, of all in a row, a weight (summing to 1 for each corner), and
    the corner. Those whose triangles face as the new one does weigh most, so that hard edges stay hard.
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
    flats = area_vectors(points, triangles)
    unit = flats / lengths(flats)[:, None]
    triangle = pair // 3
    facing = (source.faces[triangle] * unit[of_new // 3]).sum(axis=1)
    area = source.areas[triangle]
    # What is hidden inside does not darken what is seen.
    shown = source.seen[0].ravel()[pair] + 0.03 * area / source.areas.sum()
    weight = shown * ((np.maximum(facing, 0.0) / area) ** 2 + 1e-6)
    sums = np.bincount(of_new, weight, len(corner))
    return pair, weight / np.maximum(sums, 1e-30)[of_new], of_new


def _merged(vertex: Ints, values: Floats, near: Callable[[Floats, Floats], npt.NDArray[np.bool_]]) -> Ints:
    """(c,): a number for each corner, the same for those at one vertex whose values are near each other."""
    group = np.full(len(vertex), -1)
    total = 0
    left = np.arange(len(vertex))
    while len(left):
        _, first, inverse = np.unique(vertex[left], return_index=True, return_inverse=True)
        leader = left[first][inverse.reshape(-1)]
        same = near(values[left], values[leader]) | (leader == left)
        group[left[same]] = total + inverse.reshape(-1)[same]
        total += len(first)
        left = left[~same]
    return group


def _brightened(colors: Floats, corners: Ints, share: Floats, wanted: Floats) -> Floats:
    """Colours scaled so that their mean over what is seen is `wanted`, as far as white allows."""
    for _ in range(3):
        mean = _mean(colors, corners, share)
        colors = np.clip(colors * (wanted / np.maximum(mean, 1e-9)), 0.0, 1.0)
    return colors


def _turned(normals: Floats, corners: Ints, share: Floats, wanted: Floats) -> Floats:
    """Normals all drawn the same way, so that their mean over what is seen is `wanted`."""
    pull = np.zeros(3)
    for _ in range(5):
        result = normals + pull
        result /= np.maximum(lengths(result), 1e-9)[:, None]
        pull += wanted - _mean(result, corners, share)
        pull /= max(1.0, float(lengths(pull)) / 0.6)
    return result


def _mean(values: npt.NDArray[Any], corners: Ints, share: Floats) -> Floats:
    """The mean of what (v, c) `values` are at the corners, of which there is so much each."""
    return np.asarray(np.bincount(corners.ravel(), share.ravel(), len(values)) @ values)


def _encoded(light: Floats) -> Floats:
    """sRGB of linear light, both 0..1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


_BYTES = np.arange(256) / 255.0
LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)
