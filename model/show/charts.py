"""Charts: one look for the whole workbook, the same colour for a design everywhere, rounded plain lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from model.show import display

__all__ = [
    "AFTER",
    "BEFORE",
    "COLOURS",
    "bands",
    "bars",
    "curves",
    "heat",
    "lines",
    "plain",
    "spans",
    "states",
    "tornado",
    "waterfall",
]

BEFORE, AFTER, THIRD, FOURTH, GREY = "#C4520A", "#0B66A8", "#1B7F4D", "#7A4FA3", "#5A5A5A"
COLOURS = {"before": BEFORE, "after": AFTER}
CYCLE = (BEFORE, AFTER, THIRD, FOURTH, GREY, "#9A7B00", "#B03060", "#2F7F8F")
GRID = "#E6E6E6"
AXIS = {"automargin": True, "gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "title": {"standoff": 15}}
LOOK = {"layout": {"paper_bgcolor": "white", "plot_bgcolor": "white", "xaxis": AXIS, "yaxis": AXIS}}
ROWS = {"autorange": "reversed", "automargin": True, "showgrid": False}  # named rows, the first at the top
WIDE = {"l": 10, "r": 20, "t": 70, "b": 60}  # where the names of the rows make their own margin
FEW_DECADES = 3.0  # so many have room for a number at 2 and 5 as well


def plain(values, digits: int = 5) -> list:
    """The values as a plain list of rounded numbers, so that a stored chart can be compared."""
    return [display.rounded(v, digits) for v in np.ravel(np.asarray(values)).tolist()]


def colour_of(name: str, number: int) -> str:
    """The colour of a series: a design's own, or the next of the cycle."""
    for design, colour in COLOURS.items():
        if name.startswith(design):
            return colour
    return CYCLE[(number + 2) % len(CYCLE)]


def _figure(
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
    """The figure in one piece, which plotly checks once; `x`, `y` and `layout` go over the common look."""
    own = {
        "x": {"title": {"text": x_title}, "showgrid": False, "ticks": "outside", **(x or {})},
        "y": {"title": {"text": y_title}, "gridcolor": GRID, "zeroline": False, **(y or {})},
    }
    for axis in log:
        own[axis] = {**_log_ticks(own[axis].get("range"), [v for t in traces for v in t[axis]]), **own[axis]}
    places = {label: display.rounded(place, 5) for label, place in (marks or {}).items()}
    look = {
        "template": LOOK,
        "title": {
            "text": title,
            "x": 0.01,
            "xanchor": "left",
            "yref": "container",
            "y": 1.0,
            "yanchor": "top",
            "pad": {"t": 10},
            "font": {"size": 16},
        },
        "width": 820,
        "height": 430,
        "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 1,
            "xanchor": "right",
            "traceorder": "normal",
        },
        "font": {"family": "DejaVu Sans, Arial, sans-serif", "size": 13, "color": "#222222"},
        "shapes": [_upright(place) for place in places.values()],
        "annotations": [_label(label, place, log) for label, place in places.items() if label],
        "xaxis": own["x"],
        "yaxis": own["y"],
    }
    return go.Figure({"data": traces, "layout": {**look, **layout}})


def _log_ticks(ends, values: list) -> dict:
    """Ticks of a logarithmic axis: each decade, and its 2 and 5 where there are few; every number in full."""
    shown = [v for v in values if isinstance(v, (int, float)) and v > 0]
    ends = ends or (np.log10([min(shown), max(shown)]) if shown else (0.0, 9.0))
    return {
        "type": "log",
        "dtick": "D2" if ends[1] - ends[0] < FEW_DECADES else 1,
        "tickformat": "~s" if ends[0] >= 0.0 else ",.12~g",
    }


def _upright(place: float) -> dict:
    return {
        "type": "line",
        "x0": place,
        "x1": place,
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"color": GREY, "dash": "dot", "width": 1},
    }


