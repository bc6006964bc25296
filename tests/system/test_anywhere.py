"""The command on odd terminals, in odd folders and for odd users: it works, or says why in a sentence."""

import os
import stat
import subprocess

import pytest
from processes import WORKBOOK

TITLE = 'Приложение — 応 é "q" {x} %s'
ODD = {
    "ascii, no terminal, odd zone": {"PYTHONIOENCODING": "ascii", "TERM": "", "LANG": "C", "TZ": "Foo/Bar"},
    "cp1252": {"PYTHONIOENCODING": "cp1252", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": ""},
    "no home, nobody's machine": {"HOME": "/dev/null/nowhere", "USER": "", "XDG_CACHE_HOME": "/dev/null/x"},
    "narrow": {"COLUMNS": "20"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder whose path has spaces, quotes, braces, another script and 360 characters, with a scenario in it."""
    inside = tmp_path_factory.mktemp("odd") / "a b'c\"{d}%s $x Ж"
    while len(str(inside)) < 360:
        inside = inside / ("y" * min(100, max(1, 359 - len(str(inside)))))
    inside.mkdir(parents=True)
    text = f"extends: chat\nname: mine\ntitle: '{TITLE}'\n"
    (inside / "mine é.yaml").write_text(text, encoding="utf-8")
    return inside


def ran(folder, *arguments, **more):
    environment = {**{k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LC_ALL")}, **more}
    return subprocess.run([*WORKBOOK, *arguments], cwd=folder, env=environment, capture_output=True, umask=0o077)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_the_table_is_printed_on_any_terminal_from_any_folder(odd, folder):
    done = ran(folder, "table", "mine é.yaml", "--draws", "0", **odd)
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    wanted = TITLE.encode(odd.get("PYTHONIOENCODING", "utf-8"), "backslashreplace")
    shown, wanted = ("".join(text.decode("latin-1").split()) for text in (done.stdout, wanted))
    assert wanted in shown


def test_a_mistake_is_a_sentence_on_any_terminal(folder):
    for odd in ODD.values():
        done = ran(folder, "table", "Приложение.yaml", **odd)
        assert done.returncode == 2 and done.stderr.startswith(b"workbook: no scenario file at") and not done.stdout


def test_what_is_written_under_a_strict_umask_is_the_persons_own(folder):
    done = ran(folder, "new", "own", "--yes")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((folder / "own.yaml").stat().st_mode) == 0o600
