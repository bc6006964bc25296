"""Cells that run in a fresh process or in this one put out what they would in a kernel; a run knows of no other."""

import builtins
import contextlib
import difflib
import getpass
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys

import nbformat
import papermill
import pytest
import small_notebooks
from command import workbook
from IPython import get_ipython
from nbclient.exceptions import CellTimeoutError
from papermill.exceptions import PapermillException, PapermillExecutionError
from papermill.iorw import papermill_io

from model import checks, paths
from model.apps import notebooks
from model.apps.notebooks import engine_name
from model.apps.report import pages

CELLS = [  # what notebooks put out, one kind a cell
    "import logging, os, sys, warnings\nimport numpy as np\nimport pandas as pd",
    "frame = pd.DataFrame({'a': [1.5, 2.0], 'b': ['x', '<y>']})\nframe",
    "display(frame)\nprint('out')\nprint('err', file=sys.stderr)\nlen(frame)",
    "warnings.warn('careful')\nnp.float64(1) / 0",
    "warnings.warn('old', DeprecationWarning)\nwarnings.warn('unsaid', ResourceWarning)",
    "import plotly.graph_objects as go\nfigure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name='t'))\nfigure",
    "figure.show()",
    "handle = display('first', display_id='shown')\nhandle.update('second')",
    "from IPython.display import HTML, Markdown, clear_output",
    "print('gone')\nclear_output()\nMarkdown('*kept*')",
    "display(HTML('<b>1</b>'))\nprint('one')\nclear_output(wait=True)\nprint('two')",
    "import time\nos.system('echo from a program')\ntime.sleep(1)  # a kernel hears of it only later",
    "!echo from a shell line",
    "shell = get_ipython()\ntype(shell).__name__, type(shell).__module__, 'IPKernelApp' in shell.config",
    "__name__, os.path.basename(os.getcwd()), sys.path.count(''), sys.stdout.encoding, sys.stdout.isatty()",
    "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')",
    "from model.show.display import result\nresult(frame.assign(c=[1 / 3, 2e9 / 7]), 'numbers')",
    "logging.warning('said')\nlogging.info('unsaid')",
    "%precision 3\n1 / 3",
    "x = 1;\nx;",
    "{3, 1, 2}, pd.Timestamp('2026-01-01'), np.array([1 / 3]), _",
]
PICTURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('drawn')\nNone"
ERRORS = ["def f():\n    1 / 0", "f()"]


def execute(source, output, engine="inprocess", **more):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")  # a kernel that finds it does not catch what programs print
        papermill.execute_notebook(
            str(source),
            str(output),
            engine_name=engine_name(engine),
            progress_bar=False,
            cwd=str(source.parent),
            **more,
        )


def run(source, output, engine="inprocess", **more):
    """The executed notebook, also where a cell of it raised."""
    with contextlib.suppress(PapermillExecutionError):
        execute(source, output, engine, **more)
    return nbformat.read(output, as_version=4)


def outputs_text(notebook):
    """The notebook in the form in which runs are compared, every byte of it."""
    return notebooks.text_of(notebooks.normalise(notebook))


@pytest.fixture
def notebook(tmp_path):
    def make(*sources, **more):
        return small_notebooks.write(tmp_path / "nb.ipynb", *sources, **more)

    return make


def lines_that_differ(a, b):
    return list(difflib.unified_diff(a.splitlines(), b.splitlines(), "wanted", "here", "", "", 2, ""))[:20]


def in_processes(folder, *sources):
    """The notebooks, each executed as the command `workbook` does it, one after the other."""
    return [
        nbformat.read(done.output, 4) for done in notebooks.execute_all(sources, {}, folder, jobs=1, progress=False)
    ]


