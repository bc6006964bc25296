"""Event chains: what one exchange touches, expanded into every meter that it is billed on."""

from __future__ import annotations

import numpy as np

from model.prices import metering
from model.scenario import AnyDesign, Function, Operation, Scenario


def cold_extra_s(scenario: Scenario, runtime: str):
    """What a cold start takes beyond the table of Init times: placement, and where sources differ on a runtime.

    Source: assumption, lambda_size_gist.
    """
    other = scenario.number("lambda_node20_init_s") if runtime.startswith("nodejs20") else 0.0
    return scenario.number("lambda_cold_extra_s") + other


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

    Source: aws_docs, first_case_code.
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


def gateway_meters(scenario: Scenario, design: AnyDesign, request_bytes, response_bytes) -> dict:
    """Gateway units of one HTTP call, none on a plain server; whether the response counts is a switch.

    Source: aws_pricing_pages.
    """
    return design.api.row.request_meters(request_bytes + response_bytes * scenario.billing.response_counts)


def message_meters(design: AnyDesign, payload_bytes, count=1.0, what="") -> dict:
    """Message units of one message in either direction, none on a plain server or where its kind costs nothing.

    Source: aws_pricing_pages.
    """
    return design.socket.row.message_meters(payload_bytes, count, what)


WRITES = ("put", "update", "delete")


def page_bytes():
    """Where a Scan or Query page stops, whatever a filter leaves of it."""
    return metering.rule("dynamodb_page_bytes")


def _read_bytes(operation: Operation, table_bytes):
    size = table_bytes if operation.kind == "scan_table" else operation.item_bytes
    return np.maximum(np.ceil(np.minimum(size, page_bytes())), 1.0)


def operation_meters(operation: Operation, table_bytes=0.0) -> dict:
    """DynamoDB units of one operation of a function.

    A write counts its item by the KB, a Get its item by 4 KB; a Query or Scan sums what it reads and rounds
    the page, not each item. Source: aws_docs.
    """
    if operation.kind in WRITES:
        units = metering.dynamodb_write_units(np.maximum(np.ceil(operation.item_bytes), 1.0))
        return {"dynamodb_write_unit": units * operation.times}
    if operation.kind == "get":
        item_bytes = np.maximum(np.ceil(operation.item_bytes), 1.0)
        units = metering.dynamodb_read_units(item_bytes, operation.consistency)
    else:
        units = metering.dynamodb_query_units(_read_bytes(operation, table_bytes), operation.consistency)
    return {"dynamodb_read_unit": units * operation.times}


def operation_s(scenario: Scenario, operation: Operation, table_bytes=0.0):
    """Time that a function waits for one operation; a table scan grows with the page it reads. Source: assumption."""
    if operation.kind in WRITES:
        return scenario.number("dynamodb_write_s") * operation.times
    least = scenario.number("dynamodb_read_s")
    if operation.kind == "scan_table":
        part = _read_bytes(operation, table_bytes) / page_bytes()
        return np.maximum(least, scenario.number("dynamodb_scan_page_s") * part) * operation.times
    return least * operation.times


def found_share(table_bytes):
    """Chance that a row of the table lies in the one page that a scan reads: page / table, at most 1.

    Source: aws_docs, first_case_code.
    """
    return np.minimum(page_bytes() / np.maximum(table_bytes, 1.0), 1.0)


def matching(function: Function, table_bytes) -> Function:
    """A function that scans the table and deletes what it finds: a deletion as often as the row is found.

    Source: first_case_code.
    """
    if not any(o.kind == "scan_table" for o in function.operations):
        return function
    share = found_share(table_bytes)
    return function.model_copy(
        update={
            "operations": [
                o.model_copy(update={"times": o.times * share}) if o.kind == "delete" else o
                for o in function.operations
            ]
        }
    )


def scanning(function: Function) -> Function:
    """The sender as a broadcast runs it: a scan of one page of the table in the place of its queries.

    Source: first_case_code.
    """
    kept = [o for o in function.operations if o.kind not in ("query", "scan_table")]
    return function.model_copy(update={"operations": [Operation(kind="scan_table"), *kept]})


def database_meters(function: Function, table_bytes=0.0) -> dict:
    """DynamoDB units of one run of a function. Source: aws_docs."""
    total: dict = {}
    for operation in function.operations:
        for meter, units in operation_meters(operation, table_bytes).items():
            total[meter] = total[meter] + units if meter in total else units
    return total
