"""Event chains by hand: what one exchange touches, meter by meter, and a trace of ten billed to the cent."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import model
from model import cost, prices, traffic, wire
from model.checks import InputError
from model.life import chains, exchange
from model.scenario import Function, Operation, sampling

GIB = 1024**3
US = prices.book("us-east-1", on="2026-09-30")
LIST_USD = {  # first tiers of AWS's list, us-east-1, as a person reads them off the page
    "apigw_http_request": 1.00e-6,
    "apigw_rest_request": 3.50e-6,
    "apigw_ws_message": 1.00e-6,
    "apigw_ws_minute": 0.25e-6,
    "lambda_request": 0.20e-6,
    "lambda_gb_second_x86": 0.0000166667,
    "lambda_gb_second_arm": 0.0000133334,
    "dynamodb_read_unit": 0.125e-6,
    "dynamodb_write_unit": 0.625e-6,
    "lambda_logs_ingest_gb": 0.50,
    "internet_out_gb": 0.09,
}
MILLION = 1_000_000
ALGEBRA = 1e-12

# One user, so that nothing waits for another: sessions of exactly 10 min, no loss, no cold start, warm
# connections, IPv4, and a shared table of four pages.
STILL = {
    "users": 1,
    "usage.session_mean_s": 600,
    "usage.session_sigma_ln": 0,
    "after.socket.blocked_share": 0,
    "after.socket.table_base_bytes": 4 * 2**20,
    "ledger.lambda_reap_s": 1e12,
    "before.api.idle_timeout_s": 1e9,
    "after.api.idle_timeout_s": 1e9,
    **{f"networks.{n}.losses_per_hour": 0 for n in ("wifi", "lte", "nr")},
    **{f"networks.{n}.ip": 4 for n in ("lte", "nr")},
}
SHAPED = {  # sizes that cross a unit: 40 kB messages, 9,000 B read strongly, 512 MB on arm
    **{
        f"{side}.functions.read.{k}": v
        for side in ("before", "after")
        for k, v in (
            ("memory_mb", 512),
            ("arch", "arm"),
            ("operations", [{"kind": "query", "item_bytes": 9000, "consistency": "strong"}]),
        )
    },
    "after.pushes.new_comment.pulls": 3,
    "after.pushes.channel_content_update.audience": "broadcast",
    "events.channel_content_update.recipients": 200,
    "events.channel_content_update.online_share": 0.5,
    "events.channel_content_update.payload_bytes": 40_000,
}
MESSAGES = {
    "after.heartbeat.kind": "json",
    "after.heartbeat.function": "connect",
    "after.heartbeat.payload_bytes": 40_000,
}


@pytest.fixture(scope="module")
def case():
    return model.load("twilly").with_({**STILL, **SHAPED, "before.timers.unread_counts.news_bytes": 0.0})


def now(case, which="after", **changes):
    return traffic.traffic(which, sampling.resolved(case.with_(changes) if changes else case))


def flow(month, name):
    return next(f for f in month.flows if f.name == name)


def once(month, name):
    """What one occurrence of a flow is billed on: its meters, and the bytes out that the wire gives it."""
    one = flow(month, name)
    found = {m: float(np.ravel(np.asarray(a))[0]) for m, a in one.meters.items()}
    down = float(np.ravel(np.asarray(exchange.mean_flow_bytes(month, one)[1]))[0])
    return {**found, **({"internet_out_gb": down / GIB} if down else {})}


def lambda_run(ms, mb, logged, arch="x86", runs=1):
    return {
        "lambda_request": runs,
        f"lambda_gb_second_{arch}": runs * mb / 1024 * ms / 1000,
        "lambda_logs_ingest_gb": runs * logged / GIB,
    }


def joined(*parts):
    return chains.added(*parts)


def out(down_bytes):
    return {"internet_out_gb": down_bytes / GIB}


def opened_down():
    """Bytes towards the phone of a new WebSocket: TCP and TLS, 70 % resumed, the upgrade and the close."""
    full, again = (wire.connect_bytes("1.3", "rsa4", r, 4)[1] for r in (False, True))
    closed = wire.websocket_close_bytes("1.3", 4)[1] + wire.close_bytes("1.3", 4)[1]
    return 0.3 * full + 0.7 * again + wire.upgrade_bytes(363, 202, "1.3", 4, ANSWER_S)[1] + closed


# By hand: 0.002 s of CPU at one vCPU (1,769 MB) take 27.640625 ms at 128 MB and 6.91015625 ms at 512 MB;
# a read waits 5 ms, a write 7 ms, a post 20 ms, a full page of a scan 120 ms; each run is rounded up to 1 ms.
ANSWER_S = 0.015 + 0.034640625  # the gateway and the connect's code
CONNECT = joined(lambda_run(35, 128, 2461), {"dynamodb_write_unit": 1})
READ = joined(lambda_run(12, 512, 350, "arm"), {"dynamodb_read_unit": 3})  # 9,000 B strongly are 3 blocks


def trace_by_hand():
    """The ten events of the issue, each with every meter it touches."""
    http_down = wire.http_exchange_bytes(362, 310, "1.3", 4)[1]
    pull_down = wire.http_exchange_bytes(362, 900, "1.3", 4)[1]
    opened = joined(CONNECT, out(opened_down()))
    answer_down = wire.http_exchange_bytes(40_008, 40_004, "1.3", 4, ANSWER_S)[1]  # with frame headers
    large_down = wire.websocket_message_bytes(40_000, False, "1.3", 4)[1]
    return {
        "connect": joined(opened, {"apigw_ws_minute": 11}),  # 600 s and 30 s of grace
        "heartbeat": out(wire.heartbeat_bytes("1.3", 4)[1]),  # ping frames are not billed, their bytes are
        # 40 kB in and 40 kB out are 2 + 2 messages; the code that answers is the connect's
        "message in": joined({"apigw_ws_message": 4}, CONNECT, out(answer_down)),
        "message out": joined(
            {"apigw_ws_message": 1, "dynamodb_read_unit": 0.5},
            lambda_run(53, 128, 800),
            out(wire.websocket_message_bytes(184, False, "1.3", 4)[1]),
        ),
        # half of 200 are in the app, 30 s in each 600 s more are in the grace after it: 105 posts, one after
        # another, behind a scan of one page; each further connection is a line in the log
        "fan-out": joined(
            lambda_run(2248, 128, 800 + 104 * 100),
            {"dynamodb_read_unit": 128},
            chains.times(joined({"apigw_ws_message": 2}, out(large_down)), 105),
        ),
        "pull after push": joined({"apigw_http_request": 3}, chains.times(READ, 3), out(3 * pull_down)),
        # the row lies in the one page scanned of four in a quarter of the cases: 27.64 + 120 + 7/4 ms
        "disconnect": joined(lambda_run(150, 128, 2461), {"dynamodb_read_unit": 128, "dynamodb_write_unit": 0.25}),
        "reconnect": joined(opened, {"apigw_ws_minute": 11}),
        "poll": joined({"apigw_http_request": 1}, READ, out(http_down)),
        "fallback poll": joined({"apigw_http_request": 2}, chains.times(READ, 2), out(2 * pull_down)),
    }


def trace_of_flows(case):
    """The same ten events as the model's flows meter them."""
    after, before = now(case), now(case, "before")
    minutes = flow(after, "connection minutes")
    sessions = np.ravel(minutes.per_month / flow(after, "connect").per_month)[0]
    held = chains.times({m: float(a) for m, a in minutes.meters.items()}, float(sessions))
    opened = joined(once(after, "connect"), held)
    told = (
        flow(after, "push channel_content_update").per_month / flow(after, "broadcast channel_content_update").per_month
    )
    return {
        "connect": opened,
        "heartbeat": once(after, "heartbeat"),
        "message in": once(now(case, **MESSAGES), "heartbeat"),
        "message out": once(after, "push new_comment"),
        "fan-out": joined(
            once(after, "broadcast channel_content_update"),
            chains.times(once(after, "push channel_content_update"), float(np.ravel(told)[0])),
        ),
        "pull after push": once(after, "pull after new_comment"),
        "disconnect": once(after, "disconnect"),
        "reconnect": opened,
        "poll": once(before, "poll unread_counts"),
        "fallback poll": once(after, "fallback poll"),
    }


