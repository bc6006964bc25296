"""A grid of notebooks: nothing starts that is wrong, nothing that was finished is lost or done twice."""

import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys

import nbformat
import pandas as pd
import pytest
import small_notebooks
from batches import finished, given_to_run, manifest, results
from command import workbook

import model
from model import checks, paths
from model.apps import batch, cli, notebooks
from model.apps.batch import collect
from model.apps.batch.store import Store
from model.apps.notebooks import processes


@pytest.fixture
def make(tmp_path):
    return functools.partial(given_to_run, tmp_path)


# ---- what is wrong is said before anything starts

GRID = {"grid": {"users": [10, 20]}}


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"grid": {"user": [1]}}, r"^unknown parameter 'user' in small.ipynb; did you mean 'users'\? \(.*grid"),
        ({"grid": {"users": ["ten"]}}, r"^users must be a number; got 'ten' \(.*grid.yaml\)$"),
        ({"grid": {"users": [True]}}, r"^users must be a number; got True"),
        ({"grid": {"region": [3]}}, r"^region must be a text; got 3"),
        ({"grid": {"changes": [3]}}, r"^changes must be a mapping; got 3"),
        ("grid: {users: [.nan]}", r"^users must be a number; got NaN"),
        ({"grid": {"users": list(range(501))}}, r"^the grid has 501 runs, more than 500; say --yes to start"),
        ({}, r"^the grid is empty \("),
        ("", r"^a grid must be a mapping with 'grid' or 'points' \("),
        ({"grid": {}}, r"^the grid is empty \("),
        ({"points": []}, r"^the grid is empty \("),
        ({"grid": {"users": []}}, r"^the grid is empty: no values for users \("),
        ([1, 2], r"^a grid must be a mapping with 'grid' or 'points'"),
        ({"points": [1]}, r"^'grid' must be a mapping of lists and 'points' a list of mappings"),
        ({"gird": {}}, r"^unknown key 'gird'; did you mean 'grid'\?"),
        ("grid: {users: [1], users: [2]}", r"^key 'users' must stand once; it stands twice \("),
        ("grid: !!python/object/apply:os.system [true]", r"^YAML tags must not be used; got "),
        ("grid: [", r"^the file must be YAML; .*grid.yaml:1\)$"),
        ({"grid": {"scenario": ["<script>"]}}, r"^scenario must be a name of letters.*; got '<script>'"),
        ({"grid": {"scenario": ["../../x"]}}, r"^scenario must be a name of letters.*; got '../../x'"),
        ({"grid": {"scenario": ["<b>/x.yaml"]}}, r"^scenario must be a name of letters"),
        ({"points": [{"users": 1, "after.api_token": "x"}]}, r"^'after.api_token' looks like a secret"),
        ({"points": [{"changes": {"a": {"password": "x"}}}]}, r"^'changes.a.password' looks like a secret"),
        ({"grid": {"region": ["AKIAIOSFODNN7EXAMPLE"]}}, r"^'region' looks like a secret"),
    ],
    ids=str,
)
def test_a_bad_grid_is_one_sentence_and_nothing_runs(make, grid, told):
    given = make(grid)
    with pytest.raises(checks.InputError, match=told) as error:
        batch.run(**given)
    assert "\n" not in str(error.value)
    assert not given["out_dir"].exists()


def test_a_grid_is_counted_before_it_is_laid_out(make, monkeypatch):
    monkeypatch.setattr("model.apps.batch.grid.points", lambda spec: pytest.fail("it was laid out"))
    given = make({"grid": {f"after.p{k}": list(range(20)) for k in range(6)}, "points": [{"users": 1}, {"users": 2}]})
    with pytest.raises(checks.InputError, match=r"^the grid has 128,000,000 runs, more than 500; say --yes to start"):
        batch.run(**given)


def test_an_unknown_notebook_is_refused_with_the_nearest(make, monkeypatch, tmp_path):
    small_notebooks.small(tmp_path / "01_before_after.ipynb")
    monkeypatch.setattr(paths, "notebooks", lambda *parts: tmp_path.joinpath(*parts))
    given = {**make(GRID, None), "notebooks": ["01_before_aftr"]}
    with pytest.raises(checks.InputError, match="^unknown notebook '01_before_aftr'; did you mean '01_"):
        batch.run(**given)


