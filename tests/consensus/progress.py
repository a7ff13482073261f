"""How far something long is, on standard error: what it prints in the end stays alone on standard output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Tell(Protocol):
    """Says how many are done, and in words what came of them."""

    def __call__(self, done: int, found: str) -> None: ...


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Tell]:
    """A bar that ends at `total`, below a line that says what it is about."""
    console = Console(stderr=True, highlight=False)
    console.print(title)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)

        def tell(done: int, found: str) -> None:
            bar.update(task, completed=done, description=found)

        yield tell
