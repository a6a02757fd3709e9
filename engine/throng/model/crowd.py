"""Crowds: nodes that stand for many instances of one mesh, kept in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays, math3d
from throng.errors import InvalidIndex, InvalidType, InvalidValue, UsageError
from throng.model.column import ColorColumn, Column, RotationColumn, int32, read_only
from throng.model.graph import _IDENTITY, _ONE, _ORIGIN, _WHITE, Node
from throng.model.material import Material
from throng.model.mesh import Mesh, Model
from throng.model.versions import tick

MAX_INSTANCES = 2**31 - 1  # ids are int32 in pictures


class Crowd(Node):
    """A node that stands for n instances of a mesh, drawn under its own transform.

    mesh       a Mesh or a Model
    positions  (n, 3), metres, relative to the node
    rotations  (n, 4) quaternions (x, y, z, w), normalised on entry; none turned where not given
    scales     (n,) or (n, 3)
    colors     (n, 3) or (n, 4), sRGB: a uint8 array counts 0..255, anything else 0..1
    columns    custom columns by name: (n,) or (n, k) with k up to 4, float32, or int32 where integers come.
               Textures read two: "layer", (n,) integers, which image; "uv_offset", (n, 2) floats
    position, rotation, scale, color, name  of the node, as Node; the colour multiplies every instance's

    The arrays are copied and rounded to float32; colours are kept as bytes. n may be 0, and a crowd is true
    even then. Write through the columns (`crowd.positions[3] = ...`, `crowd.positions[:, 1] += 0.1`) or set
    one as a whole (`crowd.positions = ...`): what changed is tracked and uploaded by itself.

    Raises InvalidValue, InvalidType or InvalidIndex, naming the argument.
    """

    __slots__ = (
        "_colors",
        "_custom",
        "_ids",
        "_next_instance",
        "_positions",
        "_rotations",
        "_scales",
        "_shape",
    )

    def __init__(
        self,
        mesh: Mesh | Model,
        material: Material | None = None,
        *,
        positions: npt.ArrayLike,
        rotations: npt.ArrayLike | None = None,
        scales: npt.ArrayLike | None = None,
        colors: npt.ArrayLike | None = None,
        columns: Mapping[str, npt.ArrayLike] | None = None,
        position: npt.ArrayLike = _ORIGIN,
        rotation: npt.ArrayLike = _IDENTITY,
        scale: npt.ArrayLike = _ONE,
        color: npt.ArrayLike = _WHITE,
        name: str = "",
    ) -> None:
        if mesh is None:
            raise InvalidType("mesh: expected a Mesh or a Model, got NoneType None")
        super().__init__(
            mesh, material, position=position, rotation=rotation, scale=scale, color=color, name=name
        )
        places = arrays.floats(positions, "positions", ("n", 3))
        count = len(places)
        _check_count(count)
        self._positions = Column("positions", count, np.zeros(3, np.float32))
        self._positions.replace(places, positions)
        self._rotations = RotationColumn("rotations", count, np.array(_IDENTITY, np.float32))
        self._scales = Column("scales", count, np.ones((), np.float32))
        self._colors = ColorColumn("colors", count, np.full(4, 255, np.uint8))
        self._custom = CustomColumns()
        self._ids = Column("ids", count, np.zeros((), np.int32))  # absent while they are 0..n-1
        self._next_instance = count
        self._shape = tick()
        if rotations is not None:
            self.rotations = rotations
        if scales is not None:
            self.scales = scales
        if colors is not None:
            self.colors = colors
        for key, value in _named(columns).items():
            self._custom._columns[key] = _custom_column(key, value, count)

    # -- columns -----------------------------------------------------------------------------------

    @property
    def positions(self) -> Column:
        """(n, 3) float32, metres."""
        return self._positions

    @positions.setter
    def positions(self, value: npt.ArrayLike) -> None:
        if value is self._positions:  # `crowd.positions += 1` has written already
            return
        self._put(self._positions, arrays.floats(value, "positions", (len(self), 3)), value)

    @property
    def rotations(self) -> Column:
        """(n, 4) float32 unit quaternions (x, y, z, w). Set to None, nothing is turned."""
        return self._rotations

    @rotations.setter
    def rotations(self, value: npt.ArrayLike | None) -> None:
        if value is self._rotations:
            return
        if value is None:
            _expect_unlent(self._rotations)
            self._rotations.drop()
            return
        given = arrays.floats(value, "rotations", (len(self), 4))
        self._put(self._rotations, arrays.normalize_quaternions(given, "rotations"), value)

    @property
    def scales(self) -> Column:
        """(n,) or (n, 3) float32. Set to None, all are 1."""
        return self._scales

    @scales.setter
    def scales(self, value: npt.ArrayLike | None) -> None:
        if value is self._scales:
            return
        if value is None:
            _expect_unlent(self._scales)
            self._scales.drop()
            return
        self._put(self._scales, arrays.floats(value, "scales", (len(self),), (len(self), 3)), value)

    @property
    def colors(self) -> Column:
        """(n, 4), sRGB with straight alpha; read as float32 0..1, kept as bytes. Set to None: white."""
        return self._colors

    @colors.setter
    def colors(self, value: npt.ArrayLike | None) -> None:
        if value is self._colors:
            return
        if value is None:
            _expect_unlent(self._colors)
            self._colors.drop()
            return
        given = arrays.color_bytes(value, "colors", (len(self), 3), (len(self), 4))
        self._put(self._colors, arrays.opaque(given), value)

    @property
    def columns(self) -> CustomColumns:
        """The custom columns by name; `crowd.columns["heat"] = values` writes all rows of one."""
        return self._custom

    def present_columns(self) -> dict[str, Column]:
        """The columns that have rows of their own, by name: what the crowd costs memory for."""
        columns = (*self._all_columns(), self._ids)
        return {column.name: column for column in columns if column.present}

    @property
    def shape(self) -> int:
        """Version of the number of rows, of the ids, and of which columns there are and how wide."""
        return max(self._shape, *(column.layout for column in self._all_columns()))

    def _all_columns(self) -> tuple[Column, ...]:
        return self._positions, self._rotations, self._scales, self._colors, *self._custom.values()

    def _put(self, column: Column, values: npt.NDArray[Any], given: npt.ArrayLike) -> None:
        _expect_unlent(column)
        column.replace(values, given)

    # -- rows and ids ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._positions)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        raise InvalidType("a crowd cannot be iterated over: read its columns")

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """(n,) int64: each row's id, ascending. The first are 0..n-1; none is ever used again."""
        copy: npt.NDArray[np.int64] = read_only(self._known_ids())
        return copy

    @property
    def ids_are_rows(self) -> bool:
        """Whether each row's id is still its number."""
        return not self._ids.present

    def rows(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The rows that now hold these ids, in their order. Raises InvalidIndex for an unknown one."""
        wanted = np.atleast_1d(arrays.integers(ids, "ids", (), ("n",)))
        known = self._known_ids()
        rows = np.searchsorted(known, wanted)
        found = rows < len(known)
        found[found] = known[rows[found]] == wanted[found]
        if not found.all():
            raise InvalidIndex(f"ids: expected ids of this crowd's instances, got {wanted[~found][0]}")
        return np.asarray(rows, np.int64)

    def _known_ids(self) -> npt.NDArray[np.int64]:
        return self._ids.data.astype(np.int64) if self._ids.present else np.arange(len(self))

    def append(
        self,
        positions: npt.ArrayLike,
        rotations: npt.ArrayLike | None = None,
        scales: npt.ArrayLike | None = None,
        colors: npt.ArrayLike | None = None,
        columns: Mapping[str, npt.ArrayLike] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Adds m instances behind the last; returns their ids, (m,) int64.

        Arguments as in the constructor, with m rows each. What is not given takes its default: not turned,
        scale 1, white, and 0 in custom columns. Memory grows by doubling, not at each call.
        """
        places = arrays.floats(positions, "positions", ("n", 3))
        extra = len(places)
        _check_count(self._next_instance + extra)
        rows: dict[str, npt.NDArray[Any]] = {"positions": places}
        if rotations is not None:
            given = arrays.floats(rotations, "rotations", (extra, 4))
            rows["rotations"] = arrays.normalize_quaternions(given, "rotations")
        if scales is not None:
            rows["scales"] = arrays.floats(scales, "scales", (extra,), (extra, 3))
        if colors is not None:
            rows["colors"] = arrays.opaque(arrays.color_bytes(colors, "colors", (extra, 3), (extra, 4)))
        for key, value in _named(columns).items():
            rows[key] = _known(self._custom, key).checked(value, extra)
        _expect_unlent(*self._all_columns())
        if "scales" in rows:
            rows["scales"] = self._scales_like_mine(rows["scales"])
        new = np.arange(self._next_instance, self._next_instance + extra)
        self._ids.extend(None if self.ids_are_rows else new.astype(np.int32), extra)
        for column in self._all_columns():
            column.extend(rows.get(column.name), extra)
        self._next_instance += extra
        self._shape = tick()
        return new

    def delete(self, ids: npt.ArrayLike) -> None:
        """Removes the instances with these ids; the others keep their order and their ids.

        Raises InvalidIndex, and removes nothing, where an id is not there.
        """
        rows = self.rows(ids)
        if not rows.size:
            return
        _expect_unlent(*self._all_columns())
        kept = np.ones(len(self), np.bool_)
        kept[rows] = False
        first = int(rows.min())
        if self.ids_are_rows:
            self._ids.replace(self._known_ids().astype(np.int32))
        for column in (self._ids, *self._all_columns()):
            column.keep(kept, first)
        self._shape = tick()

    def _scales_like_mine(self, scales: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scales of as many numbers as the column has; the column is widened where it has to be."""
        if scales.ndim == 1 and self._scales.ndim == 2:
            return np.repeat(scales[:, None], 3, axis=1)
        if scales.ndim == 2 and self._scales.ndim == 1:
            self.scales = np.repeat(np.asarray(self._scales)[:, None], 3, axis=1)
        return scales

    # -- extent ------------------------------------------------------------------------------------

    @property
    def bounds(self) -> npt.NDArray[np.float64]:
        """(2, 3) float64, metres, in the scene's space: a box around all instances, motion included.

        Each instance counts with a sphere around its mesh. Raises InvalidValue for a crowd of none.
        """
        if not len(self):
            raise InvalidValue("bounds: expected at least one instance, got 0")
        # A mesh's sphere turns with its instance: measured from the instance's origin it covers any rotation.
        furthest = float(np.linalg.norm(np.abs([mesh.bounds for mesh, _ in self.parts]).max(axis=(0, 1))))
        shaders = [material.shader for _, material in self.parts if material.shader is not None]
        furthest += 3**0.5 * max((shader.reach for shader in shaders), default=0.0)
        places = self._positions.data
        if self._scales.present:
            sizes = np.abs(self._scales.data).astype(np.float64).reshape(len(places), -1).max(axis=1)
        else:
            sizes = np.ones(1)
        margins, largest = furthest * sizes, float(sizes.max())
        # An axis at a time: NumPy is several times slower at the extremes of many short rows.
        box = np.array([((axis - margins).min(), (axis + margins).max()) for axis in places.T]).T
        world = self.world_matrix[:3]
        # Materials move what stands in the scene's space already, turned and scaled by the node.
        height = furthest * largest * float(np.linalg.norm(world[1, :3]))
        pushed = self.scene is not None and bool(self.scene.movers)
        motions = [m.motion for _, m in self.parts if m.motion is not None]
        reach = max((motion.reach(height, pushed=pushed) for motion in motions), default=0.0)
        return np.asarray(math3d.transformed_box(world, box) + np.array([[-reach], [reach]]))

    def _is_crowd(self) -> bool:
        return True

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Crowd{name} of {len(self)} instances>"


class CustomColumns(Mapping[str, Column]):
    """A crowd's custom columns by name. `columns[name] = values` writes all rows; none comes or goes."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        column = _known(self, name)
        if value is not column:  # otherwise `columns[name] += 1` has written already
            _expect_unlent(column)
            column.replace(column.checked(value, len(column)), value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<CustomColumns {', '.join(map(repr, self._columns)) or 'none'}>"


def _expect_unlent(*columns: Column) -> None:
    for column in columns:
        if column.lent:
            raise UsageError(
                f"{column.name}: expected rows to stay while edit() lends them, got a change of all rows"
            )


def _known(columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        there = f"one of {', '.join(map(repr, columns))}" if columns else "which has none"
        raise InvalidValue(f"columns[{name!r}]: expected a column of this crowd, {there}")
    return columns[name]


def _check_count(count: int) -> None:
    if count > MAX_INSTANCES:
        raise InvalidValue(f"positions: expected at most {MAX_INSTANCES} instances, ever, got {count}")


def _named(columns: Mapping[str, npt.ArrayLike] | None) -> Mapping[str, npt.ArrayLike]:
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise InvalidType(f"columns: expected a mapping of names to arrays, got {arrays.described(columns)}")
    for key in columns:
        if not isinstance(key, str) or not key.isidentifier():
            raise InvalidValue(f"columns: expected names that are identifiers, got {key!r}")
        if key in _BUILT_IN:
            raise InvalidValue(f"columns: expected names other than {', '.join(_BUILT_IN)}, got {key!r}")
    return columns


_BUILT_IN = ("positions", "rotations", "scales", "colors", "ids", "matrices", "order")


def _custom_column(key: str, value: npt.ArrayLike, count: int) -> Column:
    where = f"columns[{key!r}]"
    given = arrays.reals(value, where)
    rows = int32(given, where) if given.dtype.kind in "iu" else arrays.floats(given, where)
    if rows.shape not in ((count,), *((count, width) for width in range(1, 5))):
        raise InvalidValue(f"{where}: expected shape ({count},) or ({count}, 1..4), got {rows.shape}")
    column = Column(key, count, np.zeros(rows.shape[1:], rows.dtype))
    column.replace(rows, value)
    return column
