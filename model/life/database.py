"""What a function asks of its database: units by item, page and consistency, and the time it waits."""

from __future__ import annotations

import numpy as np

from model.prices import metering
from model.scenario import Function, Operation, Scenario

__all__ = ["database_meters", "found_share", "matching", "operation_meters", "operation_s", "scanning"]

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
    the page, not each item.

    Source: aws_docs.
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
    """Time that a function waits for one operation; a table scan grows with the page it reads.

    Source: assumption.
    """
    if operation.kind in WRITES:
        return scenario.number("dynamodb_write_s") * operation.times
    least = scenario.number("dynamodb_read_s")
    if operation.kind == "scan_table":
        part = _read_bytes(operation, table_bytes) / page_bytes()
        return np.maximum(least, scenario.number("dynamodb_scan_page_s") * part) * operation.times
    return least * operation.times


def found_share(table_bytes):
    """Chance that a row of the table lies in the one page that a scan reads: page / table, at most 1.

    Source: aws_docs, twilly_code.
    """
    return np.minimum(page_bytes() / np.maximum(table_bytes, 1.0), 1.0)


def matching(function: Function, table_bytes) -> Function:
    """A function that scans the table and deletes what it finds: a deletion as often as the row is found.

    Source: twilly_code.
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

    Source: twilly_code.
    """
    kept = [o for o in function.operations if o.kind not in ("query", "scan_table")]
    return function.model_copy(update={"operations": [Operation(kind="scan_table"), *kept]})


def database_meters(function: Function, table_bytes=0.0) -> dict:
    """DynamoDB units of one run of a function.

    Source: aws_docs.
    """
    total: dict = {}
    for operation in function.operations:
        for meter, units in operation_meters(operation, table_bytes).items():
            total[meter] = total[meter] + units if meter in total else units
    return total
