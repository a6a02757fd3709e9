"""The one place where values from the user become arrays.

Every function takes `where`, the argument's name as the user wrote it, so that an error can say what was
expected, what came, and in which argument. Nothing is reshaped, broadcast or clipped to make it fit.
A result may share memory with the argument; whoever keeps it, copies it.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from throng.errors import InvalidIndex, InvalidType, InvalidValue

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

_BLOCK = 1 << 14  # rows
_UNIT = 4e-7  # how far a squared length may be from 1 to need no normalising
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_PLAIN = frozenset({int, float, np.float32, np.float64})  # what becomes a float without a question


def floats(value: Any, where: str, *shapes: tuple[int | str, ...]) -> Floats:
    """`value` as a C-contiguous float32 array of one of `shapes`, all of it finite.

    A shape is a tuple of lengths; a string stands for any length, e.g. ("n", 3). Without shapes, any will do.
    """
    source = reals(value, where)
    _check_shape(source.shape, where, shapes)
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(source, dtype=np.float32)
    if result.ndim != source.ndim:  # ascontiguousarray makes a scalar one-dimensional
        result = result.reshape(source.shape)
    if not all_finite(result):
        _raise_not_finite(source, where)
    return result


def doubles(value: Any, where: str, *shapes: tuple[int | str, ...]) -> Doubles:
    """As `floats`, in float64."""
    source = reals(value, where)
    _check_shape(source.shape, where, shapes)
    with np.errstate(over="ignore"):
        result = np.asarray(source, dtype=np.float64)
    if not np.isfinite(result).all():
        _raise_not_finite(source, where)
    return result


def all_finite(values: npt.NDArray[Any]) -> bool:
    """Whether no element is NaN or infinite.

    A finite sum proves it in one vectorised pass; only where the sum overflows is each element looked at.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if math.isfinite(float(values.sum())):
            return True
    return bool(np.isfinite(values).all())


def vector3(value: Any, where: str) -> tuple[float, float, float]:
    """Three finite real numbers."""
    x, y, z = _numbers(value, where, 3)
    return x, y, z


def scale3(value: Any, where: str) -> tuple[float, float, float]:
    """A scale: one number for all axes, or three."""
    if isinstance(value, numbers.Real) or (isinstance(value, np.ndarray) and value.ndim == 0):
        one = number(value, where)
        return one, one, one
    return vector3(value, where)


def quaternion(value: Any, where: str) -> tuple[float, float, float, float]:
    """A rotation (x, y, z, w), normalised. Zero is an error."""
    x, y, z, w = _numbers(value, where, 4)
    if (x, y, z, w) == (0.0, 0.0, 0.0, 1.0):
        return x, y, z, w
    length = math.hypot(x, y, z, w)
    if length == math.inf:
        return quaternion((x * 0.25, y * 0.25, z * 0.25, w * 0.25), where)
    if length < 1e-30:
        raise InvalidValue(f"{where}: expected a quaternion (x, y, z, w) other than zero, got {value!r}")
    return x / length, y / length, z / length, w / length


def normalize_quaternions(values: Floats, where: str, rows: slice | Integers = slice(0, None)) -> Floats:
    """(..., 4) quaternions of length 1. The argument itself where all of them are that already.

    Raises InvalidValue where one is zero; `rows` are the numbers by which the user knows them.
    """
    if _all_unit(values.reshape(-1, 4)):
        return values
    wide = values.astype(np.float64)
    lengths = np.sqrt(np.einsum("...i,...i->...", wide, wide))
    zero = np.flatnonzero(lengths.ravel() < 1e-30)
    if zero.size:
        row = rows.start + zero[0] if isinstance(rows, slice) else rows[zero[0]]
        raise InvalidValue(
            f"{where}: expected quaternions (x, y, z, w) other than zero, got zero in row {row}"
        )
    return np.asarray(wide / lengths[..., None], np.float32)


def _all_unit(quaternions: Floats) -> bool:
    """Whether all of (n, 4) have length 1, to float32's precision. In blocks that stay in the cache."""
    four = np.ones(4, np.float32)
    for start in range(0, len(quaternions), _BLOCK):
        block = quaternions[start : start + _BLOCK]
        with np.errstate(over="ignore"):
            squared = (block * block) @ four
        if not (squared.max() - 1 < _UNIT and 1 - squared.min() < _UNIT):
            return False
    return True


