"""Mode "instanced": what it leaves out is not seen, and what rests costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import OUTPUTS
from randomscenes import random_camera, random_crowd, random_scene, seeds

import throng
from throng import Camera, Crowd, Material, Mesh, Model, Node, Options, Renderer, Scene, shapes
from throng.gpu import selection
from throng.gpu.instanced import palette

SIZE = (64, 48)
Maker = Callable[..., Renderer]


@pytest.fixture(scope="module")
def renderer() -> Iterator[Maker]:
    """renderer(**options): one of mode "instanced" that is kept for other tests."""
    kept: dict[Any, Renderer] = {}

    def get(**options: Any) -> Renderer:
        key = tuple(sorted(options.items()))
        if key not in kept:
            kept[key] = Renderer(SIZE, options=Options("instanced", **options))
        return kept[key]

    yield get
    for made in kept.values():
        made.close()


def inside(seed: int) -> Camera:
    """A camera among what it looks at."""
    random = np.random.default_rng(seed)
    place = random.uniform(-2, 2, 3)
    direction = random.normal(size=3)
    return Camera(place, place + direction, fov=float(random.uniform(20, 100)), near=0.02)


def assert_same(one: throng.Frame, other: throng.Frame, where: str) -> None:
    for name in one.outputs:
        a, b = getattr(one, name), getattr(other, name)
        wrong = np.count_nonzero((a != b) & ((a == a) | (b == b)))  # what is flat has normals that are nan
        assert not wrong, f"{where}: {name} differs in {wrong} numbers"


def change(scene: Scene, random: np.random.Generator) -> None:
    """Moves some, deletes one (from when on ids are a column), adds one."""
    for node in scene.children:
        if isinstance(node, Crowd) and len(node) > 5:
            node.positions[::7] += random.normal(0, 0.3, 3)
            node.scales[3] *= -1
            node.delete([node.ids[1]])
            node.append([(0.1, 0.2, 0.3)])
        else:
            node.position += (0.1, 0, 0)


@pytest.mark.parametrize("rows", [1, 256], ids=["all gathered", "small ones whole"])
@pytest.mark.parametrize("lod", [False, True])
def test_what_is_culled_is_not_seen(
    renderer: Maker, monkeypatch: pytest.MonkeyPatch, lod: bool, rows: int
) -> None:
    monkeypatch.setattr(selection, "_WORTH_ROWS", rows)
    culled = 0
    for seed in seeds(30):
        scene, random = random_scene(seed), np.random.default_rng(seed)
        if seed % 3 == 0:
            scene.add(random_crowd(random, 3000))
        for view, camera in enumerate((random_camera(seed), inside(seed), random_camera(seed + 1000))):
            frames = [renderer(cull=cull, lod=lod).render(scene, camera, OUTPUTS) for cull in (True, False)]
            assert_same(frames[0], frames[1], f"scene {seed}, view {view}")
            assert frames[1].stats.culled == 0
            culled += frames[0].stats.culled
            change(scene, random)
    assert culled > 20_000


def test_what_moves_by_itself_is_seen(renderer: Maker) -> None:
    """Far from where its columns have it."""
    random = np.random.default_rng(1)
    scene = Scene()
    for kind in ("wind", "fountain", "snow"):
        material = Material(motion=throng.Motion(kind, strength=3.0))
        positions = random.uniform(-1, 1, (400, 3))
        scene.add(Crowd(shapes.cone(0.1), material, positions=positions, scales=random.uniform(1, 2, 400)))
        scene.add(Node(shapes.cone(0.1), material))
    for seed in range(30):
        scene.time += 0.37
        frames = [renderer(cull=cull).render(scene, inside(seed), OUTPUTS) for cull in (True, False)]
        assert_same(frames[0], frames[1], f"view {seed}")


OLD = """
import numpy as np, sys
sys.path.insert(0, {folder!r})
import test_instanced as t
for lod in (False, True):
    both = [t.Renderer(t.SIZE, options=t.Options(cull=cull, lod=lod)) for cull in (True, False)]
    for seed in t.seeds(6):
        scene = t.random_scene(seed)
        scene.add(t.random_crowd(np.random.default_rng(seed), 2000))
        for camera in (t.random_camera(seed), t.inside(seed)):
            frames = [one.render(scene, camera, t.OUTPUTS) for one in both]
            t.assert_same(*frames, f"scene {{seed}}")
    print(both[0].stats.mode, both[0].capabilities.version_code)
