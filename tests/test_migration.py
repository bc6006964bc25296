"""A fleet between two designs: pure at both ends, one bill over both, the same way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import cost, prices, server_load, traffic
from model.checks import InputError
from model.outcome import migration
from model.scenario import sampling

SCENARIOS = ("twilly", "twilly_as_built")
SIDES = ("before", "after")
USERS = [2e3, 1e6]


def pure(name, which, users=USERS, draws=0, seed=0):
    plain = sampling.resolved(model.load(name), np.array(users), draws, seed)
    return traffic.traffic(which, plain)


# --- the ends


@pytest.mark.parametrize("draws", [0, 8])
@pytest.mark.parametrize("name", SCENARIOS)
def test_shares_of_0_and_1_cost_what_the_pure_designs_cost(name, draws):
    run = migration.fleet(name, [0.0, 1.0], users=USERS, draws=draws)
    before, after = model.evaluate(name, users=USERS, draws=draws).values("cost")
    np.testing.assert_allclose(run.usd()[0], before, rtol=1e-12)
    np.testing.assert_allclose(run.usd()[1], after, rtol=1e-12)


@pytest.mark.parametrize("hour", ["mean", "peak"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_shares_of_0_and_1_load_as_the_pure_designs_load(name, hour):
    run = migration.fleet(name, [0.0, 1.0], users=USERS).rates_per_s(hour)
    for month, which in enumerate(("before", "after")):
        now = pure(name, which)
        own = server_load.rates_per_s(server_load.at_peak(now) if hour == "peak" else now)
        for load, rate in own.items():
            mixed = np.broadcast_to(run[load], (2, 1, 2))[month, 0]
            np.testing.assert_allclose(mixed, np.broadcast_to(rate, (2,)), rtol=1e-12, err_msg=load)


@pytest.mark.parametrize("name", SCENARIOS)
def test_shares_of_0_and_1_are_billed_on_the_very_usage_of_the_pure_designs(name):
    run = migration.fleet(name, [0.0, 1.0], users=[5e4])
    for month, which in enumerate(("before", "after")):
        own = cost.month_usage(pure(name, which, [5e4]))
        for meter, amount in run.usage.items():
            here = float(np.broadcast_to(amount, (2, 1, 1))[month, 0, 0])
            assert here == pytest.approx(float(np.ravel(own.get(meter, 0.0))[0]), rel=1e-12), meter


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_is_looked_up_at_either_end(name):
    table = migration.months_table(migration.fleet(name, [0.0, 0.5, 1.0]))
    assert table["lookups a month"].tolist()[::2] == [0, 0] and table.loc[1, "lookups a month"] > 0


# --- the way between


def test_halfway_both_usages_are_added_before_any_tier():
    """500 M calls on one bill are cheaper than two bills of 250 M: the second tier is reached once."""
    run = migration.fleet("twilly", [0.5], users=[3e7], lookups=False)
    sides = [cost.month_usage(pure("twilly", which, [1.5e7])) for which in ("before", "after")]
    book = prices.book("us-east-1", "2026-09-30")
    both = {m: sides[0].get(m, 0.0) + sides[1].get(m, 0.0) for m in {**sides[0], **sides[1]}}
    assert float(run.usd()[0, 0, 0]) == pytest.approx(float(cost.total(both, book)[0]), rel=1e-12)
    assert run.usd()[0, 0, 0] < sum(float(cost.total(side, book)[0]) for side in sides) * (1 - 1e-3)


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 1), st.sampled_from(SCENARIOS))
def test_requests_and_messages_mix_in_proportion(share, name):
    run = migration.fleet(name, [share], users=USERS).rates_per_s("peak")
    own = [server_load.rates_per_s(server_load.at_peak(pure(name, which))) for which in ("before", "after")]
    for load in ("requests/s", "connects/s", "messages down/s", "open connections", "heartbeats/s"):
        mixed = (1 - share) * own[0][load] + share * own[1][load]
        np.testing.assert_allclose(
            np.broadcast_to(run[load], (1, 1, 2))[0, 0], np.broadcast_to(mixed, (2,)), rtol=1e-9, atol=1e-12
        )


def test_requests_per_minute_of_a_user_move_from_one_design_to_the_other():
    run = migration.fleet("twilly", [0.0, 0.25, 1.0])
    ends = [float(server_load.requests_per_minute(pure("twilly", w, [1e4]))[0]) for w in ("before", "after")]
    expected = [ends[0], 0.75 * ends[0] + 0.25 * ends[1], ends[1]]
    np.testing.assert_allclose(np.ravel(run.requests_per_minute()), expected, rtol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from(SCENARIOS))
def test_a_rollback_is_the_same_run_backwards(shares, name):
    way, back = (migration.fleet(name, s, users=USERS) for s in (shares, shares[::-1]))
    np.testing.assert_array_equal(way.usd(), back.usd()[::-1])
    here, there = way.rates_per_s("peak"), back.rates_per_s("peak")
    for load, rate in here.items():
        shape = (len(shares), 1, 2)
        np.testing.assert_array_equal(np.broadcast_to(rate, shape), np.broadcast_to(there[load], shape)[::-1])


def test_a_month_alone_equals_the_month_among_others():
    shares = [0.0, 0.1, 0.5, 0.9, 1.0]
    run = migration.fleet("twilly_as_built", shares, users=USERS, draws=4)
    for k, share in enumerate(shares):
        alone = migration.fleet("twilly_as_built", [share], users=USERS, draws=4)
        np.testing.assert_allclose(run.usd()[k], alone.usd()[0], rtol=1e-12)


# --- what both sides share


def test_old_and_new_apps_share_the_same_plain_servers():
    """Two fleets of their own would round up twice; one is rounded up once and never below the least."""
    shares = np.linspace(0, 1, 21)
    run = migration.fleet("twilly_as_built", shares, users=[1e6]).rates_per_s()
    servers = np.ravel(run["plain servers"])
    need = []
    for which in ("before", "after"):
        now = pure("twilly_as_built", which, [1e6])
        server = now.life.design.server
        peak = float(np.ravel(server_load.rates_per_s(now)["requests/s"])[0]) * 2.5
        need.append(peak / (server.requests_per_s * server.utilisation_share))
    expected = np.maximum(np.ceil((1 - shares) * need[0] + shares * need[1] - 1e-9), 1)
    np.testing.assert_array_equal(servers, expected)
    small = migration.fleet("twilly_as_built", shares, users=[100]).rates_per_s()["plain servers"]
    assert (small == 1).all()


def test_no_fleet_has_fewer_servers_than_either_side_needs_at_least():
    case = model.load("twilly_as_built").with_({"before.server.least_instances": 3})
    servers = migration.fleet(case, [0.0, 0.5, 1.0], users=[100]).rates_per_s()["plain servers"]
    assert np.ravel(servers).tolist() == [3, 3, 1]


def test_the_longest_fan_out_of_a_fleet_is_the_longer_of_the_two_not_their_sum():
    """Both sides push alike, so the longest of all is that of either side."""
    twilly = model.load("twilly_as_built")
    case = twilly.with_({"before": twilly.after.model_dump()})
    run = migration.fleet(case, [0.5], users=[1e5]).rates_per_s()["longest fan-out s"]
    one = traffic.traffic("after", sampling.resolved(case, np.array([5e4])))
    longest = float(np.ravel(server_load.rates_per_s(one)["longest fan-out s"])[0])
    assert float(np.ravel(run)[0]) == pytest.approx(longest, rel=1e-12) and longest > 0


def test_servers_that_hold_connections_are_those_of_the_pure_design_at_both_ends_and_the_sum_of_needs_between():
    """50 connections a server: the peak's connections need many servers, and no request does."""
    case = model.load("twilly_as_built").with_({"after.socket.backend": "server", "after.server.connections": 50.0})
    servers = np.ravel(migration.fleet(case, [0.0, 0.5, 1.0], users=[1e6]).rates_per_s()["plain servers"])
    plain = sampling.resolved(case, np.array([1e6]))
    ends = [float(np.ravel(server_load.rates_per_s(traffic.traffic(w, plain))["plain servers"])[0]) for w in SIDES]
    assert servers[[0, 2]].tolist() == ends and ends[1] > 5 * ends[0]
    held = float(np.ravel(traffic.traffic("after", plain).life.open_connections)[0])
    assert servers[1] == np.ceil(0.5 * held * plain.usage.peak_to_mean_ratio / 50.0)


