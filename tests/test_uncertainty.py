"""Ranges: draws agree with theory, indices with known ones, and the worth of knowing with the hand sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import model
from model import ranges
from model.checks import InputError
from model.outcome import MEASURES, chunk_totals
from model.outcome.sides import StreamedSide
from model.ranges import with_active_hours
from model.scenario import sampling


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 1.0))
def test_the_pert_table_is_within_a_millionth_of_the_span_everywhere(mode):
    from scipy.special import betaincinv

    share = np.concatenate([np.linspace(1e-9, 1 - 1e-9, 20_001), np.logspace(-12, -3, 2_000)])
    exact = betaincinv(1 + 4 * mode, 5 - 4 * mode, share)
    assert np.abs(sampling.pert_quantile(share, 0.0, mode, 1.0) - exact).max() < 1e-6


def test_the_mean_of_a_linear_case_is_theory(twilly):
    """Comments sent a day enter requests linearly: the mean over draws is the figure at PERT's own mean."""
    name = "actions.post_comment.per_active_day"
    inputs = sampling.ranged_inputs(twilly)
    columns = {n: np.full((4096, 1), r.mode) for n, r in inputs.items()}
    columns[name] = sampling.draws_of(twilly, 4096, 3)[name]
    drawn = chunk_totals(twilly, np.array([1e4]), columns, ("load",))[0]["load"]
    one = inputs[name]
    at_mean = {n: c[:1] for n, c in columns.items()} | {name: np.array([[(one.low + 4 * one.mode + one.high) / 6]])}
    theory = chunk_totals(twilly, np.array([1e4]), at_mean, ("load",))[0]["load"][0, 0]
    assert drawn.std() > 0
    assert abs(drawn.mean() - theory) < 4 * drawn.std() / np.sqrt(drawn.size)


@pytest.mark.parametrize("rank", [-0.8, 0.3, 0.9])
def test_correlated_inputs_have_the_rank_correlation_asked_for(twilly, rank):
    from scipy.stats import spearmanr

    pair = ["usage.session_mean_s", "usage.sessions_per_day"]
    tied = twilly.with_({"correlations": [{"between": pair, "rank": rank}]})
    draws = sampling.draws_of(tied, 4096, 1)
    assert spearmanr(draws[pair[0]][:, 0], draws[pair[1]][:, 0])[0] == pytest.approx(rank, abs=0.03)
    alone = sampling.draws_of(twilly, 4096, 1)
    assert np.mean(draws[pair[1]]) == pytest.approx(np.mean(alone[pair[1]]), rel=0.01)  # still the same PERT


def test_ishigami_has_its_published_indices():
    def ishigami(x):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    table = ranges.sobol_indices(ishigami, {n: (-np.pi, np.pi) for n in "abc"}, 8192, seed=1)
    for name, first, total in (("a", 0.3139, 0.5576), ("b", 0.4424, 0.4424), ("c", 0.0, 0.2437)):
        assert table.loc[name, "first"] == pytest.approx(first, abs=0.01)
        assert table.loc[name, "total"] == pytest.approx(total, abs=0.01)


def test_a_sum_of_two_inputs_has_the_shares_of_its_variance():
    """Var(a + 2 b) of uniform inputs is 1/12 + 4/12: a fifth and four fifths, and nothing between them."""
    table = ranges.sobol_indices(lambda x: x[:, 0] + 2 * x[:, 1], {"a": (3.0, 4.0), "b": (0.0, 1.0)}, 4096, seed=2)
    for name, share in (("a", 0.2), ("b", 0.8)):
        assert table.loc[name, "first"] == pytest.approx(share, abs=0.005)
        assert table.loc[name, "total"] == pytest.approx(share, abs=0.005)


def test_the_error_of_an_index_is_that_of_the_mean_it_is():
    """Of an input with almost no share: 1.96 s / sqrt(n) of f(B) (f(A_k) - f(A)); 50 resamples know s to 10 %."""
    seen = []

    def function(x):
        seen.append(x)
        return x[:, 0] + 0.01 * x[:, 1]

    error = ranges.sobol_indices(function, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, 1024, seed=3).loc["b", "first_error"]
    a, _, mixed, b = function(seen[0]).reshape(1024, 4).T
    products = (b - b.mean()) * (mixed - a) / a.var()
    assert error == pytest.approx(1.96 * products.std() / np.sqrt(1024), rel=0.4)  # 4 standard errors


