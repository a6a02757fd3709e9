"""What light and matter cost: a meadow with all of it, and without one after the other."""

from __future__ import annotations

import statistics
import time
from typing import Any

import moderngl
import numpy as np

import throng
from throng.options import EFFECTS

from . import bench
from .figures import headless, row
from .subjects import FRAME_SECONDS, Subject, subject

Row = dict[str, Any]
SIZE = (1280, 720)
MILLION = 1_000_000


# Which effects each scene has.
HAS = {
    "meadow": ("reflections", "shadows", "fog", "sky", "tone_mapping", "motion"),
    "particles": ("lights", "transparency", "soft_particles"),
}


def figures(rounds: int = 12) -> list[Row]:
    """The table of light and matter."""
    found = _meadow(rounds)
    for name in HAS:
        found += _costs(name, rounds)
    return [
        *found, *_textures(rounds), *_cut_out(rounds), *_sorted(rounds), *_edges(rounds), *_materials(),
        *_blended(rounds),
    ]  # fmt: skip


def _meadow(rounds: int) -> list[Row]:
    """A hundred thousand tufts and what belongs to them, against the same in plain colours, at rest."""
    meadow = subject("meadow")
    lit, bare = meadow.build(100_000, 0), meadow.build(100_000, 0)
    made_bare(bare)
    all_on, nothing = throng.Options(), throng.Options(**dict.fromkeys(EFFECTS, False))  # type: ignore[arg-type]
    shown, plain = in_turns([(meadow, lit, all_on), (meadow, bare, nothing)], rounds)
    ratios = [one / other for one, other in zip(shown, plain, strict=True)]
    return [
        row("meadow of 100k tufts, all effects, against unlit, unshadowed, at rest", ratios, 2.5, "x"),
        row("the same, a frame with all effects", [statistics.median(shown) * 1e3], None, "ms", 0),
    ]


def made_bare(node: throng.Node) -> None:
    """All materials become unlit ones, so that nothing but colours and sides is left of them."""
    if node.parts:
        sides = any(material.double_sided for _, material in node.parts)
        node.material = throng.Material(shading="unlit", double_sided=sides)
    for child in node.children:
        made_bare(child)


def _costs(name: str, rounds: int) -> list[Row]:
    """What a frame takes less without each effect, turn by turn."""
    modes = ["indirect", "indirect:no-effects"]
    modes += [f"indirect:no-{effect.replace('_', '-')}" for effect in HAS[name]]
    with headless() as ctx:
        measured = bench.measure(ctx, subject(name), 100_000, modes, SIZE, 0, rounds)
    found = [row(f"{name} of 100k: a frame", [measured[0]["frame_ms"]["median"]], None, "ms", 1)]
    for one in measured[1:]:
        # Ratios are turn by turn, so what is saved is a share of what this frame takes.
        spread = one["ratios"]["indirect"]
        shares = [1 / spread[part] - 1 for part in ("low", "median", "high")]
        saved = [share * one["frame_ms"]["median"] for share in shares]
        found.append(row(f"{name}, {one['label'].partition(':')[2]}: saved", saved, None, "ms", 1))
    return found


def _still(scene: throng.Scene) -> Subject:
    """That scene from a camera that goes round its middle, 18 metres off."""

    def camera(scene: throng.Scene, seconds: float) -> throng.Camera:
        return throng.Camera((18 * np.sin(seconds), 5, 18 * np.cos(seconds)), (0, 0, 0), fov=45)

    return Subject("own", 1, lambda count, seed: scene, camera, lambda scene, seconds: None)


def _more(what: str, dear: list[float], cheap: list[float]) -> Row:
    """How many milliseconds the one takes more than the other, turn by turn."""
    return row(what, [(one - other) * 1e3 for one, other in zip(dear, cheap, strict=True)], None, "ms", 1)


def _boxes(looks: list[throng.Material], count: int = 20_000) -> throng.Scene:
    random = np.random.default_rng(0)
    scene = throng.Scene()
    for material in looks:
        many = count // len(looks)
        scene.add(
            throng.Crowd(
                throng.shapes.box(0.25), material, positions=random.normal(size=(many, 3)) * (4, 2, 4),
                rotations=random.normal(size=(many, 4)),
            )
        )  # fmt: skip
    return scene


def _textures(rounds: int) -> list[Row]:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(64)]
    scene = _boxes([throng.Material(color_texture=throng.Texture(image)) for image in images])
    sides = [(_still(scene), scene, throng.Options(textures=on)) for on in (True, False)]
    return [_more("20k boxes, 64 textures: textures", *in_turns(sides, rounds))]


