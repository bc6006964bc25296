"""Server load: published cases, closed forms, quotas found by search, one number of occurrences for all."""

import csv
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storm_twin import attempt_times_s

import model
from model import backends, cost, ledger, mobile_data, prices, queueing, server_load, storm, traffic
from model import outcome as results
from model.checks import InputError
from model.life import airtime, exchange, sessions
from model.scenario import sampling
from model.server_load import drops, quotas

SCHEDULE = [2, 4, 8, 16, 30]
ALWAYS = {
    "usage.sessions_per_day": 1,
    "usage.session_mean_s": 86400,
    "usage.session_sigma_ln": 1e-9,
    "usage.dau_mau_share": 1,
    "after.socket.blocked_share": 0,
}  # clients that never leave


def traffic_at_modes(which, changes=None, name="twilly", **more):
    return traffic.traffic(which, sampling.resolved(model.load(name).with_(changes or {}), **more))


@pytest.fixture(scope="module")
def both():
    return {which: traffic_at_modes(which) for which in ("before", "after")}


# --- published cases, each through the model


def _life(changes):
    return traffic_at_modes("before", changes).life


def _active_day_s(sessions, length_s):
    return float(_life({"usage.sessions_per_day": sessions, "usage.session_mean_s": length_s}).active_day_s)


def _recycled_per_s(g):
    """Connects of clients that never leave: cut by the gateway's limit and back at once."""
    assert g["max_duration_s"] == ledger.quotas()["apigw_ws_connection_s"]
    now = traffic_at_modes("after", {**ALWAYS, "users": g["clients"]})
    return server_load.connects_by_cause(now)["2 h limit"]


def _storm(g, jitter):
    back = storm.reconnect(g["clients"], g["delays"], jitter, g["rate"], g["burst"], g.get("seed", 0))
    return float(np.isfinite(back).sum())


CASES = {  # topic -> what the model says to the inputs
    "apigw_ws_concurrent": lambda g: queueing.little(g["conn_rate"], g["max_duration_s"]),
    "phoenix_bytes_per_conn": lambda g: quotas.figures()["phoenix_connection_bytes"].value,
    "phoenix_bytes_per_conn_upper": lambda g: quotas.figures()["phoenix_connection_bytes"].high,
    "phoenix_connect_time_min": lambda g: g["connections"] / quotas.figures()["phoenix_connects_per_s"].value,
    "usage_minutes_per_day": lambda g: _active_day_s(g["sessions"], g["session_s"]) / 60,
    "usage_stickiness": lambda g: (
        _life({"usage.dau_mau_share": g["dau"] / g["mau"], "users": g["mau"]}).active_days / 30 / g["mau"]
    ),
    "usage_sessions_per_day": lambda g: g["min_per_day"] * 60 / _active_day_s(1, g["session_s"]),
    "usage_session_length": lambda g: g["h_per_day"] * 3600 / _active_day_s(g["sessions"], 1),
    "mmc_erlang_c": lambda g: queueing.erlang_c(g["arrival"], g["service"], g["servers"]),
    "reconnect_storm_no_jitter": lambda g: _storm(g, "none"),
    "reconnect_storm_full_jitter": lambda g: _storm(g, "full"),
    "reconnect_last_attempt_time": lambda g: attempt_times_s(1, g["delays"], "none", 0)[0, -1],
    "two_hour_reconnect_rate": _recycled_per_s,
}
PUBLISHED = [  # id, topic, inputs, expected, tolerance: half of the last printed digit, or as the case says
    ("W013", "apigw_ws_concurrent", {"conn_rate": 500, "max_duration_s": 7200}, 3_600_000, 0),
    ("W048", "phoenix_bytes_per_conn", {"ram_gb": 15, "connections": 450000}, 33333, 0.5),
    ("W049", "phoenix_bytes_per_conn_upper", {"ram_gb": 128, "connections": 2000000}, 64000, 0),
    ("W050", "phoenix_connect_time_min", {"connections": 100000, "rate_per_s": 1000}, 100, 0),
    ("W051", "usage_minutes_per_day", {"sessions": 12.38, "session_s": 328}, 67.68, 0.005),
    ("W052", "usage_stickiness", {"dau": 774.49, "mau": 1080}, 0.7168, 5e-4),  # mau printed as 1.08B
    ("W053", "usage_stickiness", {"dau": 348.65, "mau": 746.58}, 0.4669, 1e-4),  # 0.4670 from rounded inputs
    ("W054", "usage_stickiness", {"dau": 666.27, "mau": 937.54}, 0.7107, 5e-5),
    ("W055", "usage_sessions_per_day", {"min_per_day": 59.23, "session_s": 71.56}, 49.66, 0.005),
    ("W056", "usage_session_length", {"h_per_day": 2.42, "sessions": 76}, 114.6, 0.05),
    ("W156", "mmc_erlang_c", {"arrival": 8, "service": 10, "servers": 1}, 0.8, 1e-12),
    ("W158", "mmc_erlang_c", {"arrival": 15, "service": 10, "servers": 2}, 0.642857, 5e-7),
    ("W170", "reconnect_storm_no_jitter", {"clients": 2500, "rate": 500, "burst": 500, "delays": SCHEDULE}, 2500, 0),
    ("W171", "reconnect_storm_no_jitter", {"clients": 5000, "rate": 500, "burst": 500, "delays": SCHEDULE}, 2500, 0),
    (
        "W174",
        "reconnect_storm_full_jitter",
        {"clients": 5000, "rate": 500, "burst": 500, "delays": SCHEDULE, "seed": 1},
        4998,
        50,
    ),
    ("W177", "reconnect_last_attempt_time", {"delays": SCHEDULE}, 60, 0),
    ("W186", "two_hour_reconnect_rate", {"clients": 100000, "max_duration_s": 7200}, 13.889, 5e-4),
]


