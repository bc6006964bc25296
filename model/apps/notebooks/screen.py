"""What a person sees while notebooks run: one bar on stderr."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["bar"]


@contextlib.contextmanager
def bar(total: int, what: str, shown: bool = True, done: int = 0) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr for as long as the block runs."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(what, total=total, completed=done)

        def step(text: str = "") -> None:
            if text:
                progress.console.print(escape(text), highlight=False, soft_wrap=True)
            progress.advance(task)

        yield step
