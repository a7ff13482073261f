from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from publisher.errors import MissingCredentials, SettingsError
from publisher.settings import DEFAULT_DIRECTORY, Bucket, destination

ALL = {
    "R2_ACCESS_KEY_ID": "key",
    "R2_SECRET_ACCESS_KEY": "very-secret",
    "R2_ACCOUNT_ID": "0123456789abcdef0123456789abcdef",
    "R2_BUCKET_NAME": "noderr-node-packages",
}


def test_without_credentials_it_is_a_directory() -> None:
    assert destination({}, to=None, endpoint=None) == DEFAULT_DIRECTORY
    assert destination(dict.fromkeys(ALL, ""), to=None, endpoint=None) == DEFAULT_DIRECTORY


def test_with_all_four_it_is_r2() -> None:
    found = destination(ALL, to=None, endpoint=None)
    assert isinstance(found, Bucket)
    assert found.endpoint == "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com"
    assert "very-secret" not in repr(found)


@pytest.mark.parametrize("given", [set(names) for count in (1, 2, 3) for names in combinations(ALL, count)], ids=str)
def test_each_missing_variable_is_named_in_one_error(given: set[str]) -> None:
    with pytest.raises(MissingCredentials) as raised:
        destination({name: ALL[name] for name in given}, to=None, endpoint=None)
    told = {name for name in ALL if f"- {name}:" in str(raised.value)}
    assert told == set(ALL) - given
    assert "very-secret" not in str(raised.value)


def test_endpoint_needs_no_account() -> None:
    environment = {name: value for name, value in ALL.items() if name != "R2_ACCOUNT_ID"}
    found = destination(environment, to=None, endpoint="https://s3.example.net")
    assert isinstance(found, Bucket)
    assert found.endpoint == "https://s3.example.net"
    assert destination({**environment, "NODEOS_S3_ENDPOINT": "https://s3.example.net"}, to=None, endpoint=None) == found


def test_endpoint_alone_asks_for_the_rest() -> None:
    with pytest.raises(MissingCredentials, match="R2_ACCESS_KEY_ID") as raised:
        destination({"NODEOS_S3_ENDPOINT": "https://s3.example.net"}, to=None, endpoint=None)
    assert "R2_ACCOUNT_ID" not in str(raised.value)


def test_directory_on_the_command_line_wins() -> None:
    assert destination(ALL, to=Path("here"), endpoint=None) == Path("here")


def test_two_destinations_are_refused() -> None:
    with pytest.raises(SettingsError, match="give one"):
        destination(ALL, to=Path("here"), endpoint="https://s3.example.net")


def test_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'s3.example.net' is no URL"):
        destination(ALL, to=None, endpoint="s3.example.net")
