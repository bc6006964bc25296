"""A range wherever one is promised: scenarios with ranges where others have plain numbers go through everything."""

import pytest

from model import audit, load
from model.apps import explore, notebooks

RANGES = {
    "payload": "events: {new_comment: {payload_bytes: {low: 100, mode: 184, high: 300}}}",
    "heartbeat": "after: {heartbeat: {period_s: {low: 20, mode: 30, high: 240}}}",
    "month": "billing: {month_days: {low: 28, mode: 30, high: 31}}",
}


def written(folder, name, *lines):
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(["extends: twilly", "claims: twilly", *lines]))
    return path


@pytest.mark.parametrize("name", RANGES)
def test_the_audit_takes_a_range_as_it_takes_its_mode(tmp_path, name):
    ranged = audit.table(str(written(tmp_path, name, RANGES[name])), draws=0)
    plain = audit.table("twilly", draws=0)
    assert list(ranged.index) == list(plain.index)


def test_notebooks_that_read_one_number_of_a_scenario_take_a_range_in_its_place(tmp_path):
    path = written(tmp_path, "mine", *RANGES.values())
    names = ["01_before_after", "05_battery", "07_ranges", "08_claims"]
    done = notebooks.execute_all(names, {"scenario": str(path)}, tmp_path / "out", progress=False)
    assert [d.error for d in done] == [""] * len(names)


def test_the_page_takes_as_many_users_as_it_is_told():
    state = explore.start("twilly", {"users": 1e9})
    assert state.scenario().users == 1e9 and load("twilly").users < 1e9
