"""The outcome: both designs on the same traffic, parts that sum, and a table that keeps its contract."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import cost, latency, server_load
from model.checks import InputError
from model.life import airtime
from model.outcome import MEASURES, judged_twice
from model.scenario import columns, sampling
from model.show import display

COLUMNS = ["unit", "before", "after", "change", "claimed_before", "claimed_after", "verdict"]
DRAWN = ["before_low", "before_high", "after_low", "after_high", "p_better"]
ROWS = [
    "notification latency p50",
    "notification latency p95",
    "not told",
    "told in time 1 s",
    "told in time 10 s",
    "told in time 60 s",
    "battery",
    "mobile data",
    "server load",
    "code runs",
    "cost",
]


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def first(value) -> float:
    return float(np.ravel(value)[0])


def test_the_table_keeps_its_rows_columns_and_units(twilly):
    table = model.before_after(twilly, users=10_000)
    assert list(table.index) == ROWS and list(table.columns) == COLUMNS
    assert list(table["unit"]) == [
        "s",
        "s",
        *4 * ["%"],
        "%/active hour",
        "MB/active hour",
        "requests/min per active user",
        "runs/min per active user",
        "USD/month",
    ]
    assert list(model.before_after(twilly, draws=32, seed=1).columns) == COLUMNS + DRAWN


def test_a_free_tier_lowers_the_bill_of_both_designs_in_all_and_by_flow(twilly):
    plain, free = (model.evaluate(twilly.with_({"free_tier": kind}), users=1e3) for kind in (False, "always"))
    for which in ("before", "after"):
        less, more = (first(getattr(outcome, which).total("cost")) for outcome in (free, plain))
        assert 0.0 < less < more
        assert free.by_flow("cost")[which].sum() == pytest.approx(less, rel=1e-9)


def test_the_change_is_a_share_of_before(twilly):
    table = model.before_after(twilly)
    assert (table["before"] * (1.0 + table["change"])).to_numpy() == pytest.approx(table["after"].to_numpy(), rel=1e-12)


def test_a_drawn_row_is_the_middle_of_its_draws_and_counts_those_in_which_push_is_better():
    """As built, push is cheaper in some draws, not in most: the middle by sorting, the share by counting."""
    outcome = model.evaluate("twilly_as_built", users=3e3, draws=101, seed=4)
    row = outcome.table().loc["cost"]
    before, after = (v[:, 0] for v in outcome.values("cost"))
    assert row["before"] == sorted(before)[50] and row["after"] == sorted(after)[50]
    assert row["change"] == pytest.approx(
        sorted(a / b - 1.0 for b, a in zip(before, after, strict=True))[50], rel=1e-12
    )
    wins = sum(a < b for b, a in zip(before, after, strict=True))
    assert row["p_better"] == pytest.approx(wins / 101, rel=1e-12) and 0 < wins < 50


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])
@pytest.mark.parametrize("measure", MEASURES)
def test_parts_by_flow_sum_to_the_whole(name, measure):
    outcome = model.evaluate(name)
    parts = outcome.by_flow(measure).sum()
    assert parts["before"] == pytest.approx(first(outcome.before.total(measure)), rel=1e-9)
    assert parts["after"] == pytest.approx(first(outcome.after.total(measure)), rel=1e-9)


def test_a_change_is_after_over_before_less_one_in_every_row_and_in_the_middle_draw(twilly):
    table = model.before_after(twilly, users=10_000)
    np.testing.assert_allclose(table["change"], table["after"] / table["before"] - 1.0, rtol=1e-12)
    outcome = model.evaluate(twilly, users=10_000, draws=256, seed=5)
    for row, change in outcome.table()["change"].items():
        before, after = outcome.values(row)
        finite = np.isfinite(before).all() and np.isfinite(after).all()
        expected = np.median(after / before - 1.0) if finite else np.nan
        assert change == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_low_and_high_are_the_5_and_95_percent_quantiles_of_the_draws(twilly):
    outcome = model.evaluate(twilly, users=10_000, draws=256, seed=5)
    table = outcome.table()
    for row in ROWS:
        for name, values in zip(("before", "after"), outcome.values(row), strict=True):
            how = "linear" if np.isfinite(values).all() else "inverted_cdf"  # the nearest rank beside an infinity
            assert table.loc[row, f"{name}_low"] == np.quantile(values, 0.05, method=how)
            assert table.loc[row, f"{name}_high"] == np.quantile(values, 0.95, method=how)
            assert table.loc[row, name] == np.quantile(values, 0.5, method=how)


@pytest.mark.parametrize("name", ["twilly", "polling_improved"])
def test_the_measure_latency_is_what_is_not_told_within_10_s(name):
    outcome = model.evaluate(name, draws=16)
    for side in ("before", "after"):
        told = outcome.values("told in time 10 s", side)
        np.testing.assert_allclose(outcome[side].total("latency"), 100.0 - told, rtol=1e-9)


def test_a_percentile_on_a_step_is_told_by_how_many_draws_lie_on_each_side(twilly):
    row = "notification latency p95"
    table = model.before_after(twilly, draws=256, seed=5)
    words = table.attrs["steps"][row, "before"]
    never = np.isinf(model.evaluate(twilly, users=10_000, draws=256, seed=5).values(row, "before")).mean()
    assert words.count("of 10 draws") == 3 and words.endswith(f"not in this session in {10 * never:.0f} of 10 draws")
    assert (row, "after") not in table.attrs["steps"]
    lines = [line for line in table.attrs["remarks"] if "p95 stands on a step" in line]
    assert len(lines) == 1 and "new_comment, comment_liked come within 2 s" in lines[0].replace("1.98", "2").replace(
        "1.99", "2"
    )
    assert table.loc[row, "verdict"] == "not judged: the figure stands on a step between draws"


def test_the_first_two_rows_are_the_median_and_the_95_percent_quantile_of_latency(twilly):
    outcome = model.evaluate(twilly)
    for share, row in ((0.5, ROWS[0]), (0.95, ROWS[1])):
        for side, value in zip((outcome.before, outcome.after), outcome.values(row), strict=True):
            below = first(side.latency_quantiles((share - 0.01,))[0]), first(side.latency_quantiles((share + 0.01,))[0])
            assert below[0] < first(value) < below[1]


def test_percentiles_of_a_long_run_are_those_of_its_first_draws(twilly, monkeypatch):
    monkeypatch.setattr(sampling, "QUANTILE_DRAWS", 64)
    outcome, short = (model.evaluate(twilly, draws=n, seed=4) for n in (128, 64))
    for row in ROWS[:2]:
        for long, few in zip(outcome.values(row), short.values(row), strict=True):
            assert long.shape == (64, 1)
            np.testing.assert_allclose(long, few, rtol=1e-6)  # the last digits of a quantile depend on its neighbours


def test_events_that_do_not_arrive_are_those_sent_less_those_delivered():
    from model import latency
    from model.life.sessions import pushes_per_s

    side = model.evaluate("twilly_as_built").before
    scenario = side.traffic.life.scenario
    sent = sum(first(pushes_per_s(scenario, event)) for event in scenario.events)
    arrived = sum(first(latency.delivered_rate_per_s(side.traffic, event)) for event in scenario.events)
    nothing = {why: first(s) for why, s in latency.untold_reasons(side.traffic).items() if why != latency.told.LEFT}
    assert sum(nothing.values()) == pytest.approx(1.0 - arrived / sent, rel=1e-9)
    assert 0.0 < sum(nothing.values()) < 1.0


def test_a_measure_by_flow_is_the_mean_over_the_draws(twilly):
    outcome = model.evaluate(twilly, users=[1e4, 1e6], draws=64, seed=2)
    for which in ("before", "after"):
        total = np.broadcast_to(getattr(outcome, which).total("cost"), (64, 2))
        assert outcome.by_flow("cost")[which].sum() == pytest.approx(total[:, 0].mean(), rel=1e-9)


def test_equal_designs_give_equal_outcomes(twilly):
    twin = twilly.with_({"before": twilly.after.model_dump()})
    outcome = model.evaluate(twin, users=[1e3, 1e5])
    for row in ROWS:
        before, after = outcome.values(row)
        np.testing.assert_array_equal(before, after)


def test_equal_designs_stay_equal_in_every_draw(twilly):
    twin = twilly.with_({"before": twilly.after.model_dump()})
    outcome = model.evaluate(twin, draws=64, seed=3)
    for row in ROWS:
        before, after = outcome.values(row)
        np.testing.assert_array_equal(before, after)


def test_an_array_of_users_equals_one_by_one(twilly):
    counts = [100.0, 1e4, 1e6]
    together = model.evaluate(twilly, users=counts)
    for k, users in enumerate(counts):
        alone = model.evaluate(twilly, users=users)
        for row in ROWS:
            for side, one in zip(together.values(row), alone.values(row), strict=True):
                assert side[0, k] == pytest.approx(one[0, 0], rel=1e-9)


def test_all_ranges_collapsed_to_their_modes_equal_the_plain_call(twilly):
    modes = {path: one.mode for path, (_, one) in columns.columns_of(twilly).items()}
    fixed = twilly.with_({p: m for p, m in modes.items() if ".operations." not in p})
    plain, drawn = (
        model.evaluate(fixed),
        model.evaluate(
            fixed.with_({f"ledger.{n}": r.value for n, r in model.ledger.chosen().items()}), draws=4, seed=1
        ),
    )
    for row in ("mobile data", "server load"):
        for one, other in zip(plain.values(row), drawn.values(row), strict=True):
            np.testing.assert_allclose(other, np.broadcast_to(one, other.shape), rtol=1e-9)


def collapsed(value):
    """Every range of a plain scenario drawn together to its mode, still written as a range."""
    if isinstance(value, dict) and "mode" in value:
        return {**value, "low": value["mode"], "high": value["mode"]}
    if isinstance(value, dict):
        return {name: collapsed(one) for name, one in value.items()}
    return [collapsed(one) for one in value] if isinstance(value, list) else value


def test_ranges_without_width_and_a_given_ledger_leave_nothing_to_draw(twilly, tmp_path):
    plain = collapsed(twilly.model_dump())
    plain["ledger"] = {n: r.value for n, r in model.ledger.chosen().items()}
    path = tmp_path / "fixed.yaml"
    path.write_text(json.dumps(plain), encoding="utf-8")
    at_modes, drawn = (model.evaluate(path, users=[1e3, 1e5], draws=n, seed=1) for n in (0, 4))
    for row in ROWS:
        for one, other in zip(at_modes.values(row), drawn.values(row), strict=True):
            np.testing.assert_allclose(other, np.broadcast_to(one, other.shape), rtol=1e-12)


def test_the_same_seed_gives_the_same_numbers_to_the_last_digit(twilly):
    one, two = (model.before_after(twilly, draws=64, seed=11) for _ in range(2))
    assert one.equals(two)


def test_a_claim_about_10_000_users_is_not_judged_at_another_count(twilly):
    assert model.before_after(twilly, users=500).loc["cost", "verdict"] == ""
    assert model.before_after(twilly, users=10_000).loc["cost", "verdict"] != ""


def test_a_scenario_without_claims_is_judged_by_nobody(twilly):
    own = twilly.with_({"claims": None})
    table = judged_twice(own)
    assert list(table.index) == ROWS and list(table.columns) == list(judged_twice(twilly).columns)
    assert set(table["verdict (premise)"]) == set(table["verdict (scenario)"]) == {""}
    assert table["after (premise)"].equals(model.before_after(own)["after"].rename("after (premise)"))


def test_several_user_counts_stand_below_each_other(twilly):
    table = model.before_after(twilly, users=[1e3, 1e4])
    assert table.index.nlevels == 2 and len(table) == 2 * len(ROWS)


def test_claims_are_judged_under_their_premise_and_under_the_scenario(twilly):
    from model import claims

    table, here = judged_twice(twilly), model.before_after(twilly)
    own = model.before_after(claims.premise(twilly))
    for name in ("before", "after", "verdict"):
        assert table[f"{name} (premise)"].tolist() == own[name].tolist()
        assert table[f"{name} (scenario)"].tolist() == here[name].tolist()
    assert own["before"]["cost"] > 100 * here["before"]["cost"]  # active every hour of the month


def test_explain_moves_one_input_and_leaves_the_others_at_their_modes(twilly):
    outcome = model.evaluate(twilly, users=2e4)
    inputs = outcome.explain("cost")["inputs"]
    for name in [n for n in inputs.index if n.startswith("usage.")][:2]:
        for end in ("low", "high"):
            there = model.evaluate(twilly.with_({name: float(inputs.loc[name, end])}), users=2e4)
            for which in ("before", "after"):
                moved = first(getattr(there, which).total("cost"))
                assert inputs.loc[name, f"{which}_at_{end}"] == pytest.approx(moved, rel=1e-9)
    widths = [abs(inputs[f"{w}_at_high"] - inputs[f"{w}_at_low"]) for w in ("before", "after")]
    assert inputs["swing"].to_numpy() == pytest.approx((widths[0] + widths[1]).to_numpy(), rel=1e-12)


def test_explain_names_formula_inputs_sources_and_three_movers(twilly):
    found = model.evaluate(twilly).explain("battery")
    assert found["formula"] and len(found["movers"]) == 3
    assert {"low", "mode", "high", "source", "kind", "swing"} <= set(found["inputs"].columns)
    assert found["inputs"]["swing"].is_monotonic_decreasing


# --- a broadcast that its sender cannot finish

EVENT = "new_comment"
CAST = {f"after.pushes.{EVENT}.audience": "broadcast", f"events.{EVENT}.recipients": 20_000.0, "users": 1e6}
FOR_EVER = {"ledger.lambda_timeout_s": 1e9}  # a sender that is never cut off


def told(scenario) -> dict:
    """How much of an event's pushes each measure sees, in the unit of that measure, and each meter of the bill."""
    outcome = model.evaluate(scenario)
    now, name = outcome.after.traffic, f"push {EVENT}"
    push = next(f for f in now.flows if f.name == name)
    source = airtime.place_sources(now, now.life.scenario.networks["lte"])["watching"][name]
    return {
        "occurrences": push.per_month,
        "data": outcome.by_flow("data").loc[name, "after"],
        "radio": source.rate_per_s,
        **cost.flow_usage(push, now),
        **{load: rate for load, rate in server_load.flow_rates_per_s(push, now).items() if np.any(rate > 0)},
    }


