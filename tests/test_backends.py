"""Backends: the five shapes of a bill, load balancers and plans, own sockets against a gateway, a further backend."""

import itertools
import json
import shutil

import numpy as np
import pytest

import model
from model import backends, cost, ledger, paths
from model.checks import InputError
from model.life import exchange
from model.scenario import sampling
from model.traffic import services, traffic

EXAMPLES = [row for row in ledger.read_csv(paths.data("published", "aws_examples.csv")) if "balancer" in row["inputs"]]
SUM = 1e-6  # of radio power in closed form, whose split by flow is summed again
DEVICES = """\
# a fleet of 100,000 devices that are always on, of which each is told something a few times a day
users: 100000
usage: {dau_mau_share: 1, sessions_per_day: 1, session_mean_s: 86000, session_sigma_ln: 0.1, peak_to_mean_ratio: 1}
events: {command: {per_active_day: 4, recipients: 1, online_share: 1, payload_bytes: 300}}
"""
IDLE = """\
users: 5000
usage: {dau_mau_share: 1, sessions_per_day: 1, session_mean_s: 86400, session_sigma_ln: 1e-9, peak_to_mean_ratio: 1}
billing: {month_days: 30.416666666666668}
events: {news: {per_active_day: 0.001, recipients: 1, online_share: 1, payload_bytes: 100}}
designs:
  nlb: {like: websocket_own_nlb, server: {disk_usd: 0}, socket: {blocked_share: 0, grace_s: 0}}
  alb: {like: websocket_own_alb, server: {disk_usd: 0}, socket: {blocked_share: 0, grace_s: 0}}
  gateway: {like: websocket_api_gateway, socket: {blocked_share: 0, grace_s: 0}}
"""
OWN = ("plain server", "load balancer", "public addresses")
pytestmark = pytest.mark.filterwarnings("ignore::model.checks.Unusual")


def first(value):
    return float(np.ravel(value)[0])


def every_design(app, tmp_path):
    """An app with every design of the catalogue, named as there."""
    path, names = tmp_path / "every.yaml", model.catalogue().index
    above = DEVICES if app == "devices" else f"extends: {app}\npair: null\n"
    gone = {} if app == "devices" else model.load(app).designs
    lines = [f"{name}: null" for name in gone if name not in names] + [f"{name}: {name}" for name in names]
    path.write_text(f"{above}designs: {{{', '.join(lines)}}}\n", encoding="utf-8")
    return model.load(path)


# shapes


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
def test_the_units_of_a_load_balancer_are_those_of_the_pages_examples(example):
    inputs, usage = json.loads(example["inputs"]), json.loads(example["usage"])
    one = backends.balancers()[inputs["balancer"]]
    units = backends.balancer_units(inputs.pop("balancer"), **inputs)
    assert units * usage[one.hour_meter] == pytest.approx(usage[one.unit_meter], rel=1e-12)


def test_a_unit_of_a_balancer_is_used_up_by_each_of_its_loads_alone():
    for name, one in backends.balancers().items():
        loads = [one.new_per_s, one.active, one.gb]
        for k, load in enumerate(loads):
            alone = [load if j == k else 0.0 for j in range(3)]
            assert backends.balancer_units(name, *alone) == 1.0
    with pytest.raises(InputError, match="unknown balancer 'elb'; did you mean"):
        backends.balancer_units("elb", 1, 1, 1)


@pytest.mark.parametrize(
    ("connections", "messages", "plan"),
    [
        (100, 2e5, "sandbox"),
        (101, 2e5, "startup"),
        (2000, 4e6, "pro"),
        (100, 4e6 + 1, "business"),
        (3e4, 9e7, "growth_plus"),
    ],
)
def test_the_cheapest_plan_that_carries_the_peak_is_paid(connections, messages, plan):
    meters, refusal = backends.plan_meters("pusher", {"connections": connections, "messages_per_day": messages})
    assert refusal == "" and {name for name, count in meters.items() if count} == {f"pusher_{plan}_month"}


def test_above_the_largest_plan_there_is_no_price_but_a_few_draws_pay_for_several():
    peak = np.full((10, 1), 100.0)
    peak[0] = 45_000.0
    meters, refusal = backends.plan_meters("pusher", {"connections": peak})
    assert refusal == "" and meters["pusher_growth_plus_month"][0] == 2.0 and meters["pusher_sandbox_month"][1:].all()
    meters, refusal = backends.plan_meters("pusher", {"connections": 45_000.0})
    said = (
        "Pusher Channels sells no plan for this peak: 45,000 connections (at most 30,000) in Growth Plus, the largest"
    )
    assert refusal == said


