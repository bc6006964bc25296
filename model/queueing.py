"""Closed forms of waiting: polls, long polls, queues, concurrency."""

from __future__ import annotations

import numpy as np

from model import checks

__all__ = [
    "LONG_POLL_MOST_TRANSITS", "erlang_c", "little", "long_poll_transits", "loop_life_s", "loop_period_s",
    "memoryless_wait_mean_s", "memoryless_wait_quantile_s", "mmc_wait_quantile_s", "mmc_wait_s",
    "poll_wait_mean_s", "poll_wait_quantile_s", "poll_wait_variance_s2", "random_active_share",
    "residual_wait_mean_s", "timer_active_share",
]

LONG_POLL_MOST_TRANSITS = 3.0  # response, next request, response: RFC 6202 s.2.2


def _quantile(q: object) -> np.ndarray:
    return checks.share("q", q)


def poll_wait_mean_s(period_s: np.ndarray | float, missed_share: np.ndarray | float = 0.0) -> np.ndarray:
    """Mean wait of an event at a random time for the next poll that works.

    The wait is U(0, T) to the next poll and T more for each poll that is missed: T/2 + T p/(1 - p).

    Parameters
    ----------
    period_s
        Time T from poll to poll; broadcasts. [s]
    missed_share
        Share p of polls that fail or are left out, independently; broadcasts. [1]

    Returns
    -------
    array
        Mean wait; infinite where every poll is missed. [s]

    Raises
    ------
    InputError
        For a period that is not above 0 or a share outside 0 to 1.

    Notes
    -----
    Uplink and connection set-up shift the poll's phase only; add server time and downlink to the wait.

    Sources
    -------
    cox1962

    Examples
    --------
    >>> float(poll_wait_mean_s(30)), round(float(poll_wait_mean_s(2, 0.01)), 6)
    (15.0, 1.020202)
    """
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period / 2 + period * np.divide(missed, 1 - missed)


def poll_wait_variance_s2(period_s: np.ndarray | float, missed_share: np.ndarray | float = 0.0) -> np.ndarray:
    """Variance of the wait for the next poll that works: T^2/12 + T^2 p/(1 - p)^2.

    Parameters
    ----------
    period_s
        Time T from poll to poll; broadcasts. [s]
    missed_share
        Share p of polls that are missed, independently; broadcasts. [1]

    Returns
    -------
    array
        Variance; infinite where every poll is missed. [s^2]

    Examples
    --------
    >>> float(poll_wait_variance_s2(30))
    75.0
    """
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period**2 / 12 + period**2 * np.divide(missed, (1 - missed) ** 2)


def poll_wait_quantile_s(q: np.ndarray | float, period_s: np.ndarray | float,
                         missed_share: np.ndarray | float = 0.0) -> np.ndarray:
    """Quantile of the wait for the next poll that works.

    The wait lies in [k T, (k + 1) T] with weight (1 - p) p^k and is uniform there, so a share s = 1 - q is
    longer than k T + r with k = floor(ln s / ln p) and r = T (1 - s/p^k)/(1 - p).

    Parameters
    ----------
    q
        Share of events that wait no longer; broadcasts. [-]
    period_s
        Time T from poll to poll; broadcasts. [s]
    missed_share
        Share p of polls that are missed, independently; broadcasts. [1]

    Returns
    -------
    array
        Wait; infinite for q = 1 where polls are missed. [s]

    Raises
    ------
    InputError
        For a quantile or share outside 0 to 1, or a period that is not above 0.

    Examples
    --------
    >>> poll_wait_quantile_s([0.5, 0.95, 1], 2)
    array([1. , 1.9, 2. ])
    """
    q, period = _quantile(q), checks.positive("period_s", period_s, "s")
    q, period, missed = np.broadcast_arrays(q, period, checks.share("missed_share", missed_share))
    left = 1 - q
    with np.errstate(divide="ignore", invalid="ignore"):
        periods = np.where(missed > 0, np.floor(np.log(left) / np.log(missed)), 0.0)
        rest = (1 - left / missed**periods) / (1 - missed)
        wait = period * (periods + rest)
    return np.where((missed == 1) | ((missed > 0) & (left == 0)), np.inf, wait)