def reach_in_latency(scenario) -> float:
    """The share of an event's recipients with a live socket that the sender tells before it is cut off."""
    now = model.evaluate(scenario).after.traffic
    missed = latency.undelivered_reasons(now, EVENT).get("the sender's run timed out", 0.0)
    return first(1.0 - missed / (1.0 - now.life.down_share - now.life.unseen_share))


def reaches(scenario) -> dict:
    """The reach of a broadcast by measure: each beside the same design whose sender is never cut off."""
    cut, whole = told(scenario), told(scenario.with_(FOR_EVER))
    return {measure: first(cut[measure]) / first(whole[measure]) for measure in cut}


def test_a_broadcast_of_199_s_reaches_the_same_15_percent_in_every_measure(twilly):
    cast = twilly.with_(CAST)
    expected, found = reach_in_latency(cast), reaches(cast)
    assert expected == pytest.approx(0.15004, abs=5e-6)
    assert {"data", "radio", "messages down/s", "apigw_ws_message", "internet_out_gb"} <= set(found)
    assert found == {measure: pytest.approx(expected, rel=1e-9) for measure in found}
    longer = cast.with_({"ledger.lambda_timeout_s": 900})
    assert reach_in_latency(longer) == 1.0 and set(reaches(longer).values()) == {1.0}


