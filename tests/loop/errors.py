"""What can go wrong with a replay.

LoopError
├── RecordingError   a folder that has no recording that can be played
└── OptionError      a market that was not recorded, a stretch that is too short
"""

from __future__ import annotations


class LoopError(Exception):
    """Any error of a replay. Its text names what is wrong, the value, and the remedy."""


class RecordingError(LoopError):
    """Not what a recording is made of."""


class OptionError(LoopError):
    """What was asked for cannot be replayed."""
