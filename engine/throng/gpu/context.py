"""OpenGL contexts: made, measured, and allocated from without silent failures."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any, TypeVar

import moderngl

from throng import arrays
from throng.errors import ContextError, GpuMemoryError
from throng.gpu import rawgl

MODES = ("indirect", "instanced", "naive")  # best first
# What each mode does not do to find out what need not be drawn; the names are those of Options.
LACKS: dict[str, tuple[str, ...]] = {
    "indirect": (),
    "instanced": ("occlusion", "splat"),
    "naive": ("cull", "lod", "occlusion", "splat"),
}

INSTALL_EGL = "on Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri"
TO_FIX = ". To fix it: "  # what comes before it says what is wrong, what comes after what to do

# Newest first: some drivers (NVIDIA's) hand out exactly the version that was asked for.
_VERSIONS = (460, 450, 430, 410, 330)
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software", "gdi generic", "basic render")

_T = TypeVar("_T")
_log = logging.getLogger("throng")
_pid: int | None = None  # of the process that made or used a context first


def guard_fork() -> None:
    """Raises ContextError in a process that was forked after a context existed, where OpenGL would hang.

    Called wherever a context is made or measured, which is also how the process becomes known.
    """
    global _pid
    if _pid is None:
        _pid = os.getpid()
    if _pid != os.getpid():
        raise ContextError(
            "this process was forked after its parent had used OpenGL, which would hang: start worker "
            'processes with the spawn method, e.g. multiprocessing.get_context("spawn"), or '
            'DataLoader(multiprocessing_context="spawn")'
        )


def create_headless(device: int | None = None) -> moderngl.Context:
    """A context without a window, current on this thread; the newest OpenGL that the driver has.

    `device` is an index into `rawgl.egl_devices()`. Without it the first device that works is taken, hardware
    before software. The caller releases the context. Objects that nobody refers to any more are freed by
    `collect`: freeing them as they die ("auto") would free them in whichever context is current then.

    Raises ContextError, which says what is missing and how to get it.
    """
    guard_fork()
    if not sys.platform.startswith("linux"):
        return _create([{}])
    if device is not None:
        arrays.integer(device, "device", low=0)
        wish = os.environ.get("GLCONTEXT_DEVICE_INDEX")
        if wish and wish != str(device):
            raise ContextError(f"device {device} was asked for, but GLCONTEXT_DEVICE_INDEX={wish} is set")
    found = rawgl.egl_devices()
    if device is not None and device >= len(found):
        listed = ", ".join(f"{one.index}: {one.name}" for one in found) or "none"
        raise ContextError(f"device: expected an index of an EGL device ({listed}), got {device}")
    if device is None:
        tried = [one.index for one in sorted(found, key=lambda one: one.is_software)]
    else:
        tried = [device]
    rawgl.release_glx()
    libraries = _egl_libraries()
    return _create([{"backend": "egl", "device_index": index, **libraries} for index in tried or [0]])


def collect(ctx: moderngl.Context) -> int:
    """Frees the objects of `ctx`, which must be current, that nobody refers to any more; returns how many.

    In place of `ctx.gc()`, which fails at the first object that was released by hand.
    """
    count = 0
    while ctx.objects:
        release = getattr(ctx.objects.popleft(), "release", None)
        if release is not None:
            release()
            count += 1
    return count


def create_for_window() -> moderngl.Context:
    """Wraps the context that is current on this thread, whoever made it (glfw, Qt, ...).

    Always a new wrapper: `moderngl.create_context()` may return the one of an earlier window. The window
    owns the OpenGL context itself. Raises ContextError if none is current, or it is older than OpenGL 3.3.
    """
    guard_fork()
    loader = _Loader()
    if rawgl.version_code() < 330:
        raise ContextError(
            f"throng needs OpenGL 3.3, the current context has {rawgl.get_string(0x1F02)!r} "
            f"({rawgl.get_string(0x1F01)}){TO_FIX}update the graphics driver"
        )
    try:
        moderngl.init_context(loader)
        ctx = moderngl.get_context()
    except Exception as error:  # glcontext raises bare Exception
        raise ContextError(f"the current OpenGL context cannot be used: {error}") from error
    ctx.gc_mode = "context_gc"
    return ctx


@dataclass(frozen=True)
class Capabilities:
    """What a context can do. A plain value: tests lower limits with `dataclasses.replace`."""

    version_code: int  # 330, 430, 450, ...
    version: str  # the driver's own words
    vendor: str
    renderer: str
    glsl: str
    is_software: bool
    clip_control: bool
    compute: bool  # compute shaders and storage blocks, OpenGL 4.3
    multi_draw_indirect: bool  # with base instances
    storage_block_bytes: int  # 0 where there are no storage blocks
    max_work_groups: tuple[int, int, int]  # of one dispatch
    max_texture_size: int  # pixels
    max_texture_layers: int
    max_samples: int
    timer_queries: bool

    @classmethod
    def of(cls, ctx: moderngl.Context) -> Capabilities:
        """Of `ctx`, which must be current."""
        guard_fork()
        version = rawgl.version_code()
        modern = version >= 430
        groups = [rawgl.get_integers_at(0x91BE, axis, 1)[0] for axis in range(3)] if modern else [0, 0, 0]
        renderer = rawgl.get_string(0x1F01)
        return cls(
            version_code=version,
            version=rawgl.get_string(0x1F02),
            vendor=rawgl.get_string(0x1F00),
            renderer=renderer,
            glsl=rawgl.get_string(0x8B8C),
            is_software=any(word in renderer.lower() for word in _SOFTWARE),
            clip_control=rawgl.has_clip_control(),
            compute=modern,
            multi_draw_indirect=modern,
            storage_block_bytes=rawgl.get_integer64(0x90DE) if modern else 0,
            max_work_groups=(groups[0], groups[1], groups[2]),
            max_texture_size=rawgl.get_integer(0x0D33),
            max_texture_layers=rawgl.get_integer(0x88FF),
            # Of renderbuffers, and of colour, depth and integer textures: some drivers have fewer of these.
            max_samples=min(map(rawgl.get_integer, (0x8D57, 0x910E, 0x910F, 0x9110))),
            timer_queries=rawgl.timer_bits() > 0,
        )

    def modes(self) -> dict[str, str | None]:
        """Every mode, best first: None where this context can do it, else the reason why not."""
        number = f"{self.version_code // 100}.{self.version_code % 100 // 10}"
        has = f"this context has OpenGL {number} ({self.renderer})"
        missing = [
            name
            for name, there in (
                ("compute shaders", self.compute),
                ("storage blocks", self.storage_block_bytes > 0),
                ("multi-draw-indirect", self.multi_draw_indirect),
            )
            if not there
        ]
        basic = None if self.version_code >= 330 else f"needs OpenGL 3.3, {has}"
        indirect = basic
        if self.version_code < 430 or missing:
            indirect = f"needs OpenGL 4.3, {has}" + (f": no {', '.join(missing)}" if missing else "")
        return {"indirect": indirect, "instanced": basic, "naive": basic}


def choose_mode(requested: str, capabilities: Capabilities) -> str:
    """The mode to draw in: `requested`, or for "auto" the best there is. Raises ContextError."""
    arrays.choice(requested, "mode", ("auto", *MODES))
    modes = capabilities.modes()
    if requested != "auto":
        if modes[requested] is not None:
            raise ContextError(f"mode {requested!r} {modes[requested]}")
        return requested
    for mode, missing in modes.items():
        if missing is None:
            return mode
    raise ContextError(f"throng {modes['naive']}{TO_FIX}update the graphics driver")


def checked(ctx: moderngl.Context, make: Callable[[], _T], purpose: str, size: int) -> _T:
    """What `make` returns. Raises GpuMemoryError where the driver refused; `size` in bytes, for the text.

    moderngl returns an object all the same; only the context's error state tells.
    """
    stale = ctx.error
    if stale != "GL_NO_ERROR":
        _log.warning("OpenGL error %s was pending before throng allocated %s", stale, purpose)
        ctx.clear_errors()
    try:
        result = make()
    except moderngl.Error as error:
        raise GpuMemoryError(
            f"{_request(purpose, size)}: the driver made no object ({error}); is the context current "
            "on this thread?"
        ) from error
    error_name = ctx.error
    if error_name != "GL_NO_ERROR":
        ctx.clear_errors()
        release: Any = getattr(result, "release", None)
        if release is not None:
            release()
        raise GpuMemoryError(f"{_request(purpose, size)}: the driver refused it: {error_name}")
    return result


def checked_buffer(
    ctx: moderngl.Context, data: Any = None, *, reserve: int = 0, purpose: str, dynamic: bool = True
) -> moderngl.Buffer:
    """`ctx.buffer`, or GpuMemoryError. `purpose` completes "no memory for ..."."""
    size = reserve if data is None else memoryview(data).nbytes
    return checked(ctx, lambda: ctx.buffer(data, reserve=reserve, dynamic=dynamic), purpose, size)


def checked_texture(
    ctx: moderngl.Context,
    size: tuple[int, int],
    components: int,
    data: Any = None,
    *,
    purpose: str,
    samples: int = 0,
    dtype: str = "f1",
    internal_format: int | None = None,
) -> moderngl.Texture:
    """`ctx.texture`, or GpuMemoryError."""
    return checked(
        ctx,
        lambda: ctx.texture(
            size, components, data, samples=samples, dtype=dtype, internal_format=internal_format
        ),
        purpose,
        _pixels(size, samples) * components * int(dtype[-1]),
    )


def checked_texture_array(
    ctx: moderngl.Context,
    size: tuple[int, int, int],
    components: int,
    data: Any = None,
    *,
    purpose: str,
    dtype: str = "f1",
) -> moderngl.TextureArray:
    """`ctx.texture_array`, (width, height, layers), or GpuMemoryError."""
    bytes_asked = size[0] * size[1] * size[2] * components * int(dtype[-1])
    return checked(ctx, lambda: ctx.texture_array(size, components, data, dtype=dtype), purpose, bytes_asked)


def checked_depth_texture(
    ctx: moderngl.Context, size: tuple[int, int], *, purpose: str, samples: int = 0
) -> moderngl.Texture:
    """A depth texture with 32-bit float storage that reads as plain numbers (no comparison).

    Raises GpuMemoryError.
    """
    texture = checked(
        ctx, lambda: ctx.depth_texture(size, samples=samples), purpose, _pixels(size, samples) * 4
    )
    try:
        rawgl.depth32f(texture.glo, size, samples)
    except GpuMemoryError:
        texture.release()
        raise
    if not samples:
        texture.compare_func = ""
    return texture


class _Loader:
    """What moderngl wants to know of a context that somebody else made."""

    def __init__(self) -> None:
        self.load_opengl_function = rawgl.resolver()
        self._activate = rawgl.keep_current()

    def __enter__(self) -> None:
        self._activate()

    def __exit__(self, *error: object) -> None:
        pass

    def release(self) -> None:
        pass


def _create(attempts: list[dict[str, Any]]) -> moderngl.Context:
    """The first of `attempts` that gives a context, each tried from the newest version down."""
    failures: list[str] = []
    for settings in attempts:
        for version in _VERSIONS:
            try:
                ctx = moderngl.create_context(require=version, standalone=True, **settings)
            except Exception as error:  # glcontext raises bare Exception
                failure = str(error)
            else:
                ctx.gc_mode = "context_gc"
                return ctx
        where = f"EGL device {settings['device_index']}: " if "device_index" in settings else ""
        failures.append(where + failure)
    raise ContextError(_no_context("; ".join(failures)))


def _no_context(failure: str) -> str:
    if "not loaded" in failure:
        return f"OpenGL is not installed ({failure}){TO_FIX}{INSTALL_EGL}"
    if "found 0 devices" in failure:
        return (
            f"EGL is installed, but it has no driver and so no device{TO_FIX}for rendering on the CPU, "
            f"{INSTALL_EGL}; for a GPU, install its driver (in a container: NVIDIA_DRIVER_CAPABILITIES=all)"
        )
    return (
        f"no OpenGL 3.3 context could be made ({failure}){TO_FIX}update the graphics driver, or render on "
        f"the CPU; {INSTALL_EGL}"
    )


def _egl_libraries() -> dict[str, str]:
    """Names for glcontext to load where its own search (ldconfig, a compiler) finds nothing."""
    names = {}
    if not find_library("EGL"):
        names["libegl"] = "libEGL.so.1"
    if not find_library("GL"):
        names["libgl"] = "libGL.so.1"
    return names


def _pixels(size: tuple[int, int], samples: int) -> int:
    return size[0] * size[1] * max(samples, 1)


def _request(purpose: str, size: int) -> str:
    return f"no memory for {purpose}: {size / 2**20:.1f} MiB were asked for"