def test_a_draw_beyond_the_largest_plan_pays_for_as_many_as_its_greatest_load_needs():
    top = [plan for plan in backends.plans() if plan.backend == "pusher"][-1]
    connections = np.array([[0.99], [0.99], [2.5]]) * top.connections
    messages = np.array([[0.99], [0.99], [1.5]]) * top.messages_per_day
    meters, refusal = backends.plan_meters("pusher", {"connections": connections, "messages_per_day": messages})
    assert refusal == "" and meters[top.meter].ravel().tolist() == [1.0, 1.0, 3.0]


def test_plans_stand_by_rising_price_and_rising_limits():
    book = model.prices.book("us-east-1")
    for _, group in itertools.groupby(backends.plans(), key=lambda plan: plan.backend):
        listed = list(group)
        usd = [book.tiers(plan.meter)[0].price_usd for plan in listed]
        assert usd == sorted(usd)
        for name in ("connections", "messages_per_s", "messages_per_day"):
            limits = [getattr(plan, name) for plan in listed]
            assert limits == sorted(limits)


def test_a_function_that_is_held_is_billed_by_its_memory_and_an_awake_object_by_its_busy_time():
    assert backends.held_gb_seconds(128, 43_800 * 60) * 0.0000166667 == pytest.approx(5.475, abs=0.001)
    assert backends.awake_share(0.0, 10.0) == 0.0 and backends.awake_share(1e9, 10.0) == 1.0
    assert backends.awake_share(1e-6, 10.0) == pytest.approx(1e-5, rel=1e-4)  # of rare wakes each lasts as long
    assert backends.awake_share(0.1, 10.0) == pytest.approx(1.0 - np.exp(-1.0), rel=1e-12)  # and others overlap


@pytest.mark.parametrize("design", ["ably", "pusher", "durable_objects"])
def test_a_vendor_sends_its_messages_and_our_answers_are_billed_as_they_leave(design, chat):
    traffic = chat[design].traffic
    sent = {flow.exchange: cost.flow_usage(flow, traffic).get("internet_out_gb", 0.0) for flow in traffic.flows}
    assert np.all(sent["http"] > 0) and not np.any(sent["push"])


def test_pings_to_iot_core_are_free_down_to_one_each_30_s():
    row = backends.row("iot_core")
    assert [float(row.billed("ping", 1.0, period_s)) for period_s in (29.9, 30.0, 1200.0)] == [1.0, 0.0, 0.0]


def test_of_messages_to_a_durable_object_twenty_up_are_one_request_and_those_down_are_free():
    row = backends.row("durable_objects")
    assert row.message_meters(100, 20, "in") == {"cloudflare_object_request": 1.0}
    assert row.message_meters(100, 20, "out") == {} and row.message_meters(100, 1, "publish")


# own sockets


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    path = tmp_path_factory.mktemp("idle") / "idle.yaml"
    path.write_text(IDLE, encoding="utf-8")
    case = model.load(path)
    lost = {"losses_per_hour": 0, "nat_timeout_s": 1e6}
    return case.with_({f"networks.{n}.{key}": value for n in case.networks for key, value in lost.items()})


@pytest.mark.parametrize(("balancer", "published", "unit_usd"), [("nlb", 6650, 0.006), ("alb", 8080, 0.008)])
def test_own_sockets_break_even_with_a_gateway_at_so_many_open_connections(idle, balancer, published, unit_usd):
    low, high = 1e3, 5e4
    while high - low > 0.5:
        users = np.linspace(low, high, 33)
        own, gateway = (model.evaluate(idle, users=users)[name].parts("cost") for name in (balancer, "gateway"))
        dearer = np.ravel(gateway["connection minutes"]) > np.ravel(sum(own[name] for name in OWN))
        low, high = users[int(np.argmax(dearer)) - 1], users[int(np.argmax(dearer))]
    active = backends.balancers()[balancer].active
    closed = (2 * 0.0336 + 0.0225 + 2 * 0.005) * 730 / (0.00000025 * 43_800 - unit_usd * 730 / active)
    assert high == pytest.approx(closed, rel=1e-3)  # sessions are rounded up to the minute
    assert high == pytest.approx(published, rel=0.005)  # 6,650 leaves the units of the balancer out


def test_a_balancer_closes_what_is_silent_for_longer_than_it_is_set_to(idle):
    cuts = {
        limit_s: first(
            model.evaluate(idle.with_({"alb.server.balancer_idle_s": limit_s}))["alb"].traffic.life.connects_per_s
        )
        for limit_s in (60, 4000)
    }
    assert cuts[60] > 10 * cuts[4000]  # a heartbeat each 240 s


