"""The limits as the operator writes them down: the file that NODEOS_RISK_LIMITS_FILE names.

Numbers are JSON numbers or text. What is left out has its default; what is misspelt is refused.

    {"version": 1, "currency": "USD", "gross_fraction": "0.5",
     "instruments": [{"group": "btc", "max_quantity": "2",
                      "instrument": {"symbol": "BTC/USD", "tick_size": "0.01", "lot_size": "0.00001",
                                     "min_quantity": "0.0001", "min_notional": "10"}}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from noderr.risk_engine.errors import LimitsError
from noderr.risk_engine.limits import InstrumentLimits, RiskLimits
from noderr.types.trading import Instrument

_MAX_FILE_BYTES = 1 << 20


def read_limits(path: Path) -> RiskLimits:
    """Blocks on the disk. Raises `LimitsError`."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LimitsError(f"{path}: it cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise LimitsError(f"{path}: it has more than {_MAX_FILE_BYTES} bytes")
    try:
        plain: dict[str, Any] = msgspec.json.decode(content, type=dict)
        if unknown := sorted(_unknown(plain)):
            # A misspelt limit would else be its default, without a word.
            raise LimitsError(f"{path}: there is no {', '.join(unknown)}: correct or remove it")
        return msgspec.json.decode(content, type=RiskLimits)
    except msgspec.MsgspecError as error:
        raise LimitsError(f"{path}: {error}") from error


def _unknown(plain: dict[str, Any]) -> Iterator[str]:
    yield from set(plain) - {each.name for each in fields(RiskLimits)}
    listed = plain.get("instruments")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield from (f"instruments.{name}" for name in set(each) - {one.name for one in fields(InstrumentLimits)})
            inner = each.get("instrument")
            if isinstance(inner, dict):
                names = set(inner) - {one.name for one in fields(Instrument)}
                yield from (f"instruments.instrument.{name}" for name in names)
