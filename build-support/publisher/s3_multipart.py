"""Objects too large for one request: equal parts with a checksum each, made one object by a conditional write."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from publisher.errors import PreconditionFailed, PublisherError
from publisher.s3_requests import Requests
from publisher.store import Content, Headers, Progress

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, UploadPartRequestTypeDef


@dataclass(frozen=True)
class MultipartUpload:
    """One new object, sent in parts of `part_bytes`; the last may be smaller."""

    requests: Requests
    key: str
    content: Content
    part_bytes: int

    def run(self, headers: Headers, progress: Progress) -> None:
        """Nothing stands at the key before the last request. Raises `PreconditionFailed` where an object is."""
        client, bucket = self.requests.client, self.requests.bucket
        begun = self.requests.send(
            self.key,
            lambda: client.create_multipart_upload(
                Bucket=bucket,
                Key=self.key,
                ContentType=headers.content_type,
                CacheControl=headers.cache_control,
                ChecksumAlgorithm="SHA256",
                Metadata={"sha256": self.content.sha256},
            ),
        )
        upload = begun["UploadId"]
        try:
            parts = self._send_parts(upload, progress)
            self._check_still_free()
            self.requests.write(
                self.key,
                lambda: client.complete_multipart_upload(
                    Bucket=bucket, Key=self.key, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                ),
            )
        except PublisherError as error:
            self._give_up(upload, error)
            raise

    def _send_parts(self, upload: str, progress: Progress) -> list[CompletedPartTypeDef]:
        parts: list[CompletedPartTypeDef] = []
        done = 0
        with self.content.open() as source:
            while part := source.read(self.part_bytes):
                parts.append(self._send_part(upload, len(parts) + 1, part))
                done += len(part)
                progress(done)
        return parts

    def _check_still_free(self) -> None:
        """Look once more: the parts may have taken minutes, and Ceph's gateway ignores the condition that follows."""
        client, bucket = self.requests.client, self.requests.bucket
        if self.requests.get(self.key, lambda: client.head_object(Bucket=bucket, Key=self.key)) is not None:
            raise PreconditionFailed(f"{self.key} was written by another publisher meanwhile")

    def _send_part(self, upload: str, number: int, part: bytes) -> CompletedPartTypeDef:
        checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
        request: UploadPartRequestTypeDef = {
            "Bucket": self.requests.bucket,
            "Key": self.key,
            "UploadId": upload,
            "PartNumber": number,
            "Body": part,
            "ChecksumSHA256": checksum,
        }
        answer = self.requests.send(self.key, lambda: self.requests.client.upload_part(**request))
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _give_up(self, upload: str, reason: PublisherError) -> None:
        """Throw the parts away. What fails here is told with the reason, not instead of it."""
        try:
            self.requests.client.abort_multipart_upload(Bucket=self.requests.bucket, Key=self.key, UploadId=upload)
        except (BotoCoreError, ClientError) as error:
            reason.add_note(f"The parts of {self.key} are left ({error}); R2 removes them after seven days.")
