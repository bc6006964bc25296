"""The round trip: a real Chromium polls and holds a WebSocket against the bench's servers; its HAR is calibrated."""

import asyncio
import contextlib
import json
import sys
import threading
import time

import chromium
import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("websockets")
if not sys.platform.startswith("linux"):
    pytest.skip("TCP_INFO with byte counts is Linux's", allow_module_level=True)
if chromium.path() is None:
    pytest.skip("no Chromium is installed, so no HAR of one is made", allow_module_level=True)

from devtools import har_of

import model
from model import readers
from tools.bench import servers, tls
from tools.bench.tcp_info import read_tcp_info

PERIODS_S = {"content": 0.5, "unread_counts": 0.8}
BODIES_B = {"/api/content": 3000, "/api/unread_counts": 180}
BEAT_S, PUSH_B, RUN_S = 1.5, 211, 16.0
SCRIPT = """(() => {{ const every = {periods}; window.ticks = [];
  for (const [name, s] of Object.entries(every)) 
    window.ticks.push(setInterval(() => fetch('/api/' + name).then(a => a.text()), 1000 * s));
  const line = new WebSocket('ws://127.0.0.1:{port}/'); window.line = line;
  line.onopen = () => setInterval(() => line.send(JSON.stringify({{type: 'ping'}})), {beat_ms}); }})()"""


class Kept(servers.Listener):
    """A listening socket that keeps what it accepted, so that its bytes can be read at the end."""

    def accept(self):
        """One connection, counted at the end of the run."""
        connection, address = super().accept()
        self.kept.append(connection.dup())
        return connection, address


def listening():
    plain = servers.listener()
    kept = Kept(plain.family, plain.type, fileno=plain.detach())
    kept.kept = []
    return kept


@contextlib.contextmanager
def running(*work):
    """Servers of the bench in a thread of their own, stopped at the end."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve():
        async with contextlib.AsyncExitStack() as stack:
            for one in work:
                await stack.enter_async_context(one())
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    yield
    loop.call_soon_threadsafe(done.set)
    thread.join(20)


async def handler(ws):
    """Answers pings, and pushes a message of a known size now and then."""

    async def push():
        while True:
            await asyncio.sleep(0.7)
            await ws.send(json.dumps({"type": "comment", "text": "x" * (PUSH_B - 31)}))

    pushing = asyncio.ensure_future(push())
    try:
        async for _ in ws:
            await ws.send(json.dumps({"type": "pong"}))
    finally:
        pushing.cancel()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The HAR of one run, and the bytes on the sockets of both servers, up and down."""
    polled, held = listening(), listening()
    port = held.getsockname()[1]
    answers = servers.Answers(body_bytes=BODIES_B)
    with running(
        lambda: servers.http1_server(polled, None, answers), lambda: servers.websocket_server(held, None, handler)
    ):
        browser = chromium.Browser()
        try:
            page = browser.page()
            page.call("Page.navigate", url=f"http://127.0.0.1:{polled.getsockname()[1]}/")
            page.until("document.readyState === 'complete'")
            page.run(SCRIPT.format(periods=json.dumps(PERIODS_S), port=port, beat_ms=1000 * BEAT_S))
            time.sleep(RUN_S)
            page.run("window.ticks.forEach(clearInterval); window.line.close()")
            time.sleep(1.0)
            page.run("1")
            infos = [[read_tcp_info(s) for s in one.kept] for one in (polled, held)]
            counts = [
                (sum(i.bytes_received for i in own), sum(i.bytes_sent - i.bytes_resent for i in own)) for own in infos
            ]
            return har_of(page.events, tmp_path_factory.mktemp("har") / "chromium.har"), counts
        finally:
            browser.close()


def test_each_input_is_within_2_percent_of_what_the_servers_were_told(run):
    found = model.calibrate("twilly", run[0])
    before, after = found.scenario.designs["before"], found.scenario.designs["after"]
    for name, period_s in PERIODS_S.items():
        timer = before.timers[name]
        assert timer.period_s.mode == pytest.approx(period_s, rel=0.02)
        har = readers.har(run[0])
        headers = har.requests[har.requests["url"].str.endswith(name)]["response_header_bytes"]
        assert timer.response_bytes.mode == pytest.approx(BODIES_B[f"/api/{name}"] + headers.mean(), rel=0.02)
    assert after.heartbeat.kind == "json" and after.heartbeat.period_s.mode == pytest.approx(BEAT_S, rel=0.02)
    assert after.heartbeat.payload_bytes.mode == len(json.dumps({"type": "ping"}).replace(" ", ""))
    assert before.api.protocol == "http1"


def test_bytes_of_the_har_are_within_1_percent_of_the_sockets_count(run):
    har, ((up, down), (held_up, held_down)) = readers.har(run[0]), run[1]
    rows = har.requests
    assert (rows["request_header_bytes"] + rows["request_body_bytes"]).sum() == pytest.approx(up, rel=0.01)
    assert (rows["response_header_bytes"] + rows["response_body_bytes"]).sum() == pytest.approx(down, rel=0.01)
    (socket,) = har.sockets
    sent = socket.messages["sent"].to_numpy()
    size = socket.messages["bytes"].to_numpy() + np.where(socket.messages["bytes"] > 125, 4, 2) + np.where(sent, 4, 0)
    assert socket.request_header_bytes + size[sent].sum() + 8 == pytest.approx(held_up, rel=0.01)  # 8: the close
    assert socket.response_header_bytes + size[~sent].sum() + 4 == pytest.approx(held_down, rel=0.01)


def test_over_http_2_answers_are_within_10_percent_and_request_headers_are_said_to_be_unknown(tmp_path):
    polled = listening()
    context = tls.server_context(tls.make_chain("ecdsa3", tmp_path), alpn=("h2",))
    with running(lambda: servers.http2_server(polled, context, servers.Answers(body_bytes=BODIES_B))):
        browser = chromium.Browser()
        try:
            page = browser.page()
            page.call("Security.setIgnoreCertificateErrors", ignore=True)
            page.call("Page.navigate", url=f"https://127.0.0.1:{polled.getsockname()[1]}/")
            page.until("document.readyState === 'complete'")
            page.run("for (let k = 0; k < 40; k++) setTimeout(() => fetch('/api/content'), 200 * k)")
            time.sleep(9.5)
            page.run("1")
            infos = [read_tcp_info(s) for s in polled.kept]
            har = readers.har(har_of(page.events, tmp_path / "chromium.har"))
        finally:
            browser.close()
    rows = har.requests
    assert set(rows["protocol"]) == {"h2"} and rows["request_header_bytes"].isna().all()
    assert any("compressed headers" in note for note in har.file.notes)
    assert rows["transfer_bytes"].sum() == pytest.approx(sum(i.bytes_sent - i.bytes_resent for i in infos), rel=0.1)
