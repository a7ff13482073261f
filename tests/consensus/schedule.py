"""One schedule: everything that can go wrong in a network, drawn from one seed. The same seed is the same schedule."""

from __future__ import annotations

import random
from dataclasses import dataclass

from noderr.types.consensus import max_faulty
from tests.consensus.protocols import START_S

_SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What this schedule does to its voters. After `heal_ns` nothing is lost and nobody crashes any more, and it ends
    when everybody has decided `rounds`.
    """

    twins: tuple[int, ...]
    byzantine: tuple[int, ...]
    silent: tuple[int, ...]
    loss: float
    duplication: float
    delay_ns: int
    partition_every_ns: int
    crashes: int
    dissent: float
    heal_ns: int
    rounds: int = 1

    @property
    def faulty(self) -> tuple[int, ...]:
        """Numbers of all that are not honest."""
        return (*self.twins, *self.byzantine, *self.silent)


NO_FAULTS = Faults(
    twins=(),
    byzantine=(),
    silent=(),
    loss=0.0,
    duplication=0.0,
    delay_ns=5 * _MS_NS,
    partition_every_ns=0,
    crashes=0,
    dissent=0.0,
    heal_ns=START_S * _SECOND_NS,
    rounds=20,
)
"""For measuring: one network decides many rounds, as networks do."""


def draw_faults(nodes: int, randomness: random.Random, *, period_ns: int) -> Faults:
    """At most a third of the voters are faulty, and the network heals within two rounds."""
    faulty = randomness.sample(range(1, nodes + 1), randomness.randint(0, max_faulty(nodes)))
    kinds = [randomness.choice(("twins", "byzantine", "silent")) for _ in faulty]

    def of(kind: str) -> tuple[int, ...]:
        return tuple(number for number, its in zip(faulty, kinds, strict=True) if its == kind)

    return Faults(
        twins=of("twins"),
        byzantine=of("byzantine"),
        silent=of("silent"),
        loss=randomness.choice((0.0, 0.1, 0.3)),
        duplication=randomness.choice((0.0, 0.2)),
        delay_ns=randomness.choice((5, 500, 3_000)) * _MS_NS,
        partition_every_ns=randomness.choice((0, 2, 6)) * _SECOND_NS,
        crashes=randomness.choice((0, 0, 1, 3)),
        dissent=randomness.choice((0.0, 0.0, 0.3)),
        heal_ns=START_S * _SECOND_NS + randomness.randrange(2 * period_ns),
    )
