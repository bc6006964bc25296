"""Calibrate: what files say of a scenario's inputs, in four states, with intervals that hold the truth."""

import re
from pathlib import Path

import made_files as made
import numpy as np
import pandas as pd
import pytest

import model
from model import checks, server_load
from model.apps.cli import own_files
from model.calibration import estimates
from model.calibration.finding import paired
from model.readers import AccessLog, OwnFile
from model.scenario import Range, sampling

APP = "https://app.example/api"


def loops(rng, count=60, **periods):
    """Timers as browsers run them: every period, a little late each time."""
    found = []
    for name, (period_s, up, down) in periods.items():
        times = made.EPOCH_S + period_s * np.arange(count) + rng.uniform(0, 0.02 * period_s, count)
        found.append((f"{APP}/{name}", times, np.full(count, up), np.full(count, down)))
    return found


@pytest.fixture
def polled(tmp_path):
    rng = np.random.default_rng(1)
    return made.har(tmp_path / "app.har", loops(rng, unread=(2.0, 362, 310), content=(45.0, 500, 4000)))


def test_a_har_measures_what_agrees_and_contradicts_what_does_not(polled):
    table = model.calibrate("twilly", polled).table
    states = table["state"]
    assert states["before.timers.unread_counts.period_s"] == "measured"
    assert states["before.timers.content.period_s"] == "measured"  # 45 s lies within 30 to 60
    assert states["before.timers.content.request_bytes"] == "contradicted"  # 500 B where 362 B was said
    row = table.loc["before.timers.content.period_s"]
    assert row["low"] <= 45.0 <= row["high"] and row["n"] == 59 and row["was_high"] == 60.0
    assert row["file"] == "app.har" and len(row["sha256"]) == 12 and row["from"] == "2026-10-01 00:00"
    assert states["usage.session_mean_s"] == "not in these files"
    assert "access log of a WebSocket API" in table.loc["usage.session_mean_s", "also"]


def test_every_ranged_input_has_one_of_four_states(polled):
    table = model.calibrate("twilly", polled).table
    assert set(sampling.ranged_inputs(model.load("twilly"))) <= set(table.index) and table.index.is_unique
    assert set(table["state"]) == {"measured", "contradicted", "not in these files"}


def test_the_file_that_is_written_is_the_scenario_that_was_calibrated(polled, tmp_path):
    found = model.calibrate("twilly", polled, users=5000)
    (tmp_path / "new.yaml").write_text(found.text("twilly"), encoding="utf-8")
    again = model.load(tmp_path / "new.yaml")
    assert again.designs == found.scenario.designs and again.users == 5000
    assert isinstance(again.designs["before"].timers["content"].period_s, Range)
    assert "app.har sha256" in again.designs["before"].timers["content"].period_s.source
    assert (
        again.designs["polling_as_built"].timers["content"].period_s
        == again.designs["before"].timers["content"].period_s
    )


def test_a_hidden_tab_does_not_stretch_the_period():
    times = np.cumsum([5.0] * 13 + [58.0] + [5.0] * 12) + np.random.default_rng(2).normal(0, 0.01, 26)
    found = estimates.period([times])
    assert found.low <= 5.0 <= found.high and found.high - found.low < 0.02


def test_sessions_that_the_log_cuts_are_censored_and_not_dropped():
    rng = np.random.default_rng(3)
    mean_s, sigma, whole_s = 600.0, 1.0, 3600.0
    start = rng.uniform(-40 * mean_s, whole_s, 8000)
    end = start + mean_s * np.exp(sigma * rng.standard_normal(start.size) - sigma**2 / 2)
    there = end > 0
    began, ended = start[there] >= 0, end[there] <= whole_s
    lives = np.minimum(end[there], whole_s) - np.maximum(start[there], 0.0)
    mean, spread = estimates.sessions(lives, began, ended, whole_s)
    assert mean.low <= mean_s <= mean.high and spread.low <= sigma <= spread.high
    assert lives[began & ended].mean() < 0.9 * mean_s  # dropping them would say too little


