"""Evaluating a scenario: at its modes, over draws, and over more draws than are held at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from model import checks, claims
from model.outcome.sides import MEASURES, Side, Sides, StreamedSide
from model.outcome.tables import Outcome, compared
from model.scenario import Scenario, load, sampling


def evaluate(
    scenario: Scenario | str, users=None, draws: int = 0, seed: int = 0, progress=None, designs=None
) -> Outcome:
    """Every design of a scenario, all five measures; a design is worked out when it is asked for.

    Parameters
    ----------
    scenario : Scenario or str, A scenario, its name or its file
    users : array_like, optional, user counts; the scenario's own where none is given
    draws : int, 0 puts every input at its mode; otherwise that many draws of every range
    seed : int, seed of the draws
    progress : callable, optional, told the draws done and the draws in all, after each chunk of a long run
    designs : sequence of str, optional, the designs that a run of many draws works out; all where none is given

    Returns: Outcome, figures over (draws, users); `outcome["after"]` is one design's side
    Raises: InputError, what is wrong with scenario, users or draws, in one sentence

    Examples
    --------
    >>> outcome = evaluate("twilly", users=[1e3, 1e4])
    >>> outcome.values("cost")[0].shape
    (1, 2)
    """
    scenario = load(scenario)
    counts = sampling.checked_users(_counts(scenario, users))
    sampling.check_draws(draws, counts.size)
    if draws * counts.size > sampling.AT_ONCE and draws > 1:
        wanted = [scenario.design_name(name) for name in designs or scenario.designs]
        return _streamed(scenario, counts, draws, seed, progress, wanted)
    return Outcome(scenario, counts, draws, Sides(sampling.resolved(scenario, counts, draws, seed)), seed)


def _counts(scenario: Scenario, users) -> np.ndarray:
    """The user counts asked for, or the scenario's own; not yet checked one by one."""
    counts = np.atleast_1d(np.asarray(scenario.users if users is None else users, dtype=object))
    if not counts.size:
        checks.fail("users must be at least one number > 0; got none")
    return counts


