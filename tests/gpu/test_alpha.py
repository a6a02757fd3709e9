"""What is cut out by chance, alpha by alpha, and what is blended and fades away before it is cut off."""

from __future__ import annotations

import moderngl
import numpy as np
import pytest
from pictures import MODES, Drawer
from test_blend import FRONT, INSIDE, decoded, sheet

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, Shadows, Sun, Texture, shapes

WIDE = Camera.orthographic((0, 0, 5), (0, 0, 0), height=1.0, near=0.1, far=20)


def veil(alpha: float, x: float = 0.0) -> Scene:
    scene = Scene(background=(0, 0, 0))
    looks = Material((1, 1, 1, alpha), shading="unlit", alpha_mode="hash")
    scene.add(Node(shapes.quad((4, 4)), looks, position=(x, 0, 0)))
    return scene


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("mode", MODES)
def test_of_what_is_hashed_a_share_of_pixels_is_there(draw: Drawer, mode: str, samples: int) -> None:
    for alpha in (0.0, 0.1, 0.35, 0.5, 0.8, 1.0):
        frame = draw(veil(alpha), WIDE, mode, size=(160, 120), samples=samples)
        light = decoded(frame.color[..., 0] / 255.0)
        assert abs(light.mean() - alpha) < 0.015
        if samples == 1:
            assert set(np.unique(frame.color[..., 0])) <= {0, 255}


def test_its_grain_lies_still_on_the_surface(draw: Drawer) -> None:
    """A step of the camera by ten pixels moves the picture by ten pixels."""
    aside = Camera.orthographic((10 / 120, 0, 5), (10 / 120, 0, 0), height=1.0, near=0.1, far=20)
    first = draw(veil(0.4), WIDE, size=(160, 120)).color
    second = draw(veil(0.4), aside, size=(160, 120)).color
    assert (first[:, 10:] != second[:, :-10]).any(axis=-1).mean() < 0.06  # of 0.48


def test_every_alpha_is_there_at_every_size(draw: Drawer) -> None:
    """Whatever lattice it is taken from, and between two of them."""
    for height in (0.5, 0.61, 0.74, 0.9, 1.1, 7.3, 30.0):
        scene = Scene(background=(0, 0, 0))
        looks = Material((1, 1, 1, 0.3), shading="unlit", alpha_mode="hash")
        scene.add(Node(shapes.quad((100, 100)), looks))
        camera = Camera.orthographic((0, 0, 5), (0, 0, 0), height=height, near=0.1, far=20)
        frame = draw(scene, camera, size=(160, 120))
        assert abs((frame.color[..., 0] > 0).mean() - 0.3) < 0.02


def test_what_is_hashed_is_in_ids_and_depth_and_casts_its_share_of_shadow(draw: Drawer) -> None:
    for mode in MODES:
        frame = draw(veil(0.5), WIDE, mode, size=(160, 120))
        there = frame.color[..., 0] > 0
        np.testing.assert_array_equal(frame.ids[..., 0] >= 0, there)
        np.testing.assert_array_equal(np.isfinite(frame.depth), there)
        scene = Scene(sun=Sun((0, -1, 0), shadows=Shadows(distance=30)), ambient=None)
        scene.add(Node(shapes.plane(8), Material((1, 1, 1))))
        looks = Material((1, 1, 1, 0.5), alpha_mode="hash", double_sided=True)
        roof = scene.add(Node(shapes.plane(3), looks, position=(0, 2, 0)))
        above = Camera.orthographic((0, 1, 0.001), (0, 0, 0), height=2, near=0.1, far=20)  # below the roof
        shaded = decoded(draw(scene, above, mode).color[..., 0] / 255.0).mean()
        roof.visible = False
        bare = decoded(draw(scene, above, mode).color[..., 0] / 255.0).mean()
        assert 0.4 < shaded / bare < 0.6


def test_hashed_textures_and_a_thousand_of_them(draw: Drawer) -> None:
    ramp = np.full((32, 32, 4), 255, np.uint8)
    ramp[..., 3] = np.linspace(0, 255, 32).astype(np.uint8)
    looks = Material(shading="unlit", alpha_mode="hash", color_texture=Texture(ramp), double_sided=True)
    random = np.random.default_rng(0)
    scene = Scene(background=(0, 0, 0))
    scene.add(Crowd(shapes.quad((0.1, 0.1)), looks, positions=random.uniform(-1, 1, (1000, 3))))
    frames = [draw(scene, FRONT, mode) for mode in MODES]
    assert frames[0].stats.splats == 0
    shares = [(frame.color[..., 0] > 0).mean() for frame in frames]
    assert 0.5 < shares[0] < 0.99
    assert max(shares) - min(shares) < 0.01


