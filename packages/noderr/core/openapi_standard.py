"""What every process of ours answers, declared for the OpenAPI document, and the answer that holds the document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from noderr.core.description import NodeDescription
from noderr.core.http_answers import Answer, Health, MakeAnswer, Readiness
from noderr.core.openapi import Operation, openapi_document

OPENAPI_PATH = "/api/v1/openapi.json"

STANDARD_OPERATIONS = (
    Operation(
        "/health",
        "GET",
        "Whether the process lives",
        Health,
        statuses={200: "Every critical service runs", 503: "It does not live; `problems` says why"},
    ),
    Operation(
        "/ready",
        "GET",
        "Whether it can do all of its work",
        Readiness,
        statuses={200: "Ready", 503: "Not ready; `missing` says what is"},
    ),
    Operation(
        "/metrics",
        "GET",
        "Metrics in the text format of Prometheus",
        str,
        statuses={200: "All series"},
        media_type="text/plain",
    ),
)
"""`/health`, `/ready` and `/metrics`, which every process of ours has."""

NODE_OPERATIONS = (
    *STANDARD_OPERATIONS,
    Operation(
        "/api/v1/node", "GET", "The node at this moment", NodeDescription, statuses={200: "All that its page shows"}
    ),
)
"""What every node has; a tier's own come on top."""


def openapi_answer(title: str, version: str, operations: Sequence[Operation]) -> MakeAnswer:
    """The document's answer; made when it is first asked for, so that a start does not wait for it.

    That first call raises `OperationError` when the operations cannot be documented.
    """

    @cache
    def answer() -> Answer:
        return Answer.json(openapi_document(title, version, operations))

    return answer
