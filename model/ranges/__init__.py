"""Ranges: which inputs move the answer, and what it is worth to measure one of them."""

from model.ranges.choice import (
    cheaper_surface,
    index_table,
    information_value,
    sobol_indices,
    spans,
    tornado,
    worth_measuring,
)
