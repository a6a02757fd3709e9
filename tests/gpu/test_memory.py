"""Memory stays flat over many frames, whatever comes and goes."""

from __future__ import annotations

import gc
from pathlib import Path

import moderngl
import numpy as np
import pytest
from pictures import MODES, OUTPUTS

from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, shapes
from throng.gpu import rawgl

CAMERA = Camera((3, 2, 4))
KINDS = ("Buffer", "Texture", "Framebuffer", "Program", "VertexArray", "Query")


def resident_bytes() -> int:
    """What the process holds in memory; Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmRSS")


def living(ctx: moderngl.Context) -> dict[str, int]:
    """How many GL objects there are. Mesa hands out small names again."""
    with rawgl.current(ctx):
        return {
            kind: sum(rawgl.function(f"glIs{kind}", "bu")(name) for name in range(1, 4000)) for kind in KINDS
        }


def frames(renderer: Renderer, scene: Scene, count: int, seed: int) -> None:
    """Draws while counts, meshes, nodes, sizes and outputs change."""
    random = np.random.default_rng(seed)
    crowd = next(node for node in scene.children if isinstance(node, Crowd))
    for number in range(count):
        if number % 3 == 0:
            crowd.append(random.uniform(-2, 2, (int(random.integers(1, 60)), 3)))
        if len(crowd) > 400:
            crowd.delete(random.choice(np.asarray(crowd.ids), len(crowd) - 50, replace=False))
        crowd.positions[: len(crowd) // 2] += 0.01
        if number % 10 == 0:
            for node in scene.children[-2:]:
                if not isinstance(node, Crowd):
                    scene.remove(node)
            for _ in range(2):
                mesh = shapes.box(float(random.uniform(0.2, 0.4)))
                scene.add(Node(mesh, Material(random.random(3)), position=random.uniform(-2, 2, 3)))
        if number % 40 == 0:
            renderer.size = (int(random.integers(20, 40)), 24)
        renderer.render(scene, CAMERA, OUTPUTS if number % 5 == 0 else ("color",))


@pytest.mark.parametrize("mode", MODES)
def test_memory_stays_flat_while_things_come_and_go(mode: str) -> None:
    scene = Scene()
    scene.add(Crowd(shapes.tree(), positions=np.zeros((10, 3)), colors=np.ones((10, 3))))
    with Renderer((32, 24), options=Options(mode)) as renderer:
        frames(renderer, scene, 160, 0)
        gc.collect()
        objects, memory = living(renderer.context), resident_bytes()
        frames(renderer, scene, 240, 1)
        gc.collect()
        later = living(renderer.context)
        grown = {kind: later[kind] - objects[kind] for kind in KINDS}
        assert max(grown.values()) <= 4, grown  # by chance some more are in use at one moment than at another
        assert resident_bytes() - memory < 12 << 20


def test_buffers_of_nodes_that_are_gone_are_freed() -> None:
    """As many different meshes as ever, one at a time: room for one is enough."""
    scene = Scene()
    with Renderer((16, 16)) as renderer:
        for number in range(60):
            scene.add(Node(shapes.sphere(0.3 + number * 1e-3, segments=24, rings=12)))
            renderer.render(scene, CAMERA)
            scene.remove(scene.children[0])
        store = renderer._states[0].gpu._store
        assert len(store._pages) == 1
        assert renderer._shared.pool.vertices.size < 2 << 20
        residents = len(store._residents)
        assert residents <= 2, f"{residents} sets of instances are kept for one node"


def test_renderers_come_and_go() -> None:
    scene = Scene()
    scene.add(Crowd(shapes.tree(), positions=np.zeros((100, 3))))

    def cycle(count: int) -> None:
        for number in range(count):
            with Renderer((64, 48), samples=4 if number % 2 else 1) as renderer:
                renderer.render(scene, CAMERA, OUTPUTS)

    cycle(6)
    gc.collect()
    memory = resident_bytes()
    cycle(20)
    gc.collect()
    assert resident_bytes() - memory < 24 << 20
