"""A host's OpenGL state is afterwards what it was, in every version that throng runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pytest

from throng.gpu import rawgl
from throng.gpu.state import BINDINGS, SavedState, neutral_state

UNITS = 8
gl = rawgl.function

# Read back with glGetIntegerv and nothing of throng's tables: name -> number of values.
PLAIN = {
    **dict.fromkeys((0x8B8D, 0x85B5, 0x8CA6, 0x8CAA, 0x0B72, 0x0B74, 0x0B45, 0x0B46, 0x8E4F), 1),
    **dict.fromkeys(
        (0x80C9, 0x80C8, 0x80CB, 0x80CA, 0x8009, 0x883D, 0x8894, 0x8F36, 0x8F37, 0x88ED, 0x88EF), 1
    ),
    **dict.fromkeys(
        (0x0CF5, 0x0CF2, 0x0CF3, 0x0CF4, 0x0D05, 0x0D02, 0x0D03, 0x0D04, 0x806C, 0x806E, 0x84E0), 1
    ),
    **dict.fromkeys((0x8A28, 0x8038, 0x2A00, 0x0B73), 1),
    **dict.fromkeys((0x0BA2, 0x0C10, 0x0C23, 0x0C22, 0x8005), 4),
    **dict.fromkeys((0x0B70, 0x0B40), 2),
}
PLAIN_SINCE = {400: (0x8F43,), 430: (0x90EF, 0x90D3), 450: (0x935C, 0x935D)}
SWITCHES = [
    *(0x0B71, 0x0BE2, 0x0B44, 0x0B90, 0x0C11, 0x0BD0, 0x0BF2, 0x8037, 0x8DB9, 0x809D, 0x809E, 0x8C89, 0x8F9D),
    *(0x864F, 0x8642, *range(0x3000, 0x3008)),
]
TEXTURES = {0x0DE1: 0x8069, 0x8C1A: 0x8C1D, 0x9100: 0x9104}

Picture = npt.NDArray[np.uint8]


def snapshot(version: int) -> dict[str, Any]:
    """Everything that a host might have set, through glGet."""
    names = dict(PLAIN)
    for since, more in PLAIN_SINCE.items():
        if version >= since:
            names |= dict.fromkeys(more, 1)
    state: dict[str, Any] = {hex(name): rawgl.get_integers(name, count) for name, count in names.items()}
    switches = [*SWITCHES, *([0x8D69] if version >= 430 else [])]
    state |= {f"switch {name:#x}": rawgl.is_enabled(name) for name in switches}
    is_enabled_at = gl("glIsEnabledi", "biu")
    for index in range(8):
        state[f"blend {index}"] = is_enabled_at(0x0BE2, index)
        state[f"mask {index}"] = rawgl.get_integers_at(0x0C23, index, 4)
        if version >= 400:
            state[f"blend function {index}"] = rawgl.get_integers_at(0x80C9, index, 1)
        if version >= 410:
            state[f"viewport {index}"] = rawgl.get_integers_at(0x0BA2, index, 4)
            state[f"scissor {index}"] = rawgl.get_integers_at(0x0C10, index, 4), is_enabled_at(0x0C11, index)
    for index in range(BINDINGS):
        state[f"uniforms {index}"] = [
            rawgl.get_integers_at(name, index, 1) for name in (0x8A28, 0x8A29, 0x8A2A)
        ]
        if version >= 430:
            state[f"storage {index}"] = [
                rawgl.get_integers_at(name, index, 1) for name in (0x90D3, 0x90D4, 0x90D5)
            ]
        if version >= 420:
            state[f"image {index}"] = [
                rawgl.get_integers_at(name, index, 1) for name in range(0x8F3A, 0x8F3F)
            ]
    active = rawgl.get_integer(0x84E0)
    for unit in range(UNITS):
        gl("glActiveTexture", "vi")(0x84C0 + unit)
        names_bound = [rawgl.get_integer(binding) for binding in (0x8919, *TEXTURES.values())]
        state[f"unit {unit}"] = names_bound
    gl("glActiveTexture", "vi")(active)
    return state


class Host:
    """A program that has set everything to something else than its default, and draws with moderngl."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx, self.version = ctx, rawgl.version_code()
        self.target = ctx.framebuffer(
            [ctx.texture((16, 16), 4), ctx.texture((16, 16), 4)], ctx.depth_texture((16, 16))
        )
        self.other = ctx.simple_framebuffer((8, 8))
        self.program = ctx.program(
            vertex_shader="#version 330 core\nin vec2 p; void main() { gl_Position = vec4(p, 0.2, 1.0); }",
            fragment_shader="#version 330 core\nuniform sampler2D t; layout(location = 0) out vec4 c;"
            "layout(location = 1) out vec4 d;"
            "void main() { c = texture(t, gl_FragCoord.xy / 16.0) * 0.5; d = vec4(0.25, 0.5, 0.75, 0.5); }",
        )
        corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
        self.buffers = [ctx.buffer(corners.tobytes() * 64) for _ in range(4)]
        self.vertices = ctx.vertex_array(self.program, [(self.buffers[0], "2f", "p")])
        pixels = np.arange(16 * 16 * 4, dtype=np.uint32).astype(np.uint8)
        self.texture = ctx.texture((16, 16), 4, pixels.tobytes())
        self.array, self.multi = ctx.texture_array((2, 2, 2), 4), ctx.texture((2, 2), 4, samples=4)
        self.sampler = ctx.sampler(filter=(moderngl.NEAREST, moderngl.NEAREST))

    def set_everything(self) -> None:
        ctx, version, names = self.ctx, self.version, [buffer.glo for buffer in self.buffers]
        self.target.use()
        ctx.enable_only(moderngl.BLEND | moderngl.CULL_FACE | moderngl.PROGRAM_POINT_SIZE)
        ctx.front_face, ctx.cull_face = "cw", "front"
        gl("glUseProgram", "vu")(self.program.glo)
        gl("glBindVertexArray", "vu")(self.vertices.glo)
        gl("glBindFramebuffer", "viu")(0x8CA8, self.other.glo)
        gl("glViewport", "viiii")(1, 2, 11, 12)
        gl("glScissor", "viiii")(2, 3, 9, 8)
        gl("glDepthRange", "vdd")(0.25, 0.75)
        gl("glBlendFuncSeparate", "viiii")(0x0304, 0x0305, 0x0306, 0x0307)
        gl("glBlendEquationSeparate", "vii")(0x800A, 0x800B)
        gl("glBlendColor", "vffff")(1, 0, 0, 1)
        gl("glClearColor", "vffff")(0, 1, 0, 1)
        gl("glClearDepth", "vd")(0.0)
        gl("glDepthFunc", "vi")(0x0204)
        gl("glDepthMask", "vb")(0)
        gl("glPolygonMode", "vii")(0x0408, 0x1B01)
        gl("glPolygonOffset", "vff")(2, 3)
        gl("glProvokingVertex", "vi")(0x8E4D)
        for name in (
            0x0B90,
            0x0C11,
            0x0BF2,
            0x8037,
            0x8DB9,
            0x809E,
            0x8C89,
            0x8F9D,
            0x864F,
            *range(0x3000, 0x3008),
        ):
            gl("glEnable", "vi")(name)
        gl("glEnable", "vi")(0x0BD0)
        gl("glDisable", "vi")(0x809D)
        for name in (0x0CF5, 0x0D05):
            gl("glPixelStorei", "vii")(name, 1)
        for name in (0x0CF2, 0x0CF3, 0x0CF4, 0x806E, 0x0D02, 0x0D03, 0x0D04, 0x806C):
            gl("glPixelStorei", "vii")(name, 3)
        gl("glColorMask", "vbbbb")(1, 0, 1, 0)
        gl("glColorMaski", "vubbbb")(1, 0, 1, 0, 1)
        gl("glDisablei", "viu")(0x0BE2, 1)
        self._bind(version, names)
        if version >= 400:
            gl("glBlendFuncSeparatei", "vuiiii")(1, 1, 1, 0, 0)
        if version >= 410:
            gl("glViewportIndexedf", "vuffff")(3, 1, 2, 3, 4)
            gl("glScissorIndexed", "vuiiii")(2, 4, 3, 2, 1)
            gl("glDisablei", "viu")(0x0C11, 4)
        if version >= 430:
            gl("glEnable", "vi")(0x8D69)
        if rawgl.has_clip_control():
            rawgl.clip_control(lower_left=False, zero_to_one=True)

    def _bind(self, version: int, names: list[int]) -> None:
        bind, bind_range, bind_base = (
            gl("glBindBuffer", "viu"),
            gl("glBindBufferRange", "viuuzz"),
            gl("glBindBufferBase", "viuu"),
        )
        blocks = [0x8A11, *([0x90D2] if version >= 430 else [])]
        for target in blocks:
            bind_range(target, 1, names[1], 256, 512)
            bind_base(target, 2, names[2])
            bind(target, names[3])
        targets = [0x8892, 0x8F36, 0x8F37, 0x88EB, 0x88EC]
        targets += [0x8F3F] * (version >= 400) + [0x90EE] * (version >= 430)
        for place, target in enumerate(targets):
            bind(target, names[place % 4])
        for unit in (0, 3, 7):
            gl("glActiveTexture", "vi")(0x84C0 + unit)
            for target, name in zip(
                TEXTURES, (self.texture.glo, self.array.glo, self.multi.glo), strict=True
            ):
                gl("glBindTexture", "viu")(target, name)
            self.sampler.use(unit)
        if version >= 420:
            gl("glBindImageTexture", "vuuibiii")(2, self.array.glo, 0, 0, 1, 0x88BA, 0x8058)

    def picture(self) -> Picture:
        """Drawn with whatever state is set; nothing of it is set here."""
        self.vertices.render(moderngl.TRIANGLES, vertices=3)
        return np.concatenate(
            [np.frombuffer(self.target.read(components=4, attachment=place), np.uint8) for place in (0, 1)]
        )