def _label(text: str, place: float, log: str) -> dict:
    return {
        "text": text,
        "x": float(np.log10(place)) if "x" in log else place,
        "y": 1.0,
        "yref": "paper",
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "top",
        "xshift": 4,
        "font": {"size": 12, "color": GREY},
    }


def _line(name: str, number: int, x, y, **look) -> dict:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": plain(x),
        "y": plain(y),
        "name": name,
        "line": {"color": colour_of(name, number), "width": 2.5, **look},
    }


def _bar(name: str, colour: str, x, y, **more) -> dict:
    return {
        "type": "bar",
        "orientation": "h",
        "x": plain(x),
        "y": list(y),
        "name": name,
        "marker": {"color": colour},
        **more,
    }


def lines(
    x: Sequence,
    series: Mapping[str, Sequence],
    title: str,
    x_title: str,
    y_title: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
    dashed: Sequence[str] = (),
) -> go.Figure:
    """A line for each series over one x axis.

    Parameters
    ----------
    x : sequence, positions, in the unit of `x_title`
    series : mapping of str to sequence, values by name; names that start with before or after get that design's
        colour
    title : str, the one message of the chart
    x_title, y_title : str, axis titles with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels
    dashed : sequence of str, names of series drawn dashed

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [
        _line(name, number, x, values, dash="dash" if name in dashed else "solid")
        for number, (name, values) in enumerate(series.items())
    ]
    return _figure(traces, title, x_title, y_title, log, marks)


def bars(
    names: Sequence[str],
    series: Mapping[str, Sequence],
    title: str,
    x_title: str,
    y_title: str,
    log: str = "",
    stacked: bool = False,
) -> go.Figure:
    """Horizontal bars, one group a name and one colour a series.

    Parameters
    ----------
    names : sequence of str, the rows, first at the top
    series : mapping of str to sequence, values by name of the series
    title : str, the one message of the chart
    x_title, y_title : str, axis titles with units
    log : str, "x" for a logarithmic axis
    stacked : bool, whether the series are parts of one bar

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [
        _bar(name, colour_of(name, number), values, names) for number, (name, values) in enumerate(series.items())
    ]
    return _figure(
        traces,
        title,
        x_title,
        y_title,
        log,
        x={"showgrid": True, "gridcolor": GRID},
        y=ROWS,
        barmode="stack" if stacked else "group",
        margin=WIDE,
        height=max(300, 130 + 26 * len(names) * (1 if stacked else max(len(series), 1))),
    )


def curves(
    series: Mapping[str, tuple],
    title: str,
    x_title: str,
    y_title: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
) -> go.Figure:
    """Lines that each have x positions of their own, such as cumulative shares.

    Parameters
    ----------
    series : mapping of str to pair of sequences, x and y by name; names that start with before or after get that
        design's colour
    title : str, the one message of the chart
    x_title, y_title : str, axis titles with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = [_line(name, number, *xy) for number, (name, xy) in enumerate(series.items())]
    return _figure(traces, title, x_title, y_title, log, marks, showlegend=True)


def heat(table, title: str, x_title: str, y_title: str, z_title: str) -> go.Figure:
    """A table of shares from 0 to 1 as coloured cells with their values.

    Parameters
    ----------
    table : pandas.DataFrame, columns along x, index along y
    title : str, the one message of the chart
    x_title, y_title, z_title : str, titles of the axes and of the colour, with units

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    values = [plain(row, 3) for row in table.to_numpy()]
    cells = {
        "type": "heatmap",
        "x": [display.number(c, 4) for c in table.columns],
        "y": [display.number(i, 4) for i in table.index],
        "z": values,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, BEFORE], [0.5, "#F4F4F4"], [1, AFTER]],
        "texttemplate": "%{z:.0%}",
        "colorbar": {"title": {"text": z_title}, "outlinewidth": 0},
    }
    return _figure([cells], title, x_title, y_title, x={"type": "category"}, y={"type": "category"})


