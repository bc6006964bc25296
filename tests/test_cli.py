"""The command: tables in every form, and a user's mistake is one sentence with exit code 2."""

import json
import os
import re
import subprocess
import sys

import pytest
from command import workbook

from model.apps import cli


def test_users_may_follow_each_other():
    assert cli.spread(["table", "--users", "1e3", "10_000", "--format", "md"]) == [
        "table",
        "--users",
        "1e3",
        "--users",
        "10_000",
        "--format",
        "md",
    ]


@pytest.mark.parametrize("form", ["text", "md", "csv", "html"])
def test_the_table_comes_in_every_form(form):
    done = workbook("table", "twilly", "--users", "5000", "--format", form, "--draws", "0")
    assert done.returncode == 0 and done.stderr == ""
    assert "server load" in done.stdout.replace("\n", " ") and "mobile data" in done.stdout


def test_json_holds_full_numbers():
    rows = json.loads(workbook("table", "--format", "json").stdout)
    assert [r["measure"] for r in rows][-1] == "cost" and isinstance(rows[-1]["before"], float)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["table", "twily"], "unknown scenario 'twily'; did you mean 'twilly'?"),
        (["table", "--users", "ten"], "--users must be a number > 0; got 'ten'"),
        (["table", "--users", "-5"], "--users must be > 0 users; got -5"),
        (["table", "nowhere.yaml"], "no scenario file at 'nowhere.yaml'"),
        (["report", "twily"], "unknown scenario 'twily'"),
        (["table", "--regoin", "eu-west-1"], "unknown option '--regoin'; did you mean '--region'?"),
        (["tabel"], "no such command 'tabel'; did you mean 'table'?"),
        (["batch"], "missing argument 'grid' (workbook batch --help says what there is)"),
        (["table", "--draws", "many"], "invalid value for '--draws'"),
        (["measure", "--what", "byte"], "unknown measurement 'byte'; did you mean 'bytes'?"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path, arguments, sentence):
    done = workbook(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().startswith("workbook: ") and sentence in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_a_scenario_of_ones_own_is_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: twilly\nname: mine\nusers: 1e3\n", encoding="utf-8")
    done = workbook("table", "mine.yaml", "--format", "csv", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("measure,unit,before,after,change")


def test_a_table_in_a_terminal_shows_the_middle_of_its_draws_and_their_span_and_a_program_gets_the_modes():
    shown = workbook("table", "twilly", "--pair", "before", "after").stdout
    assert "middle of 1,024 draws" in " ".join(shown.split())
    assert " (0." in next(line for line in shown.splitlines() if "battery" in line)
    modes = workbook("table", "twilly", "--draws", "0", "--pair", "before", "after").stdout
    assert (
        "every input at its mode" in " ".join(modes.split())
        and "before_low" not in workbook("table", "twilly", "--format", "csv").stdout
    )


def test_a_first_file_of_ones_own_is_written_from_what_is_proposed_and_shown(tmp_path):
    done = workbook("new", "my_chat", "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "my_chat.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30 and "told in time" in done.stdout and "my chat" in done.stdout
    again = workbook("new", "my_chat", "--yes", cwd=tmp_path)
    assert again.returncode == 2 and again.stderr == (
        "workbook: the file is there already; choose another name (my_chat.yaml)\n"
    )


def test_answers_that_make_no_app_leave_no_file(tmp_path):
    done = workbook("new", "mine", cwd=tmp_path, stdin="10000\nmars-1\n" + "\n" * 6)
    assert done.returncode == 2 and "unknown region 'mars-1'" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_title_that_the_terminal_cannot_show_is_no_traceback(tmp_path, encoding):
    (tmp_path / "mine.yaml").write_text("extends: twilly\ntitle: 'Приложение'\n", encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "import sys; from model.apps.cli import main; main()",
        "table",
        "mine.yaml",
        "--draws",
        "0",
    ]
    more = {"env": {**os.environ, "PYTHONIOENCODING": encoding}, "cwd": tmp_path}
    done = subprocess.run(command, capture_output=True, timeout=120, **more)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and b"\\u041f" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a folder in use is not deleted there")
@pytest.mark.parametrize(("name", "code"), [("twilly", 0), ("mine.yaml", 2)])
def test_in_a_working_folder_that_has_been_deleted_a_command_works_or_says_so(
    tmp_path, monkeypatch, capsys, name, code
):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["workbook", "show", name])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code, capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_without_room_for_what_is_printed_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["workbook", "list", "scenarios"])
    monkeypatch.setattr("sys.stdout", open("/dev/full", "w"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1 and capsys.readouterr().err == "workbook: no space left on device\n"


def test_a_table_at_80_columns_breaks_no_word_and_says_the_verdicts_below_it(monkeypatch, capsys):
    import model
    from model.show import display

    monkeypatch.setenv("COLUMNS", "80")
    for table in (model.before_after("twilly", draws=64), model.compare("twilly", draws=64)):
        display.show(table, "text", title="Twilly")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    whole = " ".join(" ".join(lines).split())
    words = {"stream_processing,", "channel_content_update,", "notification", "[requests/min", "improved", "polling"}
    assert words <= set(whole.split())
    assert "cost [USD/month]: the document says 4,680, then 1,080; the model 8" in whole
    header = next(line for line in lines if "before" in line)
    assert header.split() == ["before", "after", "change"]  # side by side, in one block


def test_a_verdict_beside_which_nothing_is_claimed_makes_no_sentence_about_a_document(capsys):
    import pandas as pd

    from model.show import display

    told = {"told": 0.9998708333333, "told_low": 0.9998708333332, "told_high": 0.9998708333334}
    display.show(pd.DataFrame([told | {"verdict": "passes"}], index=pd.Index(["push"], name="design")), "text")
    shown = " ".join(capsys.readouterr().out.split())
    assert "document" not in shown and "0.99987 passes" in shown and "0.999870" not in shown


def test_several_user_counts_stand_across(monkeypatch, capsys):
    import model
    from model.show import display

    monkeypatch.setenv("COLUMNS", "200")
    display.show(model.before_after("chat", users=[1e3, 1e5]), "text")
    lines = capsys.readouterr().out.splitlines()
    header = " ".join(lines[:2]).split()
    assert [word for word in header if word.startswith("1")] == ["1,000"] * 3 + ["100,000"] * 3
    assert sum(line.startswith("cost") for line in lines) == 1


def test_a_table_takes_other_values_another_region_and_says_where_a_measure_comes_from(tmp_path):
    import model

    changed = model.load("twilly").with_({"after.heartbeat.period_s": 240.0, "region": "eu-west-1"})
    options = ["--set", "after.heartbeat.period_s=240", "--region", "eu-west-1"]
    rows = json.loads(workbook("table", "twilly", "--format", "json", *options).stdout)
    assert [row["after"] for row in rows] == pytest.approx(list(model.before_after(changed)["after"]), rel=1e-11)
    told = workbook("table", "chat", "--explain", "cost", "--draws", "0").stdout
    assert told.startswith("cost [USD/month] = ") and "poll.timers.poll.period_s" in told
    for bad in ("users", "after.heartbeat.period_s=[", "nobody.knows=3"):
        done = workbook("table", "twilly", "--set", bad, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "Traceback" not in done.stderr


def test_the_audit_opens_with_a_line_for_each_headline_and_the_version_is_told():
    from importlib.metadata import version

    done = workbook("audit", "twilly", "--draws", "0")
    lines = [line for line in done.stdout.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in lines] == ["- Latency", "- Battery", "- Data", "- Load", "- Cost"]
    whole = " ".join(done.stdout.split())
    assert "its own factors give 468 and 108" in whole and "Before and after: does not hold" in whole
    assert workbook("--version").stdout == f"push-or-poll {version('push-or-poll')}\n"


def test_several_scenarios_stand_side_by_side_and_every_design_has_a_line_at_80_columns():
    beside = workbook("table", "twilly", "chat", "--draws", "0", "--format", "csv").stdout.splitlines()
    assert beside[0] == "measure,unit,twilly before,twilly after,chat poll,chat push"
    own = workbook("table", "chat", "--draws", "0", "--format", "csv").stdout.splitlines()
    assert {line.split(",")[0]: line.split(",")[4:6] for line in beside[1:]} == {
        line.split(",")[0]: line.split(",")[2:4] for line in own[1:]
    }
    lines = workbook("table", "twilly", "--draws", "16", env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    each = lines[lines.index("Every design (all rows: workbook compare)") :]
    assert [sum(line.startswith(f"{name} ") for line in each) for name in ("before", "push as built")] == [1, 1]
    assert "[USD/month]" in " ".join(each) and re.search(r"\+\d+ pts", " ".join(lines))
