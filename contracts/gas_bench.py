"""`python -m contracts.gas_bench`: what the contracts cost in gas, whole transactions."""

from __future__ import annotations

from contracts.deployment import account_keys, certificate_of, deploy, vote, voter_set
from contracts.settlement import settle_arguments
from contracts.trades import Story, trading_chain
from contracts.verdicts import certificate_tuple, vote_tuple
from noderr.types.signing.account_key import AccountKey

VOTERS = (4, 7, 10, 31)
EPOCH = 9


def main() -> None:
    """Prints tables."""
    deployment = deploy()
    for contract in (deployment.registry, deployment.verifier, trading_chain().contract):
        print(f"deploy {contract.artifact.name}: {contract.deployed_gas:,}")
    _evidence()
    print("\n| voters | publishEpoch | signers of a quorum | verify | a signer | all sign: verify | settle |")
    print("|---|---|---|---|---|---|---|")
    for count in VOTERS:
        print(_row(count))


def _row(count: int) -> str:
    deployment, keys = deploy(), account_keys(count)
    expires = deployment.evm.now_s
    published = deployment.publish(voter_set(keys, [10] * count, EPOCH)).gas_used
    quorum = 2 * count // 3 + 1
    costs = [
        deployment.verifier.gas(
            "verify", certificate_tuple(certificate_of(keys[:signers], vote(EPOCH, expires), deployment.domain))
        )
        for signers in (quorum, count)
    ]
    shown = [published, quorum, costs[0], costs[0] // quorum, costs[1], _settle(keys, quorum)]
    return f"| {count} | {' | '.join(f'{number:,}' for number in shown)} |"


def _settle(keys: list[AccountKey], quorum: int) -> int:
    """With a quorum's certificates of both tiers."""
    chain = trading_chain(keys)
    signers = tuple(keys[:quorum])
    story = Story(domain=chain.domain, oracle_signers=signers, guardian_signers=signers, executor=keys[0])
    return chain.contract.send(keys[0].address, "settle", *settle_arguments(story.trade())).gas_used


def _evidence() -> None:
    deployment, [key] = deploy(), account_keys(1)
    votes = [vote(EPOCH, 1, codes=codes) for codes in (0, 1)]
    signatures = [key.sign(said.digest_in(deployment.domain)) for said in votes]
    print(f"isEquivocation: {deployment.verifier.gas('isEquivocation', *map(vote_tuple, votes), *signatures):,}")


if __name__ == "__main__":
    main()