def nasty_draw(ctx: moderngl.Context) -> Picture:
    """Draws from the neutral state, and leaves everything in disorder."""
    target = ctx.framebuffer([ctx.texture((4, 4), 4)], ctx.depth_texture((4, 4)))
    target.use()
    target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
    program = ctx.program(
        vertex_shader="#version 330 core\nin vec2 p; void main() { gl_Position = vec4(p, 0.9, 1.0); }",
        fragment_shader="#version 330 core\nout vec4 c; void main() { c = vec4(0.2, 0.4, 0.6, 0.8); }",
    )
    corners = ctx.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32).tobytes())
    vertices = ctx.vertex_array(program, [(corners, "2f", "p")])
    vertices.render(moderngl.TRIANGLES)
    picture = np.frombuffer(target.read(components=4), np.uint8).copy()
    block = ctx.buffer(reserve=1024)
    for index in range(BINDINGS):
        block.bind_to_uniform_block(index)
        if ctx.version_code >= 430:
            block.bind_to_storage_buffer(index)
    texture, sampler = ctx.texture((4, 4), 4), ctx.sampler()
    for unit in range(UNITS):
        texture.use(unit)
        sampler.use(unit)
        if ctx.version_code >= 420:
            texture.bind_to_image(unit)
    ctx.enable_only(moderngl.DEPTH_TEST | moderngl.RASTERIZER_DISCARD)
    ctx.depth_func = "=="
    ctx.front_face, ctx.cull_face, ctx.wireframe, ctx.polygon_offset = "ccw", "back", True, (7.0, 7.0)
    ctx.provoking_vertex = moderngl.LAST_VERTEX_CONVENTION
    gl("glColorMask", "vbbbb")(0, 0, 0, 0)
    gl("glDepthRange", "vdd")(0.5, 0.5)
    return picture


