"""Ctrl-C, SIGTERM and a closed terminal all end a network in the same way, and none of them interrupts the end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Each of the signals raises `KeyboardInterrupt` from now on, in the main thread."""
    for one in _SIGNALS:
        signal.signal(one, signal.default_int_handler)


@contextmanager
def undisturbed(say: Callable[[str], None]) -> Iterator[None]:
    """Signals are answered with a sentence while the block runs."""

    def answer(_number: int, _frame: object) -> None:
        say("being removed already; a moment")

    before = [signal.signal(one, answer) for one in _SIGNALS]
    try:
        yield
    finally:
        for one, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(one, handler)