@pytest.mark.parametrize(
    ("topic", "inputs", "expected", "within"), [c[1:] for c in PUBLISHED], ids=[c[0] for c in PUBLISHED]
)
def test_published_load_cases(topic, inputs, expected, within):
    assert float(CASES[topic](inputs)) == pytest.approx(expected, rel=1e-12, abs=within)


def test_every_load_case_of_the_shared_file_is_among_them(shared):
    known = {case[0]: case for case in PUBLISHED}
    with open(shared / "published" / "wire_cases.csv", encoding="utf-8", newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if r["topic"] in CASES]
    assert {r["id"] for r in rows} == set(known)
    for row in rows:
        _, topic, inputs, expected, within = known[row["id"]]
        told = json.loads(row["inputs_json"])
        assert float(row["expected_value"]) == expected
        assert {k: told[k] for k in inputs} == inputs
        assert float(CASES[topic](told)) == pytest.approx(expected, rel=1e-12, abs=within)


def test_product_document_fan_out_of_100_takes_2_s_and_1500_take_the_whole_timeout():
    assert quotas.fan_out_s(100, 0.020) == pytest.approx(2.0, rel=1e-12)
    assert quotas.fan_out_s(10, 0.020, at_once=4) == pytest.approx(3 * 0.020, rel=1e-12)  # the last round is not full
    assert quotas.fan_out_connections(30, 0.020) == 1500
    assert quotas.fan_out_s(1500, 0.020) == pytest.approx(ledger.value("lambda_timeout_s"))


def test_3_6_million_long_lived_connections_take_the_whole_default_of_connects(both):
    """AWS: concurrent connections are not limited; 500 x 7,200 is what can be kept."""
    assert server_load.limits(both["after"])["open connections"] == 3_600_000


# --- loads against closed forms


def test_a_2_s_poll_asks_half_a_request_a_second_of_each_active_user(both):
    life = both["before"].life
    watching = life.active_s / life.scenario.month_s * life.scenario.screens["watching"].share
    poll = next(f for f in both["before"].flows if f.name == "poll unread_counts")
    rate = server_load.flow_rates_per_s(poll, both["before"])
    assert rate["requests/s"] == pytest.approx(watching / 2, rel=1e-12)
    assert rate["gateway calls/s"] == rate["requests/s"] == rate["runs/s"]


def test_executions_at_once_are_rate_times_time(both):
    """Little (1961), function by function."""
    for now in both.values():
        whole = 0.0
        for run in now.runs.values():
            whole += run.rate_per_s * (run.duration_s + run.cold_share * run.init_s)
        assert server_load.rates_per_s(now)["executions at once"] == pytest.approx(float(whole), rel=1e-12)


def test_connects_add_up_from_sessions_cuts_and_losses():
    changes = {"usage.session_mean_s": 1300, "users": 3e5}
    now = traffic_at_modes("after", changes)
    causes = server_load.connects_by_cause(now)
    assert sum(causes.values()) == pytest.approx(server_load.rates_per_s(now)["connects/s"], rel=1e-12)
    usable = 1 - now.life.design.socket.blocked_share
    cuts = sessions.mean_cuts(1300, now.life.scenario.usage.session_sigma_ln, 30, 7200)
    assert causes["session starts"] == pytest.approx(now.life.sessions * usable / now.life.scenario.month_s)
    assert causes["2 h limit"] == pytest.approx(float(causes["session starts"] * cuts), rel=1e-9)
    assert min(causes.values()) > 0
    assert set(server_load.connects_by_cause(traffic_at_modes("before")).values()) == {0.0}


