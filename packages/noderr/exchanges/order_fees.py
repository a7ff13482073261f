"""What the fills of one order cost: rounded up over the order as a whole, so that many fills cost no more than one."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

from noderr.types.trading.decimals import add, multiply

_CONTEXT = Context(prec=156, rounding=ROUND_CEILING)
_ZERO = Decimal(0)


class OrderFees:
    """In quote. What is charged is what is owed, rounded up to `digits` after the point; a rebate is rounded down.

    A fill's fee is so less than one unit of the last digit from rate x notional, either way.
    """

    def __init__(self, digits: int, charged: Decimal = _ZERO) -> None:
        """`charged` is what was before."""
        self._unit = Decimal(1).scaleb(-digits)
        self._owed = charged
        self.charged = charged

    def charge(self, notional: Decimal, rate: Decimal) -> Decimal:
        """The fee of a fill. It is never more than the notional; what is above that comes with the next fill."""
        self._owed = add(self._owed, multiply(notional, rate))
        fee = min(add(self._rounded(self._owed), -self.charged), notional)
        self.charged = add(self.charged, fee)
        return fee

    def at_most(self, notional: Decimal, rate: Decimal) -> Decimal:
        """What fills of so much notional together may be charged, at `rate` or less."""
        more = multiply(notional, max(rate, _ZERO))
        return add(self._rounded(add(self._owed, more)), -self.charged)

    def _rounded(self, owed: Decimal) -> Decimal:
        return _CONTEXT.quantize(owed, self._unit)
