"""Published claims: read from a file, compared with the model's figures."""

from model.claims.published import MEASURES, SLACK, by_measure, figures, gain, premise, read, shown_range, verdict

__all__ = ["MEASURES", "SLACK", "by_measure", "figures", "gain", "premise", "read", "shown_range", "verdict"]
