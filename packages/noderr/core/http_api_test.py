from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from noderr.core.description import Identity, NodeDescription, Packages
from noderr.core.http_answers import node_answer, standard_answers
from noderr.core.http_api import http_api
from noderr.core.status import ServiceState, StatusBoard
from noderr.core.vitals import Vitals
from noderr.telemetry import CATALOGUE, NodeMetrics

_NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Enrolled:
    """Just enough of a service for the board."""

    def __init__(self, name: str, critical: bool) -> None:
        self.name = name
        self.critical = critical
        self.requires: tuple[str, ...] = ()

    async def start(self) -> None: ...
    async def run(self) -> None: ...
    async def stop(self) -> None: ...
    def missing(self) -> Sequence[str]:
        return ()


async def _broken(_request: Request) -> Response:
    raise RuntimeError("inner detail")


async def _item(request: Request) -> Response:
    return PlainTextResponse(request.path_params["item"])


class Rig:
    def __init__(self, missing_packages: Sequence[str] = ()) -> None:
        self.board = StatusBoard()
        self.board.enrol(Enrolled("http", critical=True))
        self.board.enrol(Enrolled("peer", critical=False))
        for name in ("http", "peer"):
            self.board.change(name, ServiceState.RUNNING)
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        vitals = Vitals(self.board, loop_turning=lambda: True, missing_packages=missing_packages)
        routes = [Route("/broken", _broken), Route("/api/v1/items/{item}", _item)]
        answers = {**standard_answers(vitals, self.metrics), "/api/v1/node": node_answer(self._describe)}
        app = http_api(self.metrics, answers, routes)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://node")

    def _describe(self) -> NodeDescription:
        return NodeDescription(
            Identity("ab", "cd", "0xef"),
            "oracle",
            3,
            "x",
            "1.2.3",
            _NOW,
            1.5,
            True,
            False,
            Packages(("core",), ("ml",)),
            (),
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_health_is_200_while_every_critical_service_runs(rig: Rig) -> None:
    answer = await rig.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"alive": True, "problems": []})


async def test_health_is_503_when_a_critical_service_does_not_run(rig: Rig) -> None:
    rig.board.change("http", ServiceState.RESTARTING, "went wrong")
    answer = await rig.get("/health")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["critical service http is restarting: went wrong"]


async def test_optional_failure_leaves_health_200_and_ready_503(rig: Rig) -> None:
    assert (await rig.get("/ready")).status_code == 200
    rig.board.change("peer", ServiceState.RESTARTING, "no route")
    assert (await rig.get("/health")).status_code == 200
    answer = await rig.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "missing": [{"kind": "service", "name": "peer", "reason": "no route"}],
    }


async def test_ready_names_missing_packages() -> None:
    answer = await Rig(["risk-engine"]).get("/ready")
    assert answer.status_code == 503
    assert answer.json()["missing"] == [{"kind": "package", "name": "risk-engine", "reason": "not in this build"}]


async def test_node_describes_itself(rig: Rig) -> None:
    body: dict[str, Any] = (await rig.get("/api/v1/node")).json()
    assert body["identity"] == {"node_id": "ab", "public_key": "cd", "account": "0xef"}
    assert body["packages"] == {"present": ["core"], "missing": ["ml"]}
    assert body["started_at"] == "2030-01-01T00:00:00Z"


async def test_metrics_parse_and_every_series_is_in_the_catalogue(rig: Rig) -> None:
    await rig.get("/health")
    answer = await rig.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert names == {spec.name for spec in CATALOGUE}


async def test_callers_cannot_make_series(rig: Rig) -> None:
    for number in range(20):
        await rig.get(f"/nowhere/{number}")
        await rig.get(f"/api/v1/items/{number}")
        await rig.client.request(f"VERB{number}", "/health")
    (family,) = (family for family in rig.metrics.registry.collect() if family.name == "noderr_http_requests")
    labels = {(s.labels["method"], s.labels["route"], s.labels["status"]): s.value for s in family.samples}
    assert labels == {
        ("GET", "unmatched", "404"): 20,
        ("GET", "/api/v1/items/{item}", "200"): 20,
        ("other", "/health", "405"): 20,
    }


async def test_errors_are_json_without_inner_detail(rig: Rig) -> None:
    missing, broken = await rig.get("/nowhere"), await rig.get("/broken")
    assert (missing.status_code, missing.json()) == (404, {"error": "Not Found"})
    assert (broken.status_code, broken.json()) == (500, {"error": "internal error"})


async def test_request_id_is_kept_when_safe_and_made_when_not(rig: Rig) -> None:
    kept = await rig.get("/health", **{"x-request-id": "abc-1"})
    made = await rig.get("/health", **{"x-request-id": "a b\tc"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert re.fullmatch(r"[0-9a-f]{16}-1", made.headers["x-request-id"])
