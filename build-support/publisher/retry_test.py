from __future__ import annotations

import pytest

from publisher.retry import Pace, Retry


class Flaky:
    """Fails a number of times, then works."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError(str(self.calls))
        return "done"


def _is_transient(error: Exception) -> bool:
    return isinstance(error, ConnectionError)


def test_waits_double_until_it_works() -> None:
    waits: list[float] = []
    assert Retry(5, 1.0, waits.append)(Flaky(3), _is_transient) == "done"
    assert waits == [1.0, 2.0, 4.0]


def test_attempts_are_bounded() -> None:
    flaky = Flaky(100)
    with pytest.raises(ConnectionError):
        Retry(4, 1.0, lambda seconds: None)(flaky, _is_transient)
    assert flaky.calls == 4


def test_final_errors_are_not_repeated() -> None:
    flaky = Flaky(100)
    with pytest.raises(ConnectionError):
        Retry(4, 1.0, lambda seconds: None)(flaky, lambda error: False)
    assert flaky.calls == 1


def test_one_write_a_second_for_each_key() -> None:
    clock = [100.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    pace = Pace(1.0, lambda: clock[0], sleep)
    pace.wait("a")
    pace.wait("b")
    clock[0] += 0.25
    pace.wait("a")
    clock[0] += 5
    pace.wait("a")
    assert waits == [0.75]