def test_an_access_log_gives_sessions_without_the_grace_and_sessions_a_day():
    rng = np.random.default_rng(4)
    count, days = 3000, 5
    start = made.EPOCH_S + np.sort(rng.uniform(0, 86400 * days, count))
    life = 300 * np.exp(0.8 * rng.standard_normal(count) - 0.32) + 30.0  # 30 s of grace
    end = made.EPOCH_S + 86400.0 * days
    sessions = pd.DataFrame({"caller": rng.integers(0, 300, count), "start_s": start, "messages": 0, "reason": ""})
    sessions["life_s"], sessions["began"], sessions["ended"] = np.minimum(life, end - start), True, start + life <= end
    file = OwnFile("ws.log", "0" * 64, "access log", "", count, made.EPOCH_S, end)
    log = AccessLog((file,), "x", sessions.rename(columns={"start_s": "time_s"}), pd.DataFrame(), sessions, 0, 300)
    from model.calibration import finding

    found = finding.Findings()
    finding.of_log(found, log, model.load("twilly"), "before", "after", {})
    values = {one.path: one.value for one in found.inputs}
    assert values["usage.session_mean_s"].low <= 300 <= values["usage.session_mean_s"].high
    assert values["usage.session_sigma_ln"].low <= 0.8 <= values["usage.session_sigma_ln"].high
    people = len(sessions.groupby([(start // 86400).astype(int), "caller"]))
    assert values["usage.sessions_per_day"].mode == pytest.approx(count / people)


def test_sums_of_a_month_narrow_products_and_name_the_partner(tmp_path):
    truth = model.load("twilly").with_(
        {"usage.dau_mau_share": 0.12, "usage.sessions_per_day": 6.0, "usage.session_mean_s": 400.0}
    )
    rates = server_load.rates_per_s(model.evaluate(truth, 50_000)["after"].traffic)
    hours = np.ones(24 * 7) * 3600.0
    counted = {"ConnectCount": hours * rates["connects/s"].item(), "Invocations": hours * rates["runs/s"].item()}
    found = model.calibrate("twilly", made.cloudwatch(tmp_path / "metrics.json", **counted), users=50_000)
    narrow = found.table[found.table["state"] == "narrowed"]
    assert {"usage.sessions_per_day"} <= set(narrow.index)
    row = narrow.loc["usage.sessions_per_day"]
    assert row["low"] <= 6.0 <= row["high"] and row["high"] - row["low"] < 0.75 * (12.38 - 1.0)
    assert row["also"] == "with usage.dau_mau_share"
    bare = model.calibrate("twilly", tmp_path / "metrics.json")
    assert "narrowed" not in set(bare.table["state"]) and any("give --users" in r for r in bare.remarks)


def test_a_discount_in_the_bill_is_put_in_and_the_bill_is_explained(tmp_path):
    lines = [("AWSLambda", "Request", "Invoke", "Requests", 1e6 * k, 0.85 * 0.2 * k, 0.2 * k) for k in range(1, 9)]
    found = model.calibrate("twilly", made.bill(tmp_path / "bill.csv", lines))
    assert found.scenario.discounts == {"Lambda": pytest.approx(0.85)}
    assert found.table.loc["discounts.Lambda", "state"] == "measured"
    assert any("Lambda is paid at 15.0% below the list price" in s for s in found.bills[0].findings)


def test_heartbeats_in_messages_contradict_ping_frames(tmp_path):
    times = made.EPOCH_S + 25.0 * np.arange(40)
    said = [
        (t + d, up, text)
        for t in times
        for d, up, text in ((0.0, True, '{"type":"ping"}'), (0.05, False, '{"type":"pong"}'))
    ]
    found = model.calibrate("twilly", made.har(tmp_path / "socket.har", [], said))
    assert found.table.loc["after.heartbeat.kind", "state"] == "contradicted"
    beat = found.scenario.designs["after"].heartbeat
    assert beat.kind == "json" and beat.function == "send" and beat.period_s.mode == pytest.approx(25.0, rel=1e-4)


def test_routes_meet_timers_by_their_words_or_as_said():
    timers = {"unread_counts": ["new_comment"], "content": ["channel_content_update"]}
    assert paired(["GET /api/unread", "GET /v1/content"], timers, {}) == {
        "GET /api/unread": "unread_counts",
        "GET /v1/content": "content",
    }
    assert (
        paired(["GET /x"], timers, {"/x": "content"}) == {"GET /x": "content"} and paired(["GET /x"], timers, {}) == {}
    )
    assert paired(["GET /x"], {"poll": []}, {}) == {"GET /x": "poll"}


def test_a_loop_that_matches_no_timer_is_said_and_changes_nothing(tmp_path):
    rng = np.random.default_rng(5)
    found = model.calibrate("twilly", made.har(tmp_path / "x.har", loops(rng, zebra=(7.0, 300, 300))))
    assert any("GET /api/zebra comes every" in r and "--match" in r for r in found.remarks)
    assert found.changes == {} and found.scenario == model.load("twilly")


TRUTHS = 15  # tests/benchmarks/bench_calibrate.py runs 200


@pytest.mark.parametrize("kind", ["timer", "loop", "size", "rate", "peak", "discount"])
def test_the_interval_holds_the_truth_about_95_times_in_100(kind):
    from benchmarks.bench_calibrate import TRUTH

    hits = sum(
        est.low <= truth <= est.high for est, truth in (TRUTH[kind](np.random.default_rng(k)) for k in range(TRUTHS))
    )
    assert hits >= 11  # of 15; at 95 % each fewer come once in 1,600 times


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"files": ["none.har"]}, "none.har"),
        ({"files": []}, "calibrate needs at least one file; got none"),
        ({"match": {"a": "conten"}}, "unknown timer 'conten'; did you mean 'content'?"),
        ({"users": -5}, "users must be > 0 users; got -5"),
        ({"design": "befor"}, "unknown design 'befor'; did you mean 'before'?"),
    ],
)
def test_a_mistake_is_one_sentence(polled, more, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        model.calibrate("twilly", **{"files": polled, **more})


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"out": "new.txt"}, "-o must name a .yaml file that is not the scenario itself (new.txt)"),
        ({"match": ["unread"]}, "--match must be PART=TIMER; got 'unread'"),
    ],
)
def test_the_command_refuses_what_it_would_not_write(polled, tmp_path, monkeypatch, more, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        own_files.calibrate("twilly", [polled], **{k: Path(v) if k == "out" else v for k, v in more.items()})
    assert [p.name for p in tmp_path.iterdir()] == ["app.har"]


def test_the_command_prints_the_states_and_writes_only_where_asked(polled, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own_files.calibrate("twilly", [polled], users=["5000"], out=Path("new.yaml"))
    told = capsys.readouterr().out
    assert re.search(r"before\.timers\.content\.period_s: measured from 59 gaps of GET /api/content", told)
    assert "Not in these files:" in told and (tmp_path / "new.yaml").is_file()
    assert "extends: twilly" in (tmp_path / "new.yaml").read_text(encoding="utf-8")
    own_files.calibrate("new.yaml", [polled])  # a calibrated scenario may be calibrated again, and nothing is written
    assert sorted(p.name for p in tmp_path.iterdir()) == ["app.har", "new.yaml"]
