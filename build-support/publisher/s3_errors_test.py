from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pytest

from publisher.errors import (
    BucketRefused,
    NetworkLost,
    NoSuchBucket,
    PublisherError,
    StoreRefused,
    WrongCredentials,
)
from publisher.loopback import BreakingProxy, refusing_server
from publisher.retry import Pace, Retry
from publisher.s3_requests import Requests, connect
from publisher.s3_store import S3Store
from publisher.store import Content, Headers, no_progress
from publisher.testing import Bench, latest_of

HEADERS = Headers("text/plain", "no-cache")


def _store(endpoint: str, bucket: str = "noderr-node-packages", waits: list[float] | None = None) -> S3Store:
    retry = Retry(attempts=3, sleep=(waits if waits is not None else list[float]()).append)
    return S3Store(Requests(connect(endpoint, "key", "very-secret"), bucket, retry, Pace(sleep=lambda seconds: None)))


@pytest.mark.parametrize(
    ("status", "code", "message", "error", "said"),
    [
        (403, "InvalidAccessKeyId", "no", WrongCredentials, "R2_ACCESS_KEY_ID"),
        (401, "Unauthorized", "no", WrongCredentials, "R2_ACCESS_KEY_ID"),
        (
            400,
            "InvalidArgument",
            "Credential access key has length 3",
            WrongCredentials,
            "R2_ACCESS_KEY_ID",
        ),
        (403, "SignatureDoesNotMatch", "no", WrongCredentials, "R2_SECRET_ACCESS_KEY"),
        (403, "AccessDenied", "no", BucketRefused, "R2_BUCKET_NAME"),
        (404, "NoSuchBucket", "no", NoSuchBucket, "R2_BUCKET_NAME"),
        (501, "NotImplemented", "header", StoreRefused, "NotImplemented: header"),
        # Ceph's gateway sends codes without messages.
        (400, "InvalidArgument", "", StoreRefused, "'noderr-node-packages': InvalidArgument$"),
        (503, "SlowDown", "", NetworkLost, r"\(SlowDown\)"),
        (400, "EntityTooLarge", "too large", StoreRefused, "EntityTooLarge: too large"),
        (503, "SlowDown", "later", NetworkLost, "run it again"),
        (429, "ServiceUnavailable", "later", NetworkLost, "run it again"),
    ],
)
def test_refusal_names_what_to_check(
    bench: Bench, status: int, code: str, message: str, error: type[PublisherError], said: str
) -> None:
    with refusing_server(status, code, message) as endpoint:
        store = _store(endpoint)
        with pytest.raises(error, match=said) as raised:
            bench.publisher(store).publish(bench.release("1.0.0"))
        with pytest.raises(error, match=said):
            store.put_new("a", Content.of(b"bytes"), HEADERS, no_progress)
    assert "very-secret" not in str(raised.value)


def test_only_what_may_pass_is_repeated() -> None:
    for status, code, expected in (
        (503, "SlowDown", [1.0, 2.0]),
        (403, "AccessDenied", []),
        (501, "NotImplemented", []),
    ):
        waits: list[float] = []
        with refusing_server(status, code) as endpoint, pytest.raises(PublisherError):
            _store(endpoint, waits=waits).read("a")
        assert waits == expected


def test_bucket_that_does_not_exist(s3_endpoint: str) -> None:
    with pytest.raises(NoSuchBucket, match="no bucket 'missing-bucket'"):
        _store(s3_endpoint, "missing-bucket").read("a")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(NetworkLost, match="run the same command again"):
        _store(f"http://127.0.0.1:{port}").read("a")


def _proxy(endpoint: str) -> BreakingProxy:
    parts = urlsplit(endpoint)
    return BreakingProxy((parts.hostname or "", parts.port or 0))


@pytest.mark.parametrize("payload_bytes", [1 << 20, 6 << 20], ids=["one-request", "parts"])
def test_network_lost_in_mid_upload_and_a_second_run_finishes(
    bench: Bench, s3_store: S3Store, s3_endpoint: str, bucket: str, payload_bytes: int
) -> None:
    bench.publisher(s3_store).publish(bench.release("0.1.0"))
    release = bench.release("0.2.0", os.urandom(payload_bytes))
    with _proxy(s3_endpoint) as proxy:
        client = connect(proxy.url, "key", "secret")
        requests = Requests(client, bucket, Retry(2, sleep=lambda seconds: None), Pace(sleep=lambda seconds: None))
        store = S3Store(requests, multipart_from_bytes=5 << 20, part_bytes=5 << 20)
        proxy.bytes_left = payload_bytes - (1 << 19)
        with pytest.raises(NetworkLost, match=r"oracle/oracle-0.2.0.tar.gz"):
            bench.publisher(store).publish(release)
        before = latest_of(s3_store)
        assert before is not None
        assert (before.version, before.sequence) == ("0.1.0", 1)
        assert s3_store.read("oracle/oracle-0.2.0.tar.gz") is None
        proxy.bytes_left = None
        outcome = bench.publisher(store).publish(release)
        client.close()
    assert (outcome.latest.version, outcome.moved) == ("0.2.0", True)


def test_connection_that_breaks_once_is_mended_without_the_user(
    bench: Bench, s3_store: S3Store, s3_endpoint: str, bucket: str
) -> None:
    with _proxy(s3_endpoint) as proxy:

        def mend(seconds: float) -> None:
            proxy.bytes_left = None

        client = connect(proxy.url, "key", "secret")
        store = S3Store(Requests(client, bucket, Retry(2, sleep=mend), Pace(sleep=lambda seconds: None)))
        proxy.bytes_left = 50_000
        outcome = bench.publisher(store).publish(bench.release("0.1.0", os.urandom(1 << 20)))
        client.close()
    assert outcome.moved
