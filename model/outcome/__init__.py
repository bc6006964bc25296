"""The outcome of a scenario: every measure for every design."""

from model.outcome.evaluation import before_after, chunk_totals, evaluate, judged_twice
from model.outcome.sides import MEASURES, Side, both_sides
from model.outcome.tables import ROWS, Outcome

__all__ = [
    "MEASURES",
    "ROWS",
    "Outcome",
    "Side",
    "before_after",
    "both_sides",
    "chunk_totals",
    "evaluate",
    "judged_twice",
]
