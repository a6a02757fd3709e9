"""How honest the fast picture is: `python -m benchmarks.honesty [SCENE ...] [--pictures FOLDER]`.

Levels of detail and splats may draw another picture, as long as it is no worse. Each scene is drawn from
three distances, three times:

reference  full detail, 4x4 pixels for one, averaged in linear light: what a pixel should show
plain      full detail, nothing left out, one sample a pixel
fast       with all that may be left out left out

and the error of `fast` against the reference, over the error of `plain` against it, is to be at most 1.15,
for the mean absolute difference and for mean FLIP. Where instances are as small as pixels, both are mostly
noise, and forgive a field that is too thin or too dark. So there are the difference of what a blur leaves of
the pictures, how many pixels the instances cover, and how light these are; and, for the depth, how many
pixels are off by more than the instance there is large.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

import throng
from throng import files
from throng.errors import InvalidValue, UsageError
from throng.gallery import find
from throng.gpu.context import Capabilities
from throng.options import EFFECTS, MODES

from .machine import machine

SWITCHES = ("cull", "lod", "occlusion", "splat")
COUNTS = {"forest": 200_000, "grass": 300_000, "city": 25_000, "asteroids": 100_000}
DISTANCES = ("near", "middle", "far")
SECONDS = 2.0  # the time that stands still, so that nothing but the camera decides
FACTOR = 4  # the reference has so many pixels for one, along each axis
LIMIT = 1.15
BLUR = 7  # pixels, the side of the square that the blurred difference averages over
_MOST_SETTLING = 12  # frames

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Row = dict[str, Any]


# -- where from --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """How a demo scene is looked at.

    size        metres, a usual instance
    elevations  degrees above the horizon, for each distance
    height      metres above the ground of what is looked at
    towards     metres from the middle of the scene, to the side where the camera is, of what "near" and
                "middle" look at
    radius      metres from the middle to the edge of what "far" has in view; None: all that there is
    """

    size: float
    elevations: tuple[float, float, float]
    height: float
    towards: float = 0.0
    radius: float | None = None


_PIXELS = {"near": 40.0, "middle": 16.0}  # the height of a usual instance where the camera looks
_MARGIN = 1.04  # "far" is so much further away than the scene needs to fit
_PLACES = {
    "forest": _Place(8.0, (8.0, 16.0, 32.0), 4.0),
    "grass": _Place(0.8, (9.0, 12.0, 30.0), 0.3),
    "city": _Place(15.0, (14.0, 22.0, 30.0), 8.0),
    "asteroids": _Place(0.3, (10.0, 14.0, 22.0), 0.0, towards=17.0, radius=36.0),
}
_ELSEWHERE = _Place(1.0, (10.0, 20.0, 30.0), 0.5)


def views(
    name: str, scene: throng.Scene, like: throng.Camera, size: tuple[int, int]
) -> dict[str, throng.Camera]:
    """Three cameras that see `scene` from the side from which `like` does, in pictures of that size.

    near    instances are tens of pixels high
    middle  a dozen or two
    far     the whole scene is in view, its instances a few pixels and less
    """
    place = _PLACES.get(name, _ELSEWHERE)
    azimuth = math.atan2(*(like.position - like.target)[[0, 2]])
    side = np.array((math.sin(azimuth), 0.0, math.cos(azimuth)))
    fov = like.fov or 45.0
    tangents = np.array((size[0] / size[1], 1.0)) * math.tan(math.radians(fov / 2))
    edge = _edge(scene, place)
    cameras = {}
    for distance, elevation in zip(DISTANCES, place.elevations, strict=True):
        lift = math.radians(elevation)
        back = side * math.cos(lift) + (0.0, math.sin(lift), 0.0)
        target = np.array((0.0, place.height, 0.0))
        if distance == "far":
            away = _MARGIN * _fitting(edge - target, back, tangents)
        else:
            away = place.size * size[1] / 2 / tangents[1] / _PIXELS[distance]
            target += side * place.towards
        far = max(like.far, away + 4 * float(np.abs(edge).max()))
        cameras[distance] = throng.Camera(target + back * away, target, fov=fov, near=like.near, far=far)
    return cameras


def _edge(scene: throng.Scene, place: _Place) -> Doubles:
    """(n, 3): points around what is to be in view."""
    if place.radius is None:
        low, high = scene.bounds
        return np.array([np.where(corner, high, low) for corner in np.ndindex(2, 2, 2)])
    angles = np.arange(32) * np.pi / 16
    return place.radius * np.stack([np.sin(angles), np.zeros(32), np.cos(angles)], axis=1)


def _fitting(points: Doubles, back: Doubles, tangents: Doubles) -> float:
    """How far along `back` from the origin a camera sees all points; `tangents` of its half angles."""
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    seen = np.abs(points @ np.stack([right, np.cross(back, right)], axis=1)) / tangents
    return float((seen + (points @ back)[:, None]).max())


# -- pictures ----------------------------------------------------------------------------------------------

_DECODED = np.arange(256) / 255.0
_DECODED = np.where(_DECODED <= 0.04045, _DECODED / 12.92, ((_DECODED + 0.055) / 1.055) ** 2.4)
_DECODED = _DECODED.astype(np.float32)


def linear(color: npt.NDArray[np.uint8]) -> Floats:
    """(h, w, 3) in linear light, 0..1, from the (h, w, 4) bytes of a picture."""
    return np.asarray(_DECODED[color[..., :3]])


def encoded(light: Floats) -> Floats:
    """sRGB, 0..1, from linear light: IEC 61966-2-1."""
    curved = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, curved), np.float32)


def averaged(light: Floats, factor: int = FACTOR) -> Floats:
    """Of every `factor` by `factor` pixels their mean."""
    height, width, channels = light.shape
    blocks = light.reshape(height // factor, factor, width // factor, factor, channels)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def blurred(light: Floats, side: int = BLUR) -> Floats:
    """The mean of every `side` by `side` pixels that lie within the picture, in linear light."""
    sums = np.pad(light.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    rows = sums[side:] - sums[:-side]
    return np.asarray((rows[:, side:] - rows[:, :-side]) / side**2, np.float32)


class Painter:
    """Draws one scene at full detail, at full detail with many samples, and fast.

    size  (width, height) in pixels of what is compared
    mode  of Options
    on    the switches that `fast` has on
    """

    def __init__(
        self, size: tuple[int, int], mode: str = "auto", on: Collection[str] = SWITCHES, factor: int = FACTOR
    ) -> None:
        self.size, self.factor = size, factor
        self._full = throng.Renderer(size, options=options(mode, ()))
        try:
            most = self._full.capabilities.max_texture_size // factor
            if max(size) > most:
                raise InvalidValue(f"size: expected at most {most}x{most} pixels, got {size[0]}x{size[1]}")
            self._fast = throng.Renderer(size, options=options(mode, on))
        except BaseException:
            self._full.close()
            raise

    def plain(self, scene: throng.Scene, camera: throng.Camera, *outputs: str) -> throng.Frame:
        """Full detail, nothing left out."""
        return self._full_detail(scene, camera, 1, outputs)

    def reference(self, scene: throng.Scene, camera: throng.Camera, *outputs: str) -> throng.Frame:
        """The same, `factor` times as wide and high: what has to be averaged yet."""
        return self._full_detail(scene, camera, self.factor, outputs)

    def fast(self, scene: throng.Scene, camera: throng.Camera, *outputs: str) -> throng.Frame:
        """With the switches on."""
        return self._fast.render(scene, camera, ("color", *outputs))

    def settled(self, scene: throng.Scene, camera: throng.Camera, *outputs: str) -> throng.Frame:
        """The same, once what is left out stays the same: meshes may have to be simplified first.

        Figures of the GPU are some frames old, so it takes four frames that agree.
        """
        alike, before = 0, None
        for _ in range(_MOST_SETTLING):
            frame = self.fast(scene, camera, *outputs)
            now = removed(frame.stats)
            alike, before = (alike + 1 if now == before else 1), now
            if alike == 4 or not any(now.values()):
                break
        return frame

    @property
    def capabilities(self) -> Capabilities:
        """What the context can do."""
        return self._full.capabilities

    def close(self) -> None:
        """Frees both renderers."""
        self._full.close()
        self._fast.close()

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _full_detail(
        self, scene: throng.Scene, camera: throng.Camera, factor: int, outputs: tuple[str, ...]
    ) -> throng.Frame:
        size = self.size[0] * factor, self.size[1] * factor
        if self._full.size != size:
            self._full.size = size
        return self._full.render(scene, camera, ("color", *outputs))


def options(mode: str = "auto", on: Collection[str] = SWITCHES) -> throng.Options:
    """Options with these switches on and the others off, and none of the scene's effects."""
    switches: dict[str, Any] = {name: name in on for name in SWITCHES} | dict.fromkeys(EFFECTS, False)
    return throng.Options(mode=mode, **switches)


