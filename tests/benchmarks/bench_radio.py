"""How fast `radio.trace` walks packets, beside the same machine written for SimPy.

Run it as a script or by pytest. Both walk the same packets in one run; the joules must agree before the
ratio counts.
"""

import time

import numpy as np
import pytest
import simpy

from model import radio

PACKETS_PER_S, RATIO = 20e6, 40
NAME, RATE_PER_S = "lte_huang2012", 0.2


def packets(count, seed=1):
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.exponential(1 / RATE_PER_S, count))
    return times_s, rng.uniform(200, 1500, count), rng.uniform(200, 1500, count)


class Phone:
    """The radio as SimPy processes: one falls through the states and is interrupted by each packet."""

    def __init__(self, env, profile):
        self.env, self.profile = env, profile
        self.state, self.since, self.falling = "idle", 0.0, None
        self.seconds = {state.name: 0.0 for state in profile.states} | {"promotion": 0.0}
        self.bytes = [0.0, 0.0]

    def enter(self, state):
        self.seconds[self.state] += self.env.now - self.since
        self.state, self.since = state, self.env.now

    def fall(self):
        try:
            for state in self.profile.states[:-1]:
                self.enter(state.name)
                yield self.env.timeout(state.timer_s)
            self.enter("idle")
        except simpy.Interrupt:
            pass

    def packet(self, up, down):
        if self.state == "idle":
            delay_s, _ = radio.promotion_of(self.profile, "idle", self.profile.states[0].name)
            climb_s = min(delay_s, self.env.now - self.since)
            self.seconds["promotion"] += climb_s
            self.seconds["idle"] -= climb_s
        elif self.falling.is_alive:
            self.falling.interrupt()
        self.bytes[0] += up
        self.bytes[1] += down
        self.falling = self.env.process(self.fall())

    def traffic(self, times_s, up, down):
        for time_s, sent, got in zip(times_s, up, down, strict=True):
            yield self.env.timeout(time_s - self.env.now)
            self.packet(sent, got)


def simpy_energy_j(times_s, up, down, end_s):
    profile = radio.profile(NAME)
    env = simpy.Environment()
    phone = Phone(env, profile)
    env.process(phone.traffic(times_s.tolist(), up.tolist(), down.tolist()))
    env.run(until=end_s)
    phone.enter("idle")
    powers = {state.name: radio.state_power_w(state) for state in profile.states}
    powers["promotion"] = radio.promotion_of(profile, "idle", profile.states[0].name)[1]
    return (
        sum(powers[name] * spent for name, spent in phone.seconds.items())
        + phone.bytes[0] * profile.up_j_per_byte
        + phone.bytes[1] * profile.down_j_per_byte
    )


def best_s(run, times):
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


def measured(name=NAME, count=5_000_000):
    """Packets a second that the compiled trace walks."""
    times_s, up, down = packets(count)
    profile = radio.profile(name)
    radio.trace(times_s[:10], up[:10], down[:10], profile)  # compiles
    return count / best_s(lambda: radio.trace(times_s, up, down, profile), 5)


@pytest.mark.parametrize("name", [NAME, "lte_verizon_2021", "umts_energybox"])
def test_trace_walks_20_million_packets_a_second(name):
    rate = measured(name)
    print(f"\nradio.trace, {name}: {rate / 1e6:.1f} million packets/s")
    assert rate >= PACKETS_PER_S


def test_trace_is_40_times_simpy_on_the_same_packets():
    times_s, up, down = packets(50_000)
    end_s = float(times_s[-1]) + 60.0
    profile = radio.profile(NAME)
    walked_j = radio.trace(times_s, up, down, profile, end_s).energy["total_j"]
    assert simpy_energy_j(times_s, up, down, end_s) == pytest.approx(walked_j, rel=1e-9)
    slow = best_s(lambda: simpy_energy_j(times_s, up, down, end_s), 2)
    fast = best_s(lambda: radio.trace(times_s, up, down, profile, end_s), 20)
    print(
        f"\nSimPy {slow * 1e3:.0f} ms, radio.trace {fast * 1e3:.3f} ms on {times_s.size} packets:"
        f" {slow / fast:.0f} times"
    )
    assert slow / fast >= RATIO


if __name__ == "__main__":
    for profile_name in (NAME, "lte_verizon_2021", "umts_energybox"):
        test_trace_walks_20_million_packets_a_second(profile_name)
    test_trace_is_40_times_simpy_on_the_same_packets()
