"""The charts of the workbook: each takes plain numbers and gives a figure with one message as its title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import plotly.graph_objects as go

from model.show import look
from model.show.display import number, rounded
from model.show.look import AFTER, BEFORE, FOURTH, THIRD, colour_of, plain

Names: TypeAlias = Sequence[str]
Series: TypeAlias = Mapping[str, Sequence]
Marks: TypeAlias = Mapping[str, float] | None
STATES = {"idle": "#B8B8B8", "promotion": FOURTH, "active": THIRD}
FALL = ("#D9A400", "#E3BC4A", "#EBD08A")  # states after a transfer, in their order


def lines(
    x: Sequence, series: Series, title: str, x_title: str, y_title: str, log="", marks: Marks = None, dashed: Names = ()
) -> go.Figure:
    """A line for each series over one x axis.

    Parameters
    ----------
    x : sequence, positions, in the unit of `x_title`
    series : mapping of str to sequence, values by name; a name that starts with before or after has the design's colour
    title, x_title, y_title : str, the one message of the chart, and the titles of the axes with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels
    dashed : sequence of str, names of series drawn dashed

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [_dashed(name, k, x, values, dashed) for k, (name, values) in enumerate(series.items())]
    return look.figure(traces, title, x_title, y_title, log, marks)


def _dashed(name: str, k: int, x: Sequence, y: Sequence, dashed: Names) -> dict:
    return look.line(name, k, x, y, dash="dash" if name in dashed else "solid")


def curves(series: Series, title: str, x_title: str, y_title: str, log: str = "", marks: Marks = None) -> go.Figure:
    """Lines that each have x positions of their own, such as cumulative shares.

    Parameters
    ----------
    series : mapping of str to pair of sequences, x and y by name; colours as in `lines`
    title, x_title, y_title : str, the one message of the chart, and the titles of the axes with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [look.line(name, k, *xy) for k, (name, xy) in enumerate(series.items())]
    return look.figure(traces, title, x_title, y_title, log, marks, showlegend=True)


def bands(
    x: Sequence, series: Series, title: str, x_title: str, y_title: str, log="", marks: Marks = None, dashed: Names = ()
) -> go.Figure:
    """A line in a band for each series: the middle, and what it may be from low to high.

    Parameters
    ----------
    x : sequence, positions, in the unit of `x_title`
    series : mapping of str to tuple, low, middle and high along x by name of the series
    title, x_title, y_title : str, the one message of the chart, and the titles of the axes with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels
    dashed : sequence of str, names of series drawn dashed, their bands as two thin lines, to be seen above another

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = []
    for k, (name, (low, middle, high)) in enumerate(series.items()):
        unnamed = {"name": f"{name}, range", "showlegend": False, "hoverinfo": "skip"}
        traces.append(_dashed(name, k, x, middle, dashed))
        if name in dashed:
            traces += [{**look.line(name, k, x, end, width=1, dash="dot"), **unnamed} for end in (low, high)]
        else:
            around = {"x": plain([*x, *x[::-1]]), "y": plain([*high, *np.asarray(low)[::-1]])}
            filled = {"fill": "toself", "fillcolor": colour_of(name, k), "opacity": 0.18}
            traces.append({"type": "scatter", "mode": "none", **around, **filled, **unnamed})
    return look.figure(traces, title, x_title, y_title, log, marks)


