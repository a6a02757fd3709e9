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
    "vec4[16]": (np.float32, (16, 4), 16),
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
        lines = []
        for kind, name, note in self.fields:
            kind, bracket, number = kind.partition("[")
            lines.append(f"    {kind} {name}{bracket}{number};  // {note}")
        return "\n".join(lines)

    def glsl(self) -> str:
        return f"struct {self.name} {{\n{self.glsl_members()}\n}};\n"


NONE = 0xFFFFFFFF  # the offset of a column that is not there

FRAME = Struct(
    "Frame",
    [
        ("mat4", "view_projection", "from metres relative to the origin to clip space"),
        ("vec4", "sun_direction", "unit vector towards the sun"),
        ("vec4", "sun_color", "linear, intensity included"),
        (
            "vec4",
            "sky",
            "linear: the light from above; w: 1 where the target wants sRGB, else 0",
        ),
        (
            "vec4",
            "ground",
            "linear: the light from below; w: the exposure, a factor",
        ),
        ("vec4", "eye", "where it is seen from; without perspective the direction towards it, and w = 0"),
        (
            "vec4",
            "viewport",
            "where the picture lies in the framebuffer: left, bottom, width, height",
        ),
        ("vec4[16]", "movers", "what pushes plants aside: where it is, relative to the origin; its radius"),
        ("vec4", "moment", "x: how many movers; y: seconds, anew after 4,096; z, w: the wind, along x and z"),
        ("vec4", "origin", "what all is relative to: where it lies in the scene"),
        ("vec4", "ray", "where a fragment lies, from its gl_FragCoord: see position.glsl"),
        ("vec4", "ray_x", ""),
        ("vec4", "ray_y", ""),
        ("vec4", "ray_z", ""),
        (
            "vec4",
            "depth",
            "of a point: dot with (point, 1); from the eye or, without perspective, the near plane",
        ),
        (
            "vec4",
            "slices",
            "of that depth: what is added to it; then a factor and what is added to its logarithm",
        ),
        ("vec4", "fog", "linear colour; w: density where the eye is"),
        ("vec4", "fog_shape", "falloff, where it begins, height of its density, metres"),
    ],
)

MOST_MOVERS = 16
MOST_CUSTOM = 4  # columns that a shader of the user's reads
CULL = Struct(
    "Cull",
    [
        (
            "mat4",
            "view_projection",
            "from metres relative to the origin to clip space: the view that decides",
        ),
        ("vec4", "plane0", "the frustum, relative to the origin: positive inside"),
        ("vec4", "plane1", ""),
        ("vec4", "plane2", ""),
        ("vec4", "plane3", ""),
        ("vec4", "plane4", ""),
        ("vec4", "plane5", ""),
        ("vec4", "eye", "where it is seen from; without perspective the direction towards it, and w = 0"),
        ("vec4", "clip_w", "the row of clip space's w"),
        ("vec4", "picture", "width, height; pixels that a metre measures at w = 1"),
        (
            "vec4",
            "hole",
            "what another view shows, in normalised coordinates: its middle, and half of its size",
        ),
        ("uint", "switches", "CULL, LOD, OCCLUSION, SPLAT bits"),
        ("uint", "debug", "0, or what to colour by: 1 level of detail, 2 cell, 3 splat"),
        ("uint", "chunk_count", ""),
        ("uint", "stride", "bins of an item, the widest's"),
        ("uint", "at_visible", "where each list starts in the work buffer, in words"),
        ("uint", "at_masks", ""),
        ("uint", "at_bases", ""),
        ("uint", "at_seen", ""),
        ("uint", "at_owners", "where each part starts in the screen buffer, in words; keys start at 0"),
        ("uint", "at_patches", ""),
        ("uint", "at_pyramid", ""),
        ("uint", "tiles_across", "of the finest level of the pyramid"),
        ("uint", "tiles_down", ""),
        ("uint", "at_nearest", ""),
        ("float", "hole_scale", "normalised coordinates that a metre measures, of a view with a hole"),
        ("uint", "grid", "samples of a pixel that splats know: across, and up times 65,536"),
    ],
)

RECORD = Struct(
    "Record",
    [
        ("vec4", "row0", "first row of the instance's 3x4 transform, relative to the origin"),
        ("vec4", "row1", ""),
        ("vec4", "row2", ""),
        ("uvec2", "look", "colour, alpha, fade and material: see look.glsl"),
        ("int", "object", "id of the node or crowd"),
        ("int", "id", "id of the instance in its crowd; 0 for a node"),
    ],
)

# What some records have beside them: one of these, then a texel of four words for each custom column.
EXTRA = Struct(
    "Extra",
    [
        ("float", "lean_x", "by which a vertex is bent for each square of its height"),
        ("float", "lean_z", ""),
        ("uint", "u", "what is added to the place in a texture, in 65,536ths, 24 bits; 8 bits of the layer"),
        ("uint", "v", ""),
    ],
)

