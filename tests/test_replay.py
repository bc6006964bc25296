"""Replay: a record's own events and sessions through every design."""

import re
from functools import cache
from types import SimpleNamespace

import made_files as made
import numpy as np
import pandas as pd
import pytest

import model
from model import calibration, checks
from model.apps.cli import own_files
from model.calibration.record import wakes_per_hour
from model.life.flow import Flow
from model.life.sessions import Place, pushes_per_s
from model.scenario import sampling

EPOCH_S = 1_600_000_000 // 86400 * 86400
DESIGNS = ("before", "after", "push_improved")


@cache
def twilly():
    """Three designs of the default scenario, at an even day."""
    whole = model.load("twilly").with_({"usage.peak_to_mean_ratio": 1.0})
    return whole.model_copy(update={"designs": {name: whole.designs[name] for name in DESIGNS}})


def drawn(scenario, users, days, seed=0):
    """Days as the model has them: lognormal sessions at even moments, events at random to people in the app."""
    rng, plain = np.random.default_rng(seed), sampling.resolved(scenario, [users])
    use, rows = plain.usage, []
    for day in range(days):
        active = rng.permutation(users)[: rng.binomial(users, use.dau_mau_share)]
        who = np.repeat(active, 1 + rng.poisson(use.sessions_per_day - 1, active.size))
        spread = use.session_sigma_ln
        length = use.session_mean_s * np.exp(spread * rng.standard_normal(who.size) - spread**2 / 2)
        rows.append((who, EPOCH_S + 86400 * (day + rng.random(who.size)), length))
    who, start, length = (np.concatenate(column) for column in zip(*rows, strict=True))
    sessions = pd.DataFrame({"user": [f"u{w}" for w in who], "start": start, "end": start + length})
    sent = []
    for name, event in plain.events.items():
        count = rng.poisson(float(pushes_per_s(plain, name)) * length.sum())
        row = rng.choice(length.size, count, p=length / length.sum())
        at = start[row] + rng.random(count) * length[row]
        sent.append(pd.DataFrame({"time": at, "event": name, "recipients": sessions["user"].to_numpy()[row]}))
        away = rng.poisson(count * (1 - event.online_share) / event.online_share)
        moments = EPOCH_S + 86400 * days * rng.random(away)
        sent.append(pd.DataFrame({"time": moments, "event": name, "recipients": "nobody"}))
    events = pd.concat(sent, ignore_index=True)
    return events[events["time"] < EPOCH_S + 86400 * days], sessions


def test_days_drawn_from_the_model_give_its_told_shares_bill_and_wakes_within_4_standard_errors():
    scenario, users = twilly(), 300
    found = model.replay(scenario, *drawn(scenario, users, days=12), users=users, draws=48)
    truth = model.evaluate(scenario, users)
    for name in DESIGNS:
        mine, model_s = found[name], truth[name]
        pairs = [(mine.told_in_time[limit], model_s.told_in_time[limit]) for limit in mine.told_in_time]
        pairs += [(mine.total(measure), model_s.total(measure)) for measure in ("cost", "data", "load")]
        pairs.append((mine.wakes_per_hour, wakes_per_hour(model_s.traffic)))
        for own, whole in pairs:
            assert abs(np.mean(own) - np.ravel(whole)[0]) < 4.0 * np.std(own)


def small(**more):
    """One person in the app for 100 s who is told of two comments, and one who is away."""
    events = pd.DataFrame({"time": [EPOCH_S + 10.0, EPOCH_S + 95.0], "event": "new_comment", "recipients": "ann bob"})
    sessions = pd.DataFrame({"user": ["ann"], "start": [EPOCH_S], "end": [EPOCH_S + 100.0]})
    scenario = twilly().with_({"before.timers.unread_counts.period_s": 40.0})
    return model.replay(scenario, events, sessions, **{"draws": 0, **more})


def test_a_poll_shows_an_event_at_the_next_multiple_of_its_period_and_none_behind_the_session():
    delays = small()["before"].told["new_comment"]
    assert 30.0 < delays[0] < 32.0  # sent 10 s into the session, told by the poll at 40 s
    assert np.isinf(delays[1])  # the poll at 120 s comes after they left
    assert small().values("not told", "before")[0, 0] == 50.0
    assert small().values("not told", "after")[0, 0] == 0.0


