"""What must match for instances to share a draw."""

from __future__ import annotations

from dataclasses import dataclass

from throng.model.material import Material, Motion, Pipeline
from throng.model.mesh import Mesh, Parts


@dataclass(frozen=True, slots=True)
class BatchKey:
    """Instances with equal keys can be drawn together, whatever their transforms, colours and materials.

    tall  metres from the origin of the model to its furthest vertex, where wind bends it: all of it alike
    """

    mesh: Mesh
    double_sided: bool
    motion: Motion | None
    pipeline: Pipeline
    tall: float = 0.0

    @classmethod
    def of(cls, mesh: Mesh, material: Material, parts: Parts) -> BatchKey:
        """`parts`: the model that they are of."""
        wind = material.motion is not None and material.motion.kind == "wind"
        tall = max(part.furthest for part, _ in parts) if wind else 0.0
        return cls(mesh, material.double_sided, material.motion, material.pipeline, tall)
