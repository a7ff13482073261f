"""An S3 bucket as destination: Cloudflare R2, or any other store that speaks S3 and knows conditional writes."""

from __future__ import annotations

import base64
import hashlib
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from botocore.exceptions import ClientError

from publisher.errors import ObjectDamaged, PreconditionFailed
from publisher.s3_errors import status_of
from publisher.s3_multipart import MultipartUpload
from publisher.s3_requests import Requests
from publisher.store import CHUNK_BYTES, Content, Headers, Progress, Seen, Small, no_progress

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, PutObjectRequestTypeDef

MULTIPART_FROM_BYTES = 64 << 20
PART_BYTES = 16 << 20
"""All parts but the last have this size: R2 wants equal parts, of 5 MiB to 5 GiB."""


class S3Store:
    """Objects of one bucket, each with its sha256 in the metadata key `sha256`."""

    def __init__(
        self, requests: Requests, *, multipart_from_bytes: int = MULTIPART_FROM_BYTES, part_bytes: int = PART_BYTES
    ) -> None:
        self._requests, self._client, self._bucket = requests, requests.client, requests.bucket
        self._multipart_from_bytes, self._part_bytes = multipart_from_bytes, part_bytes
        self._wants_bare_etags = False

    @property
    def place(self) -> str:
        """Bucket and endpoint."""
        return f"bucket {self._bucket} at {self._client.meta.endpoint_url}"

    def read(self, key: str) -> Small | None:
        """Get an object at once."""

        def get() -> Small:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return Small(answer["Body"].read(), answer["ETag"])

        return self._requests.get(key, get)

    def digest(self, key: str, progress: Progress, known: Seen | None = None) -> Seen | None:
        """Get an object in pieces and hash them; a connection that breaks begins again.

        Raises `ObjectDamaged` when the bytes are not what their own metadata says.
        """

        def get() -> Seen:
            answer = self._get_changed(key, known)
            if answer is None:
                assert known is not None
                return known
            hasher, done = hashlib.sha256(), 0
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                hasher.update(chunk)
                done += len(chunk)
                progress(done)
            _check_declared(key, answer["Metadata"].get("sha256"), hasher.hexdigest())
            return Seen(hasher.hexdigest(), answer["ETag"])

        return self._requests.get(key, get)

    def put_new(self, key: str, content: Content, headers: Headers, progress: Progress) -> None:
        """Write with `If-None-Match: *`, which the multi-part way states when it completes."""
        if content.size >= self._multipart_from_bytes:
            MultipartUpload(self._requests, key, content, self._part_bytes).run(headers, progress)
        else:
            self._put(key, content, headers, progress, if_match=None)

    def put_if_match(self, key: str, content: Content, headers: Headers, etag: str | None) -> None:
        """Write with `If-Match`, or `If-None-Match: *` for the first."""
        if etag is None or self._wants_bare_etags:
            self._put(key, content, headers, no_progress, if_match=etag and etag.strip('"'))
            return
        try:
            self._put(key, content, headers, no_progress, if_match=etag)
        except PreconditionFailed:
            if self._etag_of(key) != etag:
                raise
            # Ceph's gateway keeps etags without their quotes and refuses them with. The bare one is asked for only
            # after such a refusal: a store that does not know this form could ignore the condition.
            self._put(key, content, headers, no_progress, if_match=etag.strip('"'))
            self._wants_bare_etags = True

    def copy(self, source: str, target: str, headers: Headers, sha256: str) -> None:
        """Copy inside the store. R2 has no settled condition on the target: whoever copies looks again afterwards."""
        self._requests.write(
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

    def _get_changed(self, key: str, known: Seen | None) -> GetObjectOutputTypeDef | None:
        """The object, or None when it is still the known one."""
        if known is None:
            return self._client.get_object(Bucket=self._bucket, Key=key)
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, IfNoneMatch=known.etag)
        except ClientError as error:
            if status_of(error) == 304:
                return None
            raise

    def _etag_of(self, key: str) -> str | None:
        return self._requests.get(key, lambda: self._client.head_object(Bucket=self._bucket, Key=key)["ETag"])

    def _put(self, key: str, content: Content, headers: Headers, progress: Progress, *, if_match: str | None) -> None:
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": key,
            "ContentLength": content.size,
            "ContentType": headers.content_type,
            "CacheControl": headers.cache_control,
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(content.sha256)).decode(),
            "Metadata": {"sha256": content.sha256},
        }
        if if_match is None:
            request["IfNoneMatch"] = "*"
        else:
            request["IfMatch"] = if_match

        def put() -> None:
            with content.open() as body:
                request["Body"] = cast("IO[bytes]", Watched(body, progress))
                self._client.put_object(**request)

        self._requests.write(key, put)


def _check_declared(key: str, declared: str | None, sha256: str) -> None:
    if declared is not None and declared != sha256:
        raise ObjectDamaged(
            f"{key}: its bytes have the sha256 {sha256}, its own metadata says {declared}. Delete the object and "
            "publish again."
        )


class Watched:
    """A request body that tells how far it was read; to sign a plain HTTP request boto reads it twice."""

    def __init__(self, body: BinaryIO, progress: Progress) -> None:
        self._body, self._progress = body, progress

    def read(self, size: int = -1) -> bytes:
        """Read on, and tell."""
        data = self._body.read(size)
        self._progress(self._body.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as boto does before it sends the body again."""
        return self._body.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._body.tell()