def test_without_a_balancer_addresses_and_disks_a_plain_server_costs_its_hours_alone(idle):
    bare = {"server.balancer": "none", "server.public_addresses": 0, "server.least_instances": 1}
    parts = model.evaluate(idle.with_({f"nlb.{key}": value for key, value in bare.items()}))["nlb"].parts("cost")
    assert "load balancer" not in parts and first(parts["plain server"]) == pytest.approx(730 * 0.0336, rel=1e-9)
    disk = model.evaluate(idle.with_({"nlb.server.disk_usd": 1.5}))["nlb"].parts("cost")
    assert first(disk["plain server"]) == pytest.approx(2 * (730 * 0.0336 + 1.5), rel=1e-9)


# the catalogue


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    return model.evaluate(every_design("chat", tmp_path_factory.mktemp("chat")))


@pytest.mark.parametrize("app", ["twilly", "chat", "delivery", "dashboard", "devices"])
def test_every_design_of_the_catalogue_serves_every_app_with_parts_that_sum_to_the_whole(app, tmp_path):
    case = every_design(app, tmp_path)
    outcome = model.evaluate(case)
    refused = set()
    for name in model.catalogue().index:
        side = outcome[name]
        for measure in ("data", "load", "runs", "cost", *(["battery"] if app == "chat" else [])):
            try:
                whole = first(side.total(measure))
            except InputError as wrong:
                assert measure == "cost" and "sells no plan for this peak" in str(wrong)
                refused.add(name)
                continue
            assert np.isfinite(whole) and whole >= 0
            assert sum(first(part) for part in side.parts(measure).values()) == pytest.approx(whole, rel=SUM)
        assert app != "chat" or 90 < first(outcome.values("told in time 10 s", name)) <= 100
    assert refused == {"dashboard": {"ably", "pusher"}, "devices": {"ably", "pusher"}}.get(app, set())


def test_load_bill_data_and_radio_of_every_design_use_one_number_of_occurrences(chat):
    for name in model.catalogue().index:
        traffic = chat[name].traffic
        for flow in traffic.flows:
            if flow.rates_per_s:
                there = sum(traffic.life.places[p].weight * rate for p, rate in flow.rates_per_s.items())
                assert first(flow.per_month) == pytest.approx(first(traffic.life.active_s * there), rel=1e-9), flow.name
            usage = cost.flow_usage(flow, traffic)
            for meter, amount in flow.meters.items():
                if meter != "internet_out_gb":
                    assert first(usage[meter]) == pytest.approx(first(flow.per_month * amount), rel=1e-12)


@pytest.mark.parametrize(
    ("design", "whole_bytes"),
    [
        ("sse_own_server", 134),
        ("iot_core_mqtt", 212),
        ("long_poll_own_server", 742),
        ("appsync_events", 141),
        ("ably", 140),
        ("pusher", 274),
        ("durable_objects", 208),
        ("websocket_own_nlb", 208),
    ],
)
def test_a_keep_alive_of_each_design_is_as_long_as_its_protocol_says(design, whole_bytes, chat):
    case = chat.scenario
    if design == "long_poll_own_server":
        sizes = {"upgrade_request_bytes": 323, "upgrade_response_bytes": 167}
        case = case.with_({f"{design}.socket.{key}": value for key, value in sizes.items()})
    traffic = model.evaluate(case)[design].traffic
    beat = next(flow for flow in traffic.flows if flow.kind == "heartbeat")
    assert sum(map(first, exchange.flow_bytes(traffic, beat, 4))) == whole_bytes


def test_an_event_stream_has_no_way_up_so_what_users_send_are_requests(chat):
    outcome = model.evaluate(chat.scenario.with_({"actions.send.over": "socket"}))
    for design, requests in (("sse_own_server", 1), ("long_poll_own_server", 1), ("iot_core_mqtt", 0)):
        sent = next(flow for flow in outcome[design].traffic.flows if flow.name == "send")
        assert sent.requests == requests


def test_a_long_poll_that_news_never_ends_asks_once_a_hold_and_one_that_it_always_ends_once_a_push(chat):
    case = chat.scenario
    quiet = case.with_({"events.message.per_active_day": 1e-6})
    for changed, ratio in ((quiet, 1.0), (case.with_({"events.message.per_active_day": 5e4}), 0.0)):
        traffic = model.evaluate(changed)["long_poll_own_server"].traffic
        empty = next(flow for flow in traffic.flows if flow.kind == "heartbeat")
        open_s = first(
            traffic.life.active_s * (1 - traffic.life.down_share) * sum(p.weight for p in traffic.life.places.values())
        )
        assert first(empty.per_month) * first(traffic.life.held.heartbeat.period_s) / open_s == pytest.approx(
            ratio, abs=1e-3
        )


