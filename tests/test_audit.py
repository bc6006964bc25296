"""The audit finds by its own rules what is wrong in a claims file; what it says can be repeated."""

import copy
import json
import re

import numpy as np
import pytest
from command import workbook
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import audit, claims, prices
from model.audit import figures, rules, solver
from model.checks import InputError
from model.claims import published
from model.claims.reading import UNITS, figures_of

BOOK = prices.book("us-east-1", "2026-09-30")
PREMISE = {"active_hours_per_month": 200, "users": 5000}
WHERE = {"place": "ferry timetable app, page 3"}
HOUR = "USD/active hour"


def claim(name, measure, unit, **sides):
    return {"id": name, "measure": measure, "unit": unit, "text": name, "where": WHERE, **sides}


def ferry() -> dict:
    """The claims of a made-up ferry timetable app, every figure right by its own factors and list prices."""

    def month(side):
        return [
            {"claim": f"hour.{side}"},
            {"of": "riders", "value": 5000, "unit": "users"},
            {"of": "hours", "value": 200, "unit": "h/month"},
        ]

    found = [
        claim("wait", "latency", "s", before={"low": 1, "high": 8}, after={"low": 0, "high": 0.9}),
        claim(
            "inside",
            "server_latency",
            "ms",
            after={
                "low": 60,
                "high": 400,
                "part_of": "wait.after",
                "parts": [
                    {"of": "look-up", "low": 20, "high": 100, "unit": "ms"},
                    {"of": "post", "low": 0.04, "high": 0.3, "unit": "s"},
                ],
            },
        ),
        claim(
            "calls",
            "load",
            "requests/min per active user",
            before={
                "low": 12,
                "high": 18,
                "parts": [
                    {"of": "positions", "value": 240, "unit": "requests/h per active user"},
                    {"of": "arrivals", "low": 8, "high": 14, "unit": "requests/min per active user"},
                ],
            },
        ),
        claim("calls_priced", "load", "requests/h per active user", before={"value": 900}),
        claim(
            "volume",
            "data",
            "MB/active hour",
            before={
                "low": 0.9,
                "high": 1.3,
                "implied_by": [{"claim": "calls.before"}, {"of": "size", "value": 1200, "unit": "B/request"}],
            },
        ),
        claim("messages", "messages", "messages/active hour", after={"value": 40}),
        claim(
            "requests_usd",
            "cost_per_hour",
            HOUR,
            before={"value": 0.00315, "priced": [{"claim": "calls_priced.before", "meter": "apigw_rest_request"}]},
        ),
        claim(
            "transfer_usd",
            "cost_per_hour",
            HOUR,
            meters=["internet_out_gb"],
            before={
                "value": 0.000117,
                "priced": [{"of": "volume", "value": 1.3, "unit": "MB/active hour", "meter": ["internet_out_gb"]}],
            },
        ),
        claim(
            "socket_usd",
            "cost_per_hour",
            HOUR,
            meters=["apigw_ws_minute", "apigw_ws_message"],
            after={
                "value": 0.000055,
                "priced": [
                    {"claim": "messages.after", "meter": "apigw_ws_message"},
                    {
                        "of": "minutes",
                        "value": 60,
                        "unit": "connection minutes/active hour",
                        "meter": "apigw_ws_minute",
                    },
                ],
            },
        ),
        claim(
            "hour",
            "cost_per_hour",
            HOUR,
            flows=["everything"],
            before={"value": 0.003267, "parts": [{"claim": "requests_usd.before"}, {"claim": "transfer_usd.before"}]},
            after={"value": 0.000055, "parts": [{"claim": "socket_usd.after"}]},
        ),
        claim(
            "month",
            "cost",
            "USD/month",
            before={"value": 3267, "factors": month("before")},
            after={"value": 55, "factors": month("after")},
            improvement={"value": 0.98, "as": "less"},
        ),
        claim(
            "saved",
            "cost",
            "USD/month",
            saved={"value": 3212, "parts": [{"claim": "month.before"}, {"claim": "month.after", "sign": -1}]},
        ),
    ]
    found[6]["flows"] = ["requests"]
    return {c["id"]: c for c in found}


def found_in(told: dict) -> list:
    return rules.findings(figures_of(list(told.values()), "ferry.yaml"), BOOK, PREMISE)


def test_a_clean_file_yields_no_finding():
    assert found_in(ferry()) == []