@pytest.mark.parametrize("event", trace_by_hand())
def test_each_event_touches_the_meters_worked_out_by_hand(case, event):
    by_hand = pytest.approx(trace_by_hand()[event], rel=1e-6)  # one start in a million is still cold
    assert trace_of_flows(case)[event] == by_hand


def test_a_trace_of_ten_events_a_million_times_each_is_billed_as_by_hand_to_the_cent(case):
    by_hand = joined(*trace_by_hand().values())
    assert len(trace_by_hand()) == 10
    metered = chains.times(joined(*trace_of_flows(case).values()), MILLION)
    bill = cost.bill(metered, US).groupby("meter").usd.sum()
    assert set(bill.index) == set(by_hand) == set(LIST_USD) - {"apigw_rest_request"}
    for meter, amount in by_hand.items():
        assert bill[meter] == pytest.approx(amount * MILLION * LIST_USD[meter], abs=0.005), meter
    expected = sum(amount * MILLION * LIST_USD[meter] for meter, amount in by_hand.items())
    assert float(cost.exact_total(metered, US)) == pytest.approx(expected, abs=0.005)


def test_the_month_of_a_design_is_its_flows_times_their_meters(case):
    month = now(case)
    usage = cost.month_usage(month)
    for meter in ("apigw_ws_message", "lambda_request", "dynamodb_read_unit", "internet_out_gb"):
        by_hand = sum(float(np.ravel(f.per_month)[0]) * once(month, f.name).get(meter, 0.0) for f in month.flows)
        assert float(np.ravel(usage[meter])[0]) == pytest.approx(by_hand, rel=ALGEBRA)


