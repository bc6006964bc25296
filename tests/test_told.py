"""Told in time: closed forms of a session's end against sums and simulated sessions, and the rows of the table."""

import numpy as np
import pytest
from scipy import special

import model
from model import latency, server_load, traffic
from model.life import lengths, sessions
from model.scenario import sampling

LIMITS = latency.LIMITS_S


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def one(value):
    return float(np.ravel(value)[0])


def simulated(mean_s, sigma, count=400_000, seed=4):
    """Sessions met by length times density: their lengths' weights, and a random moment in each."""
    rng = np.random.default_rng(seed)
    length_s = mean_s * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
    return length_s, length_s / length_s.mean(), rng.random(count) * length_s, rng


def share_and_error(hit, weight):
    values = hit * weight
    return values.mean(), values.std() / np.sqrt(values.size)


@pytest.mark.parametrize(
    ("period_s", "mean_s", "published"), [(60, 300, 0.101), (30, 120, 0.126), (300, 600, 0.244), (60, 60, 0.435)]
)
def test_a_timer_that_starts_with_the_session_misses_its_last_part(period_s, mean_s, published):
    cut = one(lengths.cut_share(period_s, mean_s, 1.0))
    k = np.arange(1, 400_000) * period_s
    exact = 1 - special.ndtr(np.log(mean_s) - 0.5 - np.log(k)).sum() * period_s / mean_s
    assert cut == pytest.approx(exact, rel=1e-6) and cut == pytest.approx(published, abs=0.001)
    length_s, weight, moment_s, _ = simulated(mean_s, 1.0)
    share, error = share_and_error(np.ceil(moment_s / period_s) * period_s > length_s, weight)
    assert abs(cut - share) < 4 * error


