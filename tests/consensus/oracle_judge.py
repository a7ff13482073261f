"""What oracles must never agree on: another signal than follows, and what was made after a third had revealed."""

from __future__ import annotations

from collections.abc import Sequence, Set

from noderr.oracle_consensus.messages import Commit, Report, Reveal
from noderr.types.consensus import Certificate, ProtocolMessage, Signed
from noderr.types.consensus.agreed_signal import AGREED_SIGNAL_TYPE, AgreedSignal
from noderr.types.keccak import keccak256
from noderr.types.trading.signal import SIGNAL_TYPE
from tests.consensus.protocols import round_start_s
from tests.consensus.reference import commitment_of, counted, expected_signal


class OracleJudge:
    """Its findings go to `violations`."""

    def __init__(self, oracles: int, faulty: Set[bytes], violations: list[str]) -> None:
        self._oracles = oracles
        self._faulty = faulty
        self._violations = violations
        self._honest_values: dict[int, list[int]] = {}
        # When each was signed first, counted in signatures.
        self._commits: dict[tuple[int, bytes, bytes], int] = {}
        self._reveals: dict[int, dict[bytes, int]] = {}
        self._reports: dict[bytes, Report] = {}
        self._signatures = 0
        self._fair: set[tuple[int, bytes, bytes]] = set()

    def on_observed(self, round_: int, value: int) -> None:
        """An honest oracle observed this."""
        self._honest_values.setdefault(round_, []).append(value)

    def on_signed(self, oracle: bytes, message: ProtocolMessage) -> None:
        """An oracle signed this, which is no vote."""
        self._signatures += 1
        match message:
            case Commit():
                self._commits.setdefault((message.round, oracle, message.commitment), self._signatures)
            case Reveal():
                self._reveals.setdefault(message.round, {}).setdefault(oracle, self._signatures)
            case Report():
                told = keccak256(b"".join(one.signer + one.message.struct_hash for one in message.reveals))
                self._reports.setdefault(told, message)

    def on_decided(self, certificate: Certificate, agreed: AgreedSignal) -> None:
        """The certificate is said to be for this."""
        key = (certificate.round, certificate.subject, agreed.observations)
        if key not in self._fair:
            self._check(certificate, agreed)
            self._fair.add(key)

    def _check(self, certificate: Certificate, agreed: AgreedSignal) -> None:
        place = f"round {certificate.round}"
        signal = None if agreed.signal is None else SIGNAL_TYPE.hash_struct(dict(agreed.signal.struct()))
        subject = {"observations": agreed.observations, "signal": signal or bytes(32)}
        if AGREED_SIGNAL_TYPE.hash_struct(subject) != certificate.subject:
            self._violations.append(f"{place} decided something else than it says")
        report = self._reports.get(agreed.observations)
        if report is None:
            self._violations.append(f"{place} agreed on observations that nobody reported")
            return
        counting = counted(report.reveals, self._oracles, round_start_s(report.round))
        expected = expected_signal(counting, len(report.reveals), self._oracles)
        if agreed.signal != expected:
            self._violations.append(f"{place} agreed on {agreed.signal}, and from the report follows {expected}")
        self._check_times(report, counting)
        values = self._honest_values.get(certificate.round, [])
        if agreed.signal is not None and not (values and min(values) <= agreed.signal.prediction_e8 <= max(values)):
            told = agreed.signal.prediction_e8
            self._violations.append(f"{place} agreed on {told}, outside what the honest saw")

    def _check_times(self, report: Report, counting: Sequence[Signed[Reveal]]) -> None:
        reveals = self._reveals.get(report.round, {})
        honest = [signed_at for oracle, signed_at in reveals.items() if oracle not in self._faulty]
        for one in counting:
            made_at = self._commits.get((report.round, one.signer, commitment_of(one)), self._signatures)
            known = sum(revealed_at < made_at for revealed_at in honest)
            if 3 * known >= self._oracles:
                self._violations.append(
                    f"round {report.round} counts an observation that was made when {known} honest ones were revealed"
                )
