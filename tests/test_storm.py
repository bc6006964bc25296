"""Reconnect storms against the product's arithmetic, SimPy, a sorted list and AWS's backoff simulator."""

import csv
import errno
import heapq
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import config
from scipy import stats
from storm_twin import attempt_times_s, simpy_back_s, sorted_back_s

import model
from model import compiling, storm
from model.checks import InputError


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


SCHEDULE = [2, 4, 8, 16, 30]
JITTERED = ("equal", "full", "decorrelated", "plus_minus")


def back_of(clients, jitter="none", seed=1, **more):
    return storm.reconnect(clients, SCHEDULE, jitter, 500, 500, seed, **more)


def count_back(clients, jitter="none", **more):
    return int(np.isfinite(back_of(clients, jitter, **more)).sum())


# --- the product's storm


@pytest.mark.parametrize("clients, expected", [(400, 400), (2500, 2500), (5000, 2500), (10_000, 2500)])
def test_without_jitter_five_waves_bring_back_500_each(clients, expected):
    assert count_back(clients) == expected


def test_full_jitter_brings_back_nearly_all_of_5000():
    assert count_back(5000, "full") == pytest.approx(4998, rel=0.01)  # W174, 1 % as published


def test_published_storm_cases(shared):
    rows = csv.DictReader(open(shared / "published" / "wire_cases.csv", encoding="utf-8"))
    cases = [r for r in rows if r["topic"].startswith("reconnect_storm")]
    assert len(cases) >= 3
    for case in cases:
        given_ = json.loads(case["inputs_json"])
        jitter = "full" if case["topic"].endswith("full_jitter") else "none"
        back = storm.reconnect(
            given_["clients"], given_["delays"], jitter, given_["rate"], given_["burst"], given_.get("seed", 0)
        )
        assert np.isfinite(back).sum() == pytest.approx(float(case["expected_value"]), rel=0.01), case["id"]


def test_last_attempt_of_the_schedule_is_at_60_s():
    assert attempt_times_s(1, SCHEDULE, "none", 0).tolist() == [[2, 6, 14, 30, 60]]
    assert storm.summary(back_of(2500))["last_back_s"] == 60


def test_clean_cut_of_10000_loses_7500_and_a_late_notice_far_fewer():
    assert storm.summary(back_of(10_000))["lost"] == 7500
    assert storm.summary(back_of(10_000, notice_s=30.0))["lost"] < 750


@pytest.mark.parametrize("outage_s, expected", [(0, 2500), (2, 2500), (2.1, 2000), (29, 1000), (60, 500), (60.1, 0)])
def test_an_outage_takes_the_attempts_before_its_end(outage_s, expected):
    assert count_back(10_000, outage_s=outage_s) == expected


@pytest.mark.parametrize("jitter", storm.JITTERS)
def test_an_outage_longer_than_any_schedule_loses_everyone(jitter):
    assert count_back(2000, jitter, outage_s=150.1) == 0


def test_plus_minus_stays_within_its_share_and_below_a_cap_that_comes_after_it():
    """Socket.IO's delays: 1 s doubled up to 5 s, times 0.5 to 1.5, the cap after that."""
    times = attempt_times_s(20_000, [1, 2, 4, 5], "plus_minus", 7, cap_s=5.0)
    delays = np.diff(times, prepend=0.0, axis=1)
    np.testing.assert_allclose(delays.min(axis=0), [0.5, 1.0, 2.0, 2.5], rtol=2e-3)
    np.testing.assert_allclose(delays.max(axis=0), [1.5, 3.0, 5.0, 5.0], rtol=2e-3)
    np.testing.assert_allclose(delays[:, :2].mean(axis=0), [1.0, 2.0], rtol=1e-2)
    uncapped = np.diff(attempt_times_s(20_000, [1, 2, 4, 5], "plus_minus", 7, jitter_share=0.2), prepend=0.0)
    np.testing.assert_allclose(uncapped.max(axis=0), [1.2, 2.4, 4.8, 6.0], rtol=2e-3)


def test_a_design_with_plus_minus_waits_as_the_storm_does(twilly):
    spread = {
        "jitter": "plus_minus",
        "jitter_share": 0.5,
        "cap_s": 5.0,
        "delays_s": [2.0, 4.0, 5.0],
        "last_attempt": False,
    }
    scenario = twilly.with_({"after.reconnect": spread})
    life = model.evaluate(scenario)["after"].traffic.life
    first = attempt_times_s(50_000, [2.0, 4.0, 5.0], "plus_minus", 1, cap_s=5.0)[:, 0]
    plain = model.evaluate(twilly.with_({"after.reconnect": {**spread, "jitter": "none"}}))["after"].traffic.life
    assert life.reconnect_s - plain.reconnect_s == pytest.approx(first.mean() - 2.0, abs=0.02)
    assert 2.0 * life.jitter_s == pytest.approx(np.ptp(first), rel=1e-3)


