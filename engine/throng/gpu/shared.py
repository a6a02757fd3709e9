"""What all scenes of one renderer share on the GPU: meshes and programs."""

from __future__ import annotations

import moderngl

from throng.gpu.context import Capabilities
from throng.gpu.masks import MaskStore
from throng.gpu.meshes import MeshPool
from throng.gpu.programs import MeshPrograms
from throng.gpu.textures import TextureStore
from throng.gpu.visibility import VisibilityPrograms


class Shared:
    """The mesh pool, splat masks, and programs compiled when first needed."""

    def __init__(self, ctx: moderngl.Context, capabilities: Capabilities) -> None:
        self.ctx = ctx
        self.capabilities = capabilities
        self.pool = MeshPool(ctx)
        self._programs: dict[int, MeshPrograms] = {}
        self.textures = TextureStore(ctx, capabilities)
        self.masks = MaskStore(ctx, self.pool, self.textures, capabilities.storage_block_bytes)
        self.visibility_programs = VisibilityPrograms(ctx)

    def programs(self, version: int) -> MeshPrograms:
        """The mesh programs in this version of GLSL."""
        if version not in self._programs:
            self._programs[version] = MeshPrograms(self.ctx, version)
        return self._programs[version]

    def release(self) -> None:
        self.pool.release()
        for programs in self._programs.values():
            programs.release()
        self.masks.release()
        self.textures.release()
        self.visibility_programs.release()