def test_a_plain_servers_requests_are_no_calls_of_a_gateway():
    now = traffic_at_modes("before", name="twilly_as_built")
    rates = server_load.rates_per_s(now)
    assert rates["requests/s"] > 0 and rates["gateway calls/s"] == 0 and rates["runs/s"] == 0
    sockets = traffic_at_modes("after", {"after.socket.backend": "server"}, name="twilly_as_built")
    rates = server_load.rates_per_s(sockets)
    assert rates["gateway calls/s"] == 0 and rates["scanned units/s"] == 0 and rates["messages down/s"] > 0


def test_json_heartbeats_are_messages_each_way_and_ping_frames_are_not():
    changes = {"after.heartbeat.function": "read"}
    rates = [
        server_load.rates_per_s(traffic_at_modes("after", {**changes, "after.heartbeat.kind": kind}))
        for kind in ("ping", "json")
    ]
    beats = rates[0]["heartbeats/s"]
    assert rates[0]["messages up/s"] == 0
    assert rates[1]["messages up/s"] == pytest.approx(float(beats), rel=1e-12)
    more = rates[1]["messages down/s"] - rates[0]["messages down/s"]
    assert more == pytest.approx(float(beats), rel=1e-9)


def test_broadcasts_post_one_after_another_or_all_together():
    event = {
        "after.pushes.channel_content_update.audience": "broadcast",
        "events.channel_content_update.recipients": 1000,
        "events.channel_content_update.online_share": 0.1,
        "after.socket.grace_s": 0,
    }
    one, many = (
        server_load.fan_out_by_event(traffic_at_modes("after", {**event, "after.socket.fan_out": mode}))
        for mode in ("sequential", "parallel")
    )
    up = 1.0 - traffic_at_modes("after", event).life.down_share
    assert one["channel_content_update"] == pytest.approx(100 * up * 0.020, rel=1e-12)
    assert many["channel_content_update"] == one["new_comment"] == 0.020
    own = server_load.fan_out_by_event(traffic_at_modes("after", {**event, "after.socket.backend": "server"}))
    own_up = 1.0 - traffic_at_modes("after", {**event, "after.socket.backend": "server"}).life.down_share
    assert own["channel_content_update"] == pytest.approx(100 * own_up * 0.000017, rel=1e-12)
    assert server_load.fan_out_by_event(traffic_at_modes("before")) == {}


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])
@pytest.mark.parametrize("which", ["before", "after"])
def test_the_busiest_hour_has_the_ratio_of_the_mean_hours_load_where_load_is_linear(name, which):
    now = traffic_at_modes(which, {"usage.peak_to_mean_ratio": 3.5}, name=name, users=[1e3, 1e6])
    mean, peak = (server_load.rates_per_s(t) for t in (now, server_load.at_peak(now)))
    for load in ("requests/s", "connects/s", "messages down/s", "open connections", "heartbeats/s"):
        np.testing.assert_allclose(peak[load], 3.5 * mean[load], rtol=1e-9)


def test_whole_servers_and_the_scans_that_fill_their_caches_are_the_same_in_every_hour():
    now = traffic_at_modes("after", {"after.socket.disconnect": "key"}, name="twilly_as_built", users=[1e6])
    page = 128 * float(now.instances[0]) / 30
    for hour in (now, server_load.at_peak(now)):
        found = server_load.rates_per_s(hour)
        assert (found["plain servers"] == now.instances).all()
        np.testing.assert_allclose(found["scanned units/s"], page, rtol=1e-12)


def test_a_broadcast_to_1500_who_are_there_reaches_the_senders_timeout():
    now = traffic_at_modes(
        "after",
        {
            "after.pushes.channel_content_update.audience": "broadcast",
            "after.socket.blocked_share": 0,
            "events.channel_content_update.recipients": 1600,
            "events.channel_content_update.online_share": 1,
        },
    )
    assert server_load.rates_per_s(now)["longest fan-out s"] > server_load.limits(now)["longest fan-out s"] == 30
    assert server_load.users_at_quota(now)["longest fan-out s"] == 0  # at any number of users


def test_the_limit_of_a_fan_out_is_the_scenarios_own_time_out_and_none_for_a_sender_of_ones_own():
    event = {"after.pushes.new_comment.audience": "broadcast", "events.new_comment.recipients": 20_000}
    longer = traffic_at_modes("after", {**event, "ledger.lambda_timeout_s": 900})
    peak = server_load.rates_per_s(server_load.at_peak(longer))["longest fan-out s"]
    assert server_load.limits(longer)["longest fan-out s"] == 900 > peak
    for own in ({"after.socket.direct_send": True}, {"after.socket.backend": "server"}):
        assert "longest fan-out s" not in server_load.limits(traffic_at_modes("after", {**event, **own}))


