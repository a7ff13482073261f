"""What a node may do now: a pure function of its settings, the safety log and the time."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from noderr.risk_engine.trading_state import TradingState
from noderr.safety_control.live_permit import LivePermit
from noderr.safety_control.safety_log import Kind, Record

_STATES = {Kind.HALT: TradingState.HALTED, Kind.REDUCE: TradingState.REDUCING, Kind.RESUME: TradingState.ACTIVE}


class Mode(enum.StrEnum):
    """PAPER is where every node begins. LIVE is real money. HALTED approves nothing of either."""

    PAPER = "paper"
    LIVE = "live"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the settings say: `live` is NODEOS_TRADING_MODE, `account` NODEOS_LIVE_ACCOUNT, `own` the node's account."""

    live: bool
    account: bytes | None
    own: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is HALTED just when the mode is. `reasons` say why it is not more."""

    mode: Mode
    state: TradingState
    reasons: tuple[str, ...] = ()
    lease_expires_at_s: int | None = None


def restriction(records: Sequence[Record]) -> tuple[TradingState, str]:
    """What the last order to halt, reduce or resume says, and who gave it why."""
    for record in reversed(records):
        if record.kind in _STATES:
            return _STATES[record.kind], f"{record.person}: {record.reason}"
    return TradingState.ACTIVE, ""


def decide(wish: Wish, records: Sequence[Record], lease: LivePermit | None, now_s: int) -> Standing:
    """Who is set to live and lacks a part of it is halted: it must not trade paper in silence where money was meant."""
    state, words = restriction(records)
    expires = None if lease is None else lease.expires_at_s
    if state is TradingState.HALTED:
        return Standing(Mode.HALTED, state, (f"halted by {words}",), expires)
    reasons = () if state is TradingState.ACTIVE else (f"only what reduces, by {words}",)
    if not wish.live:
        return Standing(Mode.PAPER, state, reasons, expires)
    lacks = tuple(_lacks(wish, lease, now_s))
    if lacks:
        return Standing(Mode.HALTED, TradingState.HALTED, lacks, expires)
    return Standing(Mode.LIVE, state, reasons, expires)


def halted(reason: str) -> Standing:
    """For when it cannot be known."""
    return Standing(Mode.HALTED, TradingState.HALTED, (reason,))


def _lacks(wish: Wish, lease: LivePermit | None, now_s: int) -> list[str]:
    lacks = []
    if wish.account is None:
        lacks.append("live trading is set and NODEOS_LIVE_ACCOUNT is not: it must name this node's account")
    elif wish.account != wish.own:
        lacks.append("NODEOS_LIVE_ACCOUNT names another account than this node's: these settings are another node's")
    if lease is None:
        lacks.append("live trading is set and the guardians have not permitted it")
    elif not now_s < lease.expires_at_s:
        lacks.append(f"the guardians' permit expired at {lease.expires_at_s}")
    return lacks


def allows(standing: Standing, *, cancels: bool, reduces: bool) -> bool:
    """Whether something may be sent to a venue. A cancel always may: it makes nothing riskier."""
    if cancels:
        return True
    return standing.state is TradingState.ACTIVE or (standing.state is TradingState.REDUCING and reduces)
