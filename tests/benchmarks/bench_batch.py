"""Speed, memory and endurance of batches, each against a limit or against plain papermill in the same run.

Run as `pytest -o addopts= tests/benchmarks/bench_batch.py -s`. Speed is taken twice: of a notebook of the
same kind as the project's (pandas, a table, a chart), which shows what the machinery costs, and of
`01_before_after`, which adds what the model costs.
"""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import papermill
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import small_notebooks  # noqa: E402

from model import paths  # noqa: E402
from model.apps import batch, notebooks  # noqa: E402

USERS = [100, 300, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 5e6, 1e7]
PERIODS_S = [15, 30, 60, 120, 180, 240, 300]


def with_grid(folder, name):
    """The notebook, and a grid of 84 points: 12 user counts and 7 variants where it takes changes."""
    notebook = paths.notebooks(name)
    if name == "like_01.ipynb":
        notebook = small_notebooks.table_and_chart(folder / name)
    if not notebook.exists():
        pytest.skip(f"there is no {name} yet")
    if "changes" in notebooks.parameters_of(notebook):
        return notebook, {"grid": {"users": USERS, "after.heartbeat.period_s": PERIODS_S}}
    return notebook, {"grid": {"users": [round(100 * 1e5 ** (k / 83)) for k in range(84)]}}


def given(folder, grid, notebook, **more):
    (folder / "grid.yaml").write_text(json.dumps(grid))
    return {"grid_path": folder / "grid.yaml", "out_dir": folder / "out", "notebooks": [notebook], "jobs": 2, **more}