def test_an_output_that_never_changes_has_no_shares():
    table = ranges.sobol_indices(lambda x: np.full(len(x), 3.0), {"a": (0.0, 1.0), "b": (0.0, 1.0)}, 64, seed=1)
    assert (table == 0.0).all(axis=None)


@pytest.mark.parametrize("n", [2, 64, 4096])
def test_sobol_indices_are_those_of_scipy(n):
    """The totals are the same sum; scipy centres the first by the mean of A and B alone, which goes as 1 / n."""

    def function(x):
        return 3.0 + x[:, 0] * x[:, 1] + np.exp(x[:, 2])

    bounds = {"a": (-1.0, 2.0), "b": (0.5, 4.0), "c": (0.0, 1.0), "idle": (5.0, 6.0)}
    low, high = np.array(list(bounds.values())).T
    a, b = np.split(np.tile(low, 2) + stats.qmc.Sobol(8, seed=7).random(n) * np.tile(high - low, 2), 2, axis=1)
    mixed = [function(np.where(np.arange(4) == k, b, a))[None] for k in range(4)]
    theirs = stats.sobol_indices(
        func={"f_A": function(a)[None], "f_B": function(b)[None], "f_AB": np.array(mixed)}, n=n
    )
    ours = ranges.sobol_indices(function, bounds, n, seed=7).loc[list(bounds)]
    assert ours["total"].tolist() == pytest.approx(theirs.total_order.tolist(), rel=1e-12, abs=1e-14)
    assert ours["first"].tolist() == pytest.approx(theirs.first_order.tolist(), abs=0.4 / n)


def test_sobol_indices_of_what_never_varies_are_0():
    assert (ranges.sobol_indices(lambda x: np.full(len(x), 0.1), {"a": (0, 1)}, 8, seed=1) == 0.0).all(axis=None)


def test_knowing_a_coin_is_worth_the_hand_sum():
    """Heads saves 10, tails loses 4: today 3 a month; knowing first, half of 10 is 5; worth 2."""
    table = ranges.information_value([10.0, -4.0], {"coin": [0.0, 1.0], "noise": [5.0, 5.0]})
    assert table.loc["coin", "value_usd"] == pytest.approx(2.0, abs=1e-12)
    assert table.loc["noise", "value_usd"] == pytest.approx(0.0, abs=1e-12)
    assert table.loc["nothing", "chance_of_wrong"] == 0.5 and table.loc["coin", "chance_of_wrong"] == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_who_knows_nothing_takes_the_better_mean_and_errs_where_the_draw_says_otherwise(sign):
    """Two draws of three save 10 and one loses 4, or the reverse: the choice by the mean is wrong in one of three."""
    table = ranges.information_value(sign * np.array([10.0, 10.0, -4.0]), {})
    assert table.loc["nothing", "chance_of_wrong"] == pytest.approx(1.0 / 3.0, rel=1e-12)
    assert table.loc["everything", "value_usd"] == pytest.approx(4.0 / 3.0, rel=1e-12)


def test_perfect_knowledge_is_worth_at_least_any_single_input():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 8192))
    table = ranges.information_value(x + 0.5 * y + 0.1, {"x": x, "y": y})
    assert table.loc["everything", "value_usd"] >= table.loc["x", "value_usd"] >= table.loc["y", "value_usd"] > 0


def test_knowing_half_of_a_sum_is_worth_a_quarter_and_errs_in_a_quarter():
    """x and y uniform on -1 to 1, the saving x + y: E[max(x, 0)] = 1/4, and y turns the sign in 1/4 of the cases."""
    x, y = np.random.default_rng(5).uniform(-1.0, 1.0, size=(2, 65_536))
    table = ranges.information_value(x + y, {"x": x})
    error = np.sqrt(2.0 / 3.0) / np.sqrt(x.size)  # of the mean saving, which today's choice takes
    assert table.loc["x", "value_usd"] == pytest.approx(0.25, abs=4.0 * error)
    assert table.loc["x", "chance_of_wrong"] == pytest.approx(0.25, abs=4.0 * np.sqrt(0.25 * 0.75 / x.size))
    assert table.loc["everything", "value_usd"] == pytest.approx(1.0 / 3.0, abs=4.0 * error)


