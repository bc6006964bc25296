"""A scenario file says what it means, and every mistake in it is one sentence."""

import json
import warnings

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import checks, ledger, scenario
from model.checks import InputError
from model.paths import data
from model.scenario import origins, sampling
from tools.schema import schema as schema_of_the_code


@pytest.fixture()
def twilly():
    return scenario.load("twilly")


def written(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: twilly\n" + text, encoding="utf-8")
    return path


def refused(tmp_path, text: str) -> str:
    with pytest.raises(InputError) as wrong:
        scenario.load(written(tmp_path, text))
    sentence = str(wrong.value)
    assert "\n" not in sentence and "mine.yaml" in sentence
    return sentence


def test_a_file_that_extends_another_keeps_the_rest(tmp_path, twilly):
    mine = scenario.load(written(tmp_path, "users: 1e3\nafter: {heartbeat: {period_s: 240}}\n"))
    assert mine.users == 1000.0
    assert mine.after.heartbeat.period_s == 240.0
    assert mine.after.socket == twilly.after.socket


def test_with_replaces_a_range_by_the_number(twilly):
    assert twilly.with_({"usage.dau_mau_share": 0.5}).usage.dau_mau_share == 0.5


def test_a_misspelt_key_offers_the_nearest(tmp_path):
    assert refused(tmp_path, "after: {hartbeat: {period_s: 5}}").startswith(
        "unknown key 'after.hartbeat'; did you mean 'heartbeat'?"
    )


def test_a_negative_period_is_refused_with_rule_value_and_place(tmp_path):
    assert refused(tmp_path, "after: {heartbeat: {period_s: -5}}").startswith(
        "after.heartbeat.period_s must be > 0 s; got -5 ("
    )


def test_text_is_no_number(tmp_path):
    assert "after.heartbeat.period_s must be a number; got '30s'" in refused(
        tmp_path, "after: {heartbeat: {period_s: 30s}}"
    )


def test_no_is_text_and_not_silently_false(tmp_path):
    assert "free_tier must be" in refused(tmp_path, "free_tier: no")


def test_clock_time_is_text_and_not_silently_750(tmp_path):
    assert "after.heartbeat.period_s must be a number; got '12:30'" in refused(
        tmp_path, "after: {heartbeat: {period_s: 12:30}}"
    )


def test_1e3_is_a_number(tmp_path):
    assert scenario.load(written(tmp_path, "users: 1e3")).users == 1000.0


def test_nan_is_no_number(tmp_path):
    assert "users must be a number; got NaN" in refused(tmp_path, "users: .nan")


def test_a_share_over_one_is_refused(tmp_path):
    assert "usage.dau_mau_share must be > 0 and at most 1; got 1.5" in refused(tmp_path, "usage: {dau_mau_share: 1.5}")


def test_screens_must_add_up_to_one(tmp_path):
    assert "screens: the shares must add up to 1; got 1.3" in refused(tmp_path, "screens: {watching: {share: 0.9}}")


def test_an_event_that_nothing_delivers_is_named(tmp_path):
    assert "event 'new_comment' is delivered by no timer, push or refresh of before, so it never arrives" in refused(
        tmp_path, "before: {timers: {unread_counts: {delivers: [comment_liked]}}}"
    )


def test_a_file_that_is_no_mapping_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("- 1\n- 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="a scenario must be a mapping; got"):
        scenario.load(path)


def test_a_tag_that_builds_objects_is_refused_with_its_line(tmp_path):
    assert "YAML tags must not be used; got '!!python/object/apply:os.system'" in refused(
        tmp_path, "users: !!python/object/apply:os.system ['true']"
    )


def test_a_duplicate_key_is_refused_with_its_line(tmp_path):
    sentence = refused(tmp_path, "users: 1\nusers: 2\n")
    assert "key 'users' must stand once" in sentence and "mine.yaml:3" in sentence


def test_broken_yaml_is_refused_with_its_line(tmp_path):
    assert "the file must be YAML" in refused(tmp_path, "users: [1,")


def test_an_unknown_scenario_offers_the_nearest():
    with pytest.raises(InputError, match="unknown scenario 'twily'; did you mean 'twilly'?"):
        model.load("twily")


@pytest.mark.parametrize("base", ["mine", "mine.yaml"])
def test_a_file_extends_its_neighbour_wherever_the_command_runs(tmp_path, base):
    written(tmp_path, "users: 700\n")
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {base}\nname: other\n", encoding="utf-8")
    assert scenario.load(other).users == 700.0


@pytest.mark.parametrize(
    ("base", "sentence"),
    [("twily", "unknown scenario 'twily'; did you mean 'twilly'?"), ("gone.yaml", "no scenario file at 'gone.yaml'")],
)
def test_an_unknown_origin_is_named_with_the_file_that_asks_for_it(tmp_path, base, sentence):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {base}\n", encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        scenario.load(path)
    assert str(wrong.value).startswith(sentence) and str(wrong.value).endswith("mine.yaml)")


def test_a_missing_file_is_one_sentence():
    with pytest.raises(InputError, match="no scenario file at 'nowhere/mine.yaml'"):
        model.load("nowhere/mine.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("before: {timers: {unread_counts: {delivers: [new_coment]}}}", "unknown event 'new_coment'"),
        ("region: us-east-9", "unknown region 'us-east-9'"),
        ("phone: iPhone 140", "unknown phone 'iPhone 140'"),
        ("networks: {lte: {profiles: [lte_huang]}}", "unknown radio profile 'lte_huang'"),
        ("before: {timers: {unread_counts: {screens: [watchin]}}}", "unknown screen 'watchin'"),
        ("ledger: {apigw_http: 1}", "unknown ledger row 'apigw_http'"),
        ("usage: {dau_mau_share: {low: 0.5, mode: 0.2, high: 0.9}}", "must have low <= mode <= high"),
        ("usage: {dau_mau_share: {share: 1, rtt_s: 2, drx_s: 3}}", "unknown key 'share' and 2 more; known: mode, low,"),
        ("usage: {dau_mau_share: {low: 0.1, mod: 0.2}}", "has an unknown key 'mod'; did you mean 'mode'?"),
        (
            "after: {transport: carrier_pigeon}",
            "after.transport must be 'polling', 'long_polling', 'sse', 'websocket' or 'mqtt'",
        ),
        ("after: {heartbeat: null}", "after.heartbeat must be given; got nothing; it needs period_s, pong_timeout_s"),
        ("users: true", "users must be a number; got True"),
        ("users: -1", "users must be > 0 users; got -1"),
        ("name: <script>", "name must be letters"),
        ("usage: {dau_mau_share: 0}", "usage.dau_mau_share must be > 0 and at most 1; got 0"),
        ("after: {server: {utilisation_share: 0}}", "utilisation_share must be > 0 and at most 1; got 0"),
        (
            "before: {functions: {read: {memory_mb: 0}}}",
            "memory_mb must be between 128 and 10,240 MB, as Lambda has it; got 0",
        ),
        ("before: {timers: {content: {requests: 0}}}", "content.requests must be a whole number >= 1; got 0"),
        ("after: {fallback: {requests: 0}}", "after.fallback.requests must be a whole number >= 1; got 0"),
        ("after: {timers: {manual_refresh: null}, pull: null}", "after.pull must be given in a websocket design"),
        ("screens: {watching: {background: vido}}", "unknown background 'vido' in screens.watching"),
        ("events: {new_comment: {screens: [watchin]}}", "unknown screen 'watchin' in events.new_comment"),
        ("events: {new_comment: {overlay: procesing}}", "unknown overlay 'procesing' in events.new_comment"),
        ("before: {timers: {content: {overlay: none}}}", "unknown overlay 'none' in before.timers.content"),
        ("before: {timers: {content: {function: rea}}}", "unknown function 'rea' in before.timers.content"),
        ("actions: {post_comment: {function: pst}}", "unknown function 'pst' in actions.post_comment (before)"),
        ("after: {pushes: {new_coment: {}}}", "unknown event 'new_coment' in after.pushes"),
        ("before: {pushes: {new_comment: {}}}", "before.pushes must be left out, for a polling design has none"),
        ("after: {socket: {connect_function: conect}}", "unknown function 'conect' in after.socket.connect_function"),
        ("after: {socket: {send_function: snd}}", "unknown function 'snd' in after.socket.send_function"),
        ("after: {heartbeat: {kind: json, function: beet}}", "unknown function 'beet' in after.heartbeat.function"),
        ("after: {pull: {function: rea}}", "unknown function 'rea' in after.pull"),
        (
            "after: {pull: null, pushes: {new_comment: {pulls: 1}}}",
            "after.pull must be given where a push or a poll triggers pulls; got nothing",
        ),
        ("networks: {wifi: {share: 0.9}}", "networks: the shares must add up to 1; got"),
        (
            "before: {timers: {content: {perid_s: 3}}}",
            "unknown key 'before.timers.content.perid_s'; did you mean 'period_s'",
        ),
        (
            "before: {functions: {read: {operations: [{knd: get}]}}}",
            "unknown key 'before.functions.read.operations.0.knd'; did you mean 'kind'?",
        ),
        ("usrs: 3", "unknown key 'usrs'; did you mean 'users'?"),
        (
            "after: {reconnect: {delays_s: [1, -1]}}",
            "after.reconnect.delays_s must be delays > 0 s, the first >= 0 s; got -1",
        ),
        (
            "after: {reconnect: {delays_s: []}}",
            "after.reconnect.delays_s must be a list of delays > 0 s, the first >= 0 s; got []",
        ),
        ("usage: {peak_to_mean_ratio: 25}", "must be between 1 and 24, as many as a day has hours; got 25"),
        (
            "after: {heartbeat: {period_s: {low: 9}}}",
            "after.heartbeat.period_s must have a mode where it is a range; got none",
        ),
        (
            "usage: {dau_mau_share: {low: 0.1, mode: 0.2, high: 1.2}}",
            "dau_mau_share must be > 0 and at most 1; got 1.2",
        ),
        ("usage: 3", "usage must be a mapping; got 3"),
        ("after: {socket: {catch_up: 7}}", "after.socket.catch_up must be true or false; got 7"),
        ("title: null", "title must be given; got nothing"),
        (
            "events: {new_comment: {screens: [watching, watching]}}",
            "events.new_comment.screens must name each screen once; got watching, watching",
        ),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path, text, sentence):
    assert sentence in refused(tmp_path, text)


def test_files_that_extend_each_other_are_refused(tmp_path):
    for name, base in (("one", "other"), ("other", "one")):
        (tmp_path / f"{name}.yaml").write_text(f"extends: {base}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"extends must not lead back to itself; got 'other' \(.*one.yaml\)"):
        scenario.load(tmp_path / "one.yaml")


def test_null_takes_a_key_away_and_a_range_replaces_the_whole_range(tmp_path, twilly):
    text = "prices_on: null\nclaims: null\nusage: {dau_mau_share: {mode: 0.5}}\n"
    mine = scenario.load(written(tmp_path, text))
    assert twilly.prices_on and mine.prices_on is None
    assert twilly.claims and mine.claims is None
    assert (mine.usage.dau_mau_share.low, mine.usage.dau_mau_share.high) == (0.5, 0.5)


def test_a_scenario_is_made_of_its_file_and_all_that_it_extends(tmp_path):
    path = written(tmp_path, "users: 7")
    assert [one.name for one in scenario.files(path)] == ["mine.yaml", "twilly.yaml", "blank.yaml"]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("before.socket.deflate", True, "unknown parameter 'before.socket.deflate': before has no 'socket'"),
        ("usrs", 5, "unknown parameter 'usrs': a scenario has no 'usrs'; did you mean 'users'"),
        ("after.functions.send.memory_mb", 64, "after.functions.send.memory_mb must be between 128 and 10,240 MB"),
        ("after.functions.send.memory_mb", 20_000, "after.functions.send.memory_mb must be between 128 and 10,240 MB"),
        ("usage.session_mean_s", 40_000, "sessions_per_day x session_mean_s must be at most the 24 h of a day; got 33"),
        ("before.timers.content.response_bytes", 7e6, "before.timers.content.response_bytes must be at most 6 MB"),
        ("users.many", 5, "unknown parameter 'users.many': users has no 'many'"),
        ("ledger.apigw_http", 5, "unknown parameter 'ledger.apigw_http': ledger has no 'apigw_http'; did you mean"),
        ("before.timers.contents.period_s", 5, "before.timers has no 'contents'; did you mean 'content'"),
        ("usage.session_mean_s", np.array([[1.0, 2.0], [3.0, -4.0]]), "usage.session_mean_s must be > 0 s; got -4"),
        ("users", [10.0, 0.0], "users must be > 0 users; got 0"),
    ],
)
def test_a_change_that_cannot_be_is_refused(twilly, path, value, sentence):
    with pytest.raises(InputError, match=sentence):
        twilly.with_({path: value})


@pytest.mark.parametrize("more", [1e-4, -1e-4])
def test_shares_a_ten_thousandth_off_are_refused(twilly, more):
    share = twilly.screens["watching"].share
    with pytest.raises(InputError, match="screens: the shares must add up to 1; got"):
        twilly.with_({"screens.watching.share": getattr(share, "mode", share) + more})


def test_a_change_may_be_an_array_a_ledger_row_or_one_end_of_a_range(twilly):
    lengths_s = np.array([[60.0], [120.0]])
    changed = twilly.with_(
        {"usage.session_mean_s": lengths_s, "ledger.apigw_http_s": 0.5, "usage.dau_mau_share.low": 0.01}
    )
    np.testing.assert_array_equal(changed.usage.session_mean_s, lengths_s)
    assert changed.number("apigw_http_s") == 0.5 != twilly.number("apigw_http_s")
    assert changed.usage.dau_mau_share.low == 0.01 < twilly.usage.dau_mau_share.low
    assert changed.usage.dau_mau_share.mode == twilly.usage.dau_mau_share.mode


def test_a_design_is_named_before_or_after_and_a_month_is_its_days(twilly):
    assert twilly.design("after") is twilly.after and twilly.design(twilly.before) is twilly.before
    with pytest.raises(InputError, match="unknown design 'befor'; did you mean 'before'"):
        twilly.design("befor")
    assert twilly.with_({"billing.month_days": 31}).month_s == 31 * 24 * 3600


def test_an_unknown_parameter_offers_the_nearest(twilly):
    with pytest.raises(InputError, match="unknown parameter 'after.heartbeat.period'.*did you mean 'period_s'?"):
        twilly.with_({"after.heartbeat.period": 5})


SCHEMA = json.loads(data("scenarios", "schema.json").read_text(encoding="utf-8"))


def schema_errors(content, part=""):
    """What an editor's validator finds in a file's content, or in a design's."""
    validator = jsonschema.Draft202012Validator
    rules = {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]} if part else SCHEMA
    return [error.message for error in validator(rules).iter_errors(content)]