def loop_period_s(sleep_s: np.ndarray | float, request_s: np.ndarray | float) -> np.ndarray:
    """Time from poll to poll of a loop that sleeps, then waits for its request to be answered.

    Parameters
    ----------
    sleep_s
        Sleep between an answer and the next request; broadcasts. [s]
    request_s
        Time from request to answer; broadcasts. [s]

    Returns
    -------
    array
        Their sum, to be used as the period of a poll. [s]

    Examples
    --------
    >>> float(poll_wait_mean_s(loop_period_s(1, 0.25)))
    0.625
    """
    return checks.non_negative("sleep_s", sleep_s, "s") + checks.non_negative("request_s", request_s, "s")


def loop_life_s(attempts: np.ndarray | float, sleep_s: np.ndarray | float,
                request_s: np.ndarray | float) -> np.ndarray:
    """How long a loop that sleeps, then requests, lasts until its last attempt is answered.

    Parameters
    ----------
    attempts
        Most attempts of the loop; broadcasts. [-]
    sleep_s
        Sleep before each request; broadcasts. [s]
    request_s
        Time from request to answer; broadcasts. [s]

    Returns
    -------
    array
        Attempts times the loop's period; an event after that is not seen. [s]

    Examples
    --------
    >>> float(loop_life_s(30, 1, 0.2))
    36.0
    """
    return checks.non_negative("attempts", attempts) * loop_period_s(sleep_s, request_s)


def residual_wait_mean_s(gap_mean_s: np.ndarray | float, gap_sd_s: np.ndarray | float) -> np.ndarray:
    """Mean wait of an event at a random time for the end of a gap of any distribution: E[T^2] / (2 E[T]).

    Parameters
    ----------
    gap_mean_s
        Mean gap between polls or refreshes; broadcasts. [s]
    gap_sd_s
        Standard deviation of the gaps; broadcasts. [s]

    Returns
    -------
    array
        Mean wait; half the mean gap only where the gaps do not vary. [s]

    Sources
    -------
    cox1962, kleinrock1975

    Examples
    --------
    >>> float(residual_wait_mean_s(10, 0)), float(residual_wait_mean_s(10, 10))
    (5.0, 10.0)
    """
    mean = checks.positive("gap_mean_s", gap_mean_s, "s")
    return (mean**2 + checks.non_negative("gap_sd_s", gap_sd_s, "s") ** 2) / (2 * mean)


def memoryless_wait_mean_s(rate_per_s: np.ndarray | float) -> np.ndarray:
    """Mean wait for the next of refreshes that come at random (Poisson): 1 / rate.

    Parameters
    ----------
    rate_per_s
        Refreshes a second; broadcasts. [1/s]

    Returns
    -------
    array
        Mean wait, equal to its standard deviation. [s]

    Examples
    --------
    >>> float(memoryless_wait_mean_s(0.05))
    20.0
    """
    return 1 / checks.positive("rate_per_s", rate_per_s, "1/s")


def memoryless_wait_quantile_s(q: np.ndarray | float, rate_per_s: np.ndarray | float) -> np.ndarray:
    """Quantile of the wait for the next of refreshes that come at random: -ln(1 - q) / rate.

    Parameters
    ----------
    q
        Share of events that wait no longer; broadcasts. [-]
    rate_per_s
        Refreshes a second; broadcasts. [1/s]

    Returns
    -------
    array
        Wait; infinite for q = 1. [s]

    Examples
    --------
    >>> round(float(memoryless_wait_quantile_s(0.5, 1.0)), 6)
    0.693147
    """
    with np.errstate(divide="ignore"):
        return -np.log1p(-_quantile(q)) * memoryless_wait_mean_s(rate_per_s)


