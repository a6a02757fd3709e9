"""Blended instances from the farthest to the nearest: each over what is behind it, exactly."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MODES, Drawer, Picture, assert_frames_agree, everything
from test_blend import FRONT, INSIDE, decoded, encoded, glass, sheet

import throng
from throng import Camera, Crowd, Material, Node, Renderer, Scene, Shader, shapes

OWN = Shader(surface="void shade_surface(inout Surface surface) { surface.color *= 1.0; }")
AFAR = Camera((1, 2, 6), (0, 0, 0))


def layered(layers: list[tuple[Any, float]]) -> Scene:
    scene = Scene(background=(0.2, 0.3, 0.8), transparency="sorted")
    for color, depth in layers:
        scene.add(sheet(color, depth))
    return scene


def over(layers: list[tuple[Any, float]], background: Any) -> Picture:
    light = decoded(background)
    for color, _ in sorted(layers, key=lambda layer: layer[1]):
        alpha = round(color[3] * 255) / 255
        light = alpha * decoded(color[:3]) + (1 - alpha) * light
    return 255 * encoded(light)


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("mode", MODES)
def test_layers_lie_over_each_other_exactly(draw: Drawer, mode: str, samples: int) -> None:
    random = np.random.default_rng(1)
    layers = [(random.uniform(0.1, 0.9, 4), float(depth)) for depth in random.permutation(9) * 0.3 - 1.5]
    seen = draw(layered(layers), FRONT, mode, samples=samples).color[INSIDE][:3]
    assert np.abs(seen - over(layers, (0.2, 0.3, 0.8))).max() <= 1.2


@pytest.mark.parametrize("mode", MODES)
def test_crowds_meshes_and_programs_lie_among_each_other(draw: Drawer, mode: str) -> None:
    """Three crowds, of which two share nothing but that they are blended."""
    random = np.random.default_rng(2)
    depths = random.permutation(30) * 0.1 - 2
    colors = random.uniform(0.05, 0.6, (30, 4))
    scene = Scene(background=(0.5, 0.5, 0.5), transparency="sorted")
    quad, larger = shapes.quad((1, 1)), shapes.quad((1.2, 1.2))
    plain = Material(shading="unlit", alpha_mode="blend")
    own = Material(shading="unlit", alpha_mode="blend", shader=OWN)
    for number, (mesh, looks) in enumerate([(quad, plain), (larger, plain), (quad, own)]):
        mine = slice(number, None, 3)
        places = np.column_stack([np.zeros((10, 2)), depths[mine]])
        scene.add(Crowd(mesh, looks, positions=places, colors=colors[mine]))
    rounded = np.concatenate([colors[:, :3], np.round(colors[:, 3:] * 255) / 255], axis=1)
    layers = list(zip(rounded, depths.tolist(), strict=True))
    frame = draw(scene, FRONT, mode)
    assert np.abs(frame.color[INSIDE][:3] - over(layers, (0.5, 0.5, 0.5))).max() <= 2


@pytest.mark.parametrize("samples", [1, 4])
def test_every_mode_draws_the_same(draw: Drawer, samples: int) -> None:
    scene = glass(np.arange(100))
    scene.transparency = "sorted"
    frames = [draw(scene, AFAR, mode, samples=samples) for mode in MODES]
    assert_frames_agree(frames[0], frames[1])
    assert_frames_agree(frames[0], frames[2])
    for mode in MODES[:2]:  # and whatever is left out because it is not seen
        assert_frames_agree(frames[0], draw(scene, AFAR, everything(mode), samples=samples))


def test_models_of_several_parts_and_nodes_in_every_mode(draw: Drawer) -> None:
    random = np.random.default_rng(3)
    bulb = throng.Model(
        [
            (shapes.sphere(0.3), Material((0.9, 0.8, 0.3, 0.5), alpha_mode="blend")),
            (shapes.box((0.2, 0.9, 0.2)), Material((0.2, 0.4, 0.9, 0.4), alpha_mode="blend")),
            (shapes.cone(0.2, 0.4), Material((0.3, 0.3, 0.3))),
        ]
    )
    scene = Scene(transparency="sorted")
    scene.add(Crowd(bulb, positions=random.uniform(-2, 2, (40, 3)), rotations=random.normal(size=(40, 4))))
    group = scene.add(Node(position=(0.3, 0, 0), scale=(1, 1, -1)))
    for place in random.uniform(-2, 2, (40, 3)):
        group.add(Node(bulb, position=place, scale=(-1, 1, 1) if place[0] > 0 else 1))
    frames = [draw(scene, AFAR, mode, size=(160, 120)) for mode in MODES]
    assert_frames_agree(frames[0], frames[1])
    assert_frames_agree(frames[0], frames[2])


def test_it_is_sorted_anew_when_anything_moves(draw: Drawer) -> None:
    """The camera, an instance, a crowd, and what is drawn while frozen."""
    for mode in MODES:
        scene = Scene(background=(0, 0, 0), transparency="sorted")
        looks = Material(shading="unlit", alpha_mode="blend", double_sided=True)
        crowd = scene.add(
            Crowd(shapes.quad((1, 1)), looks, positions=[(0, 0, -1), (0, 0, 1)],
                  colors=[(1, 0, 0, 0.8), (0, 1, 0, 0.8)])
        )  # fmt: skip
        renderer = draw.renderer(mode)
        renderer.size = (96, 64)

        def redder(view: Camera = FRONT, scene: Scene = scene, renderer: Renderer = renderer) -> bool:
            red, green, _, _ = renderer.render(scene, view).color[INSIDE].tolist()
            return bool(red > green)

        back = Camera.orthographic((0, 0, -5), (0, 0, 0), height=2, near=0.1, far=20)
        assert [redder(), redder(back), redder()] == [False, True, False]
        crowd.positions[0] = (0, 0, 2)
        assert redder()
        crowd.rotation = (0, 1, 0, 0)
        assert not redder()
        renderer.frozen = True
        assert [redder(), redder(back)] == [False, True]
        renderer.frozen = False
        scene.transparency = "weighted"
        before = renderer.render(scene, FRONT).color[INSIDE].tolist()
        scene.transparency = "sorted"
        assert renderer.render(scene, FRONT).color[INSIDE].tolist() != before


def test_there_is_one_draw_while_meshes_do_not_change(draw: Drawer) -> None:
    scene = Scene(transparency="sorted")
    looks = Material((1, 1, 1, 0.5), alpha_mode="blend")
    scene.add(Crowd(shapes.box(), looks, positions=np.random.default_rng(0).normal(size=(500, 3))))
    for mode in MODES[:2]:
        assert draw(scene, AFAR, everything(mode)).stats.draw_calls == 1
    scene.add(Crowd(shapes.cone(), looks, positions=np.random.default_rng(1).normal(size=(500, 3))))
    assert draw(scene, AFAR, everything("indirect")).stats.draw_calls == 1
    assert draw(scene, AFAR, everything("instanced")).stats.draw_calls > 100


def test_what_moves_by_itself_is_sorted_where_it_is(draw: Drawer) -> None:
    """In mode "indirect": two flakes that fall past each other, seen from above."""
    falls = throng.Motion("snow", strength=4.0, spread=1e-3)
    above = Camera.orthographic((0, 10, 0), (0, 0, 0), height=2, near=0.1, far=20, up=(0, 0, -1))
    red, green = (0.8, 0.1, 0.1, 0.6), (0.1, 0.8, 0.1, 0.6)
    flake = shapes.box((2, 0.01, 2))
    orders = []
    for time in (0.2, 0.9, 1.6, 2.3, 3.0, 3.7):
        seen = {}
        for alpha_mode in ("opaque", "blend"):
            looks = Material(shading="unlit", alpha_mode=alpha_mode, motion=falls)
            scene = Scene(background=(0, 0, 0), transparency="sorted")
            scene.add(Crowd(flake, looks, positions=np.zeros((2, 3)), colors=[red, green]))
            scene.time = time
            seen[alpha_mode] = draw(scene, above, "indirect").color[INSIDE]
        orders.append(bool(seen["opaque"][0] > seen["opaque"][1]))
        layers = [(red, float(orders[-1])), (green, float(not orders[-1]))]
        assert np.abs(seen["blend"][:3] - over(layers, (0, 0, 0))).max() <= 1.2
    assert set(orders) == {True, False}


def test_sorted_in_somebodys_framebuffer(ctx: moderngl.Context) -> None:
    """With and without a depth buffer that can be read."""
    scene = glass(np.arange(60))
    scene.transparency = "sorted"
    ours = throng.render(scene, AFAR, size=(96, 64)).color
    with Renderer(context=ctx) as renderer:
        for target in (
            ctx.framebuffer([ctx.texture((96, 64), 4)], ctx.depth_texture((96, 64))),
            ctx.framebuffer(
                [ctx.renderbuffer((96, 64), 4, samples=4)], ctx.depth_renderbuffer((96, 64), samples=4)
            ),
        ):
            renderer.draw(scene, AFAR, target, clear=True)
            assert ctx.error == "GL_NO_ERROR"
            flat = ctx.simple_framebuffer((96, 64))
            ctx.copy_framebuffer(flat, target)
            raw = np.frombuffer(flat.read(components=4), np.uint8).reshape(64, 96, 4)[::-1]
            assert np.abs(raw.astype(int) - ours).mean() < 6


def test_the_name_is_checked() -> None:
    with pytest.raises(
        throng.errors.InvalidValue, match="transparency: expected one of 'weighted', 'sorted'"
    ):
        Scene(transparency="depth")
