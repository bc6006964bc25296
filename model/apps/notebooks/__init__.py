"""Notebooks: one run with parameters, and what was stored compared with what comes out."""
