"""What compiled programs and the driver tell."""

from __future__ import annotations

import moderngl
import pytest

from throng.gpu import rawgl
from throng.gpu.introspect import DebugMessage, Variable, buffer_variables, debug_messages

BLOCKS = """
layout(std140) uniform Frame { mat4 view; vec4 planes[6]; } frame;
uniform float loose;
"""


def test_uniform_blocks(ctx: moderngl.Context) -> None:
    program = ctx.program(
        vertex_shader=f"#version 330 core\n{BLOCKS}"
        "void main() { gl_Position = frame.view * frame.planes[2] * loose; }",
    )
    assert buffer_variables(program.glo) == {
        "Frame.view": Variable("Frame", 0, 0, 16, 0),
        "Frame.planes[0]": Variable("Frame", 64, 16, 0, 0),
    }


def test_storage_blocks(ctx: moderngl.Context) -> None:
    if ctx.version_code < 430:
        pytest.skip("needs OpenGL 4.3")
    program = ctx.compute_shader(
        "#version 430 core\nlayout(local_size_x = 1) in; struct Item { vec4 a; uint b; uvec2 c; };"
        "layout(std430) buffer Items { uint count; Item items[]; };"
        "void main() { items[count].a = vec4(1.0); items[1].b = items[0].c.x; }"
    )
    assert buffer_variables(program.glo) == {
        "count": Variable("Items", 0, 0, 0, 0),
        "items[0].a": Variable("Items", 16, 0, 0, 32),
        "items[0].b": Variable("Items", 32, 0, 0, 32),
        "items[0].c": Variable("Items", 40, 0, 0, 32),
    }


def test_debug_messages(ctx: moderngl.Context) -> None:
    with debug_messages(ctx) as messages:
        rawgl.function("glEnable", "vi")(0xFFFF)
    assert rawgl.get_error() == "GL_INVALID_ENUM"
    rawgl.function("glEnable", "vi")(0xFFFF)  # nobody listens any more
    assert rawgl.get_error() == "GL_INVALID_ENUM"
    assert messages == [DebugMessage("error", "high", messages[0].text)]
    assert "GL_INVALID_ENUM" in messages[0].text


def test_errors_are_drained(ctx: moderngl.Context) -> None:
    assert rawgl.get_error() is None
    rawgl.function("glEnable", "vi")(0xFFFF)
    assert rawgl.get_error() == "GL_INVALID_ENUM"
    assert rawgl.get_error() is None


def test_strings_and_numbers(ctx: moderngl.Context) -> None:
    assert rawgl.get_string(0x1F01) == ctx.info["GL_RENDERER"]
    assert rawgl.extensions() == ctx.extensions
    assert rawgl.version_code() == ctx.version_code
    assert rawgl.get_integer64(0x90DE if ctx.version_code >= 430 else 0x8A30) >= 16384
    assert rawgl.get_boolean(0x0B72) is True


def test_egl_devices(ctx: moderngl.Context) -> None:
    devices = rawgl.egl_devices()
    assert [device.index for device in devices] == list(range(len(devices)))
    assert all(device.name for device in devices)
