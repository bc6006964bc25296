"""Adds the prices of an AWS Price List to the price books in `data/prices`: `python -m tools.price_lists FILE`."""

from model.readers import difference, load_price_list, refresh
from tools.price_lists.live import live

__all__ = ["difference", "live", "load_price_list", "refresh"]