def test_servers_of_two_types_are_two_fleets():
    case = model.load("twilly_as_built").with_({"before.server.instance": "c7g_medium"})
    usage = migration.fleet(case, [0.0, 0.5, 1.0], users=[100]).usage
    hours = [np.ravel(usage[f"ec2_{i}_hour"]).tolist() for i in ("c7g_medium", "t4g_medium")]
    assert hours == [[720, 720, 0], [0, 720, 720]]


def test_each_server_of_a_mixed_fleet_fills_its_cache():
    run = migration.fleet("twilly_as_built", [0.3], users=[1e6], lookups=False)
    cache = next(f for f in run.new.flows if f.kind == "cache")
    servers = run.rates_per_s()["plain servers"]
    np.testing.assert_allclose(cache.per_month, servers * run.new.life.scenario.month_s / 30, rtol=1e-12)


def test_a_sender_runs_for_recipients_with_the_old_app_and_finds_nobody():
    """Product document: a recipient who is not there costs a run of the function and two queries."""
    plain, looked = (migration.fleet("twilly", [0.25], lookups=k) for k in (False, True))
    events = sampling.resolved(model.load("twilly")).events.values()
    sends = sum(e.per_active_day * e.recipients for e in events)
    count = sends * 0.75 * 10_000 * 0.2 * 30
    flow = next(f for f in looked.new.flows if f.name == migration.LOOKUPS)
    assert float(np.ravel(flow.per_month)[0]) == pytest.approx(count, rel=1e-12)
    more = {m: float(np.ravel(looked.usage[m] - plain.usage[m])[0]) for m in looked.usage}
    assert more["lambda_request"] == pytest.approx(count, rel=1e-9)
    assert more["dynamodb_read_unit"] == pytest.approx(2 * 0.5 * count, rel=1e-9)
    assert more["apigw_ws_message"] == more["apigw_http_request"] == 0
    runs = [float(np.ravel(f.rates_per_s("peak")["runs/s"])[0]) for f in (plain, looked)]
    assert runs[1] - runs[0] == pytest.approx(2.5 * count / (30 * 86400), rel=1e-9)
    sender = looked.new.runs[flow.function]
    run_s = float(np.ravel(sender.duration_s + sender.cold_share * sender.init_s)[0])
    busy = [float(np.ravel(f.rates_per_s()["executions at once"])[0]) for f in (plain, looked)]
    assert busy[1] - busy[0] == pytest.approx(count / (30 * 86400) * run_s, rel=1e-9)  # Little's law


