"""Crowds: rows that come and go, ids that stay, and bounds that hold every vertex."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from throng.errors import InvalidIndex, InvalidType, InvalidValue
from throng.model import shapes
from throng.model.column import Column
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene
from throng.model.material import Material, Motion
from throng.model.mesh import Mesh, Model

MESH = shapes.box()
DEFAULTS: dict[str, Any] = {
    "positions": (0, 0, 0), "rotations": (0, 0, 0, 1), "scales": 1.0, "colors": (1, 1, 1, 1),
    "heat": 0.0, "team": 0, "wind": (0, 0),
}  # fmt: skip
CUSTOM = ("heat", "team", "wind")
Row = dict[str, Any]


def test_append_and_delete_keep_order_and_never_reuse_an_id() -> None:
    crowd = Crowd(MESH, positions=[(n, 0, 0) for n in range(5)])
    assert crowd.ids.tolist() == [0, 1, 2, 3, 4]
    assert crowd.append([(5, 0, 0), (6, 0, 0)]).tolist() == [5, 6]
    crowd.delete([6, 1, 1])
    assert crowd.ids.tolist() == [0, 2, 3, 4, 5]
    assert crowd.positions[:, 0].tolist() == [0, 2, 3, 4, 5]
    assert crowd.append(np.zeros((1, 3))).tolist() == [7]
    assert crowd.rows([7, 0, 3]).tolist() == [5, 0, 2]
    assert crowd.rows(4).tolist() == [3]
    crowd.delete(crowd.ids)
    assert len(crowd) == 0
    assert crowd.append([(1, 1, 1)]).tolist() == [8]
    assert crowd.rows([]).tolist() == []
    with pytest.raises(InvalidValue, match=r"^expected a write to a column or node"):
        crowd.ids[0] = 3


class Reference:
    """The same crowd as a list of dicts."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = [{**row, "id": number} for number, row in enumerate(rows)]
        self.next = len(rows)

    def append(self, rows: list[Row]) -> list[int]:
        new = [{**row, "id": self.next + number} for number, row in enumerate(rows)]
        self.rows += new
        self.next += len(new)
        return [row["id"] for row in new]


