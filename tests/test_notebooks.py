"""The notebooks have the house's shape: one question, typed parameters, short cells, nothing defined, all stored."""

import ast
import re

import nbformat
import pytest

from model import paths

NOTEBOOKS = sorted(paths.notebooks().glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem, scope="module")
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def test_there_is_a_notebook():
    assert NOTEBOOKS


def test_the_title_is_a_question(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and re.match(r"# .+\?\s*(\n|$)", first.source)


def test_it_has_12_to_26_cells(notebook):
    assert 12 <= len(notebook.cells) <= 26


def test_the_parameters_cell_is_second_and_holds_typed_literals_with_units(notebook):
    cell = notebook.cells[1]
    assert cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    for line, node in zip(cell.source.splitlines(), ast.parse(cell.source).body, strict=True):
        assert isinstance(node, ast.AnnAssign), line
        ast.literal_eval(node.value)
        assert re.search(r"# .+ \[[^\]]+\]$", line), line


def test_code_cells_are_short_and_define_nothing(notebook):
    for cell in code(notebook):
        lines = [x for x in cell.source.splitlines() if x.strip()]
        assert len(lines) <= 12, cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))


def test_no_cell_ends_in_a_semicolon(notebook):
    assert not any(c.source.rstrip().endswith(";") for c in code(notebook))


def test_a_tagged_result_comes_near_the_top(notebook):
    tagged = [k for k, c in enumerate(notebook.cells) if "result" in c.metadata.get("tags", [])]
    assert tagged and tagged[0] <= 6


def test_it_is_stored_with_outputs_and_without_warnings_or_errors(notebook):
    assert any(c.outputs for c in code(notebook))
    for cell in code(notebook):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


def test_no_stored_output_names_a_path_of_a_machine(notebook):
    text = nbformat.writes(notebook)
    assert not re.search(r"/(home|root|work|tmp|Users)/\w", text)


def test_every_number_in_prose_is_one_that_no_parameter_changes(notebook):
    """Prose may name a spec or a year; a figure with a unit of the table would drift from the result."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\$\s?\d|\d\s?(USD|MB/h|%/h|requests/min)", cell.source), cell.source


def test_a_cell_shows_one_result_as_only_the_last_is_seen(notebook):
    assert [c.source for c in code(notebook) if len(re.findall(r"\b(?:display|shown)\.result\(", c.source)) > 1] == []
