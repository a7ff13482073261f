"""Errors of `noderr.guardian_consensus`.

GuardianConsensusError
├── CodeError             a number with bits that mean nothing here
├── VerdictError          a verdict that contradicts itself
├── ReviewError           the review board cannot do what it is asked
│   └── SubmissionError   a strategy that cannot be submitted
├── AgreementError        results of which no agreement can be made
├── DrawError             a committee cannot be drawn from this
├── WorkloadError         a guardian's record would say something impossible
└── LifecycleError        a strategy's stage cannot be changed like this
    └── PolicyError       limits that contradict each other
"""

from __future__ import annotations


class GuardianConsensusError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class CodeError(GuardianConsensusError, ValueError):
    """A later version may know what the bits mean; here they are refused."""


class VerdictError(GuardianConsensusError, ValueError):
    """A rejection without a reason, an approval with one, a report that is not canonical."""


class ReviewError(GuardianConsensusError):
    """There is no such submission."""


class SubmissionError(ReviewError, ValueError):
    """A committee that may not review it, or a submission known with another committee."""


class AgreementError(GuardianConsensusError, ValueError):
    """Too few results: with less than three a liar is the median as likely as anyone."""


class DrawError(GuardianConsensusError, ValueError):
    """Too few guardians have room, or the seed is none."""


class WorkloadError(GuardianConsensusError, ValueError):
    """More evaluations than a guardian takes, or one finished that never began."""


class LifecycleError(GuardianConsensusError):
    """An unknown strategy, one known already, or a retired one."""


class PolicyError(LifecycleError, ValueError):
    """A strategy could be promoted and demoted by the same figures."""
