"""The figures that docs/performance.md lists: `python -m benchmarks.figures [NAME ...] [--json FILE]`.

Each figure is a ratio of two things measured in turns, or a time that is independent of the pictures drawn.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

import throng
from throng import files
from throng.gpu import rawgl
from throng.gpu.context import Capabilities, collect, create_headless

from . import bench
from .machine import machine
from .subjects import subject

Row = dict[str, Any]
MILLION = 1_000_000


def row(what: str, values: list[float], target: float | None, unit: str, digits: int = 2) -> Row:
    """A measured figure: the median of `values`, with their quartiles; smaller than `target` is better."""
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    return {
        "what": what,
        "median": round(median, digits),
        "quartiles": [round(low, digits), round(high, digits)],
        "min": round(min(values), digits),
        "unit": unit,
        "target": target,
        "runs": len(values),
    }


# -- frames -----------------------------------------------------------------------------------------------


def frames(rounds: int = 25) -> list[Row]:
    """Frame times against the hand-written loop, 100,000 instances, the camera moving; and naive draws."""
    rows = []
    with headless() as ctx:
        for name, limit in (("cubes", 1.05), ("blades", 1.15), ("trees", 1.05)):
            # Nothing left out: what drawing costs; by the same law of light.
            modes = ("indirect:off,no-effects", "instanced:off,no-effects", "handwritten")
            measured = bench.measure(ctx, subject(name), 100_000, modes, (1280, 720), 0, rounds)
            rows += [
                ratio(f"{mode['label']} against handwritten, 100k {name}", mode, "handwritten", limit)
                for mode in measured
                if mode["mode"] != "handwritten"
            ]
        for name, least in (("blades", 3.0), ("cubes", None)):
            both, some = ("indirect:off", "naive"), max(rounds // 3, 5)
            measured = bench.measure(ctx, subject(name), 100_000, both, (1280, 720), 0, some)
            rows.append(ratio(f"naive against indirect:off, 100k {name}", measured[1], "indirect:off", least))
            rows[-1]["more is better"] = True
    return rows


def ratio(what: str, measured: Row, other: str, target: float | None) -> Row:
    found = measured["ratios"][other]
    return {
        "what": what,
        "median": round(found["median"], 3),
        "quartiles": [round(found["low"], 3), round(found["high"], 3)],
        "unit": "x",
        "target": target,
        "runs": measured["rounds"],
        "frame_ms": round(measured["frame_ms"]["median"], 2),
    }


# -- columns ----------------------------------------------------------------------------------------------


def columns(rounds: int = 15) -> list[Row]:
    """What it costs to bring a million instances to the GPU, and to move them all, against a memcpy."""
    random = np.random.default_rng(0)
    turns = random.normal(size=(MILLION, 4)).astype(np.float32)
    given = {
        "positions": random.uniform(-1, 1, (MILLION, 3)).astype(np.float32),
        "rotations": turns / np.linalg.norm(turns, axis=1, keepdims=True),
        "scales": random.uniform(0.5, 1.5, MILLION).astype(np.float32),
        "colors": random.integers(0, 255, (MILLION, 4), dtype=np.uint8),
    }
    arriving: dict[str, list[float]] = {"instanced": [], "indirect": []}
    moving: dict[str, list[float]] = {"instanced": [], "indirect": []}
    copy_all, copy_positions = _Memcpy(sum(a.nbytes for a in given.values())), _Memcpy(12 * MILLION)
    mesh, camera = throng.shapes.box(), throng.Camera()
    for mode in ("instanced", "indirect"):
        scene = throng.Scene()
        # What deciding about each instance costs is measured in visibility.py.
        with _Still(mode, decides=False) as still:
            still.draw(scene, camera)
            for _ in range(rounds):
                copied = copy_all.seconds()
                began = time.perf_counter()
                crowd = scene.add(throng.Crowd(mesh, **given))
                still.upload(scene)
                arriving[mode].append((time.perf_counter() - began) / copied)
                scene.remove(crowd)
                del crowd
                still.upload(scene)
            crowd = scene.add(throng.Crowd(mesh, **given))
            for _ in range(2 * rounds):
                static = still.draw(scene, camera)
                copied = copy_positions.seconds()
                began = time.perf_counter()
                crowd.positions = given["positions"]
                moved = time.perf_counter() - began + still.draw(scene, camera)
                moving[mode].append((moved - static) / copied)
            scene.remove(crowd)
    return [
        row("1M instances from arrays to the GPU", arriving["instanced"], 15, "x memcpy", 1),
        row("the same with the cells of `indirect`", arriving["indirect"], None, "x memcpy", 1),
        row("1M positions changed in each frame", moving["instanced"], 6, "x memcpy", 1),
        row("the same with the compute passes of `indirect`", moving["indirect"], None, "x memcpy", 1),
    ]


class _Memcpy:
    """The same bytes copied to memory that is warm."""

    def __init__(self, size: int) -> None:
        self._source, self._target = np.ones(size, np.uint8), np.zeros(size, np.uint8)

    def seconds(self) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            np.copyto(self._target, self._source)
            times.append(time.perf_counter() - began)
        return statistics.median(times)


# -- Python ------------------------------------------------------------------------------------------------


def python(rounds: int = 40) -> list[Row]:
    """Python calls and Python time of a frame in which nothing changes."""
    rows: list[Row] = []
    camera = throng.Camera()
    for mode in ("indirect", "instanced"):
        calls: dict[int, int] = {}
        for count in (1_000, MILLION):
            scene = throng.Scene()
            scene.add(throng.Crowd(throng.shapes.box(), positions=np.zeros((count, 3))))
            with _Still(mode) as still:
                for _ in range(10):  # until nothing more is decided
                    still.draw(scene, camera)
                calls[count] = _calls(partial(still.draw, scene, camera))
                spent = [still.draw(scene, camera) * 1e3 for _ in range(rounds)]
        what = f"Python calls of a static frame, {mode}, at 1k and at 1M"
        rows.append({"what": what, "median": calls[MILLION], "at_1k": calls[1_000], "unit": "calls"})
        rows.append(row(f"Python time of a static frame, {mode}, 1M", spent, 0.3, "ms", 3))
    return rows


def _calls(work: Callable[[], object]) -> int:
    """Calls of Python and C functions while `work` runs."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


