"""For tests: voters, messages, and a disk that forgets what was not synced."""

from __future__ import annotations

import random
from typing import Any

from noderr.types.consensus import AccountSignatures, Choice, Vote, VoterSet
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey

SECOND_NS = 1_000_000_000
NOW_S = 1_790_000_000
NOW_NS = NOW_S * SECOND_NS
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)


def keys(count: int) -> list[AccountKey]:
    """So many keys, ascending by address, the same every time."""
    return sorted(
        (AccountKey(number.to_bytes(32, "big")) for number in range(1, count + 1)), key=lambda key: key.address
    )


def voter_set(of: list[AccountKey], *, tier: int = 3, epoch: int = 9, weight: int = 10) -> VoterSet:
    """Voters of equal weight."""
    return VoterSet(tier, epoch, {key.address: weight for key in of})


def vote(**changes: Any) -> Vote:
    """A vote with these fields changed."""
    fields: dict[str, Any] = {
        "tier": 3,
        "epoch": 9,
        "round": 5,
        "topic": b"\1" * 32,
        "subject": b"\2" * 32,
        "choice": Choice.APPROVE,
        "expires_at_s": NOW_S + 60,
    }
    return Vote(**(fields | changes))


class CountingSignatures(AccountSignatures):
    """Knows how many signers it was asked to find, which is nearly all of what messages cost."""

    def __init__(self) -> None:
        self.asked = 0

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        self.asked += 1
        return super().recover(digest, signature)


def mutated(content: bytes, randomness: random.Random) -> bytes:
    """The content after one to eight small accidents: bits that fell, parts lost, inserted or repeated."""
    changed = bytearray(content)
    for _ in range(randomness.randint(1, 8)):
        where = randomness.randrange(len(changed) + 1)
        match randomness.randrange(4):
            case 0 if where < len(changed):
                changed[where] ^= 1 << randomness.randrange(8)
            case 1:
                del changed[where : where + randomness.randint(1, 40)]
            case 2:
                changed[where:where] = randomness.randbytes(randomness.randint(1, 40))
            case _:
                changed[where:where] = changed[: randomness.randint(0, 200)]
    return bytes(changed)


class ForgetfulDisk:
    """A `Disk` in memory. `crash` keeps what was synced and any beginning of what was not."""

    def __init__(self) -> None:
        self.synced = b""
        self.written = b""
        self.fails = False
        self.loses_syncs = False
        """Says that it has synced, and has not: what a crash in the middle of a sync leaves."""
        self.syncs = 0

    def read(self) -> bytes:
        return self.synced + self.written

    def append(self, data: bytes) -> None:
        self.written += data

    def sync(self) -> None:
        if self.fails:
            raise OSError("the disk is gone")
        self.syncs += 1
        if self.loses_syncs:
            return
        self.synced, self.written = self.synced + self.written, b""

    def truncate(self, length: int) -> None:
        self.synced, self.written = self.read()[:length], b""

    def replace(self, data: bytes) -> None:
        self.synced, self.written = data, b""

    def crash(self, randomness: random.Random) -> None:
        """Power off: of what was not synced, some beginning may be there, none of it, or all."""
        kept = randomness.randint(0, len(self.written))
        self.synced, self.written = self.synced + self.written[:kept], b""