def test_a_notebook_without_a_parameters_cell_is_refused(make, tmp_path):
    bare = small_notebooks.write(tmp_path / "bare.ipynb", "1", parameters=None)
    with pytest.raises(checks.InputError, match="^bare.ipynb has no cell tagged 'parameters'"):
        batch.run(**{**make(GRID), "notebooks": [bare]})


def test_a_file_that_is_no_notebook_is_refused(make, tmp_path):
    (tmp_path / "no.ipynb").write_text("{}")
    with pytest.raises(checks.InputError, match="^no.ipynb is no readable notebook: "):
        batch.run(**{**make(GRID), "notebooks": [tmp_path / "no.ipynb"]})


def test_a_path_into_the_scenario_needs_a_notebook_that_takes_changes(make, tmp_path):
    other = small_notebooks.write(tmp_path / "fixed.ipynb", "1", parameters="users: float = 1.0  # [-]")
    given = {**make({"grid": {"after.heartbeat.period_s": [30]}}), "notebooks": [other]}
    with pytest.raises(checks.InputError, match="^fixed.ipynb has no parameter 'changes', so after.heart"):
        batch.run(**given)


def test_a_notebook_that_asks_for_a_secret_is_refused(make, tmp_path):
    other = small_notebooks.write(tmp_path / "asks.ipynb", "1", parameters='api_key: str = ""  # key [-]')
    with pytest.raises(checks.InputError, match=r"^'api_key' looks like a secret.*\(asks.ipynb\)"):
        batch.run(**{**make({"points": [{}]}), "notebooks": [other]})


@pytest.mark.parametrize("name", ["payload_bytes", "token_bytes", "monkey", "keepalive_s", "keys_count"])
def test_a_name_that_only_sounds_like_a_secret_is_none(name):
    from model.apps.notebooks import no_secret

    no_secret(name, "x")


def test_the_scenario_is_checked_with_all_parameters_before_anything_starts(make):
    def check(given, defaults):
        seen.append({**defaults, **given})
        if given["changes"].get("after.p_s", 1) < 0:
            checks.fail("after.p_s must be > 0 s; got -5", "mine.yaml")
        return {"region": "eu-west-1"}

    seen = []
    given = make({"grid": {"users": [10], "after.p_s": [5, -5]}}, check_scenario=check)
    with pytest.raises(
        checks.InputError,
        match=r"^after.p_s must be > 0 s; got -5 \(mine.yaml\); at the point users"
        r"=10[.0]*, changes=.*-5.* \(.*grid.yaml\)",
    ):
        batch.run(**given)
    assert seen[0] == {"scenario": "twilly", "users": 10.0, "region": "us-east-1", "changes": {"after.p_s": 5}}
    assert not given["out_dir"].exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(make, tmp_path):
    (tmp_path / "file").write_text("in the way")
    given = {**make(GRID), "out_dir": tmp_path / "file" / "out"}
    with pytest.raises(checks.InputError, match=r"^cannot write to the folder .*/file/out: Not a directory$"):
        batch.run(**given)


@pytest.mark.skipif(os.name == "nt", reason="folders have no locks there")
def test_a_second_batch_in_one_folder_is_refused_while_the_first_is_at_work(make):
    given = make(GRID)
    with Store(given["out_dir"]).opened():
        with pytest.raises(checks.InputError, match="^another batch is at work in .*/out; wait for its end, or take"):
            batch.run(**given)
    with Store(given["out_dir"]).opened():
        assert finished(given["out_dir"]) == []


def test_an_unknown_engine_is_refused_with_the_nearest(make):
    with pytest.raises(checks.InputError, match="unknown engine 'inproces'; did you mean 'inprocess'"):
        batch.run(**make(GRID), engine="inproces")


def test_an_unknown_engine_is_refused_before_any_notebook_starts(tmp_path):
    with pytest.raises(checks.InputError, match="unknown engine 'inproces'; did you mean 'inprocess'"):
        notebooks.execute_all(["01_before_after"], {}, tmp_path / "out", engine="inproces")
    assert not (tmp_path / "out").exists()


