"""What light there is beside the sun's: point lights, fog, the sky, and how bright the picture is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import moderngl
import numpy as np
import numpy.typing as npt

from throng import layout, math3d
from throng.gpu import rawgl, source
from throng.gpu.context import checked_texture
from throng.gpu.lights import LightTextures
from throng.gpu.programs import EXTRA_OUTPUTS, UNITS, attach
from throng.gpu.view import View
from throng.model.graph import TONE_MAPPINGS, Scene
from throng.model.sky import HAZE_FORWARD, Baked, baked

_SUN_RADIUS = 0.00465  # radians: half of what the sun measures in the sky


@dataclass(frozen=True)
class Effects:
    """Which of the scene's effects are wanted; see Options."""

    lights: bool = True
    fog: bool = True
    sky: bool = True
    tone_mapping: bool = True
    max_lights: int = 64


class Lighting:
    """The lights, the fog and the sky of one scene."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._lights: LightTextures | None = None
        self._table: moderngl.Texture | None = None
        self._baked: Baked | None = None
        self._painters: dict[tuple[object, ...], moderngl.VertexArray] = {}
        self.written_bytes = 0  # for the latest frame

    def update(
        self, scene: Scene, view: View, effects: Effects, frame: npt.NDArray[np.void]
    ) -> dict[str, object]:
        """Brings textures up to date and writes into the FRAME block what shaders need; returns the defines
        that make them use it.
        """
        self.written_bytes = 0
        defines: dict[str, object] = {}
        if effects.tone_mapping:
            frame["ground"][3] = 2.0**scene.exposure
            if scene.tone_mapping is not None:
                defines["TONE"] = 1 + TONE_MAPPINGS.index(scene.tone_mapping)
        frame["depth"] = view.depth
        if scene.lights and effects.lights and effects.max_lights:
            if self._lights is None:
                self._lights = LightTextures(self._ctx)
            words, written = self._lights.update(scene.lights, view, effects.max_lights)
            self.written_bytes += written
            frame["slices"][:3] = self._lights.slices
            self._lights.bind(UNITS["light_table"], UNITS["light_masks"])
            defines["LIGHTS"] = words
        fog = scene.fog if effects.fog else None
        hazy = fog is not None and fog.color is None and scene.sky is not None
        if fog is not None:
            color = scene.background if fog.color is None else fog.color
            frame["fog"] = math3d.linear_color(color)
            frame["fog"][3] = fog.density
            frame["fog_shape"][:3] = fog.falloff, fog.start, fog.height - view.origin[1]
            defines["FOG"] = 1
        if scene.sky is not None and (hazy or effects.sky):
            self._upload_sky(baked(scene.sky, scene.sun))
            assert self._table is not None
            self._table.use(location=UNITS["sky_table"])
        if hazy:
            defines["FOG_SKY"] = 1
            defines["HAZE_FORWARD"] = HAZE_FORWARD
        return defines

    def draw_sky(self, request_defines: Mapping[str, object], *, reversed_depth: bool) -> None:
        """Fills what nothing was drawn to in the framebuffer in use, colours only."""
        assert self._baked is not None
        tone = request_defines.get("TONE", 0)
        foggy = {name: 1 for name in ("FOG", "FOG_SKY") if name in request_defines}
        key = tone, reversed_depth, *foggy
        painter = self._painters.get(key)
        if painter is None:
            defines = {
                "SKY": 1, "TONE": tone, "FARTHEST": "0.0" if reversed_depth else "1.0",
                "HAZE_FORWARD": HAZE_FORWARD, "SUN_RADIUS": _SUN_RADIUS,
                **foggy,
            }  # fmt: skip
            program = attach(
                source.compile_program(
                    self._ctx, "sky", version=330, defines=defines,
                    generated=layout.generated(), vertex="sky.vert", fragment="sky.frag",
                )
            )  # fmt: skip
            painter = self._painters[key] = self._ctx.vertex_array(program, [])
        painter.program["disc"] = tuple(self._baked.disc)
        extras = sum(f"OUT_{name.upper()}" in request_defines for name in EXTRA_OUTPUTS)
        mask = rawgl.function("glColorMaski", "vubbbb")
        for place in range(1, 1 + extras):
            mask(place, 0, 0, 0, 0)
        # What it writes is the depth that is there.
        self._ctx.depth_func = ">=" if reversed_depth else "<="
        painter.render(moderngl.TRIANGLES, vertices=3)
        self._ctx.depth_func = ">" if reversed_depth else "<"
        for place in range(1, 1 + extras):
            mask(place, 1, 1, 1, 1)

    def release(self) -> None:
        if self._lights is not None:
            self._lights.release()
        if self._table is not None:
            self._table.release()
        for painter in self._painters.values():
            painter.program.release()
            painter.release()
        self._painters.clear()

    def _upload_sky(self, found: Baked) -> None:
        if found is self._baked:
            return
        if self._table is None:
            size = found.table.shape[1], found.table.shape[0]
            self._table = checked_texture(self._ctx, size, 4, dtype="f4", purpose="the sky")
            self._table.filter = moderngl.LINEAR, moderngl.LINEAR
            self._table.repeat_x = self._table.repeat_y = False
        self._table.write(found.table)
        self._baked = found
        self.written_bytes += found.table.nbytes
