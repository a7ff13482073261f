"""What came of a replay, as one JSON document: made of the journal and of the accounts, for people and for charts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from noderr.types.trading import decimal_text
from tests.loop.latency import latencies
from tests.loop.world import World


def report_of(world: World, wall_seconds: float) -> dict[str, Any]:
    """Everything but `wall` follows from the recording, the options and the seed."""
    journal, options = world.journal, world.options
    trader = world.traders[0]
    now_ns = world.timeline.now_ns()
    account, marks = trader.venue.account, trader.last_prices()
    # Every oracle tells of each decision: one of them is enough to count it.
    decisions = {(one.facts["symbol"], one.facts["round"]): one for one in journal.of("agreed")}
    attested = {one.facts["trade"]: one.facts["choice"] for one in journal.of("attested")}
    positions = [
        {
            "symbol": position.symbol,
            "quantity": decimal_text(position.quantity),
            "average_price": None if position.average_price is None else decimal_text(position.average_price),
            "mark": decimal_text(marks[position.symbol]),
            "realised_pnl": decimal_text(position.realised_pnl.amount),
            "unrealised_pnl": decimal_text(account.unrealised_pnl(position.symbol, marks[position.symbol]).amount),
            "fees": decimal_text(account.fees(position.symbol).amount),
        }
        for position in account.positions(now_ns)
    ]
    equity = account.equity(options.currency, marks).amount
    return {
        "recording": {
            "venue": world.market.venue,
            "symbols": list(world.symbols),
            "frames": len(world.market.frames),
            "begin_ns": world.market.begin_ns,
            "end_ns": world.market.end_ns,
            "gaps": sum(market.gaps for market in world.validators[0].books.markets.values()),
            "unanswered": sorted({words for one in world.validators for words in one.playing.problems}),
        },
        "options": _plain(asdict(options)),
        "journal": {"sha256": journal.sha256, "entries": len(journal.entries)},
        "signals": {
            "rounds": len(decisions),
            "by_direction": dict(
                sorted(Counter(str(one.facts["direction"] or "NO SIGNAL") for one in decisions.values()).items())
            ),
            "failed_rounds": len({one.facts["round"] for one in journal.of("oracle-round-failed")}),
            "abstentions": {
                reason.name: count
                for reason, count in sorted(
                    sum((one.abstained for one in world.oracles), Counter()).items(), key=lambda pair: pair[0].name
                )
            },
        },
        "votes": {
            "guardians": dict(sorted(Counter(str(one.facts["choice"]) for one in journal.of("guardian-vote")).items())),
            "validators": dict(
                sorted(Counter(str(one.facts["choice"]) for one in journal.of("validator-vote")).items())
            ),
        },
        "trades": {
            "proposed": _count(world, "proposed"),
            "approved": _count(world, "approved"),
            "not_proposed": dict(sorted(Counter(str(one.facts["reason"]) for one in journal.of("no-trade")).items())),
            "finished": dict(sorted(Counter(str(one.facts["reason"]) for one in journal.of("finished")).items())),
            "orders": _count(world, "order"),
            "fills": _count(world, "fill"),
            "settled": _count(world, "settled"),
            "attested": dict(sorted(Counter(map(str, attested.values())).items())),
        },
        "account": {
            "currency": options.currency,
            "opened_with": decimal_text(options.cash),
            "equity": decimal_text(equity),
            "pnl": decimal_text(equity - options.cash),
            "fees": decimal_text(
                sum((account.fees(position.symbol).amount for position in account.positions(now_ns)), Decimal(0))
            ),
            "positions": positions,
        },
        "latencies": [asdict(one) for one in latencies(journal)],
        "network": {"messages": world.links.messages, "bytes": world.links.sent_bytes},
        "wall": {"seconds": round(wall_seconds, 3)},
    }


def _count(world: World, kind: str) -> int:
    return sum(1 for _ in world.journal.of(kind))


def _plain(value: Any) -> Any:
    """JSON's own kinds; a Decimal as its text."""
    match value:
        case Decimal():
            return decimal_text(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value
