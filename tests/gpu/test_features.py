"""A small picture of every feature, as it looked when somebody looked; each with a defect that is seen.

A defect is a small one: a light a little weaker, a leaf a little rougher, one thing in another place.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import golden
import numpy as np
import pytest
from pictures import MODES, OUTPUTS, Drawer, Picture

import throng
from throng import (
    Ambient,
    Camera,
    Crowd,
    Fog,
    Material,
    Motion,
    Mover,
    Node,
    Options,
    PointLight,
    Scene,
    Shader,
    Shadows,
    Sky,
    Sun,
    Texture,
    shapes,
)
from throng.gpu import source

SIZE = (192, 128)
Build = Callable[[float], Scene]


@dataclass(frozen=True)
class Feature:
    """`build(0.0)` is what it should look like, `build(1.0)` has the defect."""

    build: Build
    camera: Camera
    samples: int = 1
    fxaa: bool = False
    options: Options = Options()  # noqa: RUF009 - frozen


FEATURES: dict[str, Feature] = {}
FRONT = Camera((0, 0, 9), (0, 0, 0), fov=36)
ABOVE = Camera((3, 5, 9), (0, 0.6, 0), fov=36)


def feature(camera: Camera, **how: Any) -> Callable[[Build], Build]:
    def kept(build: Build) -> Build:
        FEATURES[f"feature-{build.__name__.replace('_', '-')}"] = Feature(build, camera, **how)
        return build

    return kept


def ground(color: Any = (0.45, 0.45, 0.42), **looks: Any) -> Node:
    return Node(shapes.plane(60), Material(color, **looks))


def in_the_open(**more: Any) -> Scene:
    sky = Sky(turbidity=1.6)
    sun = sky.sun_at(9.0, north=-40)
    return Scene(
        sky=sky, sun=sun, ambient=None, exposure=sky.exposure(sun) + 0.5, tone_mapping="neutral", **more
    )


# -- materials ---------------------------------------------------------------------------------------------


@feature(FRONT)
def metal_and_roughness(defect: float) -> Scene:
    """From left to right rougher, from top to bottom metal."""
    scene = in_the_open()
    for row in range(3):
        for column in range(6):
            rough = 0.05 + 0.18 * column + (0.08 * defect if column < 3 else 0)
            looks = Material((0.9, 0.6, 0.3), metallic=row / 2, roughness=rough)
            place = (1.3 * column - 3.25, 1.3 - 1.3 * row, 0)
            scene.add(Node(shapes.sphere(0.55, 32, 16), looks, position=place))
    return scene


@feature(Camera((0, 3, 8), (0, 0.8, 0), fov=36))
def leaves_with_light_behind_them(defect: float) -> Scene:
    scene = in_the_open()
    scene.sun = Sun((0.2, -0.5, 1.0), shadows=Shadows(distance=30))
    for number, through in enumerate((0.0, 0.4 + 0.1 * defect, 0.8)):
        looks = Material((0.35, 0.6, 0.2), double_sided=True, translucency=through)
        scene.add(Node(shapes.quad((1.5, 1.8)), looks, position=(2 * number - 2, 1, 0)))
    scene.add(ground())
    return scene


def checks(light: float = 230.0) -> Any:
    board = np.indices((8, 8)).sum(axis=0) % 2
    return np.where(board[..., None], (light, 200, 120), (40, 60, 120)).astype(np.uint8)


@feature(Camera((0, 2, 7), (0, 0.3, 0), fov=40), samples=4)
def textures_far_and_near(defect: float) -> Scene:
    """A board to the horizon, bumps on a wall, a sign for each instance, a part of an image for each."""
    scene = Scene(sun=Sun((-0.4, -1, -0.5)), background=(0.6, 0.7, 0.9))
    board = shapes.plane(80)
    board = throng.Mesh(board.positions, board.indices, uvs=board.uvs * 30)
    scene.add(Node(board, Material(color_texture=Texture(checks(), filter="nearest")), position=(0, -1, 0)))
    y, x = np.mgrid[0:64, 0:64] * (2 * np.pi / 16)
    bumps = np.stack([0.4 * np.sin(x), 0.4 * np.sin(y), np.ones_like(x)], axis=-1)
    bumps = (bumps / np.linalg.norm(bumps, axis=-1, keepdims=True) * 127.5 + 127.5).astype(np.uint8)
    wall = Material(
        (0.7, 0.6, 0.5), roughness=0.4, normal_texture=Texture(bumps), normal_scale=1 + 0.6 * defect
    )
    scene.add(Node(shapes.quad((2.4, 2.4)), wall, position=(-2.1, 0.5, 0)))
    signs = np.zeros((3, 16, 16, 3), np.uint8)
    signs[0, 4:12] = signs[1, :, 4:12] = signs[2, 4:12, 4:12] = (250, 240, 60)
    scene.add(
        Crowd(shapes.quad((0.9, 0.9)), Material(shading="unlit", color_texture=Texture(signs)),
              positions=[(-0.2, 1.2, 0), (0.9, 1.2, 0), (2.0, 1.2, 0)], columns={"layer": [0, 1, 2]})
    )  # fmt: skip
    scene.add(
        Crowd(shapes.quad((0.9, 0.9)), Material(shading="unlit", color_texture=Texture(signs[2])),
              positions=[(-0.2, 0, 0), (0.9, 0, 0), (2.0, 0, 0)],
              columns={"uv_offset": [(0.0, 0.0), (0.25, 0.0), (0.25, 0.25)]})
    )  # fmt: skip
    return scene


# -- light -------------------------------------------------------------------------------------------------


@feature(Camera((6, 3, 12), (0, 0.8, 0), fov=36), samples=4)
def long_shadows(defect: float) -> Scene:
    """The sun seven degrees high: no acne on ground and balls, shadows that begin where things stand."""
    scene = in_the_open()
    scene.sun = Sun((-1, -0.12, -0.5), color=(1, 0.75, 0.5), shadows=Shadows(distance=60, cascades=3))
    scene.add(ground())
    random = np.random.default_rng(3)
    places = random.uniform(-6, 6, (14, 2))
    places[0, 0] += 0.25 * defect
    for number, (x, z) in enumerate(places):
        mesh = (shapes.sphere(0.5), shapes.box((0.4, 2, 0.4)), shapes.cone(0.5, 1.2))[number % 3]
        scene.add(Node(mesh, Material((0.8, 0.5, 0.4)), position=(x, -mesh.bounds[0, 1], z)))
    return scene


@feature(Camera((0, 0.3, 6), (0, 0.3, 0), fov=40))
def a_closed_box_in_the_sun(defect: float) -> Scene:
    """Seen from within: no light leaks in where walls meet."""
    scene = Scene(sun=Sun((-0.7, -0.6, -0.4), shadows=Shadows(distance=40)), ambient=(0.15, 0.15, 0.15))
    wall = Material((0.8, 0.8, 0.8))
    for place, size in (
        ((0, -1.6, 0), (8, 0.2, 14)), ((-1.5 * defect, 2.1, 0), (8, 0.2, 14)), ((-3, 0, 0), (0.2, 4, 14)),
        ((3, 0, 0), (0.2, 4, 14)), ((0, 0, -3), (8, 4, 0.2)), ((0, 0, 7), (8, 4, 0.2)),
    ):  # fmt: skip
        scene.add(Node(shapes.box(size), wall, position=place))
    return scene


@feature(ABOVE)
def lamps(defect: float) -> Scene:
    scene = Scene(
        sun=None, ambient=Ambient((0.1, 0.12, 0.2), (0.05, 0.05, 0.05)), background=(0.02, 0.02, 0.05)
    )
    scene.add(ground(roughness=0.4))
    random = np.random.default_rng(1)
    places, colors = random.uniform(-4, 4, (40, 2)), random.uniform(0.2, 1, (40, 3))
    scene.lights = [
        PointLight((x, 0.5, z), color, 0.7 * (1 - 0.15 * defect * (number == 12)), 2.5)
        for number, ((x, z), color) in enumerate(zip(places, colors, strict=True))
    ]
    scene.add(
        Crowd(shapes.rock(1, 0.7), Material((0.7, 0.7, 0.7)),
              positions=np.insert(random.uniform(-4, 4, (25, 2)), 1, 0.2, axis=1))
    )  # fmt: skip
    return scene


@feature(Camera((0, 2.5, 14), (0, 1.5, -20), fov=40))
def fog_and_sky(defect: float) -> Scene:
    """Towards the sun, low over columns that go on into the distance; one of them is unlit."""
    sky = Sky(turbidity=2.5)
    sun = sky.sun(8.0, 10.0)
    scene = Scene(
        sky=sky, sun=sun, ambient=None, exposure=sky.exposure(sun) + 0.4, tone_mapping="aces",
        fog=Fog(density=0.03 * (1 + 0.06 * defect), falloff=0.15, start=4),
    )  # fmt: skip
    scene.add(Node(shapes.plane(600), Material((0.4, 0.42, 0.35))))
    places = [(x, 1.5, -7.0 * row) for row in range(8) for x in (-4 - row, 4 + row)]
    scene.add(Crowd(shapes.cylinder(0.5, 3), Material((0.7, 0.6, 0.5)), positions=places))
    scene.add(Node(shapes.box(1), Material((0.2, 0.7, 0.9), shading="unlit"), position=(0, 0.5, -10)))
    return scene


@feature(FRONT)
def bright_light_is_toned(defect: float) -> Scene:
    scene = Scene(
        sun=Sun((-0.4, -0.6, -1), intensity=0.8), exposure=2.0 + 0.06 * defect, tone_mapping="neutral"
    )
    for number, color in enumerate([(0.9, 0.2, 0.1), (0.2, 0.8, 0.3), (0.2, 0.4, 0.95), (0.9, 0.9, 0.9)]):
        place = (1.8 * number - 2.7, 0.8, 0)
        scene.add(Node(shapes.sphere(0.8, 48, 24), Material(color, roughness=0.4), position=place))
        glow = Material((0, 0, 0), emissive=color, emission=0.5 * (number + 1))
        scene.add(Node(shapes.box(1), glow, position=(place[0], -1.2, 0)))
    return scene


# -- transparency ------------------------------------------------------------------------------------------


def glass(defect: float) -> Scene:
    random = np.random.default_rng(7)
    scene = in_the_open()
    scene.add(ground())
    colors = random.uniform(0.1, 1, (60, 4)) * (1, 1, 1, 0.7)
    colors[5, 3] += 0.3 * defect
    for half, mesh in enumerate((shapes.box(1.2), shapes.sphere(0.7, 24, 12))):
        mine = slice(half, None, 2)
        scene.add(
            Crowd(mesh, Material(alpha_mode="blend", roughness=0.2),
                  positions=random.uniform((-3, 0.5, -2), (3, 2.5, 2), (30, 3)), colors=colors[mine],
                  rotations=random.normal(size=(30, 4)))
        )  # fmt: skip
    return scene


@feature(ABOVE, samples=4)
def glass_in_any_order(defect: float) -> Scene:
    return glass(defect)


@feature(ABOVE)
def glass_sorted(defect: float) -> Scene:
    scene = glass(0.0)
    scene.transparency = "weighted" if defect else "sorted"
    return scene


@feature(ABOVE)
def particles_small_and_soft(defect: float) -> Scene:
    """Thousands of blended splats, and puffs that fade away before the ground they lie in."""
    random = np.random.default_rng(8)
    scene = in_the_open()
    scene.add(ground())
    tints = random.uniform((0.4, 0.4, 0.4, 0.3), (1, 1, 1, 0.7), (6000, 4))
    around = random.normal(size=(6000, 3)) * (1.2, 0.5, 1.2) + (0, 1.6, 0)
    scene.add(
        Crowd(shapes.sphere(1, 8, 6), Material(alpha_mode="blend", shading="unlit"), positions=around,
              scales=np.full(6000, 0.02), colors=tints)
    )  # fmt: skip
    scene.add(
        Crowd(shapes.sphere(0.8, 24, 12),
              Material((0.9, 0.9, 0.95, 0.4), alpha_mode="blend", softness=0.7 - 0.2 * defect),
              positions=random.uniform((-3, 0, -2), (3, 0.3, 2), (8, 3)))
    )  # fmt: skip
    return scene


def leaf() -> Texture:
    """A ragged disc: opaque within, fading out."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    edge = 0.7 + 0.2 * np.cos(7 * np.arctan2(y, x))
    alpha = np.clip((edge - np.hypot(x, y)) * 2.5 + 0.5, 0, 1)
    return Texture(np.dstack([np.full((64, 64, 3), (0.5, 0.7, 0.3)), alpha]))


