"""What became of each trade, gathered from the journal: who decided what, when, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.loop.journal import Entry, ReplayJournal


@dataclass(frozen=True, slots=True)
class GuardianVote:
    """`reasons` are why not."""

    node: str
    choice: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was sent."""

    quantity: Decimal
    limit_price: Decimal


@dataclass(frozen=True, slots=True)
class Dealt:
    """A fill."""

    quantity: Decimal
    price: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class Attestation:
    """`choice` is None while there is none; `problems` are why not, or what a check did not like."""

    choice: str | None
    passed: int
    checks: int
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """How long after the step before it, in the market's time; None for a step that did not come."""

    after_ns: int | None

    @property
    def after_ms(self) -> float | None:
        return None if self.after_ns is None else self.after_ns / 1_000_000


@dataclass(frozen=True)
class TradeStory:
    """`steps` by name: proposed, approved, ordered, filled, settled, attested; the first is after the signal."""

    id: bytes
    at_ns: int
    symbol: str
    side: str
    quantity: Decimal
    round: int
    direction: str
    confidence_bps: int
    prediction_e8: int
    votes: Sequence[GuardianVote]
    approved: bool
    orders: Sequence[Ordered]
    fills: Sequence[Dealt]
    finished: str | None
    transaction: bytes | None
    attestation: Attestation
    steps: dict[str, Step]


def trade_stories(journal: ReplayJournal) -> list[TradeStory]:
    """In the order in which they were proposed."""
    agreed: dict[tuple[object, object], Entry] = {}
    for entry in journal.of("agreed"):
        agreed.setdefault((entry.facts["symbol"], entry.facts["round"]), entry)
    return [
        _story(proposed, agreed[proposed.facts["symbol"], proposed.facts["signal_round"]], journal)
        for proposed in journal.of("proposed")
    ]


def _story(proposed: Entry, signal: Entry, journal: ReplayJournal) -> TradeStory:
    trade = proposed.facts["trade"]

    def of(kind: str) -> list[Entry]:
        return [entry for entry in journal.of(kind) if entry.facts["trade"] == trade]

    orders = of("order")
    ids = {entry.facts["order"] for entry in orders}
    fills = [entry for entry in journal.of("fill") if entry.facts["order"] in ids]
    settled, finished, attested = of("settled"), of("finished"), of("attested")
    rows = [[signal], [proposed], of("approved"), orders, fills, settled, attested]
    transaction = settled[0].facts["transaction"] if settled else None
    assert isinstance(trade, bytes)
    assert transaction is None or isinstance(transaction, bytes)
    return TradeStory(
        id=trade,
        at_ns=proposed.at_ns,
        symbol=str(proposed.facts["symbol"]),
        side=str(proposed.facts["side"]),
        quantity=_decimal(proposed, "quantity"),
        round=_integer(signal, "round"),
        direction=str(signal.facts["direction"]),
        confidence_bps=_integer(signal, "confidence_bps"),
        prediction_e8=_integer(signal, "prediction_e8"),
        votes=[
            GuardianVote(entry.node, str(entry.facts["choice"]), _words(entry, "reasons"))
            for entry in sorted(of("guardian-vote"), key=lambda one: one.node)
        ],
        approved=bool(of("approved")),
        orders=[Ordered(_decimal(one, "quantity"), _decimal(one, "limit_price")) for one in orders],
        fills=[Dealt(_decimal(one, "quantity"), _decimal(one, "price"), _decimal(one, "fee")) for one in fills],
        finished=str(finished[0].facts["reason"]) if finished else None,
        transaction=transaction,
        attestation=_attestation(attested, of("validator-vote"), of("attestation-failed")),
        steps=_steps(rows),
    )


def _attestation(attested: list[Entry], votes: list[Entry], failed: list[Entry]) -> Attestation:
    statuses = [entry.facts["checks"] for entry in votes]
    checks = max((len(one) for one in statuses if isinstance(one, dict)), default=0)
    problems = {words for entry in votes for words in _words(entry, "details")}
    if not attested:
        problems |= {str(entry.facts["failure"]) for entry in failed}
        return Attestation(None, 0, checks, sorted(problems))
    first = attested[0]
    return Attestation(str(first.facts["choice"]), _integer(first, "passed").bit_count(), checks, sorted(problems))


def _steps(rows: Sequence[Sequence[Entry]]) -> dict[str, Step]:
    names = ("proposed", "approved", "ordered", "filled", "settled", "attested")
    firsts = [row[0].at_ns if row else None for row in rows]
    steps = {}
    before = firsts[0]
    for name, at_ns in zip(names, firsts[1:], strict=True):
        steps[name] = Step(None if at_ns is None or before is None else at_ns - before)
        before = at_ns
    return steps


def _decimal(entry: Entry, name: str) -> Decimal:
    value = entry.facts[name]
    assert isinstance(value, Decimal)
    return value


def _integer(entry: Entry, name: str) -> int:
    value = entry.facts[name]
    assert isinstance(value, int)
    return value


def _words(entry: Entry, name: str) -> list[str]:
    value = entry.facts[name]
    assert isinstance(value, Iterable)
    return [str(one) for one in value]
