"""A window that shows a scene. The one importer of glfw."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from throng import arrays, files
from throng.controls import Controls, fitting
from throng.errors import ContextError, InvalidType, InvalidValue, ThreadError
from throng.gpu import rawgl
from throng.gpu.context import TO_FIX, collect, create_for_window
from throng.model.camera import Camera
from throng.model.graph import Scene
from throng.options import DEBUG, EFFECTS, SWITCHES, Options
from throng.renderer import Renderer

try:
    import glfw
except ImportError as error:  # the wheel's library needs X11's
    raise ContextError(
        f"no window can be opened: glfw cannot be loaded ({error}){TO_FIX}"
        "on Debian and Ubuntu: apt-get install libglfw3 libgl1"
    ) from error

_VERSIONS = ((4, 6), (4, 5), (4, 3), (4, 1), (3, 3))
_TITLE_SECONDS = 0.5
_MOST = 16_384  # a window's side: viewports end here, and where it needs more than 16 bits X ends the process
_T = TypeVar("_T")
_NONE: Any = None  # no monitor, no window: glfw's types know no null
_FLIGHTS = {
    glfw.KEY_D: (1, 0, 0), glfw.KEY_A: (-1, 0, 0), glfw.KEY_E: (0, 1, 0),
    glfw.KEY_Q: (0, -1, 0), glfw.KEY_W: (0, 0, 1), glfw.KEY_S: (0, 0, -1),
}  # fmt: skip
_SWITCHES = {
    glfw.KEY_C: "cull", glfw.KEY_L: "lod", glfw.KEY_O: "occlusion", glfw.KEY_P: "splat",
}  # fmt: skip


def show(
    scene: Scene,
    camera: Camera | Callable[[float], Camera] | None = None,
    size: tuple[int, int] = (1280, 720),
    *,
    title: str = "throng",
    update: Callable[[float], object] | None = None,
    frames: int | None = None,
    step: float | None = None,
    samples: int = 1,
    fxaa: bool = False,
    options: Options = Options(),  # noqa: B008 - frozen
    screenshots: str | os.PathLike[str] = ".",
) -> None:
    """Shows `scene` in a window until it is closed.

    camera       a Camera, or a function of the seconds that have passed; by default one that sees everything.
                 Used until the user takes the view in hand, and again after a reset
    size         of the window, in the screen's own units
    update       called with the seconds before each frame; by default `scene.time` is set to them
    frames       closes the window by itself after so many
    step         seconds from one frame to the next; by default as many as have passed
    samples      of each pixel
    fxaa         whether edges are softened by a filter
    screenshots  the folder that F12 writes to

    Dragging turns round the target; right or Shift and dragging pans; the wheel zooms; W A S D Q E fly, with
    Shift faster; Space pauses; R starts again; F11 is full screen; F12 saves a picture; Esc closes.

    M takes the next mode. C, L, O and P switch culling, levels of detail, occlusion and splats (points) off
    and on again. V takes the next debug view: by level of detail, by cell, splats against meshes, none. F
    freezes what is drawn to what the camera sees now, so that one can fly round it, and thaws it. The title
    tells what is off.

    Runs on the main thread only (ThreadError). Raises ContextError where there is no display, and what
    `update` or `camera` raises, once the window is closed.
    """
    _check(scene, camera, update)
    if frames is not None:
        arrays.integer(frames, "frames", low=1)
    if step is not None:
        arrays.number(step, "step", low=0.0)
    folder = Path(screenshots)
    if not folder.is_dir():
        raise InvalidValue(f"screenshots: expected a folder, {str(folder)!r} is none")
    wanted = arrays.size(size, "size")
    if max(wanted) > _MOST:
        raise InvalidValue(f"size: expected at most {_MOST}x{_MOST}, got {wanted[0]}x{wanted[1]}")
    with _glfw(), rawgl.current(), _opened(wanted, str(title), samples) as handle:
        ctx = create_for_window()
        with Renderer(context=ctx, samples=samples, fxaa=fxaa, options=options) as renderer:
            viewer = _Viewer(handle, renderer, scene, camera, str(title), folder)
            viewer.run(update, frames, step)
        collect(ctx)


class _Viewer:
    """The state of one open window: what is looked at, from where, and since when."""

    def __init__(
        self,
        handle: Any,
        renderer: Renderer,
        scene: Scene,
        camera: Camera | Callable[[float], Camera] | None,
        title: str,
        folder: Path,
    ) -> None:
        self._handle = handle
        self._renderer = renderer
        self._scene = scene
        self._given = fitting(scene, _aspect(handle)) if camera is None else camera
        self._controls: Controls | None = None  # while the user has the view in hand
        self._title = title
        self._folder = folder
        self._seconds = 0.0
        self._paused = False
        self._events: list[Callable[[], None]] = []
        self._tapped: set[int] = set()  # keys pressed since the last frame, which may be up again by now
        self._cursor = glfw.get_cursor_pos(handle)
        self._windowed: tuple[int, int, int, int] | None = None  # the place to return to from full screen
        self._modes = [mode for mode, missing in renderer.capabilities.modes().items() if missing is None]
        # GLFW calls back through C, where exceptions get lost: callbacks only note what happened, and which
        # buttons were down then: where frames are slow, they may be up again when the event's turn comes.
        note = self._events.append
        glfw.set_key_callback(handle, lambda _w, key, _s, act, _m: note(partial(self._on_key, key, act)))
        glfw.set_cursor_pos_callback(
            handle, lambda _w, x, y: note(partial(self._on_cursor, x, y, self._dragging()))
        )
        glfw.set_scroll_callback(handle, lambda _w, _x, y: note(lambda: self._hand().zoom(y)))

    def run(self, update: Callable[[float], object] | None, frames: int | None, step: float | None) -> None:
        drawn = 0
        then = time.perf_counter()
        titles = _TitleClock(then)
        while not glfw.window_should_close(self._handle) and drawn != frames:
            glfw.poll_events()
            self._handle_events()
            now = time.perf_counter()
            passed, then = now - then, now
            self._fly(passed)
            self._move_scene(update)
            drawn += self._draw()
            if not self._paused:
                self._seconds += passed if step is None else step
            if titles.due(now) and self._renderer.stats is not None:
                glfw.set_window_title(self._handle, _title(self._title, self._renderer, titles.frame_ms))

    # -- a frame -------------------------------------------------------------------------------------

    def _handle_events(self) -> None:
        events, self._events[:] = self._events[:], []
        for event in events:
            event()

    def _move_scene(self, update: Callable[[float], object] | None) -> None:
        if update is None:
            self._scene.time = self._seconds
        else:
            update(self._seconds)

    def _draw(self) -> int:
        """Draws a frame; how many that were: none while the window is hidden."""
        width, height = glfw.get_framebuffer_size(self._handle)
        if width < 1 or height < 1:
            glfw.wait_events_timeout(0.05)
            return 0
        screen = self._renderer.context.screen
        # moderngl keeps the size that the window had at first, and would scissor to it.
        screen.viewport = screen.scissor = (0, 0, width, height)
        self._renderer.draw(self._scene, self._camera(), screen, clear=True)
        glfw.swap_buffers(self._handle)
        collect(self._renderer.context)
        return 1

    def _camera(self) -> Camera:
        if self._controls is not None:
            return self._controls.camera
        return _camera_at(self._given, self._seconds)

    # -- the user ------------------------------------------------------------------------------------

    def _hand(self) -> Controls:
        """The controls; the view is the user's from now on."""
        if self._controls is None:
            self._controls = Controls(self._camera())
        return self._controls

    def _fly(self, seconds: float) -> None:
        held = [
            way
            for key, way in _FLIGHTS.items()
            if key in self._tapped or glfw.get_key(self._handle, key) == glfw.PRESS
        ]
        self._tapped.clear()
        if held:
            faster = 4.0 if self._shift() else 1.0
            right, up, ahead = (sum(way[axis] for way in held) for axis in range(3))
            self._hand().fly(right, up, ahead, min(seconds, 0.25) * faster)

    def _dragging(self) -> str:
        """What moving the mouse does now: "orbit", "pan", or nothing."""
        left, *others = (
            glfw.get_mouse_button(self._handle, button) == glfw.PRESS
            for button in (glfw.MOUSE_BUTTON_LEFT, glfw.MOUSE_BUTTON_RIGHT, glfw.MOUSE_BUTTON_MIDDLE)
        )
        if any(others) or (left and self._shift()):
            return "pan"
        return "orbit" if left else ""

    def _on_cursor(self, x: float, y: float, dragging: str) -> None:
        _, height = glfw.get_window_size(self._handle)
        right, down = (now - before for now, before in zip((x, y), self._cursor, strict=True))
        self._cursor = x, y
        if height < 1 or not (right or down):
            return
        if dragging == "pan":
            self._hand().pan(right / height, down / height)
        elif dragging == "orbit":
            self._hand().orbit(right / height, down / height)

    def _shift(self) -> bool:
        keys = (glfw.KEY_LEFT_SHIFT, glfw.KEY_RIGHT_SHIFT)
        return any(glfw.get_key(self._handle, key) == glfw.PRESS for key in keys)

    def _on_key(self, key: int, action: int) -> None:
        if action != glfw.PRESS:
            return
        if key in _FLIGHTS:
            self._tapped.add(key)
        elif key == glfw.KEY_ESCAPE:
            glfw.set_window_should_close(self._handle, True)
        elif key == glfw.KEY_SPACE:
            self._paused = not self._paused
        elif key == glfw.KEY_R:
            self._controls, self._seconds = None, 0.0
        elif key == glfw.KEY_M:
            self._set(mode=_next(self._modes, self._mode()))
        elif key in _SWITCHES:
            switch = _SWITCHES[key]
            self._set(**{switch: not getattr(self._renderer.options, switch)})
        elif key == glfw.KEY_V:
            self._set(debug=_next((None, *DEBUG), self._renderer.options.debug))
        elif key == glfw.KEY_F:
            self._renderer.frozen = not self._renderer.frozen
        elif key == glfw.KEY_F11:
            self._toggle_full_screen()
        elif key == glfw.KEY_F12:
            self._save_picture()

    def _set(self, **options: Any) -> None:
        self._renderer.options = replace(self._renderer.options, **options)

    def _mode(self) -> str:
        stats = self._renderer.stats
        return self._modes[0] if stats is None else stats.mode

    def _toggle_full_screen(self) -> None:
        if self._windowed is None:
            monitor = glfw.get_primary_monitor()
            if not monitor:
                return
            x, y = glfw.get_window_pos(self._handle)
            width, height = glfw.get_window_size(self._handle)
            self._windowed = x, y, width, height
            mode = glfw.get_video_mode(monitor)
            glfw.set_window_monitor(
                self._handle, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate
            )
        else:
            glfw.set_window_monitor(self._handle, _NONE, *self._windowed, glfw.DONT_CARE)
            self._windowed = None

    def _save_picture(self) -> None:
        """Draws the view once more, to a file: what a window shows may lie behind another one."""
        size = glfw.get_framebuffer_size(self._handle)
        if min(size) < 1:
            return
        self._renderer.size = size
        picture = self._renderer.render(self._scene, self._camera()).color
        try:
            with files.unused(self._folder, f"throng-{datetime.now():%Y%m%d-%H%M%S}", ".png") as path:
                Image.fromarray(picture).convert("RGB").save(path)
        except OSError as error:  # a full disk must not end the show
            print(f"throng: the picture could not be saved: {error}", flush=True)
        else:
            print(f"saved {path}", flush=True)


