"""Materials: how a surface looks and moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from throng import arrays
from throng.errors import InvalidType, InvalidValue
from throng.model.shader import Shader
from throng.model.texture import Texture, checked

SHADINGS = ("lit", "unlit")
ALPHA_MODES = ("opaque", "mask", "hash", "blend")
MOTIONS = ("wind", "fountain", "snow")

_DEFAULT_SIZES = {"wind": (0.15, 8.0), "fountain": (6.0, 2.5), "snow": (12.0, 0.6)}


# How far, for each metre of height, what leans as far as it can and is pressed flat goes: see motion.glsl.
_FLAT_REACH = math.hypot(0.75**0.5, 1.0)


@dataclass(frozen=True, slots=True, init=False)
class Motion:
    """A movement that the shader adds to each instance: a function of `scene.time` and the instance.

    kind      one of MOTIONS
    strength  wind: how far an instance leans in a gust, as a fraction of its height (0.15), in the scene's
              wind; fountain: metres that a particle rises (6); snow: metres that a flake falls (12)
    spread    wind: metres from one gust to the next (8); fountain: metres from the nozzle to where the
              particles land (2.5); snow: metres that a flake drifts to either side (0.6)
    speed     time runs this many times as fast; after 4,096 seconds of that time the motion begins anew

    What leans in the wind bends: its root stays where it is, the top goes furthest, lengths stay. A
    fountain's particles start at their instance's position, each at its own moment; a flake of snow falls
    from its position and starts there again.
    """

    kind: str
    strength: float
    spread: float
    speed: float

    def __init__(
        self, kind: str, strength: float | None = None, spread: float | None = None, speed: float = 1.0
    ) -> None:
        put = object.__setattr__
        put(self, "kind", arrays.choice(kind, "motion", MOTIONS))
        strong, wide = _DEFAULT_SIZES[kind]
        put(self, "strength", strong if strength is None else arrays.number(strength, "strength", low=0.0))
        put(self, "spread", wide if spread is None else arrays.number(spread, "spread", above=0.0))
        put(self, "speed", arrays.number(speed, "speed", low=0.0))

    def reach(self, height: float, *, pushed: bool = False) -> float:
        """How far, in metres, the motion carries any vertex of an instance away from where it rests.

        height  metres along the scene's Y from the instance's origin to its furthest vertex, however turned
                and scaled
        pushed  whether there are movers that may push it aside
        """
        if self.kind == "wind":
            if pushed:
                return _FLAT_REACH * height
            left = 1 / math.sqrt(1 + self.strength * self.strength * 4 / 3)
            return math.hypot(self.strength * left, 1 - left) * height  # aside, and down
        return math.hypot(self.strength, self.spread)


@dataclass(frozen=True, slots=True, init=False)
class Wind:
    """The wind that a scene has: for all that has the motion "wind".

    direction  where it blows to, of any length but zero; what it has of height does not count
    strength   0..1: the share of their own strength that materials lean with; 0 is a calm

    Gusts travel along the direction; where it changes while it blows, they begin elsewhere.
    """

    direction: tuple[float, float, float]
    strength: float

    def __init__(self, direction: Any = (0.8, 0.0, 0.6), strength: float = 1.0) -> None:
        x, _, z = arrays.vector3(direction, "direction")
        length = math.hypot(x, z)
        if length == 0.0:
            raise InvalidValue(f"direction: expected a direction along the ground, got {direction}")
        put = object.__setattr__
        put(self, "direction", (x / length, 0.0, z / length))
        put(self, "strength", arrays.number(strength, "strength", low=0.0, high=1.0))


@dataclass(frozen=True, slots=True, init=False)
class Mover:
    """Something that moves through plants: they lean away from it, and lie flat where it is.

    position  metres, in the scene
    radius    metres up to which it is felt; by what is taller than that, less
    """

    position: tuple[float, float, float]
    radius: float

    def __init__(self, position: Any, radius: float = 1.0) -> None:
        put = object.__setattr__
        put(self, "position", arrays.vector3(position, "position"))
        put(self, "radius", arrays.number(radius, "radius", above=0.0))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a material asks of the pipeline: those that ask the same share a draw, whatever else differs."""

    alpha_mode: str = "opaque"
    shader: Shader | None = None

    @property
    def order(self) -> tuple[int, str]:
        """What is drawn first has the smallest."""
        return ALPHA_MODES.index(self.alpha_mode), "" if self.shader is None else repr(self.shader)

    @property
    def blends(self) -> bool:
        """Whether what is behind shines through."""
        return self.alpha_mode == "blend"

    @property
    def cuts(self) -> bool:
        """Whether alpha says where anything is at all."""
        return self.alpha_mode in ("mask", "hash")

    @property
    def defines(self) -> dict[str, object]:
        """For its shaders."""
        found: dict[str, object] = {} if self.alpha_mode == "opaque" else {self.alpha_mode.upper(): 1}
        if self.shader is not None:
            found["CUSTOM"] = self.shader
        return found


