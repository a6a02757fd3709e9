"""Ready-made meshes and models: solids around the origin, and plants, rocks and people standing on it."""

from throng.model.shapes.organic import grass_blade, grass_tuft, person, rock, tree
from throng.model.shapes.solids import box, cone, cylinder, plane, quad, sphere, terrain

__all__ = [
    "box",
    "cone",
    "cylinder",
    "grass_blade",
    "grass_tuft",
    "person",
    "plane",
    "quad",
    "rock",
    "sphere",
    "terrain",
    "tree",
]