def tornado(table, title: str, x_title: str) -> go.Figure:
    """Bars from the figure at an input's low to that at its high, the widest at the top.

    Parameters
    ----------
    table : pandas.DataFrame, as `uncertainty.tornado` gives it
    title : str, the one message of the chart
    x_title : str, axis title with unit

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    middle = float(table["saving_at_modes"].iloc[0])
    traces = [
        _bar(name, colour, table[column] - middle, table.index, base=display.rounded(middle, 5))
        for name, column, colour in (
            ("input at its low", "saving_at_low", THIRD),
            ("input at its high", "saving_at_high", FOURTH),
        )
    ]
    return _figure(
        traces,
        title,
        x_title,
        "",
        marks={"": middle},
        y=ROWS,
        barmode="overlay",
        margin=WIDE,
        height=150 + 26 * len(table),
    )


def spans(
    names: Sequence[str],
    series: Mapping[str, Sequence],
    title: str,
    x_title: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
) -> go.Figure:
    """A span and a dot in it for every name and series, such as p5 to p95 with the median.

    Parameters
    ----------
    names : sequence of str, the rows, first at the top
    series : mapping of str to sequence, triples of low, middle and high by name of the series, in the order of the
        rows; a row without numbers stays empty
    title : str, the one message of the chart
    x_title : str, axis title with unit
    log : str, "x" for a logarithmic axis
    marks : mapping of str to float, optional, vertical lines at x, with their labels

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    traces = []
    for number, (name, triples) in enumerate(series.items()):
        low, middle, high = np.asarray(list(triples), dtype=float).T
        aside = 0.16 * (2 * number - len(series) + 1)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": plain(middle),
                "y": plain(np.arange(len(names)) + aside),
                "marker": {"color": colour_of(name, number), "size": 9},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": plain(high - middle),
                    "arrayminus": plain(middle - low),
                    "thickness": 4,
                    "width": 0,
                },
            }
        )
    ends = {}
    if "x" in log:
        shown = np.concatenate([np.ravel([list(t) for t in triples]) for triples in series.values()])
        shown = np.log10([*shown[np.isfinite(shown)], *(marks or {}).values()])
        ends = {"range": plain([shown.min() - 0.15, shown.max() + 0.1], 4)}
    return _figure(
        traces,
        title,
        x_title,
        "",
        log,
        marks,
        x=ends,
        showlegend=True,
        margin=WIDE,
        y={**ROWS, "tickvals": list(range(len(names))), "ticktext": list(names)},
        height=130 + 44 * len(names),
    )


def waterfall(table, title: str, x_title: str) -> go.Figure:
    """Components one after another from 0 to their sum, a group of bars for each column.

    Parameters
    ----------
    table : pandas.DataFrame, components along the index in their order, a column for each total
    title : str, the one message of the chart
    x_title : str, axis title with unit

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists; the last row is the sum
    """
    names, traces = [*map(str, table.index), "total"], []
    for number, column in enumerate(table.columns):
        ends = np.cumsum(table[column].to_numpy())
        traces.append(
            _bar(
                str(column),
                colour_of(str(column), number),
                [*table[column], ends[-1]],
                names,
                base=plain([0.0, *ends[:-1], 0.0]),
                opacity=1.0 / (1.0 + number),
            )
        )
    return _figure(
        traces,
        title,
        x_title,
        "",
        x={"showgrid": True, "gridcolor": GRID},
        y=ROWS,
        barmode="group",
        margin=WIDE,
        height=150 + 34 * len(names),
    )


