"""Reports of a benchmark: a table on the terminal, and a page with plots."""

from __future__ import annotations

import html as markup
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from throng.errors import UsageError

_COLORS = {"indirect": "#2a7f62", "instanced": "#3d6fb4", "naive": "#c0563f", "handwritten": "#8a8a8a"}


@contextmanager
def progress(jobs: int) -> Iterator[Callable[[str, float], None]]:
    """Shows on a terminal how far `jobs` jobs have come: what it yields is told of each step."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=jobs)
        begun: dict[str, None] = {}

        def advance(text: str, share: float) -> None:
            begun[text.partition(":")[0]] = None
            bar.update(task, description=text, completed=len(begun) - 1 + share)

        yield advance


def print_table(result: dict[str, Any], console: Console | None = None) -> None:
    """The report for people: the most important columns where the terminal is narrow."""
    console = console or Console()
    narrow = console.is_terminal and console.width < _WIDTH
    if not narrow and console.width < _WIDTH:  # a pipe has no width of its own
        console = Console(file=console.file, width=_WIDTH)
    width, height = result["settings"]["size"]
    machine = result["machine"]
    table = Table(
        title=f"{machine['gl_renderer']}, {machine['cores']} cores, {width}x{height}",
        title_justify="left",
        caption=_LEGEND + ("" if narrow else r" \[quartiles]") + ".",
        caption_justify="left",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
    )
    table.add_column("scene")
    table.add_column("mode")
    columns = [column for column in _COLUMNS if column.important or not narrow]
    for column in columns:
        table.add_column(column.name.replace(" ", "\n") if narrow else column.name, justify="right")
    rows = result["rows"]
    for number, row in enumerate(rows):
        first = number == 0 or _group(rows[number - 1]) != _group(row)
        last = number + 1 == len(rows) or _group(rows[number + 1]) != _group(row)
        table.add_row(
            f"{row['scene']} {row['count']:,}" if first else "",
            row["mode"],
            *(column.text(row, not narrow) for column in columns),
            end_section=last,
        )
    console.print(table)


@dataclass(frozen=True)
class _Column:
    """`text` makes a cell of a row; with quartiles or without."""

    name: str
    text: Callable[[dict[str, Any], bool], str]
    important: bool = False


_COLUMNS = (
    _Column("frame ms", lambda row, _: f"{row['frame_ms']['median']:.2f}", important=True),
    _Column("min", lambda row, _: f"{row['frame_ms']['min']:.2f}"),
    _Column("p95", lambda row, _: f"{row['frame_ms']['p95']:.2f}"),
    _Column("cpu ms", lambda row, _: f"{row['cpu_ms']['median']:.2f}"),
    _Column("draws", lambda row, _: f"{row['draw_calls']:,}", important=True),
    _Column("triangles", lambda row, _: f"{row['triangles']:,}"),
    _Column("build ms", lambda row, _: f"{row['build_ms']:.0f}"),
    _Column("pixels", lambda row, _: f"{row['pixels_differing']:,}", important=True),
    _Column("x naive", lambda row, quartiles: _ratio(row, "naive", quartiles), important=True),
    _Column("x handwritten", lambda row, quartiles: _ratio(row, "handwritten", quartiles), important=True),
)
_LEGEND = (
    "Frames of all modes in turns, each finished before the next; medians. pixels: how many differ from the "
    "first mode's by more than 2/255. x: frame time as a multiple of that mode's, median of the rounds"
)
_WIDTH = 150


def need_matplotlib() -> None:
    """Raises UsageError where matplotlib is not there, before anything is measured."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--html: expected matplotlib, which is not installed: pip install 'throng[plots]'"
        ) from error


def html(result: dict[str, Any]) -> str:
    """The report as one page that needs nothing else."""
    rows = result["rows"]
    figures = "\n".join(_plot(name, [row for row in rows if row["scene"] == name]) for name in _scenes(rows))
    machine = "".join(
        f"<tr><th>{markup.escape(str(key))}</th><td>{markup.escape(str(value))}</td></tr>"
        for key, value in result["machine"].items()
    )
    return _PAGE % {"figures": figures, "table": _html_table(rows), "machine": machine}


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>throng bench</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
svg { max-width: 100%% }
</style>
<h1>throng bench</h1>
<p>Frames of all modes in turns, each finished before the next. Bars are medians, whiskers reach from the
fastest frame to the 95th percentile.</p>
%(figures)s
<h2>Figures</h2>
%(table)s
<h2>Machine</h2>
<table>%(machine)s</table>
</html>
"""


def _plot(name: str, rows: list[dict[str, Any]]) -> str:
    """An SVG: a group of bars for each count."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    counts = sorted({row["count"] for row in rows})
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    figure = Figure(figsize=(9, 1.2 + 0.42 * len(counts) * len(modes)), layout="constrained")
    axes = figure.add_subplot()
    labels = []
    for group, count in enumerate(counts):
        for place, mode in enumerate(modes):
            row = next((row for row in rows if row["count"] == count and row["mode"] == mode), None)
            if row is None:
                continue
            frame, at = row["frame_ms"], -(group * (len(modes) + 0.6) + place)
            whiskers = [[frame["median"] - frame["min"]], [max(frame["p95"] - frame["median"], 0)]]
            axes.barh(at, frame["median"], 0.8, color=_COLORS[mode], xerr=whiskers, ecolor="#444")
            labels.append((at, f"{mode}, {count:,}"))
    axes.set_yticks([at for at, _ in labels], [text for _, text in labels])
    axes.set_xlabel("ms a frame")
    axes.set_title(name)
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return text.getvalue()[text.getvalue().index("<svg") :]


def _html_table(rows: list[dict[str, Any]]) -> str:
    names = ("scene", "count", "mode", "rounds", "frame ms", "min", "p95", "cpu ms", "gpu ms", "draws",
             "triangles", "build ms", "pixels differing", "x naive", "x handwritten")  # fmt: skip
    lines = ["<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"]
    for row in rows:
        frame = row["frame_ms"]
        values = [
            f"{row['count']:,}", row["mode"], str(row["rounds"]),
            f"{frame['median']:.2f}", f"{frame['min']:.2f}", f"{frame['p95']:.2f}",
            f"{row['cpu_ms']['median']:.2f}", f"{row['gpu_ms']['median']:.2f}",
            f"{row['draw_calls']:,}", f"{row['triangles']:,}", f"{row['build_ms']:.0f}",
            f"{row['pixels_differing']:,}", _ratio(row, "naive"), _ratio(row, "handwritten"),
        ]  # fmt: skip
        cells = "".join(f'<td class="number">{markup.escape(value)}</td>' for value in values)
        lines.append(f"<tr><td>{markup.escape(row['scene'])}</td>{cells}</tr>")
    return "\n".join([*lines, "</table>"])


def _ratio(row: dict[str, Any], mode: str, quartiles: bool = True) -> str:
    ratio = row["ratios"].get(mode)
    if ratio is None or row["mode"] == mode:
        return ""
    return f"{ratio['median']:.2f}" + (f" [{ratio['low']:.2f}-{ratio['high']:.2f}]" if quartiles else "")


def _scenes(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["scene"] for row in rows))


def _group(row: dict[str, Any]) -> tuple[str, int]:
    return row["scene"], row["count"]
