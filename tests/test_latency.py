"""Latency: closed forms and samples of the same sums agree, and each component is where it belongs."""

from types import SimpleNamespace

import numpy as np
import pytest

import model
from model import latency, sampling, traffic
from model.checks import InputError


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def now_of(scenario, which):
    return traffic.traffic(which, sampling.resolved(scenario))


def timer(period_s, missed=0.0, timing="fixed"):
    return SimpleNamespace(period_s=period_s, timing=timing, missed_share=missed)


@pytest.mark.parametrize("period_s", [2.0, 10.0, 30.0])
def test_a_fixed_period_waits_uniformly(period_s):
    wait = latency.poll_wait(timer(period_s), 0.0)
    u = (np.arange(100_000) + 0.5) / 100_000
    assert wait.mean_s == pytest.approx(period_s / 2, rel=1e-12)
    assert wait.quantile_s(0.95) == pytest.approx(0.95 * period_s, rel=1e-12)
    assert np.var(wait.quantile_s(u)) == pytest.approx(period_s**2 / 12, rel=1e-9)


@pytest.mark.parametrize(("period_s", "missed", "mean_s"), [(2.0, 0.01, 1.020202), (30.0, 0.05, 16.578947)])
def test_missed_polls_wait_the_published_mean(period_s, missed, mean_s):
    wait = latency.poll_wait(timer(period_s, missed), 0.0)
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert wait.mean_s == pytest.approx(mean_s, abs=5e-7)
    assert np.mean(wait.quantile_s(u)) == pytest.approx(mean_s, rel=1e-4)  # the last points of a long tail


def test_sleep_then_request_waits_over_the_sleep_and_the_request():
    assert latency.poll_wait(timer(1.0, timing="sleep_then_request"), 0.2).mean_s == pytest.approx(0.6)


def test_a_screen_refreshed_by_hand_waits_without_memory():
    wait = latency.poll_wait(timer(17.0, timing="by_hand"), 0.0)
    assert wait.mean_s == 17.0
    assert wait.quantile_s(0.5) == pytest.approx(17.0 * np.log(2), rel=1e-12)


@pytest.mark.parametrize("which", ["before", "after"])
@pytest.mark.parametrize("event", ["new_comment", "notification", "stream_processing", "channel_content_update"])
def test_the_sample_mean_is_the_closed_form_mean(twilly, which, event):
    found = latency.sample(twilly, which, event, 8192, seed=4)
    arrived = found["total"][np.isfinite(found["total"])]
    error = 4 * arrived.std() / np.sqrt(len(arrived))
    assert abs(arrived.mean() - float(np.ravel(latency.mean_s(now_of(twilly, which), event))[0])) < error


def test_components_add_up_to_the_total(twilly):
    found = latency.sample(twilly, "after", "new_comment", 512, seed=1)
    arrived = np.isfinite(found["total"])
    parts = found.drop(columns="total").sum(axis=1)
    np.testing.assert_allclose(parts[arrived], found["total"][arrived], rtol=1e-12)


def test_the_uplink_of_a_poll_only_shifts_its_phase(twilly):
    parts = {n for b in latency.branches(now_of(twilly, "before"), "new_comment") for n in b.parts}
    assert parts == {"poll wait", "server", "downlink", "phone to screen", "cold start"}


def test_an_event_that_nobody_sends_yet_never_arrives_in_the_session(twilly):
    unsent = twilly.with_({"after.pushes.notification.sent": False})
    found = latency.sample(unsent, "after", "notification", 64, seed=1)
    assert np.isinf(found["total"]).all()
    assert latency.undelivered_share(now_of(unsent, "after"), "notification") == 1.0


def test_attempts_that_run_out_leave_a_share_undelivered(twilly):
    now = now_of(twilly, "before")
    share = latency.undelivered_share(now, "stream_processing")
    request_s = latency.timer_request_s(now, twilly.before.timers["stream_processing"])
    assert share == pytest.approx(np.exp(-30 * (1 + request_s) / 25.0), rel=1e-9)


def test_pulls_after_a_push_make_it_later(twilly):
    pulled = twilly.with_({"after.pushes.new_comment.pulls": 3})
    means = [float(np.ravel(latency.mean_s(now_of(s, "after"), "new_comment"))[0]) for s in (twilly, pulled)]
    assert means[1] > means[0] + 0.1


def test_branches_are_shares_of_one(twilly):
    for which in ("before", "after"):
        now = now_of(twilly, which)
        for event in twilly.events:
            assert sum(float(np.ravel(b.share)[0]) for b in latency.branches(now, event)) == pytest.approx(1.0)


def test_quantiles_are_those_of_the_mixed_samples(twilly):
    now = now_of(twilly, "after")
    quick = latency.quantile_s(now, [0.5, 0.95])[:, 0, 0]
    totals, weights = [], []
    for event in twilly.events:
        one = latency.sample(twilly, "after", event, 4096, seed=9)["total"].to_numpy()
        totals.append(one)
        weights.append(np.full(one.size, float(np.ravel(latency.delivered_rate_per_s(now, event))[0])))
    totals, weights = np.concatenate(totals), np.concatenate(weights)
    order = np.argsort(totals)
    heap = np.cumsum(weights[order]) / weights.sum()
    for value, share in zip(quick, (0.5, 0.95), strict=True):
        assert value == pytest.approx(totals[order][np.searchsorted(heap, share)], rel=0.03)  # two samples


def test_more_users_keep_functions_warm(twilly):
    p95 = model.evaluate(twilly, users=[30, 1e5]).values("notification latency p95")[1][0]
    assert p95[0] > p95[1]


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda s: latency.sample(s, "after", "new_comment", 0, 1), "n must be a whole number > 0 samples; got 0"),
    (lambda s: latency.sample(s, "after", "new_coment", 8, 1), "unknown event 'new_coment'; did you mean 'new_comment'"),
    (lambda s: latency.sample(s, "afterwards", "new_comment", 8, 1), "unknown design 'afterwards'"),
    (lambda s: latency.quantile_s(now_of(s, "after"), [1.5]), "quantile must be between 0 and 1; got 1.5"),
])
def test_each_mistake_is_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(twilly)
