"""Every number in data/ can be traced."""

import csv

import pytest

from model import ledger, paths
from model.checks import InputError


def test_every_ledger_row_has_unit_source_and_range():
    assert len(ledger.rows()) > 40
    for row in ledger.rows().values():
        assert row.unit == ledger.unit_of(row.name)
        assert row.source in ledger.sources()
        assert row.low <= row.value <= row.high
        if row.kind == "assumed":
            assert row.low < row.high and row.note


@pytest.mark.parametrize("path", sorted(paths.data().rglob("*.csv")), ids=lambda p: p.name)
def test_every_csv_is_a_plain_table_whose_sources_are_known(path):
    with open(path, encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert len(rows) > 1 and not rows[0][0].startswith("#")
    assert {len(r) for r in rows} == {len(rows[0])}
    if "source" in rows[0] and path.parent.name != "published":
        column = rows[0].index("source")
        assert {r[column] for r in rows[1:] if r[column]} <= set(ledger.sources())


def test_every_file_of_data_has_its_paragraph_in_the_readme():
    text = paths.data("README.md").read_text(encoding="utf-8")
    for path in sorted(paths.data().iterdir()):
        if path.name != "README.md":
            assert path.name in text, f"data/README.md says nothing of {path.name}"


ROW = "name,value,low,high,unit,kind,source,where,checked_on,note\n"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("wait_s,1,,,,spec,rfc791,s.1,2026-01-01,", "wait_s must have a unit; got none"),
        ("wait_s,1,,,ms,spec,rfc791,s.1,2026-01-01,", "wait_s must end in its unit; got unit 'ms'"),
        ("wait_s,1,,,s,guess,rfc791,s.1,2026-01-01,", "unknown kind 'guess'"),
        ("wait_s,1,,,s,spec,rfc7910,s.1,2026-01-01,", "wait_s must name a source of data/sources.csv; got 'rfc7910'"),
        ("wait_s,1,2,3,s,published,rfc791,s.1,2026-01-01,", "wait_s must lie in its range 2 to 3; got 1"),
        ("wait_s,1,,,s,assumed,assumption,s.1,2026-01-01,guess", "wait_s is assumed and must have a range and a note"),
        ("wait_s,one,,,s,spec,rfc791,s.1,2026-01-01,", "wait_s must be a number; got 'one'"),
    ],
)
def test_a_row_that_cannot_be_traced_is_refused(tmp_path, row, sentence):
    path = tmp_path / "ledger.csv"
    path.write_text(ROW + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=sentence.replace("(", r"\(")):
        ledger.read(path)


def test_a_name_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "ledger.csv"
    one = "wait_s,1,,,s,spec,rfc791,s.1,2026-01-01,\n"
    path.write_text(ROW + one + one, encoding="utf-8")
    with pytest.raises(InputError, match="wait_s must stand once; it stands twice"):
        ledger.read(path)