def test_attempts_in_an_outage_take_no_token():
    assert storm.reconnect(10, [1, 1], "none", 0.001, 10, 0, outage_s=1.5).tolist() == [2.0] * 10


# --- exact order of time


@pytest.mark.parametrize("jitter", JITTERED)
@pytest.mark.parametrize("outage_s, notice_s", [(0, 0), (5, 0), (0, 30), (20, 10)])
def test_simpy_with_the_same_attempts_has_the_same_survivors(jitter, outage_s, notice_s):
    pytest.importorskip("simpy")
    back = storm.reconnect(1000, SCHEDULE, jitter, 10, 20, 3, outage_s, notice_s)
    twin = simpy_back_s(attempt_times_s(1000, SCHEDULE, jitter, 3, notice_s), 10, 20, outage_s)
    assert 0 < np.isfinite(back).sum() < 1000
    np.testing.assert_allclose(back, twin, rtol=1e-12)


def test_simpy_has_as_many_survivors_where_all_try_at_once():
    pytest.importorskip("simpy")
    twin = simpy_back_s(attempt_times_s(3000, SCHEDULE, "none", 0), 500, 500)
    assert np.sort(back_of(3000)).tolist() == np.sort(twin).tolist()


@settings(max_examples=150, deadline=None)
@given(
    delays=st.lists(st.floats(1e-3, 100), min_size=1, max_size=6).map(sorted),
    clients=st.integers(0, 300),
    jitter=st.sampled_from(JITTERED),
    rate=st.floats(0.01, 1000),
    burst=st.floats(1, 100),
    seed=st.integers(0, 2**40),
    outage=st.sampled_from([0.0, 0.5, 20.0]),
    notice=st.sampled_from([0.0, 1e-3, 30.0]),
)
def test_any_storm_equals_the_sorted_list_of_all_attempts(delays, clients, jitter, rate, burst, seed, outage, notice):
    if jitter == "decorrelated":
        delays.append(3.1 * delays[-1])  # below three bases several clients wait for the cap alone, and tie
    back = storm.reconnect(clients, delays, jitter, rate, burst, seed, outage, notice)
    times = attempt_times_s(clients, delays, jitter, seed, notice)
    np.testing.assert_array_equal(back, sorted_back_s(times, rate, burst, outage))


@pytest.mark.parametrize("windows, listed", [(1, 2**23), (7, 0), (2**16, 0)])
@pytest.mark.parametrize("jitter, rate, notice_s", [("none", 5, 1e-3), ("none", 5000, 1e-3), ("decorrelated", 50, 0)])
def test_short_stretches_and_wide_windows_change_nothing(monkeypatch, windows, listed, jitter, rate, notice_s):
    monkeypatch.setattr(storm, "WINDOWS", windows)
    monkeypatch.setattr(storm, "LISTED", listed)  # then at most two attempts a client are listed at a time
    schedule = [0.01, 0.02, 0.03, 0.04, 30]
    times = attempt_times_s(5000, schedule, jitter, 8, notice_s)
    back = storm.reconnect(5000, schedule, jitter, rate, 20, 8, notice_s=notice_s)
    np.testing.assert_array_equal(back, sorted_back_s(times, rate, 20))


@pytest.mark.parametrize("jitter, notice_s", [("none", 0), ("none", 5), *((j, 0) for j in JITTERED)])
def test_no_stretch_of_time_admits_more_than_burst_and_rate_allow(jitter, notice_s):
    back = np.sort(back_of(20_000, jitter, notice_s=notice_s))
    back = back[np.isfinite(back)]
    debt = np.arange(1, len(back) + 1) - 500 * back  # admitted(s, t] - rate (t - s) = debt(t) - debt(s)
    assert (debt - np.minimum.accumulate(debt - 1)).max() <= 500 + 1e-6


@pytest.mark.parametrize("jitter", ["none", "decorrelated"])
def test_clients_that_try_at_once_are_admitted_by_lot(jitter):
    tries = np.array([np.isfinite(storm.reconnect(4000, [5, 5], jitter, 0.001, 1000, s)) for s in range(20)])
    assert (tries.sum(axis=1) == 1000).all()
    first, last = tries[:, :2000].mean(), tries[:, 2000:].mean()
    assert abs(first - last) < 4 * np.sqrt(2 * 0.25 * 0.75 / 40_000)  # 4 standard errors
    assert (tries[0] != tries[1]).any()
    np.testing.assert_array_equal(back_of(4000, seed=5), back_of(4000, seed=5))