# ---- what runs, once each, in one table


def test_every_point_is_run_once_and_its_result_is_in_the_table(make, capfd):
    grid = {"grid": {"users": [1e2, 1e3, 1e3], "after.p_s": [30, 240]}, "points": [{"region": "a"}, {"region": "b"}]}
    given = make(grid)
    assert batch.run(**given) == 0
    table = results(given["out_dir"])
    assert len(table) == 2 * 2 * 2 == table["run"].nunique() == len(finished(given["out_dir"]))
    assert list(table.columns) == [
        "run",
        "notebook",
        "region",
        "users",
        "after.p_s",
        "table",
        "cost",
        "named",
        "period",
    ]
    assert table["cost"].tolist() == pytest.approx((table["users"] * 0.0468).tolist(), rel=1e-12)
    assert (table["named"] == table["region"]).all() and (table["period"] == table["after.p_s"]).all()
    assert {r["status"] for r in manifest(given["out_dir"])["runs"]} == {"done"}
    printed = capfd.readouterr()
    assert printed.out == "" and "8 runs: 8 made now, 0 kept from before; all results in " in printed.err
    if importlib.util.find_spec("pyarrow"):
        pd.testing.assert_frame_equal(pd.read_parquet(given["out_dir"] / "results.parquet"), table, check_dtype=False)

    # the same again is taken as it is; what is new is run, what has changed is done anew in its place
    stamps = {p.name: p.stat().st_mtime_ns for p in finished(given["out_dir"])}
    assert batch.run(**given) == 0
    assert "8 runs: 0 made now, 8 kept from before; all results in " in capfd.readouterr().err
    assert {p.name: p.stat().st_mtime_ns for p in finished(given["out_dir"])} == stamps
    make({"grid": {"users": [1e2, 5e3]}, "points": grid["points"]})
    assert batch.run(**given, json_events=True) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [e["event"] for e in events] == ["start", "run", "run", "run", "run", "end"]
    assert events[0] == {"event": "start", "runs": 4, "reused": 0}
    assert {p.name: p.stat().st_mtime_ns for p in finished(given["out_dir"]) if p.name in stamps} == stamps
    assert len(results(given["out_dir"])) == 4
    make({"grid": {"users": [1e2, 5e3]}, "points": grid["points"]}, "users = users * 2")
    count = len(finished(given["out_dir"]))
    assert batch.run(**given) == 0 and len(finished(given["out_dir"])) == count
    assert sorted(set(results(given["out_dir"])["cost"])) == [9.36, 468.0]


def test_a_run_is_done_anew_when_what_it_depends_on_changes(make, monkeypatch, tmp_path):
    from model.apps.batch import grid

    given = make({"grid": {"users": [1], "scenario": ["mine.yaml"]}})
    (tmp_path / "mine.yaml").write_text("a: 1")
    first = grid.plan(given["grid_path"], given["notebooks"])[0]
    key = {first.key}
    (tmp_path / "mine.yaml").write_text("a: 2")
    key.add(grid.plan(given["grid_path"], given["notebooks"])[0].key)
    small_notebooks.small(tmp_path / "small.ipynb", "users = users")
    key.add(grid.plan(given["grid_path"], given["notebooks"])[0].key)
    monkeypatch.setattr("model.apps.batch.grid.data_hash", lambda: "other data")
    key.add(grid.plan(given["grid_path"], given["notebooks"])[0].key)
    monkeypatch.setattr("model.apps.batch.grid.package_hash", lambda: "other code")
    run = grid.plan(given["grid_path"], given["notebooks"])[0]
    assert len(key | {run.key}) == 5 and run.name == first.name  # which it then takes the place of
    assert run.parameters["scenario"] == str(tmp_path / "mine.yaml")  # notebooks run in their own folder


