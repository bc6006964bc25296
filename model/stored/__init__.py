"""Notebooks stored with their outputs: run again, compared number by number, stored anew when accepted."""

from model.stored.compare import Difference, differences
from model.stored.normal import normalise, text_of
from model.stored.rerun import accept, check

__all__ = ["Difference", "accept", "check", "differences", "normalise", "text_of"]
