"""Real compile errors name the real file and line."""

from __future__ import annotations

from pathlib import Path

import moderngl
import pytest

from throng import assets
from throng.errors import ShaderError
from throng.gpu import source

MAIN = 'in vec4 p;\n#include "outer.glsl"\nvoid main() { gl_Position = shift(p); }\n'
OUTER = '// the outer file\n#include "inner.glsl"\nvec4 shift(vec4 v) { return v + OFFSET + inner(); }\n'
FRAGMENT = "out vec4 color;\nvoid main() { color = vec4(1.0); }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "include").mkdir()
    (tmp_path / "main.vert").write_text(MAIN)
    (tmp_path / "main.frag").write_text(FRAGMENT)
    (tmp_path / "include" / "outer.glsl").write_text(OUTER)
    (tmp_path / "include" / "inner.glsl").write_text("float inner()\n{\n    return 1.0;\n}\n")
    monkeypatch.setattr(assets, "folder", lambda name: tmp_path)
    return tmp_path


def compile_it(ctx: moderngl.Context) -> moderngl.Program:
    return source.compile_program(
        ctx, "it", version=330, defines={"OFFSET": 2.0}, vertex="main.vert", fragment="main.frag"
    )


def test_a_program_of_several_files(ctx: moderngl.Context, folder: Path) -> None:
    assert "p" in compile_it(ctx)


@pytest.mark.parametrize(
    ("file", "text", "line", "quoted"),
    [
        ("include/inner.glsl", "float inner()\n{\n\n    return oops;\n}\n", 4, "return oops;"),  # by meaning
        ("include/inner.glsl", "float inner()\n{\n    return 1.0 }\n", 3, "return 1.0 }"),  # by syntax
        ("include/inner.glsl", "\n#error planted\nfloat inner() { return 1.; }\n", 2, "#error planted"),
        ("include/outer.glsl", OUTER.replace("v +", "v + oops +"), 3, "vec4 shift"),  # after an include
        ("main.vert", MAIN.replace("(p)", "(q)"), 3, "void main() {"),
        ("main.frag", FRAGMENT.replace("vec4(1.0)", "vec3(1.0)"), 2, "void main() {"),  # the other stage
    ],
)
def test_a_planted_error_is_found(
    ctx: moderngl.Context, folder: Path, file: str, text: str, line: int, quoted: str
) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ShaderError) as caught:
        compile_it(ctx)
    message = str(caught.value)
    assert message.startswith("it: ")
    assert f"\nshaders/{file}:{line}: " in message
    assert f"\n    {quoted}" in message


def test_errors_of_linking_are_kept(ctx: moderngl.Context, folder: Path) -> None:
    (folder / "main.vert").write_text("out vec4 tint;\n" + MAIN.replace("{ ", "{ tint = p; "))
    (folder / "main.frag").write_text("in vec3 tint;\n" + FRAGMENT.replace("1.0", "tint, 1.0"))
    with pytest.raises(ShaderError, match=r"^it: .*[Ll]ink[\s\S]*tint"):
        compile_it(ctx)


def test_compute(ctx: moderngl.Context, folder: Path) -> None:
    if ctx.version_code < 430:
        pytest.skip("needs OpenGL 4.3")
    (folder / "it.comp").write_text("layout(local_size_x = 64) in;\nvoid main() { oops(); }\n")
    with pytest.raises(ShaderError, match=r"shaders/it\.comp:2: .*oops"):
        source.compile_program(ctx, "it", version=430, compute="it.comp")
