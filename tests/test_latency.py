"""Latency of events: closed forms and samples agree, components are where they belong, nobody is left out."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import latency, ledger, paths, queueing, traffic
from model import outcome as results
from model.checks import InputError
from model.latency import chain, parts
from model.life.sessions import handshake_s, mix
from model.scenario import sampling
from tools.bench import delays

VARIANTS = {  # what changes -> so that every kind of way is met
    "as documented": {},
    "pulls": {"after.pushes.new_comment.pulls": 3},
    "wide spreads": {
        "ledger.service_sigma_ln": 0.7,
        "networks.lte.rtt_sigma_ln": 0.7,
        "networks.wifi.rtt_sigma_ln": 0.7,
    },
    "own sender": {"after.socket.direct_send": True, "after.socket.cache_hit_share": 0.8},
    "broadcast": {"after.pushes.new_comment.audience": "broadcast", "events.new_comment.recipients": 200.0},
    "plain server": {"after.socket.backend": "server", "after.api.backend": "server", "users": 3e5},
    "missed polls": {"before.timers.unread_counts.missed_share": 0.2},
    "no catch-up": {"after.socket.catch_up": False, "after.reconnect.delays_s": [20.0, 30.0]},
    "jitter": {"after.reconnect.jitter": "full", "after.reconnect.delays_s": [20.0, 30.0]},
    "few users": {"users": 60.0},
}


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def traffic_at_modes(scenario, which):
    return traffic.traffic(which, sampling.resolved(scenario))


def one(value) -> float:
    return float(np.ravel(value)[0])


def timer(period_s, missed=0.0, timing="fixed"):
    return SimpleNamespace(period_s=period_s, timing=timing, missed_share=missed)


def simulated(scenario, which, event, n, seed):
    """Delays of events one by one: a session, a moment in it, a way, its timer's own clock; inf where untold."""
    from model.latency.deliveries import COLUMNS, Points

    now, rng = traffic_at_modes(scenario, which), np.random.default_rng(seed)
    use, found = now.life.scenario.usage, np.full(n, np.inf)
    mean_s, sigma = one(use.session_mean_s), one(use.session_sigma_ln)
    length_s = mean_s * np.exp(sigma**2 / 2 + sigma * rng.standard_normal(n))  # met by length times density
    moment_s = length_s * rng.random(n)
    ways = latency.branches(now, event)
    reached = rng.random(n) >= one(latency.undelivered_share(now, event))
    shares = np.array([one(way.share) for way in ways])
    which_way = rng.choice(len(ways), n, p=shares / shares.sum()) if ways else np.zeros(n)
    for k, way in enumerate(ways):
        rows = np.flatnonzero(reached & (which_way == k))
        at = Points({name: rng.random((rows.size, 1, 1)) for name in COLUMNS})
        parts = {name: np.broadcast_to(np.ravel(p.seconds(name, at)), rows.size) for name, p in way.parts.items()}
        wait = sum(parts.get(name, 0.0) for name in ("poll wait", "cached answer"))
        if way.period_s is not None:
            period_s, missed = one(way.period_s), np.floor(parts["poll wait"] / one(way.period_s))
            wait = (np.floor(moment_s[rows] / period_s) + 1 + missed) * period_s - moment_s[rows]
        rest = sum(p for name, p in parts.items() if name not in ("poll wait", "cached answer"))
        if way.refresh_per_s is not None:
            wait = np.minimum(wait, rng.exponential(1 / one(way.refresh_per_s), rows.size))
        found[rows] = wait + rest
    return np.where(found <= length_s - moment_s, found, np.inf)


def all_simulated(scenario, which, n, seed):
    """The same for all events by how often each is sent: delays and weights."""
    now = traffic_at_modes(scenario, which)
    shares = {event: one(share) for event, share in latency.sent_shares(now).items() if one(share) > 0}
    delays = [simulated(scenario, which, event, n, seed + k) for k, event in enumerate(shares)]
    return np.concatenate(delays), np.repeat([share / n for share in shares.values()], n)


def weighted_quantiles(values, weights, shares):
    order = np.argsort(values)
    heap = np.cumsum(weights[order])
    return [values[order][np.searchsorted(heap, share)] for share in shares]


# polls


@pytest.mark.parametrize("period_s", [2.0, 10.0, 30.0])
def test_a_fixed_period_waits_evenly_over_it(period_s):
    wait, u = latency.poll_wait(timer(period_s)), np.array([0.0, 0.25, 1.0])
    assert wait.mean_s == period_s / 2
    np.testing.assert_allclose(wait.quantile_s(u), u * period_s)


@pytest.mark.parametrize(("period_s", "missed", "mean_s"), [(2.0, 0.01, 1.020202), (30.0, 0.05, 16.578947)])
def test_missed_polls_wait_the_derived_mean(period_s, missed, mean_s):
    wait = latency.poll_wait(timer(period_s, missed))
    assert wait.mean_s == pytest.approx(mean_s, abs=5e-7)  # half the last printed digit
    assert wait.mean_s == pytest.approx(period_s / 2 + period_s * missed / (1 - missed), rel=1e-12)


def test_the_cases_of_poll_delays_are_met(shared):
    figures = {
        "poll_delay_mean": lambda w: w.mean_s,
        "poll_delay_p95": lambda w: w.quantile_s(0.95),
        "poll_delay_var": lambda w: w.quantile_s((np.arange(200_000) + 0.5) / 200_000).var(),
        "poll_delay_missed_mean": lambda w: w.mean_s,
    }
    rows = ledger.read_csv(shared / "published" / "wire_cases.csv")
    cases = [row for row in rows if row["topic"] in figures]
    for row in cases:
        about = json.loads(row["inputs_json"])
        wait = latency.poll_wait(timer(about["period_s"], about.get("miss_prob", 0.0)))
        assert figures[row["topic"]](wait) == pytest.approx(float(row["expected_value"]), rel=1e-6, abs=5e-7), row["id"]
    assert len(cases) >= 11


def test_sleep_then_request_waits_over_the_sleep_and_the_request():
    wait = latency.poll_wait(timer(1.0, timing="sleep_then_request"), 0.25)
    assert wait.mean_s == 0.625 and wait.quantile_s(1.0) == 1.25