def test_one_that_fails_is_kept_with_its_error_and_the_others_go_on(make, capfd):
    given = make({"grid": {"users": list(range(8))}}, "if users == 3: 1 / 0")
    assert batch.run(**given) == 1
    assert len(results(given["out_dir"])) == 7
    said = capfd.readouterr().err
    assert "1 of 8 runs failed:" in said
    assert "users=3: small.ipynb failed in cell In [3]: ZeroDivisionError: division by zero" in said
    (kept,) = (given["out_dir"] / "failed").glob("*.ipynb")
    assert "ZeroDivisionError" in kept.read_text()
    assert "1 / 0" in kept.with_name(f"{kept.name}.txt").read_text()
    (row,) = [r for r in manifest(given["out_dir"])["runs"] if r["status"] == "failed"]
    assert row["parameters"] == {"users": 3.0} and "ZeroDivisionError" in row["error"]


def test_a_run_whose_file_is_taken_away_meanwhile_is_said_to_have_failed(make, tmp_path, capfd):
    body = "import pathlib\nif users == 2:\n    for p in pathlib.Path('out/runs').glob('small-*'): p.unlink()"
    given = make({"grid": {"users": [1, 2]}}, body, jobs=1)
    assert batch.run(**given) == 1
    said = capfd.readouterr().err
    assert "2 runs: 1 made now, 0 kept from before" in said and "1 of 2 runs failed:" in said
    assert "users=1: its file is gone; the same command runs it again (" in said
    assert batch.run(**given) == 0 and len(results(given["out_dir"])) == 2
    assert len(list((given["out_dir"] / "failed").iterdir())) == 0


@pytest.mark.parametrize("text", ['{"metadata": 3, "cells": []}', '{"metadata": {}, "cells": [1]}', "[]"])
def test_a_file_of_another_shape_in_the_place_of_a_run_is_made_anew(make, text):
    given = make({"grid": {"users": [1]}})
    assert batch.run(**given) == 0
    finished(given["out_dir"])[0].write_text(text)
    assert batch.run(**given) == 0 and len(results(given["out_dir"])) == 1


def test_a_batch_without_any_result_names_no_table(make, tmp_path, capfd):
    silent = small_notebooks.write(tmp_path / "small-silent.ipynb", "1")
    assert batch.run(**{**make({"grid": {"users": [1]}}), "notebooks": [silent]}) == 0
    said = capfd.readouterr().err
    assert "1 runs have no cell tagged 'result' with a result" in said and "none has a result" in said
    assert "results.csv" not in said


def test_columns_named_as_parameters_are_kept_apart():
    records = [{"users": 5, "cost": "inf"}, {"users": 7, "cost": 1.5}]
    cell = {"metadata": {"tags": ["result"]}, "outputs": [{"data": {"application/json": records}}]}
    rows = collect.rows_of("r", "nb", {"users": 7, "changes": {"a.b": 1}}, {"cells": [cell]})
    assert rows[0] == {
        "run": "r",
        "notebook": "nb",
        "users": 7,
        "a.b": 1,
        "table": "result",
        "result.users": 5,
        "cost": float("inf"),
    }
    assert rows[1]["users"] == 7 and "result.users" not in rows[1]


def test_a_tidy_table_has_all_digits_and_one_unit_or_a_unit_in_each_column():
    one = {"name": "a b", "columns": ["users", "usd"], "records": [{"users": 7, "usd": 0.33333}]}
    exact = {"exact": [{"users": 7, "usd": 1 / 3}], "index": ["users"], "units": "USD/month"}
    mixed = {
        "name": "radio",
        "records": [{"tail_s": 1.5, "change": "inf"}, {"tail_s": 2.5, "change": -0.5}],
        "units": {},
    }
    own = {"name": "own", "records": [{"cost": 1, "unit": "USD"}]}
    cells = [
        {"outputs": [{"data": {"application/json": one | exact}}]},
        {},
        *({"outputs": [{"data": {"application/json": table}}]} for table in (mixed, own)),
    ]
    tidy = dict(collect.tidy_of({"run": "r", "users": 10}, {"cells": cells}))
    assert tidy["a_b"] == [{"run": "r", "users": 10, "result.users": 7, "usd": 1 / 3, "unit": "USD/month"}]
    assert tidy["radio"][0] == {"run": "r", "users": 10, "tail [s]": 1.5, "change": float("inf"), "unit": "by column"}
    assert tidy["own"] == [{"run": "r", "users": 10, "cost": 1, "unit": "USD"}]


