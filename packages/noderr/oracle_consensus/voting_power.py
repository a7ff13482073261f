"""The power of an oracle's vote: its stake times its reputation, and nobody has a third of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from noderr.oracle_consensus.errors import PowerError

MAX_REPUTATION = 100
# A weight has 128 bits in the contract.
_MAX_STAKE_WEI = (1 << 128) - 1
# With three voters one of them always has a third.
LEAST_VOTERS = 4


def voting_power(stake_wei: int, reputation: int) -> int:
    """stake · reputation / 100, rounded down. `reputation` is 0 to 100; with 0 one has no vote. Raises `PowerError`."""
    if not isinstance(stake_wei, int) or isinstance(stake_wei, bool) or not 0 <= stake_wei <= _MAX_STAKE_WEI:
        raise PowerError(f"the stake is {stake_wei!r}: it must be an int of at least 0 and of 128 bits, in wei")
    if not isinstance(reputation, int) or isinstance(reputation, bool) or not 0 <= reputation <= MAX_REPUTATION:
        raise PowerError(f"the reputation is {reputation!r}: it must be an int from 0 to {MAX_REPUTATION}")
    return stake_wei * reputation // MAX_REPUTATION


def capped_powers(powers: Mapping[bytes, int]) -> dict[bytes, int]:
    """The powers, each cut to the largest cap under which everyone has less than a third of what is left.

    So a Byzantine voter alone never has what the quorum rule allows the Byzantine together. Who has no power is left
    out. Raises `PowerError` for a power below 0, and when fewer than four have any.
    """
    voting = {voter: power for voter, power in powers.items() if power}
    if any(power < 0 for power in voting.values()):
        raise PowerError(f"a power is {min(voting.values())}: it is at least 0")
    if len(voting) < LEAST_VOTERS:
        raise PowerError(
            f"{len(voting)} have power, and of fewer than {LEAST_VOTERS} one always has a third: wait for more"
        )
    # total(cap) - 3 · cap is concave and above 0 at 1 with four voters, so that binary search finds where it ends.
    fits, above = 1, max(voting.values()) + 1
    while above - fits > 1:
        middle = (fits + above) // 2
        if 3 * middle < _total(voting.values(), middle):
            fits = middle
        else:
            above = middle
    return {voter: min(power, fits) for voter, power in voting.items()}


def _total(powers: Iterable[int], cap: int) -> int:
    return sum(min(power, cap) for power in powers)
