"""The folder of a batch: here on a disk, or wherever papermill can write (s3:// and others)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from model import checks
from model.apps.notebooks import is_remote, write_whole

PART = re.compile(r"\.part-(\d+)-")


class Store:
    """Finished runs under `runs/`, failed ones under `failed/`, manifest and table beside them."""

    def __init__(self, root: str | os.PathLike):
        self.remote = is_remote(root)
        self.root = str(root).rstrip("/") if self.remote else str(Path(root).resolve())

    def path(self, *parts: str) -> str:
        """The address of a file of the batch."""
        return "/".join((self.root, *parts)) if self.remote else os.path.join(self.root, *parts)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Store]:
        """The folder for one batch alone, made and seen to be writable; what a killed batch left half done is gone."""
        with contextlib.ExitStack() as stack:
            if not self.remote:
                try:
                    for folder in ("runs", "failed"):
                        os.makedirs(self.path(folder), exist_ok=True)
                        with tempfile.NamedTemporaryFile(dir=self.path(folder)):
                            pass
                except OSError as error:
                    checks.fail(f"cannot write to the folder {self.root}: {error.strerror}")
                self._lock(stack)
                self.clear_parts()
            yield self

    def _lock(self, stack: contextlib.ExitStack) -> None:
        """Refuse the folder while another batch has it; where a system or disk has no locks, nothing is refused."""
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            held = os.open(self.root, os.O_RDONLY)
            stack.callback(os.close, held)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go by the system however this process ends
            except BlockingIOError:
                checks.fail(f"another batch is at work in {self.root}; wait for its end, or take another folder")

    def clear_parts(self) -> None:
        """Take away what ended processes left half done."""
        if self.remote:
            return
        for part in Path(self.root).rglob(".part-*"):
            owner = PART.match(part.name)
            if owner and not _alive(int(owner.group(1))):
                part.unlink(missing_ok=True)

    def finished(self, keys: Mapping[str, str]) -> set[str]:
        """Which of the runs are there, whole and readable, with the key that a run made now would have."""
        here = self._listed()
        return {n for n, key in keys.items() if (here is None or n in here) and self._key(n) == key}

    def _key(self, name: str) -> str | None:
        found = self.notebook(name) or {"metadata": {}}
        return (found["metadata"].get("workbook") or {}).get("key")

    def notebook(self, name: str) -> dict | None:
        """The executed notebook of a run as plain JSON, None where there is none."""
        try:
            nb = json.loads(self.read("runs", name))
        except Exception:  # each storage has an error of its own for what is not there
            return None
        parts = (nb.get("metadata"), *nb.get("cells", ())) if isinstance(nb, dict) else (None,)
        return nb if all(isinstance(part, dict) for part in parts) else None

    def notebook_failed(self, name: str) -> bool:
        """Whether the notebook of a failed run is kept."""
        return self.remote or os.path.exists(self.path("failed", name))

    def read(self, *parts: str) -> str:
        """The text of a file."""
        if self.remote:
            from papermill.iorw import papermill_io

            return papermill_io.read(self.path(*parts), [""])
        return Path(self.path(*parts)).read_text(encoding="utf-8")

    def write(self, text: str | bytes, *parts: str) -> None:
        """Write a file whole or not at all."""
        path = self.path(*parts)
        if self.remote:
            from papermill.exceptions import PapermillException
            from papermill.iorw import papermill_io

            try:
                papermill_io.write(text, path, [""])
            except PapermillException as error:  # an address of no kind that papermill writes to, or without its extra
                checks.fail(f"cannot write to {path}: {str(error).splitlines()[0].rstrip('.')}")
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_whole(path, text)

    def keep_only(self, folder: str, names: set[str]) -> None:
        """Take away tables that an earlier batch wrote and this one does not."""
        for path in [] if self.remote else Path(self.path(folder)).glob("*/*"):
            if path.suffix in (".csv", ".parquet") and f"{path.parent.name}/{path.stem}" not in names:
                path.unlink(missing_ok=True)

    def remove(self, *parts: str) -> None:
        """Take away a file that no longer holds, where it is on a disk."""
        if not self.remote:
            Path(self.path(*parts)).unlink(missing_ok=True)

    def _listed(self) -> set[str] | None:
        """The names under `runs/`, None where the storage cannot list."""
        if not self.remote:
            return set(os.listdir(self.path("runs")))
        from papermill.iorw import papermill_io

        try:
            return {str(n).rstrip("/").rsplit("/", 1)[-1] for n in papermill_io.listdir(self.path("runs"))}
        except Exception:  # nothing there yet, or a protocol without listings
            return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    with contextlib.suppress(OSError):  # a process that has ended but whose parent has not asked for its exit code
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return True
