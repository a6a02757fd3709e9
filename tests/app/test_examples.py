"""The programs under docs/examples and the snippets of the README run as they stand."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from throng.cli import cli

if TYPE_CHECKING:
    from tests.app.conftest import Desktop, Program

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(
    arguments: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def shares(picture: npt.NDArray[np.uint8], background: tuple[int, int, int]) -> float:
    """How much of the picture is something else than the background."""
    return float((np.abs(picture.astype(int) - background).max(axis=-1) > 8).mean())


def read(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_bare_moderngl_program_shares_its_depth_with_throng(tmp_path: Path) -> None:
    done = run([str(EXAMPLES / "bare_moderngl.py"), "out.png"], tmp_path)
    assert done.returncode == 0, done.stderr
    picture = read(tmp_path / "out.png")
    orange = (np.abs(picture.astype(int) - (242, 140, 64)).max(axis=-1) < 4).nonzero()
    # The program's triangle stands in the middle of the wood: its top is seen, its foot is hidden by trees.
    assert len(orange[0]) > 5000
    assert orange[0].min() < 120
    assert orange[0].max() < 400
    assert shares(picture, (158, 186, 212)) > 0.4


def test_inside_moderngl_window(display: Desktop, tmp_path: Path) -> None:
    if importlib.util.find_spec("moderngl_window") is None:
        pytest.skip("moderngl-window is not installed")
    environment = {**display.environment, "PYTHONWARNINGS": "default"}
    done = run([str(EXAMPLES / "in_moderngl_window.py"), "out.png"], tmp_path, environment)
    assert done.returncode == 0, done.stderr
    picture = read(tmp_path / "out.png")
    assert picture.shape == (540, 960, 3)
    assert 0.05 < shares(picture, (5, 5, 13)) < 0.5


def test_inside_a_qt_widget(display: Desktop, tmp_path: Path) -> None:
    if importlib.util.find_spec("PySide6") is None:
        pytest.skip("PySide6 is not installed")
    environment = {**display.environment, "QT_QPA_PLATFORM": "xcb", "PYTHONWARNINGS": "default"}
    done = run([str(EXAMPLES / "in_qt.py"), "out.png"], tmp_path, environment)
    if "Could not load the Qt platform plugin" in done.stderr or "cannot open shared object" in done.stderr:
        pytest.skip(f"Qt lacks libraries of the system: {done.stderr.strip().splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    picture = read(tmp_path / "out.png")
    height = len(picture)
    assert shares(picture[: height // 8], (158, 186, 212)) < 0.05  # sky
    assert shares(picture[height // 2 :], (158, 186, 212)) > 0.95  # people on the ground
    blue = (picture[..., 2] > 100) & (picture[..., 0] < 60)
    assert 0.02 < blue[height // 3 :].mean() < 0.3  # their shirts


def test_numpy_frames_come_with_depth_and_labels(tmp_path: Path) -> None:
    done = run([str(EXAMPLES / "numpy_frames.py"), "here"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("balls can be seen") == 10
    for number in range(10):
        depth = np.asarray(Image.open(tmp_path / "here" / f"depth-{number:03}.png"))
        labels = read(tmp_path / "here" / f"labels-{number:03}.png")
        assert 0.05 < (depth > 0).mean() < 0.5
        assert ((labels.max(axis=-1) > 0) == (depth > 0)).mean() > 0.995  # but for what is beyond 45 m


def test_a_shader_of_ones_own(tmp_path: Path) -> None:
    done = run([str(EXAMPLES / "custom_shading.py"), "out.png"], tmp_path)
    assert done.returncode == 0, done.stderr
    picture = read(tmp_path / "out.png").astype(int)
    glows = (picture[..., 0] > 200) & (picture[..., 2] < 120)
    assert 0.03 < glows.mean() < 0.6
    assert glows[80:400, 320:640].mean() > 2 * glows.mean()  # in the middle


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_each_snippet_of_the_readme_runs(number: int, opened: Callable[..., Program], tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPETS[number], encoding="utf-8")
    if "throng.show" not in SNIPPETS[number]:
        done = run(["-W", "error", "snippet.py"], tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        return
    program = opened("snippet.py")
    assert program.window
    program.key("Escape")
    assert program.ends() == 0, program.text


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"^\| `throng (\w+)", README, re.MULTILINE))
    assert isinstance(cli, click.Group)
    assert named == set(cli.commands)


def test_links_of_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not missing
