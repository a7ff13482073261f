from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from noderr.core.errors import KeyFileError
from noderr.core.identity import KEY_FILE, load_identity
from noderr.types.signing.node_key import node_id


def test_key_file_is_created_once_with_mode_0600(tmp_path: Path) -> None:
    first = load_identity(tmp_path)
    written = (tmp_path / KEY_FILE).read_bytes()
    second = load_identity(tmp_path)
    assert first.node_id == second.node_id
    assert (tmp_path / KEY_FILE).read_bytes() == written
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700, 0o400, 0o4600])
def test_wrong_mode_is_refused(tmp_path: Path, mode: int) -> None:
    load_identity(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(KeyFileError, match=rf"node\.key has mode {mode:04o}.*chmod 0600"):
        load_identity(tmp_path)


def test_wrong_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_identity(tmp_path)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyFileError, match=f"belongs to user {owner}, the node runs as {owner + 1}: chown {owner + 1}"):
        load_identity(tmp_path)


def test_link_to_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    load_identity(tmp_path / "elsewhere")
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "elsewhere" / KEY_FILE)
    with pytest.raises(KeyFileError, match="cannot be opened"):
        load_identity(tmp_path)


def test_broken_key_is_refused_and_never_replaced(tmp_path: Path) -> None:
    load_identity(tmp_path)
    (tmp_path / KEY_FILE).write_bytes(b"torn")
    with pytest.raises(KeyFileError, match="holds no readable key: restore it"):
        load_identity(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b"torn"


def test_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    load_identity(tmp_path)
    (tmp_path / KEY_FILE).write_bytes(pem)
    with pytest.raises(KeyFileError, match="Ed448PrivateKey"):
        load_identity(tmp_path)


def test_unwritable_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be made: No such file or directory"):
        load_identity(tmp_path / "absent")


def test_given_key_becomes_the_nodes_own(tmp_path: Path) -> None:
    given = Ed25519PrivateKey.from_private_bytes(bytes(32))
    identity = load_identity(tmp_path, given)
    assert identity.public_key == given.public_key().public_bytes_raw()
    assert load_identity(tmp_path).node_id == load_identity(tmp_path, given).node_id == identity.node_id


def test_given_key_of_another_node_is_refused(tmp_path: Path) -> None:
    mine = load_identity(tmp_path)
    with pytest.raises(KeyFileError, match=f"holds the key of node {mine.node_id}, NODEOS_NODE_KEY that of node"):
        load_identity(tmp_path, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def test_node_id_follows_from_the_public_key_alone(tmp_path: Path) -> None:
    # Fixed for ever: ids stand in contracts and credentials.
    public_key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert public_key.hex() == "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    assert node_id(public_key) == "9cfeb41109aa1a4f44c9947f88f86e370254e704"


def test_private_key_is_in_no_repr(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    assert "private" not in repr(identity)