PLANTED = [  # the eight errors of the documents, in another app's numbers
    (
        "product",
        "month.before",
        10.0,
        "is 3,267 USD/month, not 32,670",
        lambda t: t["month"].update(before={**t["month"]["before"], "value": 32670}),
    ),
    (
        "product",
        "month.after",
        4.0,
        "is 55 USD/month, not 220",
        lambda t: t["month"].update(after={**t["month"]["after"], "value": 220}),
    ),
    (
        "list price",
        "requests_usd.before",
        5.0,
        "$0.7 per million requests",
        lambda t: t["requests_usd"]["before"].update(value=0.00063),
    ),
    (
        "list price",
        "transfer_usd.before",
        3.0,
        "$0.03 per GB",
        lambda t: t["transfer_usd"]["before"].update(value=0.000039),
    ),
    (
        "list price",
        "socket_usd.after",
        2.2,
        "cost 0.000055 USD/active hour, not 0.000025",
        lambda t: t["socket_usd"]["after"].update(value=0.000025),
    ),
    (
        "units",
        "calls_priced.before",
        48.0,
        "48 to 72 times apart",
        lambda t: t["calls_priced"]["before"].update(value=15),
    ),
    ("parts", "calls.before", 18 / 8, "add up to 12 to 18", lambda t: t["calls"]["before"].update(low=6, high=8)),
    (
        "premise",
        "volume.before",
        3.0 / 1.296,
        "which would fit 41.7 to 55.6 requests/min",
        lambda t: t["volume"]["before"].update(low=3, high=4),
    ),
    ("part of", "inside.after", 1.6, "400 ms is only a part of", lambda t: t["wait"]["after"].update(high=0.25)),
    (
        "echo",
        "month.after",
        10.0,
        "$0.25 per million connection minutes",
        lambda t: t["month"].update(after={"value": 150}),
    ),
]


@pytest.mark.parametrize(
    ("rule", "key", "factor", "words", "plant"), [pytest.param(*one, id=f"{one[0]}-{one[1]}") for one in PLANTED]
)
def test_each_of_the_eight_errors_planted_in_a_clean_file_is_found(rule, key, factor, words, plant):
    told = copy.deepcopy(ferry())
    plant(told)
    hits = [f for f in found_in(told) if f.rule == rule and f.figure.key == key]
    assert len(hits) == 1 and hits[0].factor == pytest.approx(factor, rel=1e-9)
    assert words in hits[0].sentence


@pytest.mark.parametrize(("value", "seen"), [(150.6, True), (149.4, True), (150.9, False), (149.1, False)])
def test_an_echo_is_within_half_a_percent_of_a_power_of_ten(value, seen):
    told = ferry()
    told["month"].update(after={"value": value})  # 15 USD of connection minutes
    assert ("echo" in {f.rule for f in found_in(told)}) is seen


@pytest.mark.parametrize(("users", "seen"), [((500, 500), True), ((500, None), True), ((500, 9000), False)])
def test_bills_of_other_user_counts_are_no_contradiction(users, seen):
    told = {
        name: claim(name, "cost", "USD/month", after={"value": value}) | ({"users": count} if count else {})
        for name, value, count in zip(("small", "large"), (40.0, 700.0), users, strict=True)
    }
    assert ("units" in {f.rule for f in found_in(told)}) is seen


def test_parts_that_count_at_times_are_summed_for_each_time():
    told = ferry()
    parts = told["calls"]["before"]["parts"]
    rate = {"value": 30, "unit": "requests/min per active user"}
    parts.append({"of": "map", **rate, "when": "the map is open"})
    assert found_in(told) == []  # right while the map is closed
    told["calls"]["before"] |= {"low": 42, "high": 48}
    told["calls_priced"]["before"]["value"] = 2700
    assert "parts" not in {f.rule for f in found_in(told)}  # right while it is open
    told["calls"]["before"] |= {"low": 42, "high": 60}
    assert "42 to 48 requests/min per active user while the map is open" in next(
        f.sentence for f in found_in(told) if f.rule == "parts"
    )


def test_an_improvement_that_compares_different_things_or_is_not_its_own_figures_is_found():
    told = ferry()
    told["calls"] |= {
        "after": {"value": 1, "unit": "connection", "measure": "connections"},
        "improvement": {"value": 0.99, "as": "less"},
    }
    assert [(f.rule, f.factor) for f in found_in(told)] == [("improvement", np.inf)]
    told = ferry()
    told["month"]["improvement"] = {"value": 0.5, "as": "less"}
    assert [f.sentence for f in found_in(told)] == ["its own figures give 98% less, not 50% less"]


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 1e6), st.floats(1, 720), st.floats(0.1, 1e4), st.floats(0.1, 1e3), st.floats(1.0, 3.0))
def test_a_file_made_from_its_own_factors_is_clean_whatever_the_numbers(users, hours, calls, minutes, wide):
    def span(value):
        return {"low": value, "high": value * wide}

    hour = 1e-6 * calls + 0.25e-6 * minutes
    told = [
        {
            "id": "hour",
            "measure": "cost_per_hour",
            "unit": HOUR,
            "where": WHERE,
            "after": {
                **span(hour),
                "priced": [
                    {"of": "m", **span(calls), "unit": "messages/active hour", "meter": "apigw_ws_message"},
                    {"of": "c", **span(minutes), "unit": "connection minutes/active hour", "meter": "apigw_ws_minute"},
                ],
            },
        },
        {
            "id": "month",
            "measure": "cost",
            "unit": "USD/month",
            "where": WHERE,
            "users": users,
            "after": {
                **span(hour * users * hours),
                "factors": [
                    {"claim": "hour.after"},
                    {"of": "u", "value": users, "unit": "user"},
                    {"of": "h", "value": hours, "unit": "h/month"},
                ],
            },
        },
        {
            "id": "day",
            "measure": "cost",
            "unit": "USD/day",
            "where": WHERE,
            "users": users,
            "after": {**span(hour * users * hours / 30.0), "factors": [{"claim": "month.after"}]},
        },
    ]
    premise = {"users": users, "active_hours_per_month": hours}
    assert rules.findings(figures_of(told, "made.yaml"), BOOK, premise) == []