# what else an event may touch


def test_a_send_to_somebody_offline_is_two_queries_and_a_run_without_a_post(case):
    expected = joined(lambda_run(33, 128, 800), {"dynamodb_read_unit": 1.0})
    assert once(now(case), "send to an offline recipient") == pytest.approx(expected, rel=ALGEBRA)


def test_a_410_deletes_the_row_and_keeps_the_sender_27_ms_longer(case):
    expected = {"dynamodb_write_unit": 1.0, "lambda_gb_second_x86": 0.125 * 0.027}
    assert once(now(case), "send to a closed connection") == pytest.approx(expected, rel=ALGEBRA)


def test_rows_that_the_scan_misses_are_deleted_by_a_410_or_expire_free(case):
    month = now(case)
    missed = 0.75 * flow(month, "connect").per_month  # three pages of four
    events = sampling.resolved(case).events
    told = [events[e] for e, push in case.after.pushes.items() if push.audience != "broadcast"]
    daily = sum(e.per_active_day * e.recipients for e in told) * 0.2  # active on one day in five
    expected = missed * (1.0 - math.exp(-daily))
    assert flow(month, "send to a closed connection").per_month == pytest.approx(expected, rel=1e-6)


def test_a_table_that_fits_one_page_or_has_a_key_leaves_no_row_behind(case):
    for change in ({"after.socket.table_base_bytes": 0}, {"after.socket.disconnect": "key"}):
        month = now(case, **change)
        assert flow(month, "send to a closed connection").per_month == 0
        assert flow(month, "disconnect").meters["dynamodb_write_unit"] == 1


def test_a_scan_reads_no_more_than_the_table_holds(case):
    small = now(case, **{"after.socket.table_base_bytes": 40_960 - 1})
    assert flow(small, "disconnect").meters["dynamodb_read_unit"] == 5.0  # ten blocks of 4 KB


def test_a_broadcast_costs_one_scan_however_many_it_reaches(case):
    few, many = (now(case, **{"events.channel_content_update.recipients": n}) for n in (2, 20_000))
    for name in ("dynamodb_read_unit", "lambda_request"):
        assert (
            flow(few, "broadcast channel_content_update").meters[name]
            == flow(many, "broadcast channel_content_update").meters[name]
        )
    assert "lambda_request" not in flow(many, "push channel_content_update").meters


