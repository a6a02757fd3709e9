"""GPU time by queries that nobody waits for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import moderngl

_SATURATED = 0xFFFFFFFF  # nanoseconds; what moderngl reads where 32 bits do not suffice
_LAG = 3  # frames after which a result is surely there


class GpuTimer:
    """Times what is submitted inside `measured`; results come a few frames late rather than stalling one."""

    def __init__(self, ctx: moderngl.Context, *, available: bool) -> None:
        self._queries = [ctx.query(time=True) for _ in range(_LAG)] if available else []
        self._frames = 0
        self.latest_ms = math.nan

    @contextmanager
    def measured(self) -> Iterator[None]:
        if not self._queries:
            yield
            return
        query = self._queries[self._frames % _LAG]
        if self._frames >= _LAG:
            elapsed = query.elapsed
            self.latest_ms = elapsed / 1e6 if elapsed != _SATURATED else math.nan
        self._frames += 1
        with query:
            yield
