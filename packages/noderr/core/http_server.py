"""The HTTP server as a service: uvicorn on the node's own loop, under the node's own signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence

import structlog
import uvicorn
from starlette.types import ASGIApp

from noderr.core.http_connection import watched_by
from noderr.core.http_limits import ConnectionWatch, HttpLimits
from noderr.core.ports import bind_tcp
from noderr.telemetry import NodeMetrics

_log = structlog.get_logger("noderr.core.http")

_BACKLOG = 1024
_LIMITS = HttpLimits()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, watch: ConnectionWatch) -> None:
        super().__init__(config)
        self._watch = watch

    async def on_tick(self, counter: int) -> bool:
        self._watch.cut_late(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the node's; the server stops when its service is stopped."""
        yield


class HttpService:
    """Serves an ASGI application. `port` 0 takes a free one; once started, `bound_port` tells which."""

    critical = True
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        metrics: NodeMetrics,
        name: str = "http",
        limits: HttpLimits = _LIMITS,
    ) -> None:
        """`name` is the service's, and with NODEOS_ before it the prefix of the variables that chose host and port."""
        self.name = name
        self._app = app
        self._host = host
        self._port = port
        self._watch = ConnectionWatch(limits, metrics, name)
        self._server: _Server | None = None
        self._socket: socket.socket | None = None
        self._serving = False
        self.bound_port = 0

    async def start(self) -> None:
        """Bind and listen. Raises `BindError`."""
        self._socket = bind_tcp(self._host, self._port, setting=f"NODEOS_{self.name.upper()}")
        # From here on a caller waits in the backlog; `run` answers.
        self._socket.listen(_BACKLOG)
        self.bound_port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=watched_by(self._watch),
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=_BACKLOG,
        )
        self._server = _Server(config, self._watch)
        _log.info("listening", service=self.name, host=self._host, port=self.bound_port)

    async def run(self) -> None:
        """Serve. Returns after `stop`, when all open requests are answered."""
        assert self._server is not None, "run comes after start"
        assert self._socket is not None, "run comes after start"
        self._serving = True
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._serving = False
            self._socket.close()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        if self._socket is not None and not self._serving:
            self._socket.close()

    def missing(self) -> Sequence[str]:
        return ()
