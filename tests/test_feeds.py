"""What comes by the clock, who is told by audience and screen, and channels: rates, runs, radio, silence, mistakes."""

import numpy as np
import pytest

import model
from model import radio
from model.life import airtime, lengths
from model.scenario import sampling
from model.traffic import traffic as traffic_of

APP = """\
users: 10000
usage: {{dau_mau_share: 0.5, sessions_per_day: 4, session_mean_s: 180}}
screens: {{map: {{share: 0.7}}, ride: {{share: 0.3}}}}
{rest}
designs:
  poll: {{like: poll_http_api, timers: {{poll: {{period_s: 5}}}}}}
  push: {{like: websocket_api_gateway, socket: {{grace_s: 0, blocked_share: 0}}}}
"""
NO_LOSSES = {f"networks.{name}.{key}": 0 for name in ("wifi", "lte", "nr") for key in ("losses_per_hour",)}
NO_LAPSES = {f"networks.{name}.nat_timeout_s": 1e6 for name in ("wifi", "lte", "nr")}
ACTIVE_S = 10_000 * 0.5 * 30 * 4 * 180.0  # in a month


@pytest.fixture()
def app(tmp_path):
    def read(rest, lossless=True):
        (tmp_path / "app.yaml").write_text(APP.format(rest=rest), encoding="utf-8")
        case = model.load(tmp_path / "app.yaml")
        return case.with_({**NO_LOSSES, **NO_LAPSES}) if lossless else case

    return read


def count(traffic, name):
    return float(np.ravel(next(f for f in traffic.flows if f.name == name).per_month)[0])


def at_modes(case, design):
    return traffic_of(design, sampling.resolved(case))


@pytest.mark.parametrize(
    "audience, pushes, runs",
    [
        ("recipients", ACTIVE_S * 0.7 / 3, None),  # a feed of their own: a run of the sender each
        ("everyone", ACTIVE_S * 0.7 / 3, 30 * 86400 / 3),  # one run each 3 s, whoever is there
        ("members", ACTIVE_S * 0.7 / 3 * 2, 250 * 30 * 86400 / 3),  # of 2 channels each; 250 are live
    ],
)
def test_a_feed_each_3_s_comes_to_whoever_is_on_its_screen_and_its_sender_runs_once_a_channel(
    app, audience, pushes, runs
):
    case = app(
        f"channels: {{live: 250, members: 7, subscribed: 2}}\n"
        f"events: {{position: {{every_s: 3, audience: {audience}, payload_bytes: 40, screens: [map]}}}}"
    )
    push = at_modes(case, "push")
    assert count(push, "push position") == pytest.approx(pushes, rel=0.003)  # pings a 2 h cut and its reconnect aside
    if runs is None:
        assert [f for f in push.flows if f.kind == "broadcast"] == []
        assert next(f for f in push.flows if f.name == "push position").executions == 1.0
    else:
        assert count(push, "broadcast position") == pytest.approx(runs, rel=1e-12)
        posts = push.life.fan_outs["position"].posts
        assert float(np.ravel(posts)[0]) == pytest.approx(pushes / runs, rel=0.003)
    assert count(push, "send to an offline recipient") <= 0.003 * pushes  # who is not there is sent nothing


def test_events_for_everyone_reach_as_many_as_are_in_the_app(app):
    """As if the people in the app were counted by hand, so the messages grow with the square of the users."""
    named = "events: {{news: {{per_active_day: 2, {}, payload_bytes: 200}}}}"
    in_app = ACTIVE_S / (30 * 86400)
    whole = app(named.format("audience: everyone"))
    counted = app(named.format(f"recipients: {in_app}, online_share: 1"))
    for design in ("poll", "push"):
        one, other = (at_modes(case, design) for case in (whole, counted))
        for flow in ("push news", "poll poll"):
            if any(f.name == flow for f in one.flows):
                assert count(one, flow) == pytest.approx(count(other, flow), rel=1e-9)
    twice = at_modes(whole.with_({"users": 20_000}), "push")
    assert count(twice, "push news") == pytest.approx(4 * count(at_modes(whole, "push"), "push news"), rel=1e-9)
    assert count(at_modes(whole, "push"), "broadcast news") == pytest.approx(2 * 10_000 * 0.5 * 30, rel=1e-12)


