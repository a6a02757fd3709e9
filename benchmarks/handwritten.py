"""The yardstick: what an expert would write in plain moderngl for one scene that does not move.

One mat4 and one linear colour an instance, in one buffer for each mesh; one instanced draw a mesh; no scene
graph, no ids, nothing that can change. The shading is throng's own: Lambert in linear light, encoded to sRGB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import moderngl
import numpy as np
import numpy.typing as npt

import throng
from throng import math3d
from throng.gpu.view import surroundings
from throng.model.mesh import Parts

Doubles = npt.NDArray[np.float64]

VERTEX = """
#version 330
in vec3 in_position;
in vec3 in_normal;
%(vertex_color)s
in mat4 in_matrix;
in vec4 in_color;
uniform mat4 view_projection;
out vec3 normal;
%(flat)s out vec3 color;
void main() {
    gl_Position = view_projection * (in_matrix * vec4(in_position, 1.0));
    normal = %(normal)s * in_normal;
    color = in_color.rgb%(times)s;
}
"""

FRAGMENT = """
#version 330
in vec3 normal;
%(flat)s in vec3 color;
uniform vec3 sun_direction, sun_color, sky, ground;
out vec4 result;
vec3 srgb(vec3 c) {
    return mix(c * 12.92, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}
void main() {
    vec3 n = normalize(normal);
    %(turn)s
    vec3 light = %(light)s;
    result = vec4(srgb(clamp(color * light, 0.0, 1.0)), 1.0);
}
"""


_LIGHT = "mix(ground, sky, 0.5 + 0.5 * n.y) + sun_color * max(dot(n, sun_direction), 0.0)"


def missing(scene: throng.Scene, update: Callable[[throng.Scene, float], None] | None = None) -> str | None:
    """Why this mode cannot draw `scene` as `update` moves it from 0 seconds on; None where it can."""
    if any(material.motion is not None for _, _, material, _, _ in _pieces(scene)):
        return "it has motions, which would be another program's shaders"
    if update is not None:
        before = _fingerprint(scene)
        update(scene, 1.0)
        after = _fingerprint(scene)
        update(scene, 0.0)
        if after != before:
            return "its instances move, which would be another program's uploads"
    return None


def _fingerprint(scene: throng.Scene) -> bytes:
    """Changes with any transform or colour."""
    digest = hashlib.blake2b()
    for _, _, _, worlds, colors in _pieces(scene):
        digest.update(np.ascontiguousarray(worlds).data)
        digest.update(np.ascontiguousarray(colors).data)
    return digest.digest()


class Handwritten:
    """Draws what `scene` holds at the moment. Its context must be current whenever it is used."""

    def __init__(self, ctx: moderngl.Context, scene: throng.Scene) -> None:
        self._ctx = ctx
        self._background = scene.background
        self._draws: list[tuple[moderngl.VertexArray, int, int]] = []
        self._owned: list[moderngl.Buffer | moderngl.Program | moderngl.VertexArray] = []
        self._programs: dict[tuple[bool, bool, bool, bool], moderngl.Program] = {}
        self.triangles = 0
        groups: dict[tuple[throng.Mesh, bool, bool], list[tuple[Doubles, Doubles]]] = {}
        for mesh, (double_sided, lit), _, worlds, colors in _pieces(scene):
            groups.setdefault((mesh, double_sided, lit), []).append((worlds, colors))
        for (mesh, double_sided, lit), parts in groups.items():
            worlds, colors = (np.concatenate(column) for column in zip(*parts, strict=True))
            self._add(mesh, double_sided, lit, worlds, colors)
        self._light(scene)

    @property
    def draw_calls(self) -> int:
        return len(self._draws)

    def draw(self, camera: throng.Camera, framebuffer: moderngl.Framebuffer) -> None:
        framebuffer.use()
        framebuffer.clear(*self._background)
        width, height = framebuffer.size
        matrix = camera.projection_matrix(width / height) @ camera.view_matrix
        transposed = matrix.T.astype(np.float32).tobytes()
        for program in self._programs.values():
            program["view_projection"].write(transposed)  # type: ignore[union-attr]
        for vertex_array, count, flags in self._draws:
            self._ctx.enable_only(flags)
            vertex_array.render(instances=count)

    def release(self) -> None:
        for thing in self._owned:
            thing.release()

    def _add(
        self,
        mesh: throng.Mesh,
        double_sided: bool,
        lit: bool,
        worlds: Doubles,
        colors: Doubles,
    ) -> None:
        colored = bool((mesh.colors != 255).any())
        determinants = np.linalg.det(worlds[:, :, :3])
        mirrored = bool((determinants < 0).any())
        # An expert uses the plain 3x3 where scales are uniform, and the inverse transpose elsewhere.
        lengths = np.linalg.norm(worlds[:, :, :3], axis=1)
        skewed = bool((np.ptp(lengths, axis=1) > 1e-3 * lengths.max(axis=1)).any())
        records = np.zeros(len(worlds), [("matrix", np.float32, (4, 4)), ("color", np.float32, 4)])
        records["matrix"][:, :, :3] = worlds.transpose(0, 2, 1)
        records["matrix"][:, 3, 3] = 1
        records["color"] = colors
        vertices, attributes = [mesh.positions], ["in_position"]
        if lit:
            vertices.append(mesh.normals)
            attributes.append("in_normal")
        if colored:
            vertices.append(math3d.linear_color(mesh.colors / 255.0)[:, :3].astype(np.float32))
            attributes.append("vertex_color")
        program = self._program(colored, lit, double_sided, skewed)
        ctx = self._ctx
        content = ctx.buffer(np.hstack(vertices).astype(np.float32).tobytes())
        instances = ctx.buffer(records.tobytes())
        indices = ctx.buffer(np.ascontiguousarray(mesh.indices, np.uint32).tobytes())
        vertex_array = ctx.vertex_array(
            program,
            [
                (content, " ".join(["3f"] * len(attributes)), *attributes),
                (instances, "16f 4f/i", "in_matrix", "in_color"),
            ],
            indices,
        )
        self._owned += [content, instances, indices, vertex_array]
        flags = moderngl.DEPTH_TEST if double_sided or mirrored else moderngl.DEPTH_TEST | moderngl.CULL_FACE
        self._draws.append((vertex_array, len(worlds), flags))
        self.triangles += len(worlds) * mesh.triangle_count

    def _program(self, colored: bool, lit: bool, double_sided: bool, skewed: bool) -> moderngl.Program:
        key = colored, lit, double_sided, skewed
        if key not in self._programs:
            text = {
                "vertex_color": "in vec3 vertex_color;" if colored else "",
                "times": " * vertex_color" if colored else "",
                "flat": "" if colored else "flat",
                "normal": "transpose(inverse(mat3(in_matrix)))" if skewed else "mat3(in_matrix)",
                "turn": "n = gl_FrontFacing ? n : -n;" if double_sided else "",
                "light": "mix(ground, sky, 0.5 + 0.5 * n.y) + sun_color * max(dot(n, sun_direction), 0.0)"
                if lit
                else "vec3(1.0)",
            }
            program = self._ctx.program((VERTEX % text).strip(), (FRAGMENT % text).strip())
            self._programs[key] = program
            self._owned.append(program)
        return self._programs[key]

    def _light(self, scene: throng.Scene) -> None:
        sun, (sky, ground) = scene.sun, surroundings(scene)
        values = {
            "sky": sky,
            "ground": ground,
            "sun_color": np.zeros(3) if sun is None else math3d.linear_color(sun.color)[:3] * sun.intensity,
            "sun_direction": np.zeros(3) if sun is None else -np.array(sun.direction),
        }
        for program in self._programs.values():
            for name, value in values.items():
                if name in program:
                    program[name].value = tuple(value.tolist())  # type: ignore[union-attr]


_Piece = tuple[throng.Mesh, tuple[bool, bool], throng.Material, Doubles, Doubles]


def _pieces(scene: throng.Scene) -> Iterator[_Piece]:
    """(mesh, (double-sided, lit), material, (n, 3, 4) world transforms, (n, 4) linear colours), if shown."""
    table = scene.update()
    for look in table.looks:
        rows = np.fromiter(look.rows, np.int64, len(look.rows))
        if rows.size:
            yield from _with_materials(look.parts, table.world[rows], math3d.linear_color(table.color[rows]))
    for crowd in scene.crowds:
        if not table.shown[crowd._row] or not len(crowd):
            continue
        scales = np.asarray(crowd.scales, np.float64)
        local = math3d.affines(
            np.asarray(crowd.positions, np.float64),
            np.asarray(crowd.rotations, np.float64),
            np.broadcast_to(scales[:, None] if scales.ndim == 1 else scales, (len(crowd), 3)),
        )
        worlds = math3d.combine(table.world[crowd._row], local)
        colors = math3d.linear_color(np.asarray(crowd.colors)) * math3d.linear_color(crowd.color)
        yield from _with_materials(crowd.parts, worlds, colors)


def _with_materials(parts: Parts, worlds: Doubles, colors: Doubles) -> Iterator[_Piece]:
    for mesh, material in parts:
        tinted = colors * math3d.linear_color(material.color)
        yield mesh, (material.double_sided, material.shading == "lit"), material, worlds, tinted
