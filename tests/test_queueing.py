"""Waiting times and cold starts against published cases, closed forms, exact numerics and simulation."""

import csv
import heapq
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, linalg, stats

from model import ledger, paths, queueing
from model.checks import InputError
from model.life import cold_starts

PERIODS, SHARES = st.floats(0.01, 1e4), st.floats(0, 0.95)


def cases(shared, *topics):
    rows = csv.DictReader(open(shared / "published" / "wire_cases.csv", encoding="utf-8"))
    return [
        (r["topic"], json.loads(r["inputs_json"]), float(r["expected_value"])) for r in rows if r["topic"] in topics
    ]


def mean_queue_wait_s(arrival, service, servers):
    """The quantiles of the wait in a queue, integrated over those who wait at all."""
    waits = float(queueing.erlang_c(arrival, service, servers))
    quantile = lambda q: float(queueing.mmc_wait_quantile_s(q, arrival, service, servers))  # noqa: E731
    return integrate.quad(quantile, 1 - waits, 1, epsabs=1e-10, limit=200)[0]


# --- polls


@pytest.mark.parametrize(
    "period_s, mean, p95, variance", [(2, 1, 1.9, 1 / 3), (10, 5, 9.5, 100 / 12), (30, 15, 28.5, 75)]
)
def test_fixed_period_wait_is_uniform(period_s, mean, p95, variance):  # W143-W151
    assert queueing.poll_wait_mean_s(period_s) == pytest.approx(mean, rel=1e-12)
    assert queueing.poll_wait_quantile_s(0.95, period_s) == pytest.approx(p95, rel=1e-12)
    assert queueing.poll_wait_variance_s2(period_s) == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize("period_s, missed, mean", [(2, 0.01, 1.020202), (30, 0.05, 16.578947)])
def test_missed_polls_add_whole_periods(period_s, missed, mean):  # W152, W154
    assert queueing.poll_wait_mean_s(period_s, missed) == pytest.approx(mean, abs=5e-7)


def test_published_poll_and_queue_cases(shared):
    figures = {
        "poll_delay_mean": lambda c: queueing.poll_wait_mean_s(c["period_s"]),
        "poll_delay_p95": lambda c: queueing.poll_wait_quantile_s(0.95, c["period_s"]),
        "poll_delay_var": lambda c: queueing.poll_wait_variance_s2(c["period_s"]),
        "poll_delay_missed_mean": lambda c: queueing.poll_wait_mean_s(c["period_s"], c["miss_prob"]),
        "mmc_erlang_c": lambda c: queueing.erlang_c(c["arrival"], c["service"], c["servers"]),
        "mmc_wq": lambda c: mean_queue_wait_s(c["arrival"], c["service"], c["servers"]),
        "apigw_ws_concurrent": lambda c: queueing.little(c["conn_rate"], c["max_duration_s"]),
    }
    found = cases(shared, *figures)
    assert len(found) >= 16
    for topic, inputs, expected in found:  # to half the last printed digit
        assert figures[topic](inputs) == pytest.approx(expected, abs=5e-7), (topic, inputs)


@pytest.mark.parametrize("period_s, missed", [(2, 0.0), (2, 0.01), (30, 0.05), (3, 0.5), (1, 0.9)])
def test_poll_wait_equals_simulated_polls(period_s, missed):
    rng, n = np.random.default_rng(3), 200_000
    waits = rng.uniform(0, period_s, n) + period_s * (rng.geometric(1 - missed, n) - 1)
    mean = queueing.poll_wait_mean_s(period_s, missed)
    variance = queueing.poll_wait_variance_s2(period_s, missed)
    assert abs(waits.mean() - mean) < 4 * np.sqrt(variance / n)
    fourth = ((waits - mean) ** 4).mean()
    assert abs(waits.var() - variance) < 4 * np.sqrt((fourth - variance**2) / n)
    for q in (0.05, 0.5, 0.95, 0.99):
        below = np.mean(waits <= queueing.poll_wait_quantile_s(q, period_s, missed))
        assert abs(below - q) < 4 * np.sqrt(q * (1 - q) / n)


