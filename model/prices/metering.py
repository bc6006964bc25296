"""From bytes and seconds to the units AWS meters in front: requests, messages, minutes, GB out.

KB = 1,024 B throughout. What runs behind (Lambda, DynamoDB, load balancers) is in `metering_backend`, and
can be called from here too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model import checks
from model.prices.metering_backend import (
    alb_lcu,
    dynamodb_query_units,
    dynamodb_read_units,
    dynamodb_scan_units,
    dynamodb_write_units,
    lambda_async_requests,
    lambda_gb_seconds,
)
from model.prices.metering_rules import blocks, quota, quotas, rule

__all__ = [
    "alb_lcu",
    "appsync_operation_units",
    "connection_minutes",
    "dynamodb_query_units",
    "dynamodb_read_units",
    "dynamodb_scan_units",
    "dynamodb_write_units",
    "http_request_units",
    "iot_message_units",
    "lambda_async_requests",
    "lambda_gb_seconds",
    "message_units",
    "queue_request_units",
    "quota",
    "quotas",
    "transfer_gb",
]

NANO = 9  # decimals of a second kept before rounding up, so that float dust starts no new minute


def http_request_units(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed requests of one HTTP API call: ceil(size / 512 KB), at least 1.

    A REST API call is one request whatever its size.

    Source: aws_pricing_pages.
    """
    return blocks("payload_bytes", payload_bytes, rule("http_api_unit_bytes"))


def message_units(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed messages of one WebSocket message, in either direction: ceil(size / 32 KB), at least 1.

    Source: aws_pricing_pages, aws_docs.
    """
    most = quota("apigw_ws_message_bytes")
    checks.bounded("payload_bytes", payload_bytes, f"0 to {most:.0f} B", lambda a: (a >= 0) & (a <= most))
    return blocks("payload_bytes", payload_bytes, rule("websocket_unit_bytes"))


def appsync_operation_units(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed operations of one AppSync Events publish or delivery: ceil(size / 5 KB), at least 1.

    Connects, subscribes, pings and handler calls are one operation each.

    Source: aws_pricing_pages.
    """
    return blocks("payload_bytes", payload_bytes, rule("appsync_unit_bytes"))


def iot_message_units(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed messages of one IoT Core publish or delivery: ceil(size / 5 KB), at least 1.

    Keep-alive pings down to every 30 s are free.

    Source: aws_pricing_pages.
    """
    return blocks("payload_bytes", payload_bytes, rule("iot_unit_bytes"))


def queue_request_units(payload_bytes: ArrayLike) -> np.ndarray:
    """Billed requests of one SNS, SQS or EventBridge call: ceil(size / 64 KB), at least 1.

    Source: aws_pricing_pages.
    """
    return blocks("payload_bytes", payload_bytes, rule("queue_unit_bytes"))


def connection_minutes(duration_s: ArrayLike) -> np.ndarray:
    """Billed minutes of one connection: its life, rounded up to the minute.

    Source: aws_pricing_pages.
    """
    life = checks.non_negative("duration_s", duration_s, "s")
    return np.ceil(np.round(life, NANO) / rule("connection_unit_s"))


def transfer_gb(payload_bytes: ArrayLike) -> np.ndarray:
    """Bytes as the GB AWS bills: 1,024^3 B, so that a TB is 1,024 GB.

    Source: aws_price_list.
    """
    return checks.non_negative("payload_bytes", payload_bytes, "B") / rule("transfer_gb_bytes")
