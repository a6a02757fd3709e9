"""Culling and occlusion leave out nothing that is seen: the same pictures with and without, byte for byte.

Random views of every demo scene, and of scenes in which much is hidden, while things move in between. The
renderers live as long as this file and jump from view to view and from scene to scene, so that what they keep
from frame to frame is tried too. THRONG_VIEWS sets how many views there are of each scene with coarser meshes
and splats, and as many without: 100 of each for 200 of a scene.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pytest
from pictures import OUTPUTS, Drawer, Picture, everything, exact
from randomscenes import random_camera, random_scene, seeds

import throng
from throng import Camera, Crowd, Frame, Material, Node, Options, Scene, gallery, math3d, shapes
from throng.gpu import indirect

VIEWS = int(os.environ.get("THRONG_VIEWS", "50"))
SIZES = [(160, 90)] * 5 + [(97, 61), (64, 64), (33, 120)]  # no power of two, odd, and higher than wide
MOST_TIES = 0.0015  # of the pixels of a picture that show another of several things at the same depth
MOST_TIES_OF_ALL = 0.0002  # of the pixels of all pictures of a scene
SEEN = ("color", "depth", "ids")

Random = np.random.Generator
Doubles = npt.NDArray[np.float64]


# -- two renderers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """What both renderers of a pair have in common."""

    mode: str = "indirect"
    detail: bool = True  # whether coarser meshes and splats may be drawn
    samples: int = 1

    def options(self, *, removing: bool) -> Options:
        return Options(mode=self.mode, cull=removing, occlusion=removing, lod=self.detail, splat=self.detail)


@dataclass
class Pair:
    """A renderer that leaves out what is not seen, and one that draws everything."""

    setting: Setting
    removing: throng.Renderer
    plain: throng.Renderer
    size: tuple[int, int] = SIZES[0]
    ties: int = 0  # pixels so far, of how many
    pixels: int = 0

    @classmethod
    def of(cls, setting: Setting, context: moderngl.Context | None = None) -> Pair:
        removing, plain = (
            throng.Renderer(
                SIZES[0], context=context, samples=setting.samples, options=setting.options(removing=each)
            )
            for each in (True, False)
        )
        return cls(setting, removing, plain)

    def resize(self, size: tuple[int, int]) -> None:
        if size != self.size:
            self.size = self.removing.size = self.plain.size = size

    def differ(self, scene: Scene, camera: Camera, outputs: tuple[str, ...] = SEEN) -> str | None:
        """What is wrong with the picture without what is not seen; None where nothing is."""
        one = self.plain.render(scene, camera, outputs)
        other = self.removing.render(scene, camera, outputs)
        self.ties += int((one.ids != other.ids).any(axis=-1).sum())
        self.pixels += one.depth.size
        return difference(one, other, lambda: self.plain.render(scene, camera, outputs), scene)

    def close(self) -> None:
        self.removing.close()
        self.plain.close()


@pytest.fixture
def untiring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Occlusion is looked for in each frame, even where the last ones had next to nothing hidden."""
    monkeypatch.setattr(indirect, "_WORTH_TESTING", -1.0)


@pytest.fixture(scope="module")
def pair_of() -> Iterator[Callable[[Setting], Pair]]:
    """pair_of(setting): always the same two renderers."""
    pairs: dict[Setting, Pair] = {}

    def find(setting: Setting) -> Pair:
        if setting not in pairs:
            pairs[setting] = Pair.of(setting)
        return pairs[setting]

    yield find
    for pair in pairs.values():
        pair.close()


# -- what a view may be ------------------------------------------------------------------------------------

UNITS = 1e12  # metres


