"""What the compute passes decide: what Stats count, what switches change, what splats are in every output."""

from __future__ import annotations

import dataclasses
from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import OUTPUTS, Drawer, everything, exact, share_differing
from test_blend import decoded

import throng
from throng import Camera, Crowd, Material, Mesh, Model, Node, Options, Renderer, Scene, shapes
from throng.gpu import indirect
from throng.gpu.context import Capabilities

SIZE = (160, 120)
AHEAD = Camera((0, 0, 0), (0, 0, -1))
PLACES = 1500


def places(count: int = PLACES) -> Any:
    """Side by side in front of AHEAD, 40 to 45 metres away."""
    random = np.random.default_rng(1)
    rows, columns = np.divmod(np.arange(count), 50)
    return np.column_stack(
        [(columns - 24.5) * 0.9, (rows - 14.5) * 0.9, -random.uniform(40, 45, count)],
    )


def field(scales: Any, mesh: Mesh | Model | None = None, **arguments: Any) -> Scene:
    """Instances of a few pixels each, turned this way and that."""
    random = np.random.default_rng(2)
    scene = Scene()
    scene.add(
        Crowd(
            shapes.rock(seed=2) if mesh is None else mesh,
            positions=places(),
            scales=scales,
            rotations=random.normal(size=(PLACES, 4)),
            colors=random.uniform(0.2, 1, (PLACES, 3)),
            **arguments,
        )
    )
    return scene


def crowded(seed: int = 0) -> Scene:
    """Some thousand things, near and far, and a wall."""
    random = np.random.default_rng(seed)
    scene = Scene(time=2.0)
    motions = (None, "wind", "snow")
    for mesh, motion in zip((shapes.rock(seed=2), shapes.cone(), shapes.box()), motions, strict=True):
        scene.add(
            Crowd(
                mesh,
                Material(motion=motion),
                positions=random.uniform(-60, 60, (3000, 3)),
                scales=random.uniform(0.1, 2, 3000) * random.choice([-1, 1], 3000),
            )
        )
    scene.add(Node(shapes.box((30, 30, 1)), position=(0, 0, -5)))
    for place in random.uniform(-50, 50, (100, 3)):
        scene.add(Node(shapes.sphere(), position=place))
    return scene


def views(count: int, seed: int = 0) -> list[Camera]:
    random = np.random.default_rng(seed)
    return [
        Camera(random.uniform(-30, 30, 3), random.uniform(-5, 5, 3), fov=float(random.uniform(30, 80)))
        for _ in range(count)
    ]


# -- figures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [Options(), exact(), Options(occlusion=False), Options(cull=False), Options(splat=False)]
)
def test_every_instance_is_seen_or_left_out_for_one_reason(draw: Drawer, options: Options) -> None:
    scene = crowded()
    seen = []
    for camera in views(6):
        stats = draw(scene, camera, options, size=SIZE, outputs=("color",)).stats
        assert stats.visible + stats.culled + stats.occluded == stats.instances == 9101
        assert stats.simplified + stats.splats <= stats.visible
        seen.append(stats)
    assert any(stats.culled > 3000 for stats in seen) == options.cull
    assert any(stats.occluded > 300 for stats in seen) == options.occlusion
    assert any(stats.splats > 1000 for stats in seen) == options.splat
    if not options.splat:  # which few levels are needed beside
        assert any(stats.simplified > 5 for stats in seen) == options.lod


def test_nothing_is_counted_of_a_scene_that_is_hidden(draw: Drawer) -> None:
    scene = crowded()
    assert draw(scene, AHEAD, Options(), size=SIZE).stats.splats
    for child in scene.children:
        child.visible = False
    stats = draw(scene, AHEAD, Options(), size=SIZE).stats
    assert (stats.instances, stats.visible, stats.culled, stats.occluded, stats.splats) == (0, 0, 0, 0, 0)


def test_triangles_are_counted_of_what_is_drawn_as_meshes(draw: Drawer) -> None:
    mesh = shapes.box()
    scene = Scene()
    scene.add(Crowd(mesh, positions=places(), scales=np.full(PLACES, 0.7)))
    stats = draw(scene, AHEAD, exact(), size=SIZE).stats
    assert (stats.visible, stats.triangles) == (PLACES, PLACES * 12)
    stats = draw(scene, AHEAD, Options(lod=False), size=SIZE).stats
    assert (stats.splats, stats.triangles) == (PLACES, 0)
    behind = draw(scene, Camera((0, 0, 0), (0, 0, 1)), Options(), size=SIZE).stats
    assert (behind.culled, behind.visible, behind.triangles) == (PLACES, 0, 0)