def number(
    value: Any, where: str, *, low: float = -math.inf, high: float = math.inf, above: float | None = None
) -> float:
    """One finite real number in low..high, and greater than `above`."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidType(f"{where}: expected a number, got {described(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result) or not low <= result <= high or (above is not None and result <= above):
        came = value if isinstance(value, int) else result
        raise InvalidValue(f"{where}: expected {_range_text(low, high, above)}, got {_shortened(str(came))}")
    return result


def integer(value: Any, where: str, *, low: int | None = None, high: int | None = None) -> int:
    """One integer in low..high; a float is a lossy cast and therefore an error."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InvalidType(f"{where}: expected an integer, got {described(value)}")
    result = int(value)
    if (low is not None and result < low) or (high is not None and result > high):
        bounds = f"at least {low}" if high is None else f"{low}..{high}"
        raise InvalidValue(f"{where}: expected an integer, {bounds}, got {result}")
    return result


def choice(value: Any, where: str, allowed: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str):
        raise InvalidType(f"{where}: expected one of {', '.join(map(repr, allowed))}, got {described(value)}")
    if value not in allowed:
        raise InvalidValue(f"{where}: expected one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def flag(value: Any, where: str) -> bool:
    """True or False, and nothing that merely counts as one."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidType(f"{where}: expected True or False, got {described(value)}")
    return bool(value)


def size(value: Any, where: str) -> tuple[int, int]:
    """A picture's (width, height) in pixels, each at least 1."""
    pair = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)
    if not pair or getattr(value, "ndim", 1) == 0 or len(value) != 2:
        raise InvalidType(f"{where}: expected (width, height), got {described(value)}")
    return integer(value[0], f"{where}[0]", low=1), integer(value[1], f"{where}[1]", low=1)


def indices(value: Any, where: str, count: int) -> Integers:
    """(n,) integers in 0..count-1."""
    array = integers(value, where, ("n",))
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= count:
            raise InvalidIndex(f"{where}: expected indices in 0..{count - 1}, got {low if low < 0 else high}")
    return array.astype(np.int64)


def integers(value: Any, where: str, *shapes: tuple[int | str, ...]) -> npt.NDArray[Any]:
    """`value` as an array of whole numbers, of the dtype that it has; a float is a lossy cast."""
    array = _array(value, where)
    if array.dtype.kind not in "iu" and array.size:
        raise InvalidType(f"{where}: expected integers, got dtype {array.dtype}")
    _check_shape(array.shape, where, shapes)
    return array if array.dtype.kind in "iu" else array.astype(np.int64)


def rgba(value: Any, where: str) -> tuple[float, float, float, float]:
    """One sRGB colour with straight alpha, as floats 0..1. Three numbers are opaque.

    A uint8 array counts 0..255; everything else counts 0..1.
    """
    r, g, b, a = (float(part) for part in color_floats(value, where, (3,), (4,)))
    return r, g, b, a


def color_floats(value: Any, where: str, *shapes: tuple[int | str, ...]) -> Doubles:
    """Colours as float64 0..1 with four components, alpha 1 where none was given."""
    source = reals(value, where)
    _check_shape(source.shape, where, shapes)
    if source.dtype == np.uint8:
        values = source.astype(np.float64) / 255.0
    else:
        values = source.astype(np.float64)
        _check_color_range(source, where)
    if values.shape[-1] == 3:
        values = np.concatenate([values, np.ones((*values.shape[:-1], 1))], axis=-1)
    return values


def color_bytes(value: Any, where: str, *shapes: tuple[int | str, ...]) -> Bytes:
    """Colours as they are stored: uint8 of the same shape, rounded to nearest."""
    source = reals(value, where)
    _check_shape(source.shape, where, shapes)
    if source.dtype == np.uint8:
        return np.asarray(source)
    _check_color_range(source, where)
    scaled = source.astype(np.float32) * np.float32(255.0)
    scaled += np.float32(0.5)
    return np.asarray(scaled).astype(np.uint8)


