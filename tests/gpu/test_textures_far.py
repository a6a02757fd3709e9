"""Textures where they are small, cut out, in splats, in shadows; and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MODES, Drawer, Picture
from PIL import Image

import throng
from throng import (
    Camera,
    Crowd,
    Material,
    Mesh,
    Node,
    Options,
    Renderer,
    Scene,
    Shadows,
    Sun,
    Texture,
    math3d,
    shapes,
)
from throng.gpu import rawgl
from throng.gpu.textures import mipmaps
from throng.model.lods import levels

SIZE = (64, 64)
WHOLE = Camera.orthographic((0, 0, 5), (0, 0, 0), height=1, near=0.1, far=10)


def unlit(texture: Texture, **looks: Any) -> Material:
    return Material(shading="unlit", color_texture=texture, **looks)


def sheet(low: float = 0.0, high: float = 1.0) -> Mesh:
    """A square that fills the view, uvs from `low` to `high` across."""
    quad = shapes.quad((1, 1))
    uvs = (np.asarray(quad.positions)[:, :2] + 0.5) * (high - low) + low
    return Mesh(quad.positions, quad.indices, quad.normals, uvs=uvs)


def seen(draw: Drawer, mesh: Mesh, material: Material, size: tuple[int, int] = SIZE, **how: Any) -> Picture:
    scene = Scene(background=(0, 0, 0))
    scene.add(Node(mesh, material))
    return draw(scene, WHOLE, size=size, **how).color


@pytest.mark.parametrize("wrap", ["clamp", "mirror"])
def test_edges_do_not_see_the_other_side(draw: Drawer, wrap: str) -> None:
    """At any size: what is black above and white below is so at its edges."""
    image = np.zeros((256, 256, 3), np.uint8)
    image[128:] = 255
    for side in (256, 128, 64, 32):
        picture = seen(draw, sheet(-0.5, 1.5), unlit(Texture(image, wrap=wrap)), (side, side))[..., 0]
        rows = 1.5 - 2 * (np.arange(side) + 0.5) / side
        assert picture[np.abs(rows - 1) < 0.25].max() <= 1
        assert picture[np.abs(rows) < 0.25].min() >= 254


@pytest.mark.parametrize("mode", MODES)
def test_sharp_texels_are_averaged_where_they_are_small(draw: Drawer, mode: str) -> None:
    checker = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    scene = Scene()
    scene.add(Node(sheet(0, 16), unlit(Texture(checker, filter="nearest"))))
    color = draw(scene, WHOLE, mode, size=SIZE).color[..., :3].astype(int)
    assert np.abs(color - 188).max() <= 2


@pytest.mark.parametrize("size", [(3, 5), (10, 10), (7, 16)])
def test_sharp_texels_stay_sharp_whatever_the_size(draw: Drawer, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    picture = seen(draw, sheet(), unlit(Texture(image, filter="nearest")), (160, 160))[..., :3]
    known = {tuple(color) for color in image.reshape(-1, 3).tolist()}
    near = {tuple(color + np.array(d)) for color in known for d in np.ndindex(3, 3, 3)}
    assert {tuple(color + np.ones(3, int)) for color in picture.reshape(-1, 3)} <= near
    y, x = (np.arange(160) * size[0] // 160, np.arange(160) * size[1] // 160)
    assert (np.abs(picture.astype(int) - image[y][:, x]).max(axis=-1) > 1).mean() < 0.12


def test_which_came_first_does_not_matter(draw: Drawer) -> None:
    """A large image is as sharp after more small sizes than there are arrays."""
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (512, 512, 3)).astype(np.uint8)
    small = [random.integers(0, 256, (4 << n % 6, 4 << n // 6, 3)).astype(np.uint8) for n in range(36)]
    with Renderer((512, 512)) as renderer:
        scene = Scene()
        for number, image in enumerate(small):
            looks = Material(color_texture=Texture(image), occlusion_texture=Texture(image))
            scene.add(Node(shapes.box(0.1), looks, position=(3 + number, 0, 0)))
            if number % 5 == 0:
                renderer.render(scene, WHOLE)
        scene.add(Node(sheet(), unlit(Texture(large))))
        assert np.abs(renderer.render(scene, WHOLE).color[..., :3].astype(int) - large).max() <= 1
        assert renderer.stats is not None
        assert renderer.stats.texture_bytes < 16 << 20


def test_long_images_take_no_more_than_they_need() -> None:
    scene = Scene()
    scene.add(Node(sheet(), unlit(Texture(np.zeros((8, 512, 3), np.uint8)))))
    with Renderer(SIZE) as renderer:
        renderer.render(scene, WHOLE)
        assert renderer.stats is not None
        assert 8 * 512 * 4 < renderer.stats.texture_bytes < 1.6 * 8 * 512 * 4


def test_nothing_is_kept_that_nobody_needs() -> None:
    with Renderer(SIZE) as renderer:
        scene = Scene()
        node = scene.add(Node(sheet(), unlit(Texture(np.zeros((256, 256, 3), np.uint8)))))
        renderer.render(scene, WHOLE)
        assert renderer.stats is not None
        assert renderer.stats.texture_bytes > 256 * 256 * 4
        renderer.options = Options(textures=False)
        renderer.render(scene, WHOLE)
        assert renderer.stats.texture_bytes == 0
        renderer.options = Options()
        assert renderer.render(scene, WHOLE).color[32, 32].tolist() == [0, 0, 0, 255]
        node.visible = False
        for _ in range(2):  # two more scenes push it out
            renderer.render(Scene(), WHOLE)
        assert renderer.stats.texture_bytes == 0


def test_textures_of_the_past_are_forgotten() -> None:
    random = np.random.default_rng(1)
    scene, largest = Scene(), 0
    node = scene.add(Node(sheet()))
    with Renderer(SIZE) as renderer:
        for _ in range(40):
            node.material = unlit(Texture(random.integers(0, 256, (256, 256, 3), dtype=np.uint8)))
            renderer.render(scene, WHOLE)
            assert renderer.stats is not None
            largest = max(largest, renderer.stats.texture_bytes)
    assert largest < 32 * 256 * 256 * 4 * 4 / 3


def test_more_than_fit_are_refused_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throng.gpu.textures._MOST_LAYERS", 4)
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (64, 64, 3)).astype(np.uint8) for _ in range(29)]
    with Renderer(SIZE) as renderer:
        for count in (29, 28):  # seven arrays of one size
            scene = Scene()
            places = [(0, 0, -number / 10) for number in range(count)]
            nodes = [
                scene.add(Node(sheet(), unlit(Texture(image)), position=place))
                for image, place in zip(images, places, strict=False)
            ]
            if count == 29:
                with pytest.raises(throng.InvalidValue, match="textures: expected at most 7 x 4"):
                    renderer.render(scene, WHOLE)
                renderer.options = Options(textures=False)
                renderer.render(scene, WHOLE)
                renderer.options = Options()
        for number in (0, 9, 27):
            for other, node in enumerate(nodes):
                node.visible = other == number
            color = renderer.render(scene, WHOLE).color[..., :3].astype(int)
            assert np.abs(color - images[number]).max() <= 1


def test_alpha_that_says_nothing_hides_no_colour(draw: Drawer) -> None:
    image = np.full((12, 12, 4), (200, 100, 50, 0), np.uint8)
    for side in (64, 4):
        color = seen(draw, sheet(), unlit(Texture(image)), (side, side))[..., :3]
        assert np.abs(color.astype(int) - (200, 100, 50)).max() <= 1


def test_what_is_not_there_does_not_tinge_edges(draw: Drawer) -> None:
    """Near and far: green leaves of which the rest of the image is magenta."""
    image = np.full((16, 16, 4), (255, 0, 255, 0), np.uint8)
    image[4:12, 3:10] = (0, 200, 0, 255)
    for side in (256, 64, 16, 8):
        color = seen(draw, sheet(), unlit(Texture(image), alpha_mode="mask"), (side, side))
        assert color[..., 0].max() <= 1
        assert color[..., 1].max() >= 199


def test_coverage_does_not_depend_on_the_level() -> None:
    random = np.random.default_rng(0)
    image = np.full((128, 128, 4), 255, np.uint8)
    image[..., 3] = np.where(random.random((128, 128)) < 0.2, 255, 0)
    for cutoff in (0.25, 0.5, 0.75):
        for level in mipmaps(image, srgb=True, cutoff=cutoff)[1:4]:
            assert abs((level[..., 3] >= 255 * cutoff).mean() - 0.2) < 0.05


def leaves() -> Texture:
    y, x = np.mgrid[:64, :64]
    image = np.full((64, 64, 4), (60, 150, 40, 0), np.uint8)
    image[..., 3] = 255 * ((x // 8 + y // 8) % 2 == 0)
    return Texture(image)


@pytest.mark.parametrize("mode", MODES)
def test_shadows_of_what_is_cut_out_have_holes(draw: Drawer, mode: str) -> None:
    """Half of the light comes through a checker."""
    light = []
    for looks in (Material(), Material(color_texture=leaves(), alpha_mode="mask"), None):
        scene = Scene(sun=Sun((0, -1, -0.001), shadows=Shadows(distance=20)), ambient=(0, 0, 0))
        scene.add(Node(shapes.quad((8, 8)), rotation=(-0.70710678, 0, 0, 0.70710678)))
        if looks is not None:
            turned = (-0.70710678, 0, 0, 0.70710678)
            scene.add(Node(shapes.quad((4, 4)), looks, position=(0, 3, 0), rotation=turned))
        camera = Camera((0, 2, 0.01), (0, 0, 0), fov=50)  # below what casts the shadow
        color = draw(scene, camera, Options(mode=mode, lod=False, splat=False), size=(96, 96)).color
        light.append(float((color[24:72, 24:72, 0] > 60).mean()))
    assert light[0] < 0.02
    assert light[2] > 0.98
    assert abs(light[1] - 0.5) < 0.08


def specks(texture: Texture | None, **looks: Any) -> Scene:
    random = np.random.default_rng(0)
    scene = Scene(background=(0, 0, 0), sun=None, ambient=(0, 0, 0))
    ball = shapes.sphere(0.4, 12, 8)
    places = random.uniform(-20, 20, (2000, 3))
    turns = random.normal(size=(2000, 4))
    scene.add(Crowd(ball, Material(**looks, emissive_texture=texture), positions=places, rotations=turns))
    return scene


def test_splats_shine_as_meshes_do() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, :2] = 255
    means = []
    for splat in (True, False):
        with Renderer((240, 160), options=Options(splat=splat)) as renderer:
            scene = specks(Texture(image), emissive=(1, 1, 1))
            frame = renderer.render(scene, Camera((0, 0, 90), (0, 0, 0)))
            means.append(float(math3d.srgb_to_linear(frame.color[..., 0] / 255).mean()))
            assert renderer.stats is not None
            assert (renderer.stats.splats > 500) == (splat and renderer.stats.mode == "indirect")
    assert abs(means[0] / means[1] - 1) < 0.15


def test_splats_follow_the_option() -> None:
    """Switched on and off, and on again, masks are others."""
    scene = Scene(background=(0, 0, 0))
    random = np.random.default_rng(0)
    red = Texture(np.full((8, 8, 3), (255, 0, 0), np.uint8))
    ball = shapes.sphere(0.4, 12, 8)
    scene.add(Crowd(ball, unlit(red), positions=random.uniform(-20, 20, (2000, 3))))
    with Renderer((240, 160)) as renderer:
        for textured in (True, False, True):
            renderer.options = Options(textures=textured)
            color = renderer.render(scene, Camera((0, 0, 90), (0, 0, 0))).color
            there = color[color[..., 0] > 0]
            assert len(there) > 300
            assert (there[:, 1].max() <= 2) == textured


def test_the_back_of_a_normal_texture_is_turned(draw: Drawer) -> None:
    """From behind a sheet has the front's normals, all of them reversed (glTF 2.0, doubleSided)."""
    lean = np.array((0.48, 0.36, 0.8))
    image = np.broadcast_to(np.round(lean * 127 + 128).astype(np.uint8), (4, 4, 3))
    scene = Scene()
    scene.add(Node(sheet(), Material(normal_texture=Texture(image), double_sided=True)))
    front = draw(scene, WHOLE, size=SIZE).normals[32, 32]
    behind = Camera.orthographic((0, 0, -5), (0, 0, 0), height=1, near=0.1, far=10)
    back = draw(scene, behind, size=SIZE).normals[32, 32]
    np.testing.assert_allclose(front, lean, atol=0.02)
    np.testing.assert_allclose(back, -lean, atol=0.02)