def test_a_time_out_that_nobody_knows_is_a_limit_in_each_draw():
    event = {
        "after.pushes.new_comment.audience": "broadcast",
        "events.new_comment.online_share": 0.2,
        "ledger.lambda_timeout_s": {"low": 3, "mode": 30, "high": 900, "source": "assumption", "note": "unknown"},
    }
    case = model.load("twilly").with_({**event, "events.new_comment.recipients": 7500})
    drawn = traffic.traffic("after", sampling.resolved(case, draws=32, seed=1))
    reached = server_load.users_at_quota(drawn)["longest fan-out s"]
    needed_s = np.broadcast_to(server_load.fan_out_by_event(drawn)["new_comment"], (32, 1))[:, 0]
    over = needed_s >= drawn.life.scenario.number("lambda_timeout_s")[:, 0]
    np.testing.assert_array_equal(reached, np.where(over, 0.0, np.inf))
    assert 0 < over.sum() < 32


# --- the disconnect that scans


def test_a_disconnect_reads_half_a_unit_for_4_kb_of_table_up_to_the_128_of_a_page():
    users = np.array([1e4, 1e5, 1e6, 1e7])
    now = traffic_at_modes("after", {"after.socket.table_base_bytes": 0}, users=users)
    reads = server_load.disconnect_reads(now)
    size = np.minimum(np.ceil(reads["open connections"] * 158), 2**20)
    np.testing.assert_array_equal(reads["read units a disconnect"], np.ceil(size / 4096) / 2)
    assert reads["read units a disconnect"][-1] == 128
    rate = server_load.rates_per_s(server_load.at_peak(now))["connects/s"]
    np.testing.assert_allclose(reads["read units/s"], reads["read units a disconnect"] * rate, rtol=1e-12)


def test_scanned_units_are_part_of_the_read_units_and_none_where_a_key_is_known():
    now = traffic_at_modes("after")
    other = traffic_at_modes("after", {"after.socket.disconnect": "key"})
    rates, keyed = server_load.rates_per_s(now), server_load.rates_per_s(other)
    assert 0 < rates["scanned units/s"] < rates["read units/s"]
    assert keyed["scanned units/s"] == 0
    rest = rates["read units/s"] - rates["scanned units/s"]
    assert rest == pytest.approx(float(keyed["read units/s"]), rel=1e-9)


# --- quotas and where they break


def proportion_of_users(now, load):
    """The users at which a load meets its limit if it is as many times 10,000 as the load is below the limit."""
    return 10_000 * server_load.limits(now)[load] / float(server_load.rates_per_s(server_load.at_peak(now))[load])


@pytest.mark.parametrize(
    ("which", "load"),
    [("before", "gateway calls/s"), ("before", "read units/s"), ("after", "connects/s"), ("after", "open connections")],
)
def test_the_search_finds_what_a_proportion_gives_where_load_is_linear(both, which, load):
    found = server_load.users_at_quota(both[which])[load]
    assert found.item() == pytest.approx(proportion_of_users(both[which], load), rel=1e-9)


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])
@pytest.mark.parametrize("base_bytes", [0, 5e6])
def test_at_the_users_found_the_peak_load_is_the_quota(name, base_bytes):
    now = traffic_at_modes("after", {"after.socket.table_base_bytes": base_bytes}, name=name)
    for load, users in server_load.users_at_quota(now).items():
        if np.isfinite(users.item()):
            limit = server_load.limits(now)[load]
            under, over = (
                server_load.rates_per_s(server_load.peak_of(now, users.item() * f))[load] for f in (1 - 1e-6, 1 + 1e-6)
            )
            assert under <= limit <= over, load


def test_a_growing_table_breaks_its_quota_earlier_than_a_proportion_says():
    """A disconnect's read units grow with the table, so scans grow with the square of users up to a page."""
    now = traffic_at_modes("after", {"after.socket.table_base_bytes": 0})
    found = server_load.users_at_quota(now)["scanned units/s"].item()
    assert found < proportion_of_users(now, "scanned units/s") / 10


def test_where_a_square_breaks_is_its_root():
    """Below one page the scan is table/4 KB/2: connects x open x 158 / 8,192 = quota, solved by hand."""
    now = traffic_at_modes("after", {"after.socket.table_base_bytes": 0})
    quota = {"dynamodb_partition_read_units_per_s": 500.0}
    found = server_load.users_at_quota(now, quota)["scanned units/s"].item()
    peak = server_load.rates_per_s(server_load.at_peak(now))
    per_user = (float(peak[k]) / 10_000 for k in ("connects/s", "open connections"))
    root = np.sqrt(500.0 * 8192 / 158 / np.prod(list(per_user)))
    assert found == pytest.approx(root, rel=0.02)  # whole blocks of 4 KB


