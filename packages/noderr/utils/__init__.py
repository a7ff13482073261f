"""Small named tools that several packages need: time and randomness that are handed in, state on the disk that
survives a kill (files, a database), and bounded back-off.

A tool moves in when a second package needs it, and not before.
"""

from noderr.utils.backoff import Backoff
from noderr.utils.clock import Clock, ManualClock, SystemClock
from noderr.utils.errors import (
    BackoffError,
    ClockError,
    HttpAnswerError,
    NewerVersionError,
    StateBrokenError,
    StateFileError,
    StateTypeError,
    StoreBusyError,
    StoreClosedError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreMigrationError,
    TimeLimitError,
    UtilsError,
)
from noderr.utils.files import create_file, remove_temporary_files, replace_file, sync_directory
from noderr.utils.randomness import fresh_seed, seeded
from noderr.utils.sqlite_store import SqliteStore
from noderr.utils.sqlite_store_migrations import Migration
from noderr.utils.state_file import StateFile, StateRead
from noderr.utils.time_limit import event_or_time, within

__all__ = [
    "Backoff",
    "BackoffError",
    "Clock",
    "ClockError",
    "HttpAnswerError",
    "ManualClock",
    "Migration",
    "NewerVersionError",
    "SqliteStore",
    "StateBrokenError",
    "StateFile",
    "StateFileError",
    "StateRead",
    "StateTypeError",
    "StoreBusyError",
    "StoreClosedError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "StoreMigrationError",
    "SystemClock",
    "TimeLimitError",
    "UtilsError",
    "create_file",
    "event_or_time",
    "fresh_seed",
    "remove_temporary_files",
    "replace_file",
    "seeded",
    "sync_directory",
    "within",
]