DOCUMENTS = [  # facts/product.md, "What is wrong inside those claims", numbered as there
    (1, "product", "cost.before", "is 468 USD/month, not 4,680"),
    (1, "product", "cost.after", "is 108 USD/month, not 1,080"),
    (1, "product", "cost_hour.before", "is 0.65 USD/h, not 6.5"),
    (2, "list price", "cost_requests.before", "that would be $0.1 per million requests"),
    (3, "list price", "cost_socket.after", "cost 0.000025 USD/active hour, not 0.00001"),
    (3, "list price", "cost_transfer.before", "that would be $0.01 per GB"),
    (4, "units", "requests_hour.before", "40 to 60 times apart"),
    (
        5,
        "parts",
        "load.before",
        "93 to 97 requests/min per active user while a stream is processing, 33 to 37 requests/min",
    ),
    (6, "premise", "data.before", "which would fit 30.9 to 77.2 requests/min"),
    (7, "part of", "server_latency.after", "80 to 335 ms is only a part of"),
    (
        8,
        "echo",
        "cost.after",
        "10 times 108, the list price of 60 connection minutes/active hour alone for 10,000 users over 720 h",
    ),
]


@pytest.mark.parametrize(("number", "rule", "key", "words"), DOCUMENTS)
def test_the_eight_errors_of_the_documents_are_found(number, rule, key, words):
    found = rules.findings(claims.figures("twilly"), BOOK, claims.read("twilly")["premise"])
    assert any(words in f.sentence for f in found if (f.rule, f.figure.key) == (rule, key))


def test_an_unknown_meter_and_an_amount_its_meter_does_not_sell_are_refused():
    told = ferry()
    told["requests_usd"]["before"]["priced"][0]["meter"] = "apigw_rest_requests"
    with pytest.raises(InputError, match="did you mean 'apigw_rest_request'"):
        found_in(told)
    told["requests_usd"]["before"]["priced"][0]["meter"] = "apigw_ws_minute"
    with pytest.raises(InputError, match=r"by apigw_ws_minute \(connection minute\) must give its unit"):
        found_in(told)
    told["requests_usd"]["before"]["priced"][0]["meter"] = None
    with pytest.raises(InputError, match="must name its meter; got none"):
        found_in(told)


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


@pytest.fixture(scope="module")
def outcome(twilly):
    return model.evaluate(twilly, draws=32, seed=3)


@pytest.fixture(scope="module")
def table():
    return audit.table("twilly", draws=16)


@pytest.fixture(scope="module")
def polling_table():
    return audit.table("polling_improved", "twilly", draws=0)


def figure(key: str):
    return next(f for f in claims.figures("twilly") if f.key == key)


def test_every_measure_a_claim_may_name_is_answered(outcome):
    assert set(figures.QUANTITIES) == set(UNITS)
    for one in claims.figures("twilly"):
        values = figures.figure_values(one, outcome)
        assert values.shape == (32, 1) and np.isfinite(values).all(), one.key


def test_the_audit_and_the_table_give_the_same_figures(twilly, table):
    rows = model.before_after(twilly)
    names = {"notification latency p50": "latency", "mobile data": "data", "server load": "load"}
    rows = rows.rename(index=names)
    for name in ("latency", "data", "load", "cost"):
        mine = table[table["id"] == name].set_index("side")["scenario"]
        assert mine["before"] == pytest.approx(rows.loc[name, "before"], rel=1e-12)
        if name != "load":
            assert mine["after"] == pytest.approx(rows.loc[name, "after"], rel=1e-12)
    assert table.loc[2, "scenario"] == pytest.approx(-rows.loc["battery", "change"], rel=1e-12)


def test_both_sets_of_assumptions_are_evaluated_at_the_modes_and_over_the_draws(twilly, table):
    cases = {"premise": claims.premise(twilly), "scenario": twilly}
    cost = table[table["id"] == "cost"].set_index("side")
    for name, case in cases.items():
        assert cost.loc["after", name] == pytest.approx(model.before_after(case).loc["cost", "after"], rel=1e-12)
        drawn = np.sort(model.evaluate(case, draws=16).values("cost")[1][:, 0])
        assert drawn[0] <= cost.loc["after", f"{name}_low"] <= drawn[1]  # 16 draws: 5 % lies between the first two
        assert drawn[-2] <= cost.loc["after", f"{name}_high"] <= drawn[-1]
    held = table[(table["id"] == "load") & (table["side"] == "after")].iloc[0]
    off = "the model's figure is 1.1 times the claim"
    assert held["verdict"] == f"does not hold: {off}; it would hold if 10,000 users are active 720 h a month"


