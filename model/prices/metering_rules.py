"""The block sizes and default limits that metering needs, from `data/metering.csv` and `data/quotas.csv`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger, paths

__all__ = ["quota", "quotas"]


@functools.cache
def rules() -> Mapping[str, ledger.Row]:
    """The block sizes by name, each a traceable row."""
    return ledger.read(paths.data("metering.csv"))


def rule(name: str) -> float:
    """One block size, in the unit its name ends with."""
    return rules()[name].value


def blocks(name: str, size: ArrayLike, block_bytes: float) -> np.ndarray:
    """ceil(size / block), at least 1."""
    return np.maximum(np.ceil(checks.non_negative(name, size, "B") / block_bytes), 1)


@functools.cache
def quotas() -> Mapping[str, Mapping[str, str]]:
    """AWS's default limits by name, from `data/quotas.csv`.

    Source: aws_docs.
    """
    return MappingProxyType({row["name"]: MappingProxyType(row) for row in ledger.read_csv(paths.data("quotas.csv"))})


def quota(name: str) -> float:
    """One of AWS's default limits, in the unit of its row.

    Source: aws_docs.
    """
    checks.known("quota", name, quotas())
    return float(quotas()[name]["value"])
