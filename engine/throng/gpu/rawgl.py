"""What moderngl lacks, through ctypes on the OpenGL library that is loaded already.

Nothing here makes a context or cares who did: EGL, GLX, WGL, Cocoa, glfw or Qt. Functions are looked up when
they are first called, in whichever context is current then, and are the same for all contexts of a driver.
Every function expects a current context, and leaves no OpenGL error behind unless it says so.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import moderngl

from throng.errors import ContextError, GpuMemoryError

NO_ERROR = 0
ERRORS = {
    0x0500: "GL_INVALID_ENUM",
    0x0501: "GL_INVALID_VALUE",
    0x0502: "GL_INVALID_OPERATION",
    0x0503: "GL_STACK_OVERFLOW",
    0x0504: "GL_STACK_UNDERFLOW",
    0x0505: "GL_OUT_OF_MEMORY",
    0x0506: "GL_INVALID_FRAMEBUFFER_OPERATION",
    0x0507: "GL_CONTEXT_LOST",
}

# Result and argument types of each function, in one letter each: v void, i int or enum, u unsigned,
# f float, d double, z pointer-sized integer, p pointer, s string.
_TYPES: dict[str, Any] = {
    "v": None,
    "i": ctypes.c_int,
    "u": ctypes.c_uint,
    "b": ctypes.c_ubyte,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
    "z": ctypes.c_ssize_t,
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
}
FUNCTION_TYPE: Any = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
_NO_CONTEXT = "expected a current OpenGL context on this thread, got none"
_FRAMEWORK = "/System/Library/Frameworks/OpenGL.framework/OpenGL"

Resolver = Callable[[str], int]


def resolver() -> Resolver:
    """How function addresses are found for the context that is current now: name -> address, or 0.

    Raises ContextError if no OpenGL context is current, or no OpenGL library can be loaded.
    """
    if sys.platform == "win32":
        return _windows_resolver()
    if sys.platform == "darwin":
        return _exports(ctypes.CDLL(_FRAMEWORK))
    return _linux_resolver()


@functools.cache
def function(name: str, types: str) -> Any:
    """The GL function `name`, callable; `types` are its result and arguments, e.g. "vii".

    Raises ContextError if the driver has no such function. A name that the driver does not know may resolve
    to a stub all the same (GLX and EGL promise nothing): check the version first.
    """
    address = resolver()(name)
    if not address:
        raise ContextError(f"the OpenGL driver has no function {name}")
    result, *arguments = (_TYPES[letter] for letter in types)
    return FUNCTION_TYPE(result, *arguments)(address)


def get_integer(name: int) -> int:
    """A single integer of the context's state."""
    return get_integers(name, 1)[0]


def get_integers(name: int, count: int) -> tuple[int, ...]:
    values = (ctypes.c_int * max(count, 16))()
    function("glGetIntegerv", "vip")(name, values)
    return tuple(values[:count])


def get_integer64(name: int) -> int:
    value = ctypes.c_int64()
    function("glGetInteger64v", "vip")(name, ctypes.byref(value))
    return value.value


def get_integers_at(name: int, index: int, count: int) -> tuple[int, ...]:
    """One element of indexed state."""
    values = (ctypes.c_int * max(count, 16))()
    function("glGetIntegeri_v", "viup")(name, index, values)
    return tuple(values[:count])


def get_boolean(name: int) -> bool:
    return bool(get_integer(name))


def is_enabled(name: int) -> bool:
    return bool(function("glIsEnabled", "bi")(name))


def get_string(name: int, index: int | None = None) -> str:
    """glGetString, or glGetStringi where an index is given. Empty where the driver returns nothing."""
    if index is None:
        value = function("glGetString", "si")(name)
    else:
        value = function("glGetStringi", "siu")(name, index)
    return value.decode("utf-8", "replace") if value else ""


