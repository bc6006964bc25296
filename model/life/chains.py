"""Event chains: what one exchange touches, expanded into every meter that it is billed on."""

from __future__ import annotations

import numpy as np

from model.life.database import database_meters, found_share, matching, operation_meters, operation_s, scanning
from model.prices import metering
from model.scenario import Design, Function, Scenario

__all__ = [
    "added",
    "database_meters",
    "found_share",
    "gateway_meters",
    "longer_meters",
    "matching",
    "message_meters",
    "operation_meters",
    "operation_s",
    "run_meters",
    "run_s",
    "scanning",
    "times",
]


def added(*meters: dict) -> dict:
    """The sum of several {meter: amount}."""
    total: dict = {}
    for one in meters:
        for name, amount in one.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def times(meters: dict, factor) -> dict:
    """Every amount multiplied by a factor."""
    return {name: amount * factor for name, amount in meters.items()}


def run_s(scenario: Scenario, function: Function, table_bytes=0.0, posts_s=0.0):
    """Duration of one warm run: CPU time at the function's share of a vCPU, its database calls, its posts.

    Source: aws_docs, twilly_code.
    """
    slower = np.maximum(scenario.number("lambda_vcpu_mb") / function.memory_mb, 1.0)
    waits = sum(operation_s(scenario, o, table_bytes) for o in function.operations)
    return function.cpu_s * slower + waits + posts_s


def run_meters(scenario: Scenario, function: Function, duration_s, cold_share, init_s) -> dict:
    """Lambda's meters of one run: a request, GB-seconds with the Init of cold starts, log bytes.

    Source: aws_pricing_pages, lambda_init_billing.
    """
    warm = metering.lambda_gb_seconds(function.memory_mb, duration_s)
    cold = metering.lambda_gb_seconds(function.memory_mb, duration_s + init_s)
    return {
        "lambda_request": 1.0,
        f"lambda_gb_second_{function.arch}": warm * (1.0 - cold_share) + cold * cold_share,
        scenario.billing.logs_meter: metering.transfer_gb(function.log_bytes),
    }


def longer_meters(function: Function, more_s) -> dict:
    """GB-seconds of a run that lasts somewhat longer; what is added is not rounded up by itself.

    Source: aws_pricing_pages.
    """
    gb = function.memory_mb / metering.rule("lambda_memory_unit_mb")
    return {f"lambda_gb_second_{function.arch}": gb * more_s}


def gateway_meters(scenario: Scenario, design: Design, request_bytes, response_bytes) -> dict:
    """Gateway units of one HTTP call, none on a plain server; whether the response counts is a switch.

    Source: aws_pricing_pages.
    """
    if design.api.backend == "server":
        return {}
    if design.api.backend == "rest_api":
        return {"apigw_rest_request": 1.0}
    size = request_bytes + response_bytes if scenario.billing.response_counts else request_bytes
    return {"apigw_http_request": metering.http_request_units(np.maximum(np.ceil(size), 1.0))}


def message_meters(design: Design, payload_bytes, count=1.0) -> dict:
    """WebSocket message units of one message in either direction, none on a plain server.

    Source: aws_pricing_pages.
    """
    if design.socket.backend == "server":
        return {}
    return {"apigw_ws_message": metering.message_units(np.maximum(np.ceil(payload_bytes), 1.0)) * count}