def test_an_event_after_the_sessions_end_finds_nobody_in_the_app():
    events = pd.DataFrame({"time": [EPOCH_S + 50.0, EPOCH_S + 150.0], "event": "new_comment", "recipients": "ann"})
    sessions = pd.DataFrame({"user": ["ann"], "start": [EPOCH_S], "end": [EPOCH_S + 100.0]})
    told = model.replay(twilly(), events, sessions, draws=0).record.told["new_comment"]
    assert told.into_s.tolist() == [50.0] and told.left_s.tolist() == [50.0]


def test_wake_ups_are_exchanges_after_2_s_of_silence():
    def per_hour(*flows, pushed=None):
        life = SimpleNamespace(places={"app": Place(1.0, "app", None)})
        return float(np.ravel(wakes_per_hour(SimpleNamespace(flows=[*flows], life=life), pushed))[0])

    def timer(period_s):
        return Flow(f"poll {period_s}", "poll", 1.0, {"app": 1 / period_s}, period_s=period_s, exchange="http")

    push = Flow("push", "push", 1.0, {"app": 0.1}, exchange="push", events=("news",))
    assert per_hour(timer(10.0)) == pytest.approx(360.0) and per_hour(timer(1.5)) == 0.0
    assert per_hour(push) == pytest.approx(360.0 * np.exp(-0.2))
    assert per_hour(push, timer(10.0)) == pytest.approx(360.0 * (0.8 * np.exp(-0.2) + np.exp(-0.2)))
    assert per_hour(push, pushed={"news": (0.5, 1.0)}) == pytest.approx(180.0)  # half of them right behind another
    assert per_hour(push, timer(10.0), pushed={"news": (0.5, 1.0)}) == pytest.approx(180.0 * 0.8 + 360.0 * 0.9)


def test_the_bill_counts_the_minutes_of_each_session_by_itself():
    sessions = pd.DataFrame(
        {"user": ["a", "b"], "start": [EPOCH_S, EPOCH_S + 50.0], "end": [EPOCH_S + 31.0] * 1 + [EPOCH_S + 200.0]}
    )
    events = pd.DataFrame({"time": [EPOCH_S + 5.0], "event": "new_comment", "recipients": "a"})
    scenario = twilly().with_({"after.socket.grace_s": 30.0, "after.socket.blocked_share": 0.0})
    scenario = scenario.with_({f"networks.{n}.losses_per_hour": 0.0 for n in scenario.networks})
    scenario = scenario.with_({f"networks.{n}.nat_timeout_s": 1e9 for n in scenario.networks})
    usage = model.replay(scenario, events, sessions, draws=0)["after"].usage
    assert usage["apigw_ws_minute"].item() == pytest.approx(30 * (2 + 3), rel=1e-9)  # 61 s and 180 s, for 30 days


def test_a_number_of_recipients_takes_the_online_share_and_sessions_that_are_open_then():
    events = pd.DataFrame({"time": [EPOCH_S + 10.0, EPOCH_S + 500.0], "event": "new_comment", "recipients": [8, 8]})
    sessions = pd.DataFrame({"user": ["ann"], "start": [EPOCH_S], "end": [EPOCH_S + 100.0]})
    told = model.replay(twilly(), events, sessions, draws=0).record.told["new_comment"]
    assert told.weight.tolist() == [4.0] and told.into_s.tolist() == [10.0]  # half of 8; nobody is there at 500 s


def test_connections_of_an_access_log_are_sessions(tmp_path):
    rows = [(made.EPOCH_S + 0, "CONNECT", 1, 7), (made.EPOCH_S + 300, "DISCONNECT", 1, 7)]
    path = made.websocket_log(tmp_path / "ws.log", [*rows, (made.EPOCH_S + 400, "CONNECT", 2, 8)])
    events = pd.DataFrame({"time": [made.EPOCH_S + 100], "event": "new_comment", "recipients": [4]})
    kept = model.replay(twilly(), events, path, draws=0).record
    assert kept.length_s.tolist() == [300.0] and kept.told["new_comment"].left_s.tolist() == [200.0]
    (tmp_path / "x.log").write_text("no log", encoding="utf-8")
    with pytest.raises(checks.InputError, match="x.log"):
        model.replay(twilly(), events, tmp_path / "x.log")


