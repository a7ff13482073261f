"""A circuit breaker: stops calling what keeps failing, and finds out by a few probes when it works again.

Closed: calls go through and their results are counted. Open: none goes through. Half-open, after a pause: a few probes
do; if all of them succeed the breaker closes, and one that fails opens it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from noderr.core.errors import CircuitOpenError, FiguresError
from noderr.utils import Clock

_SLICES = 10
"""The window is counted in this many slices, so that its memory does not grow with the traffic."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class BreakerPolicy:
    """When a breaker opens, and how it closes again. Raises `FiguresError` for impossible figures.

    It opens when at least `failure_ratio` of the calls of the last `window_seconds` (give or take a tenth) failed and
    there were at least `minimum_calls`, or when `consecutive_failures` calls failed in a row. After `open_seconds` it
    lets `probes` calls through; when these have not all succeeded within another `open_seconds`, as many more may try.
    """

    window_seconds: float = 60.0
    failure_ratio: float = 0.5
    minimum_calls: int = 10
    consecutive_failures: int = 5
    open_seconds: float = 30.0
    probes: int = 3

    def __post_init__(self) -> None:
        for field in ("window_seconds", "open_seconds"):
            value = getattr(self, field)
            if not 0 < value < float("inf"):
                raise FiguresError(f"{field} = {value!r}: must be a finite number above 0")
        if not 0 < self.failure_ratio <= 1:
            raise FiguresError(f"failure_ratio = {self.failure_ratio!r}: must be above 0 and at most 1")
        for field in ("minimum_calls", "consecutive_failures", "probes"):
            if getattr(self, field) < 1:
                raise FiguresError(f"{field} = {getattr(self, field)!r}: must be at least 1")


class Permit:
    """Leave to make one call. Tell it how the call went, once; what it is told later is ignored."""

    def __init__(self, tell: Callable[[bool | None], None]) -> None:
        self._tell: Callable[[bool | None], None] | None = tell

    def succeeded(self) -> None:
        self._report(True)

    def failed(self) -> None:
        self._report(False)

    def abandoned(self) -> None:
        """Nobody knows how the call went: it was cancelled."""
        self._report(None)

    def _report(self, good: bool | None) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(good)


class CircuitBreaker:
    """The breaker of one thing that is called; `name` is for its errors."""

    def __init__(self, name: str, clock: Clock, policy: BreakerPolicy | None = None) -> None:
        self.name = name
        self._clock = clock
        self._policy = policy or BreakerPolicy()
        self._state = BreakerState.CLOSED
        self._era = 0  # One more with each change: results of calls that began before it no longer count.
        self._era_began = 0.0
        self._window = _Window(self._policy.window_seconds)
        self._failures_in_a_row = 0
        self._probes_out = 0
        self._probes_good = 0

    @property
    def state(self) -> BreakerState:
        """OPEN becomes HALF_OPEN as time passes, without a call."""
        self._look_at_the_clock()
        return self._state

    def retry_seconds(self) -> float:
        """Time until a call may be let through; 0 when one would be let through now."""
        self._look_at_the_clock()
        if self._state is BreakerState.CLOSED or (
            self._state is BreakerState.HALF_OPEN and self._probes_out < self._policy.probes
        ):
            return 0.0
        return self._seconds_left()

    def admit(self) -> Permit:
        """Leave to make one call. Raises `CircuitOpenError` with the time until the next try."""
        if (retry_seconds := self.retry_seconds()) > 0:
            raise CircuitOpenError(self.name, retry_seconds)
        if self._state is BreakerState.HALF_OPEN:
            self._probes_out += 1
        era = self._era
        return Permit(lambda good: self._take_result(era, good))

    async def call[T](
        self, work: Callable[[], Awaitable[T]], *, is_failure: Callable[[Exception], bool] = lambda _error: True
    ) -> T:
        """What `work` returns. Its exceptions are passed on, and are failures where `is_failure` says so.

        For example, a venue that refuses an order has answered: it works. Raises `CircuitOpenError` without calling.
        """
        permit = self.admit()
        try:
            result = await work()
        except Exception as error:
            if is_failure(error):
                permit.failed()
            else:
                permit.succeeded()
            raise
        except BaseException:
            permit.abandoned()
            raise
        permit.succeeded()
        return result

    def _take_result(self, era: int, good: bool | None) -> None:
        self._look_at_the_clock()
        if era != self._era:
            return
        if self._state is BreakerState.HALF_OPEN:
            self._take_probe(good)
        elif good is not None:
            self._window.add(self._clock.monotonic(), good)
            self._failures_in_a_row = 0 if good else self._failures_in_a_row + 1
            if not good and self._should_open():
                self._change(BreakerState.OPEN)

    def _take_probe(self, good: bool | None) -> None:
        if good is None:
            self._probes_out -= 1
        elif not good:
            self._change(BreakerState.OPEN)
        else:
            self._probes_good += 1
            if self._probes_good == self._policy.probes:
                self._change(BreakerState.CLOSED)

    def _should_open(self) -> bool:
        if self._failures_in_a_row >= self._policy.consecutive_failures:
            return True
        calls, failures = self._window.counts(self._clock.monotonic())
        return calls >= self._policy.minimum_calls and failures >= self._policy.failure_ratio * calls

    def _look_at_the_clock(self) -> None:
        if self._state is BreakerState.CLOSED:
            return
        if self._seconds_left() <= 0:
            # Half-open again, too: probes that never came back must not keep it shut for ever.
            self._change(BreakerState.HALF_OPEN)

    def _seconds_left(self) -> float:
        return self._era_began + self._policy.open_seconds - self._clock.monotonic()

    def _change(self, state: BreakerState) -> None:
        self._state = state
        self._era += 1
        self._era_began = self._clock.monotonic()
        self._window = _Window(self._policy.window_seconds)
        self._failures_in_a_row = self._probes_out = self._probes_good = 0


class _Window:
    """Counts of the last `seconds`, in slices: [number of the slice, calls, failures]."""

    def __init__(self, seconds: float) -> None:
        self._slice_seconds = seconds / _SLICES
        self._slices: deque[list[int]] = deque()

    def add(self, now: float, good: bool) -> None:
        number = self._forget_old(now)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += not good

    def counts(self, now: float) -> tuple[int, int]:
        """Calls and failures."""
        self._forget_old(now)
        return sum(each[1] for each in self._slices), sum(each[2] for each in self._slices)

    def _forget_old(self, now: float) -> int:
        number = int(now / self._slice_seconds)
        while self._slices and self._slices[0][0] <= number - _SLICES:
            self._slices.popleft()
        return number
