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


def _memory(size: int) -> int:
    return _OBJECT_BYTES + _BYTES_PER_BYTE * size


class _Place(NamedTuple):
    """In a round. Certificates have many signers: they share one, under nobody's name."""

    signer: bytes
    kind: type
    view: int
    is_second: bool = False


class EarlyMessages:
    """Where a voter may say one thing, one message of it waits, and a second one that differs: the two are evidence.

    Each voter has `share_bytes` of memory: nobody takes another's place, once `check_proven` has shown who signed. What
    has no place is not checked. A round that opens has two messages of each kind from each voter to check: 90 from
    fifteen oracles, a third of what one bundle may bring. A voter's reports of ever more views are refused before that.
    """

    def __init__(self, share_bytes: int) -> None:
        self._share = share_bytes
        self._waiting: dict[RoundKey, dict[_Place, tuple[Payload, int]]] = {}
        self._held: Counter[bytes] = Counter()
        self._oldest = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def refusal(self, key: RoundKey, payload: Payload, size: int) -> RefusedMessage | None:
        """Why a message that has `size` bytes on the wire would not be kept. It is cheap: ask before `check_proven`."""
        place = self._place(key, payload)
        if isinstance(place, RefusedMessage):
            return place
        if self._held[place.signer] + _memory(size) > self._share:
            return RefusedMessage(Reason.BUSY, "as much as may waits for rounds already: send it again later")
        return None

    def keep(self, key: RoundKey, payload: Payload, size: int) -> None:
        """Nothing, if there is a `refusal`."""
        place = self._place(key, payload)
        if isinstance(place, RefusedMessage) or self._held[place.signer] + _memory(size) > self._share:
            return
        self._waiting.setdefault(key, {})[place] = payload, _memory(size)
        self._held[place.signer] += _memory(size)

    def take(self, key: RoundKey) -> list[Payload]:
        """Those of this round, in the order in which they came; they wait no more."""
        taken = self._waiting.pop(key, {})
        for place, (_, held) in taken.items():
            self._held[place.signer] -= held
        return [payload for payload, _ in taken.values()]

    def forget_before(self, number: int) -> None:
        """Rounds before this one are not begun any more."""
        if number > self._oldest:
            self._oldest = number
            for key in [key for key in self._waiting if key[0] < number]:
                self.take(key)

    def _place(self, key: RoundKey, payload: Payload) -> _Place | RefusedMessage:
        waiting = self._waiting.get(key, {})
        if isinstance(payload, Certificate):
            place = _Place(b"", Certificate, 0)
            return RefusedMessage(Reason.DUPLICATE, "a certificate waits for its round") if place in waiting else place
        message = payload.message
        place = _Place(payload.signer, type(message), getattr(message, "view", 0))
        first = waiting.get(place)
        if first is None:
            return place
        if not isinstance(first[0], Certificate) and first[0].message == message:
            return RefusedMessage(Reason.DUPLICATE, "this message waits for its round")
        second = place._replace(is_second=True)
        if second in waiting:
            return RefusedMessage(Reason.EQUIVOCATION, "two that differ wait for their round, and are evidence enough")
        return second
