"""Shading of the user's own: snippets of GLSL that materials bring along."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from throng import arrays
from throng.errors import AssetError, InvalidType, InvalidValue
from throng.layout import MOST_CUSTOM

TYPES = ("float", "vec2", "vec3", "vec4", "int", "ivec2", "ivec3", "ivec4")
# What snippets define.
_MOVE = "move_vertex(inout vec3 position, inout vec3 normal)"
_SHADE = "shade_surface(inout Surface surface)"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Snippet:
    """GLSL, and what errors in it call the place."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, init=False)
class Shader:
    """GLSL that moves vertices, or says what a surface is like, for materials that have it. Frozen.

    vertex   defines `void move_vertex(inout vec3 position, inout vec3 normal)`, in the mesh's own space
    surface  defines `void shade_surface(inout Surface surface)`: its `color` (linear), `alpha`, `normal`,
             `roughness`, `metallic`, `emissive` and so on (shaders/include/material.glsl), before it is lit
    columns  custom columns of the crowds that it is drawn with: for each name its type, one of TYPES. What
             `columns={"heat": "float"}` brings is `column_heat` in GLSL. At most 4
    reach    how far `vertex` carries any vertex, in the mesh's own units: what is further off is culled
    name     for errors, where a snippet comes as text

    Either snippet is text, or the path of a file (an os.PathLike). Both may call `seconds()`, the scene's
    time, and use what shaders/include offers. A crowd whose material has a shader is drawn with its levels of
    detail, but never as splats.

    Raises InvalidValue or InvalidType, naming the argument, and AssetError for a file that cannot be read.
    What the driver objects to comes out when it is first drawn, as a ShaderError with file and line.
    """

    vertex: Snippet | None
    surface: Snippet | None
    columns: tuple[tuple[str, str], ...]
    reach: float
    name: str

    def __init__(
        self,
        *,
        vertex: str | os.PathLike[str] | None = None,
        surface: str | os.PathLike[str] | None = None,
        columns: Mapping[str, str] | None = None,
        reach: float = 0.0,
        name: str = "shader",
    ) -> None:
        put = object.__setattr__
        put(self, "name", name)
        put(self, "vertex", _snippet(vertex, "vertex", name, _MOVE))
        put(self, "surface", _snippet(surface, "surface", name, _SHADE))
        if vertex is None and surface is None:
            raise InvalidValue("vertex: expected a snippet here or as surface, got neither")
        put(self, "columns", _columns({} if columns is None else columns))
        put(self, "reach", arrays.number(reach, "reach", low=0.0))


def _snippet(value: object, where: str, name: str, function: str) -> Snippet | None:
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        path = Path(value)
        try:
            snippet = Snippet(str(path), path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise AssetError(f"{path}: expected a file of GLSL, got {error}") from error
    elif isinstance(value, str):
        snippet = Snippet(f"{name}.{where}", value)
    else:
        raise InvalidType(f"{where}: expected GLSL or the path of a file, got {arrays.described(value)}")
    if not _defines(snippet.text, function):
        raise InvalidValue(
            f"{where}: expected GLSL that defines void {function}, got {snippet.label} without"
        )
    return snippet


def _defines(text: str, function: str) -> bool:
    """Whether GLSL defines a function of this name and these types; parameters may have other names."""
    name, _, parameters = function.rstrip(")").partition("(")
    types = [r"\s+".join([*one.split()[:-1], r"\w+"]) for one in parameters.split(",")]
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    wanted = rf"\bvoid\s+{name}\s*\(\s*" + r"\s*,\s*".join(types) + r"\s*\)\s*{"
    return re.search(wanted, bare) is not None


def _columns(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise InvalidType(f"columns: expected types by name, got {arrays.described(value)}")
    if len(value) > MOST_CUSTOM:
        raise InvalidValue(f"columns: expected at most {MOST_CUSTOM}, got {len(value)}")
    for name, kind in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or "__" in name:
            raise InvalidValue(f"columns: expected names that GLSL can have, got {name!r}")
        arrays.choice(kind, f"columns[{name!r}]", TYPES)
    return tuple(value.items())
