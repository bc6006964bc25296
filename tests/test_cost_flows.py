"""The bill by flow and service, its splits, and where push becomes dearer: sums, limits, closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import cost, mobile_data, prices, server_load, traffic
from model.checks import InputError
from model.cost import break_even
from model.cost import parts as parts_of
from model.life import exchange
from model.scenario import sampling

US = prices.book("us-east-1", on="2026-09-30")
SUM = 1e-9  # relative: sums of some dozens of float64 products
FREE = (False, "always", "first_12_months")
COUNTS = np.geomspace(100, 1e7, 11)
# what makes a bill straight: no cold start that grows rarer, no scan of a growing table, no second server
STRAIGHT = {
    "ledger.lambda_reap_s": 1e12,
    "after.socket.disconnect": "key",
    "before.server.requests_per_s": 1e9,
    "after.server.requests_per_s": 1e9,
    "before.api.idle_timeout_s": 1e9,
    "after.api.idle_timeout_s": 1e9,
    **{f"networks.{n}.losses_per_hour": 0 for n in ("wifi", "lte", "nr")},
}
NAMES = ("twilly", "twilly_as_built")


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def month(scenario, which, users=None, draws=0):
    return traffic.traffic(which, sampling.resolved(scenario, users, draws, 5))


def bill(scenario, which, users=None, free_tier=False):
    return cost.month_usd(month(scenario, which, users), US, free_tier)


def usd(scenario, which, users=None):
    return float(np.ravel(bill(scenario, which, users))[0])


# parts and wholes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["before", "after"])
@pytest.mark.parametrize("free_tier", FREE)
def test_parts_by_flow_and_by_service_sum_to_the_bill(name, which, free_tier):
    now = month(model.load(name), which, COUNTS)
    usage = cost.month_usage(now)
    whole = cost.total(usage, US, free_tier)
    by_flow, by_service = (cost.usd_by_flow(now, US, free_tier), parts_of.usd_by_service(usage, US, free_tier))
    for parts in (by_flow, by_service):
        np.testing.assert_allclose(sum(parts.values()), whole, rtol=SUM)
        assert all(np.all(np.asarray(part) >= 0) for part in parts.values())


def test_parts_sum_in_every_draw(twilly):
    for which in ("before", "after"):
        now = month(twilly, which, [1e3, 1e6], draws=64)
        whole = cost.month_usd(now, US)
        assert whole.shape == (64, 2)
        np.testing.assert_allclose(sum(cost.usd_by_flow(now, US).values()), whole, rtol=SUM)


@pytest.mark.parametrize("which", ["before", "after"])
def test_the_bill_of_many_users_is_the_exact_bill_of_each_count(twilly, which):
    usage = cost.month_usage(month(twilly, which, COUNTS))
    together = cost.total(usage, US)
    for k in range(len(COUNTS)):
        one = {m: float(np.broadcast_to(a, COUNTS.shape)[k]) for m, a in usage.items()}
        assert together[k] == pytest.approx(float(cost.exact_total(one, US)), rel=1e-12)


@pytest.mark.parametrize("which", ["before", "after"])
def test_how_often_a_flow_happens_is_one_number_in_bill_load_data_and_radio(twilly, which):
    now = month(twilly, which)
    usage = cost.month_usage(now)
    minutes = now.life.active_s / 60.0
    for one in now.flows:
        assert server_load.flow_requests_per_minute(one, now) * minutes == pytest.approx(
            one.per_month * one.requests, rel=SUM
        )
        if one.rates_per_s:  # what the radio reads
            rate = sum(now.life.places[p].weight * r for p, r in one.rates_per_s.items())
            assert rate * now.life.active_s == pytest.approx(one.per_month, rel=SUM)
    billed = usage.get("apigw_http_request", 0.0)  # every request is far below 512 KB
    assert server_load.requests_per_minute(now) * minutes == pytest.approx(billed, rel=SUM)
    up = sum(f.per_month * exchange.mean_flow_bytes(now, f)[0] for f in now.flows)
    both_mb = mobile_data.mb_per_hour(now) * now.life.active_s / 3600.0
    assert usage["internet_out_gb"] * 1024**3 == pytest.approx(both_mb * 1e6 - up, rel=SUM)


# what must grow, what must not


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("free_tier", FREE)
def test_the_bill_never_falls_as_users_rise(name, free_tier):
    counts = np.geomspace(10, 3e7, 2000)
    for which in ("before", "after"):
        assert np.all(np.diff(bill(model.load(name), which, counts, free_tier)) >= 0)


def test_doubling_the_users_doubles_a_straight_bill(twilly):
    straight = twilly.with_(STRAIGHT)
    for which in ("before", "after"):
        once, twice = bill(straight, which, [1e4, 2e4])
        assert twice == pytest.approx(2 * once, rel=1e-5)  # one start in a million is still cold


def test_a_second_month_of_users_costs_less_per_user_where_tiers_fall(twilly):
    few, many = bill(twilly, "before", [1e6, 1e8]) / [1e6, 1e8]
    assert many < few


@pytest.mark.parametrize("meter", [m for m in US.meters if len(US.tiers(m)) > 1 and not US.tiers(m)[-1].step])
def test_tiers_join_without_a_jump(meter):
    for tier in US.tiers(meter)[1:]:
        edge = float(tier.tier_from)
        below, at, above = cost.total({meter: np.array([edge - 1, edge, edge + 1])}, US)
        assert at - below >= above - at > 0 and at - below < 1.0
        assert at - below == pytest.approx(float(US.tiers(meter)[0].price_usd), rel=0.9)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(
        [
            "usage.sessions_per_day",
            "usage.dau_mau_share",
            "usage.session_mean_s",
            "events.new_comment.per_active_day",
            "actions.post_comment.per_active_day",
        ]
    ),
    st.floats(1.05, 3.0),
)
def test_the_bill_never_falls_as_traffic_rises(twilly, path, factor):
    own = break_even._own(twilly, path)
    for which in ("before", "after"):
        low, high = (bill(twilly.with_({path: own * f}), which) for f in (1.0, factor))
        assert high >= low * (1 - SUM)


@pytest.mark.parametrize("which", ["before", "after"])
def test_free_allowances_never_raise_the_bill_and_are_worth_at_most_their_price(twilly, which):
    plain, always, first = (bill(twilly, which, COUNTS, free_tier) for free_tier in FREE)
    assert np.all(first <= always) and np.all(always <= plain)
    whole = sum(float(a.amount) * float(US.tiers(m)[0].price_usd) for a in prices.allowances() for m in a.meters[:1])
    assert np.all(plain - first <= whole)


# transport and backend, price and traffic


def test_equal_designs_change_nothing(twilly):
    plain = sampling.resolved(twilly, COUNTS)
    split = parts_of.transport_and_backend(plain.after, plain.after, plain)
    for part in ("change", "transport", "backend"):
        np.testing.assert_array_equal(split[part], 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_transport_and_backend_sum_to_the_change_for_every_backend(name):
    table = cost.by_backend(model.load(name))
    np.testing.assert_allclose(table["transport"] + table["backend"], table["change"], rtol=SUM)
    np.testing.assert_allclose(table["after"] - table["before"], table["change"], rtol=SUM)
    assert len(table) == 12


def test_the_same_backend_leaves_the_whole_change_to_the_transport(twilly):
    table = cost.by_backend(twilly)
    for backend in cost.BACKENDS:
        assert table.loc[(backend, backend), "backend"] == 0.0


def test_the_same_transport_leaves_the_whole_change_to_the_backend(twilly):
    plain = sampling.resolved(twilly)
    server = parts_of.on_backend(plain.before, "server")
    split = parts_of.transport_and_backend(plain.before, server, plain)
    assert split["transport"] == pytest.approx(0.0, abs=1e-9)
    served = usd(twilly.with_({"before.api.backend": "server"}), "before")
    assert split["backend"] == pytest.approx(served - usd(twilly, "before"), rel=SUM)


def test_the_last_backend_also_holds_the_sockets(twilly):
    table = cost.by_backend(twilly)
    for kind, sockets in (("server", "apigw_ws"), (parts_of.OWN_SOCKETS, "server")):
        served = twilly.with_({"after.api.backend": "server", "after.socket.backend": sockets})
        assert table.loc[("http_api", kind), "after"] == pytest.approx(usd(served, "after"), rel=SUM)


def test_the_backend_that_is_lent_is_the_host_the_servers_and_the_functions_of_the_same_names(twilly):
    other = {"after.api.backend": "server", "after.functions.read.cpu_s": 0.5, "after.server.requests_per_s": 20.0}
    case, plain = twilly.with_(other), twilly.model_dump()["designs"]["before"]
    lent = {f"before.{k.removeprefix('after.')}": v for k, v in other.items()}
    split = parts_of.transport_and_backend(
        *(getattr(sampling.resolved(case), w) for w in ("before", "after")), sampling.resolved(case)
    )
    assert set(plain["functions"]) <= set(twilly.after.functions)
    assert split["before_on_after_backend"] == pytest.approx(usd(twilly.with_(lent), "before"), rel=SUM)


@given(*(st.floats(0, 1e6) for _ in range(4)))
def test_two_parts_add_up_and_swap_with_their_names(neither, first, second, both):
    one, other = parts_of.two_parts(neither, first, second, both)
    assert one + other == pytest.approx(both - neither, rel=SUM, abs=1e-6)
    assert parts_of.two_parts(neither, second, first, both) == (other, one)


def test_two_changes_that_do_not_meet_get_what_they_do_alone():
    assert parts_of.two_parts(10.0, 7.0, 12.0, 9.0) == (-3.0, 2.0)


@pytest.mark.parametrize("name", NAMES)
def test_price_and_traffic_sum_to_the_change(name):
    table = cost.price_change(model.load(name), "2024-10-15", "2024-11-15")
    np.testing.assert_allclose(table["then"] + table["price"] + table["traffic"], table["now"], rtol=SUM)
    for _, part in table.groupby(level="case"):
        np.testing.assert_allclose(part.iloc[:-1].sum(), part.iloc[-1], rtol=SUM)


def test_the_price_of_november_2024_halved_dynamodb_and_nothing_else(twilly):
    table = cost.price_change(twilly, "2024-10-15", "2024-11-15")
    for case in ("polling stays", "push stays"):
        one = table.loc[case]
        assert one.loc["DynamoDB", "price"] == pytest.approx(-one.loc["DynamoDB", "then"] / 2, rel=SUM)
        assert (one.drop(["DynamoDB", "all"])["price"] == 0).all() and (one["traffic"] == 0).all()


def test_a_day_twice_has_no_price_part(twilly):
    table = cost.price_change(twilly, "2026-01-01", "2026-01-01")
    assert (table["price"] == 0).all()


def test_services_of_both_designs_sum_to_their_bills(twilly):
    table = cost.by_service(twilly)
    lines = cost.full_bill(twilly)
    for which in ("before", "after"):
        assert table.loc["all", which] == pytest.approx(usd(twilly, which), rel=SUM)
        assert table[which].iloc[:-1].sum() == pytest.approx(table.loc["all", which], rel=SUM)
        assert lines.xs(which)["usd"].sum() == pytest.approx(table.loc["all", which], rel=SUM)


def test_a_heartbeat_that_runs_code_must_be_rarer_than_one_that_is_only_billed(twilly):
    table = break_even.heartbeats(twilly)["break_even"]
    assert np.isnan(table["ping frames, free"])
    assert table["JSON messages"] > table["ping frames, billed"] > 1


# break-even


def straight(twilly, **more):
    return twilly.with_({**STRAIGHT, "before.api.backend": "server", **more})


def test_break_even_users_are_the_fixed_cost_over_the_difference_of_the_slopes(twilly):
    case = straight(twilly)
    server = 720 * 0.0336  # t4g.medium
    polled, pushed = usd(case, "before", 1e4) - server, usd(case, "after", 1e4)
    by_hand = server / (pushed - polled) * 1e4
    assert pushed > polled  # a request costs a plain server nothing but bytes and reads
    ((found, dearer),) = break_even.crossings(case, "users", 50, 1e7)
    assert dearer == "push" and found == pytest.approx(by_hand, rel=1e-5)
    assert break_even.closed_form(case, "users", 1e4) == pytest.approx(found, rel=1e-5)


def test_break_even_hours_agree_with_the_closed_form(twilly):
    busy = {f"events.{name}.per_active_day": 60.0 for name in twilly.events}
    still = {f"before.timers.{name}.news_bytes": 0.0 for name in twilly.before.timers}
    case = twilly.with_({**STRAIGHT, **busy, **still})
    fixed, slope = 0.0, 0.0  # events are per active day: their sends do not grow with sessions, polls do
    for which, sign in (("before", -1.0), ("after", 1.0)):
        one, two = (month(case.with_({"usage.sessions_per_day": s}), which) for s in (1.0, 2.0))
        parts = cost.usd_by_flow(one, US)
        for first, second in zip(one.flows, two.flows, strict=True):
            grows = second.per_month > first.per_month * 1.5
            fixed += 0.0 if grows else sign * float(np.ravel(parts[first.name])[0])
            slope += sign * float(np.ravel(parts[first.name])[0]) if grows else 0.0
    ((found, dearer),) = break_even.crossings(case, "usage.sessions_per_day", 1.0, 50)
    assert dearer == "polling" and fixed > 0 > slope
    assert found == pytest.approx(-fixed / slope, rel=1e-4)
    assert break_even.closed_form(case, "usage.sessions_per_day", 2.0) == pytest.approx(found, rel=1e-4)
    assert break_even.table(case).loc["active hours, by more sessions", "break_even"] == pytest.approx(
        found, rel=1e-9
    )  # 3 sessions of 10 min on 6 days a month are 3 hours


def test_break_even_heartbeat_is_what_the_beats_cost_over_what_push_saves(twilly):
    case = break_even.json_heartbeat(twilly.with_(STRAIGHT))
    now = month(case, "after")
    beat = next(f for f in now.flows if f.name == "heartbeat")
    beats_usd = float(np.ravel(cost.usd_by_flow(now, US)["heartbeat"])[0])
    period_s = case.after.heartbeat.period_s
    saved = usd(case, "before") - (usd(case, "after") - beats_usd)
    assert beat.meters["apigw_ws_message"] == 2
    ((found, dearer),) = break_even.crossings(case, "after.heartbeat.period_s", 1, 540)
    assert dearer == "polling" and found == pytest.approx(period_s * beats_usd / saved, rel=1e-4)
    line = break_even.closed_form(case, "after.heartbeat.period_s", period_s, inverse=True)
    assert line == pytest.approx(found, rel=1e-4)
    shown = break_even.table(case).loc[f"{break_even.HEARTBEAT}, JSON messages"]
    assert shown["break_even"] == pytest.approx(found, rel=1e-9) and shown["here"] == period_s
    assert shown["straight_line"] == pytest.approx(line, rel=1e-9)
    assert (shown["dearer_above"], shown["dearer_here"], shown["crossings"]) == ("polling", "polling", 1)


def test_at_a_crossing_both_designs_cost_the_same_unless_a_server_is_added_there(twilly):
    case = twilly.with_({"before.api.backend": "server"})
    for at, dearer in break_even.crossings(case, "users", 50, 1e8):
        below, above = break_even.gap_usd(case, "users", [at * (1 - 1e-9), at])
        assert below * above <= 0 and (above > 0) == (dearer == "push")


def test_the_cheaper_design_changes_only_at_the_crossings(twilly):
    case = twilly.with_({"before.api.backend": "server"})
    found = break_even.crossings(case, "users", 50, 1e5)
    counts = np.geomspace(50, 1e5, 1000)
    turns = np.count_nonzero(np.diff(np.sign(break_even.gap_usd(case, "users", counts))))
    assert turns == len(found)


def test_equal_designs_never_break_even(twilly):
    twin = twilly.with_({"before": twilly.after.model_dump()})
    assert break_even.crossings(twin, "users", 50, 1e8) == []
    assert np.isnan(break_even.closed_form(twin, "users", 100.0))


def test_the_table_answers_users_hours_and_heartbeat_in_their_units(twilly):
    table = break_even.table(twilly)
    assert [n.split(", ping")[0].split(", JSON")[0] for n in table.index] == [
        *list(break_even.QUESTIONS)[:-1],
        *[break_even.HEARTBEAT] * 3,
    ]
    for by in ("more", "longer"):
        assert table.loc[f"active hours, by {by} sessions", "here"] == pytest.approx(3.0)
    assert np.isnan(table.loc["users", "break_even"]) and table.loc["users", "dearer_here"] == "polling"


def test_both_ends_of_the_crossings_are_told_in_hours_where_hours_are_asked_for(twilly):
    case = twilly.with_({"before.api.backend": "server", "users": 1e6})
    name = "active hours, by longer sessions"
    question, row = break_even.QUESTIONS[name], break_even.table(case).loc[name]
    crossed = break_even.crossings(case, question.path, question.low, question.high)
    each = 3.0 / case.usage.session_mean_s.mode  # 3 h a month at 600 s a session
    assert [row["break_even"], row["last"]] == pytest.approx([crossed[0][0] * each, crossed[-1][0] * each], rel=1e-9)


# bad input


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda s: parts_of.on_backend(s.before, "htp_api"), "unknown backend 'htp_api'; did you mean"),
        (lambda s: break_even.crossings(s, "users", 0, 10), "low must be > 0; got 0"),
        (lambda s: break_even.crossings(s, "users", 50, 1), "high must be > low; got 50 and 1"),
        (lambda s: break_even.crossings(s, "usrs", 1, 10), "did you mean 'users'"),
        (
            lambda s: break_even.json_heartbeat(s.with_({"after": s.before.model_dump()})),
            "after.socket must be given where heartbeats are messages; got nothing",
        ),
        (lambda s: cost.price_change(s, "2024-10-15", "2024-13-01"), "2024-13-01"),
        (lambda s: cost.by_service(s.with_({"region": "ap-southeast-6"})), "no price for .* in ap-southeast-6"),
    ],
)
def test_bad_input_gives_one_sentence(twilly, ask, sentence):
    with pytest.raises(InputError, match=sentence) as wrong:
        ask(twilly)
    assert "\n" not in str(wrong.value)
