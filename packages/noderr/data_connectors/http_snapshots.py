"""Books asked for over HTTP, bounded in size and time."""

from __future__ import annotations

import asyncio
import ssl

import httpx

from noderr.data_connectors.binance import SNAPSHOT_LEVELS, SNAPSHOT_URL, binance_symbol
from noderr.data_connectors.errors import SnapshotError

_MAX_BYTES = 8 << 20
_TIMEOUT_SECONDS = 10.0


class BinanceSnapshots:
    """Whole books from /api/v3/depth."""

    def __init__(self, url: str = SNAPSHOT_URL, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None), trust_env=False, follow_redirects=False, verify=ssl.create_default_context()
        )

    async def fetch(self, symbol: str) -> bytes:
        """The answer's body. Raises `SnapshotError`."""
        url = f"{self._url}/api/v3/depth?symbol={binance_symbol(symbol)}&limit={SNAPSHOT_LEVELS}"
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_seconds), self._http.stream("GET", url) as response:
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MAX_BYTES:
                        raise SnapshotError(f"{url} answers with more than {_MAX_BYTES} bytes")
        except TimeoutError as error:
            raise SnapshotError(f"{url} does not answer within {self._timeout_seconds:g} s") from error
        except httpx.HTTPError as error:
            raise SnapshotError(f"{url} does not answer: {type(error).__name__}: {error}") from error
        if response.status_code != httpx.codes.OK:
            wait = response.headers.get("retry-after", "")
            raise SnapshotError(
                f"{url} answers {response.status_code}: {bytes(body[:200])!r}",
                retry_seconds=float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else 0.0,
            )
        return bytes(body)

    async def close(self) -> None:
        await self._http.aclose()
