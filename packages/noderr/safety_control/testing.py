"""What several tests share: guardians that permit, a controller on a log, and a clock."""

from __future__ import annotations

from pathlib import Path

from noderr.safety_control.controller import SafetyController
from noderr.safety_control.live_permit import LivePermit
from noderr.safety_control.safety_log import SafetyLog
from noderr.safety_control.standing import Wish
from noderr.types.consensus import Signed, VoterSet, sign
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.utils import ManualClock

NOW_S = 1_790_000_000
GUARDIANS = tuple(AccountKey(bytes([number]) * 32) for number in range(1, 5))
VOTERS = VoterSet(2, 7, {key.address: 10 for key in GUARDIANS})
DOMAIN = Domain("NodeOS", "1", 31337, b"\x11" * 20)
OWN = GUARDIANS[0].address
PAPER = Wish(live=False, account=None, own=OWN)
LIVE = Wish(live=True, account=OWN, own=OWN)


def permit(*, since: int = NOW_S, seconds: int = 3_600, epoch: int = 7) -> LivePermit:
    return LivePermit(epoch=epoch, issued_at_s=since, expires_at_s=since + seconds)


def permits(of: LivePermit | None = None, *, by: int = 3) -> tuple[Signed[LivePermit], ...]:
    """Of so many guardians; three of the four are more than two thirds."""
    return tuple(sign(of or permit(), key, DOMAIN) for key in GUARDIANS[:by])


def clock() -> ManualClock:
    return ManualClock(NOW_S * 10**9)


def controller(folder: Path, wish: Wish, time: ManualClock | None = None) -> tuple[SafetyController, SafetyLog]:
    log = SafetyLog(folder)
    return SafetyController(log, wish, lambda: (VOTERS, DOMAIN), time or clock()), log