def test_outputs_of_a_process_and_of_papermill_equal_those_of_a_kernel(notebook, tmp_path):
    has_pictures = importlib.util.find_spec("matplotlib") is not None
    source = notebook(*CELLS, *([PICTURE] if has_pictures else []), *ERRORS)
    from_kernel = run(source, tmp_path / "kernel.ipynb", "kernel")
    kernel = outputs_text(from_kernel)
    call = f"papermill.execute_notebook('nb.ipynb', 'out.ipynb', engine_name='inprocess', cwd={str(tmp_path)!r})"
    with contextlib.suppress(subprocess.CalledProcessError):  # its last cell raises
        subprocess.run(
            [sys.executable, "-c", f"import papermill; {call}"], cwd=tmp_path, capture_output=True, check=True
        )
    for here in (*in_processes(tmp_path / "runs", source), nbformat.read(tmp_path / "out.ipynb", 4)):
        ours = outputs_text(here)
        assert here.metadata["language_info"] == from_kernel.metadata["language_info"]
        assert not lines_that_differ(kernel, ours), "\n".join(lines_that_differ(kernel, ours))
        assert ours == kernel


def without_pictures(notebook):
    """The stored notebook without the pictures that `accept` puts beside its charts."""
    for output in [
        o for cell in notebook.cells for o in cell.get("outputs", ()) if notebooks.CHART_MIME in o.get("data", {})
    ]:
        output.data.pop("image/png", None)
    return notebook


@pytest.mark.parametrize("source", ["00_explore", "03_data_and_wire", "05_battery"])  # the others: test_own_app
def test_a_notebook_puts_out_what_is_stored(source, tmp_path):
    """nbval holds the stored outputs against a kernel's, so what is as stored here is as in a kernel."""
    source = paths.notebooks(f"{source}.ipynb")
    kept = outputs_text(without_pictures(nbformat.read(source, as_version=4)))
    here = outputs_text(notebooks.execute(source, {}, tmp_path / "here.ipynb", "inprocess"))
    assert not lines_that_differ(kept, here), "\n".join(lines_that_differ(kept, here))
    assert here == kept


CHANGES_EVERYTHING = """\
import builtins, getpass, logging, os, random, sys, warnings
import numpy as np, pandas as pd, plotly.io as pio
random.seed(1); np.random.seed(1); np.set_printoptions(precision=2); np.seterr(divide="raise")
pd.set_option("display.max_rows", 7); pio.templates.default = "plotly_dark"; pio.renderers.default = "json"
warnings.simplefilter("error"); os.environ["LEFT_BEHIND"] = "1"; os.environ.pop("HOME", None); os.chdir("/")
sys.path.append("/nowhere"); sys.argv = ["x"]; builtins.left_behind = 1; builtins.copyright = None
logging.basicConfig(level=logging.DEBUG); logging.disable(logging.ERROR); sys.excepthook = print"""


def state():
    return (
        os.getcwd(),
        dict(os.environ),
        list(sys.path),
        list(sys.argv),
        builtins.input,
        getpass.getpass,
        sys.stdout,
        sys.stderr,
        sys.displayhook,
        sys.modules["__main__"],
        get_ipython(),
    )


ENDS = {"at its end": "1", "after an error": "1 / 0"}
LEAVES = "import os, sys\nos.environ['LEFT'] = '1'\nos.chdir('/')\nsys.path.append('/nowhere')\nsys.argv = ['x']"


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_folder_streams_and_search_path_are_afterwards_as_they_were(notebook, tmp_path, end):
    before = state()
    run(notebook(LEAVES, end), tmp_path / "out.ipynb")
    assert state() == before


def test_a_run_sees_nothing_of_the_one_before(tmp_path):
    shows = (
        "import numpy as np, os, pandas as pd, plotly.io as pio, sys\n"
        "print(np.array([1 / 3]), pd.get_option('display.max_rows'), pio.templates.default,\n"
        "      pio.renderers.default, 'LEFT_BEHIND' in os.environ, '/nowhere' in sys.path,\n"
        "      'a' in dir())\nimport warnings\nwarnings.warn('each time')"
    )
    first = small_notebooks.write(tmp_path / "a.ipynb", CHANGES_EVERYTHING, "a = 1")
    others = [small_notebooks.write(tmp_path / f"{name}.ipynb", shows) for name in "bc"]
    for executed in in_processes(tmp_path / "out", first, *others)[1:]:
        shown, warned = executed.cells[-1].outputs
        assert shown.text == "[0.33333333] 60 plotly plotly_mimetype False False False\n"  # as a kernel starts
        assert "each time" in warned.text


