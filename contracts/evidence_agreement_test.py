"""Whatever two votes are brought as evidence, Python and the contract say the same of them."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from contracts.deployment import TIER, deploy
from contracts.spoiled_draws import CODES, EPOCH, EXPIRIES, KEYS, SUBJECTS, TOPICS, signatures_like
from contracts.verdicts import contract_evidence, python_evidence
from noderr.types.consensus import Choice, Evidence, Signed, Vote, sign
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import recover_address
from noderr.types.signing.errors import SignatureError

SAID_HERE = {"tier": st.just(TIER), "epoch": st.just(EPOCH), "round": st.just(5), "topic": st.just(b"\1" * 32)}
ANYWHERE = {"tier": st.integers(1, 3), "epoch": st.just(EPOCH), "round": st.integers(4, 5), "topic": TOPICS}
OF_ANY = {"subject": SUBJECTS, "choice": st.sampled_from(Choice), "codes": st.one_of(st.just(0), CODES)}
VOTES = st.one_of(
    *(st.builds(Vote, **place, **OF_ANY, expires_at_s=EXPIRIES) for place in (SAID_HERE, SAID_HERE, ANYWHERE))
)


def _signer(message: Vote, signature: bytes, domain: Domain) -> bytes | None:
    """By whom it is, as the contract finds it; None where it is nobody's."""
    try:
        return recover_address(message.digest_in(domain), signature)
    except SignatureError:
        return None


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_python_and_the_contract_agree_on_evidence(data: st.DataObject) -> None:
    deployment, draw = deploy(), data.draw
    first = draw(VOTES)
    messages = [first, draw(st.one_of(VOTES, VOTES, st.just(first)))]
    signers = [KEYS[0], draw(st.sampled_from([KEYS[0], KEYS[0], KEYS[1]]))]
    signatures = [sign(said, key, deployment.domain).signature for said, key in zip(messages, signers, strict=True)]
    if draw(st.integers(0, 3)) == 0:
        which = draw(st.integers(0, 1))
        signatures[which] = draw(signatures_like(signatures[which]))
    # The contract is told no signer. Python is told who signed, and where nobody did, whom the other one accuses.
    found = [_signer(said, made, deployment.domain) for said, made in zip(messages, signatures, strict=True)]
    accused = [found[0] or found[1] or b"\1" * 20, found[1] or found[0] or b"\1" * 20]
    evidence = Evidence(*(Signed(*part) for part in zip(messages, accused, signatures, strict=True)))
    verdict = python_evidence(deployment, evidence)
    event(verdict if isinstance(verdict, str) else "proven")
    assert contract_evidence(deployment, evidence) == verdict