@given(PERIODS, SHARES)
def test_mean_and_variance_are_those_of_the_quantile(period_s, missed):
    q = (np.arange(100_000) + 0.5) / 100_000
    waits = queueing.poll_wait_quantile_s(q, period_s, missed)
    assert waits.mean() == pytest.approx(queueing.poll_wait_mean_s(period_s, missed), rel=1e-3)
    assert waits.var() == pytest.approx(queueing.poll_wait_variance_s2(period_s, missed), rel=0.02)


@given(PERIODS, SHARES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_quantile_is_never_a_shorter_wait(period_s, missed, one, other):
    low, high = sorted((one, other))
    assert queueing.poll_wait_quantile_s(low, period_s, missed) <= queueing.poll_wait_quantile_s(
        high, period_s, missed
    ) * (1 + 1e-12)


def test_a_poll_that_is_always_missed_never_delivers():
    assert queueing.poll_wait_mean_s(2, 1) == queueing.poll_wait_quantile_s(0.5, 2, 1) == np.inf
    assert queueing.poll_wait_variance_s2(2, 1) == np.inf
    assert queueing.poll_wait_quantile_s(1, 2, 0.5) == np.inf
    assert queueing.poll_wait_quantile_s(1, 2) == 2


def test_poll_wait_arrays_equal_scalars():
    q, period, missed = np.array([[0.1], [0.95]]), np.array([2.0, 10.0, 30.0]), np.array([0.0, 0.1, 0.7])
    expected = [
        [float(queueing.poll_wait_quantile_s(a, b, c)) for b, c in zip(period, missed, strict=True)] for a in q[:, 0]
    ]
    np.testing.assert_array_equal(queueing.poll_wait_quantile_s(q, period, missed), expected)


def test_memoryless_quantiles_are_those_of_the_exponential():
    q = np.array([0, 0.5, 0.95, 0.99, 1])
    np.testing.assert_allclose(queueing.memoryless_wait_quantile_s(q, 0.2), stats.expon(scale=5).ppf(q))


# --- Little


def test_500_connects_a_second_for_two_hours_are_3_6_million_connections():  # W013, W186
    assert queueing.little(500, 7200) == 3_600_000
    assert queueing.little(13.889, 7200) == pytest.approx(100_000, rel=1e-4)


# --- queues


@pytest.mark.parametrize(
    "arrival, service, servers, share, wait", [(8, 10, 1, 0.8, 0.4), (15, 10, 2, 0.642857, 0.128571)]
)
def test_erlang_c_and_its_wait(arrival, service, servers, share, wait):  # W156-W159
    assert queueing.erlang_c(arrival, service, servers) == pytest.approx(share, abs=5e-7)
    assert mean_queue_wait_s(arrival, service, servers) == pytest.approx(wait, abs=5e-7)


def erlang_c_by_recursion(load, servers):
    blocked = 1.0  # Erlang B, stable going up
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


@pytest.mark.parametrize("servers", [1, 2, 10, 300, 5000, 100_000])
@pytest.mark.parametrize("use", [0.3, 0.9, 0.999])
def test_erlang_c_equals_the_recursion_for_any_number_of_servers(servers, use):
    expected = erlang_c_by_recursion(use * servers, servers)
    found = queueing.erlang_c(use * servers * 3.0, 3.0, servers)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-250)


@given(st.floats(0.01, 0.99), st.integers(1, 500))
def test_more_servers_never_make_more_wait(use, servers):
    arrival = use * servers
    one, two = queueing.erlang_c(arrival, 1, [servers, servers + 1])
    assert 0 <= two <= one <= 1


@given(st.floats(0.01, 0.99), st.floats(0.1, 100))
def test_one_server_waits_with_its_utilisation(use, service):
    assert queueing.erlang_c(use * service, service, 1) == pytest.approx(use, rel=1e-9)