def test_a_node_counts_once_whatever_its_parts(draw: Drawer) -> None:
    model = Model([(shapes.box(), Material()), (shapes.cone(), Material((1, 0, 0)))])
    scene = Scene()
    for place in range(10):
        scene.add(Node(model, position=(place * 2 - 9, 0, -20)))
    stats = draw(scene, AHEAD, exact(), size=SIZE).stats
    assert (stats.instances, stats.visible, stats.culled) == (10, 10, 0)
    stats = draw(scene, Camera((0, 0, 0), (0, 0, 1)), exact(), size=SIZE).stats
    assert (stats.instances, stats.visible, stats.culled) == (10, 0, 10)


def behind_a_wall() -> Scene:
    scene = field(np.full(PLACES, 0.7))
    scene.add(Node(shapes.box((100, 100, 0.1)), position=(0, 0, -30)))
    return scene


@pytest.mark.parametrize("options", [Options(), exact()])
def test_who_stands_still_sees_no_more_than_who_moves(draw: Drawer, options: Options) -> None:
    """Without a frame before there is nothing to hide what is behind the wall; soon there is."""
    scene = behind_a_wall()
    with Renderer(SIZE, options=options) as renderer:
        frames = [renderer.render(scene, AHEAD, OUTPUTS) for _ in range(6)]
    first, last = frames[0], frames[-1]
    assert first.stats.visible == PLACES + 1
    assert (last.stats.visible, last.stats.occluded, last.stats.triangles) == (1, PLACES, 12)
    for name in OUTPUTS:
        np.testing.assert_array_equal(getattr(last, name), getattr(first, name))


def test_what_has_just_been_hidden_still_counts_as_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indirect, "_WORTH_TESTING", -1.0)
    scene = behind_a_wall()
    wall = scene.children[1]
    wall.position = (0, 500, 0)
    with Renderer(SIZE, options=exact()) as renderer:
        for number in range(3):
            stats = renderer.render(scene, Camera((0, 0, 1e-4 * number), (0, 0, -1))).stats
        assert stats.visible == PLACES
        wall.position = (0, 0, -30)
        after = [renderer.render(scene, AHEAD).stats for _ in range(3)]
    for drawn in after[:2]:
        assert (drawn.visible, drawn.occluded, drawn.triangles) == (PLACES + 1, 0, after[0].triangles)
    assert (after[2].visible, after[2].occluded, after[2].triangles) == (1, PLACES, 12)


def test_who_arrives_somewhere_and_stays_sees_no_more(draw: Drawer) -> None:
    """Though there was nothing to hide for so long before that it was not looked at any more."""
    scene = behind_a_wall()
    with Renderer(SIZE) as renderer:
        for number in range(20):
            stats = renderer.render(scene, Camera((0, 0, -35), (number * 1e-3, 0, -100))).stats
        assert stats.occluded == 0
        occluded = [renderer.render(scene, AHEAD).stats.occluded for _ in range(40)]
    assert occluded[-1] == PLACES


def test_figures_of_a_still_picture_are_in_time_its_own(ctx: moderngl.Context) -> None:
    """`draw` does not wait for them: they are those of a frame before, until it has stood still."""
    scene = behind_a_wall()
    target = ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_renderbuffer(SIZE))
    with Renderer(SIZE, context=ctx) as renderer:

        def figures(camera: Camera) -> tuple[int, int, int]:
            for _ in range(8):
                renderer.draw(scene, camera, target, clear=True)
            assert renderer.stats is not None
            return renderer.stats.visible, renderer.stats.occluded, renderer.stats.culled

        assert figures(AHEAD) == (1, PLACES, 0)
        assert figures(Camera((0, 0, -28), (0, 0, 100))) == (1, 0, PLACES)  # the wall's sphere is around it


@pytest.mark.parametrize("size", [0.0, 1e20, 3e38])
def test_meshes_of_any_size(draw: Drawer, size: float) -> None:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]]) * size
    scene = field(np.full(PLACES, 0.7), Mesh(corners, [[0, 1, 2]]))
    stats = draw(scene, AHEAD, Options(), size=SIZE).stats
    assert (stats.instances, stats.splats) == (PLACES, 0)


# -- switches ------------------------------------------------------------------------------------------


