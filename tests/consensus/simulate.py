"""`./pants run tests/consensus:simulate`: play a protocol through many schedules, and find what must not happen.

    --protocol oracle --nodes 4 --schedules 100000 --seed 7 --json FILE
    --replay SEED      one schedule, told event by event
    --mutant NAME      plant a bug; then finding it is the success

Exit code 0: nothing unsafe and nothing undecided (with --mutant: the bug was found). 1: the opposite. 2: wrong options.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.consensus.campaign import Campaign, Summary, describe, run, world_of
from tests.consensus.mutants import MUTANTS, planted
from tests.consensus.progress import progress
from tests.consensus.protocols import PROTOCOLS

_MOST_NODES = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parse(arguments)
    campaign = Campaign(
        protocol=options.protocol,
        nodes=options.nodes,
        schedules=options.schedules,
        seed=options.seed,
        mutant=options.mutant,
        faults=not options.no_faults,
    )
    if options.replay is not None:
        return _replay(campaign, options.replay)
    summary = _run(campaign, options.jobs)
    if options.json is not None:
        options.json.write_text(json.dumps(_report(campaign, summary), indent=2) + "\n", encoding="utf-8")
    return _tell(campaign, summary)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="simulate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default="oracle", help="which one (default: oracle)")
    parser.add_argument("--nodes", type=parse_nodes, default=4, help="voters, 4 to 64 (default: 4)")
    parser.add_argument("--schedules", type=parse_positive, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=7, help="where they come from (default: 7)")
    parser.add_argument("--jobs", type=parse_positive, help="processes (default: one a core)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--mutant", choices=MUTANTS, help="plant this bug")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run the one schedule of this seed, event by event")
    parser.add_argument("--no-faults", action="store_true", help="nothing goes wrong: for measuring")
    options = parser.parse_args(arguments)
    if options.mutant is not None and options.protocol not in MUTANTS[options.mutant].protocols:
        fits = ", ".join(MUTANTS[options.mutant].protocols)
        parser.error(f"argument --mutant: {options.mutant} is no bug of {options.protocol}: plant it in {fits}")
    return options


def parse_positive(text: str) -> int:
    """An option that is 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive: give 1 or more")
    return number


def parse_nodes(text: str) -> int:
    """How many voters."""
    number = int(text)
    if not 4 <= number <= _MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text} voters: give 4 to {_MOST_NODES}; fewer than 4 tolerate no fault")
    return number


def _run(campaign: Campaign, jobs: int | None) -> Summary:
    summary = Summary()
    with progress(describe(campaign), campaign.schedules) as tell:
        for summary in run(campaign, jobs=jobs):
            tell(summary.schedules, f"{summary.unsafe} unsafe, {summary.undecided} undecided")
    return summary


def _report(campaign: Campaign, summary: Summary) -> dict[str, object]:
    return {
        "protocol": campaign.protocol,
        "nodes": campaign.nodes,
        "seed": campaign.seed,
        "mutant": campaign.mutant,
        "schedules": summary.schedules,
        "rounds": summary.rounds,
        "heights": summary.heights,
        "unsafe": summary.unsafe,
        "undecided": summary.undecided,
        "heights_per_core_second": round(_rate(summary), 1),
        "failures": [{"replay": seed, "what": what} for seed, what in summary.failures[:100]],
    }


def _tell(campaign: Campaign, summary: Summary) -> int:
    print(f"schedules  {summary.schedules:>10,}")
    print(f"rounds     {summary.rounds:>10,}   of which decided {summary.heights:,}")
    print(f"unsafe     {summary.unsafe:>10,}")
    print(f"undecided  {summary.undecided:>10,}")
    print(f"speed      {_rate(summary):>10,.0f}   heights/s on one core")
    for seed, what in summary.failures[:3]:
        mutant = f" --mutant {campaign.mutant}" if campaign.mutant else ""
        print(f"{what}\n    replay: --protocol {campaign.protocol} --nodes {campaign.nodes}{mutant} --replay {seed}")
    found = bool(summary.failures)
    if campaign.mutant is not None:
        print(f"the bug {campaign.mutant} was {'found' if found else 'NOT found'}")
        return int(not found)
    return int(found)


def _rate(summary: Summary) -> float:
    return summary.heights / summary.core_seconds if summary.core_seconds else 0.0


def _replay(campaign: Campaign, seed: int) -> int:
    with planted(campaign.mutant):
        world = world_of(campaign, seed, trace=print)
        print(world.faults)
        result = world.run()
    for violation in result.violations:
        print(f"UNSAFE: {violation}")
    print(result.undecided or f"{result.rounds} rounds, {result.decided} decided")
    return int(result.failure is not None)


if __name__ == "__main__":
    sys.exit(main())
