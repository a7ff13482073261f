"""What Ceph's gateway enforces and what it does not: the publisher's README says so, and this is the proof.

A test of the second kind that fails is good news: the gateway has learned, and the README is to be changed.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from publisher.errors import PreconditionFailed
from publisher.retry import Pace
from publisher.s3_requests import Requests, connect
from publisher.s3_store import MULTIPART_FROM_BYTES, S3Store
from publisher.store import Content, Headers, no_progress
from tests.publish.client import Client

HEADERS = Headers("text/plain", "no-cache")
WRITERS = 8


@pytest.fixture
def new_store(client: Client) -> Iterator[Callable[..., S3Store]]:
    """Makes stores of the bucket, one for each writer, that need not pace themselves."""
    opened = []

    def make(multipart_from_bytes: int = MULTIPART_FROM_BYTES) -> S3Store:
        s3 = connect(client.endpoint, client.user.access_key_id, client.user.secret_access_key)
        opened.append(s3)
        requests = Requests(s3, client.bucket, pace=Pace(sleep=lambda seconds: None))
        return S3Store(requests, multipart_from_bytes=multipart_from_bytes)

    yield make
    for s3 in opened:
        s3.close()


def _winners(stores: list[S3Store], write: Callable[[S3Store, Content], None]) -> list[bytes]:
    """What those wrote who were not refused, all writing at once; nothing is ever written twice, so no etag returns."""

    def attempt(number: int, store: S3Store) -> bytes | None:
        content = Content.of(f"writer {number} {uuid.uuid4()}".encode())
        try:
            write(store, content)
        except PreconditionFailed:
            return None
        return content.read()

    with ThreadPoolExecutor(len(stores)) as pool:
        return [found for found in pool.map(attempt, range(len(stores)), stores) if found is not None]


def _put(client: Client, body: bytes, *, if_match: str) -> int:
    """The status of a conditional write of plain boto3."""
    try:
        client.s3.put_object(Bucket=client.bucket, Key="key", Body=body, IfMatch=if_match)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return 200


def test_enforced_one_of_many_first_writers_wins(client: Client, new_store: Callable[[], S3Store]) -> None:
    stores = [new_store() for _ in range(WRITERS)]
    for key in ("a", "b", "c"):

        def put(store: S3Store, content: Content, key: str = key) -> None:
            store.put_new(key, content, HEADERS, no_progress)

        winners = _winners(stores, put)
        assert winners == [client.get(key)]


def test_enforced_one_of_many_replacers_wins(client: Client, new_store: Callable[[], S3Store]) -> None:
    stores = [new_store() for _ in range(WRITERS)]
    stores[0].put_if_match("key", Content.of(b"first"), HEADERS, None)
    for _ in range(4):
        seen = stores[0].read("key")
        assert seen is not None

        def replace(store: S3Store, content: Content, etag: str = seen.etag) -> None:
            store.put_if_match("key", content, HEADERS, etag)

        winners = _winners(stores, replace)
        assert winners == [client.get("key")]


def test_enforced_what_is_gone_is_not_replaced(new_store: Callable[[], S3Store]) -> None:
    store = new_store()
    store.put_if_match("key", Content.of(b"first"), HEADERS, None)
    seen = store.read("key")
    assert seen is not None
    with pytest.raises(PreconditionFailed):
        store.put_if_match("other", Content.of(b"second"), HEADERS, seen.etag)


def test_if_match_holds_only_without_the_quotes(client: Client) -> None:
    client.s3.put_object(Bucket=client.bucket, Key="key", Body=b"first")
    etag, _ = client.listing()["key"]
    assert etag.startswith('"')
    assert _put(client, b"second", if_match=etag) == 412
    assert _put(client, b"second", if_match=etag.strip('"')) == 200
    assert _put(client, b"third", if_match=etag.strip('"')) == 412
    assert client.get("key") == b"second"


def _upload(client: Client, body: bytes) -> str:
    """Begin and complete a multi-part upload of one part where nothing may be; the etag that the store answers with."""
    upload = client.s3.create_multipart_upload(Bucket=client.bucket, Key="key")["UploadId"]
    part = client.s3.upload_part(Bucket=client.bucket, Key="key", UploadId=upload, PartNumber=1, Body=body)
    done = client.s3.complete_multipart_upload(
        Bucket=client.bucket,
        Key="key",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        IfNoneMatch="*",
    )
    return done["ETag"]


def test_not_enforced_condition_on_completing_an_upload(client: Client) -> None:
    assert [_upload(client, body) for body in (b"first", b"second")] == ["", ""]
    assert client.get("key") == b"second"


def test_object_that_appeared_while_the_parts_were_sent_is_kept(
    client: Client, new_store: Callable[..., S3Store]
) -> None:
    """What the publisher does about it: it looks just before it completes. A window of one request stays."""
    theirs = Content.of(b"theirs")

    def compete(done: int) -> None:
        new_store().put_new("key", theirs, HEADERS, no_progress)

    with pytest.raises(PreconditionFailed):
        new_store(multipart_from_bytes=1).put_new("key", Content.of(b"ours"), HEADERS, compete)
    assert client.get("key") == theirs.read()
    assert client.parts_sent() == 0


def test_not_enforced_sha256_of_the_bytes(client: Client) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    client.s3.put_object(Bucket=client.bucket, Key="key", Body=b"bytes", ChecksumSHA256=wrong)
    assert client.get("key") == b"bytes"
