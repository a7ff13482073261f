"""A signal: what the oracles say of a market, in integers, so that every node computes and signs the same bytes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from noderr.types.eip712 import parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_bytes, check_integer, check_symbol

SIGNAL_TYPE = parse_struct_type(
    "Signal(string symbol,uint32 horizonSeconds,uint8 direction,int64 predictionE8,uint16 confidenceBps,"
    "uint64 midPriceE8,uint64 observedAt,bytes32 modelHash)"
)

ONE_E8 = 100_000_000
"""1.0 where a field ends in `_e8`."""

_MAX_BPS = 10_000
_MAX_I64 = (1 << 63) - 1
_MAX_U64 = (1 << 64) - 1
_MAX_U32 = (1 << 32) - 1
_WORD = 32


class Direction(enum.IntEnum):
    """What a signal asks for. HOLD is an answer; an oracle that has none abstains, which is no signal at all."""

    HOLD = 0
    BUY = 1
    SELL = 2


_FIRST_DIRECTION, _LAST_DIRECTION = int(min(Direction)), int(max(Direction))


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Which way, how far and how sure.

    `prediction_e8` is the log return expected over `horizon_seconds`, times 10^8. `mid_price_e8` is the mid price that
    it was made at, in quote per base times 10^8. `observed_at_s` is Unix seconds, as contracts count.
    """

    symbol: str
    horizon_seconds: int
    direction: Direction
    prediction_e8: int
    confidence_bps: int
    mid_price_e8: int
    observed_at_s: int
    model_hash: bytes

    def __post_init__(self) -> None:
        check_symbol(self, "symbol", self.symbol)
        check_integer(self, "horizon_seconds", self.horizon_seconds, 1, _MAX_U32)
        check_integer(self, "direction", self.direction, _FIRST_DIRECTION, _LAST_DIRECTION)
        check_integer(self, "prediction_e8", self.prediction_e8, -_MAX_I64 - 1, _MAX_I64)
        check_integer(self, "confidence_bps", self.confidence_bps, 0, _MAX_BPS)
        check_integer(self, "mid_price_e8", self.mid_price_e8, 1, _MAX_U64)
        check_integer(self, "observed_at_s", self.observed_at_s, 0, _MAX_U64)
        check_bytes(self, "model_hash", self.model_hash, 32)

    def struct(self) -> Mapping[str, object]:
        """The members of `SIGNAL_TYPE`."""
        return {
            "symbol": self.symbol,
            "horizonSeconds": self.horizon_seconds,
            "direction": int(self.direction),
            "predictionE8": self.prediction_e8,
            "confidenceBps": self.confidence_bps,
            "midPriceE8": self.mid_price_e8,
            "observedAt": self.observed_at_s,
            "modelHash": self.model_hash,
        }

    @cached_property
    def digest(self) -> bytes:
        """`hashStruct` from the members, which are checked already; that it is what `SIGNAL_TYPE` makes of them is
        tested. 32 bytes, which are in what a certificate's subject is the digest of.
        """
        return keccak256(
            SIGNAL_TYPE.type_hash
            + _symbol_hash(self.symbol)
            + self.horizon_seconds.to_bytes(_WORD)
            + self.direction.to_bytes(_WORD)
            + self.prediction_e8.to_bytes(_WORD, signed=True)
            + self.confidence_bps.to_bytes(_WORD)
            + self.mid_price_e8.to_bytes(_WORD)
            + self.observed_at_s.to_bytes(_WORD)
            + self.model_hash
        )


@lru_cache(maxsize=1024)
def _symbol_hash(symbol: str) -> bytes:
    """The same markets come back in every round."""
    return keccak256(symbol.encode())
