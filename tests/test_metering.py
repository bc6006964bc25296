"""Units AWS meters, against AWS's rules, published cases and closed forms."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import backends, ledger, paths
from model.checks import InputError
from model.prices import metering

KB = 1024
SIZES = st.integers(0, 10**7)


def message_units(size_bytes):
    return backends.row("apigw_ws").message_meters(size_bytes)["apigw_ws_message"]


def http_request_units(size_bytes):
    return backends.row("http_api").request_meters(size_bytes)["apigw_http_request"]


# published figures


@pytest.mark.parametrize("size_kb, units", [(3, 1), (32, 1), (33, 2), (64, 2), (128, 4)])
def test_aws_page_a_websocket_message_is_metered_by_32_kb(size_kb, units):
    assert message_units(size_kb * KB) == units


@pytest.mark.parametrize("size_kb, units", [(0, 1), (512, 1), (513, 2), (1024, 2), (1025, 3)])
def test_aws_page_an_http_api_call_is_metered_by_512_kb(size_kb, units):
    assert http_request_units(size_kb * KB) == units


def test_a_billed_gb_is_1024_times_1024_times_1024_bytes():
    assert metering.transfer_gb([0, 2**29, 2**30]).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("consistency, units", [("eventual", 50), ("strong", 100), ("transactional", 200)])
def test_tecracer_reading_a_400_kb_item(consistency, units):
    assert metering.dynamodb_read_units(400 * KB, consistency) == units


def test_tecracer_writing_a_400_kb_item_is_400_units():
    assert metering.dynamodb_write_units(400 * KB) == 400


def test_the_shared_unit_cases_agree(shared):
    cases = [
        case for case in ledger.read_csv(shared / "published" / "wire_cases.csv") if case["topic"].startswith("ddb_")
    ]
    assert len(cases) == 3
    for case in cases:
        inputs = json.loads(case["inputs_json"])
        size = inputs.pop("item_kb") * KB
        ask = metering.dynamodb_read_units if "read" in case["topic"] else metering.dynamodb_write_units
        assert ask(size, **inputs) == float(case["expected_value"])


def test_aws_docs_a_page_of_1_mb_is_128_units():
    assert metering.rule("dynamodb_page_bytes") == 2**20
    assert metering.dynamodb_query_units(2**20) == 128


def test_a_cache_scan_every_30_s_reads_368640_units_a_day_once_the_table_fills_a_page():
    # the product's own note: 2,880 scans a day of one page each
    assert 2880 * metering.dynamodb_query_units(2**20) == 368_640


def test_a_lambda_of_1536_mb_for_120_ms_is_0_18_gb_seconds():
    assert metering.lambda_gb_seconds(1536, 0.120) == pytest.approx(0.18, rel=1e-12)


def test_whole_milliseconds_are_never_rounded_up_by_float_dust():
    durations_s = np.arange(1, 900_001) / 1000  # up to the 15 min a function may run
    np.testing.assert_allclose(metering.lambda_gb_seconds(1024, durations_s), durations_s, rtol=1e-12)
    np.testing.assert_allclose(metering.lambda_gb_seconds(1024, durations_s + 1e-6), durations_s + 1e-3, rtol=1e-12)


def test_a_query_sums_its_items_before_it_rounds():
    # a hundred items of 158 B read one by one are 50 units, in one query 2
    assert metering.dynamodb_query_units(100 * 158) == 2
    assert 100 * metering.dynamodb_read_units(158) == 50
    assert metering.dynamodb_query_units(100 * 158, "strong") == 4


# properties


@given(SIZES, st.integers(0, 10**5))
def test_more_bytes_never_make_fewer_units(size, more):
    for ask in (
        http_request_units,
        metering.transfer_gb,
        metering.dynamodb_query_units,
    ):
        assert ask(size) <= ask(size + more)


@given(st.integers(0, 128 * KB))
def test_units_cover_the_bytes_and_not_one_unit_more(size):
    units = float(message_units(size))
    assert units == 1 or (units - 1) * 32 * KB < size <= units * 32 * KB


def test_a_read_is_half_a_unit_at_least_and_a_write_one():
    assert metering.dynamodb_read_units(0) == 0.5
    assert metering.dynamodb_query_units(0) == 0.5
    assert metering.dynamodb_write_units(0) == 1


def test_arrays_equal_scalars():
    sizes = np.array([[0, 5000], [70_000, 130_000]])
    for ask in (
        http_request_units,
        message_units,
        metering.dynamodb_read_units,
        metering.dynamodb_write_units,
        metering.dynamodb_query_units,
    ):
        assert ask(sizes).tolist() == [[float(ask(size)) for size in line] for line in sizes]


@given(st.integers(1, 400 * KB))
def test_a_read_is_by_4_kb_and_a_write_by_1_kb_and_neither_one_unit_more(size):
    strong, write = (float(metering.dynamodb_read_units(size, "strong")), float(metering.dynamodb_write_units(size)))
    assert (strong - 1) * 4 * KB < size <= strong * 4 * KB
    assert (write - 1) * KB < size <= write * KB


def test_memory_and_duration_broadcast():
    assert metering.lambda_gb_seconds([[128], [256]], [0.1, 0.2, 0.3]).shape == (2, 3)


# limits


def test_the_quotas_are_those_researched(shared):
    stored = {row["name"]: row for row in ledger.read_csv(paths.data("quotas.csv"))}
    for row in ledger.read_csv(shared / "facts" / "aws_quotas.csv"):
        assert ledger.quotas()[row["name"]] == float(row["value"])
        assert stored[row["name"]]["unit"] == row["unit"]


def test_every_quota_and_block_size_has_a_source():
    for row in ledger.read_csv(paths.data("quotas.csv")):
        assert row["source"] in ledger.sources()
    assert len(ledger.read(paths.data("metering.csv"))) > 10


# bad input


@pytest.mark.parametrize(
    "ask, sentence",
    [
        (lambda: message_units(128 * KB + 1), "payload_bytes must be 0 to 131072 B; got 131073"),
        (lambda: message_units(-1), "payload_bytes must be 0 to 131072 B; got -1"),
        (lambda: http_request_units([1, -1]), "payload_bytes must be >= 0 B; got -1"),
        (lambda: metering.dynamodb_read_units(400 * KB + 1), "item_bytes must be 0 to 409600 B; got 409601"),
        (lambda: metering.dynamodb_read_units(1, "strongly"), "'strongly'; did you mean 'strong'"),
        (lambda: metering.dynamodb_query_units(1, "transactional"), "unknown consistency 'transactional'"),
        (lambda: metering.dynamodb_query_units(-1), "read_bytes must be >= 0 B; got -1"),
        (lambda: metering.lambda_gb_seconds(0, 1), "memory_mb must be > 0 MB; got 0"),
        (lambda: metering.lambda_gb_seconds(128, -0.1), "duration_s must be >= 0 s; got -0.1"),
        (lambda: metering.lambda_gb_seconds(128, float("nan")), "duration_s must be a number; got NaN"),
        (lambda: metering.rule("http_api_unit_byte"), "did you mean 'http_api_unit_bytes'"),
    ],
)
def test_bad_input_gives_one_sentence(ask, sentence):
    with pytest.raises(InputError, match=sentence):
        ask()