def test_the_first_to_break_has_the_fewest_users_and_stands_at_the_top(both):
    table = server_load.quota_table(both["before"], both["after"])
    breaks = {which: server_load.users_at_quota(now) for which, now in both.items()}
    assert table.iloc[0][["before", "after"]].min() == min(v.item() for b in breaks.values() for v in b.values())
    assert table[["before", "after"]].min(axis=1).is_monotonic_increasing
    for load, row in table.iterrows():
        assert row["quota"] == server_load.limits(both["after"])[load]
        assert [row[which] for which in both] == [np.asarray(b.get(load, np.inf)).item() for b in breaks.values()]


def test_a_new_account_with_10_executions_breaks_100_times_sooner(both):
    usual, small = (
        server_load.users_at_quota(both["before"], q)["runs/s"].item() for q in (None, {"lambda_concurrency": 10})
    )
    assert usual / small == pytest.approx(100, rel=1e-9)


def test_at_its_break_a_limit_is_wholly_used(both):
    load, users = min(server_load.users_at_quota(both["after"]).items(), key=lambda found: found[1].item())
    use = server_load.quota_use(server_load.with_users(both["after"], users.item() * np.array([0.5, 1.0])))
    assert use.loc[load].iloc[1] == pytest.approx(1.0, rel=1e-9) and (use.iloc[:, 0] < 1).all()


def test_draws_have_each_their_own_break():
    now = traffic_at_modes("after", draws=4, users=[1e4])
    found = server_load.users_at_quota(now)
    assert all(v.shape == (4,) for v in found.values())
    for k in range(4):
        one = server_load.peak_of(now, found["connects/s"].reshape(4, 1))
        assert server_load.rates_per_s(one)["connects/s"][k, 0] == pytest.approx(500, rel=1e-8)


@pytest.mark.parametrize("which", ["before", "after"])
def test_an_array_of_users_equals_one_by_one(which):
    users = np.array([1e3, 1e5, 1e7])
    many = server_load.load_by_users(traffic_at_modes(which, users=users, name="twilly_as_built"))
    for k, count in enumerate(users):
        alone = traffic_at_modes(which, users=[count], name="twilly_as_built")
        alone = server_load.rates_per_s(server_load.at_peak(alone))
        np.testing.assert_allclose(many.iloc[:, k], [np.ravel(alone[load])[0] for load in many.index], rtol=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.floats(2, 6), st.floats(1.1, 100))
def test_no_load_falls_as_users_grow(log_users, times):
    now = traffic_at_modes("after", name="twilly_as_built", users=[10**log_users, times * 10**log_users])
    table = server_load.load_by_users(now)
    assert (table.iloc[:, 1] >= table.iloc[:, 0] * (1 - 1e-9)).all()


# --- plain servers


def test_every_priced_instance_has_a_size():
    priced = [m.removeprefix("ec2_").removesuffix("_hour") for m in prices.services() if m.startswith("ec2_")]
    for instance in priced:
        memory_gb, cores = quotas.instance_size(instance)
        assert memory_gb > 0 and cores >= 1


def test_a_new_tls_connection_is_26_times_a_warm_request():
    warm, cold = (quotas.figures()[f"node_https_{what}_per_s"].value for what in ("requests", "connects"))
    assert warm / cold == pytest.approx(26, abs=0.5)


# --- a storm of the scenario's own, and what falls back on the API


def test_the_products_storm_and_the_polls_of_those_who_gave_up(both):
    found = drops.figures(drops.drop(both["after"], clients=10_000))
    assert (found["back"], found["lost"]) == (2500, 7500)
    assert found["lasting_fallback_per_s"] == pytest.approx(7500 * 2 / 3, rel=1e-12)
    assert found["worst_fallback_per_s"] == pytest.approx(9500 * 2 / 3, rel=1e-12)  # the first wave is in


def test_a_late_notice_loses_far_fewer_and_polls_far_less(both):
    clean, noticed = (drops.figures(drops.drop(both["after"], clients=10_000, notice_s=s)) for s in (0, 30))
    assert clean["lost"] == 7500 and noticed["lost"] < 750
    assert noticed["worst_fallback_per_s"] < clean["worst_fallback_per_s"] / 10


def test_the_storm_takes_schedule_quota_and_connections_from_the_design(both):
    own = drops.drop(both["after"])
    peak = float(server_load.at_peak(both["after"]).life.open_connections)
    assert len(own.back_s) == round(peak)
    assert (own.delays_s, own.jitter, own.rate_per_s, own.burst) == ((2, 4, 8, 16, 30), "none", 500, 500)
    never = drops.drop(traffic_at_modes("after", {"after.reconnect.last_attempt": False}), clients=10_000)
    assert np.isinf(never.attempts) and np.isfinite(never.back_s).all()


