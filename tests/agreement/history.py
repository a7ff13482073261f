"""What the oracles say that they decided, looked at often enough to miss nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.network.plan import Member


@dataclass(frozen=True, slots=True)
class Decided:
    """One round as one oracle tells it."""

    choice: str
    subject: str
    content: str | None
    signers: frozenset[str]


class History:
    """Decisions by round and by the name of who told them. Each oracle tells of its last twenty."""

    def __init__(self) -> None:
        self.decided: dict[int, dict[str, Decided]] = {}

    def see(self, name: str, description: Mapping[str, Any]) -> None:
        """Take in what an oracle says at `/api/v1/consensus`."""
        for one in description["decisions"]:
            if one["failure"] is None:
                said = Decided(one["choice"], one["subject"], one["content"], frozenset(one["signers"]))
                self.decided.setdefault(one["round"], {})[name] = said

    def look(self, client: httpx.Client, members: Iterable[Member]) -> None:
        """Ask these; who does not answer is skipped."""
        for member in members:
            try:
                answer = client.get(f"http://{member.host}:{member.http_port}/api/v1/consensus")
            except httpx.HTTPError:
                continue
            if answer.status_code == httpx.codes.OK:
                self.see(member.name, answer.json())

    @property
    def contradictions(self) -> Sequence[int]:
        """Rounds of which two oracles tell different ends; must be none."""
        return [
            number
            for number, told in self.decided.items()
            if len({(one.choice, one.subject, one.content) for one in told.values()}) > 1
        ]

    def by(self, name: str) -> set[int]:
        """The rounds that this oracle says are decided."""
        return {number for number, told in self.decided.items() if name in told}

    @property
    def longest_gap(self) -> int:
        """How many rounds lie at most between two that are decided; 0 when every round is."""
        return max((later - earlier - 1 for earlier, later in pairwise(sorted(self.decided))), default=0)


def scrape(client: httpx.Client, member: Member) -> str:
    """All metrics of the oracle, as text."""
    return client.get(f"http://{member.host}:{member.http_port}/metrics").text


def counted(client: httpx.Client, member: Member, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one metric of the oracle, by the values of its labels except the protocol, in their order."""
    return samples(scrape(client, member), name)


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The same of a text that is here already."""
    return {
        tuple(
            value for label, value in sample.labels.items() if label not in ("protocol", "tier", "version")
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }
