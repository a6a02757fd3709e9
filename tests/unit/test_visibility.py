"""Visibility on the CPU, held against a loop over planes in float64 and against every vertex."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from throng import math3d
from throng.batching import visibility as module
from throng.batching.cells import SMALL
from throng.batching.collect import Collector
from throng.batching.instances import CrowdInstances, Instances
from throng.batching.visibility import JITTER, Visible
from throng.model import shapes
from throng.model.camera import Camera
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene
from throng.model.material import Motion

IDENTITY = np.eye(4)[:3]
HEIGHT = 720


@dataclass(frozen=True)
class View:
    """As a camera sees it, in a picture of 1280x720."""

    planes: Any
    eye: Any
    clip_w: Any
    pixels_per_unit: float

    @classmethod
    def of(cls, camera: Camera, scale: float = 1.0) -> View:
        """`scale`: by how much all of clip space's coordinates are multiplied, which changes nothing."""
        projection = camera.projection_matrix(1280 / HEIGHT) * scale
        x, y, z, w = projection @ camera.view_matrix
        planes = np.stack([w + x, w - x, w + y, w - y, w + z, w - z])
        planes /= np.linalg.norm(planes[:, :3], axis=1)[:, None]
        toward = camera.position - camera.target
        eye = (*toward / np.linalg.norm(toward), 0) if camera.is_orthographic else (*camera.position, 1)
        return cls(planes, np.array(eye), w, HEIGHT / 2 * projection[1, 1])


@dataclass(frozen=True)
class Body:
    center: Any = field(default_factory=lambda: np.array([0.2, 1.0, -0.1]))
    radius: float = 1.3
    reach: float = 0.0
    sway: float = 0.0
    switches: tuple[float, ...] = ()


def matrices_of(instances: Instances, world: np.ndarray) -> np.ndarray:
    """(n, 3, 4) float64: the transform of each row."""
    count = instances.count
    columns = {name: column.read(0, count) for name, column in instances.columns.items()}
    if "matrices" in columns:
        rows = columns["matrices"].astype(np.float64)
        result = rows[:, :12].reshape(-1, 3, 4).copy()
        result[:, :, 3] += rows[:, 12:]
        return np.asarray(result)
    rotations = columns.get("rotations", np.tile((0, 0, 0, 1), (count, 1))).astype(np.float64)
    scales = columns.get("scales", np.ones(count)).astype(np.float64)
    scales = np.broadcast_to(scales[:, None] if scales.ndim == 1 else scales, (count, 3))
    return math3d.combine(world, math3d.affines(columns["positions"].astype(np.float64), rotations, scales))


def check(
    instances: Instances, view: View, body: Body | None = None, world: np.ndarray = IDENTITY
) -> Visible:
    """What is visible of all rows, compared with what each row's sphere says, with and without cells."""
    body = body or Body()
    count = instances.count
    seen = instances.visible(0, count, world, body, view)
    assert len(seen.levels) == len(body.switches) + 1
    levels = np.full(count, -1)
    for level, rows in enumerate(seen.levels):
        assert str(rows.dtype) == "int64"
        assert (np.diff(rows) > 0).all()
        assert (levels[rows] == -1).all()
        levels[rows] = level
        assert (seen.whole == level) == (0 < count == len(rows))
    assert seen.count == np.count_nonzero(levels >= 0)

    cells = instances.cells(0, count)
    sizes = cells.sizes.copy()
    cells.sizes[:] = -1
    flat = instances.visible(0, count, world, body, view)
    cells.sizes[:] = sizes
    for mine, other in zip(seen.levels, flat.levels, strict=True):
        np.testing.assert_array_equal(mine, other)

    matrices = matrices_of(instances, world)
    centers = matrices[:, :, :3] @ body.center + matrices[:, :, 3]
    stretch = np.linalg.norm(matrices[:, :, :3], 2, axis=(1, 2)) if count else np.zeros(0)
    largest = float(np.linalg.norm(world[:, :3], 2))
    inner = stretch / largest if largest else stretch  # no more than the instance's own scale, which sways
    conformal = np.allclose(world[:, :3].T @ world[:, :3], (world[:, :3] ** 2).sum() / 3 * np.eye(3))
    distances = centers @ view.planes[:, :3].T + view.planes[:, 3]
    nearest = distances.min(axis=1, initial=np.inf)
    must = nearest >= -(stretch * body.radius + body.reach + body.sway * inner)
    assert (levels[must] >= 0).all()
    if not body.sway and conformal:
        eye = view.eye[:3] if view.eye[3] else module._middle(view.planes)
        slack = 1e-4 * stretch * body.radius + 1e-5 * np.linalg.norm(centers - eye, axis=1)
        # Nodes may be sheared: then the bound of how they stretch is up to sqrt(3) times what they do.
        bound = stretch * (3**0.5 if "matrices" in instances.columns else 1)
        may = nearest >= -(bound * body.radius + body.reach + slack)
        assert (levels[~may] == -1).all()
    columns = instances.columns
    if conformal or "scales" not in columns or len(columns["scales"].read(0, 1).shape) == 1:
        check_levels(levels, matrices, centers, view, body)
    return seen


