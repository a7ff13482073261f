"""What comes of a request to the coordinator: it is counted, and a refusal is believed within bounds.

Refusals are not signed: whoever is on the way could say them.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

from noderr.telemetry.errors import CoordinatorError, RefusedError, UntrustedError
from noderr.telemetry.metrics import NodeMetrics
from noderr.utils import Backoff, StoreError

LONGEST_SECONDS = 300.0
"""No word of a coordinator makes a node wait longer."""
_BACKOFF = Backoff(first_seconds=1.0, limit_seconds=60.0)
_JUMP_LIMIT = 1 << 40
"""More numbers than a node uses: nobody on the way may use up those that are left."""


@contextlib.contextmanager
def counted(metrics: NodeMetrics, kind: str) -> Iterator[None]:
    """Counts how the request that is made inside went."""
    try:
        yield
    except RefusedError:
        metrics.coordinator_requests.labels(kind, "refused").inc()
        raise
    except CoordinatorError:
        metrics.coordinator_requests.labels(kind, "unreachable").inc()
        raise
    metrics.coordinator_requests.labels(kind, "accepted").inc()


def pause_seconds(error: CoordinatorError | StoreError, failures: int, randomness: random.Random) -> float:
    """Until the next try, after so many failures before this one."""
    return max(asked_seconds(error), _BACKOFF.jittered_seconds(failures, randomness))


def asked_seconds(error: CoordinatorError | StoreError) -> float:
    """How long a refusal asks this node to wait; a bound, because anybody on the way could ask for a year."""
    return min(error.retry_seconds, LONGEST_SECONDS) if isinstance(error, RefusedError) else 0.0


def next_free(error: RefusedError, sent: int) -> int:
    """The number that the refusal says is free. Raises `UntrustedError` when a coordinator would not say that."""
    if not sent < error.next_sequence <= sent + _JUMP_LIMIT:
        raise UntrustedError(
            f"{error.code} names {error.next_sequence} as the next free number, and {sent} was sent: not believed"
        ) from error
    return error.next_sequence
