"""Softer edges: coverage from alpha where there are many samples, and a filter where there are not."""

from __future__ import annotations

import moderngl
import numpy as np
from pictures import Drawer, Picture

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, Texture, shapes

SIZE = (120, 90)
CAMERA = Camera((0.3, 0.4, 5), (0, 0, 0))


def leaves(count: int = 60) -> Scene:
    y, x = np.mgrid[:64, :64]
    leaf = np.zeros((64, 64, 4), np.uint8)
    leaf[...] = (60, 150, 40, 0)
    leaf[..., 3] = np.clip(128 + 400 * (1 - (x - 32) ** 2 / 200 - (y - 32) ** 2 / 900), 0, 255)
    random = np.random.default_rng(0)
    scene = Scene()
    looks = Material(color_texture=Texture(leaf), alpha_mode="mask", double_sided=True)
    scene.add(
        Crowd(shapes.quad((0.9, 0.9)), looks, positions=random.uniform(-2, 2, (count, 3)),
              rotations=random.normal(size=(count, 4)))
    )  # fmt: skip
    scene.add(Node(shapes.box(), Material((0.8, 0.3, 0.2)), rotation=(0.2, 0.3, 0, 1)))
    return scene


def supersampled(scene: Scene) -> Picture:
    """(h, w, 3): the mean of 8x8 samples, in linear light, encoded."""
    size = SIZE[0] * 8, SIZE[1] * 8
    color = throng.render(scene, CAMERA, size=size).color[..., :3] / 255.0
    light = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    mean = light.reshape(SIZE[1], 8, SIZE[0], 8, 3).mean(axis=(1, 3))
    return np.asarray(255 * np.where(mean <= 0.0031308, mean * 12.92, 1.055 * mean ** (1 / 2.4) - 0.055))


def error(picture: Picture, truth: Picture) -> float:
    return float(np.abs(picture[..., :3].astype(float) - truth).mean())


def test_alpha_becomes_coverage(draw: Drawer) -> None:
    """Edges that are cut out are as smooth as others."""
    scene, truth = leaves(), supersampled(leaves())
    options = Options(splat=False)
    plain = draw(scene, CAMERA, options, size=SIZE)
    smooth = draw(scene, CAMERA, options, size=SIZE, samples=4)
    assert error(smooth.color, truth) < 0.65 * error(plain.color, truth)
    assert (smooth.color[..., 3] == 255).all()


def test_the_filter_comes_nearer_to_the_truth(draw: Drawer) -> None:
    scene = Scene()
    random = np.random.default_rng(1)
    scene.add(
        Crowd(shapes.box(), positions=random.uniform(-2, 2, (30, 3)), rotations=random.normal(size=(30, 4)),
              scales=random.uniform(0.2, 0.8, 30), colors=random.uniform(0, 1, (30, 3)))
    )  # fmt: skip
    truth = supersampled(scene)
    for mode in ("indirect", "instanced"):
        with Renderer(SIZE, options=Options(mode=mode)) as renderer:
            plain = renderer.render(scene, CAMERA).color
            renderer.fxaa = True
            frame = renderer.render(scene, CAMERA, ("color", "depth", "ids"))
            assert error(frame.color, truth) < 0.93 * error(plain, truth)
            renderer.fxaa = False
            again = renderer.render(scene, CAMERA, ("color", "depth", "ids"))
            np.testing.assert_array_equal(again.color, plain)
            np.testing.assert_array_equal(frame.ids, again.ids)  # only colours are filtered
            np.testing.assert_array_equal(frame.depth, again.depth)


def test_the_filter_leaves_flat_colours_alone() -> None:
    scene = Scene(background=(0.3, 0.6, 0.2))
    np.testing.assert_array_equal(
        throng.render(scene, CAMERA, size=SIZE, fxaa=True).color,
        throng.render(scene, CAMERA, size=SIZE).color,
    )


def test_the_filter_in_somebodys_framebuffer(ctx: moderngl.Context) -> None:
    """At a corner of it, and nowhere else."""
    with Renderer(context=ctx, fxaa=True) as renderer:
        target = ctx.simple_framebuffer((160, 120))
        target.clear(1.0, 0.0, 1.0, 1.0)
        target.viewport = 20, 10, *SIZE
        renderer.draw(leaves(), CAMERA, target, clear=True)
        assert ctx.error == "GL_NO_ERROR"
        raw = np.frombuffer(target.read(components=4, viewport=(0, 0, 160, 120)), np.uint8)
        came = raw.reshape(120, 160, 4)[::-1]
    ours = throng.render(leaves(), CAMERA, size=SIZE, fxaa=True).color
    differ = (np.abs(came[20:110, 20:140].astype(int) - ours) > 3).any(axis=-1)
    assert differ.mean() < 0.01
    outside = np.ones((120, 160), bool)
    outside[20:110, 20:140] = False
    assert (came[outside] == (255, 0, 255, 255)).all()