ITEM = Struct(
    "Item",
    [
        ("vec4", "row0", "the crowd's 3x4 transform, relative to the origin; nodes: -origin, high part"),
        ("vec4", "row1", "nodes: -origin, low part"),
        ("vec4", "row2", ""),
        ("vec4", "tint", "linear red, green, blue and alpha of the crowd"),
        ("vec4", "motion", "kind, strength, spread, seconds"),
        ("vec4", "center", "of the model, in its own space; w: radius of a sphere around it all"),
        (
            "vec4",
            "span",
            "half extents of the box around the model; w: of its furthest point from 0",
        ),
        (
            "vec4",
            "switches",
            "diameter in pixels below which level 1, 2, 3, 4 will do; 0: there is none",
        ),
        ("uint", "count", "rows"),
        ("uint", "first_row", "the row of the whole crowd that is this item's first"),
        ("uint", "first_chunk", ""),
        ("uint", "chunk_count", ""),
        ("uint", "levels", "of detail"),
        ("uint", "hands", "2 where what mirrors is drawn by other triangles, else 1"),
        ("uint", "mask", "where the model's splat masks start, in words; NONE where it has none"),
        ("uint", "scale_width", "floats a row: 1 or 3"),
        ("uint", "positions", "where each column starts, in words of 4 bytes; NONE where it is missing"),
        ("uint", "rotations", ""),
        ("uint", "scales", ""),
        ("uint", "colors", ""),
        ("uint", "matrices", ""),
        ("uint", "ids", ""),
        ("uint", "order", "rows in the order of their cells"),
        ("int", "object", "id of the crowd; ids are objects where it is negative"),
        ("float", "reach", "metres that the motion carries an instance at most"),
        ("float", "sway", "metres that it does for each unit of an instance's scale"),
        ("float", "stretch", "largest factor by which the crowd's transform lengthens anything"),
        ("float", "splat_size", "diameter in pixels below which an instance is a splat"),
        ("uint", "materials", "a column of rows of the material table; NONE for a crowd"),
        ("uint", "material", "the row of a crowd's first part"),
        ("uint", "layers", "columns for textures"),
        ("uint", "uv_offsets", ""),
        ("uint", "custom0", "columns for a shader of the user's"),
        ("uint", "custom1", ""),
        ("uint", "custom2", ""),
        ("uint", "custom3", ""),
        ("uint", "custom_widths", "words a row of each, 8 bits"),
        ("uint", "blended", "1 where all parts are"),
        ("uint", "unused1", ""),
        ("uint", "unused2", ""),
    ],
)

# A run of CELL instances near each other, tested together; what a work group takes on.
CELL = 64
CHUNK = Struct(
    "Chunk",
    [
        ("vec4", "center", "of the box around its instances' origins; w: largest scale, -1 where not known"),
        ("vec4", "span", "half extents of that box"),
        ("uint", "item", ""),
        ("uint", "start", "its first place in the item's order"),
        ("uint", "count", ""),
        ("uint", "dispatch", "the one that takes it on"),
    ],
)

# What a draw command is made of; the compute pass fills in the instances.
SOURCE = Struct(
    "Source",
    [
        ("uint", "item", ""),
        ("uint", "bin", ""),
        ("uint", "index_count", ""),
        ("uint", "first_index", ""),
    ],
)

# A splat lies among the records and is as long as one.
SPLAT = Struct(
    "Splat",
    [
        ("vec4", "to_mask", "2x2, column by column: pixels from the centre to mask coordinates -1..1"),
        ("vec4", "place", "x, y: the centre, pixels; z, w: the look as a record has it"),
        ("int", "object", ""),
        ("int", "id", ""),
        (
            "uint",
            "texels",
            "where the mask's texels start, in words: even; one more if small",
        ),
        ("uint", "normal0", "nine halfs: from the mask's normals to the scene's, row by row"),
        ("uint", "normal1", ""),
        ("uint", "normal2", ""),
        ("uint", "normal3", ""),
        ("uint", "normal4", ""),
    ],
)

