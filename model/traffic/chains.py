"""Event chains: what one exchange touches, expanded into every meter that it is billed on."""

from __future__ import annotations

import numpy as np

from model import metering
from model.scenario import Design, Function, Scenario

GB_BYTES = 1024.0**3
SCAN_PAGE_BYTES = 1048576.0  # a Scan or Query page stops here, whatever the filter
WAITS = {"get": "dynamodb_read_s", "query": "dynamodb_read_s", "scan": "dynamodb_read_s",
         "put": "dynamodb_write_s", "update": "dynamodb_write_s", "delete": "dynamodb_write_s"}


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


def _read_bytes(operation, table_bytes):
    if operation.kind == "scan_table":
        return np.minimum(table_bytes, SCAN_PAGE_BYTES)
    return np.minimum(operation.item_bytes, SCAN_PAGE_BYTES)


def operation_meters(operation, table_bytes) -> dict:
    """DynamoDB units of one operation; a query or scan rounds the page it read, not each item."""
    if operation.kind in ("put", "update", "delete"):
        units = metering.dynamodb_write_units(np.maximum(np.ceil(operation.item_bytes), 1.0))
        return {"dynamodb_write_unit": units * operation.times}
    read = np.maximum(np.ceil(_read_bytes(operation, table_bytes)), 1.0)
    count = metering.dynamodb_read_units if operation.kind == "get" else metering.dynamodb_query_units
    units = count(read, operation.consistency)
    return {"dynamodb_read_unit": units * operation.times}


def operation_s(scenario: Scenario, operation, table_bytes):
    """Time the function waits for one operation; a table scan grows with the page it reads."""
    if operation.kind != "scan_table":
        return scenario.number(WAITS[operation.kind]) * operation.times
    least, page = scenario.number("dynamodb_read_s"), scenario.number("dynamodb_scan_page_s")
    return np.maximum(least, page * _read_bytes(operation, table_bytes) / SCAN_PAGE_BYTES) * operation.times


def run_s(scenario: Scenario, function: Function, table_bytes=0.0, posts_s=0.0):
    """Duration of one warm run: CPU time at the function's share of a vCPU, its database calls, its posts."""
    slower = np.maximum(scenario.number("lambda_vcpu_mb") / function.memory_mb, 1.0)
    waits = sum(operation_s(scenario, o, table_bytes) for o in function.operations)
    return function.cpu_s * slower + waits + posts_s


def database_meters(function: Function, table_bytes=0.0) -> dict:
    """DynamoDB units of one run of a function."""
    return added(*(operation_meters(o, table_bytes) for o in function.operations))


def run_meters(scenario: Scenario, function: Function, duration_s, cold_share, init_s) -> dict:
    """Lambda meters of one run: a request, GB-seconds with the Init of cold starts, log bytes."""
    warm = metering.lambda_gb_seconds(function.memory_mb, duration_s)
    cold = metering.lambda_gb_seconds(function.memory_mb, duration_s + init_s)
    return {"lambda_request": 1.0,
            f"lambda_gb_second_{function.arch}": warm * (1.0 - cold_share) + cold * cold_share,
            scenario.billing.logs_meter: function.log_bytes / GB_BYTES}


def gateway_meters(scenario: Scenario, design: Design, request_bytes, response_bytes) -> dict:
    """Gateway units of one HTTP call, none on a plain server; whether the response counts is a switch."""
    if design.api.backend == "server":
        return {}
    if design.api.backend == "rest_api":
        return {"apigw_rest_request": 1.0}
    size = np.maximum(request_bytes, response_bytes) if scenario.billing.response_counts else request_bytes
    return {"apigw_http_request": metering.http_request_units(np.maximum(np.ceil(size), 1.0))}


def message_meters(design: Design, payload_bytes, count=1.0) -> dict:
    """WebSocket message units of one message, none on a plain server."""
    if design.socket.backend == "server":
        return {}
    return {"apigw_ws_message": metering.message_units(np.maximum(np.ceil(payload_bytes), 1.0)) * count}