def test_the_stored_schema_is_a_schema_and_what_the_code_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(schema_of_the_code())) == SCHEMA, "python -m tools.schema writes it"


def test_every_key_of_the_schema_has_a_description_and_every_description_a_key():
    parts = {"Choices": SCHEMA, **SCHEMA["$defs"]}
    keys = {(name, key): one for name, part in parts.items() for key, one in part.get("properties", {}).items()}
    assert [key for key, one in keys.items() if len(one.get("description", "")) < 8] == []
    alike = {("Design" if name.endswith("Design") else name, key) for name, key in keys}
    rows = {(row["part"], row["key"]) for row in ledger.read_csv(data("scenarios", "keys.csv"))}
    assert rows - alike == set()


def test_a_description_says_meaning_unit_and_default():
    usage = SCHEMA["$defs"]["Usage"]["properties"]["session_mean_s"]["description"]
    assert usage == "mean length of a session in the foreground [s]; default: 600 (71.56 to 1308)"
    assert "default: 0.6 (0.4 to 0.8) in wifi" in SCHEMA["$defs"]["Network"]["properties"]["share"]["description"]


FILES_OF_THE_PROJECT = sorted([*data("scenarios").glob("*.yaml"), *data("designs").glob("*.yaml")])


@pytest.mark.parametrize("path", FILES_OF_THE_PROJECT, ids=lambda path: path.stem)
def test_the_schema_finds_no_error_in_a_file_of_the_project(path):
    part = "AnyDesign" if path.parent.name == "designs" else ""
    assert schema_errors(scenario.read_yaml(path), part) == []


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("extends: twilly\nusage: {dau_mau_share: 0.5}\nafter: {heartbeat: {period_s: 240}}", 0),
        ("extends: twilly\nclaims: null\nevents: {new_comment: null}\nnetworks: {lte: {ip: null}}", 0),
        ("designs: {poll: {like: poll_http_api, timers: {poll: {period_s: 5}}}, push: websocket_api_gateway}", 0),
        ("designs: {before: null, poll: {like: poll_http_api, socket: null}}", 0),
        ("usrs: 5", 1),
        ("usage: {dau_mau_shre: 0.5}", 1),
        ("usage: {dau_mau_share: {low: 0.1, mod: 0.2}}", 1),
        ("after: {heartbeat: {perid_s: 240}}", 1),
        ("designs: {poll: {like: poll_http_api, timers: {poll: {perid_s: 5}}}}", 1),
    ],
)
def test_the_schema_accepts_a_part_of_a_file_and_no_misspelt_key(tmp_path, text, errors):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(schema_errors(scenario.read_yaml(path))) == errors


