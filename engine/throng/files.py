"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write in place of `path`, which takes its place when all went well.

    What was at `path` before stays there otherwise. Raises OSError where the folder cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:  # the name that was made up says nothing to anybody
        raise type(error)(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp keeps its files to their owner
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def unused(folder: Path, stem: str, suffix: str) -> Iterator[Path]:
    """A file in `folder` named by `stem` and, where that is taken, a number; gone again if all went wrong."""
    path = _new(folder, stem, suffix)
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _new(folder: Path, stem: str, suffix: str) -> Path:
    for number in range(10_000):
        path = folder / f"{stem}{f'-{number}' if number else ''}{suffix}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{folder} is full of files named {stem}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
