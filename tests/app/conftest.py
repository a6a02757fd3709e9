"""A display of our own, and programs that are watched while they show a window on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ImageGrab

PATIENCE = float(os.environ.get("THRONG_TEST_PATIENCE", 60.0))
State = dict[str, Any]
_T = TypeVar("_T")


class Program:
    """A running process: what it prints, and its window."""

    def __init__(self, desktop: Desktop, arguments: list[str], folder: Path) -> None:
        self._desktop = desktop
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=desktop.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(self._process.stdout, self.out), daemon=True),
            threading.Thread(target=_read, args=(self._process.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._window: str | None = None

    # -- what it does ----------------------------------------------------------------------------------

    def until(self, found: Callable[[], _T], what: str) -> _T:
        """What `found` returns as soon as that is true."""
        end = time.monotonic() + PATIENCE
        while True:
            value = found()
            if value:
                return value
            if self._process.poll() is not None:
                self._drain()
                value = found()
                if value:
                    return value
                pytest.fail(f"the program ended before {what}: {self.text}")
            if time.monotonic() > end:
                pytest.fail(f"waited in vain: {what}; the latest state was {self.state}; {self.err}")
            time.sleep(0.02)

    def reaches(self, condition: Callable[[State], bool], what: str) -> State:
        """The first state, now or later, that fulfils `condition`."""
        return self.until(lambda: self.state if self.state and condition(self.state) else None, what) or {}

    @property
    def state(self) -> State:
        """The latest that a watched program told about its frames; empty before the first."""
        line = next((line for line in reversed(self.out) if line.startswith("{")), "{}")
        state: State = json.loads(line)
        return state

    def ends(self) -> int:
        """The exit code, once there is one."""
        code = self._process.wait(PATIENCE)
        self._drain()
        return code

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._drain()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def text(self) -> str:
        return "\n".join([*self.out[-5:], *self.err])

    def _drain(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE)

    # -- its window ------------------------------------------------------------------------------------

    @property
    def window(self) -> str:
        """The X window, as xdotool names it, once it is on the screen."""
        if self._window is None:
            search = ("search", "--all", "--onlyvisible", "--pid", str(self._process.pid), "--name", ".")
            self._window = self.until(lambda: self._desktop.try_tool(*search), "a window was there").split()[
                -1
            ]
        return self._window

    @property
    def title(self) -> str:
        return self._desktop.try_tool("getwindowname", self.window)

    def resize(self, width: int, height: int) -> None:
        self._desktop.tool("windowsize", self.window, str(width), str(height))

    def key(self, name: str) -> None:
        self._desktop.tool("key", name)

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        self._desktop.tool("keydown", name)
        try:
            yield
        finally:
            self._desktop.tool("keyup", name)

    def drag(self, start: tuple[int, int], end: tuple[int, int], button: int = 1) -> None:
        """In the window's pixels, in three moves, all sent at once as fast as they go."""
        self.move(start)
        steps = []
        for part in (1, 2, 3):
            at = [a + (b - a) * part // 3 for a, b in zip(start, end, strict=True)]
            steps += ["mousemove", "--window", self.window, *map(str, at)]
        self._desktop.tool("mousedown", str(button), *steps, "mouseup", str(button))

    def wheel(self, notches: int) -> None:
        """Over the window's corner."""
        self.move((5, 5))
        self._desktop.tool(
            "click", "--repeat", str(abs(notches)), "--delay", "0", "4" if notches > 0 else "5"
        )

    def move(self, place: tuple[int, int]) -> None:
        self._desktop.tool("mousemove", "--window", self.window, *map(str, place))

    def seen(self) -> npt.NDArray[np.uint8]:
        """(h, w, 3), the window's part of the screen."""
        lines = self._desktop.tool("getwindowgeometry", "--shell", self.window).splitlines()
        place = {name: int(value) for name, _, value in (line.partition("=") for line in lines)}
        left, top = place["X"], place["Y"]
        box = left, top, left + place["WIDTH"], top + place["HEIGHT"]
        picture = ImageGrab.grab(bbox=box, xdisplay=self._desktop.name)
        return np.asarray(picture.convert("RGB"))


class Desktop:
    """An X display without a window manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.environment = {**os.environ, "DISPLAY": name, "PYTHONWARNINGS": "error"}
        self.environment.pop("WAYLAND_DISPLAY", None)

    def tool(self, *arguments: str) -> str:
        return self._run(arguments, check=True)

    def try_tool(self, *arguments: str) -> str:
        """Nothing where xdotool finds nothing, or its window has just gone."""
        return self._run(arguments, check=False)

    def _run(self, arguments: tuple[str, ...], *, check: bool) -> str:
        done = subprocess.run(
            ["xdotool", *arguments], env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        assert not check or done.returncode == 0, f"xdotool {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()


@pytest.fixture(scope="session")
def display() -> Iterator[Desktop]:
    """An Xvfb of our own, on a display number that it finds free; nobody else's display is touched."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install xvfb xdotool")
    reading, writing = os.pipe()
    # Without -noreset it begins anew when its last client goes, and turns away whoever comes meanwhile.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    try:
        if not number:
            pytest.skip(f"Xvfb did not start: it ended with code {server.wait(PATIENCE)}")
        yield Desktop(f":{number}")
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.fixture
def opened(display: Desktop, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """opened(*arguments): a Python process on the display, in tmp_path, which does not outlive the test."""
    programs: list[Program] = []

    def start(*arguments: str) -> Program:
        programs.append(Program(display, list(arguments), tmp_path))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()


def _read(stream: IO[str] | None, lines: list[str]) -> None:
    assert stream is not None
    for line in stream:
        lines.append(line.rstrip("\n"))
