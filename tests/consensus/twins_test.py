"""Two correct instances under one key: more than 100,000 schedules, in none of which the honest come to differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.consensus.mutants import planted
from tests.consensus.protocols import PROTOCOLS
from tests.consensus.twins import Count, Job, main, oracle_jobs, run, sampled_jobs, vote_jobs

# Four phases of 16 partitions each.
_ORACLE = 16**4
# 32 judgements, and of each: 16 partitions twice in 2 orders, and 16 partitions in 20 orders.
_VOTES = 32 * (16 * 16 * 2 + 16 * 20)
_SAMPLES = (
    ("oracle", 4, 0, 1_000),
    ("oracle", 7, None, 1_000),
    ("guardian", 7, None, 2_000),
    ("validator", 7, None, 2_000),
)


def test_there_are_more_than_a_hundred_thousand() -> None:
    assert _ORACLE + 2 * _VOTES + sum(schedules for *_, schedules in _SAMPLES) == 124_784


def played(jobs: Sequence[Job]) -> Count:
    """What came of them; nothing bad."""
    *_, count = run(jobs)
    assert count.problems == []
    assert count.next_rounds >= count.played // 8, "each of these next rounds was decided by all"
    return count


def test_oracles_of_which_one_has_a_twin_that_leads() -> None:
    count = played(oracle_jobs())
    assert count.schedules == _ORACLE
    assert count.played > 15_000, "the others differ in partitions of what nobody says"
    assert count.decided == count.played, "a network that heals in the first view decides in it, or in the next"


@pytest.mark.parametrize("protocol", ["guardian", "validator"])
def test_voters_of_which_one_has_a_twin(protocol: str) -> None:
    count = played(vote_jobs(protocol))
    assert count.schedules == count.played == _VOTES
    assert count.played // 2 < count.decided < count.played, "where the honest disagree a twin decides, or nobody"


@pytest.mark.parametrize(("protocol", "nodes", "leader", "schedules"), _SAMPLES)
def test_at_random(protocol: str, nodes: int, leader: int | None, schedules: int) -> None:
    count = played(sampled_jobs(protocol, nodes, schedules, 2026, leader=leader))
    assert count.schedules == count.played == schedules
    assert count.decided > schedules // 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_quorum_that_is_one_too_small_is_found(protocol: str) -> None:
    with planted("quorum-off-by-one"):
        *_, count = run(sampled_jobs(protocol, 4, 250, 7))
    assert any("decided twice, differently" in what or "no quorum" in what for what, _ in count.problems)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "figures.json"
    command = ["--protocol", "guardian", "--nodes", "7", "--schedules", "40", "--jobs", "1", "--json", str(report)]
    assert main(command) == 0
    figures = json.loads(report.read_text(encoding="utf-8"))
    assert (figures["schedules"], figures["played"], figures["problems"]) == (40, 40, [])
    told = capsys.readouterr()
    assert "problems            0" in told.out
    assert "7 voters, 2 of them twins" in told.err
    assert "40/40" in told.err
    with planted("quorum-off-by-one"):
        assert main(command) == 1
    assert json.loads(report.read_text(encoding="utf-8"))["problems"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nodes", "7"], "give --schedules"),
        (["--nodes", "3"], "fewer than 4"),
        (["--schedules", "0"], "0 is not positive"),
        (["--protocol", "raft"], "invalid choice"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err
