"""The demo scenes: found wherever throng lies, obedient to count, seed and seconds, and readable."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import throng
from throng import assets, gallery
from throng.errors import AssetError, InvalidType, InvalidValue
from throng.gallery import Demo

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["asteroids", "city", "forest", "grass", "meadow", "particles"]
SMALL = (96, 64)
every_demo = pytest.mark.parametrize("name", NAMES)


def below(node: throng.Node) -> Iterator[throng.Node]:
    for child in node.children:
        yield child
        yield from below(child)


def counted(scene: throng.Scene, name: str) -> int:
    """How many there are of what the scene counts."""
    crowds = {crowd.name: len(crowd) for crowd in below(scene) if isinstance(crowd, throng.Crowd)}
    if name == "city":
        return sum(1 for _ in below(scene))
    starts = {
        "asteroids": ("rocks",),
        "forest": ("broadleaf", "conifer"),
        "grass": ("grass",),
        "meadow": ("grass",),
        "particles": ("fountain", "snow", "spray"),
    }
    return sum(size for crowd, size in crowds.items() if crowd.startswith(starts[name]))


def pixels(demo: Demo, scene: throng.Scene, seconds: float) -> np.ndarray:
    demo.update(scene, seconds)
    return throng.render(scene, demo.camera(scene, seconds), SMALL).color[..., :3].astype(int)


# -- found -------------------------------------------------------------------------------------------------


def test_the_demos_are_found_wherever_throng_is_installed() -> None:
    assert [demo.name for demo in gallery.demos()] == NAMES
    assert {demo.path.parent for demo in gallery.demos()} == {assets.folder("scenes")}
    assert gallery.find("grass").path == assets.folder("scenes") / "grass.py"


def test_a_wheel_brings_scenes_shaders_and_benchmarks(tmp_path: Path) -> None:
    """The layout that pyproject.toml gives to the wheel, without the rest of the repository."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, goal in wheel["sources"].items():
        shutil.copytree(ROOT / source, tmp_path / goal, ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import throng, throng.gallery as g, sys\n"
        "assert throng.__file__.startswith(sys.argv[1]), throng.__file__\n"
        "print(*(d.name for d in g.demos()), *{str(d.path.parent) for d in g.demos()})\n"
        "print(g.benchmarks().bench.subject('cubes').name)\n"
        "d = g.find('particles'); s = d.build(20); print(throng.render(s, d.camera(s, 0), (8, 8)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    expected = [f"{' '.join(NAMES)} {tmp_path}/throng/scenes", "cubes", "<Frame of 8x8: color>"]
    assert done.stdout.splitlines() == expected


def test_an_installation_without_its_folders_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "engine" / "throng")
    with pytest.raises(
        throng.ThrongError, match=r"throng's folder 'scenes' is missing beside .*: install throng again"
    ):
        gallery.demos()


# -- obedient ----------------------------------------------------------------------------------------------


@every_demo
@pytest.mark.parametrize("count", [1, 2, 7, 20_000])
def test_a_scene_has_as_many_as_asked_for(name: str, count: int) -> None:
    demo = gallery.find(name)
    scene = demo.build(count, 0)
    number = counted(scene, name)
    if name == "city":
        assert count <= number <= count + 170, "to the next whole block"
    else:
        assert number == count
    demo.update(scene, 1.0)
    camera = demo.camera(scene, 1.0)
    assert np.isfinite(camera.view_matrix).all()
    low, high = scene.bounds
    middle = camera.view_matrix @ np.append((low + high) / 2, 1)
    assert middle[2] < 0 or np.ptp((low, high)) > 100, "it is looked at"


@every_demo
@pytest.mark.parametrize("count", [1, 300])
def test_a_scene_of_any_count_can_be_seen(name: str, count: int) -> None:
    demo = gallery.find(name)
    picture = pixels(demo, demo.build(count, 0), 0.0)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > (3 if count == 1 else 20)


@every_demo
def test_a_scene_without_a_count_has_its_own(name: str) -> None:
    demo = gallery.find(name)
    assert 5_000 <= demo.count <= 100_000, "worth showing, and quick on a processor"


@every_demo
def test_a_frame_depends_on_the_seconds_alone(name: str) -> None:
    """Whatever was shown before it."""
    demo = gallery.find(name)
    scene = demo.build(120, 0)
    first = pixels(demo, scene, 2.5)
    for seconds in (7.0, 0.0, 2.49):
        pixels(demo, scene, seconds)
    assert np.array_equal(pixels(demo, scene, 2.5), first)
    assert np.array_equal(pixels(demo, demo.build(120, 0), 2.5), first)


@every_demo
def test_scenes_move(name: str) -> None:
    demo = gallery.find(name)
    scene = demo.build(120, 0)
    assert not np.array_equal(pixels(demo, scene, 0.0), pixels(demo, scene, 2.5))


@every_demo
def test_another_seed_is_another_scene(name: str) -> None:
    demo = gallery.find(name)
    assert not np.array_equal(pixels(demo, demo.build(120, 0), 1.0), pixels(demo, demo.build(120, 1), 1.0))


@every_demo
def test_building_a_scene_leaves_the_global_random_state_alone(name: str) -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    gallery.find(name).build(50, 0)
    assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]


def test_the_city_groups_by_itself() -> None:
    """Hundreds of nodes, a handful of meshes: the modes that batch draw a handful of times."""
    demo = gallery.find("city")
    scene = demo.build(700, 0)
    options = throng.Options(mode="instanced", shadows=False, lod=False)  # which are draws of their own
    stats = throng.render(scene, demo.camera(scene, 0), SMALL, options=options).stats
    assert stats.instances > 500
    assert stats.draw_calls <= 5


# -- readable ----------------------------------------------------------------------------------------------


@every_demo
def test_a_scene_file_can_be_read_in_a_minute(name: str) -> None:
    """A docstring that begins with a line about it, nothing but throng and NumPy, no private names."""
    demo = gallery.find(name)
    text = demo.path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 185
    docstring = ast.get_docstring(tree) or ""
    assert docstring.startswith(f"{name.capitalize()}: ")
    assert "`count`" in docstring, "what it counts"
    assert docstring.partition("\n")[0] == f"{name.capitalize()}: {demo.summary}"
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), f"line {node.lineno}: {node.attr}"
    assert imported == {"throng", "numpy"}


# -- asked wrongly -----------------------------------------------------------------------------------------


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(InvalidValue) as caught:
        gallery.find("citty")
    listed = "asteroids, city, forest, grass, meadow, particles"
    text = f"scene: expected one of {listed}, or a .py file, got 'citty'; did you mean 'city'?"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((0, 0), InvalidValue, "count: expected an integer, at least 1, got 0"),
        ((1.5, 0), InvalidType, "count: expected an integer, got float 1.5"),
        ((1, -1), InvalidValue, "seed: expected an integer, at least 0, got -1"),
    ],
)
def test_wrong_counts_and_seeds_are_errors(
    arguments: tuple[int, int], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        gallery.find("grass").build(*arguments)
    assert str(caught.value) == text


def test_an_error_of_a_scene_keeps_its_cause(tmp_path: Path) -> None:
    (tmp_path / "causes.py").write_text("def build(count, seed):\n    {}['x']\ncamera = update = build\n")
    with pytest.raises(AssetError, match=r"causes.py, line 2: KeyError: 'x'$") as caught:
        Demo("causes", tmp_path / "causes.py").build()
    assert isinstance(caught.value.__cause__, KeyError)
