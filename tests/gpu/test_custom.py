"""Snippets of GLSL that materials bring along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import MODES, Drawer, assert_frames_agree

import throng
from throng import Camera, Crowd, Material, Node, Options, Scene, Shader, Sun, shapes

SIZE = (96, 64)
HOT = """void shade_surface(inout Surface surface) {
    surface.color = mix(vec3(0.0, 0.0, 1.0), vec3(1.0, 0.0, 0.0), column_heat);
}
"""
LIFT = """void move_vertex(inout vec3 position, inout vec3 normal) {
    position.y += column_lift;
}
"""


def crowd(shader: Shader, count: int = 40, /, **columns: np.ndarray) -> Crowd:
    random = np.random.default_rng(2)
    return Crowd(
        shapes.box(0.4), Material(shader=shader, shading="unlit"),
        positions=random.uniform(-2, 2, (count, 3)), columns=columns,
    )  # fmt: skip


def test_a_column_colours_the_surface(draw: Drawer) -> None:
    for mode in MODES:
        for heat, color in ((0.0, (0, 0, 255)), (1.0, (255, 0, 0))):
            scene = Scene(background=(0, 1, 0))
            scene.add(crowd(Shader(surface=HOT, columns={"heat": "float"}), heat=np.full(40, heat)))
            seen = draw(scene, Camera((0, 0, 6), (0, 0, 0)), mode).color.reshape(-1, 4)
            assert {tuple(p) for p in seen.tolist()} == {(*color, 255), (0, 255, 0, 255)}


@pytest.mark.parametrize("kind", ["float", "vec2", "vec3", "vec4", "int", "ivec2", "ivec3", "ivec4"])
def test_columns_of_every_type_arrive(draw: Drawer, kind: str) -> None:
    """As they are written, in every mode: the last component decides what is red."""
    width = int(kind[-1]) if kind[-1].isdigit() else 1
    last = "" if width == 1 else f".{'xyzw'[width - 1]}"
    text = f"void shade_surface(inout Surface surface) {{ surface.color = vec3(column_c{last}, 0, 0); }}"
    values = np.zeros((40, width), np.int32 if kind.startswith("i") else np.float32)
    values[::2, -1] = 1
    scenes = []
    for mode in MODES:
        scene = Scene(background=(0, 1, 0))
        scene.add(crowd(Shader(surface=text, columns={"c": kind}), c=values[:, 0] if width == 1 else values))
        scenes.append(draw(scene, Camera((0, 0, 6), (0, 0, 0)), mode))
    assert {tuple(p) for p in scenes[0].color.reshape(-1, 4).tolist()} == {
        (255, 0, 0, 255), (0, 0, 0, 255), (0, 255, 0, 255),
    }  # fmt: skip
    red = (scenes[0].color[..., 0] == 255)[scenes[0].ids[..., 1] >= 0]
    assert (red == (scenes[0].ids[..., 1] % 2 == 0)[scenes[0].ids[..., 1] >= 0]).all()
    for other in scenes[1:]:
        assert_frames_agree(scenes[0], other)


def test_vertices_move_with_bounds_shadows_and_ids(draw: Drawer) -> None:
    """As if the instances stood there."""
    lift = np.linspace(0, 3, 40)
    shader = Shader(vertex=LIFT, columns={"lift": "float"}, reach=3.0)
    moved = crowd(shader, lift=lift)
    plain = Crowd(
        shapes.box(0.4), Material(shading="unlit"),
        positions=np.asarray(moved.positions) + np.column_stack([0 * lift, lift, 0 * lift]),
    )  # fmt: skip
    for camera in (Camera((0, 1, 7), (0, 1, 0)), Camera((0, 4.2, 3), (0, 4.2, 0), fov=30)):
        for mode in MODES:
            frames = []
            for one in (moved, plain):
                scene = Scene(sun=Sun((-0.3, -1, -0.2), shadows=True))
                scene.add(Node(shapes.plane(20), position=(0, -2.5, 0)))
                if one.parent is not None:
                    one.parent.remove(one)
                scene.add(one)
                frames.append(draw(scene, camera, mode, size=SIZE))
            assert_frames_agree(frames[0], frames[1], share=0.01)


def test_bounds_have_room_for_what_a_shader_moves() -> None:
    def bounds(reach: float) -> np.ndarray:
        scene = Scene()
        shader = Shader(vertex=LIFT, columns={"lift": "float"}, reach=reach)
        scene.add(crowd(shader, lift=np.zeros(40)))
        return scene.bounds

    assert (bounds(3.0)[0] <= bounds(0.0)[0] - 3).all()
    assert (bounds(3.0)[1] >= bounds(0.0)[1] + 3).all()
    still = "void move_vertex(inout vec3 place, inout vec3 up) {}"
    node = Scene()
    node.add(Node(shapes.box(), Material(shader=Shader(vertex=still, reach=2.0)), scale=2))
    np.testing.assert_allclose(node.bounds, [(-5, -5, -5), (5, 5, 5)])


def test_a_shader_is_a_draw_of_its_own_and_no_more() -> None:
    scene = Scene()
    shader = Shader(surface=HOT, columns={"heat": "float"})
    for _ in range(5):
        scene.add(crowd(shader, heat=np.zeros(40)))
    scene.add(Crowd(shapes.cone(), positions=np.zeros((3, 3))))
    options = Options(occlusion=False, lod=False)
    with throng.Renderer(SIZE, options=options) as renderer:
        renderer.render(scene, Camera())
        assert renderer.stats is not None
        assert renderer.stats.draw_calls == 2


def test_time_reaches_the_snippet(draw: Drawer) -> None:
    text = "void shade_surface(inout Surface surface) { surface.color = vec3(fract(seconds()), 0, 0); }"
    scene = Scene(background=(0, 0, 0), time=0.5)
    scene.add(Node(shapes.box(), Material(shader=Shader(surface=text), shading="unlit")))
    for mode in MODES:
        assert draw(scene, Camera((0, 0, 3), (0, 0, 0)), mode).color[32, 48, 0] == 188  # sRGB of 0.5


@pytest.mark.parametrize("mode", MODES)
def test_an_error_names_the_users_file_and_line(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "glow.glsl"
    wrong = "void shade_surface(inout Surface surface) {\n    surface.colour = vec3(1);\n}\n"
    file.write_text(f"// A comment.\n{wrong}")
    scene = Scene()
    scene.add(Node(shapes.box(), Material(shader=Shader(surface=file))))
    with pytest.raises(throng.ShaderError, match=r"glow\.glsl:3: .*colour[\s\S]*surface\.colour ="):
        throng.render(scene, Camera(), options=Options(mode=mode))
    scene = Scene()
    text = "void move_vertex(inout vec3 position, inout vec3 normal) {\n    position += up;\n}"
    scene.add(Node(shapes.box(), Material(shader=Shader(vertex=text, name="lifted"))))
    with pytest.raises(throng.ShaderError, match=r"lifted\.vertex:2: .*up"):
        throng.render(scene, Camera(), options=Options(mode=mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({}, "expected a column 'heat' of the crowd with id 1, got none"),
        ({"heat": np.zeros((40, 2))}, "for GLSL's float, got one of 2 float32 a row"),
        ({"heat": np.zeros(40, int)}, "for GLSL's float, got one of 1 int32 a row"),
    ],
)
def test_columns_that_are_not_there_are_told(mode: str, columns: dict[str, np.ndarray], text: str) -> None:
    scene = Scene()
    scene.add(crowd(Shader(surface=HOT, columns={"heat": "float"}), 40, **columns))
    with pytest.raises(throng.InvalidValue, match=text):
        throng.render(scene, Camera(), options=Options(mode=mode))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "vertex: expected a snippet here or as surface, got neither"),
        ({"surface": 3}, "surface: expected GLSL or the path of a file, got int 3"),
        ({"surface": "void shade() {}"}, "surface: expected GLSL that defines void shade_surface"),
        (
            {"vertex": "void move_vertex(inout vec3 position) {}", "name": "lifted"},
            r"vertex: expected GLSL that defines void move_vertex\(inout vec3 position, inout vec3 normal\), "
            "got lifted.vertex without",
        ),
        ({"surface": "// void shade_surface(inout Surface s) {}\n"}, "got shader.surface without"),
        ({"vertex": Path("nowhere.glsl")}, "nowhere.glsl: expected a file of GLSL"),
        ({"surface": HOT, "columns": {"a b": "float"}}, "columns: expected names that GLSL can have"),
        ({"surface": HOT, "columns": {"a": "mat4"}}, "columns\\['a'\\]: expected"),
        ({"surface": HOT, "columns": dict.fromkeys("abcde", "float")}, "columns: expected at most 4, got 5"),
        ({"surface": HOT, "reach": -1}, "reach: expected"),
    ],
)
def test_bad_shaders_are_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(throng.ThrongError, match=text):
        Shader(**arguments)  # type: ignore[arg-type]