@pytest.fixture
def host(ctx: moderngl.Context) -> Iterator[Host]:
    with SavedState(ctx, UNITS):  # whatever this test's host sets does not reach the next test
        yield Host(ctx)
    gl("glBlendFuncSeparate", "viiii")(1, 0, 1, 0)
    gl("glBlendEquationSeparate", "vii")(0x8006, 0x8006)
    gl("glBlendColor", "vffff")(0, 0, 0, 0)


def test_the_host_differs_from_the_defaults(host: Host) -> None:
    """Or the tests below would show nothing."""
    with SavedState(host.ctx, UNITS) as saved:
        saved.neutral()
        gl("glBindBuffer", "viu")(0x8892, 0)
        before = snapshot(host.version)
        host.set_everything()
        after = snapshot(host.version)
    assert rawgl.get_error() is None
    same = {name for name in before if before[name] == after[name] and name.startswith(("0x", "switch"))}
    assert same == {"switch 0xb71"}  # the depth test, which `nasty_draw` turns on
    indexed = {"mask": (0, 1), "blend": (0, 1), "uniforms": (0, 1, 2), "unit": (0, 1)}
    if host.version >= 410:
        indexed |= {"blend function": (0, 1), "viewport": (0, 3), "scissor": (0, 2, 4)}
    if host.version >= 430:
        indexed |= {"storage": (0, 1, 2), "image": (1, 2)}
    for name, indices in indexed.items():
        assert len({str(after[f"{name} {index}"]) for index in indices}) == len(indices), name


