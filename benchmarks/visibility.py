"""What culling, levels of detail, occlusion and splats are worth, and cost where nothing can be left out."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

import throng
from throng.batching.instances import CrowdInstances
from throng.gallery import find
from throng.gpu import rawgl
from throng.model.lods import levels
from throng.options import EFFECTS

from . import bench
from .figures import headless, ratio, row
from .subjects import subject

Row = dict[str, Any]
SIZE = (1280, 720)
ON = "indirect:no-effects"  # all that this is about, and nothing of light and matter
_FIELD = (0.0, 4.0, 0.0), (60.0, 0.0, 0.0)  # where one stands in the grass, and looks
_SEEN = 90.0  # metres, so that fields of a million tufts and of ten show as many


def figures(rounds: int = 15) -> list[Row]:
    """The table of visibility."""
    return [*_forest(), *_grass(rounds), *_city(rounds), *_nothing_to_leave_out(rounds), *_built()]


def _forest() -> list[Row]:
    with headless() as ctx:
        on, off = bench.measure(ctx, subject("edge"), 1_000_000, (ON, "indirect:off,no-effects"), SIZE, 0, 4)
        smooth = bench.measure(ctx, subject("edge"), 1_000_000, (ON,), SIZE, 0, 25)[0]
    found = ratio("1M trees from the edge: nothing left out against all on", off, ON, 120.0)
    found |= {
        "more is better": True,
        "instances": on["instances"],
        "visible": on["visible"],
        "splats": on["splats"],
    }
    return [found, row("the same, a frame with all on", [smooth["frame_ms"]["median"]], None, "ms", 1)]


def _grass(rounds: int) -> list[Row]:
    """Ten times as many tufts, of which as many are in view."""
    demo = find("grass")
    scenes = {count: demo.build(count, 0) for count in (1_000_000, 10_000_000)}
    frames: dict[int, list[float]] = {count: [] for count in scenes}
    seen = {}
    with headless() as ctx:
        target = ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_texture(SIZE))
        options = throng.Options(**dict.fromkeys(EFFECTS, False))  # type: ignore[arg-type]
        renderers = {count: throng.Renderer(context=ctx, options=options) for count in scenes}
        for turn in range(rounds + 6):
            shift = np.array((0.0, 0.0, 0.02 * turn))
            camera = throng.Camera(_FIELD[0] + shift, _FIELD[1] + shift, fov=50, far=_SEEN)
            for count, scene in scenes.items():
                began = time.perf_counter()
                renderers[count].draw(scene, camera, target, clear=True)
                ctx.finish()
                if turn >= 6:
                    frames[count].append(time.perf_counter() - began)
        for count, renderer in renderers.items():
            assert renderer.stats is not None
            seen[str(count)] = renderer.stats.visible
            renderer.close()
    few, many = (np.array(frames[count]) for count in scenes)
    return [row("10M tufts against 1M, as many in view", (many / few).tolist(), 2.0, "x") | {"visible": seen}]


def _city(rounds: int) -> list[Row]:
    found = []
    with headless() as ctx:
        for place in ("street", "roofs", "above"):
            for what, without, target in (
                ("no levels on either side", "no-lod,no-occlusion,no-splat", 10.0),
                ("levels on both", "no-occlusion,no-splat", 3.0),
                ("levels and splats on both", "no-occlusion", None),
            ):
                tested = without.replace("no-occlusion", "").replace(",,", ",").strip(",")
                modes = (f"{ON},{tested}" if tested else ON, f"{ON},{without}")
                some = rounds if target != 10.0 else 5
                hidden, plain = bench.measure(ctx, subject(place), 100_000, modes, SIZE, 0, some)
                aimed = target if place == "street" else None
                one = ratio(f"{place}, occlusion off against on, {what}", plain, hidden["label"], aimed)
                found.append(one | {"more is better": True, "visible": hidden["visible"]})
    return found


def _nothing_to_leave_out(rounds: int) -> list[Row]:
    with headless() as ctx:
        hall = bench.measure(
            ctx, subject("hall"), 40_000, ("indirect:off,no-effects", ON), SIZE, 0, 2 * rounds
        )
        trees = bench.measure(
            ctx, subject("trees"), 100_000, ("handwritten", "indirect:no-effects"), SIZE, 0, rounds
        )
    return [
        ratio(
            "40k cubes, nothing to leave out: all on against all off",
            hall[1],
            "indirect:off,no-effects",
            1.10,
        ),
        ratio("100k trees of 500 triangles: all on against handwritten", trees[1], "handwritten", 0.15),
    ]


def _built(rounds: int = 5) -> list[Row]:
    """Cells, levels and masks of a million trees, none of it known from before."""
    together, masks = [], []
    before = os.environ.get("THRONG_CACHE")
    os.environ["THRONG_CACHE"] = ""
    try:
        for seed in range(1, rounds + 1):
            scene = find("forest").build(1_000_000, 1000 * seed)
            scene.update()
            began = time.perf_counter()
            for crowd in scene.crowds:
                instances = CrowdInstances(crowd)
                instances.update()
                instances.cells(0, instances.count)
                for mesh, _ in crowd.parts:
                    levels(mesh)
            counted = time.perf_counter() - began
            with throng.Renderer((64, 64)) as renderer:
                renderer.render(scene, throng.Camera((0, 40, 0), (100, 0, 0)))
                store, mode = renderer._shared.masks, renderer._states[-1].gpu._mode
                store._places.clear()
                with rawgl.current(renderer.context):
                    began = time.perf_counter()
                    store.places(mode, mode._visibility._items)  # type: ignore[attr-defined]
                    masks.append(time.perf_counter() - began)
            together.append(counted + masks[-1])
    finally:
        if before is None:
            del os.environ["THRONG_CACHE"]
        else:
            os.environ["THRONG_CACHE"] = before
    return [
        row("cells, levels and masks of 1M trees, once", together, 0.3, "s", 3),
        row("of which the masks of seven models", masks, None, "s", 3),
    ]
