"""What `/api/v1/trading` answers."""

from __future__ import annotations

import msgspec

from noderr.exchanges.paper_service import PaperVenues
from noderr.execution.service import ExecutionService
from noderr.execution.trading_file import TradingTerms
from noderr.execution.trading_service import TradingService
from noderr.types.trading import decimal_text


class BalanceDescription(msgspec.Struct, frozen=True):
    """Decimal text; `reserved` is bound by open orders."""

    currency: str
    free: str
    reserved: str


class AccountDescription(msgspec.Struct, frozen=True):
    """`open` is false while its service is down, and then nothing is known of it."""

    venue: str
    open: bool
    balances: tuple[BalanceDescription, ...]


class TradingDescription(msgspec.Struct, frozen=True):
    """`ruleset` is the digest of the limits that proposals name. `outcomes` are in words, the newest first."""

    mode: str
    currency: str
    ruleset: str
    symbols: tuple[str, ...]
    halted: str | None
    open_trades: int
    accounts: tuple[AccountDescription, ...]
    outcomes: tuple[str, ...]


def describe_trading(
    terms: TradingTerms, paper: PaperVenues, engine: ExecutionService, desk: TradingService
) -> TradingDescription:
    """At this moment."""
    accounts = []
    for name, venue in paper.venues.items():
        account = venue.account
        balances = () if account is None else tuple(account.balances().values())
        accounts.append(
            AccountDescription(
                name,
                account is not None,
                tuple(
                    BalanceDescription(one.currency, decimal_text(one.free), decimal_text(one.reserved))
                    for one in balances
                ),
            )
        )
    return TradingDescription(
        mode="paper",
        currency=terms.currency,
        ruleset="0x" + terms.ruleset.hex(),
        symbols=tuple(sorted(terms.instruments)),
        halted=engine.halted,
        open_trades=engine.open_trades,
        accounts=tuple(accounts),
        outcomes=tuple(desk.outcomes),
    )