def test_a_queue_waits_as_many_simulated_arrivals_do():
    """Waits of one queue before two servers, arrival after arrival (Kiefer and Wolfowitz)."""
    rng, n, free = np.random.default_rng(8), 200_000, [0.0, 0.0]
    arrivals, waits = np.cumsum(rng.exponential(1 / 15, n)), np.empty(n)
    for k, (moment, service_s) in enumerate(zip(arrivals.tolist(), rng.exponential(1 / 10, n).tolist(), strict=True)):
        start = max(moment, heapq.heappop(free))
        waits[k] = start - moment
        heapq.heappush(free, start + service_s)
    means = waits.reshape(100, -1).mean(axis=1)  # batches, as neighbours wait alike
    assert abs(means.mean() - mean_queue_wait_s(15, 10, 2)) < 4 * means.std() / 10
    for q in (0.5, 0.9, 0.99):
        below = (waits <= queueing.mmc_wait_quantile_s(q, 15, 10, 2)).reshape(100, -1).mean(axis=1)
        assert abs(below.mean() - q) < 4 * below.std() / 10


def test_the_last_to_wait_waits_for_ever_and_nobody_waits_where_nobody_comes():
    assert queueing.mmc_wait_quantile_s(1, 15, 10, 2) == np.inf
    assert queueing.mmc_wait_quantile_s(0.95, 0, 10, 2) == 0


def test_erlang_arrays_equal_scalars():
    arrival, servers = np.array([[1.0], [5.0], [9.0]]), np.array([10, 20, 3000])
    expected = [[float(queueing.erlang_c(a, 1, c)) for c in servers] for a in arrival[:, 0]]
    np.testing.assert_array_equal(queueing.erlang_c(arrival, 1, servers), expected)


# --- how often a function starts cold


def exact_cold_share(load, timeout):
    """Sum over levels of P(the walk from n to n + 1 takes longer than the timeout), by eigenvalues."""
    total = 0.0
    for n in range(int(load + 10 * math.sqrt(load)) + 25):
        levels = np.arange(n + 1)
        values, vectors = linalg.eigh_tridiagonal(-(load + levels), np.sqrt(load * levels[1:]))
        weights = np.exp(0.5 * (stats.poisson.logpmf(levels, load) - stats.poisson.logpmf(n, load)))
        survival = (vectors[n] * np.exp(values * timeout)) @ (weights @ vectors)
        total += stats.poisson.pmf(n, load) * max(survival, 0.0)
    return total


@pytest.mark.parametrize("load", [1e-3, 0.01, 0.1, 0.6, 1, 3, 10, 50])
@pytest.mark.parametrize("timeout", [30, 300, 9000, 1e5])
def test_cold_share_is_within_0_4_percent_of_the_exact_one(load, timeout):
    found = float(cold_starts.cold_start_share(load / 0.1, 0.1, timeout * 0.1))
    assert found == pytest.approx(exact_cold_share(load, timeout), rel=4e-3)


def simulated_cold_share(rng, rate_per_s, durations_s, timeout_s):
    """Random calls that take the most recently used idle environment, younger than the timeout."""
    busy, idle, cold = [], [], 0
    moments = np.cumsum(rng.exponential(1 / rate_per_s, len(durations_s)))
    for moment, duration in zip(moments.tolist(), durations_s.tolist(), strict=True):
        while busy and busy[0] <= moment:
            idle.append(heapq.heappop(busy))
        if idle and moment - idle[-1] <= timeout_s:
            idle.pop()
        else:
            cold += 1
            idle.clear()
        heapq.heappush(busy, moment + duration)
    return cold / len(durations_s)


