"""Spatial cells: a permutation, boxes that hold, and how little is done when rows change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from throng.batching import cells as module
from throng.batching.cells import CALM, CELL, SMALL, Cells, curve_order
from throng.batching.collect import Collector
from throng.batching.instances import CrowdInstances, Instances
from throng.model import shapes
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene

LARGEST = float(np.finfo(np.float32).max)


def crowd_of(positions: Any, **columns: Any) -> tuple[Crowd, Callable[[], CrowdInstances]]:
    """A crowd, and its instances as they are when asked for."""
    crowd = Crowd(shapes.quad(), positions=positions, **columns)
    instances = CrowdInstances(crowd)

    def current() -> CrowdInstances:
        instances.update()
        return instances

    return crowd, current


def strewn(count: int, seed: int = 0, size: float = 100.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-size, size, (count, 3)).astype(np.float32)


def places_of(instances: Instances) -> np.ndarray:
    """(n, 3) float64: the origins of all rows."""
    columns = instances.columns
    if "positions" in columns:
        return np.asarray(columns["positions"].read(0, instances.count), np.float64)
    matrices = np.asarray(columns["matrices"].read(0, instances.count), np.float64)
    return np.asarray(matrices[:, 3:12:4] + matrices[:, 12:])


def sizes_of(instances: Instances) -> np.ndarray:
    """(n,): how much each row stretches its mesh at most."""
    columns = instances.columns
    if "matrices" in columns:
        matrices = columns["matrices"].read(0, instances.count)[:, :12].astype(np.float64)
        return np.asarray(np.linalg.norm(matrices.reshape(-1, 3, 4)[:, :, :3], ord=2, axis=(1, 2)))
    if "scales" not in columns:
        return np.ones(instances.count)
    scales = np.abs(columns["scales"].read(0, instances.count).astype(np.float64))
    return scales.reshape(len(scales), -1).max(axis=1) if len(scales) else np.zeros(0)


def means_of(instances: Instances) -> np.ndarray:
    """(n,): the root mean square of each row's factors along the axes."""
    columns = instances.columns
    if "matrices" in columns:
        matrices = columns["matrices"].read(0, instances.count)[:, :12].astype(np.float64)
        return np.asarray(np.linalg.norm(matrices.reshape(-1, 3, 4)[:, :, :3], axis=(1, 2)) / 3**0.5)
    if "scales" not in columns:
        return np.ones(instances.count)
    scales = np.asarray(columns["scales"].read(0, instances.count), np.float64)
    if scales.ndim == 1:
        return np.abs(scales)
    return np.asarray(np.linalg.norm(scales, axis=1) / 3**0.5)


def check(instances: Instances, first: int = 0, count: int | None = None, *, tight: bool = True) -> Cells:
    """The cells of these rows, compared with what a loop over the cells says."""
    count = instances.count - first if count is None else count
    cells = instances.cells(first, count)
    number = -(-count // CELL)
    assert (str(cells.order.dtype), cells.order.shape) == ("uint32", (count,))
    assert cells.order.flags.c_contiguous
    np.testing.assert_array_equal(np.sort(cells.order), np.arange(count))
    arrays = {(number, 3): (cells.low, cells.high), (number,): (cells.sizes, cells.means)}
    for shape, bounds in [(shape, array) for shape, pair in arrays.items() for array in pair]:
        assert (str(bounds.dtype), bounds.shape) == ("float32", shape)
        assert np.isfinite(bounds).all()
        assert bounds.flags.c_contiguous
    places, sizes, means = (of(instances)[first:] for of in (places_of, sizes_of, means_of))
    for number in range(len(cells.sizes)):
        rows = cells.order[CELL * number : CELL * (number + 1)]
        if cells.sizes[number] < 0:
            continue
        low, high = places[rows].min(axis=0), places[rows].max(axis=0)
        assert (cells.low[number] <= low).all()
        assert (cells.high[number] >= high).all()
        assert cells.sizes[number] >= min(sizes[rows].max(), LARGEST)
        assert cells.means[number] <= means[rows].min()
        if tight:
            np.testing.assert_allclose(cells.low[number], low, rtol=3e-7, atol=1e-30)
            np.testing.assert_allclose(cells.high[number], high, rtol=3e-7, atol=1e-30)
            np.testing.assert_allclose(cells.sizes[number], sizes[rows].max(), rtol=4e-6)
            np.testing.assert_allclose(cells.means[number], means[rows].min(), rtol=4e-6)
    return cells


def bounded(cells: Cells) -> bool:
    """Whether all cells have bounds; never some."""
    assert len({bool(size >= 0) for size in cells.sizes.tolist()}) <= 1
    return not (cells.sizes < 0).any()


def state(cells: Cells) -> tuple[Any, ...]:
    bounds = cells.low.tobytes(), cells.high.tobytes(), cells.sizes.tobytes()
    return cells.version, cells.bounds_version, cells.order.tobytes(), *bounds


COUNTS = [0, 1, 63, 64, 65, SMALL - 1, SMALL, SMALL + 1, 5000, 33000]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("scales", ["none", "one", "three"])
def test_every_count_has_cells_that_hold(count: int, scales: str) -> None:
    random = np.random.default_rng(1)
    given = {"none": None, "one": random.normal(size=count), "three": random.normal(size=(count, 3))}[scales]
    _, current = crowd_of(strewn(count), scales=given)
    cells = check(current())
    assert bounded(cells)
    identity = np.array_equal(cells.order, np.arange(count))
    assert identity == (count < SMALL)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 0, 1), (1, 0.05, 1), (1, 0, 0), (0.01, 1, 0.02)])
