"""The materials of one scene by number, so that what differs in nothing else shares a draw."""

from __future__ import annotations

from collections.abc import Sequence

from throng.errors import InvalidValue
from throng.layout import DEBUG_MATERIAL, MATERIAL_BITS
from throng.model.material import Material
from throng.model.versions import tick

_MOST = 1 << MATERIAL_BITS
_WORTH_KEEPING = 256  # materials below which none is ever forgotten
_WORTH_KEEPING_TEXTURED = 8  # as their textures take memory


class Materials:
    """Rows of a table. Those of a model's parts follow each other.

    rows     every material by its row
    version  changes when rows are added
    epoch    changes when rows have lost their numbers
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Material, ...], int] = {}
        self.version = self.epoch = 0
        self._clear()

    def row(self, materials: Sequence[Material]) -> int:
        """The row of the first of these; they are added where they are not there yet.

        Raises InvalidValue where a scene has more than fit.
        """
        key = tuple(materials)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.rows)
            self.rows.extend(key)
            self._textured += sum(material.textured for material in key)
            self.version = tick()
            if len(self.rows) > _MOST:
                raise InvalidValue(
                    f"material: expected at most {_MOST - 1:,} different ones in a scene, got more"
                )
        return number

    def forget(self, used: int) -> bool:
        """Starts afresh, in another epoch, where most rows are no longer used; whether it did."""
        most = 2 * used
        if len(self.rows) <= most + _WORTH_KEEPING and self._textured <= most + _WORTH_KEEPING_TEXTURED:
            return False
        self._clear()
        return True

    def _clear(self) -> None:
        self._numbers.clear()
        self._textured = 0
        self.rows: list[Material] = [Material()] * (DEBUG_MATERIAL + 1)
        self.version = self.epoch = tick()
