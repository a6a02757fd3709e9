"""Scene -> batches: incremental, by version, so that any number of renderers can draw one scene."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.batching.instances import CrowdInstances, Instances, NodeInstances
from throng.batching.key import BatchKey
from throng.batching.materials import Materials
from throng.model.crowd import Crowd
from throng.model.graph import Scene
from throng.model.looks import Look
from throng.model.material import Material
from throng.model.mesh import Parts
from throng.model.table import NodeTable
from throng.model.versions import tick

Doubles = npt.NDArray[np.float64]

_IDENTITY: Doubles = np.eye(4)[:3]
_WHITE: Doubles = np.ones(4)


@dataclass
class Batch:
    """Instances of one mesh that are drawn together.

    object_id  the crowd's id; -1 for nodes, whose ids stand in a column
    world      (3, 4) float64: the crowd's transform; the identity for nodes, which bring their own
    tint       (4,) linear colour of the crowd, and alpha
    part       which part of its model the mesh is; 0 for nodes
    material   the row of the model's first part's material; nodes' are in a column
    surface    the material, where all instances have the same: those of crowds
    textured   whether any has a texture of its colour
    turns      whether `world` does more than to shift
    mirrors    whether `world` turns left hands into right ones
    """

    key: BatchKey
    instances: Instances
    object_id: int
    world: Doubles = field(default_factory=lambda: _IDENTITY)
    tint: Doubles = field(default_factory=lambda: _WHITE)
    part: int = 0
    material: int = 0
    surface: Material | None = None
    textured: bool = False
    turns: bool = False
    mirrors: bool = False

    def place(self, world: Doubles, tint: Doubles) -> None:
        """Under another transform, in another colour."""
        self.world, self.tint = world, tint
        self.turns = bool((world[:, :3] != _IDENTITY[:, :3]).any())
        self.mirrors = bool(math3d.mirrored(world))


class Collector:
    """Keeps the batches of one scene up to date, for one renderer.

    version    changes whenever the list of batches, the number of instances, their columns, or what a crowd's
               transform does (turn, mirror) are others
    values     changes whenever a crowd's transform or colour does
    instances  how many there are, each counted once, whatever its parts
    materials  a Materials: those of all batches
    """

    def __init__(self) -> None:
        self.materials = Materials()
        self.batches: list[Batch] = []
        self.version = 0
        self.values = 0
        self.instances = 0
        self._structure = -1
        self._shapes: list[tuple[int, bool, bool]] = []
        self._moves = -1
        self._paints = -1
        self._looks: dict[int, tuple[Look, int]] = {}  # as they were gathered last, with their versions
        self._crowds: dict[Crowd, CrowdInstances] = {}
        self._crowd_batches: dict[Crowd, list[Batch]] = {}
        self._groups: dict[tuple[BatchKey, int], NodeInstances] = {}

    def update(self, scene: Scene) -> list[Batch]:
        """The scene's batches as they now are. Costs nothing per instance where nothing changed."""
        table = scene.update()
        structural = table.structure != self._structure
        if structural:
            self._structure = table.structure
            self._update_groups(table)
            self._crowds = {crowd: self._crowds.get(crowd) or CrowdInstances(crowd) for crowd in scene.crowds}
        for instances in self._crowds.values():
            instances.update()
        if structural or (table.moves.latest, table.paints.latest) != (self._moves, self._paints):
            crowd_moved = self._update_nodes(table)
            if structural:
                self._list_batches(table)
            elif crowd_moved:
                self._update_values(table)
        shapes = [(batch.instances.shape, batch.turns, batch.mirrors) for batch in self.batches]
        if structural or shapes != self._shapes:
            self._shapes = shapes
            self.version = tick()
            crowds = sum(len(crowd) for crowd in self._crowds if table.shown[crowd._row])
            self.instances = crowds + sum(len(look.rows) for look in table.looks)
        return self.batches

    def sources(self) -> list[Instances]:
        """All instances that are worth keeping on the GPU, those of hidden crowds too."""
        return [*self._crowds.values(), *self._groups.values()]

    def _update_groups(self, table: NodeTable) -> None:
        touched: dict[tuple[BatchKey, int], None] = {}
        looked_at = sum(len(look.parts) for look in table.looks)
        if self.materials.forget(looked_at + sum(len(crowd.parts) for crowd in self._crowds)):
            self._looks.clear()
            self._groups.clear()
        for number, look in enumerate(table.looks):
            known, version = self._looks.get(number, (None, -1))
            if known is look and version == look.version:
                continue
            self._looks[number] = look, look.version
            if known is not None and known is not look:  # nobody looked like that any more
                for key, _ in _group_keys(known.parts):
                    touched[key] = None
                    del self._groups[key].looks[number]
            for key, material in _group_keys(look.parts):
                touched[key] = None
                if known is not look:
                    group = self._groups.setdefault(key, NodeInstances())
                    group.looks[number] = self.materials.row((material,))
        for key in touched:
            if self._groups[key].looks:
                self._groups[key].rebuild(table)
            else:
                del self._groups[key]

    def _update_nodes(self, table: NodeTable) -> bool:
        """Packs the nodes that moved or changed colour; whether a crowd's own node did."""
        moved = table.moves.rows_since(self._moves, len(table.nodes))
        painted = table.paints.rows_since(self._paints, len(table.nodes))
        self._moves, self._paints = table.moves.latest, table.paints.latest
        if moved.size:
            for group in self._groups_of(table, moved):
                group.move(table, moved)
        if painted.size:
            for group in self._groups_of(table, painted):
                group.paint(table, painted)
        crowds = [crowd._row for crowd in self._crowds]
        return bool(crowds) and bool(np.isin(crowds, moved).any() or np.isin(crowds, painted).any())

    def _groups_of(self, table: NodeTable, rows: npt.NDArray[np.int64]) -> list[NodeInstances]:
        """The groups that nodes in these rows of the table may belong to."""
        numbers = np.unique(table.look[rows]).tolist()
        keys = [key for number in numbers if number >= 0 for key, _ in _group_keys(table.looks[number].parts)]
        return [self._groups[key] for key in dict.fromkeys(keys)]

    def _list_batches(self, table: NodeTable) -> None:
        self._crowd_batches = {
            crowd: [
                Batch(
                    BatchKey.of(mesh, material, crowd.parts),
                    instances,
                    crowd.id,
                    part=part,
                    material=row,
                    surface=material,
                    textured=material.color_texture is not None,
                )
                for row in [self.materials.row([material for _, material in crowd.parts])]
                for part, (mesh, material) in enumerate(crowd.parts)
            ]
            for crowd, instances in self._crowds.items()
            if table.shown[crowd._row]
        }
        self.batches = [batch for batches in self._crowd_batches.values() for batch in batches]
        for (key, _), group in self._groups.items():
            if group.count:
                rows = self.materials.rows
                textured = any(rows[row].color_texture is not None for row in group.looks.values())
                self.batches.append(Batch(key, group, -1, textured=textured))
        self._update_values(table)

    def _update_values(self, table: NodeTable) -> None:
        """Gives the batches of crowds their transforms and colours as they now are."""
        for crowd, batches in self._crowd_batches.items():
            color = math3d.linear_color(table.color[crowd._row])
            for batch in batches:
                batch.place(table.world[crowd._row].copy(), color)
        self.values = tick()


def _group_keys(parts: Parts) -> list[tuple[tuple[BatchKey, int], Material]]:
    """The groups that a node of these parts belongs to: a second part of equal key goes to a second group."""
    seen: dict[BatchKey, int] = {}
    keys = []
    for mesh, material in parts:
        key = BatchKey.of(mesh, material, parts)
        occurrence = seen.get(key, 0)
        seen[key] = occurrence + 1
        keys.append(((key, occurrence), material))
    return keys
