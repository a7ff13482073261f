"""A drand mirror over HTTP: `GET /<chain hash>/public/<round>`. It may lie: what it says is verified by who asked."""

from __future__ import annotations

import httpx
import msgspec

from noderr.oracle_consensus.errors import NoRandomnessError
from noderr.utils import HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp

# As drand's documentation lists them (docs.drand.love, "HTTP API").
PUBLIC_MIRRORS = (
    "https://api.drand.sh",
    "https://api2.drand.sh",
    "https://api3.drand.sh",
    "https://drand.cloudflare.com",
)
_TIMEOUT_SECONDS = 3.0
_MAX_ANSWER_BYTES = 4096


class _Answer(msgspec.Struct):
    round: int
    signature: str


class HttpMirror:
    """`url` is the mirror's; each question ends within `timeout_seconds`. Whoever gives `http` closes it."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, chain_hash: bytes, *, timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> None:
        self._http = BoundedHttp(http, timeout_seconds=timeout_seconds, max_bytes=_MAX_ANSWER_BYTES)
        self._base = f"{url.rstrip('/')}/{chain_hash.hex()}/public"

    async def signature(self, round: int) -> bytes:
        """See `BeaconMirror`."""
        url = f"{self._base}/{round}"
        try:
            found = await self._http.ask(url, status=httpx.codes.OK, name=url)
            answer = msgspec.json.decode(found.body, type=_Answer)
            signature = bytes.fromhex(answer.signature)
        except HttpAnswerError as error:
            raise NoRandomnessError(str(error)) from error
        except ValueError as error:  # msgspec's errors are of this kind too.
            raise NoRandomnessError(f"{url} answers with no beacon: {error}") from error
        if answer.round != round:
            raise NoRandomnessError(f"{url} answers with round {answer.round}")
        return signature