def test_a_table_that_a_batch_no_longer_makes_is_taken_away_and_other_files_stay(make):
    given = make({"grid": {"users": [1]}})
    kept, old = (given["out_dir"] / "tables" / "small" / name for name in ("notes.txt", "old.csv"))
    kept.parent.mkdir(parents=True)
    kept.write_text(""), old.write_text("")
    assert batch.run(**given) == 0
    assert sorted(path.name for path in kept.parent.iterdir()) == ["notes.txt", "result.csv", "result.parquet"]


def test_execute_all_gives_each_notebook_the_parameters_it_has(tmp_path):
    small_notebooks.small(tmp_path / "a.ipynb")
    small_notebooks.write(tmp_path / "b.ipynb", "1 / size", parameters="size: float = 0.0  # [-]")
    done = notebooks.execute_all(
        [tmp_path / "a.ipynb", tmp_path / "b.ipynb"], {"users": 5.0}, tmp_path / "out", jobs=1, progress=False
    )
    assert [bool(d.error) for d in done] == [False, True]
    assert "ZeroDivisionError" in done[1].error and done[1].output.exists()
    assert collect.results_of(json.loads(done[0].output.read_text()))[0]["records"][0]["cost"] == 0.234
    with pytest.raises(checks.InputError, match="unknown parameter 'user'; did you mean 'users'"):
        notebooks.execute_all([tmp_path / "a.ipynb"], {"user": 5.0}, tmp_path / "out")


def test_a_path_with_braces_is_a_path(tmp_path):
    folder = tmp_path / "{x}"
    folder.mkdir()
    notebook = small_notebooks.small(folder / "a.ipynb")
    notebooks.execute(notebook, {"users": 5.0}, folder / "{out}.ipynb")
    assert (folder / "{out}.ipynb").exists()


def tasks_of(notebook, folder, count=2):
    return [
        {"notebook": str(notebook), "parameters": {}, "output": str(folder / f"{n}.ipynb"), "engine": "inprocess"}
        for n in range(count)
    ]


def printed(folder, count=2):
    return [nbformat.read(folder / f"{n}.ipynb", 4).cells[-1].outputs[0].text for n in range(count)]


def test_every_run_has_a_fresh_process_with_fresh_random_numbers(tmp_path):
    source = "import os, random, numpy as np\nprint(os.getpid(), random.random(), np.random.random())"
    notebook = small_notebooks.write(tmp_path / "nb.ipynb", source)
    done = list(processes.results(tasks_of(notebook, tmp_path), 1))
    assert [o["status"] for _, o in done] == ["done", "done"]
    one, other = (text.split() for text in printed(tmp_path))
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_a_run_that_takes_too_long_is_ended_and_fails_alone(tmp_path):
    slow = "import sys\nif users == 1: sys.stdout.write('x'); [None for _ in iter(int, 1)]"
    tasks = tasks_of(small_notebooks.write(tmp_path / "nb.ipynb", slow), tmp_path)
    tasks[0]["parameters"] = {"users": 1}
    outcomes = {t["output"][-7]: o for t, o in processes.results(tasks, 2, timeout_min=0.05)}
    assert outcomes["1"]["status"] == "done" and outcomes["0"]["status"] == "failed"
    assert outcomes["0"]["error"] == "the run was ended after 0.05 min, which --timeout can change"


def test_a_script_without_a_main_guard_runs_a_batch_once(make, tmp_path):
    given = make({"grid": {"users": [1, 2]}})
    arguments = [str(given["grid_path"]), str(given["out_dir"]), 2, [str(given["notebooks"][0])]]
    script = tmp_path / "script.py"
    script.write_text(f"print('once')\nfrom model.apps import batch\nbatch.run(*{arguments!r})")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "once\n"), done.stderr
    assert "2 runs: 2 made now" in done.stderr


def test_a_half_written_file_is_not_taken_for_a_run(make):
    given = make({"grid": {"users": [1, 2]}}, jobs=1)
    assert batch.run(**given) == 0
    broken = finished(given["out_dir"])[0]
    broken.write_text(broken.read_text()[:300])
    assert batch.run(**given) == 0
    assert len(results(given["out_dir"])) == 2