def removed(stats: throng.Stats) -> dict[str, int]:
    """What was left out or drawn with less."""
    return {
        "culled": stats.culled,
        "occluded": stats.occluded,
        "simplified": stats.simplified,
        "splats": stats.splats,
    }


# -- measures ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errors:
    """How far a picture is from the reference.

    absolute    mean absolute difference of sRGB, 0..255
    blurred     the same of what is left after a blur in linear light
    flip        mean FLIP, 0..1; nan where it was not asked for
    brightness  difference of the mean in linear light, as a share of the reference's
    """

    absolute: float
    blurred: float
    flip: float
    brightness: float


RATIOS = ("absolute", "blurred", "flip")  # of the errors
JUDGED = ("absolute", "flip")


def errors(light: Floats, reference: Floats, flip: bool = True) -> Errors:
    """The errors of a picture against the reference, both in linear light."""
    one, other = encoded(light), encoded(reference)
    soft = np.abs(encoded(blurred(light)) - encoded(blurred(reference)))
    mean = float(reference.mean())
    return Errors(
        absolute=float(np.abs(one - other).mean()) * 255,
        blurred=float(soft.mean()) * 255,
        flip=float(flip_map(other, one).mean()) if flip else math.nan,
        brightness=(float(light.mean()) - mean) / mean if mean else 0.0,
    )


