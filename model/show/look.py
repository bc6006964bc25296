"""The look of every chart: colours, axes and marks, and the figure that plotly checks in one piece."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from model.show.display import rounded

BEFORE, AFTER, THIRD, FOURTH, GREY = "#C4520A", "#0B66A8", "#1B7F4D", "#7A4FA3", "#5A5A5A"
COLOURS = {"before": BEFORE, "after": AFTER}
CYCLE = (BEFORE, AFTER, THIRD, FOURTH, GREY, "#9A7B00", "#B03060", "#2F7F8F")
GRID = "#E6E6E6"
AXIS = {"automargin": True, "gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "title": {"standoff": 15}}
TEMPLATE = {"layout": {"paper_bgcolor": "white", "plot_bgcolor": "white", "xaxis": AXIS, "yaxis": AXIS}}
TITLE = {"x": 0.01, "xanchor": "left", "yref": "container", "y": 1.0, "yanchor": "top", "pad": {"t": 10}}
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right", "traceorder": "normal"}
ROWS = {"autorange": "reversed", "automargin": True, "showgrid": False}  # named rows, the first at the top
UPRIGHT = {"type": "line", "y0": 0, "y1": 1, "yref": "y domain", "line": {"color": GREY, "dash": "dot", "width": 1}}
LABEL = {"y": 1.0, "yref": "paper", "showarrow": False, "xanchor": "left", "yanchor": "top", "xshift": 4}
LABEL_FONT = {"size": 12, "color": GREY}
TITLE_LETTERS, LINE_PX = 84, 21  # of a line of the title
FEW_DECADES = 3.0  # so many have room for a number at 2 and 5 as well


def plain(values, digits: int = 5) -> list:
    """The values as a plain list of rounded numbers, so that a stored chart can be compared."""
    return [rounded(v, digits) for v in np.ravel(np.asarray(values)).tolist()]


def colour_of(name: str, number: int) -> str:
    """The colour of a series: a design's own, or the next of the cycle."""
    own = (colour for design, colour in COLOURS.items() if name.startswith(design))
    return next(own, CYCLE[(number + 2) % len(CYCLE)])


def line(name: str, number: int, x, y, **look) -> dict:
    """The trace of a line."""
    look = {"color": colour_of(name, number), "width": 2.5, **look}
    return {"type": "scatter", "mode": "lines", "x": plain(x), "y": plain(y), "name": name, "line": look}


def bar(name: str, colour: str, x, y: Sequence, **more) -> dict:
    """The trace of horizontal bars, one a row."""
    marker = {"color": colour}
    return {"type": "bar", "orientation": "h", "x": plain(x), "y": list(y), "name": name, "marker": marker, **more}


def figure(
    traces: list[dict],
    title: str,
    x_title: str,
    y_title: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
    x: dict | None = None,
    y: dict | None = None,
    **layout,
) -> go.Figure:
    """The figure, checked once by plotly; `x`, `y` and `layout` replace parts of the common look."""
    axes = {
        "x": {"title": {"text": x_title}, "showgrid": False, "ticks": "outside", **(x or {})},
        "y": {"title": {"text": y_title}, "gridcolor": GRID, "zeroline": False, **(y or {})},
    }
    for axis in log:
        axes[axis] = {**_log_ticks(axes[axis].get("range"), [v for t in traces for v in t[axis]]), **axes[axis]}
    places = {label: rounded(place, 5) for label, place in (marks or {}).items()}
    look = {
        "template": TEMPLATE,
        "title": {"text": title, **TITLE, "font": {"size": 16}},
        "width": 820,
        "height": 430,
        "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
        "legend": LEGEND,
        "font": {"family": "DejaVu Sans, Arial, sans-serif", "size": 13, "color": "#222222"},
        "shapes": [{**UPRIGHT, "x0": place, "x1": place} for place in places.values()],
        "annotations": [_label(label, place, log) for label, place in places.items() if label],
        "xaxis": axes["x"],
        "yaxis": axes["y"],
    }
    drawn = _told({"data": traces, "layout": {**look, **layout}})
    _wrap(drawn["layout"])
    return go.Figure(drawn)


def _wrap(layout: dict) -> None:
    """Break a long title into lines, and make room for them."""
    lines = textwrap.wrap(layout["title"]["text"], TITLE_LETTERS)
    more = LINE_PX * (len(lines) - 1)
    if more > 0:
        layout["title"]["text"] = "<br>".join(lines)
        layout["height"] += more
        layout["margin"] = {**layout["margin"], "t": layout["margin"]["t"] + more}


def _told(part):
    """The same with every text as it stands: plotly would take a tag in it for a format or a link."""
    if isinstance(part, Mapping):
        return {key: value if key.endswith("template") else _told(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_told(one) for one in part]
    return part.replace("<", "&lt;") if isinstance(part, str) else part


def figure_of_rows(traces: list[dict], title: str, x_title: str, height: int, grid: bool = False, **more) -> go.Figure:
    """The figure of a chart with a name for each row; the names make their own margin."""
    own = {"x": {"showgrid": True, "gridcolor": GRID}} if grid else {}
    whole = {"y": ROWS, "y_title": "", "margin": {"l": 10, "r": 20, "t": 70, "b": 60}, **own, **more}
    return figure(traces, title, x_title, height=height, **whole)


def _label(text: str, place: float, log: str) -> dict:
    """The text beside a mark; on a logarithmic axis plotly wants the logarithm of its place."""
    return {"text": text, "x": float(np.log10(place)) if "x" in log else place, **LABEL, "font": LABEL_FONT}


def _log_ticks(ends, values: list) -> dict:
    """Ticks of a logarithmic axis: each decade, and its 2 and 5 where there are few; every number in full."""
    shown = [v for v in values if isinstance(v, (int, float)) and v > 0]
    ends = ends or (np.log10([min(shown), max(shown)]) if shown else (0.0, 9.0))
    return {
        "type": "log",
        "dtick": "D2" if ends[1] - ends[0] < FEW_DECADES else 1,
        "tickformat": "~s" if ends[0] >= 0.0 else ",.12~g",
    }