def check_levels(
    levels: np.ndarray, matrices: np.ndarray, centers: np.ndarray, view: View, body: Body
) -> None:
    w = centers @ view.clip_w[:3] + view.clip_w[3]
    slant = 1.0
    if view.eye[3]:
        slant = np.linalg.norm(centers - view.eye[:3], axis=1) * np.linalg.norm(view.clip_w[:3]) / w
    mean = np.linalg.norm(matrices[:, :, :3], axis=(1, 2)) / 3**0.5
    pixels = np.where(w > 0, 2 * body.radius * mean * view.pixels_per_unit * slant / w, np.inf)
    coarsest = sum((pixels < switch * (1 + JITTER + 2e-3) for switch in body.switches), np.zeros(len(w), int))
    finest = sum((pixels < switch * (1 - JITTER - 2e-3) for switch in body.switches), np.zeros(len(w), int))
    seen = levels >= 0
    assert (levels[seen] <= coarsest[seen]).all()
    assert (levels[seen] >= finest[seen]).all()


def crowd_of(count: int, kind: str, *, seed: int = 0, size: float = 100.0, at: Any = 0.0) -> CrowdInstances:
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    if "turned" in kind:
        columns["rotations"] = random.normal(size=(count, 4)) + (0, 0, 0, 1e-3)
    if "scaled" in kind:
        columns["scales"] = random.uniform(-2, 2, count)
    if "stretched" in kind:
        columns["scales"] = random.uniform(-2, 2, (count, 3))
    crowd = Crowd(shapes.box(), positions=random.uniform(-size, size, (count, 3)) + at, **columns)
    instances = CrowdInstances(crowd)
    instances.update()
    return instances


def around(at: Any = 0.0, seed: int = 0) -> list[View]:
    """Views of what is within a hundred metres of a place: from outside, inside, turned away, flat."""
    place = np.zeros(3) + at
    random = np.random.default_rng(seed)
    oblique = Camera.orthographic(place + (80, 60, 90), place, height=60, near=10, far=150)
    return [
        View.of(Camera(place + (0, 20, 300), place, far=2000)),
        View.of(Camera(place + (0, 3, 0), place + random.normal(size=3), fov=70, far=80), scale=3.0),
        View.of(Camera(place + (30, 3, 0), place + (31, 3.5, 2), fov=25)),
        View.of(Camera(place + (0, 20, 300), place + (0, 20, 600))),
        View.of(Camera(place + (5, 10, 2), place + (0, 3, -10), near=20, far=50)),
        View.of(oblique),
        View.of(oblique, scale=2.5),
    ]


