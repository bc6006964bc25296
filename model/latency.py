"""Notification latency: from the stored event to its content on the screen of a user in the foreground.

An event reaches its user on one of a few branches (access network; warm or cold function; socket alive, lost
unseen or down). Each branch is a sum of independent parts, each with a mean and a quantile function; so means
are closed forms and samples are sums of quantiles at quasi-random points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from model import airtime, checks, cold_starts
from model.scenario import Design, Network, Scenario
from model.traffic import Traffic, chains, traffic
from model.traffic.usage import handshake_s, overlay_poll_s, poll_period_s, pushes_per_s

__all__ = ["Branch", "Part", "branches", "delivered_rate_per_s", "mean_s", "quantile_s", "sample",
           "undelivered_share"]


@dataclass(frozen=True)
class Part:
    """One component of a delay: its mean and its quantiles (a function of a share, broadcasting)."""

    mean_s: object
    quantile_s: Callable


@dataclass(frozen=True)
class Branch:
    """One way an event reaches its user: how likely, and the parts of its delay by name."""

    name: str
    share: object
    parts: dict[str, Part]


def fixed(value_s) -> Part:
    """A part that always takes the same time."""
    return Part(value_s, lambda u: value_s + 0.0 * u)


def uniform(low_s, high_s) -> Part:
    """A part that is uniform between two times."""
    return Part((low_s + high_s) / 2.0, lambda u: low_s + (high_s - low_s) * u)


def exponential(mean_s) -> Part:
    """A memoryless wait."""
    return Part(mean_s, lambda u: -mean_s * np.log1p(-u))


def lognormal(mean_s, sigma_ln) -> Part:
    """A lognormal time with that mean and spread of its logarithm."""
    def quantile(u):
        from scipy.special import ndtri

        return mean_s * np.exp(sigma_ln * ndtri(u) - np.square(sigma_ln) / 2.0)

    return Part(mean_s, quantile)


def poll_wait(timer, request_s) -> Part:
    """The wait until the poll that brings the event: uniform over the period, whole periods where missed."""
    period_s, missed = poll_period_s(timer, request_s), timer.missed_share
    if timer.timing == "by_hand":
        return exponential(period_s / (1.0 - missed))
    if not np.any(np.asarray(missed) > 0):
        return uniform(0.0 * period_s, period_s)
    mean = period_s / 2.0 + period_s * missed / (1.0 - missed)

    def quantile(u):
        with np.errstate(divide="ignore"):
            skipped = np.floor(np.log1p(-u) / np.log(missed))
        reached = 1.0 - np.power(missed, skipped)
        return period_s * (skipped + (u - reached) / (np.power(missed, skipped) * (1.0 - missed)))

    return Part(mean, quantile)


def radio_wait(shares: tuple, drx_s, paging_s, promotion_s) -> Part:
    """What a push waits for the radio: nothing, the next DRX on-time, or paging and a promotion."""
    active, tail, idle = shares

    def quantile(u):
        in_tail = (u - active) / np.where(tail > 0, tail, 1.0) * drx_s
        in_idle = promotion_s + (u - active - tail) / np.where(idle > 0, idle, 1.0) * paging_s
        return np.where(u < active, 0.0, np.where(u < active + tail, in_tail, in_idle))

    return Part(tail * drx_s / 2.0 + idle * (paging_s / 2.0 + promotion_s), quantile)


def _sum(one: Part, other: Part) -> Part:
    return Part(one.mean_s + other.mean_s, lambda u: one.quantile_s(u) + other.quantile_s(u))


def cold_start(design: Design, scenario: Scenario, function: str) -> Part:
    """What a cold start adds: placement and download, then Init by runtime and package size."""
    one = design.functions[function]
    extra = scenario.number("lambda_cold_extra_s")
    init_s = cold_starts.cold_start_mean_s(one.runtime, one.package_kb)
    return Part(init_s + extra,
                lambda u: cold_starts.cold_start_quantile_s(u, one.runtime, one.package_kb) + extra)


def downlink(network: Network) -> Part:
    """The way down to the phone: half a round trip, lognormal."""
    return lognormal(network.rtt_s / 2.0, network.rtt_sigma_ln)


def _split(scenario: Scenario, cold_share, common: Callable, cold: Part | None) -> list[Branch]:
    """Branches by network and by warm or cold function from the parts both have in common."""
    found = []
    for name, network in scenario.networks.items():
        parts = common(name, network)
        found.append(Branch(f"{name}, warm", network.share * (1.0 - cold_share), parts))
        if cold is not None and np.any(np.asarray(cold_share) > 0):
            found.append(Branch(f"{name}, cold", network.share * cold_share, {**parts, "cold start": cold}))
    return found


def _poll_branches(now: Traffic, timer, share=1.0) -> list[Branch]:
    scenario, design = now.life.scenario, now.life.design
    flow = next(f for f in now.flows if f.exchange == "http" and f.function == timer.function)
    rtt_s = sum(n.share * n.rtt_s for n in scenario.networks.values())
    wait = poll_wait(timer, rtt_s + flow.server_s)
    server = {"server": fixed(flow.server_s)}
    if np.any(np.asarray(timer.cache_s) > 0):
        server["cached answer"] = uniform(0.0 * timer.cache_s, timer.cache_s)
    lambdas = design.api.backend != "server"
    cold_share = now.runs[timer.function].cold_share if lambdas else 0.0

    def common(name, network):
        return {"poll wait": wait, **server, "downlink": downlink(network),
                "phone to screen": fixed(scenario.number("screen_render_s"))}

    split = _split(scenario, cold_share, common, cold_start(design, scenario, timer.function) if lambdas else None)
    return [Branch(b.name, b.share * share, b.parts) for b in split]


def _pulls(now: Traffic, event: str, network: Network) -> dict[str, Part]:
    """The requests that the push triggers before its content shows, one after another."""
    design, scenario = now.life.design, now.life.scenario
    count = design.pushes[event].pulls
    if not count:
        return {}
    flow = next(f for f in now.flows if f.name == f"pull after {event}")
    each = lognormal(network.rtt_s, network.rtt_sigma_ln)
    spread = Part(count * (each.mean_s + flow.server_s),
                  lambda u: count * (each.quantile_s(u) + flow.server_s))
    opened_s = flow.cold_share * handshake_s(design.api, network.rtt_s)
    return {"pulls": spread, "pull connection": fixed(opened_s)}


def _sender(now: Traffic, event: str) -> dict[str, Part]:
    """From the stored event to the gateway's socket: invocation, sender's run, position in the fan-out."""
    scenario, design = now.life.scenario, now.life.design
    one, push, socket = scenario.events[event], design.pushes[event], design.socket
    spread = scenario.number("service_sigma_ln")
    post_s = scenario.number("apigw_ws_post_s")
    if socket.direct_send:
        parts = {"sender": lognormal(scenario.number("direct_send_s"), spread)}
    else:
        send = design.functions[socket.send_function]
        parts = {"invocation": lognormal(scenario.number("lambda_invoke_s"), spread),
                 "sender": lognormal(chains.run_s(scenario, send, now.table_bytes), spread)}
    if push.audience == "broadcast" and socket.fan_out == "sequential":
        online = np.maximum(one.recipients * one.online_share, 1.0)
        parts["fan-out"] = uniform(post_s, post_s * online)
    else:
        parts["fan-out"] = fixed(post_s)
    return {**parts, "gateway": lognormal(scenario.number("apigw_ws_delivery_s"), spread)}


def _push_branches(now: Traffic, event: str) -> list[Branch]:
    scenario, design, life = now.life.scenario, now.life.design, now.life
    sender, socket = _sender(now, event), design.socket
    lambdas = not socket.direct_send
    cold_share = now.runs[socket.send_function].cold_share if lambdas else 0.0
    gap, down = life.unseen_share, life.down_share

    def common(name, network):
        wait = radio_wait(airtime.radio_shares(now, network), network.drx_s, network.paging_s,
                          airtime.promotion_s(network))
        return {**sender, "radio wake-up": wait, "downlink": downlink(network),
                **_pulls(now, event, network), "phone to screen": fixed(scenario.number("screen_render_s"))}

    cold = cold_start(design, scenario, socket.send_function) if lambdas else None
    alive = [Branch(b.name, b.share * (1.0 - down - gap), b.parts)
             for b in _split(scenario, cold_share, common, cold)]
    caught = {"unseen loss": uniform(0.0 * life.notice_s, life.notice_s), "reconnect": fixed(life.reconnect_s),
              "catch-up": fixed(scenario.number("catch_up_s")),
              "phone to screen": fixed(scenario.number("screen_render_s"))}
    lost = [Branch("lost unseen, caught up", gap, caught)] if socket.catch_up else []
    timer = SimpleNamespace(period_s=design.fallback.period_s, timing="fixed", missed_share=0.0, cache_s=0.0,
                            function=next(f.function for f in now.flows if f.kind == "fallback"))
    return [*alive, *lost, *_poll_branches(now, timer, down)]


def _timer_of(design: Design, event: str):
    return next((t for t in design.timers.values() if event in t.delivers), None)


def reached_share(now: Traffic, event: str):
    """The share of an event's recipients in the app on whose screen its timer or push runs at all."""
    scenario, design = now.life.scenario, now.life.design
    one, push = scenario.events[event], design.pushes.get(event)
    if push is not None and push.sent:
        return 1.0 if design.socket.catch_up else 1.0 - now.life.unseen_share
    timer = _timer_of(design, event)
    if timer is None:
        return 0.0
    if timer.overlay:
        overlay = scenario.overlays[timer.overlay]
        return overlay_poll_s(timer, overlay, timer_request_s(now, timer)) / overlay.duration_s
    screens = one.screens or list(scenario.screens)
    seen = [s for s in screens if timer.screens is None or s in timer.screens]
    return (sum((scenario.screens[s].share for s in seen), 0.0)
            / sum(scenario.screens[s].share for s in screens))


