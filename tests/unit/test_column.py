"""Columns: copies that refuse writes, writes that mark their rows, errors that change nothing."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from throng.errors import InvalidIndex, InvalidType, InvalidValue, UsageError
from throng.model import shapes
from throng.model.column import Column
from throng.model.crowd import Crowd
from throng.model.versions import MAX_RANGES, Versions, ranges_of

COUNT = 12
MESH = shapes.box()


def crowd(**given: Any) -> Crowd:
    return Crowd(MESH, positions=np.arange(3.0 * COUNT).reshape(COUNT, 3), **given)


def unit(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True))


def random_quaternions(seed: int = 0, count: int = COUNT) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, 4)))


def rows_of(ranges: list[tuple[int, int]]) -> list[int]:
    return [row for start, stop in ranges for row in range(start, stop)]


MASK = np.arange(COUNT) % 3 == 0
ELEMENTS = np.arange(3 * COUNT).reshape(COUNT, 3) % 5 == 0
KEYS: dict[str, Any] = {
    "a row": 3,
    "a NumPy row": np.int32(3),
    "a negative row": -2,
    "a slice": slice(2, 5),
    "a negative slice": slice(-4, -1),
    "all": slice(None),
    "an ellipsis": ...,
    "a stepped slice": slice(1, 10, 3),
    "a backward slice": slice(None, None, -1),
    "an empty slice": slice(5, 5),
    "a mask": MASK,
    "a list of bools": MASK.tolist(),
    "a mask of elements": ELEMENTS,
    "True": True,
    "fancy": [7, 1, 4],
    "fancy and negative": np.array([-1, 0]),
    "fancy and repeated": [2, 2, 5],
    "fancy, none of them": np.zeros(0, np.int64),
    "a component": (slice(None), 1),
    "a component of all": (..., 1),
    "an element": (4, 2),
    "an element from the end": (-1, -1),
    "components of some": ([1, 5], slice(0, 2)),
    "pairs": ([1, 5], [2, 0]),
    "a tuple of one": (6,),
    "no tuple at all": (),
    "a new axis": None,
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv,
    "//=": operator.ifloordiv, "%=": operator.imod, "**=": operator.ipow,
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_reads_are_what_numpy_reads_but_read_only_copies(key: Any) -> None:
    column = crowd().positions
    picked = column[key]
    np.testing.assert_array_equal(picked, np.arange(3 * COUNT, dtype=np.float32).reshape(COUNT, 3)[key])
    assert picked.dtype == np.float32
    if np.ndim(picked):
        assert not np.shares_memory(picked, column.data)
        with pytest.raises(
            InvalidValue, match=r"^expected a write to a column or node, as column\[key\] = v"
        ):
            picked[...] = 0


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_write_marks_exactly_its_rows(key: Any) -> None:
    column = crowd().positions
    expected = np.array(column)
    seen = column.versions.latest
    touched = np.zeros_like(expected, np.bool_)
    touched[key] = True
    expected[key] = -7

    column[key] = -7

    np.testing.assert_array_equal(column, expected)
    # `(..., 1)` may mark every row: what comes after an ellipsis is not looked at.
    assert rows_of(column.versions.ranges_since(seen, COUNT)) == np.flatnonzero(touched.any(axis=1)).tolist()


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_in_place_operators_do_what_numpy_does(key: Any, sign: str) -> None:
    column = crowd().positions
    expected = np.array(column)
    operate, other = OPERATORS[sign], np.float32(1.5)
    expected[key] = operate(expected[key], other)
    column[key] = operate(column[key], other)  # what Python makes of `column[key] += other`
    np.testing.assert_allclose(column, expected, rtol=1e-6)


def test_in_place_operators_read_as_anyone_would_write_them() -> None:
    trees = crowd(columns={"heat": np.zeros(COUNT), "team": np.arange(COUNT)})
    expected = np.array(trees.positions)
    trees.positions[:, 1] += 0.5
    trees.positions[MASK] *= 2
    trees.positions += 1
    trees.positions -= (0, 0, 3)
    expected[:, 1] += 0.5
    expected[MASK] *= 2
    expected += 1
    expected -= (0, 0, 3)
    np.testing.assert_array_equal(trees.positions, expected)

    column = trees.positions
    column /= 2
    assert column is trees.positions
    np.testing.assert_array_equal(trees.positions, expected / 2)

    trees.scales *= 3
    trees.rotations += (0, 0, 0, 1)
    trees.colors *= 0.5
    trees.columns["heat"] += 2
    trees.columns["team"] |= 1
    np.testing.assert_array_equal(trees.scales, np.full(COUNT, 3))
    np.testing.assert_array_equal(trees.rotations, np.tile((0, 0, 0, 1), (COUNT, 1)))
    np.testing.assert_allclose(trees.colors, 0.5, atol=0.5 / 255)
    np.testing.assert_array_equal(trees.columns["heat"], np.full(COUNT, 2))
    np.testing.assert_array_equal(trees.columns["team"], np.arange(COUNT) | 1)
    trees.positions[trees.positions < 5] = 5
    np.testing.assert_array_equal(trees.positions, np.maximum(expected / 2, 5))


def test_what_is_computed_from_a_copy_is_an_ordinary_array() -> None:
    column = crowd().positions
    speeds = column[:] * 2
    part = speeds[0:2]
    part += 100
    speeds[5] = 7
    own = column[3:5].copy()
    own -= 1
    np.testing.assert_array_equal(speeds[0], (100, 102, 104))
    np.testing.assert_array_equal(speeds[5], (7, 7, 7))
    np.testing.assert_array_equal(own[0], (8, 9, 10))
    np.testing.assert_array_equal(column, np.arange(3.0 * COUNT).reshape(COUNT, 3))


def test_columns_take_part_in_arithmetic() -> None:
    column = crowd().positions
    plain = np.arange(3.0 * COUNT).reshape(COUNT, 3)
    np.testing.assert_array_equal(1 + column * 2 - plain, 1 + plain)
    np.testing.assert_array_equal(np.sqrt(column), np.sqrt(plain.astype(np.float32)))
    np.testing.assert_array_equal(np.asarray(column, np.float64), plain)
    np.testing.assert_array_equal(np.concatenate([column, plain]), np.concatenate([plain, plain]))
    assert (column == plain).all()
    assert (len(column), column.shape, column.ndim) == (COUNT, (COUNT, 3), 2)
    assert column.dtype == np.float32
    assert [row[0] for row in column] == plain[:, 0].tolist()
    out = np.empty((COUNT, 3), np.float32)
    assert np.add(column, 1, out=out) is out
    own = np.array(column)
    own[0] = 1
    assert not np.asarray(column).flags.writeable
    with pytest.raises(
        InvalidValue, match=r"^positions: expected to be copied, got copy=False: use positions\.e"
    ):
        column.__array__(copy=False)
    whole, rest = Column("a", 2, np.zeros((), np.float32)), Column("b", 2, np.zeros((), np.float32))
    both: Any = (whole, rest)
    np.divmod(np.array([7.0, 9.0], np.float32), 4, out=both)
    assert (whole[:].tolist(), rest[:].tolist()) == ([1, 2], [3, 1])


def test_functions_of_numpy_write_to_columns_as_operators_do() -> None:
    column = crowd().positions
    expected = np.array(column)
    seen = column.versions.latest
    target: Any = column
    np.add.at(target, [2, 2, 5], 10)
    np.add.at(expected, [2, 2, 5], 10)
    np.testing.assert_array_equal(column, expected)
    assert rows_of(column.versions.ranges_since(seen, COUNT)) == [2, 5]
    np.multiply(column, 3, out=target, where=MASK[:, None])
    np.clip(column, 4, 50, out=target)
    np.testing.assert_array_equal(column, np.where(MASK[:, None], expected * 3, expected).clip(4, 50))


def test_given_arrays_are_copied() -> None:
    given = np.zeros((COUNT, 3), np.float32)
    frozen = given.copy()
    frozen.flags.writeable = False
    first = Crowd(MESH, positions=given)
    others = [Crowd(MESH, positions=first.positions), Crowd(MESH, positions=frozen)]
    given += 5
    for other in (first, *others):
        other.positions[0] += 1
        np.testing.assert_array_equal(other.positions[:2], [(1, 1, 1), (0, 0, 0)])


# -- edit -------------------------------------------------------------------------------------------------


def test_edit_lends_the_memory_itself_and_marks_its_rows() -> None:
    column = crowd().positions
    seen = column.versions.latest
    with column.edit(2, 6) as view:
        assert np.shares_memory(view, column.data)
        view[:, 0] = 99
    assert rows_of(column.versions.ranges_since(seen, COUNT)) == [2, 3, 4, 5]
    np.testing.assert_array_equal(column[:, 0], [0, 3, 99, 99, 99, 99, 18, 21, 24, 27, 30, 33])
    with column.edit() as view:
        assert view.shape == (COUNT, 3)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, None])
@pytest.mark.parametrize("name", ["positions", "rotations", "scales", "heat"])
def test_edit_puts_everything_back_where_it_ends_badly(name: str, bad: float | None) -> None:
    trees = crowd(rotations=random_quaternions(), columns={"heat": np.ones(COUNT)})
    column = trees.columns["heat"] if name == "heat" else getattr(trees, name)
    before, seen, present = np.array(column), column.versions.latest, column.present

    def edit() -> None:
        with column.edit(3, 7) as view:
            view[...] = 5
            if bad is None:
                raise KeyboardInterrupt
            view.flat[-1] = bad

    with pytest.raises(KeyboardInterrupt if bad is None else InvalidValue) as caught:
        edit()
    if bad is not None:
        place = "[3]" if column.ndim == 1 else f"[3, {column.shape[1] - 1}]"
        assert str(caught.value) == f"{name}.edit(3, 7): expected finite values, got {bad} at {place}"
    np.testing.assert_array_equal(column, before)
    assert column.present == present
    if present:
        assert column.versions.ranges_since(seen, COUNT) == []


def test_edit_normalises_rotations_and_refuses_zero() -> None:
    column = crowd(rotations=random_quaternions()).rotations
    with column.edit(0, 2) as view:
        view[...] = (0, 3, 0, 4)
    np.testing.assert_allclose(column[:2], np.tile((0, 0.6, 0, 0.8), (2, 1)), rtol=1e-6)
    before = np.array(column)
    with (
        pytest.raises(InvalidValue, match=r"^rotations\.edit\(4, 6\): .* got zero in row 1$"),
        column.edit(4, 6) as view,
    ):
        view[1] = 0
    np.testing.assert_array_equal(column, before)


def test_edit_lends_colours_as_bytes() -> None:
    column = crowd(colors=np.zeros((COUNT, 4))).colors
    with column.edit(1, 2) as view:
        assert view.dtype == np.uint8
        view[0] = (255, 0, 51, 255)
    np.testing.assert_allclose(column[1], (1, 0, 0.2, 1))


def test_rows_stay_while_they_are_lent() -> None:
    trees = crowd(scales=np.ones(COUNT))
    text = r"^positions: expected rows to stay while edit\(\) lends them, got a change of all rows$"
    with trees.positions.edit():
        for change in (
            lambda: trees.append([(0, 0, 0)]),
            lambda: trees.delete([0]),
            lambda: setattr(trees, "positions", np.zeros((COUNT, 3))),
        ):
            with pytest.raises(UsageError, match=text):
                change()
        trees.positions[0] = 1
    assert len(trees) == COUNT


# -- versions ---------------------------------------------------------------------------------------------


def test_readers_are_independent() -> None:
    column = crowd().positions
    seen = {"often": column.versions.latest, "once": column.versions.latest}
    news = []
    for row in (3, 9, 4):
        column[row] = 1
        news += column.versions.ranges_since(seen["often"], COUNT)
        seen["often"] = column.versions.latest
    assert news == [(3, 4), (9, 10), (4, 5)]
    assert column.versions.ranges_since(seen["once"], COUNT) == [(3, 5), (9, 10)]
    assert column.versions.ranges_since(seen["often"], COUNT) == []
    assert column.versions.ranges_since(-1, COUNT) == [(0, COUNT)]
    assert column.versions.rows_since(-1, COUNT).tolist() == list(range(COUNT))


def test_versions_tell_what_a_set_of_rows_would_tell() -> None:
    random = np.random.default_rng(4)
    versions, count = Versions(), 40
    readers = [(versions.latest, set[int]()) for _ in range(4)]
    for _ in range(500):
        kind = random.integers(8)
        if kind == 0:
            versions.mark_all()
            rows = np.arange(count)
        elif kind == 1:
            grown = count + int(random.integers(0, 5))
            rows, count = np.arange(count, grown), grown
            versions.mark(slice(grown - len(rows), grown), count)
        elif kind < 5:
            start, stop = np.sort(random.integers(0, count + 1, 2)).tolist()
            rows = np.arange(start, stop)
            versions.mark(slice(start, stop), count)
        else:
            rows = random.permutation(count)[: random.integers(0, 6)]
            versions.mark(rows, count)
        readers = [(seen, changed | set(rows.tolist())) for seen, changed in readers]
        for seen, changed in readers:
            assert set(versions.rows_since(seen, count).tolist()) == changed
            assert set(rows_of(versions.ranges_since(seen, count))) == changed
        for number in range(4):
            if random.random() < 0.2 * number:
                readers[number] = versions.latest, set()


def test_many_scattered_rows_are_few_ranges_that_hold_them_all() -> None:
    rows = np.unique(np.random.default_rng(0).integers(0, 100_000, 5000))
    ranges = ranges_of(rows)
    assert len(ranges) == MAX_RANGES
    assert set(rows.tolist()) <= set(rows_of(ranges))
    assert all(stop < start for (_, stop), (start, _) in itertools.pairwise(ranges))
    # The gaps left out are the widest ones.
    kept = min(start - stop for (_, stop), (start, _) in itertools.pairwise(ranges))
    assert np.sort(np.diff(rows))[-(MAX_RANGES - 1)] - 1 == kept
    assert ranges_of(np.zeros(0, np.int64)) == []


def test_an_absent_column_costs_nothing_until_it_is_written_to() -> None:
    trees = crowd()
    for name, default in (("rotations", (0, 0, 0, 1)), ("scales", 1), ("colors", (1, 1, 1, 1))):
        column: Column = getattr(trees, name)
        np.testing.assert_array_equal(column, np.broadcast_to(np.array(default), column.shape))
        assert not column.present
        before = trees.shape
        column[2] = column[2]
        assert column.present
        assert trees.shape != before, "whoever mirrors the crowd has to learn of the column"
        setattr(trees, name, None)
        assert not column.present
    assert list(trees.present_columns()) == ["positions"]


def test_scales_may_change_their_width() -> None:
    trees = crowd(scales=np.full(COUNT, 2.0))
    before = trees.shape
    trees.scales[0] = 3
    assert trees.shape == before
    trees.scales = np.full((COUNT, 3), 4.0)
    assert trees.shape != before
    trees.scales[1, 2] = 5
    np.testing.assert_array_equal(trees.scales[:2], [(4, 4, 4), (4, 4, 5)])
    trees.scales = np.ones(COUNT)
    assert trees.scales.shape == (COUNT,)


# -- rotations and colours --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (3, (0, 0, 2, 0)),
        ((slice(None), 0), 0.5),
        ((2, 3), 9.0),
        ((MASK, slice(0, 2)), 1.0),
        (([1, 5], [2, 0]), 3.0),
        (([1, 5], [2, 0]), (3.0, -3.0)),
        ((..., 3), 2.0),
        (np.arange(4 * COUNT).reshape(COUNT, 4) % 7 == 0, 2.0),
        ([4, 4, 1], [(1, 1, 0, 0), (2, 0, 0, 2), (0, 0, 0, 5)]),
    ],
)
def test_any_write_to_rotations_leaves_unit_quaternions(key: Any, value: Any) -> None:
    column = crowd(rotations=random_quaternions()).rotations
    expected = np.asarray(column, np.float64)
    expected = expected.copy()
    expected[key] = value
    column[key] = value
    np.testing.assert_allclose(column, unit(expected), atol=2e-7)


def test_rotations_are_normalised_whatever_their_length() -> None:
    trees = crowd(rotations=random_quaternions() * 10.0 ** np.linspace(-12, 37, COUNT)[:, None])
    np.testing.assert_allclose(trees.rotations, random_quaternions(), atol=2e-7)


def test_colours_survive_a_round_trip_and_all_forms_agree() -> None:
    bytes_ = np.arange(256, dtype=np.uint8).repeat(4).reshape(256, 4)
    leaves = Crowd(MESH, positions=np.zeros((256, 3)), colors=bytes_)
    read = leaves.colors[:]
    assert read.dtype == np.float32
    assert read.max() == 1
    np.testing.assert_allclose(read, bytes_ / 255, atol=1e-7)
    for column in (
        read,
        read.astype(np.float64),
        bytes_,
        leaves.colors,
        bytes_.tolist()[:2] and read.tolist(),
    ):
        leaves.colors = column
        np.testing.assert_array_equal(leaves.colors.data, bytes_)
    leaves.colors = bytes_[:, :3]
    np.testing.assert_array_equal(leaves.colors.data[:, 3], 255)
    leaves.colors[0] = (1, 0, 0)  # plain numbers count 0..1
    leaves.colors[1] = np.array([1, 0, 0], np.uint8)  # a uint8 array counts 0..255
    leaves.colors[2:4] = [(0, 1, 0, 0.5), (0.2, 0.2, 0.2, 0)]
    leaves.colors[4:7, 0] = (1, 0, 1)  # three rows of one component, and no colour
    leaves.colors[7:9] = [(1, 1, 1), (0, 0, 0)]
    np.testing.assert_array_equal(
        leaves.colors.data[:9],
        [(255, 0, 0, 255), (1, 0, 0, 255), (0, 255, 0, 128), (51, 51, 51, 0), (255, 4, 4, 255),
         (0, 5, 5, 255), (255, 6, 6, 255), (255, 255, 255, 255), (0, 0, 0, 255)],
    )  # fmt: skip
    mask = np.zeros((256, 4), np.bool_)
    mask[10, :3] = True
    leaves.colors[mask] = (0, 1, 0)
    np.testing.assert_array_equal(leaves.colors.data[10], (0, 255, 0, 255))


# -- errors -----------------------------------------------------------------------------------------------

WRITES: list[tuple[str, Any, Any, type[Exception], str]] = [
    ("positions", COUNT, 0, InvalidIndex, "positions[...]: expected a row in 0..11, got 12"),
    ("positions", -13, 0, InvalidIndex, "positions[...]: expected a row in 0..11, got -13"),
    ("positions", [1, 40], 0, InvalidIndex,
     "positions[...]: index 40 is out of bounds for axis 0 with size 12"),
    ("positions", (0, 3), 0, InvalidIndex, "positions[...]: index 3 is out of bounds for axis 1 with size 3"),
    ("positions", "x", 0, InvalidIndex,
     "positions[...]: only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
     "boolean arrays are valid indices"),
    ("positions", 1.5, 0, InvalidIndex,
     "positions[...]: only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
     "boolean arrays are valid indices"),
    ("positions", 0, np.nan, InvalidValue, "positions[...]: expected finite values, got nan"),
    ("positions", slice(0, 2), [(0, 0, 0), (1, np.inf, 0)], InvalidValue,
     "positions[...]: expected finite values, got inf at [1, 1]"),
    ("positions", 0, 1e39, InvalidValue, "positions[...]: expected values that fit float32, got 1e+39"),
    ("positions", 0, (1, 2), InvalidValue,
     "positions[...]: expected values that fit the rows, could not broadcast input array from shape (2,)"),
    ("positions", 0, "abc", InvalidType, "positions[...]: expected an array of numbers, got str 'abc'"),
    ("positions", 0, None, InvalidType, "positions[...]: expected an array of numbers, got NoneType None"),
    ("positions", 0, 1j, InvalidType, "positions[...]: expected real numbers, got dtype complex128"),
    ("positions", 0, True, InvalidType, "positions[...]: expected real numbers, got dtype bool"),
    ("rotations", 5, (0, 0, 0, 0), InvalidValue,
     "rotations[...]: expected quaternions (x, y, z, w) other than zero, got zero in row 5"),
    ("rotations", [7, 2], [(0, 0, 0, 1), (0, 0, 0, 0)], InvalidValue,
     "rotations[...]: expected quaternions (x, y, z, w) other than zero, got zero in row 2"),
    ("scales", 0, (1, 2, 3), InvalidValue,
     "scales[...]: expected values that fit the rows, setting an array element with a sequence."),
    ("colors", 0, (1, 2, 0), InvalidValue,
     "colors[...]: expected colours in 0..1 (or a uint8 array in 0..255), got 2"),
    ("colors", 0, (0.5, np.nan, 0), InvalidValue,
     "colors[...]: expected colours in 0..1 (or a uint8 array in 0..255), got nan"),
    ("colors", 0, (1, 1), InvalidValue,
     "colors[...]: expected values that fit the rows, could not broadcast input array from shape (2,) into "
     "shape (4,)"),
    ("team", 0, 0.5, InvalidType, "team[...]: expected integers, got dtype float64"),
    ("team", 0, 2**31, InvalidValue, "team[...]: expected integers that fit int32, got 2147483648"),
]  # fmt: skip


@pytest.mark.parametrize("given", [True, False], ids=["present", "absent"])
@pytest.mark.parametrize(("name", "key", "value", "kind", "text"), WRITES)
def test_a_bad_write_changes_nothing(
    name: str, key: Any, value: Any, kind: type[Exception], text: str, given: bool
) -> None:
    columns: dict[str, Any] = {"columns": {"team": np.arange(COUNT)}}
    if given:
        columns |= {
            "rotations": random_quaternions(),
            "scales": np.ones(COUNT),
            "colors": np.zeros((COUNT, 4)),
        }
    trees = crowd(**columns)
    column: Column = trees.columns["team"] if name == "team" else getattr(trees, name)
    before, seen, present = np.array(column), column.versions.latest, column.present
    with pytest.raises(kind) as caught:
        column[key] = value
    assert str(caught.value).startswith(text)
    np.testing.assert_array_equal(column, before)
    assert column.present == present
    if present:
        assert column.versions.ranges_since(seen, COUNT) == []


def test_bad_reads_and_bad_edits_say_so() -> None:
    column = crowd().positions
    with pytest.raises(
        InvalidIndex, match=r"^positions\[\.\.\.\]: index 12 is out of bounds for axis 0 with size 12$"
    ):
        column[COUNT]
    for bounds, text in (
        ((-1, 3), "start: expected an integer, 0..12, got -1"),
        ((2, 13), "stop: expected an integer, 2..12, got 13"),
        ((5, 2), "stop: expected an integer, 5..12, got 2"),
    ):
        with pytest.raises(InvalidValue) as caught, column.edit(*bounds):
            pass
        assert str(caught.value) == text