def _streamed(scenario: Scenario, users: np.ndarray, draws: int, seed: int, progress, names: list[str]) -> Outcome:
    """An outcome over many draws, a chunk at a time, so that memory stays small and the cache is used."""
    size = max(1 << int(np.log2(max(sampling.CHUNK // users.size, 1))), 16)
    first: dict[str, Side] = {}
    chunks, done = [], 0

    def work(chunk: dict) -> tuple:
        every = Sides(sampling.with_columns(scenario, chunk, users))
        sides = {name: every[name] for name in names}
        totals = _totals(sides.values(), (_rows(chunk), users.size), MEASURES)
        return {} if first else sides, totals  # of later chunks none is kept

    for sides, totals in _in_order(work, sampling.chunks_of(scenario, draws, seed, size)):
        first, done = first or sides, done + len(totals[0]["cost"])
        chunks.append(totals)
        if progress is not None:
            progress(done, draws)
    streamed = {
        n: StreamedSide(s.traffic, s.book, tuple(c[k] for c in chunks)) for k, (n, s) in enumerate(first.items())
    }
    return Outcome(scenario, users, draws, streamed, seed)


def _rows(chunk: dict) -> int:
    return len(next(iter(chunk.values())))


def _totals(sides: Iterable[Side], shape: tuple, measures: Iterable[str]) -> list[dict]:
    """The measures of each side, copied so that they hold no side alive."""
    return [{m: np.array(np.broadcast_to(np.asarray(s.total(m), dtype=float), shape)) for m in measures} for s in sides]


def _in_order(work: Callable, items: Iterable) -> Iterator:
    """What `work` makes of the items, in their order; as many at once as this process may use processors."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        yield from map(work, items)
        return
    waiting: deque = deque()
    with ThreadPoolExecutor(cores) as pool:  # numpy lets other threads run while it works on an array
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def chunk_totals(scenario: Scenario, users, chunk: dict, measures=MEASURES, change=None) -> list[dict]:
    """Measures of the compared pair over one chunk of draws, each (draws, users); `change` alters what is drawn."""
    resolved = sampling.with_columns(scenario, chunk, users)
    every = Sides(resolved if change is None else change(resolved))
    sides = [every[name] for name in scenario.compared]
    return _totals(sides, (_rows(chunk), np.size(users)), measures)


def _by_users(counts: np.ndarray, table_of: Callable):
    """One table a user count, one below the other where there are several."""
    import pandas as pd

    tables = [table_of([one]) for one in counts]
    if len(counts) == 1:
        return tables[0]
    whole = pd.concat(dict(zip(counts, tables, strict=True)), names=["users"])
    whole.attrs["remarks"] = tables[0].attrs["remarks"]
    whole.attrs["steps"] = {}
    whole.attrs["notes"] = {key: said for table in tables for key, said in table.attrs["notes"].items()}
    return whole


def before_after(scenario: Scenario | str, users=None, draws: int = 0, seed: int = 0, pair=None):
    """The before-and-after table: one row a measure, the model's figures beside the claims.

    Parameters
    ----------
    scenario : Scenario or str, A scenario, its name or its file
    users : float or array_like, optional, user count; with several, the table has a row for each and measure
    draws : int, 0 puts every input at its mode; otherwise tables show the middle and the 5-95 % span
    seed : int, seed of the draws
    pair : tuple of str, optional, the names of the two designs; the scenario's `pair` where none is given, else
        `before` and `after`, else its first two

    Returns: pandas.DataFrame, index measure; columns unit, before, after, change (a share of before), claimed_before,
    claimed_after, verdict; with draws before_low, before_high, after_low, after_high, p_better
    Raises: InputError, what is wrong with scenario, users or draws, in one sentence

    Examples
    --------
    >>> list(before_after("twilly").index)[6:]
    ['battery', 'mobile data', 'server load', 'code runs', 'cost']
    """
    scenario = paired(scenario, pair)
    pair = scenario.compared
    return _by_users(_counts(scenario, users), lambda n: evaluate(scenario, n, draws, seed, designs=pair).table())


def paired(scenario: Scenario | str, pair) -> Scenario:
    """The scenario with that pair of designs compared; claims are about its own pair alone."""
    scenario = load(scenario)
    if pair is None:
        return scenario
    if isinstance(pair, str) or len(pair) != 2:
        checks.fail(f"pair must be the names of two designs; got {checks.shown(pair)}", scenario.place)
    names = tuple(scenario.design_name(name) for name in pair)
    claims_of = scenario.claims if names == scenario.compared else None
    return scenario.model_copy(update={"pair": names, "claims": claims_of})


def compare(scenario: Scenario | str, designs=None, users=None, draws: int = 0, seed: int = 0):
    """Designs side by side: a row a measure, a column a design, and the best.

    Parameters
    ----------
    scenario : Scenario or str, a scenario, its name or its file
    designs : sequence of str, optional, names of designs in the order of the columns; all where none is given
    users : float or array_like, optional, user count; with several, the table has a row for each and measure
    draws : int, 0 puts every input at its mode; otherwise a column is the middle, and `_low` and `_high` hold 5-95 %
    seed : int, seed of the draws

    Returns: pandas.DataFrame, index measure; unit, a column a design, `best`, the name of the best design,
    all of them where several tie; with draws `p_best`, the share of draws in which it is best, ties in parts. What a
    design has no figure for is NaN, its reason is in `attrs["notes"]`, and it is never best
    Raises: InputError, an unknown design, or what is wrong with scenario, users or draws

    Examples
    --------
    >>> compare("twilly", ["before", "after"]).loc["cost", "best"]
    'after'
    """
    scenario = load(scenario)
    names = list(dict.fromkeys(scenario.design_name(name) for name in designs or scenario.designs))
    counts = _counts(scenario, users)
    return _by_users(counts, lambda n: compared(evaluate(scenario, n, draws, seed, designs=names), names))


def judged_twice(scenario: Scenario):
    """Every claim beside the model under the claims' own premise and under the scenario.

    A table: a row a measure: claimed, then before, after and verdict under the premise and under the scenario.
    """
    import pandas as pd

    here = before_after(scenario)
    own = before_after(claims.premise(scenario)) if scenario.claims else here
    keep = ["before", "after", "verdict"]
    parts = [here[["unit", "claimed_before", "claimed_after"]]]
    parts += [table[keep].add_suffix(f" ({where})") for table, where in ((own, "premise"), (here, "scenario"))]
    return pd.concat(parts, axis=1)