def timer_request_s(now: Traffic, timer):
    """Time one request of a timer takes: a round trip and the server's time."""
    flow = next(f for f in now.flows if f.exchange == "http" and f.function == timer.function)
    return sum(n.share * n.rtt_s for n in now.life.scenario.networks.values()) + flow.server_s


def branches(now: Traffic, event: str) -> list[Branch]:
    """The ways an event that arrives reaches its user, with shares that add up to 1.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    event : str
        An event of the scenario [-].

    Returns
    -------
    list of Branch
        Empty where nothing delivers the event in the session.

    Raises
    ------
    InputError
        An unknown event.

    Sources
    -------
    cox1962, lambda_perf
    """
    checks.known("event", event, now.life.scenario.events)
    design = now.life.design
    push = design.pushes.get(event)
    if push is not None and push.sent:
        found = _push_branches(now, event)
        whole = sum(b.share for b in found)
        return [Branch(b.name, b.share / whole, b.parts) for b in found]
    timer = _timer_of(design, event)
    return _poll_branches(now, timer) if timer is not None else []


def undelivered_share(now: Traffic, event: str):
    """The share of an event's recipients in the app who are not told within the session.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    event : str
        An event of the scenario [-].

    Returns
    -------
    array
        0 to 1: nobody sends it, no timer runs on their screen, attempts ran out, or lost in a gap.

    Sources
    -------
    twilly_code
    """
    return 1.0 - reached_share(now, event)