def test_modules_beside_a_notebook_are_its_own(tmp_path):
    sources = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "beside.py").write_text(f"NAME = {name!r}\n")
        sources.append(small_notebooks.write(tmp_path / name / f"{name}.ipynb", "import beside\nprint(beside.NAME)"))
    shown = [executed.cells[-1].outputs[0].text for executed in in_processes(tmp_path / "out", *sources)]
    assert shown == ["one\n", "two\n"]


def test_the_engine_works_inside_a_kernel_whose_loop_runs(tmp_path):
    inner = small_notebooks.write(tmp_path / "inner.ipynb", "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')")
    call = f"papermill.execute_notebook({str(inner)!r}, 'out.ipynb', engine_name='inprocess', progress_bar=False)"
    after = "await asyncio.sleep(0)\nprint('goes on', type(get_ipython()).__name__)"
    outer = small_notebooks.write(tmp_path / "outer.ipynb", f"import asyncio, papermill\nnb = {call}", after)
    executed = run(outer, tmp_path / "outer_out.ipynb", "kernel")
    assert [o.text for o in executed.cells[-1].outputs] == ["goes on ZMQInteractiveShell\n"]
    assert "awaited" in (tmp_path / "out.ipynb").read_text()


def test_a_cell_that_raises_ends_the_run_and_keeps_the_error(notebook, tmp_path):
    source = notebook("print('before')", "1 / 0", "print('after')")
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        execute(source, tmp_path / "out.ipynb")
    kept = [c for c in nbformat.read(tmp_path / "out.ipynb", 4).cells if c.cell_type == "code"]
    assert kept[1].outputs[0].text == "before\n"
    assert kept[2].outputs[0].ename == "ZeroDivisionError"
    assert kept[3].outputs == [] and kept[3].execution_count is None


def test_an_expected_error_does_not_end_the_run(notebook, tmp_path):
    source = notebook("1 / 0", "print('after')", tags={0: ["raises-exception"]})
    assert run(source, tmp_path / "out.ipynb").cells[-1].outputs[0].text == "after\n"


@pytest.mark.parametrize("last", ["1", "1 / 0"], ids=["finished", "failed"])
def test_a_notebook_is_written_once_a_run(notebook, tmp_path, last):
    class Counted:
        written = []

        @classmethod
        def write(cls, text, path):
            cls.written.append(text)

        @staticmethod
        def pretty_path(path):
            return path

    handlers = list(papermill_io._handlers)
    papermill_io.register("counted://", Counted)
    try:
        run_to = notebook("1", "2", "3", last)
        with contextlib.suppress(PapermillExecutionError):
            execute(run_to, "counted://out.ipynb")
    finally:
        papermill_io._handlers[:] = handlers
    # papermill itself writes a finished notebook; a failed one it marks, then writes
    assert len(Counted.written) == 1 and '"injected-parameters"' not in Counted.written[0]


