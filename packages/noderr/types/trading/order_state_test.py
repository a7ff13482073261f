"""The state machine of an order, against FIX's own matrices and what an unknown fate demands."""

from __future__ import annotations

import itertools

import pytest

from noderr.types.trading import OrderState, TransitionError, check_transition

S = OrderState

# FIX 5.0 SP2 volume 4, appendix D, order state changes: sequences of OrdStatus as an exchange reports them.
FIX_SEQUENCES = {
    "D1 filled": [S.NEW, S.PARTIALLY_FILLED, S.PARTIALLY_FILLED, S.FILLED],
    "D2 part filled, rest canceled by the venue": [S.NEW, S.PARTIALLY_FILLED, S.EXPIRED],
    "D5 canceled at zero": [S.NEW, S.PENDING_CANCEL, S.CANCELED],
    "D6 canceled after part fill, fills go on while the cancel is pending": [
        S.NEW,
        S.PARTIALLY_FILLED,
        S.PENDING_CANCEL,
        S.PARTIALLY_FILLED,
        S.PENDING_CANCEL,
        S.CANCELED,
    ],
    "D8 cancel rejected, the order filled before it": [S.NEW, S.PENDING_CANCEL, S.FILLED],
    "rejected at once": [S.REJECTED],
}


@pytest.mark.parametrize("sequence", FIX_SEQUENCES.values(), ids=FIX_SEQUENCES)
def test_sequences_of_fix_are_possible(sequence: list[OrderState]) -> None:
    for before, after in itertools.pairwise([S.CREATED, S.PENDING_NEW, *sequence]):
        check_transition("a-1", before, after)


@pytest.mark.parametrize("final", [S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED])
@pytest.mark.parametrize("after", S)
def test_nothing_follows_an_end(final: OrderState, after: OrderState) -> None:
    assert final.is_final
    with pytest.raises(TransitionError, match=f"order a-1 is {final.value} and cannot become {after.value}.*final"):
        check_transition("a-1", final, after)


def test_every_order_that_was_sent_can_be_unknown_and_every_unknown_one_can_end() -> None:
    for state in (S.PENDING_NEW, S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL):
        check_transition("a-1", state, S.UNKNOWN)
    for state in (S.NEW, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED):
        check_transition("a-1", S.UNKNOWN, state)


def test_an_unknown_order_is_never_sent_again() -> None:
    with pytest.raises(TransitionError):
        check_transition("a-1", S.UNKNOWN, S.PENDING_NEW)
    with pytest.raises(TransitionError, match="cannot become filled"):
        check_transition("a-1", S.CREATED, S.FILLED)


def test_an_accepted_order_is_not_rejected_afterwards() -> None:
    with pytest.raises(TransitionError):
        check_transition("a-1", S.NEW, S.REJECTED)


def test_open_states_are_those_that_may_still_be_filled() -> None:
    open_states = {S.PENDING_NEW, S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.UNKNOWN}
    assert {state for state in S if state.is_open} == open_states
