"""Designs by name: the eleven decisions of how files, copies, paths and draws work, and each error they name."""

import json
import re

import numpy as np
import pytest

import model
from model import scenario
from model.checks import InputError
from model.scenario import PollingDesign, WebsocketDesign, sampling

CHAT = """\
users: 5000
events:
  message: {per_active_day: 3, recipients: 2, online_share: 0.5, payload_bytes: 200}
"""
TWO = "designs: {poll: {like: poll_http_api}, push: {like: websocket_api_gateway}}\n"


@pytest.fixture
def load(tmp_path):
    def loaded(text, name="chat"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return scenario.load(path)

    return loaded


@pytest.fixture
def chat(load):
    return load(CHAT + TWO)


def refused(load, text):
    with pytest.raises(InputError) as wrong:
        load(text)
    return str(wrong.value)


# 1 names and paths


def test_a_path_starts_at_the_app_at_a_designs_name_or_at_designs(chat):
    short, long = (chat.with_({f"{start}push.heartbeat.period_s": 60}) for start in ("", "designs."))
    assert short == long and short.designs["push"].heartbeat.period_s == 60
    assert chat.with_({"users": 7}).users == 7


@pytest.mark.parametrize("name", ["Push", "1push", "pu-sh", "users", "pair", "best", "unit", "measure", "both", "like"])
def test_a_name_is_small_letters_and_no_word_with_another_meaning(load, name):
    said = refused(load, f"{CHAT}designs: {{{name}: {{like: poll_http_api}}}}")
    assert re.match("designs: a name must be (small letters, digits and '_'|no word with another meaning); got ", said)


def test_a_path_that_leads_nowhere_offers_designs_too(chat):
    with pytest.raises(
        InputError, match="unknown parameter 'pushh.title': a scenario has no 'pushh'; did you mean 'push'"
    ):
        chat.with_({"pushh.title": "x"})
    with pytest.raises(
        InputError, match=r"unknown parameter 'push.hartbeat': push has no 'hartbeat'; did you mean 'hea"
    ):
        chat.with_({"push.hartbeat": 1})


def test_an_error_in_a_file_names_the_design_and_not_the_kind_of_design(load):
    wrong = TWO.replace("websocket_api_gateway", "websocket_api_gateway, heartbeat: {period_s: -1}")
    assert refused(load, CHAT + wrong).startswith("push.heartbeat.period_s must be > 0 s; got -1")


# 2 files of version 1


def test_before_and_after_at_the_top_are_designs_of_those_names(load):
    top = load(CHAT + "before: {like: poll_http_api}\nafter: {like: websocket_api_gateway}\n")
    assert list(top.designs) == ["before", "after"] and top.compared == ("before", "after")
    assert isinstance(top.before, PollingDesign) and isinstance(top.after, WebsocketDesign)


def test_a_design_at_the_top_and_under_designs_is_refused(load):
    said = refused(load, CHAT + "before: poll_http_api\ndesigns: {before: poll_http_api}\n")
    assert said.startswith("before must stand once; it stands alone and under designs (")


# 3 the order of extends, like, own keys and null


def test_like_copies_what_the_files_gave_and_its_own_keys_and_nulls_come_last(load, tmp_path):
    load(CHAT + TWO, "base")
    case = load(
        "extends: base\ndesigns:\n  push: {heartbeat: {period_s: 99}}\n"
        "  calm: {like: push, heartbeat: {pong_timeout_s: 3}}\n",
        "mine",
    )
    calm = case.designs["calm"]
    assert calm.heartbeat.period_s == 99 and calm.heartbeat.pong_timeout_s == 3
    assert case.designs["push"].heartbeat.pong_timeout_s.mode == 10


def test_null_takes_a_design_away_that_others_may_still_copy(load):
    load(CHAT + TWO, "base")
    case = load("extends: base\ndesigns: {poll: null, slow: {like: poll, timers: {poll: {period_s: 60}}}}\n", "mine")
    assert list(case.designs) == ["push", "slow"] and case.designs["slow"].timers["poll"].period_s == 60


def test_a_design_given_as_a_name_takes_the_place_of_the_one_that_was_there(load):
    load(CHAT + TWO, "base")
    case = load("extends: base\ndesigns: {push: websocket_own_server}\n", "mine")
    assert case.designs["push"].socket.backend == "server" and case.designs["push"].title == "WebSocket on own servers"


def test_the_files_own_design_comes_before_the_catalogues(load):
    case = load(
        CHAT + "designs:\n  poll_http_api: {like: poll_http_api, timers: {poll: {period_s: 77}}}\n"
        "  other: {like: poll_http_api}\n"
    )
    assert case.designs["other"].timers["poll"].period_s == 77


@pytest.mark.parametrize("designs", ["{a: {like: b}, b: {like: a}}", "{a: {like: b}, b: {like: c}, c: {like: b}}"])
def test_a_circle_is_refused(load, designs):
    assert re.search(r"\w\.like must not lead back to itself; got '\w'", refused(load, f"{CHAT}designs: {designs}"))


def test_an_unknown_design_offers_the_nearest(load):
    said = refused(load, CHAT + "designs: {poll: {like: poll_htp_api}}")
    assert said.startswith("unknown design 'poll_htp_api' in poll.like; did you mean 'poll_http_api'?")


def test_a_change_reaches_the_design_named_and_none_that_was_like_it(load):
    case = load(CHAT + TWO[:-2] + ", twin: {like: push}}")
    changed = case.with_({"push.heartbeat.period_s": 5})
    assert changed.designs["twin"] == case.designs["twin"]
    assert changed.designs["push"].heartbeat.period_s == 5


@pytest.mark.parametrize("text", ["designs: {}", "", "designs: {poll: null}"])
def test_no_design_at_all_is_refused(load, text):
    assert refused(load, CHAT + text).startswith("designs must hold at least one design; got none")


def test_designs_that_are_no_mapping_and_a_design_that_is_none_are_refused(load):
    assert refused(load, CHAT + "designs: [poll]").startswith(
        "designs must be a mapping of designs by name; got ['poll']"
    )
    assert refused(load, CHAT + "designs: {poll: 3}").startswith(
        "poll must be a mapping or the name of a design; got 3"
    )


# 4 another transport


def test_another_transport_keeps_of_the_copy_what_it_knows(load):
    case = load(
        CHAT + TWO[:-2] + ", asked: {like: push, transport: polling, timers: {t: {period_s: 9, request_bytes: 1,"
        " response_bytes: 1, function: read}}}}"
    )
    assert isinstance(case.designs["asked"], PollingDesign)
    assert case.designs["asked"].functions["send"] == case.designs["push"].functions["send"]
    timers = {
        "push.transport": "polling",
        "push.timers": {
            "t": {"period_s": 9, "request_bytes": 1, "response_bytes": 1, "function": "read", "delivers": ["message"]}
        },
    }
    assert isinstance(case.with_(timers).designs["push"], PollingDesign)


def test_what_a_transport_does_not_know_is_refused_in_the_design_itself(load):
    said = refused(load, CHAT + "designs: {poll: {like: poll_http_api, heartbeat: {period_s: 3}}}")
    assert said.startswith("poll.heartbeat must be left out, for a polling design has none")


def test_an_unknown_transport_is_refused(load):
    said = refused(load, CHAT + "designs: {poll: {transport: pigeon}}")
    known = "'polling', 'long_polling', 'sse', 'websocket' or 'mqtt'"
    assert said.startswith(f"poll.transport must be {known}; got 'pigeon'")


@pytest.mark.parametrize("given", [{"a": 1}, ["polling"]])
def test_a_transport_that_is_no_word_is_refused_in_a_copy_and_in_a_change(load, given):
    said = refused(load, CHAT + f"designs: {{poll: {{like: poll_http_api, transport: {json.dumps(given)}}}}}")
    assert said.startswith("poll.transport must be 'polling',")
    with pytest.raises(InputError, match="push.transport must be 'polling',"):
        load(CHAT + TWO).with_({"push.transport": given})


# 5 collections that replace the blank's


def test_shares_and_events_of_a_file_replace_the_blanks_and_merge_under_extends(load):
    base = load(
        CHAT + TWO + "networks: {office: {share: 1, profiles: [wifi_huang2012], rtt_s: 0.02, rtt_sigma_ln: 0.1,"
        " metered: false, drx_s: 0, paging_s: 0, losses_per_hour: 0, unseen_share: 0, nat_timeout_s: 600}}\n"
        "screens: {list: {share: 0.4}, chat: {share: 0.6}}\n",
        "base",
    )
    assert list(base.networks) == ["office"] and list(base.screens) == ["list", "chat"]
    more = load(
        "extends: base\nevents: {seen: {per_active_day: 1, recipients: 1, online_share: 1, payload_bytes: 9}}", "more"
    )
    assert list(more.events) == ["message", "seen"] and list(more.screens) == ["list", "chat"]


def test_usage_that_a_file_names_in_part_keeps_the_rest_of_the_blanks(load):
    case = load(CHAT + TWO + "usage: {sessions_per_day: 9}")
    assert case.usage.sessions_per_day == 9 and case.usage.session_mean_s.mode == 600


# 6 draws


def test_designs_that_are_alike_through_like_tie_in_every_draw_and_a_change_moves_one_alone(load):
    case = load(CHAT + TWO[:-2] + ", twin: {like: push}}")
    outcome = model.evaluate(case, draws=64, seed=1)
    for row in model.compare(case).index:
        np.testing.assert_array_equal(outcome.values(row, "push"), outcome.values(row, "twin"))
    moved = model.evaluate(case.with_({"twin.heartbeat.period_s": 20}), draws=64, seed=1)
    np.testing.assert_array_equal(moved.values("battery", "push"), outcome.values("battery", "push"))
    assert (moved.values("battery", "twin") > outcome.values("battery", "twin")).all()
    table = model.before_after(case, draws=64, pair=("push", "twin"))
    assert set(table["p_better"]) == {0.5}  # ties count as half


def test_a_range_alike_is_one_column_by_its_first_design_and_own_separates_it(load):
    case = load(CHAT + TWO[:-2] + ", twin: {like: push}}")
    inputs = sampling.ranged_inputs(case)
    assert "push.socket.blocked_share" in inputs and not any(name.startswith("twin.") for name in inputs)
    apart = load(CHAT + TWO[:-2] + ", twin: {like: push, own: true}}")
    assert {"push.socket.blocked_share", "twin.socket.blocked_share"} <= set(sampling.ranged_inputs(apart))
    drawn = sampling.resolved(apart, draws=8).designs
    assert (drawn["push"].socket.blocked_share != drawn["twin"].socket.blocked_share).all()


def test_both_stays_readable_and_with_takes_every_name_that_a_table_prints(chat):
    alike = chat.with_({"both.api.idle_timeout_s": 7})
    assert {design.api.idle_timeout_s for design in alike.designs.values()} == {7}
    tied = {"correlations": [{"between": ["both.api.idle_timeout_s", "users_"], "rank": 0.5}]}
    with pytest.raises(InputError, match="unknown ranged input 'users_'"):
        chat.with_(tied)
    tied["correlations"][0]["between"][1] = "usage.session_mean_s"
    assert chat.with_(tied).correlations[0].between[0] == "both.api.idle_timeout_s"
    for name in model.evaluate(chat).explain("cost")["inputs"].index:
        if "operations" not in name:
            chat.with_({name: sampling.ranged_inputs(chat)[name].mode})


# 7 what the app has


def test_a_designs_host_and_functions_are_the_apps_unless_it_has_its_own(load):
    case = load(
        CHAT + "server: {instance: t4g_small}\nactions: {send: {per_active_day: 3, requests: 1, "
        "request_bytes: 300, response_bytes: 100, function: write}}\n"
        "designs: {poll: {like: poll_own_server}, push: {like: websocket_own_server, "
        "functions: {write: {memory_mb: 512}}}}"
    )
    poll, push = case.designs["poll"], case.designs["push"]
    assert poll.server.instance == push.server.instance == "t4g_small"
    assert poll.functions["write"].memory_mb == 128 and push.functions["write"].memory_mb == 512
    assert push.functions["write"].cpu_s == case.functions["write"].cpu_s
    moved = case.with_({"server.instance": "t4g_large"})
    assert {d.server.instance for d in moved.designs.values()} == {"t4g_large"}


# 8 a payload of its own


def test_a_design_may_push_another_payload_than_the_event_has(chat):
    flows = {f.name: f for f in model.traffic.flows("push", chat.with_({"push.pushes.message.payload_bytes": 900}))}
    assert flows["push message"].response_bytes == 900
    assert {f.name: f for f in model.traffic.flows("push", chat)}["push message"].response_bytes == 200


# 9 claims


def test_claims_name_and_title_are_those_of_the_files_own(load):
    case = load("extends: twilly\nusers: 500\n", "mine")
    assert (case.claims, case.name, case.title) == (None, "mine", "mine")
    assert load("extends: twilly\nclaims: twilly\n", "mine2").claims == "twilly"


# 10 pairs, one design, replacing


def test_the_pair_is_before_and_after_or_the_first_two_or_the_one_asked_for(load, chat):
    assert chat.compared == ("poll", "push") and chat.before is chat.designs["poll"]
    turned = model.before_after(chat, pair=("push", "poll"))
    plain = model.before_after(chat)
    assert (turned["before"] == plain["after"]).all() and (turned["after"] == plain["before"]).all()
    assert chat.with_({"pair": ["push", "poll"]}).compared == ("push", "poll")
    with pytest.raises(InputError, match="unknown design 'pull'; did you mean 'p"):
        model.before_after(chat, pair=("pull", "push"))
    with pytest.raises(InputError, match="pair must be the names of two designs; got 'poll'"):
        model.before_after(chat, pair="poll")
    one = load(CHAT + "designs: {poll: {like: poll_http_api}}", "one")
    with pytest.raises(InputError, match="a table of before and after needs two designs; got only 'poll'"):
        model.before_after(one)
    assert list(model.compare(one).columns) == ["unit", "poll", "best"]


def test_before_and_after_stand_for_the_pair_where_no_design_bears_the_name(chat):
    assert chat.with_({"after.heartbeat.period_s": 9}).designs["push"].heartbeat.period_s == 9
    assert model.evaluate(chat)["after"].traffic.life.design == model.evaluate(chat)["push"].traffic.life.design


def test_one_design_is_asked_for_by_name_and_replaced_by_with_design(chat):
    outcome = model.evaluate(chat, users=[1e3, 1e4])
    before, after = outcome.values("cost")
    np.testing.assert_array_equal(outcome.values("cost", "push"), after)
    np.testing.assert_array_equal(np.ravel(outcome["poll"].total("cost")), before[0])
    swapped = chat.with_design("push", chat.designs["poll"])
    assert swapped.after == chat.before and chat.after != chat.before


def test_a_copy_that_would_be_ignored_cannot_happen(chat):
    with pytest.raises(InputError, match="unknown field of Scenario 'after'"):
        chat.model_copy(update={"after": chat.before})
    with pytest.raises(InputError, match="unknown field of WebsocketDesign 'hartbeat'; did you mean 'heartbeat'"):
        chat.after.model_copy(update={"hartbeat": None})


def test_compare_has_a_column_a_design_and_names_the_least(chat):
    table = model.compare(chat, draws=32)
    assert list(table.columns[:4]) == ["unit", "poll", "push", "best"]
    for _, row in table.iterrows():
        low, high = ("poll", "push") if row["poll"] < row["push"] else ("push", "poll")
        assert row["best"] == (high if row.name.startswith("told in time") else low)
        assert row["poll_low"] <= row["poll"] <= row["poll_high"] and 0 <= row["p_best"] <= 1
    assert list(model.compare(chat, ["push"], users=[10, 100]).index.names) == ["users", "measure"]


def test_by_flow_of_named_designs_adds_up_to_each(chat):
    outcome = model.evaluate(chat)
    parts = outcome.by_flow("cost", ["push", "poll"])
    assert list(parts.columns) == ["push", "poll"]
    for name in parts:
        assert parts[name].sum() == pytest.approx(float(np.ravel(outcome[name].total("cost"))[0]), rel=1e-9)


# 11 a design without a figure


def test_a_design_without_a_price_stays_in_the_table_and_never_wins(load):
    case = load(
        CHAT + "region: ap-southeast-6\ndesigns: {poll: {like: poll_own_server}, push: {like: websocket_api_gateway}}"
    )
    table = model.compare(case)
    lacking = {design for design, row in table.attrs["notes"] if row == "cost"}
    for design in ("poll", "push"):
        assert np.isnan(table.loc["cost", design]) == (design in lacking)
    assert "push" in lacking and table.loc["cost", "best"] == ("poll" if "poll" not in lacking else "")
    assert table.loc["battery", "best"] in ("poll", "push")


# the catalogue and the blank


@pytest.mark.parametrize("name", model.catalogue().index)
def test_every_design_of_the_catalogue_serves_an_app_of_a_few_lines(load, name):
    case = load(f"{CHAT}designs: {{one: {name}, other: poll_http_api}}")
    table = model.compare(case)
    assert np.isfinite(table["one"]).all() and (table["one"] > 0).all()
    assert model.catalogue().loc[name, "transport"] == case.designs["one"].transport


def test_every_default_of_the_blank_has_a_range_with_a_source_or_is_a_choice(chat):
    for name, one in sampling.ranged_inputs(chat).items():
        assert one.source, name
        assert one.low < one.high