@pytest.mark.parametrize("law", ["exponential", "constant", "lognormal"])
@pytest.mark.parametrize("rate_per_s, timeout_s", [(0.02, 60), (0.1, 30), (1, 30), (1, 100), (5, 30)])
def test_cold_share_equals_simulated_environments(law, rate_per_s, timeout_s):
    rng, n = np.random.default_rng(9), 150_000
    durations = {
        "exponential": lambda: rng.exponential(0.1, n),
        "constant": lambda: np.full(n, 0.1),
        "lognormal": lambda: rng.lognormal(math.log(0.1) - 0.125, 0.5, n),
    }[law]()
    found = simulated_cold_share(rng, rate_per_s, durations, timeout_s)
    expected = float(cold_starts.cold_start_share(rate_per_s, 0.1, timeout_s))
    # cold starts come as rare events; 3 % for laws of the duration the closed form does not know
    assert abs(found - expected) < 4 * math.sqrt(expected / n) + 0.03 * expected


def test_simulation_shows_the_rise_behind_the_dip_too():
    """The share is not monotone: a second environment, seldom used, is reaped between two uses."""
    rates, n = (0.1, 1.0), 400_000
    low, high = (simulated_cold_share(np.random.default_rng(2), r, np.full(n, 0.01), 100) for r in rates)
    assert low < high and high < 0.43 * math.sqrt(0.01 / 100) * 1.1
    np.testing.assert_array_less(*cold_starts.cold_start_share(rates, 0.01, 100))


@given(st.floats(0.001, 3), st.floats(420, 2700))
def test_cold_share_goes_from_1_to_far_below_the_1_percent_aws_calls_typical(duration_s, timeout_s):
    share = cold_starts.cold_start_share(np.logspace(-6, 5, 200), duration_s, timeout_s)
    assert np.all((share > 0) & (share <= 1))
    assert share[0] > 0.99 and share[-1] < 1e-4
    assert cold_starts.cold_start_share(1, duration_s, timeout_s) < 0.01
    rises = share[1:] - np.minimum.accumulate(share)[:-1]
    assert rises.max() < 0.43 * math.sqrt(duration_s / timeout_s)


@given(st.floats(1e-6, 100), st.floats(0, 3), st.floats(1, 2000), st.floats(1, 1000))
def test_a_longer_timeout_never_makes_more_cold_starts(rate_per_s, duration_s, timeout_s, more_s):
    short, long = cold_starts.cold_start_share(rate_per_s, duration_s, [timeout_s, timeout_s + more_s])
    assert long <= short


@given(st.floats(1e-6, 1e3), st.floats(1, 3000))
def test_calls_that_take_no_time_are_cold_when_the_last_is_too_long_ago(rate_per_s, timeout_s):
    assert cold_starts.cold_start_share(rate_per_s, 0, timeout_s) == pytest.approx(
        math.exp(-rate_per_s * timeout_s), rel=1e-9
    )
    assert cold_starts.cold_start_share(0, 0.1, timeout_s) == 1


def test_cold_share_joins_its_square_root_law_and_stays_near_the_sum(monkeypatch):
    below, above = cold_starts.cold_start_share([99.999, 100.001], 1, 900)
    assert above == pytest.approx(below, rel=1e-4)
    short = cold_starts.cold_start_share(500, 1, [420, 2700])
    monkeypatch.setattr(cold_starts, "MOST_LOAD", 600.0)
    np.testing.assert_allclose(short, cold_starts.cold_start_share(500, 1, [420, 2700]), rtol=0.08)
    assert short.max() < 2e-4


def test_cold_share_arrays_equal_scalars():
    rates, timeouts = np.logspace(-6, 5, 12), np.array([[420.0], [2700.0]])
    expected = [[float(cold_starts.cold_start_share(r, 0.1, t)) for r in rates] for t in timeouts[:, 0]]
    np.testing.assert_allclose(cold_starts.cold_start_share(rates, 0.1, timeouts), expected, rtol=1e-12)


# --- how long a cold start takes

PUBLISHED = {r["setup"]: r for r in ledger.read_csv(paths.data("published", "cold_starts.csv"))}