KINDS = ["plain", "turned", "scaled", "turned scaled", "turned stretched", "stretched"]
LEVELS = (90.0, 45.0, 25.0, 12.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("switches", [(), LEVELS])
def test_every_kind_of_crowd(kind: str, switches: tuple[float, ...]) -> None:
    instances = crowd_of(3000, kind)
    counts = [check(instances, view, Body(switches=switches)).count for view in around()]
    assert counts[0] == 3000
    assert counts[3] == 0
    assert all(0 < count < 1500 for count in (*counts[1:3], *counts[4:]))


@pytest.mark.parametrize(
    "body",
    [
        Body(np.array([0.0, 40.0, 10.0]), 0.5, switches=(9.0, 5.0)),
        Body(np.zeros(3), 0.1, sway=15.0),
        Body(np.zeros(3), 0.1, reach=15.0),
        Body(np.zeros(3), 0.0),
    ],
    ids=["off its origin", "sways", "reaches", "a point"],
)
@pytest.mark.parametrize("kind", ["plain", "turned scaled"])
def test_cells_make_room_for_what_stands_out_of_them(body: Body, kind: str) -> None:
    instances = crowd_of(20000, kind)
    for view in around():
        check(instances, view, body)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, SMALL - 1, SMALL, 40000])
def test_every_count(count: int) -> None:
    instances = crowd_of(count, "turned scaled")
    for view in around():
        check(instances, view, Body(switches=LEVELS))


TURN = math3d.rotation_matrices(np.array([0.1, -0.5, 0.3, 0.2]) / np.linalg.norm([0.1, -0.5, 0.3, 0.2]))


@pytest.mark.parametrize(
    "linear",
    [
        TURN,
        TURN * 2.5,
        -TURN,
        TURN * (0.2, 1.0, 4.0),
        TURN * (1.0, 0.0, 1.0),
        np.zeros((3, 3)),
        np.eye(3) * 1e-3,
        TURN @ np.diag((1e5, 1.0, 1e-3)) @ TURN,
    ],
    ids=["turned", "larger", "mirrored", "stretched", "flat", "nothing", "tiny", "sheared"],
)
@pytest.mark.parametrize("kind", ["plain", "turned stretched"])
def test_crowds_under_a_transform(linear: np.ndarray, kind: str) -> None:
    world = np.column_stack([linear, (3.0, -4.0, 5.0)])
    instances = crowd_of(3000, kind)
    for view in around():
        check(instances, view, Body(switches=LEVELS), world)


@pytest.mark.parametrize("offset", [1e4, 1e6, 1e9])
def test_far_from_the_origin(offset: float) -> None:
    """Of the crowd's node, and of the columns themselves."""
    place = np.array([offset, -2 * offset, 0.5 * offset])
    instances = crowd_of(3000, "turned scaled")
    for view in around(place):
        seen = check(instances, view, Body(switches=LEVELS), np.column_stack([np.eye(3), place]))
        # A crowd's rows are at the same places relative to the view, wherever in the world both are.
        moved = replace(
            view, planes=view.planes + np.column_stack([np.zeros((6, 3)), view.planes[:, :3] @ place])
        )
        if view.eye[3]:
            moved = replace(moved, eye=view.eye - (*place, 0))
        moved = replace(moved, clip_w=view.clip_w + (0, 0, 0, view.clip_w[:3] @ place))
        assert abs(check(instances, moved, Body(switches=LEVELS)).count - seen.count) <= 1
    if offset < 1e8:
        far = crowd_of(3000, "turned scaled", at=place)
        for view in around():
            check(far, view, Body(switches=LEVELS), np.column_stack([np.eye(3), -place]))


@pytest.mark.parametrize("offset", [0.0, 1e7 + 0.37])
def test_nodes(offset: float) -> None:
    random = np.random.default_rng(1)
    scene, collector = Scene(), Collector()
    parent = scene.add(Node(scale=(1, 1.5, 0.7), rotation=(0, 0.6, 0, 0.8)))
    for place in random.uniform(-100, 100, (1500, 3)):
        parent.add(
            Node(
                shapes.box(),
                position=place,
                rotation=random.normal(size=4),
                scale=random.uniform(-2, 2, 3),
            )
        )
    parent.position = (offset, offset, -offset)
    (batch,) = collector.update(scene)
    for view in around(parent.position):
        check(batch.instances, view, Body(switches=LEVELS))