def test_a_screen_refreshed_by_hand_waits_without_memory():
    wait = latency.poll_wait(timer(17.0, timing="by_hand"))
    assert wait.mean_s == 17.0
    assert wait.quantile_s(0.5) == pytest.approx(17.0 * np.log(2), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "event", "period_s", "missed"),
    [
        ({}, "new_comment", 2.0, 0.0),
        ({"before.timers.unread_counts.period_s": 30.0}, "comment_liked", 30.0, 0.0),
        ({"before.timers.unread_counts.missed_share": 0.05}, "new_comment", 2.0, 0.05),
        ({"before.timers.content.cache_s": 0.0}, "collaborator_update", 40.0, 0.0),
    ],
)
def test_sampled_waits_have_the_moments_of_the_closed_form(twilly, changes, event, period_s, missed):
    wait = latency.sample(twilly.with_(changes), "before", event, 2**15, seed=5)["poll wait"]
    mean = one(queueing.poll_wait_mean_s(period_s, missed))
    variance = one(queueing.poll_wait_variance_s2(period_s, missed))
    assert abs(wait.mean() - mean) < 4 * np.sqrt(variance / wait.size)
    assert wait.var() == pytest.approx(variance, rel=0.01)
    p95 = one(queueing.poll_wait_quantile_s(0.95, period_s, missed))
    assert wait.quantile(0.95) == pytest.approx(p95, rel=0.01)


def test_sleep_then_request_has_its_period_from_the_scenario(twilly):
    now = traffic_at_modes(twilly, "before")
    period_s = 1.0 + one(now.life.request_s)
    wait = latency.sample(twilly, "before", "stream_processing", 2**15, seed=5)
    wait = wait["poll wait"][np.isfinite(wait["total"])]
    assert wait.max() == pytest.approx(period_s, rel=1e-3)
    assert wait.mean() == pytest.approx(period_s / 2, rel=2e-3)


def test_the_way_up_and_set_up_of_a_poll_only_shift_its_phase(twilly):
    parts = {n for b in latency.branches(traffic_at_modes(twilly, "before"), "new_comment") for n in b.parts}
    served = {"gateway", "function", "database", "cold start"}
    assert parts == served | {"poll wait", "downlink", "transmission", "phone to screen"}
    closing = twilly.with_({"before.api.idle_timeout_s": 0.5})  # every poll opens a connection
    assert latency.mean_s(traffic_at_modes(closing, "before"), "new_comment") == pytest.approx(
        latency.mean_s(traffic_at_modes(twilly, "before"), "new_comment"), rel=1e-12
    )


@pytest.mark.parametrize("backend", ["http_api", "rest_api", "server"])
def test_the_parts_of_a_request_add_up_to_its_server_time(twilly, backend):
    now = traffic_at_modes(twilly.with_({"before.api.backend": backend}), "before")
    served = chain.request_parts(now, "read")
    flow = next(f for f in now.flows if f.name == "poll unread_counts")
    found = sum(one(p.mean_s) for n, p in served.items() if n != "queue")
    assert found == pytest.approx(one(flow.server_s), rel=1e-12)


def test_a_poll_of_a_plain_server_queues_as_erlang_c_says(twilly):
    now = traffic_at_modes(twilly.with_({"before.api.backend": "server", "users": 2e5}), "before")
    requests = sum(one(f.per_month) * f.requests for f in now.flows if f.exchange == "http")
    rate, server = requests / now.life.scenario.month_s, now.life.design.server
    waits = queueing.erlang_c(rate, server.requests_per_s, now.instances)
    expected = waits / (server.requests_per_s * now.instances - rate)
    assert one(chain.request_parts(now, "read")["queue"].mean_s) == pytest.approx(one(expected), rel=1e-9)


def test_a_cached_answer_waits_evenly_over_the_cache(twilly):
    found = latency.sample(twilly, "before", "channel_content_update", 2**14, seed=2)["cached answer"]
    assert found.mean() == pytest.approx(150.0, rel=1e-3) and found.max() <= 300.0


def test_the_quickest_timer_of_each_screen_brings_an_event(twilly):
    timers = twilly.before.model_dump()["timers"]
    more = {**timers, "slow": {**timers["unread_counts"], "period_s": 20.0, "screens": None}}
    everywhere = twilly.with_({"before.timers": more, "events.new_comment.screens": ["watching", "browsing"]})
    names = {b.name.split(",")[0]: 0.0 for b in latency.branches(traffic_at_modes(everywhere, "before"), "new_comment")}
    for b in latency.branches(traffic_at_modes(everywhere, "before"), "new_comment"):
        names[b.name.split(",")[0]] += one(b.share)
    assert names == {"unread_counts": pytest.approx(0.6 / 0.9), "slow": pytest.approx(0.3 / 0.9)}


# who is told


def test_what_only_a_refresh_shows_is_told_by_it_on_its_screens(twilly):
    """An exponential wait against what is left of the session; on other screens nothing tells them."""
    now = traffic_at_modes(twilly, "before")
    browsing = one(now.life.scenario.screens["browsing"].share)
    assert latency.undelivered_share(now, "notification") == pytest.approx(1.0 - browsing)
    mean_s = 1.0 / one(now.life.refreshes_per_s)
    assert mean_s == pytest.approx(browsing * 3600.0 / 36.0)  # 30 opens and 6 pulls an hour, all while browsing
    found = latency.sample(twilly, "before", "notification", 2**12, seed=1)
    told = np.isfinite(found["total"])
    assert told.mean() == pytest.approx(browsing, abs=1e-3)
    assert found["refresh"][told].mean() == pytest.approx(mean_s, rel=0.02)


def test_a_refresh_by_hand_races_the_timer_of_its_screen(twilly):
    """The sooner of a poll each 10 s and a refresh each 30 s on average."""
    case = twilly.with_(
        {"polling_improved.timers.unread_counts.screens": ["browsing"], "events.notification.screens": ["browsing"]}
    )
    now, rng = traffic_at_modes(case, "polling_improved"), np.random.default_rng(2)
    mean_s, rest_s = 1.0 / one(now.life.refreshes_per_s), 0.08
    waits = np.minimum(rng.random(400_000) * 10.0, rng.exponential(mean_s, 400_000)) + rest_s
    found = latency.told_share(now, 5.0, "notification")[0, 0] / latency.told_share(now, np.inf, "notification")[0, 0]
    assert found == pytest.approx((waits <= 5.0).mean(), abs=0.01)


