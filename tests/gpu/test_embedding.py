"""throng inside somebody else's program: their framebuffers, their state, their contexts and threads."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import moderngl
import numpy as np
import pytest
from pictures import MODES, Picture, exact, share_differing
from randomscenes import random_scene
from rasterizer import decoded

import throng
from throng import Camera, Crowd, Material, Node, Options, Renderer, Scene, shapes
from throng.gpu import rawgl
from throng.gpu.context import create_headless

gl = rawgl.function
SIZE = (32, 32)
STALE = (51, 102, 153, 204)


class Host:
    """A program with a context and framebuffers of its own, filled with STALE."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.target = self.framebuffer()
        self.target.use()

    def framebuffer(self, *formats: str, internal: int | None = None) -> moderngl.Framebuffer:
        red, green, blue, alpha = (value / 255 for value in STALE)
        textures = [
            self.ctx.texture(SIZE, 4, dtype=dtype, internal_format=internal) for dtype in formats or ("f1",)
        ]
        made = self.ctx.framebuffer(textures, self.ctx.depth_texture(SIZE))
        made.clear(red, green, blue, alpha, depth=1.0)
        return made

    def read(self, target: moderngl.Framebuffer | None = None, attachment: int = 0) -> Picture:
        raw = (target or self.target).read(components=4, attachment=attachment)
        return np.frombuffer(raw, np.uint8).reshape(*SIZE, 4)[::-1]


@pytest.fixture
def host(ctx: moderngl.Context) -> Host:
    return Host(ctx)


@pytest.fixture
def renderer(ctx: moderngl.Context) -> Iterator[Renderer]:
    with Renderer(context=ctx, size=SIZE) as made:
        yield made


def square(color: Any = (0, 1, 0), size: float = 2.0, **options: Any) -> Scene:
    """A square in the middle of the view, unlit."""
    scene = Scene(background=(1, 0, 0, 0.4))  # 102 of 255: half a step would be rounded either way
    scene.add(Node(shapes.box(size), Material(color, shading="unlit"), **options))
    return scene


CAMERA = Camera.orthographic((0, 0, 5), height=4, near=1, far=9)


def rows_of(mask: Picture) -> tuple[int, int, int, int]:
    """left, top, right and bottom of what is set; the picture's row 0 is the top one."""
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


# -- where it draws ------------------------------------------------------------------------------------


def test_it_draws_over_what_is_there_and_leaves_the_rest(host: Host, renderer: Renderer) -> None:
    renderer.draw(square(), CAMERA, host.target)
    picture = host.read()
    drawn = (picture == (0, 255, 0, 255)).all(axis=-1)
    assert rows_of(drawn) == (8, 8, 24, 24)
    assert drawn.sum() == 16 * 16
    assert (picture[~drawn] == STALE).all()


def test_the_framebuffer_in_use_is_the_default(host: Host, renderer: Renderer) -> None:
    renderer.draw(square(), CAMERA)
    assert (host.read()[16, 16] == (0, 255, 0, 255)).all()


def test_a_framebuffer_bound_behind_modernglS_back_is_the_one_in_use(host: Host, renderer: Renderer) -> None:  # noqa: N802
    """Qt and raw OpenGL bind their own, with a viewport and a scissor box that moderngl has not heard of."""
    other = host.framebuffer()
    host.target.use()
    gl("glBindFramebuffer", "viu")(0x8D40, other.glo)
    gl("glViewport", "viiii")(16, 0, 16, 16)
    gl("glEnable", "vi")(0x0C11)
    gl("glScissor", "viiii")(16, 0, 16, 8)
    renderer.draw(square(scale=(9, 9, 1)), CAMERA)
    assert rawgl.get_integer(0x8CA6) == other.glo
    assert rawgl.get_integers(0x0BA2, 4) == (16, 0, 16, 16)
    assert rawgl.get_integers(0x0C10, 4) == (16, 0, 16, 8)
    assert rawgl.is_enabled(0x0C11)
    gl("glDisable", "vi")(0x0C11)
    assert rows_of((host.read(other) == (0, 255, 0, 255)).all(axis=-1)) == (16, 24, 32, 32)
    assert (host.read() == STALE).all()