@settings(max_examples=20, deadline=None)
@given(
    recipients=st.floats(1.0, 1e5),
    timeout_s=st.floats(1.0, 900.0),
    post_s=st.floats(0.01, 0.03),
    sender=st.sampled_from(["function", "own process", "own server"]),
    fan_out=st.sampled_from(["sequential", "parallel"]),
    audience=st.sampled_from(["recipients", "broadcast"]),
)
def test_every_measure_sees_the_same_reach_of_a_push(twilly, recipients, timeout_s, post_s, sender, fan_out, audience):
    case = twilly.with_(
        {
            **CAST,
            f"events.{EVENT}.recipients": recipients,
            "after.socket.fan_out": fan_out,
            f"after.pushes.{EVENT}.audience": audience,
            "ledger.apigw_ws_post_s": post_s,
            "ledger.lambda_timeout_s": timeout_s,
            "after.socket.direct_send": sender == "own process",
            "after.socket.backend": "server" if sender == "own server" else "apigw_ws",
        }
    )
    expected, found = reach_in_latency(case), reaches(case)
    assert found == {measure: pytest.approx(expected, rel=1e-9) for measure in found}
    if sender != "function" or fan_out == "parallel" or audience == "recipients":
        assert expected == 1.0


def test_pulls_follow_only_pushes_that_were_sent(twilly):
    cast = twilly.with_({**CAST, f"after.pushes.{EVENT}.pulls": 2})
    whole, cut = (
        model.evaluate(s).by_flow("load").loc[f"pull after {EVENT}", "after"] for s in (cast.with_(FOR_EVER), cast)
    )
    assert cut / whole == pytest.approx(reach_in_latency(cast), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.5, 30.0), st.floats(1.1, 3.0))