def bars(
    names: Names, series: Series, title: str, x_title: str, y_title: str, log: str = "", stacked: bool = False
) -> go.Figure:
    """Horizontal bars, one group a name and one colour a series.

    Parameters
    ----------
    names : sequence of str, the rows, first at the top
    series : mapping of str to sequence, values by name of the series
    title, x_title, y_title : str, the one message of the chart, and the titles of the axes with units
    log : str, "x" for a logarithmic axis
    stacked : bool, whether the series are parts of one bar

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [look.bar(name, colour_of(name, k), values, names) for k, (name, values) in enumerate(series.items())]
    height = max(300, 130 + 26 * len(names) * (1 if stacked else max(len(series), 1)))
    mode = "stack" if stacked else "group"
    return look.figure_of_rows(traces, title, x_title, height, grid=True, y_title=y_title, log=log, barmode=mode)


def waterfall(table, title: str, x_title: str) -> go.Figure:
    """Components one after another from 0 to their sum, a group of bars for each column.

    Parameters
    ----------
    table : pandas.DataFrame, components along the index in their order, a column for each total
    title, x_title : str, the one message of the chart, and the title of the axis with its unit

    Returns: plotly.graph_objects.Figure, data as plain rounded lists; the last row is the sum
    """
    names, traces = [*map(str, table.index), "total"], []
    for k, (column, parts) in enumerate((str(name), table[name].to_numpy()) for name in table.columns):
        ends = np.cumsum(parts)
        more = {"base": plain([0.0, *ends[:-1], 0.0]), "opacity": 1.0 / (1.0 + k)}
        traces.append(look.bar(column, colour_of(column, k), [*parts, ends[-1]], names, **more))
    return look.figure_of_rows(traces, title, x_title, 150 + 34 * len(names), grid=True, barmode="group")


def tornado(table, title: str, x_title: str) -> go.Figure:
    """Bars from the figure at an input's low to that at its high, the widest at the top.

    Parameters
    ----------
    table : pandas.DataFrame, as `uncertainty.tornado` gives it
    title, x_title : str, the one message of the chart, and the title of the axis with its unit

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    middle = float(table["saving_at_modes"].iloc[0])
    traces = [
        look.bar(
            f"input at its {end}", colour, table[f"saving_at_{end}"] - middle, table.index, base=rounded(middle, 5)
        )
        for end, colour in (("low", THIRD), ("high", FOURTH))
    ]
    return look.figure_of_rows(traces, title, x_title, 150 + 26 * len(table), marks={"": middle}, barmode="overlay")


def spans(names: Names, series: Series, title: str, x_title: str, log: str = "", marks: Marks = None) -> go.Figure:
    """A span and a dot in it for every name and series, such as p5 to p95 with the median.

    Parameters
    ----------
    names : sequence of str, the rows, first at the top
    series : mapping of str to sequence, low, middle and high of each row by name of the series; a row of nan stays
        empty
    title, x_title : str, the one message of the chart, and the title of the axis with its unit
    log : str, "x" for a logarithmic axis
    marks : mapping of str to float, optional, vertical lines at x, with their labels

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    ends = {name: np.asarray(list(triples), dtype=float) for name, triples in series.items()}
    traces = []
    for k, (name, triples) in enumerate(ends.items()):
        low, middle, high = triples.T
        place = {"x": plain(middle), "y": plain(np.arange(len(names)) + 0.16 * (2 * k - len(series) + 1))}
        width = {"array": plain(high - middle), "arrayminus": plain(middle - low), "thickness": 4, "width": 0}
        dot = {"marker": {"color": colour_of(name, k), "size": 9}}
        error = {"type": "data", "symmetric": False, **width}
        traces.append({"type": "scatter", "mode": "markers", "name": name, **place, **dot, "error_x": error})
    x = {"range": _log_range([*ends.values()], marks or {})} if "x" in log else {}
    y = {**look.ROWS, "tickvals": list(range(len(names))), "ticktext": list(names)}
    height = 130 + 44 * len(names)
    return look.figure_of_rows(traces, title, x_title, height, log=log, marks=marks, x=x, y=y, showlegend=True)


def _log_range(ends: list[np.ndarray], marks: Mapping[str, float]) -> list:
    """Where a logarithmic axis begins and ends, in decades; the ends of error bars are no data to plotly."""
    shown = np.concatenate([triples.ravel() for triples in ends])
    shown = np.log10([*shown[np.isfinite(shown)], *marks.values()])
    return plain([shown.min() - 0.15, shown.max() + 0.1], 4)


def heat(table, title: str, x_title: str, y_title: str, z_title: str) -> go.Figure:
    """A table of shares from 0 to 1 as coloured cells with their values.

    Parameters
    ----------
    table : pandas.DataFrame, columns along x, index along y
    title, x_title, y_title, z_title : str, the message of the chart, and the titles of axes and colour with units

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    cells = {
        "type": "heatmap",
        "x": [number(c, 4) for c in table.columns],
        "y": [number(i, 4) for i in table.index],
        "z": [plain(row, 3) for row in table.to_numpy()],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, BEFORE], [0.5, "#F4F4F4"], [1, AFTER]],
        "texttemplate": "%{z:.0%}",
        "colorbar": {"title": {"text": z_title}, "outlinewidth": 0},
    }
    return look.figure([cells], title, x_title, y_title, x={"type": "category"}, y={"type": "category"})


