"""Mobile data: sums by hand, parts that add up, properties, the metered part and what a plan bears."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import ledger, mobile_data, paths, traffic
from model.checks import InputError
from model.life import exchange
from model.scenario import sampling

IPV4 = {f"networks.{n}.ip": 4 for n in ("wifi", "lte", "nr")}
LOSSLESS = {
    f"networks.{n}.{what}": value
    for n in ("wifi", "lte", "nr")
    for what, value in (("losses_per_hour", 0), ("nat_timeout_s", 1e6))
}
ALWAYS_UP = {**LOSSLESS, "after.socket.blocked_share": 0, "after.socket.grace_s": 0}
DESIGNS = [(name, which) for name in ("twilly", "twilly_as_built") for which in ("before", "after")]


def traffic_at_modes(which="before", changes=None, name="twilly", users=None, draws=0):
    case = model.load(name).with_(changes or {})
    return traffic.traffic(which, sampling.resolved(case, users, draws, seed=7))


def flow_of(now, name):
    return next(flow for flow in now.flows if flow.name == name)


def total(by_flow):
    return sum(by_flow.values())


# --- sums by hand ----------------------------------------------------------------------------------


def test_a_poll_of_360_and_520_bytes_every_2_s_is_1_944_mb_an_hour():
    case = next(
        r for r in ledger.read_csv(paths.data("published", "wire_bytes.csv")) if r["id"] == "poll_2s_mb_per_hour"
    )
    poll = {
        f"before.timers.unread_counts.{k}": v
        for k, v in (
            ("screens", None),
            ("period_s", 2),
            ("request_bytes", 360),
            ("response_bytes", 520),
            ("news_bytes", 0),
        )
    }
    now = traffic_at_modes(changes={**IPV4, **poll, "before.api.backend": "server"})
    found = mobile_data.flow_mb(flow_of(now, "poll unread_counts"), now)
    assert found == pytest.approx(float(case["expected"]), rel=1e-12)


def test_a_slow_answer_adds_a_lone_ack_of_52_bytes_to_each_poll():
    quick, slow = (traffic_at_modes(changes={**IPV4, "before.functions.read.cpu_s": s}) for s in (0.001, 0.01))
    polls = 3600 / 2 * 0.6
    more = mobile_data.flow_mb(slow.flows[0], slow) - mobile_data.flow_mb(quick.flows[0], quick)
    assert more == pytest.approx(polls * 52 / 1e6, rel=1e-9)


def test_a_heartbeat_every_30_s_is_24960_bytes_an_hour():
    now = traffic_at_modes("after", {**IPV4, **ALWAYS_UP})
    assert mobile_data.flow_mb(flow_of(now, "heartbeat"), now) * 1e6 == pytest.approx(24_960, rel=1e-12)


def test_a_heartbeat_on_a_mix_of_ip_versions_carries_60_bytes_more_on_ipv6():
    now = traffic_at_modes("after", ALWAYS_UP)
    networks = now.life.scenario.networks.values()
    each = sum(n.share * (208 + 60 * (n.ip == 6)) for n in networks)
    assert mobile_data.flow_mb(flow_of(now, "heartbeat"), now) == pytest.approx(120 * each / 1e6, rel=1e-12)


def test_pushes_of_184_bytes_are_314_on_the_wire_as_often_as_somebody_is_told():
    now = traffic_at_modes("after", {**IPV4, **ALWAYS_UP})
    event, use = now.life.scenario.events["new_comment"], now.life.scenario.usage
    told = event.per_active_day * event.recipients * event.online_share
    hours = use.sessions_per_day * use.session_mean_s / 3600
    assert mobile_data.flow_mb(flow_of(now, "push new_comment"), now) == pytest.approx(
        told / hours * 314 / 1e6, rel=1e-12
    )


def test_the_background_is_segments_over_periods_on_the_screens_that_show_them():
    """0.6 of the time 1,272,500 B every 4 s, 0.3 a picture of 41,000 B every 8 s, 0.1 31,810 B every 0.1 s."""
    by_hand = (0.6 * 1_272_500 / 4 + 0.3 * 41_000 / 8 + 0.1 * 31_810 / 0.1) * 3600 / 1e6
    scenario = sampling.resolved(model.load("twilly"))
    assert mobile_data.background_mb_per_hour(scenario) == pytest.approx(by_hand, rel=1e-12)


def test_a_plan_bears_its_mb_over_what_an_hour_on_cellular_takes():
    now = traffic_at_modes()
    cellular = total(mobile_data.network_mb_per_hour("lte", now))  # lte and nr: the same IP version
    assert mobile_data.plan_hours(now, 5.0) == pytest.approx(5000 / cellular, rel=1e-12)
    beside = cellular + mobile_data.background_mb_per_hour(now.life.scenario)
    assert mobile_data.plan_hours(now, 5.0, background=True) == pytest.approx(5000 / beside, rel=1e-12)


def test_a_month_is_its_active_hours_of_data():
    now = traffic_at_modes("after")
    hours = 0.2 * 30 * 3 * 600 / 3600
    assert mobile_data.active_hours_per_month(now) == pytest.approx(hours, rel=1e-12)
    assert mobile_data.mb_per_month(now) == pytest.approx(mobile_data.mb_per_hour(now) * hours, rel=1e-12)
    assert mobile_data.metered_mb_per_month(now) == pytest.approx(
        mobile_data.metered_mb_per_hour(now) * hours, rel=1e-12
    )


# --- parts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "which"), DESIGNS)
def test_flows_and_networks_add_up_to_the_whole_and_metered_ones_to_the_metered_part(name, which):
    now = traffic_at_modes(which, name=name)
    whole, networks = mobile_data.mb_per_hour(now), now.life.scenario.networks
    parts = {n: one.share * total(mobile_data.network_mb_per_hour(n, now)) for n, one in networks.items()}
    assert sum(mobile_data.flow_mb(f, now) for f in now.flows) == pytest.approx(whole, rel=1e-12)
    assert total(parts) == pytest.approx(whole, rel=1e-12)
    metered = sum(parts[n] for n, one in networks.items() if one.metered)
    assert mobile_data.metered_mb_per_hour(now) == pytest.approx(metered, rel=1e-12)
    assert 0 < metered < whole


@pytest.mark.parametrize(("name", "which"), DESIGNS)
def test_the_outcomes_data_are_these(name, which):
    outcome = model.evaluate(name)
    shown = outcome.by_flow("data")[which]
    now = traffic_at_modes(which, name=name)
    for flow in now.flows:
        assert shown.get(flow.name, 0.0) == pytest.approx(float(mobile_data.flow_mb(flow, now)), rel=1e-12)


def test_the_default_cellular_networks_are_metered_and_speak_ipv6():
    networks = model.load("twilly").networks
    assert {n: (x.metered, x.ip) for n, x in networks.items()} == {
        "wifi": (False, 4),
        "lte": (True, 6),
        "nr": (True, 6),
    }


# --- properties ------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 60.0), st.floats(1.0, 4.0))
def test_data_never_fall_as_polls_come_faster(period_s, factor):
    slow, fast = (
        traffic_at_modes(changes={"before.timers.unread_counts.period_s": p}) for p in (period_s * factor, period_s)
    )
    assert mobile_data.mb_per_hour(fast) >= mobile_data.mb_per_hour(slow) * (1 - 1e-9)


@settings(max_examples=20, deadline=None)
@given(*(st.floats(0.0, 50.0).map(lambda x: round(x, 9)) for _ in range(2)), st.floats(5, 60), st.floats(1, 3))
def test_data_never_fall_as_events_or_heartbeats_come_faster(often, more, period_s, factor):
    few, many = (
        traffic_at_modes("after", {"events.new_comment.per_active_day": n, "after.heartbeat.period_s": p})
        for n, p in ((often, period_s * factor), (often + more, period_s))
    )
    assert mobile_data.mb_per_hour(many) >= mobile_data.mb_per_hour(few) * (1 - 1e-9)


def test_twice_the_events_are_twice_their_pushes():
    one, two = (traffic_at_modes("after", {"events.new_comment.per_active_day": n}) for n in (3, 6))
    once, twice = (mobile_data.flow_mb(flow_of(now, "push new_comment"), now) for now in (one, two))
    assert twice == pytest.approx(2 * once, rel=1e-12)


@pytest.mark.parametrize("which", ["before", "after"])
def test_data_per_hour_do_not_depend_on_how_many_users_there_are(which):
    now = traffic_at_modes(which, users=[1e3, 2e3, 1e6])
    for of in (mobile_data.mb_per_hour, mobile_data.mb_per_month, mobile_data.metered_mb_per_hour):
        found = np.broadcast_to(of(now), (3,))
        np.testing.assert_allclose(found, found[0], rtol=1e-12)


@pytest.mark.parametrize("which", ["before", "after"])
def test_ipv6_on_every_network_costs_more_and_ipv4_less(which):
    four, mixed, six = (
        mobile_data.mb_per_hour(traffic_at_modes(which, {f"networks.{n}.ip": ip for n in names}))
        for names, ip in ((("wifi", "lte", "nr"), 4), ((), 4), (("wifi", "lte", "nr"), 6))
    )
    assert four < mixed < six < four * 1.4


@pytest.mark.parametrize("which", ["before", "after"])
def test_http2_carries_less_than_http11_on_small_exchanges(which):
    one, two = (traffic_at_modes(which, {f"{which}.api.protocol": p}) for p in ("http1", "http2"))
    assert mobile_data.mb_per_hour(two) < mobile_data.mb_per_hour(one)
    polled = next(f.name for f in one.flows if f.kind in ("poll", "refresh"))
    assert mobile_data.flow_mb(flow_of(two, polled), two) < mobile_data.flow_mb(flow_of(one, polled), one)


def test_a_token_of_1074_bytes_on_every_request_adds_just_that_while_it_fits_a_segment():
    plain, token = (
        traffic_at_modes(changes={**IPV4, "before.timers.unread_counts.request_bytes": n}) for n in (323, 323 + 1074)
    )
    more = mobile_data.flow_mb(token.flows[0], token) - mobile_data.flow_mb(plain.flows[0], plain)
    assert more == pytest.approx(1080 * 1074 / 1e6, rel=1e-9)


def test_compression_saves_pushed_bytes_only():
    plain, packed = (traffic_at_modes("after", {"after.socket.deflate": d}) for d in (False, True))
    for flow in plain.flows:
        kept = mobile_data.flow_mb(flow, plain)
        now = mobile_data.flow_mb(flow_of(packed, flow.name), packed)
        assert now < kept if flow.kind == "push" else now >= kept


def test_a_bigger_plan_lasts_as_much_longer_and_video_shortens_it():
    now = traffic_at_modes("after")
    hours = mobile_data.plan_hours(now, [1.0, 2.0, 10.0])
    np.testing.assert_allclose(hours, hours[0] * np.array([1, 2, 10]), rtol=1e-12)
    assert (mobile_data.plan_hours(now, [1.0, 2.0, 10.0], background=True) < hours).all()


def test_where_no_network_is_metered_nothing_is_and_every_plan_lasts_for_ever():
    now = traffic_at_modes(changes={f"networks.{n}.metered": False for n in ("lte", "nr")})
    assert mobile_data.metered_mb_per_hour(now) == 0
    assert np.isinf(mobile_data.plan_hours(now, 1.0)) and np.isinf(mobile_data.plan_hours(now, 1.0, True))


@pytest.mark.parametrize("which", ["before", "after"])
def test_draws_and_users_in_one_call_equal_each_draw_alone(which):
    """A few inputs as columns of draws against the same values put in one at a time."""
    case, of = (
        model.load("twilly"),
        (mobile_data.mb_per_hour, mobile_data.metered_mb_per_hour, mobile_data.mb_per_month),
    )
    drawn = {
        "usage.session_mean_s": [300.0, 600.0, 1200.0],
        "networks.lte.share": [0.1, 0.25, 0.4],
        "both.api.resumed_share": [0.3, 0.7, 0.9],
        "events.new_comment.recipients": [3.0, 10.0, 30.0],
    }
    columns = {name: np.array(values)[:, None] for name, values in drawn.items()}
    assert {name.replace("both", "before") for name in drawn} <= set(sampling.ranged_inputs(case))
    now = traffic.traffic(which, sampling.with_columns(case, columns, [1e3, 1e5]))
    together = [np.broadcast_to(one(now), (3, 2)) for one in of]
    for k in range(3):
        shares = {n: drawn["networks.lte.share"][k] if n == "lte" else x.share.mode for n, x in case.networks.items()}
        plain = {f"networks.{n}.share": s / sum(shares.values()) for n, s in shares.items()}
        plain |= {n.replace("both", which): v[k] for n, v in drawn.items() if n != "networks.lte.share"}
        alone = traffic_at_modes(which, plain)
        for many, one in zip(together, of, strict=True):
            np.testing.assert_allclose(many[k], float(one(alone)), rtol=1e-9)


def test_plans_broadcast_with_draws():
    now = traffic_at_modes(draws=16, users=[1e3])
    hours = mobile_data.plan_hours(now, [[1.0, 5.0]])
    assert hours.shape == (16, 2) and np.isfinite(hours).all()
    assert np.ptp(hours[:, 0]) > 0
    np.testing.assert_allclose(hours[:, 1], 5 * hours[:, 0], rtol=1e-12)


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda now: mobile_data.plan_hours(now, 0), "plan_gb must be > 0 GB; got 0"),
        (lambda now: mobile_data.plan_hours(now, -2), "plan_gb must be > 0 GB; got -2"),
        (lambda now: mobile_data.plan_hours(now, "five"), "plan_gb must be a number; got 'five'"),
        (lambda now: mobile_data.network_mb_per_hour("wfi", now), "unknown network 'wfi'; did you mean 'wifi'?"),
        (lambda now: exchange.flow_bytes(now, now.flows[0], 7), "ip must be 4 or 6; got 7"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as wrong:
        call(traffic_at_modes())
    assert "\n" not in str(wrong.value)