@pytest.mark.parametrize("mode", MODES)
def test_columns_of_another_form_are_named(mode: str) -> None:
    """Where there are textures; otherwise such columns may be anything."""
    columns: list[dict[str, Any]] = [
        {"layer": [0.5, 1.5]}, {"layer": np.zeros((2, 2), int)}, {"uv_offset": [0.0, 1.0]},
        {"uv_offset": np.zeros((2, 3))}, {"uv_offset": np.zeros((2, 2), int)},
    ]  # fmt: skip
    image = Texture(np.zeros((4, 4, 3), np.uint8))
    with Renderer(SIZE, options=Options(mode=mode)) as renderer:
        for wrong in columns:
            (name,) = wrong
            scene = Scene()
            crowd = scene.add(Crowd(sheet(), Material(), positions=np.zeros((2, 3)), columns=wrong))
            renderer.render(scene, WHOLE)
            crowd.material = Material(normal_texture=image)
            with pytest.raises(throng.InvalidValue, match=rf"columns\['{name}'\]: expected \(n,"):
                renderer.render(scene, WHOLE)


def test_maps_count_without_factors() -> None:
    """A texture that says where metal is, or what glows, is not multiplied with nothing."""
    image = Texture(np.full((4, 4, 3), 255, np.uint8))
    assert Material(metallic_roughness_texture=image).metallic == 1.0
    assert Material(emissive_texture=image).emissive[:3] == (1.0, 1.0, 1.0)
    assert Material().metallic == 0.0
    assert Material().emissive[:3] == (0.0, 0.0, 0.0)
    assert Material(metallic_roughness_texture=image, metallic=0.25).metallic == 0.25


