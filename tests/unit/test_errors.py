"""Bad input at every door that needs no GPU: the class of the error, and its text word for word.

Cameras and columns have tables of their own, in test_camera.py and test_column.py; shapes in test_shapes.py.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from throng import errors
from throng.errors import GraphError, InvalidIndex, InvalidType, InvalidValue, ThrongError
from throng.model import shapes
from throng.model.crowd import Crowd
from throng.model.graph import Node, Scene
from throng.model.light import Ambient, Fog, PointLight, Sun
from throng.model.material import Material, Motion
from throng.model.mesh import Mesh, Model
from throng.model.sky import Sky
from throng.options import Options

BOX: Any = shapes.box()
SUN: Any = Sun()
LAMP = PointLight((0, 0, 0))
THREE = np.zeros((3, 3))
TRIANGLE = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
NAN, INF, HUGE = math.nan, math.inf, 10**400
RAGGED = [[1, 2, 3], [4]]
NUMPYS_RAGGED = (
    "setting an array element with a sequence. The requested array has an inhomogeneous shape after "
    "1 dimensions. The detected shape was (2,) + inhomogeneous part."
)


def crowd(positions: Any = THREE, **given: Any) -> Crowd:
    return Crowd(BOX, positions=positions, **given)


def mesh(positions: Any = TRIANGLE, indices: Any = (0, 1, 2), **given: Any) -> Mesh:
    return Mesh(positions, indices, **given)


def sphere(segments: int = 20, **given: Any) -> Mesh:
    made = shapes.sphere(0.5, segments, 6)
    return Mesh(made.positions, made.indices, made.normals, **given)


def node(**given: Any) -> Node:
    return Node(BOX, **given)


def scene(**given: Any) -> Scene:
    return Scene(**given)


def material(**given: Any) -> Material:
    return Material(**given)


def options(**given: Any) -> Options:
    return Options(**given)


def motion(*given: Any, **named: Any) -> Motion:
    return Motion(*given, **named)


def sun(*given: Any, **named: Any) -> Sun:
    return Sun(*given, **named)


def model(parts: Any) -> Model:
    return Model(parts)


def joined() -> Node:
    return Scene().add(node())


A: Any = "a"
Row = tuple[Callable[[], object], type[Exception], str]

NODES: list[Row] = [
    (lambda: node(position=(1, 2)), InvalidValue, "position: expected shape (3,), got (2,)"),
    (lambda: node(position=np.zeros((3, 1))), InvalidValue, "position: expected shape (3,), got (3, 1)"),
    (lambda: node(position=5), InvalidValue, "position: expected shape (3,), got ()"),
    (lambda: node(position=None), InvalidType, "position: expected an array of numbers, got NoneType None"),
    (lambda: node(position="abc"), InvalidType, "position: expected an array of numbers, got str 'abc'"),
    (
        lambda: node(position={1, 2, 3}),
        InvalidType,
        "position: expected an array of numbers, got set {1, 2, 3}",
    ),
    (lambda: node(position=("1", "2", "3")), InvalidType, "position: expected real numbers, got dtype <U1"),
    (
        lambda: node(position=(True, False, True)),
        InvalidType,
        "position: expected real numbers, got dtype bool",
    ),
    (lambda: node(position=(1j, 0, 0)), InvalidType, "position: expected real numbers, got dtype complex128"),
    (lambda: node(position=(None, 0, 0)), InvalidType, "position: expected real numbers, got dtype object"),
    (lambda: node(position=(HUGE, 0, 0)), InvalidType, "position: expected real numbers, got dtype object"),
    (lambda: node(position=(0, NAN, 0)), InvalidValue, "position: expected finite values, got nan at [1]"),
    (lambda: node(position=(0, 0, -INF)), InvalidValue, "position: expected finite values, got -inf at [2]"),
    (lambda: node(rotation=(0, 0, 0)), InvalidValue, "rotation: expected shape (4,), got (3,)"),
    (
        lambda: node(rotation=(0, 0, 0, 0)),
        InvalidValue,
        "rotation: expected a quaternion (x, y, z, w) other than zero, got (0, 0, 0, 0)",
    ),
    (lambda: node(scale=(1, 2)), InvalidValue, "scale: expected shape (3,), got (2,)"),
    (lambda: node(scale=NAN), InvalidValue, "scale: expected a finite number, got nan"),
    (lambda: node(scale=True), InvalidType, "scale: expected a number, got bool True"),
    (lambda: node(scale=HUGE), InvalidValue, f"scale: expected a finite number, got 1{'0' * 56}..."),
    (lambda: node(scale="big"), InvalidType, "scale: expected an array of numbers, got str 'big'"),
    (lambda: node(color=(1, 1)), InvalidValue, "color: expected shape (3,) or (4,), got (2,)"),
    (lambda: node(color="red"), InvalidType, "color: expected an array of numbers, got str 'red'"),
    (
        lambda: node(color=(255, 0, 0)),
        InvalidValue,
        "color: expected colours in 0..1 (or a uint8 array in 0..255), got 255",
    ),
    (
        lambda: node(color=(0, -0.5, 0)),
        InvalidValue,
        "color: expected colours in 0..1 (or a uint8 array in 0..255), got -0.5",
    ),
    (
        lambda: node(color=(0, NAN, 0)),
        InvalidValue,
        "color: expected colours in 0..1 (or a uint8 array in 0..255), got nan",
    ),
    (lambda: Node(A), InvalidType, "mesh: expected a Mesh or a Model, got str 'a'"),
    (lambda: Node(BOX, A), InvalidType, "material: expected a Material, got str 'a'"),
    (
        lambda: Node(None, Material()),
        InvalidValue,
        "material: expected None for a node without a mesh, got a Material",
    ),
    (
        lambda: setattr(joined(), "mesh", print),
        InvalidType,
        "mesh: expected a Mesh or a Model, got a builtin_function_or_method",
    ),
    (lambda: setattr(joined(), "material", 3), InvalidType, "material: expected a Material, got int 3"),
    (
        lambda: setattr(joined(), "position", A),
        InvalidType,
        "position: expected an array of numbers, got str 'a'",
    ),
    (
        lambda: setattr(joined(), "rotation", (0, 0, 0, INF)),
        InvalidValue,
        "rotation: expected finite values, got inf at [3]",
    ),
    (
        lambda: setattr(joined(), "scale", None),
        InvalidType,
        "scale: expected an array of numbers, got NoneType None",
    ),
    (lambda: setattr(joined(), "color", 1), InvalidValue, "color: expected shape (3,) or (4,), got ()"),
    (lambda: setattr(joined(), "visible", 1), InvalidType, "visible: expected True or False, got int 1"),
    (lambda: node().add(A), InvalidType, "child: expected a Node, got str 'a'"),
    (
        lambda: node().add(BOX),
        InvalidType,
        "child: expected a Node, got Mesh <Mesh of 24 vertices and 12 triangles>",
    ),
    (
        lambda: node().remove(None),  # type: ignore[arg-type]
        InvalidType,
        "child: expected a Node, got NoneType None",
    ),
    (lambda: node().remove(Node(name="x")), GraphError, "child: expected a child of <Node>, got <Node 'x'>"),
]

SCENES: list[Row] = [
    (
        lambda: scene(background=(2, 0, 0)),
        InvalidValue,
        "background: expected colours in 0..1 (or a uint8 array in 0..255), got 2",
    ),
    (lambda: scene(ambient="grey"), InvalidType, "ambient: expected an array of numbers, got str 'grey'"),
    (lambda: scene(sun=(0, -1, 0)), InvalidType, "sun: expected a Sun or None, got tuple (0, -1, 0)"),
    (lambda: scene(time="now"), InvalidType, "time: expected a number, got str 'now'"),
    (lambda: scene(time=NAN), InvalidValue, "time: expected a finite number, got nan"),
    (lambda: setattr(scene(), "time", None), InvalidType, "time: expected a number, got NoneType None"),
    (lambda: scene(fog=1), InvalidType, "fog: expected a Fog or None, got int 1"),
    (lambda: scene(sky=1), InvalidType, "sky: expected a Sky or None, got int 1"),
    (
        lambda: scene(lights=SUN),
        InvalidType,
        f"lights: expected a sequence of PointLights, got Sun {repr(SUN)[:57]}...",
    ),
    (lambda: scene(lights=[LAMP, 2]), InvalidType, "lights[1]: expected a PointLight, got int 2"),
    (lambda: scene(exposure=NAN), InvalidValue, "exposure: expected a number in -64..64, got nan"),
    (
        lambda: scene(tone_mapping="film"),
        InvalidValue,
        "tone_mapping: expected one of 'neutral', 'aces', got 'film'",
    ),
    (
        lambda: PointLight((0, 0)),
        InvalidValue,
        "position: expected shape (3,), got (2,)",
    ),
    (lambda: PointLight((0, 0, 0), range=0), InvalidValue, "range: expected a number greater than 0, got 0"),
    (
        lambda: PointLight((0, 0, 0), intensity=-1),
        InvalidValue,
        "intensity: expected a number of at least 0, got -1",
    ),
    (lambda: Ambient((0, 0, 0), 3), InvalidValue, "ground: expected shape (3,) or (4,), got ()"),
    (lambda: Fog(density=-0.1), InvalidValue, "density: expected a number of at least 0, got -0.1"),
    (lambda: Fog("grey"), InvalidType, "color: expected an array of numbers, got str 'grey'"),
    (lambda: Sky(0.5), InvalidValue, "turbidity: expected a number in 1..50, got 0.5"),
    (lambda: Sky().sun(91), InvalidValue, "elevation: expected a number in -90..90, got 91"),
    (lambda: options(max_lights=-1), InvalidValue, "max_lights: expected an integer, 0..32768, got -1"),
    (lambda: scene().by_id(9), InvalidIndex, "node_id: expected the id of a node of this scene, got 9"),
    (lambda: scene().by_id(A), InvalidType, "node_id: expected an integer, got str 'a'"),
    (lambda: scene().by_id(True), InvalidType, "node_id: expected an integer, got bool True"),
    (lambda: scene().bounds, InvalidValue, "bounds: expected a scene that shows something, got an empty one"),
    (
        lambda: sun((0, 0, 0)),
        InvalidValue,
        "direction: expected a direction other than zero, got (0.0, 0.0, 0.0)",
    ),
    (lambda: sun((0, 0)), InvalidValue, "direction: expected shape (3,), got (2,)"),
    (lambda: sun(color=3), InvalidValue, "color: expected shape (3,) or (4,), got ()"),
    (lambda: sun(intensity=-1), InvalidValue, "intensity: expected a number of at least 0, got -1"),
    (lambda: sun(intensity=None), InvalidType, "intensity: expected a number, got NoneType None"),
]

CROWDS: list[Row] = [
    (
        lambda: Crowd(None, positions=THREE),  # type: ignore[arg-type]
        InvalidType,
        "mesh: expected a Mesh or a Model, got NoneType None",
    ),
    (lambda: crowd(None), InvalidType, "positions: expected an array of numbers, got NoneType None"),
    (lambda: crowd(np.zeros(6)), InvalidValue, "positions: expected shape (n, 3), got (6,)"),
    (
        lambda: crowd(np.ma.masked_less(np.eye(3), 0.5)),
        InvalidValue,
        "positions: expected values without a mask, got 6 masked ones",
    ),
    (lambda: crowd(np.zeros((6, 2))), InvalidValue, "positions: expected shape (n, 3), got (6, 2)"),
    (lambda: crowd(np.zeros((2, 2, 3))), InvalidValue, "positions: expected shape (n, 3), got (2, 2, 3)"),
    (lambda: crowd(THREE.astype(str)), InvalidType, "positions: expected real numbers, got dtype <U32"),
    (lambda: crowd(THREE.astype(bool)), InvalidType, "positions: expected real numbers, got dtype bool"),
    (
        lambda: crowd(THREE.astype(complex)),
        InvalidType,
        "positions: expected real numbers, got dtype complex128",
    ),
    (lambda: crowd(THREE.astype(object)), InvalidType, "positions: expected real numbers, got dtype object"),
    (
        lambda: crowd([(0, 0, 0), (0, NAN, 0)]),
        InvalidValue,
        "positions: expected finite values, got nan at [1, 1]",
    ),
    (
        lambda: crowd([(0, 0, 1e39)]),
        InvalidValue,
        "positions: expected values that fit float32, got 1e+39 at [0, 2]",
    ),
    (
        lambda: crowd([(0, 0, 1e39), (INF, 0, 0)]),
        InvalidValue,
        "positions: expected finite values, got inf at [1, 0]",
    ),
    (
        lambda: crowd(RAGGED),
        InvalidValue,
        f"positions: expected an array of numbers, got list [[1, 2, 3], [4]]: {NUMPYS_RAGGED}",
    ),
    (lambda: crowd(rotations=np.ones((2, 4))), InvalidValue, "rotations: expected shape (3, 4), got (2, 4)"),
    (lambda: crowd(rotations=np.ones((3, 3))), InvalidValue, "rotations: expected shape (3, 4), got (3, 3)"),
    (
        lambda: crowd(rotations=np.diag([1, 1, 0, 1])[:3]),
        InvalidValue,
        "rotations: expected quaternions (x, y, z, w) other than zero, got zero in row 2",
    ),
    (lambda: crowd(scales=2.0), InvalidValue, "scales: expected shape (3,) or (3, 3), got ()"),
    (lambda: crowd(scales=[1, 2]), InvalidValue, "scales: expected shape (3,) or (3, 3), got (2,)"),
    (lambda: crowd(scales=[1, 2, "x"]), InvalidType, "scales: expected real numbers, got dtype <U21"),
    (lambda: crowd(colors=(1, 0, 0)), InvalidValue, "colors: expected shape (3, 3) or (3, 4), got (3,)"),
    (
        lambda: crowd(colors=np.full((3, 3), 200)),
        InvalidValue,
        "colors: expected colours in 0..1 (or a uint8 array in 0..255), got 200",
    ),
    (
        lambda: crowd(colors=np.full((3, 3), NAN)),
        InvalidValue,
        "colors: expected colours in 0..1 (or a uint8 array in 0..255), got nan",
    ),
    (lambda: crowd(columns=[1]), InvalidType, "columns: expected a mapping of names to arrays, got list [1]"),
    (
        lambda: crowd(columns={1: [0, 0, 0]}),
        InvalidValue,
        "columns: expected names that are identifiers, got 1",
    ),
    (
        lambda: crowd(columns={"a b": [0, 0, 0]}),
        InvalidValue,
        "columns: expected names that are identifiers, got 'a b'",
    ),
    (
        lambda: crowd(columns={"scales": [0, 0, 0]}),
        InvalidValue,
        "columns: expected names other than positions, rotations, scales, colors, ids, matrices, order, "
        "got 'scales'",
    ),
    (
        lambda: crowd(columns={"heat": None}),
        InvalidType,
        "columns['heat']: expected an array of numbers, got NoneType None",
    ),
    (
        lambda: crowd(columns={"heat": [1, 2]}),
        InvalidValue,
        "columns['heat']: expected shape (3,) or (3, 1..4), got (2,)",
    ),
    (
        lambda: crowd(columns={"heat": np.zeros((3, 5))}),
        InvalidValue,
        "columns['heat']: expected shape (3,) or (3, 1..4), got (3, 5)",
    ),
    (
        lambda: crowd(columns={"heat": RAGGED}),
        InvalidValue,
        f"columns['heat']: expected an array of numbers, got list [[1, 2, 3], [4]]: {NUMPYS_RAGGED}",
    ),
    (
        lambda: crowd(columns={"team": [1, 2, -(2**31) - 1]}),
        InvalidValue,
        "columns['team']: expected integers that fit int32, got -2147483649",
    ),
    (
        lambda: crowd(columns={"team": [True, False, True]}),
        InvalidType,
        "columns['team']: expected real numbers, got dtype bool",
    ),
    (
        lambda: setattr(crowd(), "positions", THREE[:2]),
        InvalidValue,
        "positions: expected shape (3, 3), got (2, 3)",
    ),
    (
        lambda: setattr(crowd(), "positions", None),
        InvalidType,
        "positions: expected an array of numbers, got NoneType None",
    ),
    (
        lambda: setattr(crowd(), "scales", "x"),
        InvalidType,
        "scales: expected an array of numbers, got str 'x'",
    ),
    (lambda: crowd().delete([3]), InvalidIndex, "ids: expected ids of this crowd's instances, got 3"),
    (lambda: crowd().delete([-1]), InvalidIndex, "ids: expected ids of this crowd's instances, got -1"),
    (
        lambda: crowd().delete([2**40]),
        InvalidIndex,
        f"ids: expected ids of this crowd's instances, got {2**40}",
    ),
    (lambda: crowd().rows([0.5]), InvalidType, "ids: expected integers, got dtype float64"),
    (lambda: crowd().rows(np.ones(3, bool)), InvalidType, "ids: expected integers, got dtype bool"),
    (lambda: crowd().rows([[0], [1]]), InvalidValue, "ids: expected shape () or (n,), got (2, 1)"),
    (lambda: crowd().rows(A), InvalidType, "ids: expected an array of numbers, got str 'a'"),
    (
        lambda: crowd().rows(RAGGED),
        InvalidValue,
        f"ids: expected an array of numbers, got list [[1, 2, 3], [4]]: {NUMPYS_RAGGED}",
    ),
    (lambda: crowd().append(5), InvalidValue, "positions: expected shape (n, 3), got ()"),
    (
        lambda: crowd().append(THREE, scales=[1]),
        InvalidValue,
        "scales: expected shape (3,) or (3, 3), got (1,)",
    ),
    (
        lambda: crowd().append(THREE, columns={"heat": [1, 2, 3]}),
        InvalidValue,
        "columns['heat']: expected a column of this crowd, which has none",
    ),
]

MESHES: list[Row] = [
    (lambda: mesh(np.zeros((0, 3))), InvalidValue, "positions: expected at least one vertex, got 0"),
    (lambda: mesh(np.zeros((4, 2))), InvalidValue, "positions: expected shape (v, 3), got (4, 2)"),
    (lambda: mesh([(0, 0, INF)]), InvalidValue, "positions: expected finite values, got inf at [0, 2]"),
    (lambda: mesh(indices=[]), InvalidValue, "indices: expected at least one triangle, got 0"),
    (lambda: mesh(indices=[0, 1]), InvalidValue, "indices: expected shape (t, 3) or (3t,), got (2,)"),
    (lambda: mesh(indices=[[0, 1]]), InvalidValue, "indices: expected shape (t, 3) or (3t,), got (1, 2)"),
    (lambda: mesh(indices=5), InvalidValue, "indices: expected shape (t, 3) or (3t,), got ()"),
    (lambda: mesh(indices=[0, 1, 3]), InvalidIndex, "indices: expected indices in 0..2, got 3"),
    (lambda: mesh(indices=[0, 1, -1]), InvalidIndex, "indices: expected indices in 0..2, got -1"),
    (lambda: mesh(indices=[0.0, 1, 2]), InvalidType, "indices: expected integers, got dtype float64"),
    (lambda: mesh(indices=[True] * 3), InvalidType, "indices: expected integers, got dtype bool"),
    (lambda: mesh(indices="abc"), InvalidType, "indices: expected an array of numbers, got str 'abc'"),
    (lambda: mesh(indices=None), InvalidType, "indices: expected an array of numbers, got NoneType None"),
    (
        lambda: mesh(indices=RAGGED),
        InvalidValue,
        f"indices: expected an array of numbers, got list [[1, 2, 3], [4]]: {NUMPYS_RAGGED}",
    ),
    (lambda: mesh(normals=[(0, 0, 1)]), InvalidValue, "normals: expected shape (3, 3), got (1, 3)"),
    (
        lambda: mesh(normals=np.diag([1, 0, 1])),
        InvalidValue,
        "normals: expected normals other than zero, got zero in row 1",
    ),
    (lambda: mesh(uvs=np.zeros((3, 3))), InvalidValue, "uvs: expected shape (3, 2), got (3, 3)"),
    (
        lambda: mesh(colors=np.full((3, 3), 9.0)),
        InvalidValue,
        "colors: expected colours in 0..1 (or a uint8 array in 0..255), got 9.0",
    ),
    (lambda: mesh(lods=3), InvalidType, "lods: expected a sequence of Meshes, got int 3"),
    (lambda: mesh(lods=[None]), InvalidType, "lods[0]: expected a Mesh, got NoneType None"),
    (
        lambda: mesh(lods=[mesh()]),
        InvalidValue,
        "lods[0]: expected fewer triangles than the 1 of the mesh before it, got 1",
    ),
    (
        lambda: sphere(lods=[sphere(16), sphere(8), sphere(12)]),
        InvalidValue,
        "lods[2]: expected fewer triangles than the 80 of the mesh before it, got 120",
    ),
    (
        lambda: sphere(lods=[sphere(16, lods=[sphere(8)])]),
        InvalidValue,
        "lods[0]: expected a mesh without lods, got one with 1",
    ),
    (
        lambda: sphere(lods=[sphere(count) for count in (16, 12, 10, 8, 6)]),
        InvalidValue,
        "lods: expected at most 4 meshes, got 5",
    ),
    (lambda: model(()), InvalidValue, "parts: expected at least one (mesh, material) pair, got none"),
    (lambda: model(None), InvalidType, "parts: expected (mesh, material) pairs, got NoneType None"),
    (
        lambda: model([BOX]),
        InvalidType,
        "parts[0]: expected (mesh, material), got Mesh <Mesh of 24 vertices and 12 triangles>",
    ),
    (lambda: model([(A, Material())]), InvalidType, "parts[0][0]: expected a Mesh, got str 'a'"),
    (
        lambda: model([(BOX, Material()), (BOX, None)]),
        InvalidType,
        "parts[1][1]: expected a Material, got NoneType None",
    ),
]

LOOKS: list[Row] = [
    (
        lambda: material(color=(1, 2, 3)),
        InvalidValue,
        "color: expected colours in 0..1 (or a uint8 array in 0..255), got 3",
    ),
    (lambda: material(color=(1,)), InvalidValue, "color: expected shape (3,) or (4,), got (1,)"),
    (lambda: material(shading="toon"), InvalidValue, "shading: expected one of 'lit', 'unlit', got 'toon'"),
    (
        lambda: material(shading=None),
        InvalidType,
        "shading: expected one of 'lit', 'unlit', got NoneType None",
    ),
    (lambda: material(double_sided=1), InvalidType, "double_sided: expected True or False, got int 1"),
    (lambda: material(metallic=1.5), InvalidValue, "metallic: expected a number in 0..1, got 1.5"),
    (
        lambda: material(roughness=np.float64(NAN)),
        InvalidValue,
        "roughness: expected a number in 0..1, got nan",
    ),
    (lambda: material(roughness="x"), InvalidType, "roughness: expected a number, got str 'x'"),
    (lambda: material(roughness=np.str_("x")), InvalidType, "roughness: expected a number, got str_ x"),
    (
        lambda: material(motion="walk"),
        InvalidValue,
        "motion: expected one of 'wind', 'fountain', 'snow', got 'walk'",
    ),
    (
        lambda: material(motion=5),
        InvalidType,
        "motion: expected None, one of 'wind', 'fountain', 'snow', or a Motion, got int 5",
    ),
    (lambda: motion("walk"), InvalidValue, "motion: expected one of 'wind', 'fountain', 'snow', got 'walk'"),
    (
        lambda: motion(None),
        InvalidType,
        "motion: expected one of 'wind', 'fountain', 'snow', got NoneType None",
    ),
    (lambda: motion("wind", -1), InvalidValue, "strength: expected a number of at least 0, got -1"),
    (lambda: motion("wind", spread=0), InvalidValue, "spread: expected a number greater than 0, got 0"),
    (lambda: motion("wind", speed=True), InvalidType, "speed: expected a number, got bool True"),
    (
        lambda: options(mode="fast"),
        InvalidValue,
        "mode: expected one of 'auto', 'indirect', 'instanced', 'naive', got 'fast'",
    ),
    (
        lambda: options(mode=3),
        InvalidType,
        "mode: expected one of 'auto', 'indirect', 'instanced', 'naive', got int 3",
    ),
    (lambda: options(cull=0), InvalidType, "cull: expected True or False, got int 0"),
    (lambda: options(shadows="no"), InvalidType, "shadows: expected True or False, got str 'no'"),
    (lambda: options(occlusion=None), InvalidType, "occlusion: expected True or False, got NoneType None"),
    (
        lambda: options(debug="lods"),
        InvalidValue,
        "debug: expected one of 'lod', 'cell', 'splat', got 'lods'",
    ),
    (
        lambda: options(debug=True),
        InvalidType,
        "debug: expected one of 'lod', 'cell', 'splat', got bool True",
    ),
]

ROWS = [*NODES, *SCENES, *CROWDS, *MESHES, *LOOKS]


@pytest.mark.parametrize(("call", "kind", "text"), ROWS, ids=[text[:60] for _, _, text in ROWS])
def test_bad_input_is_told_word_for_word(
    call: Callable[[], object], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text
    assert isinstance(caught.value, ThrongError)
    assert isinstance(caught.value, ValueError | TypeError | IndexError)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "call",
    [
        lambda: crowd(np.zeros((0, 3))),
        lambda: crowd(np.zeros((0, 3)), rotations=np.zeros((0, 4)), scales=[], colors=np.zeros((0, 3))),
        lambda: crowd(np.zeros((0, 3), np.uint8)).append(np.zeros((0, 3), np.int64)),
        lambda: crowd(
            THREE.astype(np.float16), scales=np.ones(3, np.uint8), columns={"a": np.zeros((3, 4), np.int8)}
        ),
        lambda: crowd([(1e38, -1e38, 3.4e38)]),
        lambda: crowd(THREE[:, ::-1], colors=np.full((3, 3), 255, np.uint8)),
        lambda: crowd().delete([]),
        lambda: node(scale=0, position=np.array([1, 2, 3]), rotation=[0, 0, 0, 5]),
        lambda: node(scale=np.array(2.0)),
        lambda: node(scale=np.float32(2), rotation=(1e308, 1e308, 1e308, 1e308)),
        lambda: node(position=(1e300, -1e300, 0)),
        lambda: mesh(np.array(TRIANGLE, np.int32), np.array([[0, 1, 2]], np.uint64)),
        lambda: material(
            color=np.array((255, 0, 9), np.uint8), metallic=np.float32(0.5), double_sided=np.True_
        ),
        lambda: scene(sun=None, fog=None, time=-5),
        lambda: options(cull=np.False_, debug="cell"),
        lambda: options(debug=None),
    ],
)
def test_what_can_be_used_is_taken(call: Callable[[], object]) -> None:
    call()


def test_every_error_for_an_argument_is_pythons_own_kind_too() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(kind, ThrongError) for kind in kinds)
    assert {k.__name__: k.__bases__[-1].__name__ for k in kinds if k.__name__.startswith("Invalid")} == {
        "InvalidValue": "ValueError", "InvalidType": "TypeError", "InvalidIndex": "IndexError",
    }  # fmt: skip
    tree = errors.__doc__ or ""
    assert all(kind.__name__ in tree for kind in kinds), "the docstring draws the whole tree"


def test_the_model_raises_nothing_but_throngs_errors() -> None:
    """Whatever a `raise` names, in the modules that users' arguments reach."""
    from throng import arrays, options
    from throng.model import camera, column, graph, light, table
    from throng.model import crowd as crowds
    from throng.model import material as materials
    from throng.model import mesh as meshes

    known = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    for module in (arrays, options, camera, column, crowds, graph, light, materials, meshes, table):
        for statement in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(statement, ast.Raise) and statement.exc is not None:
                assert isinstance(statement.exc, ast.Call)
                assert ast.unparse(statement.exc.func) in known, ast.unparse(statement)
