"""The command line: `throng run`, `bench`, `render`, `gallery`, `list` and `doctor`.

Exit codes: 0 all went well; 1 it could not be done; 2 what was typed makes no sense; 130 interrupted.
Modules that take time to load are imported by the command that needs them.
"""

from __future__ import annotations

import errno
import functools
import io
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import throng
from throng.errors import InvalidIndex, InvalidType, InvalidValue, ThrongError

if TYPE_CHECKING:
    from throng.frame import Stats
    from throng.gallery import Demo
    from throng.options import Options

MODES = ("auto", "indirect", "instanced", "naive")
HOURS = (8.0, 17.3, 21.0)
DEBUG = ("lod", "cell", "splat")
SWITCHES = {
    "cull": "Draw what is outside the view too.",
    "lod": "Draw what is far away with its full meshes.",
    "occlusion": "Draw what others hide too.",
    "splat": "Draw instances of a few pixels as meshes too.",
}
EFFECTS = {
    "reflections": "Draw all surfaces as matte.",
    "shadows": "Leave out shadows.",
    "lights": "Leave out point lights.",
    "fog": "Leave out fog.",
    "sky": "Leave out the sky.",
    "tone_mapping": "Leave out exposure and tone mapping.",
    "textures": "Leave out textures.",
    "motion": "Leave out the movement of materials.",
    "transparency": "Draw blended materials as opaque ones.",
    "soft_particles": "Let soft materials end where they meet what is opaque.",
}


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class _Size(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions
    name = "WxH"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        width, cross, height = str(value).lower().partition("x")
        if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
            self.fail(f"expected WIDTHxHEIGHT in pixels, such as 1280x720, got {value!r}", param, ctx)
        return int(width), int(height)


class _Count(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions
    name = "N"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        text = str(value).replace(",", "").replace("_", "")
        if not (text.isdecimal() and int(text)):
            self.fail(f"expected a whole number, at least 1, such as 100000, got {value!r}", param, ctx)
        return int(text)


def _finite(ctx: Any, param: Any, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"expected a finite number of seconds, got {value}", ctx, param)
    return value


def _switches(function: Any) -> Any:
    """Adds --no-cull and so on; `function` gets the names of those given as `off`."""

    @functools.wraps(function)
    def gathered(**given: Any) -> Any:
        off = tuple(name for name in (*SWITCHES, *EFFECTS) if given.pop(f"no_{name}"))
        return function(off=off, **given)

    for name, text in reversed([*SWITCHES.items(), *EFFECTS.items()]):
        gathered = click.option(f"--no-{name.replace('_', '-')}", is_flag=True, help=text)(gathered)
    return gathered


def _scene_options(function: Any) -> Any:
    """Adds what `run` and `render` share; how to draw reaches `function` as `options`."""

    @functools.wraps(function)
    def gathered(mode: str, debug: str | None, off: tuple[str, ...], **given: Any) -> Any:
        options = throng.Options(mode=mode, debug=debug, **dict.fromkeys(off, False))
        return function(options=options, **given)

    gathered = click.option("--debug", type=click.Choice(DEBUG), help="Colour by what was decided.")(gathered)
    gathered = _switches(gathered)
    for option in (
        click.option(
            "--samples", type=click.IntRange(1, 64), default=1, help="Samples of each pixel, at most."
        ),
        click.option("--fxaa", is_flag=True, help="Soften edges by a filter, for less than samples cost."),
        click.option("--mode", type=click.Choice(MODES), default="auto", help="How to draw."),
        click.option(
            "--hour", type=click.FloatRange(0, 24), help="The time of day; each scene has a default."
        ),
        click.option("--seed", type=click.IntRange(0), default=0, help="Of all that is random."),
        click.option("--count", type=_Count(), help="Objects; each scene has a default."),
        click.option("--size", type=_Size(), default=(1280, 720), help="Pixels, such as 1280x720."),
    ):
        gathered = option(gathered)
    return gathered


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_examples(
        "throng run meadow",
        "throng bench",
        "throng render city -o city.png",
        "throng doctor",
    ),
)
@click.version_option(throng.__version__, prog_name="throng")
def cli() -> None:
    """Draws huge crowds of similar objects: grass, trees, particles, asteroids, people."""


@cli.command(
    short_help="Show a scene in a window.",
    epilog=_examples(
        "throng run meadow",
        "throng run grass --count 1000000 --size 640x360",
        "throng run city --no-occlusion --debug lod",
        "throng run my_scene.py",
    ),
)
@click.argument("scene")
@_scene_options
@click.option("--frames", type=_Count(), help="Close by itself after so many frames.")
@click.option("--step", type=click.FloatRange(0), help="Seconds from frame to frame; by default real time.")
def run(
    scene: str,
    size: tuple[int, int],
    count: int | None,
    seed: int,
    hour: float | None,
    samples: int,
    fxaa: bool,
    options: Options,
    frames: int | None,
    step: float | None,
) -> None:
    """Show SCENE in a window: a demo's name (see `throng list`) or a scene file of your own.

    \b
    drag          turn round the target      wheel         zoom
    right drag    pan (or Shift and drag)    W A S D Q E   fly (with Shift: faster)
    Space         pause                      R             back to the beginning
    F11           full screen                F12           save a picture
    M             next mode                  Esc           close
    
    C             culling off and on         L             levels of detail off and on
    O             occlusion off and on       P             splats (points) off and on
    V             next debug view            F             freeze what is drawn, fly round it
    """
    demo = _demo(scene)
    from throng.window import show

    built = demo.build(count, seed, hour)
    show(
        built,
        lambda seconds: demo.camera(built, seconds),
        size,
        title=f"throng: {demo.name}",
        update=lambda seconds: demo.update(built, seconds),
        frames=frames,
        step=step,
        samples=samples,
        fxaa=fxaa,
        options=options,
    )


@cli.command(
    epilog=_examples(
        "throng render meadow -o meadow.png",
        "throng render forest -o forest.jpg --count 50000 --size 1920x1080 --samples 4 --seconds 3.5 --json",
        "throng render city --debug cell --no-splat -o cells.png",
    )
)
@click.argument("scene")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="PNG, JPEG, WebP, ...")
@_scene_options
@click.option("--seconds", type=float, default=0.0, callback=_finite, help="The moment to draw.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def render(
    scene: str,
    output: Path,
    size: tuple[int, int],
    count: int | None,
    seed: int,
    hour: float | None,
    samples: int,
    fxaa: bool,
    options: Options,
    seconds: float,
    as_json: bool,
) -> None:
    """Draw one frame of SCENE, without a window, to a file."""
    from dataclasses import asdict

    from PIL import Image

    from throng import files

    colors = _check_picture(output)
    demo = _demo(scene)
    began = time.perf_counter()
    built = demo.build(count, seed, hour)
    build_ms = (time.perf_counter() - began) * 1e3
    demo.update(built, seconds)
    camera = demo.camera(built, seconds)
    with throng.Renderer(size, samples=samples, fxaa=fxaa, options=options) as renderer:
        frame = renderer.render(built, camera)
        driver, samples = renderer.capabilities.renderer, renderer.samples
    with files.whole(output) as file:
        Image.fromarray(frame.color).convert(colors).save(file)
    if as_json:
        report = {
            "scene": demo.name,
            "count": demo.count if count is None else count,
            "seed": seed,
            "hour": hour,
            "seconds": seconds,
            "size": list(size),
            "samples": samples,
            "file": str(output),
            "renderer": driver,
            "build_ms": build_ms,
            **asdict(frame.stats),
        }
        _print_json(report)
    else:
        print(f"{output}: {size[0]}x{size[1]}, {_summary(frame.stats)}")


