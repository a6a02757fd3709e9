"""Splat masks: small pictures of a model from directions all around, made on the GPU when first needed.

Directions are the middles of a grid on the octahedral map of the sphere. A mask shows the model's own
rectangle from there, by parallel projection; a texel is covered where the model covers its middle.
"""

from __future__ import annotations

from collections.abc import Iterable

import moderngl
import numpy as np
import numpy.typing as npt

from throng import layout
from throng.gpu import rawgl, source
from throng.gpu.context import checked_buffer, checked_depth_texture, checked_texture
from throng.gpu.items import Item, Part, vertex_content
from throng.gpu.materials import cutoff_of, uses_of
from throng.gpu.meshes import MeshPool
from throng.gpu.programs import UNITS, attach
from throng.gpu.target import clear_integers
from throng.gpu.textures import TextureStore, reference
from throng.layout import MASK_GRID, MASK_HEADER, MASK_SIDE, MASK_WORDS

Floats = npt.NDArray[np.float64]
Key = tuple[object, ...]

MODEL_WORDS = MASK_GRID * MASK_GRID * MASK_WORDS
_SLACK = 1.0 + 1.0 / MASK_SIDE  # room around the model, so that its outline lies inside


def directions() -> Floats:
    """(g, g, 3): the direction of the mask at each (y, x) of the grid; octahedral.glsl has the same."""
    middles = (np.arange(MASK_GRID) + 0.5) * (2.0 / MASK_GRID) - 1.0
    x, y = np.meshgrid(middles, middles)
    z = 1.0 - np.abs(x) - np.abs(y)
    folded_x = np.where(z < 0, (1.0 - np.abs(y)) * np.where(x < 0, -1.0, 1.0), x)
    folded_y = np.where(z < 0, (1.0 - np.abs(x)) * np.where(y < 0, -1.0, 1.0), y)
    vectors = np.stack([folded_x, folded_y, z], axis=-1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def axes(towards: Floats) -> tuple[Floats, Floats]:
    """What is right and up in masks made from these directions, (..., 3) each."""
    up = np.where(np.abs(towards[..., 1:2]) > 0.9, (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
    up = up - towards * (up * towards).sum(axis=-1, keepdims=True)
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    return np.cross(up, towards), up


class MaskStore:
    """The masks of all models of one renderer, in one buffer."""

    def __init__(self, ctx: moderngl.Context, pool: MeshPool, textures: TextureStore, limit: int) -> None:
        self._ctx = ctx
        self._pool = pool
        self._textures = textures
        self._most = min(limit // (4 * MODEL_WORDS), 64)  # models
        self._places: dict[Key, int] = {}
        self._wanted: dict[int, set[Key]] = {}
        self._programs: dict[int, moderngl.Program] = {}  # by the array that a texture is in, as a bit
        self.buffer = checked_buffer(ctx, reserve=16, purpose="splat masks")

    def places(self, owner: object, items: Iterable[Item]) -> list[int]:
        """Where each item's masks start, in words; NONE for those that there is no room for.

        `owner` no longer needs what it asked for before; what nobody needs makes room for others.

        Draws into a framebuffer of its own. What was in use before has to be used again afterwards, and the
        depth range, depth function and culled face set.
        """
        wanted: dict[Key, Item] = {}
        keys = []
        for item in items:
            key = self._key(item)
            keys.append(key)
            wanted.setdefault(key, item)
        self._wanted[id(owner)] = set(wanted)
        for key, item in wanted.items():
            if key not in self._places:
                self._add(key, item)
        return [self._places.get(key, layout.NONE) for key in keys]

    def forget(self, owner: object) -> None:
        """`owner` needs nothing any more."""
        self._wanted.pop(id(owner), None)

    def release(self) -> None:
        self.buffer.release()
        for program in self._programs.values():
            program.release()

    def _add(self, key: Key, item: Item) -> None:
        if len(self._places) >= self._most:
            needed_by_some = set().union(*self._wanted.values())
            for old in [old for old in self._places if old not in needed_by_some]:
                del self._places[old]
        taken = set(self._places.values())
        place = next((n * MODEL_WORDS for n in range(self._most) if n * MODEL_WORDS not in taken), None)
        if place is None:
            return
        needed = 4 * (place + MODEL_WORDS)
        if needed > self.buffer.size:
            larger = checked_buffer(
                self._ctx, reserve=max(needed, min(2 * self.buffer.size, 4 * self._most * MODEL_WORDS)),
                purpose="splat masks",
            )  # fmt: skip
            if self._places:
                self._ctx.copy_buffer(larger, self.buffer, size=self.buffer.size)
            self.buffer.release()
            self.buffer = larger
        self.buffer.write(self._made(item), offset=4 * place)
        self._places[key] = place

    def _made(self, item: Item) -> npt.NDArray[np.uint32]:
        """(MODEL_WORDS,) the masks of an item's model."""
        windows = _windows(item)
        texels = self._drawn(item, windows)
        covered = texels[..., 0] >> 24 != 0
        alphas = np.where(covered, np.ascontiguousarray(texels[..., 2]).view(np.float32), 0.0)
        counts = np.maximum(covered.sum(axis=(2, 3)), 1)
        masks = np.zeros((MASK_GRID, MASK_GRID, MASK_WORDS), np.uint32)
        masks[..., :4] = windows.astype(np.float32).view(np.uint32)
        step = MASK_SIDE // 8
        few = np.packbits(covered[..., step // 2 :: step, step // 2 :: step], axis=-1, bitorder="little")
        masks[..., 4:6] = np.ascontiguousarray(few[..., 0]).view("<u4")
        masks[..., 6] = (alphas.sum(axis=(2, 3)) / counts).astype(np.float32).view(np.uint32)
        masks[..., MASK_HEADER:] = texels[..., :2].reshape(MASK_GRID, MASK_GRID, -1)
        return masks.reshape(-1)

    def _drawn(self, item: Item, windows: Floats) -> npt.NDArray[np.uint32]:
        """(g, g, side, side, 4): each texel's two words and its alpha, a float; 0 where the model is not."""
        ctx, side = self._ctx, MASK_GRID * MASK_SIDE
        looks = [self._look_of(part) for part in item.parts]
        self._textures.bind(UNITS["textures0"])
        picture = checked_texture(ctx, (side, side), 4, dtype="u4", purpose="a splat mask")
        depth = checked_depth_texture(ctx, (side, side), purpose="a splat mask")
        target = ctx.framebuffer([picture], depth)
        table = checked_texture(
            ctx, (MASK_GRID, MASK_GRID), 4, windows.astype(np.float32).tobytes(), dtype="f4",
            purpose="a splat mask",
        )  # fmt: skip
        arrays = [
            ctx.vertex_array(
                program, [vertex_content(self._pool, program)],
                index_buffer=self._pool.indices, index_element_size=4,
            )
            for program, _, _ in looks
        ]  # fmt: skip
        try:
            target.use()
            target.clear(depth=1.0)
            clear_integers(0, (0, 0, 0, 0))
            ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            ctx.depth_func, ctx.cull_face, ctx.front_face = "<", "back", "ccw"
            if rawgl.has_clip_control():
                rawgl.clip_control(lower_left=True, zero_to_one=False)
            table.use(location=0)
            for part, array, (program, reference, cutoff) in zip(item.parts, arrays, looks, strict=True):
                program["windows"], program["cutoff"] = 0, cutoff
                program["center"] = *item.extent.center, item.extent.radius
                if "reference" in program:
                    program["reference"] = reference
                faces = part.faces()
                array.render(
                    moderngl.TRIANGLES, vertices=faces.count, first=faces.first, instances=MASK_GRID**2
                )
            raw = np.frombuffer(target.read(components=4, dtype="u4"), np.uint32)
            split = raw.reshape(MASK_GRID, MASK_SIDE, MASK_GRID, MASK_SIDE, 4)
            return np.ascontiguousarray(split.transpose(0, 2, 1, 3, 4))
        finally:
            ctx.detect_framebuffer(0).use()
            for array in arrays:
                array.release()
            for thing in (target, depth, table, picture):
                thing.release()

    def _look_of(self, part: Part) -> tuple[moderngl.Program, int, float]:
        """The program that draws a part, its colour's texture, and the alpha below which nothing is there."""
        surface, bits, named = part.batch.surface, 0, 0
        if surface is not None and surface.color_texture is not None:
            use = dict(uses_of(surface))["color_texture"]
            place = self._textures.place(use)
            if place is not None:
                bits, named = 1 << place[0], reference(*place, use.texture)
        if bits not in self._programs:
            defines = {"TEXTURED": 1, "COLOR_TEXTURES": bits} if bits else {}
            self._programs[bits] = attach(
                source.compile_program(
                    self._ctx, "mask", version=430, generated=layout.generated(), defines=defines,
                    vertex="mask.vert", fragment="mask.frag",
                )
            )  # fmt: skip
        return self._programs[bits], named, 0.0 if surface is None else cutoff_of(surface)

    def _key(self, item: Item) -> Key:
        """What the masks are made of."""
        parts = [
            (part.meshes[0].key, part.batch.key.double_sided, part.batch.part, self._look_key(part))
            for part in item.parts
        ]
        return *parts, item.extent.radius, *item.extent.center.tolist()

    def _look_key(self, part: Part) -> object:
        surface = part.batch.surface
        if surface is None:
            return None
        use = dict(uses_of(surface)).get("color_texture")
        return cutoff_of(surface), use if use is not None and self._textures.place(use) else None


def _windows(item: Item) -> Floats:
    """(g, g, 4): for each direction middle and half extents of the model's rectangle, in radii."""
    towards = directions()
    right, up = axes(towards)
    points = np.concatenate([part.meshes[0].positions for part in item.parts]).astype(np.float64)
    points = (points - item.extent.center) / item.extent.radius
    spans = []
    for axis in (right, up):
        along = points @ axis.reshape(-1, 3).T
        spans.append((along.min(axis=0), along.max(axis=0)))
    middles = [(low + high) / 2 for low, high in spans]
    halves = [np.maximum((high - low) / 2 * _SLACK, 1e-3) for low, high in spans]
    return np.stack([*middles, *halves], axis=-1).reshape(MASK_GRID, MASK_GRID, 4)