def random_rows(random: np.random.Generator, count: int, names: list[str]) -> tuple[list[Row], Row]:
    """Rows for the reference, and the same as arguments."""
    values: Row = {
        "positions": random.normal(size=(count, 3)).astype(np.float32),
        "rotations": np.eye(4)[random.integers(0, 4, count)],
        "scales": random.uniform(0.5, 2, count).astype(np.float32),
        "colors": random.integers(0, 256, (count, 4)).astype(np.uint8),
        "heat": random.normal(size=count).astype(np.float32),
        "team": random.integers(-9, 9, count),
        "wind": random.normal(size=(count, 2)).astype(np.float32),
    }
    read = {**values, "colors": values["colors"] / 255}
    rows = [{k: read[k][n] if k in names else np.array(DEFAULTS[k]) for k in DEFAULTS} for n in range(count)]
    given: Row = {name: values[name] for name in names if name not in CUSTOM}
    custom = {name: values[name] for name in names if name in CUSTOM}
    return rows, {**given, **({"columns": custom} if custom else {})}


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_random_changes_against_a_list_of_dicts(seed: int) -> None:
    random = np.random.default_rng(seed)
    optional = ["rotations", "scales", "colors"]
    first = ["positions", *(name for name in optional if random.random() < 0.5), *CUSTOM]
    rows, given = random_rows(random, 5, first)
    crowd, reference = Crowd(MESH, **given), Reference(rows)
    columns = {name: crowd.columns[name] if name in CUSTOM else getattr(crowd, name) for name in DEFAULTS}
    seen = {name: column.versions.latest for name, column in columns.items()}
    mirror = {name: np.array(column) for name, column in columns.items()}
    shape = crowd.shape

    for _ in range(300):
        kind = random.integers(6)
        if kind <= 1:
            names = ["positions", *(n for n in [*optional, *CUSTOM] if random.random() < 0.4)]
            rows, given = random_rows(random, int(random.integers(0, 6)), names)
            assert crowd.append(**given).tolist() == reference.append(rows)
        elif kind == 2 and reference.rows:
            ids = random.permutation([row["id"] for row in reference.rows])[: random.integers(0, 7)]
            crowd.delete(ids)
            reference.rows = [row for row in reference.rows if row["id"] not in set(ids.tolist())]
        elif kind == 3 and reference.rows:
            name = random.choice(list(DEFAULTS))
            rows, given = random_rows(random, 1, [name, "positions"])
            at = int(random.integers(len(reference.rows)))
            columns[name][at] = given["columns"][name][0] if name in CUSTOM else given[name][0]
            reference.rows[at][name] = rows[0][name]
        elif kind == 4:
            name = random.choice(optional)
            setattr(crowd, name, None)
            for row in reference.rows:
                row[name] = np.array(DEFAULTS[name])
        elif reference.rows:
            number = int(random.choice([row["id"] for row in reference.rows]))
            assert reference.rows[crowd.rows(number)[0]]["id"] == number

        assert len(crowd) == len(reference.rows)
        assert crowd.ids.tolist() == [row["id"] for row in reference.rows]
        for name, column in columns.items():
            wanted = np.array([row[name] for row in reference.rows]).reshape(column.shape)
            np.testing.assert_allclose(column, wanted, rtol=1e-6, atol=1e-7, err_msg=name)
            # Whoever copies only what has changed ends up with the same, as long as the layout is the same.
            if crowd.shape != shape:
                mirror[name] = np.resize(mirror[name], column.shape)
            if column.present:
                for start, stop in column.versions.ranges_since(seen[name], len(crowd)):
                    mirror[name][start:stop] = column[start:stop]
                np.testing.assert_array_equal(mirror[name], column, err_msg=name)
                seen[name] = column.versions.latest
            else:
                seen[name] = -1
        shape = crowd.shape


def test_memory_grows_by_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(MESH, positions=np.zeros((1, 3)), columns={"heat": [1.0]})
    crowd.append(np.zeros((1, 3)))
    crowd.delete([0])
    stores = {id(crowd._positions._store), id(crowd._ids)}
    keep: list[Any] = []  # so that no address is used twice
    for _ in range(2000):
        crowd.append(np.zeros((1, 3)))
        keep += [crowd._positions._store, crowd._ids]
        stores |= {id(crowd._positions._store), id(crowd._ids)}
    assert len(stores) <= 2 * (math.log2(2000) + 2)


def test_a_crowd_is_true_and_has_a_length() -> None:
    empty = Crowd(MESH, positions=np.zeros((0, 3)), scales=np.zeros(0), columns={"heat": np.zeros(0)})
    assert (len(empty), bool(empty), empty.ids.shape) == (0, True, (0,))
    assert empty.positions.shape == (0, 3)
    empty.positions += 1
    empty.rotations[:] = (0, 0, 0, 1)
    empty.delete([])
    with pytest.raises(InvalidValue, match=r"^bounds: expected at least one instance, got 0$"):
        _ = empty.bounds
    with pytest.raises(InvalidType, match=r"^a crowd cannot be iterated over: read its columns$"):
        iter(empty)
    assert empty.append(np.ones((2, 3)), scales=[1, 2]).tolist() == [0, 1]


def test_ids_do_not_run_out_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(MESH, positions=np.zeros((1, 3)))
    monkeypatch.setattr(crowd, "_next_instance", 2**31 - 2)
    crowd.append(np.zeros((1, 3)))
    with pytest.raises(InvalidValue) as caught:
        crowd.append(np.zeros((1, 3)))
    assert str(caught.value) == "positions: expected at most 2147483647 instances, ever, got 2147483648"
    assert len(crowd) == 2


