"""Pictures that somebody has looked at, in tests/golden: `pytest --bless` rewrites them, to be looked at."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from pictures import Difference, Drawer, Picture, difference
from PIL import Image

FOLDER = Path(__file__).parents[1] / "golden"

# What another llvmpipe, on another processor, may differ in; tests show what it may not.
MOST = Difference(share=0.005, block=2.5)


def agree(one: Picture, other: Picture) -> bool:
    came = difference(one, other)
    return came.share <= MOST.share and came.block <= MOST.block


def check(name: str, came: Picture, draw: Drawer, config: pytest.Config) -> None:
    """Against the golden image of that name; skips where they are not this driver's."""
    if "llvmpipe" not in draw.renderer("auto").capabilities.renderer:
        pytest.skip("golden images are llvmpipe's")
    file = FOLDER / f"{name}.png"
    if config.getoption("--bless"):
        FOLDER.mkdir(exist_ok=True)
        Image.fromarray(came).save(file, optimize=True)
    assert file.exists(), f"{file} is missing: make it with pytest --bless, and look at it"
    with Image.open(file) as image:
        golden = np.asarray(image.convert("RGBA"))
    if not agree(golden, came):
        saved = Path(tempfile.gettempdir()) / f"throng-{name}.png"
        Image.fromarray(came).save(saved)
        pytest.fail(f"{difference(golden, came)}, at most {MOST}: see {saved}")
