"""The radio engine: profiles, trace and closed form against published figures and against each other."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import paths, radio
from model.checks import InputError
from model.radio import Promotion, Source, State

NAMES = radio.profiles()
LTE = radio.profile("lte_huang2012")
UMTS = radio.profile("umts_qian2010_carrier2")
SUM_TOL = 1e-9  # parts of a sum, rounding of some thousand terms


def idle_energy_j(profile, seconds):
    return radio.idle_w(profile) * seconds


# ------------------------------------------------------------------------------------ published figures


@pytest.mark.parametrize("case", radio.published_cases(), ids=lambda case: case.id)
def test_published_case_is_met_within_its_tolerance(case):
    said = f"{case.model} {case.unit}, published {case.published}"
    assert abs(case.error_rel) <= case.tol_rel + 1e-12, said


def test_huang_wifi_single_packet_equals_the_printed_digits():
    assert round(float(radio.packet_energy_j(radio.profile("wifi_huang2012"))), 2) == 0.04


def test_published_cases_are_the_researched_ones_and_all_that_a_state_machine_can_answer(shared):
    answered = {case.id: case for case in radio.published_cases()}
    no_state_machine = {  # sums over given energies, and counts over traces without any packet
        "VO-M01",
        "VO-M03",
        "VO-M05",
        "VO-M07",
        "VO-M09",
        "VO-M11",
        "VO-T01",
        "VO-S01",
        "VO-S03",
    }
    with open(shared / "published" / "radio_cases.csv", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["id"] for row in rows} - set(answered) == no_state_machine
    for row in rows:
        if row["id"] in answered:
            case = answered[row["id"]]
            assert case.published == float(row["expected_value"])
            assert case.tol_rel <= json.loads(row["inputs_json"])["tol_rel"]


def test_nicholas_3g_reconnects_lie_between_fach_alone_and_a_climb_to_dch():
    meter = radio.profile("umts_powertutor")
    for case in radio.published_cases():
        if case.id in ("NI-K060-3G-H", "NI-K120-3G-H"):
            period_s = 60 if "060" in case.id else 120
            dch = radio.mean_power_w(meter, Source(period_s=period_s, bytes_up=2000, bytes_down=5000))
            assert case.model < case.published < 100 * float(dch) / 5.18


def test_no_reader_of_a_profile_is_told_what_it_is_good_for_only():
    for name in NAMES:
        profile = radio.profile(name)
        assert profile.title and profile.phone and profile.baseline and profile.good_for and profile.not_for
        assert 2010 <= profile.year <= 2026
    assert {radio.profile(name).access for name in NAMES} == set(radio.ACCESS)


def test_every_file_of_the_folder_is_a_listed_profile():
    files = {path.stem for path in paths.data("radio").glob("*.csv")} - {"profiles"}
    assert files == set(NAMES)


# -------------------------------------------------------------------------- what the issue wants said truly


def test_a_30_s_heartbeat_holds_lte_with_a_10_to_12_s_tail_up_34_to_40_percent():
    for name in radio.profiles("lte"):
        profile = radio.profile(name)
        if radio.tail_s(profile) >= 10:
            up = 1 - radio.state_shares(profile, Source(period_s=30))["idle"]
            assert 0.34 <= up <= 0.40


def poll(period_s):
    return Source(period_s=period_s, bytes_up=900, bytes_down=1200, burst_s=0.1)


def test_polls_below_the_tail_cost_nearly_the_same_on_lte_of_2012_and_differ_on_a_phone_of_2021():
    def spread(name):
        powers = [radio.mean_power_w(radio.profile(name), poll(t)) for t in (2, 5, 10)]
        return max(powers) / min(powers)

    assert spread("lte_huang2012") < 1.02
    assert spread("lte_tmobile_2021") > 1.1


def test_lte_tail_fell_6_to_20_times_in_power_and_7_to_37_in_energy_but_not_on_5g():
    recent = [radio.profile(n) for n in radio.profiles("lte") if radio.profile(n).year >= 2020]
    power = [1.060 / p.states[0].power_w for p in recent]
    energy = [float(radio.tail_energy_j(LTE) / radio.tail_energy_j(p)) for p in recent]
    assert 5.9 < min(power) < 6.1 and 19 < max(power) < 20.5
    assert 6.6 < min(energy) and max(energy) < 37.5
    for name in ("nr_sa_tmobile_2021", "nr_mmwave_verizon_2021"):
        assert radio.tail_energy_j(LTE) / radio.tail_energy_j(radio.profile(name)) < 2


def test_beside_a_playing_video_a_poll_costs_a_tenth_of_what_it_costs_alone():
    video = Source(period_s=4, bytes_up=4e3, bytes_down=1.5e6, burst_s=1.5)
    alone, beside = (radio.mean_power_w(LTE, poll(30), background) for background in ((), video))
    assert 0 < beside < alone / 10


def test_a_push_inside_a_tail_is_nearly_free():
    heartbeat = Source(period_s=10)
    push = Source(rate_per_s=0.01, bytes_up=100, bytes_down=400)
    alone, inside = (radio.mean_power_w(LTE, push, background) for background in ((), heartbeat))
    assert 0 < inside < alone / 100


# ------------------------------------------------------------------------------------------- trace by hand


def test_one_packet_is_its_promotion_and_its_full_tail_on_every_network():
    for name in NAMES:
        profile = radio.profile(name)
        big = radio.trace([20.0], 5000, 5000, profile)
        spent = big.energy["total_j"] - big.energy["active_j"] - big.energy["idle_j"]
        assert spent == pytest.approx(float(radio.packet_energy_j(profile)), rel=1e-12)
        assert big.promotions == 1


def test_a_packet_inside_the_tail_makes_no_promotion_and_one_after_it_does():
    tail_s = radio.tail_s(LTE)
    assert radio.trace([5, 5 + tail_s], 0, 0, LTE, 60).promotions == 1
    after = radio.trace([5, 5 + tail_s + 0.01], 0, 0, LTE, 60)
    assert after.promotions == 2
    # Only the 10 ms of silence are left for the second promotion.
    assert after.seconds["promotion"] == pytest.approx(0.2601 + 0.01, abs=1e-9)


def test_the_duration_cuts_the_last_tail_and_none_pays_it_in_full():
    cut = radio.trace([1.0], 0, 0, LTE, 4.0)
    assert cut.seconds["drx_long"] == pytest.approx(3.0 - 0.12, abs=1e-12)
    full = radio.trace([1.0], 0, 0, LTE)
    assert full.seconds["drx_long"] == pytest.approx(11.456, abs=1e-12)
    assert sum(full.seconds.values()) == pytest.approx(1.0 + 11.576, abs=1e-12)


def test_a_first_packet_at_zero_is_charged_its_whole_promotion_out_of_the_idle_time():
    found = radio.trace([0.0], 0, 0, LTE, 60)
    assert found.seconds["promotion"] == pytest.approx(0.2601, abs=1e-12)
    assert sum(found.seconds.values()) == pytest.approx(60, abs=1e-9)


def test_bytes_cost_their_slope_and_bursts_the_power_of_a_transfer():
    plain = radio.trace([5.0], 0, 0, LTE, 60)
    sent = radio.trace([5.0], 1e6, 2e6, LTE, 60)
    by_hand = 8 * (438.39 * 1e6 + 51.97 * 2e6) * 1e-9  # mW/Mbps = nJ/bit
    assert sent.energy["total_j"] - plain.energy["total_j"] == pytest.approx(by_hand, rel=1e-12)
    long = radio.trace([5.0], 0, 0, LTE, 60, burst_s=2.0)
    added = 2 * (1.28804 - float(radio.idle_w(LTE)))  # the tail starts behind the burst
    assert long.energy["total_j"] - plain.energy["total_j"] == pytest.approx(added, rel=1e-9)
    assert long.seconds["active"] == 2.0


def test_a_big_packet_climbs_from_fach_in_its_last_seconds_there():
    # 1.3 s of the 4 s that the radio spent in FACH go to the climb.
    found = radio.trace([10.0, 20.0], 5000, 0, UMTS, 40)
    assert found.seconds["dch"] == pytest.approx(12.0) and found.promotions == 2
    inside = radio.trace([10.0, 18.0], 5000, 0, UMTS, 40)
    assert inside.seconds["fach"] == pytest.approx(4.0 + 2.0 - 1.3)
    assert inside.seconds["promotion"] == pytest.approx(1.9 + 1.3)


def test_small_packets_stay_in_fach_and_hold_no_dch():
    small = radio.trace([10.0, 12.0, 14.0], 60, 60, UMTS, 40)
    assert small.seconds["dch"] == 0 and small.seconds["fach"] == pytest.approx(8.0)
    assert small.promotions == 1 and small.seconds["promotion"] == pytest.approx(0.6)
    mixed = radio.trace([10.0, 15.0], [5000, 60], 0, UMTS, 40)
    assert mixed.seconds["dch"] == pytest.approx(6.0) and mixed.seconds["fach"] == pytest.approx(4.0)


def test_aro_rule_lets_few_bytes_in_dch_restart_no_timer():
    aro = dataclasses.replace(radio.profile("umts_aro2011"), hold_bytes=320)
    pings = 10.0 + np.array([0.0, 2.0, 4.0])
    held = radio.trace(pings, [5000, 100, 100], 100, aro, 60)
    assert held.seconds["dch"] == pytest.approx(5.0)
    free = radio.trace(pings, [5000, 100, 100], 100, radio.profile("umts_aro2011"), 60)
    assert free.seconds["dch"] == pytest.approx(9.0)
    # Two packets that pass 320 B together within 0.3 s restart it.
    pair = radio.trace([10.0, 14.0, 14.2], [5000, 200, 200], 0, aro, 60)
    assert pair.seconds["dch"] == pytest.approx(4.2 + 5.0)


def test_a_carrier_that_lifts_small_packets_from_idle_is_walked_when_asked():
    carrier = dataclasses.replace(radio.profile("umts_qian2010_carrier1"), low_state="fach")
    found = radio.trace([10.0, 20.0], 60, 60, carrier, 60)
    assert found.seconds["dch"] == pytest.approx(5.0)
    assert found.seconds["fach"] == pytest.approx(5.0 + 12.0)
    with pytest.raises(InputError, match="have no closed form, radio.trace walks them"):
        radio.mean_power_w(carrier, Source(period_s=10, bytes_up=60))


def test_aligned_timers_of_30_and_60_s_over_one_common_period_equal_the_hand_sum():
    # Together at 0 and 60, the 30 s timer alone at 30: two wake-ups, not three, in 60 s.
    found = radio.trace([0.0, 0.0, 30.0], 0, 0, LTE, 60)
    awake_s = 2 * (0.2601 + 11.576)
    by_hand_j = 2 * radio.packet_energy_j(LTE) + idle_energy_j(LTE, 60 - awake_s)
    assert found.energy["total_j"] == pytest.approx(float(by_hand_j), rel=1e-12)
    locked_w = found.energy["total_j"] / 60 - radio.idle_w(LTE)
    free_w = radio.mean_power_w(LTE, [Source(period_s=30), Source(period_s=60)])
    assert locked_w < free_w  # independent phases would overlap less


def test_power_over_time_by_hand_with_a_climb_from_fach_just_before_its_packet_and_a_burst():
    # Qian's second carrier: DCH 6 s, FACH 4 s, climbs of 0.6 s to FACH and 1.3 s from there on.
    steps = radio.power_steps([10.0, 20.0], [5000.0, 5000.0], 0.0, UMTS, 24.0, [0.0, 2.0])
    told = [(round(s.start_s, 9), round(s.end_s, 9), s.state) for s in steps]
    climb_s, _ = radio.promotion_of(UMTS, "idle", "dch")
    assert told == [
        (0.0, 10.0 - climb_s, "idle"),
        (10.0 - climb_s, 10.0, "promotion"),
        (10.0, 16.0, "dch"),
        (16.0, 18.7, "fach"),
        (18.7, 20.0, "promotion"),
        (20.0, 22.0, "active"),
        (22.0, 24.0, "dch"),
    ]
    dch, fach, idle = UMTS.states
    powers = [idle.power_w, None, dch.power_w, fach.power_w, UMTS.promotions[1].power_w, None, dch.power_w]
    assert [s.power_w for s, power in zip(steps, powers, strict=True) if power is not None] == [
        power for power in powers if power is not None
    ]
    assert steps[5].power_w == pytest.approx(UMTS.transfer_w + 5000.0 * UMTS.up_j_per_byte / 2.0)


def test_a_small_packet_lifted_to_the_top_is_drawn_as_it_is_walked():
    carrier = dataclasses.replace(radio.profile("umts_qian2010_carrier1"), low_state="fach")
    steps = radio.power_steps([10.0, 20.0], 60, 60, carrier, 60)
    walked = radio.trace([10.0, 20.0], 60, 60, carrier, 60)
    assert sum((s.end_s - s.start_s) * s.power_w for s in steps) == pytest.approx(walked.energy["total_j"], rel=1e-12)
    assert [s.state for s in steps] == ["idle", "promotion", "dch", "fach", "fach", "idle"]  # FACH starts anew at 20 s


def test_lists_tuples_and_whole_numbers_are_a_trace_as_well():
    as_array = radio.trace(np.array([5.0, 30.0]), np.array([10.0, 0.0]), np.array([0.0, 20.0]), LTE, 60.0)
    assert radio.trace([5, 30], [10, 0], (0, 20), LTE, 60) == as_array


def test_a_profile_may_be_given_by_its_name():
    assert radio.trace([5, 30], 0, 0, "lte_huang2012", 60) == radio.trace([5, 30], 0, 0, LTE, 60)
    poll_w = radio.mean_power_w("lte_huang2012", Source(period_s=30))
    assert poll_w == radio.mean_power_w(LTE, Source(period_s=30))


def ticked(times, big, burst, profile, ticks, tick_s):
    """Seconds by state from the definitions alone: each tick looks at every packet, none follows another."""
    high_s = sum(s.timer_s for s in profile.states[:-2])
    low_s = profile.states[-2].timer_s

    def covered(at, before):  # (on air, high, low) at a time, seen from packets before another time
        seen = [(t, g, b) for t, g, b in zip(times, big, burst, strict=True) if t < before]
        air = any(t <= at < t + b for t, g, b in seen)
        high = any(g and t <= at < t + b + high_s for t, g, b in seen)
        low = any(t <= at < t + b + low_s + (high_s if g else 0.0) for t, g, b in seen)
        return air, high, low

    spent = {name: 0.0 for name in ("active", "high", "low", "idle", "promotion")}
    delays = {
        "big": radio.promotion_of(profile, "idle", profile.states[0].name)[0],
        "small": radio.promotion_of(profile, "idle", profile.states[-2].name)[0],
        "climb": radio.promotion_of(profile, profile.states[-2].name, profile.states[0].name)[0],
    }
    for k in range(ticks):
        at = (k + 0.5) * tick_s
        air, high, low = covered(at, at)
        state = "active" if air else "high" if high else "low" if low else "idle"
        coming = [i for i, t in enumerate(times) if t > at]
        if coming and state in ("idle", "low"):
            t, g = times[coming[0]], big[coming[0]]
            found = covered(t - tick_s / 2, t - tick_s / 4)
            if not any(found) and state == "idle" and t - at < delays["big" if g else "small"]:
                state = "promotion"
            if found[2] and not any(found[:2]) and g and state == "low" and t - at < delays["climb"]:
                state = "promotion"
        spent[state] += tick_s
    return spent


GRID = dataclasses.replace(
    UMTS,
    states=(State("dch", 0.6, 0.6), State("fach", 0.4, 1.1), State("idle", 0.0)),
    promotions=(
        Promotion("idle", "fach", 0.4, 0.41),
        Promotion("idle", "dch", 0.9, 0.5),
        Promotion("fach", "dch", 0.3, 0.48),
    ),
)


# Gaps end at 4 s: the longest burst, both timers and the longest promotion are 3.4 s.
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 8)), min_size=1, max_size=12))
def test_the_walk_spends_the_seconds_that_the_definitions_give(packets):
    # Times and timers in tenths; packets 0.01 s off the grid so that no timer ends on a packet.
    gaps, big, burst = zip(*packets, strict=True)
    times = 1.0 + np.cumsum(gaps) / 10 + 0.01 * np.arange(len(gaps))
    air = np.array(burst) / 10
    found = radio.trace(times, np.where(big, 5000, 10), 0, GRID, 110.0, air)
    tick_s = 0.01
    ticks = int(round((times[-1] + 4.0) / tick_s))
    spent = ticked(times, big, air, GRID, ticks, tick_s)
    got = {
        "active": found.seconds["active"],
        "high": found.seconds["dch"],
        "low": found.seconds["fach"],
        "promotion": found.seconds["promotion"],
    }
    assert got == pytest.approx({name: spent[name] for name in got}, abs=1e-6)
    assert sum(found.seconds.values()) == pytest.approx(110.0, abs=1e-9)


# --------------------------------------------------------------------------------- closed form and trace

WARM_S, SESSION_S, SESSIONS = 80.0, 900.0, 60


def random_mix(rng):
    sizes = ((900.0, 2400.0), (60.0, 60.0), (0.0, 0.0))
    flows = []
    for _ in range(rng.integers(1, 6)):
        up, down = sizes[rng.integers(3)]
        burst_s = float(rng.choice([0.0, 0.0, rng.uniform(0, 1.5)]))
        rest = {"bytes_up": up, "bytes_down": down, "burst_s": burst_s}
        if rng.random() < 0.6:
            flows.append(Source(period_s=float(np.exp(rng.uniform(np.log(2), np.log(300)))), **rest))
        else:
            flows.append(Source(rate_per_s=float(np.exp(rng.uniform(np.log(0.003), np.log(0.3)))), **rest))
    return flows


def session(flows, rng):
    """Packets of one session, every phase drawn anew."""
    end_s, parts = WARM_S + SESSION_S, []
    for flow in flows:
        times = (
            np.arange(rng.uniform(0, flow.period_s), end_s, flow.period_s)
            if flow.period_s
            else rng.uniform(0, end_s, rng.poisson(flow.rate_per_s * end_s))
        )
        parts.append([times, *(np.full(times.size, x) for x in (flow.bytes_up, flow.bytes_down, flow.burst_s))])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0])
    return [column[order] for column in columns]


def walked_w(profile, packets):
    """Mean power above idle in the session behind the warm-up: its whole trace less its start."""
    energy = []
    for end_s in (WARM_S, WARM_S + SESSION_S):
        times, up, down, burst = (column[packets[0] <= end_s] for column in packets)
        energy.append(
            radio.trace(times, up, down, profile, end_s, burst).energy["total_j"]
            if times.size
            else idle_energy_j(profile, end_s)
        )
    return (energy[1] - energy[0]) / SESSION_S - radio.idle_w(profile)


@pytest.mark.parametrize("seed", range(50))
def test_closed_form_lies_within_4_standard_errors_of_the_trace_on_every_profile(seed):
    rng = np.random.default_rng(seed)
    flows = random_mix(rng)
    sessions = [session(flows, rng) for _ in range(SESSIONS)]
    for name in NAMES:
        profile = radio.profile(name)
        powers = np.array([walked_w(profile, packets) for packets in sessions])
        error_w = powers.std(ddof=1) / np.sqrt(SESSIONS)
        expected = radio.mean_power_w(profile, flows)
        # A radio that sleeps less than once in all sessions shows no spread: then a millionth decides.
        assert abs(powers.mean() - expected) <= 4 * error_w + 1e-6 * expected, name


@pytest.mark.parametrize("name", ["lte_huang2012", "umts_energybox", "umts_aro2011", "wifi_powertutor"])
def test_shares_of_time_are_those_of_a_long_trace(name):
    profile, rng, span_s = radio.profile(name), np.random.default_rng(1), 2e6
    flows = [Source(rate_per_s=0.03, bytes_up=900, burst_s=0.4), Source(rate_per_s=0.05, bytes_up=60)]
    parts = [rng.uniform(0, span_s, rng.poisson(flow.rate_per_s * span_s)) for flow in flows]
    times = np.concatenate(parts)
    order = np.argsort(times)
    up, burst = (
        np.concatenate([np.full(t.size, x) for t, x in zip(parts, values, strict=True)])[order]
        for values in ((900, 60), (0.4, 0.0))
    )
    found = radio.trace(times[order], up, 0, profile, span_s, burst)
    shares = radio.state_shares(profile, flows)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert set(shares) == set(found.seconds)
    for state, share in shares.items():  # 160,000 packets: about 0.4 % of each share
        assert found.seconds[state] / span_s == pytest.approx(float(share), rel=0.02, abs=2e-5), state
    if name == "lte_huang2012":  # each gap longer than the tail ends with one promotion
        gaps_per_s = 0.08 * np.exp(-0.03 * (11.576 + 0.4) - 0.05 * 11.576)
        assert found.promotions / span_s == pytest.approx(gaps_per_s, rel=0.02)


def test_one_timer_is_its_packet_energy_less_idle_over_its_period():
    for name in NAMES:
        profile = radio.profile(name)
        delay_s, _ = radio.promotion_of(profile, "idle", profile.states[0].name)
        awake_s = radio.tail_s(profile) + delay_s
        flow = Source(period_s=awake_s + 30, bytes_up=1e4, bytes_down=1e4)
        by_hand = (
            radio.packet_energy_j(profile)
            - idle_energy_j(profile, awake_s)
            + 1e4 * (profile.up_j_per_byte + profile.down_j_per_byte)
        ) / (awake_s + 30)
        assert radio.mean_power_w(profile, flow) == pytest.approx(float(by_hand), rel=1e-12)


def test_poisson_events_hold_lte_up_one_less_exp_of_rate_times_tail():
    shares = radio.state_shares(LTE, Source(rate_per_s=0.05))
    assert 1 - shares["idle"] - shares["promotion"] == pytest.approx(1 - np.exp(-0.05 * 11.576), abs=1e-12)
    by_hand = np.exp(-0.05 * 11.576) * (1 - np.exp(-0.05 * 0.2601))  # min(gap behind the tail, delay) of each gap
    assert shares["promotion"] == pytest.approx(by_hand, rel=1e-12)


def test_an_exchange_inside_a_tail_adds_beta_less_tail_power_for_its_burst_and_alpha_for_its_bytes():
    verizon = radio.profile("lte_verizon_2021")
    short, long = (
        radio.mean_power_w(verizon, Source(period_s=5, bytes_up=b, burst_s=s)) for b, s in ((0, 0.0), (1000, 0.2))
    )
    by_hand = ((0.362 - 0.178) * 0.2 + 1000 * 80.21 * 8e-9) / 5
    assert long - short == pytest.approx(by_hand, rel=1e-12)


def sources_of(draw_bytes=True):
    numbers = st.floats(0, 3000) if draw_bytes else st.just(0.0)
    often = st.one_of(
        st.tuples(st.just("period_s"), st.floats(0.5, 400)), st.tuples(st.just("rate_per_s"), st.floats(0, 2))
    )

    def source(often, up, down, burst_s):
        return Source(**dict([often]), bytes_up=up, bytes_down=down, burst_s=burst_s)

    return st.builds(source, often, numbers, numbers, st.one_of(st.just(0.0), st.floats(0, 3)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.lists(sources_of(), min_size=1, max_size=5), st.integers(0, 4))
def test_parts_by_source_sum_to_the_added_power_whatever_the_background(name, flows, split):
    profile = radio.profile(name)
    sources, background = flows[: max(split, 1)], flows[max(split, 1) :]
    parts = radio.power_by_source_w(profile, sources, background)
    assert parts.shape[0] == len(sources)
    assert abs(parts.sum(axis=0) - radio.mean_power_w(profile, sources, background)) < SUM_TOL


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.lists(sources_of(), min_size=1, max_size=4), sources_of())
def test_added_powers_chain_and_stay_between_idle_and_the_dearest_state(name, flows, more):
    profile = radio.profile(name)
    together = radio.mean_power_w(profile, [*flows, more])
    chained = radio.mean_power_w(profile, flows) + radio.mean_power_w(profile, more, flows)
    assert together == pytest.approx(float(chained), abs=1e-9)
    bytes_w = sum(
        (1 / f.period_s if f.period_s else f.rate_per_s)
        * (f.bytes_up * profile.up_j_per_byte + f.bytes_down * profile.down_j_per_byte)
        for f in (*flows, more)
    )
    dearest = max(
        profile.transfer_w, *(radio.state_power_w(s) for s in profile.states), *(p.power_w for p in profile.promotions)
    )
    assert -1e-12 <= together - bytes_w <= dearest + 1e-12
    shares = radio.state_shares(profile, [*flows, more])
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(-1e-12 <= share <= 1 + 1e-12 for share in shares.values())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.floats(0, 500), st.floats(1, 2))
def test_waiting_longer_never_costs_more_once_the_radio_sleeps_between_polls(name, extra_s, factor):
    # Just past the tail a poll can cost more than just inside it, where a promotion is dearer than the tail.
    profile = radio.profile(name)
    delay_s, _ = radio.promotion_of(profile, "idle", profile.states[0].name)
    period_s = radio.tail_s(profile) + delay_s + extra_s
    short, long = (radio.mean_power_w(profile, Source(period_s=t, bytes_up=5e3)) for t in (period_s, period_s * factor))
    assert long <= short * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), sources_of(), st.floats(0, 1e6))
def test_more_bytes_cost_their_slope_and_nothing_else(name, flow, bytes_up):
    profile = radio.profile(name)
    flow = dataclasses.replace(flow, bytes_up=5e3)
    more = dataclasses.replace(flow, bytes_up=5e3 + bytes_up)
    rate = 1 / flow.period_s if flow.period_s else flow.rate_per_s
    added = radio.mean_power_w(profile, more) - radio.mean_power_w(profile, flow)
    assert added == pytest.approx(rate * bytes_up * profile.up_j_per_byte, rel=1e-6, abs=1e-12)


def test_a_source_that_never_happens_adds_nothing_and_no_source_is_no_power():
    assert radio.mean_power_w(LTE, Source(rate_per_s=0)) == 0
    assert radio.mean_power_w(LTE, []) == 0
    assert radio.power_by_source_w(LTE, []).shape == (0,)
    assert radio.state_shares(LTE, [])["idle"] == 1.0


# ------------------------------------------------------------------------ whose energy it is, and the last tail


def still(source, age_s):
    """S of one source by its definition, an exchange still on air below an age of 0."""
    past_s = np.maximum(age_s + source.burst_s, 0.0)
    if source.period_s:
        return np.clip(1 - past_s / source.period_s, 0, 1)
    return np.exp(-source.rate_per_s * past_s)


def fall_w(profile):
    """Power above idle of each step of the fall, and the age at which it ends."""
    idle_w = radio.idle_w(profile)
    delay_s, climb_w = radio.promotion_of(profile, "idle", profile.states[0].name)
    powers = [profile.transfer_w, *(radio.state_power_w(s) for s in profile.states[:-1]), climb_w]
    return np.array(powers) - idle_w, np.cumsum([0.0, *(s.timer_s for s in profile.states[:-1]), delay_s])


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["lte_huang2012", "lte_verizon_2021", "nr_nsa_tmobile_2021", "wifi_pixel6_2021"]),
    st.lists(sources_of(draw_bytes=False), min_size=2, max_size=4),
    st.integers(0, 2),
)
def test_a_part_is_the_power_at_each_age_times_the_chance_that_its_source_was_the_last(name, flows, behind):
    profile = radio.profile(name)
    sources, background = flows[: len(flows) - behind] or flows, flows[len(flows) - behind :]
    background = background if len(sources) < len(flows) else []
    powers_w, ends_s = fall_w(profile)
    edges = np.unique(np.concatenate([np.linspace(a, b, 4001) for a, b in zip([-3.0, *ends_s], ends_s, strict=False)]))
    middle = (edges[1:] + edges[:-1]) / 2
    # What the background alone would draw at an age: it may have been on air since.
    drops_w = (powers_w - np.append(powers_w[1:], 0.0)) * np.prod([still(b, ends_s) for b in background], axis=0)
    above_w = np.array([drops_w[ends_s > age].sum() for age in middle])
    parts = radio.power_by_source_w(profile, sources, background)
    for i, source in enumerate(sources):
        others = np.prod([still(other, middle) for j, other in enumerate(sources) if j != i], axis=0)
        by_hand_w = np.sum(above_w * others * -np.diff(still(source, edges)))
        assert parts[i] == pytest.approx(by_hand_w, rel=2e-3, abs=2e-5)  # 4,000 ages a step, kinks between them


@pytest.mark.parametrize("name", ["lte_huang2012", "umts_energybox"])
def test_parts_are_those_of_a_long_trace_by_the_packet_before_and_a_promotion_by_the_packet_behind(name):
    profile, rng, span_s = radio.profile(name), np.random.default_rng(5), 4e5
    flows = [Source(**often, bytes_up=900.0) for often in ({"period_s": 23}, {"rate_per_s": 0.04}, {"period_s": 90})]
    times = [np.arange(rng.uniform(0, f.period_s), span_s, f.period_s) for f in (flows[0], flows[2])]
    times.insert(1, rng.uniform(0, span_s, rng.poisson(0.04 * span_s)))
    owner = np.repeat(np.arange(3), [t.size for t in times])
    times = np.concatenate(times)
    order = np.argsort(times)
    times, owner = times[order], owner[order]
    steps = radio.power_steps(times, 900.0, 0.0, profile, span_s)
    start, end, power = (np.array([getattr(step, key) for step in steps]) for key in ("start_s", "end_s", "power_w"))
    climbs = np.array([step.state == "promotion" for step in steps])
    before = np.searchsorted(times, (start + end) / 2) - 1  # the packet before; the one behind causes a promotion
    packet = np.clip(before + climbs, 0, times.size - 1)
    joules = np.bincount(owner[packet], (power - radio.idle_w(profile)) * (end - start), minlength=3)
    joules += np.bincount(owner) * 900.0 * profile.up_j_per_byte
    assert joules / span_s == pytest.approx(radio.power_by_source_w(profile, flows), rel=0.02)  # 37,000 packets


@pytest.mark.parametrize("name", ["lte_huang2012", "umts_energybox", "umts_qian2010_carrier2", "wifi_powertutor"])
@pytest.mark.parametrize("sizes", [(60.0, 60.0), (5000.0, 60.0), (5000.0, 5000.0)])
def test_the_last_tail_is_what_a_trace_still_pays_behind_a_random_moment(name, sizes):
    profile, rng, paid = radio.profile(name), np.random.default_rng(3), []
    flows = [Source(period_s=9.0, bytes_up=sizes[0]), Source(rate_per_s=0.08, bytes_up=sizes[1])]
    for _ in range(2000):
        end_s = 60.0
        polls = np.arange(rng.uniform(0, 9.0), end_s, 9.0)
        times = np.append(polls, rng.uniform(0, end_s, rng.poisson(0.08 * end_s)))
        up = np.repeat(sizes, [polls.size, times.size - polls.size])
        order = np.argsort(times)
        whole, cut = (radio.trace(times[order], up[order], 0, profile, end) for end in (None, end_s))
        spent_s = sum(whole.seconds.values()) - sum(cut.seconds.values())
        paid.append(whole.energy["total_j"] - cut.energy["total_j"] - radio.idle_w(profile) * spent_s)
    error_j = np.std(paid, ddof=1) / np.sqrt(len(paid))
    assert abs(np.mean(paid) - radio.Mixes(profile, flows).last_tail_j((0, 1))) < 4 * error_j + 1e-9


@pytest.mark.parametrize("part_of_promotion", [-1.0, 0.25, 0.75, 2.0])
def test_a_close_climbs_where_neither_what_goes_on_nor_what_stopped_was_there_in_tail_and_promotion(part_of_promotion):
    tail_s, delay_s = sum(state.timer_s for state in LTE.states[:-1]), LTE.promotions[0].delay_s
    stay_s = tail_s + part_of_promotion * delay_s
    air = radio.Mixes(LTE, [Source(rate_per_s=0.05), Source(rate_per_s=0.02)])
    asleep = np.exp(-0.02 * (tail_s + delay_s) - 0.05 * max(tail_s + delay_s - stay_s, 0.0))
    climb_j = air.promotion_j() * asleep
    assert air.close_j((0,), (1,), stay_s) == pytest.approx(climb_j + radio.tail_energy_j(LTE), rel=1e-12)


def test_the_climb_from_idle_is_counted_above_the_idle_radio():
    """Two packets far apart: each pays its climb and its tail, and the seconds of neither at the power of idle."""
    climb, idle = LTE.promotions[0], radio.idle_w(LTE)
    by_hand = climb.delay_s * (climb.power_w - idle)
    assert idle > 0 and radio.Mixes(LTE, [Source(rate_per_s=0.05)]).promotion_j() == pytest.approx(by_hand, rel=1e-12)
    trace = radio.trace(np.array([5.0, 500.0]), np.full(2, 100), 0, LTE)
    above_j = trace.energy["promotion_j"] / 2 - climb.delay_s * idle
    assert by_hand == pytest.approx(above_j, rel=1e-12)


@pytest.mark.parametrize("burst_s", [0.5, 1.0, 1.5, 3.0])
def test_a_burst_longer_than_its_period_keeps_the_radio_transferring_and_bears_all_of_it(burst_s):
    profile = radio.profile("umts_powertutor")
    busy, brief = Source(period_s=1.0, burst_s=burst_s), Source(period_s=1.0)
    alone, both = (radio.power_by_source_w(profile, sources) for sources in ([busy], [brief, busy]))
    assert alone[0] == pytest.approx(radio.mean_power_w(profile, [busy]), rel=1e-9)
    assert both.sum() == pytest.approx(radio.mean_power_w(profile, [brief, busy]), rel=1e-9)
    if burst_s >= 1.0:
        assert alone[0] == pytest.approx(profile.transfer_w - radio.idle_w(profile), rel=1e-9)
        assert both[0] == pytest.approx(0.0, abs=1e-12)


# --------------------------------------------------------------------------------------- arrays of draws


def draws(rng, low, high):
    return rng.uniform(low, high, (7, 1))


@pytest.mark.parametrize("name", ["lte_huang2012", "nr_nsa_tmobile_2021", "umts_energybox", "umts_aro2011"])
def test_draws_of_sources_and_profile_equal_their_single_values(name):
    rng = np.random.default_rng(3)
    base = radio.profile(name)
    columns = {
        "power_w": draws(rng, 0.1, 1.2),
        "timer_s": draws(rng, 3, 12),
        "delay_s": draws(rng, 0.1, 2),
        "up": draws(rng, 1e-7, 1e-6),
        "beta": draws(rng, 0.3, 2),
        "period_s": draws(rng, 2, 60),
        "rate_per_s": draws(rng, 0.001, 0.2),
        "bytes_up": draws(rng, 50, 900),
        "burst_s": draws(rng, 0, 1),
    }

    def case(c):
        top = dataclasses.replace(base.states[0], power_w=c["power_w"], timer_s=c["timer_s"])
        climb = dataclasses.replace(base.promotions[0], delay_s=c["delay_s"])
        profile = dataclasses.replace(
            base,
            states=(top, *base.states[1:]),
            promotions=(climb, *base.promotions[1:]),
            up_j_per_byte=c["up"],
            transfer_w=c["beta"],
        )
        flows = [
            Source(period_s=c["period_s"], bytes_up=c["bytes_up"], burst_s=c["burst_s"]),
            Source(rate_per_s=c["rate_per_s"], bytes_up=700),
            Source(period_s=25.0),
        ]
        return profile, flows

    profile, flows = case(columns)
    power_w = radio.mean_power_w(profile, flows[:2], flows[2:])
    parts = radio.power_by_source_w(profile, flows[:2], flows[2:])
    shares = radio.state_shares(profile, flows)
    assert power_w.shape == (7, 1) and parts.shape == (2, 7, 1)
    for k in range(7):
        one, single = case({key: float(column[k, 0]) for key, column in columns.items()})
        assert radio.mean_power_w(one, single[:2], single[2:]) == pytest.approx(power_w[k, 0], rel=1e-11)
        assert radio.power_by_source_w(one, single[:2], single[2:]) == pytest.approx(parts[:, k, 0], rel=1e-9)
        for state, share in radio.state_shares(one, single).items():
            assert share == pytest.approx(np.broadcast_to(shares[state], (7, 1))[k, 0], abs=1e-12)


def test_more_draws_than_one_chunk_are_integrated_alike():
    period_s = np.linspace(3, 90, 9001).reshape(-1, 1)
    flows = [Source(period_s=period_s), Source(rate_per_s=0.02)]
    parts = radio.power_by_source_w(LTE, flows)
    assert abs(parts.sum(axis=0) - radio.mean_power_w(LTE, flows)).max() < SUM_TOL
    for k in (0, 4096, 9000):
        alone = radio.power_by_source_w(LTE, [Source(period_s=float(period_s[k, 0])), flows[1]])
        assert parts[:, k, 0] == pytest.approx(alone, rel=1e-11)


# ---------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], [], [], LTE), "a trace must have at least one packet; got none"),
        (([1, 3, 2], 0, 0, LTE), "times_s must not fall; got 2 s after 3 s (packet 2)"),
        (([-1.0], 0, 0, LTE), "times_s must be >= 0 s; got -1 (packet 0)"),
        (([1.0, float("nan")], 0, 0, LTE), "times_s must be a number; got NaN (packet 1)"),
        (([1.0, 2.0], [5, -6], 0, LTE), "bytes_up must be >= 0 B; got -6 (packet 1)"),
        (([1.0, 2.0], 0, -1, LTE), "bytes_down must be >= 0 B; got -1 (packet 0)"),
        (([1.0, 2.0], [1, 2, 3], 0, LTE), "bytes_up must be one number or one for each of the 2 packets; got 3"),
        (([[1.0], [2.0]], 0, 0, LTE), "times_s must be one series of times; got a table"),
        ((["soon"], 0, 0, LTE), "times_s must be numbers; got ['soon']"),
        (([1.0, 9.0], 0, 0, LTE, 5), "duration_s must reach the last packet at 9 s; got 5"),
        (([1.0], 0, 0, LTE, 5, -1), "burst_s must be >= 0 s; got -1 (packet 0)"),
    ],
)
def test_a_trace_that_cannot_be_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(InputError) as error:
        radio.trace(*arguments)
    assert str(error.value) == sentence


def test_a_trace_over_draws_of_a_profile_is_refused():
    with pytest.raises(InputError, match="must be single; got an array of 2 draws .profile lte_huang2012"):
        idle = State("idle", np.array([[0.1], [0.2]]))
        radio.trace([1.0], 0, 0, dataclasses.replace(LTE, states=(*LTE.states[:-1], idle)))


def changed(**changes):
    return dataclasses.replace(UMTS, **changes)


DCH, FACH, IDLE = UMTS.states
UP, CLIMB = UMTS.promotions


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: changed(states=(DCH, FACH)), "the last state must be 'idle'; got dch, fach (profile {p})"),
        (
            lambda: changed(states=(IDLE,)),
            "a profile must have a connected state before idle; got idle alone (profile {p})",
        ),
        (
            lambda: changed(states=(DCH, IDLE), low_state=""),
            "promotion idle>fach must join states of the profile; 'fach' is missing; known: dch, idle (profile {p})",
        ),
        (lambda: changed(states=(DCH, DCH, IDLE)), "state dch must stand once; it stands 2 times (profile {p})"),
        (
            lambda: changed(promotions=(UP, CLIMB, Promotion("dch", "fach", 1, 1))),
            "promotions must climb without a loop; got dch>fach (profile {p})",
        ),
        (
            lambda: changed(promotions=(CLIMB,)),
            "a profile must have a promotion from idle to dch; got none (profile {p})",
        ),
        (
            lambda: changed(low_state="dch"),
            "low_state must be the state before idle and below another; got 'dch' (profile {p})",
        ),
        (lambda: changed(low_state="fahc"), "unknown low state 'fahc'; did you mean 'fach'? (profile {p})"),
        (
            lambda: changed(access="5g"),
            "unknown access network '5g'; known: wifi, lte, nr_sa, nr_nsa, nr_mmwave, umts (profile {p})",
        ),
        (lambda: changed(transfer_w=-1), "transfer_w must be >= 0 W; got -1 (profile {p})"),
        (lambda: State("dch", 0.6, -5), "timer_s must be >= 0 s; got -5 (state dch)"),
        (lambda: State("dch", -0.6, 5), "power_w must be >= 0 W; got -0.6 (state dch)"),
        (lambda: State("dch", 0.6, 5, 1.0, 2.0, 1.0), "on_s must be at most cycle_s; got 2 s (state dch)"),
        (
            lambda: State("total", 0.6, 5) and changed(states=(State("total", 1, 1), FACH, IDLE)),
            "a state must not be called 'total', the name of a result (profile {p})",
        ),
        (lambda: Promotion("idle", "dch", -2, 0.5), "delay_s must be >= 0 s; got -2 (promotion idle>dch)"),
        (lambda: radio.profile("lte_huang"), "unknown radio profile 'lte_huang'; did you mean 'lte_huang2012'?"),
        (lambda: radio.profiles("wi-fi"), "unknown access network 'wi-fi'; did you mean 'wifi'?"),
        (lambda: Source(), "a source must have either period_s or rate_per_s; got neither"),
        (lambda: Source(period_s=1, rate_per_s=1), "a source must have either period_s or rate_per_s; got both"),
        (lambda: Source(period_s=0), "period_s must be > 0 s; got 0"),
        (lambda: Source(rate_per_s=-1), "rate_per_s must be >= 0 1/s; got -1"),
        (lambda: Source(period_s=1, bytes_up=-1), "bytes_up must be >= 0 B; got -1"),
        (lambda: radio.mean_power_w(LTE, [30]), "sources must be radio.Source objects; got 30"),
        (lambda: radio.mean_power_w(LTE, [], ["video"]), "background must be radio.Source objects; got 'video'"),
        (
            lambda: radio.mean_power_w(changed(hold_bytes=320), Source(period_s=1)),
            "packets of at most hold_bytes have no closed form, radio.trace walks them; hold_bytes is 320 B"
            " (profile {p})",
        ),
        (
            lambda: radio.trace([1.0], 0, 0, "lte_huang"),
            "unknown radio profile 'lte_huang'; did you mean 'lte_huang2012'?",
        ),
        (lambda: radio.mean_power_w(3, Source(period_s=1)), "profile must be a radio.Radio or the name of one; got 3"),
    ],
)
def test_what_cannot_be_a_radio_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(InputError) as error:
        build()
    assert str(error.value) == sentence.replace("{p}", UMTS.name)


HEAD = "item,quantity,value,low,high,unit,kind,source,where,note\n"
GOOD = [
    "tail,timer,10,,,s,published,huang2012,T,",
    "tail,power,1,,,W,published,huang2012,T,",
    "idle,power,0,,,W,published,huang2012,T,",
    "idle>tail,delay,1,,,s,published,huang2012,T,",
    "idle>tail,power,1,,,W,published,huang2012,T,",
]


def test_a_profile_file_is_read_in_si_units(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "\n".join([*GOOD, "transfer,alpha_up,100,,,mW/Mbps,published,huang2012,T,"]))
    mine = radio.read_profile(path)
    assert mine.name == "mine" and radio.tail_s(mine) == 10 and mine.transfer_w == 1
    assert mine.up_j_per_byte == pytest.approx(100e-3 / 1e6 * 8)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("tail,timer,-5,,,s,published,huang2012,T,", "tail timer must be >= 0 s; got -5"),
        ("tail,timer,5,,,,published,huang2012,T,", "tail timer must be in s or ms; got no unit"),
        ("tail,timer,5,,,W,published,huang2012,T,", "tail timer must be in s or ms; got W"),
        ("tail,timer,5,,,s,published,huang_2012,T,", "unknown source 'huang_2012'; did you mean 'huang2012'?"),
        ("tail,timer,5,,,s,guessed,huang2012,T,", "unknown kind 'guessed'; known: spec, price, published"),
        ("tail,timre,5,,,s,published,huang2012,T,", "unknown quantity 'timre'; did you mean 'timer'?"),
        ("tail,timer,5,6,7,s,published,huang2012,T,", "tail timer must lie in its range 6 to 7 s; got 5"),
        ("tail,timer,5,,,s,assumed,assumption,,", "tail timer is assumed and must have a range and a note"),
        (
            "tail,timer,5,,,s,published,huang2012,T,\ntail,timer,5,,,s,published,huang2012,T,",
            "tail timer must stand once; it stands twice",
        ),
        ("tail,cycle,5,,,s,published,huang2012,T,", "a state must have timer_s; it is missing"),
        ("tail,delay,5,,,s,published,huang2012,T,", "a state must not have delay_s"),
    ],
)
def test_a_profile_file_that_cannot_be_traced_is_refused_with_its_place(tmp_path, line, sentence):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "\n".join([line, *GOOD[1:]]))
    with pytest.raises(InputError, match="mine.csv") as error:
        radio.read_profile(path)
    assert str(error.value).startswith(sentence)


def test_a_radio_of_draws_has_in_each_draw_the_numbers_of_the_profile_drawn():
    names, number = ("lte_lg_v20_2020", "lte_moto_g5_2020"), np.array([[1], [0], [1]])
    both = [radio.profile(name) for name in names]
    drawn = radio.radio_of_draws(both, number)
    for of in ("transfer_w", "up_j_per_byte", "down_j_per_byte"):
        np.testing.assert_array_equal(getattr(drawn, of).ravel(), [getattr(both[k], of) for k in number.ravel()])
    assert both[0].up_j_per_byte != both[0].down_j_per_byte
