"""`throng bench`: the modes against each other, frame by frame in turns."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

import throng
from throng import arrays, files
from throng.errors import InvalidValue
from throng.gpu import rawgl
from throng.gpu.context import Capabilities, checked_texture, choose_mode, collect, create_headless
from throng.options import EFFECTS, SWITCHES

from . import handwritten, report
from .machine import machine
from .subjects import FRAME_SECONDS, Subject, subject

MODES = ("indirect", "instanced", "naive", "handwritten")
DEFAULT = ("cubes", "blades", "trees", "meadow", "city")
_WARM_UP = 2  # frames that do not count
_SECONDS = 5.0  # for one scene and count, unless rounds are given
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 200
_SEEN = 2  # of 255: smaller differences between pictures do not count

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What takes part: a mode, and the switches of Options that it leaves off, in their order."""

    mode: str
    off: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, off: Iterable[str] = ()) -> Entry:
        """From "indirect", "indirect:off" or "indirect:no-lod,no-occlusion"; `off` are off in any case.

        "off" is everything that finds out what need not be drawn, "no-effects" all that a hand-written loop
        with Lambert's law has not. Raises InvalidValue or InvalidType. "handwritten" has no switches: it
        takes no notice of `off`.
        """
        mode, colon, named = text.partition(":") if isinstance(text, str) else (text, "", "")
        arrays.choice(mode, "mode", MODES)
        if mode == "handwritten":
            if colon:
                raise InvalidValue(f"mode: expected 'handwritten' alone, which has no switches, got {text!r}")
            return cls(mode)
        words = {f"no-{switch.replace('_', '-')}": {switch} for switch in (*SWITCHES, *EFFECTS)}
        words |= {"no-effects": set(EFFECTS), "off": set(SWITCHES)}
        every = set(off)
        for word in named.split(",") if colon else ():
            if word not in words:
                raise InvalidValue(
                    f"mode: expected some of {', '.join(map(repr, reversed(words)))} with commas between "
                    f"them, after '{mode}:', got {text!r}"
                )
            every |= words[word]
        return cls(mode, tuple(switch for switch in (*SWITCHES, *EFFECTS) if switch in every))

    @property
    def label(self) -> str:
        """How it is named in reports: the same text for the same switches, which `parse` understands."""
        if not self.off:
            return self.mode
        words = []
        for every, word in ((SWITCHES, "off"), (EFFECTS, "no-effects")):
            some = [switch for switch in every if switch in self.off]
            words += [word] if len(some) == len(every) else [f"no-{name.replace('_', '-')}" for name in some]
        return f"{self.mode}:{','.join(words)}"

    @property
    def options(self) -> throng.Options | None:
        """What a renderer gets; None for the yardstick, which has no options."""
        if self.mode == "handwritten":
            return None
        left_off: dict[str, Any] = dict.fromkeys(self.off, False)
        return throng.Options(mode=self.mode, **left_off)


@dataclass
class _Contender:
    """One entry at work on one scene."""

    entry: Entry
    draw: Callable[[throng.Camera], None]
    figures: Callable[[], dict[str, int]]
    release: Callable[[], None]
    build_ms: float = 0.0
    frame_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    gpu_ms: list[float] = field(default_factory=list)
    picture: npt.NDArray[np.int16] | None = None


