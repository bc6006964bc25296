"""The audit: every published claim beside the model, with a verdict and what would have to be true."""

from model.audit.changes import improvements, side_by_side
from model.audit.judging import claims, errors, headlines, shown, summary, table
