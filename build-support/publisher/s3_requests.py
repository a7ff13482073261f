"""One way to make a request of S3: repeated within bounds, not too fast for one key, refusals put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from publisher.errors import PreconditionFailed
from publisher.retry import Pace, Retry
from publisher.s3_errors import code_of, is_transient, translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def connect(endpoint: str, access_key_id: str, secret_access_key: str) -> S3Client:
    """A client that R2 understands. It does not repeat requests: `Requests` does."""
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


@dataclass(frozen=True)
class Requests:
    """A client, its bucket, and how to behave towards them."""

    client: S3Client
    bucket: str
    retry: Retry = field(default_factory=Retry)
    pace: Pace = field(default_factory=Pace)

    def get[T](self, key: str, action: Callable[[], T]) -> T | None:
        """Make a reading request; None when there is no such object."""
        try:
            return self.retry(action, is_transient)
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                return None
            raise self._translated(error, key) from error
        except BotoCoreError as error:
            raise self._translated(error, key) from error

    def send[T](self, key: str, action: Callable[[], T]) -> T:
        """Make a request that changes no object yet: what begins a multi-part upload, and its parts."""
        try:
            return self.retry(action, is_transient)
        except ClientError as error:
            # If-Match on an object that is gone.
            if code_of(error) == "NoSuchKey":
                raise PreconditionFailed(f"{key} is gone") from error
            raise self._translated(error, key) from error
        except BotoCoreError as error:
            raise self._translated(error, key) from error

    def write[T](self, key: str, action: Callable[[], T]) -> T:
        """Make a request that writes an object, at the pace of its key."""

        def paced() -> T:
            self.pace.wait(key)
            return action()

        return self.send(key, paced)

    def _translated(self, error: Exception, key: str) -> Exception:
        return translate(error, bucket=self.bucket, endpoint=self.client.meta.endpoint_url, key=key)
