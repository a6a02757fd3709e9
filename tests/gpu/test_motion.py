"""Motions: functions of time and the instance, that keep what they promise."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pictures import MODES, Drawer, assert_frames_agree, everything, exact, share_differing

from throng import (
    Camera,
    Crowd,
    InvalidType,
    InvalidValue,
    Material,
    Mesh,
    Motion,
    Mover,
    Node,
    Renderer,
    Scene,
    Wind,
    shapes,
)
from throng.gpu import rawgl
from throng.layout import EXTRA, RECORD

CAMERA = Camera((0, 0, 0), (0, 0, -1))  # the origin of its records is the scene's
Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer((8, 8), options=everything()) as made:
        if not made.capabilities.compute:
            pytest.skip("needs compute shaders")
        yield made


def read(renderer: Renderer, scene: Scene, camera: Camera = CAMERA) -> tuple[Array, Array]:
    """(n, 3, 4): where the shader has put every instance; (n, 2): how wind bends it. From the GPU."""
    renderer.render(scene, camera)
    state = renderer._states[-1]
    mode: Any = state.gpu._mode
    count = state.collector.instances
    with rawgl.current(renderer.context):
        raw = mode._drawn[0].records.read(size=RECORD.size * count)
        beside = mode._drawn[0].extras.read() if mode._visibility.extras else bytes(EXTRA.size * count)
    records = np.frombuffer(raw, RECORD.dtype)
    extras = np.frombuffer(beside[: EXTRA.size * count], EXTRA.dtype)
    order = np.lexsort([records["id"], records["object"]])
    rows = np.stack([records[f"row{row}"] for row in range(3)], axis=1)[order].astype(np.float64)
    lean = np.stack([extras["lean_x"], extras["lean_z"]], axis=1)
    return rows, lean[order].astype(np.float64)


def transforms(renderer: Renderer, scene: Scene) -> Array:
    """(n, 3, 4): where the shader has put every instance, read back from the GPU."""
    return read(renderer, scene)[0]


def vertices(renderer: Renderer, scene: Scene, mesh: Mesh) -> Array:
    """(n, v, 3): the vertices of every instance: bent, stiff at the root."""
    rows, lean = read(renderer, scene)
    turned = np.einsum("nij,vj->nvi", rows[..., :3], mesh.positions.astype(np.float64))
    height = turned[..., 1].copy()
    left = 1 / np.sqrt(1 + 4 / 3 * (lean**2).sum(axis=1)[:, None] * height**2)
    turned[..., 0] += lean[:, :1] * height**2 * left
    turned[..., 2] += lean[:, 1:] * height**2 * left
    turned[..., 1] = height * left
    return np.asarray(turned + rows[:, None, :, 3])


TIMES = [*np.linspace(0, 40, 60), 1e3, 12345.6]
KINDS = [
    Motion("wind"), Motion("wind", strength=0.8, spread=2.0, speed=3.0),
    Motion("fountain"), Motion("fountain", strength=2.0, spread=9.0),
    Motion("snow"), Motion("snow", strength=4.0, spread=3.0, speed=0.5),
]  # fmt: skip


def moving(motion: Motion | None, mesh: Mesh) -> Scene:
    """A crowd under a node, its instances turned and scaled, and some nodes."""
    random = np.random.default_rng(8)
    scene = Scene()
    material = Material(motion=motion)
    parent = scene.add(Node(rotation=(0.3, 0.1, 0.2, 0.9), scale=(1.5, 0.4, 2.0), position=(3, 1, -2)))
    parent.add(
        Crowd(
            mesh,
            material,
            positions=random.uniform(-9, 9, (300, 3)),
            rotations=random.normal(size=(300, 4)),
            scales=random.uniform(-2, 2, (300, 3)),
        )
    )
    scene.add(Crowd(mesh, material, positions=random.uniform(-9, 9, (300, 3))))
    for place in random.uniform(-5, 5, (20, 3)):
        scene.add(Node(mesh, material, position=place, rotation=random.normal(size=4), scale=1.7))
    return scene


@pytest.mark.parametrize("motion", KINDS)
def test_no_vertex_goes_further_than_the_motion_reaches(renderer: Renderer, motion: Motion) -> None:
    """And none leaves the bounds of its crowd or scene, which count on that."""
    mesh = shapes.box((0.3, 1.4, 0.5))
    scene = moving(motion, mesh)
    rest = vertices(renderer, moving(None, mesh), mesh)
    origins = transforms(renderer, moving(None, mesh))[:, :, 3]
    heights = np.abs(rest[..., 1] - origins[:, None, 1]).max(axis=1)
    reach = np.array([motion.reach(float(height)) for height in heights])
    low, high = scene.bounds
    furthest = 0.0
    for seconds in TIMES:
        scene.time = float(seconds)
        now = vertices(renderer, scene, mesh)
        distance = np.linalg.norm(now - rest, axis=-1).max(axis=1)
        assert (distance <= reach * (1 + 1e-5) + 1e-5).all()
        assert (now >= low - 1e-4).all()
        assert (now <= high + 1e-4).all()
        furthest = max(furthest, float((distance / reach).max()))
    assert furthest > 0.6  # a reach that nothing comes near would spoil culling


@pytest.mark.parametrize("motion", KINDS[:2])
def test_wind_leaves_the_root_where_it_is(renderer: Renderer, motion: Motion) -> None:
    mesh = shapes.grass_blade()
    scene = moving(motion, mesh)
    rest = transforms(renderer, moving(None, mesh))
    tips = set()
    for seconds in TIMES:
        scene.time = float(seconds)
        now, lean = read(renderer, scene)
        np.testing.assert_array_equal(now, rest)  # what bends is a matter of height alone
        tips.add(tuple(np.round(lean[7], 6).tolist()))
    assert len(tips) > len(TIMES) * 0.9


def test_a_fountain_starts_at_its_nozzle_rises_and_lands_around_it(renderer: Renderer) -> None:
    motion = Motion("fountain", strength=5.0, spread=2.0)
    scene = Scene()
    scene.add(Crowd(shapes.box(0.1), Material(motion=motion), positions=np.full((4000, 3), (1.0, 2.0, -3.0))))
    scene.time = 6.7
    offset = transforms(renderer, scene)[:, :, 3] - (1, 2, -3)
    across = np.linalg.norm(offset[:, (0, 2)], axis=1)
    assert offset[:, 1].min() >= -1e-5
    assert 4.0 < offset[:, 1].max() <= 5.0
    assert 1.7 < across.max() <= 2.0
    assert np.abs(offset[:, (0, 2)].mean(axis=0)).max() < 0.1  # to all sides
    assert (np.linalg.norm(offset, axis=1) < 0.5).any()


def test_snow_falls_and_starts_again(renderer: Renderer) -> None:
    scene = Scene()
    motion = Motion("snow", strength=6.0, spread=0.5)
    scene.add(Crowd(shapes.box(0.1), Material(motion=motion), positions=np.zeros((500, 3))))
    heights = []
    for seconds in np.arange(0, 30, 0.1):
        scene.time = float(seconds)
        heights.append(transforms(renderer, scene)[:, 1, 3])
    steps = np.diff(np.array(heights), axis=0)
    falls = steps < 0
    assert falls.mean() > 0.95
    assert steps[falls].min() > -0.3  # no jumps but to the start
    assert (steps[~falls] > 5).all()
    assert -6.0 <= np.min(heights) < -5.9
    assert -0.1 < np.max(heights) <= 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["wind", "fountain", "snow"])
def test_a_picture_depends_on_the_time_alone(draw: Drawer, mode: str, kind: str) -> None:
    """Not on the times that were drawn before; and `speed` is nothing but a faster clock."""
    camera = Camera((4, 4, 9))

    def scene_of(speed: float, seconds: float) -> Scene:
        scene = moving(Motion(kind, speed=speed), shapes.box(0.6))
        scene.time = seconds
        return scene

    scene = scene_of(1.0, 8.0)
    first = draw(scene, camera, mode).color
    for seconds in (3.0, 100.0, 0.0):
        scene.time = seconds
        assert share_differing(draw(scene, camera, mode).color, first) > 0.02
    scene.time = 8.0
    np.testing.assert_array_equal(draw(scene, camera, mode).color, first)
    np.testing.assert_array_equal(draw(scene_of(1.0, 8.0), camera, mode).color, first)
    np.testing.assert_array_equal(draw(scene_of(2.0, 4.0), camera, mode).color, first)
    still = draw(scene_of(0.0, 8.0), camera, mode).color
    np.testing.assert_array_equal(draw(scene_of(0.0, 99.0), camera, mode).color, still)


def test_instances_move_each_in_its_own_way_and_keep_it(renderer: Renderer) -> None:
    """By their ids: deleting some leaves the others where they were."""
    scene = Scene(time=5.0)
    crowd = scene.add(Crowd(shapes.box(), Material(motion="snow"), positions=np.zeros((200, 3))))
    before = transforms(renderer, scene)[:, :, 3]
    assert len(np.unique(before.round(5), axis=0)) > 195
    crowd.delete(np.arange(0, 200, 3))
    np.testing.assert_array_equal(transforms(renderer, scene)[:, :, 3], before[np.asarray(crowd.ids)])


def test_time_can_be_long(renderer: Renderer) -> None:
    """After a day of float32 seconds the motion still moves by less than a frame's jump."""
    scene = Scene(time=86_400.0)
    scene.add(Crowd(shapes.box(), Material(motion="wind"), positions=np.zeros((50, 3))))
    one = vertices(renderer, scene, shapes.box())
    scene.time += 1 / 60
    other = vertices(renderer, scene, shapes.box())
    step = np.abs(one - other).max()
    assert 0 < step < 0.05


