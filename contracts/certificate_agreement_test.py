"""Whatever is done to a certificate, Python and the contract say the same of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from contracts.deployment import certificate_of, deploy, vote, voter_set
from contracts.spoiled_draws import CODES, EPOCH, EXPIRIES, KEYS, NOW_S, SUBJECTS, TOPICS, U64, signatures_like
from contracts.spoiling import with_part, with_signature
from contracts.verdicts import contract_certificate, python_certificate
from noderr.types.consensus import Certificate, make_certificate, sign
from noderr.types.eip712 import Domain

SAID = vote(EPOCH, NOW_S + 1)
# Small ones meet exactly two thirds often; three of the others no longer fit in 128 bits.
WEIGHTS = st.one_of(st.integers(1, 4), st.integers(2**127, 2**128 - 1))
FIELDS: list[tuple[str, st.SearchStrategy[Any]]] = [
    ("tier", st.integers(0, 255)),
    ("epoch", U64),
    ("round", U64),
    ("topic", TOPICS),
    ("subject", SUBJECTS),
    ("choice", st.integers(0, 4)),
    ("expires_at_s", EXPIRIES),
]

type Draw = Callable[[st.SearchStrategy[Any]], Any]


def _field(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    name, values = draw(st.sampled_from(FIELDS))
    return copy.replace(certificate, **{name: draw(values)})


def _index(certificate: Certificate, draw: Draw) -> int:
    index: int = draw(st.integers(0, len(certificate.signatures) - 1))
    return index


def _voter(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    return with_part(certificate, _index(certificate, draw), voter=draw(st.sampled_from(KEYS)).address)


def _codes(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    return with_part(certificate, _index(certificate, draw), codes=draw(CODES))


def _signature(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    index = _index(certificate, draw)
    return with_signature(certificate, index, draw(signatures_like(certificate.signatures[index].signature)))


def _exchange(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    one, other = _index(certificate, draw), _index(certificate, draw)
    signatures = [part.signature for part in certificate.signatures]
    return with_signature(with_signature(certificate, one, signatures[other]), other, signatures[one])


def _reorder(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    return copy.replace(certificate, signatures=tuple(draw(st.permutations(certificate.signatures))))


def _repeat(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    index, parts = _index(certificate, draw), certificate.signatures
    return copy.replace(certificate, signatures=(*parts[: index + 1], *parts[index:]))


def _drop(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    index, parts = _index(certificate, draw), certificate.signatures
    return copy.replace(certificate, signatures=(*parts[:index], *parts[index + 1 :]))


def _add(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    """One more, who may be a voter, twice there, or nobody."""
    [part] = certificate_of([draw(st.sampled_from(KEYS))], SAID, domain).signatures
    parts = sorted([*certificate.signatures, part], key=lambda one: one.voter)
    return copy.replace(certificate, signatures=tuple(parts))


def _elsewhere(certificate: Certificate, domain: Domain, draw: Draw) -> Certificate:
    """Signed for another chain, contract, name or version."""
    others: list[dict[str, Any]] = [
        {"chain_id": 1},
        {"verifying_contract": b"\1" * 20},
        {"name": "X"},
        {"version": "2"},
    ]
    other = copy.replace(domain, **draw(st.sampled_from(others)))
    signers = {part.voter for part in certificate.signatures}
    keys = [key for key in KEYS if key.address in signers]
    return certificate_of(keys, SAID, other) if keys else certificate


WAYS = [_add, _elsewhere, _field, _field]
WAYS_WITH_PARTS = [*WAYS, _voter, _codes, _signature, _signature, _exchange, _reorder, _repeat, _drop]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_python_and_the_contract_agree_on_certificates(data: st.DataObject) -> None:
    deployment, draw = deploy(), data.draw
    weights = draw(st.lists(WEIGHTS, min_size=1, max_size=4))
    voters = voter_set(KEYS[: len(weights)], weights, EPOCH)
    deployment.publish(voters)
    signers = draw(st.lists(st.sampled_from(KEYS[: len(weights)]), min_size=1, unique_by=lambda key: key.address))
    votes = [sign(copy.replace(SAID, codes=draw(CODES)), key, deployment.domain) for key in signers]
    certificate = make_certificate(votes)
    for _ in range(draw(st.integers(0, 2))):
        ways = WAYS_WITH_PARTS if certificate.signatures else WAYS
        certificate = draw(st.sampled_from(ways))(certificate, deployment.domain, draw)
    verdict = python_certificate(deployment, voters, certificate)
    event(verdict if isinstance(verdict, str) else "passes")
    assert contract_certificate(deployment, certificate) == verdict