class _TitleClock:
    """When the title is due, and how long frames took since it last was."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._frames = 0
        self.frame_ms = 0.0

    def due(self, now: float) -> bool:
        self._frames += 1
        if now - self._since < _TITLE_SECONDS:
            return False
        self.frame_ms = (now - self._since) * 1e3 / self._frames
        self._since, self._frames = now, 0
        return True


def _title(name: str, renderer: Renderer, frame_ms: float) -> str:
    stats, options = renderer.stats, renderer.options
    assert stats is not None
    unusual = [
        f"no {switch.replace('_', ' ')}" for switch in (*SWITCHES, *EFFECTS) if not getattr(options, switch)
    ]
    unusual += [f"colours by {options.debug}"] * (options.debug is not None) + ["frozen"] * renderer.frozen
    return (
        f"{name} - {frame_ms:.1f} ms, {1e3 / max(frame_ms, 1e-3):.0f} fps - "
        f"{stats.visible:,} of {stats.instances:,} instances, {stats.triangles:,} triangles, "
        f"draws: {stats.draw_calls:,} - {', '.join([stats.mode, *unusual])}"
    )


def _next(choices: Sequence[_T], now: _T) -> _T:
    return choices[(choices.index(now) + 1) % len(choices)]


def _check(scene: object, camera: object, update: object) -> None:
    if not isinstance(scene, Scene):
        raise InvalidType(f"scene: expected a Scene, got {arrays.described(scene)}")
    if not (camera is None or isinstance(camera, Camera) or callable(camera)):
        raise InvalidType(
            f"camera: expected a Camera, a function of seconds, or None, got {arrays.described(camera)}"
        )
    if not (update is None or callable(update)):
        raise InvalidType(f"update: expected a function of seconds, or None, got {arrays.described(update)}")


def _aspect(handle: Any) -> float:
    width, height = glfw.get_window_size(handle)
    return float(max(width, 1) / max(height, 1))


def _camera_at(given: Camera | Callable[[float], Camera], seconds: float) -> Camera:
    if isinstance(given, Camera):
        return given
    camera = given(seconds)
    if not isinstance(camera, Camera):
        raise InvalidType(
            f"camera: expected a function that returns a Camera, got {arrays.described(camera)}"
        )
    return camera


# -- glfw ------------------------------------------------------------------------------------------------


@contextmanager
def _glfw() -> Iterator[None]:
    """glfw, initialised; ended again unless the program around us uses it too."""
    if threading.current_thread() is not threading.main_thread():
        raise ThreadError("show: expected the main thread, where windows live, got another one")
    reporting = glfw.ERROR_REPORTING
    glfw.ERROR_REPORTING = "ignore"
    try:
        already = bool(glfw.get_timer_value())  # 0 before glfw.init
        if not glfw.init():
            raise _no_window()
        try:
            yield
        finally:
            if not already:
                glfw.terminate()
    finally:
        glfw.ERROR_REPORTING = reporting


@contextmanager
def _opened(size: tuple[int, int], title: str, samples: int) -> Iterator[Any]:
    """A window with the newest OpenGL that there is, current on this thread."""
    before = glfw.get_current_context()  # of the program around us, which glfw remembers by itself
    for version in _VERSIONS:
        glfw.default_window_hints()
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, version[0])
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, version[1])
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
        glfw.window_hint(glfw.SAMPLES, samples if samples > 1 else 0)
        glfw.window_hint(glfw.SCALE_TO_MONITOR, True)
        handle = glfw.create_window(*size, title, None, None)
        if handle:
            break
    else:
        raise _no_window()
    glfw.default_window_hints()
    try:
        glfw.make_context_current(handle)
        glfw.swap_interval(1)
        yield handle
    finally:
        with contextlib.suppress(Exception):
            glfw.make_context_current(before or _NONE)
        glfw.destroy_window(handle)


def _no_window() -> ContextError:
    _, said = glfw.get_error()
    reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else said or "glfw gave no reason"
    return ContextError(
        f"no window can be opened: {reason}{TO_FIX}run in a desktop session or under xvfb-run, or draw "
        "without a window: throng.render, throng render"
    )
