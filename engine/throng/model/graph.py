"""The scene graph: nodes, and the scene at their root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from throng import arrays, math3d
from throng.errors import GraphError, InvalidIndex, InvalidType, InvalidValue
from throng.layout import MOST_MOVERS
from throng.model.column import read_only
from throng.model.light import Ambient, Fog, PointLight, Sun
from throng.model.material import Material, Mover, Wind
from throng.model.mesh import Mesh, Model, Parts, parts_of
from throng.model.sky import Sky
from throng.model.table import NodeTable

TONE_MAPPINGS = ("neutral", "aces")
TRANSPARENCIES = ("weighted", "sorted")

_IDENTITY = (0.0, 0.0, 0.0, 1.0)
_ORIGIN = (0.0, 0.0, 0.0)
_ONE = (1.0, 1.0, 1.0)
_WHITE = (1.0, 1.0, 1.0, 1.0)

AnyNode = TypeVar("AnyNode", bound="Node")


class Node:
    """A place in a scene, with or without something to draw there. Children inherit its transform.

    mesh      a Mesh, a Model, or None for a node that only carries others
    material  a Material; in place of the model's own where `mesh` is a Model
    position  metres, relative to the parent
    rotation  quaternion (x, y, z, w), normalised on entry
    scale     one number, or three; zero and negative ones are allowed
    color     sRGB; multiplies the material's in linear light
    name      for people; need not be unique

    Everything but the name may be set again at any time. What attributes hand out are copies: write
    `node.position = ...` or `node.position += ...`. Nodes whose meshes are equal are drawn together.

    Raises InvalidValue or InvalidType, naming the argument.
    """

    __slots__ = (
        "__weakref__", "_children", "_depth", "_id", "_material", "_mesh", "_parent", "_row", "_scene",
        "_values", "name",
    )  # fmt: skip

    def __init__(
        self,
        mesh: Mesh | Model | None = None,
        material: Material | None = None,
        *,
        position: npt.ArrayLike = _ORIGIN,
        rotation: npt.ArrayLike = _IDENTITY,
        scale: npt.ArrayLike = _ONE,
        color: npt.ArrayLike = _WHITE,
        name: str = "",
    ) -> None:
        if mesh is not None or material is not None:
            _check_drawn(mesh, material)
        self._mesh = mesh
        self._material = material
        self._values = (
            _ORIGIN if position is _ORIGIN else arrays.vector3(position, "position"),
            _IDENTITY if rotation is _IDENTITY else arrays.quaternion(rotation, "rotation"),
            _ONE if scale is _ONE else arrays.scale3(scale, "scale"),
            _WHITE if color is _WHITE else arrays.rgba(color, "color"),
            True,
        )
        self.name = name
        self._children: dict[Node, None] = {}
        self._parent: Node | None = None
        self._scene: Scene | None = None
        self._row = -1
        self._id = -1
        self._depth = 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise InvalidType(
            f"{self!r}: expected a node to stay where it is, got it copied or pickled: make another one"
        )

    # -- the tree ----------------------------------------------------------------------------------

    def add(self, child: AnyNode) -> AnyNode:
        """Makes `child`, with all that hangs below it, a child of this node; returns it.

        A child that already hangs in the same tree moves here. Raises GraphError where it belongs to
        another scene, is a scene, or is this node or an ancestor of it.
        """
        if not isinstance(child, Node):
            raise InvalidType(f"child: expected a Node, got {arrays.described(child)}")
        self._check_adoption(child)
        if child._parent is not None:
            del child._parent._children[child]
        child._parent = self
        self._children[child] = None
        if self._scene is None and not child._children:
            child._depth = self._depth + 1
            return child
        self._adopt(child)
        return child

    def remove(self, child: Node) -> None:
        """Takes `child`, with all that hangs below it, out of the tree. It keeps its own transform."""
        if not isinstance(child, Node):
            raise InvalidType(f"child: expected a Node, got {arrays.described(child)}")
        if child._parent is not self:
            raise GraphError(f"child: expected a child of {self!r}, got {child!r}")
        del self._children[child]
        child._parent = None
        family = child._family()
        scene = self._scene
        if scene is not None:
            scene.tables.leave(family)
        for node in family:
            node._depth -= self._depth + 1
            if scene is not None:
                scene._leave(node)

    def _check_adoption(self, child: Node) -> None:
        if isinstance(child, Scene):
            raise GraphError("child: expected a node that is not a scene, got a Scene")
        if child._scene is not None and child._scene is not self._scene:
            raise GraphError(
                f"child: expected a node of no other scene, got {child!r}: remove it there first"
            )
        if child._parent is not None and child._scene is not self._scene:
            raise GraphError(f"child: expected a node without a parent, got {child!r}: remove it there first")
        if child._children or child is self:
            above: Node | None = self
            while above is not None:
                if above is child:
                    raise GraphError(f"child: expected a node that is not above {self!r}, got {child!r}")
                above = above._parent

    def _adopt(self, child: Node) -> None:
        family = child._family()
        shift = self._depth + 1 - child._depth
        for node in family:
            node._depth += shift
        scene = self._scene
        if scene is None:
            return
        if child._scene is scene:
            scene.tables.reparented(family)
            return
        for node in family:
            scene._join(node)
        scene.tables.join(family)

    def _family(self) -> list[Node]:
        """This node and all below it, parents before children."""
        family: list[Node] = [self]
        for node in family:
            if node._children:
                family.extend(node._children)
        return family

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes right below this one, in the order in which they came."""
        return tuple(self._children)

    @property
    def parent(self) -> Node | None:
        """The node that this one hangs from; None for a scene and for what was never added."""
        return self._parent

    @property
    def scene(self) -> Scene | None:
        """The scene that the node is in, or None."""
        return self._scene

    @property
    def id(self) -> int:
        """The node's number in its scene, given when it joins and never used again; -1 outside a scene."""
        return self._id

    # -- what it draws -----------------------------------------------------------------------------

    @property
    def mesh(self) -> Mesh | Model | None:
        """What is drawn here: a Mesh, a Model, or None."""
        return self._mesh

    @mesh.setter
    def mesh(self, value: Mesh | Model | None) -> None:
        self._set_drawn(value, self._material)

    @property
    def material(self) -> Material | None:
        """What it is drawn with; None for the model's own, or a white one."""
        return self._material

    @material.setter
    def material(self, value: Material | None) -> None:
        self._set_drawn(self._mesh, value)

    def _set_drawn(self, mesh: Mesh | Model | None, material: Material | None) -> None:
        _check_drawn(mesh, material)
        self._mesh, self._material = mesh, material
        if self._row >= 0:
            self._table.looked(self)

    @property
    def parts(self) -> Parts:
        """The (mesh, material) pairs that are drawn: none without a mesh."""
        return () if self._mesh is None else parts_of(self._mesh, self._material)

    def _is_crowd(self) -> bool:
        return False

    # -- values ------------------------------------------------------------------------------------

    @property
    def _table(self) -> NodeTable:
        assert self._scene is not None
        return self._scene.tables

    def _get(self, place: int, column: str) -> npt.NDArray[np.float64]:
        inside = self._row >= 0
        values = getattr(self._table, column)[self._row].copy() if inside else np.array(self._values[place])
        copy: npt.NDArray[np.float64] = read_only(values)
        return copy

    def _set(self, place: int, column: str, value: Any) -> bool:
        """Whether the value went into the table, rather than into the node itself."""
        if self._row >= 0:
            getattr(self._table, column)[self._row] = value
            return True
        values: list[Any] = list(self._values)
        values[place] = value
        self._values = tuple(values)
        return False

    @property
    def position(self) -> npt.NDArray[np.float64]:
        """(3,) float64, metres, relative to the parent."""
        return self._get(0, "position")

    @position.setter
    def position(self, value: npt.ArrayLike) -> None:
        if self._set(0, "position", arrays.vector3(value, "position")):
            self._table.moved(self._row)

    @property
    def rotation(self) -> npt.NDArray[np.float64]:
        """(4,) float64: a unit quaternion (x, y, z, w)."""
        return self._get(1, "rotation")

    @rotation.setter
    def rotation(self, value: npt.ArrayLike) -> None:
        if self._set(1, "rotation", arrays.quaternion(value, "rotation")):
            self._table.moved(self._row)

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """(3,) float64."""
        return self._get(2, "scale")

    @scale.setter
    def scale(self, value: npt.ArrayLike) -> None:
        if self._set(2, "scale", arrays.scale3(value, "scale")):
            self._table.moved(self._row)

    @property
    def color(self) -> npt.NDArray[np.float64]:
        """(4,) float64, sRGB with straight alpha, 0..1."""
        return self._get(3, "color")

    @color.setter
    def color(self, value: npt.ArrayLike) -> None:
        if self._set(3, "color", arrays.rgba(value, "color")):
            self._table.recolored(self._row)

    @property
    def visible(self) -> bool:
        """Whether the node, and with it everything below it, is drawn."""
        return bool(self._table.visible[self._row]) if self._row >= 0 else bool(self._values[4])

    @visible.setter
    def visible(self, value: bool) -> None:
        if self._set(4, "visible", arrays.flag(value, "visible")):
            self._table.reshown(self._row)

    @property
    def world_matrix(self) -> npt.NDArray[np.float64]:
        """(4, 4) float64: from the node's own space to the scene's, up to date."""
        if self._scene is not None:
            self._table.update()
            return math3d.as_matrix(self._table.world[self._row])
        line: list[Node] = []
        above: Node | None = self
        while above is not None:
            line.append(above)
            above = above._parent
        positions, rotations, scales = (
            np.array(part) for part in list(zip(*(node._values for node in line), strict=True))[:3]
        )
        world, *outer = math3d.affines(positions, rotations, scales)
        for affine in outer:
            world = math3d.combine(affine, world)
        return math3d.as_matrix(world)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        number = f" id {self._id}" if self._id >= 0 else ""
        return f"<{type(self).__name__}{name}{number}>"


