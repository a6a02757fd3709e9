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
        result.color[where] = _shaded(one, scene, normal, one.color * (share @ tints[triangle]))


def _shaded(one: Object, scene: throng.Scene, normal: Array, color: Array) -> Array:
    light = np.ones_like(color)
    if one.material.shading == "lit":
        light = np.broadcast_to(decoded(scene.ambient[:3]), color.shape)
        if scene.sun is not None:
            facing = np.maximum(normal @ -np.array(scene.sun.direction), 0)[:, None]
            light = light + facing * decoded(scene.sun.color[:3]) * scene.sun.intensity
    shown = encoded(np.clip(color * light, 0, 1))
    return np.concatenate([shown, np.ones((len(shown), 1))], axis=1)
