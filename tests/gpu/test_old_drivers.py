"""OpenGL 3.3 without anything newer: macOS's and old drivers' limits, emulated by Mesa."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pictures import OUTPUTS, Drawer, assert_frames_agree
from randomscenes import random_scene

import throng
from throng import Camera

CAMERA = Camera((3, 2, 4))
SEEDS = (103, 105, 112)

SCRIPT = """
import json, sys
import numpy as np
import throng
sys.path.insert(0, {folder!r})
from pictures import OUTPUTS, exact
from randomscenes import random_scene
camera = throng.Camera((3, 2, 4))
pictures = {{}}
for samples in (1, 4):
    for mode in ("auto", "naive"):
        with throng.Renderer((96, 64), samples=samples, options=exact(mode)) as renderer:
            for seed in {seeds!r}:
                frame = renderer.render(random_scene(seed), camera, OUTPUTS)
                for name in OUTPUTS:
                    pictures[f"{{mode}} {{samples}} {{seed}} {{name}}"] = getattr(frame, name)
                pictures[f"{{mode}} {{samples}} {{seed}} mode"] = np.array(frame.stats.mode)
    capabilities = renderer.capabilities
np.savez({file!r}, **pictures)
print(json.dumps([capabilities.version_code, capabilities.clip_control, capabilities.compute]))
"""


@pytest.mark.usefixtures("mesa")
@pytest.mark.parametrize("version", ["3.3", "4.1"])
@pytest.mark.parametrize("clip_control", [False, True])
def test_the_picture_is_the_same(
    run_python: Callable[..., str], draw: Drawer, tmp_path: Path, version: str, clip_control: bool
) -> None:
    """Without clip control, depth runs the other way: surfaces that meet do so a pixel further on."""
    file = tmp_path / "pictures.npz"
    script = SCRIPT.format(folder=str(Path(__file__).parent), seeds=SEEDS, file=str(file))
    printed = run_python(
        "-W", "error", "-c", script,
        MESA_GL_VERSION_OVERRIDE=version,
        MESA_GLSL_VERSION_OVERRIDE=version.replace(".", "") + "0",
        MESA_EXTENSION_OVERRIDE="" if clip_control else "-GL_ARB_clip_control",
    )  # fmt: skip
    assert json.loads(printed) == [int(version.replace(".", "")) * 10, clip_control, False]
    with np.load(file) as pictures:
        for mode, used in (("auto", "instanced"), ("naive", "naive")):
            for samples in (1, 4):
                for seed in SEEDS:
                    key = f"{mode} {samples} {seed}"
                    assert str(pictures[f"{key} mode"]) == used
                    wanted = draw(random_scene(seed), CAMERA, samples=samples)
                    came = throng.Frame({name: pictures[f"{key} {name}"] for name in OUTPUTS}, wanted.stats)
                    assert_frames_agree(came, wanted, share=0.001 if clip_control else 0.004)