def test_a_parallel_fan_out_bills_less_lambda_than_a_sequential_one(case):
    runs = [
        flow(now(case, **{"after.socket.fan_out": how}), "broadcast channel_content_update")
        for how in ("sequential", "parallel")
    ]
    seconds = [one.meters["lambda_gb_second_x86"] / 0.125 for one in runs]
    assert seconds == pytest.approx([2.248, 0.168], rel=1e-6)  # 105 posts of 20 ms, or all in one


def test_a_fan_out_that_is_cut_off_is_billed_to_its_time_out_and_for_the_posts_it_made(case):
    month = now(case, **{"ledger.lambda_timeout_s": 1})
    posts = (1.0 - 0.120 - 0.002 * 1769 / 128) / 0.020  # what the scan and the code leave of 1 s
    run, push = (flow(month, f"{kind} channel_content_update") for kind in ("broadcast", "push"))
    assert run.execution_s == 1.0 and run.meters["lambda_gb_second_x86"] == pytest.approx(0.125, rel=1e-9)
    assert run.meters["lambda_logs_ingest_gb"] == pytest.approx((800 + 100 * (posts - 1)) / GIB, rel=ALGEBRA)
    assert push.per_month / run.per_month == pytest.approx(posts, rel=ALGEBRA)


@pytest.mark.parametrize(
    "how",
    [{"after.socket.direct_send": True}, {"after.socket.backend": "server"}, {"after.socket.fan_out": "parallel"}],
)
def test_a_sender_of_ones_own_and_posts_all_together_are_never_cut_off(case, how):
    name = "push channel_content_update"
    counts = [flow(now(case, **how, **{"ledger.lambda_timeout_s": t}), name).per_month for t in (1, 900)]
    assert counts[0] == counts[1] > 0


def test_a_lingering_connection_keeps_a_sender_no_longer_whose_time_is_up(case):
    alone = {f"events.{e}.per_active_day": 0 for e in case.events if e != "channel_content_update"}
    lossy = {"networks.lte.losses_per_hour": 2.0, **alone}
    whole, cut = (
        flow(now(case, **lossy, **{"ledger.lambda_timeout_s": t}), "send to a lingering connection") for t in (900, 1)
    )
    assert whole.meters["lambda_gb_second_x86"] == pytest.approx(0.125 * 0.020, rel=ALGEBRA)
    assert cut.meters["lambda_gb_second_x86"] == 0 and 0 < cut.per_month < whole.per_month


def test_a_broadcast_that_reaches_nobody_still_runs(case):
    month = now(case, **{"events.channel_content_update.online_share": 0})
    assert flow(month, "push channel_content_update").per_month == 0
    assert flow(month, "broadcast channel_content_update").meters["dynamodb_read_unit"] == 128
    assert np.isfinite(cost.month_usd(month, US)).all()


def test_a_lingering_connection_is_sent_what_the_gateway_still_takes(case):
    month = now(case, **{"networks.lte.losses_per_hour": 2.0, "events.new_comment.payload_bytes": 33 * 1024})
    told = {f.events[0]: f.per_month for f in month.flows if f.kind == "push"}
    one = flow(month, "send to a lingering connection")
    units = sum(n * (2 if e in ("new_comment", "channel_content_update") else 1) for e, n in told.items())
    assert one.per_month > 0
    assert one.meters["apigw_ws_message"] == pytest.approx(units / sum(told.values()), rel=ALGEBRA)


def test_a_row_that_nobody_deletes_is_hit_where_a_send_comes_within_its_time_to_live():
    live_s, built = 1000.0, model.load("twilly_as_built")
    short, ever = (now(built, **{"ledger.connection_ttl_s": t}) for t in (live_s, 1e12))
    sends = sum(f.per_month for f in short.flows if f.kind in ("push", "offline"))
    each_per_s = sends / short.life.scenario.users / short.life.scenario.month_s
    name = "send to a closed connection"
    hit = flow(short, name).per_month / flow(ever, name).per_month
    assert hit == pytest.approx(1 - np.exp(-each_per_s * live_s), rel=ALGEBRA)