def test_a_bill_restricted_to_all_its_meters_is_the_whole_bill(outcome):
    from dataclasses import replace

    whole = replace(figure("cost.before"), meters=tuple(outcome.before.usage))
    assert figures.figure_values(whole, outcome) == pytest.approx(
        figures.figure_values(figure("cost.before"), outcome), rel=1e-12
    )


def test_a_bill_by_the_hour_is_the_month_over_active_hours(outcome):
    hour = figures.figure_values(figure("cost_user_hour.before"), outcome)
    hours = outcome.before.traffic.life.active_s / 3600.0
    month = figures.figure_values(figure("cost.before"), outcome)
    assert hour * hours == pytest.approx(month, rel=1e-12)


def test_a_loop_is_judged_by_its_rate_while_it_runs(twilly, outcome):
    rate = figures.figure_values(figure("load_comments.before"), outcome)
    assert rate == pytest.approx(60.0 / twilly.before.timers["unread_counts"].period_s, rel=1e-12)


def test_what_the_model_says_of_headers_sends_and_starts_is_the_sum_by_hand(twilly, outcome):
    """455 B of headers on iOS by HTTP API; a frame of 126 bytes or more has 4; sizes and times are ledger rows."""
    from model import latency

    side = model.evaluate(twilly).after
    number = side.traffic.life.scenario.number
    before = number("http1_ios_post_headers_bytes") + number("http1_http_api_response_headers_bytes")
    assert figures.QUANTITIES["overhead"](model.evaluate(twilly).before) == pytest.approx(before, rel=1e-12)
    pushes = [f for f in side.traffic.flows if f.kind == "push"]
    long = sum(f.per_month for f in pushes if f.response_bytes > 125) / sum(f.per_month for f in pushes)
    assert figures.QUANTITIES["overhead"](side) == pytest.approx(2 + 2 * long, rel=1e-12)
    direct = number("direct_send_s") + number("apigw_ws_post_s")
    assert figures.QUANTITIES["direct_latency"](side) == pytest.approx(direct, rel=1e-12)
    warm = latency.branches(side.traffic, "new_comment")[0].parts
    names = ("invocation", "function", "database", "fan-out", "post")  # alike for every event of this scenario
    seconds = sum(float(np.ravel(warm[n].mean_s)[0]) for n in names)
    assert float(np.ravel(figures.QUANTITIES["server_latency"](side))[0]) == pytest.approx(seconds, rel=1e-9)


def test_a_connected_hour_has_sixty_minutes_and_only_a_socket_has_any(outcome):
    minutes, held = (figures.QUANTITIES[name](outcome.after) for name in ("minutes", "connections"))
    assert (minutes >= 60.0 * held * (1 - 1e-12)).all() and (minutes <= 60.0 * held + 30.0).all()  # begun ones count
    for name in ("minutes", "connections", "messages"):
        assert (np.asarray(figures.QUANTITIES[name](outcome.before)) == 0.0).all()


@pytest.mark.parametrize(
    ("key", "value", "true", "factor"),
    [
        ("data.before", 1.91, True, 1.0),  # 2 to 5 MB, and a twentieth to either side
        ("data.before", 1.89, False, 2 / 1.89),
        ("data.before", 5.24, True, 1.0),
        ("data.before", 10.0, False, 2.0),
        ("latency.improvement", 400.0, True, 1.0),  # 20 to 300 times: more than promised is fine
        ("latency.improvement", 10.0, False, 2.0),
        ("cost.improvement", 0.766, True, 1.0),  # 77 % less, and half a point
        ("cost.improvement", 0.54, False, 2.0),  # 46 % is left, twice as much as 23 %
        ("cost_saved.saved", 9000.0, True, 1.0),
        ("cost_saved.saved", 1800.0, False, 2.0),
        ("data.before", float("nan"), False, None),
    ],
)
def test_a_figure_holds_within_a_twentieth_and_else_misses_by_a_factor(key, value, true, factor):
    assert bool(figures.holds(figure(key), value)) is true
    if factor is not None:
        assert published.miss(value, figure(key).claimed) == pytest.approx(factor, rel=1e-9)


def test_a_share_saved_misses_by_what_is_left():
    assert published.miss(0.98, figure("load.improvement").claimed) == pytest.approx(2.0)
    assert published.miss(0.9, figure("cost.improvement").claimed) == 1.0


