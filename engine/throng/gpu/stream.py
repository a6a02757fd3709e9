"""The columns of those rows of an item that are drawn, gathered in a buffer of their own."""

from __future__ import annotations

import moderngl
import numpy as np

from throng.gpu.context import checked_buffer
from throng.gpu.items import Item
from throng.gpu.selection import Share

_BLOCK = 1 << 15  # rows gathered at a time, so that they are still in the cache when they are written


class Stream:
    """A buffer that is filled anew whenever other rows are drawn, and keeps them as long as they are not.

    buffer   another one when there is more than it could hold
    offsets  bytes from its start to each column
    fills    how often it was filled
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._share: Share | None = None
        self.buffer: moderngl.Buffer | None = None
        self.offsets: dict[str, int] = {}
        self.fills = 0

    def fill(self, item: Item, share: Share, names: set[str]) -> int:
        """Holds these columns of the share's rows, the bytes written.

        "ids" are the rows' numbers where there is no such column.
        """
        assert share.rows is not None
        if share is self._share and names <= self.offsets.keys():
            return 0
        self._share = None
        columns = item.batch.instances.columns
        rows = share.rows + item.segment.first
        widths = {name: columns[name].row_bytes if name in columns else 4 for name in sorted(names)}
        self.offsets, size = {}, 0
        for name, width in widths.items():
            self.offsets[name] = size
            size += width * len(rows)
        buffer = self._room(size)
        for name, width in widths.items():
            for start in range(0, len(rows), _BLOCK):
                part = rows[start : start + _BLOCK]
                data = columns[name].take(part) if name in columns else part.astype(np.int32)
                buffer.write(data, offset=self.offsets[name] + start * width)
        self._share = share
        self.fills += 1
        return size

    def release(self) -> None:
        if self.buffer is not None:
            self.buffer.release()
            self.buffer = None

    def _room(self, size: int) -> moderngl.Buffer:
        buffer = self.buffer
        if buffer is not None and size <= buffer.size:
            buffer.orphan()  # the GPU may still be drawing what was in it
            return buffer
        grown = size if buffer is None else max(size, 2 * buffer.size)
        self.release()
        self.buffer = checked_buffer(self._ctx, reserve=grown, purpose="instances in view")
        return self.buffer