def test_a_message_in_a_channel_is_one_run_that_finds_its_members_by_a_query(app):
    rest = "channels: {{members: {members}, subscribed: 3}}\n"
    rest += "events: {{chat: {{per_active_day: 20, audience: members, payload_bytes: 250}}}}"
    small, large = (at_modes(app(rest.format(members=members)), "push") for members in (5, 500))
    for push, members in ((small, 5), (large, 500)):
        sent = 20 * 10_000 * 0.5 * 30
        assert count(push, "broadcast chat") == pytest.approx(sent, rel=1e-12)
        assert count(push, "push chat") == pytest.approx(sent * members, rel=0.003)
        in_app = ACTIVE_S / (30 * 86400)  # subscriptions seen from both ends
        assert float(push.life.channels_live) * members == pytest.approx(in_app * 3, rel=1e-12)
    reads = [
        next(f for f in push.flows if f.kind == "broadcast").meters["dynamodb_read_unit"] for push in (small, large)
    ]
    assert reads == [0.5, np.ceil(500 * 158 / 4096) / 2]  # eventual reads of items of 158 B, 4 kB a unit


def test_an_answer_holds_news_of_a_feed_as_often_as_a_clock_ticks_in_a_period(app):
    case = app("events: {price: {every_s: 12.5, payload_bytes: 100}}").with_(
        {"poll.pull": {"request_bytes": 300, "response_bytes": 500, "function": "read"}, "poll.timers.poll.pulls": 1}
    )
    poll = at_modes(case, "poll")
    assert count(poll, "pull after poll poll") == pytest.approx(count(poll, "poll poll") * 5 / 12.5, rel=1e-9)
    often = at_modes(case.with_({"events.price.every_s": 2}), "poll")
    assert count(often, "pull after poll poll") == pytest.approx(count(often, "poll poll"), rel=1e-9)


@pytest.mark.parametrize("every_s, state", [(2.0, "tail"), (60.0, "idle")])
def test_a_feed_finds_the_radio_where_its_own_last_push_left_it(app, every_s, state):
    """Nothing else is on air, so each push finds what the clock says: the tail, or idle; at random it finds both."""
    case = app(f"events: {{price: {{every_s: {every_s}, payload_bytes: 100}}}}").with_(
        {"push.heartbeat.period_s": 1e6, "usage.session_mean_s": 3600}
    )
    push = at_modes(case, "push")
    lte = push.life.scenario.networks["lte"]
    assert every_s != pytest.approx(radio.tail_s(radio.profile(lte.profiles[0])), rel=0.2)
    active, tail, idle = (
        float(np.ravel(x)[0]) for x in airtime.shares_on(push, airtime.quiet_by_place(push, lte, "push price"))
    )
    found = {"tail": tail, "idle": idle}
    assert found[state] > 0.99 and active < 0.01  # connects, once in an hour, are the rest
    if state == "idle":
        at_random = airtime.radio_shares(push, lte)
        assert float(np.ravel(at_random[1])[0]) > 0.1


def test_the_radio_works_for_a_feed_as_for_a_timer_of_its_period(app):
    case = app("events: {price: {every_s: 8, payload_bytes: 100}}")
    push = at_modes(case, "push")
    lte = push.life.scenario.networks["lte"]
    source = airtime.place_sources(push, lte)["map"]["push price"]
    assert source.period_s == 8 and source.rate_per_s is None
    slow = radio.mean_power_w(radio.profile(lte.profiles[0]), radio.Source(period_s=8, bytes_down=source.bytes_down))
    by_chance = radio.mean_power_w(
        radio.profile(lte.profiles[0]), radio.Source(rate_per_s=1 / 8, bytes_down=source.bytes_down)
    )
    assert slow > by_chance  # no gap is long enough to sleep in, while at random some are


def test_a_feed_within_a_limit_of_silence_keeps_a_connection_and_one_beyond_it_does_not(app):
    from types import SimpleNamespace

    beat = SimpleNamespace(period_s=300.0, clock="fixed")
    kept, lost, alone = (lengths.silence(255.0, beat, 1 / 200, 10.0, 2.0, by_s) for by_s in (200.0, 260.0, np.inf))
    assert kept.deaf_share == kept.cuts_per_s == 0.0
    assert lost.deaf_share == alone.deaf_share > 0.0
    case = app("events: {price: {every_s: 100, payload_bytes: 100}}", lossless=False)
    case = case.with_({"push.heartbeat.period_s": 550, **{f"networks.{n}.nat_timeout_s": 120 for n in case.networks}})
    assert float(np.ravel(at_modes(case, "push").life.deaf_share)[0]) == 0.0
    at_random = case.with_(
        {"events.price": {"per_active_day": 7.2, "recipients": 1, "online_share": 1, "payload_bytes": 100}}
    )
    assert float(np.ravel(at_modes(at_random, "push").life.deaf_share)[0]) > 0.1


