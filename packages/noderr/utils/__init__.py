"""Small named tools that several packages need: time and randomness that are handed in, files that appear whole or not at
all, and bounded back-off.

A tool moves in when a second package needs it, and not before.
"""

from noderr.utils.backoff import Backoff
from noderr.utils.clock import Clock, ManualClock, SystemClock
from noderr.utils.errors import BackoffError, UtilsError
from noderr.utils.files import create_file
from noderr.utils.randomness import fresh_seed, seeded

__all__ = [
    "Backoff",
    "BackoffError",
    "Clock",
    "ManualClock",
    "SystemClock",
    "UtilsError",
    "create_file",
    "fresh_seed",
    "seeded",
]
