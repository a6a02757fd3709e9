"""What all scenes of one renderer share on the GPU: meshes and programs."""

from __future__ import annotations

import moderngl

from throng import layout
from throng.gpu import source
from throng.gpu.context import Capabilities
from throng.gpu.expand import CHUNK
from throng.gpu.meshes import MeshPool
from throng.gpu.programs import MeshPrograms


class Shared:
    """The mesh pool, and programs compiled when first needed."""

    def __init__(self, ctx: moderngl.Context, capabilities: Capabilities) -> None:
        self.ctx = ctx
        self.capabilities = capabilities
        self.pool = MeshPool(ctx)
        self._programs: dict[int, MeshPrograms] = {}
        self._expand: moderngl.ComputeShader | None = None

    def programs(self, version: int) -> MeshPrograms:
        """The mesh programs in this version of GLSL."""
        if version not in self._programs:
            self._programs[version] = MeshPrograms(self.ctx, version)
        return self._programs[version]

    @property
    def expand_program(self) -> moderngl.ComputeShader:
        if self._expand is None:
            self._expand = source.compile_program(
                self.ctx,
                "expand",
                version=430,
                defines={"CHUNK": CHUNK},
                generated={"layout.glsl": layout.glsl()},
                compute="expand.comp",
            )
        return self._expand

    def release(self) -> None:
        self.pool.release()
        for programs in self._programs.values():
            programs.release()
        if self._expand is not None:
            self._expand.release()
