"""What hypothesis draws for the tests that compare Python and the contract: values at the edges, spoiled signatures."""

from __future__ import annotations

from hypothesis import strategies as st

from contracts.deployment import account_keys
from contracts.evm import Evm
from contracts.spoiling import ORDER, spoiled_signatures

EPOCH = 9
NOW_S = Evm().now_s
KEYS = account_keys(5)
U64 = st.one_of(st.sampled_from([0, EPOCH - 1, EPOCH, EPOCH + 1]), st.integers(0, 2**64 - 1))
CODES = st.integers(0, 2**32 - 1)
TOPICS = st.sampled_from([b"\1" * 32, b"\xff" * 32])
SUBJECTS = st.sampled_from([b"\2" * 32, bytes(32)])
EXPIRIES = st.sampled_from([NOW_S + 1, NOW_S, 2**64 - 1, NOW_S - 1])
_EDGES = [0, 1, ORDER // 2, ORDER // 2 + 1, ORDER - 1, ORDER, 2**256 - 1]
_BYTES = st.one_of(st.sampled_from([0, 1, 26, 27, 28, 29]), st.integers(0, 255))


@st.composite
def signatures_like(draw: st.DrawFn, signature: bytes) -> bytes:
    """This one, spoiled."""
    word = draw(st.sampled_from(_EDGES)).to_bytes(32, "big")
    ways = spoiled_signatures(signature, draw(st.integers(0, 64)), draw(_BYTES), word)
    return draw(st.sampled_from(ways))
