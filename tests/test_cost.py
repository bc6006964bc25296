"""The bill, against AWS's own examples, Infracost's published ones, and exact decimals."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import cost, ledger, paths, prices
from model.checks import InputError
from model.prices.metering import lambda_gb_seconds, transfer_gb

EXAMPLES = ledger.read_csv(paths.data("published", "aws_examples.csv"))
US = prices.book("us-east-1")
EU = prices.book("eu-west-1")
LACKING = prices.book("ap-southeast-6")
FREE = (False, "always", "first_12_months")
ALGEBRA = 1e-12  # relative: sums of float64 products


def usd(usage, book=US, free_tier=False):
    """The bill, which must be the same by all three ways of asking."""
    exact = float(cost.exact_total(usage, book, free_tier))
    assert cost.bill(usage, book, free_tier).usd.sum() == pytest.approx(exact, rel=ALGEBRA, abs=0)
    assert cost.total(usage, book, free_tier) == pytest.approx(exact, rel=ALGEBRA, abs=0)
    return exact


# published examples


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
def test_published_example(example):
    book = prices.book(example["region"], on=example["on"] or None)
    billed = usd(json.loads(example["usage"]), book, example["free_tier"] or False)
    # its stated tolerance, or half of the last printed digit
    assert billed == pytest.approx(float(example["expected_usd"]), rel=0, abs=float(example["tolerance_usd"]) + 1e-9)


def test_the_published_examples_are_those_researched(shared):
    found = {row["id"]: row for row in EXAMPLES}
    for row in ledger.read_csv(shared / "published" / "aws_examples.csv"):
        inputs = json.loads(row["inputs_json"])
        assert float(found[row["id"]]["expected_usd"]) == float(row["expected_usd"])
        assert float(found[row["id"]]["tolerance_usd"]) <= inputs.get("tolerance", 0.005)


@pytest.mark.parametrize(
    "example", [row for row in EXAMPLES if "memory_mb" in row["inputs"]], ids=lambda example: example["id"]
)
def test_the_gb_seconds_of_lambda_examples_follow_from_memory_and_duration(example):
    inputs, usage = json.loads(example["inputs"]), json.loads(example["usage"])
    billed = next(amount for meter, amount in usage.items() if "gb_second" in meter)
    each = lambda_gb_seconds(inputs["memory_mb"], inputs["duration_ms"] / 1000)
    assert inputs["requests"] * each == pytest.approx(billed, rel=ALGEBRA)


def test_aws_page_chat_example_costs_23_40_usd():
    users, days = 1000, 30
    usage = {"apigw_ws_message": users * days * (100 + 500), "apigw_ws_minute": users * days * 12 * 60}
    assert cost.exact_total(usage, US) == Decimal("23.40")


def test_ten_thousand_connections_open_for_a_30_day_month_cost_108_usd_not_1080():
    assert cost.exact_total({"apigw_ws_minute": 10_000 * 30 * 24 * 60}, US) == 108


def test_aws_lambda_kafka_example_is_30_m_requests_and_6_usd_less_than_its_page_says():
    assert usd({"lambda_request": 60e6}) - usd({"lambda_request": 30e6}) == pytest.approx(6.00, abs=1e-9)


def test_aws_rest_transfer_by_its_own_tiers_is_4824_63_not_5149_84():
    gb = transfer_gb(15e9 * 4 * 1024)
    assert usd({"internet_out_gb": gb}) == pytest.approx(4824.63, abs=0.005)
    assert float(gb) * 0.09 == pytest.approx(5149.84, abs=0.005)


def test_thirty_thousand_connection_minutes_are_three_quarters_of_a_cent():
    assert usd({"apigw_ws_minute": 30_000}) == pytest.approx(0.0075, rel=ALGEBRA)


def test_five_hundred_million_http_requests_go_through_the_tiers():
    assert cost.exact_total({"apigw_http_request": 500_000_000}, US) == 480


def test_appsync_pings_cost_twelve_and_a_half_times_the_connection():
    ratio = usd({"appsync_event_operation": 43_200}) / usd({"appsync_event_minute": 43_200})
    assert ratio == pytest.approx(12.5, rel=ALGEBRA)


def test_a_dynamodb_bill_halves_with_the_price_of_november_2024():
    usage = {"dynamodb_read_unit": 8e6, "dynamodb_write_unit": 3e6}
    before = usd(usage, prices.book("us-east-1", on="2024-10-31"))
    assert usd(usage, prices.book("us-east-1", on="2024-11-01")) == pytest.approx(before / 2, rel=ALGEBRA)


@pytest.mark.parametrize("region", prices.regions())
def test_one_unit_of_every_meter_costs_its_first_price(region):
    book = prices.book(region)
    for meter in book.meters:
        first = book.tiers(meter)[0]
        assert cost.exact_total({meter: 1}, book) == first.price_usd * (first.step or 1)  # or its first whole step


# the table


def test_a_bill_has_a_row_for_each_meter_and_tier_that_is_reached():
    table = cost.bill({"apigw_rest_request": 1_000_000_001, "lambda_request": 5}, US)
    assert table[["service", "meter", "tier_from", "amount"]].values.tolist() == [
        ["API Gateway", "apigw_rest_request", 0, 333_000_000],
        ["API Gateway", "apigw_rest_request", 333_000_000, 667_000_000],
        ["API Gateway", "apigw_rest_request", 1_000_000_000, 1],
        ["Lambda", "lambda_request", 0, 5],
    ]
    assert table["usd"].tolist() == pytest.approx([1165.50, 1867.60, 2.38e-6, 1e-6], rel=ALGEBRA)
    assert table["price_usd"].tolist() == [3.5e-6, 2.8e-6, 2.38e-6, 2e-7]
    first = US.tiers("apigw_rest_request")[0]
    assert table.loc[0, ["unit", "effective_from"]].tolist() == [first.unit, first.effective_from]


def test_usage_at_the_edge_of_a_tier_opens_no_new_row():
    assert len(cost.bill({"apigw_http_request": 300_000_000}, US)) == 1


def test_a_bill_says_which_prices_are_uncertain():
    table = cost.bill({"apigw_ws_message": 1e6, "internet_out_gb": 1}, prices.book("ap-southeast-2"))
    assert table["note"].tolist() == ["medium confidence", ""]


@pytest.mark.parametrize("free_tier", FREE)
def test_nothing_used_costs_nothing_and_has_no_row(free_tier):
    for usage in ({}, {"lambda_request": 0, "internet_out_gb": 0.0}):
        table = cost.bill(usage, US, free_tier)
        assert table.empty and table.usd.sum() == 0
        assert cost.exact_total(usage, US, free_tier) == 0
        assert cost.total(usage, US, free_tier) == 0


@pytest.mark.parametrize("amount", [3, 3.0, Decimal(3), np.int64(3), np.float64(3), np.array(3)])
def test_an_amount_may_be_any_kind_of_number(amount):
    assert cost.exact_total({"sqs_request": amount}, US) == Decimal("0.0000012")


# free allowances


def test_an_allowance_comes_off_before_the_tiers():
    # 10,240 GB fill the first tier only after the 100 free ones
    assert cost.exact_total({"internet_out_gb": 10_340}, US, "always") == cost.exact_total(
        {"internet_out_gb": 10_240}, US
    )


def test_the_allowance_of_lambda_is_shared_by_both_architectures_and_taken_off_x86_first():
    usage = {"lambda_gb_second_arm": 300_000, "lambda_gb_second_x86": 300_000}
    table = cost.bill(usage, US, "always").set_index("meter")
    assert table["free"].to_dict() == {"lambda_gb_second_arm": 100_000, "lambda_gb_second_x86": 300_000}
    assert table["amount"].to_dict() == {"lambda_gb_second_arm": 200_000, "lambda_gb_second_x86": 0}
    assert usd(usage, free_tier="always") == pytest.approx(200_000 * 0.0000133334, rel=ALGEBRA)


def test_five_gb_of_logs_are_free_over_ingestion_scan_and_storage_together():
    usage = {"logs_ingest_gb": 3, "lambda_logs_ingest_gb": 1, "logs_insights_gb": 0.5, "logs_storage_gb_month": 2}
    assert usd(usage, free_tier="always") == pytest.approx(1.5 * 0.03, rel=ALGEBRA)


def test_the_12_month_tier_includes_the_standing_one_and_the_standing_one_not_the_other():
    usage = {"apigw_ws_message": 18_000_000, "apigw_ws_minute": 21_600_000, "lambda_request": 2_000_000}
    assert cost.exact_total(usage, US, "always") == Decimal("23.60")
    assert cost.exact_total(usage, US, "first_12_months") == Decimal("22.4125")


@pytest.mark.parametrize("allowance", prices.allowances(), ids=lambda allowance: allowance.name)
def test_usage_up_to_each_allowance_is_free_and_one_more_is_not(allowance):
    book = EU if allowance.name.startswith("iot") else US
    for meter in allowance.meters:
        assert usd({meter: float(allowance.amount)}, book, allowance.kind) == 0
        assert usd({meter: float(allowance.amount) + 1}, book, allowance.kind) == pytest.approx(
            float(book.tiers(meter)[0].price_usd), rel=ALGEBRA
        )


def test_the_12_month_tier_is_refused_to_accounts_opened_since_2025_07_15():
    book = prices.book("us-east-1", on="2025-08-01")
    for opened in ("2025-07-14", datetime.date(2025, 1, 1)):
        cost.total({"lambda_request": 1}, book, "first_12_months", account_opened=opened)
    with pytest.raises(InputError, match="account_opened must be before 2025-07-15 .*; got 2025-07-15"):
        cost.bill({"lambda_request": 1}, book, "first_12_months", account_opened="2025-07-15")


def test_the_12_month_tier_begins_on_the_day_the_account_is_opened():
    usage, opened = {"apigw_http_request": 1e6}, "2025-07-14"
    assert cost.total(usage, prices.book("us-east-1", on=opened), "first_12_months", account_opened=opened) == 0
    with pytest.raises(InputError, match="at most 12 months before the price book's date .*; got 2025-07-14"):
        cost.total(usage, prices.book("us-east-1", on="2025-07-13"), "first_12_months", account_opened=opened)


def test_the_12_month_tier_ends_after_12_months():
    usage = {"apigw_http_request": 1e6}
    last, over = (prices.book("us-east-1", on=day) for day in ("2026-07-13", "2026-07-14"))
    assert cost.total(usage, last, "first_12_months", account_opened="2025-07-14") == 0
    with pytest.raises(InputError, match="at most 12 months before the price book's date .*; got 2025-07-14"):
        cost.total(usage, over, "first_12_months", account_opened="2025-07-14")


def test_an_account_opened_on_a_leap_day_has_its_12_months():
    book = prices.book("us-east-1", on="2025-02-27")
    assert cost.total({"apigw_http_request": 1e6}, book, "first_12_months", account_opened="2024-02-29") == 0


# many bills at once

METERS = (
    "apigw_http_request",
    "apigw_rest_request",
    "apigw_ws_message",
    "apigw_ws_minute",
    "lambda_request",
    "lambda_gb_second_x86",
    "lambda_gb_second_arm",
    "dynamodb_read_unit",
    "dynamodb_storage_gb_month",
    "internet_out_gb",
    "lambda_logs_ingest_gb",
    "logs_storage_gb_month",
)


@pytest.mark.parametrize("free_tier", FREE)
def test_an_array_of_bills_equals_the_decimal_bills_one_by_one(free_tier):
    rng = np.random.default_rng(1)
    usage = {meter: 10 ** rng.uniform(-2, 11, 60) for meter in METERS}
    exact = [
        float(cost.exact_total({meter: amounts[n] for meter, amounts in usage.items()}, US, free_tier))
        for n in range(60)
    ]
    np.testing.assert_allclose(cost.total(usage, US, free_tier), exact, rtol=ALGEBRA, atol=0)


def around(edges):
    return (
        st.floats(1e-9, 1e12)
        | st.just(0.0)
        | st.integers(0, 10**13)
        | st.sampled_from(edges).flatmap(lambda edge: st.floats(max(edge - 1, 0), edge + 1))
    )


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lambda_gb_second_x86": around([4e5, 6e9]),
            "lambda_gb_second_arm": around([4e5, 7.5e9]),
            "logs_ingest_gb": around([5]),
            "logs_storage_gb_month": around([5]),
            "logs_insights_gb": around([5]),
            "internet_out_gb": around([100, 10_240, 153_600]),
        },
    ),
    st.sampled_from(FREE),
)
def test_floats_equal_decimals_at_every_edge_of_a_tier_or_allowance(usage, free_tier):
    exact = float(cost.exact_total(usage, US, free_tier))
    assert float(cost.total(usage, US, free_tier)) == pytest.approx(exact, rel=ALGEBRA, abs=0)


def test_a_shared_allowance_cancels_nothing():
    # 399,999.95 + 0.1 is 0.05 above the allowance: naive floats lose ten digits of it
    usage = {"lambda_gb_second_x86": 0.1, "lambda_gb_second_arm": 399_999.95}
    exact = float(cost.exact_total(usage, US, "always"))
    assert float(cost.total(usage, US, "always")) == pytest.approx(exact, rel=ALGEBRA, abs=0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METERS), st.floats(0, 1e12), st.floats(0, 1e12), st.sampled_from(FREE))
def test_more_usage_never_costs_less(meter, amount, more, free_tier):
    low, high = cost.total({meter: np.array([amount, amount + more])}, US, free_tier)
    assert 0 <= low <= high * (1 + ALGEBRA)


@pytest.mark.parametrize("meter", [meter for meter in US.meters if not US.tiers(meter)[-1].step])
def test_tiers_join_without_a_jump(meter):
    for tier in US.tiers(meter)[1:]:
        edge = float(tier.tier_from)
        below, at, above = cost.total({meter: [edge - 1, edge, edge + 1]}, US)
        last = max(t.price_usd for t in US.tiers(meter))
        assert 0 <= at - below <= float(last) * (1 + 1e-3) and 0 <= above - at <= float(last) * (1 + 1e-3)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(METERS), st.floats(0, 1e12)), st.sampled_from(FREE))
def test_the_rows_of_a_bill_add_up_to_the_usage(usage, free_tier):
    table = cost.bill(usage, US, free_tier)
    counted = (table.amount + table.free).groupby(table.meter).sum()
    for meter, amount in usage.items():
        assert counted.get(meter, 0) == pytest.approx(amount, rel=ALGEBRA)


def test_usages_of_different_shapes_broadcast():
    draws, users = np.array([[1.0], [2.0], [3.0]]), np.array([10.0, 20.0])
    totals = cost.total({"lambda_request": draws * users, "alb_hour": 720}, US)
    assert totals.shape == (3, 2)
    assert totals[2, 1] == pytest.approx(float(cost.exact_total({"lambda_request": 60, "alb_hour": 720}, US)))


def test_meters_sum_to_the_total():
    usage = {"lambda_request": [1e6, 2e6], "lambda_gb_second_arm": 5e5, "internet_out_gb": [[1.0], [200.0]]}
    parts = cost.by_meter(usage, US, "always")
    np.testing.assert_allclose(sum(parts.values()), cost.total(usage, US, "always"), rtol=ALGEBRA)


def test_doubling_usage_within_a_tier_doubles_its_cost():
    assert usd({"apigw_ws_minute": 2e9}) == pytest.approx(2 * usd({"apigw_ws_minute": 1e9}), rel=ALGEBRA)


# bad input

WAYS = (cost.bill, cost.total, cost.exact_total, cost.by_meter)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "usage, sentence",
    [
        ({"apigw_ws_message": 1}, "no price for apigw_ws_message in ap-southeast-6 on .*; regions with one: us-"),
        ({"apigw_ws_mesage": 1}, "unknown meter 'apigw_ws_mesage'; did you mean 'apigw_ws_message'"),
        ({"lambda_gb_second": 1}, "unknown meter 'lambda_gb_second'; did you mean 'lambda_gb_second_"),
        ({"lambda_request": -5}, r"lambda_request must be >= 0 and finite a month; got -5 \(usage\)"),
        ({"lambda_request": float("nan")}, r"lambda_request must be a number; got NaN \(usage\)"),
        ({"lambda_request": float("inf")}, "lambda_request must be >= 0 and finite a month; got inf"),
        ({"lambda_request": "5"}, "lambda_request must be a number; got '5'"),
        ({"lambda_request": None}, "lambda_request must be a number; got N"),
        ("lambda_request", "usage must be a mapping of meter to amount a month; got 'lambda_request'"),
    ],
)
def test_bad_usage_gives_one_sentence(way, usage, sentence):
    with pytest.raises(InputError, match=sentence):
        way(usage, LACKING)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("free_tier", [True, "12_months", None])
def test_an_unknown_free_tier_is_refused(way, free_tier):
    with pytest.raises(InputError, match="free_tier must be False, 'always' or 'first_12_months'; got"):
        way({}, US, free_tier)


def test_one_negative_amount_among_many_is_named():
    with pytest.raises(InputError, match="apigw_ws_minute must be >= 0 and finite a month; got -1"):
        cost.total({"apigw_ws_minute": np.array([1.0, -1.0, 3.0])}, US)


@pytest.mark.parametrize("free_tier", [False, "always"])
def test_amounts_of_shapes_that_do_not_go_together_are_named(free_tier):
    with pytest.raises(InputError) as wrong:
        cost.total(
            {"apigw_ws_message": 1.0, "lambda_gb_second_x86": [1, 2], "lambda_gb_second_arm": [1, 2, 3]}, US, free_tier
        )
    assert str(wrong.value) == (
        "amounts must have shapes that go together; got lambda_gb_second_x86 (2,) and lambda_gb_second_arm (3,) (usage)"
    )


def test_an_array_is_no_single_bill():
    with pytest.raises(InputError, match=r"lambda_request must be one amount .* got shape \(2,\)"):
        cost.bill({"lambda_request": np.ones(2)}, US)


def test_a_lacking_meter_that_is_not_used_is_no_mistake():
    totals = cost.total({"apigw_ws_message": [0, 0], "lambda_request": [0, 1e6]}, LACKING)
    assert totals.tolist() == pytest.approx([0, 0.21], rel=ALGEBRA)
    assert cost.bill({"apigw_ws_message": 0}, LACKING).empty


def test_a_date_that_is_none_is_refused_for_the_account():
    with pytest.raises(InputError, match="account_opened must be a date like"):
        cost.total({}, US, "first_12_months", account_opened="last year")
