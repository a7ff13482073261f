"""Makes any value fit for a log line: plain JSON data in which no secret is left.

Secrets are known by their type (`pydantic.SecretStr`, `SecretBytes`, `Secret`), wherever they stand. Raw bytes are
never written either: keys and signatures are bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

from pydantic import Secret, SecretBytes, SecretStr

REDACTED = "**redacted**"
_DEEPEST = 8
_SCALAR_SEQUENCES = (str, bytes, bytearray, memoryview)


def plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as JSON data: strings, numbers, booleans, None, and lists and objects of these."""
    if not isinstance(value, Mapping | Sequence | Set) or isinstance(value, _SCALAR_SEQUENCES):
        return _scalar(value)
    if depth >= _DEEPEST:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {str(plain(key, depth + 1)): plain(item, depth + 1) for key, item in value.items()}
    return [plain(item, depth + 1) for item in value]


def _scalar(value: Any) -> str | int | float | None:
    match value:
        case SecretStr() | SecretBytes() | Secret():
            return REDACTED
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):  # JSON has no NaN and no infinity: those become text.
            return value
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case BaseException():
            return f"{type(value).__name__}: {value}"
        case _:
            return str(value)
