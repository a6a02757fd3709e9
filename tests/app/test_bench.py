"""`throng bench`: what it measures, in which order, and what it reports. Never how fast anything is."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

import throng
from throng import cli, gallery
from throng.errors import InvalidType, InvalidValue, UsageError

MODES = ["indirect", "instanced", "naive", "handwritten"]
SIZE = (96, 64)
bench: Any = gallery.benchmarks().bench  # a package that lies beside the code: its types are its own
report: Any = bench.report


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The JSON and the page of one run over a field, a still scene, and two that move."""
    folder = tmp_path_factory.mktemp("bench")
    files = folder / "bench.json", folder / "bench.html"
    words = ["bench", "cubes", "blades", "city", "asteroids", "particles", "--count", "40", "--count", "90"]
    words += ["--rounds", "2", "--size", "96x64", "--seed", "1"]
    result = CliRunner().invoke(cli.cli, [*words, "--json", str(files[0]), "--html", str(files[1])])
    assert result.exit_code == 0, result.output
    assert sorted(folder.iterdir()) == sorted(files)
    return json.loads(files[0].read_text()), files[1].read_text(encoding="utf-8")


def rows_of(result: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in result["rows"] if wanted.items() <= row.items()]


# -- the figures -------------------------------------------------------------------------------------------


def test_there_is_one_row_for_each_scene_count_and_mode(measured: tuple[dict[str, Any], str]) -> None:
    found = [(row["scene"], row["count"], row["mode"]) for row in measured[0]["rows"]]
    handwritten = {"cubes", "blades", "city"}  # asteroids move, particles have motions
    expected = [
        (scene, count, mode)
        for scene in ("cubes", "blades", "city", "asteroids", "particles")
        for count in (40, 90)
        for mode in MODES
        if mode != "handwritten" or scene in handwritten
    ]
    assert found == expected


def test_a_row_has_every_figure(measured: tuple[dict[str, Any], str]) -> None:
    for row in measured[0]["rows"]:
        assert row["rounds"] == 2
        assert row["label"] == row["mode"], "every switch is on"
        for name in ("frame_ms", "cpu_ms", "gpu_ms"):
            times = row[name]
            assert 0 <= times["min"] <= times["median"] <= times["p95"] < 60_000
        assert 0 < row["cpu_ms"]["median"] <= row["frame_ms"]["median"]
        for name in ("draw_calls", "triangles", "instances", "visible", "pixels_differing"):
            assert isinstance(row[name], int), name
        for name in ("culled", "occluded", "simplified", "splats"):
            assert 0 <= row[name] <= row["instances"], name
        assert row["build_ms"] > 0
        assert row["instances"] >= min(row["count"], 40)
        assert 0 < row["visible"] <= row["instances"]
        assert row["triangles"] > 0


def test_one_draw_or_one_each(measured: tuple[dict[str, Any], str]) -> None:
    result = measured[0]
    for row in rows_of(result, mode="indirect"):
        # One more for what fades, both twice behind occluders; and both for each shadow map.
        assert row["draw_calls"] in ((1, 2, 4) if row["scene"] in ("cubes", "blades") else range(1, 13))
    for row in rows_of(result, scene="cubes", mode="naive"):
        assert row["draw_calls"] == row["count"]
    for row in rows_of(result, scene="cubes", mode="handwritten"):
        assert row["draw_calls"] == 1
        assert row["visible"] == row["instances"] == row["count"]
        assert row["triangles"] == 12 * row["count"]


def test_the_pictures_of_all_modes_agree(measured: tuple[dict[str, Any], str]) -> None:
    for row in measured[0]["rows"]:
        assert row["compared_with"] == "indirect"
        if row["mode"] == "handwritten":  # which knows no reflections
            continue
        assert row["pixels_differing"] <= 0.001 * SIZE[0] * SIZE[1] + 1, row


def test_ratios_are_of_rounds_and_one_for_the_mode_itself(measured: tuple[dict[str, Any], str]) -> None:
    for row in measured[0]["rows"]:
        assert row["ratios"][row["mode"]] == {"low": 1.0, "median": 1.0, "high": 1.0}
        for ratio in row["ratios"].values():
            assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"]


def test_machine_driver_and_versions_are_named(measured: tuple[dict[str, Any], str]) -> None:
    result = measured[0]
    assert result["settings"] == {"size": list(SIZE), "seed": 1}
    machine = result["machine"]
    for name in ("time", "cpu", "platform", "gl_vendor", "gl_renderer", "gl_version", "python"):
        assert isinstance(machine[name], str)
        assert machine[name], name
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0
    assert machine["throng"] == throng.__version__
    assert re.match(r"\d+\.\d+", machine["moderngl"])
    assert re.match(r"\d+\.\d+", machine["numpy"])


