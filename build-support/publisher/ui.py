"""What a person sees while it works: lines, and on a terminal bars while something takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from publisher.store import Progress as Report
from publisher.store import no_progress


class Ui(Protocol):
    """Where the publisher says what it does."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def bar(self, label: str, size: int) -> AbstractContextManager[Report]:
        """Something of `size` bytes that takes a while."""


class PlainUi:
    """Lines, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        """Print it."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, label: str, size: int) -> Iterator[Report]:
        """Show nothing: a log has no place for it."""
        yield no_progress


class TerminalUi(PlainUi):
    """Lines, and bars that go away when they are full."""

    @contextmanager
    def bar(self, label: str, size: int) -> Iterator[Report]:
        """Show a bar."""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(label, total=size)
            yield lambda done: progress.update(task, completed=done)


def ui_for(console: Console) -> Ui:
    """Bars where they can be drawn."""
    return TerminalUi(console) if console.is_terminal else PlainUi(console)
