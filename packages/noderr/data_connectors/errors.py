"""Errors of `noderr.data_connectors`.

DataConnectorError
├── PolicyError           figures with which no connection can be kept
├── FrameError            a frame that is not what the venue's protocol allows
├── NotConnectedError     there is no connection to send on
├── SnapshotError         the venue did not give the book that was asked for
└── FrameLogError         a file of frames that cannot be used
    └── FrameLogDamagedError  it is damaged before its end, which no crash does
"""

from __future__ import annotations


class DataConnectorError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class PolicyError(DataConnectorError, ValueError):
    """A time that is not positive, or ages in the wrong order."""


class FrameError(DataConnectorError, ValueError):
    """What came is not understood: nobody knows what was lost with it, so the connection is made anew."""


class NotConnectedError(DataConnectorError):
    """The connection is gone; what was to be sent is asked for again when the next one opens."""


class SnapshotError(DataConnectorError):
    """No answer, a refusal, or too much of one. `retry_seconds`: how long the venue says to wait, if it does."""

    def __init__(self, message: str, retry_seconds: float = 0.0) -> None:
        self.retry_seconds = retry_seconds
        super().__init__(message)


class FrameLogError(DataConnectorError):
    """Not a file of frames, or of a later version; it is left as it is."""


class FrameLogDamagedError(FrameLogError):
    """A record in the middle does not have its checksum; what is before it is good."""