def get_error() -> str | None:
    """The first error since the last call, by its GL name, or None. All of them are cleared."""
    first = None
    for _ in range(64):  # a lost context may report errors for ever
        code = function("glGetError", "i")()
        if code == NO_ERROR:
            break
        first = first or ERRORS.get(code, hex(code))
    return first


def version_code() -> int:
    """330, 410, ..., of the current context."""
    return get_integer(0x821B) * 100 + get_integer(0x821C) * 10


def extensions() -> frozenset[str]:
    return frozenset(get_string(0x1F03, index) for index in range(get_integer(0x821D)))


def timer_bits() -> int:
    """Size of the counter behind GL_TIME_ELAPSED queries; 0 where there is no timer."""
    value = ctypes.c_int()
    function("glGetQueryiv", "viip")(0x88BF, 0x8864, ctypes.byref(value))
    return value.value


def has_clip_control() -> bool:
    """Whether `clip_control` can be called."""
    return version_code() >= 450 or "GL_ARB_clip_control" in extensions()


def clip_control(*, lower_left: bool, zero_to_one: bool) -> None:
    """glClipControl. The default of every context is lower_left=True, zero_to_one=False."""
    function("glClipControl", "vii")(0x8CA1 if lower_left else 0x8CA2, 0x935F if zero_to_one else 0x935E)


@contextmanager
def switched_on(*switches: int) -> Iterator[None]:
    """These are enabled inside, and afterwards are not."""
    for switch in switches:
        function("glEnable", "vi")(switch)
    try:
        yield
    finally:
        for switch in switches:
            function("glDisable", "vi")(switch)


def clear_floats(place: int, values: tuple[float, float, float, float]) -> None:
    """Fills a colour attachment of the framebuffer in use."""
    function("glClearBufferfv", "viip")(0x1800, place, (ctypes.c_float * 4)(*values))


def depth32f(texture_glo: int, size: tuple[int, int], samples: int = 0) -> None:
    """Gives a moderngl depth texture new storage, 32-bit float instead of moderngl's 24-bit integer.

    `size` and `samples` as the texture was made with. What it held is lost; its parameters stay. Call it
    before the texture is attached to a framebuffer. Raises GpuMemoryError if the driver refuses.
    """
    target, binding = (0x9100, 0x9104) if samples else (0x0DE1, 0x8069)
    bound = get_integer(binding)
    get_error()
    bind = function("glBindTexture", "viu")
    bind(target, texture_glo)
    if samples:
        function("glTexImage2DMultisample", "viiiiib")(target, samples, 0x8CAC, *size, 1)
    else:
        unpack = get_integer(0x88EF)  # a bound unpack buffer would turn the null pointer into an offset
        bind_buffer = function("glBindBuffer", "viu")
        bind_buffer(0x88EC, 0)
        image = function("glTexImage2D", "viiiiiiiip")
        image(target, 0, 0x8CAC, *size, 0, 0x1902, 0x1406, None)
        bind_buffer(0x88EC, unpack)
    bind(target, bound)
    error = get_error()
    if error:
        raise GpuMemoryError(
            f"no memory for a depth texture of {size[0]} x {size[1]} pixels, {samples} samples: "
            f"the driver refused it: {error}"
        )


@dataclass(frozen=True)
class EglDevice:
    """A device that EGL can render on, as `eglQueryDevicesEXT` numbers them."""

    index: int
    name: str  # renderer or device file, as far as EGL tells
    extensions: tuple[str, ...]
    is_software: bool
    cuda: int | None  # the CUDA ordinal, which is not the index


def egl_devices() -> tuple[EglDevice, ...]:
    """All EGL devices; empty where there is no EGL. Needs no context, and never raises."""
    library = _egl()
    return _query_egl_devices(library) if library else ()