@pytest.mark.parametrize("mode", ["indirect", "instanced"])
@pytest.mark.parametrize(
    ("camera", "size"),
    [
        (Camera.orthographic((0, 0, 0), (0, 0, -1e7), height=2000, near=0.1, far=2e5), 500.0),
        (Camera((0, 0, 0), (0, 0, -UNITS), near=UNITS / 100, far=20 * UNITS), UNITS),
        (Camera((0, 0, 0), (0, 0, -3e3), near=10, far=1e5), 500.0),
    ],
    ids=["a target far beyond", "a scene of great size", "a projection times 1e-9"],
)
def test_views_of_any_size(draw: Drawer, mode: str, camera: Camera, size: float) -> None:
    scene = Scene()
    for x in (-1, 0, 1):
        scene.add(Node(shapes.box(), position=(x * size, 0, -3 * size), scale=size / 2))
    if size == 500 and not camera.is_orthographic:
        projection = camera.projection_matrix(160 / 120) * 1e-9
        camera = Camera.from_matrices(camera.view_matrix, projection)
    wanted = draw(scene, camera, everything(mode), size=(160, 120))
    assert (wanted.ids[..., 0] >= 0).mean() > 0.02
    frame = draw(scene, camera, exact(mode), size=(160, 120))
    for name in SEEN:
        np.testing.assert_array_equal(getattr(frame, name), getattr(wanted, name))


@pytest.mark.parametrize(
    "camera", [Camera.orthographic((0, 0, 2), height=1), Camera((0, 0, 40), fov=1.5)], ids=["flat", "narrow"]
)
def test_a_backdrop_may_be_as_large_as_one_likes(camera: Camera, untiring: None) -> None:
    scene = Scene()
    back = scene.add(
        Node(shapes.quad(), Material(double_sided=True), position=(0, 0, -5), scale=(6e6, 6e6, 1))
    )
    scene.add(Node(shapes.box(), position=(-0.9, -0.5, 0), scale=0.5))
    with throng.Renderer((1280, 720), options=exact()) as renderer:
        frames = [renderer.render(scene, camera, SEEN) for _ in range(4)]
    assert (frames[0].ids[..., 0] == back.id).mean() > 0.8
    np.testing.assert_array_equal(frames[3].ids, frames[0].ids)


@pytest.mark.parametrize("mode", ["indirect", "instanced"])
def test_crowds_far_from_their_own_origin(draw: Drawer, mode: str) -> None:
    random = np.random.default_rng(1)
    turn = np.radians(30)
    far = np.array([1e6, 0, 1e6])
    turned = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    scene = Scene()
    node = scene.add(Node(position=-(turned @ far), rotation=(0, np.sin(turn / 2), 0, np.cos(turn / 2))))
    near = random.uniform(-20, 20, (20_000, 3)) * (1, 0.2, 1)
    node.add(Crowd(shapes.box(), positions=near + far, scales=np.full(20_000, 0.05)))
    for number in range(12):
        eye = random.uniform(-20, 20, 3) * (1, 0.1, 1)
        camera = Camera(eye, eye + random.normal(size=3) * (1, 0.2, 1), fov=(3, 20, 60)[number % 3])
        wanted = draw(scene, camera, everything(mode), size=(320, 180))
        frame = draw(scene, camera, exact(mode), size=(320, 180))
        np.testing.assert_array_equal(frame.depth, wanted.depth)


# -- the comparison --------------------------------------------------------------------------------------


def difference(one: Frame, other: Frame, again: Callable[[], Frame], scene: Scene) -> str | None:
    """How two frames differ, other than in which of several things at the same depth is seen.

    again  draws the first frame anew, for a look at what is behind a thing that is hidden for it
    """
    deeper = one.depth.view(np.uint32) != other.depth.view(np.uint32)
    if deeper.any():
        return _told("at another depth", deeper, one.depth, other.depth)
    others = (one.ids != other.ids).any(axis=-1)
    for name in set(one.outputs) - {"depth", "ids"}:
        a, b = getattr(one, name), getattr(other, name)
        changed = (a != b).any(axis=-1) & ~others
        if changed.any():
            return _told(f"of another {name}", changed, a, b)
    if others.mean() > MOST_TIES:
        return _told("of other instances at the same depth", others, one.ids, other.ids)
    for row, column in np.argwhere(others).tolist():
        if (other.ids[row, column] < 0).any() or not _tied(one, row, column, again, scene):
            return _told("of an instance that is not at that depth", others, one.ids, other.ids)
    return None


def _tied(one: Frame, row: int, column: int, again: Callable[[], Frame], scene: Scene) -> bool:
    """Whether something else is at the same depth there: seen once what `one` shows is out of the way."""
    number, instance = one.ids[row, column].tolist()
    if number < 0:
        return False
    node = scene.by_id(number)
    if isinstance(node, Crowd):
        place = int(node.rows(instance)[0])
        was = np.array(node.positions[place])
        node.positions[place] = was + (0.0, 1e7, 0.0)
        depth = again().depth[row, column]
        node.positions[place] = was
    else:
        mesh = node.mesh
        node.mesh = shapes.box(1e-9)  # hidden, it would hide its children too
        depth = again().depth[row, column]
        node.mesh = mesh
    return bool(depth == one.depth[row, column])


