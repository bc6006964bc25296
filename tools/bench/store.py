"""Writes what was measured: whole or not at all, with the versions and the conditions beside every row."""

from __future__ import annotations

import contextlib
import csv
import datetime
import importlib.metadata
import importlib.util
import io
import os
import platform
import ssl
from pathlib import Path

from model import checks

__all__ = []

LIBRARIES = ("aiohttp", "httpx", "h2", "hpack", "websockets", "cryptography", "amqtt")


def check_libraries() -> None:
    """Refuse in one sentence where a library of the bench is not installed."""
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        checks.fail(
            f"the bench of real sockets needs {', '.join(missing)}, not installed here; "
            "in the clone: pip install -e '.[bench]'"
        )


def versions() -> dict[str, str]:
    """What the measurement ran on, as columns."""
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    libraries = "; ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return {
        "python": platform.python_version(),
        "openssl": " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        "kernel": f"{platform.system()} {kernel}",
        "libraries": libraries,
        "date": datetime.date.today().isoformat(),
    }


def load_text() -> str:
    """How busy the machine was, in words."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def checked_folder(out_dir) -> Path:
    """The folder to write to, made if it is missing, refused in a sentence where it cannot be."""
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        checks.fail(f"out_dir must be a folder that can be written; got {str(out_dir)!r} ({error.strerror})")
    if not os.access(folder, os.W_OK):
        checks.fail(f"out_dir must be a folder that can be written; got {str(out_dir)!r}")
    return folder


def written(path: Path, rows: list[dict]) -> Path:
    """The rows as a CSV file that appears whole under its name, or not at all."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text.getvalue(), encoding="utf-8")
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return path
