"""A drand mirror over HTTP: `GET /<chain hash>/public/<round>`. It may lie: what it says is verified by who asked."""

from __future__ import annotations

import asyncio

import httpx
import msgspec

from noderr.oracle_consensus.errors import NoRandomnessError

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
        self._http = http
        self._base = f"{url.rstrip('/')}/{chain_hash.hex()}/public"
        self._timeout_seconds = timeout_seconds

    async def signature(self, round: int) -> bytes:
        """See `BeaconMirror`."""
        url = f"{self._base}/{round}"
        body = await self._get(url)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
            signature = bytes.fromhex(answer.signature)
        except ValueError as error:  # msgspec's errors are of this kind too.
            raise NoRandomnessError(f"{url} answers with no beacon: {error}") from error
        if answer.round != round:
            raise NoRandomnessError(f"{url} answers with round {answer.round}")
        return signature

    async def _get(self, url: str) -> bytes:
        body = bytearray()
        try:
            async with (
                # The client's own limits are for each read: an answer that trickles would never end.
                asyncio.timeout(self._timeout_seconds),
                self._http.stream("GET", url, headers={"accept-encoding": "identity"}) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise NoRandomnessError(f"{url} answers {response.status_code}")
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > _MAX_ANSWER_BYTES:
                        raise NoRandomnessError(f"{url} answers with more than {_MAX_ANSWER_BYTES} bytes")
        except TimeoutError as error:
            raise NoRandomnessError(f"{url} does not answer within {self._timeout_seconds:g} s") from error
        except httpx.HTTPError as error:
            raise NoRandomnessError(f"{url} does not answer: {type(error).__name__}: {error}") from error
        return bytes(body)
