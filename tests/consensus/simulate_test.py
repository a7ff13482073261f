"""The simulation finds every bug that is planted, nothing where none is, and the same again from the same seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consensus.campaign import Campaign, run, schedule_seed, world_of
from tests.consensus.mutants import MUTANTS, planted
from tests.consensus.protocols import PROTOCOLS
from tests.consensus.schedule import NO_FAULTS
from tests.consensus.simulate import main

_ENOUGH = 300
"""Schedules within which every bug is found."""

BUGS = [(name, protocol) for name, mutant in MUTANTS.items() for protocol in mutant.protocols]


@pytest.mark.parametrize("nodes", [4, 7])
@pytest.mark.parametrize(("name", "protocol"), BUGS)
def test_every_bug_is_found_and_for_the_right_reason(name: str, protocol: str, nodes: int) -> None:
    campaign = Campaign(protocol=protocol, nodes=nodes, schedules=_ENOUGH, seed=7, mutant=name)
    with planted(name):
        found = (world_of(campaign, schedule_seed(7, index)).run().failure for index in range(_ENOUGH))
        failure = next(filter(None, found), None)
    assert failure is not None, f"{_ENOUGH} schedules did not find it"
    assert any(finding in failure for finding in MUTANTS[name].findings), failure


@pytest.mark.parametrize("nodes", [4, 7])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_a_bug_nothing_is_found(protocol: str, nodes: int) -> None:
    *_, summary = run(Campaign(protocol=protocol, nodes=nodes, schedules=2000, seed=2026))
    assert summary.schedules == 2000
    assert summary.failures == []
    assert (summary.unsafe, summary.undecided) == (0, 0)
    assert summary.heights > summary.schedules, "at least one round is decided in each, and mostly more"
    assert summary.rounds > summary.heights, "and some rounds are not"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_faults_every_round_is_decided(protocol: str) -> None:
    *_, summary = run(Campaign(protocol=protocol, nodes=4, schedules=3, seed=1, faults=False), jobs=1)
    rounds = 3 * NO_FAULTS.rounds
    assert (summary.schedules, summary.rounds, summary.heights) == (3, rounds, rounds)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_seed_is_the_same_schedule(protocol: str) -> None:
    def told(seed: int) -> list[str]:
        lines: list[str] = []
        world_of(Campaign(protocol=protocol, nodes=4, schedules=1, seed=0), seed, trace=lines.append).run()
        return lines

    seeds = [schedule_seed(7, index) for index in range(20)]
    assert [told(seed) for seed in seeds] == [told(seed) for seed in seeds]
    assert told(seeds[0]) != told(seeds[1])


def test_the_same_seed_is_the_same_schedule_in_another_process() -> None:
    command = ["--protocol", "oracle", "--replay", str(schedule_seed(7, 3))]
    told = {_run(*command, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(told) == 1
    assert told.pop().count("\n") > 50


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.consensus.simulate", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_replay_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", str(schedule_seed(7, 0))]) == 0
    assert "rounds, " in capsys.readouterr().out
    assert main(["--replay", str(schedule_seed(7, 0)), "--mutant", "quorum-off-by-one"]) == 1
    assert "UNSAFE: " in capsys.readouterr().out


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "figures.json"
    command = ["--protocol", "guardian", "--nodes", "5", "--schedules", "30", "--seed", "3", "--jobs", "1"]
    assert main([*command, "--json", str(report)]) == 0
    figures = json.loads(report.read_text(encoding="utf-8"))
    speed = figures.pop("heights_per_core_second")
    rounds, heights = figures.pop("rounds"), figures.pop("heights")
    assert figures == {
        "protocol": "guardian",
        "nodes": 5,
        "seed": 3,
        "mutant": None,
        "schedules": 30,
        "unsafe": 0,
        "undecided": 0,
        "failures": [],
    }
    assert rounds >= heights >= 30
    assert speed > 0
    assert "unsafe              0" in capsys.readouterr().out


def test_a_bug_that_is_found_can_be_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "figures.json"
    command = ["--mutant", "quorum-off-by-one", "--schedules", "5", "--jobs", "1", "--json", str(report)]
    assert main(command) == 0, "finding the bug is the success"
    assert "the bug quorum-off-by-one was found" in capsys.readouterr().out
    failure = json.loads(report.read_text(encoding="utf-8"))["failures"][0]
    assert main(["--mutant", "quorum-off-by-one", "--replay", str(failure["replay"])]) == 1
    assert f"UNSAFE: {failure['what']}" in capsys.readouterr().out


def test_exit_codes_say_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schedules", "1", "--jobs", "1", "--mutant", "expired-certificates-accepted"]) == 1
    assert "was NOT found" in capsys.readouterr().out
    with planted("quorum-off-by-one"):
        assert main(["--schedules", "5", "--jobs", "1"]) == 1
    assert "replay: --protocol oracle" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nodes", "0"], "0 voters: give 4 to 64"),
        (["--nodes", "3"], "fewer than 4 tolerate no fault"),
        (["--nodes", "65"], "65 voters: give 4 to 64"),
        (["--nodes", "four"], "invalid"),
        (["--schedules", "0"], "0 is not positive"),
        (["--jobs", "-1"], "-1 is not positive"),
        (["--mutant", "none-such"], "invalid choice: 'none-such'"),
        (["--protocol", "paxos"], "invalid choice: 'paxos'"),
        (["--protocol", "guardian", "--mutant", "subject-not-recomputed"], "is no bug of guardian: plant it in oracle"),
        (["--unknown"], "unrecognized arguments"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert "--replay SEED" in told
    assert all(name in told for name in (*MUTANTS, *PROTOCOLS))
