"""Charts: one look for the whole workbook, the same colour for a design everywhere, rounded plain lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from model import display

__all__ = ["AFTER", "BEFORE", "COLOURS", "bands", "bars", "curves", "heat", "lines", "plain", "spans",
           "states", "tornado", "waterfall"]

BEFORE, AFTER, THIRD, FOURTH, GREY = "#C4520A", "#0B66A8", "#1B7F4D", "#7A4FA3", "#5A5A5A"
COLOURS = {"before": BEFORE, "after": AFTER}
CYCLE = (BEFORE, AFTER, THIRD, FOURTH, GREY, "#9A7B00", "#B03060", "#2F7F8F")


def plain(values, digits: int = 5) -> list:
    """The values as a plain list of rounded numbers, so that a stored chart can be compared.

    Parameters
    ----------
    values : sequence
        Numbers or texts [-].
    digits : int
        Significant digits kept [-].

    Returns
    -------
    list
        JSON values.
    """
    return [display.rounded(v, digits) for v in np.ravel(np.asarray(values)).tolist()]


def colour_of(name: str, number: int) -> str:
    """The colour of a series: a design's own, or the next of the cycle."""
    for design, colour in COLOURS.items():
        if name.startswith(design):
            return colour
    return CYCLE[(number + 2) % len(CYCLE)]