def test_a_function_held_open_costs_as_much_as_its_open_connections(chat):
    traffic = chat["sse_lambda_url"].traffic
    held = next(flow for flow in traffic.flows if flow.name == "functions held open")
    assert first(held.per_month) == pytest.approx(first(traffic.life.open_connections) * 30 * 86_400, rel=1e-12)
    assert held.meters == {"lambda_gb_second_x86": 0.125}


@pytest.mark.parametrize("design", ["ably", "pusher", "durable_objects", "iot_core_mqtt", "websocket_own_alb"])
def test_more_users_never_cost_less(design, chat):
    bills = np.ravel(model.evaluate(chat.scenario, users=[10, 100, 1_000, 3_000])[design].total("cost"))
    assert list(bills) == sorted(bills)


# capabilities


def test_every_design_of_the_catalogue_says_what_it_can_do_and_who_runs_it():
    table = model.scenario.capabilities()
    assert list(table.index) == list(model.catalogue().index)
    assert not (table.drop(columns="largest_bytes") == "").any(axis=None)
    assert (
        not table.drop(columns="largest_bytes")
        .map(lambda said: any(c.isdigit() for c in said.replace("HTTP/1.1", "").replace("QoS 1", "")))
        .any(axis=None)
    )
    assert table.loc["websocket_api_gateway", "largest_bytes"] == 131_072 and np.isinf(
        table.loc["sse_own_server", "largest_bytes"]
    )


def test_a_payload_that_does_not_fit_removes_a_design_by_name_and_leaves_the_others(chat):
    case = chat.scenario.with_({"events.message.payload_bytes": 20_000})
    table = model.compare(case, ["pusher", "ably", "websocket_own_server"])
    assert table["pusher"].isna().all() and table[["ably", "websocket_own_server"]].notna().all(axis=None)
    said = "pusher must push at most the 10,240 B that Pusher Channels takes; got 20,000 B of message"
    assert {reason for (name, _), reason in table.attrs["notes"].items() if name == "pusher"} == {said}
    assert not table["best"].str.contains("pusher").any()


# a further backend


def test_a_further_backend_of_a_known_shape_takes_a_row_and_a_design_and_no_code(tmp_path, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(paths.data(), data)
    row = dict.fromkeys(ledger.read_csv(data / "backends.csv")[0], "")
    row |= {"backend": "tinypush", "title": "Tinypush", "serves": "sockets", "shapes": "use plan", "egress": "no"}
    row |= {"own": "no", "on_lambda": "no", "json_in_json": "no", "added_s": "apigw_rest_s", "source": "assumption"}
    row |= {"fan_out": "publish_once", "message_meter": "tinypush_message", "message_unit": "ably_unit_bytes"}
    row |= {"bills": "out publish", "lingers": "ably_silent_s", "note": "made up"}
    rows = {
        "backends.csv": ",".join(row.values()),
        "plans.csv": "tinypush,All,tinypush_month,1000000,,,,assumption",
        "vendor_prices.csv": "tinypush_month,any,2020-01-01,0,10,month,assumption,made up,high,\n"
        "tinypush_message,any,2020-01-01,0,0.000001,message,assumption,made up,high,",
        "price_list/usage_types.csv": "tinypush_month,Tinypush,,,,month\ntinypush_message,Tinypush,,,,message",
    }
    for file, lines in rows.items():
        with open(data / file, "a", encoding="utf-8") as out:
            out.write(lines + "\n")
    (data / "designs" / "tinypush.yaml").write_text(
        "like: appsync_events\ntitle: Tinypush\nsocket: {backend: tinypush, pings_billed: null}\n", encoding="utf-8"
    )
    cached = (backends.rows, backends.plans, model.prices.services, model.prices.rows._everywhere)
    monkeypatch.setattr(paths, "_home", lambda name: data if name == "data" else paths.PACKAGE.parent / name)
    for one in cached:
        one.cache_clear()
    try:
        path = tmp_path / "mine.yaml"
        path.write_text("extends: chat\npair: null\ndesigns: {tiny: tinypush}\n", encoding="utf-8")
        side = model.evaluate(path)["tiny"]
        parts = side.parts("cost")
        assert first(parts["plan"]) == 10.0 and first(parts["push message"]) > 0
        assert sum(map(first, parts.values())) == pytest.approx(first(side.total("cost")), rel=1e-9)
    finally:
        monkeypatch.undo()
        for one in cached:
            one.cache_clear()


@pytest.mark.parametrize("channels, messages", [(1, 1), (3, 1), (8, 1), (9, 2)])
def test_iot_core_subscribes_to_eight_channels_a_message(channels, messages):
    case = model.load("chat_every_way").with_({"channels.subscribed": channels})
    meters = services.subscribe_meters(traffic("iot_core_mqtt", sampling.resolved(case)).life)
    (count,) = meters.values()
    assert float(np.ravel(count)[0]) == messages