def test_cells_are_small_whatever_the_shape_of_the_crowd(shape: tuple[float, ...]) -> None:
    extent = np.array(shape)
    _, current = crowd_of(strewn(1 << 16) * extent)
    cells = check(current(), tight=False)
    # A run of a curve through evenly strewn places: its box is hardly longer than the edge of its share.
    spans = (cells.high - cells.low).astype(np.float64)
    axes = extent[extent > 0]
    edge = (float(np.prod(200 * axes)) / len(cells.sizes)) ** (1 / len(axes))
    assert np.median(spans.max(axis=1)) < 2.5 * edge


def test_equal_places_keep_their_order() -> None:
    _, current = crowd_of(np.full((5000, 3), 7.5))
    cells = check(current())
    np.testing.assert_array_equal(cells.order, np.arange(5000))
    assert (cells.low == 7.5).all()


def test_the_order_is_that_of_the_keys_a_bit_at_a_time() -> None:
    places = strewn(3000, size=1.0) * np.array([1.0, 0.25, 0.5], np.float32)
    low, extents = places.min(axis=0).astype(np.float64), np.ptp(places.astype(np.float64), axis=0)
    lengths, bits = extents.copy(), []
    for _ in range(32):
        bits.append(int(np.argmax(lengths)))
        lengths[bits[-1]] /= 2
    expected = []
    for place in places.astype(np.float64):
        steps = [
            min(
                int((place[axis] - low[axis]) / extents[axis] * 2 ** bits.count(axis)),
                2 ** bits.count(axis) - 1,
            )
            for axis in range(3)
        ]
        left, key = [bits.count(axis) for axis in range(3)], 0
        for axis in bits:
            left[axis] -= 1
            key = key << 1 | steps[axis] >> left[axis] & 1
        expected.append(key)
    np.testing.assert_array_equal(curve_order(places), np.argsort(expected, kind="stable"))


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e30, 3.4e38])
def test_tiny_and_huge_coordinates(size: float) -> None:
    random = np.random.default_rng(2)
    _, current = crowd_of(random.uniform(-size, size, (3000, 3)), scales=random.uniform(0, size, 3000))
    check(current(), tight=False)


def test_far_from_the_origin() -> None:
    _, current = crowd_of(strewn(5000) + np.array([1e6, -3e6, 2e5]))
    spans = np.ptp(np.stack([(cells := check(current())).low, cells.high]), axis=0)
    assert np.median(spans) < 100


@pytest.mark.parametrize("offset", [0.0, 1e3, 123456.789, 1e9])
def test_nodes_hold_in_float64(offset: float) -> None:
    random = np.random.default_rng(3)
    scene, collector = Scene(), Collector()
    places = random.uniform(-50, 50, (1500, 3)) + offset
    parent = scene.add(Node(scale=(1, 2, 0.5), rotation=(0, 0, 0.6, 0.8)))
    nodes = [
        parent.add(
            Node(
                shapes.box(),
                position=place,
                rotation=random.normal(size=4),
                scale=random.uniform(-2, 2, 3),
            )
        )
        for place in places
    ]
    (batch,) = collector.update(scene)
    cells = check(batch.instances, tight=False)
    worlds = {node.id: node.world_matrix for node in nodes}
    ids = batch.instances.columns["ids"].read(0, 1500)
    for number in range(len(cells.sizes)):
        for row in cells.order[CELL * number : CELL * (number + 1)]:
            world = worlds[int(ids[row])]
            assert (cells.low[number] <= world[:3, 3]).all()
            assert (cells.high[number] >= world[:3, 3]).all()
            assert cells.sizes[number] >= np.linalg.norm(world[:3, :3], ord=2)
    assert (cells.sizes < 2 * 2.9 * 2**0.5).all()
    nodes[700].position = (9e5, 0, 0)
    version = cells.version
    collector.update(scene)
    cells = check(batch.instances, tight=False)
    assert (cells.high[:, :].max() >= 8e5, cells.version) == (True, version)