def bands(
    x: Sequence,
    series: Mapping[str, tuple],
    title: str,
    x_title: str,
    y_title: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
    dashed: Sequence[str] = (),
) -> go.Figure:
    """A line in a band for each series: the middle, and what it may be from low to high.

    Parameters
    ----------
    x : sequence, positions, in the unit of `x_title`
    series : mapping of str to tuple, low, middle and high along x by name of the series
    title : str, the one message of the chart
    x_title, y_title : str, axis titles with units
    log : str, "x", "y" or "xy" for logarithmic axes
    marks : mapping of str to float, optional, vertical lines at x, with their labels
    dashed : sequence of str, names of series drawn dashed, their bands as two thin lines, to be seen above another

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    quiet, traces = {"showlegend": False, "hoverinfo": "skip"}, []
    for number, (name, (low, middle, high)) in enumerate(series.items()):
        thin = {"width": 1, "dash": "dot"}
        traces.append(_line(name, number, x, middle, dash="dash" if name in dashed else "solid"))
        if name in dashed:
            traces += [
                {**_line(name, number, x, end, **thin), "name": f"{name}, range", **quiet} for end in (low, high)
            ]
        else:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "none",
                    "x": plain([*x, *x[::-1]]),
                    "y": plain([*high, *np.asarray(low)[::-1]]),
                    "name": f"{name}, range",
                    "fill": "toself",
                    "fillcolor": colour_of(name, number),
                    "opacity": 0.18,
                    **quiet,
                }
            )
    return _figure(traces, title, x_title, y_title, log, marks)


STATES = {"idle": "#B8B8B8", "promotion": FOURTH, "active": THIRD}
FALL = ("#D9A400", "#E3BC4A", "#EBD08A")  # states after a transfer, in their order


def states(panels: Mapping[str, Sequence], title: str, x_title: str, y_title: str) -> go.Figure:
    """Power over time, one panel below the other, coloured by the state that the power belongs to.

    Parameters
    ----------
    panels : mapping of str to sequence, A panel's title to its steps, each with start_s, end_s, state and power_w
    title : str, the one message of the chart
    x_title, y_title : str, axis titles with units

    Returns
    -------
    plotly.graph_objects.Figure, data as plain rounded lists
    """
    named = list(dict.fromkeys(step.state for steps in panels.values() for step in steps))
    fall = [name for name in named if name not in STATES]
    colours = {"idle": STATES["idle"], **{name: FALL[k % len(FALL)] for k, name in enumerate(fall)}, **STATES}
    traces, told, below = [], set(), {}
    top, height = max((s.power_w for steps in panels.values() for s in steps), default=1.0), 1.0 / len(panels)
    for row, steps in enumerate(panels.values(), start=1):
        end, number = 1.0 - (row - 1) * height, "" if row == 1 else str(row)
        last = row == len(panels)
        below[f"xaxis{number}"] = {
            "anchor": f"y{number}",
            "matches": "x" if number else None,
            "ticks": "outside",
            "showgrid": False,
            "showticklabels": last,
            "title": {"text": x_title if last else ""},
        }
        below[f"yaxis{number}"] = {
            "domain": [max(end - 0.78 * height, 0.0), end],
            "anchor": f"x{number}",
            "range": [0.0, display.rounded(1.05 * top, 3)],
            "title": {"text": y_title},
        }
        for name, colour in colours.items():
            own = [step for step in steps if step.state == name]
            if own:
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "name": name,
                        "line": {"width": 0.5, "color": colour},
                        "x": plain([x for s in own for x in (s.start_s, s.start_s, s.end_s, s.end_s, None)]),
                        "y": plain([y for s in own for y in (0.0, s.power_w, s.power_w, 0.0, None)]),
                        "fill": "tozeroy",
                        "fillcolor": colour,
                        "legendgroup": name,
                        "showlegend": name not in told,
                        "xaxis": f"x{number}",
                        "yaxis": f"y{number}",
                    }
                )
                told.add(name)
    titles = [
        {
            "text": text,
            "x": 0.0,
            "y": 1.0 - k * height,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": 13},
        }
        for k, text in enumerate(panels)
    ]
    return _figure(
        traces,
        title,
        "",
        "",
        annotations=titles,
        height=120 + 130 * len(panels),
        margin={"l": 70, "r": 20, "t": 95, "b": 60},
        **below,
    )
