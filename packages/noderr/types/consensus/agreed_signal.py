"""What the oracles' vote is about: the signal that they agreed on, and the observations that it follows from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from noderr.types.eip712 import parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_bytes
from noderr.types.trading.signal import Signal

AGREED_SIGNAL_TYPE = parse_struct_type("AgreedSignal(bytes32 observations,bytes32 signal)")

_NO_SIGNAL = b"\0" * 32


@dataclass(frozen=True, kw_only=True)
class AgreedSignal:
    """`observations` is the digest of the report's observations. `signal` is None when too many abstained."""

    observations: bytes
    signal: Signal | None

    def __post_init__(self) -> None:
        check_bytes(self, "observations", self.observations, 32)

    @cached_property
    def digest(self) -> bytes:
        """The subject of the votes, 32 bytes."""
        signal = _NO_SIGNAL if self.signal is None else self.signal.digest
        return keccak256(AGREED_SIGNAL_TYPE.type_hash + self.observations + signal)


def market_topic(symbol: str, horizon_seconds: int) -> bytes:
    """The topic of the oracles' rounds about one market: 32 bytes."""
    return keccak256(f"noderr market v1\0{symbol}\0{horizon_seconds}".encode())
