"""The runs of a batch on a Dask cluster, whose workers must reach folder and notebooks by the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model import checks
from model.apps.notebooks.worker import perform

__all__ = ["answers", "results"]

PATIENCE = "5s"
PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")


def answers(address: str) -> None:
    """Refuse an address at which no scheduler answers, before anything is written."""
    _client(address).close()


def _client(address: str):
    try:
        import distributed
    except ImportError:
        checks.fail("--cluster needs Dask; in a clone: pip install -e '.[cluster]'")
    if not str(address).startswith(PROTOCOLS):
        checks.fail(f"--cluster must be an address like tcp://10.0.0.1:8786; got {address!r}")
    try:
        return distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        checks.fail(f"no Dask scheduler answers at {address}: {error}")


def results(tasks: Sequence[dict], address: str) -> Iterator[tuple[dict, dict]]:
    """Hand all tasks to the scheduler and give each with its outcome as it ends."""
    client = _client(address)
    import distributed

    with client:
        futures = {client.submit(perform, t, pure=False, retries=1): t for t in tasks}
        try:
            for future in distributed.as_completed(list(futures), loop=client.loop):
                yield futures[future], _outcome(future)
        finally:
            client.cancel(list(futures), force=True)


def _outcome(future) -> dict:
    if future.status == "finished":
        return future.result()
    return {
        "status": "failed",
        "error": f"the cluster gave up: {future.exception()}",
        "traceback": "",
        "seconds": 0.0,
        "memory_bytes": 0,
    }