def test_every_kind_of_verdict_appears_and_every_figure_says_why(table):
    for kind in (
        "^holds$",
        "; it would hold if ",
        "; by the document's own figures it is off by a",
        "; it contradicts claim",
    ):
        assert table["verdict"].str.contains(kind).any(), kind
    assert table["verdict"].str.match("(holds|not judged: [^;]*)($|; but )|does not hold: ").all()
    assert table["why"].str.endswith(".").all() and not table["why"].str.contains("\n").any()
    assert (table["premise_low"] <= table["premise_high"]).all()


def test_the_ten_fold_slip_stands_beside_the_published_bill(table):
    cost = table[table["id"] == "cost"].set_index("side")
    own = "by the document's own figures it is off by a factor of 10"
    assert cost.loc["before", "verdict"].startswith("does not hold: the claim is ")
    assert cost.loc["before", "verdict"].endswith(f" times the model's figure; {own}")
    assert "10,000 users x 720 h/month is 468 USD/month, not 4,680" in cost.loc["before", "why"]
    assert cost.loc["improvement", "verdict"] == "holds"  # the ratio survives


def test_every_claim_that_fails_says_what_would_make_it_true_or_that_nothing_does(table):
    said = [table[f"{way}_verdict"] for way in ("premise", "scenario")]
    ways = [one.str.startswith("does not") & ~one.str.contains("; it would hold if ") for one in said]
    both = np.logical_and(*ways)
    assert both.any()
    assert table.loc[both, "why"].str.contains("No single input or switch that was tried makes it true.").all()


def paths_of(name, value) -> dict:
    """A change as dotted paths; a range that stands alike in both designs is set in both."""
    stem = name.removeprefix("both.")
    return {f"{w}.{stem}": value for w in ("before", "after")} if stem != name else {name: value}


def test_what_would_make_a_claim_true_does_and_less_of_it_does_not(twilly):
    plain = model.evaluate(twilly)
    failing = [f for f in claims.figures("twilly") if not bool(figures.holds(f, figures.figure_values(f, plain)[0, 0]))]
    found = solver.conditions(twilly, failing)
    assert set(found) == {f.key for f in failing}
    solved = {k: c for k, c in found.items() if c is not None}
    assert len(solved) > 5
    for one in (f for f in failing if f.key in solved):
        change = solved[one.key]
        there = model.evaluate(twilly.with_(paths_of(change.path, change.value)))
        value = figures.figure_values(one, there)[0, 0]
        assert bool(figures.holds(one, value)), (one.key, change.words)
        if change.share < 1.0:
            half = (change.value + {k.name: k for k in solver.knobs(twilly)[1].values()}[change.path].mode) / 2.0
            short = model.evaluate(twilly.with_(paths_of(change.path, half)))
            value = figures.figure_values(one, short)[0, 0]
            assert solver.position(one, value) != 0, (one.key, change.words)


def test_the_search_finds_the_root_of_a_sum_by_hand(twilly):
    """Polls a minute fall as 1/period: half as many need twice the period, within the slack of 5 %."""
    from dataclasses import replace

    half = replace(figure("load_comments.before"), low=15.0, high=15.0)
    change = solver.conditions(twilly, [half])[half.key]
    assert change.path == "before.timers.unread_counts.period_s" and change.value == pytest.approx(4.0, rel=0.05)
    assert re.fullmatch(r"before\.timers\.unread_counts\.period_s is about [34]\.\d+ s \(here 2 s\)", change.words)


def test_a_change_names_the_claims_that_hold_without_it_and_fail_with_it(twilly):
    """Asked one by one: the change made by hand, and each claim that holds as things stand evaluated again."""
    plain = model.evaluate(twilly)
    every = claims.figures("twilly")
    true = [f for f in every if bool(figures.holds(f, figures.figure_values(f, plain)[0, 0]))]
    change = solver.conditions(twilly, [figure("data_hour.after")], holding=true)["data_hour.after"]
    there = model.evaluate(twilly.with_(paths_of(change.path, change.value)))
    broken = {f.number for f in true if not bool(figures.holds(f, figures.figure_values(f, there)[0, 0]))}
    assert set(change.breaks) == broken != set()


def test_a_claim_of_which_the_model_has_no_figure_is_not_among_those_that_a_change_breaks(polling_table):
    """Of the old loops one is left in the improved poll: claims 18 and 20 are about nothing."""
    none = set(polling_table.index[polling_table["scenario"].isna() & polling_table["premise"].isna()])
    assert {18, 20} <= none  # claim 19 is about the refresh by hand, which stays
    named = re.findall(r"but then claims? ([\d, and]+) no longer", " ".join(polling_table["why"]))
    assert named and not none & {int(n) for text in named for n in re.findall(r"\d+", text)}


def test_a_switch_is_tried_where_no_input_makes_a_claim_true(twilly):
    """REST API answers carry more header bytes than HTTP API's, and no input changes a header."""
    change = solver.conditions(twilly, [figure("overhead.before")])["overhead.before"]
    assert (change.path, change.value) == ("before.api.backend", "rest_api")
    assert change.words == "before.api.backend is rest_api (here http_api)"