@pytest.mark.parametrize("kind", ["wind", "fountain", "snow"])
def test_motions_go_on_at_the_time_of_day(renderer: Renderer, kind: str) -> None:
    """Seconds since 1970 are far beyond what float32 can count one by one."""
    scene = moving(Motion(kind), shapes.box())
    seen = []
    for seconds in (1.8e9, 1.8e9 + 0.02, 1.8e9 + 0.04, -1.8e9, 1e300):
        scene.time = seconds
        seen.append(vertices(renderer, scene, shapes.box()))
        assert np.isfinite(seen[-1]).all()
    first, second = (np.abs(seen[step + 1] - seen[step]).max(axis=(1, 2)) for step in (0, 1))
    steady = (first < 0.5) & (second < 0.5)  # but for what lands and starts again
    assert steady.mean() > 0.9
    assert (first[steady] > 1e-4).mean() > 0.9


def meadow(*movers: Mover) -> Scene:
    random = np.random.default_rng(3)
    scene = Scene(movers=movers, time=2.0)
    places = random.uniform(-3, 3, (2000, 3)) * (1, 0, 1)
    scene.add(Crowd(shapes.grass_blade(), Material(motion="wind", double_sided=True), positions=places))
    return scene


def test_movers_push_plants_away_and_only_near_them(renderer: Renderer) -> None:
    mesh = shapes.grass_blade()
    rest = vertices(renderer, meadow(), mesh)
    pushed = vertices(renderer, meadow(Mover((0.5, 0, -0.5), 1.0)), mesh)
    away = rest[:, 0] - (0.5, 0, -0.5)
    far = np.linalg.norm(away[:, (0, 2)], axis=1)
    shift = (pushed - rest)[:, -1]  # of the tips
    assert np.abs(shift[far > 1.2]).max() == 0
    near = (far < 0.4) & (far > 0.05)
    outwards = (shift[:, (0, 2)] * away[:, (0, 2)]).sum(axis=1) / far
    assert (outwards[near] > 0.1).all()
    assert (shift[near, 1] < 0).all()
    high_above = vertices(renderer, meadow(Mover((0.5, 9, -0.5), 1.0)), mesh)
    np.testing.assert_array_equal(high_above, rest)