# -- soft particles ------------------------------------------------------------------------------------


def smoke(gap: float, softness: float) -> Scene:
    scene = Scene(background=(0, 0, 0))
    scene.add(Node(shapes.quad((8, 8)), Material((0, 0, 0), shading="unlit"), position=(0, 0, -gap)))
    scene.add(sheet((1, 1, 1, 0.8), 0.0, softness=softness))
    return scene


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("mode", MODES)
def test_what_is_soft_fades_before_what_is_behind_it(draw: Drawer, mode: str, samples: int) -> None:
    middle = Camera((0, 0, 5), (0, 0, 0), fov=40)
    for gap, softness in ((0.5, 2.0), (0.02, 0.1), (3.0, 2.0), (0.3, 0.0)):
        share = 0.8 * (min(gap / softness, 1.0) if softness else 1.0)
        for camera in (FRONT, middle):
            seen = draw(smoke(gap, softness), camera, mode, samples=samples).color[INSIDE][0]
            assert abs(decoded(seen / 255.0) - share) < 0.02


def test_before_nothing_it_is_whole(draw: Drawer) -> None:
    for camera in (FRONT, Camera((0, 0, 5), (0, 0, 0), fov=40), Camera((0, 0, 5), (0, 0, 0), far=1e30)):
        scene = Scene(background=(0, 0, 0))
        scene.add(sheet((1, 1, 1, 0.8), 0.0, softness=3.0))
        assert abs(decoded(draw(scene, camera).color[INSIDE][0] / 255.0) - 0.8) < 0.01


def test_softness_can_be_left_out_and_is_of_blended_things_alone(draw: Drawer) -> None:
    hard = draw(smoke(0.5, 0.0), FRONT)
    for mode in MODES:
        came = draw(smoke(0.5, 2.0), FRONT, Options(mode=mode, soft_particles=False))
        np.testing.assert_array_equal(came.color, hard.color)
    scene = Scene(background=(0, 0, 0))
    scene.add(Node(shapes.quad((8, 8)), Material((0, 0, 0), shading="unlit"), position=(0, 0, -0.1)))
    scene.add(Node(shapes.quad((1, 1)), Material(shading="unlit", softness=5.0)))
    assert draw(scene, FRONT).color[INSIDE].tolist() == [255, 255, 255, 255]


def test_soft_splats_are_like_soft_meshes(draw: Drawer) -> None:
    random = np.random.default_rng(3)
    scene = Scene(background=(0, 0, 0))
    scene.add(Node(shapes.quad((8, 8)), Material((0, 0, 0), shading="unlit")))
    looks = Material((1, 1, 1, 0.7), shading="unlit", alpha_mode="blend", softness=1.0)
    places = random.uniform((-0.9, -0.9, 0.02), (0.9, 0.9, 0.6), (4000, 3))
    scene.add(Crowd(shapes.sphere(0.02, segments=8, rings=6), looks, positions=places))

    def light(splat: bool = True, soft: bool = True) -> float:
        frame = draw(scene, FRONT, Options(splat=splat, soft_particles=soft))
        return float(decoded(frame.color[..., 0] / 255.0).mean())

    assert draw(scene, FRONT, Options()).stats.splats == 4000
    splats = light() / light(soft=False)
    meshes = light(splat=False) / light(splat=False, soft=False)
    assert abs(splats - meshes) < 0.03
    assert splats < 0.6


def test_soft_in_somebodys_framebuffer(ctx: moderngl.Context) -> None:
    """At a corner of it; what they have drawn there counts."""
    with Renderer(context=ctx) as renderer:
        target = ctx.framebuffer([ctx.texture((160, 120), 4)], ctx.depth_texture((160, 120)))
        target.clear(0, 0, 0, 1)
        target.viewport = 20, 10, 96, 64
        renderer.draw(smoke(0.5, 2.0), FRONT, target, clear=True)
        assert ctx.error == "GL_NO_ERROR"
        raw = np.frombuffer(target.read(components=4, viewport=(20, 10, 96, 64)), np.uint8)
    ours = throng.render(smoke(0.5, 2.0), FRONT, size=(96, 64)).color
    assert np.abs(raw.reshape(64, 96, 4)[::-1].astype(int) - ours).max() <= 1


def test_softness_is_checked() -> None:
    with pytest.raises(throng.errors.InvalidValue, match="softness: expected a number of at least 0, got -1"):
        Material(softness=-1)
