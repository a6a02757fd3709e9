"""One picture, without a window and without ceremony."""

from __future__ import annotations

from collections.abc import Sequence

from throng.frame import Frame
from throng.model.camera import Camera
from throng.model.graph import Scene
from throng.options import Options
from throng.renderer import Renderer


def render(
    scene: Scene,
    camera: Camera,
    size: tuple[int, int] = (1280, 720),
    *,
    outputs: Sequence[str] = ("color",),
    samples: int = 1,
    fxaa: bool = False,
    options: Options = Options(),  # noqa: B008 - frozen
    device: int | None = None,
) -> Frame:
    """Draws `scene` as `camera` sees it, in a context of its own; arguments and errors as Renderer's.

    Making the context takes most of the time: for more than one picture keep a Renderer.
    """
    with Renderer(size, samples=samples, fxaa=fxaa, options=options, device=device) as renderer:
        return renderer.render(scene, camera, outputs)