def test_an_init_is_billed_with_the_run_it_delays():
    scenario, function = model.load("twilly"), Function(memory_mb=1024, package_kb=1, cpu_s=0, log_bytes=0)
    meters = chains.run_meters(scenario, function, 0.0101, cold_share=0.25, init_s=0.2)
    assert meters["lambda_gb_second_x86"] == pytest.approx(0.75 * 0.011 + 0.25 * 0.211, rel=ALGEBRA)
    assert meters["lambda_request"] == 1


def test_a_function_run_once_a_day_starts_cold_and_pays_for_it(case):
    rare, warm = (flow(now(case, **{"ledger.lambda_reap_s": s}), "connect") for s in (1e-3, 1e12))
    init_s = now(case).runs["connect"].init_s - sampling.resolved(case).number("lambda_cold_extra_s")
    more = rare.meters["lambda_gb_second_x86"] - warm.meters["lambda_gb_second_x86"]
    assert more == pytest.approx(0.125 * init_s, abs=0.125 * 0.001)  # each is rounded up to 1 ms


# switches where AWS does not say


def test_connects_and_disconnects_are_messages_where_the_switch_says_so(case):
    for billed in (False, True):
        month = now(case, **{"billing.connects_billed": billed})
        for name in ("connect", "disconnect"):
            assert flow(month, name).meters.get("apigw_ws_message", 0) == float(billed)


@pytest.mark.parametrize(("counts", "units"), [(False, 1), (True, 2)])
def test_a_response_adds_to_the_512_kb_where_the_switch_says_so(case, counts, units):
    month = now(
        case,
        "before",
        **{
            "billing.response_counts": counts,
            "before.timers.unread_counts.request_bytes": 1024,
            "before.timers.unread_counts.response_bytes": 512 * 1024 - 1023,
        },
    )
    assert flow(month, "poll unread_counts").meters["apigw_http_request"] == units


def test_a_rest_api_counts_calls_and_an_http_api_counts_512_kb(case):
    sizes = {"before.timers.unread_counts.request_bytes": 600 * 1024}
    rest = flow(now(case, "before", **sizes, **{"before.api.backend": "rest_api"}), "poll unread_counts")
    http = flow(now(case, "before", **sizes), "poll unread_counts")
    assert rest.meters["apigw_rest_request"] == 1 and http.meters["apigw_http_request"] == 2


# plain servers


def test_a_polled_server_pays_for_hours_database_and_bytes_only(case):
    usage = cost.month_usage(now(case, "before", **{"before.api.backend": "server"}))
    assert set(usage) == {"ec2_t4g_medium_hour", "dynamodb_read_unit", "dynamodb_write_unit", "internet_out_gb"}
    assert usage["ec2_t4g_medium_hour"] == 720


def test_servers_are_as_many_as_the_peak_hour_needs(case):
    changes = {
        "before.api.backend": "server",
        "before.server.requests_per_s": 50,
        "before.server.utilisation_share": 0.5,
        "usage.peak_to_mean_ratio": 3,
        "users": 1e6,
    }
    month = now(case, "before", **changes)
    peak_per_s = sum(float(np.ravel(f.per_month)[0]) * f.requests for f in month.flows) / (30 * 86400) * 3
    assert flow(month, "plain server").per_month == math.ceil(peak_per_s / 25)


def test_a_plain_websocket_server_pays_nothing_to_gateway_functions_or_table(case):
    own = {
        "after.socket.backend": "server",
        "after.api.backend": "server",
        "after.functions.read.operations": [],
        "after.functions.write.operations": [],
    }
    for more in ({}, MESSAGES, {"billing.pings_billed": True}, {"after.socket.cache_scan_period_s": 30}):
        usage = cost.month_usage(now(case, **own, **{**more, "after.functions.connect.operations": []}))
        used = {m for m, a in usage.items() if np.any(np.asarray(a) > 0)}
        assert used == {"ec2_t4g_medium_hour", "internet_out_gb"}


