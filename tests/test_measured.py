"""The stored measurement of real sockets, whole hours and thousands of events, and the model beside it."""

import csv

import numpy as np
import pytest

from model import paths, wire
from model.checks import InputError
from model.wire import measured
from tools.bench import delays as timed
from tools.bench.flows import OTHER_KINDS


def test_stored_bytes_lie_within_2_percent_a_flow_10_a_handshake_1_an_hour():
    table = measured.compare()
    assert table.within.all(), table[~table.within].to_string()
    assert set(zip(table.flow, table.protocol, strict=True)) >= {
        (f"hour_{design}", protocol) for design in ("polling", "push") for protocol in ("http/1.1", "http/2")
    }


KEEPALIVES = {
    ("heartbeat", "websocket"): "websocket",
    ("sse_keepalive", "http/1.1"): "sse",
    ("sse_keepalive", "http/2"): "sse_http2",
    ("mqtt_ping", "mqtt/tls"): "mqtt_tls",
    ("mqtt_ping", "mqtt/wss"): "mqtt_wss",
    ("push_appsync_ka", "websocket"): "appsync_events",
    ("push_ably_heartbeat", "websocket"): "ably",
    ("pusher_ping", "websocket"): "pusher",
}


def test_stored_keepalives_and_long_polls_cost_exactly_the_modelled_bytes_each_way():
    rows = measured.measured_table("bytes.csv").set_index(["flow", "protocol"])
    assert set(KEEPALIVES.values()) == set(wire.KEEPALIVES)
    for at, protocol in KEEPALIVES.items():
        assert tuple(rows.loc[at, ["up_bytes", "down_bytes"]]) == wire.keepalive_bytes(protocol), at
    for flow, at_once in (("long_poll_empty", False), ("long_poll_at_once", True)):
        found = tuple(rows.loc[(flow, "http/1.1"), ["up_bytes", "down_bytes"]])
        assert found == wire.long_poll_bytes(asks_at_once=at_once)


def test_stored_event_streams_long_polls_and_mqtt_lie_within_2_percent():
    table = measured.compare()
    others = table[table.kind.str.split("_").str[0].isin(["sse", "long", "mqtt", "ws"]) & (table.kind != "ws_close")]
    assert set(others.kind) == set(OTHER_KINDS)
    assert (others.error_ratio.abs() <= 0.02).all(), others.to_string()


def test_stored_hours_are_whole_hours():
    with open(paths.data("measured", "hours.csv"), encoding="utf-8", newline="") as lines:
        hours = list(csv.DictReader(lines))
    assert {row["hour_share"] for row in hours} == {"1.0"}
    polls = sum(
        int(row["times"])
        for row in hours
        if row["part"].removeprefix("first_") == "poll" and row["hour"] == "hour_polling"
    )
    assert polls == 2 * 1_800


def test_stored_delays_have_4000_events_p50_and_p95_within_5_percent_and_ks_under_0_05():
    table = timed.compare()
    assert (table.n >= 4_000).all()
    assert set(table.limit_ratio) == {0.05}
    assert table.within.all(), table.to_string()


def test_stored_percentiles_are_those_of_the_stored_sample():
    folder = paths.data("measured")
    with open(folder / "timing.csv", encoding="utf-8", newline="") as lines:
        cuts = list(csv.DictReader(lines))
    sample = np.genfromtxt(folder / "timing_sample.csv", delimiter=",", names=True)
    for design in ("polling", "push"):
        mine = [row for row in cuts if row["design"] == design]
        wanted = np.quantile(sample[f"{design}_s"], [int(row["percentile"]) / 100 for row in mine])
        # the sample is rounded to 0.1 ms
        assert [float(row["delay_s"]) for row in mine] == pytest.approx(list(wanted), abs=1.1e-4)


def test_poll_delays_of_the_model_have_the_moments_of_a_uniform_wait():
    about = dict.fromkeys(("server_s", "own_s", "path_median_s", "path_sigma_ln"), 0.0)
    about["timed_period_s"] = 2.0
    drawn = timed.timed_delays_s("polling", about, 400_000, 1)
    # four standard errors: sd of the mean is 2 / sqrt(12 n), of the variance about T^2 sqrt(1/180 n)
    assert drawn.mean() == pytest.approx(1.0, abs=4 * 2 / (12 * 4e5) ** 0.5)
    assert drawn.var() == pytest.approx(1 / 3, abs=4 * 4 / (180 * 4e5) ** 0.5)
    assert np.quantile(drawn, 0.95) == pytest.approx(1.9, abs=0.005)


def test_a_folder_without_a_measurement_is_one_sentence(tmp_path):
    for compare, name in ((measured.compare, "bytes.csv"), (timed.compare, "timing.csv")):
        with pytest.raises(InputError, match=f"no measurement {name} in .*; `workbook measure` writes one"):
            compare(tmp_path)