def test_without_sessions_the_events_alone_set_how_often_each_is_sent():
    events = pd.DataFrame(
        {"time": ["2026-11-03T10:00:00Z", "2026-11-03T11:00:00Z"], "event": ["notification"] * 2, "recipients": [1, 3]}
    )
    found = model.replay(twilly(), events, users=10, draws=0)
    notified = found["after"].traffic.life.scenario.events["notification"]
    assert notified.per_active_day == pytest.approx(2 / (10 * 0.2)) and notified.recipients == pytest.approx(2.0)
    assert found["after"].traffic.life.scenario.events["new_comment"].per_active_day == 0.0


def test_one_day_has_no_interval_and_several_have_one():
    alike = small(draws=20).designs()
    assert (alike["after_low"] == alike["after_high"]).all()
    found = model.replay(twilly(), *drawn(twilly(), 50, days=4), draws=50).designs()
    assert found.loc["cost", "after_low"] < found.loc["cost", "after"] < found.loc["cost", "after_high"]
    assert "radio wake-ups" in found.index


def test_the_same_seed_gives_the_same_replay_and_the_curve_rises():
    record = drawn(twilly(), 50, days=3)
    one, again = (model.replay(twilly(), *record, draws=20, seed=3).curve() for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    assert (np.diff(one["after"]) >= 0).all() and list(one)[:3] == ["before_low", "before", "before_high"]


@pytest.mark.parametrize(
    ("events", "sessions", "sentence"),
    [
        ({"time": [1], "event": ["new_coment"], "recipients": [1]}, None, "unknown event 'new_coment'; did you mean"),
        ({"time": [1], "event": ["new_comment"]}, None, "events must have a column recipients; got time, event"),
        (
            {"time": ["soon"], "event": ["new_comment"], "recipients": [1]},
            None,
            "time must be a time as text or in seconds since 1970; got 'soon' in row 1",
        ),
        ({"time": [], "event": [], "recipients": []}, None, "events must have at least one row; got none"),
        ({"time": [1], "event": ["new_comment"], "recipients": [-1]}, None, "recipients must be >= 0 people; got -1"),
        (
            {"time": [1], "event": ["new_comment"], "recipients": [1]},
            {"user": ["a"], "start": [9], "end": [8]},
            "a session must end after it starts",
        ),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_sentence(events, sessions, sentence):
    sessions = None if sessions is None else pd.DataFrame(sessions)
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        model.replay("twilly", pd.DataFrame(events), sessions)


def test_the_command_replays_files(tmp_path, capsys):
    events, sessions = drawn(twilly(), 30, days=2)
    events.to_csv(tmp_path / "events.csv", index=False)
    sessions.to_csv(tmp_path / "sessions.csv", index=False)
    own_files.replay("twilly", tmp_path / "events.csv", tmp_path / "sessions.csv", design=["after"], draws=8)
    told = " ".join(capsys.readouterr().out.split())
    assert "radio wake-ups" in told and "2 days of events.csv, resampled 8 times" in told


def test_more_people_than_users_and_a_record_of_a_century_are_refused():
    with pytest.raises(checks.InputError, match="users must be at least the 1 people of the sessions; got 0.5"):
        small(users=0.5)
    old = pd.DataFrame({"time": ["1926-01-01", "2026-01-01"], "event": "new_comment", "recipients": 1})
    with pytest.raises(checks.InputError, match="a record must span at most 1,000 days; this one spans 36,526"):
        model.replay("twilly", old)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(checks.InputError, match=re.escape("(none.csv)")):
        model.replay("twilly", "none.csv")


def test_calibration_hands_on_what_the_contract_names():
    assert calibration.replay is model.replay
