"""Meshes and models: the frozen shapes that nodes and crowds stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays
from throng.errors import InvalidType, InvalidValue, UsageError
from throng.layout import MAX_LEVELS
from throng.model.material import Material


class Mesh:
    """Triangles. Frozen: its arrays are read-only, and two meshes of equal content are equal.

    positions  (v, 3) float32, metres
    indices    (t, 3) or (3t,) integers in 0..v-1, counter-clockwise seen from outside
    normals    (v, 3) float32; normalised on entry; made from the triangles, smooth across shared vertices,
               where none are given
    uvs        (v, 2) float32, (0, 0) at the lower left of the image; zeros where none are given
    colors     (v, 3) or (v, 4): vertex colours, sRGB as everywhere, multiplied in linear light with the
               material's and the instance's colour; white where none are given
    lods       up to four coarser meshes, finest first, each of fewer triangles than the one before, drawn
               in its place where it is small. Where none are given, they are made of a mesh of 60 triangles
               or more when 32 instances of it are first drawn

    Raises InvalidValue, InvalidType or InvalidIndex, naming the argument.
    """

    def __init__(
        self,
        positions: npt.ArrayLike,
        indices: npt.ArrayLike,
        normals: npt.ArrayLike | None = None,
        uvs: npt.ArrayLike | None = None,
        colors: npt.ArrayLike | None = None,
        *,
        lods: Sequence[Mesh] = (),
    ) -> None:
        self.positions = _frozen(arrays.floats(positions, "positions", ("v", 3)))
        count = len(self.positions)
        if count == 0:
            raise InvalidValue("positions: expected at least one vertex, got 0")
        self.indices = _frozen(_triangles(indices, count))
        if normals is None:
            self.normals = _frozen(_smooth_normals(self.positions, self.indices))
        else:
            self.normals = _frozen(_unit_normals(arrays.floats(normals, "normals", (count, 3))))
        self.uvs = _frozen(
            np.zeros((count, 2), np.float32) if uvs is None else arrays.floats(uvs, "uvs", (count, 2))
        )
        self.colors = _frozen(
            np.full((count, 4), 255, np.uint8)
            if colors is None
            else arrays.opaque(arrays.color_bytes(colors, "colors", (count, 3), (count, 4)))
        )
        if not isinstance(lods, Sequence):
            raise InvalidType(f"lods: expected a sequence of Meshes, got {arrays.described(lods)}")
        self.lods = tuple(lods)
        self._check_lods()

    def _check_lods(self) -> None:
        finer = self.triangle_count
        for number, lod in enumerate(self.lods):
            if not isinstance(lod, Mesh):
                raise InvalidType(f"lods[{number}]: expected a Mesh, got {arrays.described(lod)}")
            if lod.lods:
                raise InvalidValue(
                    f"lods[{number}]: expected a mesh without lods, got one with {len(lod.lods)}"
                )
            if lod.triangle_count >= finer:
                raise InvalidValue(
                    f"lods[{number}]: expected fewer triangles than the {finer} of the mesh before it, got "
                    f"{lod.triangle_count}"
                )
            finer = lod.triangle_count
        if len(self.lods) >= MAX_LEVELS:
            raise InvalidValue(f"lods: expected at most {MAX_LEVELS - 1} meshes, got {len(self.lods)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise UsageError(f"{name}: expected a mesh to stay as it was made, got a new value: make another")
        super().__setattr__(name, value)

    @property
    def vertex_count(self) -> int:
        """How many vertices there are."""
        return len(self.positions)

    @property
    def triangle_count(self) -> int:
        """How many triangles there are, LODs left out."""
        return len(self.indices)

    @cached_property
    def bounds(self) -> npt.NDArray[np.float32]:
        """(2, 3): the lowest and the highest corner of the axis-aligned box around all vertices, metres."""
        return _frozen(np.stack([self.positions.min(axis=0), self.positions.max(axis=0)]))

    @cached_property
    def sphere(self) -> tuple[npt.NDArray[np.float64], float]:
        """Centre (3,) and radius of a sphere around all vertices: the box's centre, metres."""
        center = self.bounds.astype(np.float64).mean(axis=0)
        return _frozen(center), float(np.linalg.norm(self.positions - center, axis=1).max())

    @cached_property
    def furthest(self) -> float:
        """Metres from the mesh's origin to its furthest vertex."""
        return float(np.linalg.norm(self.positions.astype(np.float64), axis=1).max())

    @cached_property
    def key(self) -> bytes:
        """A digest of the content; what makes two meshes the same."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.positions, self.indices, self.normals, self.uvs, self.colors):
            digest.update(f"{part.shape}{part.dtype}".encode())
            digest.update(part.tobytes())
        for lod in self.lods:
            digest.update(lod.key)
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Mesh) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<Mesh of {self.vertex_count} vertices and {self.triangle_count} triangles>"


class Model:
    """Several meshes, each with a material, that move as one: a trunk and its leaves.

    parts  (mesh, material) pairs, at least one

    A Model is taken wherever a Mesh is: one set of columns, one id, several parts.
    """

    def __init__(self, parts: Iterable[tuple[Mesh, Material]]) -> None:
        if not isinstance(parts, Iterable):
            raise InvalidType(f"parts: expected (mesh, material) pairs, got {arrays.described(parts)}")
        self.parts: tuple[tuple[Mesh, Material], ...] = tuple(
            _part(part, number) for number, part in enumerate(parts)
        )
        if not self.parts:
            raise InvalidValue("parts: expected at least one (mesh, material) pair, got none")

    @property
    def triangle_count(self) -> int:
        """How many triangles all parts have."""
        return sum(mesh.triangle_count for mesh, _ in self.parts)

    @cached_property
    def bounds(self) -> npt.NDArray[np.float32]:
        """(2, 3): the box around all parts, metres."""
        boxes = np.stack([mesh.bounds for mesh, _ in self.parts])
        return _frozen(np.stack([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"<Model of {len(self.parts)} parts and {self.triangle_count} triangles>"


Parts = tuple[tuple[Mesh, Material], ...]


def parts_of(mesh: Any, material: Any, where: str = "mesh") -> Parts:
    """The (mesh, material) pairs that `mesh` stands for; `material`, where given, is for all of them."""
    if material is not None and not isinstance(material, Material):
        raise InvalidType(f"material: expected a Material, got {arrays.described(material)}")
    if isinstance(mesh, Mesh):
        return ((mesh, material if material is not None else DEFAULT_MATERIAL),)
    if isinstance(mesh, Model):
        if material is None:
            return mesh.parts
        return tuple((part, material) for part, _ in mesh.parts)
    raise InvalidType(f"{where}: expected a Mesh or a Model, got {arrays.described(mesh)}")


DEFAULT_MATERIAL = Material()


def _part(part: Any, number: int) -> tuple[Mesh, Material]:
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise InvalidType(f"parts[{number}]: expected (mesh, material), got {arrays.described(part)}")
    mesh, material = part
    if not isinstance(mesh, Mesh):
        raise InvalidType(f"parts[{number}][0]: expected a Mesh, got {arrays.described(mesh)}")
    if not isinstance(material, Material):
        raise InvalidType(f"parts[{number}][1]: expected a Material, got {arrays.described(material)}")
    return mesh, material


def _triangles(value: npt.ArrayLike, count: int) -> npt.NDArray[np.uint32]:
    array = arrays.integers(value, "indices")
    if array.shape[1:] not in ((), (3,)) or array.ndim == 0 or array.size % 3:
        raise InvalidValue(f"indices: expected shape (t, 3) or (3t,), got {array.shape}")
    if array.size == 0:
        raise InvalidValue("indices: expected at least one triangle, got 0")
    flat = arrays.indices(array.reshape(-1), "indices", count)
    return flat.astype(np.uint32).reshape(-1, 3)


def _unit_normals(normals: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(normals.astype(np.float64), axis=1)
    zero = np.flatnonzero(lengths < 1e-20)
    if zero.size:
        raise InvalidValue(f"normals: expected normals other than zero, got zero in row {zero[0]}")
    return np.asarray(normals / lengths[:, None], np.float32)


def _smooth_normals(
    positions: npt.NDArray[np.float32], triangles: npt.NDArray[np.uint32]
) -> npt.NDArray[np.float32]:
    """Vertex normals weighted by the area of the triangles around them; up where there is no area."""
    a, b, c = (positions[triangles[:, corner]].astype(np.float64) for corner in range(3))
    faces = np.cross(b - a, c - a)
    sums = np.zeros((len(positions), 3))
    for corner in range(3):
        np.add.at(sums, triangles[:, corner], faces)
    lengths = np.linalg.norm(sums, axis=1)
    sums[lengths < 1e-30] = (0.0, 1.0, 0.0)
    return (sums / np.where(lengths < 1e-30, 1.0, lengths)[:, None]).astype(np.float32)


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy
