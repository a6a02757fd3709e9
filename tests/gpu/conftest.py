"""One headless context for each test module; no test may leave an OpenGL error behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import moderngl
import pytest
from pictures import Drawer

from throng.gpu import rawgl
from throng.gpu.context import collect, create_headless


@pytest.fixture(scope="module")
def module_context() -> Iterator[moderngl.Context]:
    with rawgl.current():
        ctx = create_headless()
    yield ctx
    with rawgl.current(ctx):
        collect(ctx)
    ctx.release()


@pytest.fixture
def ctx(module_context: moderngl.Context) -> Iterator[moderngl.Context]:
    """Current for the length of the test, whatever contexts the test itself makes."""
    with rawgl.current(module_context):
        yield module_context
        assert rawgl.get_error() is None


@pytest.fixture
def mesa(ctx: moderngl.Context) -> None:
    """For tests that have the driver play an older one: only Mesa can."""
    if "Mesa" not in ctx.info["GL_VERSION"]:
        pytest.skip("only Mesa can play an older driver")


@pytest.fixture
def run_python() -> Callable[..., str]:
    """run_python(*arguments, NAME="value"): what that Python process prints."""

    def run(*arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def draw() -> Iterator[Drawer]:
    """draw(scene, camera, mode): a frame with all outputs, by a renderer that is kept for its module's tests.

    Kept for longer, the programs of all tests take gigabytes.

    Without levels of detail and splats, unless options are given in the place of the mode.
    """
    drawer = Drawer()
    yield drawer
    drawer.close()
