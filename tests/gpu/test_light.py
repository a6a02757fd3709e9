"""Light against the formulas: surfaces, point lights, fog, exposure, tone mapping and the sky."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import moderngl
import numpy as np
import pytest
import rasterizer
from pictures import MODES, Drawer, Picture, exact, share_differing
from test_reference import CAMERAS, expect_picture

import throng
from throng import (
    Ambient,
    Camera,
    Crowd,
    Fog,
    Material,
    Mesh,
    Node,
    Options,
    PointLight,
    Renderer,
    Scene,
    Shadows,
    Sky,
    Sun,
    shapes,
)

SIZE = (96, 64)
CARD = Mesh([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [(0, 1, 2), (0, 2, 3)])
DARK: dict[str, Any] = {"sun": None, "ambient": (0, 0, 0)}


def middle(frame: throng.Frame) -> Picture:
    height, width = frame.color.shape[:2]
    return np.asarray(frame.color[height // 2, width // 2, :3], np.float64)


def linear(color: Picture) -> Picture:
    return rasterizer.decoded(color / 255)


def card(material: Material, **looks: Any) -> Scene:
    """A card that faces a camera on the Z axis."""
    scene = Scene(**looks)
    scene.add(Node(CARD, material))
    return scene


# -- surfaces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_white_furnace_is_white(draw: Drawer, mode: str) -> None:
    """Whatever it is made of, what is white and lost nothing of white light from all around is white too."""
    scene = Scene(background=(0, 0, 0), **{**DARK, "ambient": (1, 1, 1)})
    for row, metallic in enumerate((0.0, 0.5, 1.0)):
        for column, roughness in enumerate((0.0, 0.2, 0.5, 0.8, 1.0)):
            white = Material(metallic=metallic, roughness=roughness, translucency=0.3 * row)
            ball = shapes.sphere(0.45, segments=24, rings=12)
            scene.add(Node(ball, white, position=(column - 2, 1 - row, 0)))
    frame = draw(scene, Camera((0, 0, 4.5)), mode)
    covered = frame.ids[..., 0] >= 0
    assert covered.mean() > 0.2
    assert frame.color[covered].min() >= 254


@pytest.mark.parametrize("turned", [0, 30, 60, 85])
def test_a_grey_card_under_a_known_sun(draw: Drawer, turned: float) -> None:
    """Of light straight from behind the eye: the grey, times the cosine, and the little that it mirrors."""
    angle = np.radians(turned)
    sun = Sun((-np.sin(angle), 0, -np.cos(angle)), (1, 1, 1), 1.0)
    scene = card(Material((0.4663, 0.4663, 0.4663)), sun=sun, ambient=(0, 0, 0))
    seen = linear(middle(draw(scene, Camera((0, 0, 3)))))
    grey = 0.184 * np.cos(angle) * (1 - 0.04)
    assert (seen > grey - 0.004).all()
    assert (seen < grey + 0.04 * np.cos(angle) + 0.004).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("looks", ["sun", "around", "lamps"])
def test_spheres_of_metal_and_roughness(draw: Drawer, looks: str, mode: str) -> None:
    """glTF's grid, against the formulas in NumPy."""
    scene = Scene(background=(0.1, 0.1, 0.1), **DARK)
    if looks == "sun":
        scene.sun = Sun((-0.5, -0.6, -1), (1, 0.9, 0.8), 1.0)
    elif looks == "around":
        scene.ambient = Ambient((0.6, 0.7, 1.0), (0.4, 0.3, 0.2), 0.8)
    else:
        scene.lights = [
            PointLight((0, 1, 3), (1, 0.5, 0.2), 4, 8),
            PointLight((-2, -1, 2), (0.3, 0.5, 1), 3, 5),
        ]
    for row, metallic in enumerate((0.0, 0.5, 1.0)):
        for column, roughness in enumerate((0.05, 0.3, 0.55, 0.8, 1.0)):
            gold = Material((1.0, 0.8, 0.4), metallic=metallic, roughness=roughness)
            ball = shapes.sphere(0.45, segments=20, rings=10)
            scene.add(Node(ball, gold, position=(column - 2, 1 - row, 0)))
    eye = np.array([0, 0, 4.5])
    view = rasterizer.look_at(eye, np.zeros(3), np.array([0, 1.0, 0]))
    wanted = rasterizer.rendered(scene, view, rasterizer.perspective(60, 1.5, 0.1, 1000), SIZE)
    expect_picture(draw(scene, Camera(eye, far=1000), mode), wanted, draw.depth_tolerance, 0.002)


