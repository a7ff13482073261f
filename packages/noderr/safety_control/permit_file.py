"""A permit with signatures as text: what guardians hand to each other, and what the log keeps."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from noderr.safety_control.errors import PermitError
from noderr.safety_control.live_permit import LivePermit
from noderr.types.consensus import Signed
from noderr.types.signing.account_key import checksum_address, parse_address
from noderr.types.signing.errors import SigningError
from noderr.types.trading import FieldError

_MOST = 256


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    guardian: str
    signature: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epoch: int
    issued_at_s: int
    expires_at_s: int
    signatures: list[_Signature]


def permits_to_text(permits: Sequence[Signed[LivePermit]]) -> str:
    """One line of JSON; all of `permits` are of one permit."""
    permit = permits[0].message
    signatures = [_Signature(checksum_address(each.signer), each.signature.hex()) for each in permits]
    file = _File(permit.epoch, permit.issued_at_s, permit.expires_at_s, signatures)
    return msgspec.json.encode(file).decode()


def permits_from_text(text: str) -> tuple[Signed[LivePermit], ...]:
    """Nothing is verified yet. Raises `PermitError` for what has not this form."""
    try:
        file = msgspec.json.decode(text, type=_File)
        if len(file.signatures) > _MOST:
            raise PermitError(f"it has {len(file.signatures)} signatures: at most {_MOST}")
        permit = LivePermit(epoch=file.epoch, issued_at_s=file.issued_at_s, expires_at_s=file.expires_at_s)
        return tuple(
            Signed(permit, parse_address(each.guardian), bytes.fromhex(each.signature)) for each in file.signatures
        )
    except PermitError:
        raise
    except (msgspec.MsgspecError, FieldError, SigningError, ValueError) as error:
        raise PermitError(f"it is no permit: {error}") from error