def opaque(colors: Bytes) -> Bytes:
    """(..., 4) from (..., 3), alpha 255; (..., 4) as it is."""
    if colors.shape[-1] == 4:
        return np.ascontiguousarray(colors)
    full = np.empty((*colors.shape[:-1], 4), np.uint8)
    full[..., :3] = colors
    full[..., 3] = 255
    return full


def described(value: Any) -> str:
    """What came, in a few words: type, and shape or value."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if callable(value):
        return f"a {type(value).__name__}"
    if isinstance(value, np.generic):
        return f"{type(value).__name__} {_shortened(str(value))}"
    return f"{type(value).__name__} {_shortened(repr(value))}"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _array(value: Any, where: str) -> npt.NDArray[Any]:
    if value is None or isinstance(value, str | bytes | dict | set):
        raise InvalidType(f"{where}: expected an array of numbers, got {described(value)}")
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidValue(
            f"{where}: expected an array of numbers, got {described(value)}: {error}"
        ) from error


def reals(value: Any, where: str) -> npt.NDArray[Any]:
    """`value` as an array of real numbers, of the dtype and shape that it has."""
    array = _array(value, where)
    if array is not value and np.any(getattr(value, "mask", False)):
        raise InvalidValue(
            f"{where}: expected values without a mask, got {np.count_nonzero(value.mask)} masked ones"
        )
    if array.dtype.kind == "b" or (array.dtype.kind not in "iuf" and array.size):
        raise InvalidType(f"{where}: expected real numbers, got dtype {array.dtype}")
    if array.dtype.kind not in "iuf":
        array = array.astype(np.float32)
    return array


def _check_shape(shape: tuple[int, ...], where: str, shapes: tuple[tuple[int | str, ...], ...]) -> None:
    if not shapes:
        return
    for expected in shapes:
        if len(expected) == len(shape) and all(
            isinstance(want, str) or want == came for want, came in zip(expected, shape, strict=True)
        ):
            return
    expected_text = " or ".join(_shape_text(expected) for expected in shapes)
    raise InvalidValue(f"{where}: expected shape {expected_text}, got {_shape_text(shape)}")


def _shape_text(shape: tuple[int | str, ...]) -> str:
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _raise_not_finite(source: npt.NDArray[Any], where: str) -> None:
    with np.errstate(over="ignore"):
        wide = np.asarray(source, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(wide).ravel())
    if not bad.size:
        bad = np.flatnonzero(np.abs(wide).ravel() > _FLOAT32_MAX)
        at = _position(bad[0], wide.shape)
        raise InvalidValue(f"{where}: expected values that fit float32, got {wide.ravel()[bad[0]]}{at}")
    raise InvalidValue(
        f"{where}: expected finite values, got {wide.ravel()[bad[0]]}{_position(bad[0], wide.shape)}"
    )


def _position(flat: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return ""
    place = ", ".join(str(int(i)) for i in np.unravel_index(flat, shape))
    return f" at [{place}]"


def _check_color_range(source: npt.NDArray[Any], where: str) -> None:
    if not source.size:
        return
    low, high = source.min(), source.max()
    if not (low >= 0 and high <= 1):  # also catches NaN
        came = high if not high <= 1 else low
        raise InvalidValue(f"{where}: expected colours in 0..1 (or a uint8 array in 0..255), got {came}")


def _numbers(value: Any, where: str, count: int) -> tuple[float, ...]:
    if isinstance(value, tuple | list | np.ndarray):
        try:
            if _PLAIN.issuperset(map(type, value)):
                parts = tuple(map(float, value))
                if len(parts) == count and math.isfinite(sum(parts)):
                    return parts
        except (TypeError, OverflowError):  # one number where there should be several, or one too large
            pass
    return tuple(doubles(value, where, (count,)).tolist())


def _range_text(low: float, high: float, above: float | None) -> str:
    if above is not None:
        return f"a number greater than {above:g}" + ("" if high == math.inf else f" and at most {high:g}")
    if low == -math.inf and high == math.inf:
        return "a finite number"
    if high == math.inf:
        return f"a number of at least {low:g}"
    return f"a number in {low:g}..{high:g}"