def test_a_turned_node_of_one_scale_is_not_taken_for_larger() -> None:
    scene, collector = Scene(), Collector()
    scene.add(Node(shapes.box(), rotation=(0.1, 0.5, -0.3, 0.7), scale=3))
    (batch,) = collector.update(scene)
    assert batch.instances.cells(0, 1).sizes[0] == pytest.approx(3, rel=4e-6)


@pytest.mark.parametrize("first", [0, 1000, 2500])
def test_segments_have_cells_of_their_own(first: int) -> None:
    crowd, current = crowd_of(strewn(5000), scales=np.arange(5000.0))
    instances = current()
    other = instances.cells(4000, 500)
    cells = check(instances, first, 1500)
    assert cells is instances.cells(first, 1500)
    before, untouched = state(cells), state(other)
    crowd.positions[first + 1499] = (5000, 5000, 5000)
    assert state(check(current(), first, 1500)) != before
    assert state(current().cells(4000, 500)) == untouched
    assert cells.high.max() == 5000


def test_segments_that_are_gone_are_forgotten() -> None:
    crowd, current = crowd_of(strewn(6000))
    for first in (0, 2000, 4000):
        current().cells(first, 2000)
    crowd.colors[:] = (1, 0, 0, 1)
    for first in (0, 3000):
        check(current(), first, 3000, tight=False)
    assert set(current()._cells) == {0, 3000}


