"""A frozen view: what the camera saw last stays, seen from wherever one flies to, and nothing else comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from throng import Camera, Crowd, Frame, Node, Options, Renderer, Scene, shapes

COUNT = 3000
BEFORE_THE_WALL, ABOVE = Camera((0, 8, 60)), Camera((0, 90, 90), (0, 0, 0))


def grove() -> tuple[Scene, Crowd]:
    random = np.random.default_rng(5)
    scene = Scene()
    places = random.uniform(-50, 50, (COUNT, 3)) * (1, 0.05, 1)
    return scene, scene.add(Crowd(shapes.tree(seed=1), positions=places))


def walled() -> tuple[Scene, Crowd]:
    """A wall before all the trees but those at its sides."""
    scene, trees = grove()
    scene.add(Node(shapes.box(), position=(0, 5, 52), scale=(8, 100, 1)))
    return scene, trees


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with Renderer((320, 180)) as renderer:
        yield renderer


def froze(renderer: Renderer, scene: Scene, camera: Camera = BEFORE_THE_WALL) -> Frame:
    """The frame that is frozen, after some of a camera that hardly moves."""
    for number in range(6):
        x, y, z = camera.position
        frame = renderer.render(scene, Camera((x + 1e-6 * number, y, z), camera.target), ("color", "ids"))
    renderer.frozen = True
    return frame


def rows(frame: Frame, crowd: Crowd) -> set[int]:
    """The instances whose pixels there are."""
    return set(frame.ids[..., 1][frame.ids[..., 0] == crowd.id].tolist())


@pytest.mark.parametrize("options", [Options(), Options(splat=False), Options(lod=False)])
def test_what_occlusion_removed_is_not_there(renderer: Renderer, options: Options) -> None:
    renderer.options = options
    scene, trees = walled()
    live = froze(renderer, scene)
    assert live.stats.occluded > COUNT // 4
    same = renderer.render(scene, BEFORE_THE_WALL, ("color", "ids"))
    assert (same.ids != live.ids).any(axis=-1).mean() < 1e-3
    above = renderer.render(scene, ABOVE, ("color", "ids"))
    places = np.asarray(trees.positions)[sorted(rows(above, trees))]
    assert len(places) > 100
    # Deep in the shadow of the wall, in which no tree is seen, however high.
    shadow = (np.abs(places[:, 0]) < 5) & (places[:, 2] < 40)
    assert not shadow.any()
    renderer.frozen = False
    thawed = rows(renderer.render(scene, ABOVE, ("color", "ids")), trees)
    assert len(thawed) > len(places)


def test_figures_are_those_of_the_frozen_view(renderer: Renderer) -> None:
    scene, _ = walled()
    live = froze(renderer, scene).stats
    for camera in (BEFORE_THE_WALL, ABOVE):
        stats = renderer.render(scene, camera, ("color", "ids")).stats
        assert stats.visible == live.visible
        assert stats.culled + stats.occluded == live.culled + live.occluded
        assert stats.occluded > COUNT // 4
        assert (stats.splats, stats.simplified) == (live.splats, live.simplified)


@pytest.mark.parametrize("options", [Options(occlusion=False), Options(occlusion=False, cull=False)])
def test_switches_work_in_a_frozen_view(renderer: Renderer, options: Options) -> None:
    scene, _ = walled()
    live = froze(renderer, scene).stats
    renderer.options = options
    stats = renderer.render(scene, ABOVE).stats
    assert stats.occluded == 0
    assert stats.visible == stats.instances - stats.culled > live.visible
    renderer.options = Options()
    assert renderer.render(scene, ABOVE).stats.visible == live.visible


def test_a_frozen_view_of_another_scene_is_whole(renderer: Renderer) -> None:
    """What was seen of the one belongs to another camera than what is frozen."""
    scene, _ = walled()
    other, _ = walled()
    froze(renderer, scene)
    renderer.frozen = False
    renderer.render(other, ABOVE)
    renderer.frozen = True
    assert renderer.render(scene, ABOVE).stats.occluded == 0


def test_a_frozen_crowd_may_be_ordered_anew(renderer: Renderer) -> None:
    """A crowd that has moved is, once it has come to rest."""
    scene, trees = walled()
    froze(renderer, scene)
    before = renderer.render(scene, ABOVE, ("color", "ids"))
    trees.positions[:] = np.asarray(trees.positions)[::-1].copy()
    for _ in range(45):
        after = renderer.render(scene, ABOVE, ("color", "ids"))
    # As of new instances, nothing is known of them any more.
    assert after.stats.occluded == 0
    assert (after.ids[..., 0] == trees.id).sum() > (before.ids[..., 0] == trees.id).sum()


def hide_and_show(scene: Scene, trees: Crowd, renderer: Renderer) -> None:
    trees.visible = False
    renderer.render(scene, ABOVE)
    trees.visible = True


CHANGES: dict[str, Callable[[Scene, Crowd, Renderer], object]] = {
    "append": lambda scene, trees, renderer: trees.append([[0.0, -500.0, 0.0]]),
    "delete": lambda scene, trees, renderer: trees.delete(np.arange(1)),
    "another node": lambda scene, trees, renderer: scene.add(Node(shapes.box(), position=(0, -500, 0))),
    "hide and show": hide_and_show,
    "first colours": lambda scene, trees, renderer: setattr(trees, "colors", np.ones((COUNT, 3))),
    "no splats": lambda scene, trees, renderer: setattr(renderer, "options", Options(splat=False)),
    "no levels": lambda scene, trees, renderer: setattr(renderer, "options", Options(lod=False)),
    "no occlusion": lambda scene, trees, renderer: setattr(renderer, "options", Options(occlusion=False)),
}


@pytest.mark.parametrize("splat", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_lost_when_a_frozen_scene_changes(renderer: Renderer, change: str, splat: bool) -> None:
    renderer.options = Options(splat=splat)
    scene, trees = grove()
    froze(renderer, scene)
    before = renderer.render(scene, ABOVE, ("color", "ids"))
    CHANGES[change](scene, trees, renderer)
    after = renderer.render(scene, ABOVE, ("color", "ids"))
    covered, still = ((frame.ids[..., 0] == trees.id).sum() for frame in (before, after))
    assert covered > 5000
    assert still > 0.9 * covered
