"""The first signal interrupts, what is held is finished before, and the end is not interrupted at all."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.network.interrupts import end_begins, held, interrupt_on_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def said() -> Iterator[list[str]]:
    before = {one: signal.getsignal(one) for one in SIGNALS}
    words: list[str] = []
    interrupt_on_signals(words.append)
    yield words
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("one", SIGNALS)
def test_the_first_interrupts_and_the_second_is_answered(said: list[str], one: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(one)
    assert said == []
    signal.raise_signal(one)
    assert said == ["it is ending already; a moment"]


def test_what_is_held_is_finished_first(said: list[str]) -> None:
    done = []

    def interrupted() -> None:
        with held():
            with held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("after")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["inner", "outer"]
    with held():
        signal.raise_signal(signal.SIGTERM)
    assert said == ["it is ending already; a moment"]


def test_the_end_is_not_interrupted(said: list[str]) -> None:
    end_begins()
    signal.raise_signal(signal.SIGINT)
    with held():
        signal.raise_signal(signal.SIGTERM)
    assert said == ["it is ending already; a moment"] * 2
