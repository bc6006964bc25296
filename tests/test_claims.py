"""A claims file says what documents publish; units multiply, and every mistake in it is one sentence."""

import copy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import model
from model import claims, ledger
from model.checks import InputError
from model.claims.reading import UNITS, figures_of
from model.claims.units import conversion, unit

PLAIN = {
    "id": "calls",
    "measure": "load",
    "text": "12 requests/min",
    "unit": "requests/min per active user",
    "where": {"place": "page 2"},
    "before": {"value": 12},
}


def refused(**changes) -> str:
    claim = {k: v for k, v in {**copy.deepcopy(PLAIN), **changes}.items() if v is not None}
    with pytest.raises(InputError) as wrong:
        figures_of([claim], "mine.yaml")
    sentence = str(wrong.value)
    assert "\n" not in sentence and "mine.yaml" in sentence
    return sentence


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("requests/h per active user", "requests/min per active user", 1 / 60),
        ("USD/active hour", "USD/user/h", 1.0),
        ("GB", "MB", 1000.0),
        ("ms", "s", 1e-3),
        ("connection minutes/active hour", "connection/user", 1 / 60),
        ("$/month", "USD/h", 1 / 720),
        ("req/min", "requests/min", 1.0),
    ],
)
def test_units_convert_by_hand(one, other, factor):
    assert conversion(one, other) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other"), [("connections", "requests/min"), ("USD/month", "USD"), ("MB/active hour", "MB/h"), ("s", "B")]
)
def test_units_of_different_things_do_not_convert(one, other):
    assert conversion(one, other) is None


@given(st.lists(st.sampled_from(["s", "min", "h", "month", "MB", "user", "USD"]), min_size=1, max_size=4))
def test_a_unit_over_itself_is_a_plain_number(words):
    text = " ".join(words)
    one = unit(f"{text}/{'/'.join(words)}")
    assert one.powers == () and one.size == pytest.approx(1.0, rel=1e-12)
    assert conversion(text, text) == pytest.approx(1.0, rel=1e-12)


def test_every_measure_of_a_claim_has_a_unit_that_reads():
    for name in UNITS:
        assert unit(UNITS[name]).size > 0


def test_every_claim_of_the_summary_and_report_has_a_place_in_a_known_source():
    for claim in claims.read("twilly")["claims"]:
        assert claim["where"]["source"] in ledger.sources()
    assert [c["measure"] for c in claims.read("twilly")["claims"][:5]] == list(claims.MEASURES)


def test_the_quoted_poll_is_measured_on_the_wire():  # wire_latency.md: 360/520 gives 1,080 B on IPv4
    data = next(f for f in claims.figures("twilly") if f.key == "data.before")
    assert [t.high for t in data.implied_by] == [150.0, 1080.0]


def test_a_quoted_figure_is_taken_over_with_its_unit():
    told = figures_of(
        [PLAIN, {**copy.deepcopy(PLAIN), "id": "again", "before": {"value": 12, "parts": [{"claim": "calls.before"}]}}],
        "mine.yaml",
    )
    assert (told[1].parts[0].low, told[1].parts[0].unit) == (12.0, "requests/min per active user")


def test_a_claim_without_a_unit_is_refused():
    assert refused(unit=None) == "claim 1 (calls) must have a unit; got none (mine.yaml)"


@pytest.mark.parametrize("where", [None, {}, {"source": "twilly_report"}, "page 2"])
def test_a_claim_without_a_place_is_refused(where):
    assert refused(where=where).startswith(
        "claim 1 (calls) must say its place, as where: {source: ..., place: ...}; got none"
    )


def test_an_unknown_measure_is_refused_with_the_nearest():
    assert refused(measure="lode").startswith("unknown measure 'lode'; did you mean 'load'?")


def test_a_unit_that_measures_something_else_is_refused():
    assert refused(unit="MB/active hour") == (
        "the unit of claim 1 (calls) must measure load, like requests/min per active user; "
        "got 'MB/active hour' (mine.yaml)"
    )


def test_factors_that_multiply_to_another_unit_are_refused():
    factors = [{"of": "u", "value": 3, "unit": "users"}, {"of": "c", "value": 4, "unit": "requests/min"}]
    assert refused(before={"value": 12, "factors": factors}) == (
        "factors of claim 1 (calls, before) must multiply to its unit requests/min per active user; "
        "got users x requests/min = request user/s (mine.yaml)"
    )


