"""Modes: what is needed for each, and that nothing else leads there."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.risk_engine.trading_state import TradingState
from noderr.safety_control.safety_log import Kind, Record
from noderr.safety_control.standing import Mode, Standing, Wish, allows, decide, restriction
from noderr.safety_control.testing import LIVE, NOW_S, OWN, PAPER, permit

HALT = Record(1, 0, Kind.HALT, "somebody", "smoke")
REDUCE = Record(2, 0, Kind.REDUCE, "somebody", "storm")
RESUME = Record(3, 0, Kind.RESUME, "somebody else", "it was a toaster")


def test_a_node_begins_in_paper() -> None:
    assert decide(PAPER, [], None, NOW_S) == Standing(Mode.PAPER, TradingState.ACTIVE)


def test_a_permit_alone_makes_nothing_live() -> None:
    assert decide(PAPER, [], permit(), NOW_S).mode is Mode.PAPER
    assert decide(copy.replace(PAPER, account=OWN), [], permit(), NOW_S).mode is Mode.PAPER


def test_both_settings_and_a_permit_make_it_live() -> None:
    assert decide(LIVE, [], permit(), NOW_S) == Standing(Mode.LIVE, TradingState.ACTIVE, (), NOW_S + 3_600)


@pytest.mark.parametrize(
    ("wish", "lease", "now_s", "words"),
    [
        (copy.replace(LIVE, account=None), permit(), NOW_S, "NODEOS_LIVE_ACCOUNT is not"),
        (copy.replace(LIVE, account=b"\1" * 20), permit(), NOW_S, "another account"),
        (LIVE, None, NOW_S, "have not permitted"),
        (LIVE, permit(), NOW_S + 3_600, "expired"),
    ],
)
def test_who_wants_live_and_lacks_a_part_is_halted(wish: Wish, lease: object, now_s: int, words: str) -> None:
    standing = decide(wish, [], lease, now_s)  # type: ignore[arg-type]
    assert (standing.mode, standing.state) == (Mode.HALTED, TradingState.HALTED)
    assert words in standing.reasons[0]


def test_the_last_word_counts_and_is_told() -> None:
    assert decide(LIVE, [HALT], permit(), NOW_S).reasons == ("halted by somebody: smoke",)
    assert decide(LIVE, [HALT, RESUME], permit(), NOW_S).mode is Mode.LIVE
    assert decide(PAPER, [REDUCE], None, NOW_S).state is TradingState.REDUCING
    assert decide(PAPER, [RESUME, HALT], None, NOW_S).mode is Mode.HALTED


records = st.lists(st.sampled_from(Kind).map(lambda kind: Record(1, 0, kind, "p", "r")))


@settings(deadline=None)
@given(
    st.booleans(),
    st.sampled_from([None, OWN, b"\1" * 20]),
    records,
    st.none() | st.integers(1, 3_600),
    st.integers(-10_000, 10_000),
)
def test_nothing_else_is_live(
    live: bool, account: bytes | None, some: list[Record], seconds: int | None, later: int
) -> None:
    lease = None if seconds is None else permit(seconds=seconds)
    standing = decide(Wish(live, account, OWN), some, lease, NOW_S + later)
    ordered = [record.kind for record in some if record.kind in (Kind.HALT, Kind.REDUCE, Kind.RESUME)]
    stopped = bool(ordered) and ordered[-1] is Kind.HALT
    held = seconds is not None and later < seconds
    assert (standing.mode is Mode.LIVE) == (live and account == OWN and held and not stopped)
    assert (standing.mode is Mode.PAPER) == (not live and not stopped)
    assert (standing.mode is Mode.HALTED) == (standing.state is TradingState.HALTED)


@settings(deadline=None)
@given(st.sampled_from(Mode), st.sampled_from(TradingState), st.booleans())
def test_a_cancel_always_passes(mode: Mode, state: TradingState, reduces: bool) -> None:
    standing = Standing(mode, state)
    assert allows(standing, cancels=True, reduces=reduces)
    expected = state is TradingState.ACTIVE or (reduces and state is TradingState.REDUCING)
    assert allows(standing, cancels=False, reduces=reduces) is expected


def test_other_records_change_no_restriction() -> None:
    others = [Record(4, 0, kind, "p", "r") for kind in (Kind.PERMIT, Kind.LEASE, Kind.MODE)]
    assert restriction([HALT, *others])[0] is TradingState.HALTED
