"""The mesh programs, one for each combination of what is asked for, compiled when first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import moderngl

from throng import layout
from throng.gpu import source

FRAME_BINDING, CULL_BINDING, ITEM_BINDING, SHADOW_BINDING = range(4)
_BLOCKS = {"FrameBlock": FRAME_BINDING, "CullBlock": CULL_BINDING, "ShadowBlock": SHADOW_BINDING}
# Where what fragment shaders look things up in is bound; unit 0 is for what is used at once.
UNITS = {"material_table": 1, "shadow_maps": 2, "light_table": 3, "light_masks": 4, "sky_table": 5}
UNIT_COUNT = 6


def attach(program: moderngl.Program) -> moderngl.Program:
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
    """Programs made of mesh.vert and mesh.frag."""

    def __init__(self, ctx: moderngl.Context, version: int) -> None:
        self._ctx = ctx
        self._version = version
        self._programs: dict[tuple[tuple[str, object], ...], moderngl.Program] = {}

    def get(self, defines: Mapping[str, object]) -> moderngl.Program:
        key = tuple(sorted(defines.items()))
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = attach(
                source.compile_program(
                    self._ctx, "mesh", version=self._version, defines=defines,
                    generated=layout.generated(), vertex="mesh.vert", fragment="mesh.frag",
                )
            )  # fmt: skip
        return program

    def release(self) -> None:
        for program in self._programs.values():
            program.release()
        self._programs.clear()
