"""throng inside a bare moderngl program: its own triangle and a crowd share a framebuffer and its depth.

python bare_moderngl.py [PICTURE]
"""

import sys

import moderngl
import numpy as np
from PIL import Image

import throng

SIZE = 960, 540


def main(picture: str = "bare_moderngl.png") -> None:
    # What the program had before: a context, a framebuffer with depth, something of its own to draw.
    ctx = moderngl.create_context(standalone=True, backend="egl")
    framebuffer = ctx.framebuffer([ctx.texture(SIZE, 4)], ctx.depth_texture(SIZE))
    program = ctx.program(
        vertex_shader="""
            #version 330
            uniform mat4 view_projection;
            in vec3 corner;
            void main() { gl_Position = view_projection * vec4(corner, 1.0); }
        """,
        fragment_shader="""
            #version 330
            out vec4 color;
            void main() { color = vec4(0.95, 0.55, 0.25, 1.0); }
        """,
    )
    corners = np.array([(-9, 0, 0), (9, 0, 0), (0, 14, 0)], np.float32)
    triangle = ctx.vertex_array(program, [(ctx.buffer(corners.tobytes()), "3f", "corner")])

    # What throng adds.
    random = np.random.default_rng(1)
    scene = throng.Scene()
    places = random.uniform(-14, 14, (300, 3)) * (1, 0, 1)
    scene.add(throng.Crowd(throng.shapes.tree(1), positions=places, scales=random.uniform(0.4, 1, 300)))
    scene.add(throng.Node(throng.shapes.plane(32), throng.Material((0.45, 0.5, 0.3))))
    camera = throng.Camera(position=(10, 9, 24), target=(0, 4, 0))
    renderer = throng.Renderer(context=ctx)

    # A frame: the program draws as it always did, and throng draws into the same picture. Depth works in
    # both directions: trees stand before and behind the triangle. Afterwards the state is as it was.
    framebuffer.use()
    framebuffer.clear(0.62, 0.73, 0.83, 1.0, depth=1.0)
    ctx.enable(moderngl.DEPTH_TEST)
    matrix = camera.projection_matrix(SIZE[0] / SIZE[1]) @ camera.view_matrix
    program["view_projection"].write(matrix.T.astype("f4").tobytes())  # OpenGL wants columns
    triangle.render()
    renderer.draw(scene, camera, framebuffer=framebuffer)

    pixels = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(SIZE[1], SIZE[0], 3)
    Image.fromarray(pixels[::-1].copy()).save(picture)
    renderer.close()
    ctx.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