@pytest.mark.parametrize("clear", [False, True])
def test_nothing_outside_the_viewport_and_the_scissor_box_is_touched(
    host: Host, renderer: Renderer, clear: bool
) -> None:
    host.target.viewport = (4, 4, 24, 24)
    host.target.scissor = (0, 10, 20, 50)
    renderer.draw(square(scale=0.1 if clear else (9, 9, 1)), CAMERA, host.target, clear=clear)
    assert host.target.viewport == (4, 4, 24, 24)
    assert host.target.scissor == (0, 10, 20, 50)
    host.target.scissor = (0, 0, *SIZE)
    host.target.viewport = (0, 0, *SIZE)
    picture = host.read()
    touched = (picture != STALE).any(axis=-1)
    assert rows_of(touched) == (4, 32 - 28, 20, 32 - 10)
    assert touched.sum() == 16 * 18
    if clear:
        assert (picture[5, 5] == (255, 0, 0, 102)).all()


def test_clear_fills_colour_and_depth(host: Host, renderer: Renderer) -> None:
    host.target.clear(depth=0.0)  # nothing would pass
    renderer.draw(square(), CAMERA, host.target, clear=True)
    picture = host.read()
    assert (picture[0, 0] == (255, 0, 0, 102)).all()
    assert (picture[16, 16] == (0, 255, 0, 255)).all()


@pytest.mark.parametrize("clear", [False, True])
def test_of_several_attachments_the_first_is_drawn_to(host: Host, renderer: Renderer, clear: bool) -> None:
    target = host.framebuffer("f1", "f1", "f1")
    renderer.draw(square(), CAMERA, target, clear=clear)
    assert (host.read(target)[16, 16] == (0, 255, 0, 255)).all()
    for attachment in (1, 2):
        assert (host.read(target, attachment) == STALE).all()
    target.clear()
    assert (host.read(target, 2) == 0).all()  # the host can write there, as before


def test_the_hosts_depth_hides_and_is_hidden(host: Host, renderer: Renderer) -> None:
    """Host conventions: 0 is near, less wins. A host's quad at half the depth hides what is behind it."""
    program = host.ctx.program(
        vertex_shader="#version 330 core\nin vec2 p; uniform float z;"
        "void main() { gl_Position = vec4(p, z, 1.0); }",
        fragment_shader="#version 330 core\nout vec4 c; void main() { c = vec4(1.0); }",
    )
    left_half = host.ctx.buffer(np.array([-1, -1, 0, -1, -1, 1, 0, 1], np.float32).tobytes())
    quad = host.ctx.vertex_array(program, [(left_half, "2f", "p")])
    host.target.use()
    host.ctx.enable_only(moderngl.DEPTH_TEST)
    scene = Scene()
    for x, z, color in (
        (-0.5, 1, (1, 0, 0)),
        (0.5, 1, (0, 1, 0)),
        (-0.5, -2, (0, 0, 1)),
        (0.5, -2, (1, 1, 0)),
    ):
        scene.add(
            Node(shapes.box(0.8), Material(color, shading="unlit"), position=(x, 1 if z > 0 else -1, z))
        )
    program["z"] = 0.0  # depth 5 of 1..9: between the boxes
    quad.render(moderngl.TRIANGLE_STRIP)
    renderer.draw(scene, CAMERA, host.target)
    picture = host.read()
    seen = [tuple(picture[row, column].tolist()) for row in (8, 24) for column in (12, 20)]
    assert seen == [(255, 0, 0, 255), (0, 255, 0, 255), (255, 255, 255, 255), (255, 255, 0, 255)]
    program["z"] = -0.9  # the host goes on, in front of everything, and behind everything
    quad.render(moderngl.TRIANGLE_STRIP)
    assert (host.read()[8, 12] == 255).all()