def test_a_run_that_is_broken_off_keeps_what_it_had(notebook, tmp_path):
    source = notebook("print('half')", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        execute(source, tmp_path / "out.ipynb")
    assert "half" in (tmp_path / "out.ipynb").read_text()
    assert get_ipython() is None


def test_a_cell_that_takes_too_long_is_stopped(notebook, tmp_path):
    source = notebook("import time\ntime.sleep(30)")
    with pytest.raises(CellTimeoutError):
        run(source, tmp_path / "out.ipynb", execution_timeout=0.2)


def test_a_question_is_refused_instead_of_waited_for(notebook, tmp_path):
    for ask in ("input('name?')", "import getpass; getpass.getpass()"):
        answer = run(notebook(ask), tmp_path / "out.ipynb").cells[-1].outputs[0]
        assert answer.ename == "StdinNotImplementedError"


def test_a_notebook_in_another_language_is_refused(notebook, tmp_path):
    source = notebook("1")
    text = source.read_text().replace('"language": "python"', '"language": "R"')
    source.write_text(text)
    with pytest.raises(PapermillException, match="runs Python only; this notebook is in R"):
        run(source, tmp_path / "out.ipynb")


def test_shells_are_not_kept_alive(notebook, tmp_path):
    import gc

    from model.apps.notebooks.engine import Shell

    source = notebook("big = list(range(100_000))", "!true")
    for _ in range(3):
        run(source, tmp_path / "out.ipynb")
    gc.collect()
    assert sum(isinstance(o, Shell) for o in gc.get_objects()) <= 1  # the last may still be in a frame


def test_papermills_command_knows_the_engine(notebook, tmp_path):
    names = {e.name for e in importlib.metadata.entry_points(group="papermill.engine")}
    if "inprocess" not in names:
        pytest.skip("the package is not installed with its entry points")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "--engine",
            "inprocess",
            "-p",
            "users",
            "7",
            str(notebook("print(users + 1)")),
            str(tmp_path / "out.ipynb"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r'"8\\n"', (tmp_path / "out.ipynb").read_text())


MISTAKE = 'import model\nmodel.load(scenario).with_({"region": region})'
SENTENCE = "unknown region 'eu-wst-1' in region; did you mean 'eu-west-1'? (data/scenarios/twilly.yaml)"


@pytest.mark.parametrize("engine", ["inprocess", "kernel"])
def test_a_mistake_of_a_user_is_its_sentence_in_a_notebook_and_no_traceback(tmp_path, engine):
    source = small_notebooks.write(tmp_path / "small.ipynb", MISTAKE)
    found = run(source, tmp_path / "out.ipynb", engine, parameters={"region": "eu-wst-1"})
    errors = [o for cell in found.cells for o in cell.get("outputs", ()) if o.output_type == "error"]
    assert [(o.ename, o.traceback) for o in errors] == [("InputError", [SENTENCE])]


@pytest.mark.parametrize("engine", ["inprocess", "kernel"])
def test_a_cell_without_meaning_is_left_out_in_a_sentence_and_those_after_it_go_on(tmp_path, engine):
    case = 'import model\nmodel.load(scenario).needs("a storm", before="held")'
    source = small_notebooks.write(tmp_path / "small.ipynb", case, "print('goes on')", "print(1 / users)")
    notebooks.execute(source, {}, tmp_path / "out.ipynb", engine)
    found = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    said = [o for cell in found.cells for o in cell.get("outputs", ())]
    assert said[0].traceback == [said[0].evalue] and said[0].evalue.startswith("left out, as before must be held for a")
    assert [o.text for o in said[1:]] == ["goes on\n", "0.0001\n"]
    assert "leaves 1 of its cells out, as before must be held" in pages.page_of(tmp_path / "out.ipynb").error
    with pytest.raises(notebooks.NotebookFailed, match="ZeroDivisionError"):
        notebooks.execute(source, {"users": 0.0}, tmp_path / "out.ipynb", engine)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("user", "50000"), "unknown parameter 'user' in small.ipynb; did you mean 'users'?"),
        (("region", "eu-wst-1"), SENTENCE),
    ],
)
def test_a_mistake_under_papermill_is_one_sentence_and_fails(tmp_path, given, sentence):
    small_notebooks.write(tmp_path / "small.ipynb", MISTAKE)
    told = ["--engine", "inprocess", "--no-progress-bar", "small.ipynb", "out.ipynb", "-p", *given]
    done = workbook(*told, cwd=tmp_path, program="papermill")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == sentence


def test_the_sentence_about_an_unknown_parameter_is_that_of_a_batch(tmp_path):
    source = small_notebooks.write(tmp_path / "small.ipynb", MISTAKE)
    with pytest.raises(checks.InputError) as wrong:
        execute(source, tmp_path / "out.ipynb", parameters={"user": 5.0})
    known = notebooks.parameters_of(source)
    with pytest.raises(checks.InputError) as batch:
        notebooks.checked(known, {"user": 5.0}, source.name)
    assert str(wrong.value) == str(batch.value) and not (tmp_path / "out.ipynb").exists()


def test_an_error_that_is_no_mistake_of_a_user_keeps_its_traceback(tmp_path):
    small_notebooks.write(tmp_path / "small.ipynb", *ERRORS)
    done = workbook("--engine", "inprocess", "small.ipynb", "out.ipynb", cwd=tmp_path, program="papermill")
    assert done.returncode == 1 and "Traceback" in done.stderr and "ZeroDivisionError" in done.stderr
