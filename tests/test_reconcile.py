"""A bill against the model's: what is explained, what is odd, which input would close the largest gap."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import model
from model import checks, cost
from model.calibration import reconcile
from model.readers import Bill, OwnFile
from model.scenario import sampling


@cache
def bill_of(name="before", **changes):
    side = model.evaluate(model.load("twilly").with_({k.replace("__", "."): v for k, v in changes.items()}))[name]
    return {m: float(np.ravel(v)[0]) for m, v in cost.by_meter(side.usage, side.book).items()}


@pytest.mark.parametrize("design", ["before", "after", "push_improved"])
def test_a_bill_made_from_the_models_own_meters_is_explained_to_the_last_cent(design):
    found = reconcile("twilly", bill_of(design), design)
    assert found.explained == pytest.approx(1.0, abs=1e-12) and (found.table["gap_usd"].abs() < 1e-9).all()
    assert len(found.findings) == 1 and found.discounts == {} and found.closing == {}


def test_a_planted_double_count_is_named_with_its_meter():
    bill = bill_of()
    found = reconcile("twilly", bill | {"lambda_request": 2 * bill["lambda_request"]})
    assert any(
        s.startswith("lambda_request is counted twice in the bill: 14.88 USD against 7.44") for s in found.findings
    )
    assert found.table.loc["lambda_request", "explained"] == pytest.approx(0.5)
    half = reconcile("twilly", bill | {"lambda_request": bill["lambda_request"] / 2})
    assert any("lambda_request is counted twice in the model" in s for s in half.findings)


def test_a_service_that_only_one_of_both_has_is_named():
    found = reconcile("twilly", bill_of() | {"iot_message": 9.0})
    assert any(s.startswith("IoT Core is missing from the model: 9.00 USD, iot_message") for s in found.findings), (
        found.findings
    )
    bill = {m: usd for m, usd in bill_of().items() if not m.startswith("lambda")}
    assert any(s.startswith("Lambda is missing from the bill") for s in reconcile("twilly", bill).findings)


def test_a_discount_of_20_percent_is_named_and_the_rest_still_explained():
    found = reconcile("twilly", {m: 0.8 * usd for m, usd in bill_of().items()})
    assert found.explained == pytest.approx(1.0) and [*found.discounts.values()] == pytest.approx(
        [0.8] * len(found.discounts)
    )
    assert any("20% below the list price: a discount" in s for s in found.findings)


def test_list_prices_in_the_bill_tell_a_discount_from_less_use():
    usd = bill_of(users=8000)
    meters = pd.DataFrame({"amount": 1.0, "cost_usd": usd.values(), "list_usd": usd.values()}, index=[*usd])
    file = OwnFile("bill.csv", "0" * 64, "bill", "", 1, 0.0, 30 * 86400.0)
    less = reconcile("twilly", Bill(file, meters, meters.assign(free_amount=0.0, discount=1.0), pd.Series(dtype=float)))
    assert less.discounts == {} and less.explained == pytest.approx(1.0)
    assert "before, which has 11.56 USD beyond it." in less.findings[0]  # 57.81 less 46.25
    paid = meters.assign(free_amount=0.0, discount=0.93, cost_usd=meters["cost_usd"] * 0.93)
    found = reconcile("twilly", Bill(file, paid, paid, pd.Series(dtype=float)), users=8000)
    assert found.explained == pytest.approx(1.0) and [*found.discounts.values()] == pytest.approx(
        [0.93] * len(found.discounts)
    )


def test_ten_days_of_a_bill_are_scaled_to_the_month():
    usd = {m: v / 3 for m, v in bill_of().items()}
    meters = pd.DataFrame(
        {"amount": 1.0, "cost_usd": usd.values(), "list_usd": usd.values(), "discount": 1.0}, index=[*usd]
    )
    file = OwnFile("bill.csv", "0" * 64, "bill", "", 1, 0.0, 10 * 86400.0)
    assert reconcile("twilly", Bill(file, meters, meters, pd.Series(dtype=float))).explained == pytest.approx(1.0)


@pytest.mark.parametrize("path, value", [("usage.session_mean_s", 900.0), ("before.timers.content.period_s", 30.0)])
def test_the_input_that_would_close_the_largest_gap_is_the_one_that_was_changed(path, value):
    found = reconcile("twilly", bill_of(**{path.replace(".", "__"): value}))
    one = sampling.ranged_inputs(model.load("twilly"))[path]
    assert found.closing["input"] == path
    assert abs(found.closing["value"] - value) <= (one.high - one.low) / 16 + 1e-9  # half a step of the nine tried
    assert found.closing["left_usd"] < 0.2 * found.closing["gap_usd"]


def test_a_meter_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(checks.InputError, match="unknown meter 'lambda_requests'; did you mean 'lambda_request'?"):
        reconcile("twilly", {"lambda_requests": 1.0})