def test_no_other_input_makes_a_claim_true_on_half_the_way(twilly):
    """The change that is named uses the least of its range: at half its share no single input will do."""
    one = figure("data.before")
    change = solver.conditions(twilly, [one])[one.key]
    search = solver.Search(twilly, [1e4])
    halves = [(k.column, k.at(end, change.share / 2.0)) for k in search.knobs.values() for end in (-1, 1)]
    assert len(halves) > 100 and not figures.holds(one, search.values(one, search.outcome(halves))).any()


def test_a_claim_that_no_change_can_reach_has_none(twilly):
    from dataclasses import replace

    assert solver.conditions(twilly, [replace(figure("load_comments.before"), low=1e9, high=1e9)]) == {
        "load_comments.before": None
    }


def test_a_fallback_that_never_runs_in_some_row_of_the_search_costs_no_battery():
    """Full jitter and no blocked networks leave the fallback no time; its period is then never, not 0 / 0."""
    search = solver.Search(model.load("twilly_improved"), [1e4])
    blocked = search.knobs["after.socket.blocked_share"]
    outcome = search.outcome([(blocked.column, blocked.low), (blocked.column, blocked.high)])
    none, some = search.values(figure("battery.improvement"), outcome)
    assert np.isfinite([none, some]).all() and none > some


@pytest.mark.parametrize("name", ["twilly_improved", "polling_improved"])
def test_single_changes_and_their_interaction_add_up_to_the_joint_effect(name):
    rows = audit.improvements("twilly_as_built", name)
    singles = rows.loc[rows.index[1] : "sum of single changes"].iloc[:-1]
    scale = rows.iloc[0].abs()
    assert (abs(singles.sum() - rows.loc["sum of single changes"]) <= 1e-12 * scale).all()
    joint = rows.loc["sum of single changes"] + rows.loc["interaction"]
    assert (abs(joint - rows.loc["together"]) <= 1e-12 * scale).all()
    assert (abs(rows.iloc[0] + rows.loc["together"] - rows.iloc[-1]) <= 1e-12 * scale).all()


def test_all_changes_together_are_the_improved_scenario():
    rows = audit.improvements("twilly_as_built", "twilly_improved")
    table = model.before_after("twilly_improved")
    assert rows.iloc[-1].to_list() == pytest.approx(table["after"].to_list(), rel=1e-12)
    poll = audit.improvements("twilly_as_built", "polling_improved")
    assert poll.iloc[-1].to_list() == pytest.approx(
        model.before_after("polling_improved")["before"].to_list(), rel=1e-12
    )


def test_the_improved_push_is_better_than_as_built_on_all_measures():
    rows = audit.improvements("twilly_as_built", "twilly_improved")
    told = [column for column in rows if column.startswith("told in time")]
    assert len(told) == 3 and (rows.iloc[-1][told] > rows.iloc[0][told]).all()
    assert (rows.iloc[-1].drop(told) < rows.iloc[0].drop(told)).all()


def test_the_improved_heartbeat_is_below_the_gateway_and_carriers_and_above_the_radio_tail():
    from model import ledger, radio

    improved = model.load("twilly_improved")
    beat_s = improved.after.heartbeat.period_s
    assert beat_s < ledger.quotas()["apigw_ws_idle_s"]
    for network in improved.networks.values():
        assert beat_s < network.nat_timeout_s.low
        assert all(beat_s > 10.0 * radio.tail_s(radio.profile(p)) for p in network.profiles[:1])


def test_every_difference_of_the_improved_scenarios_has_a_named_change():
    from model.audit import changes

    base = model.load("twilly_as_built")
    for name in ("twilly_improved", "polling_improved"):
        groups = changes.change_groups(base, model.load(name))
        assert set(groups) <= set(claims.read("twilly")["changes"])


def test_the_same_scenario_twice_and_a_change_that_cannot_stand_alone_are_refused():
    with pytest.raises(InputError, match="the two scenarios must differ; got the same twice"):
        audit.improvements("twilly", "twilly")
    with pytest.raises(InputError, match="must stand alone to be judged alone; event .* never arrives"):
        audit.improvements("twilly_as_built", "polling_improved", names={})


def test_designs_stand_side_by_side_with_the_best_named():
    frame = audit.side_by_side({"old": ("twilly", "before"), "new": ("twilly", "after")}, published="twilly")
    assert frame.loc["cost", "published"] == "1,080"
    assert frame.loc["battery", "published"] == "70-80% reduction"
    for label, row in frame.iterrows():
        best = max if label.startswith("told in time") else min
        assert row[row["best"]] == best(row["old"], row["new"])


def test_the_five_rows_of_the_summary_stand_first_in_it(table):
    rows = audit.summary(table)
    assert list(rows.index[:5]) == [1, 2, 3, 4, 5]
    assert rows.loc[5, "before"].endswith("; by the document's own figures it is off by a factor of 10")