@dataclass(frozen=True, slots=True, init=False)
class Material:
    """How a surface looks. Frozen; equal by value. Terms and formulas are those of glTF 2.0, appendix B.

    color         sRGB with straight alpha: a uint8 array 0..255, anything else 0..1
    shading       "lit" by the scene's light, or "unlit": the colour comes out as it is
    double_sided  whether both sides of each triangle are seen; the back's normals are turned
    metallic      0..1: 0 for what is no metal, 1 for a metal, whose colour is that of its reflections; None:
                  1 where a texture says where metal is, else 0
    roughness     0..1: how blurred reflections are
    emissive      sRGB: what it sends out by itself, `emission` times as bright; None: white where a texture
                  says what, else black
    emission      0 or more
    translucency  0..1: the share of the light on one side that shines through to the other, as with leaves
    alpha_mode    "opaque": alpha says nothing; "mask": what has less alpha than `alpha_cutoff` is not there;
                  "hash": alpha is the share of pixels, or samples, that are there, in a fine grain that lies
                  still on the surface, and such instances are never splats;
                  "blend": what is behind shines through
    alpha_cutoff  0..1
    softness      metres over which what is blended fades away before something opaque behind it, so that
                  no edge shows where they meet; of clouds, smoke and the like
    motion        None, one of MOTIONS, or a Motion
    shader        None, or a Shader: GLSL of one's own

    Textures are None or a Texture; where a mesh has no uvs, all of it has the lower left corner's colour.

    color_texture               sRGB and alpha, multiplied with `color`
    metallic_roughness_texture  green is multiplied with `roughness`, blue with `metallic`
    normal_texture              normals in the surface's own space; `normal_scale` times as steep
    occlusion_texture           red: the share of the light from all around that comes in, which counts for
                                `occlusion_strength`, 0..1
    emissive_texture            sRGB, multiplied with `emissive`

    Raises InvalidValue or InvalidType, naming the argument.
    """

    color: tuple[float, float, float, float]
    shading: str
    double_sided: bool
    metallic: float
    roughness: float
    emissive: tuple[float, float, float, float]
    emission: float
    translucency: float
    alpha_mode: str
    alpha_cutoff: float
    softness: float
    motion: Motion | None
    shader: Shader | None
    color_texture: Texture | None
    metallic_roughness_texture: Texture | None
    normal_texture: Texture | None
    normal_scale: float
    occlusion_texture: Texture | None
    occlusion_strength: float
    emissive_texture: Texture | None

    def __init__(
        self,
        color: Any = (1.0, 1.0, 1.0),
        *,
        shading: str = "lit",
        double_sided: bool = False,
        metallic: float | None = None,
        roughness: float = 1.0,
        emissive: Any = None,
        emission: float = 1.0,
        translucency: float = 0.0,
        alpha_mode: str = "opaque",
        alpha_cutoff: float = 0.5,
        softness: float = 0.0,
        motion: str | Motion | None = None,
        shader: Shader | None = None,
        color_texture: Texture | None = None,
        metallic_roughness_texture: Texture | None = None,
        normal_texture: Texture | None = None,
        normal_scale: float = 1.0,
        occlusion_texture: Texture | None = None,
        occlusion_strength: float = 1.0,
        emissive_texture: Texture | None = None,
    ) -> None:
        if isinstance(motion, str):
            motion = Motion(motion)
        elif motion is not None and not isinstance(motion, Motion):
            raise InvalidType(
                f"motion: expected None, one of {', '.join(map(repr, MOTIONS))}, or a Motion, "
                f"got {arrays.described(motion)}"
            )
        if metallic is None:
            metallic = 0.0 if metallic_roughness_texture is None else 1.0
        if emissive is None:
            emissive = (0.0,) * 3 if emissive_texture is None else (1.0,) * 3
        put = object.__setattr__
        put(self, "color", arrays.rgba(color, "color"))
        put(self, "shading", arrays.choice(shading, "shading", SHADINGS))
        put(self, "double_sided", arrays.flag(double_sided, "double_sided"))
        put(self, "metallic", arrays.number(metallic, "metallic", low=0.0, high=1.0))
        put(self, "roughness", arrays.number(roughness, "roughness", low=0.0, high=1.0))
        put(self, "emissive", arrays.rgba(emissive, "emissive"))
        put(self, "emission", arrays.number(emission, "emission", low=0.0))
        put(self, "translucency", arrays.number(translucency, "translucency", low=0.0, high=1.0))
        put(self, "alpha_mode", arrays.choice(alpha_mode, "alpha_mode", ALPHA_MODES))
        put(self, "alpha_cutoff", arrays.number(alpha_cutoff, "alpha_cutoff", low=0.0, high=1.0))
        put(self, "softness", arrays.number(softness, "softness", low=0.0))
        put(self, "motion", motion)
        if shader is not None and not isinstance(shader, Shader):
            raise InvalidType(f"shader: expected a Shader or None, got {arrays.described(shader)}")
        put(self, "shader", shader)
        put(self, "color_texture", checked(color_texture, "color_texture"))
        texture = checked(metallic_roughness_texture, "metallic_roughness_texture")
        put(self, "metallic_roughness_texture", texture)
        put(self, "normal_texture", checked(normal_texture, "normal_texture"))
        put(self, "normal_scale", arrays.number(normal_scale, "normal_scale"))
        put(self, "occlusion_texture", checked(occlusion_texture, "occlusion_texture"))
        strength = arrays.number(occlusion_strength, "occlusion_strength", low=0.0, high=1.0)
        put(self, "occlusion_strength", strength)
        put(self, "emissive_texture", checked(emissive_texture, "emissive_texture"))

    @property
    def textured(self) -> bool:
        """Whether it has any texture."""
        textures = (
            self.color_texture, self.metallic_roughness_texture, self.normal_texture, self.occlusion_texture,
            self.emissive_texture,
        )  # fmt: skip
        return any(texture is not None for texture in textures)

    @property
    def pipeline(self) -> Pipeline:
        """What it asks of the pipeline."""
        return Pipeline(self.alpha_mode, self.shader)
