"""Ten oracles as members of one committee: seven real processes, and three liars with connections and keys as real."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from noderr.types.signing.account_key import checksum_address
from tests.agreement.history import History, counted
from tests.agreement.liars import Noise, TwoFaced, VotesForAll
from tests.agreement.oracles import OracleProcesses

_ROUND_MS = 3_000
_ROUNDS = 12
_START_SECONDS = 120
# In the order of leading; two in a row, so that two rounds one after the other may come to nothing.
_LIARS = (2, 3, 7)
_STALL_ROUNDS = 3
_REASONS = {
    "bad-signature",
    "duplicate",
    "equivocation",
    "future",
    "malformed",
    "no-quorum",
    "not-a-member",
    "oversized",
    "replayed",
    "unproven",
    "wrong-chain",
    "wrong-epoch",
    "wrong-leader",
}


async def test_seven_oracles_go_on_agreeing_whatever_three_liars_do(tmp_path: Path) -> None:
    network = OracleProcesses(10, tmp_path, round_ms=_ROUND_MS)
    order = sorted(network.oracles, key=lambda member: member.account.address)
    liars = [
        kind(network, order[place], random.Random(place))
        for kind, place in zip((TwoFaced, VotesForAll, Noise), _LIARS, strict=True)
    ]
    honest = [member for place, member in enumerate(order) if place not in _LIARS]
    history, refused, accused = History(), Counter[str](), Counter[str]()
    with httpx.Client(timeout=5.0, trust_env=False) as client:

        async def look_until(condition: Callable[[], bool], seconds: float) -> None:
            deadline = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < deadline, f"decided: {sorted(history.decided)} in {seconds} s"
                await asyncio.sleep(_ROUND_MS / 4_000)
                await asyncio.to_thread(history.look, client, honest)

        try:
            async with AsyncExitStack() as stack:
                for liar in liars:
                    stack.push_async_callback(liar.peer.close)
                    await liar.start()
                for member in honest:
                    network.start(member)
                await look_until(lambda: all(history.by(member.name) for member in honest), _START_SECONDS)
                began = max(history.decided)
                # A round in which no liar leads is decided by all, so this is soon enough.
                wanted, seconds = began + _ROUNDS, (_ROUNDS + _STALL_ROUNDS + 2) * _ROUND_MS / 1_000
                await look_until(lambda: all(max(history.by(one.name)) >= wanted for one in honest), seconds)
            for member in honest:
                for labels, count in counted(client, member, "noderr_consensus_refused_total").items():
                    refused[labels[0]] += int(count)
                assert sum(counted(client, member, "noderr_consensus_equivocations_total").values()) >= 1
                accused.update(str(line["offender"]) for line in network.logged(member, "equivocation"))
        finally:
            network.down()
    lies: Counter[str] = sum((liar.lies for liar in liars), Counter())
    print(f"lies {dict(lies)}\nrefused {dict(refused)}\naccused {dict(accused)}")
    print(f"{len([one for one in history.decided if one > began])} of {_ROUNDS} rounds, gap {history.longest_gap}")
    assert [fault for liar in liars for fault in liar.faults] == []
    assert history.contradictions == []
    assert history.longest_gap <= _STALL_ROUNDS
    everywhere = set.intersection(*(history.by(member.name) for member in honest))
    assert len([number for number in everywhere if number > began]) >= _ROUNDS // 2
    assert all(
        told.content is not None and told.content.startswith("BUY M0/USD: +1.000")
        for number in everywhere
        for told in history.decided[number].values()
    )
    assert min(lies.values()) >= 1
    assert set(refused) >= _REASONS
    two = {checksum_address(liar.account.address) for liar in liars[:2]}
    assert set(accused) == two
