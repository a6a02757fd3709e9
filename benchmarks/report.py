"""Reports of a benchmark: a table on the terminal, and a page with plots."""

from __future__ import annotations

import html as markup
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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


def print_table(result: dict[str, Any]) -> None:
    """The report for people."""
    width, height = result["settings"]["size"]
    machine = result["machine"]
    title = f"{machine['gl_renderer']}, {machine['cores']} cores, {width}x{height}"
    table = Table(title=title, title_justify="left", caption=_LEGEND, caption_justify="left")
    table.add_column("scene")
    table.add_column("mode")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    rows = result["rows"]
    for number, row in enumerate(rows):
        first = number == 0 or _group(rows[number - 1]) != _group(row)
        last = number + 1 == len(rows) or _group(rows[number + 1]) != _group(row)
        frame = row["frame_ms"]
        table.add_row(
            f"{row['scene']} {row['count']:,}" if first else "",
            row["mode"],
            f"{frame['median']:.2f}",
            f"{frame['min']:.2f}",
            f"{frame['p95']:.2f}",
            f"{row['cpu_ms']['median']:.2f}",
            f"{row['draw_calls']:,}",
            f"{row['triangles']:,}",
            f"{row['build_ms']:.0f}",
            f"{row['pixels_differing']:,}",
            _ratio(row, "naive"),
            _ratio(row, "handwritten"),
            end_section=last,
        )
    console = Console()
    if console.width < _WIDTH:  # a pipe or a narrow terminal: whole lines rather than broken numbers
        console = Console(width=_WIDTH)
    console.print(table)


_COLUMNS = (
    "frame ms", "min", "p95", "cpu ms", "draws", "triangles", "build ms", "pixels", "x naive",
    "x handwritten",
)  # fmt: skip
_LEGEND = (
    "Frames of all modes in turns, each finished before the next; medians. pixels: how many differ from the\n"
    "first mode's by more than 2/255. x: frame time as a multiple of that mode's, median of the rounds\n"
    "(quartiles)."
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


def _ratio(row: dict[str, Any], mode: str) -> str:
    ratio = row["ratios"].get(mode)
    if ratio is None or row["mode"] == mode:
        return ""
    return f"{ratio['median']:.2f} [{ratio['low']:.2f}-{ratio['high']:.2f}]"


def _scenes(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["scene"] for row in rows))


def _group(row: dict[str, Any]) -> tuple[str, int]:
    return row["scene"], row["count"]
