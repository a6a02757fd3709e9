"""Contexts, what they can do, and allocations that cannot fail silently."""

from __future__ import annotations

import ctypes
import json
import logging
import multiprocessing
import os
import shutil
from collections.abc import Callable
from dataclasses import replace

import moderngl
import numpy as np
import pytest

from throng.errors import ContextError, GpuMemoryError, InvalidType, InvalidValue
from throng.gpu import context, rawgl
from throng.gpu.context import Capabilities, choose_mode, create_headless

Run = Callable[..., str]

REPORT = (
    "import dataclasses, json; from throng.gpu.context import *; from throng.gpu import rawgl; "
    "ctx = create_headless(); c = Capabilities.of(ctx); "
    "print(json.dumps([c.version_code, c.compute, c.storage_block_bytes, c.max_work_groups, c.modes(), "
    "choose_mode('auto', c), rawgl.get_error()]))"
)
CAUGHT = (
    "from throng.errors import ContextError\nfrom throng.gpu.context import create_headless\n"
    "try: create_headless({})\nexcept ContextError as error: print(error)"
)


def test_capabilities(ctx: moderngl.Context) -> None:
    found = Capabilities.of(ctx)
    assert found.version_code == ctx.version_code
    assert found.renderer == ctx.info["GL_RENDERER"]
    assert found.is_software == ("llvmpipe" in found.renderer)
    assert found.max_texture_size >= 1024
    assert found.max_samples >= 4
    if found.version_code >= 430:
        assert found.modes() == {"indirect": None, "instanced": None, "naive": None}
        assert found.storage_block_bytes >= 2**24
        assert min(found.max_work_groups) >= 65535


@pytest.mark.parametrize(("version", "code"), [("3.3", 330), ("4.1", 410)])
def test_capabilities_of_older_drivers(run_python: Run, version: str, code: int) -> None:
    report = json.loads(run_python("-c", REPORT, MESA_GL_VERSION_OVERRIDE=version))
    if report[0] != code:
        pytest.skip("only Mesa can play an older driver")
    _, compute, block_bytes, groups, modes, mode, error = report
    assert (compute, block_bytes, groups, mode, error) == (False, 0, [0, 0, 0], "instanced", None)
    assert modes["instanced"] is modes["naive"] is None
    assert modes["indirect"].startswith(f"needs OpenGL 4.3, this context has OpenGL {version} (")
    assert modes["indirect"].endswith("): no compute shaders, storage blocks, multi-draw-indirect")


def test_modes_are_chosen(ctx: moderngl.Context) -> None:
    new = replace(
        Capabilities.of(ctx),
        version_code=430,
        compute=True,
        storage_block_bytes=2**27,
        multi_draw_indirect=True,
    )
    old = replace(
        new, version_code=410, renderer="it", compute=False, storage_block_bytes=0, multi_draw_indirect=False
    )
    assert choose_mode("auto", new) == "indirect"
    assert choose_mode("naive", new) == "naive"
    assert choose_mode("auto", old) == "instanced"
    with pytest.raises(ContextError) as caught:
        choose_mode("indirect", old)
    assert str(caught.value) == (
        "mode 'indirect' needs OpenGL 4.3, this context has OpenGL 4.1 (it): no compute shaders, storage "
        "blocks, multi-draw-indirect"
    )
    with pytest.raises(ContextError) as caught:
        choose_mode("auto", replace(old, version_code=210))
    assert str(caught.value) == (
        "throng needs OpenGL 3.3, this context has OpenGL 2.1 (it). To fix it: update the graphics driver"
    )
    with pytest.raises(
        InvalidValue, match="mode: expected one of 'auto', 'indirect', 'instanced', 'naive', got 'x'"
    ):
        choose_mode("x", new)


def test_unreferenced_objects_are_freed(ctx: moderngl.Context) -> None:
    context.collect(ctx)
    ctx.buffer(reserve=16).release()
    name = ctx.buffer(reserve=16).glo
    is_buffer = rawgl.function("glIsBuffer", "bu")
    assert is_buffer(name)
    assert context.collect(ctx) == 1
    assert not is_buffer(name)


