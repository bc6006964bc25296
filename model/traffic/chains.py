"""Event chains: what one exchange touches, expanded into every meter that it is billed on."""

from __future__ import annotations

import numpy as np

from model import metering
from model.scenario import Design, Function, Operation, Scenario

__all__ = ["added", "database_meters", "found_share", "gateway_meters", "longer_meters", "matching",
           "message_meters", "operation_meters", "operation_s", "run_meters", "run_s", "scanning", "times"]

WRITES = ("put", "update", "delete")


def added(*meters: dict) -> dict:
    """The sum of several {meter: amount}.

    Parameters
    ----------
    meters : dict
        Amounts by meter [-].

    Returns
    -------
    dict of str to array
        Every meter of any of them; amounts broadcast.
    """
    total: dict = {}
    for one in meters:
        for name, amount in one.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def times(meters: dict, factor) -> dict:
    """Every amount multiplied by a factor.

    Parameters
    ----------
    meters : dict
        Amounts by meter [-].
    factor : array_like
        Broadcasts [-].

    Returns
    -------
    dict of str to array
        The same meters.
    """
    return {name: amount * factor for name, amount in meters.items()}


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

    Parameters
    ----------
    operation : Operation
        Kind, bytes of the item (or of all items read), consistency and how many times [-].
    table_bytes : array_like
        Size of the connection table, which `scan_table` reads, one page at most [B].

    Returns
    -------
    dict of str to array
        `dynamodb_read_unit` or `dynamodb_write_unit`; broadcasts.

    Raises
    ------
    InputError
        An item over 400 KB.

    Sources
    -------
    aws_docs

    Examples
    --------
    >>> operation_meters(Operation(kind="query", item_bytes=5000, consistency="strong"))
    {'dynamodb_read_unit': np.float64(2.0)}
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

    Parameters
    ----------
    scenario : Scenario
        Gives the times of a read, a write and a full page [-].
    operation : Operation
        The operation and how many times it runs, one after another [-].
    table_bytes : array_like
        Size of the connection table [B].

    Returns
    -------
    array
        Broadcast shape [s].

    Sources
    -------
    assumption
    """
    if operation.kind in WRITES:
        return scenario.number("dynamodb_write_s") * operation.times
    least = scenario.number("dynamodb_read_s")
    if operation.kind == "scan_table":
        part = _read_bytes(operation, table_bytes) / page_bytes()
        return np.maximum(least, scenario.number("dynamodb_scan_page_s") * part) * operation.times
    return least * operation.times


def run_s(scenario: Scenario, function: Function, table_bytes=0.0, posts_s=0.0):
    """Duration of one warm run: CPU time at the function's share of a vCPU, its database calls, its posts.

    Parameters
    ----------
    scenario : Scenario
        Gives the memory of one full vCPU and the times of the database [-].
    function : Function
        CPU time at one full vCPU, memory, operations [-].
    table_bytes : array_like
        Size of the connection table [B].
    posts_s : array_like
        Time the run waits for its posts to connections [s].

    Returns
    -------
    array
        Broadcast shape [s].

    Notes
    -----
    Calls follow one another, as in the code; below one vCPU the CPU time stretches in proportion.

    Sources
    -------
    aws_docs, twilly_code
    """
    slower = np.maximum(scenario.number("lambda_vcpu_mb") / function.memory_mb, 1.0)
    waits = sum(operation_s(scenario, o, table_bytes) for o in function.operations)
    return function.cpu_s * slower + waits + posts_s


def found_share(table_bytes):
    """Chance that a row of the table lies in the one page that a scan reads: page / table, at most 1.

    Parameters
    ----------
    table_bytes : array_like
        Size of the connection table [B].

    Returns
    -------
    array
        Shape of `table_bytes` [-].

    Notes
    -----
    Keys are hashed, so a row is anywhere in the order of the scan.

    Sources
    -------
    aws_docs, twilly_code

    Examples
    --------
    >>> found_share([1000.0, 4 * 2**20]).tolist()
    [1.0, 0.25]
    """
    return np.minimum(page_bytes() / np.maximum(table_bytes, 1.0), 1.0)


def matching(function: Function, table_bytes) -> Function:
    """A function that scans the table and deletes what it finds: a deletion as often as the row is found.

    Parameters
    ----------
    function : Function
        The function that a disconnect runs [-].
    table_bytes : array_like
        Size of the connection table [B].

    Returns
    -------
    Function
        The same function where it scans nothing.

    Sources
    -------
    twilly_code
    """
    if not any(o.kind == "scan_table" for o in function.operations):
        return function
    share = found_share(table_bytes)
    return function.model_copy(update={"operations": [
        o.model_copy(update={"times": o.times * share}) if o.kind == "delete" else o
        for o in function.operations]})


def scanning(function: Function) -> Function:
    """The sender as a broadcast runs it: a scan of one page of the table in the place of its queries.

    Parameters
    ----------
    function : Function
        The sender's function [-].

    Returns
    -------
    Function
        One scan, and whatever else it does beside queries.

    Sources
    -------
    twilly_code
    """
    kept = [o for o in function.operations if o.kind not in ("query", "scan_table")]
    return function.model_copy(update={"operations": [Operation(kind="scan_table"), *kept]})


def database_meters(function: Function, table_bytes=0.0) -> dict:
    """DynamoDB units of one run of a function.

    Parameters
    ----------
    function : Function
        The function with its operations [-].
    table_bytes : array_like
        Size of the connection table [B].

    Returns
    -------
    dict of str to array
        Read and write units; broadcasts.

    Raises
    ------
    InputError
        An item over 400 KB.

    Sources
    -------
    aws_docs
    """
    return added(*(operation_meters(o, table_bytes) for o in function.operations))


def run_meters(scenario: Scenario, function: Function, duration_s, cold_share, init_s) -> dict:
    """Lambda's meters of one run: a request, GB-seconds with the Init of cold starts, log bytes.

    Parameters
    ----------
    scenario : Scenario
        Says which meter its logs go to [-].
    function : Function
        Memory, architecture, log bytes [-].
    duration_s : array_like
        Of one warm run [s].
    cold_share : array_like
        Share of runs that start cold [1].
    init_s : array_like
        Init of a cold start, billed since 2025-08-01; placement and download are not [s].

    Returns
    -------
    dict of str to array
        Per run, cold and warm in their shares; broadcasts.

    Sources
    -------
    aws_pricing_pages, lambda_init_billing
    """
    warm = metering.lambda_gb_seconds(function.memory_mb, duration_s)
    cold = metering.lambda_gb_seconds(function.memory_mb, duration_s + init_s)
    return {"lambda_request": 1.0,
            f"lambda_gb_second_{function.arch}": warm * (1.0 - cold_share) + cold * cold_share,
            scenario.billing.logs_meter: metering.transfer_gb(function.log_bytes)}


def longer_meters(function: Function, more_s) -> dict:
    """GB-seconds of a run that lasts somewhat longer; what is added is not rounded up by itself.

    Parameters
    ----------
    function : Function
        Memory and architecture [-].
    more_s : array_like
        Time added to the run [s].

    Returns
    -------
    dict of str to array
        GB-seconds; broadcasts.

    Sources
    -------
    aws_pricing_pages
    """
    gb = function.memory_mb / metering.rule("lambda_memory_unit_mb")
    return {f"lambda_gb_second_{function.arch}": gb * more_s}


def gateway_meters(scenario: Scenario, design: Design, request_bytes, response_bytes) -> dict:
    """Gateway units of one HTTP call, none on a plain server; whether the response counts is a switch.

    Parameters
    ----------
    scenario : Scenario
        Its billing says whether the response counts towards the 512 KB [-].
    design : Design
        HTTP API, REST API or plain server [-].
    request_bytes, response_bytes : array_like
        Whole messages with headers [B].

    Returns
    -------
    dict of str to array
        Requests of an HTTP API by 512 KB, one request of a REST API, or nothing; broadcasts.

    Notes
    -----
    AWS does not say whether the response counts. Where the switch is on, it is added to the request: the
    dearer reading.

    Sources
    -------
    aws_pricing_pages
    """
    if design.api.backend == "server":
        return {}
    if design.api.backend == "rest_api":
        return {"apigw_rest_request": 1.0}
    size = request_bytes + response_bytes if scenario.billing.response_counts else request_bytes
    return {"apigw_http_request": metering.http_request_units(np.maximum(np.ceil(size), 1.0))}


def message_meters(design: Design, payload_bytes, count=1.0) -> dict:
    """WebSocket message units of one message in either direction, none on a plain server.

    Parameters
    ----------
    design : Design
        Whose socket is API Gateway's or a plain server's [-].
    payload_bytes : array_like
        Payload of one message [B].
    count : array_like
        How many messages [-].

    Returns
    -------
    dict of str to array
        Messages by 32 KB, or nothing; broadcasts.

    Raises
    ------
    InputError
        A payload over 128 KB.

    Sources
    -------
    aws_pricing_pages
    """
    if design.socket.backend == "server":
        return {}
    return {"apigw_ws_message": metering.message_units(np.maximum(np.ceil(payload_bytes), 1.0)) * count}
