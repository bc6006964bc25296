"""Notebooks are stored byte for byte the same, and any number that changes is found and named."""

import copy
import importlib.util
import json
import warnings

import nbformat
import pytest
import small_notebooks
from hypothesis import given
from hypothesis import strategies as st

from model import paths
from model.apps import cli, notebooks
from model.show import display

QUIET = {"jobs": 1, "progress": False}


@pytest.fixture
def notebook(tmp_path):
    """A notebook with a tagged table, a chart and a sentence, stored."""
    path = small_notebooks.table_and_chart(tmp_path / "01_small.ipynb")
    notebooks.accept([path], with_pictures=False, **QUIET)
    return path


def found(path, **more):
    return [str(d) for d in notebooks.check([path], kernel=False, **QUIET, **more)]


def edit(path, old, new):
    """Change the stored file at one place."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_stored_twice_gives_the_same_bytes_and_reports_nothing(notebook):
    before = notebook.read_bytes()
    assert notebooks.accept([notebook], **QUIET, with_pictures=False) == []
    assert notebook.read_bytes() == before
    assert found(notebook) == []


def test_two_people_store_the_same_bytes(tmp_path):
    texts = set()
    for home in ("a", "b"):
        (tmp_path / home).mkdir()
        path = small_notebooks.write(
            tmp_path / home / "nb.ipynb",
            "import os, tempfile\nprint('here', os.getcwd()[:4])",
            "object()",
            "%time x = 1",
            "tempfile.gettempdir()",
        )
        notebooks.accept([path], **QUIET)
        texts.add(path.read_bytes())
    assert len(texts) == 1
    assert b"/tmp" not in texts.pop()


def test_nothing_stored_depends_on_the_run(notebook):
    text = notebook.read_text(encoding="utf-8")
    nb = nbformat.reads(text, as_version=4)
    assert "papermill" not in text and "start_time" not in text and '"execution"' not in text
    assert [c.id for c in nb.cells] == [f"cell-{n:02d}" for n in range(1, len(nb.cells) + 1)]
    assert "version" not in nb.metadata.language_info
    assert [c.execution_count for c in nb.cells if c.cell_type == "code"] == [1, 2, 3, 4, 5]


def test_the_stored_form_of_the_stored_form_is_itself(notebook):
    nb = nbformat.read(notebook, as_version=4)
    assert notebooks.text_of(notebooks.normalise(nb)) == notebook.read_text(encoding="utf-8")


BATTERY = "In [3], table before_after, row 'battery', column 'before': "


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("1428.6,", "1428.7,", f"{BATTERY}1428.7 stored, 1428.6 now"),
        (">1,429<", ">1,428<", "In [3], text/html, row 'line 4': '<tr><td"),
        ("46.8,", "46.801,", "chart Cost by users, row '1000', column 'before y': 46.801 stored, 46.8 now"),
        ("10,000 users in", "10,001 users in", "In [5], stdout, row 'line 1': '10,001 users in us-east-1' "),
        ("Cost by users", "Price by users", "chart Price by users, row 'layout', column 'title.text'"),
    ],
    ids=["table", "table as shown", "chart", "sentence", "title of a chart"],
)
def test_a_fifth_digit_changed_in_the_file_is_found_and_named(notebook, old, new, told):
    edit(notebook, old, new)
    differences = found(notebook)
    assert len(differences) >= 1
    assert differences[0].startswith("01_small.ipynb, ") and told in differences[0]


@given(
    st.floats(1e-3, 1e9),
    st.floats(1e-3, 1e9),
    st.sampled_from(["first", "second"]),
    st.sampled_from(["cost", "load"]),
    st.sampled_from([-1, 1]),
)
def test_any_fifth_digit_of_any_cell_is_found(a, b, row, column, step):
    rows = {"first": {"cost": a, "load": b}, "second": {"cost": b, "load": a}}
    old, new = as_notebook(rows), as_notebook(rows)
    record = next(r for r in new.cells[0].outputs[0].data[display.RESULT_MIME]["records"] if r["row"] == row)
    mantissa, power = f"{record[column]:.4e}".split("e")
    record[column] = float(f"{float(mantissa) + step * 1e-4:.4f}e{power}")
    (difference,) = notebooks.differences(old, new, "x.ipynb")
    assert (difference.row, difference.column, difference.kind) == (row, column, "number")
    assert difference.table == "table tried"


def as_notebook(rows):
    """A stored notebook whose only cell shows these rows, as a kernel would store it."""
    import pandas as pd

    bundle = display.result(pd.DataFrame(rows).T, "tried")._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=json.loads(json.dumps(bundle)), execution_count=1)
    cell = nbformat.v4.new_code_cell("shown", outputs=[output], execution_count=1)
    return notebooks.normalise(nbformat.v4.new_notebook(cells=[cell]))


def chart(**trace):
    figure = {"data": [{"name": "cost", **trace}], "layout": {"title": {"text": "Tried"}}}
    output = nbformat.v4.new_output("display_data", data={"application/vnd.plotly.v1+json": figure})
    cell = nbformat.v4.new_code_cell("c", outputs=[output])
    return notebooks.normalise(nbformat.v4.new_notebook(cells=[cell]))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"x": [1, 1], "y": [2.0, 3.0]}, {"x": [1, 1], "y": [2.0, 3.0001]}, "row '1', column 'cost y': 3.0 "),
        ({"x": ["a"], "y": [1]}, {"x": ["c"], "y": [1]}, "row 'point 1', column 'cost x': 'a' stored, 'c' now"),
        ({"z": [[1, 2], [3, 4]]}, {"z": [[1, 2], [3, 5]]}, "row 'point 2', column 'cost z.1': 4 stored, 5 now"),
        ({"y": [1, 2]}, {"y": [1, 2, 3]}, "row 'point 3', column 'cost y': there now, but not stored"),
        ({"y": [1, 2]}, {"y": [1]}, "row 'point 2', column 'cost y': stored, but not there now"),
        ({"error_y": {"array": [0.5]}}, {"error_y": {"array": [0.6]}}, "column 'cost error_y.array'"),
        (
            {"y": {"dtype": "f8", "bdata": "AAAAAAAA8D8="}},
            {"y": {"dtype": "f8", "bdata": "AAAAAAAAAEA="}},
            "row 'point 1', column 'cost y': 1.0 stored, 2.0 now",
        ),
    ],
    ids=["two points at one place", "place", "matrix", "more", "fewer", "error bar", "packed array"],
)
def test_a_change_in_a_charts_data_is_named(old, new, told):
    (difference,) = notebooks.differences(chart(**old), chart(**new), "x.ipynb")
    assert "x.ipynb, In [1], chart Tried" in str(difference) and told in str(difference)


def test_a_columns_tolerance_lets_it_pass_and_no_other_column():
    import pandas as pd

    def shown(cost, load):
        nb = as_notebook({"only": {"cost": cost, "load": load}})
        data = display.result(pd.DataFrame({"cost": [cost], "load": [load]}), "t", tolerance={"cost": 0.01})
        nb.cells[0].outputs[0].data = nbformat.from_dict(json.loads(json.dumps(data._repr_mimebundle_())))
        return nb

    assert notebooks.differences(shown(100.0, 5.0), shown(100.5, 5.0), "x") == []
    assert [d.column for d in notebooks.differences(shown(100.0, 5.0), shown(102.0, 5.0), "x")] == ["cost"]
    assert [d.column for d in notebooks.differences(shown(100.0, 5.0), shown(100.5, 5.001), "x")] == ["load"]
    assert notebooks.differences(shown(100.0, 5.0), shown(100.0, 5.01), "x", {"load": 0.01}) == []


def test_a_table_without_json_is_compared_as_text():
    def shown(value):
        data = {"text/html": f"<table>\n<tr><td>{value}</td></tr>\n</table>"}
        cell = nbformat.v4.new_code_cell("c", outputs=[nbformat.v4.new_output("display_data", data=data)])
        return notebooks.normalise(nbformat.v4.new_notebook(cells=[cell]))

    (difference,) = notebooks.differences(shown(2.5), shown(2.5001), "x")
    assert (difference.table, difference.row, difference.kind) == ("text/html", "line 2", "text")


def test_a_row_or_column_that_is_gone_is_said_once():
    rows = {"first": {"cost": 1.0, "load": 2.0}, "second": {"cost": 3.0, "load": 4.0}}
    fewer = {"first": {"cost": 1.0}}
    told = [(d.kind, d.row, d.column) for d in notebooks.differences(as_notebook(rows), as_notebook(fewer), "x")]
    assert told == [("missing", "", "load"), ("missing", "second", "")]


def test_a_chart_that_is_gone_or_new_is_said_once():
    with_chart = chart(y=list(range(500)))
    without = copy.deepcopy(with_chart)
    del without.cells[0].outputs[0].data["application/vnd.plotly.v1+json"]
    told = [str(d) for d in notebooks.differences(with_chart, without, "x")]
    assert told == ["x, In [1], chart Tried: stored, but not there now"]
    told = [str(d) for d in notebooks.differences(without, with_chart, "x")]
    assert told == ["x, In [1], chart Tried: there now, but not stored"]


def test_the_summary_names_the_largest_change_and_counts_the_rest():
    def shown(cost, load):
        return as_notebook({"cost": {"before": cost, "after": load}, "load": {"before": 1.0, "after": load}})

    changes = notebooks.differences(shown(100.0, 5.0), shown(106.4, 5.1), "x")
    assert notebooks.summary(changes) == "cost before +6.4 %, 1 table"
    assert notebooks.summary([*changes, *notebooks.differences(chart(y=[1]), chart(y=[2]), "x")]) == (
        "cost before +6.4 %, 1 table, 1 chart"
    )


def test_pictures_widget_ids_and_run_times_are_left_out():
    def shown(picture, widget, seconds):
        data = {"image/png": picture, "text/plain": "a chart at 0x7f12ab34cd56"}
        outputs = [
            nbformat.v4.new_output("display_data", data=data),
            nbformat.v4.new_output(
                "display_data",
                data={"application/vnd.jupyter.widget-view+json": {"model_id": widget, "version_major": 2}},
            ),
            nbformat.v4.new_output("stream", name="stdout", text=f"Wall time: {seconds} s\n"),
        ]
        cell = nbformat.v4.new_code_cell("c", outputs=outputs, metadata={"execution": {"at": str(seconds)}})
        nb = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": widget}})
        return notebooks.normalise(nb)

    assert notebooks.differences(shown("AAAA", "1a", 1.5), shown("BBBB", "2b", 2.5), "x") == []


def test_an_output_that_is_gone_or_new_is_a_difference():
    full = as_notebook({"only": {"cost": 1.0}})
    empty = copy.deepcopy(full)
    empty.cells[0].outputs = []
    assert [d.kind for d in notebooks.differences(full, empty, "x")] == ["missing"]
    assert [d.kind for d in notebooks.differences(empty, full, "x")] == ["new"]


def test_accept_says_in_numbers_what_changed(notebook):
    edit(notebook, "users * 0.0468", "users * 0.0469")
    told = [str(d) for d in notebooks.accept([notebook], with_pictures=False, **QUIET)]
    assert told == ["01_small.ipynb, In [3], table before_after, row 'cost', column 'before': 468.0 stored, 469.0 now"]
    assert found(notebook) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "failed in cell In [3]: ZeroDivisionError: division by zero"),
        ("import warnings; warnings.warn('careful')", "prints to stderr"),
    ],
    ids=["an error", "a warning"],
)
def test_accept_stores_nothing_of_a_notebook_with(tmp_path, source, told):
    path = small_notebooks.write(tmp_path / "nb.ipynb", "1", source)
    before = path.read_bytes()
    (difference,) = notebooks.accept([path], **QUIET)
    assert difference.kind == "failed" and told in str(difference)
    assert path.read_bytes() == before
    assert any(told in line for line in found(path))


def test_a_file_saved_by_another_program_is_to_be_accepted(notebook):
    nb = nbformat.read(notebook, as_version=4)
    nb.cells[0].id = "f00dcafe"
    nbformat.write(nb, notebook)
    assert "accept it again" in found(notebook)[0]


def test_an_unknown_notebook_is_refused_with_the_nearest():
    nearest = next(iter(sorted(p.stem for p in paths.notebooks().glob("*.ipynb"))), None)
    if nearest is None:
        pytest.skip("there are no notebooks yet")
    with pytest.raises(ValueError, match=f"unknown notebook '{nearest}x'; did you mean '{nearest}'"):
        notebooks.check([f"{nearest}x"], **QUIET)


def test_check_runs_every_notebook_in_a_kernel_too_whatever_pytest_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p a_plugin_that_shuffles")  # a pytest inside would fail
    path = small_notebooks.write(tmp_path / "nb.ipynb", "import sys\nprint('ipykernel.kernelapp' in sys.modules)")
    notebooks.accept([path], **QUIET)
    assert found(path) == []
    assert [str(d) for d in notebooks.check([path], **QUIET)] == [
        "nb.ipynb, In [2], stdout, row 'line 1': 'False' stored, 'True' now"
    ]


@pytest.fixture
def without_dev(monkeypatch, capsys):
    """The command where the extra `dev` is not installed: its exit code and both outputs."""
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: None if name == "kaleido" else real(name, *a))
    monkeypatch.setattr("warnings.showwarning", warnings.showwarning)  # which the command replaces

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["workbook", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        return done.value.code, *capsys.readouterr()

    return run


def test_accept_without_kaleido_is_one_sentence_and_stores_nothing(notebook, without_dev):
    edit(notebook, "users * 0.0468", "users * 0.0469")
    before = notebook.read_bytes()
    assert without_dev("accept", notebook) == (
        2,
        "",
        "workbook: pictures of charts need kaleido, which is not installed; in a clone: pip install -e '.[dev]'\n",
    )
    assert notebook.read_bytes() == before


def test_the_command_check_begins_with_a_summary_and_fails_on_every_changed_number(notebook, without_dev):
    code, said, _ = without_dev("check", notebook)
    assert (code, said) == (0, "every stored number is what the notebooks give\n")
    edit(notebook, "1428.6,", "1428.7,")
    code, said, _ = without_dev("check", notebook)
    assert code == 1 and "1428.7 stored, 1428.6 now" in said
    assert said.startswith("battery before -0.007 %, 1 table\n")


@pytest.mark.parametrize("path", sorted(paths.notebooks().glob("*.ipynb")), ids=lambda p: p.stem)
def test_every_notebook_is_in_stored_form(path):
    nb = nbformat.read(path, as_version=4)
    assert notebooks.text_of(notebooks.normalise(nb)) == path.read_text(encoding="utf-8")
    assert not [o for c in nb.cells for o in c.get("outputs", ()) if o.get("name") == "stderr"]


def test_a_file_that_cannot_be_replaced_stays_and_nothing_lies_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "kept.txt"
    assert notebooks.write_whole(path, "old") == path and path.read_text() == "old"
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        notebooks.write_whole(path, b"new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
