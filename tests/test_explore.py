"""The page's wiring without a browser: controls come from the scenario, figures are the library's own."""

import random
import re

import numpy as np
import pytest

import model
from model import checks
from model import outcome as results
from model.apps import explore
from model.apps.explore import drawing, figures, widget

SCENARIOS = ["twilly", "twilly_as_built", "polling_improved"]


def random_values(state, rng):
    """A value for every control that any person may choose; regions apart, as most lack some price."""
    return {
        c.key: rng.choice(c.stops) if c.stops else rng.choice(c.options)[0]
        for c in state.controls.values()
        if c.key != "region"
    }


def said(page, upto=widget.VALUES, **message):
    """What the page shows after a message, its work on the state done so far."""
    page._heard(None, {"n": 1, **message}, [])
    while page.stage < upto:
        page._heard(None, {"n": 1, "do": "next"}, [])
    return page.drawn


def equal_tables(cells, scenario, draws=0, kinds=(("value", ""),)):
    """The cells hold the library's table of all designs, bit for bit."""
    table = results.compare(scenario, draws=draws)
    assert list(cells) == list(model.load(scenario).designs)
    for name, column in cells.items():
        assert set(column) - {figures.PER_USER} == set(table.index)
        for row, (kind, end) in ((row, kind) for row in table.index for kind in kinds):
            value, wanted = column[row][kind], table.loc[row, f"{name}{end}"]
            assert (np.nan if value is None else float(value)) == pytest.approx(wanted, rel=0, abs=0, nan_ok=True), row


def cells_of(memory, scenario):
    return {name: memory.outcome(scenario).cells(name) for name in scenario.designs}


@pytest.fixture
def page(tmp_path):
    return explore.page("twilly_as_built", folder=tmp_path)


