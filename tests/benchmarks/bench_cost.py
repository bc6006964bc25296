"""A million bills in one call, against the same bills one by one in exact decimals.

Run as a script, or as `pytest tests/benchmarks/bench_cost.py`.
"""

import time

import numpy as np

from model import cost, prices

BILLS = 1_000_000
CHECKED = 1_000
MOST_S = 3.0  # on one core
METERS = (
    "apigw_http_request",
    "apigw_rest_request",
    "apigw_ws_message",
    "apigw_ws_minute",
    "lambda_request",
    "lambda_gb_second_x86",
    "lambda_gb_second_arm",
    "dynamodb_read_unit",
    "dynamodb_write_unit",
    "dynamodb_storage_gb_month",
    "internet_out_gb",
    "lambda_logs_ingest_gb",
)


def measured(free_tier):
    """Seconds of one call for all bills, seconds of one exact bill, and the largest relative difference."""
    book = prices.book("us-east-1")
    rng = np.random.default_rng(7)
    usage = {meter: 10 ** rng.uniform(0, 11, BILLS) for meter in METERS}
    start = time.perf_counter()
    totals = cost.total(usage, book, free_tier)
    together_s = time.perf_counter() - start
    picked = rng.choice(BILLS, CHECKED, replace=False)
    start = time.perf_counter()
    exact = np.array(
        [float(cost.exact_total({meter: usage[meter][n] for meter in METERS}, book, free_tier)) for n in picked]
    )
    one_s = (time.perf_counter() - start) / CHECKED
    return together_s, one_s, np.max(np.abs(totals[picked] / exact - 1))


def test_a_million_bills_in_one_call_take_under_3_s_and_a_random_thousand_equal_the_decimal_bill():
    for free_tier in (False, "first_12_months"):
        together_s, one_s, apart = measured(free_tier)
        faster = one_s * BILLS / together_s
        print(
            f"free_tier={free_tier}: {BILLS:,} bills in {together_s:.2f} s, {faster:,.0f} times "
            f"faster than one by one; {CHECKED:,} of them within {apart:.1e} of the decimal bill"
        )
        assert together_s < MOST_S
        assert apart < 1e-12


if __name__ == "__main__":
    test_a_million_bills_in_one_call_take_under_3_s_and_a_random_thousand_equal_the_decimal_bill()
