"""What the page draws and says of a state: three charts, what the last move changed, and why."""

from __future__ import annotations

import numpy as np

from model.answers import title
from model.apps.explore.controls import NETWORKS
from model.apps.explore.figures import Memory
from model.apps.explore.state import PageState
from model.outcome import ROWS, Outcome
from model.scenario import Scenario
from model.scenario.columns import in_words
from model.show import charts, display
from model.show.look import COLOURS

COUNTS = tuple(float(f"{n:.3g}") for n in np.geomspace(100, 10_000_000, 16))
SHARES = tuple(round(float(s), 4) for s in (*np.linspace(0.02, 0.95, 32), 0.96, 0.97, 0.98))
DESIGNS = ("before", "after")  # the pair that the charts show
LEAST = 0.001  # a share of a figure below which nothing is said of it
CALLED = {
    "notification latency p50": "the median latency",
    "notification latency p95": "the latency of the slowest 5 %",
    "battery": "battery",
    "mobile data": "mobile data",
    "server load": "server load",
    "cost": "the bill",
}


def _number(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


# ---- charts


def chart_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """The x and y of every line and bar of a state.

    Parameters
    ----------
    memory : Memory, where sides are kept
    scenario : Scenario, the scenario of the state

    Returns: dict of str to dict, by chart (cost, latency, battery) and series (before, after): x and y, plain lists
    """
    return {"cost": cost_data(memory, scenario), **shape_data(memory, scenario)}


def cost_data(memory: Memory, scenario: Scenario) -> dict[str, tuple]:
    """Cost over user counts by design: x and y."""
    pair = memory.outcome(scenario, COUNTS).values("cost")
    return {which: (list(COUNTS), charts.plain(costs[0])) for which, costs in zip(DESIGNS, pair, strict=True)}


def shape_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """Latency's distribution and battery by network, by design: x and y."""
    outcome, latency, bars = memory.outcome(scenario), {}, {}
    names = [*(NETWORKS.get(n, n.replace("<", "&lt;")) for n in scenario.networks), "the mix"]
    for which in DESIGNS:
        side = getattr(outcome, which)
        times = charts.plain(side.latency_quantiles(SHARES))
        latency[which] = ([None if isinstance(t, str) else t for t in times], list(SHARES))
        bars[which] = (charts.plain(list(side.network_percent.values())), names)
    return {"latency": latency, "battery": bars}


def chart_layouts() -> dict[str, dict]:
    """The titles, axes and look of the three charts, which no state changes."""
    empty: dict = {which: [] for which in DESIGNS}
    arrived = "latency [s]", "share that has arrived", "x"
    drawn = {
        "cost": charts.lines([], empty, "Cost against users", "users in the month", "USD/month", log="xy"),
        "latency": charts.curves({which: ([], []) for which in DESIGNS}, "How long a notification takes", *arrived),
        "battery": charts.bars([], empty, "Battery by network", "battery [%/active hour]", ""),
    }
    return {name: _narrowed(name, figure.to_plotly_json()["layout"]) for name, figure in drawn.items()}


def _narrowed(name: str, layout: dict) -> dict:
    """The layout without what the page's own HTML gives: text is slow to draw in a chart."""
    kept = {k: v for k, v in layout.items() if k not in ("width", "height", "template", "title", "legend")}
    kept["yaxis"] = {**kept.get("yaxis", {}), "automargin": False}
    if kept.get("xaxis", {}).get("type") == "log":
        kept["xaxis"] = {**kept["xaxis"], "tickfont": {"size": 14}}  # between decades ticks are drawn smaller
    if name == "cost":
        kept["yaxis"]["tickformat"] = ",.12~g"  # dollars and their cents
    white = {"paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff", "showlegend": False}
    return {**kept, "autosize": True, **white, "margin": {"l": 68, "r": 24, "t": 10, "b": 48}, "height": 280}


def traces(data: dict, pinned: dict | None) -> dict[str, list[dict]]:
    """The traces of every chart: both designs, and the pinned state's beside them."""
    drawn = {chart: [_trace(chart, which, "", data[chart][which]) for which in DESIGNS] for chart in data}
    for chart in data if pinned else ():
        drawn[chart] += [_trace(chart, which, "pinned ", pinned[chart][which]) for which in DESIGNS]
    return drawn


def _trace(chart: str, which: str, pinned: str, xy: tuple) -> dict:
    colour, trace = COLOURS[which], {"x": xy[0], "y": xy[1], "name": f"{pinned}{which}"}
    if chart == "battery":
        marker = {"color": colour, "opacity": 0.45 if pinned else 1.0}
        return {"type": "bar", "orientation": "h", **trace, "marker": marker}
    line = {"color": colour, "width": 1.5 if pinned else 2.5, "dash": "dot" if pinned else "solid"}
    return {"type": "scatter", "mode": "lines", **trace, "line": line}


# ---- words: what the last move changed, and why


def _relative(old: float, new: float) -> float:
    if old == new or not (np.isfinite(old) and np.isfinite(new)):
        return 0.0
    return (new - old) / abs(old) if old else np.inf


def _moves(old: Outcome, new: Outcome) -> list[tuple[str, str, float, float]]:
    """Of every row that changed the design that changed most, old and new figure; the largest relative change first."""
    moves = []
    for row in CALLED:
        both = [name for name in new.scenario.designs if name in old.scenario.designs]
        pairs = [(row, name, *(float(o.values(row, name)[0, 0]) for o in (old, new))) for name in both]
        moves += sorted(pairs, key=_size)[-1:]
    return sorted((m for m in moves if _size(m) > LEAST), key=_size, reverse=True)


def _size(move: tuple) -> float:
    return abs(_relative(*move[2:]))


def _in_words(row: str, title: str, old: float, new: float) -> str:
    """One figure's change as a sentence."""
    change = _relative(old, new)
    by = f"by {abs(change):{'.1%' if abs(change) < 0.1 else '.0%'}}"
    if change > 3.0:
        by = f"{display.number(1.0 + change, 3)} times" if np.isfinite(change) else "from nothing"
    ends = f"from {display.number(old, 3)} to {display.number(new, 3)} {ROWS[row][2]}"
    return f"{CALLED[row]} with {title} {'rises' if new > old else 'falls'} {by}, {ends}"


def changed_words(old: PageState, new: PageState, before: Outcome, after: Outcome) -> str:
    """What a move did to the figures, the largest changes first.

    Parameters
    ----------
    old, new : PageState, the controls before and after the move
    before, after : Outcome, the outcomes of both states

    Returns: str, one or two sentences
    """
    moves = _moves(before, after)
    if not moves:
        return f"{new.settings_since(old)}: no figure moves by more than 0.1 %."
    others = len(moves[3:])
    more = f" {others} more {'measure moves' if others == 1 else 'measures move'}." if others else ""
    said = "; ".join(_in_words(row, title(after, name), *ends) for row, name, *ends in moves[:3])
    return f"{new.settings_since(old)}: {said}.{more}"


def flip_words(old: dict[float, str], new: dict[float, str], moved: str) -> str:
    """Which other design the answer names since a move, by limit; nothing where it names the same."""
    limits: dict[tuple[str, str], list[str]] = {}
    for limit_s, design in new.items():
        if old.get(limit_s, design) != design:
            limits.setdefault((old[limit_s], design), []).append(f"{limit_s:g}")
    said = [
        f"within {', '.join(t[:-1])}{' and ' * (len(t) > 1)}{t[-1]} s it is now {now}, no longer {was}"
        for (was, now), t in limits.items()
    ]
    return f"The answer has changed: {'; '.join(said)}. What was moved: {moved}." if said else ""


def reason_words(before: Outcome, after: Outcome) -> str:
    """Why the figure that a move changed most changed: its parts by flow, its formula, what moves it most.

    Parameters
    ----------
    before, after : Outcome, the outcomes before and after the move

    Returns: str, two sentences; empty where nothing moved
    """
    moves = _moves(before, after)
    if not moves:
        return ""
    row, which, *_ = moves[0]
    measure, _, unit = ROWS[row]
    parts = [o[which].parts(measure) for o in (before, after)]
    explained = after.explain(measure)
    movers = "; ".join(in_words(name)[0] for name in explained["movers"])
    late = measure == "latency"
    called, unit = ("what is not told within 10 s", "%") if late else (CALLED[row].removeprefix("the "), unit)
    return (
        f"Why, {called} with {title(after, which)}: {_largest_parts(*parts, unit)}. Worked out as"
        f" {explained['formula']}; the inputs whose ranges move the saving most are: {movers}."
    )


def _largest_parts(old: dict, new: dict, unit: str) -> str:
    """The flows whose part changed most, with the change of each."""
    change = {n: _number(new.get(n, 0.0)) - _number(old.get(n, 0.0)) for n in dict.fromkeys([*old, *new])}
    largest = sorted((n for n in change if change[n]), key=lambda n: -abs(change[n]))[:3]
    if not largest:
        return "no part of it changes, only how it is spread"
    return ", ".join(f"{n} {'+' * (change[n] > 0)}{display.number(change[n], 3)}" for n in largest) + f" {unit}"
