"""Battery: sums by hand, sessions walked packet by packet, parts that add up, ranges that hold the mode."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import model
from model import battery, radio, traffic
from model.battery import hourly, periods
from model.checks import InputError
from model.life import airtime
from model.radio import Mixes, Source
from model.scenario import sampling

SUM_TOL = 1e-9  # parts of a sum, rounding of some hundred terms
DESIGNS = ("before", "after")


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def traffic_at_modes(scenario, which, **draws):
    return traffic.traffic(which, sampling.resolved(scenario, **draws))


def only(now, *names):
    """The traffic with some of its flows alone."""
    return dataclasses.replace(now, flows=[f for f in now.flows if f.name in names])


def steady_j(parts):
    """Joules of an active hour without what sessions add at their start and end."""
    return sum(v for name, v in parts.items() if name not in (battery.FIRST, battery.LAST))


def network_of(now, name):
    return now.life.scenario.networks[name]


# --------------------------------------------------------------------------------------------- sums by hand


def test_a_poll_each_2_s_alone_is_an_lte_of_2012_that_never_sleeps_by_hand(twilly):
    now = only(traffic_at_modes(twilly, "before"), "poll unread_counts")
    lte, profile = network_of(now, "lte"), radio.profile("lte_huang2012")
    flow = airtime.place_sources(now, lte)["watching"]["poll unread_counts"]
    first, second, third = (float(radio.state_power_w(s)) for s in profile.states[:3])
    rest_s = 2.0 - flow.burst_s - 0.12
    period_j = (
        1.28804 * flow.burst_s
        + first * 0.1
        + second * 0.02
        + third * rest_s
        + 8e-9 * (438.39 * flow.bytes_up + 51.97 * flow.bytes_down)
    )
    by_hand_w = period_j / 2.0 - radio.idle_w(profile)
    watched = now.life.places["watching"].weight + now.life.places["watching + processing"].weight
    found = steady_j(battery.joules_per_hour(now, lte, profile.name, background=False))
    assert found == pytest.approx(3600 * watched * by_hand_w, rel=1e-12)


def test_a_heartbeat_alone_is_its_promotion_and_its_tail_over_its_period_by_hand(twilly):
    now = only(traffic_at_modes(twilly.with_({"after.socket.blocked_share": 0.0}), "after"), "heartbeat")
    lte, profile = network_of(now, "lte"), radio.profile("lte_verizon_2021")
    flow = airtime.place_sources(now, lte)["grace"]["heartbeat"]
    wake_j = 0.178 * 10.2 + 0.265 * 0.650  # tail and promotion, its idle being 0
    beat_j = wake_j + 0.362 * flow.burst_s + 8e-9 * (80.21 * flow.bytes_up + 14.55 * flow.bytes_down)
    seconds = 3600 * (1 + now.life.places["grace"].weight) * (1 - now.life.down_share)
    found = steady_j(battery.joules_per_hour(now, lte, profile.name, background=False))
    assert found == pytest.approx(float(seconds * beat_j / 30), rel=1e-12)


def test_a_30_s_heartbeat_with_a_10_to_12_s_tail_holds_lte_up_34_to_40_percent_of_the_time():
    long = [n for n in radio.profiles("lte") if radio.tail_s(radio.profile(n)) >= 10.0]
    held = [1.0 - float(radio.state_shares(n, Source(period_s=30.0))["idle"]) for n in long]
    assert 0.34 <= min(held) <= max(held) <= 0.40 and len(held) >= 5


def test_a_poll_each_30_s_gains_almost_nothing_from_a_30_s_heartbeat(twilly):
    row = battery.period_sweep(twilly, "lte", [30.0]).iloc[0]
    for ending in ("", "_low", "_high"):
        assert 0.95 < row[f"heartbeat{ending}"] / row[f"poll{ending}"] < 1.0


def test_polls_of_2_5_and_10_s_cost_the_same_on_lte_of_2012_and_differ_on_a_phone_of_2021(twilly):
    def spread(profile):
        case = twilly.with_({"networks.lte.profiles": [profile]})
        polls = battery.period_sweep(case, "lte", [2.0, 5.0, 10.0])["poll"]
        return polls.max() / polls.min()

    assert spread("lte_huang2012") < 1.02
    assert spread("lte_tmobile_2021") > 1.2


@pytest.mark.parametrize("profile", ["lte_verizon_2021", "lte_huang2012", "nr_sa_tmobile_2021"])
def test_beside_a_playing_video_a_poll_adds_a_seventh_of_what_it_takes_alone(twilly, profile):
    now = only(traffic_at_modes(twilly, "before"), "poll unread_counts")
    lte = network_of(now, "lte")
    beside, alone = (steady_j(battery.joules_per_hour(now, lte, profile, own)) for own in (True, False))
    assert 0 < beside < alone / 7


def test_beside_the_screens_own_traffic_push_saves_less_than_alone(twilly):
    table = battery.with_and_without(twilly)
    saved = table["before"] - table["after"]
    assert 0 < saved["beside own traffic"] < saved["alone"]


def test_a_push_that_falls_into_a_tail_is_nearly_free(twilly):
    """With a heartbeat shorter than the tail a push adds its burst above the tail and its bytes, no wake-up.

    By flow it is given the tail behind it, which the heartbeat would have kept up without it.
    """
    quick = twilly.with_({"after.heartbeat.period_s": 5.0, "after.socket.grace_s": 0.0})
    now = traffic_at_modes(quick, "after")
    lte = network_of(now, "lte")
    both, one = (
        steady_j(battery.joules_per_hour(only(now, *names), lte, "lte_verizon_2021", False))
        for names in (("heartbeat", "push notification"), ("heartbeat",))
    )
    flow = airtime.place_sources(now, lte)["browsing"]["push notification"]
    pushes = 3600 * flow.rate_per_s
    by_hand_j = (0.362 - 0.178) * flow.burst_s + 8e-9 * (80.21 * flow.bytes_up + 14.55 * flow.bytes_down)
    assert (both - one) / pushes == pytest.approx(by_hand_j, rel=0.02)  # a burst may cover the heartbeat's
    assert (both - one) / pushes < 0.01 * 0.178 * 10.2  # beside a whole tail


def test_there_is_no_video_in_the_grace_and_nothing_behind_it(twilly):
    for which in DESIGNS:
        now = traffic_at_modes(twilly, which)
        behind = {n: p for n, p in now.life.places.items() if p.screen is None}
        assert list(behind) == (["grace"] if which == "after" else [])
        assert all(p.background is None for p in behind.values())
    longer = twilly.with_({"after.socket.grace_s": 60.0})
    beat = [battery.percent_per_hour(traffic_at_modes(case, "after"))["heartbeat"] for case in (twilly, longer)]
    assert beat[1] > beat[0] * 1.02  # it beats on, and no video hides it there


# --------------------------------------------------- a session's start and end, walked packet by packet

POLLS = [
    Source(period_s=2.0, bytes_up=400.0, burst_s=0.07),
    Source(period_s=40.0, bytes_up=400.0, burst_s=0.07),
    Source(rate_per_s=1 / 17, bytes_up=400.0, burst_s=0.08),
]
BEAT, PUSH = Source(period_s=30.0, burst_s=0.05), Source(rate_per_s=0.01, burst_s=0.05)
BY_HAND = Source(rate_per_s=1 / 60, burst_s=0.1)
VIDEO = Source(period_s=4.0, bytes_up=2e4, burst_s=0.5)
LENGTH_S, SESSIONS = 120.0, 1200


def times_of(flow, end_s, rng):
    if flow.period_s is not None:
        return np.arange(rng.uniform(0, flow.period_s), end_s, flow.period_s)
    return np.sort(rng.uniform(0, end_s, rng.poisson(flow.rate_per_s * end_s)))


def walked_j(profile, parts):
    """Energy above idle of some packets, their last tail in full."""
    times = np.concatenate([t for t, _ in parts])
    air, up = (
        np.concatenate([np.full(t.size, getattr(f, name)) for t, f in parts]) for name in ("burst_s", "bytes_up")
    )
    order = np.argsort(times, kind="stable")
    found = radio.trace(times[order] + 5.0, up[order], 0, profile, burst_s=air[order])
    return found.energy["total_j"] - radio.idle_w(profile) * sum(found.seconds.values())


def session_j(profile, front, behind, stay, grace_s, rng):
    """What a design adds to one session: it starts with an exchange and may be closed after a grace."""
    end_s = LENGTH_S + rng.uniform(0, 4)  # so that the video ends at any phase
    own = [(np.arange(0.0, end_s, f.period_s), f) for f in behind]
    parts = [*own, (np.zeros(1), Source(rate_per_s=1.0, bytes_up=500.0))]
    parts += [(times_of(f, end_s + (grace_s or 0.0) * (f in stay), rng), f) for f in front]
    if grace_s is not None:
        parts.append((np.array([end_s + grace_s]), Source(rate_per_s=1.0)))
    return walked_j(profile, parts) - (walked_j(profile, own) if own else 0.0)


def closed_j(profile, front, behind, stay, grace_s):
    """The same from the closed form: steady power, the first exchange, its promotion, the end."""
    rare = 1e-7
    air = Mixes(profile, [*front, Source(rate_per_s=rare, bytes_up=500.0), *behind])
    mine, start = tuple(range(len(front))), len(front)
    rear = tuple(range(start + 1, start + 1 + len(behind)))
    staying = tuple(i for i in mine if front[i] in stay)
    stopping = (*(i for i in mine if i not in staying), *rear)
    steady = air.added_w(mine, rear)
    first = (air.added_w((*mine, start), rear) - steady) / rare + air.first_promotion_j(mine, rear)
    if grace_s is None:
        end = air.last_tail_j((*mine, *rear)) - air.last_tail_j(rear)
    else:
        end = (
            air.last_tail_j(stopping, staying, grace_s)
            - air.last_tail_j(rear)
            + air.close_j(stopping, staying, grace_s)
            + grace_s * air.added_w(staying)
        )
    return (LENGTH_S + 2.0) * steady + first + end


@pytest.mark.parametrize("profile", ["lte_verizon_2021", "lte_huang2012", "nr_nsa_tmobile_2021"])
@pytest.mark.parametrize(
    ("front", "behind", "stay", "grace_s"),
    [
        (POLLS, [], [], None),
        (POLLS[1:], [], [], None),
        (POLLS[1:], [VIDEO], [], None),
        ([BEAT, PUSH, BY_HAND], [], [BEAT, PUSH], 30.0),
        ([BEAT, PUSH, BY_HAND], [VIDEO], [BEAT, PUSH], 30.0),
        ([BEAT, PUSH, BY_HAND], [VIDEO], [BEAT, PUSH], 3.0),
        ([BEAT, PUSH, BY_HAND], [], [BEAT, PUSH], 0.0),
    ],
    ids=["polls", "slow polls", "polls and video", "socket", "socket and video", "short grace", "no grace"],
)
def test_a_session_with_its_start_and_end_is_what_its_packets_cost(profile, front, behind, stay, grace_s):
    rng = np.random.default_rng(11)
    radio_, walked = radio.profile(profile), []
    for _ in range(SESSIONS):
        walked.append(session_j(radio_, front, behind, stay, grace_s, rng))
    error_j = np.std(walked, ddof=1) / np.sqrt(SESSIONS)  # 4 standard errors
    assert abs(np.mean(walked) - closed_j(radio_, front, behind, stay, grace_s)) < 4 * error_j


def test_the_rest_of_a_tail_is_the_integral_of_what_is_still_up():
    """Polls of 25 s on a tail of 10.2 s: the app is left at an even age, half of a tail is still to come."""
    air = Mixes("lte_verizon_2021", [Source(period_s=25.0)])
    assert air.last_tail_j((0,)) == pytest.approx(0.178 * 10.2**2 / (2 * 25), rel=1e-12)
    always = Mixes("lte_verizon_2021", [Source(period_s=2.0)])
    assert always.last_tail_j((0,)) == pytest.approx(0.178 * (10.2 - 1.0), rel=1e-12)
    events = Mixes("lte_verizon_2021", [Source(rate_per_s=0.05)])
    by_hand = 0.178 * (10.2 - (1 - np.exp(-0.51)) / 0.05)
    assert events.last_tail_j((0,)) == pytest.approx(by_hand, rel=1e-9)


TIMERS = st.builds(lambda t, b: Source(period_s=t, burst_s=b), st.floats(1, 200), st.floats(0, 0.9))
EVENTS = st.builds(lambda r, b: Source(rate_per_s=r, burst_s=b), st.floats(0, 3), st.floats(0, 1))


def still_s(flows, age_s):
    """Integral of 1 - S up to an age, by a fine sum between the ages at which a timer fires."""
    fires = [f.period_s - f.burst_s for f in flows if f.period_s is not None]
    edges, quiet_s = [0.0, *sorted(t for t in fires if t < age_s), age_s], 0.0
    for low, high in itertools.pairwise(edges):
        past = low + (high - low) * (np.arange(4000) + 0.5) / 4000
        each = (
            np.maximum(1 - (past + f.burst_s) / f.period_s, 0)
            if f.period_s
            else np.exp(-f.rate_per_s * (past + f.burst_s))
            for f in flows
        )
        quiet_s += np.prod(list(each), axis=0).mean() * (high - low)
    return age_s - quiet_s


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(TIMERS, EVENTS), min_size=1, max_size=4),
    st.sampled_from(["lte_verizon_2021", "lte_huang2012", "wifi_pixel6_2021"]),
)
def test_the_last_tail_is_the_power_of_each_state_times_the_time_it_is_still_up(flows, profile):
    states = radio.profile(profile).states
    ages_s = [0.0, *itertools.accumulate(s.timer_s for s in states[:-1])]
    up_s = np.diff([still_s(flows, age_s) if age_s else 0.0 for age_s in ages_s])
    above_w = [radio.state_power_w(s) - radio.idle_w(profile) for s in states[:-1]]
    found = Mixes(profile, flows).last_tail_j(tuple(range(len(flows))))
    assert found == pytest.approx(float(up_s @ above_w), rel=2e-4, abs=1e-9)


# ------------------------------------------------------------------------------------------ other networks

SWEPT_S = (0.02, 0.05, 0.2, 1.0, 3.0)  # round-trip times that no network of the scenario has
ON_A_NETWORK = {
    "joules by flow": lambda now, network: battery.joules_per_hour(now, network),
    "joules in one sum": lambda now, network: battery.joules_per_hour(now, network, background=False, split=False),
    "joules by profile": lambda now, network: battery.percent_by_profile(now, network),
    "sources": lambda now, network: {
        f"{place}, {name}": source.burst_s
        for place, sources in airtime.place_sources(now, network).items()
        for name, source in sources.items()
    },
    "side by side": lambda now, network: {
        f"{place}, {name}": source.burst_s
        for place, mixes in airtime.side_by_side(now, network).items()
        for _, sources, _ in mixes
        for name, source in sources.items()
    },
    "radio shares": lambda now, network: dict(enumerate(airtime.radio_shares(now, network))),
    "radio shares on a screen": lambda now, network: dict(enumerate(airtime.radio_shares(now, network, ["browsing"]))),
}


def swept(now, of, field, values):
    """What a function gives for each value of a field of LTE, one changed network after another."""
    lte = network_of(now, "lte")
    return [
        {k: float(np.ravel(v)[0]) for k, v in of(now, lte.model_copy(update={field: value})).items()}
        for value in values
    ]


def test_a_network_swept_by_its_round_trip_time_costs_the_joules_of_a_fresh_traffic_each(twilly):
    found = [
        sum(parts.values())
        for parts in swept(traffic_at_modes(twilly, "after"), battery.joules_per_hour, "rtt_s", SWEPT_S)
    ]
    fresh = [
        sum(swept(traffic_at_modes(twilly, "after"), battery.joules_per_hour, "rtt_s", [s])[0].values())
        for s in SWEPT_S
    ]
    assert found == pytest.approx(fresh, rel=1e-12)
    assert found == sorted(found) and found[-1] > 2 * found[0]


@pytest.mark.parametrize(
    ("field", "values"),
    [("rtt_s", SWEPT_S), ("ip", (4, 6)), ("profiles", (["lte_verizon_2021"], ["lte_huang2012"], ["lte_tmobile_2021"]))],
)
@pytest.mark.parametrize("name", ON_A_NETWORK)
@pytest.mark.parametrize("which", DESIGNS)
def test_whatever_takes_a_network_follows_that_network_and_no_other(twilly, which, name, field, values):
    of = ON_A_NETWORK[name]
    found = swept(traffic_at_modes(twilly, which), of, field, values)
    for value, one in zip(values, found, strict=True):
        assert one == pytest.approx(swept(traffic_at_modes(twilly, which), of, field, [value])[0], rel=1e-12)
    if field == "rtt_s":  # a longer round trip keeps the radio busy for longer
        firsts = [one[0] if "shares" in name else sum(one.values()) for one in found]
        assert firsts == sorted(firsts) and firsts[0] < firsts[-1]


def test_a_traffic_with_other_flows_has_the_bytes_of_its_own_flows(twilly):
    now = traffic_at_modes(twilly, "after")
    before = sum(airtime.hourly_bytes(now, 4))
    flows = [dataclasses.replace(f, response_bytes=10.0 * f.response_bytes) for f in now.flows]
    changed = dataclasses.replace(now, flows=flows)
    fresh = dataclasses.replace(traffic_at_modes(twilly, "after"), flows=flows)
    assert sum(airtime.hourly_bytes(changed, 4)) == sum(airtime.hourly_bytes(fresh, 4)) > before


# ------------------------------------------------------------------------------------------ periods of timers


def test_a_timer_fires_at_the_radio_at_the_period_that_its_flow_carries(twilly):
    now = traffic_at_modes(twilly, "after")
    flows = [dataclasses.replace(f, period_s=f.period_s and 3.0 * f.period_s) for f in now.flows]
    lte, slow = network_of(now, "lte"), dataclasses.replace(now, flows=flows)
    beat, slower = (airtime.place_sources(n, lte)["browsing"]["heartbeat"].period_s for n in (now, slow))
    assert (beat, slower) == (now.life.design.heartbeat.period_s, 3.0 * beat)
    down, late = now.life.down_share, now.life.fallback_share
    poll, slower = (airtime.side_by_side(n, lte)["browsing"][1][1]["fallback poll"].period_s for n in (now, slow))
    assert float(poll) == pytest.approx(float(now.life.design.fallback.period_s * down / late), rel=1e-12)
    assert slower == pytest.approx(3.0 * poll, rel=1e-12)


def test_a_timer_that_some_draws_never_start_costs_those_draws_nothing(twilly):
    """Without blocked networks a fallback that waits this long never polls, without a socket no heartbeat beats."""

    def joules(shares):
        changes = {"after.socket.blocked_share": shares, "after.fallback.start_delay_s": 1e6}
        now = traffic_at_modes(twilly.with_(changes), "after")
        parts = battery.joules_per_hour(now, network_of(now, "lte"))
        return {n: np.ravel(parts.get(n, 0.0)) for n in ("fallback poll", "heartbeat", "connect", battery.LAST)}

    found = joules(np.array([[0.0], [0.01], [1.0]]))
    for k, share in enumerate((0.0, 0.01, 1.0)):
        alone = joules(share)
        for name, parts in found.items():
            assert float(parts[k]) == pytest.approx(float(alone[name][0]), rel=1e-9, abs=1e-9)
    assert found["fallback poll"][0] < 1e-9 < found["fallback poll"][1] < found["fallback poll"][2]
    assert found["heartbeat"][2] < 1e-9 < found["heartbeat"][1]


# ------------------------------------------------------------------------------------ parts, draws, chunks


@pytest.mark.parametrize("name", ["twilly", "twilly_as_built"])
@pytest.mark.parametrize("background", [True, False])
def test_parts_by_flow_sum_to_the_whole(name, background):
    for which in DESIGNS:
        now = traffic_at_modes(model.load(name), which, draws=16, seed=3)
        for network in now.life.scenario.networks.values():
            parts = battery.joules_per_hour(now, network, background=background)
            whole = battery.joules_per_hour(now, network, background=background, split=False)
            assert sum(parts.values()) == pytest.approx(sum(whole.values()), rel=SUM_TOL)
        parts = battery.percent_per_hour(now, background)
        assert sum(parts.values()) == pytest.approx(
            sum(battery.percent_per_hour(now, background, split=False).values()), rel=SUM_TOL
        )


def test_draws_equal_their_single_values_whatever_profile_was_drawn(twilly):
    columns = sampling.draws_of(twilly, 12, 5)
    for which in DESIGNS:
        together = traffic.traffic(which, sampling.with_columns(twilly, columns))
        all_of_them = sum(battery.percent_per_hour(together, split=False).values())
        assert all_of_them.shape == (12, 1)
        for k in range(12):
            alone = sampling.with_columns(twilly, {n: c[k : k + 1] for n, c in columns.items()})
            one = sum(battery.percent_per_hour(traffic.traffic(which, alone), split=False).values())
            assert float(np.ravel(one)[0]) == pytest.approx(float(all_of_them[k, 0]), rel=1e-9)


def test_chunks_of_any_size_give_the_same(twilly, monkeypatch):
    def found():
        now = traffic_at_modes(twilly, "after", users=np.array([1e3, 1e5]), draws=33, seed=2)
        return sum(battery.percent_per_hour(now, split=False).values())

    whole = found()
    monkeypatch.setattr(hourly, "CHUNK", 7)
    assert whole.shape == (33, 2)
    assert found() == pytest.approx(whole, rel=1e-9)


def test_users_alone_make_a_row(twilly):
    now = traffic_at_modes(twilly, "before", users=np.array([1e3, 1e5, 1e7]))
    found = sum(battery.percent_per_hour(now, split=False).values())
    one = sum(battery.percent_per_hour(traffic_at_modes(twilly, "before", users=np.array([1e5])), split=False).values())
    assert np.shape(found) == (3,) and found[1] == pytest.approx(float(np.ravel(one)[0]), rel=1e-12)


def test_a_profile_is_drawn_the_likelier_the_earlier_it_stands(twilly):
    drawn = sampling.resolved(twilly, draws=4096, seed=1)
    for network in drawn.networks.values():
        count = len(network.profiles)
        number = airtime.profile_number(network)
        told = np.bincount(number.ravel(), minlength=count) / number.size
        expected = (2 * (count - np.arange(1, count + 1)) + 1) / count**2
        assert told == pytest.approx(expected, abs=0.01)  # Sobol points: far below a binomial's 0.03
    plain = sampling.resolved(twilly)
    assert all(airtime.profile_number(n) == 0 for n in plain.networks.values())
    last = sampling.resolved(twilly.with_({"networks.lte.profile_share": 1.0})).networks["lte"]
    assert last.profiles[airtime.profile_number(last)] == "lte_huang2012"


def test_radios_of_draws_are_the_profiles_they_were_drawn_from():
    names = ["lte_verizon_2021", "lte_tmobile_2021", "nr_nsa_tmobile_2021"]
    mixed = radio.radio_of_draws([radio.profile(n) for n in names], np.array([[0], [1], [2], [1]]))
    flows = [Source(period_s=7.0, bytes_up=300, burst_s=0.1), Source(rate_per_s=0.02, bytes_down=900)]
    together = radio.mean_power_w(mixed, flows)
    for k, name in enumerate([*names, names[1]]):
        assert together[k, 0] == pytest.approx(float(radio.mean_power_w(name, flows)), rel=1e-12)
        assert radio.tail_energy_j(mixed)[k, 0] == pytest.approx(float(radio.tail_energy_j(name)), rel=1e-12)
    every = [n for a in ("lte", "nr_nsa", "wifi", "umts") for n in radio.profiles(a)]
    groups = radio.alike([radio.profile(n) for n in every])
    assert sorted(i for group in groups for i in group) == list(range(len(every)))


# ----------------------------------------------------------------------------------------------- ranges


def mix_with(now, k, background):
    """% of the battery per active hour where every network has the k-th profile of its list."""
    networks = now.life.scenario.networks.items()
    joules = {n: battery.joules_per_hour(now, w, w.profiles[k], background, split=False) for n, w in networks}
    return sum(battery.mixed_percent(now, joules).values())


@pytest.mark.parametrize("background", [True, False])
def test_a_range_holds_the_mode_and_every_profile_of_every_network(twilly, background):
    row = battery.with_and_without(twilly).loc["beside own traffic" if background else "alone"]
    mixes = {which: [] for which in DESIGNS}
    for which in DESIGNS:
        now = traffic_at_modes(twilly, which)
        low, high = row[f"{which}_low"], row[f"{which}_high"]
        mode = sum(battery.percent_per_hour(now, background, split=False).values())
        assert low <= mode <= high and low < high and mode == pytest.approx(row[which], rel=1e-12)
        mixes[which] = [mix_with(now, k, background) for k in range(4)]
        assert all(low - 1e-12 <= mixed <= high + 1e-12 for mixed in mixes[which])
    changes = [after / before - 1 for before, after in zip(*mixes.values(), strict=True)]
    assert row["change_most"] <= min(changes) < max(changes) <= row["change_least"]
    table = battery.by_network(twilly, background)
    for side in DESIGNS:
        assert (table[f"{side}_low"] <= table[side]).all() and (table[side] <= table[f"{side}_high"]).all()
    assert (table["change_most"] <= table["change"] + 1e-12).all()
    assert (table["change"] <= table["change_least"] + 1e-12).all()


def test_the_profile_that_a_scenario_chooses_is_the_one_in_every_table(twilly):
    last = twilly.with_({"networks.lte.profile_share": 1.0})
    profile = last.networks["lte"].profiles[-1]
    by_network, by_profile = battery.by_network(last), battery.by_profile(last)
    for which in DESIGNS:
        assert by_network.loc["lte", which] == by_profile.loc[profile, which]
        mixed = sum(battery.percent_per_hour(traffic_at_modes(last, which), split=False).values())
        assert by_network.loc["mix", which] == pytest.approx(float(mixed), rel=1e-12)


def test_the_mix_is_its_networks_by_their_shares(twilly):
    table = battery.by_network(twilly)
    networks = table.drop(index="mix")
    for column in ("before", "before_low", "after", "after_high"):
        mixed = (networks["share"] * networks[column]).sum()
        assert table.loc["mix", column] == pytest.approx(mixed, rel=1e-12)


def test_one_profile_has_no_range(twilly):
    firsts = {f"networks.{n}.profiles": network.profiles[:1] for n, network in twilly.networks.items()}
    one = twilly.with_(firsts)
    table = battery.with_and_without(one)
    assert (table["before_low"] == table["before_high"]).all()
    assert table["before"].to_numpy() == pytest.approx(table["before_low"].to_numpy(), rel=1e-12)


# --------------------------------------------------------------------------------------------- properties

CHANGES = st.fixed_dictionaries(
    {
        "usage.session_mean_s": st.floats(60, 3600),
        "usage.sessions_per_day": st.floats(1.0, 20),
        "before.timers.unread_counts.period_s": st.floats(0.5, 60),
        "after.heartbeat.period_s": st.floats(10, 600),
        "after.socket.grace_s": st.floats(0, 120).map(lambda x: round(x, 9)),
        "after.socket.blocked_share": st.floats(0, 1).map(lambda x: round(x, 9)),
        "after.pushes.new_comment.pulls": st.integers(0, 3),
        "backgrounds.video.period_s": st.floats(1, 30),
        "backgrounds.video.burst_s": st.floats(0, 1).map(lambda x: round(x, 9)),
    }
)


@settings(max_examples=25, deadline=None)
@given(CHANGES, st.booleans())
def test_nothing_is_negative_and_parts_add_up_whatever_the_scenario(changes, background):
    case = model.load("twilly").with_(changes)
    for which in DESIGNS:
        parts = battery.percent_per_hour(traffic_at_modes(case, which), background)
        whole = battery.percent_per_hour(traffic_at_modes(case, which), background, split=False)
        assert sum(parts.values()) == pytest.approx(sum(whole.values()), rel=SUM_TOL, abs=1e-15)
        assert sum(whole.values()) > 0
        # A packet that spares the video a promotion dearer than the tail has a part a little below 0, and the
        # video's own last tail may hide behind a heartbeat's.
        least = 0.0 if not background else -0.01 * sum(whole.values())
        assert all(np.all(v >= least - 1e-12) for name, v in parts.items() if name != battery.LAST)


@settings(max_examples=25, deadline=None)
@given(st.floats(15, 500), st.floats(1.05, 4))
@example(267.0, 1.125)  # the longer of the two outlives a network's mapping of 300 s, so its connections are lost
def test_a_longer_heartbeat_never_takes_more_unless_it_loses_connections_to_silence(period_s, factor):
    twilly = model.load("twilly")
    short, long = (
        traffic_at_modes(twilly.with_({"after.heartbeat.period_s": t}), "after") for t in (period_s, period_s * factor)
    )
    less, more = (sum(battery.percent_per_hour(traffic, split=False).values()) for traffic in (long, short))
    assert less <= more * (1 + 1e-9) or np.all(long.life.down_share > short.life.down_share)


def test_the_same_joules_are_a_smaller_part_of_a_bigger_battery(twilly):
    found = {}
    for phone in ("iPhone 14", "iPhone 15 Plus", "Pixel 6 Pro", "HTC Desire"):
        now = traffic_at_modes(twilly.with_({"phone": phone}), "after")
        percent = sum(battery.percent_per_hour(now, split=False).values())
        found[phone] = float(percent * battery.battery_j(phone))
    assert len({round(v, 6) for v in found.values()}) == 1
    assert battery.battery_j("iPhone 15 Plus") > battery.battery_j("iPhone 14")
    assert battery.battery_j("HTC Desire") == pytest.approx(18648, rel=1e-12)  # nicholas2012 gives joules
    assert all(3 < joules / 3600 < 25 for joules in battery.phones().values())


def test_without_a_socket_there_is_no_heartbeat_no_close_and_the_fallback_polls(twilly):
    blocked = twilly.with_({"after.socket.blocked_share": 1.0})
    parts = battery.percent_per_hour(traffic_at_modes(blocked, "after"))
    assert parts["fallback poll"] > 0 and not parts.get("heartbeat")
    used = battery.percent_per_hour(traffic_at_modes(twilly, "after"))
    assert parts[battery.LAST] < used[battery.LAST] / 2  # no close wakes the radio again
    none = twilly.with_({"after.socket.blocked_share": 0.0})
    lte = traffic_at_modes(none, "after").life.scenario.networks["lte"]
    down = [g for g in airtime.side_by_side(traffic_at_modes(none, "after"), lte)["browsing"] if not g[2]]
    assert all(float(share) < 0.01 for share, _, _ in down)


def test_the_connect_of_a_session_shares_the_wake_up_of_the_apps_first_requests(twilly):
    now = traffic_at_modes(twilly, "after")
    lte = network_of(now, "lte")
    own = airtime.place_sources(now, lte)["browsing"]
    together = airtime.side_by_side(now, lte)["browsing"][0][1]
    assert together["app start"].bytes_up > own["app start"].bytes_up
    assert together["connect"].rate_per_s < 0.5 * own["connect"].rate_per_s  # losses and 2 h cuts are left
    for way in ("bytes_up", "bytes_down"):
        sent = [sum(s.rate_per_s * getattr(s, way) for s in (m["app start"], m["connect"])) for m in (own, together)]
        assert sent[0] == pytest.approx(float(sent[1]), rel=1e-12)


def test_bytes_of_an_hour_are_those_of_the_data_measure(twilly):
    from model import mobile_data

    for which in DESIGNS:
        now = traffic_at_modes(twilly, which)
        hourly = {ip: sum(airtime.hourly_bytes(now, ip)) for ip in (4, 6)}
        told = sum(n.share * hourly[n.ip] for n in now.life.scenario.networks.values())
        data_mb = float(sum(mobile_data.flow_mb(f, now) for f in now.flows))
        assert told / 1e6 == pytest.approx(data_mb, rel=1e-12)


def test_radio_shares_add_up_and_follow_the_drawn_profile(twilly):
    twilly = twilly.with_({"screens.browsing.background": None})
    now = traffic_at_modes(twilly, "after", draws=256, seed=4)
    lte = network_of(now, "lte")
    shares = airtime.radio_shares(now, lte, ["browsing"])
    assert sum(shares) == pytest.approx(np.ones((256, 1)), rel=1e-12)
    number = airtime.profile_number(lte)
    idle = {k: shares[2][number == k].mean() for k in (0, 1)}
    assert idle[1] > idle[0]  # a tail of 5 s leaves more idle time than one of 10.2 s
    plain = traffic_at_modes(twilly, "after")
    lte = network_of(plain, "lte")
    sources = tuple(airtime.side_by_side(plain, lte)["browsing"][0][1].values())
    quiet = []  # no burst on air, and none within a tail of 10.2 s: no background runs while browsing
    for age_s in (0.0, 10.2):
        timers = [1 - (age_s + s.burst_s) / s.period_s for s in sources if s.period_s is not None]
        events = [s.rate_per_s * (age_s + s.burst_s) for s in sources if s.period_s is None]
        quiet.append(np.prod(np.maximum(timers, 0)) * np.exp(-sum(events)))
    by_hand = (1 - quiet[0], quiet[0] - quiet[1], quiet[1])
    found = [float(share) for share in airtime.radio_shares(plain, lte, ["browsing"])]
    assert found == pytest.approx([float(np.ravel(x)[0]) for x in by_hand], rel=1e-12)


def test_a_packet_waits_for_the_lte_leg_only_where_5g_is_added_beside_it(twilly):
    networks = sampling.resolved(twilly).networks
    assert airtime.promotion_s(networks["nr"]) == pytest.approx(0.210)  # narayanan2021: 4G promotion
    assert airtime.promotion_s(networks["lte"]) == pytest.approx(0.265)
    drawn = sampling.resolved(twilly, draws=64, seed=1).networks["nr"]
    assert airtime.promotion_s(drawn).shape == (64, 1)
    assert set(np.unique(airtime.promotion_s(drawn)).round(9)) == {0.210, 0.288, 0.341, 0.396}


# -------------------------------------------------------------------------------------- drain and claims


def test_the_drain_is_the_screen_its_own_traffic_and_the_design_by_hand(twilly):
    table, per_j = battery.drain(twilly), 100 / battery.battery_j("iPhone 14")
    by_hand = 0.9 + 0.6 * 0.2 + 0.1 * 1.5  # screen on, video while watching, camera while broadcasting
    assert table.loc["screen and processor", "mode"] == pytest.approx(by_hand * 3600 * per_j, rel=1e-12)
    plain, own_w = sampling.resolved(twilly), 0.0
    for network in plain.networks.values():
        profile = network.profiles[0]
        for screen in plain.screens.values():
            video = plain.backgrounds.get(screen.background)
            names = ("period_s", "burst_s")
            flow = video and Source(
                **{n: float(getattr(video, n)) for n in names}, bytes_up=video.up_bytes, bytes_down=video.down_bytes
            )
            power_w = radio.mean_power_w(profile, flow or ()) + radio.idle_w(profile)
            own_w += float(network.share) * float(screen.share) * float(power_w)
    assert table.loc["own traffic on the radio", "mode"] == pytest.approx(own_w * 3600 * per_j, rel=1e-3)  # overlays
    for which in DESIGNS:
        row = table.loc[f"design {which}"]
        design = float(sum(battery.percent_per_hour(traffic_at_modes(twilly, which), split=False).values()))
        others = table["mode"][["screen and processor", "own traffic on the radio"]].sum()
        assert row["mode"] == pytest.approx(design, rel=1e-12)
        assert row["share"] == pytest.approx(design / (design + others), rel=1e-12)


@pytest.mark.parametrize("kbit_per_s, films", [(240.0, 0.0), (260.0, 1.0)])
def test_a_screen_shows_a_video_from_250_kbit_a_second_on(twilly, kbit_per_s, films):
    sizes = {"up_bytes": 0.0, "down_bytes": kbit_per_s * 125.0 * 2.0, "period_s": 2.0}
    alone = {f"screens.{name}.share": float(name == "watching") for name in twilly.screens}
    case = twilly.with_({**alone, **{f"backgrounds.video.{key}": value for key, value in sizes.items()}})
    plain = sampling.resolved(case)
    shown_w = plain.number("phone_on_w") + films * plain.number("phone_video_w")
    per_j = 100 / battery.battery_j(case.phone)
    assert battery.drain(case).loc["screen and processor", "mode"] == pytest.approx(shown_w * 3600 * per_j, rel=1e-12)


def test_an_iphone_that_streams_lies_within_the_ledgers_range_of_phone_and_video(twilly):
    streaming = twilly.with_({f"screens.{name}.share": float(name == "watching") for name in twilly.screens})
    table = battery.drain(streaming)
    published = 100 / 16  # macrumors_iphone14: 16 h of streamed video, the radio in it
    others = table.loc["screen and processor"]
    assert others["low"] < published < others["high"]


def test_shares_of_the_whole_drain_hold_the_mode(twilly):
    table = battery.drain(twilly)
    for which in DESIGNS:
        row = table.loc[f"design {which}"]
        assert 0 < row["share_low"] <= row["share"] <= row["share_high"] < 1
    assert (table["low"] <= table["mode"]).all() and (table["mode"] <= table["high"]).all()


def test_what_would_be_needed_gives_the_saving_wanted(twilly):
    table = battery.needed(twilly, (0.7, 0.5))
    for name, share in (("mix", 0.7), ("lte", 0.5)):
        period_s = table.loc[name, f"heartbeat_s for {100 * share:.0f}%"]
        case = twilly.with_({"after.heartbeat.period_s": period_s})
        pair = [_figure(traffic_at_modes(case, which), name) for which in DESIGNS]
        assert 1 - pair[1] / pair[0] == pytest.approx(share, abs=1e-3)  # a straight line between 200 periods
    assert np.isnan(table.loc["mix", "share alone for 70%"])  # no share of time with a quiet screen gets there
    assert battery.needed(twilly, (0.6,)).loc["mix", "heartbeat_s for 60%"] < 30


def _figure(now, network):
    return (
        float(battery.network_percent_per_hour(now, network))
        if network != "mix"
        else float(sum(battery.percent_per_hour(now, split=False).values()))
    )


def test_the_share_of_time_alone_that_is_needed_is_the_one_at_which_both_sides_meet():
    beside, alone = {"before": 1.0, "after": 0.6}, {"before": 4.0, "after": 0.8}
    share = periods._share_alone(beside, alone, 0.7)
    mixed = {k: share * alone[k] + (1 - share) * beside[k] for k in DESIGNS}
    assert mixed["after"] == pytest.approx(0.3 * mixed["before"], rel=1e-12)


def test_the_claimed_saving_holds_on_wifi_and_elsewhere_hangs_on_the_radio(twilly):
    saved = battery.needed(twilly)[["saved_least", "saved_most"]]
    assert saved.loc["wifi", "saved_least"] > 0.7 > saved.loc["nr", "saved_most"]
    for name in ("lte", "mix"):
        assert saved.loc[name, "saved_least"] < 0.1 < 0.7 < saved.loc[name, "saved_most"]


def test_the_table_shows_the_verdict_with_each_kind_of_the_screens_own_traffic_and_without(twilly):
    """Pictures while browsing keep the radio awake that polls would wake: 64 % saved with them, 26 % without."""
    table = battery.with_and_without(twilly)
    assert list(table.index) == ["beside own traffic", "alone", "without video", "without images", "without upload"]
    quiet = battery.with_and_without(twilly.with_({"screens.browsing.background": None}))
    assert table.loc["without images", "change"] == pytest.approx(quiet.loc["beside own traffic", "change"], rel=1e-9)
    assert table.loc["beside own traffic", "change"] < -0.6 and table.loc["without images", "change"] > -0.3


def test_the_processor_works_for_every_exchange_as_often_as_it_is_on_the_air(twilly):
    from model.battery.processor import processor_j

    now = traffic_at_modes(twilly, "before")
    joules, hours = processor_j(now), float(now.life.active_s) / 3600
    poll = next(flow for flow in now.flows if flow.name == "poll unread_counts")
    each = 0.010 + float(poll.cold_share) * 0.010
    assert float(joules["poll unread_counts"]) == pytest.approx(float(poll.per_month) / hours * each, rel=1e-9)
    push = traffic_at_modes(twilly, "after")
    hand = {"connect": 0.010 + 0.010, "push": 0.003, "heartbeat": 0.003}  # a connect is a request on a new connection
    for flow in (f for f in push.flows if f.exchange in hand):
        often = float(np.ravel(flow.per_month)[0]) / hours
        got = float(np.ravel(processor_j(push)[flow.name])[0])
        assert got == pytest.approx(often * hand[flow.exchange], rel=1e-9), flow.name
    idle = twilly.with_({f"ledger.foreground_{n}_j": 0.0 for n in ("request", "handshake", "message")})
    parts = [battery.percent_per_hour(traffic_at_modes(case, "after")) for case in (twilly, idle)]
    more = sum(float(np.ravel(p)[0]) for p in parts[0].values()) - sum(float(np.ravel(p)[0]) for p in parts[1].values())
    whole = sum(float(np.ravel(j)[0]) for j in processor_j(traffic_at_modes(twilly, "after")).values())
    assert more == pytest.approx(100 * whole / battery.battery_j("iPhone 14"), rel=1e-9)


def test_wifi_that_waits_for_an_answer_listens_and_does_not_receive(twilly):
    from model import radio

    wifi, lte = radio.profile("wifi_pixel6_2021"), radio.profile("lte_verizon_2021")
    assert radio.waiting(wifi).transfer_w == wifi.states[0].power_w < wifi.transfer_w
    assert radio.waiting(lte) is lte


# ------------------------------------------------------------------------------- published figures, minutes


def test_errors_by_source_are_the_means_over_the_published_cases():
    table, errors = battery.published(), battery.errors_by_source()
    assert errors["cases"].sum() == len(table) == len(radio.published_cases())
    nicholas = table.loc[table["source"] == "nicholas2012", "error"]
    assert errors.loc["nicholas2012", "mean_error"] == pytest.approx(sum(nicholas) / len(nicholas))
    assert errors.loc["nicholas2012", "mean_abs_error"] == pytest.approx(sum(abs(nicholas)) / len(nicholas))
    assert (abs(table["error"]) <= table["allowed"] + 1e-9).all()
    assert set(battery.published(["drain"])["unit"]) == {"%/h"}


@pytest.mark.parametrize("name", radio.profiles())
def test_power_over_time_is_the_trace_told_stretch_by_stretch(name):
    rng = np.random.default_rng(7)
    profile = radio.profile(name)
    for gap_s in (1.0, 5.0, 20.0):
        times = 5.0 + np.cumsum(rng.exponential(gap_s, 12))  # behind the first promotion
        air = np.minimum(rng.uniform(0.01, 0.3, 12), 0.9 * np.append(np.diff(times), 9.0))
        up, end_s = rng.choice([60.0, 5000.0], 12), times[-1] + rng.uniform(1, 40)
        walked = radio.trace(times, up, 100.0, profile, end_s, air)
        steps = radio.power_steps(times, up, 100.0, profile, end_s, air)
        assert steps[0].start_s == 0 and steps[-1].end_s == pytest.approx(end_s)
        assert all(a.end_s == pytest.approx(b.start_s, abs=1e-8) for a, b in itertools.pairwise(steps))
        for state, seconds in walked.seconds.items():
            told = sum(s.end_s - s.start_s for s in steps if s.state == state)
            assert told == pytest.approx(seconds, abs=1e-7), state
        joules = sum((s.end_s - s.start_s) * s.power_w for s in steps)
        assert joules == pytest.approx(walked.energy["total_j"], rel=1e-7)


def test_a_minute_shows_polling_that_never_sleeps_and_a_heartbeat_with_its_tails(twilly):
    panels = battery.minutes(twilly, "lte")
    states = {title: {s.state for s in steps} for title, steps in panels.items()}
    polls, beats = states["polling, watching alone"], states["push, watching alone"]
    assert "idle" not in polls and {"idle", "promotion", "tail"} <= beats
    assert "idle" not in states["push, watching beside its video"]
    for steps in panels.values():
        assert steps[0].start_s == 0 and steps[-1].end_s == pytest.approx(60)


# --------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda t: battery.battery_j("iPhone14"), "unknown phone 'iPhone14'; did you mean 'iPhone 14'?"),
        (
            lambda t: battery.network_percent_per_hour(traffic_at_modes(t, "before"), "lte5"),
            "unknown network 'lte5'; did you mean 'lte'?",
        ),
        (
            lambda t: battery.joules_per_hour(traffic_at_modes(t, "before"), t.networks["lte"], "lte_huang"),
            "unknown radio profile 'lte_huang'; did you mean 'lte_huang2012'?",
        ),
        (lambda t: battery.minutes(t, "wi-fi"), "unknown network 'wi-fi'; did you mean 'wifi'?"),
        (lambda t: battery.period_sweep(t, "LTE", [1.0]), "unknown network 'LTE'; known: wifi, lte, nr"),
        (lambda t: battery.period_sweep(t, "lte", [0.0]), "period_s must be > 0 s; got 0"),
        (lambda t: battery.needed(t, (1.5,)), "reductions must be between 0 and 1; got 1.5"),
    ],
)
def test_what_nobody_knows_is_refused_in_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError) as error:
        call(twilly)
    assert str(error.value) == sentence


def test_a_scenario_with_an_unknown_phone_or_profile_share_is_refused(twilly):
    with pytest.raises(InputError, match="profile_share must be between 0 and 1; got 2"):
        twilly.with_({"networks.lte.profile_share": 2})
    with pytest.raises(InputError, match="unknown phone 'iPhone 99'"):
        model.before_after(twilly.with_({"phone": "iPhone 99"}))


def test_the_measured_long_polls_on_3g_lie_between_reconnects_that_all_stayed_low_and_all_climbed():
    table = battery.reconnect_bounds()
    assert (table["every reconnect low"] < table["published"]).all()
    assert (table["published"] < table["every reconnect high"]).all()
    assert table.loc[60.0, "every reconnect high"] == pytest.approx(1.944, rel=1e-3)  # DCH for 6 s, then FACH


@pytest.mark.parametrize("which", DESIGNS)
def test_every_session_begins_and_ends_once_whatever_runs_beside_it(twilly, which):
    now = traffic_at_modes(twilly, which)
    usage = now.life.scenario.usage
    hourly_sessions = usage.sessions_per_day / now.life.active_day_s * 3600.0
    plan = hourly.plan_of(now, network_of(now, "lte"), True)
    assert sum(mix.sessions for mix in plan.mixes) == pytest.approx(hourly_sessions, rel=1e-12)