def test_socket_servers_are_as_many_as_their_connections_need(case):
    month = now(case, **{"after.socket.backend": "server", "users": 1e7, "after.server.connections": 1000})
    peak = month.life.open_connections * sampling.resolved(case).usage.peak_to_mean_ratio
    assert flow(month, "plain server").per_month == np.ceil(peak / 1000)


def test_a_cache_scans_a_page_each_period_on_each_server_and_needs_a_server(case):
    month = now(case, **{"after.socket.cache_scan_period_s": 30})
    scan = flow(month, "cache scan")
    assert scan.per_month == 30 * 2880 and scan.meters["dynamodb_read_unit"] == 128
    assert flow(month, "plain server").meters == {"ec2_t4g_medium_hour": 720}


def test_a_direct_send_asks_the_table_only_where_its_cache_misses(case):
    month = now(case, **{"after.socket.direct_send": True, "after.socket.cache_hit_share": 0.8})
    meters = flow(month, "push new_comment").meters
    assert meters == pytest.approx({"apigw_ws_message": 1, "dynamodb_read_unit": 0.1}, rel=ALGEBRA)


def test_every_instance_type_with_a_price_can_be_a_server(case):
    types = [m[4:-5] for m in US.meters if m.startswith("ec2_")]
    assert len(types) == 13
    for one in types:
        month = now(case, "before", **{"before.api.backend": "server", "before.server.instance": one})
        assert cost.month_usd(month, US) > 0


# properties


@given(st.integers(0, 400 * 1024), st.integers(0, 64 * 1024), st.sampled_from(["eventual", "strong"]))
def test_larger_items_never_need_fewer_units(size, more, consistency):
    for kind in ("get", "query", "scan", "put", "update", "delete"):
        small, large = (
            next(
                iter(
                    chains.operation_meters(
                        Operation(kind=kind, item_bytes=min(s, 400 * 1024), consistency=consistency)
                    ).values()
                )
            )
            for s in (size, size + more)
        )
        assert small <= large


def test_a_column_of_draws_is_metered_as_each_draw_alone():
    sizes = np.array([[100.0], [5000.0], [70_000.0]])
    together = chains.operation_meters(Operation(kind="query", item_bytes=sizes))["dynamodb_read_unit"]
    alone = [
        [float(chains.operation_meters(Operation(kind="query", item_bytes=s))["dynamodb_read_unit"])]
        for s in sizes[:, 0]
    ]
    assert together.tolist() == alone


# bad input


@pytest.mark.parametrize(
    ("changes", "which", "sentence"),
    [
        (
            {"before.api.backend": "server", "before.server.instance": "t4g.medium"},
            "before",
            "unknown server.instance 't4g.medium'; did you mean 't4g_medium'",
        ),
        (
            {"events.new_comment.payload_bytes": 200_000},
            "after",
            "after must push at most the 131,072 B that .* takes; got 200,000 B of new_comment",
        ),
        (
            {"before.functions.read.operations": [{"kind": "get", "item_bytes": 500_000}]},
            "before",
            "item_bytes must be 0 to 409600 B; got 500000",
        ),
    ],
)
def test_bad_input_gives_one_sentence(case, changes, which, sentence):
    with pytest.raises(InputError, match=sentence):
        now(case, which, **changes)


@pytest.mark.parametrize("kind", ["get", "query", "scan", "scan_table", "put", "update", "delete"])
def test_three_operations_alike_cost_three_times_the_units_and_the_time_of_one(kind):
    plain = sampling.resolved(model.load("twilly"))
    one, three = (Operation(kind=kind, item_bytes=5000.0, times=times) for times in (1.0, 3.0))
    assert chains.operation_meters(three, 3e6) == {m: 3.0 * n for m, n in chains.operation_meters(one, 3e6).items()}
    assert chains.operation_s(plain, three, 3e6) == pytest.approx(3.0 * chains.operation_s(plain, one, 3e6))