def _told(what: str, where: Picture, one: Picture, other: Picture) -> str:
    row, column = np.argwhere(where)[0].tolist()
    return (
        f"{int(where.sum())} of {where.size} pixels are {what}, the first in row {row}, column {column}: "
        f"{one[row, column].tolist()} became {other[row, column].tolist()}"
    )


# -- scenes ----------------------------------------------------------------------------------------------


@dataclass
class World:
    """A scene to look at from anywhere, and what may be done to it between two views."""

    name: str
    scene: Scene
    update: Callable[[Scene, float], None]
    nodes: list[Node] = field(default_factory=list)
    resting: dict[Node, tuple[Any, Any, Any]] = field(default_factory=dict)
    largest: dict[Node, float] = field(default_factory=dict)
    spread: float = 1.0

    def __post_init__(self) -> None:
        below = [self.scene.children]
        while below:
            for node in below.pop():
                self.nodes.append(node)
                below.append(node.children)
        self.largest = {crowd: float(np.abs(np.asarray(crowd.scales)).max()) for crowd in self.crowds}
        random = np.random.default_rng(0)
        places = np.array([self.place(random) for _ in range(60)])
        apart = np.linalg.norm(places - np.median(places, axis=0), axis=1)
        self.spread = float(np.percentile(apart, 70)) + 0.1

    @property
    def crowds(self) -> list[Crowd]:
        return [crowd for crowd in self.scene.crowds if len(crowd)]

    def place(self, random: Random) -> Doubles:
        """Where some instance or some node is."""
        crowds = self.crowds
        if crowds and random.random() < 0.8:
            crowd = crowds[random.integers(len(crowds))]
            return _under(crowd.world_matrix, crowd.positions[int(random.integers(len(crowd)))])
        return np.asarray(self.nodes[random.integers(len(self.nodes))].world_matrix[:3, 3])


def _under(matrix: Doubles, point: npt.ArrayLike) -> Doubles:
    return np.asarray(matrix[:3, :3] @ np.asarray(point, np.float64) + matrix[:3, 3])


COUNTS = {
    "asteroids": 1500, "city": 2500, "forest": 400, "grass": 2000, "meadow": 1200, "particles": 4000,
}  # fmt: skip


def world(name: str) -> World:
    if name == "walls":
        return World(name, walls(), _still)
    if name == "plain":
        return World(name, plain(), _still)
    demo = gallery.find(name)
    return World(name, demo.build(COUNTS[name], 1), demo.update)


def _still(scene: Scene, seconds: float) -> None:
    scene.time = seconds


def walls() -> Scene:
    """Five walls of boxes with doors in them, and small things between; all of it turned and mirrored."""
    random = np.random.default_rng(3)
    scene = Scene()
    turned = scene.add(Node(rotation=(0.1, 0.7, 0.05, 0.7), position=(3, 1, -2)))
    house = turned.add(Node(scale=(-1.0, 1.2, 0.8)))
    x, y = np.meshgrid(np.arange(-10, 11), np.arange(8))
    for number in range(5):
        door = (np.abs(x - random.integers(-9, 10)) < 2) & (y < 3) & (number % 2 == 0)
        kept = ~door.ravel()
        places = np.stack([x.ravel(), y.ravel(), np.full(x.size, 8.0 * number)], axis=1)[kept]
        # Each block a little askew: faces in one plane would be at the same depth.
        sizes = random.uniform((1.0, 1.0, 0.38), (1.03, 1.03, 0.42), (len(places), 3))
        places = places + random.uniform(-0.01, 0.01, (len(places), 3))
        house.add(Crowd(shapes.box(), positions=places, scales=sizes))
    for mesh, count in (
        (shapes.box(), 3000), (shapes.cone(segments=6), 400), (shapes.quad(), 300), (shapes.tree(2), 60),
    ):  # fmt: skip
        house.add(
            Crowd(
                mesh,
                None if isinstance(mesh, throng.Model) else Material(double_sided=count == 300),
                positions=random.uniform((-10, 0, -6), (10, 7, 40), (count, 3)),
                rotations=random.normal(size=(count, 4)),
                scales=random.uniform(-0.4, 0.4, (count, 3)),
                colors=random.uniform(0.2, 1, (count, 3)),
            )
        )
    for place in random.uniform((-10, 0, -6), (10, 7, 40), (80, 3)):
        house.add(Node(shapes.cylinder(segments=7), position=place, scale=random.uniform(-0.5, 0.5, 3)))
    return scene


