"""A renderer written from the rules alone, in NumPy: what throng's pictures are held against.

It shares no code with throng but reading public attributes. Triangles are rasterised in homogeneous
coordinates (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates", 1997), so nothing
is clipped: a pixel is covered if its centre lies inside, and kept if it lies between the near and far planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import throng

Array = npt.NDArray[Any]


def perspective(fov: float, aspect: float, near: float, far: float) -> Array:
    f = 1 / np.tan(np.radians(fov) / 2)
    return np.array(
        [
            [f / aspect, 0, 0, 0],
            [0, f, 0, 0],
            [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)],
            [0, 0, -1, 0],
        ]
    )


def orthographic(height: float, aspect: float, near: float, far: float) -> Array:
    depth = far - near
    return np.array(
        [
            [2 / (height * aspect), 0, 0, 0],
            [0, 2 / height, 0, 0],
            [0, 0, -2 / depth, -(far + near) / depth],
            [0, 0, 0, 1],
        ]
    )


def pinhole(
    fx: float, fy: float, cx: float, cy: float, size: tuple[int, int], near: float, far: float
) -> Array:
    """A point (x, y, -d) of the camera's space is seen at pixel (cx + fx x / d, cy - fy y / d)."""
    width, height = size
    result = perspective(90, 1, near, far)
    result[0] = 2 * fx / width, 0, -(2 * cx / width - 1), 0
    result[1] = 0, 2 * fy / height, 2 * cy / height - 1, 0
    return result


def look_at(position: Array, target: Array, up: Array) -> Array:
    backward = np.subtract(position, target) / np.linalg.norm(np.subtract(position, target))
    right = np.cross(up, backward)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(backward, right), backward])
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = turn, -turn @ position
    return result


def rotation(quaternion: Array) -> Array:
    """v -> q v q*, for the three axes."""
    x, y, z, w = np.asarray(quaternion, float)
    axis = np.array([x, y, z])
    return np.stack([e + 2 * np.cross(axis, np.cross(axis, e) + w * e) for e in np.eye(3)], axis=1)


def local(position: Array, quaternion: Array, scale: Array) -> Array:
    result = np.eye(4)
    result[:3, :3] = rotation(quaternion) @ np.diag(np.broadcast_to(np.asarray(scale, float), 3))
    result[:3, 3] = position
    return result


def decoded(srgb: npt.ArrayLike) -> Array:
    values = np.asarray(srgb, float)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: Array) -> Array:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


@dataclass
class Object:
    """One mesh, placed: `color` is linear."""

    mesh: throng.Mesh
    material: throng.Material
    world: Array
    color: Array
    ids: tuple[int, int]


def objects(node: throng.Node, above: Array | None = None) -> Iterator[Object]:
    """Everything that a node and its children draw."""
    if not node.visible:
        return
    world = (np.eye(4) if above is None else above) @ local(node.position, node.rotation, node.scale)
    for mesh, material in node.parts:
        color = decoded(material.color[:3]) * decoded(np.asarray(node.color)[:3])
        if isinstance(node, throng.Crowd):
            rows = (np.asarray(part) for part in (node.positions, node.rotations, node.scales, node.colors))
            for place, turn, scale, tint, number in zip(*rows, np.asarray(node.ids), strict=True):
                placed = world @ local(place, turn, scale)
                yield Object(mesh, material, placed, color * decoded(tint[:3]), (node.id, int(number)))
        else:
            yield Object(mesh, material, world, color, (node.id, 0))
    for child in node.children:
        yield from objects(child, world)


@dataclass
class Pictures:
    color: Array
    depth: Array
    ids: Array
    normals: Array


def rendered(scene: throng.Scene, view: Array, projection: Array, size: tuple[int, int]) -> Pictures:
    """What the scene looks like: `view` and `projection` as OpenGL has them."""
    width, height = size
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 2 - 1, 1 - (np.arange(height) + 0.5) / height * 2)
    pixels = np.stack([x, y, np.ones_like(x)], axis=-1)
    color = np.empty((height, width, 4))
    color[:] = scene.background
    result = Pictures(
        color,
        np.full((height, width), np.inf),
        np.full((height, width, 2), -1),
        np.zeros((height, width, 3)),
    )
    for one in objects(scene):
        _draw(one, scene, view, projection, pixels, result)
    result.color = np.round(result.color * 255)
    return result


