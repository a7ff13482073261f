from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from noderr.core.peers.certificates import CallerError, anchor, make_leaf, server_name, signer_of
from noderr.core.peers.credentials import NodeCredentials, peer_channel
from noderr.core.peers.testing import PeerNode, connected, identity
from noderr.types.signing.errors import PublicKeyError
from noderr.types.wire.node_pb2 import HelloRequest
from noderr.types.wire.node_pb2_grpc import PeerStub
from noderr.utils import ManualClock

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_leaf_shows_who_signed_it() -> None:
    assert signer_of(make_leaf(identity(1), NOW).certificate_pem) == identity(1).public_key


def test_leaf_is_signed_by_the_key_of_the_anchor_and_no_other() -> None:
    leaf = x509.load_pem_x509_certificate(make_leaf(identity(1), NOW).certificate_pem)
    mine, other = (x509.load_pem_x509_certificate(anchor(identity(seed).public_key)) for seed in (1, 2))
    leaf.verify_directly_issued_by(mine)
    with pytest.raises(ValueError, match="does not match certificate issuer"):
        leaf.verify_directly_issued_by(other)
    assert leaf.not_valid_after_utc - NOW == timedelta(days=7)


def test_anchor_of_no_key_is_refused() -> None:
    with pytest.raises(PublicKeyError):
        anchor(b"short")


def forged_leaf(signer: int, claimed: int) -> tuple[bytes, bytes]:
    """A leaf that node `signer` signs under its own anchor, with the name and key of `claimed` in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    true = x509.load_pem_x509_certificate(make_leaf(identity(signer), NOW).certificate_pem)
    false = x509.load_pem_x509_certificate(make_leaf(identity(claimed), NOW).certificate_pem)
    builder = (
        x509.CertificateBuilder()
        .subject_name(false.subject)
        .issuer_name(true.issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    )
    for extension in false.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    certificate = builder.sign(identity(signer).private_key, None).public_bytes(Encoding.PEM)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate


def test_forged_leaf_is_seen_through() -> None:
    with pytest.raises(CallerError):
        signer_of(forged_leaf(signer=2, claimed=3)[1])


@pytest.mark.parametrize("pem", [b"", b"nonsense", anchor(identity(1).public_key)])
def test_certificate_without_a_node_key_is_refused(pem: bytes) -> None:
    with pytest.raises(CallerError):
        signer_of(pem)


async def test_trusted_peer_cannot_pass_for_another_trusted_peer() -> None:
    target, forger, victim = PeerNode(1), PeerNode(2), PeerNode(3)
    async with connected(target, forger, victim):
        key_pem, certificate_pem = forged_leaf(signer=2, claimed=3)
        tls = grpc.ssl_channel_credentials(anchor(target.identity.public_key), key_pem, certificate_pem)
        options = [("grpc.ssl_target_name_override", server_name(target.identity.public_key))]
        # TLS lets it in, because a trusted key has signed it; the caller's check does not.
        async with grpc.aio.secure_channel(f"127.0.0.1:{target.port}", tls, options=options) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await PeerStub(channel).Hello(HelloRequest(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_leaf_is_renewed_before_it_ends() -> None:
    clock = ManualClock(int(NOW.timestamp()) * 1_000_000_000)
    credentials = NodeCredentials(identity(1), clock)
    first = credentials.leaf()
    assert credentials.leaf() is first
    clock.set_back(-5 * 24 * 3600)
    second = credentials.leaf()
    assert second is not first
    assert x509.load_pem_x509_certificate(second.certificate_pem).not_valid_after_utc == NOW + timedelta(days=12)


async def test_server_presents_the_renewed_leaf() -> None:
    node, caller = PeerNode(1), PeerNode(2)
    async with connected(node, caller):
        before = node.credentials.leaf()
        node.credentials._leaf = make_leaf(node.identity, datetime.now(UTC) - timedelta(days=6))
        async with peer_channel(caller.credentials, node.identity.public_key, f"127.0.0.1:{node.port}") as channel:
            await PeerStub(channel).Hello(HelloRequest(), timeout=5)
        assert node.credentials.leaf() is not before
        assert node.credentials.leaf().renew_at > datetime.now(UTC)