@pytest.mark.parametrize("sigma", [1e-9, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("delay_s", [0.5, 60.0, 900.0])
def test_a_session_outlasts_a_delay_from_a_random_moment_as_often_as_simulated_ones(sigma, delay_s):
    length_s, weight, moment_s, _ = simulated(600.0, sigma)
    share, error = share_and_error(length_s - moment_s > delay_s, weight)
    assert abs(one(lengths.residual_sf(delay_s, 600.0, sigma)) - share) < 4 * error + 1e-9


def test_what_is_left_of_a_session_takes_any_shapes_together():
    sigma = np.array([[0.5], [1.0], [1.5]])
    together = lengths.residual_sf(np.array([1e-3, 5.0, 400.0])[:, None, None], 600.0, sigma)
    assert together.shape == (3, 3, 1)
    for k, delay_s in enumerate((1e-3, 5.0, 400.0)):
        alone = [one(lengths.excess_s(delay_s, 600.0, s)) / 600.0 for s in sigma.ravel()]
        np.testing.assert_allclose(together[k, :, 0], alone, atol=1e-7)


@pytest.mark.parametrize("limit_s", [1.0, 10.0, 60.0])
def test_a_poll_tells_within_a_limit_as_often_as_polls_of_simulated_sessions(twilly, limit_s):
    case = twilly.with_({"polling_improved.timers.unread_counts.period_s": 40.0, "usage.session_mean_s": 120})
    now = traffic.traffic("polling_improved", sampling.resolved(case))
    length_s, weight, moment_s, rng = simulated(120.0, case.usage.session_sigma_ln.mode)
    poll_s = np.ceil(moment_s / 40.0) * 40.0
    parts = latency.sample(case, "polling_improved", "new_comment", length_s.size, 3)
    rest_s = rng.permutation((parts["total"] - parts["poll wait"]).to_numpy())
    told = (poll_s <= length_s) & (poll_s - moment_s + rest_s <= limit_s)
    share, error = share_and_error(told, weight)
    assert abs(one(latency.told_in_time(now, "new_comment")[limit_s]) - share) < 4 * error + 1e-3


def test_a_push_tells_whoever_is_still_there_when_it_comes(twilly):
    case = twilly.with_({"usage.session_mean_s": 72})
    now = traffic.traffic("push_as_built", sampling.resolved(case))
    delays_s = latency.sample(case, "push_as_built", "new_comment", 200_000, 5)["total"].to_numpy()
    length_s, weight, moment_s, rng = simulated(72.0, case.usage.session_sigma_ln.mode, delays_s.size)
    left_s = length_s - moment_s
    for limit_s in (1.0, 10.0):
        share, error = share_and_error((delays_s <= limit_s) & (delays_s < left_s), weight)
        assert abs(one(latency.told_in_time(now, "new_comment")[limit_s]) - share) < 4 * error + 2e-3


def test_the_shares_of_the_six_designs_are_those_that_a_reader_must_see(twilly):
    """Nobody is told by a refresh of the hand here; with it the polling designs gain up to a point."""
    table = model.compare(twilly)
    wanted = {
        "before": 96.7,
        "after": 99.9,
        "polling_as_built": 96.2,
        "push_as_built": 96.2,
        "push_improved": 99.7,
        "polling_improved": 97.3,
    }
    for name, share in wanted.items():
        assert table.loc["told in time 10 s", name] == pytest.approx(share, abs=1.0)
    assert table.loc["told in time 10 s", "best"] == "after"


@pytest.mark.parametrize("draws", [0, 64])
def test_more_time_never_tells_fewer_and_what_is_left_is_not_told(twilly, draws):
    outcome = model.evaluate(twilly, users=[1e3, 1e5], draws=draws)
    for name in twilly.designs:
        rows = [outcome.values(f"told in time {limit} s", name) for limit in (1, 10, 60)]
        rows.append(100.0 - outcome.values("not told", name))
        assert all((low <= high + 1e-9).all() for low, high in zip(rows, rows[1:], strict=False))
        assert (rows[0] >= 0).all() and (rows[-1] <= 100 + 1e-9).all()


def test_told_is_told_of_what_is_sent_weighted_by_how_often(twilly):
    now = traffic.traffic("push_as_built", sampling.resolved(twilly))
    rates = {e: one(sessions.pushes_per_s(now.life.scenario, e)) for e in twilly.events}
    parts = {e: one(latency.told_in_time(now, e)[10.0]) for e in twilly.events}
    assert parts["stream_processing"] == 0.0 < parts["notification"] < parts["new_comment"]  # unsent, but refreshed
    whole = sum(rates[e] * parts[e] for e in rates) / sum(rates.values())
    assert one(latency.told_in_time(now)[10.0]) == pytest.approx(whole, abs=1e-3)


def test_in_a_table_with_draws_more_told_counts_as_better(twilly):
    table = model.before_after(twilly, draws=64, pair=("polling_improved", "push_improved"))
    assert table.loc["told in time 1 s", "p_better"] == 1.0 == table.loc["not told", "p_better"]


def test_nothing_sent_leaves_the_told_rows_and_the_latency_without_a_figure_and_the_others_as_they_are(twilly):
    none = twilly.with_({f"events.{e}.per_active_day": 0 for e in twilly.events})
    table = model.before_after(none)
    told = [row for row in table.index if "told" in row or "latency" in row]
    assert table.loc[told, ["before", "after"]].isna().all(axis=None)
    assert table.drop(told)[["before", "after"]].notna().all(axis=None)
    assert "nobody can be told" in table.attrs["notes"]["before", "not told"]


# code runs


def test_code_runs_are_requests_connects_disconnects_sends_and_fan_outs_wherever_they_run(twilly):
    for name, backend in (("after", "apigw_ws"), ("push_as_built", "apigw_ws")):
        now = model.evaluate(twilly)[name].traffic
        assert now.life.design.socket.backend == backend
        minutes = one(now.life.active_s) / 60.0
        handled = {"connect", "disconnect", "push", "broadcast", "offline", "poll", "action", "pull", "fallback"}
        by_hand = sum(one(f.per_month) * one(f.handlers) for f in now.flows if f.kind in handled or f.requests)
        assert one(server_load.code_runs_per_minute(now)) == pytest.approx(by_hand / minutes, rel=1e-9)
    own = model.evaluate(twilly.with_({"after.socket.backend": "server"}))["after"]
    lambdas = one(server_load.code_runs_per_minute(model.evaluate(twilly)["after"].traffic))
    assert one(server_load.code_runs_per_minute(own.traffic)) == pytest.approx(lambdas, rel=0.05)  # no 2 h limit there
    table = model.compare(twilly, ["before", "polling_as_built", "after"])
    for name in ("before", "polling_as_built"):  # every request of a poll runs a handler, on Lambda or on a server
        assert table.loc["code runs", name] == pytest.approx(table.loc["server load", name], rel=1e-9)
    assert table.loc["code runs", "after"] > 1.9 * table.loc["server load", "after"]


ROWS_OF_TIME = ("notification latency p50", "notification latency p95", "not told")
TOLD_ROWS = ("told in time 1 s", "told in time 10 s", "told in time 60 s")


def random_case(twilly, rng):
    """A scenario somewhere in wide ranges: periods, sessions, spreads, losses, users, who runs the servers."""
    u = rng.uniform
    return twilly.with_(
        {
            "users": float(10 ** u(3, 6)),
            "usage.session_mean_s": u(60, 1500),
            "usage.session_sigma_ln": u(0.3, 1.4),
            "before.timers.unread_counts.period_s": u(1, 40),
            "before.timers.unread_counts.missed_share": u(0, 0.3),
            "before.timers.content.cache_s": float(rng.choice([0, 60, 300])),
            "before.api.backend": str(rng.choice(["http_api", "server"])),
            "after.heartbeat.period_s": u(20, 500),
            "after.socket.catch_up": bool(rng.integers(2)),
            "after.pushes.channel_content_update.audience": "broadcast",
            "events.channel_content_update.recipients": u(5, 900),
            "networks.lte.losses_per_hour": u(0, 3),
            "ledger.service_sigma_ln": u(0.1, 0.7),
        }
    )


WORSE = {
    "more missed polls": ("before", {"before.timers.unread_counts.missed_share": 0.5}),
    "longer periods": (
        "before",
        {"before.timers.unread_counts.period_s": 55.0, "before.timers.content.period_s": 90.0},
    ),
    "a later fan-out": ("after", {"ledger.apigw_ws_post_s": 0.2}),
    "an event that nobody sends": ("after", {"after.pushes.stream_processing.sent": False}),
}


def worse_than_before(case, how):
    """The rows that look better although a design has become worse."""
    design, change = WORSE[how]
    old, new = (model.evaluate(c) for c in (case, case.with_(change)))
    wrong = [r for r in TOLD_ROWS if one(new.values(r, design)) > one(old.values(r, design)) + 1e-6]
    return wrong + [r for r in ROWS_OF_TIME if one(new.values(r, design)) < one(old.values(r, design)) * (1 - 1e-6)]


@pytest.mark.parametrize("how", WORSE)
def test_a_worse_design_never_looks_better_in_any_row_of_time(twilly, how):
    rng = np.random.default_rng(18)
    for _ in range(6):
        case = random_case(twilly, rng)
        assert worse_than_before(case, how) == [], case.model_dump(include={"users", "usage"})
