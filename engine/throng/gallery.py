"""The demo scenes, and scene files of the user's own: Python files that build a scene and move it."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from throng import arrays, assets
from throng.errors import AssetError, InvalidType, InvalidValue
from throng.model.camera import Camera
from throng.model.graph import Scene

_FUNCTIONS = ("build", "camera", "update")
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Demo:
    """A scene file: `build(count, seed)`, `camera(scene, seconds)`, `update(scene, seconds)` and `COUNT`.

    `build` may take a time of day besides: `build(count, seed, hour=12.0)`.
    Its errors come out as AssetError, with the file and the line.
    """

    name: str
    path: Path

    @cached_property
    def summary(self) -> str:
        """The first line of the file's docstring, without the name where it begins with that."""
        try:
            text = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8")))
        except (OSError, SyntaxError, ValueError) as error:
            raise AssetError(f"{self.path}: expected a scene file in Python, got {error}") from error
        line = (text or "").partition("\n")[0]
        name, colon, rest = line.partition(": ")
        return rest if colon and name.lower() == self.name else line

    @property
    def count(self) -> int:
        """How many of its objects the scene has unless told otherwise."""
        try:
            return arrays.integer(getattr(self._module, "COUNT", 1000), f"{self.path}: COUNT", low=1)
        except (InvalidType, InvalidValue) as error:
            raise AssetError(str(error)) from error

    @property
    def has_hours(self) -> bool:
        """Whether the scene can be built for a time of day."""
        return "hour" in inspect.signature(self._module.build).parameters

    def build(self, count: int | None = None, seed: int = 0, hour: float | None = None) -> Scene:
        """The scene at 0 seconds. The same count, seed and hour give the same scene.

        hour  of the day, 0..24; None: the scene's own
        """
        number = self.count if count is None else arrays.integer(count, "count", low=1)
        given: dict[str, object] = {}
        if hour is not None:
            given["hour"] = arrays.number(hour, "hour", low=0.0, high=24.0)
            if not self.has_hours:
                raise InvalidValue(f"hour: expected a scene that has times of day, {self.name} has none")
        return self._returned(Scene, "build", number, arrays.integer(seed, "seed", low=0), **given)

    def camera(self, scene: Scene, seconds: float) -> Camera:
        """Where the scene is best seen from at that time."""
        return self._returned(Camera, "camera", scene, seconds)

    def update(self, scene: Scene, seconds: float) -> None:
        """Moves the scene to that time, whatever it was before."""
        self._call("update", scene, seconds)

    @cached_property
    def _module(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"throng_scene_{self.path.stem}", self.path)
        if spec is None or spec.loader is None:
            raise AssetError(f"{self.path}: expected a Python file")
        module = importlib.util.module_from_spec(spec)
        # As for any module or script: dataclasses look themselves up, and files beside it can be imported.
        sys.modules[spec.name] = module
        folder = str(self.path.parent)
        if folder not in sys.path:
            sys.path.append(folder)
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise self._blamed(error) from error
        for name in _FUNCTIONS:
            if not callable(getattr(module, name, None)):
                raise AssetError(
                    f"{self.path}: expected functions {', '.join(_FUNCTIONS)}, {name} is missing"
                )
        return module

    def _call(self, name: str, *values: object, **named: object) -> Any:
        function: Callable[..., Any] = getattr(self._module, name)
        try:
            return function(*values, **named)
        except (Exception, SystemExit) as error:
            raise self._blamed(error) from error

    def _returned(self, kind: type[_Kind], name: str, *values: object, **named: object) -> _Kind:
        value = self._call(name, *values, **named)
        if not isinstance(value, kind):
            raise AssetError(
                f"{self.path}: expected {name}() to return a {kind.__name__}, got {arrays.described(value)}"
            )
        return value

    def _blamed(self, error: BaseException) -> AssetError:
        """The error with the last line of the scene file that led to it."""
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(self.path)]
        text = str(error)
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            lines, text = [error.lineno], error.msg
        place = f"{self.path}, line {lines[-1]}" if lines else str(self.path)
        return AssetError(f"{place}: {type(error).__name__}: {text}")


def demos() -> tuple[Demo, ...]:
    """All demo scenes, by name."""
    files = sorted(assets.folder("scenes").glob("*.py"))
    return tuple(Demo(file.stem, file) for file in files if not file.stem.startswith("_"))


def find(name: str, others: Sequence[str] = ()) -> Demo:
    """The demo of that name, or the scene file at that path.

    Raises InvalidValue, which lists the names, and those of `others` before them, where there is none.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise InvalidValue(f"scene: expected a scene file, there is none at {name!r}")
        return Demo(path.stem, path.resolve())
    known = {demo.name: demo for demo in demos()}
    if name in known:
        return known[name]
    names = [*others, *known]
    close = difflib.get_close_matches(name.lower(), names, n=1)
    if Path(f"{name}.py").is_file():
        close = [f"{name}.py"]
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InvalidValue(f"scene: expected one of {', '.join(names)}, or a .py file, got {name!r}{hint}")


def benchmarks() -> ModuleType:
    """The package of benchmarks, which lies beside the code rather than in it."""
    name = "throng_benchmarks"
    if name not in sys.modules:
        folder = assets.folder("benchmarks")
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        importlib.import_module(f"{name}.bench")
    return sys.modules[name]
