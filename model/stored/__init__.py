"""Notebooks stored with their outputs: run again, compared number by number, stored anew when accepted."""

from model.stored.compare import Difference, differences
from model.stored.nbval import failures as nbval_failures
from model.stored.normal import normalise, text_of
from model.stored.rerun import accept, check

__all__ = ["Difference", "accept", "check", "differences", "nbval_failures", "normalise", "text_of"]
