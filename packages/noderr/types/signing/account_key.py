"""An Ethereum account's key: secp256k1 signatures from which the signer's address is recovered, as contracts do it.

A node's identity is its Ed25519 key (`node_key`). What a contract must be able to check, votes and certificates, is
signed with this one, because the chain can check no other.
"""

from __future__ import annotations

from functools import lru_cache

from coincurve import PrivateKey, PublicKey

from noderr.types.keccak import keccak256
from noderr.types.signing.errors import AccountKeyError, AddressError, SignatureError

ADDRESS_BYTES = 20
SIGNATURE_BYTES = 65
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_DIGEST_BYTES = 32


class AccountKey:
    """A private key. Signatures are deterministic (RFC 6979) and have the low `s` that contracts insist on (EIP-2)."""

    def __init__(self, secret: bytes) -> None:
        """`secret` has 32 bytes. Raises `AccountKeyError`, whose message never holds it."""
        if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < _ORDER:
            raise AccountKeyError("the secret is no secp256k1 key: it has 32 bytes, not zero and below the group order")
        self._key = PrivateKey(secret)
        self.address = _address(self._key.public_key)

    @property
    def secret(self) -> bytes:
        """The 32 bytes, for the one file that keeps them."""
        return self._key.secret

    def __repr__(self) -> str:
        return f"AccountKey({checksum_address(self.address)})"

    def sign(self, digest: bytes) -> bytes:
        """The 65 bytes r ‖ s ‖ v over a 32-byte digest, v 27 or 28."""
        signature = self._key.sign_recoverable(_checked(digest), hasher=None)
        return signature[:64] + bytes([signature[64] + 27])


def recover_address(digest: bytes, signature: bytes) -> bytes:
    """The address whose key made `signature` over `digest`. Raises `SignatureError`, also for a high `s`."""
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        raise SignatureError(f"the signature has {len(signature)} bytes: it must be r ‖ s ‖ v, 65 bytes, v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _ORDER // 2:
        # (r, n - s) verifies too; only one of the two counts, or one vote would have two signatures.
        raise SignatureError("the signature's s is in the upper half of the group order: use the lower one (EIP-2)")
    try:
        found = PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), _checked(digest), hasher=None
        )
    except Exception as error:  # coincurve raises bare Exception and ValueError for what libsecp256k1 refuses.
        raise SignatureError("no key made this signature: r or s is impossible") from error
    return _address(found)


@lru_cache(maxsize=1024)  # The same voters are named in every round.
def checksum_address(address: bytes) -> str:
    """How an address is written for people (EIP-55): 0x and hexadecimal digits whose case is a checksum."""
    digits = address.hex()
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(d.upper() if int(n, 16) >= 8 else d for d, n in zip(digits, nibbles, strict=False))


def parse_address(text: str) -> bytes:
    """The 20 bytes of an address as people write it; mixed case must fit its checksum. Raises `AddressError`."""
    digits = text.removeprefix("0x")
    if (
        len(digits) != 2 * ADDRESS_BYTES
        or not text.startswith("0x")
        or not set(digits) <= set("0123456789abcdefABCDEF")
    ):
        raise AddressError(f"{text!r} is no address: it is 0x and 40 hexadecimal digits")
    address = bytes.fromhex(digits)
    if digits not in (digits.lower(), digits.upper()) and checksum_address(address) != text:
        raise AddressError(f"{text!r} has a typing error: its case does not fit (EIP-55); copy it again")
    return address


def _address(key: PublicKey) -> bytes:
    return keccak256(key.format(compressed=False)[1:])[-ADDRESS_BYTES:]


def _checked(digest: bytes) -> bytes:
    if len(digest) != _DIGEST_BYTES:
        raise SignatureError(f"the digest has {len(digest)} bytes: it must have {_DIGEST_BYTES}")
    return digest
