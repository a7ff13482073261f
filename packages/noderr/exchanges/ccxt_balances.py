"""ccxt's balances as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from noderr.exchanges.venue import Balance

_CURRENCY = re.compile(r"[A-Z0-9]{2,12}")


def balances(answer: Mapping[str, Any]) -> Mapping[str, Balance]:
    """By currency, without what is zero. Codes such as ETH.S, for what is staked, are none of a market's."""
    found = {}
    for currency, total in answer["total"].items():
        if total and _CURRENCY.fullmatch(currency):
            free, used = answer["free"].get(currency), answer["used"].get(currency)
            found[currency] = Balance(
                currency=currency,
                free=total if free is None else free,
                reserved=Decimal(0) if used is None else used,
            )
    return found
