"""Who the node is: an Ed25519 key on the data volume, made once, and the id that follows from it."""

from __future__ import annotations

import contextlib
import os
import stat
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
from noderr.types.signing.node_key import node_id
from noderr.utils import create_file

KEY_FILE = "node.key"
_MODE = 0o600


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
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with contextlib.suppress(FileExistsError):
            create_file(path, content, mode=_MODE)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}. The data directory must be writable") from error


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        # What is checked is what is read: one descriptor, and no link to somewhere else.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be opened: {error.strerror}. It must be a plain file of user {os.geteuid()}, mode 0600"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _check_guarded(path, os.fstat(file.fileno()))
        content = file.read()
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} holds no readable key: restore it from a backup. It is never made anew") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of type {type(key).__name__}: restore the Ed25519 key from a backup")
    return key


def _check_guarded(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is no plain file: put the key file itself there")
    if status.st_uid != os.geteuid():
        raise KeyFileError(
            f"{path} belongs to user {status.st_uid}, the node runs as {os.geteuid()}: chown {os.geteuid()} {path}"
        )
    if (mode := stat.S_IMODE(status.st_mode)) != _MODE:
        raise KeyFileError(f"{path} has mode {mode:04o}, so others may read or change it: chmod 0600 {path}")
