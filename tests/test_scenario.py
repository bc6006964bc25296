"""A scenario file says what it means, and every mistake in it is one sentence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model
from model import scenario
from model.checks import InputError
from model.paths import data
from model.scenario import sampling


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
    assert "event 'new_comment' is delivered by no timer and no push of before, so it never arrives" in refused(
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
    written(tmp_path, "users: 7\n")
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {base}\nname: other\n", encoding="utf-8")
    assert scenario.load(other).users == 7.0


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
        ("usage: {dau_mau_share: {low: 0.1, mod: 0.2}}", "has an unknown key 'mod'; did you mean 'mode'?"),
        ("after: {transport: carrier_pigeon}", "after.transport must be 'polling' or 'websocket'"),
        ("after: {heartbeat: null}", "after.heartbeat must be given in a websocket design"),
        ("users: true", "users must be a number; got True"),
        ("users: -1", "users must be > 0 users; got -1"),
        ("name: <script>", "name must be letters"),
        ("usage: {dau_mau_share: 0}", "usage.dau_mau_share must be > 0 and at most 1; got 0"),
        ("after: {server: {utilisation_share: 0}}", "utilisation_share must be > 0 and at most 1; got 0"),
        ("before: {functions: {read: {memory_mb: 0}}}", "memory_mb must be a whole number >= 1; got 0"),
        ("before: {timers: {content: {requests: 0}}}", "content.requests must be a whole number >= 1; got 0"),
        ("after: {fallback: {requests: 0}}", "after.fallback.requests must be a whole number >= 1; got 0"),
        ("after: {timers: {manual_refresh: null}, pull: null}", "after.pull must be given in a websocket design"),
        (
            "events: {new_comment: {screens: [watching, watching]}}",
            "events.new_comment.screens must name each screen once; got watching, watching",
        ),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path, text, sentence):
    assert sentence in refused(tmp_path, text)


def test_an_unknown_parameter_offers_the_nearest(twilly):
    with pytest.raises(InputError, match="unknown parameter 'after.heartbeat.period'.*did you mean 'period_s'?"):
        twilly.with_({"after.heartbeat.period": 5})


def test_the_stored_schema_is_what_the_code_says():
    stored = json.loads(data("scenarios", "schema.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(scenario.schema()))


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


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.0, 1.0))
def test_pert_quantiles_agree_with_the_beta_they_tabulate(share, mode):
    from scipy.special import betaincinv

    exact = betaincinv(1 + 4 * mode, 5 - 4 * mode, share)
    assert abs(float(sampling.pert_quantile(share, 0.0, mode, 1.0)) - exact) < 1e-6  # the stated share of the span
