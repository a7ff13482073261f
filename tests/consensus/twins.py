"""`./pants run tests/consensus:twins`: equivocation, systematically: every schedule of four voters, one of them twins.

    --protocol oracle                            all 65,536 partitions of commitments, reveals, reports and votes
    --nodes 7 --schedules 1000000 --seed 7       so many at random, with as many twins as may be faulty
    --json FILE                                  write the figures there too

Exit code 0: nothing unsafe, and everybody knew in the end what was decided. 1: the opposite. 2: wrong options.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from noderr.types.consensus import max_faulty
from tests.consensus.progress import progress
from tests.consensus.protocols import PROTOCOLS
from tests.consensus.simulate import parse_nodes, parse_positive
from tests.consensus.twins_world import Outcome, Schedule, TwinsWorld

_CHUNK = 250
_NEXT_EVERY = 8
"""After one in so many schedules the next round is played as well."""

_INSTANCES = 5
_SIDES = range(0, 1 << _INSTANCES, 2)
"""All partitions of five instances in two: the first is on side 0."""

_ORACLE_SCHEDULES = len(_SIDES) ** 4
# Judgements, and of each: two partitions in two orders, and one partition in all 20 orders.
_VOTE_SCHEDULES = (1 << _INSTANCES) * (len(_SIDES) ** 2 * 2 + len(_SIDES) * 20)

# The round that the twin leads first, of four voters.
_TWIN_LEADS = 3


@dataclass
class Count:
    """`schedules` that are covered, of which `played` differ in anything that anybody hears."""

    schedules: int = 0
    played: int = 0
    decided: int = 0
    next_rounds: int = 0
    problems: list[tuple[str, Schedule]] = field(default_factory=list)

    def play(self, world: TwinsWorld, schedule: Schedule) -> Outcome:
        then_next = self.played % _NEXT_EVERY == 0
        outcome = world.play(schedule, then_next=then_next)
        self.played += 1
        self.next_rounds += then_next
        self.decided += outcome.decided
        if outcome.problem is not None:
            self.problems.append((outcome.problem, schedule))
        return outcome

    def merge(self, other: Count) -> None:
        self.schedules += other.schedules
        self.played += other.played
        self.decided += other.decided
        self.next_rounds += other.next_rounds
        self.problems += other.problems


type Job = Callable[[], Count]


def oracle_jobs() -> list[Job]:
    """Every partition of each kind of message, where the twin leads."""
    return [partial(_oracle, first) for first in _SIDES]


def _oracle(commits: int) -> Count:
    count, world = Count(), TwinsWorld("oracle", 4, 1)
    number = 0
    while number < 16**3:
        sides = (commits, _SIDES[number // 256], _SIDES[number // 16 % 16], _SIDES[number % 16])
        schedule = Schedule(sides=sides, order=tuple(range(_INSTANCES)), approves=-1, round_=_TWIN_LEADS)
        outcome = count.play(world, schedule)
        # Of what nobody says all partitions are one schedule.
        alike = 16 ** (3 - max(outcome.spoke))
        count.schedules += alike
        number += alike
    return count


def vote_jobs(protocol: str) -> list[Job]:
    """Every judgement of every instance, and: every two partitions; and every partition and order of speaking."""
    return [partial(_votes, protocol, first) for first in _SIDES]


def _votes(protocol: str, first: int) -> Count:
    count, world = Count(), TwinsWorld(protocol, 4, 1)
    twin_first, twin_last = (3, 0, 1, 2, 4), (4, 0, 1, 2, 3)
    # Three honest voters are the same but for their names, and all judgements are there: one order of them is enough.
    orders = [
        order for order in itertools.permutations(range(_INSTANCES)) if [one for one in order if one < 3] == [0, 1, 2]
    ]
    two_sendings = [((first, second), order) for second in _SIDES for order in (twin_first, twin_last)]
    one_sending = [((first, first), order) for order in orders]
    for approves in range(1 << _INSTANCES):
        for sides, order in two_sendings + one_sending:
            count.play(world, Schedule(sides=sides, order=order, approves=approves, round_=0))
    count.schedules = count.played
    return count


def sampled_jobs(protocol: str, nodes: int, schedules: int, seed: int, *, leader: int | None = None) -> list[Job]:
    """So many at random, with as many twins as voters may be faulty; `leader` is who leads first, or anybody."""
    return [
        partial(_sampled, protocol, nodes, seed, range(at, min(at + _CHUNK, schedules)), leader)
        for at in range(0, schedules, _CHUNK)
    ]


def _sampled(protocol: str, nodes: int, seed: int, indexes: range, leader: int | None) -> Count:
    count, world = Count(), TwinsWorld(protocol, nodes, max_faulty(nodes))
    instances = len(world.members)
    for index in indexes:
        randomness = random.Random(f"{protocol} {nodes} {seed} {index}")
        schedule = Schedule(
            sides=tuple(randomness.randrange(0, 1 << instances, 2) for _ in range(world.phases)),
            order=tuple(randomness.sample(range(instances), instances)),
            approves=randomness.randrange(1 << instances),
            round_=randomness.randrange(nodes) if leader is None else leader,
        )
        count.play(world, schedule)
    count.schedules = count.played
    return count


def run(jobs: Sequence[Job], *, processes: int | None = None) -> Iterator[Count]:
    """All of them, on all cores; yields what is known so far, the last time all of it."""
    total = Count()
    with multiprocessing.get_context("fork").Pool(processes or len(os.sched_getaffinity(0))) as pool:
        for count in pool.imap_unordered(_call, jobs):
            total.merge(count)
            yield total


def _call(job: Job) -> Count:
    return job()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parse(arguments)
    if options.schedules is not None:
        jobs = sampled_jobs(options.protocol, options.nodes, options.schedules, options.seed)
    else:
        jobs = oracle_jobs() if options.protocol == "oracle" else vote_jobs(options.protocol)
    began, count = time.monotonic(), Count()
    covered = options.schedules or (_ORACLE_SCHEDULES if options.protocol == "oracle" else _VOTE_SCHEDULES)
    with progress(_title(options), covered) as tell:
        for count in run(jobs, processes=options.jobs):
            tell(count.schedules, f"{len(count.problems)} problems")
    seconds = time.monotonic() - began
    if options.json is not None:
        figures = {**vars(options), **dataclasses.asdict(count), "json": None, "seconds": round(seconds, 1)}
        figures["problems"] = [{"what": what, "schedule": str(schedule)} for what, schedule in count.problems[:100]]
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"schedules  {count.schedules:>10,}   of which {count.played:,} differ and were played, in {seconds:,.0f} s")
    print(f"decided    {count.decided:>10,}   and {count.next_rounds:,} times the next round was played as well")
    print(f"problems   {len(count.problems):>10,}")
    for what, schedule in count.problems[:3]:
        print(f"{what}\n    {schedule}")
    return int(bool(count.problems))


def _title(options: argparse.Namespace) -> str:
    which = "all that there are" if options.schedules is None else f"at random from seed {options.seed}"
    twins = f"{max_faulty(options.nodes)} of them twins"
    return f"{options.protocol} consensus: {options.nodes} voters, {twins}; schedules: {which}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="twins", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default="oracle", help="which one (default: oracle)")
    parser.add_argument("--nodes", type=parse_nodes, default=4, help="voters, 4 to 64 (default: 4)")
    parser.add_argument("--schedules", type=parse_positive, help="so many at random (default: all there are)")
    parser.add_argument("--seed", type=int, default=7, help="where those at random come from (default: 7)")
    parser.add_argument("--jobs", type=parse_positive, help="processes (default: one a core)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    if options.schedules is None and options.nodes != 4:
        parser.error(f"argument --nodes: of {options.nodes} voters there are too many schedules: give --schedules")
    return options


if __name__ == "__main__":
    sys.exit(main())