# -- with switches off -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The JSON and the page of one run that compares switches; occlusion is off for all."""
    folder = tmp_path_factory.mktemp("switched")
    files = folder / "bench.json", folder / "bench.html"
    words = ["bench", "cubes", "--count", "40", "--rounds", "2", "--size", "96x64", "--no-occlusion"]
    for mode in ("indirect", "indirect:off", "indirect:no-splat,no-lod", "instanced:no-lod", "handwritten"):
        words += ["--mode", mode]
    words += ["--mode", "indirect:no-occlusion"]  # the first one once more
    result = CliRunner().invoke(cli.cli, [*words, "--json", str(files[0]), "--html", str(files[1])])
    assert result.exit_code == 0, result.output
    return json.loads(files[0].read_text()), files[1].read_text(encoding="utf-8")


LABELS: dict[str, set[str]] = {
    "indirect:no-occlusion": {"occlusion"},
    "indirect:off": {"cull", "lod", "occlusion", "splat"},
    "indirect:no-lod,no-occlusion,no-splat": {"lod", "occlusion", "splat"},
    "instanced:no-lod,no-occlusion": {"lod", "occlusion"},
    "handwritten": set(),
}


def test_rows_tell_what_was_off_by_label_and_by_options(switched: tuple[dict[str, Any], str]) -> None:
    rows = switched[0]["rows"]
    assert [row["label"] for row in rows] == list(LABELS)
    for row in rows:
        assert row["mode"] == row["label"].partition(":")[0]
        if row["mode"] == "handwritten":
            assert row["options"] is None
        else:
            off: dict[str, Any] = dict.fromkeys(LABELS[row["label"]], False)
            assert row["options"] == dataclasses.asdict(throng.Options(row["mode"], **off))


def test_ratios_and_comparisons_are_named_by_label(switched: tuple[dict[str, Any], str]) -> None:
    for row in switched[0]["rows"]:
        assert list(row["ratios"]) == list(LABELS)
        assert row["ratios"][row["label"]] == {"low": 1.0, "median": 1.0, "high": 1.0}
        assert row["compared_with"] == "indirect:no-occlusion"


def test_options_reach_the_renderers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    seen: list[throng.Options] = []
    make = throng.Renderer.__init__

    def watched(self: throng.Renderer, *arguments: Any, options: throng.Options, **named: Any) -> None:
        seen.append(options)
        make(self, *arguments, options=options, **named)

    monkeypatch.setattr(throng.Renderer, "__init__", watched)
    modes = ["indirect", "indirect:off", "instanced:no-cull"]
    bench.main(scenes=["cubes"], counts=[5], modes=modes, size=SIZE, rounds=1)
    off: dict[str, Any] = dict.fromkeys(("cull", "lod", "occlusion", "splat"), False)
    assert seen == [
        throng.Options("indirect"),
        throng.Options("indirect", **off),
        throng.Options("instanced", cull=False),
    ]


def test_switches_take_part_in_the_default_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    rows = bench.main(scenes=["cubes"], counts=[5], size=SIZE, rounds=1, off=["lod"])["rows"]
    assert [row["label"] for row in rows] == [
        "indirect:no-lod", "instanced:no-lod", "naive:no-lod", "handwritten",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("indirect", "indirect"),
        ("indirect:off", "indirect:off"),
        ("indirect:no-cull,no-lod,no-occlusion,no-splat", "indirect:off"),
        ("indirect:no-splat,no-cull,no-splat", "indirect:no-cull,no-splat"),
        ("indirect:off,no-lod", "indirect:off"),
        ("naive:no-cull", "naive:no-cull"),
        ("handwritten", "handwritten"),
    ],
)
def test_the_same_switches_have_one_label(text: str, label: str) -> None:
    entry = bench.Entry.parse(text)
    assert entry.label == label
    assert bench.Entry.parse(label) == entry


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("slow", InvalidValue, "expected one of 'indirect', 'instanced', 'naive', 'handwritten', got 'slow'"),
        (3, InvalidType, "expected one of 'indirect', 'instanced', 'naive', 'handwritten', got int 3"),
        ("naive:no-wind", InvalidValue,
         "expected some of 'off', 'no-effects', 'no-soft-particles', 'no-transparency', "
         "'no-motion', 'no-textures', "
         "'no-tone-mapping', 'no-sky', 'no-fog', 'no-lights', 'no-shadows', 'no-reflections', 'no-splat', "
         "'no-occlusion', 'no-lod', 'no-cull' with commas between them, after 'naive:', got 'naive:no-wind'"),
        ("handwritten:", InvalidValue,
         "expected 'handwritten' alone, which has no switches, got 'handwritten:'"),
    ],
)  # fmt: skip
def test_a_mode_that_cannot_be_read_is_told(text: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind) as caught:
        bench.Entry.parse(text)
    assert str(caught.value) == f"mode: {told}"


