"""Measures what verifying a beacon's round costs.

python -m noderr.oracle_consensus.randomness.drand_beacon_bench
"""

from __future__ import annotations

import statistics
import time

from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET

_ROUND = 657413
_SIGNATURE = bytes.fromhex(
    "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
)
_TIMES = 500


def main() -> None:
    taken = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        QUICKNET.randomness(_ROUND, _SIGNATURE)
        taken.append(1000 * (time.perf_counter() - start))
    print(f"one signature: median {statistics.median(taken):.2f} ms, most {max(taken):.2f} ms, of {_TIMES}")


if __name__ == "__main__":
    main()
