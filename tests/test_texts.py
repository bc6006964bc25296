"""Texts of users do nothing: not in a terminal, a page, Markdown, a formula, a spreadsheet, a chart or a log."""

import csv
import io
import sys
import unicodedata
from html.parser import HTMLParser

import pandas as pd
import pytest

import model
from model import checks
from model.apps import explore
from model.apps.batch import collect
from model.apps.cli import main
from model.scenario import read_yaml
from model.show import charts, display

TEXTS = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;",
    "attribute": "\" onload='alert(1)'",
    "terminal": "a \x1b[31mred\x1b]0;title\x07 \x9b31m \r\x08 \x00 \x7f",
    "rich": "[bold]x[/bold] [/v2] [link=http://e.example]y[/link] [beta]",
    "markdown": "**b** _i_ `c` [l](javascript:alert(1)) ![p](http://e.example/p.png) ~~s~~ | x __y__ # h",
    "latex": "$\\href{javascript:alert(1)}{y}$ \\(x\\) \\[z\\] $5 to $6 $$a$$",
    "formula": '=HYPERLINK("http://e.example","x")',
    "plus": "+cmd|' /C calc'!A0",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)*cmd",
    "tab": "\t=1+1",
    "template": "{7*7} {{7*7}} {% raw %} ${7*7} %s %{x}",
    "half a letter": "a \ud800 b",
    "reversed": "a \u202e b",
}
ACTIVE = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(params=TEXTS.values(), ids=TEXTS)
def text(request):
    return request.param


@pytest.fixture
def table(text):
    if "\ud800" in text:
        pytest.skip("a table cannot hold half a letter, and no file brings one (below)")
    table = pd.DataFrame(
        {"title": [text, "plain"], "cost": [-1.5, 2.0]},
        index=pd.Index([text, "b"], name="claim", dtype=object),
        dtype=object,
    )
    table["cost"] = table["cost"].astype(float)
    table.attrs["remarks"] = [text]
    return table


class Tags(HTMLParser):
    """What tags a page has, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.math, self.open = set(), "", "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open.append("tex2jax_ignore mathjax_ignore" in dict(attributes).get("class", "") or any(self.open))

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        self.text += data
        self.math += "" if any(self.open) else data


def printable(text):
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Cf") and c != "\n" for c in text)


def test_a_terminal_shows_every_letter_and_does_nothing(table, text, capsys):
    display.show(table, "text", text)
    shown = capsys.readouterr().out
    assert printable(shown)
    assert "".join(checks.inert(text).split()) in "".join(shown.split())


@pytest.mark.parametrize("made", [lambda t, x: display.as_text(t, "html", x), lambda t, x: display.result(t).to_html()])
def test_a_page_has_the_tags_of_a_table_only_and_no_formula(made, table, text):
    page = Tags(made(table, text))
    assert page.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert checks.inert(text) in page.text and printable(page.text)
    assert "$" not in page.math and "\\(" not in page.math


@pytest.mark.parametrize(
    "made", [lambda t, x: display.as_text(t, "md", x), lambda t, x: display.result(t).to_markdown()]
)
def test_markdown_shows_the_text_as_it_stands(made, table, text):
    mistune = pytest.importorskip("mistune")
    written = made(table, text)
    page = Tags(mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(written))
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "p", "span"}
    assert " ".join(checks.inert(text).split()) in " ".join(page.text.split()) and printable(page.text)
    assert "$" not in written.replace("<span>$</span>", "")  # the only form that no reader takes for a formula


@pytest.mark.parametrize("made", [lambda t: display.as_text(t, "csv"), lambda t: written_by_batch(t)])
def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers(made, table, text):
    rows = list(csv.reader(io.StringIO(made(table))))
    cells = [cell for row in rows for cell in row]
    assert not [c for c in cells if c.startswith(ACTIVE) and c != "-1.5"] and "-1.5" in cells
    assert checks.inert(text) in {c.removeprefix("'") for c in cells} and all(map(printable, cells))


def written_by_batch(table):
    kept = {}

    class Kept:
        remote, root = True, "x"

        def write(self, content, name):
            kept[name] = content

    collect._write(table.reset_index().to_dict("records"), Kept(), "results")  # each file of a batch is written so
    return kept["results.csv"]


@pytest.mark.parametrize("number", ["-68%", "+1,234.5", "-3", "-.5"])
def test_a_number_in_words_is_no_formula(number):
    made = display.as_text(pd.DataFrame({"x": [number]}), "csv")
    assert made.splitlines()[1] == (f"0,{number}" if "," not in number else f'0,"{number}"')


def test_a_chart_takes_no_tag_for_a_link(text):
    figure = charts.bars([text], {text: [1.0]}, text, text, text)
    assert "<" not in str(figure.to_dict()).replace("<br>", "")  # where a long title goes on in the next line


def test_a_mistake_is_told_without_doing_anything(text, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["workbook", "table", f"x{text}.yaml"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and printable(told) and told.startswith("workbook: no scenario file at")


@pytest.mark.parametrize("odd", ["\\e[31m", "\\0", "\\a", "\\x9b", "\\ud800", "\\x7f"])
@pytest.mark.parametrize("place", ["title: {}", "{}: 1", "claims: [{{text: {}}}]"])
def test_a_file_holds_no_control_character_nor_half_a_letter(odd, place, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: twilly\n" + place.format(f'"{odd}"'), encoding="utf-8")
    with pytest.raises(checks.InputError, match=r"no text may hold '\\\w+' \(.*mine\.yaml:2\)$"):
        read_yaml(path)


def test_letters_of_every_script_and_signs_are_texts(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text('title: "Приложение 应用 \\u00e9 \U0001f600 \\t \\n"', encoding="utf-8")
    assert read_yaml(path)["title"] == "Приложение 应用 é \U0001f600 \t \n"


def test_a_title_is_saved_from_the_page_as_it_stands(text, tmp_path):
    if not printable(text.replace("\t", "")):
        return
    state = explore.start("twilly")
    base = state.base.with_({"title": text})
    path = explore.saved(explore.PageState("twilly", base, state.controls), "mine", tmp_path)
    assert model.load(path).title == f"{text} (mine)"
