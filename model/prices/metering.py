"""From bytes and seconds to the units that AWS bills: requests, messages, GB out, GB-seconds, read and write units.

The sizes of a unit stand in `data/metering.csv`; KB = 1,024 B throughout.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger

READ_SHARE = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}  # read units per 4 KB
DECIMALS = 6  # of a step, kept before it is rounded up: 0.069 s is 69 ms, not 69.00000000000001


def rule(name: str) -> float:
    """The size of a billed unit, in the unit that the name ends with."""
    return ledger.value(name)


def _units(name: str, size_bytes: ArrayLike, unit_bytes: float, most_bytes: float = np.inf) -> np.ndarray:
    """ceil(size / unit), at least 1; sizes above the largest that AWS takes are refused."""
    allowed = f"0 to {most_bytes:.0f} B" if most_bytes < np.inf else ">= 0 B"
    size = checks.bounded(name, size_bytes, allowed, lambda a: (a >= 0) & (a <= most_bytes) & np.isfinite(a))
    return np.maximum(np.ceil(size / unit_bytes), 1)


def transfer_gb(payload_bytes: ArrayLike) -> np.ndarray:
    """Bytes as the GB AWS bills: 1,024^3 B, so that a TB is 1,024 GB. Source: aws_price_list."""
    return checks.non_negative("payload_bytes", payload_bytes, "B") / rule("transfer_gb_bytes")


def lambda_gb_seconds(memory_mb: ArrayLike, duration_s: ArrayLike) -> np.ndarray:
    """Billed GB-seconds of one Lambda execution: memory in GB times duration rounded up to 1 ms.

    Source: aws_pricing_pages.
    """
    memory = checks.positive("memory_mb", memory_mb, "MB")
    duration = checks.non_negative("duration_s", duration_s, "s")
    steps = np.ceil(np.round(duration / rule("lambda_step_s"), DECIMALS))
    return memory / rule("lambda_memory_unit_mb") * steps * rule("lambda_step_s")


def dynamodb_read_units(item_bytes: ArrayLike, consistency: str = "eventual") -> np.ndarray:
    """Read units of one GetItem: ceil(size / 4 KB) times 0.5, 1 or 2 for eventual, strong, transactional.

    Source: aws_docs.
    """
    checks.known("consistency", consistency, READ_SHARE)
    units = _units("item_bytes", item_bytes, rule("dynamodb_read_unit_bytes"), rule("dynamodb_item_bytes"))
    return units * READ_SHARE[consistency]


def dynamodb_write_units(item_bytes: ArrayLike) -> np.ndarray:
    """Write units of one PutItem, UpdateItem or DeleteItem: ceil(size / 1 KB), at least 1. Source: aws_docs."""
    return _units("item_bytes", item_bytes, rule("dynamodb_write_unit_bytes"), rule("dynamodb_item_bytes"))


def dynamodb_query_units(read_bytes: ArrayLike, consistency: str = "eventual") -> np.ndarray:
    """Read units of one page of a Query or Scan: the items are summed, then the page is rounded up to 4 KB.

    A page holds 1 MB at most, so eventually consistent it is 128 units, whatever a filter leaves of it.
    Source: aws_docs.
    """
    checks.known("consistency", consistency, ("eventual", "strong"))
    return _units("read_bytes", read_bytes, rule("dynamodb_read_unit_bytes")) * READ_SHARE[consistency]
