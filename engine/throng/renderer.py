"""Renderers: a frame, step by step."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from throng import arrays, math3d
from throng.batching.collect import Collector
from throng.errors import ClosedError, InvalidType, InvalidValue, ThreadError, UsageError
from throng.frame import OUTPUTS, Frame, Stats
from throng.gpu import Context, Framebuffer, Texture, rawgl
from throng.gpu.blend import Blender
from throng.gpu.context import Capabilities, checked_buffer, choose_mode, collect, create_headless
from throng.gpu.edges import EdgeFilter
from throng.gpu.host import HostDepth, clear_host, draw_into, encodes, framebuffer_in_use
from throng.gpu.lighting import Effects
from throng.gpu.programs import FRAME_BINDING, UNIT_COUNT, output_defines
from throng.gpu.request import Request, Switches
from throng.gpu.scene import GpuScene
from throng.gpu.shared import Shared
from throng.gpu.state import neutral_state
from throng.gpu.sums import SplatSums
from throng.gpu.target import Target, use_depth
from throng.gpu.timer import GpuTimer
from throng.gpu.view import View, frame_block
from throng.layout import FRAME
from throng.model.camera import Camera
from throng.model.graph import Scene
from throng.options import Options

ENCODINGS = ("srgb", "linear")
_claiming = threading.Lock()  # to look whether a scene is free and to take it is one step
_UNITS = max(len(OUTPUTS), UNIT_COUNT)  # of textures: Target.resolve reads that many pictures
_KEPT_SCENES = 2  # scenes whose data stays on the GPU; the one drawn longest ago makes room


@dataclass
class _SceneState:
    """What a renderer keeps of a scene that it draws."""

    scene: Scene
    collector: Collector
    gpu: GpuScene


class Renderer:
    """Draws scenes, from the thread that made it.

    size     (width, height) in pixels of what `render` returns; can be set later
    context  a moderngl context to draw in, which stays its owner's and must be current whenever the renderer
             is used (UsageError where it is not); by default a headless one is made
    samples  of each pixel, for smooth edges: the next power of two, or as many as the driver has
    fxaa     whether edges are softened afterwards, by a filter that costs less than samples; may be set
    options  an Options
    device   index of the EGL device for a context of our own; by default the first that works
    stats    a Stats of the latest frame
    frozen   whether what is drawn stays what the camera saw last, so that one can fly around it; may be set

    Use it as a context manager, or call `close`. Raises InvalidValue or InvalidType for bad arguments,
    ContextError where the driver cannot do what is needed, GpuMemoryError where it runs out of memory,
    ClosedError after `close`, and ThreadError on another thread.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        *,
        context: Context | None = None,
        samples: int = 1,
        fxaa: bool = False,
        options: Options = Options(),  # noqa: B008 - frozen
        device: int | None = None,
    ) -> None:
        self._closed = True
        self._thread = threading.get_ident()
        self._size = None if size is None else arrays.size(size, "size")
        self._samples = arrays.integer(samples, "samples", low=1, high=64)
        self._fxaa = arrays.flag(fxaa, "fxaa")
        _check_options(options)
        if context is not None and not isinstance(context, Context):
            raise InvalidType(f"context: expected a moderngl.Context, got {arrays.described(context)}")
        self._owns_context = context is None
        if context is None:
            with rawgl.current():
                context = create_headless(device)
        self._ctx = context
        self._handle = rawgl.current_handle()
        try:
            self._set_up(options)
        except BaseException:
            self._release_context()
            raise
        self._closed = False

    def _set_up(self, options: Options) -> None:
        with self._current():
            self._capabilities = Capabilities.of(self._ctx)
            self._samples = min(1 << (self._samples - 1).bit_length(), self._capabilities.max_samples)
            self._options = options
            self._mode = choose_mode(options.mode, self._capabilities)
            self._shared = Shared(self._ctx, self._capabilities)
            self._blender = Blender(self._ctx, self._capabilities.storage_block_bytes)
            self._edges = EdgeFilter(self._ctx)
            self._frame_block = checked_buffer(self._ctx, reserve=FRAME.size, purpose="the frame's uniforms")
            self._states: list[_SceneState] = []
            self._targets: dict[tuple[Any, ...], Target] = {}
            timed = self._owns_context and self._capabilities.timer_queries
            self._timer = GpuTimer(self._ctx, available=timed)
            self.stats: Stats | None = None
            self._frozen = False
            self._latest_view: View | None = None  # the one that decided last

    # -- drawing -----------------------------------------------------------------------------------

    def render(self, scene: Scene, camera: Camera, outputs: Sequence[str] = ("color",)) -> Frame:
        """Draws one frame and reads it back; `outputs` are of "color", "depth", "ids" and "normals"."""
        self._check_usable()
        asked = _checked_outputs(outputs)
        if self._size is None:
            raise UsageError("size: expected the renderer to have a size before render(): set renderer.size")
        with self._drawing(scene, camera), self._guarded():
            started = time.perf_counter()
            target = self._target(asked)
            clip = self._capabilities.clip_control
            view, chooser = self._views(camera, (0, 0, *self._size), reversed_depth=target.reversed_depth)
            state = self._state(scene)
            with self._timer.measured():
                uploaded = self._upload(state)
                calls, effects = self._light(state, camera, view, encode=True)
                target.clear(scene.background)
                use_depth(self._ctx, reversed_depth=target.reversed_depth, clip_control=clip)
                effects |= output_defines(asked)
                request = Request(
                    view, chooser, self._switches, effects, target.samples, lambda: target.drawn_depth,
                    alone=True, backdrop=self._backdrop(state, view, effects), blending=self._blends(state),
                    sorts=_sorts(scene), sums=self._sums(state, view),
                )  # fmt: skip
                calls += state.gpu.draw(request)
                if request.blending:
                    calls += self._sum(state, request, target.drawn_depth)
                    target.compose(self._blender)
                target.resolve(self._blender if request.blending else None)
                if self._fxaa:
                    target.use_colors()
                    self._edges.apply()
            pictures = {name: self._picture(target, name, view) for name in asked}
            self._count(state, calls, uploaded, started, waited=True)
            if self._owns_context:
                collect(self._ctx)
            assert self.stats is not None
            return Frame(pictures, self.stats)

    def draw(
        self,
        scene: Scene,
        camera: Camera,
        framebuffer: Framebuffer | None = None,
        clear: bool = False,
        encoding: str = "srgb",
    ) -> None:
        """Draws into somebody's framebuffer, in its viewport and scissor box, and waits for nothing.

        framebuffer  by default the one in use; of several colour attachments the first is drawn to
        clear        whether to fill it with the scene's background, and its depth with 1, first
        encoding     "srgb": colours are written as they are shown; "linear": in linear light, for float
                     targets and for framebuffers that encode by themselves (GL_FRAMEBUFFER_SRGB)

        The depth buffer is used as OpenGL's default has it: 0 is near, smaller wins. All state of the
        context is afterwards as it was.
        """
        self._check_usable()
        arrays.flag(clear, "clear")
        arrays.choice(encoding, "encoding", ENCODINGS)
        if framebuffer is not None and not isinstance(framebuffer, Framebuffer):
            raise InvalidType(
                f"framebuffer: expected a moderngl.Framebuffer, got {arrays.described(framebuffer)}"
            )
        with self._drawing(scene, camera):
            started = time.perf_counter()
            target = framebuffer_in_use(self._ctx) if framebuffer is None else framebuffer
            _, _, width, height = target.viewport
            if width < 1 or height < 1:
                raise InvalidValue(f"framebuffer: expected a viewport of at least 1x1, got {width}x{height}")
            view, chooser = self._views(camera, target.viewport, reversed_depth=False)
            linear = encoding == "linear"
            encoded = linear and encodes()
            with neutral_state(self._ctx, _UNITS):
                state = self._state(scene)
                uploaded = self._upload(state)
                calls, effects = self._light(state, camera, view, encode=not linear)
                draw_into(target, encoded=encoded)
                if clear:
                    color = math3d.linear_color(scene.background) if linear else scene.background
                    clear_host(target, color)
                use_depth(self._ctx, reversed_depth=False, clip_control=self._capabilities.clip_control)
                host = HostDepth(self._ctx, target)
                backdrop = self._backdrop(state, view, effects)
                if backdrop is not None and not host.has_depth:  # it would cover all that was drawn before it
                    backdrop()
                    backdrop = None
                request = Request(
                    view, chooser, self._switches, effects, host.samples,
                    host.copy if host.readable else None, alone=clear, backdrop=backdrop,
                    blending=self._blends(state), sorts=_sorts(scene),
                    sums=self._sums(state, view) if host.readable else None,
                )  # fmt: skip
                try:
                    calls += state.gpu.draw(request)
                    if request.blending:
                        calls += self._blend_into_host(state, request, target, host, encode=not linear)
                    if self._fxaa and host.samples == 1:
                        self._edges.apply()
                finally:
                    host.release()
            self._count(state, calls, uploaded, started, waited=False)

    # -- the steps of a frame ----------------------------------------------------------------------

    def _upload(self, state: _SceneState) -> int:
        """Scene -> batches -> GPU: only what changed since this renderer last drew it; the bytes written."""
        before = state.gpu.uploaded_bytes + self._shared.pool.uploaded_bytes
        batches = state.collector.update(state.scene)
        collector, options = state.collector, self._options
        # First, because splat masks are made with textures.
        table = state.gpu.materials.update(
            collector.materials.rows, collector.materials.version, textured=options.textures
        )
        state.gpu.upload(
            batches, collector.sources(), collector.version, collector.values,
            lod=options.lod, splat=options.splat,
            motion=options.motion,
        )  # fmt: skip
        return state.gpu.uploaded_bytes + self._shared.pool.uploaded_bytes - before + table

    def _light(
        self, state: _SceneState, camera: Camera, view: View, *, encode: bool
    ) -> tuple[int, dict[str, object]]:
        """Places the scene before the view and makes what lights it, shadow maps among it, in framebuffers of
        their own. Returns the draw calls, and the defines that make shaders use it.
        """
        scene, gpu, calls = state.scene, state.gpu, 0
        effects = dict(gpu.materials.defines)
        if not self._options.reflections:
            effects["MATTE"] = 1
        gpu.place(view.origin, scene.time, scene.wind, scene.movers)
        frame = frame_block(scene, view, encode=encode)
        sun = scene.sun
        if sun is not None and sun.shadows is not None and self._options.shadows:
            calls = gpu.cast_shadows(camera, view, sun, self._switches, frame)
            effects["CASCADES"] = sun.shadows.cascades
        effects |= gpu.lighting.update(scene, view, self._effects, frame)
        gpu.frame = frame
        self._frame_block.write(frame)
        self._frame_block.bind_to_uniform_block(FRAME_BINDING)
        return calls, effects

    def _blends(self, state: _SceneState) -> bool:
        return self._options.transparency and state.gpu.blends

    def _sums(self, state: _SceneState, view: View) -> SplatSums | None:
        """What blended splats are added to, where there may be any."""
        sums, size = self._blender.splats, view.viewport[2:]
        if not self._blends(state) or _sorts(state.scene):
            return None
        if self._mode != "indirect" or not sums.fits(size):
            return None
        sums.begin(size, view.middle)
        return sums

    def _sum(self, state: _SceneState, request: Request, depth: Texture) -> int:
        """Sums what is blended, where it is nearer than `depth` has it; the number of draw calls."""
        soft = state.gpu.materials.soft and self._options.soft_particles
        size = request.view.viewport[2:]
        self._blender.begin(size, request.samples, depth, soft=soft, sorts=request.sorts)
        kept = {name: value for name, value in request.defines.items() if not name.startswith("OUT_")}
        kept["SUMMED"] = 1
        kept |= dict.fromkeys([name for name, on in (("SOFT", soft), ("SORTED", request.sorts)) if on], 1)
        calls = state.gpu.draw_blended(replace(request, defines=kept))
        self._blender.end()
        return calls

    def _blend_into_host(
        self, state: _SceneState, request: Request, target: Framebuffer, host: HostDepth, *, encode: bool
    ) -> int:
        """Draws what is blended into somebody's framebuffer, which is in use; the number of draw calls."""
        if request.depth is None:  # nothing to be read there: layer over layer, as they come
            return self._blender.over(
                lambda: state.gpu.draw_blended(replace(request, defines={**request.defines, "OVER": 1}))
            )
        # What is summed lies at the corner of pictures of its own.
        _, _, width, height = request.view.viewport
        view = replace(request.view, viewport=(0, 0, width, height))
        frame = state.gpu.frame.copy()
        frame["viewport"] = view.viewport
        for name, ray in zip(("ray", "ray_x", "ray_y", "ray_z"), view.rays, strict=True):
            frame[name] = ray
        depth = request.depth()
        self._frame_block.write(frame)
        calls = self._sum(state, replace(request, view=view), depth)
        target.use()
        self._blender.compose(encode=encode)
        return calls

    def _backdrop(
        self, state: _SceneState, view: View, defines: dict[str, object]
    ) -> Callable[[], None] | None:
        """Draws the sky, if there is one."""
        if state.scene.sky is None or not self._options.sky:
            return None
        lighting = state.gpu.lighting
        return lambda: lighting.draw_sky(defines, reversed_depth=view.reversed_depth)

    def _views(
        self, camera: Camera, viewport: tuple[int, int, int, int], *, reversed_depth: bool
    ) -> tuple[View, View]:
        """What is drawn, and what decides what is: the same, unless frozen."""
        if not self._frozen:
            view = View.of(camera, viewport, reversed_depth=reversed_depth)
            if self._latest_view is None or view.key != self._latest_view.key:
                self._latest_view = view  # otherwise what was computed of it is there already
            return self._latest_view, self._latest_view
        if self._latest_view is None:
            self._latest_view = View.of(camera, viewport, reversed_depth=reversed_depth)
        origin = self._latest_view.origin
        return View.of(camera, viewport, reversed_depth=reversed_depth, origin=origin), self._latest_view

    @property
    def _switches(self) -> Switches:
        options = self._options
        return Switches(options.cull, options.lod, options.occlusion, options.splat, options.debug)

    @property
    def _effects(self) -> Effects:
        options = self._options
        return Effects(options.lights, options.fog, options.sky, options.tone_mapping, options.max_lights)

    def _picture(self, target: Target, name: str, view: View) -> npt.NDArray[Any]:
        """One output as the caller gets it."""
        picture = target.read(name)
        if name == "depth":
            empty = picture == (0.0 if target.reversed_depth else 1.0)
            picture = view.metres(picture, zero_to_one=target.reversed_depth)
            picture[empty] = np.inf
        elif name == "normals":
            picture = picture[..., :3].astype(np.float32)
        return picture

    def _count(self, state: _SceneState, calls: int, uploaded: int, started: float, *, waited: bool) -> None:
        """Keeps the frame's figures; `waited`: the GPU is done with it."""
        cpu_ms = (time.perf_counter() - started) * 1e3
        tally = state.gpu.tally(state.collector.instances, wait=waited)
        self.stats = Stats(
            mode=self._mode,
            draw_calls=calls,
            instances=state.collector.instances,
            visible=tally.visible,
            culled=tally.culled,
            occluded=tally.occluded,
            simplified=tally.simplified,
            splats=tally.splats,
            triangles=tally.triangles,
            uploaded_bytes=uploaded + state.gpu.lighting.written_bytes + tally.uploaded_bytes,
            cpu_ms=cpu_ms,
            texture_bytes=self._shared.textures.bytes,
            gpu_ms=self._timer.latest_ms,
        )

    # -- settings and the end ----------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the pictures, pixels; may be set."""
        return self._size

    @size.setter
    def size(self, value: tuple[int, int] | None) -> None:
        self._check_usable()
        self._size = None if value is None else arrays.size(value, "size")
        with self._current():
            self._release_targets()

    @property
    def options(self) -> Options:
        """How frames are drawn, and what is left out; may be set."""
        return self._options

    @options.setter
    def options(self, value: Options) -> None:
        self._check_usable()
        _check_options(value)
        mode = choose_mode(value.mode, self._capabilities)
        if mode != self._mode:
            with self._current():
                self._release_states(0)
        self._options, self._mode = value, mode

    @property
    def frozen(self) -> bool:
        """Whether what is drawn stays what the camera saw last, so that one can fly around it; may be set."""
        return self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._check_usable()
        self._frozen = arrays.flag(value, "frozen")

    @property
    def fxaa(self) -> bool:
        """Whether edges are softened by a filter; may be set. Not in others' framebuffers of many samples."""
        return self._fxaa

    @fxaa.setter
    def fxaa(self, value: bool) -> None:
        self._check_usable()
        self._fxaa = arrays.flag(value, "fxaa")

    @property
    def context(self) -> Context:
        """The moderngl context that it draws in."""
        return self._ctx

    @property
    def samples(self) -> int:
        """Samples of each pixel, as many as there are."""
        return self._samples

    @property
    def capabilities(self) -> Capabilities:
        """What the context can do."""
        return self._capabilities

    def close(self) -> None:
        """Frees every GL object of this renderer, and the context where it made one. May be called again."""
        if self._closed:
            return
        self._check_thread()
        if not self._owns_context and not rawgl.current_handle():
            self._closed = True  # the window is gone, and with it everything that was in its context
            return
        self._check_current()
        self._closed = True
        with self._current():
            self._release_states(0)
            self._release_targets()
            self._shared.release()
            self._frame_block.release()
            self._blender.release()
            self._edges.release()
        self._release_context()

    def __enter__(self) -> Renderer:
        self._check_usable()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        # A forgotten renderer's own context can still be closed here; of somebody else's, nobody knows
        # whether it is current, or alive.
        if self._closed or not self._owns_context or sys.is_finalizing():
            return
        if threading.get_ident() == self._thread:
            self.close()

    # -- inside ------------------------------------------------------------------------------------

    @contextmanager
    def _current(self) -> Iterator[None]:
        """Our own context is the current one; somebody else's is left to them."""
        with rawgl.current(self._ctx) if self._owns_context else nullcontext():
            yield

    def _guarded(self) -> AbstractContextManager[None]:
        """Somebody else's state is put aside inside."""
        return nullcontext() if self._owns_context else neutral_state(self._ctx, _UNITS)

    def _release_context(self) -> None:
        if self._owns_context:
            with self._current():
                collect(self._ctx)
                self._ctx.release()

    @contextmanager
    def _drawing(self, scene: Scene, camera: Camera) -> Iterator[None]:
        """Holds the scene for this thread while it is drawn."""
        if not isinstance(scene, Scene):
            raise InvalidType(f"scene: expected a Scene, got {arrays.described(scene)}")
        if not isinstance(camera, Camera):
            raise InvalidType(f"camera: expected a Camera, got {arrays.described(camera)}")
        thread = threading.get_ident()
        with _claiming:
            if scene.in_use not in (0, thread):
                raise ThreadError(
                    "scene: expected one thread at a time, got a scene that another thread is drawing"
                )
            scene.in_use = thread
        try:
            with self._current():
                yield
        finally:
            scene.in_use = 0

    def _state(self, scene: Scene) -> _SceneState:
        """What is kept of `scene`, which becomes the one drawn last."""
        for place, state in enumerate(self._states):
            if state.scene is scene:
                self._states.append(self._states.pop(place))
                return state
        self._release_states(_KEPT_SCENES - 1)
        state = _SceneState(scene, Collector(), GpuScene(self._shared, self._mode))
        self._states.append(state)
        return state

    def _target(self, outputs: Sequence[str]) -> Target:
        assert self._size is not None
        extras = frozenset(outputs) - {"color", "depth"}
        key = self._size, extras
        if key not in self._targets:
            width, height = self._size
            most = self._capabilities.max_texture_size
            if max(width, height) > most:
                raise InvalidValue(f"size: expected at most {most}x{most} pixels, got {width}x{height}")
            self._targets[key] = Target(self._ctx, self._size, self._samples, extras, self._capabilities)
        return self._targets[key]

    def _release_states(self, kept: int) -> None:
        while len(self._states) > kept:
            self._states.pop(0).gpu.release()

    def _release_targets(self) -> None:
        for target in self._targets.values():
            target.release()
        self._targets.clear()

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedError("renderer: expected an open renderer, got one that has been closed")
        self._check_thread()
        self._check_current()

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise ThreadError("renderer: expected the thread that made it, got another one")

    def _check_current(self) -> None:
        """OpenGL would silently draw in, and free from, whichever context is current."""
        if self._owns_context:
            return
        handle = rawgl.current_handle()
        if handle != self._handle:
            came = "another one" if handle else "none"
            raise UsageError(
                f"context: expected the renderer's context to be the current one on this thread, got {came}: "
                "make it current first"
            )


def _sorts(scene: Scene) -> bool:
    return scene.transparency == "sorted"


def _check_options(options: object) -> None:
    if not isinstance(options, Options):
        raise InvalidType(f"options: expected an Options, got {arrays.described(options)}")


def _checked_outputs(outputs: Sequence[str]) -> tuple[str, ...]:
    if isinstance(outputs, str) or not isinstance(outputs, Sequence):
        raise InvalidType(f"outputs: expected a sequence of names, got {arrays.described(outputs)}")
    if not outputs:
        raise InvalidValue(f"outputs: expected at least one of {', '.join(map(repr, OUTPUTS))}, got none")
    return tuple(dict.fromkeys(arrays.choice(name, "outputs", OUTPUTS) for name in outputs))
