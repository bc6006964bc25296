"""Ranges: which inputs move the answer, and what it is worth to measure one of them."""

from model.ranges.choice import cheaper_surface, information_value, spans, worth_measuring
from model.ranges.movers import index_table, sobol_indices, tornado
