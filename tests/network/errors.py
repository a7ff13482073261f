"""The error of a local network."""

from __future__ import annotations


class NetworkError(Exception):
    """The network cannot be brought up, watched or removed; the message says why and what helps."""
