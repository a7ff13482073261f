"""Books asked for over HTTP, bounded in size and time."""

from __future__ import annotations

import httpx

from noderr.data_connectors.binance import SNAPSHOT_LEVELS, SNAPSHOT_URL, binance_symbol
from noderr.data_connectors.errors import SnapshotError
from noderr.utils import HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp, open_http

_MAX_BYTES = 8 << 20
_TIMEOUT_SECONDS = 10.0


class BinanceSnapshots:
    """Whole books from /api/v3/depth."""

    def __init__(self, url: str = SNAPSHOT_URL, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._url = url
        self._http = BoundedHttp(open_http(), timeout_seconds=timeout_seconds, max_bytes=_MAX_BYTES)

    async def fetch(self, symbol: str) -> bytes:
        """The answer's body. Raises `SnapshotError`."""
        url = f"{self._url}/api/v3/depth?symbol={binance_symbol(symbol)}&limit={SNAPSHOT_LEVELS}"
        try:
            answer = await self._http.ask(url, name=url)
        except HttpAnswerError as error:
            raise SnapshotError(str(error)) from error
        if answer.status != httpx.codes.OK:
            said = f"{url} answers {answer.status}: {answer.body[:200]!r}"
            raise SnapshotError(said, retry_seconds=answer.retry_seconds)
        return answer.body

    async def close(self) -> None:
        await self._http.close()