def _cut_out(rounds: int) -> list[Row]:
    """A texture with holes, by alpha mode."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    image = np.dstack([np.ones((64, 64, 3)), np.clip((0.9 - np.hypot(x, y)) * 4 + 0.5, 0, 1)])
    holes = throng.Texture(image)
    sides = []
    for alpha_mode in ("mask", "hash", "opaque"):
        scene = _boxes([throng.Material(color_texture=holes, alpha_mode=alpha_mode)])
        sides.append((_still(scene), scene, throng.Options(splat=False)))
    mask, hashed, opaque = in_turns(sides, rounds)
    return [
        _more("20k boxes, cut out (mask) against opaque", mask, opaque),
        _more("20k boxes, hashed against opaque", hashed, opaque),
    ]


def _sorted(rounds: int) -> list[Row]:
    """Glass in order, against glass in any."""
    looks = [throng.Material((1, 1, 1, 0.5), alpha_mode="blend")]
    sides = []
    for transparency in ("sorted", "weighted"):
        scene = _boxes(looks)
        scene.transparency = transparency
        sides.append((_still(scene), scene, throng.Options(splat=False)))
    return [_more("20k blended boxes, sorted against weighted", *in_turns(sides, rounds))]


def _edges(rounds: int) -> list[Row]:
    """The meadow's, each picture read back."""
    meadow = subject("meadow")
    scene = meadow.build(100_000, 0)
    kinds: tuple[dict[str, Any], ...] = ({"samples": 4}, {"fxaa": True}, {})
    renderers = [throng.Renderer(SIZE, **kind) for kind in kinds]
    seconds: list[list[float]] = [[] for _ in kinds]
    for turn in range(rounds + 4):
        meadow.update(scene, turn * FRAME_SECONDS)
        camera = meadow.camera(scene, turn * FRAME_SECONDS)
        for renderer, taken in zip(renderers, seconds, strict=True):
            began = time.perf_counter()
            renderer.render(scene, camera)
            if turn >= 4:
                taken.append(time.perf_counter() - began)
    for renderer in renderers:
        renderer.close()
    samples, fxaa, plain = seconds
    return [_more("meadow, samples=4", samples, plain), _more("meadow, fxaa", fxaa, plain)]


def _materials(count: int = 64) -> list[Row]:
    """Draw calls of a wall of spheres, each with a material and a texture of its own."""
    random = np.random.default_rng(0)
    scene = throng.Scene()
    ball = throng.shapes.sphere(0.4)
    for number in range(count):
        image = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        looks = throng.Material(
            random.uniform(0, 1, 3), roughness=random.random(), color_texture=throng.Texture(image)
        )
        scene.add(throng.Node(ball, looks, position=(number % 8 - 3.5, number // 8 - 3.5, 0)))
    with throng.Renderer(SIZE, options=throng.Options(lod=False, occlusion=False)) as renderer:
        renderer.render(scene, throng.Camera((0, 0, 12)))
        assert renderer.stats is not None
        calls = renderer.stats.draw_calls
    return [row(f"{count} materials and {count} textures: draws a pass", [calls], 1, "")]


def _blended(rounds: int) -> list[Row]:
    """A million particles that shine through each other, against the same opaque."""
    scenes = []
    for alpha_mode in ("opaque", "blend"):
        random = np.random.default_rng(0)
        scene = throng.Scene()
        looks = throng.Material((1, 1, 1, 0.5), shading="unlit", alpha_mode=alpha_mode)
        scene.add(
            throng.Crowd(
                throng.shapes.sphere(1.0, segments=6, rings=4), looks,
                positions=random.normal(size=(MILLION, 3)) * (8, 3, 8),
                scales=random.uniform(0.01, 0.03, MILLION), colors=random.uniform(0.2, 1, (MILLION, 3)),
            )
        )  # fmt: skip
        scenes.append(scene)

    opaque, blended = in_turns([(_still(scene), scene, throng.Options()) for scene in scenes], rounds)
    ratios = [one / other for one, other in zip(blended, opaque, strict=True)]
    return [row("1M blended particles against the same opaque", ratios, 1.5, "x")]


def in_turns(
    contenders: list[tuple[Subject, throng.Scene, throng.Options]], rounds: int, warm_up: int = 4
) -> list[list[float]]:
    """Seconds a frame of each, drawn in turns, each finished before the next begins."""
    seconds: list[list[float]] = [[] for _ in contenders]
    with headless() as ctx:
        target = ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_texture(SIZE))
        renderers = [throng.Renderer(context=ctx, options=options) for _, _, options in contenders]
        for turn in range(rounds + warm_up):
            for place, (what, scene, _) in enumerate(contenders):
                what.update(scene, turn * FRAME_SECONDS)
                camera = what.camera(scene, turn * FRAME_SECONDS)
                taken = _frame(ctx, renderers[place], scene, camera, target)
                if turn >= warm_up:
                    seconds[place].append(taken)
        for renderer in renderers:
            renderer.close()
    return seconds


def _frame(
    ctx: moderngl.Context, renderer: throng.Renderer, scene: throng.Scene, camera: throng.Camera,
    target: moderngl.Framebuffer,
) -> float:  # fmt: skip
    began = time.perf_counter()
    renderer.draw(scene, camera, target, clear=True)
    ctx.finish()
    return time.perf_counter() - began
