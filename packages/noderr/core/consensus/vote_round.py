"""One round of votes as a state machine without input and output: messages and the time in, actions out.

Guardians and validators need no more than this; the oracles' rounds end with it. A voter votes once. What a quorum
votes for is decided; a deadline that passes, or votes split so that nothing can win any more, mean no.
"""

from __future__ import annotations

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Failed, Failure, Send, Sign
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.status import Progress, Status
from noderr.core.consensus.tally import Tally
from noderr.types.consensus import (
    Certificate,
    CertificateError,
    Choice,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    verify_certificate,
)
from noderr.types.consensus.signed import message_name

_SECOND_NS = 1_000_000_000


class VoteRound:
    """A round of one voter. `resend_ns`: how often what may have been lost is sent again."""

    def __init__(
        self,
        context: RoundContext,
        *,
        round_: int,
        topic: bytes,
        deadline_ns: int,
        resend_ns: int,
    ) -> None:
        self.round = round_
        self.topic = topic
        self.deadline_ns = deadline_ns
        self.status = Status.OPEN
        self.tally = Tally(context, round_, topic)
        self.certificate: Certificate | None = None
        self.my_vote: Vote | None = None
        self.is_settled = False
        """Whether nothing that could still come would change how it ended, as far as this voter can ask for it."""
        self._context = context
        self._me = context.me
        self._resend_ns = resend_ns
        self._sent_ns = 0
        self._tell_ns: int | None = None
        self._told_ns: dict[bytes, int] = {}

    @property
    def progress(self) -> Progress:
        """Who has not voted."""
        return Progress("vote" if self.status is Status.OPEN else "over", self.tally.missing)

    @property
    def next_time_ns(self) -> int | None:
        """When `on_time` is due; None when it never is."""
        if self.is_settled:
            return self._tell_ns
        mine = self._me in self.tally.votes
        return min(self.deadline_ns, self._sent_ns + self._resend_ns) if mine else self.deadline_ns

    def vote(self, vote: Vote) -> list[Action]:
        """Cast my vote; a second one is none. Only what the guard then signs is ever sent."""
        if self.my_vote is not None or self.status is not Status.OPEN:
            return []
        self.my_vote = vote
        return [Sign(vote)]

    def on_signed(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]:
        """My vote, signed: it counts and goes out."""
        self._sent_ns = now_ns
        if signed.signer in self.tally.votes:
            # It came back from others before: this node has restarted, and voted before it did.
            return [Broadcast(signed)]
        counted = self._count(signed, now_ns, proven=True)  # type: ignore[arg-type]  # Only votes are asked for.
        return [Broadcast(signed), *counted]

    def on_message(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]:
        """A message of this round; votes are all that it has. Raises `RefusedMessage`."""
        if not isinstance(signed.message, Vote):
            raise RefusedMessage(Reason.MALFORMED, f"{message_name(signed.message)} is no vote")
        return self._on_vote(signed, now_ns)  # type: ignore[arg-type]  # mypy does not narrow the parameter of Signed.

    def _on_vote(self, signed: Signed[Vote], now_ns: int) -> list[Action]:
        if now_ns // _SECOND_NS > signed.message.expires_at_s:
            raise RefusedMessage(Reason.EXPIRED, f"the vote expired at {signed.message.expires_at_s}")
        try:
            return self._count(signed, now_ns)
        except RefusedMessage as refused:
            if refused.reason is not Reason.DUPLICATE or self.certificate is None or not self._may_ask(signed, now_ns):
                raise
            # Who sends its vote again has not heard how it ended.
            self._told_ns[signed.signer] = now_ns
            return [Send(signed.signer, self.certificate)]

    def _may_ask(self, signed: Signed[Vote], now_ns: int) -> bool:
        """Copies need no signature: whoever makes them must not have others answer one voter without end."""
        told_ns = self._told_ns.get(signed.signer)
        return signed.signer != self._me and (told_ns is None or now_ns >= told_ns + self._resend_ns)

    def on_certificate(self, certificate: Certificate, now_ns: int) -> list[Action]:
        """How it ended, from somebody who knows. Raises `RefusedMessage`."""
        if (certificate.round, certificate.topic) != (self.round, self.topic):
            raise CertificateError(Reason.WRONG_SUBJECT, f"a certificate of round {certificate.round}")
        if self.certificate is not None:
            raise CertificateError(Reason.DUPLICATE, "the certificate of this round is known")
        check_certificate(certificate, self._context, now_ns)
        return self._decide(certificate)

    def on_time(self, now_ns: int) -> list[Action]:
        """The clock went on."""
        if self.is_settled:
            return self._tell_missing(now_ns)
        if now_ns >= self.deadline_ns:
            self.is_settled = True
            return self._fail(Failure.TIMEOUT) if self.status is Status.OPEN else []
        mine = self.tally.votes.get(self._me)
        if mine is not None and now_ns >= self._sent_ns + self._resend_ns:
            self._sent_ns = now_ns
            return [Broadcast(mine)]
        return []

    def _count(self, signed: Signed[Vote], now_ns: int, *, proven: bool = False) -> list[Action]:
        evidence = self.tally.add(signed, proven=proven)
        if evidence is not None:
            return [Accuse(evidence)]
        if self.status is Status.DECIDED:
            if self.tally.is_complete:
                self._tell_ns = None
            return []
        certificate = self.tally.certificate()
        if certificate is not None and now_ns // _SECOND_NS <= certificate.expires_at_s:
            self._tell_ns = now_ns + self._resend_ns
            return self._decide(certificate)
        if self.status is Status.OPEN and not self.tally.can_decide():
            # Who voted twice may have made a majority elsewhere, so my vote is sent on, and whoever knows answers it.
            return self._fail(Failure.NO_MAJORITY)
        return []

    def _tell_missing(self, now_ns: int) -> list[Action]:
        """Whose vote is here will have the others' as well; who is still missing may be cut off from them."""
        if self.certificate is None or self._tell_ns is None or now_ns < self._tell_ns:
            return []
        self._tell_ns = None
        return [Send(voter, self.certificate) for voter in self.tally.missing if voter != self._me]

    def _decide(self, certificate: Certificate) -> list[Action]:
        # A round that failed here by its deadline may have been decided elsewhere: the certificate is the truth.
        self.status, self.certificate, self.is_settled = Status.DECIDED, certificate, True
        return [Decided(certificate)]

    def _fail(self, failure: Failure) -> list[Action]:
        self.status = Status.FAILED
        return [Failed(failure)]


def check_certificate(certificate: Certificate, context: RoundContext, now_ns: int) -> None:
    """Nothing, if it decides a round. What is seen without finding a signer comes first: that is nearly all of what a
    certificate costs. Raises `CertificateError`.
    """
    voters = context.voters
    if certificate.choice is Choice.ABSTAIN:
        raise CertificateError(Reason.UNPROVEN, "it is made of abstentions, and these decide nothing")
    is_ours = (certificate.tier, certificate.epoch) == (voters.tier, voters.epoch)
    if is_ours and not voters.decides([part.voter for part in certificate.signatures]):
        raise CertificateError(Reason.NO_QUORUM, "its voters are no quorum, whatever they have signed")
    now_s = now_ns // _SECOND_NS
    verify_certificate(certificate, voters, context.domain, now_s=now_s, signatures=context.signatures)
