"""When the app is not on screen: who is told, what it costs, and what batteries say, against public figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import battery, ledger, radio
from model.answers.measures import away_sentences
from model.battery.away import _even, wakes_per_s
from model.checks import InputError
from model.life import away
from model.life.rates import pushes_per_s
from model.life.sessions import life
from model.parts.platforms import allowed, away_notes
from model.scenario import sampling
from model.server_load.rates import at_peak
from model.traffic import traffic
from model.traffic.assembly import server_needs

WAYS = ("socket", "poll", "mobile_push")
EVERYBODY = {  # one phone a user, Android, exempt and never off: nothing stands in a socket's way
    "usage.away.installed_share": 1,
    "usage.away.platforms.android.share": 1,
    "usage.away.platforms.ios.share": 0,
    "ledger.away_exempt_share": 1,
}


@pytest.fixture(scope="module")
def chat():
    return model.load("chat").with_({"events.message.online_share": 0.25})


def said(scenario, way, **more):
    return scenario.with_({"push.when_away": way, **more})


def built(scenario, name="push"):
    return traffic(name, sampling.resolved(scenario))


def only(value):
    return float(np.ravel(np.asarray(value, dtype=float))[0])


# ------------------------------------------------------------------------------------------- nothing moves


def test_where_nobody_is_told_when_away_its_inputs_are_neither_drawn_nor_used(chat):
    names = sampling.ranged_inputs(chat)
    assert not [name for name in names if "away" in name or name == "ledger.wake_j"]
    other = chat.with_({"usage.away.hours_per_day": 3, "ledger.away_exempt_share": 0.7, "push.away_poll_s": 60})
    first, second = (model.compare(one, ["push"], draws=8) for one in (chat, other))
    assert first.equals(second)


def test_a_design_that_tells_nobody_when_away_is_unchanged_to_the_last_digit_beside_one_that_does(chat):
    before, after = model.compare(chat), model.compare(said(chat, "mobile_push"))
    assert (after.loc[before.index, ["poll", "own_push"]] == before[["poll", "own_push"]]).all(axis=None)
    assert list(after.index[-3:]) == ["told when away 1 min", "told when away 1 h", "battery when away"]
    assert "told when away 1 h" not in before.index


# ------------------------------------------------------------------------------------- who is told, how often


PLAIN = sampling.resolved(model.load("chat"))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0.01, 1e3), st.floats(0, 100))
def test_recipients_in_the_app_and_away_are_all_recipients(online, recipients, per_day):
    message = {"online_share": online, "recipients": recipients, "per_active_day": per_day}
    event = PLAIN.events["message"].model_copy(update=message)
    scenario = PLAIN.model_copy(update={"events": {"message": event}})
    now = life(scenario.design("push"), scenario)
    there = pushes_per_s(scenario, "message") * now.active_s
    everybody = per_day * recipients * now.active_days
    assert there + away.recipients_per_month(now, "message") == pytest.approx(everybody, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("way", WAYS)
def test_more_are_told_within_an_hour_than_within_a_minute_and_never_all(chat, way):
    now = built(said(chat, way)).life
    minute, hour = (only(away.told_share(now, limit_s)) for limit_s in (60.0, 3600.0))
    assert 0.0 < minute <= hour < 1.0


def test_a_poll_of_15_minutes_tells_a_fifteenth_within_a_minute(chat):
    free = {**EVERYBODY, "usage.away.hours_per_day": 12, "usage.away.asleep_share": 0}
    notified = {"usage.away.platforms.android.may_notify_share": 1}
    now = built(said(chat, "poll", **free, **notified)).life
    assert only(away.told_share(now, 60.0)) == pytest.approx(60.0 / 900.0, rel=1e-12)  # the chat is in hand for 12 h
    assert only(away.told_share(now, 3600.0)) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_where_half_may_be_notified_half_as_many_are_told_when_away(chat, way):
    told = [
        only(
            away.told_share(
                built(said(chat, way, **EVERYBODY, **{"usage.away.platforms.android.may_notify_share": x})).life, 3600.0
            )
        )
        for x in (1.0, 0.5)
    ]
    assert told[1] == pytest.approx(told[0] / 2.0, rel=1e-12) and told[0] > 0


@pytest.mark.parametrize("way", WAYS)
def test_phones_that_are_off_cost_nothing(chat, way):
    long, short = (built(said(chat, way, **{"usage.away.hours_per_day": hours})) for hours in (8, 2))
    for one, other in zip(long.flows, short.flows, strict=True):
        if "away" in one.name or one.exchange == "mobile push":
            assert only(one.per_month) == pytest.approx(4.0 * only(other.per_month), rel=1e-9), one.name


def test_who_is_told_by_a_socket_when_away_is_no_longer_an_offline_recipient(chat):
    flows = {f.name: only(f.per_month) for f in built(said(chat, "socket")).flows}
    alone = {f.name: only(f.per_month) for f in built(chat).flows}
    offline = "send to an offline recipient"
    assert flows[offline] + flows["push message when away"] == pytest.approx(alone[offline], rel=1e-12)


def test_the_connections_of_those_away_do_not_rise_in_the_busiest_hour(chat):
    now = built(said(chat, "socket"))
    peak, ratio = at_peak(now).life.open_connections, now.life.scenario.usage.peak_to_mean_ratio
    in_app = now.life.open_connections - now.life.away.connections
    assert only(peak) == pytest.approx(only(in_app * ratio + now.life.away.connections), rel=1e-9)
    assert only(now.life.busiest_connections) == pytest.approx(only(peak), rel=1e-9)


@pytest.mark.parametrize(("way", "design"), [("socket", "push"), ("poll", "poll")])
def test_what_phones_do_when_away_does_not_rise_in_the_busiest_hour_and_what_the_app_does_does(chat, way, design):
    now = built(chat.with_({f"{design}.when_away": way}), design)
    peak = {flow.name: only(flow.per_month) for flow in at_peak(now).flows}
    ratio = now.life.scenario.usage.peak_to_mean_ratio
    gone = [flow for flow in now.flows if flow.name.endswith(away.AWAY)]
    assert gone and all(peak[flow.name] == pytest.approx(only(flow.per_month), rel=1e-12) for flow in gone)
    rises = [peak[flow.name] / only(flow.per_month) for flow in now.flows if only(flow.per_month) > 0]
    assert max(rises) == pytest.approx(ratio, rel=1e-9)


# --------------------------------------------------------------------------------------------------- the bill


def test_a_socket_for_10000_phones_20_hours_a_day_costs_90_usd_of_minutes():
    case = model.load("twilly").with_({"users": 10_000, "after.when_away": "socket", **EVERYBODY})
    usd = model.evaluate(case).by_flow("cost", ["after"]).loc["connection minutes when away", "after"]
    assert usd == pytest.approx(10_000 * 20 * 30 * 60 * 0.25e-6, rel=1e-9)  # 90.00


def test_sns_bills_a_request_and_a_delivery_a_push_and_a_sender_of_ones_own_neither(chat):
    by_sns, direct = (
        model.evaluate(said(chat, "mobile_push", **{"push.push_by": by}))["push"].usage for by in ("sns", "direct")
    )
    pushes = sum(only(f.per_month) for f in built(said(chat, "mobile_push")).flows if f.exchange == "mobile push")
    assert only(by_sns["sns_request"]) == only(by_sns["sns_mobile_push"]) == pytest.approx(pushes, rel=1e-12)
    assert {*by_sns} - {*direct} == {"sns_request", "sns_mobile_push"}
    assert only(by_sns["internet_out_gb"]) == only(direct["internet_out_gb"])


@pytest.mark.parametrize("way", WAYS)
def test_what_is_done_when_away_is_in_data_load_and_bill_and_the_parts_add_up(chat, way):
    without, with_ = (model.evaluate(one)["push"] for one in (chat, said(chat, way)))
    for measure in ("cost", "data"):
        assert only(sum(with_.parts(measure).values())) == pytest.approx(only(with_.total(measure)), rel=1e-9)
        assert only(with_.total(measure)) > only(without.total(measure))
    assert only(with_.total("battery")) == only(without.total("battery"))  # of an hour in the app


# ------------------------------------------------------------------------------------------------- the battery


def test_what_an_android_screen_shows_is_as_the_framework_counts_it():
    assert battery.shown_mah_per_hour([45, 60]) == pytest.approx(64, abs=0.5)
    found = [battery.shown_mah_per_hour([period]) for period in (30, 120, 300)]
    assert found == pytest.approx([61, 15, 6], abs=0.5)
    ratio = battery.shown_mah_per_hour([55]) / battery.shown_mah_per_hour([300])
    assert ratio == pytest.approx(5.45, abs=0.005)  # reported: 60 against 12 % of the drain
    assert battery.shown_mah_per_hour([45, 60]) / 3070 == pytest.approx(0.021, abs=5e-4)  # of a Mi 9 SE, 3,070 mAh


def test_a_beat_each_30_s_is_as_much_power_as_the_profiles_say():
    watts = {p: battery.beats_w(p, [30]) for p in ("wifi_pixel6_2021", *LTE)}
    assert 1000 * watts["wifi_pixel6_2021"][0] == pytest.approx(1.3, abs=0.05)
    assert [1000 * watts[p][0] for p in LTE] == pytest.approx([15, 66, 414], abs=0.5)
    assert 1000 * watts[LTE[0]][1] == pytest.approx(10, rel=1e-9)  # 0.3 J each 30 s
    row = ledger.rows()["wake_j"]
    assert [1000 * battery.beats_w(LTE[0], [30], j)[1] for j in (row.low, row.high)] == pytest.approx(
        [1.67, 50], abs=0.01
    )


LTE = ("lte_tmobile_2021", "lte_verizon_2021", "lte_huang2012")


def test_exchanges_within_2_s_are_one_wake_up():
    one, two = 45.0, 60.0 * (np.sqrt(5.0) - 1.0)  # irrational, so all phases come
    both = only(wakes_per_s([{"period_s": one}, {"period_s": two}]))
    assert both == pytest.approx(1 / one * (1 - 2 / two) + 1 / two * (1 - 2 / one), rel=1e-12)
    times = np.sort(np.concatenate([np.arange(7.3, 4.5e5, one), np.arange(11.1, 4.5e5, two)]))
    assert both == pytest.approx(np.sum(np.diff(times) > 2.0) / 4.5e5, rel=1e-3)
    assert only(wakes_per_s([{"rate_per_s": 0.5}])) == pytest.approx(0.5 * np.exp(-1.0), rel=1e-12)


def test_a_longer_beat_never_takes_more_of_the_battery(chat):
    periods = [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0]
    cases = (said(chat, "socket", **{"push.heartbeat.period_s": period, **EVERYBODY}) for period in periods)
    found = [only(battery.away_percent_per_hour(built(case))) for case in cases]
    assert np.all(np.diff(found) < 0)


def test_a_socket_takes_more_than_a_poll_and_a_poll_more_than_mobile_push(chat):
    found = [
        only(battery.away_percent_per_hour(built(said(chat.with_({"events.message.per_active_day": 1}), way))))
        for way in WAYS
    ]
    assert found[0] > found[1] > found[2] > 0


def test_in_draws_every_profile_is_as_likely_and_at_the_modes_they_weigh_equally(chat):
    shares = np.linspace(0.001, 0.999, 999)
    assert _even(sampling.pert_quantile(shares, 0.0, 0.5, 1.0)) == pytest.approx(shares, abs=4e-7)  # the table's 2e-7
    case = said(chat, "socket", **{"push.heartbeat.period_s": 60, **EVERYBODY, "events.message.per_active_day": 0})
    now = built(case)
    air = {
        name: float(np.mean([only(battery.beats_w(p, [60])[0]) for p in n.profiles]))
        for name, n in case.networks.items()
    }
    about = sum(only(now.life.scenario.networks[n].share) * w for n, w in air.items())
    assert only(battery.when_away_w(now)["radio"]) == pytest.approx(about, rel=0.1)  # bursts and reconnects come on top


def test_which_public_reports_lie_inside_the_models_range():
    table = battery.away_reports()
    assert dict(table["inside"]) == {
        "ntfy 687": False,
        "ntfy-android 113": True,
        "home-assistant 6208": True,
        "ntfy 190": True,
    }
    assert table.loc["ntfy 687", "model_high"] == pytest.approx(4.1, abs=0.05) and table["why"].ne("").all()
    lte = radio.mean_power_w(
        "lte_verizon_2021", [radio.Source(period_s=p, bytes_up=132, bytes_down=76) for p in (45, 60)]
    )
    assert only(lte) / 11.8 * 100 == pytest.approx(0.59, abs=0.01)  # the physics of one profile, 8.5 times below


def test_nothing_is_said_of_what_ios_shows(chat):
    ios = {"usage.away.platforms.ios.share": 1, "usage.away.platforms.android.share": 0}
    table = battery.when_away(said(chat, "mobile_push", **ios))
    assert table["shown_percent_per_hour"].isna().all() and table["percent_per_hour"].gt(0).all()


# -------------------------------------------------------------------------------------------- what is refused


def test_every_way_has_a_row_a_platform_with_a_source():
    assert {*allowed()} == {(p, w) for p in ("ios", "android", "web") for w in ("socket", "poll", "alert", "silent")}
    rows = ledger.chosen()
    for one in allowed().values():
        assert one.says and one.source in ledger.sources()
        assert {one.share, one.awake, one.asleep, one.late, one.per_hour} - {""} <= {*rows}


def test_what_a_platform_or_a_design_cannot_do_is_refused_in_a_sentence(chat):
    with pytest.raises(InputError, match="poll.when_away must be none, poll or mobile_push in a polling design"):
        chat.with_({"poll.when_away": "socket"})
    ios = {"usage.away.platforms.ios.share": 1, "usage.away.platforms.android.share": 0}
    with pytest.raises(InputError, match="iOS closes a socket about 30 s after .*; got 'socket'"):
        said(chat, "socket", **ios)
    with pytest.raises(InputError, match="usage.away.platforms: the shares must add up to 1; got 1.5"):
        said(chat, "poll", **{"usage.away.platforms.ios.share": 1})


def test_what_a_platform_caps_is_said_and_counted(chat):
    quick = said(chat, "poll", **{"push.away_poll_s": 60, **EVERYBODY, "usage.away.asleep_share": 0})
    slow = quick.with_({"push.away_poll_s": 900})
    assert "it is told less often than asked" in " ".join(away_notes("push", quick.designs["push"], quick))
    assert only(away.told_share(built(quick).life, 60.0)) == only(away.told_share(built(slow).life, 60.0))
    lines = model.compare(said(chat, "socket")).attrs["remarks"]
    assert any("iOS closes a socket" in line and "nobody is told there" in line for line in lines)


def test_a_row_without_a_figure_says_why(chat):
    table = model.compare(said(chat, "mobile_push"))
    reason = table.attrs["notes"]["poll", "told when away 1 min"]
    assert reason.endswith("tells nobody when away") and np.isnan(table.loc["told when away 1 min", "poll"])
    nobody = said(chat.with_({"events.message.online_share": 1}), "mobile_push")
    assert "sent to anybody who is away" in model.compare(nobody).attrs["notes"]["push", "told when away 1 h"]


# ------------------------------------------------------------------------------------------------- the answer


def test_the_answer_says_that_a_socket_is_hardly_ever_worth_it_and_where_it_is(chat):
    first, choice, why = away_sentences(said(chat, "mobile_push"), 16)
    assert first.startswith("When the app is away, WebSocket on API Gateway reaches ")
    assert choice.startswith("A socket in the background is hardly ever worth it") and "in no draw" in choice
    assert "do not let the app notify them" in why
    alone = {**EVERYBODY, "ledger.away_fcm_late_share": 0.4, "usage.away.asleep_share": 0.2}
    assert "is worth it here" in away_sentences(said(chat, "socket", **alone), 16)[1]
    assert away_sentences(chat, 16) == []


def test_a_design_that_holds_no_connection_is_compared_by_its_poll(chat):
    sentences = away_sentences(chat.with_({"poll.when_away": "poll"}), 16)
    assert sentences[1].startswith("A poll in the background is hardly ever worth it")


def test_polls_in_the_background_come_in_every_hour_alike_and_only_those_in_the_app_at_its_peak(chat):
    """Servers needed = peak x what is asked in the app + what is asked away: two peaks give both."""
    calm, busy = (
        built(
            chat.with_({"poll.api.backend": "server", "poll.when_away": "poll", "usage.peak_to_mean_ratio": p}),
            "poll",
        )
        for p in (2.0, 6.0)
    )
    low, high = (only(server_needs(t.life.scenario, t.life.design, t.life, t.flows)[0]) for t in (calm, busy))
    server, month_s = calm.life.design.server, calm.life.scenario.month_s
    asked = {True: 0.0, False: 0.0}
    for flow in calm.flows:
        asked[flow.name.endswith(away.AWAY)] += only(flow.per_month * flow.requests)
    each = server.requests_per_s * server.utilisation_share * month_s
    assert asked[True] > 0 and high - low == pytest.approx(4.0 * asked[False] / each, rel=1e-9)
    assert low - 2.0 * asked[False] / each == pytest.approx(asked[True] / each, rel=1e-9)
