"""Adds the prices of an AWS Price List to the price books in `data/prices`: `python -m tools.price_lists FILE`."""

from tools.price_lists.changes import difference, refresh
from tools.price_lists.live import live
from tools.price_lists.reading import load_price_list

__all__ = ["difference", "live", "load_price_list", "refresh"]
