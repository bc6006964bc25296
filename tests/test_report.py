"""A report says first what was found, opens offline, and shows a scenario's text as text."""

import base64
import functools
import re

import nbformat
import pandas as pd
import pytest
import small_notebooks

from model import checks
from model.apps import notebooks, report
from model.apps.report import setting, site
from model.apps.report.pages import cleaned
from model.show import pictures

EVIL = "<script>alert('x')</script>"
OUTSIDE = re.compile(r"""(src|href|data|action)\s*=\s*["']?(https?:)?//|@import|url\(\s*["']?https?:""", re.I)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of one notebook run with a hostile text, and one that failed."""
    folder = tmp_path_factory.mktemp("report")
    source = small_notebooks.write(
        folder / "source.ipynb",
        "import pandas as pd",
        f"region = {EVIL!r}\nprint(f'The answer for {{region}}')",
        small_notebooks.TABLE.replace('"battery"', "region"),
        small_notebooks.CHART.replace("Cost by users", EVIL),
        "from IPython.display import HTML, Markdown\ndisplay(HTML(region + '<b onclick=\"x()\">bold</b>'))\n"
        "display(Markdown(region + '<img src=\"https://example.com/x.png\">'))",
    )
    (folder / "notebooks").mkdir()
    first = folder / "notebooks" / "01_answer.ipynb"
    notebooks.execute(source, {"users": 5e4}, first)
    second = folder / "notebooks" / "02_fails.ipynb"
    with pytest.raises(notebooks.NotebookFailed):
        notebooks.execute(small_notebooks.write(folder / "b.ipynb", "1 / 0"), {}, second)
    table = pd.DataFrame(
        {"before": [1.23456, 4680.0], "after": [0.5, float("nan")], "verdict": ["holds", f"fails: {EVIL}"]},
        index=pd.Index(["battery", EVIL], name="measure"),
    )
    index = report.write([first, second], {"Before and after": table}, folder, f"What changes? {EVIL}")
    return index.parent


def text(made, name):
    return (made / name).read_text(encoding="utf-8")


def test_the_index_has_a_picture_the_table_and_its_verdicts_before_the_notebooks(made):
    index = text(made, "index.html")
    places = [
        index.index(s)
        for s in (
            '<figure class="front plot">',
            "1.235",
            'class="good">holds',
            "<h2>Notebooks</h2>",
            "The answer for",
            "ZeroDivisionError: division by zero",
        )
    ]
    assert places == sorted(places)
    assert 'href="01_answer.html"' in index and 'href="notebooks/01_answer.ipynb"' in index


@pytest.mark.parametrize("name", ["index.html", "01_answer.html", "02_fails.html"])
def test_a_text_of_the_scenario_is_shown_as_text(made, name):
    page = text(made, name)
    assert "<script>alert" not in page and "onclick=" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.S)
    if name != "02_fails.html":
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("name", ["index.html", "01_answer.html", "02_fails.html"])
def test_a_page_loads_nothing_from_outside_its_folder(made, name):
    page = re.sub(r"<pre.*?</pre>", "", text(made, name), flags=re.S)
    assert OUTSIDE.findall(page) == []
    for source in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert source.startswith("data:") or (made / source).exists(), source
    assert "default-src 'none'" in page


def test_plotly_js_is_there_once_and_pages_refer_to_it(made):
    assert len(list(made.rglob("plotly*.js"))) == 1
    page = text(made, "01_answer.html")
    assert '<script src="plotly.min.js">' in page and len(page) < 200_000
    assert page.count('class="chart"') == page.count('class="chart-data"') == 1


def test_headings_tables_code_and_errors_are_on_the_page(made):
    page = text(made, "01_answer.html")
    assert "<h1>What is shown?</h1>" in page and re.search(r"<th[^>]*>before</th>", page)
    assert '<span class="kn">import</span>' in page
    assert "ZeroDivisionError" in text(made, "02_fails.html")


def test_tables_are_written_whole_as_csv_and_for_people_as_markdown(made):
    table = pd.read_csv(made / "tables" / "before_and_after.csv", index_col="measure")
    assert table.loc["battery", "before"] == 1.23456
    markdown = text(made, "tables/before_and_after.md").splitlines()
    assert markdown[0] == "| measure | before | after | verdict |"
    assert markdown[2] == "| battery | 1.235 | 0.5 | holds |"
    assert "<script>" not in markdown[3]


def test_written_again_the_report_is_the_same(made, monkeypatch):
    kept = [base64.b64encode(picture.read_bytes()).decode() for picture in (made / "pictures").iterdir()]
    monkeypatch.setattr(pictures, "pngs", lambda figures: kept or [None] * len(figures))  # pages name files only
    before = {p.name: p.read_bytes() for p in made.glob("*.html")}
    table = pd.read_csv(made / "tables" / "before_and_after.csv", index_col="measure")
    report.write(
        sorted((made / "notebooks").glob("*.ipynb")), {"Before and after": table}, made, f"What changes? {EVIL}"
    )
    assert {p.name: p.read_bytes() for p in made.glob("*.html")} == before


def test_without_a_browser_the_index_draws_the_chart_itself(made, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "available", lambda: False)
    index = report.write([made / "notebooks" / "01_answer.ipynb"], {}, tmp_path / "out", "Title")
    page = index.read_text()
    assert all(f'class="chart" id="{c}"' in page and f'data-for="{c}"' in page for c in ("chart-0", "chart-front"))
    assert "<img" not in page


def test_two_notebooks_of_one_name_are_refused(made, tmp_path):
    one = made / "notebooks" / "01_answer.ipynb"
    with pytest.raises(checks.InputError, match="^two notebooks are called 01_answer, and a report has one"):
        report.write([one, one], {}, tmp_path, "Title")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(checks.InputError, match="^cannot write the report to .*file/out: Not a directory$"):
        report.write([], {}, tmp_path / "file" / "out", "Title")


def test_a_browser_that_does_not_start_costs_the_pictures_only(monkeypatch):
    monkeypatch.setattr(pictures, "available", lambda: True)
    monkeypatch.setattr(pictures, "_browser", lambda: "/bin/false")
    assert pictures.pngs([{"data": [], "layout": {}}]) == [None]


def test_a_notebook_with_a_picture_shows_it(tmp_path):
    output = nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("p", outputs=[output])])
    nbformat.write(notebook, tmp_path / "p.ipynb")
    report.write([tmp_path / "p.ipynb"], {}, tmp_path / "out", "Title")
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in (tmp_path / "out" / "p.html").read_text()


def test_numbers_of_a_table_stand_to_the_right_and_texts_may_wrap():
    html = cleaned(
        '<table><tr><td style="text-align:right">1</td><td style="text-align:left" onclick="x()">text</td></tr></table>'
    )
    assert '<td class="number">1</td><td>text</td>' in html


def test_a_report_is_of_its_own_scenario_only_and_names_what_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "available", lambda: False)  # `made` has one
    monkeypatch.setattr(site, "SHOWN_DRAWS", 64)
    monkeypatch.setattr(site, "answer", functools.partial(site.answer, draws=64))
    source = small_notebooks.write(tmp_path / "01_own.ipynb", "print('here')\nif users == 7: 1 / 0")
    dies = small_notebooks.write(tmp_path / "02_dies.ipynb", "import os\nif users == 7: os._exit(3)")
    folder = tmp_path / "out"
    report.write_report("twilly", 5, folder, [source, dies])
    (folder / "mine.txt").write_text("kept")
    old = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    (tmp_path / "chat.yaml").write_text("extends: chat\n")
    with pytest.raises(RuntimeError, match="02_dies|the worker process died"):
        report.write_report(str(tmp_path / "chat.yaml"), 7, folder, [source, dies])
    new = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {"02_dies.html", "notebooks/02_dies.ipynb", "tables/the_published_claims_judged_twice.csv"} <= old - new
    assert "mine.txt" in new
    index = text(folder, "index.html")
    assert "This notebook failed: ZeroDivisionError: division by zero" in index
    assert "02_dies" in index and "This notebook failed: the worker process died (exit code 3)" in index


def test_a_page_has_contents_folded_code_formulas_frames_and_links_only_to_pages_that_are_there():
    said = "**Why.** one\n\n$$a = \\frac{b}{2}$$ costs `$5$`, $3 to $4; see [it](02_it.ipynb) and [that](03_no.ipynb)."
    cells = [
        nbformat.v4.new_markdown_cell(f"# What?\n\n{said}"),
        nbformat.v4.new_markdown_cell("$$<script>x</script>$$"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    (formula,) = setting.take_formulas(notebook)
    assert "<mfrac>" in formula and "`$5$`" in notebook.cells[0].source and "$3 to $4" in notebook.cells[0].source
    assert notebook.cells[1].source == "$$<script>x</script>$$"
    page, contents = setting.with_headings("<p><strong>Is it so?</strong> yes</p><p><strong>Not this</strong> one.</p>")
    assert contents == [("part-1", "Is it so?")] and '<h2 id="part-1">Is it so?</h2><p>Yes</p>' in page
    assert "<details" in setting.with_folded_code('<div class="highlight"><pre>x = 1</pre></div>')
    assert setting.with_scrolling_tables("<table><tr><th></th></tr></table>").startswith(
        '<div class="scroll" tabindex="0" role="region" aria-label="Table 1"><table><tr><td></td>'
    )
    links = setting.with_links('<a href="02_it.ipynb">it</a> <a href="03_no.ipynb">that</a>', ["02_it"])
    assert links == '<a href="02_it.html">it</a> that'


@pytest.mark.parametrize("name", ["index.html", "01_answer.html"])
def test_every_landmark_of_a_page_has_a_name_of_its_own_and_what_scrolls_is_reached_by_keyboard(made, name):
    frames = re.findall(r'<(?:nav|section|div|span)\b[^>]*aria-label="[^"]+"[^>]*>', text(made, name))
    labels = [re.search(r'aria-label="([^"]+)"', frame)[1] for frame in frames]
    assert len(labels) == len(set(labels)) >= 2, labels
    assert all('tabindex="0"' in frame for frame in frames if 'role="region"' in frame)
    assert text(made, name).count("<table") == sum('class="scroll"' in frame for frame in frames)