def plain() -> Scene:
    """20,000 boxes on a plain with hills: a crowd of many cells, and a few things as large as all of it."""
    random = np.random.default_rng(4)
    scene = Scene()
    places = random.uniform(-100, 100, (20_000, 3)) * (1, 0, 1)
    places[:, 1] = 3 * np.sin(places[:, 0] * 0.1) * np.cos(places[:, 2] * 0.08)
    scene.add(
        Crowd(
            shapes.box(),
            Material(motion="wind"),
            positions=places,
            scales=random.uniform(0.1, 1.5, (20_000, 3)),
            colors=random.uniform(0.2, 1, (20_000, 3)),
        )
    )
    scene.add(Node(shapes.plane(200.0), position=(0, -3, 0)))
    scene.add(Crowd(shapes.sphere(), positions=[(0, 0, 0), (60, 0, 60)], scales=[12.0, -25.0]))
    return scene


def before_the_walls(around: World) -> Camera:
    """A camera from which the first wall hides much."""
    matrix = around.crowds[0].world_matrix
    return Camera(_under(matrix, (0, 3, -20)), _under(matrix, (0, 3, 0)))


# -- what happens between two views ----------------------------------------------------------------------


def anywhere(random: Random, world: World) -> Camera:
    """A camera of any kind, in any place from which something might be seen, or might be hidden."""
    pivot = world.place(random)
    away = world.spread * float(np.exp(random.uniform(np.log(0.003), np.log(6))))
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    match random.choice(["around", "around", "above", "among", "inside", "below"]):
        case "around":
            position, target = pivot + direction * away, pivot
        case "above":
            position, target = pivot + np.abs(direction) * (1, 0.4, 1) * away, pivot
        case "among":
            position, target = world.place(random) + random.normal(0, 0.3, 3) + (0, 0.5, 0), pivot
        case "inside":
            position = pivot + random.normal(0, 0.05, 3)
            target = position + direction
        case _:
            position = pivot - (0, away, 0) + random.normal(0, 0.3, 3)
            target = pivot + direction
    distance = float(np.linalg.norm(target - position))
    if distance < 1e-3:
        target, distance = position + direction, 1.0
    up = (0.0, 1.0, 0.0) if random.random() < 0.7 else random.normal(size=3)
    if abs(np.dot(target - position, up)) > 0.999 * distance * np.linalg.norm(up):
        up = (1.0, 0.1, 0.0)
    near = float(random.choice([1e-3, 0.05, 0.1, 0.1, 1.0, 0.5 * distance]))
    far = max(float(random.choice([1.2 * distance, 3 * distance, 1e3, 1e3, 1e5])), near * 1.1)
    return _lens(random, position, target, up, near, far)


def _lens(random: Random, position: Any, target: Any, up: Any, near: float, far: float) -> Camera:
    kind = random.random()
    distance = float(np.linalg.norm(target - position))
    if kind < 0.2:
        height = distance * float(np.exp(random.uniform(np.log(0.05), np.log(4))))
        near = near if random.random() < 0.6 else -2 * distance
        return Camera.orthographic(position, target, up, height=height, near=near, far=far)
    fov = float(random.choice([5, 20, 45, 45, 60, 60, 90, 120, 160]))
    if kind < 0.8:
        return Camera(position, target, up, fov=fov, near=near, far=far)
    # Matrices of somebody else's: off the middle, mirrored, without a far plane.
    projection = math3d.perspective(fov, random.uniform(0.5, 2), near, far)
    projection[:2, 2] = random.uniform(-0.8, 0.8, 2)
    if kind < 0.85:
        projection[0] *= -1
    if kind > 0.95:
        projection[2, 2:] = -1.0, -2 * near
    return Camera.from_matrices(Camera(position, target, up).view_matrix, projection)