def test_a_turned_node_is_not_taken_for_larger() -> None:
    scene, collector = Scene(), Collector()
    scene.add(Node(shapes.box(), rotation=(0.1, 0.5, -0.3, 0.7), scale=2))
    (batch,) = collector.update(scene)
    for radius, count in ((0.999, 0), (1.001, 1)):
        plane = np.array([[1.0, 0, 0, -2.0]])
        view = View(plane, np.array([0, 0, 5.0, 1]), np.array([0, 0, -1.0, 5]), 1.0)
        assert batch.instances.visible(0, 1, IDENTITY, Body(np.zeros(3), radius), view).count == count


# -- motions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wind", "fountain", "snow"])
@pytest.mark.parametrize("columns", ["plain", "turned scaled", "turned stretched"])
def test_nothing_vanishes_that_a_motion_carries_into_view(kind: str, columns: str) -> None:
    random = np.random.default_rng(2)
    motion = Motion(kind, strength=20.0 if kind == "wind" else 5.0)
    mesh = shapes.tree(seed=1).parts[0][0]
    center, radius = mesh.sphere
    world = np.column_stack([TURN * (0.5, 2.0, 0.5), (3, 2, 1)])
    body = Body(center, radius)
    furthest = float(np.linalg.norm(center)) + radius
    if kind == "wind":
        body = replace(body, sway=motion.reach(furthest * float(np.linalg.norm(world[1, :3]))))
    else:
        body = replace(body, reach=motion.reach(0.0))
    instances = crowd_of(2000, columns, size=40)
    matrices = matrices_of(instances, world)
    vertices = mesh.positions[::7].astype(np.float64)
    leans = random.normal(size=(2000, 1, 2))
    leans *= motion.strength / np.linalg.norm(leans, axis=2, keepdims=True)
    bent = np.einsum("nij,vj->nvi", matrices[:, :, :3], vertices)
    if kind == "wind":  # as motion.glsl's bent does
        leans /= furthest * np.linalg.norm(matrices[:, 1, :3], axis=1)[:, None, None]
        heights = bent[..., 1:2]
        left = 1 / np.sqrt(1 + 4 / 3 * (leans**2).sum(axis=2, keepdims=True) * heights**2)
        aside = leans * heights**2 * left
        bent = np.concatenate(
            [bent[..., :1] + aside[..., :1], heights * left, bent[..., 2:] + aside[..., 1:]], 2
        )
    places = bent + matrices[:, None, :, 3]
    if kind == "fountain":
        angle = random.uniform(0, 2 * np.pi, (2000, 1))
        places += np.stack(
            [motion.spread * np.cos(angle), motion.strength + 0 * angle, motion.spread * np.sin(angle)], -1
        )
    elif kind == "snow":
        places += (0.7 * motion.spread, -motion.strength, 0.7 * motion.spread)
    carried = 0
    for view in around():
        distances = places @ view.planes[:, :3].T + view.planes[:, 3]
        seen = check(instances, view, body, world)
        shown = np.zeros(2000, np.bool_)
        shown[np.concatenate(seen.levels)] = True
        must = (distances >= 0).all(axis=2).any(axis=1)
        assert shown[must].all()
        still = instances.visible(0, 2000, world, replace(body, reach=0.0, sway=0.0), view)
        carried += len(np.setdiff1d(np.flatnonzero(must), np.concatenate(still.levels)))
    assert carried > 0, "nothing that the motion makes a difference to"


# -- corner cases -------------------------------------------------------------------------------------------


def test_without_planes_everything_is_seen() -> None:
    instances = crowd_of(3000, "turned scaled")
    for view in around():
        everything = replace(view, planes=np.zeros((0, 4)))
        assert check(instances, everything).whole == 0
        assert check(instances, everything, Body(switches=LEVELS)).count == 3000


