"""The material table: what differs between materials, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pictures import MODES, Drawer, assert_frames_agree

import throng
from throng import Camera, Crowd, Material, Model, Node, Renderer, Scene, shapes
from throng.gpu.materials import rgb9e5

SIZE = (160, 120)


def palette(count: int) -> list[Material]:
    random = np.random.default_rng(4)
    return [
        Material(
            random.uniform(0, 1, 3), metallic=random.random(), roughness=random.random(),
            translucency=random.random() * (number % 3 == 0), shading=("lit", "unlit")[number % 7 == 0],
            emissive=random.uniform(0, 0.3, 3) * (number % 5 == 0), double_sided=number % 2 == 0,
        )
        for number in range(count)
    ]  # fmt: skip


def wall_of(materials: list[Material], make: Callable[[Material, tuple[float, ...]], Node]) -> Scene:
    scene = Scene(sun=throng.Sun((-0.4, -0.5, -0.8)))
    side = int(np.ceil(np.sqrt(len(materials))))
    for number, material in enumerate(materials):
        scene.add(make(material, (number % side - side / 2, number // side - side / 2, 0.0)))
    return scene


def as_nodes(material: Material, place: tuple[float, ...]) -> Node:
    return Node(shapes.sphere(0.45, 10, 6), material, position=place)


def as_crowds(material: Material, place: tuple[float, ...]) -> Node:
    return Crowd(shapes.sphere(0.45, 10, 6), material, positions=[place])


CAMERA = Camera((2, 3, 14), (0, 0, 0))


@pytest.mark.parametrize("make", [as_nodes, as_crowds])
def test_a_picture_of_many_materials_is_the_same_in_every_mode(draw: Drawer, make: object) -> None:
    scene = wall_of(palette(64), make)  # type: ignore[arg-type]
    frames = [draw(scene, CAMERA, mode, size=SIZE) for mode in MODES]
    assert_frames_agree(frames[0], frames[1])
    assert_frames_agree(frames[0], frames[2])


def test_crowds_and_nodes_of_a_material_look_alike(draw: Drawer) -> None:
    materials = palette(64)
    one, other = (draw(wall_of(materials, make), CAMERA, size=SIZE).color for make in (as_nodes, as_crowds))
    assert np.abs(one.astype(int) - other).max() <= 1


def test_materials_do_not_split_a_draw() -> None:
    """Sides and alpha modes aside, whatever else materials say."""
    random = np.random.default_rng(0)
    with Renderer(SIZE) as renderer:
        for count in (1, 3000):
            scene = wall_of([Material(random.uniform(size=3), roughness=0.5) for _ in range(count)], as_nodes)
            renderer.render(scene, CAMERA)
            assert renderer.stats is not None
            assert renderer.stats.draw_calls <= 4  # two phases, each with what fades
        colors = len(np.unique(renderer.render(scene, CAMERA).color.reshape(-1, 4), axis=0))
        assert colors > 1000


def test_a_part_has_its_own_material(draw: Drawer) -> None:
    red, green = Material((1, 0, 0), shading="unlit"), Material((0, 1, 0), shading="unlit")
    low, high = shapes.box(), shapes.sphere(0.4, 8, 5)
    moved = throng.Mesh(high.positions + np.array((0, 1, 0), np.float32), high.indices, high.normals)
    model = Model([(low, red), (moved, green)])
    for mode in MODES:
        for thing in (Node(model), Crowd(model, positions=[(0, 0, 0)])):
            scene = Scene(background=(0, 0, 1))
            scene.add(thing)
            color = draw(scene, Camera((0, 0.5, 5), (0, 0.5, 0)), mode).color
            seen = {tuple(pixel) for pixel in color.reshape(-1, 4).tolist()}
            assert seen == {(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)}


def test_a_material_that_changes_is_drawn_anew(draw: Drawer) -> None:
    scene = Scene(sun=None, ambient=(1, 1, 1))
    node = scene.add(Node(shapes.box(), Material((1, 0, 0), shading="unlit")))
    crowd = scene.add(Crowd(shapes.cone(), Material((1, 0, 0), shading="unlit"), positions=[(1.5, 0, 0)]))
    for mode in MODES:
        for step in range(400):  # more than are kept
            color = (0.0, (step % 200 + 1) / 255, 1.0)
            node.material = crowd.material = Material(color, shading="unlit")
            if step % 97 == 0:
                seen = draw(scene, Camera((0.7, 0, 5), (0.7, 0, 0)), mode).color.reshape(-1, 4)
                assert {tuple(pixel) for pixel in seen[seen[:, 2] == 255].tolist()} == {
                    (0, step % 200 + 1, 255, 255)
                }


def test_masked_materials_lack_what_is_below_the_cutoff(draw: Drawer) -> None:
    """By the alpha of material, instance and vertex together."""
    quad = shapes.quad((1, 1))
    faded = throng.Mesh(
        quad.positions, quad.indices, quad.normals,
        colors=np.where(quad.positions[:, :1] > 0, (1, 1, 1, 1), (1, 1, 1, 0)),
    )  # fmt: skip
    for mode in MODES:
        scene = Scene(background=(0, 0, 0))
        unlit = Material((1, 1, 1), shading="unlit", alpha_mode="mask", alpha_cutoff=0.25)
        scene.add(Crowd(faded, unlit, positions=[(0, 0, 0)]))
        color = draw(scene, Camera.orthographic((0, 0, 2), (0, 0, 0), height=1), mode, size=(64, 64)).color
        lit = (color[..., 0] > 0).mean(axis=0)
        assert lit[:15].max() == 0
        assert lit[17:].min() == 1


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.1, 0.5, 1.0, 3.7, 100.0, 65000.0, 1e9])
def test_emission_is_kept_in_nine_bits(value: float) -> None:
    word = rgb9e5(np.array((value, value / 2, 0.0)))
    scale = 2.0 ** ((word >> 27) - 15 - 9)
    red, green, blue = (scale * (word >> shift & 511) for shift in (0, 9, 18))
    assert (red, green) == pytest.approx(
        (min(value, 65408), min(value, 65408 * 2) / 2), rel=2 / 511, abs=2**-24
    )
    assert blue == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"alpha_mode": "glass"}, "alpha_mode: expected"),
        ({"alpha_cutoff": 2}, "alpha_cutoff: expected"),
        ({"emission": -1}, "emission: expected"),
        ({"translucency": float("nan")}, "translucency: expected"),
        ({"emissive": (1, 2)}, "emissive: expected"),
    ],
)
def test_bad_materials_are_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(throng.ThrongError, match=text):
        Material(**arguments)  # type: ignore[arg-type]
