"""Errors of `noderr.types.signing`.

SigningError
├── PublicKeyError     bytes or text that are no public key of a node
├── AccountKeyError    bytes that are no secret of an Ethereum account
├── AddressError       text that is no address of one
└── SignatureError     a message that its key did not sign, or that is too broken to tell
    └── PayloadError   its key did sign it, and yet it is not such a message
"""

from __future__ import annotations

from noderr.types.errors import TypesError


class SigningError(TypesError):
    """Any error of keys and signatures."""


class PublicKeyError(SigningError, ValueError):
    """Not a node's public key; the message says what it is and what would be."""


class AccountKeyError(SigningError, ValueError):
    """Not a secp256k1 secret."""


class AddressError(SigningError, ValueError):
    """Not an address; the message says what it is and what would be."""


class SignatureError(SigningError):
    """Not signed by the key that it names, for this purpose and in this context."""


class PayloadError(SignatureError):
    """Signed by its key, but what is signed is no message of this kind."""