def test_an_event_that_nobody_sends_yet_never_arrives_in_the_session(twilly):
    unsent = twilly.with_({"after.pushes.stream_processing.sent": False})
    assert np.isinf(latency.sample(unsent, "after", "stream_processing", 64, seed=1)["total"]).all()
    found = latency.undelivered_reasons(traffic_at_modes(unsent, "after"), "stream_processing")
    assert found == {"nobody sends it": pytest.approx(1.0)}


def test_a_timer_tells_only_those_on_its_screens(twilly):
    part = twilly.with_({"before.timers.content.screens": ["browsing"]})
    found = latency.undelivered_reasons(traffic_at_modes(part, "before"), "channel_content_update")
    assert found == {"no timer on that screen": pytest.approx(0.7)}


def test_attempts_that_run_out_leave_the_closed_form_share_undelivered(twilly):
    now = traffic_at_modes(twilly, "before")
    request_s = one(now.life.request_s)
    expected = np.exp(-30 * (1.0 + request_s) / 25.0)
    assert latency.undelivered_share(now, "stream_processing") == pytest.approx(expected, rel=1e-9)
    lost = np.isinf(latency.sample(twilly, "before", "stream_processing", 2**15, seed=1)["total"]).mean()
    assert lost == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 2**15))


def test_attempts_and_ready_streams_simulated_one_by_one_give_that_share(twilly):
    now, rng = traffic_at_modes(twilly, "before"), np.random.default_rng(8)
    period_s = 1.0 + one(now.life.request_s)
    ready_s = rng.exponential(25.0, 200_000)
    seen = np.ceil(ready_s / period_s) <= 30  # the attempt that would see it is one of the thirty
    share = one(latency.undelivered_share(now, "stream_processing"))
    assert 1 - seen.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / seen.size))


def test_the_posters_own_reload_is_no_event(twilly):
    busy = twilly.with_({"actions.post_comment.requests": 9})
    for which in ("before", "after"):
        assert not any("post comment" in f.name and f.events for f in traffic_at_modes(busy, which).flows)


# pushes


@pytest.mark.parametrize("which", ["before", "after"])
@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_told_in_time_and_on_average_is_that_of_events_one_by_one(twilly, name, which):
    scenario = twilly.with_(VARIANTS[name])
    now, n = traffic_at_modes(scenario, which), 40_000
    for k, event in enumerate(("new_comment", "notification", "stream_processing", "channel_content_update")):
        delays = simulated(scenario, which, event, n, 11 + k)
        for limit_s in (0.3, 1.0, 10.0, 60.0, np.inf):
            told = (delays <= limit_s) & np.isfinite(delays)
            error = np.sqrt(max(told.mean() * (1 - told.mean()), 1 / n) / n)
            assert abs(one(latency.told_share(now, limit_s, event)) - told.mean()) < 4 * error + 2e-3, (event, limit_s)
        told = delays[np.isfinite(delays)]
        if told.size > 100:
            assert abs(one(latency.mean_s(now, event)) - told.mean()) < 4 * told.std() / np.sqrt(told.size) + 1e-3


@pytest.mark.parametrize(
    "which", ["before", "after", "polling_as_built", "push_as_built", "push_improved", "polling_improved"]
)
def test_p50_and_p95_at_the_modes_are_those_of_events_one_by_one(twilly, which):
    found = latency.quantile_s(traffic_at_modes(twilly, which), [0.5, 0.95])[:, 0, 0]
    drawn = weighted_quantiles(*all_simulated(twilly, which, 2**18, 9), (0.5, 0.95))
    np.testing.assert_allclose(found, drawn, rtol=5e-3)


def test_shares_of_the_ways_add_up_to_one(twilly):
    for name, changes in VARIANTS.items():
        for which in ("before", "after"):
            now = traffic_at_modes(twilly.with_(changes), which)
            for event in twilly.events:
                ways = latency.branches(now, event)
                assert not ways or sum(one(b.share) for b in ways) == pytest.approx(1.0, rel=1e-12), name


def test_components_add_up_to_the_total(twilly):
    found = latency.sample(twilly, "after", "new_comment", 512, seed=1)
    np.testing.assert_allclose(found.drop(columns="total").sum(axis=1), found["total"], rtol=1e-12)
    assert list(found.columns) == [*latency.PART_NAMES, "total"] and (found >= 0).all().all()


