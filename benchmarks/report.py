"""Reports of a benchmark: a table on the terminal, and a page with plots."""

from __future__ import annotations

import html as markup
import io
import re
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
    table = _table(result, narrow=False)
    wanted = Console(file=io.StringIO(), width=_ENDLESS).measure(table).maximum
    if console.width < wanted and console.is_terminal:
        table = _table(result, narrow=True)
    elif console.width < wanted:  # a pipe has no width of its own
        console = Console(file=console.file, width=wanted)
    console.print(table)


def _table(result: dict[str, Any], *, narrow: bool) -> Table:
    width, height = result["settings"]["size"]
    machine, rows = result["machine"], result["rows"]
    table = Table(
        title=f"{machine['gl_renderer']}, {machine['cores']} cores, {width}x{height}",
        title_justify="left",
        caption=_LEGEND + ("" if narrow else r" \[quartiles]") + ".",
        caption_justify="left",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
    )
    table.add_column("scene")
    table.add_column("mode")
    columns = [column for column in _columns(rows) if column.important or (column.shown and not narrow)]
    for column in columns:
        table.add_column(_folded(column.name) if narrow else column.name, justify="right")
    for number, row in enumerate(rows):
        first = number == 0 or _group(rows[number - 1]) != _group(row)
        last = number + 1 == len(rows) or _group(rows[number + 1]) != _group(row)
        table.add_row(
            f"{row['scene']} {row['count']:,}" if first else "",
            _folded(row["label"]) if narrow else row["label"],
            *(column.text(row, not narrow) for column in columns),
            end_section=last,
        )
    return table


def _folded(name: str) -> str:
    return re.sub("(?<=[:,]) ?| ", "\n", name)


@dataclass(frozen=True)
class _Column:
    """`text` makes a cell of a row; with quartiles or without. A page shows all, a terminal the `shown`."""

    name: str
    text: Callable[[dict[str, Any], bool], str]
    shown: bool = True
    important: bool = False


def _number(name: str, key: str, *, shown: bool = True, important: bool = False) -> _Column:
    return _Column(name, lambda row, _: f"{row[key]:,}", shown, important)


_COLUMNS = (
    _number("rounds", "rounds", shown=False),
    _Column("frame ms", lambda row, _: f"{row['frame_ms']['median']:.2f}", important=True),
    _Column("min", lambda row, _: f"{row['frame_ms']['min']:.2f}"),
    _Column("p95", lambda row, _: f"{row['frame_ms']['p95']:.2f}"),
    _Column("cpu ms", lambda row, _: f"{row['cpu_ms']['median']:.2f}"),
    _Column("gpu ms", lambda row, _: f"{row['gpu_ms']['median']:.2f}", shown=False),
    _number("draws", "draw_calls", important=True),
    _number("instances", "instances", shown=False),
    _number("visible", "visible"),
    _number("culled", "culled", shown=False),
    _number("occluded", "occluded", shown=False),
    _number("simplified", "simplified", shown=False),
    _number("splats", "splats", shown=False),
    _number("triangles", "triangles"),
    _Column("build ms", lambda row, _: f"{row['build_ms']:.0f}"),
    _number("pixels", "pixels_differing", important=True),
)
_LEGEND = (
    "Frames of all modes in turns, each finished before the next; medians. pixels: how many differ from the "
    "first mode's by more than 2/255. x: frame time as a multiple of that mode's, median of the rounds"
)
_ENDLESS = 10_000  # characters: wider than any table
_BASELINES = ("naive", "handwritten")


def _columns(rows: list[dict[str, Any]]) -> list[_Column]:
    """Those that every report has, and ratios: to the first where switches are off, and to the baselines."""
    switched = any(row["label"] != row["mode"] for row in rows)
    baselines = {row["label"]: None for mode in _BASELINES for row in rows if row["mode"] == mode}
    first = [_against(None, important=True)] * switched
    return [*_COLUMNS, *first, *(_against(label, important=not switched) for label in baselines)]


def _against(label: str | None, *, important: bool) -> _Column:
    """Frame times as multiples of that one's; None: of the first one's."""

    def text(row: dict[str, Any], quartiles: bool) -> str:
        return _ratio(row, label or row["compared_with"], quartiles)

    return _Column(f"x {label or 'first'}", text, important=important)


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
    return _PAGE % {"legend": _LEGEND, "figures": figures, "table": _html_table(rows), "machine": machine}


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>throng bench</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
svg { max-width: 100%% }
div { overflow-x: auto }
</style>
<h1>throng bench</h1>
<p>%(legend)s. Bars are medians, whiskers reach from the fastest frame to the 95th percentile.</p>
%(figures)s
<h2>Figures</h2>
<div>%(table)s</div>
<h2>Machine</h2>
<table>%(machine)s</table>
</html>
"""


def _plot(name: str, rows: list[dict[str, Any]]) -> str:
    """An SVG: a group of bars for each count."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    counts = sorted({row["count"] for row in rows})
    labels = list(dict.fromkeys(row["label"] for row in rows))
    figure = Figure(figsize=(9, 1.2 + 0.42 * len(counts) * len(labels)), layout="constrained")
    axes = figure.add_subplot()
    ticks = []
    for group, count in enumerate(counts):
        for place, label in enumerate(labels):
            row = next((row for row in rows if row["count"] == count and row["label"] == label), None)
            if row is None:
                continue
            frame, at = row["frame_ms"], -(group * (len(labels) + 0.6) + place)
            whiskers = [[frame["median"] - frame["min"]], [max(frame["p95"] - frame["median"], 0)]]
            color = _COLORS[row["mode"]] + ("" if label == row["mode"] else "90")  # paler: switches are off
            axes.barh(at, frame["median"], 0.8, color=color, xerr=whiskers, ecolor="#444")
            ticks.append((at, f"{label}, {count:,}"))
    axes.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
    axes.set_xlabel("ms a frame")
    axes.set_title(name)
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return text.getvalue()[text.getvalue().index("<svg") :]


def _html_table(rows: list[dict[str, Any]]) -> str:
    columns = _columns(rows)
    names = ("scene", "count", "mode", *(column.name for column in columns))
    lines = ["<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"]
    for row in rows:
        cells = "".join(
            f'<td class="number">{markup.escape(column.text(row, True))}</td>' for column in columns
        )
        name = f"<td>{markup.escape(row['scene'])}</td>"
        lines.append(f"<tr>{name}<td>{row['count']:,}</td><td>{row['label']}</td>{cells}</tr>")
    return "\n".join([*lines, "</table>"])


def _ratio(row: dict[str, Any], label: str, quartiles: bool = True) -> str:
    ratio = row["ratios"].get(label)
    if ratio is None or row["label"] == label:
        return ""
    low, median, high = (
        f"{ratio[name]:.{2 if ratio[name] >= 0.1 else 4}f}" for name in ("low", "median", "high")
    )
    return f"{median} [{low}-{high}]" if quartiles else median


def _scenes(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["scene"] for row in rows))


def _group(row: dict[str, Any]) -> tuple[str, int]:
    return row["scene"], row["count"]
