"""What the nodes of one scene look like, each look once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from throng.model.mesh import Parts
from throng.model.versions import tick

if TYPE_CHECKING:
    from throng.model.graph import Node


class Look:
    """The (mesh, material) pairs that some nodes share, and the rows of those that are shown.

    users  how many nodes of the scene look like this, shown or not
    """

    __slots__ = ("identities", "parts", "rows", "users", "version")

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.rows: dict[int, None] = {}  # a set that keeps its order
        self.users = 0
        self.version = tick()
        self.identities: set[tuple[int, int]] = set()  # under which `Looks` knows it


class Looks:
    """Looks by number. One that no node has any more becomes an empty one, and its number is free again."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._numbers: dict[Parts, int] = {}
        # Hashing a material costs more than finding a pair of objects that was seen before. The objects are
        # kept, so that no others can have their identity.
        self._by_identity: dict[tuple[int, int], tuple[int, Any, Any]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._looks)

    def __iter__(self) -> Iterator[Look]:
        return iter(self._looks)

    def __getitem__(self, number: int) -> Look:
        return self._looks[number]

    def take(self, node: Node) -> int:
        """The number of the node's look, which has one user more; -1 for a node that draws nothing itself."""
        if node._mesh is None or node._is_crowd():
            return -1
        identity = id(node._mesh), id(node._material)
        known = self._by_identity.get(identity)
        number = self._number(node, identity) if known is None else known[0]
        self._looks[number].users += 1
        return number

    def drop(self, number: int) -> None:
        """The look has one user less."""
        if number < 0:
            return
        look = self._looks[number]
        look.users -= 1
        if look.users == 0:
            del self._numbers[look.parts]
            for identity in look.identities:
                del self._by_identity[identity]
            self._looks[number] = Look(())
            self._free.append(number)

    def _number(self, node: Node, identity: tuple[int, int]) -> int:
        parts = node.parts
        number = self._numbers.get(parts)
        if number is None:
            number = self._free.pop() if self._free else len(self._looks)
            self._looks[number : number + 1] = [Look(parts)]
            self._numbers[parts] = number
        look = self._looks[number]
        if len(look.identities) > _MOST_IDENTITIES:
            for old in look.identities:
                del self._by_identity[old]
            look.identities.clear()
        look.identities.add(identity)
        self._by_identity[identity] = number, node._mesh, node._material
        return number


_MOST_IDENTITIES = 1024  # of equal meshes and materials that are different objects