def long_poll_transits(rate_per_s: np.ndarray | float, transit_s: np.ndarray | float) -> np.ndarray:
    """Mean delay of a message by long polling, in network transits.

    A message that finds the request waiting needs one transit d. Behind a response lies a gap of two transits
    until the next request is there; a message u into it needs 3 - u/d transits, `LONG_POLL_MOST_TRANSITS` at
    most. At rate r the share of time in gaps is g = 2 d / (2 d + exp(-2 r d) / r), and the mean is 1 + g.

    Parameters
    ----------
    rate_per_s
        Messages to one client a second, at random; broadcasts. [1/s]
    transit_s
        One way through the network; broadcasts. [s]

    Returns
    -------
    array
        Mean transits: 1 for rare messages, towards 2 for a stream of them. [-]

    Notes
    -----
    No loss, no server time; a response carries every message that waits.

    Sources
    -------
    rfc6202

    Examples
    --------
    >>> long_poll_transits([0, 1, 1000], 0.05).round(3)
    array([1. , 1.1, 2. ])
    """
    gap = 2 * checks.non_negative("transit_s", transit_s, "s") * checks.non_negative(
        "rate_per_s", rate_per_s, "1/s")
    return 1 + gap / (gap + np.exp(-gap))


def little(rate_per_s: np.ndarray | float, time_s: np.ndarray | float) -> np.ndarray:
    """Mean number at once by Little's law: rate x time.

    Parameters
    ----------
    rate_per_s
        Arrivals a second; broadcasts. [1/s]
    time_s
        Mean time each stays; broadcasts. [s]

    Returns
    -------
    array
        Executions, connections or requests under way at once. [-]

    Sources
    -------
    little1961

    Examples
    --------
    >>> float(little(500, 7200))
    3600000.0
    """
    return (checks.non_negative("rate_per_s", rate_per_s, "1/s")
            * checks.non_negative("time_s", time_s, "s"))


def _stable(arrival_per_s, service_per_s, servers):
    """Checked arguments of a queue that does not grow for ever."""
    arrival = checks.non_negative("arrival_per_s", arrival_per_s, "1/s")
    service = checks.positive("service_per_s", service_per_s, "1/s")
    servers = checks.bounded("servers", servers, "a whole number >= 1",
                             lambda a: (a >= 1) & (a == np.floor(a)) & np.isfinite(a))
    arrival, capacity, servers, service = np.broadcast_arrays(arrival, service * servers, servers, service)
    over = arrival >= capacity
    if over.any():
        first, most = (checks.shown(float(a[over].flat[0])) for a in (arrival, capacity))
        checks.fail(f"arrival_per_s must be below servers x service_per_s, or the queue is unstable; "
                    f"got {first} against {most} 1/s")
    return arrival, service, servers, capacity


def erlang_c(arrival_per_s: np.ndarray | float, service_per_s: np.ndarray | float,
             servers: np.ndarray | int) -> np.ndarray:
    """Share of arrivals that must wait in an M/M/c queue (Erlang C).

    With a = arrival/service and Erlang B as a Poisson density over its sum, B = P(c; a) / P(<= c; a):
    C = B / (1 - (a/c)(1 - B)). Logarithms keep it exact for any number of servers.

    Parameters
    ----------
    arrival_per_s
        Arrivals a second, at random; broadcasts. [1/s]
    service_per_s
        What one server finishes a second when busy; broadcasts. [1/s]
    servers
        Servers c; whole; broadcasts. [-]

    Returns
    -------
    array
        Share that waits. [-]

    Raises
    ------
    InputError
        For a queue that is not stable (arrival >= servers x service), negative rates, servers not whole.

    Notes
    -----
    Poisson arrivals, exponential service, one queue for all servers. Checked to 1e-9 for 100,000 servers.

    Sources
    -------
    kleinrock1975

    Examples
    --------
    >>> round(float(erlang_c(15, 10, 2)), 6)
    0.642857
    """
    from scipy import special

    arrival, service, servers, capacity = _stable(arrival_per_s, service_per_s, servers)
    load = arrival / service
    blocked = np.exp(special.xlogy(servers, load) - load - special.gammaln(servers + 1))
    blocked = blocked / special.pdtr(servers, load)
    return blocked / (1 - arrival / capacity * (1 - blocked))


