"""Watches all that is signed and decided, and says what must never happen. It shares no code with what it judges."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from noderr.core.consensus.actions import Decided
from noderr.types.consensus import ProtocolMessage, Signatures, Vote
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.eip712 import Domain, typed_data_digest
from noderr.types.signing.errors import SignatureError

type _Slot = tuple[object, ...]


@dataclass
class Judge:
    """`weights` are those of the voters; whoever is in `faulty` may do anything."""

    weights: Mapping[bytes, int]
    faulty: Set[bytes]
    domain: Domain
    signatures: Signatures
    violations: list[str] = field(default_factory=list)
    _said: dict[_Slot, bytes] = field(default_factory=dict)
    _votes: dict[_Slot, dict[_Slot, set[bytes]]] = field(default_factory=dict)
    _decided: dict[_Slot, tuple[bytes, int]] = field(default_factory=dict)
    _honest_values: dict[int, list[int]] = field(default_factory=dict)

    def on_signed(self, voter: bytes, message: ProtocolMessage) -> None:
        """Somebody used its key."""
        struct = dict(message.struct())  # type: ignore[attr-defined]  # Every message of ours has one.
        digest = typed_data_digest(self.domain, message.TYPE, struct)
        slot = (voter, message.TYPE.name, message.epoch, message.round, message.topic, getattr(message, "view", 0))
        if voter not in self.faulty and self._said.setdefault(slot, digest) != digest:
            self.violations.append(f"honest {_short(voter)} signed two {message.TYPE.name} in round {message.round}")
        if isinstance(message, Vote):
            outcomes = self._votes.setdefault((message.epoch, message.round, message.topic), {})
            outcome = (message.subject, message.choice, message.expires_at_s)
            outcomes.setdefault(outcome, set()).add(voter)
            self._check_quorums(message.round, outcomes)

    def on_observed(self, round_: int, value: int) -> None:
        """An honest oracle observed this."""
        self._honest_values.setdefault(round_, []).append(value)

    def on_decided(self, voter: bytes, decided: Decided) -> None:
        """A voter says that a round is decided."""
        certificate = decided.certificate
        place = f"round {certificate.round}"
        signers = set()
        for part in certificate.signatures:
            vote = certificate.vote_of(part)
            digest = typed_data_digest(self.domain, vote.TYPE, dict(vote.struct()))
            with contextlib.suppress(SignatureError):
                if self.signatures.recover(digest, part.signature) == part.voter:
                    signers.add(part.voter)
        if not self._is_quorum(signers):
            self.violations.append(f"{_short(voter)} decided {place} on {len(signers)} signatures, which are no quorum")
        key = (certificate.epoch, certificate.round, certificate.topic)
        found = (certificate.subject, int(certificate.choice))
        if self._decided.setdefault(key, found) != found:
            self.violations.append(f"{place} was decided twice, differently")
        if isinstance(decided.content, AgreedSignal):
            self._check_value(certificate.round, decided.content)

    def _check_value(self, round_: int, agreed: AgreedSignal) -> None:
        values = self._honest_values.get(round_, [])
        if agreed.signal is not None and not (values and min(values) <= agreed.signal.prediction_e8 <= max(values)):
            self.violations.append(
                f"round {round_} agreed on {agreed.signal.prediction_e8}, outside what the honest saw"
            )

    def _check_quorums(self, round_: int, outcomes: Mapping[_Slot, set[bytes]]) -> None:
        if sum(self._is_quorum(voters) for voters in outcomes.values()) > 1:
            self.violations.append(f"round {round_} has votes for two certificates")

    def _is_quorum(self, voters: Set[bytes]) -> bool:
        weight = sum(self.weights.get(voter, 0) for voter in voters)
        return weight * 3 >= sum(self.weights.values()) * 2 + 1


def _short(voter: bytes) -> str:
    return f"voter {int.from_bytes(voter, 'big')}"