def test_ranges_at_their_modes_are_the_plain_numbers(twilly):
    plain = sampling.resolved(twilly)
    assert plain.usage.dau_mau_share == twilly.usage.dau_mau_share.mode
    assert sum(s.share for s in plain.screens.values()) == pytest.approx(1.0, abs=1e-12)


def test_the_same_range_in_both_designs_is_one_column_of_draws(twilly):
    drawn = sampling.resolved(twilly, draws=16, seed=1)
    before, after = drawn.before.functions["read"].cpu_s, drawn.after.functions["read"].cpu_s
    assert before.shape == (16, 1)
    np.testing.assert_array_equal(before, after)


def test_draws_stay_in_their_ranges_and_repeat_with_their_seed(twilly):
    first, again = (sampling.draws_of(twilly, 64, 5) for _ in range(2))
    for name, one in sampling.ranged_inputs(twilly).items():
        assert one.low <= first[name].min() and first[name].max() <= one.high
        np.testing.assert_array_equal(first[name], again[name])


def test_draws_have_the_mean_and_spread_of_pert(twilly):
    for name, column in sampling.draws_of(twilly, 8192, 3).items():
        one = sampling.ranged_inputs(twilly)[name]
        span, mean = one.high - one.low, (one.low + 4 * one.mode + one.high) / 6
        variance = (mean - one.low) * (one.high - mean) / 7
        if one.chance is not None:  # a yes or no
            mean, variance = one.chance, one.chance * (1 - one.chance)
        # Sobol points: far nearer than 4 standard errors of as many random ones
        assert abs(column.mean() - mean) < 4 * np.sqrt(variance / 8192), name
        assert column.var() == pytest.approx(variance, rel=0.02, abs=1e-6 * span**2), name