class Scene(Node):
    """The root of a graph, and the looks that belong to the whole of it.

    background    what is seen where nothing is, sRGB; its alpha is the picture's there
    sun           a Sun, or None for no sun
    ambient       light from all around: an sRGB colour, an Ambient, or None for what comes from the sky
    lights        PointLights
    fog           a Fog, or None for clear air
    sky           a Sky, or None for the background
    exposure      stops: each doubles the light that the picture shows
    tone_mapping  how light brighter than white is brought into the picture: "neutral" leaves colours as they
                  are up to 0.8 (Khronos), "aces" gives the look of film; None: it is cut
    wind          a Wind: for materials with that motion
    movers        Movers, at most 16: they push aside what the wind bends
    transparency  how blended materials over each other are mixed: "weighted", in any order, the nearer
                  counting for more; or "sorted", instance by instance from the farthest to the nearest: exact
                  but where instances run into each other, and slower
    time          seconds; what materials with a motion are a function of

    Unlit materials and the background are shown as they are: neither fog nor exposure nor tone mapping
    changes them.

    All can be set. A scene belongs to one thread at a time.
    """

    __slots__ = (
        "_ambient",
        "_background",
        "_by_id",
        "_crowds",
        "_exposure",
        "_fog",
        "_lights",
        "_movers",
        "_next_id",
        "_sky",
        "_sun",
        "_time",
        "_tone_mapping",
        "_transparency",
        "_wind",
        "in_use",
        "tables",
    )

    def __init__(
        self,
        *,
        background: npt.ArrayLike = (0.62, 0.73, 0.83),
        sun: Sun | None = Sun(),  # noqa: B008 - frozen
        ambient: npt.ArrayLike | Ambient | None = (0.60, 0.65, 0.72),
        lights: Sequence[PointLight] = (),
        fog: Fog | None = None,
        sky: Sky | None = None,
        exposure: float = 0.0,
        tone_mapping: str | None = None,
        wind: Wind = Wind(),  # noqa: B008 - frozen
        movers: Sequence[Mover] = (),
        transparency: str = "weighted",
        time: float = 0.0,
    ) -> None:
        super().__init__(name="scene")
        self._by_id: dict[int, Node] = {}
        self._crowds: dict[Any, None] = {}  # Crowds: crowd.py builds on this module
        self._next_id = 0
        self._scene = self
        self._join(self)
        self.tables = NodeTable(self)
        self.in_use = 0  # the thread that is drawing the scene
        self.background = background
        self.sun = sun
        self.ambient = ambient
        self.lights = lights
        self.fog = fog
        self.sky = sky
        self.exposure = exposure
        self.tone_mapping = tone_mapping
        self.wind = wind
        self.movers = movers
        self.transparency = transparency
        self.time = time

    def by_id(self, node_id: int) -> Node:
        """The node that has this id. Raises InvalidIndex where the scene has none such."""
        number = arrays.integer(node_id, "node_id")
        try:
            return self._by_id[number]
        except KeyError:
            raise InvalidIndex(f"node_id: expected the id of a node of this scene, got {number}") from None

    def update(self) -> NodeTable:
        """Brings all world transforms up to date; returns the tables behind the nodes."""
        self.tables.update()
        return self.tables

    @property
    def crowds(self) -> tuple[Any, ...]:
        """All crowds of the scene, in the order in which they joined."""
        return tuple(self._crowds)

    @property
    def bounds(self) -> npt.NDArray[np.float64]:
        """(2, 3) float64, metres: a box around everything that is shown, motion included.

        Raises InvalidValue where the scene shows nothing.
        """
        table = self.update()
        boxes = [
            _moving_box(
                table.world[np.fromiter(look.rows, np.int64)], mesh, material, pushed=bool(self._movers)
            )
            for look in table.looks
            for mesh, material in look.parts
            if look.rows
        ]
        boxes += [crowd.bounds[:, None] for crowd in self._crowds if table.shown[crowd._row] and len(crowd)]
        if not boxes:
            raise InvalidValue("bounds: expected a scene that shows something, got an empty one")
        corners = np.concatenate(boxes, axis=1)
        return np.stack([corners[0].min(axis=0), corners[1].max(axis=0)])

    @property
    def background(self) -> tuple[float, float, float, float]:
        """(4,) sRGB with straight alpha: what is seen where nothing is."""
        return self._background

    @background.setter
    def background(self, value: npt.ArrayLike) -> None:
        self._background = arrays.rgba(value, "background")

    @property
    def sun(self) -> Sun | None:
        """The Sun, or None for no sun."""
        return self._sun

    @sun.setter
    def sun(self, value: Sun | None) -> None:
        if value is not None and not isinstance(value, Sun):
            raise InvalidType(f"sun: expected a Sun or None, got {arrays.described(value)}")
        self._sun = value

    @property
    def ambient(self) -> tuple[float, float, float, float] | Ambient | None:
        """Light from all around: (4,) sRGB, or an Ambient. None: what comes from the sky, if there is one."""
        return self._ambient

    @ambient.setter
    def ambient(self, value: npt.ArrayLike | Ambient | None) -> None:
        if value is None or isinstance(value, Ambient):
            self._ambient: tuple[float, float, float, float] | Ambient | None = value
        else:
            self._ambient = arrays.rgba(value, "ambient")

    @property
    def lights(self) -> tuple[PointLight, ...]:
        """Lights beside the sun: set it to a sequence of PointLights."""
        return self._lights

    @lights.setter
    def lights(self, value: Sequence[PointLight]) -> None:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidType(f"lights: expected a sequence of PointLights, got {arrays.described(value)}")
        for number, light in enumerate(value):
            if not isinstance(light, PointLight):
                raise InvalidType(f"lights[{number}]: expected a PointLight, got {arrays.described(light)}")
        self._lights = tuple(value)

    @property
    def wind(self) -> Wind:
        """The Wind: for materials with that motion."""
        return self._wind

    @wind.setter
    def wind(self, value: Wind) -> None:
        if not isinstance(value, Wind):
            raise InvalidType(f"wind: expected a Wind, got {arrays.described(value)}")
        self._wind = value

    @property
    def movers(self) -> tuple[Mover, ...]:
        """What pushes plants aside: set it to a sequence of Movers, at most 16, whenever they have moved."""
        return self._movers

    @movers.setter
    def movers(self, value: Sequence[Mover]) -> None:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidType(f"movers: expected a sequence of Movers, got {arrays.described(value)}")
        for number, mover in enumerate(value):
            if not isinstance(mover, Mover):
                raise InvalidType(f"movers[{number}]: expected a Mover, got {arrays.described(mover)}")
        if len(value) > MOST_MOVERS:
            raise InvalidValue(f"movers: expected at most {MOST_MOVERS}, got {len(value)}")
        self._movers = tuple(value)

    @property
    def fog(self) -> Fog | None:
        """The Fog, or None for clear air."""
        return self._fog

    @fog.setter
    def fog(self, value: Fog | None) -> None:
        if value is not None and not isinstance(value, Fog):
            raise InvalidType(f"fog: expected a Fog or None, got {arrays.described(value)}")
        self._fog = value

    @property
    def sky(self) -> Sky | None:
        """The Sky, lit by the scene's sun, or None: the background is seen."""
        return self._sky

    @sky.setter
    def sky(self, value: Sky | None) -> None:
        if value is not None and not isinstance(value, Sky):
            raise InvalidType(f"sky: expected a Sky or None, got {arrays.described(value)}")
        self._sky = value

    @property
    def exposure(self) -> float:
        """Stops: each doubles the light that the picture shows."""
        return self._exposure

    @exposure.setter
    def exposure(self, value: float) -> None:
        self._exposure = arrays.number(value, "exposure", low=-64.0, high=64.0)

    @property
    def tone_mapping(self) -> str | None:
        """How light brighter than white is brought into the picture, by TONE_MAPPINGS; None: it is cut."""
        return self._tone_mapping

    @tone_mapping.setter
    def tone_mapping(self, value: str | None) -> None:
        self._tone_mapping = None if value is None else arrays.choice(value, "tone_mapping", TONE_MAPPINGS)

    @property
    def transparency(self) -> str:
        """How blended materials that lie over each other are mixed: "weighted" or "sorted"."""
        return self._transparency

    @transparency.setter
    def transparency(self, value: str) -> None:
        self._transparency = arrays.choice(value, "transparency", TRANSPARENCIES)

    @property
    def time(self) -> float:
        """Seconds; what materials with a motion are a function of."""
        return self._time

    @time.setter
    def time(self, value: float) -> None:
        self._time = arrays.number(value, "time")

    def _join(self, node: Node) -> None:
        node._scene = self
        node._id = self._next_id
        self._next_id += 1
        self._by_id[node._id] = node
        if node._is_crowd():
            self._crowds[node] = None

    def _leave(self, node: Node) -> None:
        del self._by_id[node._id]
        self._crowds.pop(node, None)
        node._scene = None
        node._id = -1


def _moving_box(
    worlds: npt.NDArray[np.float64], mesh: Mesh, material: Material, *, pushed: bool
) -> npt.NDArray[np.float64]:
    """(2, n, 3): boxes around `mesh` under each of (n, 3, 4), with room for the material's motion.

    pushed  whether there are movers
    """
    own = 0.0 if material.shader is None else material.shader.reach
    boxes = math3d.transformed_box(worlds, mesh.bounds + np.array([[-own], [own]]))
    if material.motion is not None:
        height = float(np.abs(boxes - worlds[..., 3])[..., 1].max())
        reach = material.motion.reach(height, pushed=pushed)
        boxes += np.array([-reach, reach])[:, None, None]
    return boxes


def _check_drawn(mesh: Any, material: Any) -> None:
    if mesh is None:
        if material is not None:
            raise InvalidValue("material: expected None for a node without a mesh, got a Material")
        return
    parts_of(mesh, material)
