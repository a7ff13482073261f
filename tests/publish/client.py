"""A bucket as its owner sees it with plain boto3, and the publisher's command line on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.cli import main
from tests.publish.radosgw import User

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Client:
    """One bucket of one user."""

    s3: S3Client
    endpoint: str
    bucket: str
    user: User

    def environment(self, **changed: str) -> dict[str, str]:
        """What a person sets to publish here."""
        return {
            "R2_ACCESS_KEY_ID": self.user.access_key_id,
            "R2_SECRET_ACCESS_KEY": self.user.secret_access_key,
            "R2_BUCKET_NAME": self.bucket,
            "NODEOS_S3_ENDPOINT": self.endpoint,
            **changed,
        }

    def run(self, *arguments: str | Path, **changed: str) -> int:
        """The publisher's command line in this process; its exit code."""
        return main([str(argument) for argument in arguments], self.environment(**changed))

    def spawn(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """The publisher's command line in a process of its own."""
        command = [sys.executable, "-m", "publisher", *map(str, arguments)]
        environment = {**os.environ, **self.environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def listing(self) -> dict[str, tuple[str, datetime]]:
        """Every object with its etag and the time it was written."""
        objects = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {found["Key"]: (found["ETag"], found["LastModified"]) for found in objects}

    def get(self, key: str) -> bytes:
        """An object, whole."""
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def latest(self) -> dict[str, Any]:
        """What latest.json says of the oracle."""
        found: dict[str, Any] = json.loads(self.get("oracle/latest.json"))
        return found

    def parts_sent(self) -> int:
        """Parts of uploads that are not complete."""
        uploads = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        listed = [
            self.s3.list_parts(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]) for upload in uploads
        ]
        return sum(len(found.get("Parts", [])) for found in listed)