@pytest.mark.parametrize("name", SCENARIOS)
def test_untouched_controls_give_the_scenario_itself(name):
    state = explore.start(name)
    assert state.changes() == {} and state.scenario() is model.load(name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_control_has_unit_range_default_and_source(name):
    for control in explore.start(name).controls.values():
        assert control.hint and control.label
        if control.stops:
            assert control.unit and control.low <= control.default <= control.high
            assert control.stops[0] == control.low and control.stops[-1] == control.high
            assert control.default in control.stops and list(control.stops) == sorted(set(control.stops))
        else:
            assert control.default in dict(control.options)


def test_a_slider_goes_over_the_range_of_the_scenario():
    control, use = explore.start("twilly").controls["usage.dau_mau_share"], model.load("twilly").usage
    assert (control.low, control.high) == (use.dau_mau_share.low * 100, use.dau_mau_share.high * 100)
    assert "similarweb" in control.hint.lower() or "assum" in control.hint.lower()


@pytest.mark.parametrize("name", SCENARIOS)
def test_random_states_show_the_table_of_the_library(name):
    rng, memory, state = random.Random(11), explore.Memory(), explore.start(name)
    for _ in range(2):
        made = explore.start(name, random_values(state, rng)).scenario()
        equal_tables(cells_of(memory, made), made)


def test_each_control_alone_shows_the_table_of_the_library():
    """The page keeps a design's figures where only the other design moved; none may be an old one."""
    memory, state = explore.Memory(), explore.start("twilly_as_built")
    cells_of(memory, state.scenario())
    for key, control in state.controls.items():
        if key != "region":
            value = control.stops[0] if control.stops else control.options[-1][0]
            made = state.moved(key, value).scenario()
            equal_tables(cells_of(memory, made), made)


def test_charts_show_the_data_of_the_library():
    made = explore.start("twilly", {"after.heartbeat.period_s": 240}).scenario()
    data, fresh = explore.chart_data(explore.Memory(), made), model.evaluate(made)
    costs = model.evaluate(made, users=list(drawing.COUNTS)).values("cost")
    for k, which in enumerate(("before", "after")):
        assert data["cost"][which] == (list(drawing.COUNTS), drawing.charts.plain(costs[k][0]))
        times = getattr(fresh, which).latency_quantiles(drawing.SHARES)
        plain = drawing.charts.plain(times)
        assert data["latency"][which][0] == [None if isinstance(t, str) else t for t in plain]  # a gap where untold
        bars = data["battery"][which][0]
        assert bars[-1] == drawing.charts.plain(fresh.values("battery")[k])[0]
        shares = [n.share.mode for n in made.networks.values()]
        assert np.dot(shares, bars[:-1]) == pytest.approx(bars[-1], rel=1e-4)  # bars keep five digits


def test_active_time_keeps_sessions_and_the_rate_of_events():
    made = explore.start("twilly", {"active_min_per_day": 60}).scenario()
    assert made.usage.session_mean_s * made.usage.sessions_per_day.mode == pytest.approx(3600, rel=1e-12)
    assert made.events["notification"].per_active_day == pytest.approx(
        2 * model.load("twilly").events["notification"].per_active_day.mode, rel=1e-12
    )


def test_events_of_an_upload_are_left_alone():
    changes = explore.start("twilly", {"events_per_hour": 30}).changes()
    assert "events.stream_processing.per_active_day" not in changes and len(changes) == 7


def test_network_shares_that_do_not_add_up_are_used_in_proportion_and_it_is_said():
    state = explore.start("twilly", {"networks.lte.share": 85})
    used = {n: s.share for n, s in state.scenario().networks.items()}
    assert used == pytest.approx({"wifi": 60 / 160, "lte": 85 / 160, "nr": 15 / 160}, rel=1e-12)
    assert state.mix_sentence() == (
        "The network shares add up to 160 %, so they are used in proportion: Wi-Fi 37.5 %, LTE 53.1 %, 5G 9.4 %."
    )
    assert explore.start("twilly").mix_sentence() == ""


@pytest.mark.parametrize(
    ("key", "raw", "sentence"),
    [
        ("users", "", "Users in the month must be 100 to 10,000,000 users; the box is empty"),
        ("users", "many", "Users in the month must be 100 to 10,000,000 users; got 'many'"),
        ("users", "5", "Users in the month must be 100 to 10,000,000 users; got 5"),
        ("users", "nan", "Users in the month must be 100 to 10,000,000 users; got nan"),
        ("after.heartbeat.period_s", "-5", "Heartbeat period must be 6 to 600 s; got -5"),
        ("phone", "iPhone 140", "unknown phone 'iPhone 140'; did you mean 'iPhone 14'?"),
        ("user", "5", "unknown control 'user'; did you mean 'users'?"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_a_sentence(key, raw, sentence):
    with pytest.raises(checks.InputError) as wrong:
        explore.start("twilly").moved(key, raw)
    assert str(wrong.value) == sentence


def test_a_number_may_be_typed_with_thousands_apart():
    assert explore.start("twilly").moved("users", "1,000,000").values["users"] == 1e6


def test_shares_that_are_all_0_are_refused_and_the_page_stays(page):
    shown = page.drawn["cells"]
    zero = {k: 0 for k in page.state.controls if k.startswith("networks.")}
    drawn = said(page, do="move", values=zero)
    assert set(drawn["errors"]) == set(zero) and set(drawn["errors"].values()) == {
        f"the shares of the networks must add up to more than 0 %; got 0. {widget.KEPT}"
    }
    assert drawn["cells"] == shown
    assert said(page, do="move", values={"users": 2000})["errors"] == {}


def test_a_bad_box_is_told_beside_it_and_the_others_move(page):
    drawn = said(page, do="move", values={"users": "", "after.heartbeat.period_s": 60})
    assert list(drawn["errors"]) == ["users"] and drawn["values"]["after.heartbeat.period_s"] == 60
    assert said(page, do="move", values={"users": 500})["errors"] == {}


def test_an_option_that_no_design_has_a_price_for_cannot_be_chosen_and_is_refused_from_an_address(page):
    said(page, upto=widget.ALL, do="next")
    why = page.drawn["blocked"]["region"]["ap-southeast-6"]
    assert re.fullmatch(r"no price for \w+ in ap-southeast-6", why)
    assert "us-east-1" not in page.drawn["blocked"]["region"]
    drawn = said(page, do="move", values={"region": "ap-southeast-6"})
    assert drawn["errors"]["region"] == f"{why}. {widget.KEPT}"
    assert drawn["values"]["region"] == "us-east-1"
    assert said(page, do="move", values={"users": 500})["errors"] == {}


def test_a_region_that_lacks_the_prices_of_some_designs_says_so_of_these_and_they_are_never_best(tmp_path):
    page = explore.page("chat", folder=tmp_path)
    drawn = said(page, do="move", values={"region": "mx-central-1"})
    lacking = [name for name, cells in drawn["cells"].items() if cells["cost"]["value"] is None]
    assert 0 < len(lacking) < len(drawn["cells"]) and 0 < len(drawn["notes"]) <= len(lacking)
    assert all(re.match(r"cost of .* is n/a: no price for \S+ .*in mx-central-1", note) for note in drawn["notes"])
    assert not {*lacking} & {*next(row["best"] for row in drawn["rows"] if row["measure"] == "cost")}


def test_only_a_websocket_is_offered_compression_and_the_gateway_and_every_offer_can_be_worked_out():
    made = explore.start("chat_every_way")
    transports = {name: design.transport for name, design in made.base.designs.items()}
    for end in (".socket.deflate", ".socket.backend"):
        offered = {key.removesuffix(end) for key in made.controls if key.endswith(end)}
        assert offered and {transports[name] for name in offered} == {"websocket"}
    for key, control in made.controls.items():
        name = key.split(".")[0]
        if name in transports and control.options:
            for option, _ in control.options:
                assert np.isfinite(model.evaluate(made.moved(key, option).scenario()).values("cost", name)).all(), key


def test_what_was_told_of_a_message_is_gone_with_the_next_and_red_boxes_are_not_saved(page):
    assert list(said(page, do="save", name="no/name")["errors"]) == ["save"]
    assert said(page, do="move", values={"users": "many"})["errors"].keys() == {"users"}
    drawn = said(page, do="save", name="mine")
    assert "put right before it is saved: Users in the month" in drawn["errors"]["save"]
    assert not (page.folder / "mine.yaml").exists()


def test_a_folder_called_like_a_scenario_and_a_file_nobody_can_read_are_not_offered(page):
    (page.folder / "dir.yaml").mkdir()
    (page.folder / ".lock.yaml").symlink_to(page.folder / "nowhere")
    (page.folder / "own.yaml").write_text("extends: twilly\n")
    said(page, do="reset")
    assert [c for c in page.listed["choices"] if "/" in c] == [str(page.folder / "own.yaml")]


def test_a_fault_of_the_model_is_a_sentence_and_not_the_end(page, monkeypatch):
    monkeypatch.setattr(widget.PageWidget, "do_reset", lambda *a: 1 / 0)
    assert said(page, do="reset")["errors"] == {
        "reset": f"This could not be worked out (ZeroDivisionError). {widget.KEPT}"
    }
    assert said(page, do="move", values={"users": 500})["values"]["users"] == 500


def test_the_words_name_the_move_its_largest_effect_and_the_flow_behind_it(page):
    drawn = said(page, do="move", values={"after.heartbeat.period_s": 240})
    push = page.state.base.after.title
    assert drawn["words"].startswith(f"Heartbeat period ({push}) from 30 s to 240 s: battery with {push} falls by")
    drawn = said(page, upto=widget.ALL, do="next")
    assert drawn["why"].startswith(f"Why, battery with {push}: heartbeat -")
    last, first = (
        model.evaluate(s.scenario()).by_flow("battery").loc["heartbeat", "after"]
        for s in (page.state, explore.start("twilly_as_built"))
    )
    assert f"heartbeat {last - first:+.3g}," in drawn["why"]


def test_a_choice_is_told_with_its_design_and_what_it_takes_the_place_of():
    old = explore.start("twilly")
    told = old.moved("before.api.backend", "server").settings_since(old)
    assert told == (
        "Requests are served by (HTTP polling on API Gateway): a plain server instead of API Gateway HTTP API"
    )


def test_a_move_that_changes_nothing_says_so():
    state = explore.start("twilly")
    outcome = model.evaluate(state.scenario())
    told = explore.changed_words(state, state, outcome, outcome)
    assert told.endswith("no figure moves by more than 0.1 %.")
    assert explore.reason_words(outcome, outcome) == ""


def test_a_pinned_state_stays_while_the_other_moves(page):
    first = said(page, upto=widget.ALL, do="next")
    said(page, do="pin")
    drawn = said(page, upto=widget.ALL, do="move", values={"users": 1e6})
    assert drawn["pinned"]["cells"] == first["cells"] and drawn["cells"] != first["cells"]
    names = [t["name"] for t in page.traces["traces"]["cost"]]
    assert names == ["before", "after", "pinned before", "pinned after"]
    assert said(page, do="pin")["pinned"] is None and len(page.traces["traces"]["cost"]) == 2


def test_the_page_opens_with_the_sentences_of_the_answer_and_fills_in_the_ranges_of_the_library(tmp_path):
    page = explore.page("chat", folder=tmp_path)
    drawn = said(page, upto=widget.ALL, do="next")
    whole = model.answer("chat", draws=figures.DRAWS)
    assert drawn["answer"] == list(whole.parts["choose"]) and drawn["answer"][0].startswith("To tell people within")
    ends = (("middle", ""), ("low", "_low"), ("high", "_high"))
    equal_tables(drawn["cells"], page.state.scenario(), figures.DRAWS, ends)
    equal_tables(drawn["cells"], page.state.scenario())


def test_a_move_that_flips_the_answer_is_told_with_both_designs_and_what_was_moved(tmp_path):
    page = explore.page("chat", folder=tmp_path)
    assert said(page, upto=widget.ANSWER, do="next")["flip"] == ""
    drawn = said(page, upto=widget.ANSWER, do="move", values={"users": 100})
    assert drawn["flip"] == (
        "The answer has changed: within 10 and 60 s it is now WebSocket on API Gateway, no longer WebSocket on own"
        " servers. What was moved: Users in the month from 1,000 users to 100 users."
    )


def test_the_page_of_an_app_that_tells_nobody_anything_says_so_and_draws_the_rest(tmp_path):
    path = tmp_path / "quiet.yaml"
    message = "{per_active_day: 0, recipients: 1, online_share: 1, payload_bytes: 9}"
    designs = "{poll: poll_http_api, push: websocket_api_gateway}"
    path.write_text(
        f"title: quiet\nusers: 1000\nregion: us-east-1\nevents: {{message: {message}}}\ndesigns: {designs}\n"
    )
    drawn = said(explore.page(str(path), folder=tmp_path), upto=widget.ALL, do="next")
    assert drawn["answer"][0].startswith("There is no answer: an event must be sent") and drawn["errors"] == {}
    assert drawn["cells"]["push"]["cost"]["value"] > 0 and len(drawn["notes"]) == 1


def test_the_words_of_a_flip_name_both_designs_their_limits_and_the_move():
    was, now = {1.0: "A", 10.0: "A", 60.0: "C"}, {1.0: "B", 10.0: "B", 60.0: "C"}
    told = drawing.flip_words(was, now, "Users from 1 to 2")
    assert (
        told == "The answer has changed: within 1 and 10 s it is now B, no longer A. What was moved: Users from 1 to 2."
    )
    assert drawing.flip_words(was, was, "x") == "" and drawing.flip_words({}, now, "x") == ""


def test_what_a_user_costs_is_the_bill_over_the_users(page):
    for cells in page.drawn["cells"].values():
        assert cells["cost per user"]["value"] == pytest.approx(cells["cost"]["value"] / 10_000, rel=1e-12)


def test_a_state_is_worked_on_in_slices_between_which_another_move_comes_first(page, monkeypatch):
    monkeypatch.setattr(widget, "SLICE_S", 0.0)
    page._heard(None, {"n": 1, "do": "move", "values": {"users": 500}}, [])
    assert page.drawn["fresh"] == ["before"] and page.drawn["stage"] == 0
    drawn = said(page, do="move", values={"users": 2000})
    assert drawn["fresh"] == list(page.state.base.designs)
    monkeypatch.setattr(widget, "SLICE_S", 1e9)
    shown = [said(page, upto=0, do="next")["stage"] for _ in range(3)]
    assert shown == [widget.RANGES, widget.ANSWER, widget.ALL]
    equal_tables(drawn["cells"], page.state.scenario())


def test_reset_goes_back_to_the_scenario(page):
    first = {name: {row: c["value"] for row, c in cells.items()} for name, cells in page.drawn["cells"].items()}
    said(page, do="move", values={"users": 1e6, "phone": "iPhone 12"})
    back = said(page, do="reset")["cells"]
    assert {
        name: {row: c["value"] for row, c in cells.items()} for name, cells in back.items()
    } == first and page.state.changed == {}


def test_another_scenario_brings_its_own_controls(page):
    drawn = said(page, do="scenario", name="polling_improved")
    equal_tables(drawn["cells"], "polling_improved")
    keys = [c["key"] for c in page.listed["controls"]]
    assert "before.timers.content.period_s" not in keys and drawn["name"] == "polling_improved"


def test_two_pages_each_have_their_own_state(page, tmp_path):
    other = explore.page("twilly_as_built", folder=tmp_path)
    said(page, do="move", values={"users": 777})
    assert other.drawn["values"]["users"] == 10_000


def test_a_saved_move_of_one_design_leaves_those_that_are_like_it_alone(tmp_path):
    """Twilly's built designs are `like` the documented ones, and a file's `like` copies what that file has changed."""
    moved = {"before.timers.content.period_s": 50, "after.heartbeat.period_s": 240, "after.socket.deflate": "true"}
    state = explore.start("twilly", moved)
    again, made = model.load(explore.saved(state, "mine", tmp_path)), state.scenario()
    assert (
        again.designs == made.designs
        and again.designs["push_improved"] == model.load("twilly").designs["push_improved"]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_saved_state_reads_back_to_the_same_numbers(name, tmp_path):
    state = explore.start(name, random_values(explore.start(name), random.Random(5)))
    path = explore.saved(state, "mine", tmp_path)
    again = model.load(path)
    assert path == tmp_path / "mine.yaml" and again.name == "mine"
    assert results.compare(again).equals(results.compare(state.scenario()))


def test_a_saved_scenario_can_be_chosen_moved_and_saved_again(page, tmp_path):
    said(page, do="move", values={"users": 500})
    drawn = said(page, do="save", name="one")
    assert "workbook table" in drawn["saved"] and str(tmp_path / "one.yaml") in page.listed["choices"]
    said(page, do="scenario", name=str(tmp_path / "one.yaml"))
    said(page, do="move", values={"after.heartbeat.period_s": 60})
    said(page, do="save", name="two")
    two = model.load(tmp_path / "two.yaml")
    assert two.users == 500 and two.after.heartbeat.period_s == 60


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "the name must begin with a plain letter or a digit and go on with at most 63 of them"),
        *(
            (n, "the name must begin with a plain letter or a digit")
            for n in ("../away", "/tmp/x", "..", ".a", "a\0", "a/b")
        ),
        ("Con", "'Con' is the name of a device on Windows"),
        ("lpt1.old", "'lpt1.old' is the name of a device on Windows"),
        ("twilly", "'twilly' is a scenario of the project; choose another name"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name, sentence, tmp_path):
    with pytest.raises(checks.InputError, match="^" + sentence.replace(".", r"\.").split(";")[0]):
        explore.saved(explore.start("twilly"), name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "mine.yaml").write_text("kept", encoding="utf-8")
    with pytest.raises(checks.InputError, match="'mine' is there already"):
        explore.saved(explore.start("twilly"), "mine", tmp_path)
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "kept"


def test_a_link_that_leads_nowhere_is_left_alone(tmp_path):
    (tmp_path / "mine.yaml").symlink_to(tmp_path / "away")
    with pytest.raises(checks.InputError, match="'mine' is there already"):
        explore.saved(explore.start("twilly"), "mine", tmp_path)
    assert (tmp_path / "mine.yaml").is_symlink() and not (tmp_path / "away").exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../other.yaml", "nowhere"])
def test_a_page_opens_only_the_scenarios_that_it_offers(page, name):
    """A message can ask for any file: what is in it must not come back, not even in an error."""
    drawn = said(page, do="scenario", name=name)
    assert drawn["errors"]["scenario"].startswith(f"unknown scenario {name!r}; ") and drawn["name"] == "twilly_as_built"
    assert "root:" not in str(drawn["errors"])


def test_a_state_of_an_address_is_shown_and_what_it_cannot_be_is_told(page):
    drawn = said(page, do="state", name="twilly_improved", values={"users": "5000", "user": "1", "phone": "none"})
    assert drawn["name"] == "twilly_improved" and drawn["values"]["users"] == 5000
    assert drawn["errors"] == {
        "user": "unknown control 'user'; did you mean 'users'?",
        "phone": drawn["errors"]["phone"],
    }
    drawn = said(page, do="state", name="", values={})
    assert drawn["name"] == "twilly_as_built" and drawn["errors"] == {} and drawn["values"]["users"] == 10_000
    assert said(page, do="state", name="/etc/passwd", values={})["name"] == "twilly_as_built"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(checks.InputError, match="the scenario cannot be written"):
        explore.saved(explore.start("twilly"), "mine", tmp_path / "nowhere")


def test_the_memory_of_past_states_does_not_grow():
    memory, state = explore.Memory(), explore.start("twilly")
    for stop in state.controls["after.heartbeat.period_s"].stops[:30]:
        memory.outcome(state.moved("after.heartbeat.period_s", stop).scenario())
    assert [len(kept) for kept in memory.outcomes.values()] == [figures.KEPT]


@pytest.mark.parametrize("draws", [0, 16])
def test_a_move_of_one_design_keeps_the_figures_of_the_others(draws):
    memory, state = explore.Memory(), explore.start("twilly")
    first = memory.outcome(state.scenario(), draws=draws)
    cost = first.before.total("cost")
    moved = memory.outcome(state.moved("after.heartbeat.period_s", 240).scenario(), draws=draws)
    assert moved.before is first.before and moved.after is not first.after
    assert moved.before.total("cost") is cost  # worked out once
    shared = memory.outcome(state.moved("phone", "iPhone 12").scenario(), draws=draws)
    assert shared.before is not first.before and shared.after is not first.after


def test_a_side_lets_the_points_of_its_deliveries_go_and_keeps_its_figures():
    outcome = explore.Memory().outcome(explore.start("twilly_as_built").scenario(), draws=16)
    cells = {name: dict(outcome.cells(name)) for name in outcome.scenario.designs}
    assert all({*figures.POINTS} <= {*side.traffic.memo} for side in outcome.sides.values())
    outcome.let_go()
    assert all(not {*figures.POINTS} & {*side.traffic.memo} for side in outcome.sides.values())
    assert {name: outcome.cells(name) for name in cells} == cells


def test_the_page_names_no_address_outside_this_machine():
    for name in ("page.js", "page.css"):
        assert "http" not in (widget.STATIC / name).read_text(encoding="utf-8")


def test_a_stored_page_shows_its_table_and_nothing_random(page):
    data, _ = page._repr_mimebundle_()
    other, _ = explore.page("twilly_as_built", folder=page.folder)._repr_mimebundle_()
    assert data["text/html"] == other["text/html"] and "<table>" in data["text/html"]
    assert data["text/plain"] == other["text/plain"]
