"""A design becomes flows whose rates, connections and times agree with each other."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import traffic, wire
from model.life import chains, exchange, sessions
from model.life.flow import cold_shares, quiet
from model.life.lengths import mean_billed_minutes
from model.scenario import sampling


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


@pytest.fixture(scope="module")
def both(twilly):
    plain = sampling.resolved(twilly)
    return {which: traffic.traffic(which, plain) for which in ("before", "after")}


def traffic_of(scenario, which):
    return traffic.traffic(which, sampling.resolved(scenario))


def flow(now, name):
    return next(f for f in now.flows if f.name == name)


def test_active_hours_are_users_times_days_times_sessions_times_length(both):
    assert both["before"].life.active_s / 3600 / 10_000 == pytest.approx(0.2 * 30 * 3 * 600 / 3600, rel=1e-12)


def test_a_2_s_poll_on_60_percent_of_the_time_is_18_requests_a_minute(both):
    poll = flow(both["before"], "poll unread_counts")
    assert poll.per_month / both["before"].life.active_s * 60 == pytest.approx(18.0, rel=1e-12)


def test_every_behaviour_of_the_overhaul_is_a_flow(both):
    kinds = {f.kind for f in both["after"].flows}
    assert {"connect", "disconnect", "heartbeat", "push", "fallback", "offline", "lingering", "minutes"} <= kinds
    assert sum(f.kind == "push" for f in both["after"].flows) == 8


def test_a_phase_2_event_that_nobody_sends_is_no_flow(twilly):
    unsent = twilly.with_({"after.pushes.notification.sent": False})
    assert not any(f.name == "push notification" for f in traffic.flows("after", unsent))


def test_three_pulls_after_a_push_ride_on_its_wake_up(twilly):
    pulled = twilly.with_({"after.pushes.new_comment.pulls": 3})
    pull = next(f for f in traffic.flows("after", pulled) if f.name == "pull after new_comment")
    assert pull.requests == 3 and pull.rides == "push new_comment"


def test_monthly_occurrences_are_the_rates_at_the_places(both):
    for now in both.values():
        for one in now.flows:
            if one.rates_per_s:
                total = sum(now.life.places[p].weight * r for p, r in one.rates_per_s.items())
                assert one.per_month == pytest.approx(now.life.active_s * total, rel=1e-12)


def test_places_of_the_foreground_add_up_to_the_active_time(both):
    for now in both.values():
        assert sum(p.weight for p in now.life.places.values() if p.screen) == pytest.approx(1.0, abs=1e-12)


def test_doubling_users_doubles_every_flow_of_a_managed_backend(twilly):
    plain = sampling.resolved(twilly, users=[1e4, 2e4])
    for which in ("before", "after"):
        for one in traffic.traffic(which, plain).flows:
            values = np.broadcast_to(one.per_month, (2,))
            if one.kind == "gone":  # a larger table hides more rows from a scan of one page
                assert values[1] >= 2 * values[0]
                continue
            assert values[1] == pytest.approx(2 * values[0], rel=1e-12)


@pytest.mark.parametrize("sigma", [1e-9, 0.5, 1.0, 1.5])
def test_billed_minutes_agree_with_simulated_sessions(sigma):
    rng = np.random.default_rng(3)
    lengths = 600.0 * np.exp(sigma * rng.standard_normal(400_000) - sigma**2 / 2)
    minutes = np.ceil((lengths + 30.0) / 60.0)
    error = 4 * minutes.std() / np.sqrt(minutes.size) + 1e-9
    assert abs(mean_billed_minutes(600.0, sigma, 30.0) - minutes.mean()) < error


@pytest.mark.parametrize("grace_s", [0.0, 60.0, 1790.0, 1800.0, 7200.0, 1e5])
def test_a_long_grace_is_billed_to_the_minute_as_in_simulated_sessions(grace_s):
    rng = np.random.default_rng(6)
    minutes = np.ceil((600.0 * np.exp(rng.standard_normal(400_000) - 0.5) + grace_s) / 60.0)
    error = 4 * minutes.std() / np.sqrt(minutes.size)
    assert abs(mean_billed_minutes(600.0, 1.0, grace_s) - minutes.mean()) < error


def test_a_plain_server_cuts_no_connection_at_the_gateways_limits(twilly):
    silent = {"after.heartbeat.period_s": 3600, "usage.session_mean_s": 72000, "usage.sessions_per_day": 1}
    gateway, own = (
        traffic.traffic(
            "after",
            sampling.resolved(twilly.with_({**silent, "after.socket.backend": b, "after.socket.blocked_share": 0})),
        ).life
        for b in ("apigw_ws", "server")
    )
    starts = own.sessions / own.active_s
    assert own.connects_per_s == pytest.approx(starts + own.losses_per_s, rel=1e-12)
    assert gateway.connects_per_s > starts + gateway.losses_per_s and gateway.losses_per_s > own.losses_per_s


def test_the_2_h_limit_cuts_as_often_as_in_simulated_sessions():
    rng = np.random.default_rng(4)
    lengths = 3600.0 * np.exp(rng.standard_normal(400_000) - 0.5)
    cuts = np.floor((lengths + 30.0) / 7200.0)
    error = 4 * cuts.std() / np.sqrt(cuts.size)
    assert abs(sessions.mean_cuts(3600.0, 1.0, 30.0, 7200.0) - cuts.mean()) < error


def test_a_day_long_session_is_cut_twelve_times():
    assert sessions.mean_cuts(86400.0, 1e-9, 30.0, 7200.0) == pytest.approx(12.0)


def test_attempts_end_a_poll_of_an_exponential_wait_by_its_closed_form():
    rng = np.random.default_rng(5)
    waits = np.minimum(rng.exponential(25.0, 200_000), 30.0)
    assert abs(sessions.mean_least_s(25.0, 30.0) - waits.mean()) < 4 * waits.std() / np.sqrt(waits.size)


def test_a_timer_shorter_than_the_keep_alive_never_finds_a_cold_connection(both):
    assert flow(both["before"], "poll unread_counts").cold_share == 0.0


def test_a_lone_poisson_flow_is_cold_with_the_chance_of_a_long_gap():
    lone = traffic.Flow("lone", "poll", 1.0, {"here": 1 / 120}, exchange="http")
    assert cold_shares([lone], {"here": 1.0}, 60.0)[0] == pytest.approx(np.exp(-0.5), rel=1e-12)


def test_a_lone_poll_as_often_as_the_idle_timeout_finds_its_connection_open():
    def cold(period_s, gap_s):
        lone = traffic.Flow("lone", "poll", 1.0, {"here": 1.0 / period_s}, period_s=period_s, exchange="http")
        return float(cold_shares([lone], {"here": 1.0}, gap_s)[0])

    periods_s = [float(p) for p in range(1, 200)]
    assert [p for p in periods_s if cold(p, p)] == []
    assert all(cold(p, p - 0.01) == 1.0 for p in periods_s)


@pytest.mark.parametrize("name", ["twilly", "polling_improved", "twilly_improved"])
def test_a_flow_with_a_timer_carries_the_period_that_its_rate_comes_from(name):
    for which in ("before", "after"):
        now = traffic.traffic(which, sampling.resolved(model.load(name)))
        design, timed = now.life.design, {f.name: f for f in now.flows if f.timer}
        loops = {f"poll {n}": t for n, t in design.timers.items() if t.timing != "by_hand"}
        extra = {"heartbeat": design.heartbeat, "fallback poll": design.fallback} if design.socket else {}
        assert timed.keys() == {*loops, *extra}
        for flow in timed.values():
            about = {**loops, **extra}[flow.name]
            slept = getattr(about, "timing", "fixed") == "sleep_then_request"
            assert flow.period_s > about.period_s if slept else flow.period_s == about.period_s
            for rate in flow.rates_per_s.values():
                assert rate * flow.period_s == pytest.approx(flow.duty, rel=1e-12)


@pytest.mark.parametrize(
    ("sender", "answered", "up", "down"),
    [("client", True, 1, 1), ("client", False, 1, 0), ("server", True, 1, 1), ("server", False, 0, 1)],
)
def test_a_beat_is_a_message_of_who_sends_it_and_its_answer_one_of_the_other(sender, answered, up, down):
    path, case = "after.heartbeat", model.load("twilly")
    said = {"from": sender, "answered": answered, "function": "read"}
    beats = {
        kind: case.with_({f"{path}.{k}": v for k, v in {**said, "kind": kind}.items()}) for kind in ("json", "ping")
    }
    assert beats["json"].designs["after"].heartbeat.messages == (up, down)
    assert beats["ping"].designs["after"].heartbeat.messages == (0, 0)


@pytest.mark.parametrize("duty", [1.0, 0.25])
def test_a_timer_that_runs_for_a_part_of_the_time_is_quiet_in_the_rest(duty):
    """A gap of g holds one of its requests with chance duty g / T, up to T; a simulated timer that is on by turns."""
    flow = traffic.Flow("t", "poll", 1.0, {"x": duty / 60.0}, period_s=60.0, exchange="http", duty=duty)
    rng = np.random.default_rng(8)
    on, phase = rng.random(400_000) < duty, rng.uniform(0.0, 60.0, 400_000)
    for gap_s in (15.0, 45.0, 60.0, 200.0):
        heard = on & (phase < gap_s)
        assert quiet(flow, "x", gap_s) == pytest.approx(1.0 - heard.mean(), abs=4.0 * 0.5 / np.sqrt(400_000))
    assert quiet(flow, "elsewhere", 200.0) == 1.0


def test_cold_connections_agree_with_a_simulated_timer_among_random_requests():
    rng = np.random.default_rng(6)
    span, gap = 4e6, 60.0
    timer = np.arange(rng.uniform(0, 100.0), span, 100.0)
    others = np.sort(rng.uniform(0, span, rng.poisson(span / 90.0)))
    last = others[np.maximum(np.searchsorted(others, timer) - 1, 0)]
    cold = (timer - last > gap) & (100.0 > gap)
    made = [
        traffic.Flow("t", "poll", 1.0, {"x": 0.01}, period_s=100.0, exchange="http"),
        traffic.Flow("o", "poll", 1.0, {"x": 1 / 90}, exchange="http"),
    ]
    exact = cold_shares(made, {"x": 1.0}, gap)[0]
    assert abs(exact - cold.mean()) < 4 * np.sqrt(exact * (1 - exact) / timer.size)


def test_open_connections_are_connected_time_over_the_month(both):
    life = both["after"].life
    whole = (life.connected_share + life.lingering_share) * life.active_s
    assert life.open_connections == pytest.approx(whole / (30 * 86400), rel=1e-12)


def test_a_heartbeat_slower_than_the_carriers_nat_loses_connections_unseen(twilly):
    nat = {f"networks.{n}.nat_timeout_s": 240 for n in twilly.networks}
    fast, slow = (
        traffic.traffic("after", sampling.resolved(twilly.with_({**nat, "after.heartbeat.period_s": p})))
        for p in (230, 300)
    )
    assert slow.life.unseen_per_s > 2 * fast.life.unseen_per_s
    assert slow.life.notice_s > fast.life.notice_s


def cut_by_silence(limit_s, beat_s, rate, clock, span_s=1.2e7, pong_s=10.0, back_s=2.5, seed=8):
    """Connections one after another: the share of time deaf or away, and its standard error from ten spans."""
    rng, shares = np.random.default_rng(seed), []
    for _ in range(10):
        now = last = gone = 0.0
        beat, push = beat_s, rng.exponential(1 / rate)
        while now < span_s / 10:
            packet = min(beat, push)
            if last + limit_s < packet:  # cut: deaf until the next ping is given up, then back with a new clock
                back = beat + pong_s + back_s
                gone += back - last - limit_s
                now = last = back
                beat, push = back + beat_s, back + rng.exponential(1 / rate)
                continue
            now = last = packet
            beat = packet + beat_s if clock == "after_silence" or packet == beat else beat
            push = packet + rng.exponential(1 / rate) if packet == push else push
        shares.append(gone / now)
    return np.mean(shares), np.std(shares) / np.sqrt(9)


@pytest.mark.parametrize(
    ("limit_s", "beat_s", "clock", "published"),
    [
        (255.0, 256.0, "fixed", 0.010),
        (255.0, 300.0, "fixed", 0.044),
        (240.0, 300.0, "fixed", 0.064),  # 6.7 % in a shorter simulation
        (255.0, 600.0, "fixed", 0.247),  # 25 %
        (255.0, 256.0, "after_silence", 0.021),
        (255.0, 300.0, "after_silence", 0.084),
        (100.0, 450.0, "fixed", None),
    ],
)
def test_a_limit_on_silence_costs_what_simulated_connections_lose_to_it(limit_s, beat_s, clock, published):
    from model.life.lengths import silence

    rate = 1 / 158.0
    found = silence(limit_s, SimpleNamespace(period_s=beat_s, clock=clock), rate, 10.0, 2.5)
    lost = float(found.deaf_share + found.cuts_per_s * 2.5)
    share, error = cut_by_silence(limit_s, beat_s, rate, clock)
    assert abs(lost - share) < 4 * error
    if published:
        assert lost == pytest.approx(published, abs=0.0015)


def test_a_heartbeat_below_every_limit_loses_nothing_and_a_reset_is_noticed_at_once(twilly):
    quick = traffic_of(twilly.with_({"after.heartbeat.period_s": 200.0}), "after").life
    assert float(np.ravel(quick.deaf_share)[0]) == 0.0
    slow = {"after.heartbeat.period_s": 300.0, "networks.lte.nat_timeout_s": 255.0}
    told, silent = (
        traffic_of(twilly.with_({**slow, "ledger.nat_reset_share": share}), "after").life.deaf_share
        for share in (1.0, 0.0)
    )
    assert 0.0 < told < silent


def test_pings_that_do_not_reset_the_gateways_idle_timer_lose_quiet_connections(twilly):
    quiet = {f"events.{name}.per_active_day": 0.001 for name in twilly.events}
    heard, unheard = (
        traffic_of(twilly.with_({**quiet, "after.socket.ping_resets_idle": resets}), "after").life.losses_per_s
        for resets in (True, False)
    )
    assert 3 * float(heard) < float(unheard)


# --- losses, one by one

LOSSY = {
    "after.socket.blocked_share": 0,
    "after.reconnect.delays_s": [2.0, 4.0],
    "usage.sessions_per_day": 1,
    "usage.session_mean_s": 3600,
    "after.heartbeat.period_s": 29.0,  # whole minutes are no whole heartbeats
    **{f"networks.{n}.nat_timeout_s": 7200 for n in ("wifi", "lte", "nr")},
    **{f"networks.{n}.losses_per_hour": 4 for n in ("wifi", "lte", "nr")},
}
IDLE_S = 600.0  # a gateway closes what was silent for so long


def lossy_life(twilly, unseen_share, **changes):
    case = twilly.with_({**LOSSY, **{f"networks.{n}.unseen_share": unseen_share for n in twilly.networks}, **changes})
    return traffic.traffic("after", sampling.resolved(case)).life


def noticed_s(lost_s, beat_s, pong_s):
    """When a client notices a loss: it pings on time, and waits so long for the pong that never comes."""
    return np.ceil(lost_s / beat_s) * beat_s + pong_s


def connections(length_s, life, unseen_share, rng):
    """The connections of one session: opened, given up by the client, closed at the gateway [s from its start]."""
    found, opened, beat = [], 0.0, life.design.heartbeat
    while opened < length_s:
        up_s, left_s = rng.exponential(3600.0 / 4), length_s - opened
        if up_s >= left_s:
            closed = length_s + life.design.socket.grace_s
            return [*found, (opened, closed, closed)]
        given_up = closed = opened + up_s
        if rng.random() < unseen_share:
            given_up = opened + noticed_s(up_s, beat.period_s, beat.pong_timeout_s)
            closed = opened + np.floor(up_s / beat.period_s) * beat.period_s + IDLE_S  # from the last ping on
        found.append((opened, given_up, closed))
        opened = given_up + life.reconnect_s
    return found


def simulated_sessions(life, unseen_share, count=20_000):
    rng = np.random.default_rng(12)
    lengths = 3600.0 * np.exp(rng.standard_normal(count) - 0.5)
    return lengths, [connections(x, life, unseen_share, rng) for x in lengths]


@pytest.mark.parametrize(("beat_s", "pong_s"), [(30.0, 10.0), (240.0, 5.0)])
def test_a_loss_is_noticed_when_simulated_pings_find_no_pong(twilly, beat_s, pong_s):
    life = lossy_life(twilly, 1.0, **{"after.heartbeat.period_s": beat_s, "after.heartbeat.pong_timeout_s": pong_s})
    lost = np.random.default_rng(9).uniform(0, 1e6 * beat_s, 200_000)
    gaps = noticed_s(lost, beat_s, pong_s) - lost
    assert abs(life.notice_s - gaps.mean()) < 4 * gaps.std() / np.sqrt(gaps.size)
    assert life.gap_s == (pytest.approx(gaps.min(), rel=1e-3), pytest.approx(gaps.max(), rel=1e-3))


def test_lost_connections_linger_as_on_a_timeline_of_pings_losses_and_the_idle_limit(twilly):
    """The model counts the idle limit from the loss, the timeline from the last ping: half a heartbeat less."""
    life = lossy_life(twilly, 1.0)
    _, held = simulated_sessions(life, 1.0)
    lingered = [closed - given_up for one in held for _, given_up, closed in one if closed > given_up]
    half_a_beat_s = life.design.heartbeat.period_s / 2
    assert len(lingered) > 50_000
    assert life.lingering_share / life.unseen_per_s == pytest.approx(np.mean(lingered) + half_a_beat_s, abs=0.5)


@pytest.mark.parametrize("unseen_share", [0.0, 0.3])
def test_billed_minutes_agree_with_simulated_sessions_that_lose_connections(twilly, unseen_share):
    """Each connection is rounded up to the minute, so a loss costs half a minute; lingering ones run on."""
    life = lossy_life(twilly, unseen_share)
    lengths, held = simulated_sessions(life, unseen_share)
    minutes = np.array([sum(np.ceil((closed - opened) / 60.0) for opened, _, closed in one) for one in held])
    more = minutes - lengths / 60.0
    modelled = life.billed_minutes_per_s * life.active_s / life.sessions - 60.0
    later = 4 * unseen_share * life.design.heartbeat.period_s / 2 / 60.0  # the idle limit, as above
    assert modelled - later == pytest.approx(more.mean(), rel=0.03)  # while it is down, nothing more is lost


# --- a sender that may be cut off


@settings(max_examples=40, deadline=None)
@given(recipients=st.floats(1.0, 5e4), timeout_s=st.floats(0.5, 900.0), post_s=st.floats(0.005, 0.05))
def test_a_sender_posts_until_its_time_is_up_and_runs_no_longer(twilly, recipients, timeout_s, post_s):
    cast = twilly.with_(
        {
            "after.pushes.new_comment.audience": "broadcast",
            "events.new_comment.recipients": recipients,
            "ledger.lambda_timeout_s": timeout_s,
            "ledger.apigw_ws_post_s": post_s,
        }
    )
    now = traffic.traffic("after", sampling.resolved(cast))
    one, run = now.life.fan_outs["new_comment"], flow(now, "broadcast new_comment")
    work_s = run.execution_s - one.seconds
    whole = np.floor(one.posts)
    made = (work_s + post_s * np.arange(1.0, whole + 1.0) <= timeout_s).sum()  # posts that end in time
    assert made == pytest.approx(one.share * one.posts, abs=1.0 + 1e-6)
    assert 0 < one.share <= 1 and run.execution_s <= timeout_s and one.seconds <= one.needed_s
    assert flow(now, "push new_comment").per_month == pytest.approx(run.per_month * one.share * one.posts, rel=1e-9)


def test_a_longer_heartbeat_is_noticed_later_and_so_misses_more(twilly):
    shares = [
        traffic.traffic("after", sampling.resolved(twilly.with_({"after.heartbeat.period_s": p}))).life.unseen_share
        for p in (10, 30, 60, 240)
    ]
    assert shares == sorted(shares)


def test_a_disconnect_that_scans_reads_a_page_and_a_keyed_one_reads_nothing(twilly):
    scan = next(f for f in traffic.flows("after", twilly) if f.name == "disconnect")
    keyed = next(
        f for f in traffic.flows("after", twilly.with_({"after.socket.disconnect": "key"})) if f.name == "disconnect"
    )
    assert scan.meters["dynamodb_read_unit"] == 128.0  # one page of 1 MB, eventually consistent
    assert "dynamodb_read_unit" not in keyed.meters


def test_a_json_heartbeat_is_two_messages_and_a_run(twilly):
    beat = {"after.heartbeat.kind": "json", "after.heartbeat.function": "connect"}
    one = next(f for f in traffic.flows("after", twilly.with_(beat)) if f.name == "heartbeat")
    assert one.meters["apigw_ws_message"] == 2.0 and one.meters["lambda_request"] == 1.0


def test_an_answer_without_news_may_be_another_such_as_a_304(twilly):
    name = next(n for n, t in twilly.before.timers.items() if t.delivers and t.timing == "fixed" and not t.pulls)
    full, saved, none = (
        flow(traffic_of(twilly.with_({f"before.timers.{name}.empty_bytes": size}), "before"), f"poll {name}")
        for size in (None, 300.0, 0.0)
    )
    timer = twilly.before.timers[name]
    polls_with_news = 1.0 - (full.response_bytes - saved.response_bytes) / (timer.response_bytes - 300.0)
    assert 0.0 < polls_with_news < 0.2  # news is rare in a poll each 2 s
    assert saved.response_bytes - none.response_bytes == pytest.approx(300.0 * (1.0 - polls_with_news))


def test_node_20_takes_the_other_sources_longer_start_into_its_range_and_no_other_runtime_does(twilly):
    name = next(iter(twilly.before.functions))
    newer = twilly.with_({f"before.functions.{name}.runtime": "nodejs20"})
    assert "ledger.lambda_node20_init_s" not in sampling.ranged_inputs(twilly)
    one = sampling.ranged_inputs(newer)["ledger.lambda_node20_init_s"]
    assert (one.low, one.mode, one.high) == (0.0, 0.0, 0.141)
    slow = newer.with_({"ledger.lambda_node20_init_s": 0.141})
    started = [traffic_of(s, "before").runs[name].init_s for s in (twilly, newer, slow)]
    assert started[0] - started[1] == pytest.approx(0.033, abs=1e-3)  # lambda_perf
    assert started[2] - started[0] == pytest.approx(0.108, abs=1e-3)  # lambda_size_gist's largest difference


def test_a_servers_unanswered_messages_go_down_only_as_often_as_published(twilly):
    """Ten thousand connections and a ping each 3 s are "3000+ messages per second" (anycable/actioncable-next, 6)."""
    beat = {"from": "server", "answered": False, "kind": "json", "period_s": 3.0, "pong_timeout_s": 6.0}
    scenario = twilly.with_({"after.socket.backend": "server", "after.heartbeat": beat})
    found = traffic_of(scenario, "after")
    sent = flow(found, "heartbeat")
    each_s = found.life.open_connections * scenario.month_s / sent.per_month  # some of the open are lost already
    assert 1e4 / each_s == pytest.approx(3333.3, rel=0.02)
    assert (sent.messages_up, sent.messages_down, sent.executions) == (0.0, 1.0, 0.0)
    up, down = exchange.flow_bytes(found, sent)
    assert (up, down) == wire.websocket_message_bytes(0, masked=False)


def test_a_beat_of_the_server_is_the_clients_turned_round_and_no_reset_answers_it(twilly):
    slow = {"after.heartbeat.period_s": 300.0, "networks.lte.nat_timeout_s": 255.0, "ledger.nat_reset_share": 1.0}
    own, turned = (
        traffic_of(twilly.with_({**slow, "after.heartbeat.from": who}), "after") for who in ("client", "server")
    )
    sizes = [exchange.flow_bytes(found, flow(found, "heartbeat")) for found in (own, turned)]
    assert sizes == [(132, 76), (80, 128)] and sum(sizes[0]) == sum(sizes[1]) == 208
    assert np.all(turned.life.deaf_share > own.life.deaf_share)


def test_of_two_beats_the_quicker_shows_a_loss_and_both_wake_the_phone(twilly):
    second = {"period_s": 45.0, "pong_timeout_s": 10.0, "from": "server"}
    alone, both = (
        traffic_of(twilly.with_({"after.heartbeat.period_s": 60.0, "after.second_heartbeat": beat}), "after")
        for beat in (None, second)
    )
    quick = traffic_of(twilly.with_({"after.heartbeat": {**twilly.after.heartbeat.model_dump(), **second}}), "after")
    assert both.life.notice_s == quick.life.notice_s < alone.life.notice_s
    assert flow(both, "second heartbeat").per_month == pytest.approx(flow(quick, "heartbeat").per_month, rel=1e-3)
    assert flow(both, "heartbeat").per_month == pytest.approx(flow(alone, "heartbeat").per_month, rel=1e-3)
    one, two = (model.evaluate(twilly.with_({"after.second_heartbeat": b})) for b in (None, second))
    assert two.values("battery", "after") > one.values("battery", "after")


def test_pings_are_free_unless_the_switch_says_otherwise(twilly):
    billed = twilly.with_({"billing.pings_billed": True})
    one, other = (next(f for f in traffic.flows("after", s) if f.name == "heartbeat") for s in (twilly, billed))
    assert "apigw_ws_message" not in one.meters and other.meters["apigw_ws_message"] == 2.0


def test_a_rest_api_and_a_plain_server_meter_their_own_way(twilly):
    rest = traffic.flows("before", twilly.with_({"before.api.backend": "rest_api"}))[0]
    own = traffic.flows("before", twilly.with_({"before.api.backend": "server"}))
    assert rest.meters["apigw_rest_request"] == 1.0
    assert "lambda_request" not in own[0].meters
    assert any("ec2_t4g_medium_hour" in f.meters for f in own)


def test_smaller_memory_runs_longer(twilly):
    plain = sampling.resolved(twilly)
    function = plain.before.functions["read"]
    times = [chains.run_s(plain, function.model_copy(update={"memory_mb": m})) for m in (128, 512, 1769, 3008)]
    assert times[0] > times[1] > times[2] == times[3]


@settings(max_examples=20, deadline=None)
@given(period=st.floats(1.0, 60.0), share=st.floats(0.01, 0.9), length=st.floats(60.0, 3000.0))
def test_nothing_is_negative_and_shares_stay_shares(twilly, period, share, length):
    case = twilly.with_(
        {"before.timers.unread_counts.period_s": period, "usage.dau_mau_share": share, "usage.session_mean_s": length}
    )
    for which in ("before", "after"):
        now = traffic.traffic(which, sampling.resolved(case))
        for one in now.flows:
            assert one.per_month >= 0 and 0 <= one.cold_share <= 1
            assert all(np.all(np.asarray(v) >= 0) for v in one.meters.values())
        assert 0 <= now.life.down_share <= 1 and 0 <= now.life.unseen_share <= 1


def test_the_shorter_the_poll_the_more_requests(twilly):
    counts = [
        next(f for f in traffic.flows("before", twilly.with_({"before.timers.unread_counts.period_s": p}))).per_month
        for p in (1, 2, 5, 30)
    ]
    assert counts == sorted(counts, reverse=True)


def test_an_event_of_one_screen_is_not_pushed_to_whoever_has_left_it(both):
    rates = {f.events[0]: f.rates_per_s for f in both["after"].flows if f.kind == "push"}
    assert set(rates["new_comment"]) == {"watching"} and "grace" in rates["notification"]


def test_what_goes_over_the_socket_is_a_message_up_and_a_run_and_no_request():
    """A courier's position each 5 s: a billed message and a run of code, where a poll's app makes it a request."""
    sends = {"per_active_day": 720.0, "requests": 1, "request_bytes": 120, "response_bytes": 0, "function": "read"}
    over = {
        way: model.load("delivery").with_({"actions": {"position": {**sends, "over": way}}})
        for way in ("http", "socket")
    }
    socket, http = (traffic_of(case, "push") for case in (over["socket"], over["http"]))
    sent = next(f for f in socket.flows if f.name == "position")
    asked = next(f for f in http.flows if f.name == "position")
    assert float(np.ravel(sent.per_month)[0]) == pytest.approx(float(np.ravel(asked.per_month)[0]), rel=1e-12)
    assert (sent.requests, sent.executions, sent.messages_up, sent.messages_down) == (0, 1.0, 1.0, 0.0)
    assert (
        sent.meters["apigw_ws_message"] == 1.0
        and "apigw_http_request" not in sent.meters
        and sent.meters["lambda_request"] == 1
    )
    polled = next(f for f in traffic_of(over["socket"], "poll").flows if f.name == "position")
    assert polled.requests == 1 and polled.meters["apigw_http_request"] == 1.0  # no socket is held there
    from model import mobile_data, wire

    up, down = wire.websocket_message_bytes(120, True)
    networks = {name: {"ip": 4} for name in ("wifi", "lte", "nr")}
    four = traffic_of(over["socket"].with_({f"networks.{n}.ip": 4 for n in networks}), "push")
    flow = next(f for f in four.flows if f.name == "position")
    hours = four.life.active_s / 3600
    assert mobile_data.flow_mb(flow, four) == pytest.approx(flow.per_month / hours * float(up + down) / 1e6, rel=1e-9)