def foliage(alpha_mode: str) -> Scene:
    random = np.random.default_rng(9)
    scene = in_the_open()
    assert scene.sun is not None
    scene.sun = Sun(scene.sun.direction, intensity=scene.sun.intensity, shadows=Shadows(distance=30))
    scene.add(ground())
    scene.add(
        Crowd(shapes.quad((1, 1)),
              Material(alpha_mode=alpha_mode, double_sided=True, translucency=0.3, color_texture=leaf()),
              positions=random.uniform((-3, 0.5, -2), (3, 2.6, 2), (90, 3)),
              rotations=random.normal(size=(90, 4)))
    )  # fmt: skip
    return scene


@feature(ABOVE)
def foliage_cut_out(defect: float) -> Scene:
    return foliage("hash" if defect else "mask")


@feature(ABOVE, samples=4)
def foliage_covering_samples(defect: float) -> Scene:
    return foliage("hash" if defect else "mask")


@feature(ABOVE)
def foliage_hashed(defect: float) -> Scene:
    return foliage("mask" if defect else "hash")


# -- edges -------------------------------------------------------------------------------------------------


def bars(defect: float) -> Scene:
    scene = Scene(background=(0.1, 0.1, 0.15))
    for number in range(14):
        angle = number * 0.11
        half = np.array((0, 0, np.sin(angle / 2), np.cos(angle / 2)))
        looks = Material((0.9, 0.9, 0.8), shading="unlit")
        place = (0.6 * number - 3.9 + 0.02 * defect, 0, 0)
        scene.add(Node(shapes.box((0.12, 3.5, 0.1)), looks, position=place, rotation=half))
    return scene


