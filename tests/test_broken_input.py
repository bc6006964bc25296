"""Input of any kind: bounded before it is read, refused in one sentence that names it, and never a traceback."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import small_notebooks

import model
from model import audit, checks, prices, readers, scenario
from model.apps import notebooks

sys.path.append(str(Path(__file__).parent / "benchmarks"))
import fuzz  # noqa: E402

SLICES = {"scenarios": 20, "claims": 4, "prices": 150, "notebooks": 20, "grids": 30}


@pytest.mark.parametrize("kind", SLICES)
def test_of_inputs_broken_at_random_each_is_taken_or_refused_in_a_sentence(kind):
    became = Counter(fuzz.tried(kind, number, 20.0) for number in range(SLICES[kind]))  # loops compile in the first
    assert set(became) == {"taken", "refused"}, became


def test_the_search_for_broken_inputs_sees_a_traceback_and_a_figure_that_cannot_be(monkeypatch):
    def case(found):
        monkeypatch.setitem(fuzz.CASES, "planted", lambda rng, folder: found)
        return fuzz.tried("planted", 0, 1.0)

    assert case(lambda: 1 / 0) == "ZeroDivisionError: division by zero"
    assert case(lambda: checks.fail("two\nlines")).startswith("refused in 9 letters, 1 line ends")
    assert case(lambda: exec("while True: pass")) == "over 1 s of processor"
    twilly = model.load("twilly")
    monkeypatch.setattr("model.battery.percent_per_hour", lambda traffic, split=True: {"all": -1.0})
    assert case(lambda: fuzz.told_of(twilly, 0)).startswith("AssertionError: battery of before is -1")


def load(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return scenario.load(path)


NINES = "\n  ".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]" for n in range(9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"users: {'[' * 20_000}", r"^the file must have at most 50 levels; got 20,000 \(.*mine.yaml\)$"),
        ("- " * 20_000, r"^the file must have at most 50 levels; got 10,000 "),
        ("\n".join(" " * n + "a:" for n in range(300)), r"^the file must have at most 50 levels; got 74 "),
        ("k: 1\n" * 20_000, r"^the file must have at most 10,000 entries; got 20,000 "),
        (f"title: {'x ' * 600_000}", r"^the file must have at most 1,000,000 letters; got 1,200,007 "),
        (f"ledger:\n  {NINES}", r"^the file must hold at most 100,000 values, with aliases written out "),
        ("ledger: &a [*a]", r"^the file must hold at most 100,000 values, with aliases written out "),
        ("x: [" + ", ".join(["*a"] * 101), r"^the file must have at most 100 aliases; got 101 "),
        (f"users: {'9' * 78}", r"^users must be at most 9.2e\+18; got a number of 260 bits "),
        (f"title: {'x' * 10_001}", r"^title must have at most 10,000 letters; got 10,001 "),
        (f"{'k' * 1_000}: 1", r"^a key must have at most 200 letters; got 'kkk"),
    ],
    ids=["brackets", "dashes", "margin", "lines", "letters", "bomb", "endless", "aliases", "digits", "text", "key"],
)
def test_depth_and_size_are_bounded_before_a_file_is_parsed(tmp_path, text, said):
    with pytest.raises(checks.InputError, match=said):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("after: {heartbeat: {period_s: 1e160}}", r"^after.heartbeat.period_s must be at most 1e\+09 s; got 1e\+160"),
        ("networks: {lte: {rtt_sigma_ln: 20}}", r"^networks.lte.rtt_sigma_ln must be between 0 and 3, .*; got 20"),
        ("users: 1e300", r"^users must be at most 1e\+10 users; got 1e\+300"),
        ("after: {pushes: {new_comment: {pulls: 1e30}}}", r"^after.pushes.new_comment.pulls must be at most 100,000"),
        ("before: {functions: {read: {memory_mb: .inf}}}", r"memory_mb must be a whole number >= 0; got inf"),
        ("events: {new_comment: {payload_bytes: 1e300}}", r"payload_bytes must be at most 1e\+13 B; got 1e\+300"),
        ("events: {new_comment: {per_active_day: 1e7}}", r"per_active_day must be between 0 and 1e\+06, .*; got 1"),
        ("billing: {month_days: 1e-300}", r"^billing.month_days must be between 1 and 366 days; got 1e-300"),
        ("usage: {session_mean_s: 1e-300}", r"^usage.session_mean_s must be at least 1e-12 s; got 1e-300"),
        ("ledger: {lambda_reap_s: -1}", r"^ledger.lambda_reap_s must be at least 0; got -1"),
        ("ledger: {idle_safe_share: 7}", r"^ledger.idle_safe_share must be at least 1e-06 and at most 1; got 7"),
        ("prices: {lambda_request: 1e9}", r"^prices.lambda_request must be at most 1e\+06 USD; got 1000000000"),
        (
            "designs: {push_as_built: {like: [after]}}",
            r"^push_as_built.like must be the name of a design; got \['after'\]",
        ),
    ],
)
def test_a_number_has_an_outer_bound_by_its_kind(tmp_path, text, said):
    with pytest.raises(checks.InputError, match=said):
        load(tmp_path, f"extends: twilly\n{text}")


def test_a_figure_that_is_not_finite_names_the_input_it_comes_from():
    twilly = model.load("twilly")
    month = twilly.billing.model_copy(update={"month_days": 1e307})
    outcome = model.evaluate(twilly.model_copy(update={"billing": month}))
    outcome.table()
    assert "of the inputs billing.month_days = 1e+307 is farthest out" in outcome.notes["before", "cost"]
    with pytest.raises(checks.InputError, match=r"^users must be at most 1e\+10 users; got 1e\+308$"):
        model.evaluate("twilly", users=1e308)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metadata": {}}, "No kernel name found"),
        ({"cells": [{"cell_type": "code"}]}, ""),
        ({"cells": []}, "has no cell tagged 'parameters'"),
        ({"cells": 3}, ""),
        ({"nbformat_minor": None}, ""),
        ({"metadata": 3}, ""),
        ({"metadata": {"kernelspec": {"name": "ir", "display_name": "R", "language": "cobol"}}}, "cobol"),
    ],
    ids=str,
)
def test_a_broken_notebook_is_refused_in_one_sentence(tmp_path, change, said):
    path = small_notebooks.small(tmp_path / "mine.ipynb")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(checks.InputError, match="^mine.ipynb ") as refused:
        notebooks.parameters_of(notebooks.find(path))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_list_is_no_number_of_claims_nor_of_a_price_list(tmp_path):
    (tmp_path / "claims.yaml").write_text("premise: {active_hours_per_month: [720]}\nclaims: []\n")
    with pytest.raises(checks.InputError, match=r"^premise.active_hours_per_month must be a number; got \[720\]"):
        audit.table("twilly", tmp_path / "claims.yaml", draws=0)
    source = Path(__file__).parent / "tools" / "price_lists" / "apigateway_us-east-1.json"
    text = source.read_text().replace('"endRange": "', '"endRange": [0, 1], "x": "', 1)
    with pytest.raises(checks.InputError, match=r"must be a number; got \[0, 1\]"):
        readers.load_price_list(text)
    with pytest.raises(checks.InputError, match=r"^a price list must be in AWS's format.*RecursionError"):
        readers.load_price_list("[" * 50_000)


def test_a_price_far_out_is_refused_with_its_line(tmp_path):
    rows = prices.rows.COLUMNS
    (tmp_path / "us-east-1.csv").write_text(
        f"{','.join(rows)}\nlambda_request,us-east-1,2026-01-01,0,1e300,request,aws_docs,here,high\n"
    )
    with pytest.raises(
        checks.InputError, match=r"^price_usd must be at most 1e\+06; got '1e300' \(.*us-east-1.csv:2\)$"
    ):
        prices.book("us-east-1", extra=tmp_path)
