"""Shader text put together from files, and drivers' messages led back to them; no GL."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import moderngl
import pytest

from throng import assets
from throng.errors import ShaderError
from throng.gpu import source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "include").mkdir()
    monkeypatch.setattr(assets, "folder", lambda name: tmp_path)
    return tmp_path


def test_each_file_comes_once_and_in_place(folder: Path) -> None:
    (folder / "include" / "a.glsl").write_text('#include "b.glsl"\nfloat a;\n')
    (folder / "include" / "b.glsl").write_text("float b;\n")
    (folder / "main.vert").write_text(
        '  #  include "a.glsl"\n// #include "gone.glsl"\n#include "b.glsl"\nfloat m;\n'
    )

    text = source.load("main.vert", version=330)

    assert text == '#version 330 core\nfloat b;\nfloat a;\n// #include "gone.glsl"\nfloat m;\n'


def test_the_include_folder_goes_before_the_main_one(folder: Path) -> None:
    (folder / "x.glsl").write_text("float main_one;")
    (folder / "main.vert").write_text('#include "x.glsl"')
    assert "main_one" in source.load("main.vert", version=330)
    (folder / "include" / "x.glsl").write_text("float shared_one;")
    assert "shared_one" in source.load("main.vert", version=330)


def test_defines_and_generated_texts(folder: Path) -> None:
    (folder / "main.vert").write_text('#include "layout.glsl"\n')
    text = source.load(
        "main.vert",
        version=430,
        defines={"ON": True, "OFF": False, "COUNT": 3, "HALF": 0.5, "TYPE": "vec4"},
        generated={"layout.glsl": "struct S { vec4 a; };"},
    )
    assert text.splitlines() == [
        "#version 430 core",
        "#define ON 1",
        "#define OFF 0",
        "#define COUNT 3",
        "#define HALF 0.5",
        "#define TYPE vec4",
        "struct S { vec4 a; };",
    ]


def test_a_cycle_is_an_error(folder: Path) -> None:
    (folder / "main.vert").write_text('#include "a.glsl"\n')
    (folder / "a.glsl").write_text('\n#include "main.vert"\n')
    with pytest.raises(ShaderError) as caught:
        source.load("main.vert", version=330)
    assert (
        str(caught.value) == "shaders/a.glsl:2: 'main.vert' includes itself: main.vert -> a.glsl -> main.vert"
    )


def test_a_missing_file_is_an_error(folder: Path) -> None:
    (folder / "main.vert").write_text('\n#include "gone.glsl"\n')
    with pytest.raises(ShaderError) as caught:
        source.load("main.vert", version=330)
    assert str(caught.value) == (
        f"shaders/main.vert:2: expected a shader file in {folder}, got 'gone.glsl', which is not there"
    )
    with pytest.raises(
        ShaderError, match=r"^expected a shader file in .*, got 'none\.vert', which is not there$"
    ):
        source.load("none.vert", version=330)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("0:4(3): error: `oops' undeclared", "error: `oops' undeclared"),
        ('0(4) : error C1008: undefined variable "oops"', 'error C1008: undefined variable "oops"'),
        ("ERROR: 0:4: Use of undeclared identifier 'oops'", "Use of undeclared identifier 'oops'"),
    ],
)
def test_every_drivers_way_to_name_a_line(folder: Path, said: str, text: str) -> None:
    (folder / "include" / "a.glsl").write_text("// a comment\n    float a = oops;\n")
    (folder / "main.vert").write_text('#include "a.glsl"\nvoid main() {}\n')
    (folder / "main.frag").write_text("#define X\n")

    def program(**_: Any) -> None:
        headline = "GLSL Compiler failed\n\nvertex_shader\n=============\n"
        raise moderngl.Error(headline + said + "\n\x00")

    ctx: Any = SimpleNamespace(program=program)
    with pytest.raises(ShaderError) as caught:
        source.compile_program(
            ctx, "trees", version=330, defines={"A": 1}, vertex="main.vert", fragment="main.frag"
        )
    assert str(caught.value) == (
        f"trees: GLSL Compiler failed\nshaders/include/a.glsl:2: {text}\n    float a = oops;"
    )
