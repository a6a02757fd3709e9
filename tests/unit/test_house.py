"""The house itself: what is public, who may import whom, and what lies where."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import throng
from throng import assets

PACKAGE = Path(throng.__file__).parent
ROOT = Path(__file__).resolve().parents[2]

# From the ground up; a module imports from its own layer and from those below it.
LAYERS = [
    {"errors", "assets", "arrays", "math3d", "layout"},
    {"model"},
    {"batching", "gpu"},
    {"renderer", "frame", "options"},
    {"headless", "window", "controls", "files", "io"},
    {"gallery", "cli"},
    {"__init__", "__main__"},
]
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
SIBLINGS = {("batching", "gpu"), ("gpu", "batching")}
ONLY_IMPORTERS = {"moderngl": {"gpu"}, "pyrr": {"math3d"}, "glfw": {"window"}}
TOP_LEVEL = {
    "engine", "shaders", "scenes", "benchmarks", "tests", "docs", "pyproject.toml", "README.md", "LICENSE",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] in packages())


def packages() -> set[str]:
    """What belongs to the engine: a wheel keeps shaders, scenes and benchmarks beside it."""
    return {path.name for path in PACKAGE.iterdir()} - {"shaders", "scenes", "benchmarks", "__pycache__"}


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, anywhere in it, for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part_of(path: Path) -> str:
    """The module or package of the engine that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward_only(path: Path) -> None:
    here = part_of(path)
    assert here in LEVELS, f"{here} has no layer: add it to DESIGN's list and to this one"
    for name in imports(path):
        top, *rest = name.split(".")
        if top in ONLY_IMPORTERS:
            assert here in ONLY_IMPORTERS[top], f"{here} imports {top}"
        if top != "throng":
            continue
        there = rest[0] if rest and rest[0] in LEVELS else "__init__"
        if there == "__init__":
            assert here in ("cli", "gallery"), f"{here} imports the public names, which lie above it"
            continue
        assert LEVELS[there] <= LEVELS[here], f"{here} imports {there}, which lies above it"
        assert (here, there) not in SIBLINGS, f"{here} imports {there}, its sibling"


def test_every_part_is_there() -> None:
    found = {part_of(path) for path in modules()}
    assert found <= set(LEVELS)
    assert set(LEVELS) - found <= {"io"}


def scenes() -> list[Path]:
    return sorted(path for path in assets.folder("scenes").glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", scenes(), ids=lambda path: path.stem)
def test_scenes_are_written_as_a_user_would_write_them(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)} - {"__future__"} - set(sys.stdlib_module_names)
    assert tops <= {"throng", "numpy"}
    private = [name for name in imports(path) if name.startswith("throng.")]
    assert private == [] or all(name.split(".")[1] in throng.__all__ for name in private)


# -- public names -----------------------------------------------------------------------------------------


def test_public_names_are_sorted_complete_and_importable() -> None:
    assert throng.__all__ == sorted(throng.__all__)
    assert len(set(throng.__all__)) == len(throng.__all__)
    for name in throng.__all__:
        assert getattr(throng, name) is not None
    assert set(throng.__all__) <= set(dir(throng))
    errors = importlib.import_module("throng.errors")
    raised = {
        name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)
    }
    assert raised <= set(throng.__all__)
    shapes = importlib.import_module("throng.model.shapes")
    assert shapes.__all__ == sorted(shapes.__all__)
    with pytest.raises(AttributeError, match=r"^module 'throng' has no attribute 'Forest'$"):
        _ = throng.Forest
    # Type checkers read other lines than Python does.
    tree = ast.parse(Path(throng.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    checked = {name.name for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert checked == set(throng.__all__)


def documented() -> Iterator[tuple[str, Any]]:
    """Every public class and function, and what they have that is public, by name."""
    things = {name: getattr(throng, name) for name in throng.__all__ if name != "shapes"}
    things |= {f"shapes.{name}": getattr(throng.shapes, name) for name in throng.shapes.__all__}
    for name, thing in things.items():
        yield name, thing
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (
                    callable(value) or isinstance(value, property | classmethod)
                ):
                    yield f"{name}.{member}", value


@pytest.mark.parametrize(("name", "thing"), list(documented()), ids=[name for name, _ in documented()])
def test_everything_public_has_a_docstring(name: str, thing: Any) -> None:
    text = inspect.getdoc(thing) or ""
    assert text.strip(), f"{name} has no docstring"
    assert not text.startswith(f"{name}("), f"{name} has only the signature that a dataclass makes up"


# -- what lies where --------------------------------------------------------------------------------------


def test_the_top_level_is_what_the_design_says() -> None:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        )
        names = {path.split("/")[0] for path in listed.stdout.split("\0") if path}
    except (OSError, subprocess.CalledProcessError):
        names = {path.name for path in ROOT.iterdir()} - {"build", "dist"}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize("name", ["shaders", "scenes", "benchmarks"])
def test_folders_beside_the_code_are_found(name: str) -> None:
    assert assets.folder(name).is_dir()


def test_an_incomplete_installation_is_told() -> None:
    with pytest.raises(throng.ThrongError, match=r"^throng's folder 'nowhere' is missing beside .*: install"):
        assets.folder("nowhere")


@pytest.mark.parametrize("statement", ["import throng", "import throng; dir(throng); throng.ThrongError"])
def test_importing_throng_costs_neither_numpy_nor_opengl(statement: str) -> None:
    program = (
        f"{statement}; import sys; print(sorted({{'numpy', 'moderngl', 'glfw', 'pyrr'}} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