def test_light_shines_through_a_leaf(draw: Drawer) -> None:
    against_sun = Sun((0, 0, 1), (1, 1, 1), 1.0)
    leaf = Material((0.6, 0.9, 0.3), double_sided=True, translucency=0.4)
    seen = linear(middle(draw(card(leaf, sun=against_sun, ambient=(0, 0, 0)), Camera((0, 0, 3)))))
    np.testing.assert_allclose(seen, 0.4 * rasterizer.decoded([0.6, 0.9, 0.3]), atol=0.01)
    opaque = Material((0.6, 0.9, 0.3), double_sided=True)
    assert not middle(draw(card(opaque, sun=against_sun, ambient=(0, 0, 0)), Camera((0, 0, 3)))).any()


def test_what_emits_is_as_bright_as_it_says(draw: Drawer) -> None:
    glowing = Material((0, 0, 0), emissive=(0.5, 0.25, 0.1), emission=2.0, metallic=1.0)
    seen = linear(middle(draw(card(glowing, **DARK), Camera((0, 0, 3)))))
    np.testing.assert_allclose(seen, 2 * rasterizer.decoded([0.5, 0.25, 0.1]), atol=0.005)


def directions(count: int) -> Picture:
    """(count, 3): evenly over the upper half, +Z."""
    number = np.arange(count) + 0.5
    up, turn = number / count, number * np.pi * (1 + np.sqrt(5))
    across = np.sqrt(1 - up**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)