def test_contexts_nest(ctx: moderngl.Context) -> None:
    mine = ctx.buffer(b"mine")
    with rawgl.current():
        other = create_headless()
        theirs = other.buffer(b"them")
    assert mine.read() == b"mine"
    with rawgl.current(other):
        with rawgl.current(ctx):
            assert mine.read() == b"mine"
        assert theirs.read() == b"them"
    Capabilities.of(other)
    assert mine.read() == b"mine"
    other.release()
    assert mine.read() == b"mine"


def test_device_numbers(ctx: moderngl.Context) -> None:
    count = len(rawgl.egl_devices())
    assert count >= 1
    with pytest.raises(
        ContextError, match=rf"^device: expected an index of an EGL device \(0: .*\), got {count}$"
    ):
        create_headless(count)
    with pytest.raises(InvalidValue, match=r"^device: expected an integer, at least 0, got -1$"):
        create_headless(-1)
    with pytest.raises(InvalidType, match=r"^device: expected an integer, got str 'gpu'$"):
        create_headless("gpu")  # type: ignore[arg-type]


def test_the_environment_may_not_contradict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLCONTEXT_DEVICE_INDEX", "3")
    with pytest.raises(ContextError, match=r"^device 0 was asked for, but GLCONTEXT_DEVICE_INDEX=3 is set$"):
        create_headless(0)


def test_without_any_driver(run_python: Run) -> None:
    text = run_python("-c", CAUGHT.format(""), __EGL_VENDOR_LIBRARY_FILENAMES="/nonexistent")
    assert text == (
        "EGL is installed, but it has no driver and so no device. To fix it: for rendering on the CPU, on "
        "Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri; for a GPU, install its driver "
        "(in a container: NVIDIA_DRIVER_CAPABILITIES=all)\n"
    )


def test_without_the_library(run_python: Run) -> None:
    text = run_python("-c", CAUGHT.format(""), GLCONTEXT_LINUX_LIBEGL="libNone.so")
    assert text.startswith(
        "OpenGL is not installed (EGL device 0: libNone.so not loaded). To fix it: on Debian"
    )


def test_an_old_driver(run_python: Run) -> None:
    text = run_python("-c", CAUGHT.format(""), MESA_GL_VERSION_OVERRIDE="3.0")
    if text:
        assert text.startswith("no OpenGL 3.3 context could be made (EGL device 0: ")
        assert ". To fix it: update the graphics driver" in text


def test_no_current_context(run_python: Run) -> None:
    code = "from throng.gpu.context import create_for_window\ncreate_for_window()"
    wrapped = f"try:\n exec({code!r})\nexcept Exception as error: print(type(error).__name__, error)"
    assert run_python("-c", wrapped) == (
        "ContextError expected a current OpenGL context on this thread, got none\n"
    )


