"""Asks every member how it is, again and again, all at once: one that hangs must not hide the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.network.plan import COORDINATOR
from tests.network.views import MemberView

_TIMEOUT_SECONDS = 2.0


class Watcher:
    """Refreshes views. `since_start` gives the seconds since a member's start."""

    def __init__(self, views: list[MemberView], since_start: Callable[[MemberView], float]) -> None:
        self._views = views
        self._since_start = since_start
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._pool = ThreadPoolExecutor(len(views))

    def look(self) -> None:
        """Refresh every view."""
        list(self._pool.map(self._look_at, self._views))

    def look_until(self, condition: Callable[[], bool], seconds: float, every_seconds: float = 0.05) -> bool:
        """Look until the condition holds or the time is over; returns whether it holds."""
        deadline = time.monotonic() + seconds
        while True:
            self.look()
            if condition():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(every_seconds)

    def close(self) -> None:
        self._pool.shutdown()
        self._client.close()

    def _look_at(self, view: MemberView) -> None:
        if not view.running:
            view.saw_nothing()
            return
        try:
            if view.member.kind == COORDINATOR:
                alive = self._client.get(f"{view.url}/health").status_code == httpx.codes.OK
                missing = self._client.get(f"{view.url}/ready").json()["missing"]
                reasons = tuple(f"{item['name']}: {item['reason']}" for item in missing)
                network = self._client.get(f"{view.url}/api/v1/network")
                known = network.json() if network.status_code == httpx.codes.OK else None
                view.saw_coordinator(alive, reasons, known, self._since_start(view))
            else:
                description = self._client.get(f"{view.url}/api/v1/node").json()
                view.saw_node(description, self._since_start(view))
        except httpx.HTTPError:
            view.saw_nothing()