@cli.command(
    short_help="Draw the demo scenes at several times of day.",
    epilog=_examples(
        "throng gallery -o pictures",
        "throng gallery meadow forest -o pictures --hour 6 --hour 12 --size 1920x1080",
    ),
)
@click.argument("scenes", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder for the pictures; made where there is none.",
)
@click.option("--size", type=_Size(), default=(960, 540), help="Pixels, such as 960x540.")
@click.option("--samples", type=click.IntRange(1, 64), default=4, help="Samples of each pixel, at most.")
@click.option(
    "--hour",
    "hours",
    type=click.FloatRange(0, 24),
    multiple=True,
    default=HOURS,
    show_default=True,
    help="A time of day; may be repeated.",
)
@click.option("--seconds", type=float, default=2.0, callback=_finite, help="The moment to draw.")
def gallery(
    scenes: tuple[str, ...],
    output: Path,
    size: tuple[int, int],
    samples: int,
    hours: tuple[float, ...],
    seconds: float,
) -> None:
    """Draw SCENES, by default all demo scenes, to OUTPUT/NAME-HOUR.jpg: one picture for each hour.

    A scene that has no times of day is drawn once, to OUTPUT/NAME.jpg.
    """
    from PIL import Image

    from throng import files
    from throng.gallery import demos

    drawn = [_demo(scene) for scene in scenes] or demos()
    output.mkdir(parents=True, exist_ok=True)
    with throng.Renderer(size, samples=samples) as renderer:
        for demo in drawn:
            for hour in hours if demo.has_hours else (None,):
                scene = demo.build(hour=hour)
                demo.update(scene, seconds)
                frame = renderer.render(scene, demo.camera(scene, seconds))
                name = demo.name if hour is None else f"{demo.name}-{hour:g}"
                with files.whole(output / f"{name}.jpg") as file:
                    Image.fromarray(frame.color).convert("RGB").save(file, quality=88)
                print(f"{output / name}.jpg: {_summary(frame.stats)}")


