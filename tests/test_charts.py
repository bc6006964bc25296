"""Charts say what they were given: bars start where they should, ends join, and axes fit what is shown."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from model.show import charts, look


def test_a_design_has_its_colour_everywhere_and_no_other_series_has_it():
    names = ["before", "after", "before at 1 s", "other", "third"]
    drawn = [trace.line.color for trace in charts.lines([1, 2], {n: [1, 2] for n in names}, "", "", "").data]
    bars = [trace.marker.color for trace in charts.bars(["a", "b"], {n: [1, 2] for n in names}, "", "", "").data]
    assert drawn == bars == [look.BEFORE, look.AFTER, look.BEFORE, *drawn[3:]]
    assert len({look.BEFORE, look.AFTER, *drawn[3:]}) == 4


def test_a_mark_stands_at_its_place_with_its_label_also_on_a_logarithmic_axis():
    for log, at in (("", 1234.6), ("x", np.log10(1234.6))):
        layout = charts.lines([1, 1e4], {"a": [1, 2]}, "", "", "", log=log, marks={"limit": 1234.56789, "": 5}).layout
        assert [(s.x0, s.x1) for s in layout.shapes] == [(1234.6, 1234.6), (5.0, 5.0)]
        assert [(a.text, a.x) for a in layout.annotations] == [("limit", pytest.approx(at, rel=1e-12))]


@pytest.mark.parametrize(
    ("x", "dtick", "tickformat"),
    [([10, 200], "D2", "~s"), ([10, 1e6], 1, "~s"), ([0.01, 0.2], "D2", ",.12~g"), ([0, 0], 1, "~s")],
    ids=["two decades", "five decades", "below 1", "nothing to show"],
)
def test_ticks_of_a_logarithmic_axis_fit_the_decades_shown(x, dtick, tickformat):
    axis = charts.lines(x, {"a": [1, 2]}, "", "", "", log="x").layout.xaxis
    assert (axis.type, axis.dtick, axis.tickformat) == ("log", dtick, tickformat)


def test_a_band_goes_along_its_high_and_back_along_its_low():
    figure = charts.bands([1, 2, 3], {"a": ([1, 1, 2], [2, 3, 4], [5, 6, 7])}, "", "", "")
    middle, band = figure.data
    assert list(middle.y) == [2, 3, 4]
    assert list(zip(band.x, band.y, strict=True)) == [(1, 5), (2, 6), (3, 7), (3, 2), (2, 1), (1, 1)]


def test_parts_of_a_waterfall_join_and_the_last_bar_is_their_sum():
    table = pd.DataFrame({"before": [1.0, 2.0, 0.5]}, index=["wait", "send", "show"])
    (bar,) = charts.waterfall(table, "", "").data
    assert list(bar.y) == ["wait", "send", "show", "total"]
    ends = [base + length for base, length in zip(bar.base, bar.x, strict=True)]
    assert list(bar.base) == [0.0, *ends[:2], 0.0] and ends[-1] == ends[-2] == 3.5


def test_bars_of_a_tornado_reach_from_the_middle_to_each_end():
    table = pd.DataFrame({"saving_at_modes": [5.0], "saving_at_low": [1.0], "saving_at_high": [9.5]}, index=["rtt_s"])
    low, high = charts.tornado(table, "", "").data
    assert [low.base + low.x[0], high.base + high.x[0]] == [1.0, 9.5] and low.base == high.base == 5.0
    assert (low.name, high.name) == ("input at its low", "input at its high")


def test_a_span_reaches_from_low_to_high_and_the_axis_shows_all_of_it():
    ends = {"before": [(1.0, 2.0, 4.0), (np.nan,) * 3], "after": [(0.1, 0.3, 0.5), (10.0, 20.0, 90.0)]}
    figure = charts.spans(["one", "two"], ends, "", "", log="x", marks={"m": 200.0})
    for trace, triples in zip(figure.data, ends.values(), strict=True):
        for k, (low, middle, high) in enumerate(triples):
            if middle == middle:
                assert trace.x[k] - trace.error_x.arrayminus[k] == pytest.approx(low, rel=1e-4)
                assert trace.x[k] + trace.error_x.array[k] == pytest.approx(high, rel=1e-4)
            assert round(trace.y[k]) == k
    shown = 10.0 ** np.array(figure.layout.xaxis.range)
    assert shown[0] < 0.1 and shown[1] > 200.0
    assert figure.data[0].y[0] < figure.data[1].y[0]  # side by side, the first above as the axis goes down


def step(start_s, end_s, state, power_w):
    return SimpleNamespace(start_s=start_s, end_s=end_s, state=state, power_w=power_w)


def test_power_over_time_fills_each_state_in_its_own_panel():
    panels = {
        "poll": [step(0, 1, "idle", 0.01), step(1, 3, "tail", 0.5), step(3, 4, "idle", 0.01)],
        "push": [step(0, 2, "idle", 0.02)],
    }
    figure = charts.states(panels, "", "time [s]", "power [W]")
    idle, tail, push = figure.data
    assert list(idle.x) == [0, 0, 1, 1, None, 3, 3, 4, 4, None] and list(tail.y) == [0.0, 0.5, 0.5, 0.0, None]
    assert (push.xaxis, push.yaxis, push.showlegend, idle.showlegend) == ("x2", "y2", False, True)
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]  # the first panel at the top
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range == (0.0, 0.525)
    assert (figure.layout.xaxis.title.text, figure.layout.xaxis2.title.text) == ("", "time [s]")
    assert [a.text for a in figure.layout.annotations] == ["poll", "push"]


def test_cells_of_a_heat_map_are_the_tables():
    table = pd.DataFrame([[0.1, 0.5], [1.0, 1 / 3]], index=[5.5, 60000], columns=[10, 1000])
    (cells,) = charts.heat(table, "", "", "", "").data
    assert list(cells.x) == ["10", "1,000"] and list(cells.y) == ["5.5", "60,000"]
    assert [list(row) for row in cells.z] == [[0.1, 0.5], [1.0, 0.333]]


def test_bars_of_one_total_are_stacked_and_others_stand_side_by_side():
    series = {"a": [1, 2, 3], "b": [3, 2, 1]}
    stacked, grouped = (charts.bars(["x", "y", "z"], series, "", "", "", stacked=s) for s in (True, False))
    assert (stacked.layout.barmode, grouped.layout.barmode) == ("stack", "group")
    assert stacked.layout.yaxis.autorange == "reversed" and list(stacked.data[1].x) == [3, 2, 1]