def test_a_part_in_another_unit_is_refused():
    assert refused(before={"value": 12, "parts": [{"of": "a", "value": 12, "unit": "MB"}]}) == (
        "parts of claim 1 (calls, before) must be in a unit like its requests/min per active user; got 'MB' (mine.yaml)"
    )


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ({"low": 5, "high": 2}, "before of claim 1 (calls) must have low <= high; got 5 and 2"),
        ({"low": 5}, "before of claim 1 (calls) must give a value, or low and high; got no high"),
        ({"value": "12"}, "value of before of claim 1 (calls) must be a number; got '12'"),
        ({"value": 12, "factor": []}, "key of before of claim 1 (calls) 'factor'; did you mean 'factors'?"),
        ({"value": 12, "parts": [{"claim": "cals.before"}]}, "did you mean 'calls.before'?"),
        (
            {"value": 12, "parts": [{"of": "a", "value": 3}]},
            "parts of claim 1 (calls), before, entry 1 must have a unit; got none",
        ),
        ({"value": 12, "part_of": "nothing.after"}, "unknown figure that claim 1 (calls, before) is part of"),
        (12, "before of claim 1 (calls) must be a mapping; got 12"),
    ],
)
def test_other_mistakes_are_one_sentence(before, sentence):
    assert sentence in refused(before=before)


def test_a_claim_without_a_figure_and_one_that_stands_twice_are_refused():
    assert refused(before=None) == (
        "claim 1 (calls) must give one of before, after, improvement, saved; got none (mine.yaml)"
    )
    with pytest.raises(InputError, match=r"the id of claim 2 \(calls\) must be its own; it stands twice"):
        figures_of([PLAIN, PLAIN], "mine.yaml")


def test_a_file_of_ones_own_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "mine.yaml"
    for hours in (100, 1000):
        premise = f"premise: {{active_hours_per_month: {hours}, users: 50}}"
        path.write_text(f"{premise}\nclaims: []\n", encoding="utf-8")
        assert claims.read(path)["premise"]["active_hours_per_month"] == hours
        twilly = model.load("twilly")
        if hours == 100:
            own = claims.premise(twilly, path)
            assert own.users == 50 and own.usage.session_mean_s == pytest.approx(100 * 3600 / 30)
        else:
            with pytest.raises(InputError, match="at most the hours of the month, 720; got 1000"):
                claims.premise(twilly, path)


def test_a_file_without_a_premise_leaves_the_scenario_as_it_is(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("claims: []\n", encoding="utf-8")
    twilly = model.load("twilly")
    assert claims.premise(twilly, path) is twilly


def test_the_table_reads_claims_in_its_own_units(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        """
claims:
  - {id: wait, measure: latency, text: "900 ms", where: {place: page 1}, unit: ms, before: {value: 900},
     after: {value: 90}, improvement: {value: 10, as: times}}
""",
        encoding="utf-8",
    )
    claim = claims.by_measure(path)["latency"]
    assert claim["before"] == {"low": 0.9, "high": 0.9} and claims.verdict(0.9, 0.09, claim) == "holds"


def test_a_figure_in_another_unit_is_told_and_not_judged():
    load = claims.by_measure("twilly")["load"]
    assert claims.shown_range(load["after"]) == "1 connection"
    assert claims.verdict(120.0, 1.0, load) == "holds"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (468.0, 108.0, "before is 10 times lower, after is 10 times lower"),
        (42.5, 9.8, "before is 110 times lower, after is 110 times lower"),
        (4680.0, 2160.0, "after is 2 times higher, 54% less, not 77%"),
        (4680.0, 9360.0, "after is 8.7 times higher, 100% more, not less"),
    ],
)
def test_a_verdict_names_what_is_off_and_by_how_much(before, after, words):
    cost = claims.by_measure("twilly")["cost"]
    assert claims.verdict(before, after, cost) == f"does not hold: {words}"


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.floats(1.0, 100.0))
def test_a_miss_is_at_least_1_and_scales(value, low, wide):
    high = low * wide
    assert claims.miss(value, low, high) >= 1.0
    assert claims.miss(low, low, high) == claims.miss(high, low, high) == 1.0
    assume(abs(value / high - 1.05) > 1e-6 and abs(value / low - 0.95) > 1e-6)  # rounding may decide there
    scaled = claims.miss(3.0 * value, 3.0 * low, 3.0 * high)
    assert scaled == pytest.approx(claims.miss(value, low, high), rel=1e-9)