@cli.command(
    short_help="Measure the modes against each other.",
    epilog=_examples(
        "throng bench",
        "throng bench grass --count 10000 --count 100000",
        "throng bench cubes blades trees --count 100000 --rounds 25 --json bench.json --html bench.html",
        "throng bench forest --mode indirect --mode indirect:off",
        "throng bench city --no-lod --mode indirect --mode indirect:no-occlusion,no-splat",
    ),
)
@click.argument("scenes", nargs=-1)
@click.option("--count", "counts", type=_Count(), multiple=True, help="Objects; may be repeated.")
@click.option(
    "--mode",
    "modes",
    metavar="MODE[:OFF]",
    multiple=True,
    help="May be repeated; by default all that there are. After a colon, what it leaves off: `off` for all "
    "switches, no-effects for all that `handwritten` has not (reflections, shadows and so on), or some of "
    "no-cull, no-lod, no-shadows and so on with commas between them.",
)
@_switches
@click.option("--size", type=_Size(), default=(1280, 720), help="Pixels, such as 1280x720.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of all that is random.")
@click.option("--rounds", type=_Count(), help="Frames of each mode; by default as time allows.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the report as JSON.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the report with plots.")
def bench(
    scenes: tuple[str, ...],
    counts: tuple[int, ...],
    modes: tuple[str, ...],
    off: tuple[str, ...],
    size: tuple[int, int],
    seed: int,
    rounds: int | None,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Measure SCENES in all modes, their frames interleaved: demo scenes, or fields of cubes, blades, trees.

    The mode `handwritten` is what an expert would write in plain moderngl for that scene alone: the
    yardstick. It draws scenes where nothing but the camera moves.

    What switches are worth is measured in one run: `--mode indirect --mode indirect:off` compares all on with
    all off. Options that switch something off do so for every mode of the run.
    """
    for file in (json_file, html_file):
        if file is not None:
            _check_folder(file)
    _benchmarks().bench.main(
        scenes=scenes,
        counts=counts,
        modes=modes,
        off=off,
        size=size,
        seed=seed,
        rounds=rounds,
        json_file=json_file,
        html_file=html_file,
    )


@cli.command(
    "list",
    epilog=_examples(
        "throng list",
        "throng list --json",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_scenes(as_json: bool) -> None:
    """Name the demo scenes, with a line each."""
    from throng.gallery import demos

    if as_json:
        _print_json([{"name": demo.name, "summary": demo.summary, "count": demo.count} for demo in demos()])
        return
    for demo in demos():
        print(f"{demo.name:<12}{demo.summary}")


@cli.command(
    epilog=_examples(
        "throng doctor",
        "throng doctor --json",
    )
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Tell what this machine can do, and how to mend what it cannot. Exits with 1 if something is wrong.

    With several EGL devices, GLCONTEXT_DEVICE_INDEX=N in the environment chooses one for every command.
    """
    from throng.gpu.doctor import doctor_report

    report = doctor_report()
    if as_json:
        _print_json(report)
    else:
        _print_doctor(report)
    sys.exit(1 if report["problems"] else 0)


def main() -> NoReturn:
    """The program `throng`."""
    try:
        code = cli.main(prog_name="throng", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("throng: interrupted", file=sys.stderr)
        sys.exit(130)
    except ThrongError as error:
        _fail(str(error), 2 if isinstance(error, InvalidValue | InvalidType | InvalidIndex) else 1)
    except BrokenPipeError:  # `throng list | head`
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error), 1)
    except MemoryError as error:
        _fail(str(error) or "out of memory", 1)