def _look(figure: go.Figure, title: str, x_title: str, y_title: str, log: str) -> go.Figure:
    figure.update_layout(
        title={"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 16}}, template="plotly_white",
        width=820, height=430, margin={"l": 70, "r": 20, "t": 60, "b": 60},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right", "traceorder": "normal"},
        font={"family": "DejaVu Sans, Arial, sans-serif", "size": 13, "color": "#222222"})
    figure.update_xaxes(title=x_title, type="log" if "x" in log else None, showgrid=False, ticks="outside",
                        exponentformat="SI" if "x" in log else None)
    figure.update_yaxes(title=y_title, type="log" if "y" in log else None, gridcolor="#E6E6E6", zeroline=False)
    return figure


def lines(x: Sequence, series: Mapping[str, Sequence], title: str, x_title: str, y_title: str, log: str = "",
          marks: Mapping[str, float] | None = None, dashed: Sequence[str] = ()) -> go.Figure:
    """A line for each series over one x axis.

    Parameters
    ----------
    x : sequence
        Positions, in the unit of `x_title` [-].
    series : mapping of str to sequence
        Values by name; names that start with before or after get that design's colour [-].
    title : str
        The one message of the chart [-].
    x_title, y_title : str
        Axis titles with units [-].
    log : str
        "x", "y" or "xy" for logarithmic axes [-].
    marks : mapping of str to float, optional
        Vertical lines at x, with their labels [-].
    dashed : sequence of str
        Names of series drawn dashed [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    figure = go.Figure()
    for number, (name, values) in enumerate(series.items()):
        figure.add_scatter(x=plain(x), y=plain(values), name=name, mode="lines",
                           line={"color": colour_of(name, number), "width": 2.5,
                                 "dash": "dash" if name in dashed else "solid"})
    for label, place in (marks or {}).items():
        figure.add_vline(x=float(place), line={"color": GREY, "dash": "dot", "width": 1})
        figure.add_annotation(x=float(np.log10(place)) if "x" in log else float(place), y=1.0, yref="paper",
                              text=label, showarrow=False, xanchor="left", yanchor="top", xshift=4,
                              font={"size": 12, "color": GREY})
    return _look(figure, title, x_title, y_title, log)


def bars(names: Sequence[str], series: Mapping[str, Sequence], title: str, x_title: str, y_title: str,
         log: str = "", stacked: bool = False) -> go.Figure:
    """Horizontal bars, one group a name and one colour a series.

    Parameters
    ----------
    names : sequence of str
        The rows, first at the top [-].
    series : mapping of str to sequence
        Values by name of the series [-].
    title : str
        The one message of the chart [-].
    x_title, y_title : str
        Axis titles with units [-].
    log : str
        "x" for a logarithmic axis [-].
    stacked : bool
        Whether the series are parts of one bar [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    figure = go.Figure()
    for number, (name, values) in enumerate(series.items()):
        figure.add_bar(y=list(names), x=plain(values), name=name, orientation="h",
                       marker={"color": colour_of(name, number)})
    figure.update_layout(barmode="stack" if stacked else "group")
    _look(figure, title, x_title, y_title, log)
    figure.update_layout(height=max(300, 130 + 26 * len(names) * (1 if stacked else max(len(series), 1))),
                         margin={"l": 10, "r": 20, "t": 70, "b": 60})
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(showgrid=True, gridcolor="#E6E6E6")
    return figure


def curves(series: Mapping[str, tuple], title: str, x_title: str, y_title: str, log: str = "",
           marks: Mapping[str, float] | None = None) -> go.Figure:
    """Lines that each have x positions of their own, such as cumulative shares.

    Parameters
    ----------
    series : mapping of str to pair of sequences
        x and y by name; names that start with before or after get that design's colour [-].
    title : str
        The one message of the chart [-].
    x_title, y_title : str
        Axis titles with units [-].
    log : str
        "x", "y" or "xy" for logarithmic axes [-].
    marks : mapping of str to float, optional
        Vertical lines at x, with their labels [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    figure = lines([], {}, title, x_title, y_title, log, marks)
    for number, (name, (x, y)) in enumerate(series.items()):
        figure.add_scatter(x=plain(x), y=plain(y), name=name, mode="lines",
                           line={"color": colour_of(name, number), "width": 2.5})
    figure.update_layout(showlegend=True)
    return figure


def heat(table, title: str, x_title: str, y_title: str, z_title: str) -> go.Figure:
    """A table of shares from 0 to 1 as coloured cells with their values.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns along x, index along y [-].
    title : str
        The one message of the chart [-].
    x_title, y_title, z_title : str
        Titles of the axes and of the colour, with units [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    values = [plain(row, 3) for row in table.to_numpy()]
    figure = go.Figure(go.Heatmap(
        x=[display.number(c, 4) for c in table.columns], y=[display.number(i, 4) for i in table.index], z=values,
        zmin=0, zmax=1, colorscale=[[0, BEFORE], [0.5, "#F4F4F4"], [1, AFTER]], texttemplate="%{z:.0%}",
        colorbar={"title": {"text": z_title}}))
    _look(figure, title, x_title, y_title, "")
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category")
    return figure


def tornado(table, title: str, x_title: str) -> go.Figure:
    """Bars from the figure at an input's low to that at its high, the widest at the top.

    Parameters
    ----------
    table : pandas.DataFrame
        As `uncertainty.tornado` gives it [-].
    title : str
        The one message of the chart [-].
    x_title : str
        Axis title with unit [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    middle = float(table["saving_at_modes"].iloc[0])
    figure = go.Figure()
    for name, column, colour in (("input at its low", "saving_at_low", THIRD),
                                 ("input at its high", "saving_at_high", FOURTH)):
        figure.add_bar(y=list(table.index), x=plain(table[column] - middle), base=display.rounded(middle, 5),
                       name=name, orientation="h", marker={"color": colour})
    figure.update_layout(barmode="overlay")
    figure.add_vline(x=display.rounded(middle, 5), line={"color": GREY, "width": 1})
    _look(figure, title, x_title, "", "")
    figure.update_layout(height=150 + 26 * len(table), margin={"l": 10, "r": 20, "t": 70, "b": 60})
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    return figure


def spans(names: Sequence[str], series: Mapping[str, Sequence], title: str, x_title: str, log: str = "",
          marks: Mapping[str, float] | None = None) -> go.Figure:
    """A span and a dot in it for every name and series, such as p5 to p95 with the median.

    Parameters
    ----------
    names : sequence of str
        The rows, first at the top [-].
    series : mapping of str to sequence
        Triples of low, middle and high by name of the series, in the order of the rows; a row without numbers
        stays empty [-].
    title : str
        The one message of the chart [-].
    x_title : str
        Axis title with unit [-].
    log : str
        "x" for a logarithmic axis [-].
    marks : mapping of str to float, optional
        Vertical lines at x, with their labels [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    figure = lines([], {}, title, x_title, "", log, marks)
    for number, (name, triples) in enumerate(series.items()):
        low, middle, high = np.asarray(list(triples), dtype=float).T
        aside = 0.16 * (2 * number - len(series) + 1)
        figure.add_scatter(
            x=plain(middle), y=plain(np.arange(len(names)) + aside), name=name, mode="markers",
            marker={"color": colour_of(name, number), "size": 9},
            error_x={"type": "data", "symmetric": False, "array": plain(high - middle),
                     "arrayminus": plain(middle - low), "thickness": 4, "width": 0})
    figure.update_layout(showlegend=True, height=130 + 44 * len(names),
                         margin={"l": 10, "r": 20, "t": 70, "b": 60})
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), autorange="reversed",
                        automargin=True, showgrid=False)
    if "x" in log:
        ends = np.concatenate([np.ravel([list(t) for t in triples]) for triples in series.values()])
        ends = np.log10([*ends[np.isfinite(ends)], *(marks or {}).values()])
        figure.update_xaxes(range=plain([ends.min() - 0.15, ends.max() + 0.1], 4))
    return figure


def waterfall(table, title: str, x_title: str) -> go.Figure:
    """Components one after another from 0 to their sum, a group of bars for each column.

    Parameters
    ----------
    table : pandas.DataFrame
        Components along the index in their order, a column for each total [-].
    title : str
        The one message of the chart [-].
    x_title : str
        Axis title with unit [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists; the last row is the sum.
    """
    figure, names = go.Figure(), [*map(str, table.index), "total"]
    for number, column in enumerate(table.columns):
        ends = np.cumsum(table[column].to_numpy())
        figure.add_bar(y=names, x=plain([*table[column], ends[-1]]), base=plain([0.0, *ends[:-1], 0.0]),
                       name=str(column), orientation="h", opacity=1.0 / (1.0 + number),
                       marker={"color": colour_of(str(column), number)})
    figure.update_layout(barmode="group")
    _look(figure, title, x_title, "", "")
    figure.update_layout(height=150 + 34 * len(names), margin={"l": 10, "r": 20, "t": 70, "b": 60})
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(showgrid=True, gridcolor="#E6E6E6")
    return figure


def bands(x: Sequence, series: Mapping[str, tuple], title: str, x_title: str, y_title: str, log: str = "",
          marks: Mapping[str, float] | None = None, dashed: Sequence[str] = ()) -> go.Figure:
    """A line in a band for each series: the middle, and what it may be from low to high.

    Parameters
    ----------
    x : sequence
        Positions, in the unit of `x_title` [-].
    series : mapping of str to tuple
        Low, middle and high along x by name of the series [-].
    title : str
        The one message of the chart [-].
    x_title, y_title : str
        Axis titles with units [-].
    log : str
        "x", "y" or "xy" for logarithmic axes [-].
    marks : mapping of str to float, optional
        Vertical lines at x, with their labels [-].
    dashed : sequence of str
        Names of series drawn dashed, their bands as two thin lines, to be seen above another [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    figure = lines(x, {name: middle for name, (_, middle, _) in series.items()}, title, x_title, y_title, log,
                   marks, dashed)
    for number, (name, (low, _, high)) in enumerate(series.items()):
        colour, quiet = colour_of(name, number), {"showlegend": False, "hoverinfo": "skip"}
        if name in dashed:
            for end in (low, high):
                figure.add_scatter(x=plain(x), y=plain(end), name=f"{name}, range", mode="lines",
                                   line={"color": colour, "width": 1, "dash": "dot"}, **quiet)
        else:
            figure.add_scatter(x=plain([*x, *x[::-1]]), y=plain([*high, *np.asarray(low)[::-1]]),
                               name=f"{name}, range", fill="toself", mode="none", fillcolor=colour,
                               opacity=0.18, **quiet)
    return figure


STATES = {"idle": "#B8B8B8", "promotion": FOURTH, "active": THIRD}
FALL = ("#D9A400", "#E3BC4A", "#EBD08A")  # states after a transfer, in their order


def states(panels: Mapping[str, Sequence], title: str, x_title: str, y_title: str) -> go.Figure:
    """Power over time, one panel below the other, coloured by the state that the power belongs to.

    Parameters
    ----------
    panels : mapping of str to sequence
        A panel's title to its steps, each with start_s, end_s, state and power_w [-].
    title : str
        The one message of the chart [-].
    x_title, y_title : str
        Axis titles with units [-].

    Returns
    -------
    plotly.graph_objects.Figure
        Data as plain rounded lists.
    """
    from plotly.subplots import make_subplots

    named = list(dict.fromkeys(step.state for steps in panels.values() for step in steps))
    fall = [name for name in named if name not in STATES]
    colours = {"idle": STATES["idle"], **{name: FALL[k % len(FALL)] for k, name in enumerate(fall)}, **STATES}
    figure, told = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, shared_yaxes="all",
                                 subplot_titles=list(panels), vertical_spacing=0.07), set()
    for row, steps in enumerate(panels.values(), start=1):
        for name, colour in colours.items():
            own = [step for step in steps if step.state == name]
            if own:
                figure.add_scatter(
                    x=plain([x for s in own for x in (s.start_s, s.start_s, s.end_s, s.end_s, None)]),
                    y=plain([y for s in own for y in (0.0, s.power_w, s.power_w, 0.0, None)]), name=name,
                    mode="lines", line={"width": 0.5, "color": colour}, fill="tozeroy", fillcolor=colour,
                    legendgroup=name, showlegend=name not in told, row=row, col=1)
                told.add(name)
    for annotation in figure.layout.annotations:
        annotation.update(x=0.0, xanchor="left", font={"size": 13})
    _look(figure, title, "", y_title, "")
    figure.update_xaxes(title=x_title, row=len(panels), col=1)
    figure.update_layout(height=120 + 130 * len(panels), margin={"l": 70, "r": 20, "t": 95, "b": 60})
    return figure