def test_every_client_is_back_at_one_of_its_attempts():
    back = back_of(3000, "decorrelated", seed=4)
    times = attempt_times_s(3000, SCHEDULE, "decorrelated", 4)
    assert np.all(np.isinf(back) | (times == back[:, None]).any(axis=1))


# --- no last attempt


def test_more_attempts_repeat_the_last_delay():
    assert attempt_times_s(1, [2, 4], "none", 0, attempts=4).tolist() == [[2, 6, 10, 14]]
    assert attempt_times_s(1, SCHEDULE, "none", 0, attempts=2).tolist() == [[2, 6]]
    assert count_back(10_000, attempts=20) == 10_000


@pytest.mark.parametrize("jitter", storm.JITTERS)
def test_without_a_last_attempt_nobody_is_lost_and_the_quota_sets_the_time(jitter):
    back = storm.reconnect(20_000, SCHEDULE, jitter, 500, 500, 2, attempts=np.inf)
    assert np.isfinite(back).all()
    assert back.max() >= (20_000 - 500) / 500
    np.testing.assert_array_equal(back, storm.reconnect(20_000, SCHEDULE, jitter, 500, 500, 2, attempts=10_000))


def test_full_jitter_without_a_last_attempt_uses_the_whole_quota():
    back = storm.reconnect(50_000, SCHEDULE, "full", 500, 500, 2, attempts=np.inf)
    assert np.count_nonzero((back >= 20) & (back < 70)) / 50 == pytest.approx(500, rel=0.001)


# --- jitter as AWS's simulator defines it


def first_delays(jitter):
    return attempt_times_s(50_000, [2, 4, 8, 16, 30], jitter, 7)[:, 0]


@pytest.mark.parametrize("jitter, low, high", [("equal", 1, 2), ("full", 0, 2), ("decorrelated", 2, 6)])
def test_first_delay_is_uniform_as_the_jitter_says(jitter, low, high):
    assert stats.kstest(first_delays(jitter), stats.uniform(low, high - low).cdf).pvalue > 1e-3


@pytest.mark.parametrize("jitter, low", [("equal", 0.5), ("full", 0.0)])
def test_every_later_delay_is_uniform_and_independent(jitter, low):
    delays = np.diff(attempt_times_s(50_000, SCHEDULE, jitter, 7), axis=1, prepend=0) / SCHEDULE
    for k in range(5):
        assert stats.kstest(delays[:, k], stats.uniform(low, 1 - low).cdf).pvalue > 1e-3
    others = np.corrcoef(delays.T) - np.eye(5)
    neighbours = np.corrcoef(delays[:-1, 0], delays[1:, 0])[0, 1]
    assert max(np.abs(others).max(), abs(neighbours)) < 4.5 / np.sqrt(50_000)


def test_decorrelated_delays_follow_the_one_before():
    delays = np.diff(attempt_times_s(50_000, SCHEDULE, "decorrelated", 7), axis=1, prepend=0)
    assert delays.min() >= 2 - 1e-9 and delays.max() <= 30 + 1e-9
    for k in range(1, 5):
        position = (delays[:, k] - 2) / (3 * delays[:, k - 1] - 2)
        uncapped = 3 * delays[:, k - 1] < 30
        assert stats.kstest(position[uncapped], "uniform").pvalue > 1e-3
        capped = np.isclose(delays[:, k], 30)
        expected = np.maximum(0, (3 * delays[:, k - 1] - 30) / (3 * delays[:, k - 1] - 2))
        assert abs(capped.sum() - expected.sum()) <= 4 * np.sqrt((expected * (1 - expected)).sum())


def test_notice_is_uniform_and_says_nothing_of_the_delays():
    noticed, at_once = (attempt_times_s(50_000, SCHEDULE, "full", 9, notice_s=s) for s in (30.0, 0.0))
    seen = (noticed - at_once)[:, 0]
    assert stats.kstest(seen, stats.uniform(0, 30).cdf).pvalue > 1e-3
    for delay in np.diff(at_once, axis=1, prepend=0).T:
        assert abs(np.corrcoef(seen, delay)[0, 1]) < 4.5 / np.sqrt(50_000)