def ratio(fast: float, plain: float) -> float:
    """How many times as far `fast` is off as `plain`; 1 where both are right."""
    if plain == 0.0:
        return 1.0 if fast == 0.0 else math.inf
    return fast / plain


def flip_map(reference: Floats, test: Floats) -> Floats:
    """(h, w): FLIP, 0..1, of sRGB pictures 0..1, as seen from where a degree has 67 pixels."""
    found = _flip().evaluate(np.ascontiguousarray(reference), np.ascontiguousarray(test), "LDR", True, False)
    return np.asarray(found[0][..., 0], np.float32)


def _flip() -> Any:
    try:
        return importlib.import_module("flip_evaluator")
    except ModuleNotFoundError as error:
        raise UsageError(
            "FLIP: expected flip_evaluator, which is not installed: pip install 'throng[dev]'"
        ) from error


@dataclass(frozen=True)
class Seen:
    """What a picture shows, pixel by pixel.

    keys      (h, w): a number for each instance; -1 where nothing is
    sizes     (h, w): metres across the instance, the diagonal of its largest part; 0 where nothing is
    instances (h, w): whether it is one of many: in a crowd, or a node whose mesh others show too
    """

    keys: npt.NDArray[np.int64]
    sizes: Doubles
    instances: npt.NDArray[np.bool_]

    @property
    def covered(self) -> float:
        """The share of pixels that show one of many rather than the ground, a planet, or nothing."""
        return float(self.instances.mean())

    def light(self, color: npt.NDArray[np.uint8]) -> float:
        """The mean sRGB, 0..255, of the pixels that show one of many; nan where none does."""
        return float(color[self.instances, :3].mean()) if self.instances.any() else math.nan

    def across(self, depth: Floats, camera: throng.Camera) -> float:
        """The median size of the instances that are seen, pixels, each of them counted once."""
        keys, first = np.unique(np.where(self.instances, self.keys, -1), return_index=True)
        first = first[keys >= 0]
        if not len(first):
            return math.nan
        height, width = depth.shape
        focal = camera.projection_matrix(width / height)[1, 1] * height / 2
        return float(np.median(self.sizes.ravel()[first] * focal / depth.ravel()[first]))


def seen(scene: throng.Scene, ids: npt.NDArray[np.int32]) -> Seen:
    """What the (h, w, 2) ids of a picture stand for."""
    keys = ids[..., 0].astype(np.int64) << 32 | ids[..., 1]
    found, inverse = np.unique(keys, return_inverse=True)
    numbers, starts = np.unique(found >> 32, return_index=True)
    places = np.split(np.arange(len(found)), starts[1:])
    nodes = {n: (scene.by_id(n), place) for n, place in zip(numbers.tolist(), places, strict=True) if n >= 0}
    meshes = Counter(id(node.mesh) for node, _ in nodes.values())
    sizes, many = np.zeros(len(found)), np.zeros(len(found), np.bool_)
    for node, place in nodes.values():
        diagonal = max(float(np.linalg.norm(np.ptp(mesh.bounds, axis=0))) for mesh, _ in node.parts)
        sizes[place] = diagonal * np.linalg.norm(node.world_matrix[:3, :3], axis=0).max()
        many[place] = isinstance(node, throng.Crowd) or meshes[id(node.mesh)] > 1
        if isinstance(node, throng.Crowd):
            scales = np.abs(np.asarray(node.scales)[node.rows(found[place] & 0xFFFFFFFF)])
            sizes[place] *= scales.reshape(len(place), -1).max(axis=1)
    inverse = inverse.reshape(keys.shape)
    return Seen(keys, np.asarray(sizes[inverse]), np.asarray(many[inverse]))


