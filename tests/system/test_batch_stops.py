"""A batch that is stopped, killed, out of disk or far away: nothing that was finished is lost or done twice."""

import functools
import http.server
import importlib.util
import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import processes
import pytest
from batches import finished, given_to_run, manifest, results
from processes import children_of, runs_of, wait_for

from model import checks
from model.apps import batch
from model.apps.batch.store import Store

GRID = {"grid": {"users": [10, 20]}}


@pytest.fixture
def make(tmp_path):
    return functools.partial(given_to_run, tmp_path)


def started(given, code="batch.run(**given)", before="", **more):
    """The same run in a process of its own, which can be stopped; its command in Python."""
    text = f"""
        import pathlib, sys
        {before}
        from model.apps import batch
        given = dict(grid_path={str(given["grid_path"])!r}, out_dir={str(given["out_dir"])!r},
                     notebooks=[{str(given["notebooks"][0])!r}], jobs={given["jobs"]})
        sys.exit({code})
    """
    return processes.started([sys.executable, "-c", textwrap.dedent(text)], **more)


SLOW = "import time; time.sleep(0.15)"


def test_killed_without_warning_it_goes_on_with_every_run_exactly_once(make):
    given = make({"grid": {"users": list(range(1, 13))}}, SLOW)
    process = started(given)
    wait_for(lambda: finished(given["out_dir"]))
    process.kill()
    process.communicate()
    some = {p.name: p.stat().st_mtime_ns for p in finished(given["out_dir"])}
    assert 0 < len(some) < 12
    assert batch.run(**given) == 0
    names = [p.name for p in finished(given["out_dir"])]
    assert len(names) == 12 and not list(given["out_dir"].rglob(".part-*"))
    assert results(given["out_dir"])["users"].tolist() == list(range(1, 13))


@pytest.mark.parametrize(
    "sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "kill", "closed terminal"]
)
def test_a_stop_is_clean_and_soon_and_leaves_nobody_behind(make, sent):
    given = make({"grid": {"users": [1, 2, 3, 4]}}, "import time\nif users > 2: time.sleep(60)")
    process = started(given)
    wait_for(lambda: len(finished(given["out_dir"])) == 2)
    time.sleep(0.5)  # until the second answer is heard
    children = [*children_of(process.pid), *runs_of(process.pid)]
    began = time.monotonic()
    process.send_signal(sent)
    _, said = process.communicate()
    assert time.monotonic() - began < 20  # bench_batch holds it to 2 s on a quiet machine
    assert process.returncode == 130, said
    assert said.strip().endswith("stopped after 2 of 4 runs; the same command goes on from there")
    assert "Traceback" not in said
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 2)
    assert not list(given["out_dir"].rglob(".part-*"))
    states = [r["status"] for r in manifest(given["out_dir"])["runs"]]
    assert states == ["done", "done", "waiting", "waiting"]


def test_a_batch_whose_working_folder_is_deleted_says_so_and_loses_nothing(make, tmp_path):
    given = make({"grid": {"users": list(range(1, 9))}}, SLOW)
    (tmp_path / "work").mkdir()
    process = started(given, cwd=tmp_path / "work")
    wait_for(lambda: finished(given["out_dir"]))
    (tmp_path / "work").rmdir()
    _, said = process.communicate()
    assert process.returncode == 1 and "Traceback" not in said
    assert "stopped because the working folder has been deleted after " in said
    assert batch.run(**given) == 0
    assert results(given["out_dir"])["users"].tolist() == list(range(1, 9))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_workers_end_with_the_batch_that_started_them(make):
    given = make({"grid": {"users": [1, 2]}}, "import time; time.sleep(60)")
    process = started(given)
    wait_for(lambda: len(runs_of(process.pid)) == 2)
    children = [*children_of(process.pid), *runs_of(process.pid)]
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 5)


DIES = """\
import os, pathlib, signal
mark = pathlib.Path({mark!r} + str(int(users)))
if users == 2 and not mark.exists() or users == 3:
    mark.touch(); os.kill(os.getpid(), signal.SIGKILL)"""


def test_a_run_whose_worker_dies_is_tried_once_more(make, tmp_path, capfd):
    given = make({"grid": {"users": [1, 2, 3, 4]}}, DIES.format(mark=str(tmp_path / "mark")))
    assert batch.run(**given) == 1
    assert sorted(results(given["out_dir"])["users"]) == [1, 2, 4]
    assert "users=3: the worker process died (SIGKILL)" in capfd.readouterr().err


def test_a_run_whose_kernel_dies_is_tried_once_more(make, tmp_path):
    given = make({"grid": {"users": [2]}}, DIES.format(mark=str(tmp_path / "mark")), engine="kernel")
    assert batch.run(**given) == 0
    assert (tmp_path / "mark2").exists() and len(results(given["out_dir"])) == 1


