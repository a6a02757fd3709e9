"""Textures against sums in NumPy: filters, wraps, mipmaps, sorts, layers; and that they split no draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import MODES, Drawer, Picture, assert_frames_agree
from PIL import Image

import throng
from throng import Camera, Crowd, Material, Mesh, Node, Options, Renderer, Scene, Sun, Texture, shapes
from throng.gpu.textures import mipmaps

SIZE = (64, 64)
WHOLE = Camera.orthographic((0, 0, 5), (0, 0, 0), height=1, near=0.1, far=10)


def unlit(texture: Texture, **looks: Any) -> Material:
    return Material(shading="unlit", color_texture=texture, **looks)


def sheet(scale: float = 1.0) -> Mesh:
    """A square that fills the view, its texture `scale` times across."""
    quad = shapes.quad((1, 1))
    uvs = (np.asarray(quad.positions)[:, :2] + 0.5) * scale
    return Mesh(quad.positions, quad.indices, quad.normals, uvs=uvs)


def noise(side: int = 8) -> Picture:
    return np.random.default_rng(3).integers(0, 256, (side, side, 3)).astype(np.uint8)


@pytest.mark.parametrize("mode", MODES)
def test_a_texel_a_pixel_is_the_image_itself(draw: Drawer, mode: str) -> None:
    """Row 0 at the top; every colour as it is."""
    image = noise(64)
    scene = Scene()
    scene.add(Node(sheet(), unlit(Texture(image))))
    assert np.abs(draw(scene, WHOLE, mode, size=SIZE).color[..., :3].astype(int) - image).max() <= 1


@pytest.mark.parametrize("wrap", ["repeat", "clamp", "mirror"])
def test_outside_the_image(draw: Drawer, wrap: str) -> None:
    """Nearest texels over three images each way, from -1 to 2."""
    image = noise(8)
    quad = shapes.quad((1, 1))
    uvs = (np.asarray(quad.positions)[:, :2] + 0.5) * 3 - 1
    scene = Scene()
    looks = unlit(Texture(image, wrap=wrap, filter="nearest"))
    scene.add(Node(Mesh(quad.positions, quad.indices, quad.normals, uvs=uvs), looks))
    ways: dict[str, Any] = {"repeat": "wrap", "clamp": "edge", "mirror": "symmetric"}
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)), ways[wrap])
    for mode in MODES:
        seen = draw(scene, WHOLE, mode, size=(96, 96)).color[..., :3]
        wanted = padded.repeat(4, axis=0).repeat(4, axis=1)
        assert (np.abs(seen.astype(int) - wanted).max(axis=-1) > 1).mean() < 0.01


def test_between_texels_is_mixed_in_linear_light(draw: Drawer) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, ::2] = 255
    scene = Scene()
    scene.add(Node(sheet(), unlit(Texture(image))))
    row = draw(scene, WHOLE, size=SIZE).color[32, :, 0].astype(float)
    assert abs(row[15] - 188) < 24  # in the middle between black and white light is half


@pytest.mark.parametrize("mode", MODES)
def test_far_away_a_checker_is_half_as_bright(draw: Drawer, mode: str) -> None:
    image = np.indices((64, 64)).sum(axis=0) % 2 * 255
    scene = Scene()
    scene.add(Node(sheet(16), unlit(Texture(image.astype(np.uint8)))))
    seen = draw(scene, WHOLE, mode, size=SIZE).color[..., :3]
    assert np.abs(seen.astype(int) - 188).max() <= 2


def test_mipmaps_keep_colour_and_coverage() -> None:
    image = np.zeros((64, 64, 4), np.uint8)
    y, x = np.mgrid[:64, :64]
    image[..., 1] = 200
    image[..., 3] = 255 * ((x // 2 + y // 3) % 5 == 0)
    image[image[..., 3] == 0] = (255, 0, 255, 0)  # what is not there has no colour
    levels = mipmaps(image, srgb=True, cutoff=0.5)
    covered = (image[..., 3] >= 128).mean()
    assert [level.shape[0] for level in levels] == [64, 32, 16, 8, 4, 2, 1]
    for level in levels[1:4]:
        assert abs((level[..., 3] >= 128).mean() - covered) < 0.16
        there = level[..., 3] > 60
        assert np.abs(level[there][:, :3].astype(int) - (0, 200, 0)).max() <= 3


@pytest.mark.parametrize("size", [(3, 5), (17, 100), (300, 2), (1, 1)])
def test_images_of_any_size(draw: Drawer, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), (200, 100, 50), np.uint8)
    scene = Scene()
    scene.add(Node(sheet(), unlit(Texture(image))))
    assert np.abs(draw(scene, WHOLE, size=SIZE).color[..., :3].astype(int) - (200, 100, 50)).max() <= 1


def many_sizes() -> Scene:
    """More sizes, and sorts, than there are arrays."""
    random = np.random.default_rng(0)
    scene = Scene(sun=Sun((-0.3, -0.4, -0.9)))
    for number in range(24):
        side = 4 << number % 8
        image = random.integers(0, 256, (side, side, 4)).astype(np.uint8)
        looks = Material(
            color_texture=Texture(image),
            metallic_roughness_texture=Texture(image[::-1]) if number % 3 == 0 else None,
            emissive_texture=Texture(image) if number % 4 == 1 else None, emissive=(0.4, 0.4, 0.4),
            occlusion_texture=Texture(image) if number % 5 == 2 else None,
            normal_texture=Texture(image // 8 + 112) if number % 2 else None,
        )  # fmt: skip
        scene.add(Node(shapes.box(0.8), looks, position=(number % 6 - 2.5, number // 6 - 1.5, 0)))
    return scene


def test_every_mode_has_the_same_picture(draw: Drawer) -> None:
    camera = Camera((1, 1, 6), (0, 0, 0))
    frames = [draw(many_sizes(), camera, mode, size=(160, 120)) for mode in MODES]
    assert_frames_agree(frames[0], frames[1])
    assert_frames_agree(frames[0], frames[2])


def test_sixty_four_textures_are_one_draw() -> None:
    random = np.random.default_rng(0)
    scene = Scene()
    for number in range(64):
        image = random.integers(0, 256, (8 << number % 4, 16, 3), dtype=np.uint8)
        looks = Material(random.uniform(0, 1, 3), roughness=random.random(), color_texture=Texture(image))
        scene.add(Node(shapes.box(0.8), looks, position=(number % 8 - 3.5, number // 8 - 3.5, 0)))
    with Renderer(SIZE, options=Options(lod=False, occlusion=False)) as renderer:
        renderer.render(scene, Camera((0, 0, 12)))
        assert renderer.stats is not None
        assert renderer.stats.draw_calls == 1
        assert renderer.stats.texture_bytes > 64 * 16 * 16 * 4


@pytest.mark.parametrize("mode", MODES)
def test_instances_choose_their_layer_and_their_place(draw: Drawer, mode: str) -> None:
    colors = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
    layers = np.broadcast_to(colors[:, None, None], (3, 8, 8, 3)).copy()
    layers[:, :, 4:] //= 2  # the right half is darker
    quad = Mesh(shapes.quad((1, 1)).positions, [(0, 1, 2), (0, 2, 3)], uvs=np.full((4, 2), (0.25, 0.5)))
    scene = Scene(background=(1, 1, 1))
    scene.add(
        Crowd(
            quad, unlit(Texture(layers, filter="nearest"), double_sided=True),
            positions=[(-1.5, 0, 0), (-0.5, 0, 0), (0.5, 0, 0), (1.5, 0, 0)],
            columns={"layer": np.array([0, 1, 2, 9]), "uv_offset": [(0, 0), (0.5, 0), (1, 0), (0.5, 3)]},
        )
    )  # fmt: skip
    view = Camera.orthographic((0, 0, 5), (0, 0, 0), height=1, near=0.1, far=10)
    seen = draw(scene, view, mode, size=(64, 16)).color[8, 8::16, :3]
    np.testing.assert_allclose(seen, [(255, 0, 0), (0, 127, 0), (0, 0, 255), (0, 0, 127)], atol=1)


def test_normals_lean_as_the_texture_says(draw: Drawer) -> None:
    """A wall whose texture says 'to the right' is as bright as one that is turned there."""
    lean = np.array((0.6, 0.0, 0.8))
    image = np.broadcast_to(np.round(lean * 127 + 128).astype(np.uint8), (4, 4, 3))
    for towards in ((1, 0, 1), (-1, 0, 1), (0, 1, 1), (0.2, -1, 1)):
        light = -np.array(towards, float)
        scene = Scene(sun=Sun(light, color=(1, 1, 1), intensity=0.7), ambient=(0, 0, 0))
        scene.add(Node(sheet(), Material((0.8, 0.8, 0.8), normal_texture=Texture(image))))
        seen = draw(scene, WHOLE, Options(lod=False, reflections=False), size=SIZE).color[32, 32, 0]
        facing = max(float(lean @ (-light / np.linalg.norm(light))), 0.0)
        linear = ((0.8 + 0.055) / 1.055) ** 2.4 * 0.7 * facing
        wanted = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
        assert abs(int(seen) - 255 * wanted) <= 3


def test_textures_can_be_left_out(draw: Drawer) -> None:
    scene = Scene(background=(0, 0, 0))
    scene.add(Node(sheet(), unlit(Texture(np.zeros((4, 4, 3), np.uint8)))))
    assert draw(scene, WHOLE, Options(textures=False)).color[32, 48].tolist() == [255, 255, 255, 255]


def test_what_nobody_needs_makes_room() -> None:
    random = np.random.default_rng(1)
    with Renderer(SIZE) as renderer:
        sizes = []
        scene = Scene()
        node = scene.add(Node(sheet()))
        for _ in range(60):
            node.material = unlit(Texture(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
            frame = renderer.render(scene, WHOLE)
            assert node.material.color_texture is not None
            wanted = node.material.color_texture.layers[0, ..., :3]
            assert np.abs(frame.color[..., :3].astype(int) - wanted).max() <= 1
            assert renderer.stats is not None
            sizes.append(renderer.stats.texture_bytes)
        assert max(sizes) <= 2 * 1024 * 1024


def test_masked_leaves_are_as_dense_far_away(draw: Drawer) -> None:
    """As splats, whose masks have the texture in them, as they are as meshes."""
    y, x = np.mgrid[:64, :64]
    leaf = np.zeros((64, 64, 4), np.uint8)
    leaf[...] = (60, 150, 40, 0)
    leaf[..., 3] = 255 * ((x - 32) ** 2 / 200 + (y - 32) ** 2 / 900 < 1)
    random = np.random.default_rng(0)
    scene = Scene(background=(1, 1, 1))
    looks = Material(color_texture=Texture(leaf), alpha_mode="mask", double_sided=True)
    scene.add(
        Crowd(shapes.quad((0.7, 0.7)), looks, positions=random.uniform(-20, 20, (4000, 3)),
              rotations=random.normal(size=(4000, 4)))
    )  # fmt: skip
    camera = Camera((0, 0, 90), (0, 0, 0))
    means = []
    for splat in (True, False):
        with Renderer((360, 240), options=Options(splat=splat)) as renderer:
            means.append(renderer.render(scene, camera).color[..., :3].mean(axis=(0, 1)))
            assert renderer.stats is not None
            assert (renderer.stats.splats > 1000) == (splat and renderer.stats.mode == "indirect")
    assert np.abs(means[0] - means[1]).max() < 3.5


def test_files_are_read(tmp_path: Path) -> None:
    image = noise(16)
    Image.fromarray(image).save(tmp_path / "noise.png")
    assert Texture(tmp_path / "noise.png") == Texture(image)
    assert Texture(str(tmp_path / "noise.png")).size == (16, 16)
    (tmp_path / "broken.png").write_bytes((tmp_path / "noise.png").read_bytes()[:40])
    with pytest.raises(throng.AssetError, match=r"broken\.png: expected an image file"):
        Texture(tmp_path / "broken.png")
    with pytest.raises(throng.AssetError, match=r"nowhere\.png: expected an image file"):
        Texture(tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Texture(np.zeros((4, 4, 2))), "image: expected"),
        (lambda: Texture(np.zeros((0, 4, 3))), "image: expected 1 to 256 layers"),
        (lambda: Texture(np.full((4, 4, 3), 2.0)), "image: expected"),
        (lambda: Texture(noise(), wrap="tile"), "wrap: expected"),
        (lambda: Texture(noise(), filter="cubic"), "filter: expected"),
        (
            lambda: Material(color_texture=noise()),  # type: ignore[arg-type]
            "color_texture: expected a Texture or None, got an array",
        ),
        (lambda: setattr(Texture(noise()), "wrap", "clamp"), "wrap: expected a texture to stay"),
    ],
)
def test_bad_textures_are_refused(make: Any, text: str) -> None:
    with pytest.raises(throng.ThrongError, match=text):
        make()