def _query_egl_devices(library: Any) -> tuple[EglDevice, ...]:
    library.eglQueryString.restype = ctypes.c_char_p
    client = library.eglQueryString(None, 0x3055) or b""
    if b"EGL_EXT_device_enumeration" not in client and b"EGL_EXT_device_base" not in client:
        return ()

    def egl(name: str, types: str) -> Any:
        result, *arguments = (_TYPES[letter] for letter in types)
        return ctypes.CFUNCTYPE(result, *arguments)(library.eglGetProcAddress(name.encode()))

    handles, count = (ctypes.c_void_p * 64)(), ctypes.c_int()
    if not egl("eglQueryDevicesEXT", "uipp")(64, handles, ctypes.byref(count)):
        return ()
    # Without EGL_EXT_device_query there is nothing to ask a device.
    describable = b"EGL_EXT_device_query" in client or b"EGL_EXT_device_base" in client
    text = egl("eglQueryDeviceStringEXT", "spi") if describable else lambda handle, name: None
    number = egl("eglQueryDeviceAttribEXT", "upip") if describable else lambda handle, name, value: 0
    devices = []
    for index, handle in enumerate(handles[: count.value]):
        names = tuple((text(handle, 0x3055) or b"").decode("utf-8", "replace").split())
        software = "EGL_MESA_device_software" in names
        label = b""
        for extension, enum in (
            ("EGL_EXT_device_query_name", 0x335F),
            ("EGL_EXT_device_drm_render_node", 0x3377),
            ("EGL_EXT_device_drm", 0x3233),
        ):
            if not label and extension in names:
                label = text(handle, enum) or b""
        ordinal = ctypes.c_ssize_t(-1)
        if "EGL_NV_device_cuda" not in names or not number(handle, 0x323A, ctypes.byref(ordinal)):
            ordinal.value = -1
        cuda = ordinal.value if ordinal.value >= 0 else None
        plain = "software" if software else f"CUDA device {cuda}" if cuda is not None else "unnamed"
        name = label.decode("utf-8", "replace") or plain
        devices.append(EglDevice(index, name, names, software, cuda))
    return tuple(devices)


@contextmanager
def current(ctx: moderngl.Context | None = None) -> Iterator[None]:
    """Makes `ctx` current inside, and afterwards whatever context was current before, or none.

    `with ctx:` cannot do that: it ends with what was current when `ctx` was made, so it does not nest, and it
    leaves a program that made `ctx` first without any current context. Without `ctx`, for making one inside.
    """
    restore = keep_current()
    if sys.platform == "linux":
        release_glx()
    try:
        if ctx is not None:
            ctx.mglo.__enter__()
        yield
    finally:
        restore()


def current_handle() -> int:
    """The system's handle of the context that is current on this thread; 0 where none is."""
    if sys.platform == "win32":
        return _windows().wglGetCurrentContext() or 0
    if sys.platform == "darwin":
        return _load(_FRAMEWORK, "CGLGetCurrentContext").CGLGetCurrentContext() or 0
    glx, egl = _glx(), _egl()
    return (glx and glx.glXGetCurrentContext()) or (egl and egl.eglGetCurrentContext()) or 0


def keep_current() -> Callable[[], None]:
    """Remembers which context is current on this thread, if any; the result makes it so again."""
    if sys.platform == "win32":
        library = _windows()
        device, handle = library.wglGetCurrentDC(), library.wglGetCurrentContext()
        return lambda: library.wglMakeCurrent(device, handle)
    if sys.platform == "darwin":
        library = _load(_FRAMEWORK, "CGLGetCurrentContext")
        handle = library.CGLGetCurrentContext()
        return lambda: library.CGLSetCurrentContext(ctypes.c_void_p(handle))
    return _keep_current_linux()


