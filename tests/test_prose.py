"""What the stored notebooks say: no typed number that a run could change, a unit in each head, a message each title."""

import ast
import html
import re

import nbformat
import pytest

from model import paths

NOTEBOOKS = sorted(paths.notebooks().glob("[0-9][0-9]_*.ipynb"))
CHART, RESULT = "application/vnd.plotly.v1+json", "application/vnd.push-or-poll.result+json"
NUMBER = re.compile(r"(?<![\w.,/*#-])\d[\d,]*(?:\.\d+)?(?![\w/]|\.\d|-\d|\*\*)")
CELL = re.compile(r"[-+]?[\d,.]+(?:e[-+]\d+)?%?(?: \([-\d,.e+]+ to [-\d,.e+]+\))?$")
LABELS = {"claim", "contradicts", "year"}  # numbers that name something
TITLE_AT = {
    "lines": 2,
    "curves": 1,
    "bars": 2,
    "bands": 2,
    "waterfall": 1,
    "tornado": 1,
    "spans": 2,
    "heat": 1,
    "states": 1,
}
ROUND = {0, 1, 2, 3, 5, 10, 30, 60, 100, 1000, 10_000, 100_000, 1e6, 1e7}  # names of sizes, not findings
SPECS = {  # of protocols, services and documents: the same whatever is put in for a parameter
    "03_data_and_wire": {20, 22, 32, 40, 4},
    "04_cost": {32, 512},
    "06_load_and_limits": {18, 4},
    "08_claims": {304, 95},
    "07_ranges": {95, 8},
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem, scope="module")
def notebook(request):
    read = nbformat.read(request.param, as_version=4)
    read["stem"] = request.param.stem
    return read


def outputs(notebook, kind):
    return [o.data[kind] for c in notebook.cells for o in c.get("outputs", ()) if kind in o.get("data", {})]


def shown(notebook):
    """The tables as they are shown: name, heads, rows of texts."""
    for cell in notebook.cells:
        for data in (o["data"] for o in cell.get("outputs", ()) if RESULT in o.get("data", {})):
            rows = re.findall(r"<tr>(.*?)</tr>", "".join(data["text/html"]), re.S)
            texts = [[html.unescape(t) for t in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]
            yield data[RESULT]["name"], texts[0], texts[1:]


def counted(texts):
    """Whether a column of texts holds numbers: some do, and the others are empty or have none."""
    rest = [t for t in texts if t not in ("", "n/a", "inf", "not in this session")]
    return bool(rest) and all(CELL.match(t) for t in rest)


def without_unit(heads, rows):
    """The heads over numbers, or in an upright table the names beside one, that say no unit."""
    if heads == ["", "value"]:
        return [name for name, value in rows if CELL.match(value) and "[" not in name]
    if "unit" in heads:  # each row says its own
        return []
    return [h for k, h in enumerate(heads) if counted([row[k] for row in rows]) and "[" not in h and h not in LABELS]


def test_every_column_of_numbers_has_a_unit_in_brackets(notebook):
    assert {name: missing for name, heads, rows in shown(notebook) if (missing := without_unit(heads, rows))} == {}


def test_every_chart_title_is_a_message_with_a_number_made_at_run_time(notebook):
    for figure in outputs(notebook, CHART):
        assert re.search(r"\d", figure["layout"]["title"]["text"]), figure["layout"]["title"]
        assert not re.search(r"\b(nan|inf|n/a|None)\b", figure["layout"]["title"]["text"]), figure["layout"]["title"]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and getattr(getattr(node.func, "value", None), "id", "") == "charts":
                title = node.args[TITLE_AT[node.func.attr]]
                assert any(isinstance(part, ast.FormattedValue) for part in ast.walk(title)), ast.unparse(title)


NO_PROSE = re.compile(
    r"`[^`]*`|\$\$.+?\$\$|\$[^$\n]+\$|\]\([^)]*\)|\d{4}-\d\d-\d\d|\b(19|20)\d\d\b|TLS 1\.\d|HTTP/[\d.]+", re.S
)


def typed_numbers(text):
    """The numbers that a person typed into prose: not in code, formulas, addresses, dates or names such as IPv6."""
    return [float(n.replace(",", "")) for n in NUMBER.findall(NO_PROSE.sub(" ", text))]


def found_numbers(notebook):
    """Every number of the notebook's tables and of what it prints, as a person is shown it."""
    texts = [cell for _, _, rows in shown(notebook) for row in rows for cell in row]
    texts += [o.text for c in notebook.cells for o in c.get("outputs", ()) if o.get("name") == "stdout"]
    return {float(n.replace(",", "")) for text in texts for n in NUMBER.findall(text)}


def test_no_number_in_prose_is_one_that_the_notebook_works_out(notebook):
    """It would be wrong for other parameters; specs and round sizes may stand."""
    allowed = ROUND | SPECS.get(notebook["stem"], set())
    typed = {n for c in notebook.cells if c.cell_type == "markdown" for n in typed_numbers(c.source)}
    assert sorted(typed & found_numbers(notebook) - allowed) == []


def test_the_answer_is_printed_right_after_the_parameters_and_a_chart_follows(notebook):
    if notebook["stem"].startswith("00"):
        return
    first = [k for k, c in enumerate(notebook.cells) if c.get("outputs")]
    printed, drawn = (notebook.cells[k].outputs for k in first[:2])
    assert printed[0].get("name") == "stdout" and printed[0].text.strip() and first[0] <= 3
    assert any(CHART in o.get("data", {}) for o in [*printed, *drawn])


def test_it_says_why_and_what_follows_and_links_to_the_next(notebook):
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    if not notebook["stem"].startswith("00"):
        why = next(t for t in texts if t.startswith("**Why.**"))
        assert len(re.findall(r"^- ", why, re.M)) == 3
        assert any("**Therefore.**" in t for t in texts) and any(
            re.search("he sums? by hand", t) and "$$" in t for t in texts
        )
    linked = [name for t in texts for name in re.findall(r"\]\(([\w-]+)\.ipynb\)", t)]
    assert linked and all(paths.notebooks(f"{name}.ipynb").exists() for name in linked)


def test_the_search_finds_what_it_is_for():
    assert typed_numbers("it costs 57.8 a month, 1,234 people; HTTP/2 on IPv6, `x = 7`, $T/2$, 2024-11-01") == [
        57.8,
        1234,
    ]
    assert without_unit(["flow", "before", "after [s]"], [["a", "1.5", "2"], ["b", "n/a", "3"]]) == ["before"]
    assert without_unit(["", "value"], [["wait [s]", "1"], ["what", "text"], ["size", "3"]]) == ["size"]
    assert without_unit(["row", "unit", "x"], [["a", "s", "1"]]) == [] == without_unit(["why"], [["2 to 5 s"]])