def test_switches_can_be_set_at_any_time(draw: Drawer) -> None:
    """Each picture is that of a renderer that never knew another setting."""
    scene = crowded()
    (camera,) = views(1, seed=3)
    with Renderer(SIZE) as renderer:
        for number in (15, 14, 0, 4, 7, 15, 9, 15):
            on = [bool(number >> place & 1) for place in range(4)]
            options = Options(cull=on[0], lod=on[1], occlusion=on[2], splat=on[3])
            renderer.options = options
            frame = renderer.render(scene, camera, OUTPUTS)
            wanted = draw(scene, camera, options, size=SIZE)
            for name in OUTPUTS:
                np.testing.assert_array_equal(getattr(frame, name), getattr(wanted, name))


@pytest.mark.parametrize("debug", ["lod", "cell", "splat"])
def test_debug_views_change_colours_alone(draw: Drawer, debug: str) -> None:
    scene = crowded()
    for camera in views(3):
        plain = draw(scene, camera, Options(), size=SIZE)
        frame = draw(scene, camera, Options(debug=debug), size=SIZE)
        for name in ("depth", "ids", "normals"):
            np.testing.assert_array_equal(getattr(frame, name), getattr(plain, name))
        drawn = frame.ids[..., 0] >= 0
        assert (frame.color[drawn] != plain.color[drawn]).any(axis=-1).mean() > 0.9
        np.testing.assert_array_equal(frame.color[~drawn], plain.color[~drawn])


def test_splats_and_meshes_have_a_colour_each(draw: Drawer) -> None:
    scene = field(np.full(PLACES, 0.7))
    near = scene.add(Node(shapes.box(), position=(0, 0, -10)))
    frame = draw(scene, AHEAD, Options(debug="splat"), size=SIZE)
    meshes = frame.ids[..., 0] == near.id
    splats = (frame.ids[..., 0] >= 0) & ~meshes
    assert meshes.any()
    assert splats.any()
    assert (frame.color[meshes][:, 2] > frame.color[meshes][:, 0]).all()  # blue
    assert (frame.color[splats][:, 0] > frame.color[splats][:, 2]).all()  # red


# -- splats --------------------------------------------------------------------------------------------


def scales_of(kind: str) -> Any:
    random = np.random.default_rng(4)
    hands = random.choice([-1, 1], (PLACES, 3))
    return {
        "alike": np.full(PLACES, 0.7),
        "mirrored": hands * 0.7,
        "stretched": hands * random.uniform(0.2, 1, (PLACES, 3)),
        "flat": np.where(random.random((PLACES, 3)) < 0.2, 0, 0.7),
        "nothing": np.where(random.random(PLACES) < 0.5, 0, 0.7),
    }[kind]


MESHES: dict[str, Mesh | Model] = {
    "rock": shapes.rock(seed=2),
    "cone": shapes.cone(),
    "box": shapes.box(),
    "person": shapes.person(1),
}


@pytest.mark.parametrize("view", ["perspective", "orthographic", "mirrored"])
@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("kind", ["alike", "mirrored", "stretched", "flat", "nothing"])
def test_splats_are_in_every_output_what_the_meshes_are(
    draw: Drawer, kind: str, mesh: str, view: str
) -> None:
    """Of about four pixels each: the same instances at nearly the same places, depths and normals."""
    turned: dict[str, Any] = {"rotation": (0, 0, 0.3, 1), "scale": (-1, 1, 1)} if view == "mirrored" else {}
    scene = field(scales_of(kind), MESHES[mesh], **turned)
    camera = AHEAD
    if view == "orthographic":
        camera = Camera.orthographic((0, 0, 0), (0, 0, -1), height=55, near=1, far=100)
    frame = draw(scene, camera, Options(), size=(320, 240))
    wanted = draw(scene, camera, exact(), size=(320, 240))
    assert frame.stats.splats > 200
    assert wanted.stats.splats == 0
    there, here = (picture.ids[..., 0] >= 0 for picture in (wanted, frame))
    assert abs(here.mean() / there.mean() - 1) < 0.05
    same = (frame.ids == wanted.ids).all(axis=-1)
    assert same.mean() > 0.96
    both = same & there
    assert both.sum() > 0.7 * there.sum()
    assert np.abs(frame.depth[both] - wanted.depth[both]).max() < 1.5  # metres, as large as they are
    assert np.abs(frame.depth[both] - wanted.depth[both]).mean() < 0.06
    finite = np.isfinite(frame.normals).all(axis=-1) & np.isfinite(wanted.normals).all(axis=-1) & both
    cosines = (frame.normals[finite] * wanted.normals[finite]).sum(axis=-1)
    assert cosines.mean() > 0.75
    np.testing.assert_allclose(np.linalg.norm(frame.normals[here & finite], axis=-1), 1, atol=5e-3)
    assert (np.isfinite(frame.depth) == here).all()
    light = np.abs(frame.color.astype(float).mean(axis=(0, 1)) - wanted.color.astype(float).mean(axis=(0, 1)))
    assert light.max() < 1


