"""Many connections at once, and the loss of one told as one sentence."""

from __future__ import annotations

import asyncio
import contextlib

from model import checks


@contextlib.contextmanager
def loss_told(name: str):
    """Tell a lost connection as one sentence."""
    import httpx
    import websockets

    try:
        yield
    except (OSError, TimeoutError, EOFError, httpx.HTTPError, websockets.WebSocketException) as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise checks.InputError(
            f"{name}: a client lost its connection in the middle of the measurement ({reason}); "
            "nothing of this run was written"
        ) from error


async def all_of(coroutines) -> list:
    """The results of all, or the first error with the others stopped."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None
    return [task.result() for task in tasks]


def first_of(errors: BaseExceptionGroup) -> BaseException:
    """The first error of a group, however deep."""
    first = errors.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
