"""The node's Ethereum account: the key that signs votes, beside the node's key on the data volume, made once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from noderr.core.errors import KeyFileError
from noderr.core.key_file import make_key_file, read_key_file
from noderr.types.signing.account_key import AccountKey, checksum_address
from noderr.types.signing.errors import AccountKeyError

ACCOUNT_FILE = "account.key"
_SECRET_BYTES = 32


def load_account(data_dir: Path, given: AccountKey | None = None) -> AccountKey:
    """Read the account's key from `data_dir`; in a new node's first start make one, or keep the `given` one.

    The file is 64 hexadecimal digits, mode 0600. Raises `KeyFileError` as `load_identity` does.
    """
    path = data_dir / ACCOUNT_FILE
    if not os.path.lexists(path):
        key = given or _fresh()
        make_key_file(path, key.secret.hex().encode() + b"\n")
    account = _read(path)
    if given and given.address != account.address:
        raise KeyFileError(
            f"{path} holds the key of {checksum_address(account.address)}, NODEOS_ACCOUNT_KEY that of "
            f"{checksum_address(given.address)}: unset NODEOS_ACCOUNT_KEY, or use a data directory of its own"
        )
    return account


def _fresh() -> AccountKey:
    while True:
        try:
            return AccountKey(secrets.token_bytes(_SECRET_BYTES))
        except AccountKeyError:  # One in 2^128 draws is no key.
            continue


def _read(path: Path) -> AccountKey:
    try:
        return AccountKey(bytes.fromhex(read_key_file(path).decode().strip()))
    except ValueError as error:
        raise KeyFileError(f"{path} holds no account's key: restore it from a backup. It is never made anew") from error