def moved_a_little(random: Random, camera: Camera, spread: float) -> Camera:
    """The camera of the next frame of somebody who walks about."""
    step = random.normal(0, 0.01 * spread, 3)
    view = camera.view_matrix
    view[:3, 3] += view[:3, :3] @ step
    return Camera.from_matrices(view, camera.projection_matrix(16 / 9))


def disturb(random: Random, world: World) -> None:
    """Something moves, appears, goes, turns, or is mirrored; what was hidden before is shown again."""
    for hidden in world.nodes:
        if not hidden.visible:
            hidden.visible = True
    crowds = world.crowds
    crowd = crowds[random.integers(len(crowds))] if crowds else None
    node = world.nodes[random.integers(len(world.nodes))]
    kind = random.integers(9)
    if kind <= 1 or crowd is None:
        world.update(world.scene, float(random.choice([0.0, 1.0, random.uniform(0, 30), 4000.0])))
    elif kind == 2:
        crowd.positions = random.permutation(np.asarray(crowd.positions))
    elif kind == 3:
        some = slice(int(random.integers(len(crowd))), None, int(random.integers(1, 9)))
        crowd.positions[some] += random.normal(0, 0.2 * world.spread, 3)
    elif kind == 4:
        shape = crowd.scales.shape
        factors = random.uniform(0.6, 1.7, shape) * random.choice([-1, 1], shape, p=[0.2, 0.8])
        factors[random.integers(len(crowd))] = 0.0
        most = world.largest[crowd]  # or boxes would in time grow into one another, all of them
        crowd.scales = np.clip(np.asarray(crowd.scales) * factors, -most, most)
    elif kind == 5 and len(crowd) > 20:
        like = random.integers(len(crowd), size=7)
        places = np.asarray(crowd.positions)[like] + random.normal(0, 0.1, (7, 3))
        scales = np.asarray(crowd.scales)[like]
        columns = {name: np.asarray(column)[like] for name, column in crowd.columns.items()}
        crowd.delete(random.choice(crowd.ids, 5, replace=False))
        crowd.append(places, scales=scales, columns=columns)
    elif kind == 6:
        node.visible = False
    elif node.parent is world.scene or random.random() < 0.2:
        _transform(random, world, node)


def _transform(random: Random, world: World, node: Node) -> None:
    """Turned, mirrored and scaled, or back as it was."""
    if node in world.resting:
        node.position, node.rotation, node.scale = world.resting.pop(node)
        return
    world.resting[node] = node.position, node.rotation, node.scale
    node.rotation = random.normal(size=4) * (0.2, 1, 0.2, 1)
    node.scale = np.exp(random.normal(0, 0.4, 3)) * random.choice([-1, 1], 3)
    node.position = node.position + random.normal(0, 0.1 * world.spread, 3)


def look_around(pair: Pair, world: World, views: int, seed: int, outputs: tuple[str, ...] = SEEN) -> None:
    """Compares that many views."""
    random = np.random.default_rng((seed, len(world.name)))
    camera = anywhere(random, world)
    pair.ties = pair.pixels = 0
    for number in range(views):
        what = random.random()
        if what < 0.55:
            camera = anywhere(random, world)
        elif what < 0.85:
            camera = moved_a_little(random, camera, world.spread)
        if random.random() < 0.4:
            disturb(random, world)
        if random.random() < 0.15:
            pair.resize(SIZES[random.integers(len(SIZES))])
        if random.random() < 0.05:  # a switch in the window
            pair.removing.options = pair.setting.options(removing=False)
            pair.removing.render(world.scene, anywhere(random, world))
            pair.removing.options = pair.setting.options(removing=True)
        wrong = pair.differ(world.scene, camera, outputs)
        assert wrong is None, f"{world.name}, seed {seed}, view {number}, {camera}: {wrong}"
    assert pair.ties <= MOST_TIES_OF_ALL * pair.pixels


# -- the tests -------------------------------------------------------------------------------------------

