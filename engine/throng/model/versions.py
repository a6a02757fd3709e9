"""Versions instead of flags: when which rows changed, for any number of readers.

Every change anywhere takes the next number of one counter. Whoever mirrors rows (a GPU buffer, bounds)
remembers the latest number that it has seen, and asks what has changed since; nothing is ever cleared.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Rows = slice | npt.NDArray[np.int64]

MAX_RANGES = 256
_WORTH_SORTING = 1024  # rows; to search all versions for them is quicker than to sort more

_clock = itertools.count(1)


def tick() -> int:
    """A version later than every earlier one, in any column of any scene."""
    return next(_clock)


class Versions:
    """When each row last changed. Any number of readers, each with the version it has seen."""

    __slots__ = ("_before", "_last", "_rows", "_whole", "latest")

    def __init__(self) -> None:
        self._whole = self.latest = self._before = tick()
        self._rows: npt.NDArray[np.int64] | None = None
        self._last: slice | npt.NDArray[np.int64] = slice(0, 0)

    def mark_all(self) -> None:
        self._whole = self.latest = self._before = tick()
        self._rows = None

    def mark(self, rows: slice | npt.NDArray[np.int64], count: int) -> None:
        """`rows` of `count` have changed."""
        if isinstance(rows, slice) and rows.start == 0 and rows.stop >= count:
            self.mark_all()
            return
        if self._rows is None:
            self._rows = np.zeros(count, np.int64)
        elif len(self._rows) < count:
            grown = np.zeros(max(count, 2 * len(self._rows)), np.int64)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        # Most readers have seen all but the last mark, and need not search for it.
        self._before, self._last = self.latest, rows
        self.latest = tick()
        self._rows[rows] = self.latest

    def rows_since(self, version: int, count: int) -> npt.NDArray[np.int64]:
        """The rows of 0..count-1 that changed after `version`, ascending."""
        if version < self._whole:
            return np.arange(count)
        if version >= self.latest or self._rows is None:
            return np.zeros(0, np.int64)
        last = self._last
        if version >= self._before:
            if isinstance(last, slice):
                return np.arange(last.start, min(last.stop, count))
            if len(last) < _WORTH_SORTING:
                rows = np.sort(last)
                return rows[: np.searchsorted(rows, count)]
        return np.flatnonzero(self._rows[:count] > version)

    def ranges_since(self, version: int, count: int) -> list[tuple[int, int]]:
        """The same as half-open ranges, at most MAX_RANGES of them: beyond that, small gaps are closed."""
        if version >= self.latest or count == 0:
            return []
        if version < self._whole:
            return [(0, count)]
        return ranges_of(self.rows_since(version, count))


def ranges_of(rows: npt.NDArray[np.int64], most: int = MAX_RANGES) -> list[tuple[int, int]]:
    """Ascending rows as half-open ranges, at most `most` of them: the widest gaps are the ones that stay."""
    if rows.size < 2:  # most often a single one
        return [(row, row + 1) for row in rows.tolist()]
    gaps = np.diff(rows)
    breaks = np.flatnonzero(gaps > 1)
    if breaks.size >= most:
        widest = np.argpartition(gaps[breaks], -(most - 1))[-(most - 1) :]
        breaks = np.sort(breaks[widest])
    starts = rows[np.concatenate([[0], breaks + 1])]
    stops = rows[np.concatenate([breaks, [rows.size - 1]])] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
