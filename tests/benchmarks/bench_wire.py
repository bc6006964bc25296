"""Ten million exchanges priced in one call, against the same sums in a Python loop.

Run as a script, or as `pytest tests/benchmarks/bench_wire.py`.
"""

import math
import time

import numpy as np

from model import wire

EXCHANGES = 10_000_000
LOOPED = 100_000
MOST_S = 1.0


def looped(request, response, server_s):
    """One exchange on TLS 1.3 and IPv4 by plain arithmetic."""
    up, down = (n + 22 * max(1, math.ceil(n / 16_384)) for n in (request, response))
    sent, answered = math.ceil(up / 1448), math.ceil(down / 1448)
    lone = sent // 2 + (sent % 2 if server_s > 0.04 else 0)
    return up + 52 * (sent + (answered + 1) // 2), down + 52 * (answered + lone)


def drawn(seed=3):
    """Requests, responses and server times as a model would draw them."""
    rng = np.random.default_rng(seed)
    request, response = rng.integers(100, 2_000, EXCHANGES), rng.integers(100, 20_000, EXCHANGES)
    return request, response, rng.exponential(0.04, EXCHANGES)


def measured(request, response, server_s):
    """Seconds of the one call (the best of three), of one exchange in the loop, and whether they agree."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        up, down = wire.http_exchange_bytes(request, response, server_s=server_s)
        seconds.append(time.perf_counter() - start)
    some = [np.ravel(np.broadcast_to(x, EXCHANGES)[:LOOPED]).tolist() for x in (request, response, server_s)]
    start = time.perf_counter()
    pairs = [looped(*exchange) for exchange in zip(*some, strict=True)]
    one_s = (time.perf_counter() - start) / LOOPED
    return min(seconds), one_s, pairs == list(zip(up[:LOOPED].tolist(), down[:LOOPED].tolist(), strict=True))


def test_ten_million_exchanges_in_one_call_take_under_a_second_and_equal_the_loop():
    request, response, server_s = drawn()
    cases = {
        "sizes": (request, response, 0.0),
        "sizes and server times": (request, response, server_s),
        "sizes as floats": (request.astype(float), response.astype(float), 0.0),
    }
    for name, inputs in cases.items():
        together_s, one_s, equal = measured(*inputs)
        print(
            f"{name}: {EXCHANGES:,} exchanges in {together_s:.2f} s, "
            f"{one_s * EXCHANGES / together_s:,.0f} times faster than one by one"
        )
        assert equal
        assert together_s < MOST_S


if __name__ == "__main__":
    test_ten_million_exchanges_in_one_call_take_under_a_second_and_equal_the_loop()