def test_splats_of_many_samples_come_nearer_to_the_truth(draw: Drawer) -> None:
    """The truth: meshes in a picture of 64 times as many pixels. Ids and depths are one sample's."""
    random = np.random.default_rng(5)
    scene = Scene()
    places = random.uniform(-8, 8, (4000, 3)) * (1, 0.6, 1)
    scene.add(Crowd(shapes.rock(1, 0.6), positions=places, colors=random.uniform(0.2, 1, (4000, 3))))
    camera = Camera((0, 3, 40), (0, 0, 0), fov=36)
    large = draw(scene, camera, everything("indirect"), size=(1024, 512), outputs=("color",)).color
    truth = decoded(large[..., :3] / 255).reshape(64, 8, 128, 8, 3).mean(axis=(1, 3))
    apart = {}
    for samples in (1, 4):
        frame = draw(scene, camera, Options(mode="indirect"), size=(128, 64), samples=samples)
        assert frame.stats.splats > 3000
        apart[samples] = np.abs(decoded(frame.color[..., :3] / 255) - truth).mean()
    assert apart[4] < 0.75 * apart[1]
    meshes = draw(scene, camera, everything("indirect"), size=(128, 64), samples=4)
    assert (frame.ids != meshes.ids).any(axis=-1).mean() < 0.2
    same = (frame.ids == meshes.ids).all(axis=-1) & (frame.ids[..., 0] >= 0)
    np.testing.assert_allclose(frame.depth[same], meshes.depth[same], atol=0.6)


def test_the_nearest_of_splats_and_meshes_is_seen(draw: Drawer) -> None:
    """A wall through the middle of the field: what is behind it is hidden, what is before it is not."""
    scene = field(np.full(PLACES, 0.7))
    wall = scene.add(Node(shapes.box((100, 100, 0.1)), position=(0, 0, -42.5)))
    frame = draw(scene, AHEAD, Options(), size=(320, 240))
    crowd = scene.children[0]
    assert isinstance(crowd, Crowd)
    assert frame.stats.splats > 500
    splats = frame.ids[..., 0] == crowd.id
    assert splats.mean() > 0.03
    assert (frame.ids[~splats][..., 0] == wall.id).all()
    fronts = np.asarray(crowd.positions)[frame.ids[splats][:, 1], 2]
    assert (fronts > -43.2).all()  # half the size of what sticks out
    assert frame.depth[splats].max() <= 42.46


def test_a_crowd_may_grow_from_ten_to_thousands(draw: Drawer) -> None:
    random = np.random.default_rng(0)

    def more(count: int) -> Any:
        return random.uniform((-20, -15, -50), (20, 15, -35), (count, 3))

    scene = Scene()
    crowd = scene.add(Crowd(shapes.rock(seed=2), positions=more(10), scales=np.full(10, 0.5)))
    splats = []
    with Renderer(SIZE) as renderer:
        for _ in range(11):
            frame = renderer.render(scene, AHEAD, OUTPUTS)
            with Renderer(SIZE) as fresh:
                wanted = fresh.render(scene, AHEAD, OUTPUTS)
            for name in OUTPUTS:
                np.testing.assert_array_equal(getattr(frame, name), getattr(wanted, name))
            assert frame.stats.visible + frame.stats.culled == len(crowd)
            splats.append(frame.stats.splats)
            crowd.append(more(len(crowd)), scales=np.full(len(crowd), 0.5))
    assert splats[0] == 0
    assert splats[-1] > 5000


def test_models_come_and_go(draw: Drawer) -> None:
    """However many there were before, the latest are splats."""
    renderer = draw.renderer(Options())
    renderer.size = SIZE
    for seed in range(70):
        scene = field(np.full(PLACES, 0.7), shapes.rock(seed=seed, detail=1))
        assert renderer.render(scene, AHEAD).stats.splats > 500, f"rock {seed}"