def occ_run(clients, wait, rng):
    """One run of clients that each must win one optimistic write: number of writes, time to the last."""
    net = (abs(d) for d in iter(lambda: rng.normal(10, 2), None))
    queue = [(next(net), i, "read", 0) for i in range(clients)]
    heapq.heapify(queue)
    version, calls, tries, now = 0, 0, [0] * clients, 0.0
    while queue:
        now, i, what, seen = heapq.heappop(queue)
        if what == "read":  # the answer and the write it leads to: two trips
            heapq.heappush(queue, (now + next(net) + next(net), i, "write", version))
            continue
        calls += what == "write"
        if what == "write" and seen == version:
            version += 1
            heapq.heappush(queue, (now + next(net), i, "done", 0))
        elif what == "write":
            tries[i] += 1
            heapq.heappush(queue, (now + next(net) + next(net) + wait(i, tries[i]), i, "read", 0))
    return calls, now


AWS_TABLE = {  # W060-W079: clients, strategy -> (calls, sd of a run), (ms, sd of a run) over 100 runs
    (10, None): ((51, 4), (382, 34)),
    (10, "none"): ((51, 4), (3433, 1292)),
    (10, "equal"): ((43, 2), (731, 170)),
    (10, "full"): ((39, 2), (463, 97)),
    (10, "decorrelated"): ((38, 2), (439, 73)),
    (50, None): ((690, 16), (1141, 46)),
    (50, "none"): ((623, 25), (36239, 3084)),
    (50, "equal"): ((348, 6), (4307, 588)),
    (50, "full"): ((333, 5), (2891, 541)),
    (50, "decorrelated"): ((375, 12), (2166, 511)),
}


def aws_wait(jitter, seed):
    """AWS's wait before try k, base 5, cap 2000: min(cap, base x 2^k), by the delays of clients in a storm."""
    schedule = [5, 2000] if jitter == "decorrelated" else np.minimum(2000, 5.0 * 2 ** np.arange(1, 10))
    waits = np.diff(attempt_times_s(60, schedule, jitter, seed, attempts=150), axis=1, prepend=0)
    return lambda client, tries: waits[client, tries - 1]


@pytest.mark.parametrize("clients, jitter", AWS_TABLE)
def test_aws_backoff_simulator_table(clients, jitter):
    rng, runs = np.random.default_rng(11), 25
    waits = [aws_wait(jitter, seed) if jitter else lambda *_: 0.0 for seed in range(runs)]
    found = np.mean([occ_run(clients, wait, rng) for wait in waits], axis=0)
    for mean, (expected, sd) in zip(found, AWS_TABLE[clients, jitter], strict=True):
        # 4 standard errors of both means (the sd is printed without decimals), and 1 for the cut decimals
        assert abs(mean - expected) < 4 * (sd + 0.5) * np.sqrt(1 / 100 + 1 / runs) + 1


# --- what a storm does to a server


def test_summary_counts_and_times():
    found = storm.summary(back_of(5000))
    assert (found["clients"], found["back"], found["lost"], found["lost_share"]) == (5000, 2500, 2500, 0.5)
    assert (found["back_50_s"], found["back_90_s"], found["back_99_s"]) == (60, np.inf, np.inf)
    assert storm.summary(np.arange(1, 101.0))["back_90_s"] == 90


def test_back_share_counts_clients_back_by_each_moment():
    back, at = back_of(5000, "full"), np.array([[0.0, 60.0], [5.0, 5.0]])
    expected = [[np.mean(back <= t) for t in row] for row in at]
    np.testing.assert_allclose(storm.back_share(back, at), expected, rtol=1e-12)


def test_waves_without_jitter_are_the_clients_still_out():
    back = back_of(10_000)
    times = attempt_times_s(10_000, SCHEDULE, "none", 1)
    made = times[times <= back[:, None]]
    assert dict(zip(*np.unique(made, return_counts=True), strict=True)) == {
        2: 10_000,
        6: 9500,
        14: 9000,
        30: 8500,
        60: 8000,
    }


def test_the_lost_poll_for_good():
    load = storm.fallback_requests_per_s(back_of(10_000), [0, 1, 1e6], 3.0, requests_per_tick=2)
    np.testing.assert_allclose(load, [10_000 * 2 / 3, 10_000 * 2 / 3, 7500 * 2 / 3], rtol=1e-12)


def test_clients_that_have_not_noticed_do_not_poll():
    load = storm.fallback_requests_per_s(np.full(1000, np.inf), [0, 15, 30, 99], 3, 2, notice_s=30)
    np.testing.assert_allclose(load, np.array([0, 500, 1000, 1000]) * 2 / 3, rtol=1e-12)


