"""throng draws huge crowds of similar objects from NumPy arrays.

    scene = throng.Scene()
    woods = scene.add(throng.Crowd(throng.shapes.tree(), positions=xyz))
    frame = throng.render(scene, throng.Camera(position=(0, 10, 30)), size=(1280, 720))

Names are imported when they are first used: `throng --help` needs neither NumPy nor OpenGL.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from throng.errors import (
        AssetError,
        ClosedError,
        ContextError,
        GpuError,
        GpuMemoryError,
        GraphError,
        InvalidIndex,
        InvalidType,
        InvalidValue,
        NotRequestedError,
        ShaderError,
        ThreadError,
        ThrongError,
        UsageError,
    )
    from throng.frame import Frame, Stats
    from throng.headless import render
    from throng.model import shapes
    from throng.model.camera import Camera
    from throng.model.column import Column
    from throng.model.crowd import Crowd
    from throng.model.graph import Node, Scene
    from throng.model.light import Ambient, Fog, PointLight, Shadows, Sun
    from throng.model.material import Material, Motion, Mover, Wind
    from throng.model.mesh import Mesh, Model
    from throng.model.noise import noise
    from throng.model.shader import Shader
    from throng.model.sky import Sky
    from throng.model.texture import Texture
    from throng.options import Options
    from throng.renderer import Renderer
    from throng.window import show

__all__ = [
    "Ambient",
    "AssetError",
    "Camera",
    "ClosedError",
    "Column",
    "ContextError",
    "Crowd",
    "Fog",
    "Frame",
    "GpuError",
    "GpuMemoryError",
    "GraphError",
    "InvalidIndex",
    "InvalidType",
    "InvalidValue",
    "Material",
    "Mesh",
    "Model",
    "Motion",
    "Mover",
    "Node",
    "NotRequestedError",
    "Options",
    "PointLight",
    "Renderer",
    "Scene",
    "Shader",
    "ShaderError",
    "Shadows",
    "Sky",
    "Stats",
    "Sun",
    "Texture",
    "ThreadError",
    "ThrongError",
    "UsageError",
    "Wind",
    "noise",
    "render",
    "shapes",
    "show",
]

_HOMES = {
    "throng.errors": [name for name in __all__ if name.endswith("Error") or name.startswith("Invalid")],
    "throng.frame": ["Frame", "Stats"],
    "throng.headless": ["render"],
    "throng.model.camera": ["Camera"],
    "throng.model.column": ["Column"],
    "throng.model.crowd": ["Crowd"],
    "throng.model.graph": ["Node", "Scene"],
    "throng.model.light": ["Ambient", "Fog", "PointLight", "Shadows", "Sun"],
    "throng.model.material": ["Material", "Motion", "Mover", "Wind"],
    "throng.model.mesh": ["Mesh", "Model"],
    "throng.model.noise": ["noise"],
    "throng.model.sky": ["Sky"],
    "throng.model.shader": ["Shader"],
    "throng.model.texture": ["Texture"],
    "throng.options": ["Options"],
    "throng.renderer": ["Renderer"],
    "throng.window": ["show"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "shapes":
        return importlib.import_module("throng.model.shapes")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'throng' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
