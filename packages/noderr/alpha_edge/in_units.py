"""A move of the mid price in the units of a signal."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from noderr.alpha_edge.answers import EVEN_BPS, MAX_PREDICTION_E8, MAX_U64, Forecast, Reason
from noderr.alpha_edge.errors import NoForecastError
from noderr.alpha_edge.quote_history import Quote

_SECOND_NS = 1_000_000_000
_ONE_E8 = 100_000_000
_HALF_E8 = Decimal(50_000_000)


def in_units(quote: Quote, move: float, confidence_bps: int) -> Forecast:
    """`move` is in quote currency, from the quote's mid price on. Raises `NoForecastError`."""
    # The first order of log((mid + move) / mid): a mirrored market gets the mirrored number to the digit.
    log_return_e8 = move / (float(quote.twice_mid) / 2) * _ONE_E8
    mid_e8 = int((quote.twice_mid * _HALF_E8).to_integral_value(rounding=ROUND_HALF_EVEN))
    if not (1 <= mid_e8 <= MAX_U64 and abs(log_return_e8) <= MAX_PREDICTION_E8):
        raise NoForecastError(Reason.OUT_OF_RANGE, f"mid {mid_e8} and log return {log_return_e8}, both x 10^8")
    prediction_e8 = round(log_return_e8)  # To the nearest, and halves to even: the same for both signs.
    return Forecast(
        prediction_e8=prediction_e8,
        confidence_bps=confidence_bps if prediction_e8 else EVEN_BPS,
        mid_price_e8=mid_e8,
        observed_at_s=quote.at_ns // _SECOND_NS,
    )
