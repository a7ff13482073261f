"""One HTTP answer, bounded in time and size. Whoever answers may lie: what is said is for who asked to judge."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import httpx

from noderr.utils.errors import HttpAnswerError

_MAX_QUOTED = 200
_MAX_RETRY_SECONDS = 100_000.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`body` as it came."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def retry_seconds(self) -> float:
        """How long to wait, if the answer says so in seconds (Retry-After, RFC 9110 section 10.2.3); else 0.

        A day or so at most: whoever answers must not silence a node for good.
        """
        wait = self.headers.get("retry-after", "")
        return min(float(wait), _MAX_RETRY_SECONDS) if wait.isdecimal() else 0.0


def open_http() -> httpx.AsyncClient:
    """With the system's certificates, and no proxy that an environment variable names. Whoever opens it closes it."""
    return httpx.AsyncClient(trust_env=False, verify=ssl.create_default_context())


class BoundedHttp:
    """Asks over `http`, which keeps no cookies then. Each answer is whole within `timeout_seconds` and `max_bytes`."""

    def __init__(self, http: httpx.AsyncClient, *, timeout_seconds: float, max_bytes: int) -> None:
        self._http = http
        # No answer has a say in the next request: with a cookie of more than ASCII httpx would fail before it asks.
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes

    async def close(self) -> None:
        """Closes `http` too."""
        await self._http.aclose()

    async def ask(
        self,
        url: httpx.URL | str,
        content: bytes | None = None,
        content_type: str = "application/octet-stream",
        *,
        status: int | None = None,
        name: str = "",
    ) -> HttpAnswer:
        """GET, or POST of `content`; no redirection is followed. With `status`, an answer of another is refused unread.

        `name` is what errors call the URL: without one its origin, since paths may hold keys. Raises `HttpAnswerError`.
        """
        name = name or origin(httpx.URL(url))
        method = "GET" if content is None else "POST"
        # The bytes are counted as they come: nobody on the way may compress them.
        headers = {"accept-encoding": "identity"} | ({} if content is None else {"content-type": content_type})
        body = bytearray()
        try:
            async with (
                # The library's own limits are for each read: an answer that trickles would never end.
                asyncio.timeout(self._timeout_seconds),
                self._http.stream(
                    method, url, content=content, headers=headers, follow_redirects=False, timeout=None
                ) as response,
            ):
                if status not in (None, response.status_code):
                    remedy = f"only {status} counts, so check the address, or ask again later"
                    raise HttpAnswerError(name, f"answers {response.status_code}", remedy)
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > self._max_bytes:
                        reason = f"answers with more than {self._max_bytes} bytes"
                        raise HttpAnswerError(name, reason, "check the address")
                return HttpAnswer(response.status_code, response.headers, bytes(body))
        except TimeoutError as error:
            reason = f"does not answer within {self._timeout_seconds:g} s"
            raise HttpAnswerError(name, reason, "ask again later") from error
        # The second of where it redirects to, though nobody goes there.
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"does not answer: {type(error).__name__}: {str(error)[:_MAX_QUOTED]}"
            raise HttpAnswerError(name, reason, "check the address and the network") from error


def origin(url: httpx.URL) -> str:
    """The URL for people: neither path nor password, where providers put their customers' keys."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
