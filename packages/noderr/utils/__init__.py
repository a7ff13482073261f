"""Small named tools that several packages need: files that appear whole or not at all, and bounded back-off.

A tool moves in when a second package needs it, and not before.
"""

from noderr.utils.backoff import Backoff
from noderr.utils.errors import BackoffError, UtilsError
from noderr.utils.files import create_file

__all__ = ["Backoff", "BackoffError", "UtilsError", "create_file"]
