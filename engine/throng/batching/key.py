"""What must match for instances to share a draw."""

from __future__ import annotations

from dataclasses import dataclass

from throng.model.material import Material, Motion, Pipeline
from throng.model.mesh import Mesh


@dataclass(frozen=True, slots=True)
class BatchKey:
    """Instances with equal keys can be drawn together, whatever their transforms, colours and materials."""

    mesh: Mesh
    double_sided: bool
    motion: Motion | None
    pipeline: Pipeline

    @classmethod
    def of(cls, mesh: Mesh, material: Material) -> BatchKey:
        return cls(mesh, material.double_sided, material.motion, material.pipeline)
