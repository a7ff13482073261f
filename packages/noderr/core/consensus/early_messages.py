"""Messages of rounds that others began a moment before: which may come, and where they wait until we open them too."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from noderr.core.consensus.actions import Payload
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.vote_round import check_certificate
from noderr.types.consensus import Certificate, Reason, RefusedMessage, check_signature
from noderr.types.signing.account_key import checksum_address

type RoundKey = tuple[int, bytes]
"""Number and topic."""

# What a message takes in memory at most: its objects, and what they hold for each of its bytes on the wire. Measured;
# a report of many reveals that have seen nothing takes most, a vote less than half.
_OBJECT_BYTES = 512
_BYTES_PER_BYTE = 8


def check_due(number: int, due: int) -> None:
    """Nothing, if round `number` may be begun while the clock says `due`: clocks differ by less than a slot.

    Raises `RefusedMessage`.
    """
    if number < due - 1:
        raise RefusedMessage(Reason.REPLAYED, f"round {number} is over, this is round {due}")
    if number > due + 1:
        raise RefusedMessage(Reason.FUTURE, f"round {number} is not due, this is round {due}")


def check_proven(payload: Payload, context: RoundContext, now_ns: int) -> None:
    """Nothing, if one of our voters signed it, or if it is a certificate that decides. Raises `RefusedMessage`."""
    if isinstance(payload, Certificate):
        check_certificate(payload, context, now_ns)
        return
    message, voters = payload.message, context.voters
    if (message.tier, message.epoch) != (voters.tier, voters.epoch):
        raise RefusedMessage(Reason.WRONG_EPOCH, f"a message of tier {message.tier}, epoch {message.epoch}")
    if payload.signer not in voters.weights:
        raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(payload.signer)} does not vote in this epoch")
    check_signature(payload, context.domain, context.signatures)


class _Place(NamedTuple):
    """Certificates have many signers: they share one place in a round, under nobody's name."""

    key: RoundKey
    signer: bytes
    kind: type
    view: int
    is_second: bool = False


class EarlyMessages:
    """Where a voter may say one thing, one message of it waits, and a second one that differs: the two are evidence.

    Each voter has `share_bytes` of memory, where its newest messages push out its own oldest: nobody takes another's
    place, once `check_proven` has shown who signed. So a round has two messages of a kind from each voter to check when
    it opens, fewer than a bundle may bring at any time (a voter's reports of ever more views are refused unchecked).
    """

    def __init__(self, share_bytes: int) -> None:
        self._share = share_bytes
        self._waiting: dict[RoundKey, dict[_Place, Payload]] = {}
        self._sizes: dict[bytes, dict[_Place, int]] = {}
        self._held: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def refusal(self, key: RoundKey, payload: Payload) -> RefusedMessage | None:
        """Why it would not be kept. Nothing is checked for that: ask it before `check_proven`."""
        place = self._place(key, payload)
        return place if isinstance(place, RefusedMessage) else None

    def keep(self, key: RoundKey, payload: Payload, size: int) -> None:
        """`size` is what it has on the wire, in bytes. Nothing, if there is a `refusal`, or no room for it at all."""
        place, held = self._place(key, payload), _OBJECT_BYTES + _BYTES_PER_BYTE * size
        if isinstance(place, RefusedMessage) or held > self._share:
            return
        sizes = self._sizes.setdefault(place.signer, {})
        while self._held[place.signer] + held > self._share:
            oldest = next(iter(sizes))
            self._free(oldest)
            waiting = self._waiting[oldest.key]
            del waiting[oldest]
            if not waiting:
                del self._waiting[oldest.key]
        self._waiting.setdefault(key, {})[place] = payload
        sizes[place] = held
        self._held[place.signer] += held

    def take(self, key: RoundKey) -> list[Payload]:
        """Those of this round, in the order in which they came; they wait no more."""
        taken = self._waiting.pop(key, {})
        for place in taken:
            self._free(place)
        return list(taken.values())

    def _free(self, place: _Place) -> None:
        self._held[place.signer] -= self._sizes[place.signer].pop(place)

    def _place(self, key: RoundKey, payload: Payload) -> _Place | RefusedMessage:
        waiting = self._waiting.get(key, {})
        if isinstance(payload, Certificate):
            place = _Place(key, b"", Certificate, 0)
            return RefusedMessage(Reason.DUPLICATE, "a certificate waits for its round") if place in waiting else place
        message = payload.message
        place = _Place(key, payload.signer, type(message), getattr(message, "view", 0))
        first = waiting.get(place)
        if first is None:
            return place
        if not isinstance(first, Certificate) and first.message == message:
            return RefusedMessage(Reason.DUPLICATE, "this message waits for its round")
        second = place._replace(is_second=True)
        if second in waiting:
            return RefusedMessage(Reason.EQUIVOCATION, "two that differ wait for their round, and are evidence enough")
        return second
