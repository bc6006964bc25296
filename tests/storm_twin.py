"""The same storm twice more, by other means: a SimPy process per client, and a plain sorted list."""

import numpy as np

from model import storm


class Bucket:
    """A token bucket that is full at 0; a refused attempt takes nothing."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.tokens, self.since = rate, burst, burst, 0.0

    def admits(self, now):
        tokens = min(self.burst, self.tokens + self.rate * (now - self.since))
        if tokens < 1 - 1e-9:
            return False
        self.tokens, self.since = tokens - 1, now
        return True


def simpy_back_s(times_s, rate, burst, outage_s=0.0):
    """Seconds until each client is back; row i of `times_s` holds the moments at which client i may try."""
    import simpy

    env, bucket, back = simpy.Environment(), Bucket(rate, burst), np.full(len(times_s), np.inf)

    def client(i, moments):
        for moment in moments:
            yield env.timeout(moment - env.now)
            if env.now >= outage_s and bucket.admits(env.now):
                back[i] = env.now
                return

    for i, moments in enumerate(times_s.tolist()):
        env.process(client(i, moments))
    env.run()
    return back


def sorted_back_s(times_s, rate, burst, outage_s=0.0):
    """The same from one list of all attempts, sorted by time."""
    bucket, back = Bucket(rate, burst), np.full(len(times_s), np.inf)
    for moment, i in sorted((t, i) for i, row in enumerate(times_s.tolist()) for t in row):
        if np.isinf(back[i]) and moment >= outage_s and bucket.admits(moment):
            back[i] = moment
    return back


def attempt_times_s(clients, delays_s, jitter, seed, notice_s=0.0, attempts=None, **spread):
    """When each client would make each of its attempts if all failed: the times that `reconnect` uses."""
    state, plan = storm._begun(clients, delays_s, jitter, seed, notice_s, attempts, **spread)
    times, who = (np.empty(len(state) * plan[3], kind) for kind in (float, np.int32))
    storm._list(state, plan, 0.0, np.inf, np.zeros(1, np.int64), times, who)
    return times.reshape(-1, plan[3])[np.argsort(state["id"])]