def test_a_forked_process_is_told(ctx: moderngl.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    context.guard_fork()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    for use in (create_headless, context.create_for_window, lambda: Capabilities.of(ctx)):
        with pytest.raises(ContextError) as caught:
            use()
        assert str(caught.value) == (
            "this process was forked after its parent had used OpenGL, which would hang: start worker "
            'processes with the spawn method, e.g. multiprocessing.get_context("spawn"), or '
            'DataLoader(multiprocessing_context="spawn")'
        )


def _in_child(queue: multiprocessing.SimpleQueue[str]) -> None:
    try:
        create_headless()
        queue.put("made")
    except ContextError as error:
        queue.put(str(error))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forks with threads, since Python 3.12
def test_a_real_fork(ctx: moderngl.Context) -> None:
    methods = multiprocessing.get_context("fork")
    queue: multiprocessing.SimpleQueue[str] = methods.SimpleQueue()
    child = methods.Process(target=_in_child, args=(queue,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert "spawn" in queue.get()


WINDOW = """
import glfw
from throng.gpu import rawgl
from throng.gpu.context import Capabilities, create_for_window, create_headless
glfw.init()
glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
for _ in range(2):
    glfw.make_context_current(glfw.create_window(64, 48, "throng", None, None))
    ctx = create_for_window()
    assert ctx.screen.size == (64, 48)
mine = ctx.buffer(b"mine")
with rawgl.current():
    other = create_headless()
    theirs = other.buffer(b"them")
    assert glfw.get_current_context() and theirs.read() == b"them"
assert mine.read() == b"mine"
with rawgl.current(other):
    assert theirs.read() == b"them"
    with rawgl.current(ctx):
        assert mine.read() == b"mine"
    assert theirs.read() == b"them"
assert mine.read() == b"mine" and Capabilities.of(other).version_code >= 330 and rawgl.get_error() is None
print("fine")
"""


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb")
def test_a_window_beside_a_headless_context(run_python: Run) -> None:
    """EGL refuses to make a context current while GLX has one, and moderngl does not notice."""
    command = f"['xvfb-run', '-a', sys.executable, '-c', {WINDOW!r}]"
    code = f"import subprocess, sys; sys.exit(subprocess.call({command}))"
    assert run_python("-c", code) == "fine\n"


def test_memory_that_is_not_there(ctx: moderngl.Context) -> None:
    if Capabilities.of(ctx).is_software:  # NVIDIA's driver grants terabytes: pages come when they are written
        with pytest.raises(GpuMemoryError) as caught:
            context.checked_buffer(ctx, reserve=1 << 40, purpose="instance columns")
        assert str(caught.value) == (
            "no memory for instance columns: 1048576.0 MiB were asked for: the driver refused it: "
            "GL_OUT_OF_MEMORY"
        )
    with pytest.raises(GpuMemoryError, match=r"^no memory for a picture: 1\.5 MiB .*: GL_INVALID_VALUE$"):
        context.checked_texture(ctx, (99999, 4), 4, purpose="a picture")
    with pytest.raises(GpuMemoryError, match="for pictures: "):
        context.checked_texture_array(ctx, (4, 4, 99999), 4, purpose="pictures")
    with pytest.raises(GpuMemoryError, match="for depth: "):
        context.checked_depth_texture(ctx, (99999, 4), purpose="depth")


def test_a_context_that_is_not_current(ctx: moderngl.Context) -> None:
    with rawgl.current():
        other = create_headless()
        rawgl.release_current()
        with pytest.raises(GpuMemoryError, match=r"is the context current on this thread\?$"):
            context.checked_buffer(other, reserve=16, purpose="it")
    other.release()


def test_an_error_of_the_host_is_not_blamed_on_the_buffer(
    ctx: moderngl.Context, caplog: pytest.LogCaptureFixture
) -> None:
    rawgl.function("glEnable", "vi")(0xFFFF)
    with caplog.at_level(logging.WARNING, "throng"):
        assert context.checked_buffer(ctx, b"1234", purpose="four bytes").read() == b"1234"
    assert caplog.messages == ["OpenGL error GL_INVALID_ENUM was pending before throng allocated four bytes"]


@pytest.mark.parametrize("samples", [0, 4])
def test_depth_is_float(ctx: moderngl.Context, samples: int) -> None:
    texture = context.checked_depth_texture(ctx, (8, 4), purpose="depth", samples=samples)
    target, kind = (0x9100 if samples else 0x0DE1), (ctypes.c_int * 4)()
    bind = rawgl.function("glBindTexture", "viu")
    bind(target, texture.glo)
    rawgl.function("glGetTexLevelParameteriv", "viiip")(target, 0, 0x1003, kind)
    bind(target, 0)
    assert kind[0] == 0x8CAC
    framebuffer = ctx.framebuffer([], texture)
    framebuffer.clear(depth=1e-9)  # 24 bits would make it 0
    if not samples:
        read = np.frombuffer(texture.read(), np.float32)
        np.testing.assert_array_equal(read, np.float32(1e-9))
