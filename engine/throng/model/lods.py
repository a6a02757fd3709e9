"""Levels of detail: what is drawn in place of a mesh where it is small.

Making them takes milliseconds (`model/simplify.py`), so they are kept: in memory as long as the mesh lives,
and on disk, by the digest of its content.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from throng.layout import MAX_LEVELS
from throng.model.mesh import Mesh
from throng.model.simplify import simplified, surface

Packed = dict[str, npt.NDArray[Any]]

# Part of the names of files on disk: to be raised whenever other levels come out.
VERSION = 4

FEWEST = 60  # triangles of a mesh that is worth a coarser one: it becomes a splat before it would need one
COARSEST = 24  # triangles of the last level, more or less
NARROWEST_STEP, WIDEST_STEP = 2.5, 4.0  # times fewer triangles in the next level; more where it must be
CLEARLY = 0.75  # of the triangles of the level before: one that has more than that is left out

_kept: WeakKeyDictionary[Mesh, tuple[Mesh, ...]] = WeakKeyDictionary()
_one_at_a_time = threading.Lock()  # fast_simplification keeps its mesh in one global variable


def levels(mesh: Mesh) -> tuple[Mesh, ...]:
    """`mesh` and its coarser levels, finest first, at most MAX_LEVELS.

    Levels that the mesh was given (`Mesh(lods=...)`) are taken as they are.
    Otherwise they are made: 2.5 to 4 times fewer triangles each (more for large meshes), down to about 24,
    with the projected area, the colours and the normals of the mesh. A mesh of fewer than 60 triangles has
    none, and one that cannot be simplified has fewer; neither is an error.

    Those made are kept in memory as long as the mesh lives, and in files in the folder named by the
    environment variable THRONG_CACHE, by default `throng/lods` where the system keeps its caches; an empty
    THRONG_CACHE switches the files off. A folder that cannot be written to and a file that cannot be read are
    no errors.
    """
    if mesh.lods:
        return (mesh, *mesh.lods)
    if mesh.triangle_count < FEWEST:
        return (mesh,)
    with _one_at_a_time:
        coarser = _kept.get(mesh)
        if coarser is None:
            path = _path(mesh)
            coarser = None if path is None else _read(path, mesh)
            if coarser is None:
                packed = _packed(mesh, _made(mesh))
                # As read from the file, to the last bit: normals are normalised each time a Mesh is made.
                coarser = _unpacked(packed, mesh)
                if path is not None:
                    _write(path, packed)
            _kept[mesh] = coarser  # without the mesh itself, which would never be forgotten
    return (mesh, *coarser)


def switch_size(level: Mesh) -> float:
    """The projected diameter in pixels below which `level` is detailed enough.

    2 x sqrt(triangles): a triangle, of which half face away, is then two pixels large or less.
    """
    return 2.0 * math.sqrt(level.triangle_count)


def _targets(triangles: int) -> list[int]:
    """How many triangles the coarser levels should have."""
    ratio = triangles / COARSEST
    steps = math.ceil(math.log(ratio, WIDEST_STEP) - 0.1)
    steps = min(max(steps, 1), MAX_LEVELS - 1)
    factor = max(NARROWEST_STEP, ratio ** (1 / steps))
    return [round(triangles / factor ** (number + 1)) for number in range(steps)]


def _made(mesh: Mesh) -> tuple[Mesh, ...]:
    result: list[Mesh] = []
    source = surface(mesh)
    if source is None or len(source.triangles) < FEWEST:
        return ()
    before = mesh.triangle_count
    for target in _targets(len(source.triangles)):
        try:
            level = simplified(source, target)
        except (
            Exception
        ):  # whatever a mesh does to the arithmetic or to fast_simplification: it is drawn as it is
            continue
        if level is not None and level.triangle_count <= CLEARLY * before:
            result.append(level)
            before = level.triangle_count
    return tuple(result)


# -- files ------------------------------------------------------------------------------------------------


def _folder() -> Path | None:
    """Where the files are; None where there shall be none."""
    named = os.environ.get("THRONG_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "throng" / "lods"


def _path(mesh: Mesh) -> Path | None:
    folder = _folder()
    return None if folder is None else folder / f"{mesh.key.hex()}-{VERSION}.npz"


# All levels in one array each: an array in an .npz costs 0.1 ms.
_COLUMNS = ("positions", "normals", "uvs", "colors", "indices")


def _packed(mesh: Mesh, coarser: Sequence[Mesh]) -> Packed:
    packed: Packed = {
        name: np.concatenate([getattr(mesh, name)[:0], *(getattr(level, name) for level in coarser)])
        for name in _COLUMNS
    }
    counts = [(level.vertex_count, level.triangle_count) for level in coarser]
    packed["counts"] = np.array(counts, np.int64).reshape(-1, 2)
    packed["key"] = np.frombuffer(mesh.key, np.uint8)
    return packed


def _unpacked(packed: Packed, mesh: Mesh) -> tuple[Mesh, ...]:
    """The levels in `packed`; ValueError, or what Mesh raises, where they are none of `mesh`."""
    if packed["key"].tobytes() != mesh.key:
        raise ValueError("the levels of another mesh")
    result = []
    vertex = triangle = 0
    for vertices, triangles in packed["counts"].tolist():
        if vertices <= 0 or triangles <= 0:
            raise ValueError("a level of nothing")
        rows = slice(vertex, vertex + vertices)
        positions, normals, uvs, colors = (packed[name][rows] for name in _COLUMNS[:4])
        result.append(
            Mesh(positions, packed["indices"][triangle : triangle + triangles], normals, uvs, colors)
        )
        vertex, triangle = vertex + vertices, triangle + triangles
    if len(result) >= MAX_LEVELS or (vertex, triangle) != (
        len(packed["positions"]),
        len(packed["indices"]),
    ):
        raise ValueError("other levels than were counted")
    return tuple(result)


def _write(path: Path, packed: Packed) -> None:
    # As files.whole does it, which lies above this layer: whoever reads finds all of it or nothing.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".npz")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **packed)  # type: ignore[arg-type]
        os.replace(temporary, path)
    except OSError:  # a full disk
        with suppress(OSError):
            os.unlink(temporary)


def _read(path: Path, mesh: Mesh) -> tuple[Mesh, ...] | None:
    """The levels in the file; None where there is none, or it is not what was written for this mesh."""
    if not path.is_file():
        return None
    try:
        # Opened here: NumPy leaves what is no archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            packed = {name: file[name] for name in (*_COLUMNS, "counts", "key")}
        return _unpacked(packed, mesh)
    except Exception:  # NumPy, zipfile and zlib have an error each for each byte that is not as it was
        return None