def test_a_storm_of_more_clients_meets_the_api_of_more_users():
    now = traffic_at_modes("after", name="twilly_as_built")
    few, many = (drops.drop(now, clients=n) for n in (1_000, 100_000))
    assert many.usual_requests_per_s == pytest.approx(100 * few.usual_requests_per_s, rel=1e-9)
    assert many.api_requests_per_s > few.api_requests_per_s


def test_a_plain_server_lets_in_what_its_cores_can_shake_hands_with():
    now = traffic_at_modes("after", {"after.socket.backend": "server"}, name="twilly_as_built")
    assert drops.drop(now, clients=100).rate_per_s == 2 * 2117


def test_a_sample_of_a_large_fleet_gives_the_figures_of_the_whole(both, monkeypatch):
    ways = {"never gives up": {"jitter": "full", "attempts": np.inf}, "as designed": {}}
    whole = {n: drops.figures(drops.drop(both["after"], 50_000, **how)) for n, how in ways.items()}
    monkeypatch.setattr(drops, "MOST_CLIENTS", 5_000)
    for name, how in ways.items():
        sample = drops.drop(both["after"], 50_000, **how)
        assert len(sample.back_s) == 5_000 and sample.clients == 50_000
        for figure, value in drops.figures(sample).items():
            assert value == pytest.approx(whole[name][figure], rel=0.06), figure  # 4 standard errors of 5,000 clients


def test_a_storm_of_a_billion_connections_takes_no_more_than_one_of_a_million(both, monkeypatch):
    monkeypatch.setattr(drops, "MOST_ATTEMPTS", 1e7)
    door = {"rate_per_s": 5000, "burst": 5000}
    endless = drops.drop(both["after"], 1_000_000_000, jitter="full", attempts=np.inf, **door)
    assert endless.clients == 1_000_000_000 and 1_000 <= len(endless.back_s) <= 1_000_000
    assert np.isfinite(endless.back_s).all()
    assert endless.back_s.max() == pytest.approx(1e9 / endless.rate_per_s, rel=0.01)  # the quota admits them all


def test_the_fallback_waits_its_delay_before_it_polls():
    back = np.full(300, np.inf)
    load = storm.fallback_requests_per_s(back, [0, 1.9, 2, 99], 3, 2, start_delay_s=2)
    np.testing.assert_allclose(load, [0, 0, 200, 200], rtol=1e-12)
    load = storm.fallback_requests_per_s(back, [2, 17, 32], 3, 2, notice_s=30, start_delay_s=2)
    np.testing.assert_allclose(load, [0, 100, 200], rtol=1e-12)


def test_the_course_ends_with_those_who_never_come_back(both):
    one = drops.drop(both["after"], clients=10_000)
    seen = drops.course(one, [0.0, 2.0, 60.0, 1e4])
    np.testing.assert_allclose(seen["back_share"], [0, 0.05, 0.25, 0.25])
    np.testing.assert_allclose(seen["fallback requests/s"][-1], 5000, rtol=1e-12)
    table = drops.drop_table({"own": one, "full": drops.drop(both["after"], clients=10_000, jitter="full")})
    assert table.loc["own", "lost"] == 7500 and table.loc["full", "lost"] < 200
    found = drops.figures(one)
    asked = one.usual_requests_per_s + found["worst_fallback_per_s"]  # the drop comes on top of the peak hour
    assert one.usual_requests_per_s > 100
    assert found["worst_api_load"] == pytest.approx(asked / one.api_requests_per_s, rel=1e-12)


# --- one number of occurrences a month for load, bill, data and radio

