"""A claims file says what documents publish; units multiply, and every mistake in it is one sentence."""

import copy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import model
from model import claims, ledger
from model.checks import InputError
from model.claims.published import miss, row_verdict
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


@pytest.mark.parametrize("words", ["x" * 9999, str(list(range(3000)))])
def test_a_unit_as_long_as_a_book_is_refused_in_one_short_sentence(words):
    assert len(refused(unit=words)) < 300


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


@pytest.mark.parametrize("where", [None, {}, {"source": "first_case_report"}, "page 2"])
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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": None}, "claim 1 must have an id; got none"),
        ({"id": [1]}, "the id of claim 1 must be a text; got [1]"),
        ({"before": {"value": -1}}, "before of claim 1 (calls) must be >= 0; got -1"),
        ({"before": {"value": float("inf")}}, "value of before of claim 1 (calls) must be a finite number; got inf"),
        ({"before": {"value": 1, "low": 0}}, "before of claim 1 (calls) must give a value, or low and high; got both"),
        ({"improvement": {"value": 2}}, "unknown kind of improvement of claim 1 (calls) None"),
        (
            {"improvement": {"value": 1.2, "as": "less"}},
            "improvement of claim 1 (calls) must be a share of at most 1, as less; got 1.2",
        ),
        ({"meters": "apigw_http_request"}, "meters of claim 1 (calls) must restrict cost or cost_per_hour; got load"),
        (
            {"measure": "cost", "unit": "USD/month", "meters": ["apigw_htp_request"]},
            "unknown meter of claim 1 (calls) 'apigw_htp_request'; did you mean 'apigw_http_request'",
        ),
        (
            {"measure": "overhead", "unit": "B", "flows": ["poll content"]},
            "flows of claim 1 (calls) must restrict one of cost, cost_per_hour, latency, battery, data, load; got over",
        ),
        ({"statistic": "p50"}, "a statistic of claim 1 (calls) must be one of latency; got load"),
        ({"statistic": "p995"}, "unknown statistic of claim 1 (calls) 'p995'; did you mean 'p99'"),
        ({"users": 0}, "users of claim 1 (calls) must be > 0 users; got 0"),
        ({"before": {"value": 12, "part_of": "calls.before"}}, "claim 1 (calls, before) must not be a part of itself"),
        ({"before": {"value": 12, "parts": [{"claim": "calls.before"}]}}, "(calls, before) must not quote itself"),
        ({"before": {"value": 12, "parts": 3}}, "parts of claim 1 (calls), before must be a list; got 3"),
        (
            {"before": {"value": 12, "parts": [{"of": "a", "value": 1, "unit": "MB", "sign": 2}]}},
            "sign of parts of claim 1 (calls), before, entry 1 must be 1 or -1; got 2",
        ),
        (
            {"before": {"value": 12, "parts": [{"http": {"request_bytes": -1, "response_bytes": 2}}]}},
            "sizes of parts of claim 1 (calls), before, entry 1 must be >= 0 B; got -1",
        ),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused_in_one_sentence(changes, sentence):
    assert sentence in refused(**changes)


def test_a_figure_carries_what_its_claim_says_it_is_about():
    claim = {
        **copy.deepcopy(PLAIN),
        "measure": "cost_per_hour",
        "unit": "USD/active hour",
        "users": 50,
        "meters": "apigw_ws_minute",
        "flows": ["heartbeat"],
        "improvement": {"low": 0.2, "high": 0.3, "as": "less"},
        "saved": {"value": -3},
        "where": {"source": "first_case_report", "place": "page 2"},
    }
    before, improvement, saved = figures_of([claim], "mine.yaml")
    assert [f.key for f in (before, improvement, saved)] == ["calls.before", "calls.improvement", "calls.saved"]
    assert (before.users, before.meters, before.flows) == (50.0, ("apigw_ws_minute",), ("heartbeat",))
    assert (before.unit, improvement.unit, improvement.gain, saved.unit) == (
        "USD/active hour",
        "less",
        "less",
        "USD/active hour",
    )
    assert (improvement.low, improvement.high, saved.low) == (0.2, 0.3, -3.0)
    assert before.place == "page 2 (first_case_report)" and before.name == "claim 1 (calls, before)"


def test_a_part_keeps_its_sign_and_when_it_counts():
    parts = [
        {"of": "a", "value": 15, "unit": "requests/min per active user", "when": "a stream runs"},
        {"of": "b", "value": 3, "unit": "requests/min per active user", "sign": -1},
    ]
    (told,) = figures_of([{**copy.deepcopy(PLAIN), "before": {"value": 12, "parts": parts}}], "mine.yaml")
    assert [(p.of, p.low, p.when, p.sign) for p in told.parts] == [
        ("a", 15.0, "a stream runs", 1.0),
        ("b", 3.0, "", -1.0),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "a claims file must be a mapping with a list of claims"),
        ("claims: 3", "a claims file must be a mapping with a list of claims"),
        ("{claims: [], premises: 1}", "unknown key 'premises'; did you mean 'premise'"),
        ("{claims: [], premise: 3}", "premise must be a mapping of active_hours_per_month and users; got 3"),
        ("{claims: [], premise: {user: 3}}", "unknown key of the premise 'user'; did you mean 'users'"),
        ("{claims: [], premise: {users: 0}}", "premise.users must be > 0; got 0"),
        ("{claims: [], changes: 3}", "changes must be a mapping of names to lists of paths; got 3"),
        ("{claims: [], changes: {a: [1]}}", r"change 'a' must be a list of paths; got \[1\]"),
    ],
)
def test_a_claims_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        claims.read(path)


