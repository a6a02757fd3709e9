"""The command line as a stranger types it: what it answers, what it writes, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import throng
from throng import Options, cli, options
from throng.frame import Stats

COMMANDS = ("run", "bench", "render", "gallery", "list", "doctor")
DEMOS = ["asteroids", "city", "forest", "grass", "meadow", "particles"]
Run = Callable[..., Result]

SCENE = '''\
"""Mine: a box that moves."""
import throng


def build(count, seed):
    scene = throng.Scene()
    scene.add(throng.Node(throng.shapes.box(), color=(1, 0, seed / 10)))
    return scene


def camera(scene, seconds):
    return throng.Camera((1, 2, 4 + seconds), (0, 0, 0))


def update(scene, seconds):
    scene.time = seconds
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """run("list", "--json"): the program in this process, with its real exit codes, in an empty folder."""

    @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def program(words: tuple[str, ...]) -> None:
        monkeypatch.setattr(sys, "argv", ["throng", *words])
        cli.main()

    def start(*words: str) -> Result:
        result = CliRunner().invoke(program, ["--", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return start


def process(*words: str, folder: Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own; every warning is an error there too."""
    environment = {**os.environ, "PYTHONWARNINGS": "error", **settings.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-m", "throng", *words],
        cwd=folder, env=environment, text=True, timeout=120, **{"capture_output": True, **settings},
    )  # fmt: skip


def left_behind(folder: Path) -> list[str]:
    return sorted(
        path.name for path in folder.iterdir() if path.suffix != ".py" and path.name != "__pycache__"
    )


# -- help --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_examples(run: Run, command: str, flag: str) -> None:
    result = run(command, flag)
    assert result.exit_code == 0
    assert f"Usage: throng {command}" in result.output
    examples = result.output.partition("Examples:")[2].split("\n")
    assert any(line.strip().startswith(f"throng {command}") for line in examples)


