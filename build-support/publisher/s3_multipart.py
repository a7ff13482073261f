"""Objects too large for one request: equal parts, each with its own checksum, made one object by a conditional write."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from publisher.errors import PublisherError
from publisher.s3_requests import Requests
from publisher.store import Content, Headers, Progress

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


def upload_in_parts(
    requests: Requests, key: str, content: Content, headers: Headers, part_bytes: int, progress: Progress
) -> None:
    """Write a new object; nothing stands at `key` before the last request. Raises `PreconditionFailed` where one is."""
    client, bucket = requests.client, requests.bucket
    begun = requests.send(
        key,
        lambda: client.create_multipart_upload(
            Bucket=bucket,
            Key=key,
            ContentType=headers.content_type,
            CacheControl=headers.cache_control,
            ChecksumAlgorithm="SHA256",
            Metadata={"sha256": content.sha256},
        ),
    )
    upload = begun["UploadId"]
    try:
        parts = _send_parts(requests, key, upload, content, part_bytes, progress)
        requests.write(
            key,
            lambda: client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            ),
        )
    except PublisherError as error:
        _give_up(requests, key, upload, error)
        raise


def _send_parts(
    requests: Requests, key: str, upload: str, content: Content, part_bytes: int, progress: Progress
) -> list[CompletedPartTypeDef]:
    parts: list[CompletedPartTypeDef] = []
    done = 0
    with content.open() as source:
        while part := source.read(part_bytes):
            parts.append(_send_part(requests, key, upload, len(parts) + 1, part))
            done += len(part)
            progress(done)
    return parts


def _send_part(requests: Requests, key: str, upload: str, number: int, part: bytes) -> CompletedPartTypeDef:
    checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
    answer = requests.send(
        key,
        lambda: requests.client.upload_part(
            Bucket=requests.bucket, Key=key, UploadId=upload, PartNumber=number, Body=part, ChecksumSHA256=checksum
        ),
    )
    return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}


def _give_up(requests: Requests, key: str, upload: str, reason: PublisherError) -> None:
    """Throw the parts away. What fails here is told with the reason, not instead of it."""
    try:
        requests.client.abort_multipart_upload(Bucket=requests.bucket, Key=key, UploadId=upload)
    except Exception as error:
        reason.add_note(
            f"The parts of {key} could not be removed ({error}); R2 removes them by itself after seven days."
        )
