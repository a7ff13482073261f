"""Messages of a protocol with their EIP-712 signatures, bound to one chain and one contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Protocol

from msgspec import Struct

from noderr.types.consensus.batch_signature import recover_from_batch
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.eip712 import Domain, StructType, digest_of_hash
from noderr.types.signing.account_key import SIGNATURE_BYTES, AccountKey, checksum_address, recover_address
from noderr.types.signing.errors import SignatureError


class TypedMessage:
    """A frozen record with an EIP-712 type. Its hashes are computed once: every check of a signature needs them."""

    TYPE: ClassVar[StructType]
    IN_BATCHES: ClassVar[bool] = False
    """Whether one signature may stand for many of these; see `batch_signature`."""

    @abstractmethod
    def struct(self) -> Mapping[str, object]:
        """The members of `TYPE`."""

    @cached_property
    def struct_hash(self) -> bytes:
        """`hashStruct`, 32 bytes."""
        return self.TYPE.hash_struct(self.struct())

    def digest_in(self, domain: Domain) -> bytes:
        """What is signed in this domain: 32 bytes."""
        known: tuple[Domain, bytes] | None = self.__dict__.get("_digest")
        if known is None or known[0] is not domain:
            known = self.__dict__["_digest"] = domain, digest_of_hash(domain, self.struct_hash)
        return known[1]


class ProtocolMessage(Protocol):
    """What can be signed in a round: a `TypedMessage` that says which round."""

    TYPE: ClassVar[StructType]
    IN_BATCHES: ClassVar[bool]

    @property
    def tier(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def round(self) -> int: ...
    @property
    def topic(self) -> bytes: ...
    @property
    def struct_hash(self) -> bytes: ...
    def digest_in(self, domain: Domain) -> bytes: ...


class Signatures(Protocol):
    """How digests are signed and signers found: secp256k1 here, and in the simulator something as hard to forge."""

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """The signer's address. Raises `SignatureError`."""


class AccountSignatures:
    """The signatures that contracts check."""

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        return recover_address(digest, signature)


class Signed[M: ProtocolMessage](Struct, frozen=True):
    """A message, who says that it is theirs, and what proves it: 65 bytes, and of a batch the message's place in it."""

    message: M
    signer: bytes
    signature: bytes


def sign[M: ProtocolMessage](message: M, key: AccountKey, domain: Domain) -> Signed[M]:
    """Sign at once. A voter does not call this but its guard, which writes down first what it is about to sign."""
    return Signed(message, key.address, key.sign(message.digest_in(domain)))


def check_signature[M: ProtocolMessage](signed: Signed[M], domain: Domain, signatures: Signatures) -> bytes:
    """The digest, once it is proven that the signer signed it. Raises `RefusedMessage`."""
    digest = signed.message.digest_in(domain)
    try:
        if len(signed.signature) > SIGNATURE_BYTES and signed.message.IN_BATCHES:
            found = recover_from_batch(digest, signed.signature, domain)
        else:
            found = signatures.recover(digest, signed.signature)
    except SignatureError as error:
        raise RefusedMessage(Reason.BAD_SIGNATURE, str(error)) from error
    if found != signed.signer:
        # Also what a message for another chain or contract looks like: its digest is another there.
        claimed = checksum_address(signed.signer)
        raise RefusedMessage(Reason.BAD_SIGNATURE, f"{claimed} did not sign this {message_name(signed.message)}")
    return digest


def message_name(message: ProtocolMessage) -> str:
    """The kind, for people: "Vote"."""
    return message.TYPE.name