def test_linear_light_for_hosts_that_encode(host: Host, renderer: Renderer) -> None:
    """Into floats, and into a framebuffer that OpenGL encodes for: both show the colour that was picked."""
    color = np.array((200, 90, 30), np.uint8)
    floats = host.framebuffer("f4")
    renderer.draw(square(color), CAMERA, floats, clear=True, encoding="linear")
    raw = np.frombuffer(floats.read(components=4, dtype="f4"), np.float32).reshape(*SIZE, 4)
    np.testing.assert_allclose(raw[16, 16, :3], decoded(color / 255), rtol=9e-3)  # 10 bits
    np.testing.assert_allclose(raw[0, 0], (1, 0, 0, 0.4), atol=1e-6)
    renderer.draw(square(color), CAMERA, floats, clear=True, encoding="srgb")
    raw = np.frombuffer(floats.read(components=4, dtype="f4"), np.float32).reshape(*SIZE, 4)
    np.testing.assert_allclose(raw[16, 16, :3], color / 255, atol=1e-3)

    encoding = host.framebuffer(internal=0x8C43)  # GL_SRGB8_ALPHA8
    gl("glEnable", "vi")(0x8DB9)
    scene = square(color)
    scene.background = (0.5, 0.25, 0.75, 1)
    renderer.draw(scene, CAMERA, encoding, clear=True, encoding="linear")
    assert rawgl.is_enabled(0x8DB9)
    gl("glDisable", "vi")(0x8DB9)
    picture = host.read(encoding).astype(int)
    assert np.abs(picture[16, 16, :3] - color).max() <= 1
    assert np.abs(picture[0, 0, :3] - (128, 64, 191)).max() <= 1


# -- what it leaves behind -----------------------------------------------------------------------------

NASTY: list[tuple[str, str, tuple[Any, ...]]] = [
    ("glEnable", "vi", (0x0BE2,)),  # blending
    ("glBlendFunc", "vii", (0x0302, 0x0303)),
    ("glEnable", "vi", (0x0BD0,)),
    ("glDisable", "vi", (0x0B71,)),  # depth test
    ("glDepthMask", "vb", (0,)),
    ("glDepthFunc", "vi", (0x0204,)),
    ("glDepthRange", "vdd", (0.5, 0.25)),
    ("glEnable", "vi", (0x0B44,)),
    ("glCullFace", "vi", (0x0408,)),
    ("glFrontFace", "vi", (0x0900,)),
    ("glPolygonMode", "vii", (0x0408, 0x1B01)),
    ("glEnable", "vi", (0x0B90,)),  # stencil test
    ("glEnable", "vi", (0x0BF2,)),  # logic operation
    ("glLogicOp", "vi", (0x150A,)),
    ("glEnable", "vi", (0x8F9D,)),  # primitive restart
    ("glPrimitiveRestartIndex", "vu", (2,)),
    ("glProvokingVertex", "vi", (0x8E4D,)),
    ("glEnable", "vi", (0x8C89,)),  # rasterizer discard
    ("glColorMask", "vbbbb", (0, 1, 0, 1)),
    ("glPixelStorei", "vii", (0x0CF2, 3)),
    ("glPixelStorei", "vii", (0x0D02, 3)),
    ("glPixelStorei", "vii", (0x0D05, 8)),
    ("glClearColor", "vffff", (0.25, 0.5, 0.75, 1.0)),
]
WATCHED = (
    0x0B72,
    0x0B74,
    0x0B45,
    0x0B46,
    0x8E4F,
    0x0CF2,
    0x0D02,
    0x0D05,
    0x8B8D,
    0x85B5,
    0x8894,
    0x8CA6,
    0x8CAA,
)
WATCHED_BITS = (0x0BE2, 0x0BD0, 0x0B71, 0x0B44, 0x0B90, 0x0BF2, 0x8F9D, 0x8C89, 0x0C11, 0x8DB9, 0x809D)