def test_a_scene_of_many_models_leaves_another_one_as_it_was() -> None:
    scene, other = field(np.full(PLACES, 0.7), shapes.cone()), Scene()
    for seed in range(100, 170):
        rock = shapes.rock(seed=seed, detail=0)
        other.add(Crowd(rock, positions=places(100), scales=np.full(100, 0.7)))
    with Renderer(SIZE) as renderer:
        before = renderer.render(scene, AHEAD, OUTPUTS)
        renderer.render(other, AHEAD)
        renderer.render(scene, Camera((0, 0, 1), (0, 0, -1)))
        after = renderer.render(scene, AHEAD, OUTPUTS)
    for name in OUTPUTS:
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@pytest.mark.parametrize(("corner", "lod"), [((0, 0), True), ((13, 7), False)])
def test_splats_lie_in_a_hosts_viewport(ctx: moderngl.Context, corner: tuple[int, int], lod: bool) -> None:
    """Among meshes; what fades between them does so in a pattern that goes with the framebuffer's pixels."""
    scene = field(np.where(np.arange(PLACES) % 3 == 0, 15.0, 0.5))
    target = ctx.framebuffer([ctx.texture((200, 150), 4)], ctx.depth_renderbuffer((200, 150)))
    target.clear(1.0, 0.0, 1.0, 1.0)
    target.viewport = (*corner, *SIZE)
    with Renderer(SIZE, context=ctx, options=Options(lod=lod)) as renderer:
        frame = renderer.render(scene, AHEAD)
        assert 100 < frame.stats.splats < frame.stats.visible - 100
        renderer.draw(scene, AHEAD, target, clear=True)
        raw = target.read(components=4, viewport=(0, 0, 200, 150))
    picture = np.frombuffer(raw, np.uint8).reshape(150, 200, 4)
    inside = picture[corner[1] : corner[1] + 120, corner[0] : corner[0] + 160]
    assert share_differing(inside[::-1], frame.color) <= 0.001
    outside = np.ones((150, 200), bool)
    outside[corner[1] : corner[1] + 120, corner[0] : corner[0] + 160] = False
    assert (picture[outside] == (255, 0, 255, 255)).all()


def distant_woods(count: int = 20_000) -> tuple[Scene, Camera]:
    """Trees of some pixels, one and a half to three kilometres away, on black."""
    random = np.random.default_rng(3)
    scene = Scene(background=(0, 0, 0), ambient=(1, 1, 1))
    away = random.uniform(1500, 3000, count)
    across, up = random.uniform(-0.3, 0.3, (2, count)) * [[1.0], [0.5]] * away
    scene.add(
        Crowd(
            shapes.tree(1),
            positions=np.column_stack([across, up, -away]),
            rotations=random.normal(size=(count, 4)),
            scales=random.uniform(1, 4, count),
        )
    )
    return scene, Camera((0, 0, 0), (0, 0, -1), fov=20, near=0.1, far=10_000)


def pixels(framebuffer: moderngl.Framebuffer) -> Any:
    width, height = framebuffer.size
    return np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(height, width, 3)[::-1]


def test_splats_far_away_are_whole_in_a_hosts_framebuffer(ctx: moderngl.Context) -> None:
    """Its depths of things kilometres away are the same but for their last bits."""
    scene, camera = distant_woods()
    framebuffer = ctx.framebuffer([ctx.texture((640, 360), 4)], ctx.depth_texture((640, 360)))
    with Renderer((640, 360), context=ctx) as renderer:
        renderer.draw(scene, camera, framebuffer, clear=True)
        picture = pixels(framebuffer)
        frame = renderer.render(scene, camera, outputs=("ids",))
        assert frame.stats.splats > 0.9 * frame.stats.instances
    covered = frame.ids[..., 0] >= 0
    assert covered.mean() > 0.3
    np.testing.assert_array_equal((picture > 0).any(axis=-1), covered)


