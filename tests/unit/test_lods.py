"""Levels of detail: the same crowd from afar, with fewer triangles."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import throng
from throng.layout import MAX_LEVELS
from throng.model import lods, simplify
from throng.model.lods import levels, switch_size

Array = npt.NDArray[Any]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, on disk and in memory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("THRONG_CACHE", str(folder))
    forget()
    return folder


def forget() -> None:
    lods._kept.clear()


def parts(model: throng.Model) -> list[throng.Mesh]:
    return [mesh for mesh, _ in model.parts]


SHAPES: dict[str, throng.Mesh] = {
    "trunk": parts(throng.shapes.tree(1))[0],
    "leaves": parts(throng.shapes.tree(1))[1],
    "conifer": parts(throng.shapes.tree(1, "conifer"))[1],
    "skin": parts(throng.shapes.person(3))[0],
    "shirt": parts(throng.shapes.person(3))[1],
    "hair": parts(throng.shapes.person(3))[3],
    "tuft": throng.shapes.grass_tuft(0, blades=40),
    "rock": throng.shapes.rock(3),
    "sphere": throng.shapes.sphere(0.5, 18, 10),
    "cone": throng.shapes.cone(segments=48),
    "cylinder": throng.shapes.cylinder(segments=48),
    "plane": throng.shapes.plane(4, divisions=8),
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


# -- a reference that shares nothing with throng: pixels whose centre lies in a triangle -----------------


def directions(count: int) -> Array:
    number = np.arange(count) + 0.5
    up, turn = 1 - 2 * number / count, number * np.pi * (1 + 5**0.5)
    return np.column_stack([np.cos(turn) * np.sqrt(1 - up**2), up, np.sin(turn) * np.sqrt(1 - up**2)])


def look(mesh: throng.Mesh, like: throng.Mesh, views: int, size: int) -> tuple[float, Array, Array]:
    """Seen from all around: the mean area, and of its pixels the mean linear colour and the mean light from
    above and from two sides. In units of `like`, whose middle the pictures show."""
    center, radius = like.sphere
    points = (mesh.positions - center) / radius
    light = ((mesh.colors[:, :3] / 255 + 0.055) / 1.055) ** 2.4
    values = np.column_stack([light, mesh.normals])
    suns = np.array([(0.0, 1.0, 0.0), (0.9, 0.3, 0.3), (-0.4, 0.8, -0.45)])
    found, pixels = np.zeros(6), 0
    for away in directions(views):
        side = np.cross(away, (0.31, 0.22, 0.92))
        side /= np.linalg.norm(side)
        x, y = (points @ side / 3 + 0.5) * size, (points @ np.cross(away, side) / 3 + 0.5) * size
        depth, picture = np.full((size, size), -np.inf), np.zeros((size, size, 6))
        for triangle in mesh.indices:
            (ax, bx, cx), (ay, by, cy) = x[triangle], y[triangle]
            left, right = int(np.ceil(min(ax, bx, cx) - 0.5)), int(max(ax, bx, cx) + 0.5)
            low, high = int(np.ceil(min(ay, by, cy) - 0.5)), int(max(ay, by, cy) + 0.5)
            twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
            if right <= left or high <= low or abs(twice) < 1e-9:
                continue
            px, py = np.meshgrid(np.arange(left, right) + 0.5 - ax, np.arange(low, high) + 0.5 - ay)
            second = (px * (cy - ay) - (cx - ax) * py) / twice
            third = ((bx - ax) * py - px * (by - ay)) / twice
            weights = np.stack([1 - second - third, second, third], axis=-1)
            z = weights @ (points[triangle] @ away)
            behind = depth[low:high, left:right]
            here = (weights >= 0).all(axis=-1) & (z > behind)
            behind[here] = z[here]
            picture[low:high, left:right][here] = weights[here] @ values[triangle]
        shown = picture[depth > -np.inf]
        normals = shown[:, 3:] / np.maximum(np.linalg.norm(shown[:, 3:], axis=1), 1e-9)[:, None]
        lit = np.maximum(normals @ suns.T, 0)
        found += [*shown[:, :3].sum(axis=0), *lit.sum(axis=0)]
        pixels += len(shown)
    return pixels * 9 / size**2 / views, found[:3] / pixels, found[3:] / pixels


def box_of(mesh: throng.Mesh) -> Array:
    return np.asarray(mesh.bounds[1] - mesh.bounds[0])


# -- what they look like ---------------------------------------------------------------------------------


@every_shape
def test_levels_are_clearly_coarser_down_to_about_24_triangles(shape: str) -> None:
    found = levels(SHAPES[shape])
    counts = [level.triangle_count for level in found]
    assert found[0] is SHAPES[shape]
    assert 2 <= len(counts) <= MAX_LEVELS
    assert all(after <= 0.75 * before for before, after in pairwise(counts))
    assert 16 <= counts[-1] <= 36


@every_shape
def test_a_level_covers_what_the_mesh_covers(shape: str) -> None:
    fine = SHAPES[shape]
    size = 420 if shape in ("tuft", "trunk") else 160
    covered = look(fine, fine, 10, size)[0]
    for level in levels(fine)[1:]:
        assert look(level, fine, 10, size)[0] == pytest.approx(covered, rel=0.04)


@pytest.mark.parametrize("shape", ["leaves", "conifer", "skin", "rock", "sphere", "cone", "tuft"])
def test_a_level_is_as_bright_and_as_lit_as_the_mesh(shape: str) -> None:
    fine = SHAPES[shape]
    size = 250 if shape == "tuft" else 80
    _, colors, light = look(fine, fine, 30, size)
    for number, level in enumerate(levels(fine)[1:]):
        _, level_colors, level_light = look(level, fine, 30, size)
        assert level_colors == pytest.approx(colors, rel=0.02)
        # Tetrahedra in place of a crown's clumps cannot be lit quite as these were.
        assert level_light == pytest.approx(light, rel=0.06 if number == 0 else 0.20)


def test_how_silhouettes_are_measured() -> None:
    source = simplify.surface(throng.shapes.sphere(3.0, 96, 48))
    assert source is not None
    assert source.covered == pytest.approx(np.pi, rel=0.003)
    box = simplify.surface(throng.shapes.box((1, 2, 3)))
    assert box is not None  # Cauchy: a quarter of the surface
    assert box.covered == pytest.approx((2 + 3 + 6) / 2 / box.radius**2, rel=0.01)


def test_blades_stay_blades() -> None:
    fine = SHAPES["tuft"]
    for level in levels(fine)[1:]:
        corners = level.positions[level.indices]
        assert len(level.indices) >= 20
        assert corners[..., 1].min() == pytest.approx(0.0, abs=0.005)  # rooted
        assert level.bounds[1, 1] == pytest.approx(fine.bounds[1, 1], rel=0.1)  # as tall as it was
        # Each triangle is far longer than wide.
        edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
        area = (
            np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
        )
        assert np.median(edges.max(axis=1) ** 2 / (2 * area)) > 2


@pytest.mark.parametrize("shape", ["trunk", "tuft", "skin", "shirt", "rock", "cone"])
def test_levels_stay_where_they_stand_and_as_large_as_they_were(shape: str) -> None:
    fine = SHAPES[shape]
    extent = box_of(fine).max()
    for level in levels(fine)[1:]:
        assert np.abs(level.bounds - fine.bounds).max() < 0.16 * extent


def test_a_trunk_stands_on_the_ground() -> None:
    for level in levels(SHAPES["trunk"]):
        assert level.bounds[0, 1] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("shape", ["leaves", "conifer", "skin", "rock", "sphere", "cone", "cylinder"])
def test_triangles_face_outwards_and_have_an_area(shape: str) -> None:
    for level in levels(SHAPES[shape])[1:]:
        corners = level.positions[level.indices].astype(np.float64)
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert np.linalg.norm(flat, axis=1).min() > 1e-9
        assert (corners[:, 0] * flat).sum() > 0  # a closed surface's volume
        toward = np.einsum("ti,tki->tk", flat, level.normals[level.indices])
        assert (toward > 0).mean() > 0.9


def test_hard_edges_stay_hard() -> None:
    for level in levels(SHAPES["cylinder"])[1:]:
        upward = level.normals[:, 1] > 0.95
        sideways = np.abs(level.normals[:, 1]) < 0.2
        assert upward.sum() >= 3
        assert (upward | sideways | (level.normals[:, 1] < -0.95)).all()


def test_smooth_meshes_do_not_pay_for_hard_edges() -> None:
    for level in levels(throng.shapes.sphere(0.5, 96, 48))[1:-1]:
        assert level.vertex_count < 0.6 * level.triangle_count + 8  # its image has a seam


def test_a_mesh_far_from_its_origin_keeps_its_place() -> None:
    fine = throng.shapes.sphere()
    moved = throng.Mesh(fine.positions + (0, 500, 20), fine.indices, fine.normals)
    for level in levels(moved)[1:]:
        assert level.bounds.mean(axis=0) == pytest.approx([0, 500, 20], abs=0.06)


# -- which there are -------------------------------------------------------------------------------------


def test_given_levels_win() -> None:
    coarse = [throng.shapes.sphere(0.5, 8 - number, 4) for number in range(4)]
    base = throng.shapes.sphere()
    mesh = throng.Mesh(base.positions, base.indices, lods=coarse)
    assert levels(mesh) == (mesh, *coarse)
    few = throng.Mesh(base.positions, base.indices[:30], lods=[throng.shapes.quad()])
    assert levels(few) == (few, throng.shapes.quad())


@pytest.mark.parametrize("mesh", [throng.shapes.box(), throng.shapes.grass_tuft(), throng.shapes.cone()])
def test_a_mesh_of_few_triangles_has_no_coarser_level(mesh: throng.Mesh, cache: Path) -> None:
    assert levels(mesh) == (mesh,)
    assert not cache.exists()


def test_large_meshes_reach_the_coarsest_level_in_larger_steps() -> None:
    counts = [level.triangle_count for level in levels(throng.shapes.rock(1, detail=5))]
    assert len(counts) == MAX_LEVELS
    assert counts[-1] <= 36


@pytest.mark.parametrize("segments", [100, 300])
def test_a_fine_sphere_reaches_it_too(segments: int) -> None:
    """Around its poles there are slivers."""
    counts = [level.triangle_count for level in levels(throng.shapes.sphere(0.5, segments, segments // 2))]
    assert len(counts) >= 4
    assert counts[-1] < 300


def test_switch_size_is_in_pixels_of_diameter() -> None:
    assert switch_size(throng.shapes.sphere(0.5, 12, 7)) == pytest.approx(24.0)
    assert switch_size(throng.shapes.quad()) == pytest.approx(2 * 2**0.5)


def test_the_same_mesh_has_the_same_levels_in_every_process() -> None:
    program = (
        "import throng; from throng.model.lods import levels;"
        "print([level.key.hex() for level in levels(throng.shapes.grass_tuft(0, blades=40))])"
    )
    environment = {"THRONG_CACHE": "", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert ran.stdout.strip() == str([level.key.hex() for level in levels(SHAPES["tuft"])])


# -- what cannot be simplified ---------------------------------------------------------------------------


def soup(count: int, seed: int = 0) -> throng.Mesh:
    random = np.random.default_rng(seed)
    return throng.Mesh(random.normal(size=(count, 3)), random.integers(0, count, (3 * count, 3)))


def cards(count: int) -> throng.Mesh:
    """A bush of square leaves, all of them apart."""
    random = np.random.default_rng(1)
    middle = random.normal(size=(count, 1, 3)) * (1, 1.3, 1) + (0, 2, 0)
    side, up = random.normal(size=(2, count, 1, 3))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    points = middle + 0.05 * (side * corners[:, :1] + up * corners[:, 1:])
    quads = np.arange(count)[:, None] * 4 + (0, 1, 2, 0, 2, 3)
    return throng.Mesh(points.reshape(-1, 3), quads.reshape(-1, 3))


def fan(count: int) -> throng.Mesh:
    """Many triangles on one edge."""
    angle = np.arange(count) * 0.7
    points = np.concatenate([[(0, 0, 0), (0, 1, 0)], np.column_stack([np.cos(angle), angle, np.sin(angle)])])
    return throng.Mesh(points, [(0, 1, number + 2) for number in range(count)])


def scaled(factor: float) -> throng.Mesh:
    fine = throng.shapes.sphere()
    return throng.Mesh(fine.positions * np.float32(factor), fine.indices, fine.normals)


def stretched(factors: tuple[float, float, float]) -> throng.Mesh:
    fine = throng.shapes.sphere()
    return throng.Mesh(fine.positions * factors, fine.indices)


HARD: dict[str, throng.Mesh] = {
    "soup": soup(40),
    "soup of many": soup(150),
    "cards": cards(500),
    "fan": fan(100),
    "nothing but points": throng.Mesh(np.zeros((3, 3)), np.zeros((100, 3), np.int64)),
    "a line": throng.Mesh(np.outer(np.arange(200), (1, 2, 3)), np.arange(198)[:, None] + (0, 1, 2)),
    "twice the same": throng.Mesh(
        throng.shapes.rock().positions, np.concatenate([throng.shapes.rock().indices] * 2)
    ),
    "inside out": throng.Mesh(throng.shapes.rock().positions, throng.shapes.rock().indices[:, ::-1]),
    "huge": scaled(1e18),
    "beyond squares": scaled(1e37),
    "minute": scaled(1e-25),
    "a needle": stretched((1e-5, 1.0, 1e-5)),
    "a sheet": stretched((1.0, 1e-7, 1.0)),
    "black": throng.Mesh(
        throng.shapes.sphere().positions,
        throng.shapes.sphere().indices,
        colors=np.zeros((throng.shapes.sphere().vertex_count, 3), np.uint8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_a_mesh_that_is_hard_to_simplify_has_fewer_levels_and_is_no_error(name: str) -> None:
    mesh = HARD[name]
    source = simplify.surface(mesh)
    if source is not None:
        for target in (150, 60, 24, 3):
            simplify.simplified(source, target)  # which `levels` would not let through
    found = levels(mesh)
    assert found[0] is mesh
    for level in found[1:]:
        assert np.isfinite(level.positions).all()
        assert np.abs(level.bounds - mesh.bounds).max() <= 0.5 * np.ptp(mesh.bounds.astype(np.float64))


def test_what_fast_simplification_cannot_do_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import fast_simplification

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("non-manifold")

    monkeypatch.setattr(fast_simplification, "simplify", fail)
    mesh = throng.shapes.sphere()
    assert levels(mesh) == (mesh,)


def test_leaves_too_many_are_dropped_and_the_others_widened() -> None:
    fine = cards(500)
    coarse = levels(fine)[-1]
    assert coarse.triangle_count <= 36
    covered = look(fine, fine, 10, 200)[0]
    assert look(coarse, fine, 10, 200)[0] == pytest.approx(covered, rel=0.05)


# -- files -----------------------------------------------------------------------------------------------


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_levels_are_read_from_the_disk(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = levels(SHAPES["rock"])
    assert [path.suffix for path in files(cache)] == [".npz"]
    monkeypatch.setattr(lods, "_made", lambda mesh: pytest.fail("made again"))
    assert levels(throng.shapes.rock(3)) == made  # from memory, by content
    forget()
    assert levels(SHAPES["rock"]) == made


def test_that_there_are_none_is_kept_too(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = HARD["a line"]
    assert levels(mesh) == (mesh,)
    forget()
    monkeypatch.setattr(lods, "_made", lambda mesh: pytest.fail("made again"))
    assert levels(mesh) == (mesh,)


@pytest.mark.parametrize(
    "harm", ["cut", "empty", "garbage", "foreign", "of another mesh", "an array", "flipped"]
)
def test_a_file_that_is_not_as_it_was_written_is_made_again(harm: str, cache: Path) -> None:
    made = levels(SHAPES["rock"])
    (path,) = files(cache)
    whole = path.read_bytes()
    if harm == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "garbage":
        path.write_bytes(b"\x00\xff" * 1000)
    elif harm == "foreign":
        np.savez(path, positions=np.zeros(3))
    elif harm == "an array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif harm == "flipped":
        path.write_bytes(
            bytes(255 - byte if number % 97 == 50 else byte for number, byte in enumerate(whole))
        )
    else:
        forget()
        levels(SHAPES["cone"])
        (other,) = set(files(cache)) - {path}
        path.write_bytes(other.read_bytes())
    forget()
    assert levels(SHAPES["rock"]) == made
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_to_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("THRONG_CACHE", str(blocked / "lods"))
    assert len(levels(SHAPES["rock"])) == 3
    assert files(tmp_path) == [blocked]


def test_a_disk_that_is_full_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(levels(SHAPES["rock"])) == 3
    assert files(cache) == []


def test_an_empty_variable_switches_files_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRONG_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert len(levels(SHAPES["rock"])) == 3
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "xdg/throng/lods"),
        ("win32", "local/throng/lods"),
        ("darwin", "home/Library/Caches/throng/lods"),
    ],
)
def test_where_the_files_are(
    platform: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THRONG_CACHE")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert lods._folder() == tmp_path / expected
    if platform == "linux":
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert lods._folder() == tmp_path / "home" / ".cache" / "throng" / "lods"


def test_a_mesh_that_nobody_has_any_more_is_forgotten() -> None:
    mesh = throng.shapes.rock(77)
    levels(mesh)
    assert len(lods._kept) == 1
    del mesh
    assert len(lods._kept) == 0