def mmc_wait_s(arrival_per_s: np.ndarray | float, service_per_s: np.ndarray | float,
               servers: np.ndarray | int) -> np.ndarray:
    """Mean time in the queue of an M/M/c system: C / (c x service - arrival).

    Parameters
    ----------
    arrival_per_s
        Arrivals a second, at random; broadcasts. [1/s]
    service_per_s
        What one server finishes a second when busy; broadcasts. [1/s]
    servers
        Servers c; whole; broadcasts. [-]

    Returns
    -------
    array
        Mean wait over all arrivals, service not included. [s]

    Examples
    --------
    >>> round(float(mmc_wait_s(8, 10, 1)), 6)
    0.4
    """
    arrival, _, _, capacity = _stable(arrival_per_s, service_per_s, servers)
    return erlang_c(arrival_per_s, service_per_s, servers) / (capacity - arrival)


def mmc_wait_quantile_s(q: np.ndarray | float, arrival_per_s: np.ndarray | float,
                        service_per_s: np.ndarray | float, servers: np.ndarray | int) -> np.ndarray:
    """Quantile of the time in the queue of an M/M/c system served in order: P(W > t) = C exp(-(c s - a) t).

    Parameters
    ----------
    q
        Share of arrivals that wait no longer; broadcasts. [-]
    arrival_per_s
        Arrivals a second, at random; broadcasts. [1/s]
    service_per_s
        What one server finishes a second when busy; broadcasts. [1/s]
    servers
        Servers c; whole; broadcasts. [-]

    Returns
    -------
    array
        Wait; 0 for the share that finds a free server, infinite for q = 1. [s]

    Examples
    --------
    >>> mmc_wait_quantile_s([0.1, 0.9], 8, 10, 1).round(4)
    array([0.    , 1.0397])
    """
    q = _quantile(q)
    arrival, _, _, capacity = _stable(arrival_per_s, service_per_s, servers)
    with np.errstate(divide="ignore"):
        longer = np.log(erlang_c(arrival_per_s, service_per_s, servers)) - np.log1p(-q)
    return np.maximum(0.0, longer) / (capacity - arrival)


def timer_active_share(period_s: np.ndarray | float, promotion_s: np.ndarray | float,
                       tail_s: np.ndarray | float) -> np.ndarray:
    """Share of time a radio is up for one timer alone: min(1, (promotion + tail) / period).

    Parameters
    ----------
    period_s
        Time from exchange to exchange; broadcasts. [s]
    promotion_s
        Time the radio needs to come up; broadcasts. [s]
    tail_s
        Time it stays up after the last packet; broadcasts. [s]

    Returns
    -------
    array
        Share of time. [-]

    Examples
    --------
    >>> round(float(timer_active_share(30, 0.2601, 11.576)), 4)
    0.3945
    """
    up = checks.non_negative("promotion_s", promotion_s, "s") + checks.non_negative("tail_s", tail_s, "s")
    return np.minimum(1.0, up / checks.positive("period_s", period_s, "s"))


def random_active_share(rate_per_s: np.ndarray | float, tail_s: np.ndarray | float) -> np.ndarray:
    """Share of time a radio is up for exchanges that come at random: 1 - exp(-rate x tail).

    Parameters
    ----------
    rate_per_s
        Exchanges a second; broadcasts. [1/s]
    tail_s
        Time the radio stays up after the last packet; broadcasts. [s]

    Returns
    -------
    array
        Share of time. [-]

    Examples
    --------
    >>> round(float(random_active_share(1 / 30, 11.576)), 4)
    0.3201
    """
    return -np.expm1(-little(rate_per_s, checks.non_negative("tail_s", tail_s, "s")))