def test_a_seed_fixes_a_sample_whose_rows_are_in_no_order(twilly):
    first, again, other = (latency.sample(twilly, "after", "new_comment", 1000, seed)["total"] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    assert abs(np.corrcoef(np.arange(1000), first)[0, 1]) < 0.2


def test_a_push_waits_for_the_radio_of_the_screens_where_it_is_seen(twilly):
    """A comment comes while a video plays, a notification anywhere: the radio is up in different shares."""
    now = traffic_at_modes(twilly, "after")
    watching, anywhere = (one(chain.radio_on(now, "wifi", s).mean_s) for s in (["watching"], None))
    assert watching != pytest.approx(anywhere, rel=1e-3)
    busy = twilly.with_({"backgrounds.video.period_s": 2.0, "backgrounds.video.burst_s": 2.0})
    now = traffic_at_modes(busy, "after")
    assert one(chain.radio_on(now, "wifi", ["watching"]).mean_s) == 0.0


def test_a_push_waits_for_the_radio_of_the_network_that_carries_it(twilly):
    from model.latency import parts as waits
    from model.life import airtime

    now, found = traffic_at_modes(twilly, "after"), {}
    for name, network in now.life.scenario.networks.items():
        for screens in (None, ["browsing"]):
            shares = airtime.radio_shares(traffic_at_modes(twilly, "after"), network, screens)
            own = waits.radio_wake(shares, network.drx_s, network.paging_s, airtime.promotion_s(network))
            found[name] = one(chain.radio_on(now, name, screens).mean_s)
            assert found[name] == pytest.approx(one(own.mean_s), rel=1e-12)
        down_s = one(network.rtt_s) / 2 + ledger.value("region_path_s")
        ways = dict(zip(now.life.scenario.networks, chain.round_trips(now, 0.5).choices, strict=True))
        assert one(ways[name].mean_s) == pytest.approx(down_s, rel=1e-12)
    assert len(set(found.values())) == len(found)


def test_a_traffic_made_from_another_remembers_nothing_of_it(twilly):
    """A third of the servers queue more, though the queue of the first traffic was worked out before."""
    now = traffic_at_modes(twilly.with_({"before.api.backend": "server", "users": 1e6}), "before")
    event = next(e for e in now.life.scenario.events if latency.branches(now, e))
    first = one(latency.mean_s(now, event))
    fewer = dataclasses.replace(now, instances=np.ceil(0.3 * now.instances))
    assert one(latency.mean_s(fewer, event)) > first


def test_a_radio_that_is_always_idle_pages_and_promotes(twilly):
    from model.latency import parts as waits
    from model.life import airtime

    network = sampling.resolved(twilly).networks["lte"]
    wake = waits.radio_wake((0.0, 0.0, 1.0), network.drx_s, network.paging_s, airtime.promotion_s(network))
    assert wake.mean_s == pytest.approx(0.265 + 1.28 / 2, rel=1e-12)  # narayanan2021: 4G promotion, idle DRX
    assert wake.quantile_s(1.0) - wake.quantile_s(0.0) == pytest.approx(1.28, rel=1e-12)


def test_pulls_cost_their_round_trips_their_server_time_and_cold_connections(twilly):
    pulled = twilly.with_({"after.pushes.new_comment.pulls": 3})
    before, after = traffic_at_modes(twilly, "after"), traffic_at_modes(pulled, "after")
    flow = next(f for f in after.flows if f.name == "pull after new_comment")
    rtt_s = one(mix(after.life.scenario, lambda n: n.rtt_s)) + 2 * ledger.value("region_path_s")
    alive = one(after.life.alive_share)
    cold = after.runs["read"]
    expected = alive * (
        3 * (rtt_s + one(flow.server_s)) + one(flow.cold_share) * 2 * rtt_s + one(cold.cold_share) * one(cold.init_s)
    )
    gained = one(latency.mean_s(after, "new_comment")) - one(latency.mean_s(before, "new_comment"))
    assert handshake_s(after.life.design.api, 1.0) == 2.0
    wake = []  # the pulls also change how a push finds the radio
    for now in (before, after):
        wake.append(
            sum(
                one(n.share) * one(chain.radio_on(now, name, ["watching"]).mean_s)
                for name, n in now.life.scenario.networks.items()
            )
        )
    assert gained == pytest.approx(expected + alive * (wake[1] - wake[0]), rel=2e-3)


def test_a_pull_meets_a_cold_connection_as_often_as_traffic_says(twilly):
    pulled = twilly.with_({"after.pushes.new_comment.pulls": 1})
    now = traffic_at_modes(pulled, "after")
    cold = one(next(f for f in now.flows if f.name == "pull after new_comment").cold_share)
    found = latency.sample(pulled, "after", "new_comment", 2**14, seed=3)["pull connection"]
    assert (found > 0).mean() == pytest.approx(cold * one(now.life.alive_share), abs=1e-3) and cold > 0.01


def test_tls_1_2_resumes_in_one_round_trip_fewer(twilly):
    old = twilly.with_({"after.pushes.new_comment.pulls": 1, "after.api.tls": "1.2", "after.api.resumed_share": 0.5})
    now = traffic_at_modes(old, "after")
    ways = {
        b.name: one(b.parts["pull connection"].choices[0].mean_s)
        for b in latency.branches(now, "new_comment")
        if "connection" in b.name and "cold" not in b.name
    }
    rtt_s = one(now.life.scenario.networks["wifi"].rtt_s) + 2 * ledger.value("region_path_s")
    assert ways == {
        "push, new connection": pytest.approx(3 * rtt_s),
        "push, resumed connection": pytest.approx(2 * rtt_s),
    }


def test_all_ways_over_the_network_share_one_draw(twilly):
    pulled = twilly.with_({"after.pushes.new_comment.pulls": 3, "ledger.region_path_s": 0.0})
    found = latency.sample(pulled, "after", "new_comment", 512, seed=3)
    alive = found["pull network"] > 0
    np.testing.assert_allclose(found["pull network"][alive], 6 * found["downlink"][alive], rtol=1e-9)


def test_posts_ahead_of_ours_make_a_sequential_broadcast_later_than_a_parallel_one(twilly):
    many = {
        "after.pushes.new_comment.audience": "broadcast",
        "events.new_comment.recipients": 200.0,
        "events.new_comment.online_share": 0.5,
    }
    now = traffic_at_modes(twilly.with_(many), "after")
    posts = 100.0 * (1.0 - one(now.life.down_share))
    assert one(chain.sender_parts(now, "new_comment")["fan-out"].mean_s) == pytest.approx(
        ledger.value("apigw_ws_post_s") * (posts - 1) / 2, rel=1e-9
    )
    at_once = traffic_at_modes(twilly.with_({**many, "after.socket.fan_out": "parallel"}), "after")
    assert one(chain.sender_parts(at_once, "new_comment")["fan-out"].mean_s) == 0.0


def test_a_function_of_30_s_posts_to_about_1500_and_the_others_are_never_told(twilly):
    """The documents: at 20 ms a post the 30 s timeout falls at 1,500 connections."""
    many = twilly.with_(
        {
            "after.pushes.new_comment.audience": "broadcast",
            "after.socket.blocked_share": 0.0,
            "events.new_comment.recipients": 3000.0,
            "events.new_comment.online_share": 1.0,
        }
    )
    now = traffic_at_modes(many, "after")
    told = one(now.life.fan_outs["new_comment"].share) * 3000.0 * (1.0 - one(now.life.down_share))
    assert 1485 < told < 1500  # the scan of the table and the code take their part of the 30 s
    reasons = latency.undelivered_reasons(now, "new_comment")
    assert one(reasons["the sender's run timed out"]) == pytest.approx(0.5, abs=0.01)
    assert latency.sample(many, "after", "new_comment", 4096, 1)["fan-out"].max() < 30.0
    pushed = sum(one(way.share) for way in latency.branches(now, "new_comment") if way.name.startswith("push"))
    gaps = one(now.life.unseen_share) + one(now.life.down_share)  # these are told of all events, by other ways
    posted = told / 3000.0 / (1.0 - one(now.life.down_share)) * (1.0 - gaps)
    assert pushed == pytest.approx(posted / (posted + gaps), rel=1e-9)


def test_a_small_fan_out_lies_on_whole_posts():
    from model.latency import parts as waits

    part, u = waits.ahead(3.0, 0.02), (np.arange(40_000) + 0.5) / 40_000
    values, counts = np.unique(part.quantile_s(u).round(12), return_counts=True)
    np.testing.assert_allclose(values, [0, 0.02, 0.04, 0.06])
    assert (counts == 10_000).all()


def test_cold_starts_keep_the_published_quantiles(twilly):
    """lambda_perf: p50, p95 and p99 of Init; the scenario's package and the placement are taken off again."""
    from model.life import cold_starts

    published = ledger.read_csv(paths.data("published", "cold_starts.csv"))
    for row in published:
        now = traffic_at_modes(twilly.with_({"before.functions.read.runtime": row["setup"]}), "before")
        part = chain.cold_start(now, "read")
        scale = float(row["mean_ms"]) / 1000 / one(cold_starts.cold_start_mean_s(row["setup"], 1024.0))
        for share, column in ((0.5, "p50_ms"), (0.95, "p95_ms"), (0.99, "p99_ms")):
            init_s = (one(part.quantile_s(share)) - ledger.value("lambda_cold_extra_s")) * scale
            assert init_s == pytest.approx(float(row[column]) / 1000, rel=0.03)


def test_the_share_of_cold_starts_is_that_of_the_functions_rate(twilly):
    few = twilly.with_({"users": 60.0})
    now = traffic_at_modes(few, "after")
    found = latency.sample(few, "after", "new_comment", 2**14, seed=1)["cold start"]
    assert (found > 0).mean() == pytest.approx(one(now.runs["send"].cold_share), abs=0.01)
    p95 = model.evaluate(twilly, users=[30, 1e5]).values("notification latency p95")[1][0]
    assert p95[0] > p95[1]


# gaps


def test_an_unseen_loss_waits_for_the_rest_of_a_gap_that_long_gaps_catch_more_often():
    """Gaps of uniform(0, heartbeat) + pong timeout, one after another, and events at random in them."""
    from model.latency import parts as waits

    rng, beat_s, pong_s = np.random.default_rng(3), 30.0, 10.0
    gaps = rng.uniform(pong_s, pong_s + beat_s, 100_000)
    ends = np.cumsum(gaps)
    events = rng.uniform(0, ends[-1], 200_000)
    waited = ends[np.searchsorted(ends, events)] - events
    part = waits.gap_rest(pong_s, pong_s + beat_s)
    assert waited.mean() == pytest.approx(part.mean_s, abs=4 * waited.std() / np.sqrt(waited.size) + 0.05)
    assert np.quantile(waited, 0.95) == pytest.approx(part.quantile_s(0.95), rel=0.01)
    assert part.mean_s == pytest.approx((25.0**2 + 75.0) / (2 * 25.0), rel=1e-12)  # E[T^2] / 2 E[T]
    assert part.mean_s > (beat_s / 2 + pong_s) / 2  # not half the mean gap


@pytest.mark.parametrize(("beat_s", "jitter"), [(30.0, "none"), (240.0, "full"), (60.0, "decorrelated")])
def test_an_event_in_an_unseen_gap_waits_as_long_as_traffic_lets_gaps_last(twilly, beat_s, jitter):
    """Losses at random between pings, an event at random in each gap, then the simulated reconnect."""
    now = traffic_at_modes(
        twilly.with_(
            {
                "after.heartbeat.period_s": beat_s,
                "after.heartbeat.pong_timeout_s": 10.0,
                "after.reconnect.jitter": jitter,
            }
        ),
        "after",
    )
    ways = {branch.name: branch.parts for branch in latency.branches(now, "new_comment")}
    lost = np.random.default_rng(3).uniform(0, 1e5 * beat_s, 100_000)
    gaps = np.ceil(lost / beat_s) * beat_s + 10.0 - lost
    assert one(now.life.notice_s) == pytest.approx(gaps.mean(), rel=0.01)
    assert one(ways["lost unseen"]["unseen loss"].mean_s) == pytest.approx(
        np.square(gaps).mean() / 2 / gaps.mean(), rel=0.01
    )
    least, most = {"none": (1, 1), "full": (0, 1), "decorrelated": (1, 3)}[jitter]
    fixed_s = one(now.life.reconnect_s) - (least + most) / 2 * 2.0  # the schedule's first delay is 2 s
    back = ways["lost unseen"]["reconnect"].quantile_s(np.array([0.0, 1.0]))
    np.testing.assert_allclose(back, [fixed_s + least * 2.0, fixed_s + most * 2.0], rtol=1e-9)


def test_down_time_waits_for_the_first_fallback_poll_or_the_reconnect(twilly):
    """One gap of 14 s, the fallback asking at 2, 5, 8, 11 s: events dropped into it one by one."""
    slow = twilly.with_({"after.reconnect.delays_s": [13.5, 30.0], "after.socket.blocked_share": 0.0})
    now = traffic_at_modes(slow, "after")
    gap_s = one(now.life.reconnect_s)
    at = np.linspace(0, gap_s, 200_001)[:-1]
    polls = np.array([2.0, 5.0, 8.0, 11.0])
    nexts = np.append(polls, gap_s)[np.searchsorted(polls, at)]
    segments = chain.down_segments(now)
    whole = sum(one(share) for share, _ in segments.values())
    assert whole == pytest.approx(one(now.life.down_share), rel=1e-12)
    expected = sum(one(share) * one(length) / 2 for share, length in segments.values()) / whole
    assert (nexts - at).mean() == pytest.approx(expected, rel=1e-4)
    assert (nexts < gap_s).mean() == pytest.approx(1 - one(segments["last"][0]) / whole, rel=1e-4)


def test_without_catch_up_what_falls_into_a_gap_is_lost(twilly):
    lossy = twilly.with_({"after.socket.catch_up": False})
    now = traffic_at_modes(lossy, "after")
    lost = one(latency.undelivered_reasons(now, "new_comment")["lost with the connection"])
    late = one(chain.down_segments(now)["last"][0])
    assert lost == pytest.approx(one(now.life.unseen_share) + late, rel=1e-12)
    assert one(latency.undelivered_share(traffic_at_modes(twilly, "after"), "new_comment")) == 0.0


def test_a_longer_heartbeat_is_a_trade(twilly):
    beats = [traffic_at_modes(twilly.with_({"after.heartbeat.period_s": p}), "after") for p in (15.0, 30.0, 120.0)]
    means = [one(latency.mean_s(now, "new_comment")) for now in beats]
    assert means[0] < means[1] < means[2]


# figures over draws and user counts


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])  # a server's queue makes each count a row
def test_an_array_of_users_equals_one_by_one(name):
    counts = np.geomspace(30, 1e6, 40)
    together = model.evaluate(name, users=counts).values("notification latency p95")
    for k in (0, 13, 39):
        alone = model.evaluate(name, users=[counts[k]]).values("notification latency p95")
        for many, single in zip(together, alone, strict=True):
            assert many[0, k] == pytest.approx(single[0, 0], rel=1e-9)


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])
def test_draws_and_user_counts_together_equal_each_alone(name):
    scenario = model.load(name)
    resolved = sampling.resolved(scenario, users=[100.0, 1e4, 1e6], draws=4, seed=3)
    single = sampling.resolved(scenario, users=[1e4], draws=4, seed=3)
    for which in ("before", "after"):
        together, alone = (latency.quantile_s(traffic.traffic(which, r), [0.1, 0.9]) for r in (resolved, single))
        assert together.shape == (2, 4, 3)
        np.testing.assert_allclose(together[:, :, 1:2], alone, rtol=1e-9)