@pytest.mark.parametrize("mode", MODES)
def test_movers_in_every_mode(draw: Drawer, mode: str) -> None:
    movers = [Mover((0, 0, 0), 1.5), Mover((1, 0, 1), 0.5)]
    camera = Camera((0, 1.5, 4), (0, 0, 0))
    seen = draw(meadow(*movers), camera, mode)
    assert share_differing(seen.color, draw(meadow(), camera, mode).color) > 0.02
    assert_frames_agree(seen, draw(meadow(*movers), camera, "naive"), share=0.003)
    still = replace(exact(mode), motion=False)
    resting = meadow(*movers)
    quiet = meadow()
    quiet.crowds[0].material = Material(double_sided=True)
    np.testing.assert_array_equal(draw(resting, camera, still).color, draw(quiet, camera, mode).color)


def test_what_movers_push_into_view_is_not_culled(draw: Drawer) -> None:
    """Right at the edge of the picture, where only leaning brings a blade into it."""
    for x in np.linspace(-3, 3, 13):
        camera = Camera((x, 0.4, 0.9), (x, 0.4, 0), fov=25)
        movers = [Mover((x + side, 0, 0), 1.2) for side in (-1.0, 1.0)]
        culled = draw(meadow(*movers), camera, exact())
        whole = draw(meadow(*movers), camera, everything())
        np.testing.assert_array_equal(culled.color, whole.color)


