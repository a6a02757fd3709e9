"""Levels of detail and splats are honest: a small version of benchmarks/honesty.py and flicker.py.

Small scenes in small pictures, far enough away that most instances are a few pixels large. Figures for whole
scenes, with FLIP, are the benchmarks'.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import throng
from throng import Camera, Frame, Scene, gallery

honesty: Any = importlib.import_module(f"{gallery.benchmarks().__name__}.honesty")
flicker: Any = importlib.import_module(f"{gallery.benchmarks().__name__}.flicker")

COUNTS = {"forest": 3000, "grass": 5000, "city": 2500, "asteroids": 8000}
SIZE = (160, 90)
SLACK = 0.015  # of the pixels that instances cover, and of how light they are; more where they are few
FLICKER = 1.1  # times as much: five steps of small pictures are not many


@pytest.fixture(scope="module")
def painter() -> Iterator[Any]:
    with honesty.Painter(SIZE) as painter:
        yield painter


@pytest.fixture(scope="module")
def views() -> Callable[[str], tuple[Scene, dict[str, Camera]]]:
    """views(name): a scene, and cameras near it, further away, and far."""
    made: dict[str, tuple[Scene, dict[str, Camera]]] = {}

    def make(name: str) -> tuple[Scene, dict[str, Camera]]:
        if name not in made:
            demo = gallery.find(name)
            scene = demo.build(COUNTS[name], 0)
            demo.update(scene, honesty.SECONDS)
            for crowd in scene.crowds:
                crowd.visible = crowd.name != "stars"  # a few bright pixels, found or missed by chance
            made[name] = scene, honesty.views(name, scene, demo.camera(scene, honesty.SECONDS), SIZE)
        return made[name]

    return make


def faults(painter: Any, scene: Scene, camera: Camera) -> set[str]:
    """What the fast picture is worse in than the plain one may be."""
    row, _ = honesty.judge(painter, scene, camera, flip=False)
    found = {"absolute"} if row["ratios"]["absolute"] > honesty.LIMIT else set()
    slack = SLACK + (row["covered"]["reference"] * SIZE[0] * SIZE[1]) ** -0.5
    for name in ("covered", "light"):
        if abs(row[name]["fast"] / row[name]["reference"] - 1) > slack:
            found.add(name)
    return found


@pytest.mark.parametrize("distance", ["middle", "far"])
@pytest.mark.parametrize("name", COUNTS)
def test_the_fast_picture_is_no_further_from_the_truth(
    painter: Any, views: Any, name: str, distance: str
) -> None:
    scene, cameras = views(name)
    assert faults(painter, scene, cameras[distance]) == set()


@pytest.mark.parametrize("path", flicker.PATHS)
def test_the_fast_picture_does_not_flicker_more(painter: Any, views: Any, path: str) -> None:
    scene, cameras = views("forest")
    steps = list(flicker.path(path, cameras[flicker.PATHS[path]], 5))
    row, _ = flicker.film(painter, scene, steps)
    assert row["unsteady"] == 0.0
    assert row["ratios"]["flicker"] <= FLICKER
    assert row["ratios"]["soft"] <= FLICKER


# -- the measures themselves -----------------------------------------------------------------------------


@contextmanager
def instead_of_fast(painter: Any, draw: Callable[[Scene, Camera], Frame]) -> Iterator[None]:
    """What is judged is what `draw` draws."""
    painter.settled = painter.fast = lambda scene, camera, *outputs: draw(scene, camera)
    try:
        yield
    finally:
        del painter.settled, painter.fast


@contextmanager
def changed(scene: Scene, column: str, factor: float) -> Iterator[None]:
    """The values of a column of all crowds are `factor` times what they are."""
    kept = [(crowd, np.array(getattr(crowd, column))) for crowd in scene.crowds]
    for crowd, values in kept:
        setattr(crowd, column, values * factor)
    yield
    for crowd, values in kept:
        setattr(crowd, column, values)


@pytest.mark.parametrize("distance", ["middle", "far"])
@pytest.mark.parametrize("name", ["forest", "grass", "asteroids"])
@pytest.mark.parametrize(
    ("column", "factor", "fault"), [("scales", 0.85, "covered"), ("colors", 0.9, "light")]
)
def test_the_measure_sees_smaller_instances_and_darker_ones(
    painter: Any, views: Any, name: str, distance: str, column: str, factor: float, fault: str
) -> None:
    """Of the errors, only middle distances show them: far away, they are lost in the noise of pixels."""
    scene, cameras = views(name)
    if (name, distance) == ("grass", "far"):
        factor **= 3  # most of that picture is land beyond the grass
    if name == "forest":
        factor **= 1.7  # sprigs are a noise that smaller errors are lost in

    def draw(scene: Scene, camera: Camera) -> Frame:
        with changed(scene, column, factor):
            frame: Frame = painter.plain(scene, camera, "depth", "ids")
        return frame

    with instead_of_fast(painter, draw):
        found = faults(painter, scene, cameras[distance])
    assert fault in found
    assert "absolute" in found or distance == "far" or name == "asteroids"


def test_the_measure_finds_no_fault_with_the_plain_picture(painter: Any, views: Any) -> None:
    scene, cameras = views("forest")
    with instead_of_fast(painter, lambda scene, camera: painter.plain(scene, camera, "depth", "ids")):
        row, _ = honesty.judge(painter, scene, cameras["far"], flip=False)
    assert row["ratios"] == {"absolute": 1.0, "blurred": 1.0}
    assert row["misplaced"] == 0.0
    assert row["covered"]["fast"] == row["covered"]["plain"]


def test_the_measure_sees_a_flicker(painter: Any, views: Any) -> None:
    """Every other picture is a little darker: by 6 of 255 where trees are bright."""
    scene, cameras = views("forest")
    drawn = 0

    def draw(scene: Scene, camera: Camera) -> Frame:
        nonlocal drawn
        drawn += 1
        with changed(scene, "colors", 1.0 if drawn % 2 else 0.95):
            frame: Frame = painter.plain(scene, camera)
        return frame

    steps = list(flicker.path("walk", cameras["middle"], 4))
    with instead_of_fast(painter, draw):
        row, _ = flicker.film(painter, scene, steps)
    assert row["unsteady"] > 0.2
    assert row["ratios"]["soft"] > FLICKER


def test_pictures_are_averaged_in_linear_light() -> None:
    """Half black, half white: 188 of 255 in sRGB, not 128."""
    color = np.zeros((8, 8, 4), np.uint8)
    color[::2] = 255
    light = honesty.averaged(honesty.linear(color), 4)
    assert light.shape == (2, 2, 3)
    np.testing.assert_allclose(honesty.encoded(light), 187.5 / 255, atol=0.5 / 255)
    every = np.arange(256, dtype=np.uint8).repeat(4).reshape(16, 16, 4)
    np.testing.assert_allclose(honesty.encoded(honesty.linear(every)) * 255, every[..., :3], atol=1e-3)
    np.testing.assert_allclose(honesty.blurred(honesty.linear(color), 8), 0.5, atol=1e-6)


def test_flip_tells_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    black = np.zeros((9, 9, 3), np.float32)
    with pytest.raises(
        throng.UsageError,
        match=r"^FLIP: expected flip_evaluator, which is not installed: pip install 'throng\[dev\]'$",
    ):
        honesty.flip_map(black, black)


def test_flip_is_a_map_of_what_is_seen() -> None:
    pytest.importorskip("flip_evaluator")
    black = np.zeros((40, 60, 3), np.float32)
    spot = black.copy()
    spot[10:14, 20:24] = 1.0
    found = honesty.flip_map(black, spot)
    assert found.shape == (40, 60)
    assert found[12, 22] > 0.5
    assert found[35, 50] < 0.01
    assert honesty.flip_map(spot, spot).max() == 0.0
