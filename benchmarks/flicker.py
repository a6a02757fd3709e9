"""Whether the fast picture flickers more: `python -m benchmarks.flicker [SCENE ...] [--pictures FOLDER]`.

The camera goes along a path, thirty pictures a second, and time stands still: nothing else moves.

walk  from near by, at 1.5 metres a second, turning by 4 degrees a second
out   from a middle distance, away by 1 % with each picture: past every change of detail on its way
turn  from where the whole scene is in view, by 1.5 degrees a second: by less than a pixel with each picture

What changes from picture to picture is what moves anyway and what flickers. The first is the same in a
supersampled path, so the flicker of a path is the mean absolute change of its pictures less the change of
the supersampled ones. It is given for `plain` (full detail, one sample a pixel, which flickers too), for
`fast`, and as their ratio; the same for what a blur leaves, where many pixels that change together are seen,
as when a whole stand of trees changes its detail at once; and for the one step at which the ratio is largest.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import throng
from throng import math3d
from throng.gallery import find

from .honesty import (
    SECONDS,
    SWITCHES,
    Floats,
    Painter,
    Row,
    arguments,
    averaged,
    blurred,
    encoded,
    linear,
    ratio,
    removed,
    views,
    write_json,
)
from .machine import machine

COUNTS = {"forest": 40_000, "grass": 60_000, "city": 10_000, "asteroids": 20_000}
PATHS = {"walk": "near", "out": "middle", "turn": "far"}  # and the distance that each begins at
RATE = 30.0  # pictures a second
FRAMES = 30
WALKING = 1.5  # metres a second
TURNING = {"walk": 4.0, "out": 0.0, "turn": 1.5}  # degrees a second
LEAVING = 0.01  # of the distance, with each picture of "out"


def path(name: str, start: throng.Camera, frames: int = FRAMES) -> Iterator[throng.Camera]:
    """The cameras of a path that begins at `start`."""
    ahead = start.target - start.position
    level = ahead * (1, 0, 1) / np.linalg.norm(ahead * (1, 0, 1))
    for number in range(frames):
        seconds = number / RATE
        position, looking = start.position, _turned(ahead, TURNING[name] * seconds)
        if name == "walk":
            position = position + level * WALKING * seconds
        elif name == "out":
            position = start.target - ahead * (1 + LEAVING) ** number
            looking = start.target - position
        yield throng.Camera(
            position, position + looking, fov=start.fov or 60.0, near=start.near, far=2 * start.far
        )


def _turned(direction: Any, degrees: float) -> Any:
    half = math.radians(degrees) / 2
    return (
        math3d.affines(
            np.zeros((1, 3)), np.array([(0.0, math.sin(half), 0.0, math.cos(half))]), np.ones((1, 3))
        )[0, :, :3]
        @ direction
    )


@dataclass
class _Change:
    """How the pictures of a path change, and how much more than those of the supersampled path do.

    moving   mean absolute change from picture to picture, of sRGB 0..255
    flicker  the same of the pictures less the reference
    soft     the same after a blur
    """

    moving: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    soft: list[float] = field(default_factory=list)
    heat: Floats | None = None

    def add(self, now: _Looks, before: _Looks, moved: _Looks | None, moved_before: _Looks | None) -> None:
        """The step from `before` to `now`, while the reference went from `moved_before` to `moved`."""
        sharp, soft = now.sharp - before.sharp, now.soft - before.soft
        self.moving.append(float(np.abs(sharp).mean()) * 255)
        if moved is None or moved_before is None:
            return
        sharp = np.abs(sharp - (moved.sharp - moved_before.sharp))
        self.flicker.append(float(sharp.mean()) * 255)
        self.soft.append(float(np.abs(soft - (moved.soft - moved_before.soft)).mean()) * 255)
        self.heat = sharp if self.heat is None else self.heat + sharp


@dataclass(frozen=True)
class _Looks:
    """A picture as it is and blurred, sRGB 0..1."""

    sharp: Floats
    soft: Floats

    @classmethod
    def of(cls, light: Floats) -> _Looks:
        """From a picture in linear light."""
        return cls(encoded(light), encoded(blurred(light)))


def film(
    painter: Painter, scene: throng.Scene, cameras: Collection[throng.Camera], reference: bool = True
) -> tuple[Row, Image.Image]:
    """The figures of one path, and where its pictures flicker."""
    first = next(iter(cameras))
    still = painter.settled(scene, first).color
    again = [painter.fast(scene, first).color for _ in range(2)]
    unsteady = float(np.mean([(color != still).any(axis=2).mean() for color in again]))
    changes = {"plain": _Change(), "fast": _Change(), "reference": _Change()}
    before: dict[str, _Looks] = {}
    for camera in cameras:
        fast = painter.fast(scene, camera)
        now = {
            "plain": _Looks.of(linear(painter.plain(scene, camera).color)),
            "fast": _Looks.of(linear(fast.color)),
        }
        if reference:
            large = painter.reference(scene, camera).color
            now["reference"] = _Looks.of(averaged(linear(large), painter.factor))
        for name, looks in now.items():
            if before:
                changes[name].add(looks, before[name], now.get("reference"), before.get("reference"))
        before = now
    plain, quick = changes["plain"], changes["fast"]
    row: Row = {"unsteady": unsteady, "removed": removed(fast.stats), "ratios": {}, "steps": {}}
    for measure in ("moving", "flicker", "soft"):
        steps = {name: getattr(changes[name], measure) for name in changes}
        if not steps["plain"]:
            continue
        row[measure] = {name: float(np.mean(values)) for name, values in steps.items() if values}
        row["ratios"][measure] = ratio(row[measure]["fast"], row[measure]["plain"])
        row["ratios"][f"largest {measure}"] = max(map(ratio, steps["fast"], steps["plain"]))
        row["steps"][measure] = steps
    return row, _sheet(before["fast"].sharp, plain.heat, quick.heat)


def _sheet(last: Floats, *heats: Floats | None) -> Image.Image:
    """The last picture, and how much each pixel flickered on the way, plain and fast."""
    most = max((float(np.percentile(heat, 99.5)) for heat in heats if heat is not None), default=1.0) or 1.0
    tiles = [last, *(heat / most for heat in heats if heat is not None)]
    return Image.fromarray(np.round(np.clip(np.concatenate(tiles, axis=1), 0, 1) * 255).astype(np.uint8))


_HEAD = " | ".join(
    (f"{'':16}", f"{'changes: plain, fast, reference':>31}", f"{'flicker':>25}", f"{'blurred':>25}",
     "unsteady", "removed")
)  # fmt: skip


def _line(row: Row) -> str:
    names, moving = ("plain", "fast", "reference"), row["moving"]
    parts = [f"{row['scene'] + ' ' + row['path']:16}"]
    known = [f"{moving[name]:6.2f}" if name in moving else f"{'-':>6}" for name in names]
    parts.append(f"{' '.join(known)} {row['ratios']['moving']:5.2f} {row['ratios']['largest moving']:4.2f}")
    for name in ("flicker", "soft"):
        if name in row:
            of = row[name]
            parts.append(
                f"{of['plain']:6.3f} {of['fast']:6.3f} {row['ratios'][name]:5.2f} "
                f"{row['ratios'][f'largest {name}']:5.2f}"
            )
        else:
            parts.append(f"{'-':>25}")
    parts.append(f"{row['unsteady'] * 100:7.3f}%")
    left_out = [f"{count:,} {name}" for name, count in row["removed"].items() if count]
    parts.append(", ".join(left_out) or "nothing")
    return " | ".join(parts)


def report(
    scenes: Collection[str],
    count: int | None = None,
    size: tuple[int, int] = (320, 180),
    mode: str = "auto",
    on: Collection[str] = SWITCHES,
    seed: int = 0,
    frames: int = FRAMES,
    reference: bool = True,
    pictures: Path | None = None,
) -> dict[str, Any]:
    """Films, prints and returns the figures of these scenes; writes where they flicker to `pictures`."""
    demos = [find(name) for name in scenes]
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with Painter(size, mode, on) as painter:
        known = machine(painter.capabilities)
        print("of each kind: plain, fast, their ratio, and the ratio of the worst step")
        print(_HEAD, flush=True)
        for demo in demos:
            number = COUNTS.get(demo.name, demo.count) if count is None else count
            scene = demo.build(number, seed)
            demo.update(scene, SECONDS)
            starts = views(demo.name, scene, demo.camera(scene, SECONDS), size)
            for name, distance in PATHS.items():
                cameras = list(path(name, starts[distance], frames))
                row, sheet = film(painter, scene, cameras, reference)
                rows.append({"scene": demo.name, "count": number, "path": name, **row})
                print(_line(rows[-1]), flush=True)
                if pictures is not None:
                    sheet.save(pictures / f"{demo.name}-{name}.png")
    return {
        "machine": known,
        "settings": {"size": list(size), "mode": mode, "on": list(on), "seed": seed, "frames": frames},
        "rows": rows,
        "worst": worst(rows),
    }


def worst(rows: list[Row]) -> dict[str, Row]:
    """For each ratio the largest, and where it is."""
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row["ratios"]):
        row = max((row for row in rows if name in row["ratios"]), key=lambda row: row["ratios"][name])
        found[name] = {"ratio": row["ratios"][name], "scene": row["scene"], "path": row["path"]}
    return found


def main() -> None:
    """The command line of this file."""
    parser = arguments(__doc__, "320x180")
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"pictures of each path, {FRAMES}")
    parser.add_argument(
        "--no-reference", action="store_true", help="leave out the supersampled path: much faster"
    )
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write where each path flickers here")
    given = parser.parse_args()
    if given.frames < 2:
        parser.error(f"--frames: expected at least 2, got {given.frames}")
    try:
        result = report(
            given.scenes or tuple(COUNTS), given.count, given.size, given.mode, given.on, given.seed,
            given.frames, not given.no_reference, given.pictures,
        )  # fmt: skip
    except throng.ThrongError as error:
        parser.error(str(error))
    for name, one in result["worst"].items():
        print(f"most {name}, fast over plain: {one['ratio']:.3f}, {one['scene']} {one['path']}")
    write_json(given.json, result)


if __name__ == "__main__":
    main()