def test_a_design_may_be_given_itself(twilly):
    itself = latency.sample(twilly, twilly.before, "new_comment", 64, 1)
    assert itself.equals(latency.sample(twilly, "before", "new_comment", 64, 1))


def test_a_draw_equals_the_scenario_with_its_numbers(twilly):
    drawn = sampling.resolved(twilly, draws=8, seed=2)
    now = traffic.traffic("after", drawn)
    together = latency.quantile_s(now, [0.5, 0.95])
    assert together.shape == (2, 8, 1)
    inputs = sampling.draws_of(twilly, 8, 2)
    for k in (0, 5):
        columns = {name: values[k : k + 1] for name, values in inputs.items()}
        row = traffic.traffic("after", sampling.with_columns(twilly, columns))
        alone = latency.quantile_s(row, [0.5, 0.95])
        np.testing.assert_allclose(together[:, k], alone[:, 0], rtol=0.05)  # fewer points stand for a way in draws


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0.01, 0.96), more=st.floats(0.001, 0.01))
def test_quantiles_rise_and_are_the_inverse_of_the_share_told(share, more):
    for which in ("before", "after"):
        now = traffic_at_modes(model.load("twilly"), which)
        low, high = latency.quantile_s(now, [share, share + more])[:, 0, 0]
        assert low < high
        assert latency.told_share(now, low)[0, 0] == pytest.approx(share, abs=2e-4)