def test_draws_in_chunks_are_the_draws_at_once(twilly):
    chunks = list(sampling.chunks_of(twilly, 300, 1, 128))
    assert [len(chunk["usage.dau_mau_share"]) for chunk in chunks] == [128, 128, 44]
    for name, whole in sampling.draws_of(twilly, 300, 1).items():
        np.testing.assert_array_equal(np.concatenate([chunk[name] for chunk in chunks]), whole)


def test_correlated_draws_have_the_rank_correlation_and_not_that_of_their_normal_scores(twilly):
    from scipy.stats import spearmanr

    pair = ["usage.session_mean_s", "usage.sessions_per_day"]
    draws = sampling.draws_of(twilly.with_({"correlations": [{"between": pair, "rank": 0.6}]}), 65_536, 1)
    found = spearmanr(draws[pair[0]][:, 0], draws[pair[1]][:, 0])[0]
    # 4 standard errors of as many random pairs; a normal correlation of 0.6 would be a rank one of 0.582
    assert found == pytest.approx(0.6, abs=4 * (1 - 0.6**2) / 65_536**0.5)


def test_a_pair_that_is_correlated_twice_is_refused(twilly):
    twice = [{"between": ["usage.session_mean_s", "usage.sessions_per_day"], "rank": 0.5}] * 2
    with pytest.raises(InputError, match="correlations must name each pair once; got usage.session_mean_s and"):
        twilly.with_({"correlations": twice})


