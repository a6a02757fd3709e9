"""Shader text: files put together from includes, and compile errors that name the file and line.

A program's text is one flat sequence of lines, and a table beside it says which file each line came from.
There are no `#line` directives: Mesa 22 drops their source number from every error but syntax errors, so a
line number alone must be enough to find the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

import moderngl

from throng import assets
from throng.errors import ShaderError

_INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')
_MESSAGE = re.compile(  # Mesa, and with "ERROR: 0:12: text" Apple, AMD and Intel; then NVIDIA
    r"(?:ERROR:\s*)?\d+:(?P<mesa>\d+)(?:\(\d+\))?:\s*(?P<mesa_text>.*)"  # 0:12(3): error: text
    r"|\d+\((?P<nvidia>\d+)\)\s*:\s*(?P<nvidia_text>.*)"  # 0(12) : error C1008: text
)
# Texts made by Python, by name; or what errors call them, and the text.
Generated = Mapping[str, str | tuple[str, str]]
_STAGE = re.compile(r"\w+_shader$")


@dataclass
class _Text:
    """Lines of GLSL, and for each of them where it stands: (file, line number from 1)."""

    lines: list[str] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)

    def add(self, line: str, file: str, number: int) -> None:
        self.lines.append(line)
        self.places.append((file, number))

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"


def load(
    name: str,
    *,
    version: int,
    defines: Mapping[str, object] | None = None,
    generated: Generated | None = None,
) -> str:
    """The text of shader `name`, complete: `#version`, `defines`, then the file with its includes.

    An `#include "file.glsl"` is looked for in `generated` (texts made by Python), then in `shaders/include`,
    then in `shaders`. Each file comes in once, where it is first named; so an include must not stand inside
    an `#if`. In `defines`, True and False become 1 and 0, for `#if NAME`.

    Raises ShaderError for a file that is missing or that includes itself.
    """
    return str(_assemble(name, version, defines or {}, generated or {}))


@overload
def compile_program(
    ctx: moderngl.Context,
    label: str,
    *,
    version: int,
    defines: Mapping[str, object] | None = None,
    generated: Generated | None = None,
    vertex: str,
    fragment: str,
) -> moderngl.Program: ...


@overload
def compile_program(
    ctx: moderngl.Context,
    label: str,
    *,
    version: int,
    defines: Mapping[str, object] | None = None,
    generated: Generated | None = None,
    compute: str,
) -> moderngl.ComputeShader: ...


def compile_program(
    ctx: moderngl.Context,
    label: str,
    *,
    version: int,
    defines: Mapping[str, object] | None = None,
    generated: Generated | None = None,
    vertex: str | None = None,
    fragment: str | None = None,
    compute: str | None = None,
) -> moderngl.Program | moderngl.ComputeShader:
    """A program from shader files, each put together as `load` does.

    The caller owns it, and caches it: every call compiles. Raises ShaderError, which begins with `label`
    and names file and line of what the driver objects to.
    """
    names = {"vertex_shader": vertex, "fragment_shader": fragment, "compute_shader": compute}
    stages = {
        stage: _assemble(name, version, defines or {}, generated or {})
        for stage, name in names.items()
        if name is not None
    }
    try:
        if "compute_shader" in stages:
            return ctx.compute_shader(str(stages["compute_shader"]))
        return ctx.program(
            vertex_shader=str(stages["vertex_shader"]), fragment_shader=str(stages["fragment_shader"])
        )
    except moderngl.Error as error:
        raise ShaderError(f"{label}: {_explain(str(error), stages)}") from None


def _explain(message: str, stages: Mapping[str, _Text]) -> str:
    """A driver's message with files and lines in place of its own, and the offending lines quoted.

    `message` is moderngl's: a headline, the stage, then what the driver said. What cannot be parsed is kept.
    """
    lines = [line.rstrip() for line in message.splitlines() if line.strip("= \t\0\r")]
    text = next(iter(stages.values()))
    result: list[str] = []
    for line in lines:
        if _STAGE.match(line):
            text = stages.get(line, text)
            continue
        match = _MESSAGE.match(line.strip())
        number = int(match["mesa"] or match["nvidia"]) if match else 0
        if match is None or not 1 <= number <= len(text.lines):
            result.append(line)
            continue
        file, place = text.places[number - 1]
        result.append(f"{file}:{place}: {match['mesa_text'] or match['nvidia_text']}")
        result.append(f"    {text.lines[number - 1].strip()}")
    return "\n".join(result)


def _assemble(name: str, version: int, defines: Mapping[str, object], generated: Generated) -> _Text:
    text = _Text()
    text.add(f"#version {version} core", "(generated)", 1)
    for key, value in defines.items():
        spelled = int(value) if isinstance(value, bool) else value
        text.add(f"#define {key} {spelled}", "(generated)", len(text.lines) + 1)
    _append(text, name, "", [], set(), generated)
    return text


def _append(
    text: _Text, name: str, asked_at: str, open_files: list[str], done: set[str], generated: Generated
) -> None:
    """Adds file `name` to `text`; `open_files` are the files that are being included right now."""
    if name in open_files:
        raise ShaderError(f"{asked_at}: {name!r} includes itself: {' -> '.join([*open_files, name])}")
    if name in done:
        return
    label, content = _read(name, asked_at, generated)
    for number, line in enumerate(content.splitlines(), start=1):
        include = _INCLUDE.match(line)
        if include:
            _append(text, include[1], f"{label}:{number}", [*open_files, name], done, generated)
        else:
            text.add(line, label, number)
    done.add(name)


def _read(name: str, asked_at: str, generated: Generated) -> tuple[str, str]:
    """How errors call the file, and what it holds."""
    if name in generated:
        made = generated[name]
        return (f"{name} (generated)", made) if isinstance(made, str) else made
    root = assets.folder("shaders")
    for path in (root / "include" / name, root / name):
        if path.is_file():
            return _label(path, root), path.read_text(encoding="utf-8")
    by = f"{asked_at}: " if asked_at else ""
    raise ShaderError(f"{by}expected a shader file in {root}, got {name!r}, which is not there")


def _label(path: Path, root: Path) -> str:
    return f"shaders/{path.relative_to(root).as_posix()}"