def test_pictures_that_nobody_waits_for_are_whole(ctx: moderngl.Context) -> None:
    """The next frame writes over what splats are painted from: not before they are."""
    scene, camera = distant_woods()
    framebuffers = [ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_texture(SIZE)) for _ in range(3)]
    with Renderer(context=ctx) as renderer:
        renderer.draw(scene, camera, framebuffers[0], clear=True)
        alone = pixels(framebuffers[0])
        for framebuffer in framebuffers[1:]:
            renderer.draw(scene, camera, framebuffer, clear=True)
            renderer.draw(scene, AHEAD, framebuffers[0], clear=True)
    assert (alone > 0).any(axis=-1).mean() > 0.3
    for framebuffer in framebuffers[1:]:
        np.testing.assert_array_equal(pixels(framebuffer), alone)


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1.0, 1e4, 1e6])
def test_splats_are_there_at_any_scale(draw: Drawer, scale: float) -> None:
    scene = Scene()
    turned = np.random.default_rng(2).normal(size=(PLACES, 4))
    scene.add(
        Crowd(
            shapes.rock(seed=2),
            positions=places() * scale,
            scales=np.full(PLACES, 0.7 * scale),
            rotations=turned,
        )
    )
    camera = Camera((0, 0, 0), (0, 0, -scale), near=scale, far=100 * scale)
    frame = draw(scene, camera, Options(), size=(320, 240))
    wanted = draw(scene, camera, exact(), size=(320, 240))
    assert frame.stats.splats > 1000
    there, here = (picture.ids[..., 0] >= 0 for picture in (wanted, frame))
    assert there.mean() > 0.1
    assert abs(here.mean() / there.mean() - 1) < 0.05
    light = np.abs(frame.color.astype(float).mean(axis=(0, 1)) - wanted.color.astype(float).mean(axis=(0, 1)))
    assert light.max() < 1


# -- limits --------------------------------------------------------------------------------------------


def limited(
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, Any],
    scene: Scene,
    camera: Camera,
    size: tuple[int, int] = SIZE,
) -> throng.Frame:
    """The second frame of a renderer that is told these limits, so that all of two phases has run."""
    of = Capabilities.of
    with monkeypatch.context() as patch:
        patch.setattr(Capabilities, "of", lambda ctx: dataclasses.replace(of(ctx), **limits))
        run = moderngl.ComputeShader.run

        def watched(self: moderngl.ComputeShader, x: int = 1, y: int = 1, z: int = 1) -> None:
            assert x <= limits.get("max_work_groups", (65535,))[0]
            run(self, x, y, z)

        patch.setattr(moderngl.ComputeShader, "run", watched)
        with Renderer(size) as renderer:
            renderer.render(scene, camera, OUTPUTS)
            return renderer.render(scene, Camera(camera.position, camera.target, fov=61), OUTPUTS)


@pytest.mark.parametrize("across", [3, 7, 50])
def test_more_work_groups_than_fit_side_by_side(monkeypatch: pytest.MonkeyPatch, across: int) -> None:
    scene = crowded()
    for camera in views(3):
        wanted = limited(monkeypatch, {}, scene, camera)
        frame = limited(monkeypatch, {"max_work_groups": (across, 65535, 65535)}, scene, camera)
        assert dataclasses.replace(frame.stats, cpu_ms=0, gpu_ms=0) == dataclasses.replace(
            wanted.stats, cpu_ms=0, gpu_ms=0
        )
        for name in OUTPUTS:
            np.testing.assert_array_equal(getattr(frame, name), getattr(wanted, name))


def test_more_records_than_fit_into_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no room for splats either then, and meshes are drawn in their place."""
    scene = crowded()
    for camera in views(3):
        frame = limited(monkeypatch, {"storage_block_bytes": 40_000}, scene, camera)
        assert frame.stats.splats == 0
        assert frame.stats.visible > 2 * 40_000 // 64
        with Renderer(SIZE, options=Options(splat=False)) as renderer:
            wanted = renderer.render(scene, Camera(camera.position, camera.target, fov=61), OUTPUTS)
        assert share_differing(frame.color, wanted.color) < 0.001
        assert (frame.ids != wanted.ids).any(axis=-1).mean() < 0.001


def test_more_splats_than_fit_into_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    count = 60_000
    scene = Scene()
    farthest_first = np.linspace(-200, -60, count)
    xyz = np.column_stack([random.uniform(-60, 60, count), random.uniform(-40, 40, count), farthest_first])
    scene.add(Crowd(shapes.rock(seed=2), positions=xyz, scales=np.full(count, 0.9)))
    wanted = limited(monkeypatch, {}, scene, AHEAD, (320, 240))
    assert wanted.stats.splats > 50_000
    frame = limited(monkeypatch, {"storage_block_bytes": 2_300_000}, scene, AHEAD, (320, 240))
    assert frame.stats.splats == wanted.stats.splats
    for name in OUTPUTS:
        np.testing.assert_array_equal(getattr(frame, name), getattr(wanted, name))
