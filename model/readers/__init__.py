"""Readers of files that people have: AWS's price lists and pricing pages. They know no scenario."""

from model.readers.price_changes import difference, refresh
from model.readers.price_offers import load_price_list

__all__ = ["difference", "load_price_list", "refresh"]