def test_a_long_run_in_chunks_begins_like_a_short_one_and_repeats(twilly, monkeypatch):
    monkeypatch.setattr(sampling, "CHUNK", 2048)
    monkeypatch.setattr(sampling, "AT_ONCE", sampling.CHUNK)
    short = model.evaluate(twilly, draws=sampling.CHUNK, seed=5)
    told = []
    long = model.evaluate(twilly, draws=sampling.CHUNK + 512, seed=5, progress=lambda *p: told.append(p))
    again = model.evaluate(twilly, draws=sampling.CHUNK + 512, seed=5)
    for row in ("battery", "mobile data", "server load", "cost"):
        for one, other, third in zip(short.values(row), long.values(row), again.values(row), strict=True):
            np.testing.assert_allclose(other[: sampling.CHUNK], one, rtol=1e-12)
            np.testing.assert_array_equal(other, third)
    done, total = zip(*told, strict=True)
    assert set(total) == {sampling.CHUNK + 512} and done[-1] == total[0] and list(done) == sorted(set(done))


def test_a_run_in_chunks_of_several_user_counts_has_its_parts_by_flow(twilly, monkeypatch):
    whole = model.evaluate(twilly, users=[1e4, 1e5], draws=512, seed=5)
    monkeypatch.setattr(sampling, "AT_ONCE", 512)
    monkeypatch.setattr(sampling, "CHUNK", 512)
    pieces, cores = model.evaluate(twilly, users=[1e4, 1e5], draws=512, seed=5), []
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores.append(1) or {0}, raising=False)
    one_core = model.evaluate(twilly, users=[1e4, 1e5], draws=512, seed=5)
    assert isinstance(pieces.before, StreamedSide) and cores
    for measure in MEASURES:
        for side in ("before", "after"):
            first = getattr(whole, side).total(measure)
            np.testing.assert_allclose(
                getattr(pieces, side).total(measure), np.broadcast_to(first, (512, 2)), rtol=1e-6
            )  # nodes of a tail's integral: as the chunk needs
            np.testing.assert_array_equal(getattr(one_core, side).total(measure), getattr(pieces, side).total(measure))
        assert (pieces.by_flow(measure).sum() > 0).all()


def test_sixty_inputs_or_more_have_a_range(twilly):
    assert len(sampling.ranged_inputs(twilly)) >= 60


def test_spans_hold_their_middle(twilly):
    table = ranges.spans(twilly, draws=512, seed=2)
    for side in ("before", "after", "change"):
        spans = table[[f"{side}_low", f"{side}_middle", f"{side}_high"]].dropna()  # no change of what is infinite
        assert len(spans) == len(table) - (side == "change")
        assert (spans.diff(axis=1).iloc[:, 1:].fillna(0.0) >= 0).all().all()
    assert table["p_better"].between(0, 1).all()


def test_spans_are_the_5_50_and_95_percent_quantiles_of_the_draws(twilly):
    table, outcome = ranges.spans(twilly, draws=256, seed=2), model.evaluate(twilly, draws=256, seed=2)
    before, after = (np.sort(v[:, 0]) for v in outcome.values("battery"))
    for name, values in (("before", before), ("after", after)):
        ends = [float((values <= table.loc["battery", f"{name}_{end}"]).mean()) for end in ("low", "middle", "high")]
        assert ends == pytest.approx([0.05, 0.5, 0.95], abs=1.0 / 256)


def test_the_tornado_is_widest_first_and_ends_where_the_model_says(twilly):
    table = ranges.tornado(twilly, "cost")
    assert table["width"].is_monotonic_decreasing
    name = table.index[0]
    low = model.evaluate(twilly.with_({name: float(table.loc[name, "low"])}))
    saving = float(low.before.total("cost")[..., 0].ravel()[0] - low.after.total("cost")[..., 0].ravel()[0])
    assert table.loc[name, "saving_at_low"] == pytest.approx(saving, rel=1e-9)


def test_the_tornado_has_the_saving_of_today_between_its_ends(twilly):
    table, outcome = ranges.tornado(twilly, "cost", most=3), model.evaluate(twilly)
    saving = float(np.ravel(outcome.before.total("cost"))[0] - np.ravel(outcome.after.total("cost"))[0])
    assert len(table) == 3 and table["saving_at_modes"].to_numpy() == pytest.approx(saving, rel=1e-12)
    ends = table[["saving_at_low", "saving_at_high"]]
    assert (ends.min(axis=1) <= saving).all() and (ends.max(axis=1) >= saving).all()
    assert table["width"].to_numpy() == pytest.approx((ends.max(axis=1) - ends.min(axis=1)).to_numpy(), rel=1e-12)