def test_the_first_draws_kept_are_those_of_the_whole(twilly):
    for draws in (300, 5000):
        whole, few = (sampling.resolved(twilly, draws=draws, seed=2, keep=keep).usage for keep in (None, 10))
        np.testing.assert_array_equal(few.session_mean_s, whole.session_mean_s[:10])


def test_shares_add_up_to_one_in_every_draw(twilly):
    drawn = sampling.resolved(twilly, users=[1e3, 1e4], draws=16, seed=1)
    for parts in (drawn.screens, drawn.networks):
        np.testing.assert_allclose(sum(part.share for part in parts.values()), 1.0, rtol=1e-12)
    assert drawn.users.tolist() == [1e3, 1e4]


def test_a_column_of_both_designs_fills_each_and_the_rest_stays_at_its_mode(twilly):
    name = "both.functions.read.cpu_s"
    assert "before.functions.read.cpu_s" in sampling.ranged_inputs(twilly)
    assert "after.functions.read.cpu_s" not in sampling.ranged_inputs(twilly)
    filled = sampling.with_columns(
        twilly, {name: np.array([[1.0], [2.0]]), "ledger.apigw_http_s": np.array([[3.0], [4.0]])}
    )
    for design in (filled.before, filled.after):
        assert design.functions["read"].cpu_s.tolist() == [[1.0], [2.0]]
    assert filled.number("apigw_http_s").tolist() == [[3.0], [4.0]]
    assert filled.usage.dau_mau_share == twilly.usage.dau_mau_share.mode
    apart = twilly.with_({"after.functions.read.cpu_s": {"low": 0.001, "mode": 0.002, "high": 0.9}})
    assert {"before.functions.read.cpu_s", "after.functions.read.cpu_s"} <= set(sampling.ranged_inputs(apart))