def test_a_host_keeps_its_state(ctx: moderngl.Context) -> None:
    """Its unpacking, its textures, its active unit; and they do not spoil what is uploaded."""
    target = ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_renderbuffer(SIZE))
    target.use()
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    scene = Scene()
    scene.add(Node(sheet(), unlit(Texture(image))))
    own = ctx.texture_array((2, 2, 2), 4)
    store = rawgl.function("glPixelStorei", "vii")
    activate, bind = rawgl.function("glActiveTexture", "vi"), rawgl.function("glBindTexture", "viu")
    activate(0x84C0 + 7)
    bind(0x8C1A, own.glo)
    store(0x0CF2, 7)  # UNPACK_ROW_LENGTH
    store(0x0CF4, 1)  # UNPACK_SKIP_PIXELS
    with Renderer(SIZE, context=ctx) as renderer:
        renderer.draw(scene, WHOLE, target, clear=True)
        assert rawgl.get_integer(0x84E0) == 0x84C0 + 7
        assert rawgl.get_integer(0x8C1D) == own.glo
        assert (rawgl.get_integer(0x0CF2), rawgl.get_integer(0x0CF4)) == (7, 1)
        store(0x0CF2, 0)
        store(0x0CF4, 0)
        pixels = np.frombuffer(target.read(components=3), np.uint8).reshape(64, 64, 3)[::-1]
        assert np.abs(pixels.astype(int) - image).max() <= 1
    activate(0x84C0)


