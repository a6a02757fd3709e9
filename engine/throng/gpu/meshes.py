"""All meshes in one vertex buffer and one index buffer, so that one multi-draw can draw them all.

Faces and sides. Culling of back faces is always on. A mesh that may be seen from behind, because its
material is double-sided or an instance mirrors it, has its triangles a second time in reversed order. Which
way the normal points must then differ between a triangle and its reverse, though they share their vertices:
each vertex has a side, + or -, and triangles are written so that the vertex whose side counts (the last:
OpenGL's provoking vertex) is a + in a front triangle and a - in a reversed one. So the shaders need neither
twice the vertices nor gl_FrontFacing nor gl_PrimitiveID, which costs 1.3 times the frame on llvmpipe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import moderngl
import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.gpu.context import checked_buffer
from throng.layout import VERTEX
from throng.model.mesh import Mesh

Indices = npt.NDArray[np.uint32]
Key = tuple[bytes, bool, int]

_WORTH_KEEPING = 1 << 14  # vertices below which nothing is ever thrown away


@dataclass(frozen=True)
class IndexRange:
    first: int
    count: int


@dataclass(frozen=True)
class Want:
    """A mesh as it has to lie in the pool.

    two_sided  whether any of its triangles may be seen from behind, or mirrored
    part       which part of its model it is: the side of its vertices is + or - one more than that
    """

    mesh: Mesh
    two_sided: bool
    part: int = 0

    @property
    def key(self) -> Key:
        return self.mesh.key, self.two_sided, self.part


@dataclass(frozen=True)
class MeshSlot:
    """Where a mesh lies in the shared buffers. `back` and `both` are empty unless it is two-sided."""

    front: IndexRange
    back: IndexRange
    both: IndexRange
    colored: bool

    def faces(self, *, double_sided: bool, mirrored: bool) -> IndexRange:
        """The triangles to draw for instances that mirror, or do not."""
        if double_sided:
            return self.both
        return self.back if mirrored else self.front


class MeshPool:
    """The shared vertex and index buffers. Indices are absolute, so that plain draws can use them as well.

    version  changes when the buffers are other ones
    epoch    changes when meshes have lost their places
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._slots: dict[Key, MeshSlot] = {}
        self._sizes: dict[Key, int] = {}  # vertices
        self._wanted: dict[int, set[Key]] = {}
        self._vertices_used = self._indices_used = 0
        self.vertices = checked_buffer(ctx, reserve=VERTEX.itemsize << 12, purpose="vertices", dynamic=False)
        self.indices = checked_buffer(ctx, reserve=4 << 14, purpose="indices", dynamic=False)
        self.version = self.epoch = 0
        self.uploaded_bytes = 0

    def slot(self, want: Want) -> MeshSlot:
        """Where that mesh lies; it is uploaded when first asked for."""
        key = want.key
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._upload(key, want)
        return slot

    def retain(self, owner: object, wanted: Iterable[Want]) -> None:
        """`owner` needs these meshes, and no longer what it needed before.

        Starts afresh, in another epoch, where most of what lies here is no longer wanted by anybody.
        """
        self._wanted[id(owner)] = {want.key for want in wanted}
        kept = sum(self._sizes[key] for key in set().union(*self._wanted.values()) if key in self._sizes)
        if self._vertices_used < _WORTH_KEEPING or kept * 2 >= self._vertices_used:
            return
        self._slots.clear()
        self._sizes.clear()
        self._vertices_used = self._indices_used = 0
        self.epoch += 1

    def forget(self, owner: object) -> None:
        """`owner` needs nothing any more."""
        self._wanted.pop(id(owner), None)

    def release(self) -> None:
        self.vertices.release()
        self.indices.release()

    def _upload(self, key: Key, want: Want) -> MeshSlot:
        mesh, two_sided = want.mesh, want.two_sided
        if two_sided:
            source, sides, front, back = two_sided_triangles(mesh.indices, mesh.vertex_count)
        else:
            source, front = np.arange(mesh.vertex_count), mesh.indices
            sides, back = np.ones(mesh.vertex_count, np.float32), mesh.indices[:0]
        vertices = np.empty(len(source), VERTEX)
        vertices["position"] = mesh.positions[source]
        vertices["normal"] = mesh.normals[source]
        vertices["side"] = sides * (1 + want.part)
        vertices["uv"] = mesh.uvs[source]
        vertices["color"] = math3d.linear_color(mesh.colors[source] / 255.0)
        both = np.stack([front, back], axis=1) if two_sided else back
        indices = np.concatenate([part.reshape(-1) for part in (front, back, both)]).astype(np.uint32)
        first = self._append(vertices, indices + np.uint32(self._vertices_used))
        self._sizes[key] = len(vertices)
        return MeshSlot(
            IndexRange(first, front.size),
            IndexRange(first + front.size, back.size),
            IndexRange(first + front.size + back.size, both.size),
            colored=bool((mesh.colors != 255).any()),
        )

    def _append(self, vertices: npt.NDArray[np.void], indices: Indices) -> int:
        first = self._indices_used
        vertex_offset = self._vertices_used * VERTEX.itemsize
        self.vertices = self._grown(self.vertices, vertex_offset, vertices.nbytes, "vertices")
        self.indices = self._grown(self.indices, first * 4, indices.nbytes, "indices")
        self.vertices.write(vertices, offset=vertex_offset)
        self.indices.write(indices, offset=first * 4)
        self._vertices_used += len(vertices)
        self._indices_used += len(indices)
        self.uploaded_bytes += vertices.nbytes + indices.nbytes
        return first

    def _grown(self, buffer: moderngl.Buffer, used: int, extra: int, purpose: str) -> moderngl.Buffer:
        if used + extra <= buffer.size:
            return buffer
        larger = checked_buffer(
            self._ctx, reserve=max(used + extra, 2 * buffer.size), purpose=purpose, dynamic=False
        )
        if used:
            self._ctx.copy_buffer(larger, buffer, size=used)
        buffer.release()
        self.version += 1
        return larger


