"""Levels of detail: the same crowd from afar, with fewer triangles."""

from __future__ import annotations

from pathlib import Path

import pytest

import throng
from throng.model import lods


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, on disk and in memory."""
    monkeypatch.setenv("THRONG_CACHE", str(tmp_path))
    lods._kept.clear()
    return tmp_path


def test_levels_are_clearly_coarser() -> None:
    counts = [level.triangle_count for level in lods.levels(throng.shapes.sphere(0.5, 96, 48))]
    assert len(counts) == lods.MAX_LEVELS
    assert all(after <= 0.75 * before for before, after in zip(counts, counts[1:], strict=False))