@feature(FRONT, fxaa=True)
def edges_filtered(defect: float) -> Scene:
    return bars(defect)


@feature(FRONT, samples=4)
def edges_of_many_samples(defect: float) -> Scene:
    return bars(defect)


@feature(Camera((0, 2, 9), (0, 1, 0), fov=36), samples=4)
def splats_of_many_samples(defect: float) -> Scene:
    """Ten thousand trees of a few pixels, lit and shadowed."""
    random = np.random.default_rng(10)
    scene = in_the_open()
    assert scene.sun is not None
    scene.sun = Sun(scene.sun.direction, shadows=Shadows(distance=30))
    scene.add(ground((0.35, 0.4, 0.2)))
    places = np.insert(random.uniform(-5, 5, (10_000 - 700 * int(defect), 2)), 1, 0, axis=1)
    scene.add(Crowd(shapes.tree(1), positions=places, scales=random.uniform(0.03, 0.06, len(places))))
    return scene


# -- motion, shaders ---------------------------------------------------------------------------------------


@feature(Camera((2, 1.6, 5), (0, 0.2, 0), fov=40), samples=4)
def wind_and_somebody_in_the_grass(defect: float) -> Scene:
    random = np.random.default_rng(11)
    scene = in_the_open()
    scene.time = 3.0
    scene.add(ground((0.3, 0.35, 0.15)))
    scene.movers = [Mover((0.2 * defect, 0, 1.0), 1.0)]
    x, z = random.uniform(-3, 3, (2, 1500))
    looks = Material(
        (0.45, 0.65, 0.2), double_sided=True, translucency=0.3, motion=Motion("wind", strength=0.5)
    )
    scene.add(Crowd(shapes.grass_tuft(1), looks, positions=np.column_stack([x, 0 * x, z])))
    return scene


