"""A bench for every test, a directory and a real S3 server on loopback as destinations."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from publisher.directory_store import DirectoryStore
from publisher.retry import Pace, Retry
from publisher.s3_requests import Requests, connect
from publisher.s3_store import S3Store
from publisher.store import Store
from publisher.testing import Bench, quick_store

_numbers = itertools.count()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A folder to make releases in."""
    return Bench(tmp_path)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    # A line for each request costs more than some requests.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str) -> str:
    """A new bucket: the server keeps everything for as long as it runs."""
    name = f"noderr-{next(_numbers)}"
    client = boto3.client(
        "s3", endpoint_url=s3_endpoint, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def requests(s3_endpoint: str, bucket: str) -> Requests:
    """Requests that need not wait: this server takes any number of writes a second."""
    retry = Retry(attempts=3, sleep=lambda seconds: None)
    return Requests(connect(s3_endpoint, "key", "secret"), bucket, retry, Pace(sleep=lambda seconds: None))


@pytest.fixture
def s3_store(requests: Requests) -> S3Store:
    """The bucket as destination."""
    return S3Store(requests)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A destination that does not exist yet."""
    return tmp_path / "release"


@pytest.fixture
def local(directory: Path) -> DirectoryStore:
    """The directory as destination."""
    return quick_store(directory)


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, local: DirectoryStore) -> Store:
    """Both destinations, one after the other: they promise the same."""
    if request.param == "directory":
        return local
    found = request.getfixturevalue("s3_store")
    assert isinstance(found, S3Store)
    return found
