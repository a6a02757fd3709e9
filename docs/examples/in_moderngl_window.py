"""throng inside moderngl-window (pip install moderngl-window), which owns the window and its context.

python in_moderngl_window.py [PICTURE]: given a file, saves the first picture there and ends.
"""

import sys

import moderngl_window
import numpy as np
from PIL import Image

import throng


class Asteroids(moderngl_window.WindowConfig):
    gl_version = (3, 3)  # throng takes the best that the context turns out to have
    title = "throng inside moderngl-window"
    window_size = (960, 540)
    aspect_ratio = None
    picture: str | None = None

    def __init__(self, **settings):
        super().__init__(**settings)
        random = np.random.default_rng(2)
        self.scene = throng.Scene(background=(0.02, 0.02, 0.05), ambient=(0.2, 0.2, 0.25))
        self.rocks = self.scene.add(
            throng.Crowd(
                throng.shapes.rock(3),
                positions=random.normal(size=(3000, 3)) * (14, 3, 14),
                scales=random.uniform(0.1, 0.8, 3000),
            )
        )
        self.renderer = throng.Renderer(context=self.ctx)

    def on_render(self, time: float, frame_time: float) -> None:
        half = 0.1 * time
        self.rocks.rotation = (0.0, np.sin(half), 0.0, np.cos(half))
        camera = throng.Camera(position=(0, 8, 34))
        self.renderer.draw(self.scene, camera, self.wnd.fbo, clear=True)
        if self.picture is not None:
            width, height = self.wnd.fbo.size
            pixels = np.frombuffer(self.wnd.fbo.read(components=3), np.uint8).reshape(height, width, 3)
            Image.fromarray(pixels[::-1].copy()).save(self.picture)
            self.wnd.close()

    def on_close(self) -> None:
        self.renderer.close()


if __name__ == "__main__":
    Asteroids.picture = sys.argv[1] if len(sys.argv) > 1 else None
    moderngl_window.run_window_config(Asteroids, args=["--window", "glfw"])
