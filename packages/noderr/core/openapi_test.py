from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from noderr.core.errors import OperationError
from noderr.core.http_answers import Health, Readiness, standard_answers
from noderr.core.openapi import Operation, openapi_document
from noderr.core.openapi_standard import NODE_OPERATIONS, openapi_answer
from noderr.core.status import StatusBoard
from noderr.core.vitals import Vitals
from noderr.telemetry import NodeMetrics


class Order(msgspec.Struct):
    """What is asked for."""

    side: str
    amount: int


class Receipt(msgspec.Struct):
    order: Order
    note: str | None = None


ORDERS = Operation("/api/v1/orders/{number:int}", "PUT", "Place an order", Receipt, Order, {201: "Placed", 200: "Kept"})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_document_of_a_node_is_whole() -> None:
    document = openapi_document("NodeOS oracle", "1.2.3", NODE_OPERATIONS)
    assert (document["openapi"], document["info"]) == ("3.1.0", {"title": "NodeOS oracle", "version": "1.2.3"})
    assert list(document["paths"]) == ["/api/v1/node", "/health", "/metrics", "/ready"]
    assert json.loads(json.dumps(document)) == document
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    assert "#/components/schemas/NodeDescription" in set(references(document["paths"]))


def test_every_operation_has_what_openapi_demands() -> None:
    document = openapi_document("x", "1.0.0", [*NODE_OPERATIONS, ORDERS])
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) == 5
    for one in operations:
        assert one["summary"]
        assert "default" in one["responses"]
        assert all(answer["description"] and answer["content"] for answer in one["responses"].values())


def test_request_statuses_and_parameters() -> None:
    one = openapi_document("x", "1.0.0", [ORDERS])["paths"]["/api/v1/orders/{number}"]["put"]
    assert one["operationId"] == "put_api_v1_orders_number"
    assert one["parameters"] == [{"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}]
    assert one["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert list(one["responses"]) == ["200", "201", "default"]
    assert one["responses"]["201"]["description"] == "Placed"


def test_metrics_are_text() -> None:
    document = openapi_document("x", "1.0.0", NODE_OPERATIONS)
    answer = document["paths"]["/metrics"]["get"]["responses"]["200"]
    assert answer["content"] == {"text/plain": {"schema": {"type": "string"}}}


def test_order_of_declaration_does_not_matter() -> None:
    one, other = (
        json.dumps(openapi_document("x", "1.0.0", operations))
        for operations in ([*NODE_OPERATIONS, ORDERS], [ORDERS, *reversed(NODE_OPERATIONS)])
    )
    assert one == other


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (Operation("/a", "BREW", "x", Order), "method 'BREW' of /a: choose one of GET"),
        (Operation("a", "GET", "x", Order), "path 'a'"),
        (Operation("/{a", "GET", "x", Order), "path '/{a'"),
        (Operation("/{a:colour}", "GET", "x", Order), "no convertor 'colour'"),
        (Operation("/a", "GET", "x", Order, statuses={}), "GET /a has no status"),
    ],
)
def test_impossible_operations_are_refused(operation: Operation, says: str) -> None:
    with pytest.raises(OperationError, match=says):
        openapi_document("x", "1.0.0", [operation])


def test_same_operation_twice_is_refused() -> None:
    with pytest.raises(OperationError, match="PUT /api/v1/orders/{number:int} is declared twice"):
        openapi_document("x", "1.0.0", [ORDERS, ORDERS])


def test_what_is_answered_is_what_is_declared() -> None:
    metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
    vitals = Vitals(StatusBoard(), loop_turning=lambda: False, missing_packages=["ml"])
    answers = standard_answers(vitals, metrics)
    assert msgspec.json.decode(answers["/health"]().body, type=Health, strict=True).alive is False
    assert msgspec.json.decode(answers["/ready"]().body, type=Readiness, strict=True).missing[0].name == "ml"
    declared = {operation.path: operation for operation in NODE_OPERATIONS}
    for path in ("/health", "/ready"):
        answer = answers[path]()
        assert answer.status in declared[path].statuses
        assert set(json.loads(answer.body)) == set(declared[path].response.__struct_fields__)


def test_answer_is_json_and_made_once() -> None:
    answer = openapi_answer("NodeOS oracle", "1.2.3", NODE_OPERATIONS)
    assert (answer().status, dict(answer().headers)[b"content-type"]) == (200, b"application/json")
    assert json.loads(answer().body)["info"]["title"] == "NodeOS oracle"
    assert answer() is answer()
