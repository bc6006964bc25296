"""Every number by one formatter: rounded as JSON can hold it, and as a person reads it."""

from __future__ import annotations

import math
import numbers

import numpy as np


def rounded(value: object, digits: int = 5) -> object:
    """The value as JSON can hold it, a real number rounded to its significant digits."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str, numbers.Integral)):
        return value
    if isinstance(value, numbers.Real):
        if math.isnan(value):
            return None
        return float(f"{value:.{digits - 1}e}") + 0.0 if math.isfinite(value) else str(float(value))
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def number(value: object, digits: int = 5) -> str:
    """The number as a person reads it: rounded to its significant digits, thousands apart.

    Parameters
    ----------
    value : object, a number; a text is left as it is, and None and NaN are n/a
    digits : int, significant digits

    Returns: str, the number in words of a table
    """
    value = rounded(value, digits)
    if value is None:
        return "n/a"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    places = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