@pytest.mark.parametrize(
    "setup, quantile, ms",
    [
        ("nodejs18", 0.5, 179.1),
        ("nodejs18", 0.95, 214.8),
        ("nodejs18", 0.99, 250.4),
        ("nodejs20", 0.5, 142.5),
        ("nodejs20", 0.95, 186.2),
        ("nodejs20", 0.99, 231.2),
    ],
)
def test_lambda_perf_quantiles(setup, quantile, ms):  # W035-W039
    assert cold_starts.cold_start_quantile_s(quantile, setup) == pytest.approx(ms / 1000, rel=1e-9)


def test_published_cold_start_cases(shared):
    quantiles, sizes = cases(shared, "lambda_init_quantile"), cases(shared, "lambda_init_vs_size_node18")
    assert len(quantiles) >= 4 and len(sizes) >= 9
    for _, given_, ms in quantiles:
        setup = given_["setup"].replace("node", "nodejs").replace("_128", "").replace("_x86", "")
        found = cold_starts.cold_start_quantile_s(float(given_["quantile"][1:]) / 100, setup)
        assert found == pytest.approx(ms / 1000, rel=0.03)
    for _, given_, ms in sizes:
        found = cold_starts.cold_start_mean_s(given_["runtime"], given_["package_kb"])
        assert found == pytest.approx(ms / 1000, rel=0.03)
        p90 = cold_starts.cold_start_quantile_s(0.9, given_["runtime"], given_["package_kb"])
        assert p90 == pytest.approx(given_["p90"] / 1000, rel=0.09)  # one test there, four years here


@pytest.mark.parametrize("setup", PUBLISHED)
def test_quantiles_pass_through_the_published_ones_and_keep_the_mean(setup):
    row = {k: float(v) / 1000 for k, v in PUBLISHED[setup].items() if k.endswith("_ms")}
    found = cold_starts.cold_start_quantile_s([0.5, 0.95, 0.99], setup)
    np.testing.assert_allclose(found, [row["p50_ms"], row["p95_ms"], row["p99_ms"]], rtol=1e-9)
    middle = cold_starts.cold_start_quantile_s((np.arange(400_000) + 0.5) / 400_000, setup).mean()
    assert middle == pytest.approx(row["mean_ms"], rel=1e-5)


def test_one_lognormal_would_miss_the_p99_by_more_than_3_percent():
    misses = [
        math.exp(float(r["ln_mu"]) + 2.3263 * float(r["ln_sigma"])) / float(r["p99_ms"]) for r in PUBLISHED.values()
    ]
    assert max(abs(m - 1) for m in misses) > 0.03


def test_memory_does_not_change_init():  # W047
    ratio = cold_starts.cold_start_mean_s("nodejs20") / cold_starts.cold_start_mean_s("nodejs20_1024")
    assert ratio == pytest.approx(1.011, abs=5e-4)


def test_the_second_runtime_of_the_size_table_lies_about_as_high_at_every_size():
    """Why a package adds its time to a runtime's own instead of multiplying it."""
    rows = ledger.read_csv(paths.data("published", "cold_start_sizes.csv"))
    node18, node20 = ([float(r["mean_ms"]) for r in rows if r["runtime"] == f"nodejs{v}.x"] for v in (18, 20))
    above = np.subtract(node20, node18)
    assert above.std() < 25 and np.ptp(node18) > 2900


@given(st.floats(0.1, 3e5), st.floats(0.1, 3e5), st.floats(0.001, 0.999))
def test_a_bigger_package_never_starts_sooner(one, other, q):
    small, big = sorted((one, other))
    for setup in ("nodejs18", "python3.12"):
        assert cold_starts.cold_start_quantile_s(q, setup, small) <= cold_starts.cold_start_quantile_s(
            q, setup, big
        ) * (1 + 1e-12)