def test_throng_alone_names_its_commands_with_whole_lines(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.output
    assert "..." not in result.output.partition("Commands:")[2], "a line that was cut off"
    assert run().exit_code == 2


def test_the_examples_in_help_are_words_that_exist(run: Run) -> None:
    """Every option and every scene that an example names."""
    for name in COMMANDS:
        command = cli.cli.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        for line in (command.epilog or "").splitlines():
            words = line.split()
            if words[:2] == ["throng", name]:
                assert {word for word in words if word.startswith("-")} <= known, line
                scenes = {word for word in words[2:3] if word.isalpha()}
                assert scenes <= {*DEMOS, "cubes"}, line


def test_the_version(run: Run) -> None:
    assert run("--version").output == f"throng, version {throng.__version__}\n"


# -- list and doctor ---------------------------------------------------------------------------------------


def test_list_names_the_demos_with_a_line_each(run: Run) -> None:
    result = run("list")
    assert result.exit_code == 0
    lines = [line.split(maxsplit=1) for line in result.output.splitlines()]
    assert [name for name, _ in lines] == DEMOS
    assert all(text.endswith(".") and len(text) > 20 for _, text in lines)


def test_list_as_json(run: Run) -> None:
    listed = json.loads(run("list", "--json").output)
    assert [one["name"] for one in listed] == DEMOS
    for one in listed:
        assert set(one) == {"name", "summary", "count"}
        assert one["count"] >= 1


def test_doctor_tells_what_this_machine_can_do(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for word in ("OpenGL", "vendor", "renderer", "limits", "indirect", "instanced", "naive", "EGL device 0"):
        assert word in result.output
    report = json.loads(run("doctor", "--json").output)
    keys = "python platform libraries display egl_devices opengl modes problems notes"
    assert set(report) == set(keys.split())


def test_doctor_exits_with_1_and_a_fix_on_a_machine_without_drivers(folder: Path) -> None:
    broken = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent", "DISPLAY": ""}
    done = process("doctor", folder=folder, environment=broken)
    assert done.returncode == 1
    assert "problem: EGL is installed, but it has no driver" in done.stdout
    assert "fix: for rendering on the CPU, on Debian and Ubuntu: apt-get install" in done.stdout
    done = process("render", "grass", "--count", "5", "-o", "a.png", folder=folder, environment=broken)
    assert done.returncode == 1
    assert done.stderr.startswith("throng: EGL is installed, but")
    assert "Traceback" not in done.stderr
    assert left_behind(folder) == []


# -- gallery ------------------------------------------------------------------------------------------------


def test_the_gallery_is_a_picture_of_each_scene_and_hour(run: Run, folder: Path) -> None:
    small = ("--size", "48x32", "--samples", "1")
    result = run(
        "gallery", "grass", "asteroids", "-o", "new/pictures", *small, "--hour", "6.5", "--hour", "12"
    )
    assert result.exit_code == 0, result.output
    drawn = folder / "new" / "pictures"
    assert left_behind(drawn) == ["asteroids.jpg", "grass-12.jpg", "grass-6.5.jpg"]
    assert len(result.output.splitlines()) == 3
    with Image.open(drawn / "grass-12.jpg") as noon, Image.open(drawn / "grass-6.5.jpg") as dawn:
        assert noon.size == (48, 32)
        assert np.asarray(noon).tolist() != np.asarray(dawn).tolist()
    assert run("gallery", "nowhere", "-o", "new").exit_code == 2
    assert run("gallery", "grass", "-o", "new/pictures/grass-12.jpg", *small).exit_code == 2
    assert run("gallery", "grass", "-o", "new", "--hour", "25").exit_code == 2


# -- render ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "JPEG", "bmp", "tiff", "pcx"])
def test_render_writes_the_picture_in_the_format_of_its_name(run: Run, folder: Path, suffix: str) -> None:
    result = run("render", "grass", "--count", "30", "--size", "64x48", "-o", f"out.{suffix}")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"out.{suffix}: 64x48, ")
    assert " of 31 instances" in result.output
    assert left_behind(folder) == [f"out.{suffix}"]
    with Image.open(folder / f"out.{suffix}") as picture:
        assert picture.size == (64, 48)
        colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colors, axis=0)) > 50, "there is something to see"
    assert (folder / f"out.{suffix}").stat().st_mode & 0o077 == 0o077 & 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_render_as_json(run: Run, folder: Path) -> None:
    result = run(
        "render", "grass", "--count", "30", "--size", "64x48", "--seed", "3", "--seconds", "1.5",
        "--samples", "4", "--mode", "naive", "--json", "-o", "out.png",
    )  # fmt: skip
    report = json.loads(result.output)
    asked = {"scene": "grass", "count": 30, "seed": 3, "seconds": 1.5, "size": [64, 48], "samples": 4}
    assert asked.items() <= report.items()
    assert (report["mode"], report["file"], report["instances"]) == ("naive", "out.png", 31)
    figures = "renderer build_ms draw_calls instances visible culled occluded simplified splats triangles"
    figures += " uploaded_bytes texture_bytes cpu_ms gpu_ms mode file hour"
    assert set(report) == {*asked, *figures.split()}


def test_the_samples_told_are_those_that_the_driver_gave(run: Run) -> None:
    words = "render", "grass", "--count", "3", "--size", "8x8", "--samples", "64", "--json", "-o", "out.png"
    told = json.loads(run(*words).output)["samples"]
    assert told == min(64, json.loads(run("doctor", "--json").output)["opengl"]["max_samples"])


def test_the_same_seed_and_seconds_give_the_same_bytes(run: Run, folder: Path) -> None:
    def picture(*words: str) -> bytes:
        result = run("render", "meadow", "--count", "60", "--size", "64x48", "-o", "out.png", *words)
        assert result.exit_code == 0, result.output
        return (folder / "out.png").read_bytes()

    first = picture("--seed", "1", "--seconds", "2.5")
    assert picture("--seed", "1", "--seconds", "2.5") == first
    assert picture("--seed", "2", "--seconds", "2.5") != first
    assert picture("--seed", "1", "--seconds", "3.5") != first


@pytest.mark.parametrize("mode", ["instanced", "naive"])
def test_the_modes_render_the_same_picture(run: Run, folder: Path, mode: str) -> None:
    for name in ("indirect", mode):
        words = "--count", "60", "--size", "64x48", "--mode", name
        assert run("render", "meadow", *words, "-o", f"{name}.png").exit_code == 0
    pictures = [np.asarray(Image.open(folder / f"{name}.png")).astype(int) for name in ("indirect", mode)]
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > 2).mean() <= 0.001


