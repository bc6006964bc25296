"""What a notebook shows as a result reads well, is rounded once, and keeps its numbers as JSON."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import checks
from model.show import display


@given(st.floats(-1e300, 1e300), st.integers(1, 12))
def test_rounding_keeps_the_digits_asked_for(value, digits):
    kept = display.rounded(value, digits)
    # half a unit of the last digit kept; 1e-15 for the number's own representation
    assert kept == value or abs(kept - value) <= abs(value) * (0.5 * 10 ** (1 - digits) + 1e-15)
    assert display.rounded(kept, digits) == kept


@given(st.floats(1e-4, 1e14), st.integers(2, 8))
def test_the_text_of_a_number_is_its_rounded_value(value, digits):
    text = display.number(value, digits)
    assert math.isclose(float(text.replace(",", "")), display.rounded(value, digits), rel_tol=1e-12)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (999999.5, "1,000,000"),
        (math.inf, "inf"),
        (math.nan, "n/a"),
        (True, "True"),
        (np.int64(12345678), "12,345,678"),
        (np.float32(0.5), "0.5"),
        (pd.NA, "n/a"),
        (pd.NaT, "n/a"),
        (pd.Timestamp("2026-09-30"), "2026-09-30 00:00:00"),
        (-1234.56, "-1,234.6"),
        (1e16, "1e+16"),
    ],
)
def test_a_number_is_shown_as(value, text):
    assert display.number(value) == text


def test_the_json_is_strict_and_holds_the_rounded_rows_in_order():
    frame = pd.DataFrame(
        {"unit": ["s", "%"], "before": [1 / 3, math.inf], "n": [1, 2]},
        index=pd.Index(["latency", "battery"], name="measure"),
    )
    payload = json.loads(json.dumps(display.result(frame, "t").payload(), allow_nan=False))
    assert payload["columns"] == ["measure", "unit", "before", "n"] and payload["index"] == ["measure"]
    assert payload["records"][0] == {"measure": "latency", "unit": "s", "before": 0.33333, "n": 1}
    assert payload["records"][1]["before"] == "inf"


def test_every_text_is_escaped():
    shown = display.result(pd.DataFrame({"<i>": ["<script>|\n"]}))
    assert "<script>" not in shown.to_html() and "<i>" not in shown.to_html()
    assert "&lt;script&gt;\\| " in shown.to_markdown()


def test_shapes_that_are_no_table_become_one():
    assert display.result(pd.Series([1.0], index=["a"], name="cost")).records == ({"row": "a", "cost": 1.0},)
    assert display.result([{"a": 1}, {"a": 2}]).records == ({"a": 1}, {"a": 2})
    assert display.result({"a": [1, 2]}).records == ({"a": 1}, {"a": 2})
    several = pd.DataFrame({"v": [1]}, index=pd.MultiIndex.from_tuples([("x", "y")], names=["design", None]))
    assert display.result(several).records == ({"design": "x", "row 2": "y", "v": 1},)


@pytest.mark.parametrize(
    ("table", "more", "told"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, r"each with its own name; got \['a'\] \(result\)"),
        (pd.DataFrame(), {}, r"a result needs columns.*; got none \(result\)"),
        ({"cost": 1.0, "load": 2.0}, {"tolerance": {"costs": 0.1}}, "unknown column of tolerance 'costs'; did"),
    ],
)
def test_a_table_that_cannot_be_a_result_is_refused(table, more, told):
    with pytest.raises(checks.InputError, match=told):
        display.result(table, **more)


def test_a_table_for_the_terminal_has_percents_three_digits_and_no_empty_column():
    table = pd.DataFrame(
        {"unit": "USD", "before": [1234.56], "after": [0.000123456], "change": [-0.9996], "p_better": [0.876]},
        index=pd.MultiIndex.from_tuples([(1234567.0, "cost")], names=["users", "measure"]),
    ).assign(claimed="", verdict="a|b <c>")
    lines = display.as_text(table, "md").splitlines()
    assert lines[0] == "| users | measure | unit | before | after | change | p_better | verdict |"
    assert lines[2:] == ["| 1,234,570 | cost | USD | 1,230 | 0.000123 | -100% | 88% | a\\|b &lt;c&gt; |"]
    page = display.as_text(table, "html", "1 < 2")
    assert "<caption>1 &lt; 2</caption>" in page and "<td>a|b &lt;c&gt;</td>" in page
    assert json.loads(display.as_text(table, "json"))[0]["before"] == 1234.56


def test_columns_of_numbers_stand_to_the_right_and_names_to_the_left():
    text = display.result(pd.DataFrame({"name": ["a", "bcd"], "n": [1.0, 1234.5]}).set_index("name")).to_text()
    assert text.splitlines() == ["name      n", "a         1", "bcd   1,234"]
    page = display.result(pd.DataFrame({"name": ["a"], "n": [1.0]})).to_html()
    assert '<td style="text-align:left">name</td>' in page  # a single row stands upright
    page = display.result([{"name": "a", "n": 1.0}, {"name": "b", "n": None}]).to_html()
    assert '<th style="text-align:right">n</th>' in page and '<td style="text-align:left">a</td>' in page


HOSTILE = "my app [/v2] [beta] \x1b[31m [link=http://example.com]x\x07 costs"


def test_markup_and_control_characters_of_a_text_reach_no_terminal(capsys):
    table = pd.DataFrame({"before": [1.0], "why": [HOSTILE]}, index=pd.Index([HOSTILE], name="measure"))
    display.show(table, "text", title=HOSTILE)
    out = capsys.readouterr().out
    assert "[/v2]" in out and "[beta]" in out and "\x1b" not in out and "\x07" not in out


def test_heads_show_units_and_small_rows_are_one_while_the_json_keeps_names_and_rows():
    table = pd.DataFrame({"before": [10.0, 0.01, 0.02, 5.0], "tail_s": [9.0, 0.01, 0.0, 0.01]}, index=list("abcd"))
    made = display.result(table.rename_axis("flow"), units="USD", fold=0.01)
    header, rows = made.cells()
    assert header == ["flow", "before [USD]", "tail [s]"] and rows[-1] == ["2 more", "0.03", "0.01"] and len(rows) == 3
    assert made.payload()["columns"] == ["flow", "before", "tail_s"] and len(made.payload()["records"]) == 4
    _, upright = display.result({"wait, s": 1.0, "size, bytes": 2.0, "what": "text"}, units={}).cells()
    assert [name for name, _ in upright] == ["wait [s]", "size [B]", "what"]
    own = {"unit": ["s", "B"], "mode": [1.0, 2.0], "swing": [3.0, 4.0]}
    assert display.result(pd.DataFrame(own), units={"swing": "USD"}).cells()[0] == ["unit", "mode", "swing [USD]"]


def test_a_figure_has_a_range_where_what_is_shown_of_its_ends_differs():
    span = {"cost": [31.0, 31.0], "cost_low": [31.0, 20.0], "cost_high": [31.0, 40.0]}
    _, rows = display.result(pd.DataFrame(span, index=["sure", "unsure"]), units="USD").cells()
    assert rows == [["sure", "31"], ["unsure", "31 (20 to 40)"]]