def test_reports_compare_with_the_first_where_switches_are_off(
    measured: tuple[dict[str, Any], str], switched: tuple[dict[str, Any], str]
) -> None:
    for width in (80, 100, 300):
        assert "first" not in head_of(shown(measured[0], width, terminal=True))
        lines = shown(switched[0], width, terminal=True)
        assert max(map(len, lines)) <= width
        assert "first" in head_of(lines)
        assert "…" not in "".join(lines), "something that was cut off"
    assert "<th>x first</th>" in switched[1]
    assert "<th>x first</th>" not in measured[1]
    assert "<td>indirect:no-lod,no-occlusion,no-splat</td>" in switched[1]
    for name in ("visible", "culled", "occluded", "simplified", "splats", "instances"):
        assert f"<th>{name}</th>" in switched[1]


def test_small_ratios_keep_their_figures() -> None:
    ratios = {"off": {"low": 0.00812, "median": 0.00834, "high": 0.1}}
    assert report._ratio({"label": "on", "ratios": ratios}, "off") == "0.0083 [0.0081-0.10]"


# -- how it measures ---------------------------------------------------------------------------------------


def test_modes_take_turns_and_none_is_always_first(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    make = bench._contender

    def watched(ctx: Any, scene: throng.Scene, entry: Any, target: Any) -> Any:
        contender = make(ctx, scene, entry, target)
        draw = contender.draw

        def noted(camera: throng.Camera) -> None:
            drawn.append(entry.label)
            draw(camera)

        contender.draw = noted
        return contender

    monkeypatch.setattr(bench, "_contender", watched)
    monkeypatch.setattr(report, "print_table", lambda result: None)
    bench.main(scenes=["cubes"], counts=[5], size=SIZE, rounds=3)
    assert drawn[: len(MODES)] == MODES, "each is built and has drawn once before anything is timed"
    rounds = [drawn[at : at + len(MODES)] for at in range(len(MODES), len(drawn), len(MODES))]
    assert len(rounds) == 3 + bench._WARM_UP
    assert all(sorted(one) == sorted(MODES) for one in rounds), "every mode once in every round"
    assert {one[0] for one in rounds[: len(MODES)]} == set(MODES), "each of them comes first in turn"


def test_every_mode_of_a_round_draws_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the camera moves from round to round."""
    seen: list[tuple[float, ...]] = []
    monkeypatch.setattr(report, "print_table", lambda result: None)
    draw = throng.Renderer.draw

    def watched(
        self: throng.Renderer, scene: throng.Scene, camera: throng.Camera, *others: Any, **named: Any
    ) -> None:
        seen.append(tuple(camera.position))
        draw(self, scene, camera, *others, **named)

    monkeypatch.setattr(throng.Renderer, "draw", watched)
    bench.main(scenes=["cubes"], counts=[5], modes=["indirect", "naive"], size=SIZE, rounds=2)
    rounds = [seen[at : at + 2] for at in range(2, len(seen), 2)]
    assert all(one == other for one, other in rounds)
    assert len({one for one, _ in rounds}) == len(rounds) == 4


def test_without_rounds_it_measures_as_long_as_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    monkeypatch.setattr(bench, "_SECONDS", 1e-9)
    (row,) = bench.main(scenes=["cubes"], counts=[5], modes=["naive"], size=SIZE)["rows"]
    assert row["rounds"] == bench._LEAST_ROUNDS


def test_one_measurement_leaves_no_errors_to_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They share a context: what one has released must not be what the next goes back to."""
    monkeypatch.setattr(report, "print_table", lambda result: None)
    bench.main(scenes=["cubes", "blades"], counts=[5, 6], size=SIZE, rounds=1)
    assert caplog.messages == []


def test_a_scene_named_twice_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    modes = ["naive", "naive"]
    result = bench.main(scenes=["cubes", "cubes"], counts=[5], modes=modes, size=SIZE, rounds=1)
    assert len(result["rows"]) == 1


def test_the_default_run_names_scenes_that_exist() -> None:
    for name in bench.DEFAULT:
        assert bench.subject(name).name == name


def test_an_unknown_scene_is_told_before_anything_is_measured() -> None:
    with pytest.raises(
        InvalidValue, match=r"expected one of cubes, blades, trees, .*asteroids, .*got 'cube'.*'cubes'"
    ):
        bench.main(scenes=["cubes", "cube"])


def test_a_page_without_matplotlib_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"--html: expected matplotlib, .*: pip install 'throng\[plots\]'"):
        bench.main(scenes=["cubes"], html_file=Path("never.html"))


