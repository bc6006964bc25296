"""A range wherever one is promised: scenarios with ranges where others have plain numbers go through everything."""

import json

import pandas as pd
import pytest
from ranged import plain, reranged

import model
from model import audit, claims, load, paths
from model.apps import cli, explore, notebooks
from model.scenario import read_yaml

RANGES = {
    "payload": "events: {new_comment: {payload_bytes: {low: 100, mode: 184, high: 300}}}",
    "heartbeat": "after: {heartbeat: {period_s: {low: 20, mode: 30, high: 240}}}",
    "month": "billing: {month_days: {low: 28, mode: 30, high: 31}}",
}


def written(folder, name, *lines):
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(["extends: twilly", "claims: twilly", *lines]))
    return path


@pytest.fixture(scope="module")
def all_and_none(tmp_path_factory):
    """Files of the first case's pair: every float a range about its value, and every range its mode."""
    contents = {"all": reranged(load("twilly")), "none": plain(read_yaml(paths.data("scenarios", "twilly.yaml")))}
    files = {name: tmp_path_factory.mktemp("floats") / f"{name}.yaml" for name in contents}
    for name, path in files.items():
        pair = {which: contents[name]["designs"][which] for which in ("before", "after")}
        path.write_text(json.dumps(contents[name] | {"designs": pair}), encoding="utf-8")
    return files


@pytest.mark.parametrize("which", ["all", "none"])
def test_where_every_float_is_a_range_or_none_is_the_commands_go_through(all_and_none, which, capsys):
    path, day = str(all_and_none[which]), paths.data("own_files")
    few = ["--draws", "16"]
    days = [str(day / "day_events.csv"), "--sessions", str(day / "day_sessions.csv"), "--draws", "0"]
    for words in (["answer", path, *few], ["compare", path], ["show", path], ["replay", path, *days]):
        assert not cli.app(args=words, standalone_mode=False)
        assert capsys.readouterr().out, words


def test_at_its_modes_a_scenario_has_the_numbers_of_one_without_ranges(all_and_none):
    ranged, modes, none = (model.before_after(one) for one in (all_and_none["all"], "twilly", all_and_none["none"]))
    for table in (ranged, none):
        pd.testing.assert_frame_equal(table, modes, rtol=1e-9)
    whole = model.evaluate(all_and_none["all"], draws=32)
    assert whole.table()[["before", "after"]].notna().all(axis=None)
    assert len(whole.explain("cost")["inputs"]) > len(model.evaluate("twilly").explain("cost")["inputs"]) + 50


def test_the_audit_takes_a_range_as_it_takes_its_mode(all_and_none):
    ranged, none = (audit.table(str(all_and_none[which]), draws=0) for which in ("all", "none"))
    assert list(ranged.index) == list(none.index) == [figure.number for figure in claims.figures("twilly")]


def test_notebooks_that_read_one_number_of_a_scenario_take_a_range_in_its_place(tmp_path):
    path = written(tmp_path, "mine", *RANGES.values())
    names = ["01_before_after", "05_battery", "07_ranges", "08_claims"]
    given = {"scenario": str(path), "draws": 64}
    done = notebooks.execute_all(names, given, tmp_path / "out", progress=False)
    assert [d.error for d in done] == [""] * len(names)


def test_the_page_takes_as_many_users_as_it_is_told():
    state = explore.start("twilly", {"users": 1e9})
    assert state.scenario().users == 1e9 and load("twilly").users < 1e9
