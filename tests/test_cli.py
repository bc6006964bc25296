"""The command: tables in every form, and a user's mistake is one sentence with exit code 2."""

import json
import os
import subprocess
import sys

import pytest

from model.apps import cli


def workbook(*arguments, cwd=None):
    code = "import sys; from model.apps.cli import main; sys.argv[0] = 'workbook'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120
    )


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
    done = workbook("table", "twilly", "--users", "5000", "--format", form)
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
        "every input at its mode" in modes and "before_low" not in workbook("table", "twilly", "--format", "csv").stdout
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
    code = "import sys; from model.apps.cli import main; sys.argv[0] = 'workbook'; main()"
    answers = "10000\nmars-1\n" + "\n" * 6
    done = subprocess.run(
        [sys.executable, "-c", code, "new", "mine"], input=answers, capture_output=True, text=True, cwd=tmp_path
    )
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
