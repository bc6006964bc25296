"""Imported by the server that every run is forked from: the workbook, used once, so that no run has to warm it up.

Nothing of a user's is touched, so no setting of a notebook can leak from here into a run.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import tempfile
import warnings

CELLS = (
    "import numpy as np\nimport model\nfrom model import outcome as results\nfrom model.show import charts, display",
    "case = model.load('twilly').with_({'users': 1e4, 'region': 'us-east-1'})\noutcome = model.evaluate(case)\n"
    "display.result(outcome.table(), 'table')",
    "display.result(model.compare(case), 'designs')\noutcome.explain('cost')\nresults.judged_twice(case)\n"
    "[outcome.by_flow(measure) for measure in ('latency', 'battery', 'data', 'load', 'cost')]",
    "curve = model.evaluate(case, users=[1e3, 1e4]).values('cost')\n"
    "charts.lines([1e3, 1e4], {'before': curve[0][0], 'after': curve[1][0]}, 'Cost', 'users', 'USD', log='xy')",
)


def use() -> None:
    """Run a small notebook of the workbook's own, which imports and compiles what notebooks need."""
    from model.apps.notebooks import running

    running.import_schemas()
    import nbformat

    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder, warnings.catch_warnings():
        source = os.path.join(folder, "own.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), source)
        running.execute(source, {}, source)
    gc.collect()
    gc.freeze()  # libraries stay for good: to look for garbage among them takes 0.1 s a run


KERNEL = {"name": "python3", "language": "python", "display_name": "Python 3"}
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for the runs
with contextlib.suppress(Exception):  # a run then fails by itself, with its reason
    use()
