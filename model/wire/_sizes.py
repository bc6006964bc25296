"""What every layer needs: the ledger's counts, checked inputs, and arrays priced block by block."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable

import numpy as np

from model import checks, ledger

BLOCK = 1 << 16  # elements priced at a time: the working arrays of a block stay in the processor's cache
FRAME_MOST = 2**63 - 1  # RFC 6455: the highest bit of the length field is 0
EXACT_INT64 = 2**62  # above this a sum of layers could leave int64, so Python's own integers take over


@functools.cache
def constant(name: str) -> int:
    """One byte or packet count of the ledger as an integer."""
    return int(ledger.value(name))


def whole_bytes(name: str, value: object, most: int = FRAME_MOST, rule: str = "") -> np.ndarray:
    """The sizes as integers; refuses what is negative, fractional, no number, or above `most`."""
    array = np.asarray(value)
    if array.dtype.kind in "US":
        checks.fail(f"{name} must be a number; got {checks.shown(array.flat[0].item())}")
    if array.dtype.kind == "f":
        array = _integers(array)
    if array.dtype.kind not in "iu" and not _python_integers(array):
        array = checks.whole(name, array, "B")
    if array.size == 0:
        return array.astype(np.int64)
    if array.min() < 0:
        checks.whole(name, array, "B")
    largest = array.max()
    if largest >= most + 1:  # not "> most": as a float, 2**63 - 1 is 2**63
        checks.fail(
            f"{name} must be <= {most} B{rule or ' (the longest frame, RFC 6455)'}; got {checks.shown(largest)}"
        )
    return array.astype(object if largest > EXACT_INT64 else np.int64, copy=False)


def _integers(array: np.ndarray) -> np.ndarray:
    """Floats as int64 where every one is whole and fits: two passes, where the full check takes nine."""
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    return whole if (whole == array).all() else array


def _python_integers(array: np.ndarray) -> bool:
    return array.dtype.kind == "O" and array.size > 0 and all(isinstance(item, numbers.Integral) for item in array.flat)


def switch(name: str, value: object) -> np.ndarray:
    """A yes or no, or an array of them; 0 and 1 will do."""
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return array
    good = np.isin(array, (0, 1)) if array.dtype.kind in "iuf" else np.zeros(array.shape, bool)
    if not good.all():
        checks.fail(f"{name} must be True or False; got {checks.shown(array[~good].tolist()[0])}")
    return array.astype(bool, copy=False)


def ip_header_bytes(ip: object) -> np.ndarray | int:
    """The IP header of version 4 or 6, or of an array of versions."""
    version = np.asarray(ip)
    good = np.asarray((version == 4) | (version == 6))
    if not good.all():
        wrong = version[~good].flat[0] if version.ndim else ip
        checks.fail(f"ip must be 4 or 6; got {checks.shown(wrong)}")
    four, six = constant("ipv4_header_bytes"), constant("ipv6_header_bytes")
    if version.ndim == 0:  # a plain number divides much faster than an array does
        return six if version == 6 else four
    return np.where(version == 6, six, four)


def plain(array: object):
    """The array as it is handed out: a Python int where nothing was an array, machine integers else."""
    array = np.asarray(array)
    if array.ndim == 0:
        return array.item()
    if array.dtype == object:
        return array.astype(np.int64 if not array.size or array.max() < 2**63 else np.uint64)
    return array


def in_blocks(compute: Callable[..., tuple], outputs: int = 2, **inputs: object) -> tuple:
    """The integer arrays that `compute` gives for the inputs, by name, broadcast together.

    Large inputs go through in blocks: ten million exchanges in whole passes would move gigabytes
    through memory, while the passes over one block stay in cache. Scalars give Python integers.
    """
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    shape = _common_shape(arrays)
    if math.prod(shape) <= BLOCK or any(a.dtype == object for a in arrays.values()):
        parts = compute(**{name: np.atleast_1d(a) for name, a in arrays.items()})
        if not shape:
            return tuple(np.asarray(part).item() for part in parts)
        return tuple(plain(np.array(np.broadcast_to(part, shape or 1)).reshape(shape)) for part in parts)
    wide = [name for name, a in arrays.items() if a.ndim]
    blocks = np.nditer(
        [arrays[name] for name in wide] + [None] * outputs,
        flags=["external_loop", "buffered"],
        buffersize=BLOCK,
        order="C",
        op_flags=[["readonly"]] * len(wide) + [["writeonly", "allocate"]] * outputs,
        op_dtypes=[arrays[name].dtype for name in wide] + [np.dtype(np.int64)] * outputs,
    )
    with blocks:
        for block in blocks:
            results = compute(**arrays | dict(zip(wide, block, strict=False)))
            for out, result in zip(block[-outputs:], results, strict=True):
                out[...] = result
        return tuple(blocks.operands[-outputs:])


def _common_shape(arrays: dict[str, np.ndarray]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays.values()))
    except ValueError:
        shapes = " and ".join(f"{name} {a.shape}" for name, a in arrays.items() if a.ndim)
    checks.fail(f"inputs must have shapes that go together; got {shapes}")
