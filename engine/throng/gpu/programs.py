"""The mesh programs, one for each combination of what is asked for, compiled when first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import moderngl

from throng import layout
from throng.gpu import source
from throng.model.shader import Shader

FRAME_BINDING, CULL_BINDING, ITEM_BINDING, SHADOW_BINDING = range(4)
_BLOCKS = {
    "FrameBlock": FRAME_BINDING, "CullBlock": CULL_BINDING, "OneItemBlock": ITEM_BINDING,
    "ShadowBlock": SHADOW_BINDING,
}  # fmt: skip
# Where what fragment shaders look things up in is bound; unit 0 is for what is used at once.
UNITS = {"material_table": 1, "shadow_maps": 2, "light_table": 3, "light_masks": 4, "sky_table": 5}
UNITS |= {f"textures{number}": len(UNITS) + 1 + number for number in range(layout.MOST_ARRAYS)}
UNITS["soft_depths"] = len(UNITS) + 1
UNIT_COUNT = len(UNITS) + 1

AnyProgram = TypeVar("AnyProgram", moderngl.Program, moderngl.ComputeShader)


def attach(program: AnyProgram) -> AnyProgram:
    """Tells a program where its blocks and textures are."""
    for block, binding in _BLOCKS.items():
        if block in program:
            program[block].binding = binding  # type: ignore[union-attr]
    for name, unit in UNITS.items():
        if name in program:
            program[name] = unit
    return program


# What a picture may consist of besides colour, in the order of a target's attachments.
EXTRA_OUTPUTS = ("ids", "normals")


def output_defines(outputs: Iterable[str]) -> dict[str, int]:
    """The defines that make the fragment shader write these outputs, at their attachments."""
    asked = set(outputs)
    present = [name for name in EXTRA_OUTPUTS if name in asked]
    return {f"OUT_{name.upper()}": place for place, name in enumerate(present, start=1)}


class MeshPrograms:
    """Programs made of mesh.vert, mesh.frag and snippets of materials: the define CUSTOM is a Shader."""

    def __init__(self, ctx: moderngl.Context, version: int) -> None:
        self._ctx = ctx
        self._version = version
        self._programs: dict[tuple[tuple[str, object], ...], moderngl.Program] = {}

    def get(self, defines: Mapping[str, object]) -> moderngl.Program:
        key = tuple(sorted(defines.items(), key=lambda item: item[0]))
        program = self._programs.get(key)
        if program is None:
            shader = defines.get("CUSTOM")
            assert shader is None or isinstance(shader, Shader)
            more, generated = custom(shader)
            program = self._programs[key] = attach(
                source.compile_program(
                    self._ctx, "mesh", version=self._version, defines={**defines, **more},
                    generated={**layout.generated(), **generated}, vertex="mesh.vert", fragment="mesh.frag",
                )
            )  # fmt: skip
        return program

    def release(self) -> None:
        for program in self._programs.values():
            program.release()
        self._programs.clear()


def custom(shader: Shader | None) -> tuple[dict[str, object], dict[str, str | tuple[str, str]]]:
    """The defines of a material's own shader, and the texts that mesh.vert and mesh.frag include."""
    names = ("custom_columns.vert", "custom_columns.frag", "custom.vert", "custom.frag")
    if shader is None:
        return {}, dict.fromkeys(names, "")
    own, fetched, handed, passed = [], [], [], []
    for slot, (name, kind) in enumerate(shader.columns):
        width = int(kind[-1]) if kind[-1].isdigit() else 1
        whole = "xyzw"[:width]
        words = f"record_custom{slot}.{whole}"
        value = f"{kind}({words})" if kind.startswith("i") else f"uintBitsToFloat({words})"
        own += [
            f"flat out {kind} v_column_{name};", f"{kind} column_{name};",
            "#ifdef RECORDS", f"layout(location = {10 + slot}) in uvec4 record_custom{slot};",
            "#else", f"INSTANCE {kind} custom_{name};", "#endif",
        ]  # fmt: skip
        fetched += [
            "#ifdef RECORDS", f"    column_{name} = {value};",
            "#else", f"    column_{name} = custom_{name};", "#endif",
            f"    v_column_{name} = column_{name};",
        ]  # fmt: skip
        handed += [f"flat in {kind} v_column_{name};", f"{kind} column_{name};"]
        passed += [f"    column_{name} = v_column_{name};"]
    seconds = "float seconds() { return frame.moment.y; }"
    texts: dict[str, str | tuple[str, str]] = dict.fromkeys(names, "")
    texts["custom_columns.vert"] = "\n".join([*own, "void fetch_columns() {", *fetched, "}", seconds])
    texts["custom_columns.frag"] = "\n".join([*handed, "void fetch_columns() {", *passed, "}", seconds])
    defines: dict[str, object] = {"CUSTOM": 1}
    for hook, snippet, name in (
        ("MOVES_VERTICES", shader.vertex, "custom.vert"), ("SHADES_SURFACE", shader.surface, "custom.frag"),
    ):  # fmt: skip
        if snippet is not None:
            texts[name] = snippet.label, snippet.text
            defines[hook] = 1
    return defines, texts
