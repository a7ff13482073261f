"""Many schedules, on all cores, and what came of them."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from noderr.types.consensus import max_faulty
from tests.consensus.mutants import planted
from tests.consensus.protocols import protocol_of
from tests.consensus.schedule import NO_FAULTS, draw_faults
from tests.consensus.world import Result, World

_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """`schedules` of `protocol`, drawn from `seed`. Without `faults` nothing goes wrong: for measuring."""

    protocol: str
    nodes: int
    schedules: int
    seed: int
    mutant: str | None = None
    faults: bool = True


@dataclass
class Summary:
    """`seconds` are of all cores together; a failure is the seed of a schedule and what happened in it."""

    schedules: int = 0
    rounds: int = 0
    heights: int = 0
    unsafe: int = 0
    undecided: int = 0
    core_seconds: float = 0.0
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, result: Result) -> None:
        self.schedules += 1
        self.rounds += result.rounds
        self.heights += result.decided
        self.unsafe += bool(result.violations)
        self.undecided += not result.violations and result.undecided is not None
        if result.failure is not None:
            self.failures.append((seed, result.failure))

    def merge(self, other: Summary) -> None:
        self.schedules += other.schedules
        self.rounds += other.rounds
        self.heights += other.heights
        self.unsafe += other.unsafe
        self.undecided += other.undecided
        self.core_seconds += other.core_seconds
        self.failures += other.failures


def schedule_seed(seed: int, index: int) -> int:
    """The seed of one schedule, which alone replays it."""
    return int.from_bytes(hashlib.sha256(f"{seed} {index}".encode()).digest()[:6], "big")


def world_of(campaign: Campaign, seed: int, **options: object) -> World:
    """The schedule of this seed, ready to run."""
    randomness = random.Random(seed)
    period_ns = protocol_of(campaign.protocol, ()).period_ns
    faults = draw_faults(campaign.nodes, randomness, period_ns=period_ns) if campaign.faults else NO_FAULTS
    return World(campaign.protocol, campaign.nodes, faults, randomness, **options)  # type: ignore[arg-type]


def run_chunk(campaign: Campaign, indexes: range) -> Summary:
    """Some of the schedules, in this process."""
    summary = Summary()
    began = time.process_time()
    with planted(campaign.mutant):
        for index in indexes:
            seed = schedule_seed(campaign.seed, index)
            summary.add(seed, world_of(campaign, seed).run())
    summary.core_seconds = time.process_time() - began
    return summary


def run(campaign: Campaign, *, jobs: int | None = None) -> Iterator[Summary]:
    """All of them; yields what is known so far, the last time all of it."""
    total = Summary()
    chunks = [range(at, min(at + _CHUNK, campaign.schedules)) for at in range(0, campaign.schedules, _CHUNK)]
    with multiprocessing.get_context("fork").Pool(jobs or len(os.sched_getaffinity(0))) as pool:
        for summary in pool.imap(_run_chunk, [(campaign, chunk) for chunk in chunks]):
            total.merge(summary)
            yield total


def _run_chunk(job: tuple[Campaign, range]) -> Summary:
    return run_chunk(*job)


def describe(campaign: Campaign) -> str:
    """For people."""
    bug = f" with the bug {campaign.mutant}" if campaign.mutant else ""
    return (
        f"{campaign.protocol} consensus{bug}: {campaign.nodes} voters, of which up to {max_faulty(campaign.nodes)} "
        f"Byzantine; {campaign.schedules:,} schedules from seed {campaign.seed}"
    )
