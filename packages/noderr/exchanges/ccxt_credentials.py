"""What a venue knows us by."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from noderr.types.trading import FieldError


@dataclass(frozen=True, slots=True)
class VenueCredentials:
    """An API key and its secret, as the venue shows them once. Neither is in a repr, a log or an error.

    The key needs leave to trade and to read orders and balances; it should have none to withdraw.
    """

    api_key: SecretStr
    api_secret: SecretStr

    def __post_init__(self) -> None:
        for field in ("api_key", "api_secret"):
            value = getattr(self, field).get_secret_value()
            if not value or value != value.strip():
                raise FieldError("VenueCredentials", field, "(hidden)", "a text without space around it, not empty")