def test_the_numbers_of_workers_are_sane():
    assert processes.jobs_for(8, 3) == 3
    assert processes.jobs_for(None, 1000) == (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    assert processes.jobs_for(0, 0) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("notebooks: [1]\ngrid: {users: [1]}", "notebooks must be a name or a list of names; got"),
        ("notebooks: 5\ngrid: {users: [1]}", "notebooks must be a name or a list of names; got 5"),
    ],
)
def test_a_grid_of_another_shape_is_one_sentence(tmp_path, text, told):
    (tmp_path / "grid.yaml").write_text(text)
    with pytest.raises(checks.InputError, match=told):
        batch.run(tmp_path / "grid.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_change_in_a_file_that_a_scenario_extends_makes_its_runs_anew(make, tmp_path):
    (tmp_path / "base.yaml").write_text("extends: twilly\nname: base\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nname: mine\n")
    given = make({"grid": {"scenario": ["mine.yaml"], "users": [10]}})
    assert batch.run(**given) == 0
    (first,) = manifest(given["out_dir"])["runs"]
    (tmp_path / "base.yaml").write_text("extends: twilly\nname: base\nusers: 77\n")
    assert batch.run(**given) == 0
    (second,) = manifest(given["out_dir"])["runs"]
    assert first["run"] == second["run"] and first["key"] != second["key"]


def test_a_scenario_keeps_its_own_users_where_the_grid_names_none(tmp_path):
    (tmp_path / "big.yaml").write_text("extends: twilly\nname: big\nusers: 2000000\n")
    (tmp_path / "grid.yaml").write_text("grid: {scenario: [big.yaml], after.heartbeat.period_s: [30], draws: [64]}\n")
    command = ["batch", str(tmp_path / "grid.yaml"), "-o", str(tmp_path / "out")]
    assert not cli.app(args=command, standalone_mode=False)
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert set(table["users"]) == {2e6}
    expected = model.before_after(tmp_path / "big.yaml", draws=64).loc["cost", "after"]
    assert table.set_index("measure").loc["cost", "after"] == pytest.approx(expected, rel=1e-3)
    tidy = pd.read_parquet(tmp_path / "out" / "tables" / "01_before_after" / "before_after.parquet")
    assert tidy.set_index("measure").loc["cost", "after"] == pytest.approx(expected, rel=1e-12)  # not rounded
    said = tidy[["scenario", "users", "region", "prices_on", "version"]].drop_duplicates()
    mine, version = str(tmp_path / "big.yaml"), importlib.metadata.version("push-or-poll")
    assert said.iloc[0, :4].tolist() == [mine, 2e6, "us-east-1", str(model.load(mine).price_book().on)]
    assert len(said) == 1 and said["version"].iloc[0].startswith(f"{version} ") and tidy["unit"].all()
    flows = pd.read_csv(tmp_path / "out" / "tables" / "01_before_after" / "cost_by_flow.csv")
    assert set(flows["unit"]) == {"USD/month"} and {"flow", "before", "after", "run"} <= {*flows}


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ("{region: [us-east-1, us-east-9]}", "unknown region 'us-east-9' .*; at the point region='?us-east-9'?"),
        ("{users: [-5]}", "users must be > 0 users; got -5 .*; at the point users=-5 .*grid.yaml"),
    ],
)
def test_what_makes_no_scenario_is_refused_before_anything_runs(tmp_path, grid, told):
    (tmp_path / "grid.yaml").write_text(f"grid: {grid}\n")
    done = workbook("batch", "grid.yaml", "-o", "out", cwd=tmp_path)
    assert done.returncode == 2 and re.search(told, done.stderr), done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def test_an_address_is_an_address_and_no_folder_on_this_disk(tmp_path):
    (tmp_path / "grid.yaml").write_text("grid: {users: [10]}\n")
    done = workbook("batch", "grid.yaml", "-o", "nosuch://bucket/x", cwd=tmp_path)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("nosuch*")), done.stderr
