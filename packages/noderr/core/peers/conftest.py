"""What the tests of the streams have in common."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.testing import PeerNode, connected

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

_UNLIMITED = PeerLimits(per_second=1e9, burst=1e9)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PeerNode, PeerNode]]:
    first, second = PeerNode(1, limits=_UNLIMITED), PeerNode(2, limits=_UNLIMITED)
    async with connected(first, second):
        yield first, second