@settings(max_examples=50)
@given(st.sampled_from(sorted(PUBLISHED)), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_quantile_is_never_a_faster_start(setup, one, other):
    low, high = cold_starts.cold_start_quantile_s(sorted((one, other)), setup)
    assert low <= high


def test_cold_start_arrays_equal_scalars():
    q, size = np.array([[0.2], [0.97]]), np.array([1.0, 700.0, 40_000.0])
    expected = [[float(cold_starts.cold_start_quantile_s(a, "nodejs22", b)) for b in size] for a in q[:, 0]]
    np.testing.assert_allclose(cold_starts.cold_start_quantile_s(q, "nodejs22", size), expected, rtol=1e-12)


def test_every_published_cold_start_names_a_known_source():
    for name in ("cold_starts.csv", "cold_start_sizes.csv"):
        assert {r["source"] for r in ledger.read_csv(paths.data("published", name))} <= set(ledger.sources())


# --- what a person may get wrong


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: queueing.poll_wait_mean_s(0), "period_s must be > 0 s; got 0"),
        (lambda: queueing.poll_wait_mean_s(-2), "period_s must be > 0 s; got -2"),
        (lambda: queueing.poll_wait_mean_s(2, 1.1), "missed_share must be between 0 and 1; got 1.1"),
        (lambda: queueing.poll_wait_variance_s2(2, -0.1), "missed_share must be between 0 and 1; got -0.1"),
        (lambda: queueing.poll_wait_quantile_s(95, 2), "q must be between 0 and 1; got 95"),
        (lambda: queueing.poll_wait_quantile_s([0.5, np.nan], 2), "q must be a number; got NaN"),
        (lambda: queueing.memoryless_wait_mean_s(0), "rate_per_s must be > 0 1/s; got 0"),
        (lambda: queueing.little(-1, 2), "rate_per_s must be >= 0 1/s; got -1"),
        (
            lambda: queueing.erlang_c(20, 10, 2),
            "arrival_per_s must be below servers x service_per_s, or the queue is unstable; got 20 against 20 1/s",
        ),
        (lambda: queueing.mmc_wait_quantile_s(0.5, [5, 31], 10, 3), "got 31 against 30 1/s"),
        (lambda: queueing.erlang_c(-1, 10, 2), "arrival_per_s must be >= 0 1/s; got -1"),
        (lambda: queueing.erlang_c(1, 0, 2), "service_per_s must be > 0 1/s; got 0"),
        (lambda: queueing.erlang_c(1, 10, 1.5), "servers must be a whole number >= 1; got 1.5"),
        (lambda: queueing.mmc_wait_quantile_s(-0.1, 1, 10, 1), "q must be between 0 and 1; got -0.1"),
        (lambda: cold_starts.cold_start_share(-1, 0.1, 900), "rate_per_s must be >= 0 1/s; got -1"),
        (lambda: cold_starts.cold_start_share(1, -0.1, 900), "duration_s must be >= 0 s; got -0.1"),
        (lambda: cold_starts.cold_start_share(1, 0.1, -900), "idle_timeout_s must be >= 0 s; got -900"),
        (lambda: cold_starts.cold_start_mean_s("nodejs81"), "unknown runtime 'nodejs81'; did you mean 'nodejs18'?"),
        (lambda: cold_starts.cold_start_mean_s("nodejs18", 0), "package_kb must be > 0 kB; got 0"),
        (lambda: cold_starts.cold_start_quantile_s(1.5, "nodejs18"), "q must be between 0 and 1; got 1.5"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, text):
    with pytest.raises(InputError) as refused:
        call()
    assert text in str(refused.value) and "\n" not in str(refused.value)


def test_a_package_larger_than_any_measured_starts_on_the_line_through_the_last_two():
    measured = [cold_starts.cold_start_mean_s("nodejs18", kb) for kb in (65_536, 98_304)]
    assert measured[1] - measured[0] == pytest.approx(3.110 - 1.277, rel=1e-9)  # as from 32,768 kB to 65,536
