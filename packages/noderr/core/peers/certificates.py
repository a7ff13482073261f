"""Certificates by which nodes know each other: every node key is a certificate authority of its own.

A process makes a fresh P-256 key for TLS and has its node key (Ed25519) sign a certificate for it, the leaf. Whoever
knows a node's public key can make the matching trust anchor from that alone: an anchor's own signature is never looked
at, so a throwaway key signs it. TLS 1.3 then proves in the handshake that the other side holds a key which that node
key has signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from noderr.core.identity import NodeIdentity
from noderr.types.signing.errors import PublicKeyError
from noderr.types.signing.node_key import node_id, parse_public_key

LEAF_LIFETIME = timedelta(days=7)
RENEW_BEFORE = timedelta(days=2)
# Clocks differ; a node whose clock is behind must not refuse a leaf that was just made.
_BACKDATED = timedelta(days=1)
_ANCHOR_FROM, _ANCHOR_UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_KEY_URI = "noderr:node-key:"


@dataclass(frozen=True)
class Leaf:
    """A TLS key and the certificate for it, PEM; `renew_at` is when the next one is due."""

    key_pem: bytes
    certificate_pem: bytes
    renew_at: datetime


class CallerError(Exception):
    """The certificate of a caller does not show who it is."""


def server_name(public_key: bytes) -> str:
    """The DNS name in a node's leaf: made up, only to be compared (RFC 6761 keeps `.invalid` from being looked up)."""
    return f"{node_id(public_key)}.node.invalid"


def make_leaf(identity: NodeIdentity, now: datetime) -> Leaf:
    """A fresh TLS key, certified by the node key until `now` + `LEAF_LIFETIME`."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(identity.node_id))
        .issuer_name(_anchor_name(identity.public_key))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName(server_name(identity.public_key)),
                    x509.UniformResourceIdentifier(_KEY_URI + identity.public_key.hex()),
                ]
            ),
            critical=False,
        )
        .sign(identity.private_key, None)
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Leaf(key_pem, certificate.public_bytes(Encoding.PEM), now + LEAF_LIFETIME - RENEW_BEFORE)


def anchor(public_key: bytes) -> bytes:
    """The trust anchor of the node with this raw key, PEM. Raises `PublicKeyError` when it is no Ed25519 key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError as error:
        raise PublicKeyError(f"{public_key.hex()} is no Ed25519 public key") from error
    name = _anchor_name(public_key)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key)
        .serial_number(1)
        .not_valid_before(_ANCHOR_FROM)
        .not_valid_after(_ANCHOR_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(Ed25519PrivateKey.generate(), None)
    )
    return certificate.public_bytes(Encoding.PEM)


def signer_of(leaf_pem: bytes) -> bytes:
    """The raw public key of the node that signed this leaf. Raises `CallerError`.

    TLS only shows that *some* trusted node signed it. Any of them could write another's name into a leaf of its own, so
    the key that the leaf claims must be the one that signed it.
    """
    try:
        leaf = x509.load_pem_x509_certificate(leaf_pem)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        [uri] = [
            name for name in names.get_values_for_type(x509.UniformResourceIdentifier) if name.startswith(_KEY_URI)
        ]
        public_key = parse_public_key(uri.removeprefix(_KEY_URI))
        Ed25519PublicKey.from_public_bytes(public_key).verify(leaf.signature, leaf.tbs_certificate_bytes)
    except (ValueError, PublicKeyError, x509.ExtensionNotFound, InvalidSignature) as error:
        raise CallerError("the certificate was not signed by the node key that it names") from error
    return public_key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _anchor_name(public_key: bytes) -> x509.Name:
    return _name(f"node key {node_id(public_key)}")