def test_levels_keep_to_their_side_of_a_seam() -> None:
    """A coarser sphere's image is where the sphere's is, all around."""
    ball = shapes.sphere(1.0, 64, 48)

    def around(mesh: Mesh) -> Any:
        """Of the middles of triangles: where around, and the u there."""
        middle, uv = mesh.positions[mesh.indices].mean(axis=1), mesh.uvs[mesh.indices].mean(axis=1)
        beside = np.abs(middle[:, 1]) < 0.85
        return np.arctan2(middle[:, 2], middle[:, 0])[beside] / (2 * np.pi), uv[beside, 0]

    angle, u = around(ball)
    hand = max((1, -1), key=lambda sign: np.abs(np.exp(2j * np.pi * (u - sign * angle)).mean()))
    start = np.angle(np.exp(2j * np.pi * (u - hand * angle)).mean()) / (2 * np.pi)
    for level, most in zip(levels(ball)[1:-1], (0.03, 0.05, 0.1), strict=True):
        angle, u = around(level)
        off = np.abs((u - hand * angle - start + 0.5) % 1 - 0.5)
        assert off.max() < most


def test_files_of_any_kind(tmp_path: Path) -> None:
    deep = (np.arange(1024, dtype=np.uint16).reshape(32, 32)) * 64
    Image.fromarray(deep).save(tmp_path / "deep.png")
    layer = Texture(tmp_path / "deep.png").layers[0]
    assert np.abs(layer[..., 0].astype(float) - deep / 257).max() <= 0.51
    image = np.random.default_rng(0).integers(0, 256, (8, 16, 3)).astype(np.uint8)
    turned = Image.fromarray(image)
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(tmp_path / "turned.png", exif=exif)
    assert Texture(tmp_path / "turned.png").size == (8, 16)
    Image.fromarray(image[..., 0]).save(tmp_path / "clear.png", transparency=int(image[3, 5, 0]))
    assert Texture(tmp_path / "clear.png").layers[0, 3, 5, 3] == 0


def test_broken_files_are_named(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (20, 20, 3)).astype(np.uint8))
    texts = []
    for kind in ("png", "jpeg", "tiff", "bmp", "webp"):
        image.save(tmp_path / f"whole.{kind}")
        whole = (tmp_path / f"whole.{kind}").read_bytes()
        for number in range(60):
            raw = bytearray(whole[: random.integers(0, len(whole)) if number % 2 else len(whole)])
            for _ in range(4):
                if raw:
                    raw[random.integers(0, min(len(raw), 60))] = random.integers(0, 256)
            (tmp_path / "broken").write_bytes(raw)
            try:
                Texture(tmp_path / "broken")
            except throng.AssetError as error:
                texts.append(str(error))
    assert len(texts) > 100
    assert all(text.startswith(f"{tmp_path / 'broken'}: expected") for text in texts)
