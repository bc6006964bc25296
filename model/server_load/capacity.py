"""What one server, one sender and one quota can carry, from published measurements."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger, paths


@functools.cache
def figures() -> Mapping[str, ledger.Row]:
    """The published and measured capacities by name, each a row of `data/capacity.csv`."""
    return MappingProxyType(ledger.read(paths.data("capacity.csv")))


def instance_size(instance: str) -> tuple[float, float]:
    """Memory and virtual CPUs of an instance type.

    Source: aws_docs.
    """
    known = [name.removesuffix("_vcpu_count") for name in figures() if name.endswith("_vcpu_count")]
    checks.known("server.instance", instance, known)
    return figures()[f"{instance}_gb"].value, figures()[f"{instance}_vcpu_count"].value


def fan_out_s(
    connections: ArrayLike, post_s: ArrayLike, at_once: ArrayLike = 1.0, rate_per_s: ArrayLike = np.inf
) -> np.ndarray:
    """Time until the last of many connections has its message.

    Posts go out in rounds of `at_once`: ceil(n / at_once) x post_s; a quota may slow them down: n / rate.

    `connections`: connections to tell; broadcasts; `post_s`: time of one post [s]; `at_once`: posts in flight: 1 one
    after another, infinite all together; `rate_per_s`: posts that a quota lets through; infinite for none [1/s]. Gives
    an array, broadcast shape [s]. A burst that the quota would lend is left out.
    Source: first_case_code, aws_docs.

    Examples
    --------
    A hundred connections at 20 ms, one after another, and all together:

    >>> float(fan_out_s(100, 0.020)), float(fan_out_s(100, 0.020, at_once=np.inf))
    (2.0, 0.02)
    """
    count = checks.non_negative("connections", connections)
    each_s = checks.non_negative("post_s", post_s, "s")
    width = checks.bounded("at_once", at_once, ">= 1 post", lambda a: a >= 1)
    rate = checks.bounded("rate_per_s", rate_per_s, "> 0 posts/s", lambda a: a > 0)
    rounds = np.where(np.isinf(width), np.minimum(count, 1.0), np.ceil(count / width))
    return np.maximum(rounds * each_s, count / rate)


def fan_out_connections(timeout_s: ArrayLike, post_s: ArrayLike) -> np.ndarray:
    """Connections that a sender tells one after another before its time is up.

    `timeout_s`: time the sender has; broadcasts [s]; `post_s`: time of one post [s]. Gives an array, whole connections,
    broadcast shape.
    Source: first_case_code.

    Examples
    --------
    >>> float(fan_out_connections(30, 0.020))
    1500.0
    """
    limit = checks.positive("timeout_s", timeout_s, "s") / checks.positive("post_s", post_s, "s")
    return np.floor(limit * (1.0 + 1e-12))
