"""Errors of `noderr.oracle_consensus`.

OracleConsensusError
├── PowerError                  stakes or powers of which no voters can be made
├── MedianError                 values and weights that have no weighted median
├── LotteryError                a committee cannot be drawn from this
│   └── CommitteeError          this is not the committee that the seed draws
├── RandomnessError             no randomness that counts
│   ├── NoRandomnessError       its source has none, or does not answer: ask again later
│   └── FalseRandomnessError    what is shown as randomness is something else
├── ReputationError             a forecast that cannot be scored
│   └── SettledError            the round was settled, and otherwise; or a later one was
└── AssignmentError             a strategy cannot be assigned
    ├── AssignmentConflictError it was assigned, and otherwise
    └── ContractError           the contract does not answer, or refuses
"""

from __future__ import annotations


class OracleConsensusError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class PowerError(OracleConsensusError, ValueError):
    """An impossible stake, or so few voters that one of them always has a third."""


class MedianError(OracleConsensusError, ValueError):
    """Nothing to take the median of, or a weight that is no positive integer."""


class LotteryError(OracleConsensusError, ValueError):
    """Too few in the pool, or sizes that contradict each other."""


class CommitteeError(LotteryError):
    """A committee that somebody chose, instead of the seed."""


class RandomnessError(OracleConsensusError):
    """There is no randomness that counts; a round without it does not start."""


class NoRandomnessError(RandomnessError):
    """Not published yet, or nobody who has it answers. The message lists who was asked and what came of it."""


class FalseRandomnessError(RandomnessError):
    """A signature that does not verify, a block that is another, a number that the rule does not give."""


class ReputationError(OracleConsensusError, ValueError):
    """A probability or an outcome that is none."""


class SettledError(ReputationError):
    """What was settled stays: the same again changes nothing, anything else is refused."""


class AssignmentError(OracleConsensusError):
    """A strategy cannot be assigned now."""


class AssignmentConflictError(AssignmentError):
    """The strategy has an assignment with another score or type: it is assigned once."""


class ContractError(AssignmentError):
    """What an `AssignmentContract` raises: its node does not answer, or it refuses the call. Tried again later."""