def two_sided_triangles(
    triangles: Indices, count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], Indices, Indices]:
    """Sides for the vertices, and the triangles in front and reversed order, each ending on its side.

    Returns (source, sides, front, back): for each vertex the one that it is a copy of, and its side; front
    triangles end on a vertex of side +1, reversed ones on -1. Only a triangle whose corners are all of one
    side costs a vertex of its own: neighbours in strips and fans alternate by themselves, and a few rounds
    of flipping corners settle most others.
    """
    sides = _alternating_sides(triangles, count)
    source = np.arange(count)
    corners = sides[triangles]
    lacking = np.flatnonzero(np.abs(corners.sum(axis=1)) == 3)
    extra = triangles[lacking, 0]
    copies = count + np.arange(len(lacking))
    source = np.concatenate([source, extra])
    sides = np.concatenate([sides, -sides[extra]])

    def ending_on(order: Indices, side: int) -> Indices:
        ends = order.astype(np.int64)
        needed = lacking[sides[extra] == -side] if len(lacking) else lacking
        if len(needed):
            place = np.argmax(ends[needed] == triangles[needed, 0][:, None], axis=1)
            ends[needed, place] = copies[sides[extra] == -side]
        last = np.argmax(sides[ends] == side, axis=1)
        turns = (last[:, None] + 1 + np.arange(3)) % 3
        return np.take_along_axis(ends, turns, axis=1).astype(np.uint32)

    return source, sides.astype(np.float32), ending_on(triangles, 1), ending_on(triangles[:, ::-1], -1)


def _alternating_sides(triangles: Indices, count: int) -> npt.NDArray[np.int64]:
    """(count,) +1 or -1, so that few triangles have three corners of one side."""
    sides = np.where(np.arange(count) % 2 == 0, 1, -1)
    best, fewest = sides, len(triangles) + 1
    for attempt in range(8):
        lacking = np.flatnonzero(np.abs(sides[triangles].sum(axis=1)) == 3)
        if len(lacking) < fewest:
            best, fewest = sides.copy(), len(lacking)
        if not len(lacking):
            break
        flipped = np.unique(triangles[lacking, attempt % 3])
        sides[flipped] *= -1
    return best
