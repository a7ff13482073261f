"""Random integers that anyone can draw again from a seed: a stream of Keccak-256, without bias."""

from __future__ import annotations

from noderr.types.keccak import keccak256

_WORD = 1 << 256


class KeccakStream:
    """The words keccak256(seed ‖ 0), keccak256(seed ‖ 1), …, each 256 bits; `seed` has 32 bytes, the counter too."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._counter = 0

    def below(self, bound: int) -> int:
        """An integer from 0 to `bound` - 1, each as likely as the others.

        Raises `ValueError` unless `bound` is 1 to 2^256: the search for a word would not end.
        """
        if not 1 <= bound <= _WORD:
            raise ValueError(f"an integer below {bound} is not in a word: the bound is 1 to 2^256")
        # The words from here on would favour the small results of the division: they are drawn again.
        fair = _WORD - _WORD % bound
        while (word := self._next()) >= fair:
            pass
        return word % bound

    def _next(self) -> int:
        counter = self._counter.to_bytes(32, "big")
        self._counter += 1
        return int.from_bytes(keccak256(self._seed + counter), "big")
