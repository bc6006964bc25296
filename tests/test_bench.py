"""The bench of real sockets: what it counts is what was sent, and it leaves nothing behind."""

import asyncio
import csv
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("httpx")
pytest.importorskip("websockets")
pytest.importorskip("cryptography")
if not sys.platform.startswith("linux"):
    pytest.skip("TCP_INFO with byte counts is Linux's", allow_module_level=True)

from model import bench, checks, paths
from model.bench import comparison, servers, tls
from model.bench.flows import FLOWS, Flow, Hour
from model.bench.tcp_info import TcpInfo, read_tcp_info, traffic_between
from model.bench.timing import Timing

PING = next(flow for flow in FLOWS if flow.kind == "heartbeat")
POLL = next(flow for flow in FLOWS if flow.name == "poll" and flow.protocol == "http/1.1")
FEW_EVENTS = Timing(events=600, events_per_s=250, probe_events=150, push_clients=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short run of everything, with the steps it told."""
    folder = tmp_path_factory.mktemp("measured")
    steps = []
    bench.measure(
        folder, occurrences=3, hour_share=1 / 200, timing=FEW_EVENTS, progress=lambda *step: steps.append(step)
    )
    return folder, steps


@pytest.fixture(scope="module")
def rows(folder):
    """The rows of the short run's bytes.csv by flow and protocol."""
    with open(folder[0] / "bytes.csv", encoding="utf-8", newline="") as lines:
        return {(row["flow"], row["protocol"]): row for row in csv.DictReader(lines)}


def test_a_thousand_bytes_on_a_plain_socket_are_1052_on_the_wire_and_each_syn_60():
    with servers.listener() as listening, socket.create_connection(listening.getsockname()) as client:
        server, _ = listening.accept()
        opened = read_tcp_info(client)
        assert traffic_between(TcpInfo(), opened).up_bytes == 60 + 52  # SYN and the ACK of the SYN-ACK
        assert traffic_between(TcpInfo(), opened).down_bytes == 60
        client.sendall(b"x" * 1_000)
        server.recv(2_000)
        sent = traffic_between(opened, read_tcp_info(client))
        assert (sent.up_bytes, sent.up_data_segments, sent.up_bare_segments) == (1_052, 1, 0)
        server.close()


def test_segments_carry_1448_bytes_though_loopback_would_carry_65_kb():
    with servers.listener() as listening, socket.create_connection(listening.getsockname()) as client:
        server, _ = listening.accept()
        before = read_tcp_info(client)
        client.sendall(b"x" * (3 * 1_448 + 1))
        time.sleep(0.05)
        assert traffic_between(before, read_tcp_info(client)).up_data_segments == 4
        server.close()


@pytest.mark.parametrize(
    "name, sizes",
    [("rsa4", (1_535, 1_092, 1_180, 1_161)), ("rsa3", (1_535, 1_092, 1_180)), ("ecdsa3", (1_141, 696, 976))],
)
def test_certificates_have_the_sizes_of_an_amazon_like_chain(tmp_path, name, sizes):
    made = tls.make_chain(name, tmp_path)
    # an ECDSA signature is 70 to 72 B long: signing again nearly always hits the size, a byte is allowed
    assert made.der_bytes == pytest.approx(sizes, abs=1 if name == "ecdsa3" else 0)


@pytest.mark.parametrize(
    "flow",
    [f for f in FLOWS if f.kind in ("exchange", "upgrade") and f.up_bytes],
    ids=lambda f: f"{f.protocol}-{f.name}",
)
def test_messages_have_exactly_the_size_asked_for(rows, flow):
    row = rows[flow.name, flow.protocol]
    assert (float(row["message_up_bytes"]), float(row["message_down_bytes"])) == (flow.up_bytes, flow.down_bytes)


@pytest.mark.parametrize(
    "flow, protocol, ip_bytes",
    [
        ("poll", "http/1.1", 872),
        ("rest_poll", "http/1.1", 1_080),
        ("rest_poll_slow", "http/1.1", 1_132),
        ("token_poll", "http/1.1", 2_173),
        ("exact_poll", "http/2", 480),
        ("exact_poll_slow", "http/2", 532),
        ("heartbeat", "websocket", 208),
        ("push_new_comment", "websocket", 314),
        ("upgrade", "websocket", 830),
        ("close", "tls1.3", 232),
    ],
)
def test_sockets_agree_with_the_packet_captures(rows, flow, protocol, ip_bytes):
    row = rows[flow, protocol]
    # a busy machine now and then lets one more ACK of 52 B go alone in three occurrences
    assert float(row["up_bytes"]) + float(row["down_bytes"]) == pytest.approx(ip_bytes, abs=18)


@pytest.mark.parametrize("flow, ip_bytes", [("connect_rsa4", 7_546), ("connect_rsa4_resumed", 1_663)])
def test_handshakes_agree_with_the_packet_captures_within_10_percent(rows, flow, ip_bytes):
    row = rows[flow, "tls1.3"]
    assert float(row["up_bytes"]) + float(row["down_bytes"]) == pytest.approx(ip_bytes, rel=0.1)


def test_bytes_segments_and_plaintext_of_a_row_add_up(rows):
    for row in rows.values():
        up, down = (
            sum(float(row[f"{way}_{what}"]) for what in ("data_segments", "pure_acks")) for way in ("up", "down")
        )
        if row["kind"] in ("exchange", "push", "heartbeat", "upgrade"):  # no SYN, no FIN, one record each
            sent = 22 * (row["up_data_segments"] != "0.0") + 52 * up
            assert float(row["up_bytes"]) == pytest.approx(float(row["message_up_bytes"]) + sent, abs=0.1)
            got = 22 * (2 if "bulk" in row["flow"] else 1) + 52 * down
            got += float(row["message_down_bytes"])
            # newer Pythons write a long body apart from its headers: one record of 22 B more
            assert float(row["down_bytes"]) == pytest.approx(got, abs=22.1)


def test_an_answer_after_60_ms_draws_one_more_ack_from_the_server(rows):
    fast, slow = rows["rest_poll", "http/1.1"], rows["rest_poll_slow", "http/1.1"]
    assert float(slow["down_pure_acks"]) == 1.0
    assert float(fast["down_pure_acks"]) <= 0.34
    for row in (fast, slow):  # one of three may be delayed by a busy machine and send one more
        assert 1.0 <= float(row["up_pure_acks"]) <= 1.34


def test_the_model_is_near_a_short_run(folder):
    table = bench.compare(folder[0])
    # a 200th of an hour is mostly connects, which may be 10 % off; whole hours are held to 1 % below
    limits = np.where(table.kind == "hour", 0.03, table.limit_ratio)
    # of three occurrences one that a busy machine delays sends an ACK more each way; the stored run has 25
    limits = limits + 2 * 52.0 / table.measured_bytes
    assert (table.error_ratio.abs() <= limits).all(), table[table.error_ratio.abs() > limits].to_string()


def test_delays_of_a_short_run_lie_near_the_model(folder):
    if os.getloadavg()[0] > 2 * os.cpu_count():
        pytest.skip("the machine is too busy to time anything")
    table = bench.compare(folder[0], what="timing").set_index(["design", "figure"])
    # 600 events: 4 standard errors of a median are 10 % of it here, and a machine that others use adds a
    # millisecond or two to every push; the stored run is held to the real limits below
    for design in ("polling", "push"):
        assert abs(table.loc[(design, "p50"), "error_ratio"]) < 0.15
        assert table.loc[(design, "ks"), "error_ratio"] < 0.2
    assert (table.n == 600).all()


def test_progress_counts_up_to_the_end(folder):
    done = [step[0] for step in folder[1]]
    assert done[-1] == folder[1][-1][1]
    assert {"poll", "heartbeat", "timing"} <= {step[2] for step in folder[1]}


def test_rows_carry_versions_and_conditions_and_no_host(rows):
    row = rows["poll", "http/1.1"]
    for column in ("python", "openssl", "kernel", "libraries", "conditions", "date", "spacing_s"):
        assert row[column]
    assert re.fullmatch(r"Linux \d+\.\d+", row["kernel"])
    assert socket.gethostname() not in ",".join(row.values())


def test_a_finished_run_leaves_no_thread_no_socket_and_no_other_file(folder):
    assert sorted(path.name for path in folder[0].iterdir()) == [
        "bytes.csv",
        "hours.csv",
        "timing.csv",
        "timing_sample.csv",
    ]
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if "asyncio" in t.name]
    assert not bench_sockets()