def test_what_a_role_does_by_the_clock_is_done_on_its_screen_alone(app):
    """Couriers are whoever is on the screen `ride`: a position each 5 s over the socket, by HTTP where none is held."""
    case = app(
        "events: {position: {every_s: 5, payload_bytes: 40, screens: [map]}}\n"
        "actions: {position: {every_s: 5, screens: [ride], over: socket, requests: 1, request_bytes: 120, "
        "response_bytes: 0, function: write}}"
    )
    sent = ACTIVE_S * 0.3 / 5
    for design, messages in (("poll", 0.0), ("push", 1.0)):
        traffic = at_modes(case, design)
        flow = next(f for f in traffic.flows if f.name == "position")
        assert float(np.ravel(flow.per_month)[0]) == pytest.approx(sent, rel=1e-12)
        assert flow.messages_up == messages and flow.period_s == 5 and flow.kind == "action"
        rates = {place: rate for place, rate in flow.rates_per_s.items()}
        assert list(rates) == ["ride"] and rates["ride"] == pytest.approx(1 / 5, rel=1e-12)


def test_a_feed_and_channels_have_every_row_at_the_modes_and_in_draws(app):
    case = app(
        "channels: {}\n"
        "events:\n  price: {every_s: {low: 1, mode: 2, high: 5}, audience: everyone, payload_bytes: 100}\n"
        "  chat: {per_active_day: 5, audience: members, payload_bytes: 100}\n"
        "  news: {per_active_day: 0.1, audience: everyone, payload_bytes: 100}",
        lossless=False,
    )
    for draws in (0, 4):
        table = model.before_after(case, users=[1e3, 1e5], draws=draws)
        assert table[["before", "after"]].notna().all(axis=None)
    assert {"events.price.every_s", "channels.members", "channels.subscribed"} <= set(
        model.scenario.columns.ranged_inputs(case)
    )


@pytest.mark.parametrize(
    "rest, sentence",
    [
        (
            "events: {e: {every_s: 3, per_active_day: 2, payload_bytes: 1}}",
            "events.e must leave out per_active_day, for every_s says who is told and when",
        ),
        (
            "events: {e: {per_active_day: 3, audience: everyone, recipients: 2, payload_bytes: 1}}",
            "events.e must leave out recipients, for its audience says who is told and when",
        ),
        ("events: {e: {every_s: 0, payload_bytes: 1}}", "events.e.every_s must be > 0 s; got 0"),
        ("events: {e: {every_s: 3}}", "events.e.payload_bytes must be given"),
        (
            "events: {e: {per_active_day: 3, audience: members, payload_bytes: 1}}",
            "channels must be given where events.e is told to the members of one; got nothing",
        ),
        (
            "events: {e: {per_active_day: 3, payload_bytes: 1}}",
            "events.e lacks recipients, online_share, which must be given",
        ),
        (
            "overlays: {o: {per_active_day: 1, duration_s: 5}}\n"
            "events: {e: {every_s: 3, overlay: o, payload_bytes: 1}}",
            "events.e.overlay must be left out where the event comes each every_s; got 'o'",
        ),
        (
            "events: {e: {every_s: 3, payload_bytes: 1}}\nactions: {a: {every_s: 3, per_session: 1, requests: 1, "
            "request_bytes: 1, response_bytes: 1, function: read}}",
            "actions.a must say every_s, or per_session and per_active_day; got both",
        ),
        (
            "events: {e: {every_s: 3, payload_bytes: 1}}\nactions: {a: {every_s: 3, screens: [rides], requests: 1, "
            "request_bytes: 1, response_bytes: 1, function: read}}",
            "unknown screen 'rides' in actions.a; did you mean 'ride'",
        ),
        (
            "events: {e: {every_s: 3, audience: all, payload_bytes: 1}}",
            "events.e.audience must be 'recipients', 'members'",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_sentence(app, rest, sentence):
    with pytest.raises(model.InputError) as refused:
        app(rest)
    assert sentence in str(refused.value) and "app.yaml" in str(refused.value)
