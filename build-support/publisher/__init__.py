"""Publishes node archives to a directory, to Cloudflare R2 or to another S3 store.

Versions never change, and one object says which of them is the latest. `python -m publisher --help` is the front door;
README.md says what readers may rely on.
"""

from publisher.archive import Archive, load_archive
from publisher.directory_store import DirectoryStore
from publisher.errors import PublisherError
from publisher.image import Image, read_image
from publisher.pointer import Pointer, Policy
from publisher.publish import Outcome, Publisher
from publisher.reader import verify_latest
from publisher.release import Build, Release, releases
from publisher.s3_requests import Requests, connect
from publisher.s3_store import S3Store
from publisher.store import Store

__all__ = [
    "Archive",
    "Build",
    "DirectoryStore",
    "Image",
    "Outcome",
    "Pointer",
    "Policy",
    "Publisher",
    "PublisherError",
    "Release",
    "Requests",
    "S3Store",
    "Store",
    "connect",
    "load_archive",
    "read_image",
    "releases",
    "verify_latest",
]
