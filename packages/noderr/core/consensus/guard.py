"""The double-sign guard: what is about to be signed is on disk first, and what was signed is never contradicted.

The rules are those of EIP-3076 for blocks, with our rounds for its slots: nothing at or below the watermark, nothing
else where something is, and the same again as often as one likes. Whoever holds the key holds it through `GuardedKey`.

A journal restored from a backup does not know what was signed after the backup. `refuse_through` is for that: at every
start, everything that began before the start is refused, whatever the journal says.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from noderr.core.consensus.errors import DoubleSignError, GuardError, TooOldError
from noderr.core.consensus.journal import Disk, Journal
from noderr.types.consensus import ProtocolMessage, Signed
from noderr.types.consensus.batch_signature import split_batch
from noderr.types.eip712 import Domain
from noderr.types.keccak import keccak256

# Kind of record, tier, epoch, round, view, place (type and topic), digest.
_RECORD = struct.Struct(">cBQQI32s32s")
_SIGNED, _WATERMARK = b"s", b"w"
_NONE = b"\0" * 32

_KEEP_RECORDS = 4096


class SigningKey(Protocol):
    """Signs digests; an `AccountKey`, or what stands for one in the simulator."""

    address: bytes

    def sign(self, digest: bytes) -> bytes: ...


type _Place = tuple[int, int, int, int, bytes]
type _Round = tuple[int, int]


class Guard:
    """What one voter has signed. Its calls block on the disk: a service calls them in a thread, one at a time."""

    def __init__(self, disk: Disk, *, keep_records: int = _KEEP_RECORDS) -> None:
        """Read the journal. Raises `GuardDamagedError` and `OSError`."""
        self._journal = Journal(disk, _RECORD.size)
        self._keep = keep_records
        self._compact_at = 2 * keep_records
        self._digests: dict[_Place, bytes] = {}
        self._watermarks: dict[int, _Round] = {}
        for record in self._journal.records:
            self._learn(record)

    def __len__(self) -> int:
        return len(self._digests)

    def watermark(self, tier: int) -> _Round | None:
        """The epoch and round through which this tier's messages are refused."""
        return self._watermarks.get(tier)

    def permit(self, message: ProtocolMessage, digest: bytes) -> None:
        """Return when `digest` may be signed, which the disk then knows. Raises `GuardError` and `OSError`."""
        place = _place(message)
        if self._digests.get(place) == digest:
            return
        refused = self._refusal(message, place, digest, {})
        if refused is not None:
            raise refused
        self._write({place: digest})

    def permit_all(self, asked: Sequence[tuple[ProtocolMessage, bytes]]) -> list[GuardError | None]:
        """The same for many messages with their digests; those that are permitted reach the disk together.

        Raises `OSError`; nothing may be signed then. At most `MOST_AT_ONCE` messages.
        """
        permitted: dict[_Place, bytes] = {}
        refused: list[GuardError | None] = []
        for message, digest in asked:
            place = _place(message)
            refusal = self._refusal(message, place, digest, permitted)
            refused.append(refusal)
            if refusal is None and self._digests.get(place) is None:
                permitted[place] = digest
        if permitted:
            self._write(permitted)
        return refused

    def _write(self, permitted: Mapping[_Place, bytes]) -> None:
        if len(self._journal.records) >= self._compact_at:
            self._compact()
        self._journal.append([_RECORD.pack(_SIGNED, *place, digest) for place, digest in permitted.items()])
        self._digests.update(permitted)

    def _refusal(
        self, message: ProtocolMessage, place: _Place, digest: bytes, permitted: Mapping[_Place, bytes]
    ) -> GuardError | None:
        before = self._digests.get(place) or permitted.get(place)
        if before == digest:
            return None
        if before is not None:
            return DoubleSignError(
                f"another {_where(message)} was signed already, of digest {before.hex()[:16]}…: it stays the one"
            )
        watermark = self._watermarks.get(message.tier)
        if watermark is not None and (message.epoch, message.round) <= watermark:
            return TooOldError(
                f"a {_where(message)} lies at or before epoch {watermark[0]}, round {watermark[1]}, "
                "and what was signed there is not known for sure"
            )
        return None

    def refuse_through(self, tier: int, epoch: int, round_: int) -> None:
        """Sign nothing of this tier at or before this round any more. Raises `OSError`."""
        if (epoch, round_) > self._watermarks.get(tier, (-1, -1)):
            self._journal.append([_RECORD.pack(_WATERMARK, tier, epoch, round_, 0, _NONE, _NONE)])
            self._watermarks[tier] = (epoch, round_)

    def _learn(self, record: bytes) -> None:
        kind, tier, epoch, round_, view, name, digest = _RECORD.unpack(record)
        if kind == _WATERMARK:
            self._watermarks[tier] = max((epoch, round_), self._watermarks.get(tier, (-1, -1)))
        else:
            self._digests[tier, epoch, round_, view, name] = digest

    def _compact(self) -> None:
        """Forget the older half; the watermark says from then on that it is forgotten. Rounds that are under way stay,
        however much has been signed in them: those from the one before the newest on.
        """
        by_round = sorted(self._digests, key=lambda place: (place[1], place[2]))
        newest = {place[0]: (place[1], place[2]) for place in by_round}
        older = by_round[: max(0, len(by_round) - self._keep)]
        dropped = [place for place in older if (place[1], place[2] + 1) < newest[place[0]]]
        for tier in {place[0] for place in dropped}:
            last = max((place[1], place[2]) for place in dropped if place[0] == tier)
            self._watermarks[tier] = max(last, self._watermarks.get(tier, (-1, -1)))
        kept = [place for place in by_round if (place[1], place[2]) > self._watermarks.get(place[0], (-1, -1))]
        self._digests = {place: self._digests[place] for place in kept}
        self._journal.rewrite(
            [
                *(_RECORD.pack(_WATERMARK, tier, *mark, 0, _NONE, _NONE) for tier, mark in self._watermarks.items()),
                *(_RECORD.pack(_SIGNED, *place, digest) for place, digest in self._digests.items()),
            ]
        )
        self._compact_at = max(2 * self._keep, 2 * len(self._journal.records))