def test_an_input_that_moves_alone_explains_all_of_the_variance(twilly):
    table = ranges.index_table(twilly, "cost", n=1024, most=1)
    assert list(table.index) == list(ranges.tornado(twilly, "cost", most=1).index)
    assert table[["first", "total"]].to_numpy() == pytest.approx(1.0, abs=0.05)


def test_the_chance_of_choosing_wrong_today_is_that_of_the_rarer_sign(twilly):
    case = model.load("twilly_as_built")
    wrong = ranges.worth_measuring(case, draws=1024, seed=3, most=2).loc["nothing", "chance_of_wrong"]
    better = ranges.spans(case, draws=1024, seed=3).loc["cost", "p_better"]
    assert wrong in (better, 1.0 - better)
    assert 0.0 < wrong < 1.0


def test_the_chance_of_being_cheaper_is_a_chance(twilly):
    table = ranges.cheaper_surface(twilly, [1e3, 1e5], [1.0, 30.0], draws=64)
    assert table.shape == (2, 2) and table.to_numpy().min() >= 0 and table.to_numpy().max() <= 1


def test_the_surface_is_the_chance_that_the_table_gives_at_the_same_hours(twilly):
    """Every user an hour a day: the 30 active hours a month of the row are those of the scenario as it stands."""
    day = {"usage.dau_mau_share": 1.0, "usage.sessions_per_day": 1.0, "usage.session_mean_s": 3600.0}
    case = model.load("twilly_as_built").with_(day)
    (chance,) = ranges.cheaper_surface(case, [3e3], [30.0], draws=128, seed=4).to_numpy().ravel()
    assert chance == ranges.spans(case, users=3e3, draws=128, seed=4).loc["cost", "p_better"]
    assert 0.0 < chance < 1.0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: ranges.worth_measuring(s, draws=0), "draws must be a whole number > 0; got 0"),
        (lambda s: model.evaluate(s, draws=2.5), "draws must be a whole number >= 0; got 2.5"),
        (lambda s: model.evaluate(s, draws=2, seed=-1), "seed must be a whole number >= 0; got -1"),
        (lambda s: model.evaluate(s, draws=2, seed="x"), "seed must be a number; got 'x'"),
        (lambda s: model.evaluate(s, draws=10**12), "draws must be at most .* to fit in memory with 1 user counts"),
        (
            lambda s: s.with_({"usage.dau_mau_share": {"low": 0.3, "mode": 0.2, "high": 0.4}}),
            "usage.dau_mau_share must have low <= mode <= high; got 0.3, 0.2, 0.4",
        ),
        (
            lambda s: sampling.draws_of(
                s.with_(
                    {"correlations": [{"between": ["usage.session_mean_s", "usage.sessions_per_day"], "rank": 1.5}]}
                ),
                8,
                1,
            ),
            "got 1.5 between usage.session_mean_s and usage.sessions_per_day",
        ),
        (
            lambda s: sampling.draws_of(
                s.with_({"correlations": [{"between": ["usage.session_mean", "usage.sessions_per_day"], "rank": 0.5}]}),
                8,
                1,
            ),
            "unknown ranged input 'usage.session_mean'; did you mean 'usage.session_mean_s'",
        ),
        (
            lambda s: sampling.draws_of(
                s.with_(
                    {
                        "correlations": [
                            {"between": ["usage.session_mean_s", "usage.sessions_per_day"], "rank": 0.9},
                            {"between": ["usage.sessions_per_day", "usage.dau_mau_share"], "rank": 0.9},
                            {"between": ["usage.session_mean_s", "usage.dau_mau_share"], "rank": -0.9},
                        ]
                    }
                ),
                8,
                1,
            ),
            "must make a correlation matrix, and together they do not; the pair most at odds is",
        ),
        (lambda s: ranges.sobol_indices(np.sum, {"a": (0, 1)}, 100, 1), "n must be a power of two"),
    ],
)
def test_each_mistake_is_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError, match=sentence) as wrong:
        call(twilly)
    assert "\n" not in str(wrong.value)


def test_active_hours_reach_every_row_whatever_the_usage_is_stated_as(twilly):
    built = model.load("twilly_as_built")
    for changes in (
        {},
        {"usage.sessions_per_day": 5},
        {"usage.session_mean_s": 600},
        {"usage.session_mean_s": {"low": 600, "mode": 600, "high": 600}},
    ):
        surface = ranges.cheaper_surface(built.with_(changes), [1e5], [0.5, 30.0], draws=64, seed=1)
        assert surface.iloc[0, 0] < surface.iloc[1, 0]


