"""What a trade wants done, gathered in order until it is asked for it; its book has each record at once."""

from __future__ import annotations

from noderr.execution.actions import Action, Fault, FaultKind, Write
from noderr.execution.records import Record, TradeHalted
from noderr.execution.trade_book import TradeBook


class TradeOutput:
    """A fault is told once for each order."""

    def __init__(self, book: TradeBook) -> None:
        self._book = book
        self._actions: list[Action] = []
        self._told: set[tuple[FaultKind, str]] = set()

    def want(self, *actions: Action) -> None:
        """Have this done after all that was wanted before."""
        self._actions.extend(actions)

    def write(self, record: Record) -> None:
        """Raises `JournalError` for what cannot follow on what the book knows."""
        self._book.add(record)
        self.want(Write(record))

    def halt(self, why: str, now_ns: int) -> None:
        """Once; a trade that is over stays as it ended."""
        if self._book.halted is None and self._book.finished is None:
            self.write(TradeHalted(self._book.mandate.trade_id, why, now_ns))

    def fault(self, kind: FaultKind, client_order_id: str, detail: str, now_ns: int) -> None:
        """Tell it, and halt the trade unless it is of a kind that only people must know of."""
        if (kind, client_order_id) in self._told:
            return
        self._told.add((kind, client_order_id))
        self.want(Fault(kind, self._book.mandate.trade_id, client_order_id, detail))
        if kind.halts:
            self.halt(f"{kind}: {detail}", now_ns)

    def take(self) -> list[Action]:
        """All that came since the last time."""
        actions, self._actions = self._actions, []
        return actions