def test_look_ups_for_old_apps_are_runs_of_the_sender_at_its_rate_and_at_once():
    plain, looked = (migration.fleet("twilly", [0.25], lookups=k) for k in (False, True))
    month_s = looked.new.life.scenario.month_s
    for fleet in (plain, looked):
        served = sum(f.per_month * f.executions for f in fleet.new.flows if f.function == "send")
        np.testing.assert_allclose(fleet.new.runs["send"].rate_per_s, served / month_s, rtol=1e-12)
    count = next(f for f in looked.new.flows if f.name == migration.LOOKUPS).per_month
    run = looked.new.runs["send"]
    more = count / month_s * (run.duration_s + run.cold_share * run.init_s)
    at_once = [f.rates_per_s()["executions at once"] for f in (plain, looked)]
    np.testing.assert_allclose(at_once[1] - at_once[0], more, rtol=1e-9)


# --- the pace of updates


def test_half_of_the_rest_updates_each_month():
    assert migration.update_shares(4, 0.5).tolist() == [0, 0.5, 0.75, 0.875, 0.9375]
    assert migration.update_shares(2, 0).tolist() == [0, 0, 0]
    assert migration.update_shares(2, 1).tolist() == [0, 1, 1]


def test_months_table_has_a_row_a_month_and_the_bill_of_each():
    run = migration.fleet("twilly", [0.0, 0.4, 1.0])
    table = migration.months_table(run)
    assert table.index.name == "month" and list(table.index) == [0, 1, 2]
    np.testing.assert_allclose(table["USD/month"], np.ravel(run.usd()), rtol=1e-15)
    np.testing.assert_allclose(table["share_new"], [0, 0.4, 1])


# --- what a person may get wrong


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: migration.fleet("twilly", [0.0, 1.2]), "shares must be between 0 and 1; got 1.2"),
        (lambda: migration.fleet("twilly", [-0.1]), "shares must be between 0 and 1; got -0.1"),
        (lambda: migration.fleet("twilly", [0.1, float("nan")]), "shares must be a number; got NaN"),
        (lambda: migration.fleet("twilly", ["half"]), "shares must be a number; got ['half']"),
        (
            lambda: migration.fleet("twilly", []),
            "shares must list the share of users with the new app month by month; got []",
        ),
        (
            lambda: migration.fleet("twilly", 0.5),
            "shares must list the share of users with the new app month by month; got 0.5",
        ),
        (lambda: migration.fleet("twily", [0.5]), "unknown scenario 'twily'; did you mean 'twilly'?"),
        (lambda: migration.fleet("twilly", [0.5], users=[-1]), "users must be > 0 users; got -1"),
        (lambda: migration.update_shares(0, 0.5), "months must be a whole number >= 1; got 0"),
        (lambda: migration.update_shares(3, 1.5), "updated_share must be between 0 and 1; got 1.5"),
        (lambda: migration.fleet("twilly", [0.5]).rates_per_s("noon"), "unknown hour 'noon'; known: peak, mean"),
        (
            lambda: migration.months_table(migration.fleet("twilly", [0.5], users=USERS)),
            "months_table must be of one user count without draws; got 2 columns",
        ),
    ],
)
def test_each_mistake_is_one_sentence(call, sentence):
    with pytest.raises(InputError) as refused:
        call()
    assert str(refused.value) == sentence
