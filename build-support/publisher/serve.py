"""`python -m publisher.serve DIR`: a published directory over HTTP, the read-only registry included.

A static server and nothing more. Its one piece of knowledge is what a web server on such a directory must be told: a
file in `manifests/` has the content type that stands in it as `mediaType`.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ReleaseHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of files."""

    protocol_version = "HTTP/1.1"
    # Docker tries HTTPS first, and goes over to HTTP only when the answer to that has a status line.
    default_request_version = "HTTP/1.0"
    disable_nagle_algorithm = True

    def guess_type(self, path: object) -> str:
        """The content type of a file on disk."""
        file = Path(str(path))
        if file.parent.name == "manifests" and file.is_file():
            return str(json.loads(file.read_bytes())["mediaType"])
        if file.parent.name == "blobs":
            return "application/octet-stream"
        return {".gz": "application/gzip", ".json": "application/json"}.get(file.suffix, "text/plain; charset=utf-8")

    def list_directory(self, path: object) -> None:
        """Folders are no objects."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing for each request."""


def serve(root: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server for `root` that is bound and not yet running. Port 0 takes a free one."""
    return ThreadingHTTPServer((host, port), partial(ReleaseHandler, directory=str(root)))


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="publisher.serve", description=serve.__doc__)
    parser.add_argument("directory", type=Path, help="what was published to, for example dist/release")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port, 0 for a free one (default: %(default)s)")
    options = parser.parse_args()
    if not options.directory.is_dir():
        parser.error(f"{options.directory} is no directory: publish first, or name the directory that was published to")
    with serve(options.directory, options.host, options.port) as server:
        host, port = server.server_address[:2]
        print(
            f"serving {options.directory} at http://{host!s}:{port}; docker pull {host!s}:{port}/noderr-<tier>:latest",
            flush=True,
        )
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