def delivered_rate_per_s(now: Traffic, event: str):
    """How often one user in the app is told of an event: the weight of that event in every percentile.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    event : str
        An event of the scenario [-].

    Returns
    -------
    array
        Deliveries per second of active time [1/s].

    Sources
    -------
    assumption
    """
    return pushes_per_s(now.life.scenario, event) * reached_share(now, event)


def mean_s(now: Traffic, event: str):
    """Mean latency of an event over its deliveries, in closed form.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    event : str
        An event of the scenario [-].

    Returns
    -------
    array
        Seconds, (draws, users); inf where the event never arrives [s].

    Sources
    -------
    cox1962
    """
    ways = branches(now, event)
    if not ways:
        return np.inf
    return sum(b.share * sum(p.mean_s for p in b.parts.values()) for b in ways)


PART_NAMES = ("poll wait", "cached answer", "server", "invocation", "sender", "fan-out", "gateway", "cold start",
              "unseen loss", "reconnect", "catch-up", "radio wake-up", "downlink", "pulls", "pull connection",
              "phone to screen")


def _sobol_points(n: int, seed: int) -> np.ndarray:
    """Quasi-random points of (0, 1), a column a part and one for the branch."""
    from scipy.stats import qmc

    power = max(int(np.ceil(np.log2(max(n, 2)))), 1)
    points = qmc.Sobol(len(PART_NAMES) + 1, scramble=True, rng=np.random.default_rng(seed)).random_base2(power)
    return np.clip(points[:n], 1e-12, 1.0 - 1e-12)


def _latin_points(n: int, seed: int) -> np.ndarray:
    """A Latin hypercube of midpoints: every part's own distribution is met evenly; quick to make."""
    rng = np.random.default_rng(seed)
    return (np.stack([rng.permutation(n) for _ in PART_NAMES], axis=1) + 0.5) / n


def _one_traffic(scenario: Scenario, design) -> Traffic:
    from model import sampling

    return traffic(design, sampling.resolved(scenario))