# -- inside ------------------------------------------------------------------------------------------------


def _fail(text: str, code: int) -> NoReturn:
    print(f"throng: {text}", file=sys.stderr)
    sys.exit(code)


def _demo(name: str) -> Demo:
    from throng.gallery import find

    return find(name)


def _summary(stats: Stats) -> str:
    """A frame's figures on one line; stages that found nothing to do are not named."""
    stages = {
        "culled": stats.culled,
        "occluded": stats.occluded,
        "simplified": stats.simplified,
        "splats": stats.splats,
    }
    named = ", ".join(f"{number:,} {name}" for name, number in stages.items() if number)
    return (
        f"{stats.visible:,} of {stats.instances:,} instances{f' ({named})' if named else ''}, "
        f"{stats.triangles:,} triangles, draws: {stats.draw_calls:,} ({stats.mode})"
    )


def _benchmarks() -> Any:
    from throng.gallery import benchmarks

    return benchmarks()


def _check_picture(output: Path) -> str:
    """Before minutes of work: can this be written? Returns the colours that its format can hold."""
    from PIL import Image

    _check_folder(output)
    Image.init()
    form = Image.registered_extensions().get(output.suffix.lower())
    for colors in ("RGBA", "RGB"):
        try:
            Image.new(colors, (8, 8)).save(io.BytesIO(), form or "unknown")
        except (KeyError, OSError, ValueError):
            continue
        return colors
    raise InvalidValue(f"--output: expected a picture's name, such as out.png, got {str(output)!r}")


def _check_folder(file: Path) -> None:
    if not file.parent.is_dir():
        raise InvalidValue(f"{file}: expected a folder that exists, {str(file.parent)!r} does not")
    if file.is_dir():
        raise InvalidValue(f"{file}: expected the name of a file, got a folder")
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))


def _print_json(value: object) -> None:
    """JSON knows no nan: what is not known is null."""
    known = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
    print(json.dumps(known, indent=2))


_WORK = {"cull": "culling", "lod": "levels of detail", "occlusion": "occlusion", "splat": "splats"}


def _print_doctor(report: dict[str, Any]) -> None:
    print(f"throng {report['libraries']['throng'] or throng.__version__}, Python {report['python']}")
    print(f"{report['platform']}")
    print(
        ", ".join(
            f"{name} {version or '-'}" for name, version in report["libraries"].items() if name != "throng"
        )
    )
    opengl = report["opengl"]
    if opengl:
        print(f"\nOpenGL     {opengl['version']}")
        print(f"vendor     {opengl['vendor']}")
        print(f"renderer   {opengl['renderer']}" + (" (on the CPU)" if opengl["is_software"] else ""))
        print(f"GLSL       {opengl['glsl']}")
        print(
            f"limits     storage block {opengl['storage_block_bytes'] / 2**20:,.0f} MiB, texture "
            f"{opengl['max_texture_size']:,} pixels, {opengl['max_samples']} samples, dispatch "
            f"{' x '.join(f'{n:,}' for n in opengl['max_work_groups'])} groups"
        )
        extras = {"clip control": opengl["clip_control"], "timer queries": opengl["timer_queries"]}
        print("extras     " + ", ".join(f"{name}: {_yes(there)}" for name, there in extras.items()))
    for mode, state in report["modes"].items():
        lacks = ", ".join(f"no {_WORK[switch]}" for switch in state["lacks"])
        able = ("yes" + f" ({lacks})" * bool(lacks)) if state["available"] else f"no: {state['reason']}"
        print(f"mode       {mode:<10} {able}")
    for device in report["egl_devices"]:
        print(f"EGL device {device['index']}: {device['name']}")
    shown = ", ".join(f"{name}={value}" for name, value in report["display"].items() if value)
    print(f"display    {shown or 'none'}")
    for kind, entries in (("problem", report["problems"]), ("note", report["notes"])):
        for entry in entries:
            print(f"\n{kind}: {entry['problem']}\n    fix: {entry['fix']}")
    if not report["problems"]:
        print("\nheadless rendering works")


def _yes(there: bool) -> str:
    return "yes" if there else "no"
