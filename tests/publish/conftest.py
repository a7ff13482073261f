"""A real S3 server for all tests. A test that lacks it skips with the reason; `NODEOS_REQUIRE_S3=1` forbids that."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from publisher.example_archive import write_archive
from tests.publish.client import Client
from tests.publish.radosgw import Radosgw, User, missing_programs

_numbers = itertools.count()


@pytest.fixture(scope="session")
def radosgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radosgw]:
    """The server; it takes about a second to start."""
    if missing := missing_programs():
        reason = f"not on PATH: {', '.join(missing)}; .ci/s3 installs them"
        if os.environ.get("NODEOS_REQUIRE_S3") == "1":
            pytest.fail(f"NODEOS_REQUIRE_S3=1, and {reason}")
        pytest.skip(reason)
    with Radosgw(tmp_path_factory.mktemp("radosgw")) as server:
        yield server


@pytest.fixture(scope="session")
def owner(radosgw: Radosgw) -> User:
    """The user whose buckets the tests publish to."""
    return radosgw.add_user("owner")


@pytest.fixture(scope="session")
def stranger(radosgw: Radosgw) -> User:
    """Another user, with buckets of their own."""
    return radosgw.add_user("stranger")


@pytest.fixture
def new_client(radosgw: Radosgw) -> Iterator[Callable[[User], Client]]:
    """Makes a new bucket of a user, with a client that is closed after the test."""
    opened: list[Client] = []

    def make(user: User) -> Client:
        s3 = boto3.client(
            "s3",
            endpoint_url=radosgw.endpoint,
            region_name="us-east-1",
            aws_access_key_id=user.access_key_id,
            aws_secret_access_key=user.secret_access_key,
        )
        client = Client(s3, radosgw.endpoint, f"noderr-{next(_numbers)}", user)
        opened.append(client)
        s3.create_bucket(Bucket=client.bucket)
        return client

    yield make
    for client in opened:
        client.s3.close()


@pytest.fixture
def client(new_client: Callable[[User], Client], owner: User) -> Client:
    """A new bucket."""
    return new_client(owner)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 65 MiB, which the publisher sends in parts, and so is the layer in it."""
    return write_archive(tmp_path_factory.mktemp("large"), "0.2.0", payload=os.urandom(65 << 20))
