"""What is drawn: demo scenes, and fields of one mesh over which the camera moves a little in each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import throng
from throng.gallery import Demo, find

FRAME_SECONDS = 1.0 / 60.0


@dataclass(frozen=True)
class Subject:
    """Something to measure: a demo scene, or a field."""

    name: str
    default_count: int
    build: Callable[[int, int], throng.Scene]
    camera: Callable[[throng.Scene, float], throng.Camera]
    update: Callable[[throng.Scene, float], None]


@dataclass(frozen=True)
class _Field:
    """n copies of a mesh strewn over a square, each turned and scaled at random.

    extent  half the square's side for 100,000 of them, metres
    """

    mesh: Callable[[], throng.Mesh]
    extent: float
    count: int
    double_sided: bool = False


def _blade() -> throng.Mesh:
    """Seven vertices: three pairs and a tip."""
    width, height, bend = np.array([(0.05, 0.0, 0.0), (0.04, 0.4, 0.05), (0.025, 0.7, 0.12)]).T
    left = np.column_stack([-width, height, bend])
    right = np.column_stack([width, height, bend])
    points = np.concatenate([np.stack([left, right], axis=1).reshape(6, 3), [(0.0, 1.0, 0.25)]])
    triangles = [(0, 1, 2), (1, 3, 2), (2, 3, 4), (3, 5, 4), (4, 5, 6)]
    return throng.Mesh(points, triangles, normals=np.tile((0.0, -0.2, 1.0), (7, 1)))


def _crown() -> throng.Mesh:
    """A tree's crown of 504 triangles on the ground."""
    ball = throng.shapes.sphere(1.0, segments=18, rings=15)
    return throng.Mesh(ball.positions + np.array((0, 1, 0), np.float32), ball.indices, ball.normals)


_FIELDS = {
    "cubes": _Field(throng.shapes.box, 150.0, 100_000),
    "blades": _Field(_blade, 60.0, 100_000, double_sided=True),
    "trees": _Field(_crown, 400.0, 10_000),
}


def _build_field(field: _Field, count: int, seed: int) -> throng.Scene:
    random = np.random.default_rng(seed)
    half = field.extent * np.sqrt(count / 100_000)
    scene = throng.Scene(
        background=(0.5, 0.6, 0.7),
        ambient=(0.58, 0.58, 0.58),
        sun=throng.Sun(direction=(-0.5, -0.7, -0.3), color=(1, 1, 1), intensity=0.9),
    )
    x, z = random.uniform(-half, half, (2, count))
    angle = random.uniform(0, np.pi, count)
    zero = np.zeros(count)
    scene.add(
        throng.Crowd(
            field.mesh(),
            throng.Material(double_sided=field.double_sided),
            positions=np.column_stack([x, zero, z]),
            rotations=np.column_stack([zero, np.sin(angle), zero, np.cos(angle)]),
            scales=random.uniform(0.5, 1.5, count),
            colors=random.integers(50, 255, (count, 3)).astype(np.uint8),
        )
    )
    return scene


def _over_field(scene: throng.Scene, seconds: float) -> throng.Camera:
    low, high = scene.children[0].bounds  # type: ignore[attr-defined]
    half = float((high - low)[0]) / 2
    angle = 0.3 + 0.6 * seconds
    position = (half * 1.3 * np.sin(angle), half * 0.35, half * 1.3 * np.cos(angle))
    return throng.Camera(position, (0, 0, 0), fov=60, near=0.1, far=half * 4 + 10)


def _still(scene: throng.Scene, seconds: float) -> None:
    """Only the camera moves."""


def _field_subject(name: str) -> Subject:
    field = _FIELDS[name]

    def build(count: int, seed: int) -> throng.Scene:
        return _build_field(field, count, seed)

    return Subject(name, field.count, build, _over_field, _still)


def _scene_subject(demo: Demo) -> Subject:
    return Subject(demo.name, demo.count, demo.build, demo.camera, demo.update)


def subject(name: str) -> Subject:
    """The field or demo scene of that name, or the scene file at that path. Raises InvalidValue."""
    if name in _FIELDS:
        return _field_subject(name)
    return _scene_subject(find(name, others=tuple(_FIELDS)))
