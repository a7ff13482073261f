"""Errors of `noderr.validator_consensus`.

ValidatorConsensusError
├── BandError      prices or limits of which no band can be made
├── VerdictError   results or codes that make no verdict
├── LivenessError  a certificate that says nothing of who was there
└── HistoryError   a round that cannot be remembered
"""

from __future__ import annotations


class ValidatorConsensusError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class BandError(ValidatorConsensusError, ValueError):
    """A lowest price above the highest, or a tolerance that is none."""


class VerdictError(ValidatorConsensusError, ValueError):
    """A result missing or twice, an unknown bit, a check both passed and failed, a choice that its codes contradict."""


class LivenessError(ValidatorConsensusError, ValueError):
    """Of another tier or epoch than its voters, or signed by somebody who is none of them."""


class HistoryError(ValidatorConsensusError, ValueError):
    """An impossible number, or a window longer than what is kept."""
