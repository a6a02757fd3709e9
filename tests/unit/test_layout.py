"""One table of GPU structs: aligned as std140 and std430 both want it, with every field in the GLSL."""

from __future__ import annotations

import re

import numpy as np
import pytest

from throng import layout
from throng.layout import Struct

STRUCTS = [
    *(layout.FRAME, layout.CULL, layout.RECORD, layout.ITEM, layout.CHUNK, layout.SOURCE, layout.SPLAT),
]
# Base alignments and sizes, OpenGL 4.6, 7.6.2.2. For these types std140 and std430 agree.
RULES = {"float": (4, 4), "int": (4, 4), "uint": (4, 4), "uvec2": (8, 8), "vec4": (16, 16), "mat4": (16, 64)}
RULES["vec4[16]"] = 16, 256


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.name)
def test_fields_lie_where_opengl_puts_them(struct: Struct) -> None:
    end = 0
    for kind, name, _ in struct.fields:
        alignment, size = RULES[kind]
        start = -(-end // alignment) * alignment
        assert struct.offset(name) == start == end, f"{name}: padding is hidden before it"
        assert struct.dtype[name].itemsize == size
        end = start + size
    assert struct.size == end == struct.dtype.itemsize
    assert end % 16 == 0, "an array of them would have another stride in std140"


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.name)
def test_the_glsl_has_every_field_in_order(struct: Struct) -> None:
    members = re.findall(r"^    (\w+) (\w+)(\[\d+\])?;  //", struct.glsl_members(), re.MULTILINE)
    assert [(kind + number, name) for kind, name, number in members] == [
        (kind, name) for kind, name, _ in struct.fields
    ]
    assert struct.glsl_members() in "".join(layout.generated().values())
    assert struct.glsl().startswith(f"struct {struct.name} {{\n")


def test_the_glsl_has_the_constants() -> None:
    text = layout.glsl()
    names = "NONE MATRIX_WORDS CELL MAX_BINS MASK_SIDE MASK_GRID MASK_HEADER MASK_WORDS"
    for name in names.split():
        value = re.search(rf"(?:#define {name}|\b{name} =) (\w+(?:\.\d+)?)", text)
        assert value is not None
        assert float(int(value[1][:-1], 0) if value[1].endswith("u") else value[1]) == getattr(layout, name)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([("float", "a", ""), ("vec4", "b", "")], "Bad.b at 4 is not aligned to 16"),
        ([("float", "a", ""), ("uvec2", "b", ""), ("int", "c", "")], "Bad.b at 4 is not aligned to 8"),
        ([("vec4", "a", ""), ("int", "b", "")], "Bad is 20 bytes long, not a multiple of 16"),
    ],
)
def test_a_struct_that_would_need_padding_cannot_be_written(
    fields: list[tuple[str, str, str]], text: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        Struct("Bad", fields)
    assert str(caught.value) == text


def test_vertices_and_commands_are_packed_tightly() -> None:
    assert layout.VERTEX.itemsize == 4 * (3 + 3 + 1 + 2) + 2 * 4
    assert layout.COMMAND.itemsize == 20
    assert all(layout.COMMAND[name].itemsize == 4 for name in layout.COMMAND.names or ())
    assert layout.COMMAND["base_vertex"] == np.int32