# --- what a person may get wrong


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"clients": -1}, r"clients must be a whole number >= 0; got -1"),
        ({"clients": 2.5}, r"clients must be a whole number >= 0; got 2.5"),
        ({"clients": [10, 20]}, r"clients must be one number; got \[10, 20\]"),
        ({"clients": 3e9}, r"clients must be below 2,147,483,648 in one storm; got 3000000000"),
        ({"delays_s": []}, r"delays_s must be a schedule of at least one delay in s; got \[\]"),
        ({"delays_s": [2, 8, 4]}, r"delays_s must be sorted, none below the one before it; got 4 s after 8 s"),
        ({"delays_s": [0, 0]}, r"delays_s after the first must be > 0 s; got 0"),
        ({"delays_s": [2, -4]}, r"delays_s must be >= 0 s; got -4"),
        ({"delays_s": "soon"}, r"delays_s must be a number; got 'soon'"),
        ({"jitter": "ful"}, r"unknown jitter 'ful'; did you mean 'full'\?"),
        ({"rate_per_s": 0}, r"rate_per_s must be > 0 connections/s; got 0"),
        ({"rate_per_s": -5}, r"rate_per_s must be > 0 connections/s; got -5"),
        ({"rate_per_s": float("nan")}, r"rate_per_s must be a number; got NaN"),
        ({"burst": 0}, r"burst must be >= 1 connection; got 0"),
        ({"seed": -1}, r"seed must be a whole number >= 0; got -1"),
        ({"seed": 1.5}, r"seed must be a whole number >= 0; got 1.5"),
        ({"outage_s": -1}, r"outage_s must be >= 0 s; got -1"),
        ({"notice_s": -30}, r"notice_s must be >= 0 s; got -30"),
        ({"attempts": 0}, r"attempts must be a whole number >= 1, infinite or None; got 0"),
        ({"attempts": 2.5}, r"attempts must be a whole number >= 1, infinite or None; got 2.5"),
        ({"attempts": "many"}, r"attempts must be a number; got 'many'"),
    ],
)
def test_bad_storms_are_refused_in_one_sentence(wrong, text):
    good = dict(clients=10, delays_s=SCHEDULE, jitter="none", rate_per_s=500, burst=500, seed=1)
    with pytest.raises(InputError, match=f"^{text}$"):
        storm.reconnect(**{**good, **wrong})


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: storm.summary([]), "back_s must hold the seconds of at least one client"),
        (lambda: storm.summary([-1.0]), "back_s must be >= 0 s; got -1"),
        (lambda: storm.back_share([1.0], [np.nan]), "at_s must be a number; got NaN"),
        (
            lambda: storm.reconnect(9, [2], "plus_minus", 5, 5, 0, jitter_share=1.5),
            "jitter_share must be between 0 and 1",
        ),
        (lambda: storm.fallback_requests_per_s([1.0], [0.0], 0, 2), "period_s must be > 0 s; got 0"),
        (lambda: storm.fallback_requests_per_s([1.0], [0.0], 3, -2), "requests_per_tick must be >= 0"),
    ],
)
def test_bad_figures_are_refused_in_one_sentence(call, text):
    with pytest.raises(InputError) as refused:
        call()
    assert text in str(refused.value)


def test_an_empty_storm_is_over_at_once():
    assert len(back_of(0)) == 0


def test_who_is_back_at_a_moment_counts_from_that_moment_on():
    back = np.array([1.0, 2.0, 2.0, 5.0, np.inf])
    at = np.array([0.5, 1.0, 2.0, 4.9, 5.0, 1e9])
    assert storm.back_share(back, at).tolist() == [np.mean(back <= t) for t in at]


def plus_one(x):
    return x + 1.0


@pytest.mark.parametrize(("kind", "raw"), [("nbi", b""), ("nbi", b"\x80\x05garbage"), ("nbc", b""), ("nbc", b"gar")])
def test_compiled_code_that_is_damaged_on_disk_is_made_anew_and_kept_again(monkeypatch, tmp_path, kind, raw):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    hits = []
    for _ in range(4):
        loop = compiling.compiled(plus_one)
        assert loop(1.0) == 2.0
        hits.append(sum(loop.stats.cache_hits.values()))
        if len(hits) == 2:
            (kept,) = tmp_path.rglob(f"*.{kind}")
            kept.write_bytes(raw)
    assert hits == [0, 1, 0, 1]


def test_compiled_code_needs_no_room_on_the_disk(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._open_for_write", full)
    assert compiling.compiled(plus_one)(1.0) == 2.0 and not list(tmp_path.rglob("*.nb?"))


def test_a_loop_is_compiled_where_no_folder_can_keep_it(monkeypatch):
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    assert compiling.compiled(plus_one)(1.0) == 2.0
