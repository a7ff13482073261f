"""`python -m publisher.serve DIR`: a published directory over HTTP, the read-only registry included.

A static server and nothing more. Its one piece of knowledge is what a web server on such a directory must be told: a file
in `manifests/` has the content type that stands in it as `mediaType`.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from publisher.directory_store import WORK


class ReleaseHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of files."""

    protocol_version = "HTTP/1.1"

    def guess_type(self, path: object) -> str:
        """The content type of a file on disk."""
        file = Path(str(path))
        if file.parent.name == "manifests":
            return str(json.loads(file.read_bytes())["mediaType"])
        if file.parent.name == "blobs":
            return "application/octet-stream"
        return {".gz": "application/gzip", ".json": "application/json"}.get(file.suffix, "text/plain; charset=utf-8")

    def send_head(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """Serve published objects only: no folder, no unfinished file."""
        ...

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def serve(root: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server for `root` that is bound and not yet running. Port 0 takes a free one."""
    return ThreadingHTTPServer((host, port), partial(ReleaseHandler, directory=str(root)))
