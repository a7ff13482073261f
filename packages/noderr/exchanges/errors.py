"""What can go wrong with venues.

ExchangeError
├── InvalidOrderError       the order is none that this venue takes: it was not sent
├── VenueError              a venue answered, or did not
│   ├── OutcomeUnknownError     nobody knows whether it has the order: ask it before anything else
│   ├── RateLimitedError        it was not done: too many requests
│   ├── AuthenticationError     it was not done: the venue does not accept the key
│   └── VenueDownError          it was not done: the venue is in maintenance
└── AccountError            a fill or a reservation that the account cannot have
"""

from __future__ import annotations


class ExchangeError(Exception):
    """Base of this package's errors."""


class InvalidOrderError(ExchangeError):
    """The message names field, value and what the venue takes. Nothing was sent."""


class VenueError(ExchangeError):
    """Something between us and a venue."""


class OutcomeUnknownError(VenueError):
    """The request may have been carried out: a timeout, a connection that broke, an answer nobody understands."""


class RateLimitedError(VenueError):
    """The venue refused for too many requests; nothing was done."""


class AuthenticationError(VenueError):
    """The venue does not accept the key, or the key may not trade; nothing was done."""


class VenueDownError(VenueError):
    """The venue said that it is not open; nothing was done."""


class AccountError(ExchangeError):
    """The account cannot have what it was told: a fill twice, more sold than there is, another currency."""
