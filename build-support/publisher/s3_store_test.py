from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from publisher.errors import ObjectDamaged, PreconditionFailed
from publisher.retry import Pace, Retry
from publisher.s3_requests import Requests
from publisher.s3_store import S3Store
from publisher.store import Content, Headers, no_progress

HEADERS = Headers("application/gzip", "public, max-age=31536000, immutable")
PART_BYTES = 5 << 20


@pytest.fixture
def parts_store(requests: Requests) -> S3Store:
    """A store that sends everything in parts, of the smallest size that real servers take."""
    return S3Store(requests, multipart_from_bytes=1, part_bytes=PART_BYTES)


def _sent(requests: Requests) -> list[AWSPreparedRequest]:
    """The requests that will be sent from now on."""
    sent: list[AWSPreparedRequest] = []

    def note(request: AWSPreparedRequest, **_: object) -> None:
        sent.append(request)

    requests.client.meta.events.register("before-send.s3", note)
    return sent


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _head(requests: Requests, key: str) -> Any:
    return requests.client.head_object(Bucket=requests.bucket, Key=key)


def test_object_carries_its_headers_and_its_sha256(requests: Requests, s3_store: S3Store) -> None:
    content = Content.of(b"bytes")
    s3_store.put_new("a", content, HEADERS, no_progress)
    head = _head(requests, "a")
    assert (head["ContentType"], head["CacheControl"]) == (HEADERS.content_type, HEADERS.cache_control)
    assert head["Metadata"] == {"sha256": content.sha256}
    seen, small = s3_store.digest("a", no_progress), s3_store.read("a")
    assert seen is not None
    assert small is not None
    assert (seen.sha256, small.data, small.etag) == (content.sha256, b"bytes", seen.etag)


def test_what_is_not_there_is_none(s3_store: S3Store) -> None:
    assert s3_store.read("a") is None
    assert s3_store.digest("a", no_progress) is None


def test_versioned_object_is_never_replaced(s3_store: S3Store) -> None:
    s3_store.put_new("a", Content.of(b"first"), HEADERS, no_progress)
    with pytest.raises(PreconditionFailed):
        s3_store.put_new("a", Content.of(b"second"), HEADERS, no_progress)
    found = s3_store.read("a")
    assert found is not None
    assert found.data == b"first"


def test_compare_and_swap(s3_store: S3Store) -> None:
    s3_store.put_if_match("a", Content.of(b"1"), HEADERS, None)
    first = s3_store.read("a")
    assert first is not None
    s3_store.put_if_match("a", Content.of(b"2"), HEADERS, first.etag)
    for etag in (first.etag, None):
        with pytest.raises(PreconditionFailed):
            s3_store.put_if_match("a", Content.of(b"3"), HEADERS, etag)
    with pytest.raises(PreconditionFailed):
        s3_store.put_if_match("gone", Content.of(b"3"), HEADERS, first.etag)


class _Refusal:
    """The body of a refused request, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield b"<Error><Code>PreconditionFailed</Code></Error>"


def _refuse_quoted_etags(requests: Requests) -> list[str]:
    """Behave as Ceph's gateway, and note every If-Match."""
    conditions: list[str] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        condition = _text(request.headers.get("If-Match", ""))
        conditions.append(condition)
        if not condition.startswith('"'):
            return None
        return AWSResponse(request.url, 412, HTTPHeaders(), _Refusal())

    requests.client.meta.events.register("before-send.s3.PutObject", answer)  # type: ignore[arg-type]  # may answer
    return conditions


def test_store_that_wants_etags_without_quotes(requests: Requests, s3_store: S3Store) -> None:
    s3_store.put_if_match("a", Content.of(b"1"), HEADERS, None)
    first = s3_store.read("a")
    assert first is not None
    conditions, bare = _refuse_quoted_etags(requests), first.etag.strip('"')
    s3_store.put_if_match("a", Content.of(b"2"), HEADERS, first.etag)
    assert conditions == [first.etag, bare]
    # From now on it is known, and still a condition.
    with pytest.raises(PreconditionFailed):
        s3_store.put_if_match("a", Content.of(b"3"), HEADERS, first.etag)
    assert conditions == [first.etag, bare, bare]
    found = s3_store.read("a")
    assert found is not None
    assert found.data == b"2"


def test_changed_object_is_not_asked_for_without_quotes(requests: Requests, s3_store: S3Store) -> None:
    """A store that ignores an etag without quotes would then overwrite what another publisher wrote."""
    s3_store.put_if_match("a", Content.of(b"1"), HEADERS, None)
    first = s3_store.read("a")
    assert first is not None
    s3_store.put_if_match("a", Content.of(b"2"), HEADERS, first.etag)
    sent = _sent(requests)
    with pytest.raises(PreconditionFailed):
        s3_store.put_if_match("a", Content.of(b"3"), HEADERS, first.etag)
    assert [_text(request.headers["If-Match"]) for request in sent if request.method == "PUT"] == [first.etag]