@feature(ABOVE)
def own_shading(defect: float) -> Scene:
    """Waves that a snippet makes, coloured by a column."""
    swell = Shader(
        vertex="""
            void move_vertex(inout vec3 position, inout vec3 normal) {
                position.y += 0.3 * sin(4.0 * position.x + 2.0 * seconds() + column_phase);
            }
        """,
        surface="""
            void shade_surface(inout Surface surface) {
                surface.color = mix(vec3(0.02, 0.1, 0.4), vec3(0.9, 0.5, 0.1), column_phase / 6.3);
            }
        """,
        columns={"phase": "float"},
        reach=0.3,
    )
    scene = in_the_open()
    scene.time = 0.5 + 0.1 * defect
    scene.add(ground())
    places = [(x, 0.9, z) for x in (-2.5, 0, 2.5) for z in (-2.5, 0, 2.5)]
    scene.add(
        Crowd(shapes.plane(2, divisions=24), Material(shader=swell, double_sided=True), positions=places,
              columns={"phase": np.arange(9) * 0.7})
    )  # fmt: skip
    return scene


# -- the tests ---------------------------------------------------------------------------------------------


def picture(draw: Drawer, name: str, defect: float) -> Picture:
    one = FEATURES[name]
    if one.fxaa:
        return throng.render(one.build(defect), one.camera, SIZE, fxaa=True, options=one.options).color
    return draw(
        one.build(defect), one.camera, one.options, size=SIZE, samples=one.samples, outputs=("color",)
    ).color


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_looks_as_it_did(draw: Drawer, name: str, pytestconfig: pytest.Config) -> None:
    good = picture(draw, name, 0.0)
    golden.check(name, good, draw, pytestconfig)
    assert not golden.agree(good, picture(draw, name, 1.0))


def test_the_reference_compiler_takes_every_shader_that_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every mode, with one sample and with many: drivers forgive more than GLSL does."""
    compiler = shutil.which("glslangValidator")
    if compiler is None:
        pytest.skip("needs glslangValidator (Debian: glslang-tools)")
    files: dict[str, Path] = {}
    assemble = source._assemble

    def kept(name: str, *rest: Any) -> Any:
        text = assemble(name, *rest)
        files.setdefault(str(text), tmp_path / f"{len(files)}_{name}")
        return text

    monkeypatch.setattr(source, "_assemble", kept)
    for mode, samples in itertools.product(MODES, (1, 4)):
        with throng.Renderer(SIZE, samples=samples, fxaa=True, options=Options(mode=mode)) as renderer:
            for one in FEATURES.values():
                renderer.render(one.build(0.0), one.camera, outputs=OUTPUTS)
    for text, file in files.items():
        file.write_text(text)
    assert len(files) > 100
    done = subprocess.run([compiler, *map(str, files.values())], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
