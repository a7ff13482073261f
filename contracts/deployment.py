"""Registry and verifier on a chain, an epoch of voters in them, and the same voters in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.evm import NOW_S, Contract, Evm, Receipt
from noderr.types.consensus import Certificate, Choice, Vote, VoterSet, make_certificate, sign
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey

ADMIN = b"\xad" * 20
TIER = 3
CHAIN_ID = 84532


@dataclass(frozen=True)
class Deployment:
    """A registry, whose admin also publishes and pauses, and the verifier that reads it."""

    evm: Evm
    registry: Contract
    verifier: Contract

    @property
    def domain(self) -> Domain:
        """What a vote is signed for to count here."""
        return Domain("NodeOS", "1", self.evm.chain_id, self.verifier.address)

    def publish(self, voters: VoterSet) -> Receipt:
        """Make it the current epoch of its tier."""
        weights = [voters.weights[voter] for voter in voters.voters]
        return self.registry.send(ADMIN, "publishEpoch", voters.tier, voters.epoch, voters.voters, weights)


def deploy(chain_id: int = CHAIN_ID, now_s: int = NOW_S) -> Deployment:
    """Both contracts on a chain of their own."""
    evm = Evm(chain_id, now_s)
    registry = evm.deploy("NodeRegistry", 0, ADMIN, sender=ADMIN)
    for role in ("PUBLISHER_ROLE", "PAUSER_ROLE"):
        registry.send(ADMIN, "grantRole", registry.read(role), ADMIN)
    return Deployment(evm, registry, evm.deploy("CertificateVerifier", registry.address, sender=ADMIN))


def account_keys(count: int) -> list[AccountKey]:
    """That many keys, always the same, ascending by address."""
    keys = (AccountKey(number.to_bytes(32, "big")) for number in range(1, count + 1))
    return sorted(keys, key=lambda key: key.address)


def voter_set(keys: Iterable[AccountKey], weights: Iterable[int], epoch: int) -> VoterSet:
    """The oracles of an epoch."""
    return VoterSet(TIER, epoch, {key.address: weight for key, weight in zip(keys, weights, strict=True)})


def vote(epoch: int, expires_at_s: int, **changes: Any) -> Vote:
    """A vote of an oracle."""
    members: dict[str, Any] = {"round": 5, "topic": b"\1" * 32, "subject": b"\2" * 32, "choice": Choice.APPROVE}
    return Vote(**{"tier": TIER, "epoch": epoch, "expires_at_s": expires_at_s, **members, **changes})


def certificate_of(keys: Sequence[AccountKey], said: Vote, domain: Domain) -> Certificate:
    """Signed by all of these."""
    return make_certificate(sign(said, key, domain) for key in keys)
