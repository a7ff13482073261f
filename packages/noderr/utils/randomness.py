"""Randomness as a part that is handed in: one seed replays a run.

Never for keys: those come from the operating system.
"""

from __future__ import annotations

import hashlib
import random
import secrets

_SEED_BYTES = 8


def fresh_seed() -> int:
    """A seed from the operating system; log it, and the run can be replayed."""
    return int.from_bytes(secrets.token_bytes(_SEED_BYTES), "big")


def seeded(seed: int, purpose: str) -> random.Random:
    """The generator of `purpose` under `seed`. Purposes are independent: one more draw for one changes no other."""
    digest = hashlib.sha256(f"{seed}\0{purpose}".encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311  (simulations and jitter, never keys)