def _where(message: ProtocolMessage) -> str:
    return f"{message.TYPE.name} of epoch {message.epoch}, round {message.round}"


def _place(message: ProtocolMessage) -> _Place:
    name = _name(message.TYPE.type_hash, message.topic)
    return message.tier, message.epoch, message.round, getattr(message, "view", 0), name


@lru_cache(maxsize=1024)
def _name(type_hash: bytes, topic: bytes) -> bytes:
    """The same markets come back in every round."""
    return keccak256(type_hash + topic)


class GuardedKey:
    """The key and its guard: the one way to a signature."""

    def __init__(self, key: SigningKey, guard: Guard, domain: Domain) -> None:
        self._key = key
        self._guard = guard
        self._domain = domain
        self.address = key.address

    def sign[M: ProtocolMessage](self, message: M) -> Signed[M]:
        """Raises `GuardError` and `OSError`; nothing is signed then."""
        self._guard.permit(message, message.digest_in(self._domain))
        return self._signed(message)

    def permit_all(self, messages: Sequence[ProtocolMessage]) -> list[GuardError | None]:
        """What stands against signing each of them, if anything does. What may be signed is on the disk then, so that
        `sign` waits for nothing. Raises `OSError`.
        """
        return self._guard.permit_all([(message, message.digest_in(self._domain)) for message in messages])

    def sign_all(self, messages: Sequence[ProtocolMessage]) -> list[Signed[ProtocolMessage]]:
        """Those that may be in a batch share a signature. Raises `GuardError` and `OSError`; nothing is signed then."""
        for refusal in self.permit_all(messages):
            if refusal is not None:
                raise refusal
        batch = [message for message in messages if message.IN_BATCHES]
        if len(batch) < 2:
            return [self._signed(message) for message in messages]
        digest, proofs = split_batch([message.digest_in(self._domain) for message in batch], self._domain)
        signature = self._key.sign(digest)
        of_batch = iter(proofs)
        return [
            Signed(message, self.address, signature + next(of_batch)) if message.IN_BATCHES else self._signed(message)
            for message in messages
        ]

    def _signed[M: ProtocolMessage](self, message: M) -> Signed[M]:
        """By its own signature; the guard has permitted it."""
        return Signed(message, self.address, self._key.sign(message.digest_in(self._domain)))
