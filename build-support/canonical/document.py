"""JSON documents with one spelling: keys sorted, no spaces, UTF-8. Digests are taken over these bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def json_bytes(value: Any) -> bytes:
    """The canonical bytes of a JSON value, for documents that are addressed by their digest."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def json_text(value: Any) -> str:
    """The same value for people: sorted, indented by two, one newline at the end."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def sha256_of(data: bytes) -> str:
    """The hexadecimal sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(source: Path) -> str:
    """The hexadecimal sha256 of a file, read in pieces."""
    with source.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
