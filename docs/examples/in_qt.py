"""throng inside a Qt widget (pip install PySide6): a crowd that a slider resizes, drawn by a QOpenGLWidget.

python in_qt.py [PICTURE]: given a file, saves the first picture there and ends.
"""

import sys

import moderngl
import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QApplication, QMainWindow, QSlider, QVBoxLayout, QWidget

import throng


class CrowdView(QOpenGLWidget):
    """Shows a scene. Qt makes the context, and a framebuffer of its own that changes with the size."""

    def __init__(self, scene: throng.Scene, camera: throng.Camera) -> None:
        super().__init__()
        self.scene, self.camera = scene, camera

    def initializeGL(self) -> None:  # noqa: N802 - Qt's name
        self.context_of_qt = moderngl.create_context()
        self.renderer = throng.Renderer(context=self.context_of_qt)
        self.context().aboutToBeDestroyed.connect(self.release)

    def paintGL(self) -> None:  # noqa: N802
        framebuffer = self.context_of_qt.detect_framebuffer(self.defaultFramebufferObject())
        self.renderer.draw(self.scene, self.camera, framebuffer, clear=True)

    def release(self) -> None:
        self.makeCurrent()
        self.renderer.close()
        self.doneCurrent()


def main(picture: str | None = None) -> None:
    surface = QSurfaceFormat()
    surface.setVersion(4, 3)
    surface.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    surface.setDepthBufferSize(24)
    surface.setSamples(4)
    QSurfaceFormat.setDefaultFormat(surface)
    app = QApplication(sys.argv[:1])

    random = np.random.default_rng(4)
    scene = throng.Scene()
    people = scene.add(
        throng.Crowd(throng.shapes.person(1), positions=random.uniform(-12, 12, (400, 3)) * (1, 0, 1))
    )
    scene.add(throng.Node(throng.shapes.plane(30), throng.Material((0.6, 0.6, 0.58))))
    view = CrowdView(scene, throng.Camera(position=(0, 6, 17), target=(0, 0.5, 0), fov=45))

    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(20, 200)
    slider.setValue(100)

    def resize_people(percent: int) -> None:
        people.scales = np.full(len(people), percent / 100)
        view.update()

    slider.valueChanged.connect(resize_people)
    body = QWidget()
    layout = QVBoxLayout(body)
    layout.addWidget(view)
    layout.addWidget(slider)
    window = QMainWindow()
    window.setWindowTitle("throng inside Qt")
    window.setCentralWidget(body)
    window.resize(960, 600)
    window.show()

    if picture is not None:

        def save() -> None:
            view.grabFramebuffer().save(picture)
            app.quit()

        QTimer.singleShot(200, save)
    app.exec()


if __name__ == "__main__":
    main(*sys.argv[1:])
