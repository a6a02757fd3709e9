"""The NumPy tables behind a scene's nodes, and the world transforms computed from them.

A node is a handle on a row. Rows are filled in bulk: nodes that have just joined wait in a list until the
tables are next needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from throng import math3d
from throng.model.looks import Looks
from throng.model.versions import Versions, tick

if TYPE_CHECKING:
    from throng.model.graph import Node

Rows = npt.NDArray[np.int64]

# Up to this many nodes a changed subtree is walked node by node; above, whole levels are swept.
_WALK_LIMIT = 256


class NodeTable:
    """Transforms, colours, visibility and looks of all nodes of one scene, a row each. Row 0 is the scene.

    local, world   (n, 3, 4) float64: relative to the parent, and to the scene
    mirrored       (n,) bool: whether `world` turns left hands into right ones
    moves, paints  versions of `world` and of `color`, row by row
    structure      version of which rows exist, are shown, and look like what
    """

    def __init__(self, root: Node) -> None:
        self.moves = Versions()
        self.paints = Versions()
        self.structure = tick()
        self.looks = Looks()
        self.nodes: list[Node | None] = []
        self._free: list[int] = []
        self._pending: dict[Node, None] = {}
        self._moved: dict[int, None] = {}
        self._reshown: dict[int, None] = {}
        self._levels: list[Rows] | None = None
        self._allocate(64)
        self.join([root])

    def _allocate(self, capacity: int) -> None:
        def grown(name: str, shape: tuple[int, ...], dtype: Any) -> None:
            array = np.zeros((capacity, *shape), dtype)
            old = getattr(self, name, None)
            if old is not None:
                array[: len(old)] = old
            setattr(self, name, array)

        self.position: npt.NDArray[np.float64]
        self.rotation: npt.NDArray[np.float64]
        self.scale: npt.NDArray[np.float64]
        self.color: npt.NDArray[np.float64]
        self.local: npt.NDArray[np.float64]
        self.world: npt.NDArray[np.float64]
        self.parent: npt.NDArray[np.int64]
        self.depth: npt.NDArray[np.int32]
        self.mirrored: npt.NDArray[np.bool_]
        self.visible: npt.NDArray[np.bool_]
        self.shown: npt.NDArray[np.bool_]
        self.look: npt.NDArray[np.int32]
        self.slot: npt.NDArray[np.int64]
        self.id: npt.NDArray[np.int32]
        grown("position", (3,), np.float64)
        grown("rotation", (4,), np.float64)
        grown("scale", (3,), np.float64)
        grown("color", (4,), np.float64)
        grown("local", (3, 4), np.float64)
        grown("world", (3, 4), np.float64)
        grown("parent", (), np.int64)
        grown("depth", (), np.int32)
        grown("mirrored", (), np.bool_)
        grown("visible", (), np.bool_)
        grown("shown", (), np.bool_)
        grown("look", (), np.int32)
        grown("slot", (), np.int64)  # the node's place among its look's rows
        grown("id", (), np.int32)

    # -- what nodes call ---------------------------------------------------------------------------

    def join(self, nodes: Iterable[Node]) -> None:
        """`nodes`, parents before children, wait for rows of their own."""
        self._pending.update(dict.fromkeys(nodes))

    def leave(self, nodes: Sequence[Node]) -> None:
        """`nodes` take their values back; their rows become free."""
        for node in nodes:
            if node._row < 0:
                self._pending.pop(node, None)
                continue
            row = node._row
            node._values = self.row_values(row)
            node._row = -1
            if self.shown[row]:
                self._forget(row)
            self.shown[row] = False
            self.looks.drop(int(self.look[row]))
            self.nodes[row] = None
            self._moved.pop(row, None)
            self._reshown.pop(row, None)
            self._free.append(row)
        self._levels = None
        self.structure = tick()

    def row_values(self, row: int) -> tuple[Any, ...]:
        """Position, rotation, scale, colour and visibility, as a node outside any scene keeps them."""
        return (
            tuple(self.position[row].tolist()),
            tuple(self.rotation[row].tolist()),
            tuple(self.scale[row].tolist()),
            tuple(self.color[row].tolist()),
            bool(self.visible[row]),
        )

    def moved(self, row: int) -> None:
        self._moved[row] = None

    def recolored(self, row: int) -> None:
        self.paints.mark(slice(row, row + 1), len(self.nodes))

    def reshown(self, row: int) -> None:
        self._reshown[row] = None

    def reparented(self, nodes: Sequence[Node]) -> None:
        """The first of `nodes` has a new parent; the others are its descendants."""
        for node in nodes:
            if node._row >= 0:
                self.depth[node._row] = node._depth
        root = nodes[0]
        if root._row >= 0:
            assert root._parent is not None
            if root._parent._row < 0:
                self._fill()
            self.parent[root._row] = root._parent._row
            self.moved(root._row)
            self.reshown(root._row)
        self._levels = None

    def looked(self, node: Node) -> None:
        """The node's mesh or material is another one."""
        row = node._row
        if self.shown[row]:
            self._forget(row)
        before = int(self.look[row])
        self.look[row] = self.looks.take(node)  # before the other is dropped: it may be the same
        self.looks.drop(before)
        if self.shown[row]:
            self._remember(row)
        self.structure = tick()

    # -- what readers call -------------------------------------------------------------------------

    def update(self) -> None:
        """Brings rows, world transforms and visibility up to date. Costs nothing where nothing changed."""
        if self._pending:
            self._fill()
        if self._reshown:
            self._update_shown()
        if self._moved:
            self._update_world()

    def _fill(self) -> None:
        nodes = list(self._pending)
        self._pending.clear()
        rows = [self._free.pop() for _ in range(min(len(self._free), len(nodes)))]
        first = len(self.nodes)
        rows += range(first, first + len(nodes) - len(rows))
        self.nodes += [None] * (max(rows) + 1 - len(self.nodes))
        if len(self.nodes) > len(self.position):
            self._allocate(max(len(self.nodes), 2 * len(self.position)))
        for node, row in zip(nodes, rows, strict=True):
            self.nodes[row] = node
            node._row = row
        at = np.array(rows)
        values = list(zip(*[node._values for node in nodes], strict=True))
        for name, column in zip(("position", "rotation", "scale", "color", "visible"), values, strict=True):
            getattr(self, name)[at] = column
        self.paints.mark(at, len(self.nodes))
        self.parent[at] = [0 if node._parent is None else node._parent._row for node in nodes]
        self.depth[at] = [node._depth for node in nodes]
        self.id[at] = [node._id for node in nodes]
        self.look[at] = [self.looks.take(node) for node in nodes]
        self.shown[at] = False
        self._moved.update(dict.fromkeys(rows))
        self._reshown.update(dict.fromkeys(rows))
        self._levels = None
        self.structure = tick()

    def _update_shown(self) -> None:
        for rows in self._subtrees(self._reshown):
            shown = self.visible[rows] & (self.shown[self.parent[rows]] | (rows == 0))
            changed = rows[shown != self.shown[rows]]
            self.shown[rows] = shown
            for row in changed.tolist():
                if self.shown[row]:
                    self._remember(row)
                else:
                    self._forget(row)
        self._reshown.clear()
        self.structure = tick()

    def _update_world(self) -> None:
        moved = np.fromiter(self._moved, np.int64, len(self._moved))
        self.local[moved] = math3d.affines(self.position[moved], self.rotation[moved], self.scale[moved])
        everything: list[Rows] = []
        for rows in self._subtrees(self._moved):
            everything.append(rows)
            negative = np.take(self.scale, rows, axis=0) < 0
            flips = negative[:, 0] ^ negative[:, 1] ^ negative[:, 2]
            if rows[0] == 0:
                self.world[0], self.mirrored[0] = self.local[0], flips[0]
                continue
            parents = self.parent[rows]
            # take() copies whole rows: a third of the time of indexing.
            outer, inner = np.take(self.world, parents, axis=0), np.take(self.local, rows, axis=0)
            self.world[rows] = math3d.combine(outer, inner)
            self.mirrored[rows] = self.mirrored[parents] ^ flips
        self.moves.mark(np.concatenate(everything), len(self.nodes))
        self._moved.clear()

    def _subtrees(self, roots: dict[int, None]) -> list[Rows]:
        """The rows of `roots` and of all that hangs below them, level by level, each row once."""
        walked = self._walk(roots)
        if walked is not None:
            return walked
        levels = self._all_levels()
        touched = np.zeros(len(self.nodes), np.bool_)
        touched[np.fromiter(roots, np.int64, len(roots))] = True
        result = []
        for rows in levels:
            touched[rows] |= touched[self.parent[rows]]
            below = rows[touched[rows]]
            if below.size:
                result.append(below)
        return result

    def _walk(self, roots: dict[int, None]) -> list[Rows] | None:
        """The same, node by node; None where there are more than _WALK_LIMIT of them."""
        if len(roots) > _WALK_LIMIT:
            return None
        found: dict[int, int] = {}
        stack = list(roots)
        while stack:
            row = stack.pop()
            if row in found:
                continue
            node = self.nodes[row]
            assert node is not None
            found[row] = node._depth
            if len(found) + len(stack) + len(node._children) > _WALK_LIMIT:
                return None
            stack += [child._row for child in node._children if child._row >= 0]
        by_depth: dict[int, list[int]] = {}
        for row, depth in found.items():
            by_depth.setdefault(depth, []).append(row)
        return [np.array(by_depth[depth]) for depth in sorted(by_depth)]

    def _all_levels(self) -> list[Rows]:
        if self._levels is None:
            alive = np.array([row for row, node in enumerate(self.nodes) if node is not None])
            order = alive[np.argsort(self.depth[alive], kind="stable")]
            counts = np.bincount(self.depth[order])
            self._levels = np.split(order, np.cumsum(counts)[:-1])
        return self._levels

    # -- looks -------------------------------------------------------------------------------------

    def _remember(self, row: int) -> None:
        if self.look[row] >= 0:
            look = self.looks[self.look[row]]
            look.rows[row] = None
            look.version = self.structure = tick()

    def _forget(self, row: int) -> None:
        if self.look[row] >= 0:
            look = self.looks[self.look[row]]
            look.rows.pop(row, None)
            look.version = self.structure = tick()