def bench_sockets():
    """File descriptors of this process that are TCP sockets on 127.0.0.1."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            sock = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        with sock:
            if sock.family == socket.AF_INET and sock.getsockname()[0] == "127.0.0.1":
                found.append(fd)
    return found


# the stored measurement, which whole hours and thousands of events went into


def test_stored_bytes_lie_within_2_percent_a_flow_10_a_handshake_1_an_hour():
    table = bench.compare()
    assert table.within.all(), table[~table.within].to_string()
    assert set(zip(table.flow, table.protocol, strict=True)) >= {
        (f"hour_{design}", protocol) for design in ("polling", "push") for protocol in ("http/1.1", "http/2")
    }


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
    table = bench.compare(what="timing")
    assert (table.n >= 4_000).all()
    assert set(table.limit_ratio) == {0.05}
    assert table.within.all(), table.to_string()


def test_stored_percentiles_are_those_of_the_stored_sample():
    measured = paths.data("measured")
    with open(measured / "timing.csv", encoding="utf-8", newline="") as lines:
        cuts = list(csv.DictReader(lines))
    sample = np.genfromtxt(measured / "timing_sample.csv", delimiter=",", names=True)
    for design in ("polling", "push"):
        mine = [row for row in cuts if row["design"] == design]
        wanted = np.quantile(sample[f"{design}_s"], [int(row["percentile"]) / 100 for row in mine])
        # the sample is rounded to 0.1 ms
        assert [float(row["delay_s"]) for row in mine] == pytest.approx(list(wanted), abs=1.1e-4)


# the comparison


def test_compare_takes_another_model(folder):
    table = bench.compare(folder[0], bytes_model=lambda part: (1.0, 2.0))
    assert (table[table.kind != "hour"].model_bytes == 3.0).all()
    delays = bench.compare(
        folder[0],
        what="timing",
        samples=100,
        delay_model=lambda design, about, n, seed: np.full(n, 2 * about["period_s"]),
    )
    assert (delays.model_s.dropna() == 4.0).all()
    assert not delays.within.any()


def test_poll_delays_of_the_model_have_the_moments_of_a_uniform_wait():
    about = dict.fromkeys(("server_s", "own_s", "path_median_s", "path_sigma_ln"), 0.0)
    about["timed_period_s"] = 2.0
    drawn = comparison.modelled_delays_s("polling", about, 400_000, 1)
    # four standard errors: sd of the mean is 2 / sqrt(12 n), of the variance about T^2 sqrt(1/180 n)
    assert drawn.mean() == pytest.approx(1.0, abs=4 * 2 / (12 * 4e5) ** 0.5)
    assert drawn.var() == pytest.approx(1 / 3, abs=4 * 4 / (180 * 4e5) ** 0.5)
    assert np.quantile(drawn, 0.95) == pytest.approx(1.9, abs=0.005)


def test_ks_distance_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=300), rng.normal(0.2, 1.1, size=500)
    expected = stats.ks_2samp(one, other).statistic
    assert comparison.ks_distance(one, other) == pytest.approx(expected, abs=1e-12)


def test_an_hour_is_made_of_its_share_of_every_part(folder):
    with open(folder[0] / "hours.csv", encoding="utf-8", newline="") as lines:
        parts = {(row["hour"], row["protocol"], row["part"]): int(row["times"]) for row in csv.DictReader(lines)}
    polls = sum(
        n
        for (hour, protocol, part), n in parts.items()
        if (hour, protocol) == ("hour_polling", "http/1.1") and part.removeprefix("first_") == "poll"
    )
    assert polls == 1_800 / 200
    assert parts["hour_push", "http/2", "heartbeat"] == 1
    assert parts["hour_push", "http/1.1", "upgrade"] == 1


def test_http2_sizes_by_hpack_are_those_counted(rows):
    row = rows["poll", "http/2"]
    up, down = comparison.http2_sizes()
    assert float(row["message_up_bytes"]) == pytest.approx(up, abs=0.5)
    # three answers of a table that fills and empties in turns of about ten: 5 %
    assert float(row["message_down_bytes"]) == pytest.approx(down, rel=0.05)


# bad input, losses and stops: one sentence, nothing left


def test_a_port_in_use_is_told_in_one_sentence_and_nothing_is_written(tmp_path):
    with servers.listener() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(checks.InputError, match=f"port {port} on 127.0.0.1 is in use; give another"):
            bench.measure(tmp_path, port=port)
    assert not list(tmp_path.iterdir())


def test_a_port_in_use_is_exit_code_2_without_a_traceback(tmp_path, capsys):
    from model.bench.__main__ import main

    with servers.listener() as taken:
        port = taken.getsockname()[1]
        assert main([str(tmp_path), "--port", str(port), "--what", "timing"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: port {port} on 127.0.0.1 is in use")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"port": 70_000}, "port must be a whole number from 0 to 65535; got 70000"),
        ({"what": ["byte"]}, "unknown measurement 'byte'; did you mean 'bytes'"),
        ({"spacing_s": 0.05}, "spacing_s must be at least 0.2 s, or ACKs ride along; got 0.05"),
        ({"occurrences": -1}, "occurrences must be > 0; got -1"),
        ({"occurrences": 2.5}, "occurrences must be a whole number >= 0; got 2.5"),
        ({"hour_share": 1.5}, "hour_share must be between 0 and 1; got 1.5"),
        ({"hours": (Hour("polling", "http/1.1", {"pol": 1}),)}, "unknown flow 'pol'; did you mean 'poll'"),
    ],
)
def test_a_wrong_parameter_is_one_sentence_and_nothing_is_written(tmp_path, wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        bench.measure(tmp_path, **{"what": ["bytes"], **wrong})
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(checks.InputError, match="out_dir must be a folder that can be written; got"):
        bench.measure(tmp_path / "taken")


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"kind": "exchagne"}, "unknown kind of flow 'exchagne'; did you mean 'exchange'"),
        ({"protocol": "http/3"}, "unknown protocol 'http/3'; did you mean 'http/"),
        ({"up_bytes": -1}, "up_bytes must be a whole number >= 0 B; got -1"),
        ({"down_bytes": 1.5}, "down_bytes must be a whole number >= 0 B; got 1.5"),
        ({"server_s": -1}, "server_s must be >= 0 s; got -1"),
    ],
)
def test_a_flow_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        replace(POLL, **wrong)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"compression": 40}, "timing.period_s / compression must exceed a slow round trip of"),
        ({"events": 0}, "timing.events must be at least 2; got 0"),
        ({"push_clients": 1.5}, "timing.push_clients must be a whole number >= 0; got 1.5"),
        ({"server_s": -1}, "timing.server_s must be >= 0; got -1"),
    ],
)
def test_a_timing_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        replace(FEW_EVENTS, **wrong)


def test_a_missing_library_is_one_sentence_with_the_way_out(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h2" else found(name))
    with pytest.raises(checks.InputError, match="needs h2, not installed here; pip install 'push-or-poll"):
        bench.measure(tmp_path)


def test_an_unknown_chain_is_refused(tmp_path):
    with pytest.raises(checks.InputError, match="unknown certificate chain 'rsa5'; did you mean 'rsa"):
        tls.make_chain("rsa5", tmp_path)


def test_a_size_below_the_headers_own_is_one_sentence(tmp_path):
    small = Flow("tiny", "exchange", "http/1.1", 20, 310)
    with pytest.raises(checks.InputError, match="20 B up and 310 B down cannot be reached with these"):
        bench.measure(tmp_path, what=["bytes"], flows=(small,), hours=())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flow", [PING, POLL], ids=["push", "polling"])
def test_a_client_that_dies_on_the_way_is_one_sentence_and_nothing_is_left(tmp_path, flow):
    def kill(done, total, name):
        if done == 2:
            for fd in bench_sockets():
                with socket.socket(fileno=os.dup(fd)) as sock:
                    try:
                        sock.getpeername()
                    except OSError:
                        continue  # the listeners live on
                    sock.shutdown(socket.SHUT_RDWR)

    with pytest.raises(
        checks.InputError,
        match=f"{flow.name}: a client lost its connection in the middle of "
        "the measurement .*; nothing of this run was written",
    ):
        bench.measure(tmp_path, what=["bytes"], flows=(flow,), hours=(), occurrences=5, progress=kill)
    assert not list(tmp_path.iterdir())
    assert not bench_sockets()


def listening(pid: int) -> bool:
    """Whether a process, or one that it started, waits for connections: its imports are behind it then."""
    one = psutil.Process(pid)
    found = [c for p in (one, *one.children(recursive=True)) for c in p.net_connections()]
    return any(c.status == psutil.CONN_LISTEN for c in found)


def test_ctrl_c_stops_it_and_leaves_nothing(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-m", "model.bench", str(tmp_path)],
        cwd=paths.PACKAGE.parent,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while not listening(run.pid) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)  # in the middle of the flows
        assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=30)
    finally:
        run.kill()
    assert run.returncode == 130
    assert told.strip() == "stopped; nothing half-written is left"
    assert not list(tmp_path.iterdir())


def test_it_runs_where_a_loop_already_runs(tmp_path):
    async def in_a_notebook():
        return bench.measure(tmp_path, what=["bytes"], flows=(PING,), hours=(), occurrences=1)

    assert asyncio.run(in_a_notebook())["bytes"].is_file()