@settings(max_examples=10, deadline=None)
@given(period_s=st.floats(0.5, 60), longer=st.floats(1.05, 3))
def test_waiting_longer_between_polls_never_tells_sooner(period_s, longer):
    twilly = model.load("twilly")
    nows = [
        traffic_at_modes(twilly.with_({"before.timers.unread_counts.period_s": p}), "before")
        for p in (period_s, period_s * longer)
    ]
    sooner, later = (latency.quantile_s(now, [0.9], "new_comment")[0, 0, 0] for now in nows)
    assert sooner < later


def test_who_is_never_told_is_infinitely_late(twilly):
    now = traffic_at_modes(twilly, "push_as_built")
    told = latency.told_share(now, np.inf)[0, 0]
    just, over = latency.quantile_s(now, [told - 1e-3, told + 1e-3])[:, 0, 0]
    assert just < 60.0 and over == np.inf and 0.9 < told < 1.0
    never = traffic_at_modes(twilly, "push_as_built")
    assert np.isinf(latency.quantile_s(never, [0.01], "stream_processing")).all()
    assert one(latency.mean_s(never, "stream_processing")) == np.inf


def test_latency_by_flow_is_each_flows_part_of_what_is_not_told_within_10_s(twilly):
    outcome = model.evaluate(twilly)
    parts = outcome.by_flow("latency")
    assert set(parts.index) >= {"poll unread_counts", "push new_comment", "refresh by hand"}
    for which in ("before", "after"):
        assert parts[which].sum() == pytest.approx(100.0 - one(outcome.values("told in time 10 s", which)), abs=1e-9)
    assert results.MEASURES


def test_a_waterfall_adds_up_to_the_quantile_of_the_told(twilly):
    found = latency.waterfall(twilly)
    assert list(found.columns) == ["before p50", "before p95", "after p50", "after p95"]
    for which in ("before", "after"):
        now = traffic_at_modes(twilly, which)
        told = latency.told_share(now, np.inf)[0, 0]
        whole = latency.quantile_s(now, [0.5 * told, 0.95 * told])[:, 0, 0]
        np.testing.assert_allclose(found[[f"{which} p50", f"{which} p95"]].sum(), whole, rtol=5e-3)


# tables


def test_the_summary_is_of_what_is_sent_to_both_designs(twilly):
    table = latency.summary(twilly)
    for which in ("before", "after"):
        now = traffic_at_modes(twilly, which)
        p50, p95 = latency.quantile_s(now, [0.5, 0.95])[:, 0, 0]
        assert list(table.loc[which, ["p50, s", "p95, s"]]) == [p50, p95]
        assert table.loc[which, "within 0.1 s"] == latency.told_share(now, 0.1)[0, 0]
    outcome = model.evaluate(twilly)
    assert table.loc["before", "not told"] == pytest.approx(one(outcome.values("not told", "before")) / 100, rel=1e-9)