@pytest.mark.parametrize("command", ["render", "run"])
def test_switches_and_debug_views_reach_the_renderer(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def reached(*_: Any, options: Options, **__: Any) -> None:
        seen.append(options)
        raise KeyboardInterrupt

    seen: list[Options] = []
    if command == "render":
        monkeypatch.setattr(throng, "Renderer", reached)
    else:
        monkeypatch.setitem(sys.modules, "throng.window", SimpleNamespace(show=reached))
    words = [command, "grass", "--count", "3", *(["-o", "out.png"] if command == "render" else [])]
    for given, expected in (
        ([], Options()),
        (["--no-cull"], Options(cull=False)),
        (["--no-lod", "--debug", "lod"], Options(lod=False, debug="lod")),
        (["--no-splat", "--no-occlusion"], Options(occlusion=False, splat=False)),
        (["--mode", "instanced", "--debug", "cell"], Options("instanced", debug="cell")),
    ):
        assert run(*words, *given).exit_code == 130
        assert seen.pop() == expected


def test_the_words_of_the_command_line_are_those_of_options() -> None:
    """They are written down twice, since help should not wait for NumPy."""
    assert tuple(cli.SWITCHES) == options.SWITCHES
    assert tuple(cli.EFFECTS) == options.EFFECTS
    assert cli.DEBUG == options.DEBUG
    assert cli.MODES == options.MODES


def test_render_tells_what_was_left_out_only_where_something_was() -> None:
    some = Stats("indirect", 1, 1500, 1200, 250, 50, 1000, 0, 4321, 0, 0.0, 0.0)
    assert cli._summary(some) == (
        "1,200 of 1,500 instances (250 culled, 50 occluded, 1,000 simplified), 4,321 triangles, "
        "draws: 1 (indirect)"
    )
    none = Stats("naive", 9, 9, 9, 0, 0, 0, 0, 108, 0, 0.0, 0.0)
    assert cli._summary(none) == "9 of 9 instances, 108 triangles, draws: 9 (naive)"


def test_counts_may_be_written_as_people_write_them(run: Run) -> None:
    for count in ("1,000", "1_000", "1000"):
        result = run("render", "grass", "--count", count, "--size", "8x8", "--json", "-o", "out.png")
        assert json.loads(result.output)["count"] == 1000


WRONG = [
    (["nonsense"], 2, "No such command 'nonsense'"),
    (["render"], 2, "Missing argument 'SCENE'"),
    (["render", "grass"], 2, "Missing option '-o' / '--output'"),
    (["list", "grass"], 2, "unexpected extra argument (grass)"),
    (["doctor", "--jsn"], 2, "--jsn"),
    (["render", "medow", "-o", "a.png"], 2,
     "throng: scene: expected one of asteroids, city, forest, grass, meadow, particles, or a .py file, "
     "got 'medow'; did you mean 'meadow'?\n"),
    (["render", "Grass", "-o", "a.png"], 2, "got 'Grass'; did you mean 'grass'?\n"),
    (["render", "zzzz", "-o", "a.png"], 2, "got 'zzzz'\n"),
    (["render", "", "-o", "a.png"], 2, "got ''\n"),
    (["run", "medow"], 2, "got 'medow'; did you mean 'meadow'?\n"),
    (["render", "nope.py", "-o", "a.png"], 2,
     "throng: scene: expected a scene file, there is none at 'nope.py'\n"),
    (["render", "grass", "-o", "a.png", "--mode", "fast"], 2, "'fast' is not one of 'auto', 'indirect'"),
    *((["render", "grass", "-o", "a.png", "--size", size], 2,
       f"'--size': expected WIDTHxHEIGHT in pixels, such as 1280x720, got '{size}'")
      for size in ("10", "0x5", "5x0", "x", "5x", "ax5", "1.5x2", "²x3", "5x5x5", "")),
    (["render", "grass", "-o", "a.png", "--size", "99999x9", "--count", "1"], 2,
     "throng: size: expected at most"),
    *((["render", "grass", "-o", "a.png", "--count", count], 2,
       f"'--count': expected a whole number, at least 1, such as 100000, got '{count}'")
      for count in ("0", "-5", "1.5", "1e6", "many", "", "²")),
    (["render", "grass", "-o", "a.png", "--seconds", "nan"], 2,
     "expected a finite number of seconds, got nan"),
    (["render", "grass", "-o", "a.png", "--seconds", "soon"], 2, "'soon' is not a valid float"),
    (["render", "grass", "-o", "a.png", "--seed", "-1"], 2, "'--seed'"),
    (["render", "grass", "-o", "a.png", "--samples", "0"], 2, "'--samples'"),
    (["render", "grass", "-o", "nowhere/a.png"], 2,
     "throng: nowhere/a.png: expected a folder that exists, 'nowhere' does not\n"),
    (["render", "grass", "-o", "."], 2, "throng: .: expected the name of a file, got a folder\n"),
    (["render", "grass", "-o", "a.xyz"], 2,
     "throng: --output: expected a picture's name, such as out.png, got 'a.xyz'\n"),
    (["render", "grass", "-o", "a"], 2, "such as out.png, got 'a'\n"),
    (["render", "grass", "-o", "a.wmf"], 2, "such as out.png, got 'a.wmf'\n"),
    (["run", "grass", "--frames", "0"], 2, "'--frames'"),
    (["run", "grass", "--step", "-1"], 2, "'--step'"),
    (["bench", "gras"], 2,
     "scene: expected one of cubes, blades, trees, "
     "street, roofs, above, hall, edge, asteroids, city, forest, grass, meadow, particles, "
     "or a .py file, got 'gras'; did you mean 'grass'?\n"),
    (["bench", "cubes", "--size", "99999x9", "--count", "1"], 2, "throng: size: expected at most"),
    (["bench", "grass", "--mode", "slow"], 2,
     "throng: mode: expected one of 'indirect', 'instanced', 'naive', 'handwritten', got 'slow'\n"),
    (["bench", "grass", "--mode", "auto:off"], 2, "'naive', 'handwritten', got 'auto'\n"),
    *((["bench", "grass", "--mode", mode], 2,
       "throng: mode: expected some of 'off', 'no-effects', 'no-soft-particles', 'no-transparency', "
       "'no-motion', 'no-textures', "
       "'no-tone-mapping', 'no-sky', 'no-fog', 'no-lights', 'no-shadows', 'no-reflections', 'no-splat', "
       f"'no-occlusion', 'no-lod', 'no-cull' with commas between them, after 'indirect:', got '{mode}'\n")
      for mode in ("indirect:", "indirect:lod", "indirect:no-lod,", "indirect:off,no-lods", "indirect:a:b")),
    (["bench", "cubes", "--mode", "handwritten:off"], 2,
     "throng: mode: expected 'handwritten' alone, which has no switches, got 'handwritten:off'\n"),
    (["run", "grass", "--debug", "lods"], 2, "'lods' is not one of 'lod', 'cell', 'splat'"),
    (["render", "grass", "-o", "a.png", "--no-shadow"], 2, "--no-shadow"),
    (["bench", "grass", "--json", "nowhere/a"], 2, "'nowhere' does not\n"),
    (["bench", "grass", "--html", "."], 2, "expected the name of a file, got a folder\n"),
    (["bench", "particles", "--mode", "handwritten", "--count", "9", "--rounds", "1"], 2,
     "throng: mode: expected one that can draw particles, got 'handwritten': it has motions"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "text"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG])
def test_wrong_words_get_an_answer(run: Run, folder: Path, words: list[str], code: int, text: str) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert left_behind(folder) == []


def test_a_folder_that_cannot_be_written_to_is_told_before_the_work(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "locked").mkdir()
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # the superuser, who runs many a CI, may write anywhere
    result = run("render", "grass", "--count", "9999999999", "-o", "locked/a.png")
    assert result.exit_code == 1
    assert result.stderr == "throng: locked/a.png: Permission denied\n"


def test_what_was_there_stays_where_writing_fails(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Image.Image, file: Any, *_: Any) -> None:
        if isinstance(file, Path):
            file.write_bytes(b"half of it")
            raise OSError(28, "No space left on device")

    (folder / "a.png").write_text("what was there")
    monkeypatch.setattr(Image.Image, "save", fail)
    result = run("render", "grass", "--count", "5", "--size", "8x8", "-o", "a.png")
    assert (result.exit_code, result.stderr) == (1, "throng: [Errno 28] No space left on device\n")
    assert left_behind(folder) == ["a.png"]
    assert (folder / "a.png").read_text() == "what was there"


def test_more_memory_than_there_is(run: Run, folder: Path) -> None:
    result = run("render", "grass", "--count", "99999999999999", "-o", "a.png")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "MemoryError" in result.stderr
    assert left_behind(folder) == []


# -- scene files of the user's own -------------------------------------------------------------------------


def test_a_scene_file_is_drawn_by_its_path(run: Run, folder: Path) -> None:
    (folder / "mine.py").write_text(SCENE)
    result = run("render", "mine.py", "-o", "mine.png", "--size", "32x32", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    assert (report["scene"], report["count"], report["instances"]) == ("mine", 1000, 1)
    result = run("render", str(folder / "mine.py"), "-o", "mine.png", "--size", "32x32")
    assert result.exit_code == 0
    assert run("render", "mine", "-o", "mine.png").stderr.endswith("did you mean 'mine.py'?\n")


def test_a_scene_file_is_a_module_like_any_other(run: Run, folder: Path) -> None:
    """It may hold dataclasses, which look their module up, and import files that lie beside it."""
    (folder / "beside_it.py").write_text("side = 2\n")
    own = "from __future__ import annotations\nimport dataclasses\nimport beside_it\n"
    own += "@dataclasses.dataclass\nclass Box:\n    side: int = beside_it.side\n"
    (folder / "whole.py").write_text(own + SCENE)
    result = run("render", "whole.py", "-o", "out.png", "--size", "8x8")
    assert result.exit_code == 0, result.stderr


BROKEN = [
    ("def build(count, seed):\n    return (\n", ", line 2: SyntaxError: '(' was never closed"),
    ("import throng\nimport no_such_module\n",
     ", line 2: ModuleNotFoundError: No module named 'no_such_module'"),
    ("import sys\n\nsys.exit(0)\n", ", line 3: SystemExit: 0"),
    ("def build(count, seed):\n    pass\n", ": expected functions build, camera, update, camera is missing"),
    (SCENE.replace("return scene", "return 3"), ": expected build() to return a Scene, got int 3"),
    (SCENE.replace("return throng.Camera((1, 2, 4 + seconds), (0, 0, 0))", "pass"),
     ": expected camera() to return a Camera, got None"),
    (SCENE.replace("scene.time = seconds", "scene.tim.x = seconds"),
     ", line 16: AttributeError: 'Scene' object has no attribute 'tim'"),
    (SCENE.replace("color=(1, 0, seed / 10)", "color=(1, 0)"), ", line 7: InvalidValue: color: expected "),
    (SCENE.replace("build(count, seed)", "build(count)"), ": TypeError: build() takes 1 positional argument"),
    (SCENE + "\nCOUNT = 'many'\n", ": COUNT: expected an integer, got str 'many'"),
    (SCENE + "\nCOUNT = 0\n", ": COUNT: expected an integer, at least 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), BROKEN, ids=[told for _, told in BROKEN])
def test_an_error_in_a_scene_file_names_file_and_line(run: Run, folder: Path, text: str, told: str) -> None:
    (folder / "broken.py").write_text(text)
    result = run("render", "broken.py", "-o", "a.png", "--size", "8x8")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"throng: {folder}/broken.py{told}")
    assert result.stderr.count("\n") == 1
    assert left_behind(folder) == []


def test_a_file_that_is_no_python_is_an_error(run: Run, folder: Path) -> None:
    (folder / "binary.py").write_bytes(b"\xff\xfe\x00")
    result = run("render", "binary.py", "-o", "a.png")
    assert result.exit_code == 1
    assert f"throng: {folder}/binary.py" in result.stderr


# -- as a process ------------------------------------------------------------------------------------------


def test_exit_codes_of_the_process(folder: Path) -> None:
    assert process("list", folder=folder).returncode == 0
    assert process("render", "medow", "-o", "a.png", folder=folder).returncode == 2


def test_a_reader_that_goes_away_is_no_error_to_tell(folder: Path) -> None:
    """As in `throng list --json | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(
            "list", "--json", folder=folder, capture_output=False, stdout=writing, stderr=subprocess.PIPE
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_a_redirection_is_told(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = process("list", folder=folder, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_a_scene_is_built_exits_with_130_and_leaves_nothing(
    run: Run, folder: Path
) -> None:
    (folder / "long.py").write_text(SCENE.replace("scene = throng.Scene()", "raise KeyboardInterrupt"))
    result = run("render", "long.py", "-o", "a.png")
    assert result.exit_code == 130
    assert result.stderr.strip() == "throng: interrupted"
    assert left_behind(folder) == []
