"""Bad input to renderers and frames: class and full text of every error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import moderngl
import pytest

import throng
from throng import Camera, Options, Renderer, Scene
from throng.errors import ContextError, InvalidType, InvalidValue, UsageError

OUTPUTS = "'color', 'depth', 'ids', 'normals'"
MODES = "'auto', 'indirect', 'instanced', 'naive'"

MAKING: list[tuple[dict[str, Any], type[throng.ThrongError], str]] = [
    ({"size": (0, 10)}, InvalidValue, "size[0]: expected an integer, at least 1, got 0"),
    ({"size": (10, -1)}, InvalidValue, "size[1]: expected an integer, at least 1, got -1"),
    ({"size": (10.5, 10)}, InvalidType, "size[0]: expected an integer, got float 10.5"),
    ({"size": 640}, InvalidType, "size: expected (width, height), got int 640"),
    ({"size": "640x480"}, InvalidType, "size: expected (width, height), got str '640x480'"),
    ({"size": (1, 2, 3)}, InvalidType, "size: expected (width, height), got tuple (1, 2, 3)"),
    ({"samples": 0}, InvalidValue, "samples: expected an integer, 1..64, got 0"),
    ({"samples": 65}, InvalidValue, "samples: expected an integer, 1..64, got 65"),
    ({"samples": 4.0}, InvalidType, "samples: expected an integer, got float 4.0"),
    ({"samples": True}, InvalidType, "samples: expected an integer, got bool True"),
    ({"options": "indirect"}, InvalidType, "options: expected an Options, got str 'indirect'"),
    ({"options": None}, InvalidType, "options: expected an Options, got NoneType None"),
    ({"context": 7}, InvalidType, "context: expected a moderngl.Context, got int 7"),
    ({"device": -1}, InvalidValue, "device: expected an integer, at least 0, got -1"),
    ({"device": "0"}, InvalidType, "device: expected an integer, got str '0'"),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), MAKING)
def test_making_a_renderer(arguments: dict[str, Any], kind: type[throng.ThrongError], text: str) -> None:
    with pytest.raises(kind) as caught:
        Renderer(**arguments)
    assert (type(caught.value), str(caught.value)) == (kind, text)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"), [row for row in MAKING if {"size", "samples", "options"} & {*row[0]}]
)
def test_a_single_picture(arguments: dict[str, Any], kind: type[throng.ThrongError], text: str) -> None:
    with pytest.raises(kind) as caught:
        throng.render(Scene(), Camera(), **arguments)
    assert (type(caught.value), str(caught.value)) == (kind, text)


OPTIONS: list[tuple[dict[str, Any], type[throng.ThrongError], str]] = [
    ({"mode": "fast"}, InvalidValue, f"mode: expected one of {MODES}, got 'fast'"),
    ({"mode": None}, InvalidType, f"mode: expected one of {MODES}, got NoneType None"),
    *(
        ({name: 1}, InvalidType, f"{name}: expected True or False, got int 1")
        for name in ("cull", "lod", "occlusion", "splat", "shadows")
    ),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), OPTIONS)
def test_options(arguments: dict[str, Any], kind: type[throng.ThrongError], text: str) -> None:
    with pytest.raises(kind) as caught:
        Options(**arguments)
    assert (type(caught.value), str(caught.value)) == (kind, text)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer((16, 16)) as made:
        yield made


class NoScene:
    def __repr__(self) -> str:
        return "<x" + "x" * 80 + ">"


USING: list[tuple[Callable[[Any], Any], type[throng.ThrongError], str]] = [
    (lambda r: r.render(None, Camera()), InvalidType, "scene: expected a Scene, got NoneType None"),
    (
        lambda r: r.render(NoScene(), Camera()),
        InvalidType,
        f"scene: expected a Scene, got NoScene <{'x' * 56}...",
    ),
    (lambda r: r.render(throng.Node(), Camera()), InvalidType, "scene: expected a Scene, got Node <Node>"),
    (lambda r: r.render(Scene(), "front"), InvalidType, "camera: expected a Camera, got str 'front'"),
    (lambda r: r.render(Scene(), Camera), InvalidType, "camera: expected a Camera, got a type"),
    (
        lambda r: r.render(Scene(), Camera(), "color"),
        InvalidType,
        "outputs: expected a sequence of names, got str 'color'",
    ),
    (
        lambda r: r.render(Scene(), Camera(), {"color"}),
        InvalidType,
        "outputs: expected a sequence of names, got set {'color'}",
    ),
    (
        lambda r: r.render(Scene(), Camera(), ()),
        InvalidValue,
        f"outputs: expected at least one of {OUTPUTS}, got none",
    ),
    (
        lambda r: r.render(Scene(), Camera(), ("color", "colour")),
        InvalidValue,
        f"outputs: expected one of {OUTPUTS}, got 'colour'",
    ),
    (
        lambda r: r.render(Scene(), Camera(), [1]),
        InvalidType,
        f"outputs: expected one of {OUTPUTS}, got int 1",
    ),
    (lambda r: r.draw(7, Camera()), InvalidType, "scene: expected a Scene, got int 7"),
    (
        lambda r: r.draw(Scene(), Camera(), "screen"),
        InvalidType,
        "framebuffer: expected a moderngl.Framebuffer, got str 'screen'",
    ),
    (
        lambda r: r.draw(Scene(), Camera(), clear=1),
        InvalidType,
        "clear: expected True or False, got int 1",
    ),
    (
        lambda r: r.draw(Scene(), Camera(), encoding="rgb"),
        InvalidValue,
        "encoding: expected one of 'srgb', 'linear', got 'rgb'",
    ),
    (
        lambda r: r.draw(Scene(), Camera(), encoding=None),
        InvalidType,
        "encoding: expected one of 'srgb', 'linear', got NoneType None",
    ),
    (
        lambda r: setattr(r, "size", (4, 0)),
        InvalidValue,
        "size[1]: expected an integer, at least 1, got 0",
    ),
    (
        lambda r: setattr(r, "options", {"mode": "naive"}),
        InvalidType,
        "options: expected an Options, got dict {'mode': 'naive'}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("use", "kind", "text"), USING)
def test_using_a_renderer(
    renderer: Renderer, use: Callable[[Any], Any], kind: type[throng.ThrongError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        use(renderer)
    assert (type(caught.value), str(caught.value)) == (kind, text)
    assert renderer.size == (16, 16)
    renderer.render(Scene(), Camera())  # and it still works


def test_no_size() -> None:
    with Renderer() as renderer, pytest.raises(UsageError) as caught:
        renderer.render(Scene(), Camera())
    assert (
        str(caught.value) == "size: expected the renderer to have a size before render(): set renderer.size"
    )


def test_a_picture_larger_than_the_driver_can_make() -> None:
    with Renderer((100_000, 10)) as renderer:
        most = renderer.capabilities.max_texture_size
        with pytest.raises(InvalidValue) as caught:
            renderer.render(Scene(), Camera())
        assert str(caught.value) == f"size: expected at most {most}x{most} pixels, got 100000x10"
        renderer.size = (10, 10)
        renderer.render(Scene(), Camera())


def test_a_viewport_of_nothing(ctx: moderngl.Context) -> None:
    target = ctx.simple_framebuffer((8, 8))
    target.viewport = (0, 0, 8, 0)
    with Renderer(context=ctx) as renderer, pytest.raises(InvalidValue) as caught:
        renderer.draw(Scene(), Camera(), target)
    assert str(caught.value) == "framebuffer: expected a viewport of at least 1x1, got 8x0"


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ContextError) as caught:
        Renderer(device=99)
    text = str(caught.value)
    assert text.startswith("device: expected an index of an EGL device (0: ")
    assert text.endswith("), got 99")


OLD = {"MESA_GL_VERSION_OVERRIDE": "3.3", "MESA_GLSL_VERSION_OVERRIDE": "330"}


@pytest.mark.usefixtures("mesa")
def test_a_mode_that_the_context_cannot_do(run_python: Callable[..., str]) -> None:
    text = run_python(
        "-c",
        "import throng\n"
        "try: throng.Renderer(options=throng.Options(mode='indirect'))\n"
        "except throng.ContextError as error: print(error)\n"
        "with throng.Renderer() as renderer:\n"
        "    try: renderer.options = throng.Options(mode='indirect')\n"
        "    except throng.ContextError as error: print(error, renderer.options.mode)\n",
        **OLD,
    )
    first, second = text.splitlines()
    assert first.startswith("mode 'indirect' needs OpenGL 4.3, this context has OpenGL 3.3 (")
    assert first.endswith("): no compute shaders, storage blocks, multi-draw-indirect")
    assert second == f"{first} auto"


def test_bare_python_shows_no_internal_error_at_exit(run_python: Callable[..., str]) -> None:
    """A renderer that nobody closed, at the end of the process."""
    script = (
        "import throng; r = throng.Renderer((8, 8)); r.render(throng.Scene(), throng.Camera()); print('done')"
    )
    assert run_python("-W", "error", "-c", script) == "done\n"
