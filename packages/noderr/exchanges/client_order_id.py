"""Our own ids of orders: the same wherever and however often they are worked out, so a restart cannot send twice."""

from __future__ import annotations

import hashlib
import uuid

from noderr.types.trading import FieldError

_PERSON = b"noderr.order.id"
_MOST = (1 << 32) - 1


def client_order_id(trade_id: bytes, child: int, attempt: int) -> str:
    """The id of one try to place one child order of a trade, 36 characters.

    It is a UUID of version 8 (RFC 9562): every venue takes that form, Binance no longer one, Kraken no other. Its bits
    are those of a BLAKE2b digest; `trade_id` has 32 bytes, the numbers 32 bits. Raises `FieldError`.
    """
    if len(trade_id) != 32:
        raise FieldError("client_order_id", "trade_id", trade_id, "32 bytes")
    for field, number in (("child", child), ("attempt", attempt)):
        if not 0 <= number <= _MOST:
            raise FieldError("client_order_id", field, number, f"an int from 0 to {_MOST}")
    said = trade_id + child.to_bytes(4, "big") + attempt.to_bytes(4, "big")
    digest = bytearray(hashlib.blake2b(said, digest_size=16, person=_PERSON).digest())
    digest[6] = digest[6] & 0x0F | 0x80  # Version 8: bits of one's own making.
    digest[8] = digest[8] & 0x3F | 0x80  # The variant of RFC 9562.
    return str(uuid.UUID(bytes=bytes(digest)))
