"""GET with a limit on everything: seconds, bytes and tries. Proxies and certificates are the environment's."""

from __future__ import annotations

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from base_image.errors import HttpError, HttpRefused, HttpTruncated, HttpUnreachable

_PIECE_BYTES: Final = 256 * 1024
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Patience:
    """How long to wait: for one answer of the network, for one whole file, and how often to try."""

    silence_seconds: float = 20.0
    total_seconds: float = 300.0
    tries: int = 4
    pause_seconds: float = 0.5


class HttpClient:
    """Fetches whole bodies; may be used from several threads at once."""

    def __init__(
        self,
        patience: Patience = Patience(),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        context = ssl.create_default_context(cafile=_certificates())
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

    def get(self, url: str, *, limit_bytes: int) -> bytes:
        """The body at `url`. Raises `HttpRefused`, `HttpTruncated` (also above `limit_bytes`) or `HttpUnreachable`.

        What may pass by itself is tried again, with a pause that doubles.
        """
        pause = self._patience.pause_seconds
        for attempt in range(1, self._patience.tries + 1):
            try:
                return self._get_once(url, limit_bytes)
            except HttpError as error:
                hopeless = isinstance(error, HttpRefused) and error.status not in _TRANSIENT
                if hopeless or attempt == self._patience.tries:
                    raise
            self._sleep(pause)
            pause *= 2
        raise ValueError(f"tries = {self._patience.tries}: must be at least 1")

    def _get_once(self, url: str, limit_bytes: int) -> bytes:
        deadline = self._clock() + self._patience.total_seconds
        try:
            with self._opener.open(url, timeout=self._patience.silence_seconds) as answer:
                return self._read(url, answer, limit_bytes, deadline)
        except urllib.error.HTTPError as error:
            error.close()
            raise HttpRefused(url, error.code) from error
        except http.client.IncompleteRead as error:
            raise HttpTruncated(f"{url}: the connection ended in the middle of the file") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise HttpUnreachable(f"{url}: no answer ({reason or type(error).__name__})") from error

    def _read(self, url: str, answer: http.client.HTTPResponse, limit_bytes: int, deadline: float) -> bytes:
        body = bytearray()
        while piece := answer.read1(_PIECE_BYTES):
            body += piece
            if len(body) > limit_bytes:
                raise HttpTruncated(f"{url}: is larger than the {limit_bytes} bytes it should have")
            if self._clock() > deadline:
                raise HttpUnreachable(f"{url}: not complete after {self._patience.total_seconds:g} seconds")
        announced = answer.headers.get("Content-Length")
        if announced is not None and announced.isdigit() and int(announced) != len(body):
            raise HttpTruncated(f"{url}: {len(body)} of {announced} bytes came")
        return bytes(body)


def _certificates() -> str | None:
    """OpenSSL reads SSL_CERT_FILE by itself; other tools of a build read only REQUESTS_CA_BUNDLE, so it counts too."""
    return None if os.environ.get("SSL_CERT_FILE") else os.environ.get("REQUESTS_CA_BUNDLE") or None
