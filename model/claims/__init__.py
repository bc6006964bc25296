"""Published claims: read from a file, compared with the model's figures."""

from model.claims.published import SLACK, by_measure, figures, gain, holds, premise, read, shown_range, verdict
from model.claims.reading import MEASURES

__all__ = ["MEASURES", "SLACK", "by_measure", "figures", "gain", "holds", "premise", "read", "shown_range", "verdict"]