# -- what it shows -----------------------------------------------------------------------------------------


class _References(HTMLParser):
    """Whatever a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data") and not (value or "").startswith("#"):
                self.found.append(f"{tag} {value}")
        if tag in ("script", "link", "iframe"):
            self.found.append(tag)


def test_the_page_needs_nothing_else_and_has_a_plot_for_each_scene(
    measured: tuple[dict[str, Any], str],
) -> None:
    result, page = measured
    references = _References()
    references.feed(page)
    assert references.found == []
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(plots) == 5
    for plot in plots:
        assert ElementTree.fromstring(plot).tag.endswith("svg")
    assert page.count("<tr><td>") == len(result["rows"])
    assert result["machine"]["gl_renderer"] in page


def test_ids_of_the_plots_do_not_clash(measured: tuple[dict[str, Any], str]) -> None:
    """Clip paths and glyphs are referred to by id: those of another plot would be taken instead."""
    plots = re.findall(r"<svg.*?</svg>", measured[1], re.DOTALL)
    clips = [set(re.findall(r'<clipPath id="([^"]+)"', plot)) for plot in plots]
    assert all(not one & other for at, one in enumerate(clips) for other in clips[:at])


def head_of(lines: list[str]) -> str:
    """What stands above the first row: the headings are on several lines where the terminal is narrow."""
    end = next(number for number, line in enumerate(lines) if line[2:].startswith("cubes "))
    return "\n".join(lines[:end])


def shown(result: dict[str, Any], width: int, *, terminal: bool) -> list[str]:
    text = io.StringIO()
    console = Console(
        file=text, width=width, force_terminal=terminal, color_system=None, legacy_windows=False
    )
    report.print_table(result, console)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_fits_a_narrow_terminal(measured: tuple[dict[str, Any], str], width: int) -> None:
    lines = shown(measured[0], width, terminal=True)
    assert max(map(len, lines)) <= width
    assert sum(line.strip().startswith(("cubes 40 ", "city 90 ")) for line in lines) == 2
    assert not any("…" in line for line in lines), "a figure that was cut off"


def test_a_pipe_gets_the_whole_table(measured: tuple[dict[str, Any], str]) -> None:
    text = "\n".join(shown(measured[0], 80, terminal=False))
    for name in ("frame ms", "min", "p95", "cpu ms", "visible", "triangles", "build ms", "x handwritten"):
        assert name in text
    assert "[quartiles]" in text


def test_the_yardstick_draws_scenes_of_unlit_and_of_mirrored_things(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    (tmp_path / "odd.py").write_text(
        """
import throng

def build(count, seed):
    scene = throng.Scene()
    scene.add(throng.Node(throng.shapes.tree(1), position=(1.5, 0, 0), scale=(-1, 1, 1)))
    scene.add(throng.Node(throng.shapes.cone(), throng.Material((0.2, 0.9, 0.4), shading="unlit")))
    scene.add(throng.Node(throng.shapes.quad(), throng.Material(double_sided=True), position=(-1.5, 0, 0),
                          rotation=(0, 1, 0, 0), scale=(1, 2, 1)))
    return scene

def camera(scene, seconds):
    return throng.Camera((1, 2, 6), (0, 1, 0))

def update(scene, seconds):
    scene.time = seconds
"""
    )
    scenes, modes = [str(tmp_path / "odd.py")], [f"{mode}:no-effects" for mode in MODES[:3]] + MODES[3:]
    rows = bench.main(scenes=scenes, modes=modes, size=(320, 240), rounds=1)["rows"]
    assert [row["mode"] for row in rows] == MODES
    assert [row["pixels_differing"] <= 0.001 * 320 * 240 for row in rows] == [True] * 4


def test_progress_goes_from_nothing_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "print_table", lambda result: None)
    told: list[tuple[str, float]] = []
    subject, ctx_modes = bench.subject("cubes"), ["naive"]
    measure = bench.measure

    def watched(*arguments: Any) -> Any:
        *others, advance = arguments

        def note(text: str, share: float) -> None:
            told.append((text, share))
            advance(text, share)

        return measure(*others, note)

    monkeypatch.setattr(bench, "measure", watched)
    bench.main(scenes=[subject.name], counts=[5], modes=ctx_modes, size=SIZE, rounds=2)
    assert told[0] == ("cubes 5: building", 0.0)
    assert told[-1][1] == 1.0
    assert [share for _, share in told] == sorted(share for _, share in told)