def watched() -> list[Any]:
    values: list[Any] = [rawgl.get_integer(name) for name in WATCHED]
    values += [rawgl.is_enabled(name) for name in WATCHED_BITS]
    return [*values, *(rawgl.get_integers(name, 4) for name in (0x0C23, 0x0BA2, 0x0C22))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", ["draw", "render"])
def test_nasty_state_of_the_host_neither_disturbs_the_picture_nor_is_disturbed(
    host: Host, mode: str, way: str
) -> None:
    scene, camera = random_scene(103), Camera((3, 2, 4))
    with Renderer(
        context=host.ctx, size=SIZE, samples=4 if way == "render" else 1, options=Options(mode)
    ) as renderer:

        def picture() -> Picture:
            if way == "render":
                return renderer.render(scene, camera).color
            renderer.draw(scene, camera, host.target, clear=True)
            return host.read()

        clean = picture()
        before_ours = watched()
        for name, types, values in NASTY:
            gl(name, types)(*values)
        before = watched()
        if way == "render":
            nasty: Picture | None = picture()
        else:
            renderer.draw(scene, camera, host.target, clear=True)
            nasty = None
        assert watched() == before != before_ours
        reset(host.ctx)
        np.testing.assert_array_equal(host.read() if nasty is None else nasty, clean)


def reset(ctx: moderngl.Context) -> None:
    for name in (0x0BE2, 0x0BD0, 0x0B44, 0x0B90, 0x0BF2, 0x8F9D, 0x8C89):
        gl("glDisable", "vi")(name)
    gl("glDepthMask", "vb")(1)
    gl("glDepthFunc", "vi")(0x0201)
    gl("glDepthRange", "vdd")(0.0, 1.0)
    gl("glCullFace", "vi")(0x0405)
    gl("glFrontFace", "vi")(0x0901)
    gl("glPolygonMode", "vii")(0x0408, 0x1B02)
    gl("glProvokingVertex", "vi")(0x8E4E)
    gl("glColorMask", "vbbbb")(1, 1, 1, 1)
    for name, value in ((0x0CF2, 0), (0x0D02, 0), (0x0D05, 4)):
        gl("glPixelStorei", "vii")(name, value)


# -- several of everything -----------------------------------------------------------------------------


def test_several_renderers_share_a_context(host: Host) -> None:
    scene, camera = random_scene(105), Camera((3, 2, 4))
    with Renderer(SIZE, options=exact()) as alone:
        wanted = alone.render(scene, camera).color
    renderers = [Renderer(context=host.ctx, size=SIZE, options=exact(mode)) for mode in MODES * 2]
    for _ in range(2):
        for renderer in renderers:
            assert share_differing(renderer.render(scene, camera).color, wanted) <= 0.002
    for renderer in renderers[:3]:
        renderer.close()
    for renderer in renderers[3:]:
        assert share_differing(renderer.render(scene, camera).color, wanted) <= 0.002
        renderer.close()
    with Renderer(context=host.ctx, size=SIZE) as later:
        np.testing.assert_array_equal(later.render(scene, camera).color, renderers_picture(scene, camera))


def renderers_picture(scene: Scene, camera: Camera) -> Picture:
    with Renderer(SIZE) as renderer:
        return renderer.render(scene, camera).color


def test_contexts_take_turns(host: Host, renderer: Renderer) -> None:
    """Renderers with contexts of their own, made and closed between draws into a host's."""
    scene, camera = random_scene(107), Camera((3, 2, 4))
    wanted = renderers_picture(scene, camera)
    own = [Renderer(SIZE) for _ in range(3)]
    for round_ in range(3):
        for one in own:
            np.testing.assert_array_equal(one.render(scene, camera).color, wanted)
            renderer.draw(scene, camera, host.target, clear=True)
            assert share_differing(host.read(), wanted) < 0.005
        own.pop(round_ % len(own)).close()


def test_a_renderers_own_context_leaves_the_hosts_current(host: Host) -> None:
    before = rawgl.current_handle()
    with Renderer(SIZE) as renderer:
        assert rawgl.current_handle() == before
        renderer.render(square(), CAMERA)
        renderer.size = (16, 16)
        renderer.options = Options("naive")
        assert rawgl.current_handle() == before
    assert rawgl.current_handle() == before
    assert host.ctx.error == "GL_NO_ERROR"


def test_drawing_while_another_context_is_current_is_an_error(host: Host, renderer: Renderer) -> None:
    other = create_headless()
    try:
        with rawgl.current(other), pytest.raises(throng.UsageError) as caught:
            renderer.draw(square(), CAMERA, host.target)
    finally:
        other.release()
        host.ctx.mglo.__enter__()
    assert str(caught.value) == (
        "context: expected the renderer's context to be the current one on this thread, got another one: "
        "make it current first"
    )


# -- threads and processes -----------------------------------------------------------------------------


def in_thread(work: Callable[[], Any]) -> BaseException | None:
    """What `work` raises in a thread of its own."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def test_another_thread_cannot_use_a_renderer() -> None:
    scene = square()
    with Renderer(SIZE) as renderer:
        for work in (
            lambda: renderer.render(scene, CAMERA),
            lambda: renderer.draw(scene, CAMERA),
            lambda: setattr(renderer, "size", (8, 8)),
            lambda: setattr(renderer, "options", Options()),
            renderer.close,
        ):
            error = in_thread(work)
            assert isinstance(error, throng.ThreadError)
            assert str(error) == "renderer: expected the thread that made it, got another one"
        renderer.render(scene, CAMERA)


def test_each_thread_may_have_a_renderer_of_its_own() -> None:
    pictures: list[Picture] = []

    def work() -> None:
        scene = square()
        with Renderer(SIZE) as renderer:
            pictures.extend(renderer.render(scene, CAMERA).color for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 15
    assert all((picture == pictures[0]).all() for picture in pictures)


def test_two_threads_cannot_draw_one_scene_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = square()
    errors: list[BaseException | None] = []

    def draw_it() -> None:
        with Renderer(SIZE) as other:
            other.render(scene, CAMERA)

    with Renderer(SIZE) as renderer:
        upload = renderer._upload

        def meanwhile(state: Any) -> int:
            errors.append(in_thread(draw_it))
            return upload(state)

        monkeypatch.setattr(renderer, "_upload", meanwhile)
        renderer.render(scene, CAMERA)
    assert (
        str(errors[0]) == "scene: expected one thread at a time, got a scene that another thread is drawing"
    )
    assert isinstance(errors[0], throng.ThreadError)
    assert in_thread(draw_it) is None  # afterwards it may
    monkeypatch.undo()


def picture_of(seed: int) -> Picture:
    with Renderer(SIZE) as renderer:
        return renderer.render(random_scene(seed), Camera((3, 2, 4))).color


def test_spawned_workers_draw(ctx: moderngl.Context) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        pictures = list(pool.map(picture_of, (103, 105)))
    for seed, picture in zip((103, 105), pictures, strict=True):
        np.testing.assert_array_equal(picture, picture_of(seed))


# -- the end -------------------------------------------------------------------------------------------

KINDS = ("Buffer", "Texture", "Framebuffer", "Program", "VertexArray", "Query", "Renderbuffer", "Sampler")


def living_names() -> dict[str, list[int]]:
    """The names of all GL objects of the current context. Names are small numbers here."""
    return {
        kind: [name for name in range(1, 3000) if gl(f"glIs{kind}", "bu")(name)]
        for kind in KINDS
    }  # fmt: skip


def busy_scene() -> Scene:
    scene = random_scene(110)
    scene.add(
        Crowd(
            shapes.tree(), positions=np.random.default_rng(0).uniform(-2, 2, (50, 3)), scales=[-0.1, 0.1] * 25
        )
    )
    return scene


@pytest.mark.parametrize("mode", MODES)
def test_close_frees_every_object(host: Host, mode: str) -> None:
    """But for one program: Mesa itself holds on to the one that drew last after a compute shader ran."""
    before = living_names()
    for _ in range(2):
        renderer = Renderer(context=host.ctx, size=SIZE, samples=4, options=Options(mode))
        for scene in (busy_scene(), random_scene(101), random_scene(102)):
            renderer.render(scene, CAMERA, ("color", "depth", "ids", "normals"))
            renderer.render(scene, CAMERA)
            renderer.draw(scene, CAMERA, host.target)
        renderer.size = (20, 20)
        renderer.render(scene, CAMERA)
        assert sum(map(len, living_names().values())) > sum(map(len, before.values())) + 10
        renderer.close()
        after = living_names()
        assert len(after.pop("Program")) <= len(before["Program"]) + 1
        assert after == {kind: names for kind, names in before.items() if kind != "Program"}


def test_switching_modes_frees_what_the_other_mode_had(host: Host) -> None:
    with Renderer(context=host.ctx, size=SIZE) as renderer:
        scene = busy_scene()
        counts = []
        for _ in range(3):
            for mode in MODES:
                renderer.options = Options(mode)
                renderer.render(scene, CAMERA)
            counts.append({kind: len(names) for kind, names in living_names().items()})
        assert counts[1] == counts[2]


def test_a_closed_renderer_says_so() -> None:
    renderer = Renderer(SIZE)
    renderer.close()
    renderer.close()
    scene = square()
    for work in (
        lambda: renderer.render(scene, CAMERA),
        lambda: renderer.draw(scene, CAMERA),
        lambda: setattr(renderer, "size", (8, 8)),
        lambda: setattr(renderer, "options", Options()),
        renderer.__enter__,
    ):
        with pytest.raises(throng.ClosedError) as caught:
            work()
        assert str(caught.value) == "renderer: expected an open renderer, got one that has been closed"


def test_a_forgotten_renderer_closes_its_own_context() -> None:
    renderer = Renderer(SIZE)
    renderer.render(square(), CAMERA)
    context = weakref.ref(renderer.context.mglo) if hasattr(renderer.context.mglo, "__weakref__") else None
    forgotten = weakref.ref(renderer)
    del renderer
    gc.collect()
    assert forgotten() is None
    assert context is None or context() is None
    assert rawgl.current_handle() in (0, None)


def test_what_a_host_has_drawn_before_may_be_another_thing_each_time(ctx: moderngl.Context) -> None:
    """Though scene and view stand still."""
    scene = Scene()
    places = np.random.default_rng(0).uniform(-4, 4, (500, 3))
    scene.add(Crowd(shapes.box(), positions=places, scales=np.full(500, 0.3)))
    camera = Camera((0, 0, 12))
    size = (160, 120)
    target = ctx.framebuffer([ctx.texture(size, 4)], ctx.depth_texture(size))
    with Renderer(context=ctx) as renderer:

        def drawn(depth: float) -> int:
            target.clear(0.0, 0.0, 0.0, 0.0, depth=depth)
            renderer.draw(scene, camera, target)
            picture = np.frombuffer(target.read(components=4), np.uint8).reshape(-1, 4)
            return int((picture[:, 3] > 0).sum())

        open_, closed = drawn(1.0), [drawn(0.1) for _ in range(12)]
        assert open_ > 2000
        assert closed == [0] * 12
        assert renderer.stats is not None
        assert renderer.stats.occluded == 500
        assert [drawn(1.0) for _ in range(12)] == [open_] * 12
        assert [drawn(0.1), drawn(1.0)] == [0, open_]


def test_a_renderer_of_samples_has_splats_where_its_host_has_none(ctx: moderngl.Context) -> None:
    scene = Scene()
    places = np.random.default_rng(0).uniform(-10, 10, (500, 3))
    scene.add(Crowd(shapes.rock(seed=2), positions=places, scales=np.full(500, 0.3)))
    target = ctx.framebuffer([ctx.texture((160, 120), 4)], ctx.depth_texture((160, 120)))
    with Renderer(context=ctx, samples=4) as renderer:
        for _ in range(4):
            renderer.draw(scene, Camera((0, 0, 60)), target, clear=True)
        assert renderer.stats is not None
        assert renderer.stats.splats > 400


def test_a_renderer_that_could_not_be_made_leaves_nothing_to_close() -> None:
    with pytest.raises(throng.InvalidValue):
        Renderer((0, 1))
    gc.collect()  # an error in __del__ would be a warning, and so fail the test


def test_a_scene_outlives_its_renderers() -> None:
    scene = square()
    kept = weakref.ref(scene)
    with Renderer(SIZE) as renderer:
        first = renderer.render(scene, CAMERA).color
    with Renderer(SIZE) as renderer:
        np.testing.assert_array_equal(renderer.render(scene, CAMERA).color, first)
    del renderer, scene
    gc.collect()
    assert kept() is None


ORDERS = """
import sys
import moderngl
import throng
from throng.gpu import rawgl
from throng.gpu.context import create_headless

scene = throng.Scene()
scene.add(throng.Node(throng.shapes.box()))

def made(context=None):
    renderer = throng.Renderer((16, 16), context=context)
    renderer.render(scene, throng.Camera())
    return renderer

one, other, third = made(), made(), made()
other.close(); one.close()
third.render(scene, throng.Camera())
host = create_headless()
inside = made(host)
own = made()
host.release()                      # the window is gone before what drew in it
rawgl.release_current()
inside.close()
third.render(scene, throng.Camera())
forgotten, left = made(), made()    # for the end of the process
third.close()
own.close()
print("done")
"""


def test_contexts_end_in_any_order(run_python: Callable[..., str]) -> None:
    """Released in the wrong order, contexts of moderngl's abort the process."""
    assert run_python("-W", "error", "-c", ORDERS) == "done\n"