"""


@pytest.mark.usefixtures("mesa")
def test_opengl_3_3_culls_as_well(run_python: Callable[..., str]) -> None:
    version = {"MESA_GL_VERSION_OVERRIDE": "3.3", "MESA_GLSL_VERSION_OVERRIDE": "330"}
    script = OLD.format(folder=str(Path(__file__).parent))
    assert run_python("-W", "error", "-c", script, **version) == "instanced 330\n" * 2


# -- levels of detail ------------------------------------------------------------------------------------


def field(count: int = 800) -> Scene:
    random = np.random.default_rng(3)
    scene = Scene()
    scene.add(
        Crowd(
            shapes.tree(seed=1),
            positions=random.uniform(-40, 40, (count, 3)) * (1, 0, 1),
            scales=random.uniform(0.7, 1.3, count),
            colors=random.uniform(0.6, 1, (count, 3)),
        )
    )
    return scene


def test_levels_of_detail_draw_less_and_look_alike(renderer: Maker) -> None:
    scene, camera = field(), Camera((0, 12, 60), (0, 0, 10))
    coarse, fine = renderer(), renderer(lod=False)
    sharp = renderer(lod=False, cull=False)
    for one in (coarse, fine):
        one.size = (160, 120)
    frames = [one.render(scene, camera) for one in (coarse, fine)]
    sharp.size = (640, 480)
    truth = sharp.render(scene, camera).color.reshape(120, 4, 160, 4, 4).mean(axis=(1, 3))
    for one in (coarse, fine, sharp):
        one.size = SIZE
    errors = [np.abs(frame.color - truth).mean() for frame in frames]
    assert errors[0] < 1.15 * errors[1]
    few, many = (frame.stats for frame in frames)
    assert many.simplified == 0
    assert few.simplified > 0.5 * few.visible
    assert few.visible >= many.visible  # a coarser level may reach a little further
    assert few.triangles < 0.4 * many.triangles


def test_figures_count_each_instance_once(renderer: Maker) -> None:
    scene = field(1000)
    model = Model([(shapes.box(0.3), Material()), (shapes.cone(0.2), Material(double_sided=True))])
    crowd = scene.add(Crowd(model, positions=[(0, 1, x) for x in range(20)]))
    renderer().render(scene, Camera((0, 3, 5), (0, 0, -40)))
    stats = renderer().stats
    assert stats is not None
    assert (stats.instances, stats.occluded, stats.splats) == (1020, 0, 0)
    assert 0 < stats.visible < 1000
    assert stats.visible + stats.culled == 1020
    crowd.visible = False
    renderer().render(scene, Camera((0, 3, 500), (0, 0, 1000)))
    stats = renderer().stats
    assert stats is not None
    assert (stats.visible, stats.culled, stats.triangles, stats.draw_calls) == (0, 1000, 0, 0)


def test_colors_by_level(renderer: Maker) -> None:
    """Those of the levels and no others, painted vertices, colours and materials or not."""
    scene, camera = field(), Camera((0, 12, 60), (0, 0, 10))
    scene.background, scene.sun, scene.ambient = (0, 0, 0), None, (1, 1, 1)  # the colours are lit
    for number in range(3):
        scene.add(Node(shapes.box(), Material((0.2, 0.4, 0.6), shading="unlit"), position=(9 * number, 9, 0)))
    seen = renderer(debug="lod", reflections=False).render(scene, camera).color.reshape(-1, 4)[:, :3]
    linear = throng.math3d.srgb_to_linear(np.unique(seen[seen.any(axis=1)], axis=0) / 255)
    distances = np.abs(linear[:, None] - np.array([palette(level) for level in range(5)])).max(axis=2)
    assert distances.min(axis=1).max() < 0.03  # surfaces of every colour reflect some of the white light
    assert len(np.unique(distances.argmin(axis=1))) > 2
    assert_same(
        renderer(debug="cell").render(scene, camera, OUTPUTS),
        renderer().render(scene, camera, OUTPUTS),
        "cell",
    )


def test_levels_of_ones_own_are_drawn_for_few_instances(renderer: Maker) -> None:
    """Where they are worth it."""
    fine = shapes.sphere(segments=128, rings=128)
    mesh = Mesh(fine.positions, fine.indices, fine.normals, lods=[shapes.sphere(segments=8, rings=6)])
    scene = Scene()
    scene.add(Node(mesh, position=(0, 0, 0)))
    scene.add(Node(mesh, position=(0, 0, -500)))
    stats = renderer().render(scene, Camera((0, 0, 1), far=1000)).stats
    assert (stats.visible, stats.simplified) == (2, 1)
    assert fine.triangle_count < stats.triangles < 1.1 * fine.triangle_count


# -- what is done again ----------------------------------------------------------------------------------


def test_what_rests_is_not_gathered_again(renderer: Maker) -> None:
    """Nor is what moves by itself."""
    scene, camera = field(), Camera((0, 3, 5), (0, 0, -40))
    swaying = Crowd(
        shapes.tree(seed=1),
        Material(motion="wind"),
        positions=scene.children[0].positions,  # type: ignore[attr-defined]
    )
    scene.add(swaying)
    one = renderer()
    one.render(scene, camera)
    for _ in range(3):
        scene.time += 0.1
        assert one.render(scene, camera).stats.uploaded_bytes == 0
    uploads = [one.render(scene, camera, ("color", "ids")).stats.uploaded_bytes for _ in range(2)]
    assert uploads[0] > 0  # ids are a column now
    assert uploads[1] == one.render(scene, camera).stats.uploaded_bytes == 0


def test_one_moved_instance_gathers_its_own_crowd_again(renderer: Maker) -> None:
    scene, camera = field(5000), Camera((0, 3, 5), (0, 0, -40))
    grass = scene.add(Crowd(shapes.grass_tuft(seed=1), positions=[(0, 0, 50 - row) for row in range(300)]))
    one = renderer()
    one.render(scene, camera, OUTPUTS)
    grass.positions[1] += (0.5, 0, 0)
    frame = one.render(scene, camera, OUTPUTS)
    row_bytes = 12 + 4  # position and id
    assert 12 < frame.stats.uploaded_bytes <= 12 + 300 * row_bytes
    with Renderer(SIZE, options=Options("instanced")) as fresh:
        assert_same(frame, fresh.render(scene, camera, OUTPUTS), "moved")
    grass.position = (0, 1, 0)  # not a column, but others may be in view
    frame = one.render(scene, camera, OUTPUTS)
    assert frame.stats.uploaded_bytes <= 300 * row_bytes
    with Renderer(SIZE, options=Options("instanced")) as fresh:
        assert_same(frame, fresh.render(scene, camera, OUTPUTS), "moved node")


def test_small_items_that_move_are_taken_as_in_view_until_they_rest(renderer: Maker) -> None:
    scene = Scene()
    near, far = (scene.add(Node(shapes.box(size))) for size in (0.31, 0.32))
    far.position = (0, 0, 50)
    camera, one = Camera((0, 0, 5)), renderer()
    visible = []
    for step in range(5):
        if step in (1, 2):
            far.position += (1, 0, 0)
        elif step > 2:
            near.position += (0.01, 0, 0)
        visible.append(one.render(scene, camera).stats.visible)
    assert visible == [1, 2, 2, 1, 1]
