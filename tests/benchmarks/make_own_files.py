"""Makes `data/own_files/`: what a user of the calibration has, of an app whose truth is known.

    python tests/benchmarks/make_own_files.py

`app.har.gz` is a real Chromium against the bench's real servers, two loops and a socket, 150 s. The log, the metrics
and the day are drawn from the default scenario with other numbers in it, written in the forms of API Gateway,
CloudWatch and a log of events: a browser makes no population. Nothing in them was measured in the field.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), str(HERE / "system"), str(HERE.parent)]

import chromium  # noqa: E402
import made_files as made  # noqa: E402
import test_calibrate_browser as bench  # noqa: E402
from devtools import har_of  # noqa: E402
from test_replay import drawn  # noqa: E402

import model  # noqa: E402
from model import paths  # noqa: E402
from tools.bench import servers  # noqa: E402

PERIODS_S = {"unread_counts": 2.5, "content": 45.0}
BODIES_B = {"/api/unread_counts": 260, "/api/content": 3100}
TRUTH = {
    "usage.session_mean_s": 420.0,
    "usage.session_sigma_ln": 0.9,
    "usage.sessions_per_day": 4.5,
    "usage.dau_mau_share": 0.16,
}
PEAK, DAYS, USERS = 3.1, 7, 1500


def packed(path):
    """The file as a gz, the same bytes whenever it is made."""
    whole = path.with_name(path.name + ".gz")
    whole.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    path.unlink()


def browsed(folder, seconds=150.0):
    """A HAR of a real browser against real servers."""
    polled, held = bench.listening(), bench.listening()
    answers = servers.Answers(body_bytes=BODIES_B)
    with bench.running(
        lambda: servers.http1_server(polled, None, answers), lambda: servers.websocket_server(held, None, bench.handler)
    ):
        browser = chromium.Browser()
        try:
            page = browser.page()
            page.call("Page.navigate", url=f"http://127.0.0.1:{polled.getsockname()[1]}/")
            page.until("document.readyState === 'complete'")
            port = held.getsockname()[1]
            page.run(bench.SCRIPT.format(periods=json.dumps(PERIODS_S), port=port, beat_ms=25_000))
            for _ in range(int(seconds)):  # events must be taken off the line now and then
                time.sleep(1.0)
                page.run("1")
            page.run("window.ticks.forEach(clearInterval); window.line.close()")
            time.sleep(1.0)
            page.run("1")
            return har_of(page.events, folder / "app.har")
        finally:
            browser.close()


def hourly(rng, days):
    """Moments of a day with one peak of a known height, as hours and seconds of it."""
    shape = np.maximum(1 + 0.9 * np.cos((np.arange(24) - 19) * 2 * np.pi / 24), 0.02)
    low, high = 0.0, 30.0
    for _ in range(60):
        power = (low + high) / 2
        hours = shape**power / (shape**power).mean()
        low, high = (power, high) if hours.max() < PEAK else (low, power)
    return hours / 24.0


def logged(folder, rng):
    """An access log of a WebSocket API and a CloudWatch export of the same days."""
    hours, rows, connects = hourly(rng, DAYS), [], np.zeros(24 * DAYS)
    number = 0
    for day in range(DAYS):
        active = rng.permutation(USERS)[: rng.binomial(USERS, TRUTH["usage.dau_mau_share"])]
        who = np.repeat(active, 1 + rng.poisson(TRUTH["usage.sessions_per_day"] - 1, active.size))
        hour = rng.choice(24, who.size, p=hours)
        start = 86400 * day + 3600 * hour + rng.uniform(0, 3600, who.size)
        spread = TRUTH["usage.session_sigma_ln"]
        life = TRUTH["usage.session_mean_s"] * np.exp(spread * rng.standard_normal(who.size) - spread**2 / 2) + 30.0
        np.add.at(connects, (start // 3600).astype(int), 1)
        for at, length, caller in zip(start, life, who, strict=True):
            number += 1
            if 86400 <= at < 86400 * 3:  # the log holds two of the days
                rows.append((made.EPOCH_S + at, "CONNECT", number, int(caller)))
            if 86400 <= at + length < 86400 * 3:
                rows.append((made.EPOCH_S + at + length, "DISCONNECT", number, int(caller)))
    packed(made.websocket_log(folder / "connections.log", rows))
    packed(made.cloudwatch(folder / "metrics.json", ConnectCount=connects))


def day(folder):
    """One day of events and sessions."""
    scenario = model.load("twilly").with_({**TRUTH, "usage.peak_to_mean_ratio": 1.0})
    events, sessions = drawn(scenario, 300, 1, seed=11)
    for frame, columns, name in ((events, ["time"], "day_events"), (sessions, ["start", "end"], "day_sessions")):
        for column in columns:
            frame[column] = pd.to_datetime(frame[column].round(), unit="s", utc=True).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        frame.sort_values(columns[0]).to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    to = paths.data("own_files")
    to.mkdir(exist_ok=True)
    rng = np.random.default_rng(22)
    logged(to, rng)
    day(to)
    packed(browsed(to))
    print(*(f"{p.name} {p.stat().st_size:,} B" for p in sorted(to.iterdir())), sep="\n")
