"""Answers that need nothing of a request but its path: what is asked of a node most often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from noderr.core.description import NodeDescription
from noderr.core.vitals import Missing, Vitals
from noderr.telemetry import METRICS_CONTENT_TYPE, NodeMetrics

_encoder = msgspec.json.Encoder()
_JSON_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_METRICS_HEADERS = ((b"content-type", METRICS_CONTENT_TYPE.encode()), (b"cache-control", b"no-store"))


class Answer(NamedTuple):
    """A whole answer; the length and the request id are added when it is sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def json(cls, content: Any, status: int = 200) -> Answer:
        return cls(status, _JSON_HEADERS, _encoder.encode(content))

    @classmethod
    def internal_error(cls) -> Answer:
        return cls.json({"error": "internal error"}, 500)


type MakeAnswer = Callable[[], Answer]


class Health(msgspec.Struct, frozen=True):
    """The body of `/health`: `problems` says why it is not alive."""

    alive: bool
    problems: tuple[str, ...]


class Readiness(msgspec.Struct, frozen=True):
    """The body of `/ready`: `missing` says why it is not ready."""

    ready: bool
    missing: tuple[Missing, ...]


def standard_answers(vitals: Vitals, metrics: NodeMetrics) -> dict[str, MakeAnswer]:
    """`/health`, `/ready` and `/metrics`, which every process of ours has."""

    def health() -> Answer:
        problems = vitals.problems()
        return Answer.json(Health(not problems, problems), 503 if problems else 200)

    def ready() -> Answer:
        missing = vitals.missing()
        return Answer.json(Readiness(not missing, missing), 503 if missing else 200)

    def exposition() -> Answer:
        return Answer(200, _METRICS_HEADERS, metrics.render())

    return {"/health": health, "/ready": ready, "/metrics": exposition}


def node_answer(describe: Callable[[], NodeDescription]) -> MakeAnswer:
    """`/api/v1/node`."""
    return lambda: Answer.json(describe())