def sample(scenario: Scenario, design: Design | str, event: str, n: int, seed: int):
    """Quasi-random samples of an event's latency by component and in total.

    Parameters
    ----------
    scenario : Scenario
        The scenario; ranges count at their modes [-].
    design : Design or str
        The design, or `before` or `after` [-].
    event : str
        An event of the scenario [-].
    n : int
        How many samples [-].
    seed : int
        Seed of the scrambled Sobol points [-].

    Returns
    -------
    pandas.DataFrame
        A row a sample, a column a component and `total`, in seconds; inf in total where never delivered.

    Raises
    ------
    InputError
        No samples, or an unknown event.

    Sources
    -------
    cox1962
    """
    import pandas as pd

    if isinstance(n, bool) or n != int(n) or n < 1:
        checks.fail(f"n must be a whole number > 0 samples; got {checks.shown(n)}")
    now = _one_traffic(scenario, design)
    ways, points = branches(now, event), _sobol_points(int(n), seed)
    reached = float(np.ravel(reached_share(now, event))[0]) if ways else 0.0
    edges = np.cumsum([float(np.ravel(b.share)[0]) for b in ways]) * reached
    which = np.searchsorted(edges, points[:, -1])
    table = pd.DataFrame(0.0, index=range(int(n)), columns=[*PART_NAMES, "total"])
    for number, way in enumerate(ways):
        rows = which == number
        for k, name in enumerate(PART_NAMES):
            if name in way.parts:
                table.loc[rows, name] = way.parts[name].quantile_s(points[rows, k])
    table["total"] = table[list(PART_NAMES)].sum(axis=1)
    table.loc[which >= len(ways), "total"] = np.inf
    return table


def _totals(way: Branch, points: np.ndarray):
    """Totals of one branch at the points, (draws, points)."""
    return sum(way.parts[name].quantile_s(points[None, :, k])
               for k, name in enumerate(PART_NAMES) if name in way.parts)


def quantile_s(now: Traffic, shares, points: int = 256, seed: int = 7) -> np.ndarray:
    """Quantiles of latency over all events, weighted by how often each is delivered.

    The branches' totals are sampled once and sorted; weights (event rate x branch share) may vary by user
    count and draw, so one sort serves every user count.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    shares : sequence of float
        Quantiles wanted, each between 0 and 1 [-].
    points : int
        Samples a branch, a power of two is best [-].
    seed : int
        Seed of the points [-].

    Returns
    -------
    numpy.ndarray
        One array of seconds a quantile, first axis; then (draws, users).

    Raises
    ------
    InputError
        A quantile outside 0 to 1, or an outcome in which nothing is ever delivered.

    Sources
    -------
    cox1962
    """
    wanted = checks.share("quantile", shares)
    grid, values, weights = _latin_points(points, seed), [], []
    for rate, ways in _grouped(now):
        for way in ways:
            values.append(np.atleast_2d(_totals(way, grid)))
            weights.append(np.atleast_2d(rate * way.share))
    if not values:
        checks.fail("no event is delivered within a session, so latency has no quantile")
    return _weighted_quantiles(values, weights, wanted)


def _grouped(now: Traffic):
    """Events that travel the same branches, with their rates added, so that each set is sampled once."""
    groups: dict = {}
    for event, one in now.life.scenario.events.items():
        push, timer = now.life.design.pushes.get(event), _timer_of(now.life.design, event)
        sent = push is not None and push.sent
        if not sent and timer is None:
            continue
        key = (push.pulls, push.audience, event if push.audience == "broadcast" or push.pulls else "",
               ) if sent else id(timer)
        rate, first = groups.get(key, (0.0, event))
        groups[key] = (rate + delivered_rate_per_s(now, event), first)
    return [(rate, branches(now, event)) for rate, event in groups.values()]


def _weighted_quantiles(values, weights, wanted) -> np.ndarray:
    """Quantiles of a mixture of sampled branches; weights of shape (draws, users) for each branch."""
    draws = max(v.shape[0] for v in values)
    users = max(w.shape[1] for w in weights)
    rows = max(draws, *(w.shape[0] for w in weights))
    size = values[0].shape[1]
    total = np.concatenate([np.broadcast_to(v, (rows, size)) for v in values], axis=1)
    order = np.argsort(total, axis=1)
    total = np.take_along_axis(total, order, axis=1)
    branch = order // size
    weight = np.stack([np.broadcast_to(w, (rows, users)) for w in weights], axis=1)  # (rows, branches, users)
    heap = np.cumsum(np.take_along_axis(weight, branch[:, :, None], axis=1), axis=1)
    last = heap[:, -1:, :]
    found = [np.minimum((heap < q * last).sum(axis=1), total.shape[1] - 1) for q in wanted]
    return np.stack([np.take_along_axis(total, place, axis=1) for place in found])
