"""Prices: one region's list on a date, and the rules by which each service counts its units."""

from model.prices.books import PriceBook, book, regions, service_of, services
from model.prices.rows import allowances
