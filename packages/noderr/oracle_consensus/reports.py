"""The leaders' reports of a round: whether one deserves a vote, and what each agrees on."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from copy import replace

from noderr.core.consensus.context import RoundContext
from noderr.oracle_consensus.messages import Report, Reveal
from noderr.types.consensus import Evidence, Reason, RefusedMessage, Signed, VoterSet, check_signature
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.signing.account_key import checksum_address

type Aggregate = Callable[[tuple[Signed[Reveal], ...]], AgreedSignal]
type KnownReveal = Callable[[bytes], Signed[Reveal] | None]


class Reports:
    """Proven reports only: everything in one is signed, and its subject follows from it."""

    def __init__(self, context: RoundContext, aggregate: Aggregate, known_reveal: KnownReveal) -> None:
        """A reveal that `known_reveal` has is not checked again."""
        self._context = context
        self._aggregate = aggregate
        self._known_reveal = known_reveal
        self._by_view: dict[int, Signed[Report]] = {}
        self._by_subject: dict[bytes, tuple[Signed[Report], AgreedSignal]] = {}
        self._two_faced: set[int] = set()

    def __iter__(self) -> Iterator[Signed[Report]]:
        """One a view, the earliest view first."""
        return (self._by_view[view] for view in sorted(self._by_view))

    def explains(self, subject: bytes) -> tuple[Signed[Report], AgreedSignal] | None:
        """The report and the agreement whose digest `subject` is."""
        return self._by_subject.get(subject)

    def add(self, signed: Signed[Report], decided: bytes | None = None) -> Evidence[Report] | None:
        """Take a report of the right leader; a second one of a view is evidence. Raises `RefusedMessage`.

        `decided` is the subject of the round's certificate, if there is one: a second report may be what explains it.
        """
        signed = self._sharing(signed)
        report = signed.message
        known = self._by_view.get(report.view)
        if known is not None and known.message.struct_hash == report.struct_hash:
            # The reveals' own signatures are in no hash: a report with others of them is not another report.
            raise RefusedMessage(Reason.DUPLICATE, "this report is known already")
        if report.view in self._two_faced and report.subject != decided:
            raise RefusedMessage(Reason.EQUIVOCATION, f"the leader of view {report.view} was found out already")
        agreed = self._check(signed)
        if known is not None:
            self._two_faced.add(report.view)
            if report.subject == decided:
                self._by_subject.setdefault(report.subject, (signed, agreed))
            return Evidence(known, signed)
        self._by_view[report.view] = signed
        self._by_subject.setdefault(report.subject, (signed, agreed))
        return None

    def _sharing(self, signed: Signed[Report]) -> Signed[Report]:
        """The same report; reveals that are known already are those objects, because their hashes are known too."""
        told = signed.message.reveals
        reveals = tuple(
            [known if (known := self._known_reveal(reveal.signer)) == reveal else reveal for reveal in told]
        )
        if all(map(operator.is_, reveals, told)):
            return signed
        return replace(signed, message=replace(signed.message, reveals=reveals))

    def _check(self, signed: Signed[Report]) -> AgreedSignal:
        voters = self._context.voters
        self._check_signature(signed)
        report = signed.message
        place = _place(report)
        for reveal in report.reveals:
            if _place(reveal.message) != place:
                raise RefusedMessage(Reason.WRONG_SUBJECT, "the report has a reveal of another epoch, round or market")
            if reveal.signer not in voters.weights:
                raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(reveal.signer)} is not in the committee")
            if self._known_reveal(reveal.signer) is not reveal:
                check_seen(reveal.message, voters)
                self._check_signature(reveal)
        if not voters.decides([reveal.signer for reveal in report.reveals]):
            raise RefusedMessage(Reason.NO_QUORUM, f"the report has {len(report.reveals)} reveals, which are no quorum")
        agreed = self._aggregate(report.reveals)
        if agreed.digest != report.subject:
            raise RefusedMessage(Reason.UNPROVEN, "the report's subject does not follow from its observations")
        return agreed

    def _check_signature(self, signed: Signed[Report] | Signed[Reveal]) -> None:
        check_signature(signed, self._context.domain, self._context.signatures)


def check_seen(reveal: Reveal, voters: VoterSet) -> None:
    """Raises `RefusedMessage`: an oracle has one commitment of each, and a report has to fit what peers take."""
    if len(reveal.seen) > len(voters.weights):
        raise RefusedMessage(
            Reason.OVERSIZED, f"a reveal names {len(reveal.seen)} commitments of {len(voters.weights)} oracles"
        )


def _place(message: Report | Reveal) -> tuple[int, int, bytes]:
    return message.epoch, message.round, message.topic