def test_the_curve_of_the_share_told_rises_to_what_is_ever_told(twilly):
    found = latency.curve(twilly)
    assert list(found.columns) == list(twilly.designs) and found.index[-1] == pytest.approx(600.0)
    assert (found.diff().dropna() >= -1e-12).all().all() and found.iloc[0].lt(0.1).all()


def test_the_table_by_event_says_who_is_not_told_and_why(twilly):
    table = latency.by_event(model.load("twilly_as_built"))
    assert table.loc[("notification", "after"), "why"] == "nobody sends it"
    assert table.loc[("notification", "after"), "p50, s"] == np.inf
    assert table.loc[("stream_processing", "before"), "why"] == "attempts used up"
    assert 0 < table.loc[("stream_processing", "before"), "nothing tells them"] < 1
    causes = table[["in time", "late", "left first", "nothing tells them"]]
    np.testing.assert_allclose(causes.sum(axis=1), 1.0, atol=1e-9)
    assert causes.ge(-1e-12).all().all() and len(table) == 18
    ranged = latency.by_event(
        model.load("twilly").with_({"events.notification.within_s": {"low": 5, "mode": 60, "high": 90}})
    )
    assert ranged.loc[("notification", "after"), "limit, s"] == 60.0
    told = [table.loc[("all together", which), "in time"] for which in ("before", "after")]
    outcome = model.evaluate("twilly_as_built")
    assert told == [pytest.approx(one(v) / 100, rel=1e-9) for v in outcome.values("told in time 10 s")]
    own = latency.by_event(model.load("twilly").with_({"events.notification.within_s": 60.0}))["limit, s"]
    assert own[("notification", "after")] == 60.0 and own[("new_comment", "after")] == 10.0


def test_a_sweep_gives_each_value_its_own_scenario(twilly):
    path = "before.timers.unread_counts.period_s"
    table = latency.sweep(twilly, path, [1.0, 30.0], "new_comment")
    assert table.loc[30.0, "before p50"] - table.loc[1.0, "before p50"] == pytest.approx(0.5 * 29, rel=0.03)
    assert table["after p95"].nunique() == 1
    built = twilly.with_({"pair": ["push_as_built", "after"]})
    never = latency.sweep(built, "push_as_built.heartbeat.period_s", [60.0], "stream_processing")
    assert never.loc[60.0, "before p50"] == np.inf and never.loc[60.0, "before not told"] == 1.0


def test_taking_components_away_only_ever_tells_sooner(twilly):
    removed = ["radio wake-up", "invocation", "downlink", "phone to screen", "function", "post", "gateway"]
    shares = [latency.told_without(twilly, "after", removed[:k], 0.1) for k in range(len(removed) + 1)]
    assert shares == sorted(shares) and shares[0] < 0.001 and shares[-1] > 0.9
    assert latency.told_without(twilly, "before", ["poll wait"], 0.2) > 0.9


def test_the_share_told_without_anything_removed_is_the_closed_form(twilly):
    now = traffic_at_modes(twilly, "after")
    told = latency.told_share(now, 0.3)[0, 0] / latency.told_share(now, np.inf)[0, 0]
    assert latency.told_without(twilly, "after", [], 0.3) == pytest.approx(told, abs=1e-3)


# beside timed sockets

ABOUT = dict(timed_period_s=0.4, server_s=0.01, own_s=0.001, path_median_s=0.025, path_sigma_ln=0.5)


def test_a_timed_push_is_the_path_and_the_work():
    found = delays.timed_delays_s("push", ABOUT, 2**15, 1)
    assert np.median(found) == pytest.approx(0.025 + 0.011, rel=1e-3)
    assert np.quantile(found, 0.95) == pytest.approx(0.011 + 0.025 * np.exp(0.5 * 1.6448536), rel=2e-3)


def test_a_timed_poll_waits_half_its_period_more():
    poll, push = (delays.timed_delays_s(d, ABOUT, 2**15, 1) for d in ("polling", "push"))
    assert poll.mean() - push.mean() == pytest.approx(0.2, rel=1e-3)


def test_the_benchs_own_time_may_be_a_distribution():
    own = {**ABOUT, "own_s": np.linspace(0.0, 0.01, 99), "path_sigma_ln": 0.0}
    found = delays.timed_delays_s("push", own, 2**14, 1)
    assert found.min() >= 0.035 - 1e-12 and found.mean() == pytest.approx(0.040, rel=1e-3)


# bad input


def unsent(scenario):
    pushes = {event: {"sent": False} for event in scenario.events}
    return scenario.with_(
        {"after.pushes": pushes, "refresh.opens_per_active_hour": 0, "refresh.pulls_per_active_hour": 0}
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: latency.sample(s, "after", "new_comment", 0, 1), "n must be a whole number > 0 samples; got 0"),
        (lambda s: latency.sample(s, "after", "new_comment", 2.5, 1), "n must be a whole number > 0 samples; got 2.5"),
        (lambda s: latency.sample(s, "after", "new_comment", 8, -1), "seed must be a whole number >= 0; got -1"),
        (
            lambda s: latency.sample(s, "after", "new_coment", 8, 1),
            "unknown event 'new_coment'; did you mean 'new_comment'",
        ),
        (lambda s: latency.sample(s, "afterwards", "new_comment", 8, 1), "unknown design 'afterwards'"),
        (
            lambda s: latency.sample(s.with_({"users": [100.0, 200.0]}), "after", "new_comment", 8, 1),
            "users must be one number where latencies are drawn; got 2",
        ),
        (
            lambda s: latency.quantile_s(traffic_at_modes(s, "after"), [1.5]),
            "quantile must be between 0 and 1; got 1.5",
        ),
        (lambda s: latency.waterfall(s, [-0.1]), "quantile must be between 0 and 1; got -0.1"),
        (
            lambda s: latency.told_without(unsent(s), "after", ["downlink"]),
            "no event is delivered within a session",
        ),
        (lambda s: latency.told_share(traffic_at_modes(s, "after"), -1.0), "within_s must be >= 0 s; got -1"),
        (lambda s: latency.told_without(s, "after", ["radio"]), "unknown component 'radio'"),
        (
            lambda s: delays.timed_delays_s("push", {**ABOUT, "server_s": -0.01}, 8, 1),
            "server_s must be >= 0 s; got -0.01",
        ),
        (lambda s: delays.timed_delays_s("pull", ABOUT, 8, 1), "unknown design 'pull'"),
        (
            lambda s: delays.timed_delays_s("push", {"server_s": 1}, 8, 1),
            "timed_period_s must be given among the conditions",
        ),
        (
            lambda s: latency.mean_s(traffic_at_modes(s.with_({"ledger.catch_up_s": -1.0}), "after"), "new_comment"),
            "ledger.catch_up_s must be at least 0; got -1",
        ),
        (
            lambda s: s.with_({"before.timers.unread_counts.missed_share": 1.2}),
            "before.timers.unread_counts.missed_share must be between 0 and 1; got 1.2",
        ),
        (
            lambda s: s.with_({"before.timers.content.delivers": ["collaborator_update"]}),
            "event 'channel_content_update' is delivered by no timer, push or refresh of before, so it never arrives",
        ),
    ],
)
def test_each_mistake_is_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(twilly)