def main(
    scenes: Sequence[str] = (),
    counts: Sequence[int] = (),
    modes: Sequence[str] = (),
    size: tuple[int, int] = (1280, 720),
    seed: int = 0,
    rounds: int | None = None,
    json_file: Path | None = None,
    html_file: Path | None = None,
    off: Sequence[str] = (),
) -> dict[str, Any]:
    """Measures, prints a table, writes the files asked for; returns the report.

    modes  such as Entry.parse takes; by default all that there are, with every switch on
    off    switches that are off for all of them
    """
    if html_file is not None:
        report.need_matplotlib()
    entries = [Entry.parse(text, off) for text in modes]
    subjects = [subject(name) for name in dict.fromkeys(scenes or DEFAULT)]
    result: dict[str, Any] = {"settings": {"size": list(size), "seed": seed}, "rows": []}
    with rawgl.current():
        ctx = create_headless()
    with rawgl.current(ctx):
        try:
            capabilities = Capabilities.of(ctx)
            most = capabilities.max_texture_size
            if max(size) > most:
                raise InvalidValue(f"size: expected at most {most}x{most} pixels, got {size[0]}x{size[1]}")
            for entry in entries:
                if entry.mode != "handwritten":
                    choose_mode(entry.mode, capabilities)
            result["machine"] = machine(capabilities)
            possible = [mode for mode, reason in capabilities.modes().items() if reason is None]
            entries = entries or [Entry.parse(mode, off) for mode in [*possible, "handwritten"]]
            wanted = list(dict.fromkeys(entry.label for entry in entries))
            jobs = [(one, count) for one in subjects for count in counts or (one.default_count,)]
            with report.progress(len(jobs)) as advance:
                for one, count in jobs:
                    result["rows"] += measure(ctx, one, count, wanted, size, seed, rounds, advance)
        finally:
            collect(ctx)
            ctx.release()
    report.print_table(result)
    if json_file is not None:
        with files.whole(json_file) as file:
            file.write_text(json.dumps(_known(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if html_file is not None:
        with files.whole(html_file) as file:
            file.write_text(report.html(result), encoding="utf-8")
    return result


def measure(
    ctx: moderngl.Context,
    what: Subject,
    count: int,
    modes: Sequence[str],
    size: tuple[int, int],
    seed: int,
    rounds: int | None,
    advance: Callable[[str, float], None] = lambda text, share: None,
) -> list[Row]:
    """A row for each mode: frames drawn in turns, each finished before the next begins.

    modes    such as Entry.parse takes
    advance  hears what is being done, and the share that is done
    """
    entries = [Entry.parse(text) for text in modes]
    advance(f"{what.name} {count:,}: building", 0.0)
    began = time.perf_counter()
    scene = what.build(count, seed)
    what.update(scene, 0.0)
    build_ms = (time.perf_counter() - began) * 1e3
    excuse = handwritten.missing(scene, what.update) if Entry("handwritten") in entries else None
    if excuse and entries == [Entry("handwritten")]:
        raise InvalidValue(f"mode: expected one that can draw {what.name}, got 'handwritten': {excuse}")
    picture = checked_texture(ctx, size, 4, purpose="the picture")
    target = ctx.framebuffer([picture], ctx.depth_texture(size))
    timer = ctx.query(time=True)
    contenders = []
    try:
        for entry in entries:
            if entry.mode == "handwritten" and excuse:
                continue
            advance(f"{what.name} {count:,}: {entry.label}", 0.0)
            began = time.perf_counter()
            contender = _contender(ctx, scene, entry, target)
            contenders.append(contender)
            contender.draw(what.camera(scene, 0.0))
            ctx.finish()
            contender.build_ms = build_ms + (time.perf_counter() - began) * 1e3
            contender.picture = np.frombuffer(target.read(components=3), np.uint8).astype(np.int16)
        gc.collect()
        gc.disable()
        begun = time.perf_counter()
        turn = 0
        while _goes_on(turn, begun, rounds):
            seconds = turn * FRAME_SECONDS
            camera = what.camera(scene, seconds)
            for contender in contenders[turn % len(contenders) :] + contenders[: turn % len(contenders)]:
                started = time.perf_counter()
                with timer:
                    what.update(scene, seconds)
                    contender.draw(camera)
                    submitted = time.perf_counter()
                    ctx.finish()
                finished = time.perf_counter()
                if turn >= _WARM_UP:
                    contender.cpu_ms.append((submitted - started) * 1e3)
                    contender.frame_ms.append((finished - started) * 1e3)
                    contender.gpu_ms.append(timer.elapsed / 1e6)
            turn += 1
            share = turn / (rounds + _WARM_UP) if rounds else (time.perf_counter() - begun) / _SECONDS
            advance(f"{what.name} {count:,}: round {turn}", min(share, 1.0))
        return [_row(what.name, count, contender, contenders) for contender in contenders]
    finally:
        gc.enable()
        for contender in contenders:
            contender.release()
        # moderngl goes back to the framebuffer that was used last, which must not be a released one.
        ctx.detect_framebuffer(0).use()
        for attachment in (*target.color_attachments, target.depth_attachment):
            attachment.release()
        target.release()
        collect(ctx)


def _goes_on(turn: int, begun: float, rounds: int | None) -> bool:
    measured = turn - _WARM_UP
    if rounds is not None:
        return measured < rounds
    return measured < _LEAST_ROUNDS or (measured < _MOST_ROUNDS and time.perf_counter() - begun < _SECONDS)


def _contender(
    ctx: moderngl.Context, scene: throng.Scene, entry: Entry, target: moderngl.Framebuffer
) -> _Contender:
    options = entry.options
    if options is None:
        yardstick = handwritten.Handwritten(ctx, scene)

        def figures() -> dict[str, int]:
            return {"draw_calls": yardstick.draw_calls, "triangles": yardstick.triangles}

        return _Contender(entry, lambda camera: yardstick.draw(camera, target), figures, yardstick.release)
    renderer = throng.Renderer(context=ctx, options=options)

    def from_stats() -> dict[str, int]:
        stats = renderer.stats
        assert stats is not None
        return {
            "draw_calls": stats.draw_calls,
            "instances": stats.instances,
            "visible": stats.visible,
            "culled": stats.culled,
            "occluded": stats.occluded,
            "simplified": stats.simplified,
            "splats": stats.splats,
            "triangles": stats.triangles,
        }

    def draw(camera: throng.Camera) -> None:
        renderer.draw(scene, camera, target, clear=True)

    return _Contender(entry, draw, from_stats, renderer.close)


def _row(name: str, count: int, mine: _Contender, contenders: Sequence[_Contender]) -> Row:
    assert mine.picture is not None
    assert contenders[0].picture is not None
    differing = int((np.abs(mine.picture - contenders[0].picture).reshape(-1, 3).max(axis=1) > _SEEN).sum())
    # The yardstick counts no instances, and draws all that the others know of.
    every = max(other.figures().get("instances", 0) for other in contenders) or count
    options = mine.entry.options
    row: Row = {
        "scene": name,
        "count": count,
        "label": mine.entry.label,
        "mode": mine.entry.mode,
        "options": None if options is None else asdict(options),
        "rounds": len(mine.frame_ms),
        "frame_ms": _spread(mine.frame_ms),
        "cpu_ms": _spread(mine.cpu_ms),
        "gpu_ms": _spread(mine.gpu_ms),
        "instances": every,
        "visible": every,
        **dict.fromkeys(("culled", "occluded", "simplified", "splats"), 0),
        **mine.figures(),
        "build_ms": mine.build_ms,
        "pixels_differing": differing,
        "compared_with": contenders[0].entry.label,
        "ratios": {},
    }
    for other in contenders:
        ratios = np.array(mine.frame_ms) / np.array(other.frame_ms)
        row["ratios"][other.entry.label] = dict(
            zip(("low", "median", "high"), np.percentile(ratios, (25, 50, 75)).tolist(), strict=True)
        )
    return row


def _spread(values: Sequence[float]) -> dict[str, Any]:
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    return {
        "median": median,
        "min": min(values),
        "p95": float(np.percentile(values, 95)),
        "quartiles": [low, high],
    }


def _known(value: Any) -> Any:
    """JSON has no nan: what is not known is null."""
    if isinstance(value, dict):
        return {key: _known(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
