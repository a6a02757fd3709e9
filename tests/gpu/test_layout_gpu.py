"""What layout.py and the instance store promise, read back from the driver; shaders by another compiler."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pytest

from throng import Camera, Crowd, Renderer, Scene, layout, shapes
from throng.gpu import rawgl, source
from throng.gpu.context import Capabilities
from throng.gpu.instances import Resident
from throng.gpu.introspect import Variable, buffer_variables
from throng.gpu.meshes import MeshPool, Want
from throng.gpu.programs import custom
from throng.gpu.shared import Shared
from throng.gpu.visibility import LANES_OF_SOFTWARE, SCAN
from throng.layout import CELL, CHUNK, COMMAND, CULL, FRAME, ITEM, RECORD, SOURCE, SPLAT, VERTEX, Struct


@pytest.fixture
def shared(ctx: moderngl.Context) -> Any:
    if ctx.version_code < 430:
        pytest.skip("needs OpenGL 4.3")
    made = Shared(ctx, Capabilities.of(ctx))
    yield made
    made.release()


def members(struct: Struct, block: str, prefix: str, stride: int) -> dict[str, Variable]:
    """Where the driver should find the members of a struct."""
    found = {}
    for kind, name, _ in struct.fields:
        element, array, _ = kind.partition("[")
        steps = 16 if array else 0, 16 if element == "mat4" else 0
        found[f"{prefix}{name}{'[0]' if array else ''}"] = Variable(
            block, struct.offset(name), *steps, stride
        )
    return found


# Of storage blocks a driver may leave out members that a program does not use.
def found_members(block: str, *programs: moderngl.ComputeShader | moderngl.Program) -> dict[str, Variable]:
    """The members of a block, of all programs that have it."""
    found: dict[str, Variable] = {}
    for program in programs:
        mine = {name: v for name, v in buffer_variables(program.glo).items() if v.block == block}
        for name in found.keys() & mine.keys():
            assert found[name] == mine[name], name
        found |= mine
    return found


CHOOSING: dict[str, object] = {
    "SWITCHED": sum(layout.SWITCHES[name] for name in ("CULL", "LOD", "SPLAT")),
    "LANES": CELL,
}
ONE_ITEM: dict[str, object] = {
    "ONE_ITEM": 1, "HAS_MATRICES": "false", "HAS_ROTATIONS": "true", "HAS_COLORS": "true", "HAS_IDS": "true",
    "HAS_ORDER": "true", "HAS_MASK": "true", "SPLATS": 1, "LEVELS": 1, "SCALE_WIDTH": "3u", "MOTION": 1,
    "BLENDED": "false", "FACETED": 1,
}  # fmt: skip


def test_items_lie_as_written(shared: Shared) -> None:
    get = shared.visibility_programs.get
    programs = [get(name, **CHOOSING) for name in ("instances", "records", "splats")]
    found = found_members("ItemBlock", get("cells"), *programs)
    wanted = members(ITEM, "ItemBlock", "items[0].", ITEM.size)
    assert found.items() <= wanted.items()
    assert wanted.keys() - found.keys() <= {"items[0].stretch", "items[0].parts"}  # nobody reads these


def test_an_item_alone_lies_as_written(shared: Shared) -> None:
    for name in ("instances", "records", "splats"):
        program = shared.visibility_programs.get(name, **CHOOSING, **ONE_ITEM)
        found = found_members("OneItemBlock", program)
        assert found == members(ITEM, "OneItemBlock", "item.", 0)


def test_chunks_and_sources_lie_as_written(shared: Shared) -> None:
    get = shared.visibility_programs.get
    chunks = found_members("ChunkBlock", get("cells"), get("scatter"), get("instances", **CHOOSING))
    wanted = members(CHUNK, "ChunkBlock", "chunks[0].", CHUNK.size)
    assert chunks.items() <= wanted.items()
    assert len(chunks) >= 4
    sources = found_members("SourceBlock", get("commands"))
    assert sources == members(SOURCE, "SourceBlock", "sources[0].", SOURCE.size)


def test_commands_lie_as_opengl_wants_them(shared: Shared) -> None:
    found = found_members("CommandBlock", shared.visibility_programs.get("commands"))
    assert COMMAND.fields is not None
    assert found == {
        f"commands[0].{name}": Variable("CommandBlock", offset, 0, 0, COMMAND.itemsize)
        for name, (_, offset, *_) in COMMAND.fields.items()
    }


@pytest.mark.parametrize("name", ["cells", "scan", "instances", "commands", "scatter", "records", "splats"])
def test_what_decides_lies_as_written(shared: Shared, name: str) -> None:
    defines: dict[str, object] = {"SCAN": SCAN} if name == "scan" else {}
    if name in ("instances", "records", "splats"):
        defines = CHOOSING
    program = shared.visibility_programs.get(name, **defines)
    assert found_members("CullBlock", program) == members(CULL, "CullBlock", "CullBlock.", 0)


def test_splats_lie_as_written(shared: Shared) -> None:
    program = source.compile_program(
        shared.ctx, "splats", version=430, generated=layout.generated(),
        vertex="splats.vert", fragment="splats.frag",
    )  # fmt: skip
    found = found_members("RecordBlock", program)
    wanted = members(SPLAT, "RecordBlock", "splats[0].", SPLAT.size)
    assert found.items() <= wanted.items()
    assert len(found) >= len(wanted) - 2  # ids are for pictures of ids
    program.release()


# Records are attributes of mesh.vert, and written as four words at a time: splats lie among them.
def test_records_are_four_times_four_words() -> None:
    assert [RECORD.offset(name) for name in ("row0", "row1", "row2", "look", "object", "id")] == [
        *(0, 16, 32, 48, 56, 60)
    ]
    assert RECORD.size == SPLAT.size == 64


@pytest.mark.parametrize("version", [330, 430])
def test_the_frame_lies_as_written(shared: Shared, version: int) -> None:
    program = shared.programs(version).get({"RECORDS": 1} if version == 430 else {"INSTANCE": "in"})
    assert found_members("FrameBlock", program) == members(FRAME, "FrameBlock", "FrameBlock.", 0)


def test_sizes_that_opengl_fixes() -> None:
    assert COMMAND.itemsize == 20  # DrawElementsIndirectCommand
    assert VERTEX.itemsize % 4 == 0  # attributes that are not aligned are slow
    assert (RECORD.size, ITEM.size % 16, FRAME.size % 16) == (64, 0, 0)


# -- columns -------------------------------------------------------------------------------------------


def crowd_with_columns(count: int) -> Crowd:
    random = np.random.default_rng(0)
    return Crowd(
        shapes.box(0.1),
        positions=random.uniform(-1, 1, (count, 3)),
        scales=random.choice([-1, 1], count),
        columns={
            "heat": random.random(count),
            "flow": random.normal(size=(count, 3)),
            "team": random.integers(-5, 5, count),
            "corner": random.integers(0, 9, (count, 2)),
        },
    )


def resident_of(renderer: Renderer, crowd: Crowd) -> Resident:
    store = renderer._states[-1].gpu._store
    return next(
        resident
        for instances, resident in store._residents.values()
        if getattr(instances, "crowd", None) is crowd
    )


COPY = """#version 430 core
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Page { uint words[]; };
layout(std430, binding = 1) writeonly buffer Copy { uint copied[]; };
uniform uint first, count;
void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < count) copied[i] = words[first + i];
}
"""


def read_in_shader(
    ctx: moderngl.Context, resident: Resident, name: str, width: int
) -> npt.NDArray[np.uint32]:
    """A column's words, (n, width), as a compute shader finds them."""
    program = ctx.compute_shader(COPY)
    parts = []
    for segment in resident.segments:
        words = segment.count * width
        if not words:
            continue
        copy = ctx.buffer(reserve=words * 4)
        segment.page.buffer.bind_to_storage_buffer(0)
        copy.bind_to_storage_buffer(1)
        program["first"], program["count"] = segment.offsets[name] // 4, words
        program.run(-(-words // 64))
        ctx.memory_barrier()
        for binding in (0, 1):  # a host must not hold on to a page, which may go
            rawgl.function("glBindBufferBase", "viuu")(0x90D2, binding, 0)
        parts.append(np.frombuffer(copy.read(), np.uint32).reshape(-1, width))
    return np.concatenate(parts)


@pytest.mark.parametrize("page_bytes", [None, 20_000])
def test_custom_columns_lie_on_the_gpu(
    ctx: moderngl.Context, monkeypatch: pytest.MonkeyPatch, page_bytes: int | None
) -> None:
    """In one page and in several; after writes, an append and a delete."""
    if ctx.version_code < 430:
        pytest.skip("needs OpenGL 4.3")
    scene = Scene()
    crowd = scene.add(crowd_with_columns(2000))
    with Renderer((8, 8), context=ctx) as renderer:
        if page_bytes is not None:
            object.__setattr__(renderer.capabilities, "storage_block_bytes", page_bytes)
        renderer.render(scene, Camera())
        for change in (None, "write", "grow", "shrink"):
            if change == "write":
                crowd.columns["heat"][100:900] += 1.0
                crowd.columns["corner"][7] = (3, 4)
            elif change == "grow":
                crowd.append(np.zeros((500, 3)), columns={"heat": np.full(500, 7.0), "team": np.full(500, 3)})
            elif change == "shrink":
                crowd.delete(np.arange(0, 1500, 3))
            renderer.render(scene, Camera())
            resident = resident_of(renderer, crowd)
            assert (len(resident.segments) > 1) == (page_bytes is not None)
            for name, width in (("heat", 1), ("flow", 3), ("team", 1), ("corner", 2)):
                wanted = np.asarray(crowd.columns[name]).reshape(-1, width)
                found = read_in_shader(ctx, resident, name, width).view(wanted.dtype)
                np.testing.assert_array_equal(found, wanted)


def test_custom_columns_can_be_read_as_attributes(ctx: moderngl.Context) -> None:
    """By offset, out of the page, the way OpenGL 3.3 does it."""
    scene = Scene()
    crowd = scene.add(crowd_with_columns(300))
    with Renderer((8, 8), context=ctx) as renderer:
        renderer.render(scene, Camera())
        resident = resident_of(renderer, crowd)
        (segment,) = resident.segments
        program = ctx.program(
            vertex_shader="#version 330 core\nin vec3 flow; in int team; out vec4 both;"
            "void main() { both = vec4(flow, float(team)); }",
            varyings=("both",),
        )
        array = ctx.vertex_array(program, [])
        for name, text, kind, size in (("flow", "3f", "f", 12), ("team", "1i", "i", 4)):
            location = program[name].location  # type: ignore[union-attr]
            array.bind(location, kind, segment.page.buffer, text, segment.offsets[name], size, 0)
        result = ctx.buffer(reserve=16 * 300)
        ctx.simple_framebuffer((1, 1)).use()  # without a complete framebuffer transform() does nothing
        array.transform(result, moderngl.POINTS, vertices=300)
        both = np.frombuffer(result.read(), np.float32).reshape(300, 4)
    np.testing.assert_array_equal(both[:, :3], np.asarray(crowd.columns["flow"]))
    np.testing.assert_array_equal(both[:, 3], np.asarray(crowd.columns["team"]))


def test_vertices_lie_as_written(ctx: moderngl.Context) -> None:
    pool = MeshPool(ctx)
    mesh = shapes.cone(segments=5)
    slot = pool.slot(Want(mesh, two_sided=True, part=2))
    vertices = np.frombuffer(pool.vertices.read(VERTEX.itemsize * 60), VERTEX)
    indices = np.frombuffer(pool.indices.read(), np.uint32)
    front, back, both = (
        indices[part.first : part.first + part.count].reshape(-1, 3)
        for part in (slot.front, slot.back, slot.both)
    )
    for ours, theirs in zip(front, mesh.indices, strict=True):  # whichever corner comes first
        assert set(map(tuple, vertices["position"][ours])) == set(map(tuple, mesh.positions[theirs]))
    np.testing.assert_array_equal(vertices["side"][front[:, 2]], 3)  # the provoking vertex is the last
    np.testing.assert_array_equal(vertices["side"][back[:, 2]], -3)
    np.testing.assert_array_equal(both[::2], front)
    np.testing.assert_array_equal(both[1::2], back)

    def facing(triangles: Any) -> Any:
        a, b, c = (vertices["position"][triangles[:, corner]] for corner in range(3))
        return np.cross(b - a, c - a)

    np.testing.assert_allclose(facing(front), -facing(back), atol=1e-6)
    pool.release()


# -- another compiler ----------------------------------------------------------------------------------


def variants() -> list[tuple[str, int, dict[str, object]]]:
    """Shaders with the defines that the modes put together."""
    found: list[tuple[str, int, dict[str, object]]] = []
    extras: list[dict[str, object]] = [
        {},
        {"OUT_IDS": 1, "OUT_NORMALS": 2},
        {"VERTEX_COLORS": 1},
        {"VERTEX_COLORS": 1, "OUT_NORMALS": 1},
    ]
    for extra, fade in itertools.product(extras, ({}, {"FADE": 1})):
        found += [(name, 430, {"RECORDS": 1, **extra, **fade}) for name in ("mesh.vert", "mesh.frag")]
    found += [(f"{name}.comp", 430, {}) for name in ("cells", "clear", "commands", "scatter")]
    found += [("scan.comp", 430, {"SCAN": SCAN, **extra}) for extra in ({}, {"CHUNKS": 1})]
    found += [("pyramid.comp", 430, {"FINEST": 1, "SAMPLES": samples}) for samples in (1, 4)]
    found += [("pyramid.comp", 430, {"SAMPLES": 1})]
    found += [("mask.vert", 430, {}), ("mask.frag", 430, {}), ("screen.vert", 430, {})]
    found += [("splats.vert", 430, {}), *(("splats.frag", 430, extra) for extra in extras[:2])]
    found += [(name, 430, defines) for name in CHOOSERS for defines in chooser_forms()]
    columns: list[dict[str, object]] = [
        {"NODES": 1, "HAS_COLORS": 1, "HAS_IDS": 1, "ONE_HAND": 1},
        {"HAS_ROTATIONS": 1, "SCALE_3": 1, "HAS_COLORS": 1, "ONE_HAND": 1, "TURNED_CROWD": 1},
        {"SCALE_1": 1, "MOTION": 1, "HAS_IDS": 1, "ONE_HAND": 1},
        {"HAS_ROTATIONS": 1},
    ]
    for extra, column, way in itertools.product(extras, columns, ("in", "uniform")):
        found.append(("mesh.vert", 330, {"INSTANCE": way, **extra, **column}))
    found += [("mesh.frag", 330, extra) for extra in extras]
    found += [("screen.vert", 330, {}), ("resolve.frag", 330, {"SAMPLES": 4, "OUT_IDS": 1, "OUT_NORMALS": 2})]
    return found


CHOOSERS = ("instances.comp", "records.comp", "splats.comp")


def chooser_forms() -> list[dict[str, object]]:
    """What visibility.py compiles them for: several items, or one of which all is known."""
    bits = layout.SWITCHES
    every = bits["CULL"] | bits["LOD"] | bits["SPLAT"] | bits["REVERSED"] | bits["ZERO_TO_ONE"]
    nodes = {
        **ONE_ITEM, "HAS_MATRICES": "true", "HAS_ROTATIONS": "false", "HAS_MASK": "false", "SPLATS": 0,
        "SCALE_WIDTH": "0u", "MOTION": 0,
    }  # fmt: skip
    bare = {**ONE_ITEM, "HAS_ROTATIONS": "false", "HAS_COLORS": "false", "HAS_IDS": "false"}
    bare |= {"HAS_ORDER": "false", "SCALE_WIDTH": "1u", "LEVELS": 0, "MOTION": 0}
    switched = (0, every, every | bits["FIRST"], every | bits["SECOND"], bits["CULL"], every | bits["KEPT"])
    forms: tuple[dict[str, object], ...] = ({}, ONE_ITEM, nodes, bare)
    lanes = (CELL, LANES_OF_SOFTWARE)
    return [
        {"SWITCHED": number, "LANES": lanes[place % 2], **form}
        for form in forms
        for place, number in enumerate(switched)
    ]


@pytest.mark.parametrize("shader", sorted({name for name, _, _ in variants()}))
def test_the_reference_compiler_takes_every_shader(tmp_path: Path, shader: str) -> None:
    compiler = shutil.which("glslangValidator")
    if compiler is None:
        pytest.skip("needs glslangValidator (Debian: glslang-tools)")
    files = []
    for number, (name, version, defines) in enumerate(variants()):
        if name != shader:
            continue
        file = tmp_path / f"{number}_{name}"
        generated = {**layout.generated(), **custom(None)[1]}
        text = source.load(name, version=version, defines=defines, generated=generated)
        file.write_text(text)
        files.append(str(file))
    done = subprocess.run([compiler, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
