"""Blended surfaces: what shines through, in any order."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MODES, Drawer, Picture, assert_frames_agree, exact, share_differing

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, Sun, shapes

FRONT = Camera.orthographic((0, 0, 5), (0, 0, 0), height=2, near=0.1, far=20)
INSIDE = (32, 48)  # a pixel that the sheets cover


def decoded(srgb: Any) -> Picture:
    values = np.asarray(srgb, float)
    return np.asarray(np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4))


def encoded(light: Any) -> Picture:
    light = np.asarray(light, float)
    bright = 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, bright))


def sheet(color: Any, depth: float, **looks: Any) -> Node:
    material = Material(color, shading="unlit", alpha_mode="blend", **looks)
    return Node(shapes.quad((1, 1)), material, position=(0, 0, depth))


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("mode", MODES)
def test_one_layer_is_mixed_in_linear_light(draw: Drawer, mode: str, samples: int) -> None:
    for alpha in (0.0, 0.25, 0.6, 1.0):
        scene = Scene(background=(0.2, 0.9, 0.4))
        scene.add(sheet((0.9, 0.1, 0.5, alpha), 0.0))
        seen = draw(scene, FRONT, mode, samples=samples).color[INSIDE]
        alpha = round(alpha * 255) / 255
        wanted = alpha * decoded((0.9, 0.1, 0.5)) + (1 - alpha) * decoded((0.2, 0.9, 0.4))
        assert np.abs(seen[:3] - encoded(wanted) * 255).max() <= 1.2


def test_alphas_of_material_instance_and_vertex_multiply(draw: Drawer) -> None:
    quad = shapes.quad((1, 1))
    faint = throng.Mesh(quad.positions, quad.indices, quad.normals, colors=np.full((4, 4), (1, 1, 1, 0.5)))
    looks = Material((1, 1, 1, 0.8), shading="unlit", alpha_mode="blend")
    for mode in MODES:
        scene = Scene(background=(0, 0, 0))
        scene.add(Crowd(faint, looks, positions=[(0, 0, 0)], colors=[(1, 1, 1, 0.5)]))
        seen = draw(scene, FRONT, mode).color[INSIDE][0]
        assert abs(int(seen) - 255 * encoded(0.8 * (128 / 255) ** 2)) <= 2


def test_what_shines_through_many_layers_is_exact(draw: Drawer) -> None:
    """Whatever their order: the product of what each lets through."""
    scene = Scene(background=(1, 1, 1))
    alphas = (0.3, 0.5, 0.2, 0.4)
    for depth, alpha in enumerate(alphas):
        scene.add(sheet((0, 0, 0, alpha), -0.5 * depth))
    left = np.prod([1 - round(alpha * 255) / 255 for alpha in alphas])
    assert np.abs(draw(scene, FRONT).color[INSIDE][:3] - 255 * encoded(left)).max() <= 1.2


def glass(order: Picture) -> Scene:
    random = np.random.default_rng(5)
    count = len(order)
    scene = Scene(sun=Sun((-0.5, -1, -0.3)))
    scene.add(Node(shapes.plane(20), Material((0.5, 0.5, 0.5)), position=(0, -1.5, 0)))
    scene.add(
        Crowd(
            shapes.box(), Material((1, 1, 1, 0.5), alpha_mode="blend", roughness=0.3),
            positions=random.uniform(-2, 2, (count, 3))[order], scales=random.uniform(0.2, 1, count)[order],
            colors=random.uniform(0, 1, (count, 4))[order], rotations=random.normal(size=(count, 4))[order],
        )
    )  # fmt: skip
    return scene


@pytest.mark.parametrize("mode", MODES)
def test_the_order_of_instances_is_of_no_account(draw: Drawer, mode: str) -> None:
    """But for the last bit of sums of floats."""
    camera = Camera((1, 2, 6), (0, 0, 0))
    straight = draw(glass(np.arange(100)), camera, mode).color.astype(int)
    mixed = draw(glass(np.random.default_rng(0).permutation(100)), camera, mode).color
    assert np.abs(straight - mixed).max() <= 1


def test_intersecting_crowds_look_alike_in_every_mode(draw: Drawer) -> None:
    camera = Camera((1, 2, 6), (0, 0, 0))
    for samples in (1, 4):
        frames = [draw(glass(np.arange(100)), camera, mode, samples=samples) for mode in MODES]
        assert_frames_agree(frames[0], frames[1])
        assert_frames_agree(frames[0], frames[2])


def test_what_is_nearer_counts_for_more(draw: Drawer) -> None:
    camera = Camera((0, 0, 5), (0, 0, 0), fov=30)
    scene = Scene(background=(0, 0, 0))
    scene.add(sheet((1, 0, 0, 0.5), 2.0))
    scene.add(sheet((0, 1, 0, 0.5), -2.0))
    red, green, _, _ = draw(scene, camera).color[INSIDE]
    assert red > 2 * green


def test_opaque_things_hide_what_is_behind_them_and_show_through(draw: Drawer) -> None:
    for mode in MODES:
        scene = Scene(background=(0, 0, 0))
        scene.add(Node(shapes.quad((1, 1)), Material((0, 0, 1), shading="unlit")))
        scene.add(sheet((1, 0, 0, 0.9), -1.0))
        frame = draw(scene, FRONT, mode)
        np.testing.assert_array_equal(frame.color[INSIDE], (0, 0, 255, 255))
        scene.add(sheet((1, 0, 0, 0.5), 1.0))
        red, green, blue, alpha = draw(scene, FRONT, mode).color[INSIDE]
        assert (red > 100, green, blue > 100, alpha) == (True, 0, True, 255)


def test_depth_ids_and_normals_are_those_of_what_is_opaque(draw: Drawer) -> None:
    scene = Scene()
    scene.add(sheet((1, 0, 0, 0.9), 1.0))
    frame = draw(scene, FRONT)
    assert np.isinf(frame.depth).all()
    assert (frame.ids == -1).all()
    wall = scene.add(Node(shapes.quad((1, 1))))
    assert draw(scene, FRONT).ids[INSIDE].tolist() == [wall.id, 0]


def test_blended_crowds_are_one_draw() -> None:
    scene = Scene()
    for number in range(6):
        scene.add(Crowd((shapes.box, shapes.cone)[number % 2](), Material((1, 1, 1, 0.5), alpha_mode="blend"),
                        positions=np.zeros((50, 3))))  # fmt: skip
    with Renderer((64, 64)) as renderer:
        renderer.render(scene, FRONT)
        assert renderer.stats is not None
        assert renderer.stats.draw_calls == 1


def test_transparency_can_be_left_out(draw: Drawer) -> None:
    for mode in MODES:
        scene = Scene(background=(0, 1, 0))
        scene.add(sheet((1, 0, 0, 0.1), 0.0))
        options = throng.Options(mode=mode, transparency=False)
        np.testing.assert_array_equal(draw(scene, FRONT, options).color[INSIDE], (255, 0, 0, 255))
        assert draw(scene, FRONT, options).ids[INSIDE][0] >= 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("encoding", ["srgb", "linear"])
@pytest.mark.parametrize("samples", [0, 4])
def test_into_somebodys_framebuffer(
    ctx: moderngl.Context, draw: Drawer, mode: str, encoding: str, samples: int
) -> None:
    """At a corner of it."""
    context = ctx
    with Renderer(context=context, options=exact(mode)) as renderer:
        kind = "f4" if encoding == "linear" else "f1"
        color = context.renderbuffer((128, 96), 4, dtype=kind, samples=samples)
        target = context.framebuffer([color], context.depth_renderbuffer((128, 96), samples=samples))
        target.viewport = 16, 20, 96, 64
        target.use()
        scene, camera = glass(np.arange(30)), Camera((1, 2, 6), (0, 0, 0))
        renderer.draw(scene, camera, target, clear=True, encoding=encoding)
        assert context.error == "GL_NO_ERROR"
        whole = context.framebuffer([context.texture((128, 96), 4, dtype=kind)])
        context.copy_framebuffer(whole, target)
        raw = whole.read(components=4, dtype=kind, viewport=(16, 20, 96, 64))
        came = np.frombuffer(raw, np.float32 if kind == "f4" else np.uint8).reshape(64, 96, 4)[::-1]
        if encoding == "linear":
            came = np.round(encoded(np.clip(came[..., :3], 0, 1)) * 255)
    ours = draw(scene, camera, mode).color
    differ = (np.abs(came[..., :3].astype(int) - ours[..., :3]) > 4).any(axis=-1)
    if samples == 0:
        assert differ.mean() < 0.01
    else:  # of many samples nothing can be read: layer over layer
        assert 0.0 < differ.mean() < 0.5


# -- splats --------------------------------------------------------------------------------------------------

AFAR = Camera((0, 0, 40), (0, 0, 0), fov=45)
SPLATS = Options(mode="indirect", occlusion=False)


def swarm(count: int, *, order: Any = slice(None), seed: int = 3, **looks: Any) -> Scene:
    """Small spheres of all colours in a cloud 20 m wide."""
    random = np.random.default_rng(seed)
    material = Material(alpha_mode="blend", **{"color": (1, 1, 1, 0.6), **looks})
    scene = Scene(background=(0.1, 0.3, 0.2), sun=Sun((-0.5, -1, -0.3)))
    places, sizes = random.uniform(-10, 10, (count, 3)), random.uniform(0.05, 0.12, count)
    colors = random.uniform(0, 1, (count, 4)) * (1, 1, 1, 0.8) + (0, 0, 0, 0.2)
    ball = shapes.sphere(1.0, segments=6, rings=4)
    scene.add(Crowd(ball, material, positions=places[order], scales=sizes[order], colors=colors[order]))
    return scene


def blocks(picture: Picture, side: int = 16) -> Picture:
    """Mean linear colours of blocks of pixels."""
    height, width = (size // side for size in picture.shape[:2])
    cut = decoded(picture[: height * side, : width * side, :3] / 255)
    return np.asarray(cut.reshape(height, side, width, side, 3).mean(axis=(1, 3)))


def of_smoke() -> throng.Texture:
    """Dense in the middle, nothing at the edges."""
    along = np.linspace(-1, 1, 32)
    image = np.full((32, 32, 4), 255, np.uint8)
    image[..., 3] = np.clip(1 - np.hypot(*np.meshgrid(along, along)), 0, 1) * 255
    return throng.Texture(image)


@pytest.mark.parametrize(
    "looks",
    [{"shading": "unlit"}, {}, {"roughness": 0.3, "metallic": 0.5}, {"color_texture": of_smoke()}],
    ids=["unlit", "lit", "shiny", "smoke"],
)
def test_blended_splats_are_as_dense_as_meshes(looks: dict[str, Any]) -> None:
    scene = swarm(4000, **looks)
    scene.fog = throng.Fog(color=(0.5, 0.6, 0.7), density=0.01)
    scene.add(Node(shapes.box((6, 6, 6)), Material((0.6, 0.5, 0.4))))
    frames = []
    for splat in (True, False):
        with Renderer((320, 240), options=Options(splat=splat)) as renderer:
            frames.append(renderer.render(scene, AFAR))
    assert frames[0].stats.splats > 3000
    assert frames[1].stats.splats == 0
    apart = blocks(frames[0].color) - blocks(frames[1].color)
    assert np.abs(apart.mean(axis=(0, 1))).max() < 0.004
    assert np.abs(apart).max() < 0.06


def test_blended_splats_are_the_same_every_time_and_in_any_order() -> None:
    """Sums of whole numbers; numbers pick masks, so other orders look a little different."""
    pictures = []
    for order in (slice(None), slice(None), np.random.default_rng(0).permutation(3000)):
        with Renderer((160, 120), options=SPLATS) as renderer:
            pictures += [renderer.render(swarm(3000, order=order), AFAR).color for _ in range(2)]
    for picture in pictures[1:4]:
        np.testing.assert_array_equal(picture, pictures[0])
    assert share_differing(pictures[4], pictures[0]) < 0.01


def stack(count: int, color: Any, depth: float = 0.0, size: float = 1.0) -> Crowd:
    """Boxes in the same place, each a layer."""
    material = Material(color, shading="unlit", alpha_mode="blend")
    return Crowd(
        shapes.box(), material, positions=np.full((count, 3), (0, 0, depth)), scales=np.full(count, size)
    )


@pytest.mark.parametrize("count", [64, 100_000])
def test_what_blended_splats_let_through_is_exact(count: int) -> None:
    """However many there are: a sum of so many layers must not run over."""
    scene = Scene(background=(0, 0, 0))
    scene.add(stack(count, (1, 0.5, 0, 5 / 255)))
    with Renderer((64, 64), options=SPLATS) as renderer:
        frame = renderer.render(scene, Camera.orthographic((0, 0, 5), (0, 0, 0), height=20, near=0.1, far=20))
    assert frame.stats.splats == count
    share = 1 - (1 - 5 / 255) ** count
    assert np.abs(frame.color[32, 32, :3] - 255 * encoded(share * decoded((1, 0.5, 0)))).max() <= 1.5


def test_nearer_splats_count_for_more() -> None:
    scene = Scene(background=(0, 0, 0))
    scene.add(stack(64, (1, 0, 0, 0.3), depth=10.0, size=0.5))
    scene.add(stack(64, (0, 0, 1, 0.3), depth=0.0, size=1.0))
    with Renderer((64, 64), options=SPLATS) as renderer:
        color = renderer.render(scene, Camera((0, 0, 20), (0, 0, 0), fov=45)).color[32, 32].astype(float)
    red, blue = decoded(color[[0, 2]] / 255)
    assert red / blue == pytest.approx(2**4, rel=0.35)  # weights fall with the fourth power; 9.5 m and 19.5 m


def test_opaque_things_hide_blended_splats_and_show_through_them() -> None:
    for depth, seen in ((5.0, (0, 0, 255)), (-5.0, (255, 255, 255))):
        scene = Scene(background=(0, 0, 0))
        scene.add(stack(64, (1, 1, 1, 0.9)))
        scene.add(Node(shapes.quad((30, 30)), Material((0, 0, 1), shading="unlit"), position=(0, 0, depth)))
        with Renderer((64, 64)) as renderer:
            for _ in range(5):  # what is hidden for long is not even tried
                color = renderer.render(scene, AFAR).color
        np.testing.assert_array_equal(color[32, 32, :3], seen)


def test_blended_splats_in_somebodys_framebuffer(ctx: moderngl.Context) -> None:
    scene = swarm(2000)
    scene.add(Node(shapes.box((6, 6, 6))))
    with Renderer((96, 64)) as renderer:
        ours = renderer.render(scene, AFAR)
    assert ours.stats.splats > 1000
    with Renderer(context=ctx) as renderer:
        target = ctx.framebuffer([ctx.texture((128, 96), 4)], ctx.depth_texture((128, 96)))
        target.viewport = 16, 20, 96, 64
        target.use()
        renderer.draw(scene, AFAR, target, clear=True)
        raw = target.read(components=4, viewport=(16, 20, 96, 64))
    came = np.frombuffer(raw, np.uint8).reshape(64, 96, 4)[::-1]
    assert (np.abs(came.astype(int) - ours.color).max(axis=-1) > 4).mean() < 0.01


def test_pictures_too_large_for_sums_have_meshes(monkeypatch: pytest.MonkeyPatch) -> None:
    with Renderer((96, 64)) as renderer:
        monkeypatch.setattr(renderer._blender.splats, "_limit", 96 * 64 * 36 - 1)
        frame = renderer.render(swarm(200), AFAR)
        assert frame.stats.splats == 0
        assert frame.stats.visible == 200
        renderer.size = (96, 63)
        assert renderer.render(swarm(200), AFAR).stats.splats > 100
