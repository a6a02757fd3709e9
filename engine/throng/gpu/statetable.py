"""The OpenGL state that `state.py` saves: how to read each piece, how to set it, what throng wants.

Numbers are OpenGL's enums. `since` is the version from which a row exists; function types are spelled as in
`rawgl.function`.
"""

from __future__ import annotations

from typing import Any

_FACES = 0x0408  # GL_FRONT_AND_BACK

# Swap bytes, row length, skipped rows, pixels and images, image height.
_UNPACK = (0x0CF0, 0x0CF2, 0x0CF3, 0x0CF4, 0x806D, 0x806E)
_PACK = (0x0D00, 0x0D02, 0x0D03, 0x0D04, 0x806B, 0x806C)

# (since, GL name, what throng wants)
SWITCHES = (
    (330, 0x0B71, False),  # depth test
    (330, 0x0BE2, False),  # blend
    (330, 0x0B44, False),  # cull face
    (330, 0x0B90, False),  # stencil test
    (330, 0x0C11, False),  # scissor test
    (330, 0x0BD0, False),  # dither
    (330, 0x0BF2, False),  # colour logic op
    (330, 0x0B41, False),  # polygon smooth
    (330, 0x8037, False),  # polygon offset: fill, line, point
    (330, 0x2A02, False),
    (330, 0x2A01, False),
    (330, 0x8DB9, False),  # framebuffer sRGB: shaders encode
    (330, 0x809D, True),  # multisample
    (330, 0x809E, False),  # sample alpha to coverage
    (330, 0x809F, False),  # sample alpha to one
    (330, 0x80A0, False),  # sample coverage
    (330, 0x8E51, False),  # sample mask
    (330, 0x8C89, False),  # rasterizer discard
    (330, 0x8F9D, False),  # primitive restart
    (330, 0x864F, False),  # depth clamp
    (330, 0x8642, False),  # program point size
    (330, 0x884F, True),  # seamless cube maps
    *((330, 0x3000 + plane, False) for plane in range(8)),  # clip distances
    (400, 0x8C36, False),  # sample shading
    (430, 0x8D69, False),  # primitive restart with a fixed index
)
INDEXED_SWITCHES = ((330, 0x0BE2, 0x8824), (410, 0x0C11, 0x825B))  # since, name, how many there are

# (since, GL names, type of the values, number of values for each name, setter, its types, first arguments,
# what throng wants or None to leave it). In this order they are restored. How to blend is not among them:
# nothing of throng blends.
Row = tuple[int, tuple[int, ...], str, int, str, str, tuple[int, ...], tuple[Any, ...] | None]
VALUES: tuple[Row, ...] = (
    (330, (0x8CA6,), "i", 1, "glBindFramebuffer", "viu", (0x8CA9,), None),
    (330, (0x8CAA,), "i", 1, "glBindFramebuffer", "viu", (0x8CA8,), None),
    (330, (0x85B5,), "i", 1, "glBindVertexArray", "vu", (), (0,)),
    (330, (0x0BA2,), "i", 4, "glViewport", "viiii", (), None),
    (330, (0x0C10,), "i", 4, "glScissor", "viiii", (), None),
    (330, (0x0B70,), "d", 2, "glDepthRange", "vdd", (), (0.0, 1.0)),
    (330, (0x0C23,), "b", 4, "glColorMask", "vbbbb", (), (1, 1, 1, 1)),
    (330, (0x0B72,), "b", 1, "glDepthMask", "vb", (), (1,)),
    (330, (0x0B74,), "i", 1, "glDepthFunc", "vi", (), (0x0201,)),
    (330, (0x0C22,), "f", 4, "glClearColor", "vffff", (), None),
    (330, (0x0B73,), "d", 1, "glClearDepth", "vd", (), None),
    (330, (0x0B45,), "i", 1, "glCullFace", "vi", (), (0x0405,)),
    (330, (0x0B46,), "i", 1, "glFrontFace", "vi", (), (0x0901,)),
    (330, (0x0B40,), "i", 1, "glPolygonMode", "vii", (_FACES,), (0x1B02,)),
    (330, (0x8038, 0x2A00), "f", 1, "glPolygonOffset", "vff", (), (0.0, 0.0)),
    (330, (0x8E4F,), "i", 1, "glProvokingVertex", "vi", (), (0x8E4E,)),
    (330, (0x8894,), "i", 1, "glBindBuffer", "viu", (0x8892,), None),  # array
    (330, (0x8F36,), "i", 1, "glBindBuffer", "viu", (0x8F36,), None),  # copy read
    (330, (0x8F37,), "i", 1, "glBindBuffer", "viu", (0x8F37,), None),  # copy write
    (400, (0x8F43,), "i", 1, "glBindBuffer", "viu", (0x8F3F,), None),  # draw indirect
    (430, (0x90EF,), "i", 1, "glBindBuffer", "viu", (0x90EE,), None),  # dispatch indirect
)
# What pixel transfers depend on: buffers, alignment, then the rest.
PIXELS: tuple[Row, ...] = (
    (330, (0x88ED,), "i", 1, "glBindBuffer", "viu", (0x88EB,), (0,)),  # pixel pack
    (330, (0x88EF,), "i", 1, "glBindBuffer", "viu", (0x88EC,), (0,)),  # pixel unpack
    *((330, (name,), "i", 1, "glPixelStorei", "vii", (name,), (4,)) for name in (0x0CF5, 0x0D05)),
    *(
        (330, (name,), "i", 1, "glPixelStorei", "vii", (name,), (0,))
        for side in (_UNPACK, _PACK)
        for name in side
    ),
)
CLIP_CONTROL: Row = (330, (0x935C, 0x935D), "i", 1, "glClipControl", "vii", (), (0x8CA1, 0x935E))

# (since, GL names, type, values for each, indexed setter, its types, how many there are). The setter without
# index, above, sets all of them alike; so only those are set again that differ from the first.
IndexedRow = tuple[int, tuple[int, ...], str, int, str, str, int]
INDEXED: tuple[IndexedRow, ...] = (
    (410, (0x0BA2,), "f", 4, "glViewportIndexedf", "vuffff", 0x825B),
    (410, (0x0C10,), "i", 4, "glScissorIndexed", "vuiiii", 0x825B),
    (410, (0x0B70,), "d", 2, "glDepthRangeIndexed", "vudd", 0x825B),
    (330, (0x0C23,), "b", 4, "glColorMaski", "vubbbb", 0x8824),
)

TEXTURES = (  # target, name of its binding
    (0x0DE1, 0x8069),  # 2D
    (0x8C1A, 0x8C1D),  # 2D array
    (0x9100, 0x9104),  # 2D multisample
    (0x8513, 0x8514),  # cube
    (0x806F, 0x806A),  # 3D
)
BLOCKS = (  # since, target, names of binding, start and size
    (330, 0x8A11, 0x8A28, 0x8A29, 0x8A2A),
    (430, 0x90D2, 0x90D3, 0x90D4, 0x90D5),
)
