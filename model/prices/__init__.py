"""Prices: one region's list on a date, and the rules by which each service counts its units."""

from model.prices.books import PriceBook, allowances, book, regions, service_of, services

__all__ = ["PriceBook", "allowances", "book", "regions", "service_of", "services"]
