"""Four oracles of which one is killed with kill -9 and started again, over and over: no stall, nothing signed twice.

`AGREEMENT_KILL_SECONDS` is how long it goes on.
"""

from __future__ import annotations

import os
import random
import time
from copy import replace
from pathlib import Path

import httpx

from tests.agreement.history import History, counted
from tests.agreement.journals import contradictions
from tests.agreement.observing_node import markets
from tests.agreement.oracles import OracleProcesses
from tests.network.plan import Member

_SECONDS = float(os.environ.get("AGREEMENT_KILL_SECONDS", "45"))
_ROUND_MS = 1_000
_START_SECONDS = 60
_BACK_SECONDS = 45
# A kill may fall into the moment when what only the killed one knew was needed.
_STALL_ROUNDS = 5
_LOOK_SECONDS = 0.2


class Killing:
    """The oracles, what they decided, and how often one was killed."""

    def __init__(self, network: OracleProcesses, client: httpx.Client) -> None:
        self.network = network
        self.client = client
        self.history = History()
        self.kills = 0
        self.slowest_return = 0.0
        self.accusations = 0.0

    def look(self) -> None:
        time.sleep(_LOOK_SECONDS)
        self.history.look(self.client, self.network.oracles)

    def await_decisions(self, member: Member, after: int, seconds: float) -> None:
        """Wait until this oracle has decided two rounds above `after`."""
        deadline = time.monotonic() + seconds
        while len([number for number in self.history.by(member.name) if number > after]) < 2:
            assert time.monotonic() < deadline, f"{member.name} decides nothing for {seconds} s after its start"
            self.look()

    def kill(self, member: Member) -> None:
        self.accusations += sum(counted(self.client, member, "noderr_consensus_equivocations_total").values())
        self.network.kill(member)
        killed = time.monotonic()
        self.network.start(member)
        self.kills += 1
        self.history.look(self.client, self.network.oracles)
        self.await_decisions(member, max(self.history.decided), _BACK_SECONDS)
        self.slowest_return = max(self.slowest_return, time.monotonic() - killed)


def test_oracles_that_are_killed_again_and_again_agree_and_sign_nothing_twice(tmp_path: Path) -> None:
    network = OracleProcesses(4, tmp_path, round_ms=_ROUND_MS)
    randomness = random.Random(4)
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        killing = Killing(network, client)
        try:
            for member in network.oracles:
                network.start(member)
            for member in network.oracles:
                killing.await_decisions(member, -1, _START_SECONDS)
            first = max(killing.history.decided)
            ends = time.monotonic() + _SECONDS
            while time.monotonic() < ends:
                killing.kill(randomness.choice(network.oracles))
            for member in network.oracles:
                killing.accusations += sum(counted(client, member, "noderr_consensus_equivocations_total").values())
        finally:
            network.down()
    history = killing.history
    rounds = max(history.decided) - first
    decided = len([number for number in history.decided if number > first])
    print(
        f"{killing.kills} kills in {_SECONDS:.0f} s; {decided} of {rounds} rounds decided, longest gap "
        f"{history.longest_gap}; back and deciding after {killing.slowest_return:.1f} s at most"
    )
    assert killing.kills >= 3
    assert history.contradictions == []
    assert history.longest_gap <= _STALL_ROUNDS
    assert killing.accusations == 0
    assert [one for member in network.oracles for one in network.logged(member, "equivocation")] == []
    assert contradictions(network, markets(1)[0], history) == []
    # Had they signed something else than the certificates say, the journals would tell.
    assert len(contradictions(network, markets(1)[0], _falsified(history))) >= rounds


def _falsified(history: History) -> History:
    other = History()
    for number, told in history.decided.items():
        other.decided[number] = {name: replace(one, subject="0x" + "ab" * 32) for name, one in told.items()}
    return other
