"""What a person sees while notebooks run: one bar on stderr."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["bar"]


@contextlib.contextmanager
def bar(total: int, what: str, shown: bool = True, done: int = 0) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr for as long as the block runs.

    Parameters
    ----------
    total : int
        How many there are [-]
    what : str
        Their name in the plural [-]
    shown : bool
        Whether to draw it at all [-]
    done : int
        How many of them were finished before [-]

    Yields
    ------
    callable
        To be called after each; a text given to it is printed above the bar [-]
    """
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
