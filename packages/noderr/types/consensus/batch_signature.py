"""One signature for many messages: over the root of a Merkle tree of their digests, with a message's proof behind it.

A voter speaks of dozens of markets at once, and finding the signer of each message by itself is most of what a round
costs. A signature is 65 bytes over the message's own digest, or 65 bytes over `Batch(root)` in the same domain and the
proof, 32 bytes a node. Either stands alone: it proves its one message without the others. Contracts check signatures of
the first kind only, so votes have no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from noderr.types.eip712 import Domain, digest_of_hash, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.merkle_tree import HASH_BYTES, merkle_tree, root_of
from noderr.types.signing.account_key import SIGNATURE_BYTES, recover_address
from noderr.types.signing.errors import SignatureError

BATCH_TYPE = parse_struct_type("Batch(bytes32 root)")

MAX_PROOF_NODES = 8
"""Batches have at most 256 messages."""

# Two rounds of a full committee; what is forgotten is only found anew.
_KNOWN_BATCHES = 1024


def batch_digest(root: bytes, domain: Domain) -> bytes:
    """What is signed for a tree: 32 bytes, which are no message's digest."""
    return digest_of_hash(domain, keccak256(BATCH_TYPE.type_hash + root))


def split_batch(digests: Sequence[bytes], domain: Domain) -> tuple[bytes, list[bytes]]:
    """The digest to sign for all of these, and what each message's signature has behind that one signature."""
    tree = merkle_tree(digests)
    return batch_digest(tree.root, domain), [b"".join(proof) for proof in tree.proofs]


def is_signature_length(length: int) -> bool:
    """Whether a signature, alone or with a proof, can have so many bytes."""
    nodes, rest = divmod(length - SIGNATURE_BYTES, HASH_BYTES)
    return rest == 0 and 0 <= nodes <= MAX_PROOF_NODES


def recover_from_batch(digest: bytes, signature: bytes, domain: Domain) -> bytes:
    """The address of who signed a batch with this digest. Raises `SignatureError`."""
    if not is_signature_length(len(signature)):
        raise SignatureError(f"the signature has {len(signature)} bytes: 65, and 32 for each of at most 8 nodes")
    proof = [signature[start : start + HASH_BYTES] for start in range(SIGNATURE_BYTES, len(signature), HASH_BYTES)]
    return _batch_signer(batch_digest(root_of(digest, proof), domain), signature[:SIGNATURE_BYTES])


@lru_cache(_KNOWN_BATCHES)
def _batch_signer(digest: bytes, signature: bytes) -> bytes:
    """Each message of a batch asks for the same."""
    return recover_address(digest, signature)