SWITCHES = {
    name: 1 << place
    for place, name in enumerate(
        (
            "CULL",
            "LOD",
            "OCCLUSION",
            "SPLAT",
            "REVERSED",
            "ZERO_TO_ONE",
            "FIRST",
            "SECOND",
            "FROZEN",
            "KEPT",
            "BLEND",
            "SUM",
        )
    )
}
PATCH = 32  # pixels along each side of what is painted, and cleared, as a whole where it has splats
RINGS = 16  # into which chunks are sorted by distance, so that near splats come first
MAX_SORTED = 64  # spans of chunks that are
MAX_LEVELS = 5  # of detail, the mesh itself included
MAX_BINS = 2 * 2 * MAX_LEVELS  # levels, fading or not, of either hand
MOST_CASCADES = 4
SHADOW = Struct(
    "Shadow",
    [
        ("vec4", "across", "the light's space, in the scene's: a unit vector"),
        ("vec4", "up", ""),
        ("vec4", "toward", "the sun"),
        (
            "vec4",
            "map0",
            "of each cascade there, relative to the origin: the middle; one over its radius",
        ),
        ("vec4", "map1", ""),
        ("vec4", "map2", ""),
        ("vec4", "map3", ""),
        ("vec4", "texels", "metres that a texel of each cascade measures; 0 where there is none"),
        (
            "vec4",
            "atlas",
            "x, y: a cascade's share of it; z, w: what a depth is multiplied with, and is added",
        ),
    ],
)
# One row of the material table: texels of four words each, MATERIALS_ACROSS rows side by side in a texture.
# What all need is in the first, packed: to look up a texel costs llvmpipe as much as Lambert's law does.
MATERIAL = Struct(
    "Material",
    [
        ("uint", "color", "square roots of linear red, green, blue, ten bits each"),
        ("uint", "surface", "alpha, 8 bits; roughness, 10; metallic, translucency: 7 each"),
        ("uint", "emissive", "linear, as RGB9E5 has it"),
        (
            "uint",
            "kind",
            "bits: see UNLIT; from 8 on half of a float32: softness; from 24 on a mask's alpha_cutoff",
        ),
        ("uint", "color_texture", "where each lies: see textures.glsl; 0 for none"),
        ("uint", "metallic_roughness_texture", ""),
        ("uint", "normal_texture", ""),
        ("uint", "occlusion_texture", ""),
        ("uint", "emissive_texture", ""),
        ("float", "normal_scale", ""),
        (
            "uint",
            "means",
            "8 bits each: of textures, the mean roughness, metallic and occlusion; occlusion_strength",
        ),
        ("uint", "mean_emissive", "with its texture's mean, as RGB9E5 has it"),
    ],
)
MOST_ARRAYS = 7  # of textures that shaders look into
UNLIT_MATERIAL = 1  # bits of a material's kind
MATERIALS_ACROSS = 64
MATERIAL_BITS = 18  # of a record, for the row
DEBUG_MATERIAL = 0  # the row of what a debug view colours
LIGHT_GRID = 16, 8, 24  # clusters of the view, across, up and in depth, that know which lights reach them
SKY_ACROSS, SKY_UP = 32, 64  # the table of a sky
MASK_SIDE = 32  # texels across a splat mask
MASK_GRID = 16  # directions along each side of the octahedral map
MASK_HEADER = (
    8  # words in front of a mask: middle and half extents of what it shows, which of 8x8 are covered
)
MASK_WORDS = MASK_HEADER + 2 * MASK_SIDE * MASK_SIDE  # two words a texel
COUNTERS = ("total", "culled", "occluded", "simplified", "splats", "meshes", "triangles", "triangles_high")

# One vertex of the shared vertex buffer; attributes, so tightly packed.
VERTEX = np.dtype(
    [
        ("position", np.float32, 3),
        ("normal", np.float32, 3),
        ("side", np.float32),  # +-(1 + the number of the part): see meshes.py
        ("uv", np.float32, 2),
        ("color", np.float16, 4),  # linear, and alpha
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
    structs = "\n".join(struct.glsl() for struct in (RECORD, ITEM, CHUNK, SOURCE, SPLAT))
    numbers = {
        "NONE": NONE, "MATRIX_WORDS": MATRIX_WORDS, "CELL": CELL, "MAX_BINS": MAX_BINS, "RINGS": RINGS,
        "MAX_SORTED": MAX_SORTED, "PATCH": PATCH, "MASK_SIDE": MASK_SIDE, "MASK_GRID": MASK_GRID,
        "MASK_WORDS": MASK_WORDS, "MASK_HEADER": MASK_HEADER, "MATERIAL_TEXELS": MATERIAL.size // 16,
        "MATERIALS_ACROSS": MATERIALS_ACROSS, "SKY_ACROSS": SKY_ACROSS, "SKY_UP": SKY_UP,
        "LIGHT_COLUMNS": LIGHT_GRID[0], "LIGHT_ROWS": LIGHT_GRID[1], "LIGHT_SLICES": LIGHT_GRID[2],
        "DEBUG_MATERIAL": DEBUG_MATERIAL, "UNLIT_MATERIAL": UNLIT_MATERIAL,
        **{f"COUNT_{name.upper()}": place for place, name in enumerate(COUNTERS)},
    }  # fmt: skip
    constants = "\n".join(f"#define {name} {value}u" for name, value in numbers.items())
    switches = "\n".join(f"#define SWITCH_{name} {bit}" for name, bit in SWITCHES.items())  # for #if as well
    return f"{structs}\n{_block(FRAME)}\n{constants}\n{switches}\n"


def generated() -> dict[str, str]:
    """What shaders can include besides files; "cull.glsl" and so on are for programs that bind that block."""
    return {"layout.glsl": glsl(), "cull.glsl": _block(CULL), "shadow_block.glsl": _block(SHADOW)}


def _block(struct: Struct) -> str:
    return (
        f"layout(std140) uniform {struct.name}Block {{\n{struct.glsl_members()}\n}} {struct.name.lower()};\n"
    )
