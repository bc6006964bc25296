"""The outcome of a scenario: every measure for every design."""

from model.outcome.draws import MORE_IS_BETTER, best_of, better_share, low_middle_high, rank_quantile, spanned
from model.outcome.evaluation import before_after, chunk_totals, compare, evaluate, judged_twice
from model.outcome.sides import MEASURES, Side, Sides
from model.outcome.tables import ROWS, Outcome, compared