@pytest.mark.parametrize("roughness", [0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("facing", [0.15, 0.5, 1.0])
def test_no_more_light_is_sent_on_than_came(roughness: float, facing: float) -> None:
    """The reference's formulas, which the pictures are held to: white, from everywhere, towards one eye."""
    light = directions(60_000)
    eye = np.broadcast_to([np.sqrt(1 - facing**2), 0, facing], light.shape)
    normal = np.broadcast_to([0.0, 0, 1], light.shape)
    for metallic in (0.0, 1.0):
        white = np.ones_like(light)
        diffuse, specular = rasterizer.brdf(white, metallic, roughness, normal, light, eye)
        sent = ((diffuse + specular) * light[:, 2:]).mean(axis=0) * 2 * np.pi
        assert (sent <= 1.02).all()
        assert (sent > 0.3).all()  # what rough metals send on by way of other facets is lacking


@pytest.mark.parametrize("roughness", [0.3, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("facing", [0.25, 0.5, 1.0])
def test_the_approximate_environment_is_near_the_integral(roughness: float, facing: float) -> None:
    """Karis' split sum, integrated: the specular part where f0 is 1, and where it is 0."""
    light = directions(60_000)
    eye = np.broadcast_to([np.sqrt(1 - facing**2), 0, facing], light.shape)
    normal = np.broadcast_to([0.0, 0, 1], light.shape)
    half = light + eye
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    schlick = (1 - rasterizer.dot(eye, half)) ** 5
    _, whole = rasterizer.brdf(np.ones_like(light), 1.0, roughness, normal, light, eye)
    mirrored = whole * light[:, 2:] * 2 * np.pi
    white, black = rasterizer.environment(roughness, np.array([facing]))
    assert abs(white[0] - mirrored.mean()) < 0.055
    assert abs(black[0] - (mirrored * schlick).mean()) < 0.035


# -- point lights ----------------------------------------------------------------------------------------


def lit_field(count: int = 40, **looks: Any) -> Scene:
    random = np.random.default_rng(4)
    scene = Scene(background=(0, 0, 0), **{**DARK, **looks})
    scene.add(Node(Mesh([(-9, -1, -9), (9, -1, -9), (9, -1, 9), (-9, -1, 9)], [(0, 2, 1), (0, 3, 2)])))
    scene.add(Crowd(shapes.box(0.4), Material(roughness=0.4), positions=random.uniform(-2, 2, (14, 3))))
    places, colors = random.uniform((-4, -1.5, -6), (4, 2, 3.5), (count, 3)), random.random((count, 3))
    scene.lights = [
        PointLight(place, color, strength, reach)
        for place, color, strength, reach in zip(
            places, colors, random.uniform(0.05, 0.5, count), random.uniform(0.4, 3, count), strict=True
        )
    ]
    return scene


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("camera", CAMERAS)
def test_point_lights_reach_what_the_rules_say(draw: Drawer, camera: Callable[[], Any], mode: str) -> None:
    """Every light in every pixel: no cluster lacks one. For each camera, those without perspective too."""
    looks, view, projection = camera()
    scene = lit_field()
    wanted = rasterizer.rendered(scene, view, projection, SIZE)
    assert len(np.unique(wanted.color.reshape(-1, 4), axis=0)) > 500
    expect_picture(draw(scene, looks, mode), wanted, draw.depth_tolerance, 0.003)


def test_many_lights_far_from_the_origin(draw: Drawer) -> None:
    """More than a mask's word holds; and a million metres away they are where they were."""
    scene, camera = lit_field(100), Camera((0.7, 1.1, 4.2), (0.1, 0, -0.2))
    options = dataclasses.replace(exact("instanced"), max_lights=100)
    near = draw(scene, camera, options)
    away = np.array([1e6, 2e5, -1e6])
    for child in scene.children:
        child.position = np.add(child.position, away)
    scene.lights = [
        PointLight(np.add(one.position, away), one.color, one.intensity, one.range) for one in scene.lights
    ]
    far = draw(scene, Camera(away + (0.7, 1.1, 4.2), away + (0.1, 0, -0.2)), options)
    assert share_differing(near.color, far.color, 3) < 0.005


def test_the_lights_that_matter_most_are_kept(draw: Drawer) -> None:
    """The one beside the card and not the hundred that are far away, behind the eye, or dark."""
    lamp = PointLight((0, 0, 0.5), intensity=0.3)
    far = [PointLight((0, y - 50, -80), (1, 1, 1), 1, 15) for y in range(100)]
    others = [*far, PointLight((0, 0, 30), range=3), PointLight((0, 0, 0.5), intensity=0)]
    camera, options = Camera((0, 0, 2)), dataclasses.replace(exact("instanced"), max_lights=1)
    alone = draw(card(Material(), lights=[lamp], **DARK), camera, options)
    among = draw(card(Material(), lights=[*others[:50], lamp, *others[50:]], **DARK), camera, options)
    assert middle(alone).all()
    assert share_differing(alone.color, among.color, 0) == 0


def test_a_point_light_is_as_strong_as_it_says(draw: Drawer) -> None:
    """1 metre away as the sun of that intensity; 2 metres away a quarter, but for the window of its range."""
    rough = Material((0.8, 0.8, 0.8))
    sun = card(rough, sun=Sun((0, 0, -1), (1, 1, 1), 0.7), ambient=(0, 0, 0))
    by_sun = linear(middle(draw(sun, Camera((0, 0, 3)))))
    for away, share in ((1.0, 1.0), (2.0, 0.25)):
        lamp = PointLight((0, 0, away), (1, 1, 1), 0.7, 1000.0)
        seen = linear(middle(draw(card(rough, lights=[lamp], **DARK), Camera((0, 0, 3)))))
        np.testing.assert_allclose(seen, by_sun * share, rtol=0.05)
    beyond = PointLight((0, 0, 2.0), (1, 1, 1), 0.7, 2.0)
    assert not middle(draw(card(rough, lights=[beyond], **DARK), Camera((0, 0, 3)))).any()


def test_lights_are_uploaded_when_they_or_the_view_change(draw: Drawer) -> None:
    scene, camera = lit_field(), Camera((0, 1, 5))
    uploads = [draw(scene, camera).stats.uploaded_bytes for _ in range(2)]
    assert uploads[1] == 0 < uploads[0]
    scene.lights = [*scene.lights]  # the same
    assert draw(scene, camera).stats.uploaded_bytes == 0
    scene.lights = scene.lights[1:]
    assert draw(scene, camera).stats.uploaded_bytes > 0
    camera.position = (0, 1, 5.1)
    assert draw(scene, camera).stats.uploaded_bytes > 0


# -- fog, exposure, tone mapping ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("camera", CAMERAS[:2])
@pytest.mark.parametrize(
    "fog",
    [Fog((0.7, 0.8, 0.9), 0.1), Fog((0.9, 0.5, 0.3), 0.15, falloff=0.8, height=-0.5, start=2.0)],
    ids=["even", "low"],
)
def test_fog_is_the_integral_of_its_density(
    draw: Drawer, fog: Fog, camera: Callable[[], Any], mode: str
) -> None:
    looks, view, projection = camera()
    scene = lit_field(0, ambient=(0.7, 0.6, 0.5), fog=fog)
    wanted = rasterizer.rendered(scene, view, projection, SIZE)
    expect_picture(draw(scene, looks, mode), wanted, draw.depth_tolerance, 0.002)
    scene.fog = None
    assert share_differing(draw(scene, looks, mode).color, wanted.color, 8) > 0.3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tone_mapping", [None, "neutral", "aces"])
@pytest.mark.parametrize("exposure", [-1.5, 2.0])
def test_exposure_and_tone_mapping(
    draw: Drawer, exposure: float, tone_mapping: str | None, mode: str
) -> None:
    looks, view, projection = CAMERAS[0]()
    scene = lit_field(12, ambient=(0.5, 0.4, 0.3), exposure=exposure, tone_mapping=tone_mapping)
    wanted = rasterizer.rendered(scene, view, projection, SIZE)
    expect_picture(draw(scene, looks, mode), wanted, draw.depth_tolerance, 0.002)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tone_mapping", ["neutral", "aces"])
def test_what_is_unlit_comes_out_as_it_is(draw: Drawer, tone_mapping: str, mode: str) -> None:
    fog = Fog((1, 0, 0), 0.5)
    color = (0.2, 0.55, 0.9)
    looks: dict[str, Any] = {"fog": fog, "exposure": 3.0, "tone_mapping": tone_mapping, "sky": Sky()}
    scene = card(Material(color, shading="unlit"), **looks)
    assert np.abs(middle(draw(scene, Camera((0, 0, 5)), mode)) - np.array(color) * 255).max() <= 1


# -- the sky -----------------------------------------------------------------------------------------------


def open_air(elevation: float = 35.0, **looks: Any) -> Scene:
    sky = Sky()
    scene = Scene(sky=sky, sun=sky.sun(elevation, 20.0), **looks)
    scene.add(Node(shapes.box(), position=(0.5, -0.2, 0)))
    scene.add(Crowd(shapes.sphere(0.3, segments=10, rings=6), positions=[(-1, 0, 0), (-1, 0.8, 0)]))
    return scene


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("samples", [1, 4])
def test_the_sky_is_behind_everything(draw: Drawer, samples: int, mode: str) -> None:
    scene, camera = open_air(background=(1, 0, 0, 0)), Camera((0, 0.2, 4), (0, 0.3, 0))
    frame = draw(scene, camera, mode, samples=samples)
    without = draw(scene, camera, dataclasses.replace(exact(mode), sky=False), samples=samples)
    empty = frame.ids[..., 0] < 0
    assert np.isinf(frame.depth[empty]).all()
    assert np.isfinite(frame.depth[~empty]).all()
    assert (frame.color[..., 3] == 255).all()
    np.testing.assert_array_equal(frame.ids, without.ids)
    np.testing.assert_array_equal(frame.depth, without.depth)
    np.testing.assert_array_equal(frame.normals, without.normals)
    inner = ~empty if samples == 1 else slice(0, 0)
    np.testing.assert_array_equal(frame.color[inner], without.color[inner])
    red, _, blue, _ = frame.color[0, :30].mean(axis=0)  # away from the sun
    assert blue > red + 30
    np.testing.assert_array_equal(draw(scene, camera, mode, samples=samples).color, frame.color)


def test_all_modes_have_the_same_sky(draw: Drawer) -> None:
    scene, camera = (
        open_air(3.0, fog=Fog(density=0.1), tone_mapping="neutral"),
        Camera((0, 0.2, 4), (0, 0.6, 0)),
    )
    frames = [draw(scene, camera, mode) for mode in MODES]
    for other in frames[1:]:
        assert share_differing(frames[0].color, other.color) < 0.002


def test_the_sun_stands_where_its_light_comes_from(draw: Drawer) -> None:
    sky = Sky(intensity=0.02)  # so that nothing but the disc is bright
    scene = Scene(sky=sky, sun=sky.sun(20, 30))
    assert scene.sun is not None
    towards = -np.array(scene.sun.direction)
    frame = draw(scene, Camera((0, 0, 0), towards * 5, fov=20), size=(96, 96))
    bright = np.argwhere(frame.color[..., 0] > 200)
    np.testing.assert_allclose(bright.mean(axis=0), (47.5, 47.5), atol=0.6)
    across = 2 * np.sqrt(len(bright) / np.pi) * (20 / 96)
    assert 0.3 < across < 0.75  # degrees; half a degree


def test_the_sky_goes_with_the_time_of_day(draw: Drawer) -> None:
    camera = Camera((0, 0, 0), (-1, 0.15, 1), fov=40)  # away from the sun
    seen = []
    for elevation in (60.0, 20.0, 2.0, -8.0):
        frame = draw(open_air(elevation, exposure=1.0), camera)
        seen.append(linear(frame.color[:20, :, :3].astype(float)).mean(axis=(0, 1)))
    light = [float(one.sum()) for one in seen]
    assert light == sorted(light, reverse=True)
    assert light[-1] < 0.05 * light[0]
    colors = [np.array(Sky().sun(elevation).color) for elevation in (60, 20, 2)]
    redness = [color[0] / color[2] for color in colors]
    assert redness == sorted(redness)
    assert redness[0] < 1.3
    assert redness[-1] > 2
    assert Sky().sun(-2).intensity == 0


def test_without_a_sun_the_sky_is_black(draw: Drawer) -> None:
    scene = open_air()
    scene.sun = None
    assert not draw(scene, Camera((0, 0.2, 4), (0, 5, 0))).color[:10, :, :3].any()


def test_at_night_the_moon_stands_opposite_the_sun(draw: Drawer) -> None:
    sky = Sky()
    for hour in (7.0, 12.0, 18.2):
        assert sky.at(hour, north=20, shadows=True) == (sky, sky.sun_at(hour, north=20, shadows=True))
    seen = []
    for hour in (0.0, 3.0, 20.0, 24.0):
        dark, moon = sky.at(hour, north=20, shadows=True)
        np.testing.assert_allclose(moon.direction, -np.array(sky.sun_at(hour, north=20).direction), atol=1e-6)
        assert moon.color[0] < moon.color[1] < moon.color[2]
        assert moon.shadows == Shadows()
        scene = Scene(sky=dark, sun=moon, ambient=None, exposure=dark.exposure(moon))
        scene.add(Node(shapes.plane(100), Material((0.6, 0.6, 0.6))))
        picture = draw(scene, Camera((0, 2, 5), (0, 1, 0))).color[..., :3]
        seen.append([picture[50:].mean(), picture[:20].mean()])
    assert (np.array(seen) > 15).all()  # something is seen
    assert (np.array(seen)[:, 0] < 130).all()  # and it is darker than by day
    with pytest.raises(throng.errors.InvalidValue, match="hour: expected"):
        sky.at(25)


def test_light_from_all_around_comes_from_the_sky(draw: Drawer) -> None:
    """What is turned up is as bright as the mean of the sky that it sees, each direction by its cosine."""
    sky = Sky(ground=(0.2, 0.2, 0.2))
    sun = sky.sun(40, 90)
    looks: dict[str, Any] = {"sky": sky, "sun": sun, "ambient": None}
    total, weight = np.zeros(3), 0.0
    # Six faces around the eye; the disc is the sun's, not the sky's.
    for target, up in (((0, 1, 0), (0, 0, 1)), ((1, 0, 0), (0, 1, 0)), ((-1, 0, 0), (0, 1, 0)),
                       ((0, 0, 1), (0, 1, 0)), ((0, 0, -1), (0, 1, 0))):  # fmt: skip
        scene = Scene(**looks, exposure=-3.0)  # so that nothing is cut
        frame = draw(scene, Camera((0, 0, 0), target, up, fov=90), size=(64, 64))
        x, y = np.meshgrid(np.arange(64) / 32 - 63 / 64, 63 / 64 - np.arange(64) / 32)
        forward, upward = np.array(target, float), np.array(up, float)
        right = np.cross(forward, upward)
        ways = forward + x[..., None] * right + y[..., None] * upward
        length = np.linalg.norm(ways, axis=-1)
        share = np.maximum(ways[..., 1] / length, 0) / length**3 / 32**2 / np.pi
        total += (linear(frame.color[..., :3].astype(float)) * 8 * share[..., None]).sum(axis=(0, 1))
        weight += share.sum()
    assert weight == pytest.approx(1, abs=0.01)
    looks["sun"] = Sun(sun.direction, (0, 0, 0), 0.0)  # where it stands, without its own light
    floor = Scene(**looks, exposure=-1.0)
    floor.add(Node(CARD, Material(), rotation=(-(0.5**0.5), 0, 0, 0.5**0.5)))
    seen = linear(middle(draw(floor, Camera((0, 3, 0), (0, 0, 0), (0, 0, -1)))))
    np.testing.assert_allclose(seen * 2, total, rtol=0.06)


def test_the_sky_in_somebodys_framebuffer(draw: Drawer) -> None:
    """In linear light and in sRGB; and where there is no depth to tell, behind the scene all the same."""
    ctx = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
    with ctx, Renderer(context=ctx) as renderer:
        scene, camera = open_air(), Camera((0, 0.2, 4), (0, 0.3, 0))
        wanted = draw(scene, camera).color
        color = ctx.texture(SIZE, 4)
        for depth in (ctx.depth_renderbuffer(SIZE), None):
            target = ctx.framebuffer([color], depth)
            renderer.draw(scene, camera, target, clear=True)
            seen = np.frombuffer(target.read(components=4), np.uint8).reshape(64, 96, 4)[::-1]
            assert share_differing(seen, wanted) < (0.002 if depth else 0.05)
        floats = ctx.framebuffer([ctx.texture(SIZE, 4, dtype="f4")], ctx.depth_renderbuffer(SIZE))
        renderer.draw(scene, camera, floats, clear=True, encoding="linear")
        light = np.frombuffer(floats.read(components=4, dtype="f4"), np.float32).reshape(64, 96, 4)[::-1]
        shown = np.round(rasterizer.encoded(light[..., :3]) * 255)
        assert share_differing(shown, wanted[..., :3]) < 0.002


@pytest.mark.parametrize("fog", [None, Fog(density=0.05), Fog((0.1, 0.1, 0.1), 0.05)])
def test_the_sun_is_not_seen_below_the_horizon(draw: Drawer, fog: Fog | None) -> None:
    """Half sunk, it ends there, whatever the land below is lost in."""
    sky = Sky(intensity=0.05)  # so that nothing but the disc is bright
    scene = Scene(sky=sky, sun=sky.sun(0.6, 0), exposure=3.0, fog=fog)
    frame = draw(scene, Camera((0, 0, 0), (0, 0, -1), fov=6), size=(96, 96))
    bright = np.argwhere(frame.color[..., 0] > frame.color[0, 0, 0].astype(int) + 60)[:, 0]
    assert 30 < bright.min() < bright.max() < 49  # the horizon lies at 48


def test_fog_takes_its_colour_from_the_sky(draw: Drawer) -> None:
    """What is far away in it looks as the sky above the horizon there."""
    sky = Sky()
    scene = Scene(sky=sky, sun=sky.sun(30, 200), fog=Fog(density=0.5), ambient=None)
    scene.add(Node(CARD, position=(0, 9.2, -60)))
    frame = draw(scene, Camera((0, 0, 0), (0, 0, -1), fov=40))
    fogged, beside = frame.color[28, 48, :3].astype(int), frame.color[28, 2, :3].astype(int)
    assert frame.ids[28, 48, 0] >= 0 > frame.ids[28, 2, 0]
    assert np.abs(fogged - beside).max() < 16


# -- switches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("switch", "looks"),
    [
        ("lights", {"lights": (PointLight((0, 1, 2), intensity=3),)}),
        ("fog", {"fog": Fog((1, 0, 0), 0.3)}),
        ("sky", {"sky": Sky()}),
        ("tone_mapping", {"exposure": 1.0, "tone_mapping": "aces"}),
    ],
)
def test_each_effect_has_a_switch(draw: Drawer, switch: str, looks: dict[str, Any], mode: str) -> None:
    """Switched off it is as if it were not in the scene; on again, while the renderer lives, it is back."""
    plain, scene, camera = Scene(), Scene(**looks), Camera((0, 1, 4))
    for one in (plain, scene):
        one.add(Node(shapes.box()))
    renderer = draw.renderer(exact(mode))
    renderer.size = SIZE
    before = renderer.render(scene, camera).color
    wanted = renderer.render(plain, camera).color
    renderer.options = dataclasses.replace(exact(mode), **{switch: False})  # type: ignore[arg-type]
    without = renderer.render(scene, camera).color
    renderer.options = exact(mode)
    np.testing.assert_array_equal(without, wanted)
    np.testing.assert_array_equal(renderer.render(scene, camera).color, before)
    assert share_differing(before, wanted) > 0.03


def test_no_lights_at_most_is_no_lights(draw: Drawer) -> None:
    lit, camera = lit_field(), Camera((0, 1, 4))
    none: Options = dataclasses.replace(exact(), max_lights=0)
    assert not draw(lit, camera, none).color[..., :3].any()
    assert draw(lit, camera).color[..., :3].any()
