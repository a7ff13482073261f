"""An S3 bucket as destination: Cloudflare R2, or any other store that speaks S3 and knows conditional writes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from publisher.errors import PreconditionFailed
from publisher.retry import Pace, Retry
from publisher.s3_errors import code_of, is_transient, status_of, translate
from publisher.s3_multipart import upload_in_parts
from publisher.store import CHUNK_BYTES, Content, Headers, Progress, Seen, Small, Stat, no_progress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MULTIPART_FROM_BYTES = 64 << 20
PART_BYTES = 16 << 20
"""All parts but the last have this size: R2 wants equal parts, of 5 MiB to 5 GiB."""


def connect(endpoint: str, access_key_id: str, secret_access_key: str) -> S3Client:
    """A client that R2 understands. It does not repeat requests: `Retry` does, in one place."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name="auto",
        config=Config(
            # By default boto3 sends checksums in a trailer, which R2 does not know. We send them in plain headers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
        ),
    )


class S3Store:
    """Objects of one bucket, each with its sha256 in the metadata key `sha256`."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        retry: Retry | None = None,
        pace: Pace | None = None,
        multipart_from_bytes: int = MULTIPART_FROM_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._client, self._bucket = client, bucket
        self._retry, self._pace = retry or Retry(), pace or Pace()
        self._multipart_from_bytes, self._part_bytes = multipart_from_bytes, part_bytes

    @property
    def place(self) -> str:
        """Bucket and endpoint."""
        return f"bucket {self._bucket} at {self._client.meta.endpoint_url}"

    def stat(self, key: str) -> Stat | None:
        """Ask for an object's head."""
        found = self._maybe(key, lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        if found is None:
            return None
        return Stat(found["ContentLength"], found["ETag"], found["Metadata"].get("sha256"))

    def read(self, key: str) -> Small | None:
        """Get an object at once."""

        def get() -> Small:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return Small(answer["Body"].read(), answer["ETag"])

        return self._maybe(key, get)

    def digest(self, key: str, progress: Progress) -> Seen | None:
        """Get an object in pieces and hash them; a connection that breaks begins again."""

        def get() -> Seen:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            hasher, done = hashlib.sha256(), 0
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                hasher.update(chunk)
                done += len(chunk)
                progress(done)
            return Seen(hasher.hexdigest(), answer["ETag"])

        return self._maybe(key, get)

    def put_new(self, key: str, content: Content, headers: Headers, progress: Progress) -> None:
        """Write with `If-None-Match: *`, which the multi-part way states when it completes."""
        if content.size < self._multipart_from_bytes:
            self._write(key, lambda: self._put(key, content, headers, progress, if_none_match=True))
        else:
            upload_in_parts(
                self._client, self._write, self._bucket, key, content, headers, self._part_bytes, progress
            )

    def put_if_match(self, key: str, content: Content, headers: Headers, etag: str | None) -> None:
        """Write with `If-Match`, or `If-None-Match: *` for the first."""
        put = lambda: self._put(key, content, headers, no_progress, if_none_match=etag is None, if_match=etag)  # noqa: E731
        self._write(key, put)

    def copy(self, source: str, target: str, headers: Headers, sha256: str) -> None:
        """Copy inside the store. S3 has no condition on the target that R2 knows: whoever copies looks again afterwards."""
        self._write(
            target,
            lambda: self._client.copy_object(
                Bucket=self._bucket,
                Key=target,
                CopySource={"Bucket": self._bucket, "Key": source},
                MetadataDirective="REPLACE",
                Metadata={"sha256": sha256},
                ContentType=headers.content_type,
                CacheControl=headers.cache_control,
            ),
        )

    def _put(
        self,
        key: str,
        content: Content,
        headers: Headers,
        progress: Progress,
        *,
        if_none_match: bool,
        if_match: str | None = None,
    ) -> None:
        condition = {"IfNoneMatch": "*"} if if_none_match else {"IfMatch": if_match or ""}
        with content.open() as body:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=Watched(body, progress),
                ContentLength=content.size,
                ContentType=headers.content_type,
                CacheControl=headers.cache_control,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(content.sha256)).decode(),
                Metadata={"sha256": content.sha256},
                **condition,
            )

    def _maybe[T](self, key: str, action: Callable[[], T]) -> T | None:
        """Do a reading request; None when there is no such object."""
        try:
            return self._retry(action, is_transient)
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                return None
            raise self._translated(error, key) from error
        except BotoCoreError as error:
            raise self._translated(error, key) from error

    def _write[T](self, key: str, action: Callable[[], T]) -> T:
        """Do a writing request, not faster than the store allows."""

        def paced() -> T:
            self._pace.wait(key)
            return action()

        try:
            return self._retry(paced, is_transient)
        except ClientError as error:
            # If-Match on an object that is gone.
            if status_of(error) == 404 and code_of(error) == "NoSuchKey":
                raise PreconditionFailed(f"{key} is gone") from error
            raise self._translated(error, key) from error
        except BotoCoreError as error:
            raise self._translated(error, key) from error

    def _translated(self, error: Exception, key: str) -> Exception:
        return translate(error, bucket=self._bucket, endpoint=self._client.meta.endpoint_url, key=key)
