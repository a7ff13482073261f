"""Measures what agreeing costs, in simulated rounds without faults and with real signatures.

    ./pants run tests/consensus/consensus_bench.py
    ./pants package 3rdparty/debian:amd64
    ./pants run tests/consensus/consensus_bench.py -- --rootfs dist/3rdparty.debian/amd64/rootfs.tar

With a base image's root file system all is measured by the Python in it, which is what nodes run: Debian's build, whose
plain loop takes a little more than half of what that of a Python built with the compiler's defaults takes.

Heights are counted on one core, in its processor time, 20 in each network, until its last voter has decided the last.
The best of several tries is told, since others may use the machine; next to them stands what a plain loop took in the
same tries. Certificates are verified with secp256k1; bare recoveries of as many public keys by coincurve alternate with
them, and ratios are medians of those of the tries.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coincurve import PublicKey

from noderr.core.consensus.testing import DOMAIN, NOW_S, keys, vote, voter_set
from noderr.types.consensus import (
    Certificate,
    VoterSet,
    has_quorum,
    make_certificate,
    sign,
    verify_certificate,
)
from tests.consensus.campaign import Campaign, run_chunk
from tests.consensus.protocols import PROTOCOLS
from tests.measuring.images_python import ROOTFS_HELP, run_by_images_python

_TRIES = 9
_LOOP = 300_000
_VERIFICATIONS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all of it."""
    parser = argparse.ArgumentParser(prog="consensus_bench", description="Measure what agreeing costs.")
    parser.add_argument("--rootfs", type=Path, metavar="TAR", help=ROOTFS_HELP)
    rootfs: Path | None = parser.parse_args(arguments).rootfs
    if rootfs is not None:
        return run_by_images_python("tests.consensus.consensus_bench", [], rootfs)
    print(f"Python {platform.python_version()}, {platform.python_compiler()}")
    print("heights without faults, 4 voters, one core")
    for protocol in PROTOCOLS:
        height_s = _height_s(protocol, 4, networks=5)
        print(f"  {protocol:<10} {1 / height_s:8,.0f} a second")
    print(f"  a plain loop of {_LOOP:,} additions took {1000 * _best(_loop):.1f} ms")
    print("an oracles' height by voters, and by messages of which there are n² of three kinds")
    for nodes in (4, 7, 10, 31):
        height_s = _height_s("oracle", nodes, networks=1)
        print(f"  n = {nodes:<3} {1000 * height_s:8.2f} ms   {1e6 * height_s / (3 * nodes * nodes):6.1f} µs a message")
    print("verifying a certificate, against bare recoveries of its public keys")
    for nodes in (4, 7, 10, 31):
        _certificates(nodes)
    return 0


def _height_s(protocol: str, nodes: int, *, networks: int) -> float:
    campaign = Campaign(protocol=protocol, nodes=nodes, schedules=networks, seed=7, faults=False)
    tries = [run_chunk(campaign, range(networks)) for _ in range(_TRIES)]
    return min(one.core_seconds / one.heights for one in tries)


def _loop() -> None:
    total = 0
    for number in range(_LOOP):
        total += number


def _best(work: Callable[[], object]) -> float:
    return min(_timed(work) for _ in range(_TRIES))


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _certificates(nodes: int) -> None:
    all_keys = keys(nodes)
    voters = voter_set(all_keys)
    quorum = next(count for count in range(1, nodes + 1) if has_quorum(count, nodes))
    certificate = make_certificate(sign(vote(), key, DOMAIN) for key in all_keys[:quorum])
    digest = vote().digest_in(DOMAIN)
    bare = [part.signature[:64] + bytes([part.signature[64] - 27]) for part in certificate.signatures]
    pairs = [
        (_timed(lambda: _verify(certificate, voters)), _timed(lambda: _recover(digest, bare))) for _ in range(_TRIES)
    ]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    each_us = 1e6 * min(ours for ours, _ in pairs) / (_VERIFICATIONS * quorum)
    print(f"  n = {nodes:<3} {each_us:8.1f} µs a signer, of {quorum:<3} {ratio:8.2f} times bare recovery")


def _verify(certificate: Certificate, voters: VoterSet) -> None:
    for _ in range(_VERIFICATIONS):
        verify_certificate(certificate, voters, DOMAIN, now_s=NOW_S)


def _recover(digest: bytes, signatures: list[bytes]) -> None:
    for _ in range(_VERIFICATIONS):
        for signature in signatures:
            PublicKey.from_signature_and_message(signature, digest, hasher=None)


if __name__ == "__main__":
    sys.exit(main())