def test_appended_scales_widen_the_column_where_they_must() -> None:
    crowd = Crowd(MESH, positions=np.zeros((2, 3)), scales=[2, 3])
    crowd.append(np.zeros((1, 3)), scales=[(1, 2, 3)])
    np.testing.assert_array_equal(crowd.scales, [(2, 2, 2), (3, 3, 3), (1, 2, 3)])
    crowd.append(np.zeros((1, 3)), scales=[4])
    crowd.append(np.zeros((1, 3)))
    np.testing.assert_array_equal(crowd.scales[3:], [(4, 4, 4), (1, 1, 1)])


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"positions": [(0, 0)]}, InvalidValue, "positions: expected shape (n, 3), got (1, 2)"),
        ({"rotations": np.zeros((1, 4))}, InvalidValue,
         "rotations: expected quaternions (x, y, z, w) other than zero, got zero in row 0"),
        ({"scales": [(1, 1, 1)], "colors": [(2, 0, 0)]}, InvalidValue,
         "colors: expected colours in 0..1 (or a uint8 array in 0..255), got 2"),
        ({"scales": [(1, 1, 1)], "columns": {"heat": [np.nan]}}, InvalidValue,
         "columns['heat']: expected finite values, got nan at [0]"),
        ({"columns": {"cold": [1]}}, InvalidValue,
         "columns['cold']: expected a column of this crowd, one of 'heat', 'team'"),
        ({"columns": {"team": [1.5]}}, InvalidType, "columns['team']: expected integers, got dtype float64"),
        ({"columns": {"team": [1, 2]}}, InvalidValue, "columns['team']: expected shape (1,), got (2,)"),
    ],
)  # fmt: skip
def test_an_append_that_fails_adds_nothing(given: Row, kind: type[Exception], text: str) -> None:
    crowd = Crowd(MESH, positions=np.zeros((2, 3)), scales=[1, 2], columns={"heat": [0, 1.5], "team": [0, 1]})
    shape = crowd.shape
    with pytest.raises(kind) as caught:
        crowd.append(**{"positions": np.zeros((1, 3)), **given})
    assert str(caught.value) == text
    with pytest.raises(InvalidIndex, match=r"^ids: expected ids of this crowd's instances, got 7$"):
        crowd.delete([0, 7])
    assert crowd.shape == shape
    assert [len(column) for column in crowd._all_columns()] == [2] * 6
    assert crowd.append(np.zeros((1, 3))).tolist() == [2]


def test_custom_columns_are_read_and_written_by_name() -> None:
    crowd = Crowd(MESH, positions=np.zeros((2, 3)), columns={"heat": [0.5, 1.5], "team": np.array([1, 2])})
    assert list(crowd.columns) == ["heat", "team"]
    assert {name: column.dtype.name for name, column in crowd.columns.items()} == {
        "heat": "float32",
        "team": "int32",
    }
    assert isinstance(crowd.columns["heat"], Column)
    crowd.columns["heat"] = (3, 4)
    crowd.columns["heat"][1] -= 1
    assert crowd.columns["heat"][:].tolist() == [3, 3]
    with pytest.raises(InvalidValue, match=r"^columns\['heat'\]: expected shape \(2,\), got \(3,\)$"):
        crowd.columns["heat"] = (1, 2, 3)
    with pytest.raises(InvalidValue, match=r"^columns\['cold'\]: expected a column of this crowd, one of 'h"):
        crowd.columns["cold"] = (1, 2)
    assert "cold" not in crowd.columns


# -- bounds -----------------------------------------------------------------------------------------------