RANDOM = st.fixed_dictionaries(
    {
        "users": st.floats(0.5, 7).map(lambda x: 10**x),
        "usage.sessions_per_day": st.floats(1.0, 20),
        "usage.session_mean_s": st.floats(30, 3000),
        "usage.dau_mau_share": st.floats(0.05, 1),
        "usage.peak_to_mean_ratio": st.floats(1, 24),
        "before.timers.unread_counts.period_s": st.floats(0.5, 120),
        "before.timers.content.requests": st.integers(1, 3),
        "before.api.backend": st.sampled_from(["http_api", "rest_api", "server"]),
        "before.api.protocol": st.sampled_from(["http1", "http2"]),
        "after.api.backend": st.sampled_from(["http_api", "rest_api", "server"]),
        "after.api.idle_timeout_s": st.floats(1, 400),
        "after.socket.backend": st.sampled_from(["apigw_ws", "server"]),
        "after.socket.disconnect": st.sampled_from(["scan", "key"]),
        "after.socket.fan_out": st.sampled_from(["sequential", "parallel"]),
        "after.socket.direct_send": st.booleans(),
        "after.socket.grace_s": st.floats(0, 120).map(lambda x: round(x, 9)),
        "after.socket.table_base_bytes": st.floats(0, 1e7).map(lambda x: round(x, 9)),
        "after.socket.blocked_share": st.floats(0, 0.1).map(lambda x: round(x, 9)),
        "after.heartbeat.period_s": st.floats(10, 900),
        "after.heartbeat.kind": st.sampled_from(["ping", "json"]),
        "after.heartbeat.function": st.just("read"),
        "after.pushes.new_comment.pulls": st.integers(0, 4),
        "after.pushes.notification.sent": st.booleans(),
        "after.pushes.channel_content_update.audience": st.sampled_from(["recipients", "broadcast"]),
        "after.fallback.requests": st.integers(1, 4),
        "events.new_comment.per_active_day": st.floats(0.1, 50),
        "events.new_comment.recipients": st.floats(1, 50),
        "billing.connects_billed": st.booleans(),
        "billing.pings_billed": st.booleans(),
        "billing.month_days": st.sampled_from([30, 730 / 24]),
    }
)


def radio_occurrences(now, network, flow, hosts):
    """A month's occurrences as the radio meets them: each place's source, at its rate, for the time there."""
    total = 0.0
    for place, where in now.life.places.items():
        if place in flow.rates_per_s:
            source = airtime.place_sources(now, network)[place].get(hosts.get(flow.name, flow.name))
            if source is not None:
                rate = flow.duty / source.period_s if flow.timer else source.rate_per_s
                total = total + where.weight * now.life.active_s * rate
    return total