def test_a_far_plane_at_infinity() -> None:
    view = around()[1]
    planes = view.planes.copy()
    planes[5] = (0, 0, 0, 1)
    instances = crowd_of(3000, "plain")
    assert check(instances, replace(view, planes=planes)).count >= check(instances, view).count > 0


@pytest.mark.parametrize("size", [1e-40, 1e15, 1e30, 3e38])
def test_tiny_and_huge_coordinates_warn_of_nothing(size: float) -> None:
    random = np.random.default_rng(3)
    crowd = Crowd(
        shapes.box(),
        positions=random.uniform(-size, size, (2000, 3)),
        rotations=random.normal(size=(2000, 4)),
        scales=random.uniform(0, size, 2000),
    )
    instances = CrowdInstances(crowd)
    instances.update()
    for view in around():
        seen = instances.visible(0, 2000, IDENTITY, Body(switches=LEVELS), view)
        matrices = matrices_of(instances, IDENTITY)
        centers = matrices[:, :, :3] @ Body().center + matrices[:, :, 3]
        radii = np.abs(crowd.scales[:].astype(np.float64)) * Body().radius
        must = (centers @ view.planes[:, :3].T + view.planes[:, 3] + radii[:, None] >= 0).all(axis=1)
        assert np.isin(np.flatnonzero(must), np.concatenate(seen.levels)).all()


def test_segments_count_their_own_rows() -> None:
    instances = crowd_of(6000, "turned scaled")
    (view, *_) = around()[1:]
    body = Body(switches=LEVELS)
    whole = instances.visible(0, 6000, IDENTITY, body, view)
    first, second = (instances.visible(start, 3000, IDENTITY, body, view) for start in (0, 3000))
    for all_rows, a, b in zip(whole.levels, first.levels, second.levels, strict=True):
        np.testing.assert_array_equal(all_rows, np.concatenate([a, b + 3000]))


def test_a_crowd_that_moves_is_seen_where_it_is() -> None:
    instances = crowd_of(3000, "turned scaled")
    random = np.random.default_rng(4)
    for step in range(40):
        if step < 6:
            instances.crowd.positions[:] = random.uniform(-100, 100, (3000, 3))
        elif step % 3 == 0:
            instances.crowd.positions[random.integers(0, 3000, 20)] = random.uniform(-100, 100, 3)
        instances.update()
        check(instances, around()[step % 7], Body(switches=LEVELS))


def test_levels_switch_within_a_band() -> None:
    """Not all at one distance, and no row at another size than JITTER allows."""
    distances = np.linspace(50, 200, 20000)
    positions = np.stack([0 * distances, 0 * distances, -distances], axis=1)
    instances = CrowdInstances(Crowd(shapes.box(), positions=positions))
    instances.update()
    view = View.of(Camera((0, 0, 0), (0, 0, -1)))
    body = Body(np.zeros(3), 1.0, switches=(15.0,))
    fine, coarse = check(instances, view, body).levels
    pixels = 2 * view.pixels_per_unit / distances
    assert pixels[fine].min() == pytest.approx(15 * (1 - JITTER), rel=1e-2)
    assert pixels[coarse].max() == pytest.approx(15 * (1 + JITTER), rel=1e-2)
    between = np.abs(pixels / 15 - 1) < JITTER / 2
    share = np.isin(np.flatnonzero(between), coarse).mean()
    assert 0.4 < share < 0.6


def test_only_rows_of_cells_in_doubt_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    tested = module._Test._tested

    def counted(self: Any, columns: Any, rows: Any) -> Any:
        looked.append(len(rows))
        return tested(self, columns, rows)

    monkeypatch.setattr(module._Test, "_tested", counted)
    instances = crowd_of(50000, "turned")
    for view, most in zip(around(), (0, 20000, 5000, 0, 20000, 25000, 25000), strict=True):
        seen = instances.visible(0, 50000, IDENTITY, Body(), view).count
        assert sum(looked) <= most, f"{seen} are seen"
        looked.clear()