def rotated(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """`v` turned by quaternions, as q v q*; not with throng's matrices."""
    xyz, w = q[..., :3], q[..., 3:]
    t = 2 * np.cross(xyz, v)
    return np.asarray(v + w * t + np.cross(xyz, t))


def all_vertices(crowd: Crowd, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """(n, v, 3) every vertex of every instance, and (n, 1, 3) the instances' origins, in the scene."""
    scales = np.asarray(crowd.scales, np.float64).reshape(len(crowd), 1, -1)
    vertices = mesh.positions.astype(np.float64)[None] * scales
    places = np.asarray(crowd.positions, np.float64)[:, None]
    local = rotated(np.asarray(crowd.rotations, np.float64)[:, None], vertices) + places
    world = crowd.world_matrix
    return local @ world[:3, :3].T + world[:3, 3], places @ world[:3, :3].T + world[:3, 3]


def moved(
    motion: Motion, vertices: np.ndarray, origins: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Where a motion may carry the vertices at its worst, as motion.glsl does it: in the scene's space."""
    angle = random.uniform(0, 2 * np.pi, (len(vertices), 1, 1))
    sideways = np.concatenate([np.cos(angle), 0 * angle, np.sin(angle)], axis=-1)
    if motion.kind == "wind":
        return np.asarray(vertices + motion.strength * sideways * (vertices - origins)[..., 1:2])
    up = motion.strength * random.uniform(0, 1, angle.shape) * (1 if motion.kind == "fountain" else -1)
    return np.asarray(vertices + motion.spread * sideways + up * np.array((0, 1, 0)))


MOTIONS = [None, Motion("wind", 0.5), Motion("fountain", 6, 9), Motion("snow", 12, 0.6)]
SHAPES = {
    "box": shapes.box(),
    "off centre": Mesh([(5, 10, 0), (6, 11, 0), (5, 11, 1)], [0, 1, 2]),
    "rod along x": shapes.box((10, 0.1, 0.1)),
    "tree trunk": shapes.tree(0).parts[0][0],
}


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.kind if motion else "still")
@pytest.mark.parametrize("mesh", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("node_scale", [1, 0.1, (-2, 0.3, 5)])
def test_bounds_hold_every_vertex(mesh: Mesh, motion: Motion | None, node_scale: Any) -> None:
    random = np.random.default_rng(1)
    count = 40
    quaternions = random.normal(size=(count, 4))
    for scales in (None, random.uniform(-2, 2, count), random.uniform(-3, 3, (count, 3))):
        parent = Node(position=(100, 0, -3), rotation=(0.3, 0.1, -0.5, 1), scale=(1, 2, 0.5))
        crowd = Crowd(
            mesh, Material(motion=motion), positions=random.normal(size=(count, 3)) * 8 + 1e4,
            rotations=quaternions, scales=scales, position=(3, 2, 1), rotation=(0.9, 0.1, 0.1, 0),
            scale=node_scale,
        )  # fmt: skip
        parent.add(crowd)
        for scene in (None, Scene()):
            if scene is not None:
                scene.add(parent)
            vertices, origins = all_vertices(crowd, mesh)
            if motion is not None:
                vertices = moved(motion, vertices, origins, random)
            low, high = crowd.bounds
            slack = 1e-9 * np.abs(vertices).max()
            assert (vertices.reshape(-1, 3).min(axis=0) >= low - slack).all()
            assert (vertices.reshape(-1, 3).max(axis=0) <= high + slack).all()
            if scene is not None:
                np.testing.assert_allclose(scene.bounds, crowd.bounds)


def test_bounds_are_not_needlessly_wide() -> None:
    crowd = Crowd(MESH, positions=[(0, 0, 0), (100, 0, 0)])
    np.testing.assert_allclose(crowd.bounds, [(-0.867, -0.867, -0.867), (100.867, 0.867, 0.867)], atol=1e-3)


def test_a_model_counts_with_all_its_parts() -> None:
    low, high = Mesh([(0, -9, 0)] * 3, [0, 1, 2]), Mesh([(0, 0, 7)] * 3, [0, 1, 2])
    crowd = Crowd(Model([(low, Material()), (high, Material(motion="snow"))]), positions=np.zeros((1, 3)))
    assert (crowd.bounds[0] <= (0, -9 - 12, 0)).all()
    assert (crowd.bounds[1] >= (0.6, 0, 7.6)).all()
