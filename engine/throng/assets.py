"""Finds the folders that lie beside the code: `shaders/`, `scenes/` and `benchmarks/`.

In a wheel they are inside the package; in a checkout they stand beside `engine/`.
"""

from __future__ import annotations

from pathlib import Path

from throng.errors import ThrongError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name`, wherever this installation keeps it.

    Raises ThrongError if the installation is incomplete.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent.parent / name):
        if candidate.is_dir():
            return candidate
    raise ThrongError(f"throng's folder {name!r} is missing beside {_PACKAGE}: install throng again")
