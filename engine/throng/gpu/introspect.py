"""What the driver says: layouts of compiled programs, and debug messages. For tests and bug hunts."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import moderngl

from throng.errors import ContextError
from throng.gpu import rawgl


@dataclass(frozen=True)
class Variable:
    """Where a member of a uniform or storage block lies. Strides are 0 where there is no array or matrix."""

    block: str
    offset: int  # bytes, from the start of the block; for storage arrays of structs, of the first element
    array_stride: int
    matrix_stride: int
    top_level_stride: int  # storage blocks: bytes from one struct to the next in an array of structs


def buffer_variables(program_glo: int) -> dict[str, Variable]:
    """Every active member of the uniform blocks, and from OpenGL 4.3 of the storage blocks, of a program.

    Names are OpenGL's: "member", "Block.member" for a block with an instance name, "items[0].member".
    A member that no stage uses may be missing, but never from std140 or std430 blocks' layouts.
    """
    variables = _uniform_members(program_glo)
    if rawgl.version_code() >= 430:
        variables |= _storage_members(program_glo)
    return variables


def _uniform_members(program: int) -> dict[str, Variable]:
    count = _program_integer(program, 0x8B86)
    if not count:
        return {}
    indices, values = (ctypes.c_uint * count)(*range(count)), (ctypes.c_int * count)()
    get = rawgl.function("glGetActiveUniformsiv", "vuipip")
    columns = []
    for what in (0x8A3A, 0x8A3B, 0x8A3C, 0x8A3D):  # block index, offset, array stride, matrix stride
        get(program, count, indices, what, values)
        columns.append(values[:])
    get_name = rawgl.function("glGetActiveUniformName", "vuuipp")
    get_block = rawgl.function("glGetActiveUniformBlockName", "vuuipp")
    text = ctypes.create_string_buffer(512)
    result = {}
    for index, (block, offset, array, matrix) in enumerate(zip(*columns, strict=True)):
        if block < 0:  # in no block
            continue
        get_name(program, index, 512, None, text)
        name = text.value.decode()
        get_block(program, block, 512, None, text)
        result[name] = Variable(text.value.decode(), offset, max(array, 0), max(matrix, 0), 0)
    return result


def _storage_members(program: int) -> dict[str, Variable]:
    kind, block_kind = 0x92E5, 0x92E6  # GL_BUFFER_VARIABLE, GL_SHADER_STORAGE_BLOCK
    count = ctypes.c_int()
    rawgl.function("glGetProgramInterfaceiv", "vuiip")(program, kind, 0x92F5, ctypes.byref(count))
    get_name = rawgl.function("glGetProgramResourceName", "vuiuipp")
    get = rawgl.function("glGetProgramResourceiv", "vuiuipipp")
    # block index, offset, array stride, matrix stride, top level array stride
    wanted = (ctypes.c_uint * 5)(0x92FD, 0x92FC, 0x92FE, 0x92FF, 0x930D)
    values, text = (ctypes.c_int * 5)(), ctypes.create_string_buffer(512)
    result = {}
    for index in range(count.value):
        get(program, kind, index, 5, wanted, 5, None, values)
        get_name(program, kind, index, 512, None, text)
        name = text.value.decode()
        get_name(program, block_kind, values[0], 512, None, text)
        result[name] = Variable(text.value.decode(), *values[1:])
    return result


def _program_integer(program: int, what: int) -> int:
    value = ctypes.c_int()
    rawgl.function("glGetProgramiv", "vuip")(program, what, ctypes.byref(value))
    return value.value


@dataclass(frozen=True)
class DebugMessage:
    """One message of the driver."""

    kind: str  # "error", "deprecated", "undefined", "portability", "performance", "marker" or "other"
    severity: str  # "high", "medium", "low" or "note"
    text: str


_KINDS = {
    0x824C: "error",
    0x824D: "deprecated",
    0x824E: "undefined",
    0x824F: "portability",
    0x8250: "performance",
    0x8268: "marker",
}
_SEVERITIES = {0x9146: "high", 0x9147: "medium", 0x9148: "low", 0x826B: "note"}


@contextmanager
def debug_messages(ctx: moderngl.Context) -> Iterator[list[DebugMessage]]:
    """Collects what the driver has to say while the block runs, in the list that it gives.

    Takes the place of another callback and does not put that back. Without a debug context drivers may stay
    silent; Mesa does not. Raises ContextError where there is no KHR_debug.
    """
    if rawgl.version_code() < 430 and "GL_KHR_debug" not in ctx.extensions:
        raise ContextError("debug messages need OpenGL 4.3 or GL_KHR_debug, which this context does not have")
    messages: list[DebugMessage] = []

    def receive(
        source: int, kind: int, number: int, severity: int, length: int, text: int, user: int | None
    ) -> None:
        # `text` is an address, since a message need not end with a zero.
        content = ctypes.string_at(text, length) if length >= 0 else ctypes.string_at(text)
        words = content.decode("utf-8", "replace").strip("\0\n ")
        messages.append(DebugMessage(_KINDS.get(kind, "other"), _SEVERITIES.get(severity, "unknown"), words))

    c_int, pointer = ctypes.c_int, ctypes.c_void_p
    callback = rawgl.FUNCTION_TYPE(None, c_int, c_int, ctypes.c_uint, c_int, c_int, pointer, pointer)(receive)
    install = rawgl.function("glDebugMessageCallback", "vpp")
    enable, disable = rawgl.function("glEnable", "vi"), rawgl.function("glDisable", "vi")
    switches = (0x92E0, 0x8242)  # GL_DEBUG_OUTPUT, and synchronous: on this thread, before the call returns
    before = [rawgl.is_enabled(name) for name in switches]
    for name in switches:
        enable(name)
    install(ctypes.cast(callback, pointer), None)
    try:
        yield messages
    finally:
        install(None, None)
        for name, on in zip(switches, before, strict=True):
            if not on:
                disable(name)