def _keep_current_linux() -> Callable[[], None]:
    egl, glx = _egl(), _glx()
    if glx and (handle := glx.glXGetCurrentContext()):
        display = ctypes.c_void_p(glx.glXGetCurrentDisplay())
        draw, read = (
            ctypes.c_ulong(get()) for get in (glx.glXGetCurrentDrawable, glx.glXGetCurrentReadDrawable)
        )

        def restore_glx() -> None:
            if glx.glXGetCurrentContext() != handle:
                _release_egl()
                glx.glXMakeContextCurrent(display, draw, read, ctypes.c_void_p(handle))

        return restore_glx
    if egl and (handle := egl.eglGetCurrentContext()):
        display = ctypes.c_void_p(egl.eglGetCurrentDisplay())
        surfaces = [
            ctypes.c_void_p(egl.eglGetCurrentSurface(which)) for which in (0x3059, 0x305A)
        ]  # draw, read

        def restore_egl() -> None:
            if egl.eglGetCurrentContext() != handle:
                release_glx()
                egl.eglMakeCurrent(display, *surfaces, ctypes.c_void_p(handle))

        return restore_egl

    return release_current


def release_current() -> None:
    """Leaves this thread without a current context (Linux only)."""
    _release_egl()
    release_glx()


def _release_egl() -> None:
    egl = _egl()
    if egl and egl.eglGetCurrentContext():
        egl.eglMakeCurrent(ctypes.c_void_p(egl.eglGetCurrentDisplay()), None, None, None)


def release_glx() -> None:
    """Leaves this thread without a current GLX context.

    EGL refuses to make a context current on a thread where a GLX context is, and the other way round;
    moderngl does not notice, and would go on in the old context.
    """
    glx = _glx()
    if glx and glx.glXGetCurrentContext():
        none = ctypes.c_ulong(0)
        glx.glXMakeContextCurrent(ctypes.c_void_p(glx.glXGetCurrentDisplay()), none, none, None)


def _egl() -> Any:
    return _load(
        "libEGL.so.1",
        "eglGetProcAddress",
        "eglGetCurrentContext",
        "eglGetCurrentDisplay",
        "eglGetCurrentSurface",
    )


def _glx() -> Any:
    return _load(
        "libGL.so.1",
        "glXGetProcAddressARB",
        "glXGetCurrentContext",
        "glXGetCurrentDisplay",
        "glXGetCurrentDrawable",
        "glXGetCurrentReadDrawable",
    )


def _windows() -> Any:
    return _load(
        "opengl32.dll", "wglGetProcAddress", "wglGetCurrentContext", "wglGetCurrentDC", loader="WinDLL"
    )


@functools.cache
def _load(name: str, *returning_pointers: str, loader: str = "CDLL") -> Any:
    """A library, or None where it is not installed or lacks a function."""
    try:
        library = getattr(ctypes, loader)(name)
        for function_name in returning_pointers:
            getattr(library, function_name).restype = ctypes.c_void_p
    except (OSError, AttributeError):
        return None
    return library


def _exports(library: Any) -> Resolver:
    def resolve(name: str) -> int:
        return ctypes.cast(getattr(library, name, 0), ctypes.c_void_p).value or 0

    return resolve


def _linux_resolver() -> Resolver:
    for library, get_current, get_address in (
        (_egl(), "eglGetCurrentContext", "eglGetProcAddress"),
        (_glx(), "glXGetCurrentContext", "glXGetProcAddressARB"),
    ):
        if library and getattr(library, get_current)():
            look_up, exported = getattr(library, get_address), _exports(library)
            return lambda name: look_up(name.encode()) or exported(name)
    raise ContextError(_NO_CONTEXT)


def _windows_resolver() -> Resolver:
    library = _windows()
    if library is None or not library.wglGetCurrentContext():
        raise ContextError(_NO_CONTEXT)
    exported = _exports(library)

    def resolve(name: str) -> int:
        address = library.wglGetProcAddress(name.encode()) or 0
        # OpenGL 1.1 is exported by the library itself; some drivers answer 1, 2, 3 or -1 for "no".
        return exported(name) if address in (0, 1, 2, 3, 2**64 - 1) else address

    return resolve
