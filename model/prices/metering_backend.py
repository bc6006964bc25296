"""From executions, items and connections to the units AWS meters behind: GB-seconds, read units, LCUs."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from model import checks
from model.prices.metering_rules import blocks, rule

__all__ = [
    "alb_lcu",
    "dynamodb_query_units",
    "dynamodb_read_units",
    "dynamodb_scan_units",
    "dynamodb_write_units",
    "lambda_async_requests",
    "lambda_gb_seconds",
]

READ_SHARE = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}  # units per 4 KB
MICRO = 6  # decimals of a step kept before rounding up: 0.069 s is 69 ms, not 69.00000000000001


def lambda_gb_seconds(memory_mb: ArrayLike, duration_s: ArrayLike) -> np.ndarray:
    """Billed GB-seconds of one Lambda execution: memory in GB times duration rounded up to 1 ms.

    Source: aws_pricing_pages.
    """
    memory = checks.positive("memory_mb", memory_mb, "MB")
    duration = checks.non_negative("duration_s", duration_s, "s")
    steps = np.ceil(np.round(duration / rule("lambda_step_s"), MICRO))
    return memory / rule("lambda_memory_unit_mb") * steps * rule("lambda_step_s")


def lambda_async_requests(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed requests of one asynchronous Lambda event: one for 256 KB, one more for each further 64 KB.

    Source: aws_pricing_pages.
    """
    size = checks.non_negative("payload_bytes", payload_bytes, "B")
    above = np.maximum(size - rule("lambda_async_first_bytes"), 0)
    return 1 + np.ceil(above / rule("lambda_async_step_bytes"))


def _item(item_bytes: ArrayLike) -> np.ndarray:
    most = rule("dynamodb_item_bytes")
    return checks.bounded("item_bytes", item_bytes, f"0 to {most:.0f} B", lambda a: (a >= 0) & (a <= most))


def dynamodb_read_units(item_bytes: ArrayLike, consistency: str = "eventual") -> np.ndarray:
    """Read units of one GetItem: ceil(size / 4 KB) times 0.5, 1 or 2 for eventual, strong, transactional.

    Source: aws_docs.
    """
    checks.known("consistency", consistency, READ_SHARE)
    units = blocks("item_bytes", _item(item_bytes), rule("dynamodb_read_unit_bytes"))
    return units * READ_SHARE[consistency]


def dynamodb_write_units(item_bytes: ArrayLike, transactional: bool = False) -> np.ndarray:
    """Write units of one PutItem, UpdateItem or DeleteItem: ceil(size / 1 KB), twice that in a transaction.

    Source: aws_docs.
    """
    units = blocks("item_bytes", _item(item_bytes), rule("dynamodb_write_unit_bytes"))
    return units * (2 if transactional else 1)


def dynamodb_query_units(read_bytes: ArrayLike, consistency: str = "eventual", pages: float = math.inf) -> np.ndarray:
    """Read units of a Query: the items read are summed, then each page is rounded up to 4 KB.

    A page ends at 1 MB, 128 units eventually consistent, whatever a filter leaves of it.

    Source: aws_docs.
    """
    checks.known("consistency", consistency, ("eventual", "strong"))
    checks.bounded("pages", pages, ">= 1", lambda a: a >= 1)
    size = checks.non_negative("read_bytes", read_bytes, "B")
    read = np.minimum(size, pages * rule("dynamodb_page_bytes"))
    return blocks("read_bytes", read, rule("dynamodb_read_unit_bytes")) * READ_SHARE[consistency]


def dynamodb_scan_units(table_bytes: ArrayLike, consistency: str = "eventual", pages: float = math.inf) -> np.ndarray:
    """Read units of a Scan of a table: as a Query that matches every item.

    Source: aws_docs.
    """
    return dynamodb_query_units(checks.non_negative("table_bytes", table_bytes, "B"), consistency, pages)


def alb_lcu(
    new_connections_per_s: ArrayLike = 0,
    active_connections: ArrayLike = 0,
    processed_bytes_per_s: ArrayLike = 0,
    lambda_bytes_per_s: ArrayLike = 0,
    rules_per_s: ArrayLike = 0,
) -> np.ndarray:
    """Load balancer capacity units in use: the largest of four dimensions.

    An LCU is 25 new connections/s, 3,000 active connections, 1 GB/h (0.4 GB/h to Lambda) or 1,000 rule
    evaluations/s. Its hours are `alb_lcu_hour`, billed beside `alb_hour`.

    Source: aws_pricing_pages.
    """
    hourly_gb = 3600 / rule("transfer_gb_bytes")
    opened = checks.non_negative("new_connections_per_s", new_connections_per_s, "1/s")
    active = checks.non_negative("active_connections", active_connections)
    processed = checks.non_negative("processed_bytes_per_s", processed_bytes_per_s, "B/s") * hourly_gb
    to_lambda = checks.non_negative("lambda_bytes_per_s", lambda_bytes_per_s, "B/s") * hourly_gb
    rules = checks.non_negative("rules_per_s", rules_per_s, "1/s")
    return functools.reduce(
        np.maximum,
        (
            opened / rule("alb_lcu_new_connections_per_s"),
            active / rule("alb_lcu_active_connections"),
            processed / rule("alb_lcu_gb") + to_lambda / rule("alb_lcu_lambda_gb"),
            rules / rule("alb_lcu_rules_per_s"),
        ),
    )