def test_a_ledger_row_that_the_scenario_sets_is_drawn_no_more(twilly):
    assert "ledger.apigw_http_s" in sampling.ranged_inputs(twilly)
    own = twilly.with_({"ledger.apigw_http_s": 0.1})
    assert "ledger.apigw_http_s" not in sampling.ranged_inputs(own)
    for draws in (0, 4):
        assert sampling.resolved(own, draws=draws).number("apigw_http_s") == 0.1


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.0, 1.0))
def test_pert_quantiles_agree_with_the_beta_they_tabulate(share, mode):
    from scipy.special import betaincinv

    exact = betaincinv(1 + 4 * mode, 5 - 4 * mode, share)
    assert abs(float(sampling.pert_quantile(share, 0.0, mode, 1.0)) - exact) < 2e-7  # the stated share of the span


def test_every_unknown_and_every_missing_key_is_said_at_once_with_its_place(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "usrs: 5\nusage: {sesions_per_day: 3}\nevents: {news: {per_active_day: 1, recipents: 5, online_share: 0.3}}\n"
        "designs:\n  poll: {like: poll_http_api, timers: {poll: {perid_s: 5}}}\n  slow: {like: poll}\n"
        "  push: {transport: websocket, socket: {grace_s: 1}}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as wrong:
        scenario.load(path)
    said = str(wrong.value)
    for part in (
        "unknown key 'usrs'; did you mean 'users'?",
        "unknown key 'usage.sesions_per_day'; did you mean 'sessions_per_day'?",
        "unknown key 'events.news.recipents'; did you mean 'recipients'?",
        "unknown key 'poll.timers.poll.perid_s'; did you mean 'period_s'? (also in slow)",
        "users must be given; got nothing",
        "events.news lacks recipients, payload_bytes, which must be given",
        "push.socket lacks upgrade_request_bytes, upgrade_response_bytes, blocked_share, catch_up,",
        "push lacks heartbeat (period_s, pong_timeout_s), reconnect (delays_s), fallback (period_s, requests,",
    ):
        assert part in said, part
    assert "\n" not in said and said.startswith("8 mistakes: (1) ") and said.endswith("mine.yaml)")


def test_every_unknown_path_of_a_change_is_said_at_once(twilly):
    with pytest.raises(InputError) as wrong:
        twilly.with_({"usrs": 5, "after.hartbeat.period_s": 3, "both.fallbak.period_s": 2, "users": 7})
    said = str(wrong.value)
    assert said.startswith("3 mistakes: (1) unknown parameter 'usrs'") and "did you mean 'heartbeat'?" in said
    assert "unknown parameter 'both.fallbak.period_s'" in said


FAR = """\
users: 500
events: {news: {per_active_day: 1, recipients: 5, online_share: 0.3, payload_bytes: 250}}
usage: {session_mean_s: 50000, sessions_per_day: 1}
designs:
  poll: {like: poll_http_api, timers: {poll: {period_s: 5, response_bytes: 80000}}}
  slow: {like: poll, timers: {poll: {period_s: 3600}}}
"""


def test_a_value_far_outside_the_range_it_replaces_is_said_once_and_not_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FAR, encoding="utf-8")
    with pytest.warns(checks.Unusual) as said:
        assert scenario.load(path).usage.session_mean_s == 50000
    assert [str(one.message) for one in said][:2] == [
        f"usage.session_mean_s is 50000, far outside the 71.56 to 1308 of data/scenarios/blank.yaml ({path})",
        "poll.timers.poll.response_bytes is 80000, far outside the 200 to 3000 of data/designs/poll_http_api.yaml"
        f" ({path})",
    ]
    assert len(said) == 2  # a copy of what stands elsewhere in the file is said there


