"""What an executed trade came to, for who settles and reports it."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.execution.actions import Finished
from noderr.execution.mandate import Mandate
from noderr.execution.trade_book import TradeBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """It may be told again after a restart: take each trade's once."""

    mandate: Mandate
    finished: Finished

    @classmethod
    def of(cls, book: TradeBook) -> Outcome:
        """Of a trade that is finished."""
        assert book.finished is not None
        mandate = book.mandate
        return cls(mandate=mandate, finished=Finished(mandate.trade_id, book.fills, book.finished, book.stamps))
