"""From executions, items and connections to the units AWS meters behind: GB-seconds, read units, LCUs."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from model import checks
from model.prices.metering_rules import blocks, rule

__all__ = [
    "alb_lcu", "dynamodb_query_units", "dynamodb_read_units", "dynamodb_scan_units", "dynamodb_write_units",
    "lambda_async_requests", "lambda_gb_seconds",
]

READ_SHARE = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}  # units per 4 KB
MICRO = 6  # decimals of a step kept before rounding up: 0.069 s is 69 ms, not 69.00000000000001


def lambda_gb_seconds(memory_mb: ArrayLike, duration_s: ArrayLike) -> np.ndarray:
    """Billed GB-seconds of one Lambda execution: memory in GB times duration rounded up to 1 ms.

    Parameters
    ----------
    memory_mb : array
        Memory of the function, GB = 1,024 MB, > 0 [MB]
    duration_s : array
        Time its code runs; on a cold start the initialisation too, billed since 2025-08-01, >= 0 [s]

    Returns
    -------
    array
        Broadcast over both [GB s].

    Raises
    ------
    InputError
        For memory that is not positive, or a negative duration.

    Notes
    -----
    A mean duration is rounded as one execution's: over many, the mean of the rounded durations lies about
    0.5 ms above their mean.

    Sources
    -------
    aws_pricing_pages

    Examples
    --------
    >>> lambda_gb_seconds(1536, [0.120, 0.1201]).round(4).tolist()
    [0.18, 0.1815]
    """
    memory = checks.positive("memory_mb", memory_mb, "MB")
    duration = checks.non_negative("duration_s", duration_s, "s")
    steps = np.ceil(np.round(duration / rule("lambda_step_s"), MICRO))
    return memory / rule("lambda_memory_unit_mb") * steps * rule("lambda_step_s")


def lambda_async_requests(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed requests of one asynchronous Lambda event: one for 256 KB, one more for each further 64 KB.

    Parameters
    ----------
    payload_bytes : array
        Size of the event, >= 0 [B]

    Returns
    -------
    array
        Whole requests in the shape of `payload_bytes` [-].

    Raises
    ------
    InputError
        For a negative size.

    Sources
    -------
    aws_pricing_pages

    Examples
    --------
    >>> lambda_async_requests([100, 256 * 1024, 256 * 1024 + 1, 384 * 1024]).tolist()
    [1.0, 1.0, 2.0, 3.0]
    """
    size = checks.non_negative("payload_bytes", payload_bytes, "B")
    above = np.maximum(size - rule("lambda_async_first_bytes"), 0)
    return 1 + np.ceil(above / rule("lambda_async_step_bytes"))


def _item(item_bytes: ArrayLike) -> np.ndarray:
    most = rule("dynamodb_item_bytes")
    return checks.bounded("item_bytes", item_bytes, f"0 to {most:.0f} B", lambda a: (a >= 0) & (a <= most))


def dynamodb_read_units(item_bytes: ArrayLike, consistency: str = "eventual") -> np.ndarray:
    """Read units of one GetItem: ceil(size / 4 KB) times 0.5, 1 or 2 for eventual, strong, transactional.

    Parameters
    ----------
    item_bytes : array
        Size of the whole item, 0 where there is none, at most 400 KB [B]
    consistency : str
        eventual, strong or transactional [-]

    Returns
    -------
    array
        In the shape of `item_bytes`; a missing item costs as much as a small one [-].

    Raises
    ------
    InputError
        For a size below 0 or over 400 KB, or an unknown consistency.

    Sources
    -------
    aws_docs

    Examples
    --------
    >>> [float(dynamodb_read_units(400 * 1024, kind)) for kind in ("eventual", "strong", "transactional")]
    [50.0, 100.0, 200.0]
    """
    checks.known("consistency", consistency, READ_SHARE)
    units = blocks("item_bytes", _item(item_bytes), rule("dynamodb_read_unit_bytes"))
    return units * READ_SHARE[consistency]


def dynamodb_write_units(item_bytes: ArrayLike, transactional: bool = False) -> np.ndarray:
    """Write units of one PutItem, UpdateItem or DeleteItem: ceil(size / 1 KB), twice that in a transaction.

    Parameters
    ----------
    item_bytes : array
        The larger of the item before and after, at most 400 KB [B]
    transactional : bool
        Whether it is part of a transaction [-]

    Returns
    -------
    array
        In the shape of `item_bytes`, at least 1 [-].

    Raises
    ------
    InputError
        For a size below 0 or over 400 KB.

    Notes
    -----
    Deletions by time to live are free: count none.

    Sources
    -------
    aws_docs

    Examples
    --------
    >>> dynamodb_write_units([158, 1025]).tolist()
    [1.0, 2.0]
    """
    units = blocks("item_bytes", _item(item_bytes), rule("dynamodb_write_unit_bytes"))
    return units * (2 if transactional else 1)