def test_checksum_is_a_plain_header_and_nothing_is_chunked(requests: Requests, s3_store: S3Store) -> None:
    # R2 refuses the checksum trailer that boto3 sends by default.
    sent = _sent(requests)
    s3_store.put_new("a", Content.of(b"bytes"), HEADERS, no_progress)
    (put,) = sent
    headers = {name.lower(): _text(value) for name, value in put.headers.items()}
    # printf bytes | sha256sum | xxd -r -p | base64
    assert headers["x-amz-checksum-sha256"] == "J3CJ2RwL308uaGK6fkoHYFEZQx9dE/cm3TUrBvGyBqk="
    assert "x-amz-trailer" not in headers
    assert "aws-chunked" not in headers.get("content-encoding", "")
    assert headers["content-length"] == "5"


def test_large_object_goes_in_equal_parts(requests: Requests, parts_store: S3Store) -> None:
    content = Content.of(os.urandom(2 * PART_BYTES + 7))
    sent, progress = _sent(requests), list[int]()
    parts_store.put_new("big", content, HEADERS, progress.append)
    sizes = [int(request.headers["Content-Length"]) for request in sent if "partNumber" in request.url]
    assert sizes == [PART_BYTES, PART_BYTES, 7]
    assert all("x-amz-checksum-sha256" in request.headers for request in sent if "partNumber" in request.url)
    assert progress[-1] == content.size
    seen = parts_store.digest("big", no_progress)
    assert seen is not None
    assert seen.sha256 == content.sha256
    assert _head(requests, "big")["Metadata"] == {"sha256": content.sha256}


def test_large_object_is_never_replaced_and_its_parts_are_removed(requests: Requests, parts_store: S3Store) -> None:
    parts_store.put_new("big", Content.of(b"first"), HEADERS, no_progress)
    with pytest.raises(PreconditionFailed):
        parts_store.put_new("big", Content.of(b"second"), HEADERS, no_progress)
    found = parts_store.read("big")
    assert found is not None
    assert found.data == b"first"
    assert requests.client.list_multipart_uploads(Bucket=requests.bucket).get("Uploads", []) == []


def test_large_object_that_came_second_is_not_even_completed(requests: Requests, parts_store: S3Store) -> None:
    """A store that ignores the condition on the last request would replace the first."""
    sent = _sent(requests)

    def compete(done: int) -> None:
        requests.client.put_object(Bucket=requests.bucket, Key="big", Body=b"theirs")

    with pytest.raises(PreconditionFailed):
        parts_store.put_new("big", Content.of(b"ours"), HEADERS, compete)
    assert not [request for request in sent if request.method == "POST" and "uploadId" in request.url]
    found = parts_store.read("big")
    assert found is not None
    assert found.data == b"theirs"


def test_unchanged_object_is_not_read_again(requests: Requests, s3_store: S3Store) -> None:
    s3_store.put_new("a", Content.of(b"bytes"), HEADERS, no_progress)
    read = list[int]()
    known = s3_store.digest("a", read.append)
    assert s3_store.digest("a", read.append, known) == known
    assert read == [5]
    s3_store.copy("a", "b", HEADERS, Content.of(b"bytes").sha256)
    s3_store.put_if_match("b", Content.of(b"other"), HEADERS, known.etag if known else None)
    changed = s3_store.digest("b", read.append, known)
    assert changed is not None
    assert changed.sha256 == Content.of(b"other").sha256


def test_copy_has_headers_of_its_own(requests: Requests, s3_store: S3Store) -> None:
    content = Content.of(b"bytes")
    s3_store.put_new("oracle/oracle-1.0.0.tar.gz", content, HEADERS, no_progress)
    s3_store.copy("oracle/oracle-1.0.0.tar.gz", "latest", Headers("application/gzip", "no-cache"), content.sha256)
    head = _head(requests, "latest")
    assert (head["CacheControl"], head["Metadata"]) == ("no-cache", {"sha256": content.sha256})


def test_object_that_contradicts_its_own_metadata_is_damaged(requests: Requests, s3_store: S3Store) -> None:
    requests.client.put_object(Bucket=requests.bucket, Key="a", Body=b"bytes", Metadata={"sha256": "0" * 64})
    with pytest.raises(ObjectDamaged, match="its own metadata says"):
        s3_store.digest("a", no_progress)


def test_one_key_is_written_once_a_second(requests: Requests) -> None:
    waits: list[float] = []
    paced = Requests(requests.client, requests.bucket, Retry(), Pace(1.0, lambda: 100.0, waits.append))
    store = S3Store(paced)
    store.put_if_match("a", Content.of(b"1"), HEADERS, None)
    store.put_new("b", Content.of(b"1"), HEADERS, no_progress)
    store.copy("b", "a", HEADERS, "")
    assert waits == [1.0]