PairOf = Callable[[Setting], Pair]
WORLDS = [*COUNTS, "walls", "plain"]
FEW = max(VIEWS // 10, 5)
details = pytest.mark.parametrize("detail", [True, False], ids=["coarse", "full"])


@details
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.usefixtures("untiring")
def test_what_is_left_out_is_not_seen(pair_of: PairOf, name: str, detail: bool) -> None:
    look_around(pair_of(Setting(detail=detail)), world(name), VIEWS, seed=10 + detail)


@details
@pytest.mark.parametrize("name", ["city", "walls"])
def test_occlusion_that_pauses_loses_nothing(pair_of: PairOf, name: str, detail: bool) -> None:
    look_around(pair_of(Setting(detail=detail)), world(name), VIEWS // 2, seed=50 + detail)


@details
@pytest.mark.parametrize("name", ["meadow", "walls", "city"])
def test_culling_without_compute_shaders_loses_nothing(pair_of: PairOf, name: str, detail: bool) -> None:
    look_around(pair_of(Setting("instanced", detail)), world(name), FEW, seed=20 + detail)


@pytest.mark.parametrize("name", ["meadow", "walls"])
@pytest.mark.usefixtures("untiring")
def test_what_is_left_out_is_in_no_sample(pair_of: PairOf, name: str) -> None:
    look_around(pair_of(Setting(samples=4)), world(name), FEW, seed=30)


@pytest.mark.usefixtures("untiring")
def test_what_is_left_out_has_no_normals_either(pair_of: PairOf) -> None:
    look_around(pair_of(Setting()), world("walls"), FEW, seed=40, outputs=OUTPUTS)


@details
@pytest.mark.usefixtures("untiring")
def test_random_scenes_lose_nothing(pair_of: PairOf, detail: bool) -> None:
    pair = pair_of(Setting(detail=detail))
    for seed in seeds(2 * FEW):
        scene, camera = random_scene(seed), random_camera(seed)
        for _ in range(2):  # the second knows what the first saw
            wrong = pair.differ(scene, camera)
            assert wrong is None, f"random scene {seed}: {wrong}"
            camera = random_camera(seed + 1000)


@pytest.mark.usefixtures("untiring")
def test_nothing_is_lost_behind_what_a_host_has_drawn(ctx: moderngl.Context) -> None:
    """In a corner of somebody's framebuffer, whose depth buffer holds a wall already."""
    random, around = np.random.default_rng(5), world("walls")
    wall = Scene()
    wall.add(Node(shapes.box(), scale=(8, 3, 1)))
    size = SIZES[0]
    target = ctx.framebuffer([ctx.texture(size, 4)], ctx.depth_texture(size))
    target.viewport = 21, 10, 117, 61
    pair = Pair.of(Setting(), ctx)
    try:
        for number in range(2 * FEW):
            camera = anywhere(random, around)
            if number % 3 == 0:
                disturb(random, around)
            pictures = []
            for renderer in (pair.plain, pair.removing):
                target.clear(0.1, 0.2, 0.3, 1.0)
                pair.plain.draw(wall, Camera(fov=float(20 + number % 100)), target)
                renderer.draw(around.scene, camera, target)
                depth = target.read(attachment=-1, components=1, dtype="f4")
                pictures.append(target.read(components=4) + depth)
            assert pictures[0] == pictures[1], f"view {number}, {camera}"
    finally:
        pair.close()
        ctx.detect_framebuffer(0).use()
        for part in (*target.color_attachments, target.depth_attachment, target):
            part.release()


def test_a_view_goes_on_being_rid_of_what_is_hidden(pair_of: PairOf) -> None:
    """The camera moves a little in each frame: what occlusion removes, it goes on to remove."""
    around = world("walls")
    camera = before_the_walls(around)
    removing = pair_of(Setting(detail=False)).removing
    hidden = []
    for number in range(12):
        nearer = Camera(camera.position + (0, 0.001 * number, 0), camera.target, fov=30)
        hidden.append(removing.render(around.scene, nearer).stats.occluded)
    assert min(hidden[4:]) > 1000, hidden


@pytest.mark.parametrize("mode", ["indirect", "instanced"])
def test_something_is_culled(pair_of: PairOf, mode: str) -> None:
    around = world("walls")
    camera = before_the_walls(around)
    camera.fov = 5
    removing = pair_of(Setting(mode, detail=False)).removing
    for _ in range(4):  # figures of the GPU may be some frames old
        stats = removing.render(around.scene, camera).stats
    assert stats.culled > 1000


# -- the comparison itself -------------------------------------------------------------------------------


def changed(frame: Frame, **pictures: Picture) -> Frame:
    return Frame({name: pictures.get(name, getattr(frame, name)) for name in frame.outputs}, frame.stats)


@pytest.fixture
def seen(pair_of: PairOf) -> tuple[Scene, Frame, Callable[[], Frame], Any]:
    """A scene, its frame, how to draw that again, and the row and column of a pixel that shows a prop."""
    around = world("walls")
    renderer = pair_of(Setting(detail=False)).plain
    renderer.size = SIZES[0]
    camera = Camera(
        _under(around.crowds[0].world_matrix, (0, 3, -20)), around.place(np.random.default_rng(0))
    )
    frame = renderer.render(around.scene, camera, SEEN)
    assert len(np.unique(frame.ids[..., 1])) > 50
    place = np.argwhere(frame.ids[..., 0] == around.crowds[5].id)[0]
    return around.scene, frame, lambda: renderer.render(around.scene, camera, SEEN), tuple(place)


def test_the_comparison_accepts_the_same_picture(seen: Any) -> None:
    scene, frame, again, _ = seen
    assert difference(frame, again(), again, scene) is None


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("channel", [0, 1, 2, 3])
def test_the_comparison_sees_a_pixel_of_another_color(seen: Any, channel: int, step: int) -> None:
    scene, frame, again, place = seen
    color = frame.color.copy()
    color[(*place, channel)] = (int(color[(*place, channel)]) + step) % 256
    wrong = difference(frame, changed(frame, color=color), again, scene)
    assert wrong is not None
    assert wrong.startswith("1 of 14400 pixels are of another color, the first in row ")


@pytest.mark.parametrize("depth", [np.inf, None], ids=["a hole", "the next number"])
def test_the_comparison_sees_a_pixel_at_another_depth(seen: Any, depth: float | None) -> None:
    scene, frame, again, place = seen
    depths = frame.depth.copy()
    depths[place] = np.nextafter(depths[place], np.float32(np.inf)) if depth is None else depth
    wrong = difference(frame, changed(frame, depth=depths), again, scene)
    assert wrong is not None
    assert wrong.startswith("1 of 14400 pixels are at another depth, ")


@pytest.mark.parametrize("kind", ["another instance", "another node", "nothing"])
def test_the_comparison_sees_a_pixel_of_another_instance(seen: Any, kind: str) -> None:
    scene, frame, again, place = seen
    ids = frame.ids.copy()
    if kind == "another instance":
        ids[(*place, 1)] += 1
    else:
        ids[place] = (frame.ids[..., 0].max(), 0) if kind == "another node" else -1
    wrong = difference(frame, changed(frame, ids=ids), again, scene)
    assert wrong is not None
    assert wrong.startswith("1 of 14400 pixels are of an instance that is not at that depth, ")
    assert difference(frame, again(), again, scene) is None  # all is as it was


def test_the_comparison_sees_a_missing_instance(seen: Any) -> None:
    scene, frame, again, place = seen
    number, instance = frame.ids[place].tolist()
    crowd = scene.by_id(number)
    crowd.delete([instance])
    wrong = difference(frame, again(), again, scene)
    assert wrong is not None
    assert "at another depth" in wrong


@pytest.mark.parametrize("nodes", [True, False], ids=["nodes", "crowd"])
def test_the_comparison_forgives_which_of_two_at_the_same_depth_is_seen(pair_of: PairOf, nodes: bool) -> None:
    renderer, scene = pair_of(Setting(detail=False)).plain, Scene()
    renderer.size = SIZES[0]
    if nodes:
        for _ in range(2):
            scene.add(Node(shapes.quad(0.1), position=(0.07, 0.07, 0)))
    else:
        scene.add(Crowd(shapes.quad(0.1), positions=[(0.07, 0.07, 0)] * 2))

    def frame() -> Frame:
        return renderer.render(scene, Camera((0, 0, distance)), SEEN)

    distance = 12.0  # about a pixel
    one = frame()
    ids = one.ids.copy()
    front = ids[..., 0] >= 0
    assert 0 < front.sum() <= 2
    ids[front, 0 if nodes else 1] += 1
    assert difference(one, changed(one, ids=ids), frame, scene) is None
    distance = 1.5  # more pixels than ties could be
    one = frame()
    ids = one.ids.copy()
    ids[ids[..., 0] >= 0, 0 if nodes else 1] += 1
    wrong = difference(one, changed(one, ids=ids), frame, scene)
    assert wrong is not None
    assert "of other instances at the same depth" in wrong
