"""Where AWS's regions are, and how far apart."""

from __future__ import annotations

import functools
import math

from model import checks, ledger, paths

EARTH_KM = 6371.0


@functools.cache
def places() -> dict[str, tuple[float, float]]:
    """Latitude and longitude of each region's city, in radians."""
    rows = ledger.read_csv(paths.data("places.csv"))
    return {
        row["region"]: (math.radians(float(row["latitude"])), math.radians(float(row["longitude"]))) for row in rows
    }


def distance_km(one: str, other: str) -> float:
    """The distance of two regions over the globe, by the haversine formula.

    Source: geonames.
    """
    for name in (one, other):
        checks.known("place", name, places())
    (lat, lon), (lat_2, lon_2) = places()[one], places()[other]
    half = math.sin((lat_2 - lat) / 2.0) ** 2 + math.cos(lat) * math.cos(lat_2) * math.sin((lon_2 - lon) / 2.0) ** 2
    return 2.0 * EARTH_KM * math.asin(math.sqrt(half))
