from __future__ import annotations

import os
from pathlib import Path

import pytest

from noderr.core.account import ACCOUNT_FILE, load_account
from noderr.core.errors import KeyFileError
from noderr.types.signing.account_key import AccountKey, checksum_address

GIVEN = AccountKey(b"\1" * 32)


def test_key_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    first = load_account(tmp_path)
    written = (tmp_path / ACCOUNT_FILE).read_bytes()
    assert load_account(tmp_path).address == first.address
    assert (tmp_path / ACCOUNT_FILE).read_bytes() == written == first.secret.hex().encode() + b"\n"
    assert (tmp_path / ACCOUNT_FILE).stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [ACCOUNT_FILE]


def test_two_nodes_have_two_accounts(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert load_account(tmp_path / "one").address != load_account(tmp_path / "other").address


def test_given_key_becomes_the_nodes_own(tmp_path: Path) -> None:
    assert load_account(tmp_path, GIVEN).address == GIVEN.address
    assert load_account(tmp_path).address == load_account(tmp_path, GIVEN).address == GIVEN.address


def test_given_key_of_another_account_is_refused(tmp_path: Path) -> None:
    mine = checksum_address(load_account(tmp_path).address)
    with pytest.raises(KeyFileError, match=f"holds the key of {mine}, NODEOS_ACCOUNT_KEY that of 0x"):
        load_account(tmp_path, GIVEN)
    assert checksum_address(load_account(tmp_path).address) == mine


@pytest.mark.parametrize(
    "content",
    [b"", b"torn", b"ab" * 31 + b"\n", b"zz" * 32 + b"\n", b"\xff" * 32, b"00" * 32 + b"\n", b"ff" * 32 + b"\n"],
    ids=["empty", "torn", "short", "no digits", "no text", "zero", "above the order"],
)
def test_broken_key_is_refused_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    load_account(tmp_path)
    (tmp_path / ACCOUNT_FILE).write_bytes(content)
    with pytest.raises(KeyFileError, match=r"holds no account's key: restore it.*never made anew") as caught:
        load_account(tmp_path)
    assert (tmp_path / ACCOUNT_FILE).read_bytes() == content
    assert len(content) < 8 or content.decode(errors="replace").strip() not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700, 0o400])
def test_wrong_mode_is_refused(tmp_path: Path, mode: int) -> None:
    load_account(tmp_path)
    (tmp_path / ACCOUNT_FILE).chmod(mode)
    with pytest.raises(KeyFileError, match=rf"account\.key has mode {mode:04o}.*chmod 0600"):
        load_account(tmp_path)


def test_wrong_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_account(tmp_path)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyFileError, match=f"belongs to user {owner}, the node runs as {owner + 1}"):
        load_account(tmp_path)


def test_link_to_a_key_is_refused_also_when_it_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / ACCOUNT_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="cannot be opened"):
        load_account(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_unwritable_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be made: No such file or directory"):
        load_account(tmp_path / "absent")
