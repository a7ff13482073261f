"""Alerts about agreeing: rounds that do not end well, and messages that no honest node sends."""

from __future__ import annotations

from monitoring.alert import Alert, AlertGroup

_BY = "job, instance, node, protocol"
# An honest node's messages may be late or come twice; none of its messages is refused for one of these.
_NEVER_HONEST = "bad-signature|malformed|not-a-member|oversized|unproven|wrong-chain"
_ROUNDS = "noderr_consensus_rounds_total"
_FORGED = f'noderr_consensus_refused_total{{reason=~"{_NEVER_HONEST}"}}'


def consensus_alerts() -> tuple[AlertGroup, ...]:
    """All of them are a node's own view. A node that knows no voters has none of these series: NodeNotReady says so."""
    return (
        AlertGroup(
            "consensus",
            (
                # Oracles have a round in every slot; guardians and validators only where there is something to judge.
                Alert(
                    name="NoRoundDecided",
                    severity="critical",
                    expression=f'increase({_ROUNDS}{{protocol="oracle",outcome="decided"}}[3m]) == 0',
                    hold="2m",
                    summary="{{ $labels.job }} {{ $labels.node }} has seen no decided round for five minutes",
                    runbook=(
                        "`/api/v1/consensus` says where the open round stands and who is missing. If one node says "
                        "so, it is cut off: see FewPeers and ClockOff. If all say so, more than a third of the weight "
                        "is away or sees other chains and epochs: see QuorumLost, and compare the voters' files."
                    ),
                ),
                Alert(
                    name="RoundsFailing",
                    severity="warning",
                    expression=(
                        f'sum by ({_BY}) (rate({_ROUNDS}{{outcome!="decided"}}[15m]))'
                        f" / sum by ({_BY}) (rate({_ROUNDS}[15m])) > 0.2"
                    ),
                    hold="10m",
                    summary=(
                        "{{ $value | humanizePercentage }} of the {{ $labels.protocol }} rounds of "
                        "{{ $labels.job }} {{ $labels.node }} fail"
                    ),
                    runbook=(
                        "`/api/v1/consensus` names the voters that were missing. Timeouts: nodes that are down or "
                        "late, see NodeDown and PeerRoundTripSlow. No majority: voters that judge differently; compare "
                        "their versions, models and rules. Each failed round means no, so nothing wrong was decided."
                    ),
                ),
                Alert(
                    name="EquivocationSeen",
                    severity="critical",
                    expression="increase(noderr_consensus_equivocations_total[1h]) > 0",
                    hold="1m",
                    summary=(
                        "{{ $labels.job }} {{ $labels.node }} has proof that a voter of the "
                        "{{ $labels.protocol }} protocol signed two things"
                    ),
                    runbook=(
                        "The log line `equivocation` names the account; the evidence is kept in the data directory. If "
                        "the account is yours, two nodes run with one key, or its guard's journal was deleted: stop "
                        "both. Else tell the network's operators. While less than a third of the weight lies, nothing "
                        "wrong is decided."
                    ),
                ),
                Alert(
                    name="ConsensusForged",
                    severity="warning",
                    expression=f"sum by ({_BY}, reason) (rate({_FORGED}[10m])) > 0",
                    hold="5m",
                    summary=(
                        "{{ $labels.job }} {{ $labels.node }} refuses {{ $labels.protocol }} messages: "
                        "{{ $labels.reason }}"
                    ),
                    runbook=(
                        "No honest node of this network and version sends these, and they change nothing here. Wrong "
                        "chain, or no member: a node with another voters' file. Malformed or oversized: another "
                        "version. Bad signature: somebody forges; PeerMisbehaving or the log names the peer that "
                        "delivered it."
                    ),
                ),
                Alert(
                    name="GuardRefuses",
                    severity="warning",
                    expression=f"sum by ({_BY}) (increase(noderr_consensus_guarded_total[30m])) > 3",
                    hold="5m",
                    summary=(
                        "The guard of {{ $labels.job }} {{ $labels.node }} refused {{ $value | humanize }} "
                        "{{ $labels.protocol }} signatures in half an hour"
                    ),
                    runbook=(
                        "One or two after a restart are rightful. More: its clock went back (see ClockOff), or it is "
                        "asked again and again to contradict itself; the log lines `not_signed` name the rounds. Never "
                        "delete the journal to silence this."
                    ),
                ),
            ),
        ),
    )