def test_all_state_is_put_back(ctx: moderngl.Context, host: Host) -> None:
    host.set_everything()
    before = snapshot(host.version)
    assert rawgl.get_error() is None
    with neutral_state(ctx, UNITS):
        picture = nasty_draw(ctx)
        assert rawgl.get_error() is None
    assert rawgl.get_error() is None
    assert snapshot(host.version) == before
    assert picture.reshape(16, 4).tolist() == [[51, 102, 153, 204]] * 16


def test_the_hosts_picture_stays(ctx: moderngl.Context, host: Host) -> None:
    host.set_everything()
    for name in (0x8C89, 0x0B44, 0x0BF2):  # let something be drawn
        gl("glDisable", "vi")(name)
    gl("glPolygonMode", "vii")(0x0408, 0x1B02)
    for plane in range(8):
        gl("glDisable", "vi")(0x3000 + plane)
    gl("glBindBuffer", "viu")(0x88EB, 0)
    gl("glDepthFunc", "vi")(0x0207)
    gl("glBlendEquationSeparate", "vii")(0x8006, 0x8006)
    for name in (0x0D02, 0x0D03, 0x0D04):
        gl("glPixelStorei", "vii")(name, 0)
    host.target.clear(0.5, 0.5, 0.5, 0.5)
    first = host.picture()
    assert len(np.unique(first)) > 4
    with neutral_state(ctx, UNITS):
        nasty_draw(ctx)
    host.target.clear(0.5, 0.5, 0.5, 0.5)
    np.testing.assert_array_equal(host.picture(), first)


def test_moderngl_remembers_what_it_did(ctx: moderngl.Context, host: Host) -> None:
    host.target.use()
    ctx.enable_only(moderngl.BLEND)
    ctx.front_face, ctx.wireframe, ctx.polygon_offset = "cw", False, (1.0, 2.0)
    with neutral_state(ctx, UNITS):
        nasty_draw(ctx)
    assert ctx.fbo is host.target
    assert ctx.viewport == host.target.viewport == (0, 0, 16, 16)
    assert (ctx.front_face, ctx.wireframe, ctx.polygon_offset) == ("cw", False, (1.0, 2.0))
    host.other.read()  # binds, and goes back to what moderngl thinks is in use
    assert rawgl.get_integer(0x8CA6) == host.target.glo
    with ctx.scope(host.other, moderngl.DEPTH_TEST):
        pass
    assert (rawgl.is_enabled(0x0BE2), rawgl.is_enabled(0x0B71)) == (True, False)


def test_after_an_exception_and_nested(ctx: moderngl.Context, host: Host) -> None:
    host.set_everything()
    before = snapshot(host.version)
    saved = SavedState(ctx, UNITS)

    def fail() -> None:
        with saved:
            saved.neutral()
            inner = snapshot(host.version)
            with saved:
                nasty_draw(ctx)
            assert snapshot(host.version) == inner
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert snapshot(host.version) == before


def test_a_program_deleted_while_in_use(ctx: moderngl.Context, host: Host) -> None:
    host.set_everything()
    host.program.release()
    with neutral_state(ctx, UNITS):
        nasty_draw(ctx)
    assert rawgl.get_integer(0x8B8D) == 0
    assert rawgl.get_error() is None


@pytest.mark.parametrize("version", ["3.3", "4.1", "4.3"])
def test_older_versions(run_python: Callable[..., str], version: str) -> None:
    """This whole file again, on a driver that plays an older one."""
    here = ("-m", "pytest", __file__, "-p", "no:cacheprovider", "-k", "not older_versions")
    assert "6 passed" in run_python(*here, MESA_GL_VERSION_OVERRIDE=version)