@pytest.mark.parametrize("others", [0.0, 0.5, 1.0, 1.5])
def test_posts_ahead_have_the_mean_of_every_place_in_the_fan_out(others):
    """With n others each of the places 0 to n is as likely; between two whole numbers, each in its share."""
    from model.latency.parts import ahead

    part, u = ahead(np.array(others), 1.0), (np.arange(60_000) + 0.5) / 60_000
    assert part.mean_s == pytest.approx(others / 2, abs=1e-12)
    assert part.quantile_s(u).mean() == pytest.approx(others / 2, abs=1e-3)


def test_users_an_ocean_away_wait_for_the_light_in_the_fibre(twilly):
    """Dublin to Ashburn is 5,450 km: at the least detour 32 ms one way, and pings between them take 65 to 70 ms."""
    from model.prices import books

    assert books.distance_km("us-east-1", "eu-west-1") == pytest.approx(5450, rel=0.02)
    near = twilly.with_({"users_near": "us-east-1"})
    far = twilly.with_({"users_near": {"place": "eu-west-1", "detour": 1.2}})
    means = {
        name: {w: one(latency.mean_s(traffic_at_modes(c, w))) for w in ("before", "after")}
        for name, c in (("here", twilly), ("near", near), ("far", far))
    }
    assert means["here"] == pytest.approx(means["near"], rel=1e-12)
    one_way_s = means["far"]["after"] - means["near"]["after"]
    assert one_way_s == pytest.approx(5450 * 1.2 / (299_792 / 1.468), rel=0.01)
    with pytest.raises(InputError, match="unknown place 'eu-west-9' in users_near; did you mean 'eu-west-"):
        twilly.with_({"users_near": "eu-west-9"})


@pytest.mark.parametrize("start_s", [0.0, 3600.0])
def test_a_fallback_that_would_start_behind_the_reconnect_never_polls(twilly, start_s):
    now = traffic_at_modes(
        twilly.with_({"after.fallback.start_delay_s": start_s, "after.socket.blocked_share": 0}), "after"
    )
    parts, gap_s = chain.down_segments(now), one(now.life.reconnect_s)
    assert sum(one(share) for share, _ in parts.values()) == pytest.approx(one(now.life.down_share), rel=1e-9)
    if start_s > gap_s:  # then all of the gap is waited for the socket
        assert one(parts["first"][0]) == one(parts["polls"][0]) == 0.0 and one(parts["last"][1]) == pytest.approx(gap_s)


def test_whoever_is_not_reached_is_lost_with_the_connection_or_cut_off_with_the_sender(twilly):
    changes = {
        "after.socket.catch_up": False,
        "ledger.lambda_timeout_s": 1.0,
        "events.channel_content_update.recipients": 2000.0,
        "after.pushes.channel_content_update.audience": "broadcast",
        **{f"networks.{n}.losses_per_hour": 3.0 for n in ("wifi", "lte", "nr")},
    }
    now, event = traffic_at_modes(twilly.with_(changes), "after"), "channel_content_update"
    reasons = {why: one(share) for why, share in latency.undelivered_reasons(now, event).items()}
    assert len(reasons) == 2 and min(reasons.values()) > 0.005
    assert one(latency.undelivered_share(now, event)) == pytest.approx(sum(reasons.values()), rel=1e-9)
    made = one(now.life.fan_outs[event].share) * one(now.life.alive_share)
    assert 1.0 - one(latency.undelivered_share(now, event)) <= made + 1.0 - one(now.life.alive_share) + 1e-12


@pytest.mark.parametrize("which", ["before", "push_as_built", "polling_improved"])
def test_what_is_shown_of_draws_is_what_many_more_points_a_way_give(twilly, which, monkeypatch):
    """The middle of the draws: shares told within 0.005, p50 within 1 %."""
    from model.latency import deliveries

    drawn, shown = sampling.resolved(twilly, [1e4], 256, 0), []
    for usual, seldom, rare in ((128, 16, 4), (1024, 128, 32)):
        monkeypatch.setitem(deliveries.POINTS, "some", {"usual": usual, "seldom": seldom, "rare": rare})
        now = traffic.traffic(which, drawn)
        told = [np.median(share) for share in latency.told_in_time(now).values()]
        shown.append((np.array(told), np.median(latency.quantile_s(now, [0.5])[0])))
    (told, p50), (more_told, more_p50) = shown
    assert np.abs(told - more_told).max() < 0.005 and p50 == pytest.approx(more_p50, rel=0.01)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_services_one_after_another_spread_as_their_sum(count):
    means_s, sigma = [0.02, 0.05], 0.8
    part = parts.times(count, means_s, sigma)
    u = (np.arange(400_000) + 0.5) / 400_000
    variance = count * np.expm1(sigma**2) * sum(mean**2 for mean in means_s)
    assert part.mean_s == pytest.approx(count * sum(means_s), rel=1e-12)
    assert part.quantile_s(u).var() == pytest.approx(variance, rel=5e-3)
