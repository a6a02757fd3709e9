"""Motions: functions of time and the instance, that keep what they promise."""

from __future__ import annotations

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


def read(renderer: Renderer, scene: Scene) -> tuple[Array, Array]:
    """(n, 3, 4): where the shader has put every instance; (n, 2): how wind bends it. From the GPU."""
    renderer.render(scene, CAMERA)
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
    """(n, v, 3): the vertices of every instance: along a parabola, stiff at the root."""
    rows, lean = read(renderer, scene)
    turned = np.einsum("nij,vj->nvi", rows[..., :3], mesh.positions.astype(np.float64))
    height = turned[..., 1]
    turned[..., 0] += lean[:, :1] * height**2
    turned[..., 2] += lean[:, 1:] * height**2
    turned[..., 1] -= 2 / 3 * (lean**2).sum(axis=1)[:, None] * height**3
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
    with pytest.raises(InvalidValue, match="movers: expected at most 8, got 9"):
        scene.movers = [Mover((0, 0, 0))] * 9
    with pytest.raises(InvalidValue, match="radius: expected"):
        Mover((0, 0, 0), 0)
    assert scene.movers == ()
