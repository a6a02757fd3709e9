"""Every struct that the CPU and the GPU share, written once.

From each `Struct` come a NumPy dtype and the GLSL text that shaders include as "layout.glsl". Fields are
ordered so that std140 (uniform blocks) and std430 (storage blocks) place them alike and no padding is
hidden: a four-component field lies on a multiple of 16 bytes, and a struct is a multiple of 16 long. A test
reads the offsets back from compiled programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_GLSL: dict[str, tuple[Any, tuple[int, ...], int]] = {
    # type: (NumPy scalar, shape, alignment in bytes)
    "float": (np.float32, (), 4),
    "int": (np.int32, (), 4),
    "uint": (np.uint32, (), 4),
    "uvec2": (np.uint32, (2,), 8),
    "vec4": (np.float32, (4,), 16),
    "mat4": (np.float32, (4, 4), 16),  # column by column
}


@dataclass(frozen=True)
class Struct:
    """A GPU struct: its name and its fields, (GLSL type, name, what it holds)."""

    name: str
    fields: Sequence[tuple[str, str, str]]

    def __post_init__(self) -> None:
        for kind, name, _ in self.fields:
            offset, alignment = self.offset(name), _GLSL[kind][2]
            if offset % alignment:
                raise AssertionError(f"{self.name}.{name} at {offset} is not aligned to {alignment}")
        if self.size % 16:
            raise AssertionError(f"{self.name} is {self.size} bytes long, not a multiple of 16")

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype([(name, *_GLSL[kind][:2]) for kind, name, _ in self.fields])

    @property
    def size(self) -> int:
        return int(self.dtype.itemsize)

    def offset(self, field: str) -> int:
        """Bytes from the start of the struct."""
        entry = self.dtype.fields
        assert entry is not None
        return int(entry[field][1])

    def glsl_members(self) -> str:
        return "\n".join(f"    {kind} {name};  // {note}" for kind, name, note in self.fields)

    def glsl(self) -> str:
        return f"struct {self.name} {{\n{self.glsl_members()}\n}};\n"


NONE = 0xFFFFFFFF  # the offset of a column that is not there
LIT, UNLIT = 1.0, 0.25  # the fourth component of an instance's colour; they multiply

FRAME = Struct(
    "Frame",
    [
        ("mat4", "view_projection", "from metres relative to the origin to clip space"),
        ("vec4", "sun_direction", "unit vector towards the sun"),
        ("vec4", "sun_color", "linear, intensity included"),
        ("vec4", "ambient", "linear; w: 1 where the target wants sRGB, 0 where it encodes by itself"),
    ],
)

RECORD = Struct(
    "Record",
    [
        ("vec4", "row0", "first row of the instance's 3x4 transform, relative to the origin"),
        ("vec4", "row1", ""),
        ("vec4", "row2", ""),
        ("uvec2", "color", "four halves: linear red, green, blue; LIT or UNLIT"),
        ("int", "object", "id of the node or crowd"),
        ("int", "id", "id of the instance in its crowd; 0 for a node"),
    ],
)

ITEM = Struct(
    "Item",
    [
        ("vec4", "row0", "the crowd's 3x4 transform, relative to the origin; nodes: -origin, high part"),
        ("vec4", "row1", "nodes: -origin, low part"),
        ("vec4", "row2", ""),
        ("vec4", "tint", "linear red, green, blue of material and crowd; LIT or UNLIT"),
        ("vec4", "motion", "kind, strength, spread, seconds"),
        ("uint", "count", "rows"),
        ("uint", "first_row", "the row of the whole crowd that is this item's first"),
        ("uint", "first_record", "within the window of records that the dispatch writes to"),
        ("uint", "scale_width", "floats a row: 1 or 3"),
        ("uint", "positions", "where each column starts, in words of 4 bytes; NONE where it is missing"),
        ("uint", "rotations", ""),
        ("uint", "scales", ""),
        ("uint", "colors", ""),
        ("uint", "matrices", ""),
        ("uint", "ids", ""),
        ("uint", "order", "rows in the order in which they are drawn: mirrored ones last"),
        ("int", "object", "id of the crowd; ids are objects where it is negative"),
    ],
)

# One vertex of the shared vertex buffer; attributes, so tightly packed.
VERTEX = np.dtype(
    [
        ("position", np.float32, 3),
        ("normal", np.float32, 3),
        ("side", np.float32),  # +1 or -1: see meshes.py
        ("uv", np.float32, 2),
        ("color", np.float16, 4),  # linear
    ]
)

# DrawElementsIndirectCommand, OpenGL 4.3, 10.5
COMMAND = np.dtype(
    [
        ("index_count", np.uint32),
        ("instance_count", np.uint32),
        ("first_index", np.uint32),
        ("base_vertex", np.int32),
        ("first_instance", np.uint32),
    ]
)

# A node's column: the rows of its 3x4 world matrix with the translation's high part, then its low part.
MATRIX_WORDS = 15


def glsl() -> str:
    """The text of "layout.glsl"."""
    structs = "\n".join(struct.glsl() for struct in (RECORD, ITEM))
    return (
        f"{structs}\nlayout(std140) uniform FrameBlock {{\n{FRAME.glsl_members()}\n}} frame;\n"
        f"\nconst uint NONE = 0x{NONE:X}u;\nconst uint MATRIX_WORDS = {MATRIX_WORDS}u;\n"
        f"const float LIT = {LIT}, UNLIT = {UNLIT};\n"
    )
