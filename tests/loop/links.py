"""The network between the nodes of a replay: bytes that take a while, and keep their order on each link as TCP does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from tests.loop.timeline import Timeline

type Take = Callable[[str, bytes], None]
"""Gets the sender's name and what it sent."""


@dataclass
class Links:
    """`least_ns` to `most_ns` is how long a message is under way, drawn anew for each."""

    timeline: Timeline
    randomness: random.Random
    least_ns: int
    most_ns: int
    messages: int = 0
    sent_bytes: int = 0
    _takers: dict[tuple[str, str], Take] = field(default_factory=dict)
    _last_ns: dict[tuple[str, str], int] = field(default_factory=dict)

    def on(self, node: str, topic: str, take: Take) -> None:
        """What is sent to this node under this topic goes there."""
        self._takers[node, topic] = take

    def send(self, sender: str, to: str, topic: str, payload: bytes) -> None:
        take = self._takers.get((to, topic))
        if take is None:
            return  # As on the peers' links: who has no use for a topic refuses it.
        now_ns = self.timeline.now_ns()
        at_ns = now_ns + self.randomness.randint(self.least_ns, self.most_ns)
        at_ns = max(at_ns, self._last_ns.get((sender, to), 0))
        self._last_ns[sender, to] = at_ns
        self.messages += 1
        self.sent_bytes += len(payload)
        self.timeline.at(at_ns, partial(take, sender, payload))

    def send_all(self, sender: str, to: Iterable[str], topic: str, payload: bytes) -> None:
        """To everybody else of these."""
        for node in to:
            if node != sender:
                self.send(sender, node, topic, payload)
