"""What every layer needs: the ledger's counts, checked inputs, and results in the common shape of the inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from model import checks, ledger

FRAME_MOST = 2**63 - 1  # RFC 6455: the highest bit of the length field is 0
EXACT_INT64 = 2**62  # above this a sum of layers could leave int64, so Python's own integers take over


@functools.cache
def constant(name: str) -> int:
    """One byte or packet count of the ledger as an integer."""
    return int(ledger.value(name))


def whole_bytes(
    name: str, value: object, most: int = FRAME_MOST, rule: str = "(the longest frame, RFC 6455)"
) -> np.ndarray:
    """The sizes as integers; refuses what is negative, fractional, no number, or above `most`."""
    array = np.asarray(value)
    if array.dtype.kind in "US":
        checks.fail(f"{name} must be a number; got {checks.shown(array.flat[0].item())}")
    if array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        array = checks.whole(name, array, "B")
    largest = array.max() if array.size else 0
    if largest >= most + 1:  # not "> most": as a float, 2**63 - 1 is 2**63
        checks.fail(f"{name} must be <= {most} B {rule}; got {checks.shown(largest)}")
    integers = array.astype(np.int64, copy=False)
    return integers.astype(object) if largest > EXACT_INT64 else integers


def switch(name: str, value: object) -> np.ndarray:
    """A yes or no, or an array of them; 0 and 1 will do."""
    array = np.asarray(value)
    good = np.asarray((array == 0) | (array == 1))
    if not good.all():
        checks.fail(f"{name} must be True or False; got {checks.shown(array[~good].tolist()[0])}")
    return array.astype(bool)


def ip_header_bytes(ip: object) -> np.ndarray:
    """The IP header of version 4 or 6, or of an array of versions."""
    version = np.asarray(ip)
    good = np.asarray((version == 4) | (version == 6))
    if not good.all():
        checks.fail(f"ip must be 4 or 6; got {checks.shown(version[~good].tolist()[0] if version.ndim else ip)}")
    return np.where(version == 6, constant("ipv6_header_bytes"), constant("ipv4_header_bytes"))


def plain(array: Any) -> Any:
    """The integers as they are handed out: a Python int where nothing was an array, machine integers else."""
    array = np.asarray(array)
    if array.ndim and array.dtype == object:
        return array.astype(np.uint64 if array.size and array.max() > FRAME_MOST else np.int64)
    return array if array.ndim else array.item()


def together(compute: Callable[..., tuple], **inputs: Any) -> tuple:
    """The integers that `compute` gives for the inputs, by name, each in their common shape."""
    shapes = {name: np.shape(value) for name, value in inputs.items()}
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = " and ".join(f"{name} {own}" for name, own in shapes.items() if own)
        checks.fail(f"inputs must have shapes that go together; got {given}")
    parts = compute(**{name: np.atleast_1d(np.asarray(value)) for name, value in inputs.items()})
    return tuple(plain(np.array(np.broadcast_to(part, shape or 1)).reshape(shape)) for part in parts)