def test_a_claims_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no claims file at 'gone.yaml'"):
        claims.read("gone.yaml")
    with pytest.raises(InputError, match="unknown claims file 'twily'; did you mean 'twilly'"):
        claims.figures("twily")
    with pytest.raises(InputError, match="a scenario must name its claims to be judged by them; got none"):
        claims.premise(model.load("twilly").with_({"claims": None}))


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
    assert claim["before"] == {"low": 0.9, "high": 0.9} and row_verdict(0.9, 0.09, claim) == "holds"


def test_a_figure_in_another_unit_is_told_and_not_judged():
    load = claims.by_measure("twilly")["load"]
    assert claims.shown_range(load["after"]) == "1 connection"
    assert row_verdict(120.0, 1.0, load) == "holds"


@pytest.mark.parametrize(
    ("before", "after", "improvement", "first", "then"),
    [
        (468.0, 108.0, "holds", "does not hold: the claim is 10 times the model's figure", None),
        (42.5, 9.8, "holds", "does not hold: the claim is 110 times the model's figure", None),
        (
            4680.0,
            2160.0,
            "does not hold: 54% less, where 77% less is claimed",
            "holds",
            "does not hold: the model's figure is 2 times the claim",
        ),
        (
            4680.0,
            9360.0,
            "does not hold: 100% more, where 77% less is claimed",
            "holds",
            "does not hold: the model's figure is 8.7 times the claim",
        ),
    ],
)
def test_a_verdict_says_of_each_side_what_is_how_many_times_what(before, after, improvement, first, then):
    cost, said = (
        claims.by_measure("twilly")["cost"],
        f"improvement {improvement}; before {first}; after {then or first}",
    )
    assert row_verdict(before, after, cost) == said
    assert row_verdict(before, float("nan"), cost).startswith(
        "improvement not judged: the model has no figure; before "
    )
    assert row_verdict(4680.0, 1080.0, cost) == "holds" and row_verdict(1.0, 1.0, None) == ""


@pytest.mark.parametrize(
    ("before", "after", "kind", "words"),
    [  # a figure may be 5 % off a range or short of so many times, and half a point short of a share
        (21.0, 11.0, "times", "holds"),
        (21.1, 11.1, "times", "improvement holds; before does not hold: the model's figure is 1.1 times the claim"),
        (9.5, 5.0, "times", "holds"),
        (9.4, 4.9, "times", "improvement holds; before does not hold: the claim is 1.1 times the model's figure"),
        (19.0, 10.0, "times", "holds"),
        (18.9, 10.0, "times", "improvement does not hold: 1.89 times, where 2 times is claimed; before holds"),
        (20.0, 4.1, "less", "holds"),
        (20.0, 4.2, "less", "improvement does not hold: 79% less, where 80% less is claimed; before holds"),
    ],
)
def test_a_figure_near_a_claimed_one_meets_it(before, after, kind, words):
    wanted = {"times": {"low": 2.0, "high": 3.0, "as": "times"}, "less": {"low": 0.8, "high": 0.9, "as": "less"}}
    claim = {"before": {"low": 10.0, "high": 20.0}, "improvement": wanted[kind]}
    assert row_verdict(before, after, claim) == words


def test_an_improvement_is_so_many_times_or_a_share_less():
    assert claims.gain([10.0, 3.0], [2.0, 6.0], "times").tolist() == [5.0, 0.5]
    assert claims.gain([10.0, 4.0], [2.0, 6.0], "less").tolist() == [0.8, -0.5]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, ""),
        ({"low": 5.0, "high": 5.0}, "5"),
        ({"low": 0.0, "high": 0.1}, "up to 0.1"),
        ({"low": 2.0, "high": 1e4}, "2 to 10,000"),
    ],
)
def test_a_claimed_range_in_words(span, words):
    assert claims.shown_range(span) == words


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.floats(1.0, 100.0))
def test_a_miss_is_at_least_1_and_scales(value, low, wide):
    high = low * wide
    span = {"low": low, "high": high}
    assert miss(value, span) >= 1.0
    assert miss(low, span) == miss(high, span) == 1.0
    assume(abs(value / high - 1.05) > 1e-6 and abs(value / low - 0.95) > 1e-6)  # rounding may decide there
    scaled = miss(3.0 * value, {"low": 3.0 * low, "high": 3.0 * high})
    assert scaled == pytest.approx(miss(value, span), rel=1e-9)