def test_polling_more_often_never_costs_less(twilly, period_s, factor):
    slow, fast = (
        model.evaluate(twilly.with_({"before.timers.unread_counts.period_s": p})) for p in (period_s * factor, period_s)
    )
    for row in ("battery", "mobile data", "server load", "cost"):
        assert fast.values(row)[0][0, 0] >= slow.values(row)[0][0, 0] * (1 - 1e-9)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: model.evaluate(s).by_flow("batery"), "unknown measure 'batery'; did you mean 'battery'"),
        (lambda s: model.before_after(s, users=-1), "users must be > 0 users; got -1"),
        (lambda s: model.before_after(s, users="ten"), "users must be a number; got"),
        (lambda s: model.before_after(s, draws=-3), "draws must be"),
        (lambda s: model.before_after(s, users=[]), "users must be at least one number > 0; got none"),
        (lambda s: model.evaluate(s, users=[]), "users must be at least one number > 0; got none"),
    ],
)
def test_each_mistake_is_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError, match=sentence) as wrong:
        call(twilly)
    assert "\n" not in str(wrong.value)


@pytest.mark.filterwarnings("error")
def test_where_every_socket_is_blocked_the_fallback_poll_is_the_limit_of_almost_every():
    table, almost = (
        model.before_after(model.load("twilly").with_({"after.socket.blocked_share": share})) for share in (1.0, 0.9999)
    )
    assert table["after"].to_numpy(float) == pytest.approx(almost["after"].to_numpy(float), rel=1e-3)


def test_a_price_that_is_missing_leaves_the_cost_without_a_figure_and_every_other_row_as_it_is(twilly):
    here, there = (
        model.before_after(twilly.with_({"region": r}), users=[1e3, 1e4]) for r in ("us-east-1", "ap-southeast-6")
    )
    assert there.drop("cost", level="measure").equals(here.drop("cost", level="measure"))
    assert there.xs("cost", level="measure")[["before", "after", "change"]].isna().all(axis=None)
    assert there.loc[(1e4, "cost"), "verdict"] == "not judged: the model has no figure"
    assert set(there.attrs["notes"]) == {("before", "cost"), ("after", "cost")}
    assert all(said.startswith("no price for ") for said in there.attrs["notes"].values())
    assert "cost of after is n/a: no price for" in display.as_text(there, "md")
