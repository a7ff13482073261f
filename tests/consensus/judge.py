"""Watches all that is signed and decided, and says what must never happen. It shares no code with what it judges."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from noderr.core.consensus.actions import Decided
from noderr.types.consensus import (
    Certificate,
    Evidence,
    ProtocolMessage,
    Signatures,
    Signed,
    Vote,
    VoterSignature,
)
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.eip712 import Domain, typed_data_digest
from noderr.types.signing.errors import SignatureError
from tests.consensus.oracle_judge import OracleJudge

type _Slot = tuple[object, ...]


@dataclass
class Judge:
    """`weights` are those of the voters; whoever is in `faulty` may do anything."""

    weights: Mapping[bytes, int]
    faulty: Set[bytes]
    domain: Domain
    signatures: Signatures
    violations: list[str] = field(default_factory=list)
    oracles: OracleJudge = field(init=False)
    _said: dict[_Slot, ProtocolMessage] = field(default_factory=dict)
    _votes: dict[_Slot, dict[_Slot, set[bytes]]] = field(default_factory=dict)
    _proven: dict[_Slot, _Slot] = field(default_factory=dict)
    _voted: dict[_Slot, set[tuple[bytes, int, bytes]]] = field(default_factory=dict)
    _accused: set[_Slot] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.oracles = OracleJudge(len(self.weights), self.faulty, self.violations)
        self._total = sum(self.weights.values())

    def on_signed(self, voter: bytes, message: ProtocolMessage) -> None:
        """Somebody used its key."""
        slot = (voter, message.TYPE.name, message.epoch, message.round, message.topic, getattr(message, "view", 0))
        if voter not in self.faulty and not _same(self._said.setdefault(slot, message), message):
            self.violations.append(f"honest {_short(voter)} signed two {message.TYPE.name} in round {message.round}")
        if isinstance(message, Vote):
            outcomes = self._votes.setdefault((message.epoch, message.round, message.topic), {})
            outcome = (message.subject, message.choice, message.expires_at_s)
            outcomes.setdefault(outcome, set()).add(voter)
            self._check_quorums(message.round, outcomes)
        else:
            self.oracles.on_signed(voter, message)

    def on_certificate(self, voter: bytes, certificate: Certificate, now_ns: int) -> None:
        """A voter holds this for the proof that its round is decided."""
        place = f"round {certificate.round}"
        key = (certificate.epoch, certificate.round, certificate.topic)
        said = (certificate.tier, *key, certificate.subject, certificate.choice, certificate.expires_at_s)
        proven = self._voted.setdefault(said, set())
        signers = {part.voter for part in certificate.signatures if self._has_voted(certificate, part, proven)}
        if not self._is_quorum(signers):
            self.violations.append(f"{_short(voter)} decided {place} on {len(signers)} signatures, which are no quorum")
        if now_ns >= (certificate.expires_at_s + 1) * 10**9:
            self.violations.append(f"{_short(voter)} decided {place} on a certificate that had expired")
        found = (certificate.subject, int(certificate.choice))
        if self._proven.setdefault(key, found) != found:
            self.violations.append(f"{place} was decided twice, differently")

    def on_decided(self, decided: Decided) -> None:
        """A voter says what was decided."""
        if isinstance(decided.content, AgreedSignal):
            self.oracles.on_decided(decided.certificate, decided.content)

    def on_accused(self, evidence: Evidence[ProtocolMessage]) -> None:
        """A voter says that somebody said two things."""
        first, second = evidence.first, evidence.second
        key = (first.message.struct_hash, first.signature, second.message.struct_hash, second.signature)
        if key in self._accused:
            return
        self._accused.add(key)
        is_proof = first.signer == second.signer and not _same(first.message, second.message)
        if not (is_proof and self._is_signed(first) and self._is_signed(second)):
            self.violations.append(f"{_short(first.signer)} is accused, and nothing is proven")
        if first.signer not in self.faulty:
            self.violations.append(f"honest {_short(first.signer)} is accused")

    def _has_voted(self, certificate: Certificate, part: VoterSignature, proven: set[tuple[bytes, int, bytes]]) -> bool:
        """Whether this part of a certificate is signed; those that are known to be are in `proven`."""
        key = (part.voter, part.codes, part.signature)
        if key not in proven and self._is_signed(Signed(certificate.vote_of(part), part.voter, part.signature)):
            proven.add(key)
        return key in proven

    def _is_signed(self, signed: Signed[ProtocolMessage] | Signed[Vote]) -> bool:
        digest = typed_data_digest(self.domain, signed.message.TYPE, _struct(signed.message))
        try:
            return self.signatures.recover(digest, signed.signature) == signed.signer
        except SignatureError:
            return False

    def _check_quorums(self, round_: int, outcomes: Mapping[_Slot, set[bytes]]) -> None:
        if len(outcomes) > 1 and sum(map(self._is_quorum, outcomes.values())) > 1:
            self.violations.append(f"round {round_} has votes for two certificates")

    def _is_quorum(self, voters: Set[bytes]) -> bool:
        weight = sum(self.weights.get(voter, 0) for voter in voters)
        return weight * 3 >= self._total * 2 + 1


def _same(first: ProtocolMessage, second: ProtocolMessage) -> bool:
    return first is second or _struct(first) == _struct(second)


def _struct(message: ProtocolMessage) -> dict[str, object]:
    return dict(message.struct())  # type: ignore[attr-defined]  # Every message of ours has one.


def _short(voter: bytes) -> str:
    return f"voter {int.from_bytes(voter, 'big')}"