def test_bad_movers_are_refused() -> None:
    scene = Scene()
    with pytest.raises(InvalidType, match=r"movers\[1\]: expected a Mover, got int 3"):
        scene.movers = [Mover((0, 0, 0)), 3]  # type: ignore[list-item]
    with pytest.raises(InvalidValue, match="movers: expected at most 16, got 17"):
        scene.movers = [Mover((0, 0, 0))] * 17
    with pytest.raises(InvalidValue, match="radius: expected"):
        Mover((0, 0, 0), 0)
    assert scene.movers == ()


def blades(motion: Motion, places: Array, **looks: Any) -> Scene:
    scene = Scene(**looks)
    material = Material(motion=motion, double_sided=True)
    scene.add(Crowd(shapes.grass_blade(bend=0.0), material, positions=places))
    return scene


def grid(side: float, steps: int) -> Array:
    across = np.linspace(-side / 2, side / 2, steps)
    x, z = (axis.ravel() for axis in np.meshgrid(across, across))
    return np.column_stack([x, 0 * x, z])


@pytest.mark.parametrize("strength", [0.3, 1.0, 4.0])
def test_what_bends_keeps_its_length_and_stays_above_the_ground(renderer: Renderer, strength: float) -> None:
    mesh = shapes.grass_blade(bend=0.0, width=1e-4)
    scene = Scene(movers=[Mover((0.3, 0, 0.2), 3.0)])
    places = grid(20, 30)
    scene.add(Crowd(mesh, Material(motion=Motion("wind", strength)), positions=places))
    order = np.argsort(mesh.positions[:, 1])
    for seconds in (0.0, 3.0, 11.0):
        scene.time = seconds
        rows, _ = read(renderer, scene)
        now = vertices(renderer, scene, mesh)[:, order] - rows[:, None, :, 3]
        assert now[..., 1].min() > -1e-6
        lengths = np.linalg.norm(np.diff(now, axis=1), axis=-1).sum(axis=1)
        # What a mover stands on is shorter: it lies on more of the same.
        free = np.linalg.norm(places - (0.3, 0, 0.2), axis=1) > 3.2
        assert np.abs(lengths[free] / 0.6 - 1).max() < 0.1
        turned = rows[:, 1, 1] < 0.999
        assert not turned[free].any()
        assert turned.any()


def test_normals_are_those_of_what_is_bent(draw: Drawer) -> None:
    """Held against the depths of the same picture: a wall that leans towards the camera and away from it."""
    rows = np.linspace(0, 2, 41)
    points = np.array([(x, y, 0.0) for y in rows for x in (-1.0, 1.0)])
    steps = np.arange(40)[:, None] * 2
    mesh = Mesh(points, np.concatenate([steps + (0, 1, 2), steps + (1, 3, 2)]))
    turn = (0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5))
    for mode, away, side in itertools.product(MODES, (0, 2), (1, -1)):
        direction, eye = np.zeros((2, 3))
        direction[away], eye[away] = side, 9
        camera = Camera.orthographic(eye + (0, 1, 0), (0, 1, 0), height=2.4, near=1, far=20)
        scene = Scene(wind=Wind(direction), time=3.0)
        turned = [turn if away == 0 else (0.0, 0.0, 0.0, 1.0)]
        material = Material(motion=Motion("wind", 3.0))
        scene.add(Crowd(mesh, material, positions=np.zeros((1, 3)), rotations=turned))
        frame = draw(scene, camera, mode, size=(96, 96))
        seen = np.flatnonzero(np.isfinite(frame.depth[:, 48]))[4:-4]
        forth = -frame.depth[:, 48]
        slope = (forth[seen - 2] - forth[seen + 2]) / (4 * 2.4 / 96)
        wanted = np.stack([-slope, np.ones_like(slope)], axis=1)
        wanted /= np.linalg.norm(wanted, axis=1)[:, None]
        assert np.abs(slope).max() > 0.3
        np.testing.assert_allclose(frame.normals[seen, 48][:, (1, away)], wanted, atol=0.05)


