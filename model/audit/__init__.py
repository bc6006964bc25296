"""The audit: every published claim beside the model, with a verdict and what would have to be true."""

from model.audit.changes import improvements, side_by_side
from model.audit.judging import claims, errors, headlines, shown, summary, table

__all__ = ["claims", "errors", "headlines", "improvements", "shown", "side_by_side", "summary", "table"]