@pytest.mark.parametrize("hours", [0.5, 30.0, 100.0, 300.0, 720.0])
def test_nobody_is_active_for_more_than_a_day_has_and_the_hours_are_those_asked_for(twilly, hours):
    resolved = with_active_hours(hours, sampling.resolved(twilly, draws=64, seed=1))
    use = resolved.usage
    day_h = use.sessions_per_day * use.session_mean_s / 3600.0
    assert (day_h <= 24.0 * (1 + 1e-12)).all() and (use.dau_mau_share <= 1.0).all()
    np.testing.assert_allclose(day_h * use.dau_mau_share * 30.0, hours, rtol=1e-12)


def test_what_only_noise_says_is_worth_nothing():
    rng = np.random.default_rng(4)
    known, saving = rng.normal(size=(2, 8192))
    table = ranges.information_value(saving + 0.05, {"noise": known, "itself": saving})
    assert (
        table.loc["noise", "value_usd"] == 0.0
        and table.loc["noise", "chance_of_wrong"] == table.loc["nothing", "chance_of_wrong"]
    )
    assert table.loc["itself", "value_usd"] > 0.3
    sure = ranges.information_value(1.0 + rng.uniform(size=8192), {"x": rng.uniform(size=8192)})
    assert (sure["value_usd"] == 0.0).all()  # push always saves: nothing is worth knowing, to the last digit


def test_perfect_knowledge_and_todays_frame_what_to_measure(twilly):
    for name in ("twilly", "twilly_as_built"):
        table = ranges.worth_measuring(model.load(name), draws=4096, most=3)
        assert list(table.index[[0, -1]]) == ["everything", "nothing"] and len(table) <= 5
        assert (table["value_usd"].iloc[1:-1] > 0).all() and table["value_usd"].is_monotonic_decreasing


def test_parts_of_a_run_in_pieces_sum_to_the_mean_of_all_its_draws(twilly, monkeypatch):
    monkeypatch.setattr(sampling, "AT_ONCE", 256)
    monkeypatch.setattr(sampling, "CHUNK", 256)
    outcome = model.evaluate(twilly, users=[1e4, 1e5], draws=1024, seed=5)
    for measure in MEASURES:
        sums = outcome.by_flow(measure).sum()
        for side in ("before", "after"):
            assert sums[side] == pytest.approx(getattr(outcome, side).total(measure)[:, 0].mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda t: ranges.cheaper_surface(t, [1e3], [3.0], draws=0), "draws must be a whole number > 0; got 0"),
        (lambda t: ranges.cheaper_surface(t, [1e3], [8000.0]), "active_hours must be at most the 720 h of the month"),
        (lambda t: ranges.spans(t, draws=0), "draws must be a whole number > 0; got 0"),
        (lambda t: ranges.cheaper_surface(t, [1e3], [3.0], draws=10**12), "draws must be at most"),
        (lambda t: ranges.information_value([1, 2], {"a": [1, 2, 3]}), "draws of a must be as many as of the saving"),
        (
            lambda t: t.with_(
                {
                    "correlations": [
                        {"between": ["usage.sessions_per_day", "usage.session_mean_s"], "rank": 0.9},
                        {"between": ["usage.session_mean_s", "usage.sessions_per_day"], "rank": -0.9},
                    ]
                }
            ),
            "correlations must name each pair once",
        ),
        (
            lambda t: t.with_(
                {"correlations": [{"between": ["usage.sessions_per_day", "usage.sesion_mean_s"], "rank": 0.9}]}
            ),
            "did you mean 'usage.session_mean_s'",
        ),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(twilly, call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(twilly)


@pytest.mark.parametrize("columns", [1, 2, 9, 250])
def test_the_points_are_scipys_number_for_number_also_in_batches(columns):
    from scipy.stats import qmc

    from model.scenario.points import sobol

    theirs = qmc.Sobol(columns, scramble=True, rng=np.random.default_rng(7))
    for ours in sobol(columns, [64, 1, 1, 1024], np.random.default_rng(7)):
        np.testing.assert_array_equal(ours, theirs.random(len(ours)))


def test_a_table_is_worked_out_without_the_libraries_that_take_longest_to_import():
    import subprocess
    import sys

    code = (
        "import sys, model; from model.answers import move; o = model.evaluate('twilly', draws=16); move(o); o.table()"
        "; print([n for n in ('scipy.stats', 'scipy.optimize', 'numba', 'plotly', 'papermill') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