# -- nodes -------------------------------------------------------------------------------------------------


def nodes(rounds: int = 9) -> list[Row]:
    """100,000 nodes: added one by one, moved as a whole and one by one."""
    adding, tree, single, framed, uploaded = [], [], [], [], []
    mesh, camera = throng.shapes.box(), throng.Camera()
    for _ in range(rounds):
        scene = throng.Scene()
        gc.collect()
        began = time.perf_counter()
        for number in range(100_000):
            scene.add(throng.Node(mesh, position=(number, 0.0, 0.0)))
        adding.append((time.perf_counter() - began) / 100_000 * 1e6)
    leaf = list(scene.children)[50_000]
    with _Still("indirect") as still:
        still.draw(scene, camera)
        for step in range(5 * rounds):
            static = still.draw(scene, camera)
            began = time.perf_counter()
            leaf.position = (1.0, float(step), 0.0)
            framed.append((time.perf_counter() - began + still.draw(scene, camera) - static) * 1e3)
            uploaded.append(still.uploaded_bytes)
            began = time.perf_counter()
            leaf.position = (2.0, float(step), 0.0)
            still.upload(scene)
            single.append((time.perf_counter() - began) * 1e3)
    scene = _five_levels(mesh)
    root = scene.children[0]
    with _Still("indirect") as still:
        still.draw(scene, camera)
        for step in range(2 * rounds):
            began = time.perf_counter()
            root.position = (0.0, float(step), 0.0)
            still.upload(scene)
            tree.append((time.perf_counter() - began) * 1e3)
    return [
        row("100k nodes added one by one", adding, 10, "us each"),
        row("the root of a 100k-node, five-level tree moves: transforms and upload", tree, 20, "ms", 1),
        row("one node of 100k moves: transforms and upload", single, 0.2, "ms", 3),
        row("the same: extra time of the frame, with the compute passes", framed, None, "ms", 3),
        row("the same: bytes uploaded", [float(size) for size in uploaded], 60, "bytes", 0),
    ]


