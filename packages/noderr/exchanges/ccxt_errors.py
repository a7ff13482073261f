"""ccxt's exceptions in our words. What is not surely undone is unknown."""

from __future__ import annotations

import re

from noderr.exchanges.ccxt_import import ccxt_errors
from noderr.exchanges.errors import (
    AuthenticationError,
    ExchangeError,
    OutcomeUnknownError,
    RateLimitedError,
    VenueDownError,
    VenueError,
)
from noderr.exchanges.updates import RejectReason

_MOST_CHARACTERS = 300
_QUERY = re.compile(r"\?\S*")
_DUPLICATE = re.compile("duplicate", re.IGNORECASE)
_REFUSED = re.compile('"E(Order|Query|Trade):')
"""What Kraken's engine says of an order that it looked at ("API Errors"); `EService` is what stands before it."""

_KEY = re.compile('"EAPI:Invalid (key|signature)')
"""ccxt knows the first of them."""

_BY_WORDS = (
    (re.compile("LOT_SIZE|volume precision", re.IGNORECASE), RejectReason.OFF_LOT),
    (re.compile("PRICE_FILTER|invalid price|arguments:price", re.IGNORECASE), RejectReason.OFF_TICK),
    (re.compile("NOTIONAL|minimum", re.IGNORECASE), RejectReason.BELOW_MINIMUM),
    (re.compile("unknown asset", re.IGNORECASE), RejectReason.UNKNOWN_SYMBOL),
    (re.compile("post.only|immediately match", re.IGNORECASE), RejectReason.WOULD_TAKE),
)


def told(error: BaseException) -> str:
    """The venue's words, short, and without what stood behind a `?`: a signature may."""
    return f"{type(error).__name__}: {_QUERY.sub('', str(error))[:_MOST_CHARACTERS]}"


def rejection(error: Exception) -> RejectReason | None:
    """Why a venue surely did not take an order. None: it is something else, or not sure.

    A duplicate is none: the venue has an order of that id, and only it can say which.
    """
    e = ccxt_errors()
    if isinstance(error, e.DuplicateOrderId) or _DUPLICATE.search(str(error)):
        return None
    for kind, reason in (
        (e.InsufficientFunds, RejectReason.INSUFFICIENT_FUNDS),
        (e.BadSymbol, RejectReason.UNKNOWN_SYMBOL),
        (e.OrderImmediatelyFillable, RejectReason.WOULD_TAKE),
        (e.OrderNotFillable, RejectReason.CANNOT_FILL),
    ):
        if isinstance(error, kind):
            return reason
    refused = type(error) is e.ExchangeError and _REFUSED.search(str(error))
    if refused or isinstance(error, e.InvalidOrder | e.BadRequest | e.OperationRejected):
        return next((reason for words, reason in _BY_WORDS if words.search(str(error))), RejectReason.OTHER)
    return None


def translated(error: Exception, what: str, *, changes: bool) -> ExchangeError:
    """The error to raise. `changes`: the request could have done something, so no answer leaves that open."""
    if isinstance(error, ExchangeError):
        return error  # Our own, such as a full queue: nothing was sent.
    e = ccxt_errors()
    said = f"{what}: {told(error)}"
    if isinstance(error, e.AuthenticationError) or _KEY.search(str(error)):
        return AuthenticationError(said)
    if isinstance(error, e.RateLimitExceeded | e.DDoSProtection):
        return RateLimitedError(said)
    if isinstance(error, e.OnMaintenance):
        return VenueDownError(said)
    if isinstance(error, e.InvalidNonce):
        return VenueError(f"{said}. Nothing was done: set this machine's clock, and use the key nowhere else")
    return OutcomeUnknownError(said) if changes else VenueError(said)