def _draw(
    one: Object, scene: throng.Scene, view: Array, projection: Array, pixels: Array, result: Pictures
) -> None:
    if abs(np.linalg.det(one.world)) < 1e-12:  # flat: nothing of a solid is left, and nothing else is tested
        return
    points = np.concatenate([one.mesh.positions, np.ones((one.mesh.vertex_count, 1))], axis=1) @ one.world.T
    in_view = points @ view.T
    clip = in_view @ projection.T
    normals = one.mesh.normals @ np.linalg.inv(one.world[:3, :3])
    tints = decoded(one.mesh.colors[:, :3] / 255.0)
    mirrors = np.linalg.det(one.world[:3, :3]) < 0
    eye = _eye(view, projection)
    for triangle in one.mesh.indices:
        corners = clip[triangle]
        plane = corners[:, [0, 1, 3]]
        facing = np.linalg.det(plane)
        if facing == 0.0:
            continue
        front = (facing > 0) != mirrors
        if not front and not one.material.double_sided:
            continue
        weights = pixels @ np.linalg.inv(plane)
        inverse_w = weights.sum(axis=-1)
        inside = (weights >= 0).all(axis=-1) & (inverse_w > 0)
        if not inside.any():
            continue
        share = weights[inside] / inverse_w[inside][:, None]
        depth = share @ -in_view[triangle, 2]
        z, w = share @ corners[:, 2], share @ corners[:, 3]
        seen = (np.abs(z) <= w) & (depth < result.depth[inside])
        where = tuple(part[seen] for part in np.nonzero(inside))
        share = share[seen]
        normal = share @ normals[triangle]
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        normal *= 1 if front else -1
        result.depth[where] = depth[seen]
        result.ids[where] = one.ids
        result.normals[where] = normal
        tint = one.color * (share @ tints[triangle])
        place = share @ points[triangle, :3]
        result.color[where] = _shaded(
            one, scene, place, eye, normal, tint, _foggy(eye, place, view, projection)
        )


def _eye(view: Array, projection: Array) -> Array:
    """Where everything is seen from, homogeneous: the point that neither x nor y nor w say anything of."""
    rows = (projection @ view)[[0, 1, 3]]
    eye: Array = np.array([(-1) ** k * np.linalg.det(np.delete(rows, k, axis=1)) for k in range(4)])
    if abs(eye[3]) > 1e-9 * np.abs(eye).max():
        return np.asarray(eye / eye[3])
    backward = np.linalg.inv(view)[:3, 2]  # without perspective: towards the camera
    return np.array([*(eye[:3] / np.linalg.norm(eye[:3]) * np.sign(eye[:3] @ backward)), 0.0])


def _foggy(eye: Array, place: Array, view: Array, projection: Array) -> Array:
    """Where the rays to these places begin: at the eye or, where there is none, on the near plane."""
    if eye[3]:
        return np.broadcast_to(eye[:3], place.shape)
    near = (projection[2, 3] + 1) / projection[2, 2]  # metres, where depth is -1
    depths = -(place @ view[2, :3] + view[2, 3])
    return np.asarray(place + eye[:3] * (depths - near)[:, None])


def _shaded(
    one: Object, scene: throng.Scene, place: Array, eye: Array, normal: Array, color: Array, start: Array
) -> Array:
    light = color
    if one.material.shading == "lit":
        towards = eye[:3] - place * eye[3]
        towards = np.broadcast_to(towards / np.linalg.norm(towards, axis=-1, keepdims=True), place.shape)
        light = lit(one.material, scene, place, towards, normal, color)
        light = toned(fogged(light, scene, start, place) * 2**scene.exposure, scene.tone_mapping)
    shown = encoded(np.clip(light, 0, 1))
    return np.concatenate([shown, np.ones((len(shown), 1))], axis=1)


# -- light: glTF 2.0, appendix B -----------------------------------------------------------------------


def dot(a: Array, b: Array) -> Array:
    return np.asarray((a * b).sum(axis=-1, keepdims=True))