def test_gusts_travel_with_the_wind(renderer: Renderer) -> None:
    """What leans at one place now does so further along a while later, and not as much anywhere else."""
    steps = 60
    motion = Motion("wind", 0.5, spread=8.0)

    def leans(scene: Scene) -> Array:
        """(steps, steps), z by x: how far everything leans along the wind, without what flutters."""
        lean = read(renderer, scene)[1] @ np.array(scene.wind.direction)[[0, 2]]
        field = lean.reshape(steps, steps)
        blurred = sum(np.roll(field, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
        return np.asarray(blurred[2:-2, 2:-2])

    for direction, axis, sign in (((1, 0, 0), 1, 1), ((0, 0, -1), 0, -1)):
        scene = blades(motion, grid(30, steps), wind=Wind(direction), time=5.0)
        before = leans(scene)
        assert before.mean() > 0.05
        scene.time = 5.5
        after = leans(scene)
        likeness = []
        for shift in range(-9, 10):
            moved = np.roll(before, shift, axis)[9:-9, 9:-9]
            likeness.append(np.corrcoef(moved.ravel(), after[9:-9, 9:-9].ravel())[0, 1])
        best = (int(np.argmax(likeness)) - 9) * sign * 30 / (steps - 1)
        assert 0.7 < best < 3.0, (best, likeness)  # metres in half a second
        assert max(likeness) > 0.9


def test_the_wind_is_the_scenes_not_the_crowds(renderer: Renderer) -> None:
    """Crowds under turned and shifted nodes lean with their neighbours."""
    places = grid(30, 40)
    motion = Motion("wind", 0.5)
    plain = blades(motion, places, time=4.0)
    other = Scene(time=4.0)
    turned = np.stack([places[:, 2] + 50, places[:, 1], -places[:, 0]], axis=1)  # undone by the node
    other.add(
        Crowd(
            shapes.grass_blade(bend=0.0), Material(motion=motion), positions=turned,
            rotation=(0, -(0.5**0.5), 0, 0.5**0.5), position=(0, 0, -50),
        )
    )  # fmt: skip
    rows, lean = read(renderer, plain)
    moved, also = read(renderer, other)
    np.testing.assert_allclose(moved[:, :, 3], rows[:, :, 3], atol=1e-4)
    np.testing.assert_allclose(also, lean, atol=0.3 * lean.std())  # but for what flutters
    assert np.corrcoef(lean[:, 0], also[:, 0])[0, 1] > 0.95


def test_what_bends_does_so_wherever_it_is_seen_from(renderer: Renderer) -> None:
    scene = blades(Motion("wind", 0.4), grid(9, 20), time=2.0, movers=[Mover((1, 0, 1), 2.0)])
    far = Camera((-400, 30, 700), (0, 0, 0))
    np.testing.assert_allclose(read(renderer, scene, far)[1], read(renderer, scene)[1], atol=2e-3)


def test_a_calm_is_at_rest_and_half_a_wind_bends_half_as_far(renderer: Renderer) -> None:
    scene = blades(Motion("wind", 0.4), grid(9, 20), time=2.0)
    full = read(renderer, scene)[1]
    scene.wind = Wind(strength=0.5)
    np.testing.assert_allclose(read(renderer, scene)[1], full / 2, rtol=1e-5)
    scene.wind = Wind(strength=0)
    assert not read(renderer, scene)[1].any()


@pytest.mark.parametrize("strength", [0.15, 2.0])
def test_bounds_know_of_movers(renderer: Renderer, strength: float) -> None:
    random = np.random.default_rng(4)
    scene = moving(Motion("wind", strength), shapes.grass_blade())
    resting = scene.bounds
    scene.movers = [Mover(place, 3.0) for place in random.uniform(-8, 8, (16, 3))]
    low, high = scene.bounds
    assert (low < resting[0]).all()
    nodes = Scene()
    nodes.add(Node(shapes.grass_blade(), Material(motion=Motion("wind", strength))))
    alone = nodes.bounds
    nodes.movers = scene.movers
    assert (nodes.bounds[0] < alone[0]).all()
    for crowd in scene.crowds:
        assert (crowd.bounds[0] >= low).all()
    now = vertices(renderer, scene, shapes.grass_blade())
    assert (now >= low - 1e-4).all()
    assert (now <= high + 1e-4).all()


def test_movers_press_flat_what_is_low_and_hardly_move_trees(renderer: Renderer) -> None:
    places = grid(4, 40)
    scene = blades(Motion("wind"), places, wind=Wind(strength=0), movers=[Mover((0, 0.3, 0), 1.0)])
    mesh = shapes.grass_blade(bend=0.0)
    tips = vertices(renderer, scene, mesh)[:, -1]
    far = np.linalg.norm(places, axis=1)
    assert (tips[far < 0.3, 1] < 0.45 * 0.6).all()
    assert (tips[far > 1.05, 1] > 0.599).all()
    # Neighbours lie alike, under the mover too: no two blades 10 cm from each other point to different sides.
    shift = (tips - places)[:, (0, 2)].reshape(40, 40, 2)
    assert np.linalg.norm(np.diff(shift, axis=0), axis=-1).max() < 0.18
    tree = Scene(wind=Wind(strength=0), movers=[Mover((0.2, 0.3, 0), 1.0)])
    tall = shapes.grass_blade(height=6.0, bend=0.0)
    tree.add(Crowd(tall, Material(motion="wind"), positions=np.zeros((1, 3))))
    assert np.abs(vertices(renderer, tree, tall)[0] - tall.positions).max() < 0.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [20, 1000])
def test_movers_that_come_are_noticed_where_all_else_rests(draw: Drawer, mode: str, count: int) -> None:
    """Nothing is kept of what was chosen without them: they push into view what was outside."""
    camera = Camera.orthographic((0, 0.8, 5), (0, 0.8, 0), height=2, near=1, far=10)
    places = np.column_stack([np.full(count, -2.665), np.zeros(count), np.linspace(-0.5, 0.5, count)])
    scene = Scene(wind=Wind(strength=0))
    mesh = shapes.grass_blade(height=2.0, bend=0.0)
    scene.add(Crowd(mesh, Material(motion=Motion("wind", 0.05), double_sided=True), positions=places))
    nothing = draw(scene, camera, mode, size=(192, 128))
    assert not np.isfinite(nothing.depth).any()
    scene.movers = [Mover((-2.665 - 0.55 * 4, 0, 0), 4.0)]
    assert np.isfinite(draw(scene, camera, mode, size=(192, 128)).depth).any()


def test_what_bends_out_from_behind_something_is_not_left_out(draw: Drawer) -> None:
    """Blades behind a slat, whose tops alone come out beside it."""
    scene = Scene(time=1.0, movers=[Mover((0, 0.2, -1.0), 1.6)])
    scene.add(Node(shapes.box((1.2, 3.0, 0.02)), Material((0.3, 0.3, 0.3)), position=(0, 0, 0)))
    places = grid(3, 60) * (1, 0, 0.5) - (0, 0, 1.0)
    for tall in (0.6, 2.0):
        mesh = shapes.grass_blade(height=tall, bend=0.0, width=0.02)
        scene.add(Crowd(mesh, Material(motion=Motion("wind", 0.9), double_sided=True), positions=places))
    tested = replace(exact("indirect"), cull=False)
    for seconds in np.linspace(0, 6, 13):
        scene.time = float(seconds)
        for x in (-1.0, 0.0, 0.7):
            camera = Camera((x, 0.7, 4), (0, 0.7, 0), fov=40)
            whole = draw(scene, camera, everything("indirect"), size=(160, 120))
            np.testing.assert_array_equal(draw(scene, camera, tested, size=(160, 120)).color, whole.color)


def test_bad_winds_are_refused() -> None:
    with pytest.raises(
        InvalidValue, match=r"direction: expected a direction along the ground, got \(0, 1, 0\)"
    ):
        Wind((0, 1, 0))
    with pytest.raises(InvalidValue, match="strength: expected"):
        Wind(strength=1.5)
    with pytest.raises(InvalidType, match="wind: expected a Wind, got NoneType None"):
        Scene(wind=None)  # type: ignore[arg-type]