def test_the_command_audits_a_claims_file_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        """
premise: {active_hours_per_month: 60, users: 500}
claims:
  - {id: bill, measure: cost, text: "under 5 USD", where: {place: slide 4}, unit: USD/month, users: 500,
     after: {value: 50, factors: [{of: a user, value: 0.01, unit: USD/user/month},
                                  {of: users, value: 500, unit: users}]}}
""",
        encoding="utf-8",
    )
    done = workbook("audit", "--claims", "mine.yaml", "--draws", "0", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["verdict"].startswith("does not hold: the claim is ") and row["rules"] == "product"
    assert row["verdict"].endswith("; by the document's own figures it is off by a factor of 10")


def test_more_draws_than_are_held_at_once_are_refused():
    with pytest.raises(InputError, match="draws of an audit must be at most 16384; got 40000"):
        audit.table("twilly", draws=40_000)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("claims: []\n", "claims must be a list of at least one claim; got [] (mine.yaml)"),
        ("claims: 3\n", "a claims file must be a mapping with a list of claims (mine.yaml)"),
        (
            "claims:\n  - {id: a, measure: lode, unit: s, where: {place: x}, before: {value: 1}}\n",
            "unknown measure 'lode'; did you mean 'load'?",
        ),
    ],
)
def test_a_mistake_in_a_claims_file_is_one_sentence_and_exit_code_2(tmp_path, text, sentence):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    done = workbook("audit", "--claims", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert done.stderr.startswith("workbook: ") and sentence in done.stderr


@pytest.mark.parametrize(
    ("claim_id", "entry", "rule", "factor", "words"),
    [
        (
            "month",
            {"after": {"value": 163.35}, "improvement": {"value": 0.99, "as": "less"}},
            "improvement",
            5.0,
            "its own figures give 95% less, not 99% less",
        ),
        (
            "month",
            {"after": {"value": 751.41}, "improvement": {"value": 0.8, "as": "less"}},
            "improvement",
            1.15,
            "its own figures give 77% less, not 80% less",
        ),
        (
            "month",
            {"saved": {"value": 4000}},
            "saving",
            4000 / 3212,
            "3,267 USD/month less 55 USD/month is 3,212 USD/month, not 4,000",
        ),
        (
            "transfer_usd",
            {
                "before": {
                    "value": 0.000117,
                    "priced": [{"of": "volume", "value": 13.0, "unit": "MB/active hour", "meter": "internet_out_gb"}],
                }
            },
            "carried",
            1.3,
            "claim 8 before at 0.00117 USD/active hour",
        ),
    ],
)
def test_an_improvement_short_of_its_figures_a_wrong_saving_and_a_carried_slip_are_found(
    claim_id, entry, rule, factor, words
):
    told = copy.deepcopy(ferry())
    told[claim_id] |= entry
    found = [f for f in found_in(told) if f.rule == rule]
    assert found and words in found[0].sentence
    assert found[0].factor == pytest.approx(factor, rel=0.03)


def test_an_improvement_larger_than_promised_a_range_from_0_and_another_percentile_are_no_errors():
    told = ferry()
    told["calls_after"] = claim(
        "calls_after",
        "overhead",
        "B",
        before={"low": 500, "high": 1000},
        after={"value": 2},
        improvement={"value": 0.99, "as": "less"},
    )
    told["upto"] = claim(
        "upto",
        "data",
        "MB/active hour",
        flows=["one"],
        before={
            "low": 0,
            "high": 2.4,
            "factors": [
                {"of": "calls", "low": 10, "high": 20, "unit": "requests/min per active user"},
                {"of": "size", "value": 2000, "unit": "B/request"},
            ],
        },
    )
    told["slow"] = claim("slow", "latency", "s", after={"value": 2.0}, statistic="p95")
    assert found_in(told) == []


def test_the_documents_own_amounts_at_list_price_are_carried_through_to_the_bill(twilly):
    told = audit.errors(twilly)
    carried = told[(told["rule"] == "carried") & (told["id"] == "cost")].set_index("side")["why"]
    assert "it comes to 4,320 USD/month, not 4,680" in carried["before"]  # (150 x $1 + 5 MB x $0.09/GB) x 7.2 M h
    assert "it comes to 504 USD/month, not 1,080" in carried["after"]


def test_a_way_out_is_told_with_what_it_costs(table):
    battery = table[table["id"] == "battery"].iloc[0]
    assert battery["verdict"].endswith("; it would hold if 10,000 users are active 720 h a month")
    latency = table[(table["id"] == "latency") & (table["side"] == "before")].iloc[0]
    assert latency["why"].endswith("; but then claims 3, 5, 6 and 17 no longer hold.")
    assert "you would have to assume that before.timers.unread_counts" in latency["why"]


def test_no_sentence_uses_words_that_hid_their_meaning(table):
    banned = r"that is meant|what is told|holds only if|times lower|times higher|which held|takes down"
    for column in ("verdict", "why", "premise_verdict", "scenario_verdict"):
        assert not table[column].str.contains(banned).any()


def test_a_report_has_a_colour_for_every_verdict_on_a_figure_that_the_model_has(table, polling_table):
    from model.apps.report import site

    for every in (table, polling_table):
        known = every["premise"].notna() | every["rules"].ne("")
        assert all(site._tone("verdict", text) for text in every.loc[known, "verdict"])


def test_an_echo_alone_is_a_remark_and_no_verdict(twilly, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("""
claims:
  - {id: minutes, measure: cost_per_hour, unit: USD/active hour, text: m, where: {place: p},
     after: {value: 0.000015, priced: [
       {of: c, value: 60, unit: connection minutes/active hour, meter: apigw_ws_minute}]}}
  - {id: month, measure: cost, unit: USD/month, users: 10000, text: t, where: {place: p}, after: {value: 9.7}}
premise: {active_hours_per_month: 6.466667, users: 10000}
""")
    seldom = twilly.with_({"refresh.opens_per_active_hour": 12.0, "refresh.pulls_per_active_hour": 0.0})
    told = audit.table(seldom, path, draws=0)
    month = told[told["id"] == "month"].iloc[0]
    assert "echo" in month["rules"] and "own figures" not in month["verdict"]


PLAIN = {"id": "one", "measure": "cost", "text": "t", "where": {"place": "p"}, "unit": "USD/month"}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"before": {"value": float("nan")}}, "value of before of claim 1 (one) must be a finite number; got nan"),
        ({"before": {"value": 10**400}}, "value of before of claim 1 (one) must be a finite number; got 1000000000"),
        ({"before": {"value": -3}}, "before of claim 1 (one) must be >= 0; got -3"),
        ({"before": {"value": 1, "low": 5, "high": 6}}, "before of claim 1 (one) must give a value, or low and high;"),
        ({"before": {"value": 1, "factors": 5}}, "factors of claim 1 (one), before must be a list; got 5"),
        ({"before": {"value": 1, "factors": [{"claim": "one.before"}]}}, "claim 1 (one, before) must not quote itself"),
        ({"before": {"value": 1, "part_of": "one.before"}}, "claim 1 (one, before) must not be a part of itself"),
        ({"before": {"value": 1, "parts": [{"value": 1, "unit": "USD/month", "sign": 0}]}}, "must be 1 or -1; got 0"),
        ({"before": {"value": 1}, "users": 0}, "users of claim 1 (one) must be > 0 users; got 0"),
        ({"before": {"value": 1}, "meters": ["internet_out_gbs"]}, "did you mean 'internet_out_gb'?"),
        ({"before": {"value": 1}, "id": ["a"]}, "the id of claim 1 must be a text; got"),
        ({"improvement": {"value": 90, "as": "less"}}, "improvement of claim 1 (one) must be a share of at most 1,"),
        ({"before": {"value": 1}, "statistic": "p95"}, "a statistic of claim 1 (one) must be one of latency; got cost"),
        (
            {"before": {"value": 1}, "measure": "data", "unit": "MB/active hour", "meters": ["internet_out_gb"]},
            "meters of claim 1 (one) must restrict cost or cost_per_hour; got data",
        ),
    ],
)
def test_a_claim_that_cannot_be_meant_is_one_sentence_with_its_place(more, sentence):
    with pytest.raises(InputError) as told:
        figures_of([{**PLAIN, **more}], "own.yaml")
    assert sentence in str(told.value) and str(told.value).endswith("(own.yaml)")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("premise: 720\nclaims: []", "premise must be a mapping of active_hours_per_month and users; got 720"),
        ("changes: [1]\nclaims: []", "changes must be a mapping of names to lists of paths; got"),
        ("changes: {x: 5}\nclaims: []", "change 'x' must be a list of paths; got 5"),
    ],
)
def test_a_file_of_another_shape_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        claims.read(tmp_path / "own.yaml")


def test_side_by_side_the_best_share_told_in_time_is_the_largest():
    frame = audit.side_by_side({"slow": ("polling_improved", "before"), "quick": ("twilly_improved", "after")})
    assert set(frame.loc[[f"told in time {limit} s" for limit in (1, 10, 60)], "best"]) == {"quick"}
    assert frame.loc["not told", "best"] == "quick" and frame.loc["cost", "best"] == "slow"


@pytest.mark.parametrize("units", [("s", "s"), ("s", "ms"), ("ms", "s")])
@pytest.mark.parametrize(("saved_ms", "slips"), [(1900, 0), (1890, 0), (19_000, 1), (1.9, 1)])
def test_a_saving_in_another_unit_than_its_figures_is_held_against_them_in_its_own(saved_ms, slips, units):
    sides = {
        side: {"value": wait_ms / {"s": 1000, "ms": 1}[unit], "unit": unit}
        for side, wait_ms, unit in zip(("before", "after"), (2000, 100), units, strict=True)
    }
    told = claim("wait", "latency", "s", **sides, saved={"value": saved_ms, "unit": "ms"})
    assert len([f for f in found_in({"wait": told}) if f.rule == "saving"]) == slips
