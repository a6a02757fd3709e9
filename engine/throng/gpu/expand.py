"""The expansion pass: a record for every instance, kept until what it was made from changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np
import numpy.typing as npt

from throng import layout
from throng.gpu.context import checked_buffer
from throng.gpu.instances import Page, Segment
from throng.gpu.items import Item, ItemTable, Key
from throng.layout import ITEM, RECORD
from throng.model.versions import ranges_of

CHUNK = 64  # instances a work group
_MAX_RUNS = 16  # dispatches that one window is worth; beyond that, gaps are expanded again as well
_ITEMS, _CHUNKS, _COLUMNS, _RECORDS = range(4)


@dataclass(frozen=True)
class _Window:
    """What one binding of buffers reaches: items of one page, and the stretch of records that they fill."""

    page: Page
    first_item: int
    stop_item: int
    first_chunk: int
    stop_chunk: int
    record_offset: int
    record_bytes: int


class Expansion:
    """Records of all items, in draw order, in one buffer.

    first_records  (m,) for each item, its first record in that buffer
    """

    def __init__(
        self, ctx: moderngl.Context, program: moderngl.ComputeShader, storage_limit: int, max_groups: int
    ) -> None:
        self._ctx = ctx
        self._limit = storage_limit
        self._max_groups = max_groups
        self._program = program
        self.records = checked_buffer(ctx, reserve=RECORD.size, purpose="instance records")
        self._items = checked_buffer(ctx, reserve=ITEM.size, purpose="draw items")
        self._chunks = checked_buffer(ctx, reserve=8, purpose="chunks of instances")
        self._windows: list[_Window] = []
        self._record_bytes = 0
        self._table: ItemTable | None = None
        self._list: Sequence[Item] = ()
        self._written = np.zeros(0, ITEM.dtype)
        self._first_chunks = np.zeros(1, np.int64)
        self.first_records = np.zeros(0, np.int64)

    def rebuild(self, items: Sequence[Item], table: ItemTable) -> None:
        """Lays out records and chunks for another list of items; records that keep their place stay valid."""
        written = self._written_items()
        self._list, self._table = items, table
        counts = np.array([item.segment.count for item in items], np.int64)
        chunks = -(-counts // CHUNK)
        self._first_chunks = np.concatenate([[0], np.cumsum(chunks)])
        self.first_records = np.zeros(len(items), np.int64)
        self._written = np.zeros(len(items), ITEM.dtype)
        self._windows = []
        place, start = 0, 0
        for number, item in enumerate(items):
            room = item.segment.capacity  # rather than its count: others keep their places as it grows
            fits = (place - start + room) * RECORD.size <= self._limit
            if number == 0 or item.segment.page is not self._windows[-1].page or not fits:
                start = place = -(-place // 4) * 4  # 256 bytes: what any driver accepts as an offset
                self._open_window(item.segment.page, number, start)
            table.rows["first_record"][number] = place - start
            self.first_records[number] = place
            known, row = written.get((item.segment, item.batch.key), (-1, None))
            if known == place and row is not None:
                self._written[number] = row
                self._written["count"][number] = (
                    item.segment.count
                )  # the rows that came are marked as changed
            place += room
            self._extend_window(number, place - start)
        owners = np.repeat(np.arange(len(items)), chunks)
        firsts = (np.arange(len(owners)) - self._first_chunks[owners]) * CHUNK
        self._chunks = self._written_to(self._chunks, np.stack([owners, firsts], axis=1).astype(np.uint32))
        self._record_bytes = place * RECORD.size

    def run(self) -> None:
        """Expands the chunks whose columns or item changed since the last call."""
        assert self._table is not None
        self._reserve()
        dirty = self._dirty_chunks(self._table.rows)
        if dirty is None:
            return
        self._items = self._written_to(self._items, self._table.rows)
        self._written = self._table.rows.copy()
        self._items.bind_to_storage_buffer(_ITEMS)
        self._chunks.bind_to_storage_buffer(_CHUNKS)
        for window in self._windows:
            changed = np.flatnonzero(dirty[window.first_chunk : window.stop_chunk])
            if not changed.size:
                continue
            window.page.buffer.bind_to_storage_buffer(_COLUMNS)
            self.records.bind_to_storage_buffer(
                _RECORDS, offset=window.record_offset, size=window.record_bytes
            )
            for first, stop in ranges_of(changed + window.first_chunk, _MAX_RUNS):
                self._dispatch(first, stop - first)
        self._ctx.memory_barrier(moderngl.VERTEX_ATTRIB_ARRAY_BARRIER_BIT)

    def release(self) -> None:
        for part in (self.records, self._items, self._chunks):
            part.release()

    def _written_items(self) -> dict[tuple[Segment, Key], tuple[int, np.void]]:
        """For each item that was laid out: where its records are, and the ITEM that they were made from."""
        return {
            (item.segment, item.batch.key): (place, row)
            for item, place, row in zip(self._list, self.first_records.tolist(), self._written, strict=True)
        }

    def _dirty_chunks(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.bool_] | None:
        """(c,) which chunks are out of date; None where none is."""
        total, shape = int(self._first_chunks[-1]), (-1, ITEM.size)
        now, before = (table.view(np.uint8).reshape(shape) for table in (rows, self._written))
        same = (now == before).all(axis=1)
        if same.all() and not any(item.resident.changed for item in self._list):
            return None
        dirty = np.zeros(total, np.bool_)
        for number, item in enumerate(self._list):
            first, stop = self._first_chunks[number], self._first_chunks[number + 1]
            ordered = rows["order"][number] != layout.NONE
            if not same[number] or (ordered and item.resident.changed):
                dirty[first:stop] = True
                continue
            base = item.segment.first
            for start, end in item.resident.changed:
                start, end = max(start - base, 0), min(end - base, item.segment.count)
                if start < end:
                    dirty[first + start // CHUNK : first + -(-end // CHUNK)] = True
        return dirty

    def _reserve(self) -> None:
        """Room for all records. Grows by half, but not beyond twice what is needed."""
        if self._record_bytes > self.records.size:
            size = max(self._record_bytes, min(2 * self._record_bytes, self.records.size * 3 // 2))
            self.records.release()
            self.records = checked_buffer(self._ctx, reserve=size, purpose="instance records")
            self._written[:] = 0

    def _dispatch(self, first: int, count: int) -> None:
        self._program["first_chunk"] = first
        self._program["chunk_count"] = count
        width = min(count, self._max_groups)
        self._program.run(width, -(-count // width), 1)

    def _open_window(self, page: Page, number: int, start: int) -> None:
        chunk = int(self._first_chunks[number])
        self._windows.append(_Window(page, number, number, chunk, chunk, start * RECORD.size, 0))

    def _extend_window(self, number: int, records: int) -> None:
        window = self._windows[-1]
        self._windows[-1] = _Window(
            window.page, window.first_item, number + 1, window.first_chunk,
            int(self._first_chunks[number + 1]), window.record_offset, records * RECORD.size,
        )  # fmt: skip

    def _written_to(self, buffer: moderngl.Buffer, data: npt.NDArray[np.generic]) -> moderngl.Buffer:
        """`data` in `buffer`, or in a larger one that takes its place."""
        if data.nbytes > buffer.size:
            buffer.release()
            buffer = checked_buffer(self._ctx, reserve=2 * data.nbytes, purpose="draw items")
        if data.nbytes:
            buffer.write(data)
        return buffer
