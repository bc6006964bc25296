"""Values that may be parameters: plain JSON, and nothing secret, because every notebook shows them."""

from __future__ import annotations

import datetime
import re

from model import checks

__all__ = ["no_secret", "plain_value"]

SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|credential|api_?key|access_?key|private_?key"
    r"|(^|[_.\-])(token|key|pwd)s?$",
    re.I,
)
SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY")


def no_secret(name: str, value: object = None, place: object = None) -> None:
    """Refuse a parameter whose name or value looks like a secret."""
    if SECRET.search(name) or (isinstance(value, str) and SECRET_VALUE.search(value)):
        checks.fail(
            f"{name!r} looks like a secret, and parameters are written into every notebook; keep it in the environment",
            place,
        )


def plain_value(name: str, value: object, place: object = None) -> object:
    """The value as numbers, texts, lists and mappings, refused where it is anything else."""
    no_secret(name, value, place)
    if isinstance(value, dict):
        return {str(k): plain_value(f"{name}.{k}", v, place) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(name, v, place) for v in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        checks.fail(f"{name} must be a number; got NaN", place)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    checks.fail(f"{name} must be a number, a text, a list or a mapping; got {checks.shown(value)}", place)