def test_a_disk_that_is_full_is_one_sentence_and_loses_nothing(make):
    given = make({"grid": {"users": [1, 2, 3]}}, "if users == 3: print('x' * 2_000_000)")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))"
    process = started({**given, "jobs": 1}, before=limit)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.strip().splitlines()[-1] == (
        f"stopped because {given['out_dir']} cannot be written (File too large) after 2 of 3 runs; "
        "the same command goes on from there"
    )
    assert "Traceback" not in said and len(finished(given["out_dir"])) == 2
    assert not list(given["out_dir"].rglob(".part-*"))
    assert batch.run(**given) == 0
    assert len(results(given["out_dir"])) == 3


def test_what_a_worker_of_a_killed_batch_leaves_while_the_next_one_runs_is_taken_away(make):
    given = make({"grid": {"users": [1]}}, "import time; time.sleep(1)")
    dying = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    threading.Thread(target=dying.wait, daemon=True).start()
    left = Path(given["out_dir"]) / "runs" / f".part-{dying.pid}-small-0.ipynb"
    left.parent.mkdir(parents=True)
    left.write_text("{")
    assert batch.run(**given) == 0
    assert not left.exists() and len(finished(given["out_dir"])) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_process_that_has_ended_unasked_after_owns_nothing(make):
    given = make({"grid": {"users": [1]}})
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    wait_for(lambda: ") Z " in Path(f"/proc/{ended.pid}/stat").read_text())
    left = Path(given["out_dir"]) / "runs" / f".part-{ended.pid}-small-0.ipynb"
    left.parent.mkdir(parents=True)
    left.write_text("{")
    assert batch.run(**given) == 0
    assert not left.exists()
    ended.wait()


# ---- elsewhere


class Bucket(http.server.BaseHTTPRequestHandler):
    """As much of S3 as papermill speaks: put, get, head and list."""

    objects = {}

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"0"', **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            size, _, rest = raw.partition(b"\r\n")
            raw = rest[: int(size.split(b";")[0], 16)]
        self.objects[unquote(urlsplit(self.path).path)] = raw
        self.answer()

    def do_GET(self):
        url = urlsplit(self.path)
        asked = parse_qs(url.query)
        if "list-type" in asked:
            base, prefix = unquote(url.path).rstrip("/") + "/", asked["prefix"][0]
            keys = [k[len(base) :] for k in self.objects if k.startswith(base + prefix)]
            listed = "".join(f"<Contents><Key>{k}</Key><Size>1</Size></Contents>" for k in keys)
            whole = f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
            self.answer(whole.encode())
        elif unquote(url.path) in self.objects:
            self.answer(self.objects[unquote(url.path)])
        else:
            self.answer(status=404)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.mark.skipif(importlib.util.find_spec("boto3") is None, reason="needs the extra aws")
def test_a_bucket_is_a_folder_like_any_other(make, monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("BOTO3_ENDPOINT_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setattr("papermill.s3.S3.s3_session", (None, None, None))
    given = {**make({"grid": {"users": [1, 2]}}, "if users == 2: 1 / 0"), "out_dir": "s3://bucket/batch"}
    try:
        assert batch.run(**given) == 1
        names = [n.removeprefix("/bucket/batch/") for n in Bucket.objects]
        assert sum(n.startswith("runs/small-") for n in names) == 1
        assert sum(n.startswith("failed/small-") and n.endswith(".ipynb") for n in names) == 1
        assert {"manifest.json", "results.csv"} <= set(names)
        assert Bucket.objects["/bucket/batch/results.csv"].decode().endswith("0.0468,us-east-1,30\n")
        rows = json.loads(Bucket.objects["/bucket/batch/manifest.json"])["runs"]
        there = Store("s3://bucket/batch").finished({r["run"]: r["key"] for r in rows})
        assert there == {r["run"] for r in rows if r["status"] == "done"} and len(there) == 1
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs the extra cluster")
def test_a_cluster_does_the_runs(make):
    import distributed

    given = make({"grid": {"users": [100, 200, 300]}}, "if users == 200: 1 / 0")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, processes=True, silence_logs=50
    ) as cluster:
        assert batch.run(**given, cluster=cluster.scheduler_address) == 1
    assert results(given["out_dir"])["cost"].tolist() == [4.68, 14.04]
    assert len(list((given["out_dir"] / "failed").glob("*.ipynb"))) == 1


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs the extra cluster")
def test_a_cluster_that_does_not_answer_is_one_sentence(make, monkeypatch):
    monkeypatch.setattr("model.apps.batch.driver.PATIENCE", "0.3s")
    with pytest.raises(checks.InputError, match="^no Dask scheduler answers at tcp://127.0.0.1:9"):
        batch.run(**make(GRID), cluster="tcp://127.0.0.1:9")