def events_of(process_output):
    return [json.loads(line) for line in process_output.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", ["like_01.ipynb", "01_before_after.ipynb"])
def test_84_runs_in_under_15_s_and_20_times_as_fast_as_a_plain_loop(tmp_path, name):
    notebook, grid = with_grid(tmp_path, name)
    begun = time.perf_counter()
    assert batch.run(**given(tmp_path, grid, notebook)) == 0
    took = time.perf_counter() - begun
    runs = len(list((tmp_path / "out" / "runs").glob("*.ipynb")))
    plain = []
    for n in (1e3, 1e4, 1e5, 1e6):
        begun = time.perf_counter()
        papermill.execute_notebook(
            str(notebook), str(tmp_path / "plain.ipynb"), {"users": n}, progress_bar=False, cwd=str(notebook.parent)
        )
        plain.append(time.perf_counter() - begun)
    loop = runs * sum(plain) / len(plain)
    print(
        f"{notebook.name}: {runs} runs in {took:.1f} s on {os.cpu_count()} cores; plain papermill "
        f"{sum(plain) / len(plain):.2f} s a run, {loop:.0f} s for all: {loop / took:.0f} times"
    )
    assert runs == 84 and took < 15 and loop / took >= 20


def test_one_of_200_fails_and_the_other_199_are_there(tmp_path, capfd):
    notebook = small_notebooks.small(tmp_path / "small.ipynb", "if users == 77: 1 / 0")
    assert batch.run(**given(tmp_path, {"grid": {"users": list(range(200))}}, notebook)) == 1
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert sorted(table["users"]) == [n for n in range(200) if n != 77]
    assert len(list((tmp_path / "out" / "failed").glob("*.ipynb"))) == 1
    assert "1 of 200 runs failed:" in capfd.readouterr().err


def test_one_dead_run_of_200_costs_that_run_alone(tmp_path, capfd):
    notebook = small_notebooks.small(tmp_path / "small.ipynb", "if users == 77: import os; os._exit(3)")
    begun = time.perf_counter()
    assert batch.run(**given(tmp_path, {"grid": {"users": list(range(200))}}, notebook)) == 1
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    print(f"199 of 200 runs are there after {time.perf_counter() - begun:.0f} s, one died")
    assert sorted(table["users"]) == [n for n in range(200) if n != 77]
    assert "died (exit code 3)" in capfd.readouterr().err


def test_a_grid_of_5000_is_planned_in_under_5_s_and_300_mb(tmp_path):
    grid = {"grid": {"users": list(range(1, 101)), "after.heartbeat.period_s": list(range(20, 70))}}
    run = given(tmp_path, grid, paths.notebooks("01_before_after.ipynb"))
    code = textwrap.dedent(f"""
        import resource, time
        from model.apps import cli
        from model.apps.batch import grid
        begun = time.process_time()
        runs = grid.plan({str(run["grid_path"])!r}, None, True, cli.settling())
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(len(runs), time.process_time() - begun, memory_mb)""")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    runs, took, memory_mb = (float(word) for word in told.split())
    print(f"{runs:.0f} runs planned in {took:.1f} s of processor with {memory_mb:.0f} MB")
    assert runs == 5000 and took < 5 and memory_mb < 300


def test_a_thousand_runs_keep_each_worker_under_1_gb(tmp_path, capfd):
    notebook = small_notebooks.table_and_chart(tmp_path / "like_01.ipynb")
    begun = time.perf_counter()
    run = given(tmp_path, {"grid": {"users": list(range(1, 1001))}}, notebook)
    assert batch.run(**run, yes=True, json_events=True) == 0
    took = time.perf_counter() - begun
    memory = [e["memory_bytes"] for e in events_of(capfd.readouterr().out) if e["event"] == "run"]
    print(f"1,000 runs in {took:.0f} s; a worker held at most {max(memory) / 1e6:.0f} MB")
    assert len(memory) == 1000 and max(memory) < 1e9
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 2000


@pytest.mark.parametrize("number", range(25))
def test_killed_at_a_random_moment_it_ends_as_if_nothing_had_been(tmp_path, number):
    notebook = small_notebooks.small(tmp_path / "small.ipynb", "import time; time.sleep(0.05)")
    run = given(tmp_path, {"grid": {"users": list(range(1, 41))}}, notebook)
    code = textwrap.dedent(f"""
        from model.apps import batch
        batch.run({str(run["grid_path"])!r}, {str(run["out_dir"])!r}, 2, [{str(notebook)!r}])""")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT)
    drawn = random.Random(number)
    if number:  # the first is killed wherever it is, the others somewhere on their way
        while not list((tmp_path / "out").glob("runs/small-*.ipynb")):
            time.sleep(0.01)
    moment = drawn.uniform(0, 1.5)
    time.sleep(moment)
    process.kill()
    process.wait()
    before = len(list((tmp_path / "out").glob("runs/*.ipynb")))
    assert batch.run(**run) == 0
    names = [p.name for p in (tmp_path / "out" / "runs").iterdir()]
    print(f"killed {moment:.1f} s later with {before} of 40 runs done; {len(names)} after going on")
    assert [n for n in names if not n.startswith("small-")] == [] and len(names) == 40
    assert not list((tmp_path / "out").rglob(".part-*"))
    assert batch.run(**{**run, "out_dir": tmp_path / "undisturbed"}) == 0
    tables = [pd.read_csv(tmp_path / folder / "results.csv") for folder in ("out", "undisturbed")]
    pd.testing.assert_frame_equal(*(t.drop(columns="run") for t in tables), check_exact=True)
    assert tables[0]["users"].tolist() == list(range(1, 41))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_half_a_second(tmp_path, sent):
    body = f"import pathlib, time; pathlib.Path({str(tmp_path)!r}, f'begun{{users:g}}').touch(); time.sleep(60)"
    notebook = small_notebooks.small(tmp_path / "small.ipynb", body)
    run = given(tmp_path, {"grid": {"users": [1, 2]}}, notebook)
    code = textwrap.dedent(f"""
        import sys
        from model.apps import batch
        sys.exit(batch.run({str(run["grid_path"])!r}, {str(run["out_dir"])!r}, 2, [{str(notebook)!r}]))""")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT)
    while len(list(tmp_path.glob("begun*"))) < 2:
        time.sleep(0.01)
    begun = time.monotonic()
    process.send_signal(sent)
    assert process.wait() == 130
    took = time.monotonic() - begun
    print(f"stopped {took:.2f} s after {sent.name}")
    assert took < 0.5


def test_a_small_disk_that_fills_up_loses_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(small, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        notebook = small_notebooks.small(tmp_path / "small.ipynb", "print('x' * 50_000)")
        run = {**given(tmp_path, {"grid": {"users": list(range(60))}}, notebook), "out_dir": disk / "out"}
        assert batch.run(**run) == 1
        done = len(list((disk / "out" / "runs").glob("small-*.ipynb")))
        assert 5 < done < 60 and not list(disk.rglob(".part-*"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert batch.run(**run) == 0
        print(f"full after {done} of 60 runs; all there after it was made larger")
        assert len(pd.read_csv(disk / "out" / "results.csv")) == 60
    finally:
        subprocess.run(["umount", str(disk)], check=False)