def test_a_value_a_thousand_times_from_the_one_number_it_replaces_is_said_and_0_switches_off(tmp_path):
    path = tmp_path / "mine.yaml"
    text = FAR.replace("50000", "1900").replace("80000", "4000").replace("period_s: 5,", "period_s: 0.001,")
    path.write_text(text + "  push: {like: websocket_api_gateway, socket: {grace_s: 0}}\n", encoding="utf-8")
    with pytest.warns(checks.Unusual) as said:
        scenario.load(path)
    assert [str(one.message) for one in said] == [
        f"poll.timers.poll.period_s is 0.001, far outside the 10 of data/designs/poll_http_api.yaml ({path})",
    ]  # the slow poll is like one of the file's own, which is no norm


def test_a_value_within_reach_of_the_range_it_replaces_is_said_nowhere(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FAR.replace("50000", "1900").replace("80000", "4000"), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (path, *scenario.names()):
            scenario.load(name)


def test_each_input_knows_the_file_that_says_it(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: twilly\nusage: {dau_mau_share: 0.5}\nafter: {heartbeat: {period_s: 240}}\n", "utf-8")
    found = origins.sayings(scenario.load(path), scenario.files(path))
    first = {name: said[0][0] for name, (_, said) in found.items()}
    assert first["usage.dau_mau_share"] == first["after.heartbeat.period_s"] == str(path)
    assert first["usage.sessions_per_day"] == first["before.timers.content.period_s"] == "data/scenarios/twilly.yaml"
    assert first["push_improved.socket.grace_s"] == "data/scenarios/twilly.yaml"  # which is like another there
    assert [where for where, _ in found["usage.dau_mau_share"][1]] == [
        str(path),
        "data/scenarios/twilly.yaml",
        "data/scenarios/blank.yaml",
    ]


def test_what_a_design_says_beside_the_app_is_its_own_and_what_it_takes_from_the_app_is_said_once(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FAR.replace("response_bytes: 80000}}", "response_bytes: 900}}, server: {connections: 9}"), "utf-8")
    with pytest.warns(checks.Unusual) as said:
        found = origins.sayings(scenario.load(path), scenario.files(path))
    blank = "data/scenarios/blank.yaml"
    assert found["poll.server.connections"][1][0] == (str(path), 9) and found["server.connections"][1][0][0] == blank
    assert "poll.server.instance" not in found and "push.api.backend" not in found
    sentence = f"poll.server.connections is 9, far outside the 20000 to 250000 of {blank} ({path})"
    assert sentence in [str(one.message) for one in said]


def test_a_file_that_tells_more_people_than_it_has_users_is_refused_and_a_sweep_is_let_be(tmp_path):
    path = tmp_path / "few.yaml"
    path.write_text(
        "users: 100\nevents: {message: {per_active_day: 3, recipients: 200, online_share: 0.5, payload_bytes: 200}}\n"
        "designs: {poll: poll_http_api}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="events.message.recipients must be at most the 100 users of the app; got 200"):
        model.load(path)
    table = model.compare(model.load("twilly").with_({"users": 10.0}), ["before"])
    assert any("new_comment reaches 5 people in the app at once" in line for line in table.attrs["remarks"])