def environment(roughness: float, n_v: Array) -> tuple[Array, Array]:
    """The share of light from everywhere that is reflected where f0 is 1, and where it is 0.

    A fit to the integral of the specular part, which a test compares it with.
    """
    x, y = roughness, n_v
    terms = {(0, 0): 0.984, (0, 1): -0.0234, (0, 2): 0.2896, (0, 3): -0.3263, (1, 0): -0.0352,
             (1, 1): -0.0645, (1, 2): 0.8121, (2, 0): -0.3762, (2, 1): -1.3241, (3, 0): 0.3412}  # fmt: skip
    logs = {
        (0, 0): -0.0577,
        (0, 1): -7.1185,
        (1, 1): 7.0607,
        (0, 3): -11.4922,
        (2, 0): -14.8552,
        (3, 0): 10.2143,
    }
    white, black = (np.sum([c * x**i * y**j for (i, j), c in t.items()], axis=0) for t in (terms, logs))
    return np.asarray(white), np.asarray(2.0**black)


def all_round(f0: Array | float, roughness: float, n_v: Array) -> Array:
    """The same for any f0, with what is reflected among facets: Turquin, "Practical multiple scattering
    compensation for microfacet models", 2019.
    """
    white, black = environment(roughness, n_v)
    return np.asarray((f0 * (white - black) + black) * (1 + f0 * (1 / white - 1)))


def diffuse_color(color: Array, metallic: float, roughness: float, n_v: Array) -> Array:
    """What is neither metal nor reflected by what is not."""
    return np.asarray(color * (1 - metallic) * (1 - all_round(0.04, roughness, n_v)))


def brdf(
    color: Array, metallic: float, roughness: float, normal: Array, light: Array, eye: Array
) -> tuple[Array, Array]:
    """Diffuse and specular, (n, 3) each, for unit vectors (n, 3); `light` and `eye` point away.

    B.3.5: f0 = lerp(0.04, color, metallic), alpha = roughness^2, F by Schlick, f_specular = F D V, D by
    Trowbridge and Reitz, V = G / (4 |N.L| |N.V|) by Smith, its two halves correlated by height. Diffuse is
    what is left of light from everywhere, where glTF has (1 - F), which gains energy at grazing angles.
    """
    alpha = max(roughness**2, 1e-3)
    f0 = 0.04 * (1 - metallic) + color * metallic
    half = light + eye
    half = half / np.linalg.norm(half, axis=-1, keepdims=True)
    n_l, n_v, n_h, v_h = dot(normal, light), dot(normal, eye), dot(normal, half), dot(eye, half)
    diffuse = diffuse_color(color, metallic, roughness, np.clip(n_v, 0, 1)) / np.pi
    n_v = np.maximum(n_v, 1e-4)
    fresnel = f0 + (1 - f0) * (1 - np.abs(v_h)) ** 5
    d = alpha**2 * (n_h > 0) / (np.pi * (n_h**2 * (alpha**2 - 1) + 1) ** 2)
    g_l, g_v = (2 / (1 + np.sqrt(1 + alpha**2 * (1 - c**2) / c**2)) for c in (np.maximum(n_l, 1e-9), n_v))
    smith = 1 / (1 / g_l + 1 / g_v - 1)
    v = smith / (4 * np.maximum(n_l, 1e-9) * n_v)
    return diffuse, np.asarray(fresnel * d * v)


def direct(
    material: throng.Material, normal: Array, light: Array, eye: Array, color: Array, irradiance: Array
) -> Array:
    """What light from one direction, of this irradiance on what is turned to it, is sent on."""
    diffuse, specular = brdf(color, material.metallic, material.roughness, normal, light, eye)
    n_l = dot(normal, light)
    front = (diffuse * (1 - material.translucency) + specular) * np.maximum(n_l, 0)
    through = diffuse * material.translucency * np.maximum(-n_l, 0)
    return np.asarray(irradiance * (front + through))


