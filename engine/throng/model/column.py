"""Columns: one property of every instance, tracked row by row.

A column hands out read-only copies, so that a write to a copy cannot be lost unseen, and takes writes
through `column[key] = value`, which mark exactly the rows that they touch. Whoever mirrors a column (a GPU
buffer, bounds) remembers the version it has seen and asks what has changed since.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from throng import arrays
from throng.errors import InvalidIndex, InvalidValue
from throng.model.versions import Rows, Versions, tick


class ReadOnlyCopy(np.ndarray[Any, Any]):
    """What a column or node hands out: a copy that refuses item assignment.

    Its in-place operators return a new array instead, which makes `column[key] += value` work: Python reads
    a copy, adds, and writes the sum back through the column. What is computed from a copy, or copied from it,
    is an array like any other.
    """

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise InvalidValue(
                "expected a write to a column or node, as column[key] = value, got one to a read-only copy"
            )
        super().__setitem__(key, value)


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    plain: Callable[[Any, Any], Any] = getattr(operator, name)
    writing: Callable[[Any, Any], Any] = getattr(operator, f"i{name.rstrip('_')}")

    def operate(self: ReadOnlyCopy, other: Any) -> Any:
        if not self.flags.writeable:
            return plain(np.asarray(self), other)
        writing(self.view(np.ndarray), other)
        return self

    return operate


for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul",
    "and_", "or_", "xor", "lshift", "rshift",
):  # fmt: skip
    setattr(ReadOnlyCopy, f"__i{_name.rstrip('_')}__", _in_place(_name))


def read_only(values: npt.ArrayLike) -> Any:
    """`values` as a ReadOnlyCopy; a scalar as it is. The caller gives the array away."""
    array = np.asarray(values)
    if array.ndim == 0:
        return array[()]
    result = array.view(ReadOnlyCopy)
    result.flags.writeable = False
    return result


Check = Callable[[Any, str], npt.NDArray[Any]]


class Column(NDArrayOperatorsMixin):
    """One property of every instance: (n,) or (n, k), float32, int32 or, for colours, uint8.

    Reading (`column[key]`, `numpy.asarray(column)`, arithmetic) gives read-only copies. Writing
    (`column[key] = value`, `column[key] += value`) checks the value, then marks the rows that `key` touches.
    `with column.edit(start, stop) as view` lends the memory itself. Colours are read as float32 0..1 and
    lent as the bytes that they are stored as.

    A column that was never given holds its default in every row and costs nothing until it is written to.
    """

    __array_priority__: ClassVar[float] = 20.0

    def __init__(self, name: str, count: int, default: npt.NDArray[Any]) -> None:
        self.name = name
        self.default = default
        self.versions = Versions()
        self.layout = tick()  # version of whether there are rows of its own, and of their width
        self._count = count
        self._lent = 0  # blocks of edit() that are open
        self._store: npt.NDArray[Any] | None = None

    # -- what readers of the model use -------------------------------------------------------------

    @property
    def present(self) -> bool:
        """Whether the column has rows of its own, rather than its default in each."""
        return self._store is not None

    @property
    def lent(self) -> bool:
        """Whether a block of `edit` is open."""
        return self._lent > 0

    @property
    def data(self) -> npt.NDArray[Any]:
        """The rows themselves, for reading only; only where `present`."""
        assert self._store is not None
        return self._store[: self._count]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,) or (n, k)."""
        return (self._count, *self.default.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: float32, or int32 for whole numbers."""
        return self._decoded(self.default).dtype

    @property
    def ndim(self) -> int:
        """1 or 2."""
        return len(self.shape)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise InvalidValue(f"{self.name}: expected to be copied, got copy=False: use {self.name}.edit()")
        values = self._picked(slice(None))
        values = values if dtype is None else values.astype(dtype, copy=False)
        values.flags.writeable = bool(copy)  # numpy.array(column) is the caller's to change
        return values

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(part) if isinstance(part, Column) else part for part in inputs]
        targets = kwargs.get("out", ())
        if method == "at":  # numpy.add.at(column, key, values)
            plain[0] = np.array(self)
            ufunc.at(*plain, **kwargs)
            self[inputs[1]] = plain[0][inputs[1]]
            return None
        if not any(isinstance(target, Column) for target in targets):
            return getattr(ufunc, method)(*plain, **kwargs)
        # `column += value`: the column takes the sum as any other write.
        if "where" in kwargs:
            kwargs["out"] = tuple(np.array(target) for target in targets)
        else:
            del kwargs["out"]
        results = getattr(ufunc, method)(*plain, **kwargs)
        for target, result in zip(targets, results if ufunc.nout > 1 else (results,), strict=True):
            target[...] = result
        return targets if ufunc.nout > 1 else targets[0]

    def __getitem__(self, key: Any) -> Any:
        return read_only(self._picked(key))

    def _picked(self, key: Any) -> npt.NDArray[Any]:
        rows = self.data if self.present else np.broadcast_to(self.default, self.shape)
        try:
            picked = rows[key]
        except IndexError as error:
            raise InvalidIndex(f"{self.name}[...]: {error}") from error
        return self._decoded(np.array(picked))

    def __repr__(self) -> str:
        return f"<Column {self.name!r} of shape {self.shape}>"

    # -- writing -----------------------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        where = f"{self.name}[...]"
        encoded = self._encoded(value, where)
        rows = self._rows_of(key)
        with self._own_rows():
            try:
                self._assign(key, rows, encoded, where)
            except IndexError as error:
                raise InvalidIndex(f"{where}: {error}") from error
            except ValueError as error:
                if isinstance(error, InvalidValue):
                    raise
                raise InvalidValue(f"{where}: expected values that fit the rows, {error}") from error
        self.versions.mark(rows, self._count)

    @contextmanager
    def edit(self, start: int = 0, stop: int | None = None) -> Iterator[npt.NDArray[Any]]:
        """Lends rows start..stop of the column's own memory, writable, for the length of the `with`.

        They are checked when it ends: where a value is not finite, or an exception ended the block, the rows
        are put back as they were and nothing is marked.
        """
        first = arrays.integer(start, "start", low=0, high=self._count)
        last = self._count if stop is None else arrays.integer(stop, "stop", low=first, high=self._count)
        with self._own_rows():
            view = self.data[first:last]
            before = view.copy()
            self._lent += 1
            try:
                yield view
                checked = self._encoded(view, f"{self.name}.edit({first}, {last})")
                if checked is not view:
                    view[...] = checked
            except BaseException:
                view[...] = before
                raise
            finally:
                self._lent -= 1
                view.flags.writeable = False  # a later write would go unseen
        self.versions.mark(slice(first, last), self._count)

    def replace(self, values: npt.NDArray[Any], given: Any = None) -> None:
        """All rows at once, already encoded; the only way in which the width may change.

        `values` are kept rather than copied where they share no memory with what the user has `given`.
        """
        before = self.present, self.default.shape
        self.default = np.resize(self.default, values.shape[1:]).astype(values.dtype)
        if self._store is not None and self._store.shape[1:] == values.shape[1:]:
            self._count = len(values)
            self._reserve(self._count)
            self._store[: self._count] = values
        else:
            lent = given is None or not (values.flags.owndata and values.flags.writeable)
            lent = lent or np.may_share_memory(values, np.asarray(given))
            self._store = np.array(values, order="C") if lent else values
            self._count = len(values)
        self.versions.mark_all()
        if before != (self.present, self.default.shape):
            self.layout = tick()

    def drop(self) -> None:
        """Back to the default in every row."""
        if self._store is not None:
            self._store = None
            self.versions.mark_all()
            self.layout = tick()

    def extend(self, values: npt.NDArray[Any] | None, extra: int) -> None:
        """`extra` more rows: `values`, already encoded, or the default. Capacity doubles when it runs out."""
        if values is not None:
            self._materialize()
        start = self._count
        self._count += extra
        if self._store is None:
            return
        self._reserve(self._count)
        self._store[start : self._count] = self.default if values is None else values
        self.versions.mark(slice(start, self._count), self._count)

    def keep(self, kept: npt.NDArray[np.bool_], first: int) -> None:
        """Only the rows where `kept`, in their order; all rows before `first` are kept."""
        remaining = int(np.count_nonzero(kept))
        if self._store is not None:
            self._store[first:remaining] = self.data[first:][kept[first:]]
        self._count = remaining
        if self._store is not None and first < remaining:
            self.versions.mark(slice(first, remaining), remaining)

    def checked(self, value: Any, count: int) -> npt.NDArray[Any]:
        """`value` as `count` rows of a custom column, encoded."""
        where, shape = f"columns[{self.name!r}]", (count, *self.default.shape)
        return (int32 if self.default.dtype == np.int32 else arrays.floats)(value, where, shape)

    # -- what kinds of columns differ in -----------------------------------------------------------

    def _encoded(self, value: Any, where: str) -> npt.NDArray[Any]:
        """`value` as it is stored, checked; of any shape that NumPy can assign."""
        if self.default.dtype == np.int32:
            return int32(value, where)
        return arrays.floats(value, where)

    def _decoded(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values

    def _assign(self, key: Any, rows: Rows, encoded: npt.NDArray[Any], where: str) -> None:
        """Writes what `key` names, all of it in `rows`, or raises and writes nothing."""
        self.data[key] = encoded

    # -- inside ------------------------------------------------------------------------------------

    @contextmanager
    def _own_rows(self) -> Iterator[None]:
        """Gives an absent column rows of its own; takes them back where an exception ends the block."""
        absent = not self.present
        self._materialize()
        try:
            yield
        except BaseException:
            if absent:
                self.drop()
            raise

    def _materialize(self) -> None:
        if self._store is None:
            self._store = np.empty(self.shape, self.default.dtype)
            self._store[...] = self.default
            self.versions.mark_all()
            self.layout = tick()

    def _reserve(self, count: int) -> None:
        assert self._store is not None
        if count > len(self._store):
            grown = np.empty((max(count, 2 * len(self._store)), *self.default.shape), self.default.dtype)
            grown[: len(self._store)] = self._store
            self._store = grown

    def _rows_of(self, key: Any) -> Rows:
        first = key[0] if isinstance(key, tuple) and key else key
        if isinstance(first, slice):
            start, stop, step = first.indices(self._count)
            if step == 1:
                return slice(start, max(start, stop))
            return np.arange(start, stop, step)
        if isinstance(first, int | np.integer) and not isinstance(first, bool):
            row = int(first) + (self._count if first < 0 else 0)
            if not 0 <= row < self._count:
                raise InvalidIndex(f"{self.name}[...]: expected a row in 0..{self._count - 1}, got {first}")
            return slice(row, row + 1)
        if first is Ellipsis or first is None:
            return slice(0, self._count)
        if _picks_elements(first) and self.ndim == 2 and first.shape == self.shape:
            return np.flatnonzero(np.asarray(first).any(axis=1))
        try:
            return np.unique(np.arange(self._count)[first])
        except IndexError as error:
            raise InvalidIndex(f"{self.name}[...]: {error}") from error


class RotationColumn(Column):
    """(n, 4) unit quaternions (x, y, z, w), normalised on entry."""

    def _assign(self, key: Any, rows: Rows, encoded: npt.NDArray[Any], where: str) -> None:
        before = self.data[rows].copy()
        try:
            self.data[key] = encoded
            self.data[rows] = arrays.normalize_quaternions(self.data[rows], where, rows)
        except BaseException:
            self.data[rows] = before
            raise

    def _encoded(self, value: Any, where: str) -> npt.NDArray[Any]:
        values = arrays.floats(value, where)
        if self._store is not None and np.may_share_memory(values, self._store):  # lent by edit()
            return arrays.normalize_quaternions(values, where)
        return values


class ColorColumn(Column):
    """(n, 4) sRGB with straight alpha, stored as bytes, read as float32 0..1."""

    def _encoded(self, value: Any, where: str) -> npt.NDArray[Any]:
        return arrays.color_bytes(value, where)

    def _decoded(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.multiply(values, np.float32(1 / 255), dtype=np.float32))

    def _assign(self, key: Any, rows: Rows, encoded: npt.NDArray[Any], where: str) -> None:
        only = key[0] if isinstance(key, tuple) and len(key) == 1 else key
        whole_rows = not isinstance(only, tuple) and not _picks_elements(only)
        if whole_rows and encoded.ndim and encoded.shape[-1] == 3:
            encoded = arrays.opaque(encoded)
        self.data[key] = encoded


def _picks_elements(key: Any) -> bool:
    """Whether `key` is a mask with an entry for each element, rather than for each row."""
    return isinstance(key, np.ndarray) and key.dtype == np.bool_ and key.ndim == 2


def int32(value: Any, where: str, *shapes: tuple[int | str, ...]) -> npt.NDArray[np.int32]:
    """Whole numbers that fit int32; anything else is an error rather than a lossy cast."""
    array = arrays.integers(value, where, *shapes)
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < -(2**31) or high >= 2**31:
            raise InvalidValue(
                f"{where}: expected integers that fit int32, got {low if low < -(2**31) else high}"
            )
    return np.asarray(array, np.int32)
