"""Ctrl-C, SIGTERM and a closed terminal all end a network in the same way: once, and never half way into something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _State:
    say: Callable[[str], None]
    ending: bool = False
    holds: int = 0
    waits: bool = False


_state = _State(print)


def interrupt_on_signals(say: Callable[[str], None]) -> None:
    """The first of the signals raises `KeyboardInterrupt` in the main thread, the others are answered in words."""
    _state.say, _state.ending, _state.holds, _state.waits = say, False, 0, False
    for one in _SIGNALS:
        signal.signal(one, _handle)


def end_begins() -> None:
    """From now on a signal changes nothing."""
    _state.ending = True


@contextmanager
def held() -> Iterator[None]:
    """A signal that comes while the block runs interrupts at its end.

    A program that was just started must be known before anything is raised, or nobody stops it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals interrupt the main thread only.
        return
    _state.holds += 1
    try:
        yield
    finally:
        _state.holds -= 1
        if _state.waits and not _state.holds:
            _state.waits = False
            raise KeyboardInterrupt


def _handle(_number: int, _frame: object) -> None:
    if _state.ending:
        _state.say("it is ending already; a moment")
        return
    _state.ending = True
    if _state.holds:
        _state.waits = True
    else:
        raise KeyboardInterrupt