def dynamodb_query_units(read_bytes: ArrayLike, consistency: str = "eventual",
                         pages: float = math.inf) -> np.ndarray:
    """Read units of a Query: the items read are summed, then each page is rounded up to 4 KB.

    A page ends at 1 MB, 128 units eventually consistent, whatever a filter leaves of it.

    Parameters
    ----------
    read_bytes : array
        Bytes of all items the key condition matches, before any filter, >= 0 [B]
    consistency : str
        eventual or strong [-]
    pages : int
        How many pages the caller reads at most; all where none is given [-]

    Returns
    -------
    array
        In the shape of `read_bytes`; a query that finds nothing still costs one block [-].

    Raises
    ------
    InputError
        For a negative size, fewer than 1 page, or a consistency that a Query does not have.

    Notes
    -----
    Pages are taken as full to the byte; real ones end at the last whole item.

    Sources
    -------
    aws_docs

    Examples
    --------
    A hundred items of 158 B are 15.4 KB: 4 blocks of half a unit.

    >>> float(dynamodb_query_units(100 * 158))
    2.0
    """
    checks.known("consistency", consistency, ("eventual", "strong"))
    checks.bounded("pages", pages, ">= 1", lambda a: a >= 1)
    size = checks.non_negative("read_bytes", read_bytes, "B")
    read = np.minimum(size, pages * rule("dynamodb_page_bytes"))
    return blocks("read_bytes", read, rule("dynamodb_read_unit_bytes")) * READ_SHARE[consistency]


def dynamodb_scan_units(table_bytes: ArrayLike, consistency: str = "eventual",
                        pages: float = math.inf) -> np.ndarray:
    """Read units of a Scan of a table: as a Query that matches every item.

    Parameters
    ----------
    table_bytes : array
        Size of the table, >= 0 [B]
    consistency : str
        eventual or strong [-]
    pages : int
        How many pages of 1 MB the caller reads at most; all where none is given [-]

    Returns
    -------
    array
        In the shape of `table_bytes` [-].

    Raises
    ------
    InputError
        For a negative size, fewer than 1 page, or a consistency that a Scan does not have.

    Sources
    -------
    aws_docs

    Examples
    --------
    One page of any larger table is 128 units:

    >>> dynamodb_scan_units([0, 2**20, 2**30], pages=1).tolist()
    [0.5, 128.0, 128.0]
    """
    return dynamodb_query_units(checks.non_negative("table_bytes", table_bytes, "B"), consistency, pages)


def alb_lcu(new_connections_per_s: ArrayLike = 0, active_connections: ArrayLike = 0,
            processed_bytes_per_s: ArrayLike = 0, lambda_bytes_per_s: ArrayLike = 0,
            rules_per_s: ArrayLike = 0) -> np.ndarray:
    """Load balancer capacity units in use: the largest of four dimensions.

    An LCU is 25 new connections/s, 3,000 active connections, 1 GB/h (0.4 GB/h to Lambda) or 1,000 rule
    evaluations/s. Its hours are `alb_lcu_hour`, billed beside `alb_hour`.

    Parameters
    ----------
    new_connections_per_s : array
        Connections opened, mean of the hour, >= 0 [1/s]
    active_connections : array
        Connections open in a minute, >= 0 [1]
    processed_bytes_per_s : array
        Bytes of both directions for instances and containers, >= 0 [B/s]
    lambda_bytes_per_s : array
        Bytes of both directions for Lambda functions, >= 0 [B/s]
    rules_per_s : array
        Rule evaluations beyond the 10 free rules a request, >= 0 [1/s]

    Returns
    -------
    array
        Broadcast over all [LCU].

    Raises
    ------
    InputError
        For a negative rate or count.

    Notes
    -----
    AWS takes the largest dimension of each hour: for a load that varies, take the mean over hours of this.

    Sources
    -------
    aws_pricing_pages

    Examples
    --------
    100,000 WebSockets open at once:

    >>> round(float(alb_lcu(new_connections_per_s=14, active_connections=100_000)), 2)
    33.33
    """
    hourly_gb = 3600 / rule("transfer_gb_bytes")
    opened = checks.non_negative("new_connections_per_s", new_connections_per_s, "1/s")
    active = checks.non_negative("active_connections", active_connections)
    processed = checks.non_negative("processed_bytes_per_s", processed_bytes_per_s, "B/s") * hourly_gb
    to_lambda = checks.non_negative("lambda_bytes_per_s", lambda_bytes_per_s, "B/s") * hourly_gb
    rules = checks.non_negative("rules_per_s", rules_per_s, "1/s")
    return functools.reduce(np.maximum, (
        opened / rule("alb_lcu_new_connections_per_s"),
        active / rule("alb_lcu_active_connections"),
        processed / rule("alb_lcu_gb") + to_lambda / rule("alb_lcu_lambda_gb"),
        rules / rule("alb_lcu_rules_per_s"),
    ))