def _five_levels(mesh: throng.Mesh) -> throng.Scene:
    scene = throng.Scene()
    level = [scene.add(throng.Node(mesh))]
    for children in (10, 10, 10, 100):
        level = [
            node.add(throng.Node(mesh, position=(number, 1.0, 0.0)))
            for node in level
            for number in range(children)
        ]
    return scene


# -- processes ---------------------------------------------------------------------------------------------

_FIRST_PICTURE = (
    "import throng; s = throng.Scene(); s.add(throng.Node(throng.shapes.box()));"
    "throng.render(s, throng.Camera(), size=(320, 180))"
)


def cold(rounds: int = 9) -> list[Row]:
    """How soon a new process is there, less what Python itself needs where that is said."""
    program = [sys.executable, "-c", "from throng.cli import main; main()", "--help"]
    commands = {
        "nothing": [sys.executable, "-c", "pass"],
        "import": [sys.executable, "-c", "import throng"],
        "help": program,
        "picture": [sys.executable, "-c", _FIRST_PICTURE],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    return [
        row("a Python process that does nothing", times["nothing"], None, "s", 3),
        row("import throng, the whole process", times["import"], 0.2, "s", 3),
        row("throng --help, the whole process", times["help"], 0.3, "s", 3),
        row("first picture from a cold process", times["picture"], 1.5, "s", 3),
    ]


# -- memory ------------------------------------------------------------------------------------------------


def memory(frame_count: int = 10_000) -> list[Row]:
    """GL objects and resident memory after many frames with changing counts, meshes and modes."""
    random = np.random.default_rng(0)
    scene, camera = throng.Scene(), throng.Camera(position=(0, 5, 20))
    crowd = scene.add(throng.Crowd(throng.shapes.box(), positions=random.normal(size=(500, 3)) * 5))
    seen: list[tuple[int, float]] = []
    with throng.Renderer((160, 90)) as renderer:
        for number in range(frame_count):
            crowd.append(random.normal(size=(int(random.integers(0, 60)), 3)) * 5)
            surplus = len(crowd) - int(random.integers(1, 2000))
            if surplus > 0:
                crowd.delete(random.choice(crowd.ids, surplus, replace=False))
            if number % 10 == 0:
                kept = [node for node in scene.children if isinstance(node, throng.Crowd)]
                for node in set(scene.children) - set(kept):
                    scene.remove(node)
                radius = float(random.uniform(0.5, 2.0))
                scene.add(throng.Node(throng.shapes.sphere(radius), position=(3, 0, 0)))
            if number % 500 == 0:
                mode = ("indirect", "instanced", "naive")[number // 500 % 3]
                renderer.options = throng.Options(mode=mode)
            renderer.render(scene, camera, outputs=("color", "ids") if number % 7 == 0 else ("color",))
            if number % 1500 == 1400:  # the same mode each time
                with rawgl.current(renderer.context):
                    seen.append((_gl_objects(), _resident_mib()))
    objects, resident = zip(*seen, strict=True)
    half = len(seen) // 2
    return [
        row("GL objects: second half of the frames less the first", _growth(objects, half), 0, "objects", 1),
        row("resident memory: second half less the first", _growth(resident, half), None, "MiB", 1),
        {"what": "GL objects at each look", "values": objects},
        {"what": "resident MiB at each look", "values": [round(size, 1) for size in resident]},
    ]


def _growth(values: tuple[float, ...], half: int) -> list[float]:
    return [statistics.median(values[half:]) - statistics.median(values[:half])]


def _gl_objects() -> int:
    """Buffers, textures, programs, vertex arrays, framebuffers and queries that exist, by their names."""
    kinds = ("Buffer", "Texture", "Program", "VertexArray", "Framebuffer", "Query", "Shader")
    asks = [rawgl.function(f"glIs{kind}", "bu") for kind in kinds]
    return sum(bool(ask(name)) for ask in asks for name in range(1, 3000))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- helpers -----------------------------------------------------------------------------------------------


@contextmanager
def headless() -> Iterator[moderngl.Context]:
    with rawgl.current():
        ctx = create_headless()
    with rawgl.current(ctx):
        try:
            yield ctx
        finally:
            collect(ctx)
            ctx.release()


class _Still:
    """A renderer whose draw calls do nothing, so that all the rest of a frame can be timed."""

    def __init__(self, mode: str, *, decides: bool = True) -> None:
        self._options = throng.Options(mode=mode, cull=decides, lod=decides, occlusion=decides, splat=decides)
        self._plain = moderngl.VertexArray.render, moderngl.VertexArray.render_indirect

    def __enter__(self) -> _Still:
        self._within = headless()
        self._ctx = self._within.__enter__()
        self._target = self._ctx.framebuffer(
            [self._ctx.texture((64, 64), 4)], self._ctx.depth_texture((64, 64))
        )
        self._target.clear(depth=1.0)
        self._renderer = throng.Renderer(context=self._ctx, options=self._options)
        moderngl.VertexArray.render = lambda *_a, **_k: None  # type: ignore[method-assign]
        moderngl.VertexArray.render_indirect = lambda *_a, **_k: None  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        moderngl.VertexArray.render, moderngl.VertexArray.render_indirect = self._plain  # type: ignore[method-assign]
        self._renderer.close()
        self._within.__exit__(None, None, None)

    @property
    def uploaded_bytes(self) -> int:
        assert self._renderer.stats is not None
        return self._renderer.stats.uploaded_bytes

    def draw(self, scene: throng.Scene, camera: throng.Camera) -> float:
        """Seconds of a finished frame without its draws."""
        began = time.perf_counter()
        self._renderer.draw(scene, camera, self._target)
        self._ctx.finish()
        return time.perf_counter() - began

    def upload(self, scene: throng.Scene) -> None:
        """The scene's transforms, batches and columns, brought up to date on the GPU."""
        self._renderer._upload(self._renderer._state(scene))
        self._ctx.finish()


def visibility() -> list[Row]:
    """What it is worth not to draw what cannot be seen."""
    from . import visibility as measured

    return measured.figures()


def effects() -> list[Row]:
    """What light and matter cost."""
    from . import effects as measured

    return measured.figures()


FIGURES: dict[str, Callable[[], list[Row]]] = {
    "cold": cold,
    "columns": columns,
    "nodes": nodes,
    "python": python,
    "frames": frames,
    "memory": memory,
    "visibility": visibility,
    "effects": effects,
}


def main() -> None:
    """The command line of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FIGURES)}; by default all")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in FIGURES]
    if unknown:
        parser.error(f"NAME: expected some of {', '.join(FIGURES)}, got {unknown[0]!r}")
    result: dict[str, Any] = {}
    with headless() as ctx:
        result["machine"] = machine(Capabilities.of(ctx))
    for name in arguments.names or FIGURES:
        result[name] = FIGURES[name]()
        for figure in result[name]:
            print(_line(figure), flush=True)
    if arguments.json:
        with files.whole(arguments.json) as file:
            file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _line(figure: Row) -> str:
    if "values" in figure:
        return f"{figure['what']}: {figure['values']}"
    text = f"{figure['what']}: {figure['median']} {figure['unit']}"
    if "quartiles" in figure:
        text += f" [{figure['quartiles'][0]}-{figure['quartiles'][1]}]"
    if "min" in figure:
        text += f", least {figure['min']}"
    if "at_1k" in figure:
        text += f" (at 1k: {figure['at_1k']})"
    if figure.get("target") is None:
        return text
    sign = ">=" if figure.get("more is better") else "<="
    met = figure["median"] >= figure["target"] if sign == ">=" else figure["median"] <= figure["target"]
    return f"{text}, target {sign} {figure['target']}: {'met' if met else 'NOT met'}"


if __name__ == "__main__":
    main()
