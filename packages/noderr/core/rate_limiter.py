"""Rate limits by token buckets: one, and one for each of many keys in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict

from noderr.core.errors import FiguresError
from noderr.utils import Clock

_ROUNDING = 1e-9
"""Tokens that floating-point arithmetic may lose between `seconds_until` and the try after that time."""


class TokenBucket:
    """Gives up to `burst` tokens at once and `rate_per_second` in the long run.

    That is never more than `burst + rate * t` in any `t` seconds. It is full at first. Raises `FiguresError` for
    impossible figures.
    """

    def __init__(self, rate_per_second: float, burst: float, clock: Clock) -> None:
        _check("rate_per_second", rate_per_second)
        _check("burst", burst)
        self._rate_per_second = rate_per_second
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._counted_at = clock.monotonic()

    def try_take(self, count: float = 1.0) -> bool:
        """Take `count` tokens if there are so many, else none. Raises `FiguresError` for more than `burst`."""
        self._refill(count)
        if self._tokens < count - _ROUNDING:
            return False
        self._tokens -= count
        return True

    def seconds_until(self, count: float = 1.0) -> float:
        """Time until `count` tokens are there, if nobody takes any; 0 when they are. Raises as `try_take`."""
        self._refill(count)
        return max(0.0, count - self._tokens) / self._rate_per_second

    def _refill(self, count: float) -> None:
        if not 0 < count <= self._burst:
            raise FiguresError(f"count = {count!r}: must be above 0 and at most the burst, {self._burst}")
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate_per_second)
        self._counted_at = now


class KeyedRateLimiter:
    """A bucket for each key, for up to `key_limit` keys; the one not used for longest makes room for a new key.

    The new key gets that bucket as it is, not a full one. So a flood of keys gains nothing: together all keys there
    ever are get at most `key_limit * (burst + rate * t)` in any `t` seconds. Raises `FiguresError` for impossible
    figures.
    """

    def __init__(self, rate_per_second: float, burst: float, key_limit: int, clock: Clock) -> None:
        if key_limit < 1:
            raise FiguresError(f"key_limit = {key_limit!r}: must be at least 1")
        self._rate_per_second = rate_per_second
        self._burst = burst
        self._clock = clock
        self._new_bucket()  # Impossible figures are refused here and not at the first key.
        self._key_limit = key_limit
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def key_count(self) -> int:
        """Keys that have a bucket."""
        return len(self._buckets)

    def try_take(self, key: str, count: float = 1.0) -> bool:
        """As `TokenBucket.try_take`, for the bucket of `key`."""
        return self._bucket(key).try_take(count)

    def seconds_until(self, key: str, count: float = 1.0) -> float:
        """As `TokenBucket.seconds_until`, for the bucket of `key`. To ask is a use of the key as well."""
        return self._bucket(key).seconds_until(count)

    def _new_bucket(self) -> TokenBucket:
        return TokenBucket(self._rate_per_second, self._burst, self._clock)

    def _bucket(self, key: str) -> TokenBucket:
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            full = len(self._buckets) >= self._key_limit
            bucket = self._buckets.popitem(last=False)[1] if full else self._new_bucket()
        self._buckets[key] = bucket  # The last one is the one just used.
        return bucket


def _check(field: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise FiguresError(f"{field} = {value!r}: must be a finite number above 0")