def surrounded(
    material: throng.Material, normal: Array, eye: Array, color: Array, sky: Array, ground: Array
) -> Array:
    """What light from a sky and a ground of one colour each is sent on.

    Irradiance of a hemisphere light: Sloan, "Stupid Spherical Harmonics Tricks", 2008.
    """
    n_v = np.clip(dot(normal, eye), 0, 1)
    metallic, roughness = material.metallic, material.roughness
    plain, metal = (all_round(f0, roughness, n_v) for f0 in (0.04, color))

    def from_above(share: Array) -> Array:
        return np.asarray(ground + (sky - ground) * share)

    up = normal[..., 1:2]
    irradiance, behind = from_above((1 + up) / 2), from_above((1 - up) / 2)
    mirrored = (2 * dot(normal, eye) * normal - eye)[..., 1:2] / max(roughness, 0.05)
    reflected = from_above(np.clip((1 + mirrored) / 2, 0, 1))
    through = irradiance * (1 - material.translucency) + behind * material.translucency
    mixed = plain * (1 - metallic) + metal * metallic
    return np.asarray(mixed * reflected + diffuse_color(color, metallic, roughness, n_v) * through)


def lit(
    material: throng.Material, scene: throng.Scene, place: Array, eye: Array, normal: Array, color: Array
) -> Array:
    """The light, (n, 3), that points of a surface send to the eye."""
    sky, ground = lights_around(scene)
    light = surrounded(material, normal, eye, color, sky, ground)
    light = light + decoded(material.emissive[:3]) * material.emission
    if scene.sun is not None:
        towards = np.broadcast_to(-np.array(scene.sun.direction), normal.shape)
        # A white surface turned to it is as bright as `intensity` says.
        irradiance = np.pi * decoded(scene.sun.color[:3]) * scene.sun.intensity
        light = light + direct(material, normal, towards, eye, color, irradiance)
    for lamp in scene.lights:
        way = np.array(lamp.position) - place
        distance = np.linalg.norm(way, axis=-1, keepdims=True)
        # https://github.com/KhronosGroup/glTF, KHR_lights_punctual, "Range Property"
        window = np.maximum(np.minimum(1 - (distance / lamp.range) ** 4, 1), 0) / distance**2
        irradiance = np.pi * decoded(lamp.color[:3]) * lamp.intensity * window
        light = light + direct(material, normal, way / distance, eye, color, irradiance)
    return np.asarray(light)


def fogged(light: Array, scene: throng.Scene, start: Array, place: Array) -> Array:
    """The integral of the fog's density, summed up step by step."""
    fog = scene.fog
    if fog is None:
        return light
    length = np.linalg.norm(place - start, axis=-1)
    total = np.zeros(len(place))
    for step in (np.arange(400) + 0.5) / 400:
        spot = start + (place - start) * step
        heights = spot[:, 1] - fog.height
        total += np.where(step * length > fog.start, fog.density * np.exp(-fog.falloff * heights), 0)
    clear = np.exp(-total * length / 400)[:, None]
    return np.asarray(light * clear + decoded((fog.color or scene.background)[:3]) * (1 - clear))


def toned(light: Array, how: str | None) -> Array:
    """Khronos, "PBR Neutral Tone Mapping Specification", 2024; Hill, "ACES.hlsl" of BakingLab, 2016."""
    if how == "neutral":
        low = light.min(axis=-1, keepdims=True)
        light = light - np.where(low < 0.08, low - 6.25 * low**2, 0.04)
        peak = light.max(axis=-1, keepdims=True)
        pressed = 1 - (1 - 0.76) ** 2 / (peak + (1 - 0.76) - 0.76)
        share = 1 / (0.15 * (peak - pressed) + 1)
        bright = light * pressed / np.maximum(peak, 1e-9) * share + pressed * (1 - share)
        return np.where(peak < 0.76, light, bright)
    if how == "aces":
        enter = np.array(
            [(0.59719, 0.35458, 0.04823), (0.07600, 0.90834, 0.01566), (0.02840, 0.13383, 0.83777)]
        )
        leave = np.array(
            [(1.60475, -0.53108, -0.07367), (-0.10208, 1.10813, -0.00605), (-0.00327, -0.07276, 1.07602)]
        )
        v = light @ enter.T
        return np.asarray(
            (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081) @ leave.T
        )
    return light


def lights_around(scene: throng.Scene) -> tuple[Array, Array]:
    """From above and from below."""
    ambient = scene.ambient
    if isinstance(ambient, throng.Ambient):
        return decoded(ambient.sky[:3]) * ambient.intensity, decoded(ambient.ground[:3]) * ambient.intensity
    assert ambient is not None
    return decoded(ambient[:3]), decoded(ambient[:3])