def occurrences(now, flow):
    """How often a flow happens a month, worked back from what each outcome says of it in its own unit."""
    life = now.life
    month_s = life.scenario.month_s
    network = next(iter(life.scenario.networks.values()))
    rates, usage = server_load.flow_rates_per_s(flow, now), cost.flow_usage(flow, now)
    up, down = exchange.mean_flow_bytes(now, flow)
    found = {}
    if flow.requests:
        found["load"] = server_load.flow_requests_per_minute(flow, now) * life.active_s / 60 / flow.requests
        found["load, all users"] = rates["requests/s"] * month_s / flow.requests
        for meter in ("apigw_http_request", "apigw_rest_request"):
            if meter in usage:  # every request here is one unit
                found[f"bill, {meter}"] = usage[meter] / flow.requests
    if np.any(np.asarray(flow.executions) > 0):
        found["bill, runs"] = usage["lambda_request"] / flow.executions
        found["load, runs"] = rates["runs/s"] * month_s / flow.executions
    if flow.kind == "push" and "apigw_ws_message" in usage:
        found["bill, messages"] = usage["apigw_ws_message"]
    if flow.messages_down:
        found["load, messages"] = rates["messages down/s"] * month_s
    if flow.kind == "connect":
        found["load, connects"] = rates["connects/s"] * month_s
    if np.any(np.asarray(up + down) > 0):
        found["data"] = (mobile_data.flow_mb(flow, now) * 1e6 * life.active_s / 3600) / (up + down)
        found["bill, bytes out"] = usage["internet_out_gb"] * 2**30 / down
        hosts = {f.name: f.rides for f in now.flows if f.rides}
        found["radio"] = radio_occurrences(now, network, flow, hosts)
    if flow.exchange == "http":
        assert {"load", "load, all users", "data", "bill, bytes out", "radio"} <= set(found)
    return found


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(RANDOM)
def test_occurrences_per_flow_and_month_are_one_number_in_load_bill_data_and_radio(changes):
    case = sampling.resolved(model.load("twilly").with_(changes))
    for which in ("before", "after"):
        now = traffic.traffic(which, case)
        for flow in now.flows:
            for outcome, count in occurrences(now, flow).items():
                if float(np.ravel(flow.per_month)[0]) > 0:
                    assert float(np.ravel(count)[0]) == pytest.approx(float(np.ravel(flow.per_month)[0]), rel=1e-9), (
                        which,
                        flow.name,
                        outcome,
                    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(RANDOM)
def test_the_whole_load_of_a_month_is_the_whole_bill_in_its_units(changes):
    case = sampling.resolved(model.load("twilly").with_(changes))
    book = prices.book("us-east-1")
    for which in ("before", "after"):
        now = traffic.traffic(which, case)
        rates, usage = server_load.rates_per_s(now), cost.month_usage(now)
        lines = cost.bill({m: float(np.ravel(a)[0]) for m, a in usage.items()}, book)
        billed = lines.groupby("meter")["amount"].sum()
        pairs = {
            "runs/s": "lambda_request",
            "read units/s": "dynamodb_read_unit",
            "write units/s": "dynamodb_write_unit",
        }
        if now.life.design.api.backend != "server":
            pairs["requests/s"] = {"http_api": "apigw_http_request", "rest_api": "apigw_rest_request"}[
                now.life.design.api.backend
            ]
        for load, meter in pairs.items():
            month = float(np.ravel(rates[load])[0]) * case.month_s
            assert billed.get(meter, 0.0) == pytest.approx(month, rel=1e-9), (which, meter)
        minutes = sum(server_load.flow_requests_per_minute(f, now) for f in now.flows)
        assert float(minutes * now.life.active_s / 60) == pytest.approx(
            float(rates["requests/s"] * case.month_s), rel=1e-9
        )


def test_the_table_of_before_and_after_shows_the_very_same_load(both):
    shown = results.before_after("twilly").loc["server load"]
    assert shown["before"] == pytest.approx(float(server_load.requests_per_minute(both["before"])), rel=1e-12)
    units = backends.row("http_api").request_meters(362)["apigw_http_request"]
    assert units == 1  # so a request of the load is a unit of the bill


# --- what a person may get wrong


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: model.load("twilly").with_({"usage.peak_to_mean_ratio": 30}),
            "usage.peak_to_mean_ratio must be between 1 and 24, as many as a day has hours; got 30 "
            "(data/scenarios/twilly.yaml)",
        ),
        (lambda: quotas.fan_out_s(-1, 0.02), "connections must be >= 0; got -1"),
        (lambda: quotas.fan_out_s(10, -0.02), "post_s must be >= 0 s; got -0.02"),
        (lambda: quotas.fan_out_s(10, 0.02, at_once=0), "at_once must be >= 1 post; got 0"),
        (lambda: quotas.fan_out_s(10, 0.02, rate_per_s=0), "rate_per_s must be > 0 posts/s; got 0"),
        (lambda: quotas.fan_out_connections(30, 0), "post_s must be > 0 s; got 0"),
        (
            lambda: quotas.instance_size("t4g_mediun"),
            "unknown server.instance 't4g_mediun'; did you mean 't4g_medium'?",
        ),
        (
            lambda: server_load.limits(traffic_at_modes("before"), {"lambda_concurrency": 0}),
            "lambda_concurrency must be > 0; got 0",
        ),
        (
            lambda: server_load.users_at_quota(traffic_at_modes("before"), {"lambda_concurency": 10}),
            "unknown quota 'lambda_concurency'; did you mean 'lambda_concurrency'?",
        ),
        (
            lambda: server_load.load_by_users(traffic_at_modes("before"), "pek"),
            "unknown hour 'pek'; did you mean 'peak'?",
        ),
        (
            lambda: server_load.disconnect_reads(traffic_at_modes("before")),
            "disconnect_reads must be given a websocket design; got polling",
        ),
        (
            lambda: drops.drop(traffic_at_modes("before")),
            "a storm needs a design that holds connections, which drop; got polling",
        ),
        (lambda: drops.drop(traffic_at_modes("after"), clients=-5), "clients must be a whole number >= 0; got -5"),
        (
            lambda: drops.drop(traffic_at_modes("after"), delays_s=[]),
            "delays_s must be a schedule of at least one delay in s; got ()",
        ),
        (
            lambda: drops.drop(traffic_at_modes("after"), delays_s=[4, 2]),
            "delays_s must be sorted, none below the one before it; got 2 s after 4 s",
        ),
        (lambda: drops.drop(traffic_at_modes("after"), rate_per_s=0), "rate_per_s must be > 0 connections/s; got 0"),
        (
            lambda: drops.drop(traffic_at_modes("after", users=[1e3, 1e4])),
            "open connections must be one number in a storm, without draws and at one user count; got 2",
        ),
        (
            lambda: storm.fallback_requests_per_s([1.0], [0.0], 3, 2, start_delay_s=-1),
            "start_delay_s must be >= 0 s; got -1",
        ),
    ],
)
def test_each_mistake_is_one_sentence(call, sentence):
    with pytest.raises(InputError) as refused:
        call()
    assert str(refused.value) == sentence


def test_a_share_of_blocked_phones_lessens_every_cause_of_connects_alike():
    open_, blocked = (
        server_load.connects_by_cause(traffic_at_modes("after", {"after.socket.blocked_share": share}))
        for share in (0.0, 0.3)
    )
    assert blocked == pytest.approx({cause: 0.7 * rate for cause, rate in open_.items()}, rel=1e-12)
