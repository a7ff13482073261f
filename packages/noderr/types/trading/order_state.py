"""The states of an order and how it gets from one to another.

The words are those of FIX OrdStatus (tag 39). FIX has none for an order whose fate is not known, because a message
timed out or a connection broke; here that is a state, so that nobody takes silence for a rejection.
"""

from __future__ import annotations

import enum

from noderr.types.trading.errors import TransitionError


class OrderState(enum.Enum):
    """UNKNOWN: it was sent, and the venue has not said whether it has it. Only the venue's word ends that."""

    CREATED = "created"
    PENDING_NEW = "pending-new"
    NEW = "new"
    PARTIALLY_FILLED = "partially-filled"
    PENDING_CANCEL = "pending-cancel"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return not _NEXT[self]

    @property
    def is_open(self) -> bool:
        """Whether the venue may fill it: what counts as exposure, unknown orders included."""
        return self is not OrderState.CREATED and not self.is_final


_S = OrderState
_ENDS = frozenset({_S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})
_NEXT: dict[OrderState, frozenset[OrderState]] = {
    # Not sent yet: it can be dropped, by us or by a gate. On disk it is PENDING_NEW before the first byte leaves.
    _S.CREATED: frozenset({_S.PENDING_NEW, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    # A fill can overtake the acknowledgement.
    _S.PENDING_NEW: frozenset({_S.NEW, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.UNKNOWN}) | _ENDS,
    _S.NEW: frozenset({_S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.UNKNOWN, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.PARTIALLY_FILLED: frozenset(
        {_S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.UNKNOWN, _S.FILLED, _S.CANCELED, _S.EXPIRED}
    ),
    # A refused cancel gives the order back; fills go on until it is taken.
    _S.PENDING_CANCEL: frozenset(
        {_S.NEW, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.UNKNOWN, _S.FILLED, _S.CANCELED, _S.EXPIRED}
    ),
    _S.UNKNOWN: frozenset({_S.NEW, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL}) | _ENDS,
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}


def check_transition(client_order_id: str, before: OrderState, after: OrderState) -> None:
    """Raises `TransitionError` where `before` cannot become `after`."""
    if after not in _NEXT[before]:
        allowed = ", ".join(sorted(state.value for state in _NEXT[before])) or "nothing: it is final"
        raise TransitionError(
            f"order {client_order_id} is {before.value} and cannot become {after.value}, but {allowed}"
        )