def counting(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many rows have been put into order, and how many have been looked at for bounds."""
    work = {"ordered": 0, "fitted": 0}
    order, stretches = module.curve_order, module.stretches

    def counted_order(origins: Any) -> Any:
        work["ordered"] += len(origins)
        return order(origins)

    def counted_stretches(columns: Any) -> Any:
        work["fitted"] += len(next(iter(columns.values())))
        return stretches(columns)

    monkeypatch.setattr(module, "curve_order", counted_order)
    monkeypatch.setattr(module, "stretches", counted_stretches)
    return work


def test_what_stands_still_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, current = crowd_of(strewn(5000), rotations=np.tile((0, 0, 0, 1), (5000, 1)))
    cells = check(current())
    before, work = state(cells), counting(monkeypatch)
    crowd.rotations[:] = (0, 1, 0, 0)  # boxes are around origins
    crowd.colors[:] = (1, 0, 0, 1)
    assert state(check(current())) == before
    assert work == {"ordered": 0, "fitted": 0}


@pytest.mark.parametrize("count", [100, 5000, 4999])
def test_single_rows_are_refitted_exactly(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, current = crowd_of(strewn(count), scales=np.ones(count))
    cells = check(current())
    version, work = cells.version, counting(monkeypatch)
    random = np.random.default_rng(4)
    for step in range(20):
        row = int(random.integers(count)) if step else count - 1
        before = cells.bounds_version
        if step % 2:
            crowd.scales[row] = float(random.normal(scale=5))
        else:
            crowd.positions[row] = random.uniform(-300, 300, 3)
        check(current())
        assert cells.version == version
        assert cells.bounds_version != before
        assert bounded(cells)
    assert work["ordered"] == 0
    assert work["fitted"] <= 20 * CELL
    crowd.scales[:3] = -7
    crowd.positions[[1, count - 1, count // 2]] = 9
    check(current())


def test_many_small_changes_are_put_into_order_again() -> None:
    crowd, current = crowd_of(strewn(4096))
    cells = check(current())
    version = cells.version
    for step in range(8):
        assert cells.version == version
        assert bounded(cells)
        part = slice(512 * step, 512 * (step + 1))
        crowd.positions[part] = strewn(512, seed=step + 5)
        check(current())
    assert cells.version != version
    assert np.array_equal(cells.order, curve_order(np.asarray(crowd.positions)))


def test_a_crowd_that_is_moved_each_frame_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, current = crowd_of(strewn(5000))
    cells = check(current())
    version, bounds, work = cells.version, cells.bounds_version, counting(monkeypatch)
    for step in range(40):
        if step % 2:
            crowd.positions[:] = strewn(5000, seed=step)
        else:
            crowd.positions[:4000] += 1
        check(current())
        assert not bounded(cells)
        assert cells.version == version
        bounds = cells.bounds_version if step == 0 else bounds
        assert cells.bounds_version == bounds
    assert work == {"ordered": 0, "fitted": 0}
    crowd.positions[9] += 1  # few rows are no unrest
    for step in range(CALM):
        assert not bounded(cells)
        if step == CALM // 2:
            crowd.positions[4] += 1
        check(current())
    assert bounded(cells)
    assert work == {"ordered": 5000, "fitted": 5000}
    assert np.array_equal(cells.order, curve_order(np.asarray(crowd.positions)))
    before = state(cells)
    assert state(check(current())) == before


def test_unrest_begins_the_wait_anew() -> None:
    crowd, current = crowd_of(strewn(2000))
    cells = check(current())
    crowd.positions += 1
    for _ in range(CALM):
        check(current())
    assert not bounded(cells)
    crowd.positions += 1
    for _ in range(CALM):
        check(current())
        assert not bounded(cells)
    check(current())
    assert bounded(cells)


def test_a_small_crowd_that_is_moved_keeps_its_bounds() -> None:
    crowd, current = crowd_of(strewn(SMALL - 1))
    for step in range(3):
        crowd.positions[:] = strewn(SMALL - 1, seed=step)
        assert bounded(check(current()))


@pytest.mark.parametrize("at", ["first", "last"])
def test_rows_that_come_and_go_each_frame(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, current = crowd_of(strewn(5000))
    cells = check(current())
    work = counting(monkeypatch)
    for step in range(40):
        crowd.append(strewn(10, seed=step))
        crowd.delete(crowd.ids[:10] if at == "first" else crowd.ids[-12:])
        check(current())
    assert work["ordered"] == 0
    assert not bounded(cells)
    for _ in range(CALM):
        check(current())
    assert bounded(cells)


def test_rows_that_are_appended_are_cells_behind_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, current = crowd_of(strewn(5000), scales=np.ones(5000))
    cells = check(current())
    work = counting(monkeypatch)
    for step in range(30):
        before = cells.order.copy()
        crowd.append(strewn(1 + step * 3, seed=step), scales=np.full(1 + step * 3, 2.0))
        if step % 3 == 0:
            crowd.positions[step] = 7
        check(current())
        assert bounded(cells)
        np.testing.assert_array_equal(cells.order[: len(before)], before)
    assert work["ordered"] == 0
    assert work["fitted"] < 30 * 6 * CELL
    crowd.append(strewn(4000))
    check(current())
    assert not bounded(cells)


def test_growing_from_nothing_and_back() -> None:
    crowd, current = crowd_of(np.zeros((0, 3)))
    check(current())
    for step in range(40):
        crowd.append(strewn(100, seed=step))
        check(current())
    while len(crowd):
        crowd.delete(crowd.ids[: min(370, len(crowd))])
        check(current())


def test_scales_come_and_go() -> None:
    crowd, current = crowd_of(strewn(3000))
    cells = check(current())
    for value in (4.0, None, np.full((3000, 3), (1, -8, 2))):
        crowd.scales = value if value is None or isinstance(value, np.ndarray) else np.full(3000, value)
        check(current())
        assert not bounded(cells)
        for _ in range(CALM):
            check(current())
        assert bounded(cells)


def test_anything_at_random_holds() -> None:
    random = np.random.default_rng(6)
    crowd, current = crowd_of(strewn(1500), scales=np.ones(1500))
    for step in range(400):
        count, kind = len(crowd), random.integers(12)
        if kind == 0:
            crowd.append(strewn(int(random.integers(1, 400)), seed=step))
        elif kind == 1 and count > 10:
            crowd.delete(random.choice(crowd.ids, int(random.integers(1, min(count, 300))), replace=False))
        elif kind == 2:
            crowd.positions[int(random.integers(count)) :] = random.normal(size=3)
        elif kind == 3:
            crowd.scales[random.integers(0, count, 30)] = random.normal(size=30)
        elif kind < 6:
            crowd.positions[random.integers(0, count, 30)] = random.normal(size=3)
        for _ in range(int(random.integers(1, 40 if kind == 11 else 3))):
            check(current())
        if kind == 10:
            check(current(), len(crowd) // 2)