def states(panels: Mapping[str, Sequence], title: str, x_title: str, y_title: str) -> go.Figure:
    """Power over time, one panel below the other, coloured by the state that the power belongs to.

    Parameters
    ----------
    panels : mapping of str to sequence, A panel's title to its steps, each with start_s, end_s, state and power_w
    title, x_title, y_title : str, the one message of the chart, and the titles of the axes with units

    Returns: plotly.graph_objects.Figure, data as plain rounded lists
    """
    steps = [step for panel in panels.values() for step in panel]
    fall = [name for name in dict.fromkeys(step.state for step in steps) if name not in STATES]
    colours = {"idle": STATES["idle"], **{name: FALL[k % len(FALL)] for k, name in enumerate(fall)}, **STATES}
    top = 1.05 * max((step.power_w for step in steps), default=1.0)
    traces, axes, named = [], {}, set()
    for k, panel in enumerate(panels.values()):
        axes |= _panel_axes(k, len(panels), top, x_title, y_title)
        for state in (state for state in colours if any(step.state == state for step in panel)):
            own = [step for step in panel if step.state == state]
            traces.append(_state_trace(state, colours[state], own, _axis_number(k), state not in named))
            named.add(state)
    height, margin = 120 + 130 * len(panels), {"l": 70, "r": 20, "t": 95, "b": 60}
    return look.figure(traces, title, "", "", annotations=_panel_titles(panels), height=height, margin=margin, **axes)


def _axis_number(k: int) -> str:
    """plotly calls the axes of the first panel x and y, of the second x2 and y2."""
    return str(k + 1) if k else ""


def _panel_axes(k: int, panels: int, top: float, x_title: str, y_title: str) -> dict:
    """Both axes of a panel; all panels share the x axis, whose numbers stand under the last."""
    number, end, last = _axis_number(k), 1.0 - k / panels, k == panels - 1
    below = {"ticks": "outside", "showgrid": False, "showticklabels": last, "title": {"text": x_title if last else ""}}
    beside = {"range": [0.0, rounded(top, 3)], "title": {"text": y_title}}
    return {
        f"xaxis{number}": {"anchor": f"y{number}", "matches": "x" if k else None, **below},
        f"yaxis{number}": {"domain": [max(end - 0.78 / panels, 0.0), end], "anchor": f"x{number}", **beside},
    }


def _state_trace(state: str, colour: str, steps: Iterable, axis: str, in_legend: bool) -> dict:
    """The steps of one state as one filled line with gaps."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": state,
        "line": {"width": 0.5, "color": colour},
        "x": plain([x for s in steps for x in (s.start_s, s.start_s, s.end_s, s.end_s, None)]),
        "y": plain([y for s in steps for y in (0.0, s.power_w, s.power_w, 0.0, None)]),
        "fill": "tozeroy",
        "fillcolor": colour,
        "legendgroup": state,
        "showlegend": in_legend,
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
    }


def _panel_titles(panels: Iterable[str]) -> list[dict]:
    at = {"x": 0.0, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    count = len(list(panels))
    return [{"text": t, "y": 1.0 - k / count, **at, "font": {"size": 13}} for k, t in enumerate(panels)]
