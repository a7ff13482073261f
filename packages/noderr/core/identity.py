"""Who the node is: an Ed25519 key on the data volume, made once, and the id that follows from it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from noderr.core.errors import KeyFileError
from noderr.core.key_file import make_key_file, read_key_file
from noderr.types.signing.node_key import node_id

KEY_FILE = "node.key"


@dataclass(frozen=True)
class NodeIdentity:
    """The key and what others know of it. `public_key` is the raw 32 bytes; the private key is in no repr."""

    private_key: Ed25519PrivateKey = field(repr=False)
    public_key: bytes
    node_id: str

    @classmethod
    def of(cls, private_key: Ed25519PrivateKey) -> NodeIdentity:
        public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(private_key, public_key, node_id(public_key))


def load_identity(data_dir: Path, given: Ed25519PrivateKey | None = None) -> NodeIdentity:
    """Read the node's key from `data_dir`; in a new node's first start make one, or keep the `given` one.

    The file is PKCS #8 PEM, mode 0600, created in one step and never changed. Raises `KeyFileError` when it cannot be
    read or written, is no Ed25519 key, belongs to another user, is open to others, or differs from the `given` key.
    """
    path = data_dir / KEY_FILE
    if not os.path.lexists(path):
        _create(path, given or Ed25519PrivateKey.generate())
    # Read back also what was just made: another process may have been first, and then its key counts.
    identity = NodeIdentity.of(_read(path))
    if given and NodeIdentity.of(given).public_key != identity.public_key:
        raise KeyFileError(
            f"{path} holds the key of node {identity.node_id}, NODEOS_NODE_KEY that of node "
            f"{NodeIdentity.of(given).node_id}: unset NODEOS_NODE_KEY, or give that node a data directory of its own"
        )
    return identity


def _create(path: Path, key: Ed25519PrivateKey) -> None:
    make_key_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _read(path: Path) -> Ed25519PrivateKey:
    content = read_key_file(path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} holds no readable key: restore it from a backup. It is never made anew") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of type {type(key).__name__}: restore the Ed25519 key from a backup")
    return key