def misplaced(one: Floats, other: Floats, sizes: Doubles) -> float:
    """The share of pixels whose depths are further apart than the instance that is there is large."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(one - other)
    apart[np.isinf(one) & np.isinf(other)] = 0.0
    return float((apart > sizes).mean())


# -- a report ----------------------------------------------------------------------------------------------


def judge(
    painter: Painter, scene: throng.Scene, camera: throng.Camera, flip: bool = True
) -> tuple[Row, dict[str, Floats]]:
    """The figures of one view, and its pictures by name, sRGB 0..1."""
    frames = {
        "reference": painter.reference(scene, camera, "ids"),
        "plain": painter.plain(scene, camera, "depth", "ids"),
        "fast": painter.settled(scene, camera, "depth", "ids"),
    }
    plain, fast = frames["plain"], frames["fast"]
    lights = {name: linear(frame.color) for name, frame in frames.items()}
    shown = {name: seen(scene, frame.ids) for name, frame in frames.items()}
    there = shown["plain"]
    reference = lights["reference"] = averaged(lights["reference"], painter.factor)
    found = {name: errors(lights[name], reference, flip) for name in ("plain", "fast")}
    row: Row = {
        "ratios": {
            name: ratio(getattr(found["fast"], name), getattr(found["plain"], name))
            for name in RATIOS
            if flip or name != "flip"
        },
        "errors": {name: vars(errors) for name, errors in found.items()},
        "pixels": there.across(plain.depth, camera),
        "covered": {name: one.covered for name, one in shown.items()},
        "light": {name: one.light(frames[name].color) for name, one in shown.items()},
        "misplaced": misplaced(fast.depth, plain.depth, there.sizes),
        "removed": removed(fast.stats),
        "instances": fast.stats.instances,
    }
    return row, {name: encoded(light) for name, light in lights.items()}


def worst(rows: list[Row]) -> dict[str, Row]:
    """For each ratio the largest, and where it is."""
    found: dict[str, Row] = {}
    for name in RATIOS:
        known = [row for row in rows if name in row["ratios"]]
        if known:
            row = max(known, key=lambda row: row["ratios"][name])
            found[name] = {
                "ratio": row["ratios"][name],
                "scene": row["scene"],
                "distance": row["distance"],
                "honest": row["ratios"][name] <= LIMIT if name in JUDGED else None,
            }
    return found


def side_by_side(pictures: Mapping[str, Floats]) -> Image.Image:
    """plain | fast | reference, and below FLIP of the first two and where `fast` is brighter and darker."""
    plain, fast, reference = (pictures[name] for name in ("plain", "fast", "reference"))
    change = 0.5 + 4 * (fast - plain).mean(axis=2, keepdims=True)
    tiles = [
        ("plain", plain),
        ("fast", fast),
        ("reference", reference),
        ("FLIP of plain, x 2", 2 * flip_map(reference, plain)[..., None]),
        ("FLIP of fast, x 2", 2 * flip_map(reference, fast)[..., None]),
        ("fast less plain, x 4", change),
    ]
    height, width, _ = plain.shape
    sheet = Image.new("RGB", (width * 3 + 4, height * 2 + 2), (255, 255, 255))
    for place, (text, picture) in enumerate(tiles):
        three = np.broadcast_to(picture, (height, width, 3))
        tile = Image.fromarray(np.round(np.clip(three, 0, 1) * 255).astype(np.uint8))
        ImageDraw.Draw(tile).text((5, 3), text, (255, 255, 255), stroke_width=1, stroke_fill=(0, 0, 0))
        sheet.paste(tile, (place % 3 * (width + 2), place // 3 * (height + 2)))
    return sheet


_HEAD = (
    f"{'':16} {'pixels':>6} | {'mean absolute':>19} | {'blurred':>19} | {'FLIP':>19} | "
    f"{'covered %':>17} | {'light %':>11} | depth | removed"
)


def _line(row: Row) -> str:
    plain, fast = row["errors"]["plain"], row["errors"]["fast"]
    parts = [f"{row['scene'] + ' ' + row['distance']:16} {row['pixels']:6.1f}"]
    for name, digits in (("absolute", 2), ("blurred", 2), ("flip", 3)):
        parts.append(f"{plain[name]:6.{digits}f} {fast[name]:6.{digits}f} {row['ratios'][name]:5.2f}")
    covered, light = (
        [(row[what][name] / row[what]["reference"] - 1) * 100 for name in ("plain", "fast")]
        if row[what]["reference"]
        else [math.nan] * 2
        for what in ("covered", "light")
    )
    parts.append(f"{row['covered']['reference'] * 100:5.1f} {covered[0]:+5.1f} {covered[1]:+5.1f}")
    parts.append(f"{light[0]:+5.1f} {light[1]:+5.1f}")
    parts.append(f"{row['misplaced'] * 100:4.1f}%")
    left_out = [f"{count:,} {name}" for name, count in row["removed"].items() if count]
    parts.append(", ".join(left_out) or "nothing")
    return " | ".join(parts)


def report(
    scenes: Collection[str],
    count: int | None = None,
    size: tuple[int, int] = (640, 360),
    mode: str = "auto",
    on: Collection[str] = SWITCHES,
    seed: int = 0,
    pictures: Path | None = None,
) -> dict[str, Any]:
    """Draws, prints and returns the figures of these scenes; writes a sheet of each view to `pictures`."""
    _flip()
    demos = [find(name) for name in scenes]
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with Painter(size, mode, on) as painter:
        known = machine(painter.capabilities)
        print(
            "pixels across an instance; then the errors of plain, of fast, and their ratio; how much of the"
        )
        print(
            "reference instances cover, by how much plain and fast cover more, and how much lighter they are"
        )
        print(_HEAD, flush=True)
        for demo in demos:
            number = COUNTS.get(demo.name, demo.count) if count is None else count
            scene = demo.build(number, seed)
            demo.update(scene, SECONDS)
            cameras = views(demo.name, scene, demo.camera(scene, SECONDS), size)
            for distance, camera in cameras.items():
                row, shown = judge(painter, scene, camera)
                rows.append({"scene": demo.name, "count": number, "distance": distance, **row})
                print(_line(rows[-1]), flush=True)
                if pictures is not None:
                    side_by_side(shown).save(pictures / f"{demo.name}-{distance}.png")
    extremes = worst(rows)
    for name, one in extremes.items():
        text = f"worst {name}: {one['ratio']:.3f}, {one['scene']} {one['distance']}"
        if one["honest"] is not None:
            text += f"; at most {LIMIT}: {'met' if one['honest'] else 'NOT met'}"
        print(text)
    return {
        "machine": known,
        "settings": {"size": list(size), "mode": mode, "on": list(on), "seed": seed, "factor": FACTOR},
        "rows": rows,
        "worst": extremes,
        "honest": all(one["honest"] is not False for one in extremes.values()),
    }


def arguments(description: str | None, size: str) -> argparse.ArgumentParser:
    """The command line of this file and of flicker.py."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"by default {', '.join(COUNTS)}")
    parser.add_argument("--count", type=int, help="objects of each scene; by default as many as suit it")
    parser.add_argument("--size", type=parsed_size, default=size, metavar="WxH", help=f"pixels: {size}")
    parser.add_argument("--mode", choices=MODES, default="auto")
    parser.add_argument(
        "--on", type=parsed_switches, default=SWITCHES, metavar="SWITCH,...", help="of fast: all, or some"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def parsed_size(text: str) -> tuple[int, int]:
    """(width, height) from "640x360"."""
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected a size such as 640x360, got {text!r}")
    return int(width), int(height)


def parsed_switches(text: str) -> tuple[str, ...]:
    """Switches from "lod,splat"; none from ""."""
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if name not in SWITCHES:
            raise argparse.ArgumentTypeError(f"expected some of {', '.join(SWITCHES)}, got {name!r}")
    return names


def write_json(file: Path | None, result: Mapping[str, Any]) -> None:
    """Writes what was found where a file was asked for; what is not a number becomes null."""
    if file is not None:
        with files.whole(file) as new:
            new.write_text(json.dumps(_known(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _known(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    """The command line of this file; ends with 1 where a ratio is above the limit."""
    parser = arguments(__doc__, "640x360")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write a sheet of each view here")
    given = parser.parse_args()
    try:
        result = report(
            given.scenes or tuple(COUNTS), given.count, given.size, given.mode, given.on, given.seed,
            given.pictures,
        )  # fmt: skip
    except throng.ThrongError as error:
        parser.error(str(error))
    write_json(given.json, result)
    sys.exit(not result["honest"])


if __name__ == "__main__":
    main()
