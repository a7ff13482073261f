"""Checks of what the node must reach: its peers and the coordinator, and whether its clock agrees with that."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from noderr.core.peer_address import PeerAddress, join_host_port
from noderr.core.preflight.result import CheckResult, Outcome
from noderr.core.settings import NodeSettings
from noderr.utils import Clock, HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp, open_http

_TIMEOUT_SECONDS = 5.0
_MAX_ANSWER_BYTES = 1 << 16
_SECOND_NS = 1_000_000_000
WARN_OFFSET_SECONDS = 2.0
"""The coordinator's Date header tells whole seconds; below that nothing can be said."""
WORST_OFFSET_SECONDS = 300.0
"""The coordinator takes nothing from a node whose clock is off by more."""


async def check_peer(peer: PeerAddress) -> CheckResult:
    """Whether the peer's address takes a TLS connection; whose key answers, the node checks when it connects."""
    name = f"peer {peer.node_id[:8]}"
    where = join_host_port(peer.host, peer.port)
    context = ssl.create_default_context()
    # Only to see that TLS is spoken there: nothing is sent, and nodes prove their keys in another way.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(peer.host, peer.port, ssl=context)
            writer.transport.abort()
    except TimeoutError:
        return CheckResult(name, Outcome.WARNING, f"{where} does not answer", _peer_remedy(peer))
    except ssl.SSLError as error:
        return CheckResult(name, Outcome.WARNING, f"{where} speaks no TLS: {error.reason}", _peer_remedy(peer))
    except OSError as error:
        return CheckResult(name, Outcome.WARNING, f"{where}: {error.strerror or error}", _peer_remedy(peer))
    return CheckResult(name, Outcome.OK, f"{where} answers")


async def check_coordinator(settings: NodeSettings, clock: Clock) -> list[CheckResult]:
    """Whether the coordinator answers, and how far the clocks are apart (from its Date header, to a second or so)."""
    if not settings.coordinator_url:
        remedy = "set NODEOS_COORDINATOR_URL, or this node reports to nobody and gets no peers and no versions"
        return [CheckResult("coordinator", Outcome.WARNING, "none is set", remedy), _no_clock("no coordinator is set")]
    url = settings.coordinator_url.rstrip("/")
    try:
        async with open_http() as client:
            http = BoundedHttp(client, timeout_seconds=_TIMEOUT_SECONDS, max_bytes=_MAX_ANSWER_BYTES)
            before_ns = clock.now_ns()
            answer = await http.ask(f"{url}/v1/heartbeat", name=url)
            middle_ns = (before_ns + clock.now_ns()) // 2
    except HttpAnswerError as error:
        remedy = "check the address, the network and the firewall; the node starts, and its telemetry waits"
        return [
            CheckResult("coordinator", Outcome.WARNING, f"{url} {error.reason}", remedy),
            _no_clock("the coordinator does not answer"),
        ]
    # A heartbeat is posted; that the address knows it, and refuses to be read, shows that a coordinator is there.
    if answer.status != httpx.codes.METHOD_NOT_ALLOWED:
        found = f"{url} answers {answer.status} where a coordinator says 405"
        return [CheckResult("coordinator", Outcome.FAILED, found, "check NODEOS_COORDINATOR_URL"), _no_clock(found)]
    return [
        CheckResult("coordinator", Outcome.OK, f"{url} answers"),
        _clock_result(answer.headers.get("date"), middle_ns),
    ]


def _clock_result(date: str | None, now_ns: int) -> CheckResult:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return _no_clock("the coordinator sends no date")
    offset_seconds = now_ns / _SECOND_NS - theirs.timestamp() - 0.5  # The header is cut to the second.
    mine = datetime.fromtimestamp(now_ns / _SECOND_NS, UTC)
    found = (
        f"{offset_seconds:+.0f} s against the coordinator (here {mine:%Y-%m-%d %H:%M:%S}, there {theirs:%H:%M:%S} UTC)"
    )
    remedy = "synchronise the clock (systemd-timesyncd, chrony)"
    if abs(offset_seconds) > WORST_OFFSET_SECONDS:
        return CheckResult("clock", Outcome.FAILED, found, f"{remedy}: the coordinator takes nothing from this node")
    if abs(offset_seconds) > WARN_OFFSET_SECONDS:
        return CheckResult("clock", Outcome.WARNING, found, remedy)
    return CheckResult("clock", Outcome.OK, "agrees with the coordinator's")


def _no_clock(reason: str) -> CheckResult:
    return CheckResult("clock", Outcome.SKIPPED, f"nothing to compare it with: {reason}")


def _peer_remedy(peer: PeerAddress) -> str:
    return f"check that the peer runs, and that TCP port {peer.port} is open to this machine"
