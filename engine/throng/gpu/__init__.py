"""The GPU side: contexts, shaders, buffers and passes. The one importer of moderngl.

What others need of moderngl by name they have from here.
"""

from moderngl import Context, Framebuffer, Texture

__all__ = ["Context", "Framebuffer", "Texture"]
