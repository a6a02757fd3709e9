"""Somebody else's OpenGL state: put aside while throng draws, and put back as it was.

What is saved is written as tables, in `statetable.py`. Rows for newer versions are left out on older
contexts, so that no call can be an error.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import moderngl

from throng.gpu import rawgl
from throng.gpu.statetable import (
    BLOCKS,
    CLIP_CONTROL,
    INDEXED,
    INDEXED_SWITCHES,
    PIXELS,
    SWITCHES,
    TEXTURES,
    VALUES,
    IndexedRow,
    Row,
)

BINDINGS = 8  # indexed uniform and storage bindings that are saved, from 0

# moderngl keeps these switches in a word of its own, which its scopes go back to.
_MODERNGL_FLAGS = {
    0x0BE2: moderngl.BLEND,
    0x0B71: moderngl.DEPTH_TEST,
    0x0B44: moderngl.CULL_FACE,
    0x8C89: moderngl.RASTERIZER_DISCARD,
    0x8642: moderngl.PROGRAM_POINT_SIZE,
}
_MODERNGL_VALUES = ("front_face", "cull_face", "polygon_offset", "wireframe")

_IMAGE = (0x8F3A, 0x8F3B, 0x8F3C, 0x8F3D, 0x8F3E, 0x906E)  # texture, level, layered, layer, access, format
_MOST_IMAGES = 0x8F38  # GL_MAX_IMAGE_UNITS
_NO_IMAGE = (0, 0, 0, 0, 0x88B8, 0x8229)

_GETTERS: dict[str, tuple[str, str, Any]] = {
    "i": ("glGetIntegerv", "glGetIntegeri_v", ctypes.c_int),
    "b": ("glGetBooleanv", "glGetBooleani_v", ctypes.c_ubyte),
    "f": ("glGetFloatv", "glGetFloati_v", ctypes.c_float),
    "d": ("glGetDoublev", "glGetDoublei_v", ctypes.c_double),
}


class SavedState:
    """`with saved:` puts the state of `ctx` aside on entering and back on leaving, also after an exception.

    The context must be current. May be nested, and used again. Beside OpenGL's own state it puts back what
    moderngl remembers: the framebuffer in use and its switches. Of texture and image units the first `units`
    are saved; where that is any, so is the one in which moderngl makes textures, and what pixel transfers
    depend on. Buffer bindings from `BINDINGS` on are not saved, nor are transform feedback, queries, stencil
    functions, line width and point size.
    """

    def __init__(self, ctx: moderngl.Context, units: int) -> None:
        self._ctx = ctx
        known = _parts.setdefault(ctx, {})
        if units not in known:
            known[units] = _parts_of(ctx, units)
        self._parts = known[units]
        self._saved: list[tuple[Any, list[Any]]] = []

    def __enter__(self) -> SavedState:
        self._saved.append((_moderngl_state(self._ctx), [part.save() for part in self._parts]))
        return self

    def __exit__(self, *error: object) -> None:
        remembered, values = self._saved.pop()
        _restore_moderngl(self._ctx, *remembered)  # first: it touches what the others put back
        for part, value in zip(self._parts, values, strict=True):
            part.restore(value)

    def neutral(self) -> None:
        """The state that throng draws from, wherever the host left it: nothing is switched on but multisample
        and seamless cube maps, all is written, the least depth wins, no buffer takes part in pixel transfers.

        To be called first in the `with`. Leaves alone: framebuffers, viewport, scissor box, and the bindings
        of buffers and textures (not of samplers, which would override a texture's own parameters).
        """
        _, values = self._saved[-1]
        for part, value in zip(self._parts, values, strict=True):
            part.neutral(value)
        self._ctx.enable_only(moderngl.NOTHING)


@contextmanager
def neutral_state(ctx: moderngl.Context, units: int = 0) -> Iterator[None]:
    """The state that throng draws from inside (see `SavedState.neutral`); afterwards all is as it was.

    `units`: how many texture and image units are used inside.
    """
    with SavedState(ctx, units) as saved:
        saved.neutral()
        yield


def _moderngl_state(ctx: Any) -> tuple[Any, Any, int, list[Any]]:
    """What moderngl believes: its scopes, `clear` and reads go by that and not by OpenGL's state."""
    flags = sum(flag for name, flag in _MODERNGL_FLAGS.items() if rawgl.is_enabled(name))
    return ctx.fbo, ctx.mglo.fbo, flags, [getattr(ctx.mglo, name) for name in _MODERNGL_VALUES]


def _restore_moderngl(ctx: Any, fbo: Any, bound: Any, flags: int, values: list[Any]) -> None:
    ctx.fbo, ctx.mglo.fbo = fbo, bound
    ctx.mglo.enable_only(flags)
    for name, remembered in zip(_MODERNGL_VALUES, values, strict=True):
        setattr(ctx.mglo, name, remembered)


class _Part:
    """One piece of state."""

    def save(self) -> Any:
        raise NotImplementedError

    def restore(self, value: Any) -> None:
        raise NotImplementedError

    def neutral(self, value: Any) -> None:
        """From `value`, which was saved just now. Some state is left as it is."""


_parts: WeakKeyDictionary[moderngl.Context, dict[int, list[_Part]]] = WeakKeyDictionary()


def _parts_of(ctx: moderngl.Context, units: int) -> list[_Part]:
    """Everything that is saved, in the order in which it is restored. Keeps no reference to `ctx`."""
    version = rawgl.version_code()
    rows = (*VALUES, *(PIXELS if units else ()), *((CLIP_CONTROL,) if rawgl.has_clip_control() else ()))
    parts: list[_Part] = [
        _Program(),
        *(_Blocks(*row[1:]) for row in BLOCKS if version >= row[0]),
        *(_Value(row) for row in rows if version >= row[0]),
        *(_IndexedValue(row) for row in INDEXED if version >= row[0]),
        *(_Switch(*row[1:]) for row in SWITCHES if version >= row[0]),
        *(_IndexedSwitch(*row[1:]) for row in INDEXED_SWITCHES if version >= row[0]),
    ]
    if units:
        parts.append(_Textures(sorted({*range(units), ctx.default_texture_unit})))
    if units and version >= 420:
        parts.append(_Images(min(units, rawgl.get_integer(_MOST_IMAGES))))
    return parts


class _Value(_Part):
    """What one setter sets, from one or more names."""

    def __init__(self, row: Row) -> None:
        _, names, kind, count, setter, types, self._first, self._wanted = row
        self._indexed = any(names == indexed[1] for indexed in INDEXED)
        get, _, c_type = _GETTERS[kind]
        self._get, self._set = rawgl.function(get, "vip"), rawgl.function(setter, types)
        # Some getters write more than one value where one is used (the polygon mode of both faces).
        self._memory = (c_type * (len(names) * count + 4))()
        address, step = ctypes.addressof(self._memory), count * ctypes.sizeof(c_type)
        self._calls = [(name, address + place * step) for place, name in enumerate(names)]
        self._used = len(names) * count

    def save(self) -> Any:
        for name, address in self._calls:
            self._get(name, address)
        return self._memory[: self._used]

    def restore(self, value: Any) -> None:
        self._set(*self._first, *value)

    def neutral(self, value: Any) -> None:
        # Element 0 of an array was read: the others may differ.
        if self._wanted is not None and (self._indexed or tuple(value) != self._wanted):
            self._set(*self._first, *self._wanted)


class _IndexedValue(_Part):
    """As _Value, but for the elements of an array."""

    def __init__(self, row: IndexedRow) -> None:
        _, names, kind, count, setter, types, how_many = row
        _, get, c_type = _GETTERS[kind]
        self._get, self._set = rawgl.function(get, "viup"), rawgl.function(setter, types)
        length, self._each = min(rawgl.get_integer(how_many), 16), len(names) * count
        self._memory = (c_type * (length * self._each))()
        address, step = ctypes.addressof(self._memory), count * ctypes.sizeof(c_type)
        keys = ((name, index) for index in range(length) for name in names)
        self._calls = [(name, index, address + place * step) for place, (name, index) in enumerate(keys)]

    def save(self) -> Any:
        for name, index, address in self._calls:
            self._get(name, index, address)
        return self._memory[:]

    def restore(self, value: Any) -> None:
        each, first = self._each, value[: self._each]
        if value == first * (len(value) // each):
            return
        for start in range(0, len(value), each):
            if value[start : start + each] != first:
                self._set(start // each, *value[start : start + each])


class _Switch(_Part):
    def __init__(self, name: int, wanted: bool) -> None:
        self._name, self._wanted = name, wanted
        self._indexed = name in (switch for _, switch, _ in INDEXED_SWITCHES)
        self._get = rawgl.function("glIsEnabled", "bi")
        self._set = rawgl.function("glDisable", "vi"), rawgl.function("glEnable", "vi")

    def save(self) -> Any:
        return self._get(self._name)

    def restore(self, value: Any) -> None:
        self._set[value](self._name)

    def neutral(self, value: Any) -> None:
        if self._indexed or bool(value) != self._wanted:
            self._set[self._wanted](self._name)


class _IndexedSwitch(_Part):
    def __init__(self, name: int, how_many: int) -> None:
        self._name = name
        self._indices = range(min(rawgl.get_integer(how_many), 16))
        self._get = rawgl.function("glIsEnabledi", "biu")
        self._set = rawgl.function("glDisablei", "viu"), rawgl.function("glEnablei", "viu")

    def save(self) -> Any:
        return [self._get(self._name, index) for index in self._indices]

    def restore(self, value: Any) -> None:
        for index, on in enumerate(value):
            if on != value[0]:
                self._set[on](self._name, index)


class _Program(_Part):
    def __init__(self) -> None:
        self._is_program = rawgl.function("glIsProgram", "bu")
        self._use = rawgl.function("glUseProgram", "vu")

    def save(self) -> Any:
        return rawgl.get_integer(0x8B8D)

    def restore(self, value: Any) -> None:
        # A program that was deleted while in use is gone as soon as another one is used.
        self._use(value if value and self._is_program(value) else 0)


class _Blocks(_Part):
    """Indexed buffer bindings of one target, and its generic one, which they change when they are set."""

    def __init__(self, target: int, binding: int, start: int, size: int) -> None:
        self._target, self._names, self._binding = target, (start, size), binding
        self._get = rawgl.function("glGetIntegeri_v", "viup")
        self._get64 = rawgl.function("glGetInteger64i_v", "viup")
        self._bind = rawgl.function("glBindBuffer", "viu")
        self._bind_base = rawgl.function("glBindBufferBase", "viuu")
        self._bind_range = rawgl.function("glBindBufferRange", "viuuzz")
        self._memory, self._memory64 = (ctypes.c_int * 16)(), (ctypes.c_int64 * 16)()

    def save(self) -> Any:
        result = []
        for index in range(BINDINGS):
            self._get(self._binding, index, self._memory)
            buffer, extent = self._memory[0], (0, 0)
            if buffer:
                self._get64(self._names[0], index, self._memory64)
                start = self._memory64[0]
                self._get64(self._names[1], index, self._memory64)
                extent = start, self._memory64[0]
            result.append((buffer, *extent))
        return rawgl.get_integer(self._binding), result

    def restore(self, value: Any) -> None:
        generic, bindings = value
        for index, (buffer, start, size) in enumerate(bindings):
            if size:
                self._bind_range(self._target, index, buffer, start, size)
            else:  # the whole buffer, however long
                self._bind_base(self._target, index, buffer)
        self._bind(self._target, generic)


class _Textures(_Part):
    """Textures and samplers of some units, and which unit is active."""

    def __init__(self, units: list[int]) -> None:
        self._units = units
        self._get = rawgl.function("glGetIntegerv", "vip")
        self._activate = rawgl.function("glActiveTexture", "vi")
        self._bind = rawgl.function("glBindTexture", "viu")
        self._bind_sampler = rawgl.function("glBindSampler", "vuu")
        self._memory = (ctypes.c_int * 16)()

    def save(self) -> Any:
        get, memory, result = self._get, self._memory, []
        get(0x84E0, memory)
        active = memory[0]
        for unit in self._units:
            self._activate(0x84C0 + unit)
            get(0x8919, memory)
            names = [memory[0]]
            for _, binding in TEXTURES:
                get(binding, memory)
                names.append(memory[0])
            result.append(names)
        self._activate(active)
        return active, result

    def restore(self, value: Any) -> None:
        active, names = value
        for unit, (sampler, *textures) in zip(self._units, names, strict=True):
            self._activate(0x84C0 + unit)
            self._bind_sampler(unit, sampler)
            for (target, _), texture in zip(TEXTURES, textures, strict=True):
                self._bind(target, texture)
        self._activate(active)

    def neutral(self, value: Any) -> None:
        self._activate(0x84C0)
        for unit in self._units:
            self._bind_sampler(unit, 0)


class _Images(_Part):
    def __init__(self, units: int) -> None:
        self._units = units
        self._get = rawgl.function("glGetIntegeri_v", "viup")
        self._bind = rawgl.function("glBindImageTexture", "vuuibiii")
        self._memory = (ctypes.c_int * 16)()

    def save(self) -> Any:
        result = []
        for unit in range(self._units):
            values = []
            for name in _IMAGE:
                self._get(name, unit, self._memory)
                values.append(self._memory[0])
                if not values[0]:  # no texture: the rest does not matter
                    values = list(_NO_IMAGE)
                    break
            result.append(values)
        return result

    def restore(self, value: Any) -> None:
        for unit, values in enumerate(value):
            self._bind(unit, *values)
