"""A real server on loopback for as long as a test needs it: a page's routes, served as a node does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from starlette.routing import Route

from noderr.core.http_api import http_api
from noderr.core.http_server import HttpService
from noderr.telemetry import NodeMetrics


class PageServer:
    """`url` is where it serves; `stop` makes it answer no more."""

    def __init__(self, routes: Sequence[Route]) -> None:
        metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self._service = HttpService(http_api(metrics, {}, routes), host="127.0.0.1", port=0, metrics=metrics)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="page-server")
        self._started = threading.Event()
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(10), "the server has not started"
        self.url = f"http://127.0.0.1:{self._service.bound_port}/"

    def stop(self) -> None:
        """Close the port and end; a second call does nothing."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._service.stop(), self._loop).result(10)
            self._thread.join(10)

    def _run(self) -> None:
        async def serve() -> None:
            await self._service.start()
            self._started.set()
            await self._service.run()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())


@contextmanager
def serving(routes: Sequence[Route]) -> Iterator[PageServer]:
    """A server of `routes` until the block ends."""
    server = PageServer(routes)
    server.start()
    try:
        yield server
    finally:
        server.stop()
