// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {CertificateVerifier} from "./CertificateVerifier.sol";
import {NodeRegistry} from "./NodeRegistry.sol";
import {TradeHash, TradeParts} from "./TradeData.sol";

/// @title Settles each trade once: for its executor, with the oracles' and the guardians' certificates
/// @notice Holds no funds and has no owner: it puts on record which execution of an approved trade counts. What the fills
/// say, and whether the venues made them, the validators attest; see README.md.
contract TradeSettlement {
    using TradeHash for TradeParts;

    uint8 private constant _VALIDATORS = 1;
    uint8 private constant _GUARDIANS = 2;
    uint8 private constant _ORACLES = 3;
    uint8 private constant _APPROVE = 1;

    /// @notice Type hash of `Certificate`, which executions pin.
    bytes32 public constant CERTIFICATE_TYPE_HASH = TradeHash.CERTIFICATE_TYPE_HASH;
    /// @notice Type hash of the proposal that guardians approve.
    bytes32 public constant PROPOSAL_TYPE_HASH = TradeHash.PROPOSAL_TYPE_HASH;
    /// @notice Type hash of what is settled.
    bytes32 public constant EXECUTION_TYPE_HASH = TradeHash.EXECUTION_TYPE_HASH;
    /// @notice What says whether a certificate proves what it says.
    CertificateVerifier public immutable verifier;
    /// @notice Who the validators are: the verifier's registry.
    NodeRegistry public immutable registry;
    /// @notice The execution that a trade was settled with; zero if it is not settled.
    mapping(bytes32 tradeId => bytes32 execution) public executionOf;

    /// @notice Once for each trade. `execution` is `Execution.digest` of `noderr.types.consensus.execution`.
    event Settled(bytes32 indexed tradeId, bytes32 indexed execution);

    /// @notice There is no contract at this address.
    error NotAVerifier(address verifier);
    /// @notice The trade is settled, with `execution`.
    error AlreadySettled(bytes32 tradeId, bytes32 execution);
    /// @notice Only a validator of the current epoch settles; `epoch` means nothing if none is published.
    error NotAValidator(address sender, bool published, uint64 epoch);
    /// @notice The certificate is of `tier`, and it must be of `wanted`.
    error WrongTier(uint8 tier, uint8 wanted);
    /// @notice The certificate of this tier says `choice`, which is no approval.
    error NotApproved(uint8 tier, uint8 choice);
    /// @notice The guardians' round was about `topic` and not about this trade.
    error WrongTrade(bytes32 topic, bytes32 tradeId);
    /// @notice The parts, the guardians' round and the oracles' signal make `made`, and `approved` was approved.
    error WrongProposal(bytes32 made, bytes32 approved);
    /// @notice The parts, the sender and the certificates make `made`, and not this execution.
    error WrongExecution(bytes32 made, bytes32 execution);

    constructor(CertificateVerifier verifier_) {
        if (address(verifier_).code.length == 0) revert NotAVerifier(address(verifier_));
        verifier = verifier_;
        registry = verifier_.registry();
    }

    /// @notice Settle a trade with an execution. Reverts with the reason where it may not be, the verifier's among them.
    /// @param oracles their agreement on the signal from which the trade follows
    /// @param guardians their approval of the proposal
    /// @param tradeId of the proposal
    /// @param execution digest of what the sender, its executor, did
    /// @param parts of the proposal and of the execution
    function settle(
        CertificateVerifier.Certificate calldata oracles,
        CertificateVerifier.Certificate calldata guardians,
        bytes32 tradeId,
        bytes32 execution,
        TradeParts calldata parts
    ) external {
        if (executionOf[tradeId] != 0) revert AlreadySettled(tradeId, executionOf[tradeId]);
        _checkSender();
        _checkApproval(oracles, _ORACLES);
        _checkApproval(guardians, _GUARDIANS);
        if (guardians.topic != tradeId) revert WrongTrade(guardians.topic, tradeId);
        bytes32 proposal = parts.proposalHash(tradeId, oracles, guardians);
        if (proposal != guardians.subject) revert WrongProposal(proposal, guardians.subject);
        bytes32 made = parts.executionHash(tradeId, msg.sender, oracles, guardians);
        if (made != execution) revert WrongExecution(made, execution);
        verifier.verify(oracles);
        verifier.verify(guardians);

        executionOf[tradeId] = execution;
        emit Settled(tradeId, execution);
    }

    function _checkSender() private view {
        (bool published, uint64 epoch) = registry.currentEpoch(_VALIDATORS);
        if (registry.weightOf(_VALIDATORS, epoch, msg.sender) == 0) revert NotAValidator(msg.sender, published, epoch);
    }

    function _checkApproval(CertificateVerifier.Certificate calldata certificate, uint8 tier) private pure {
        if (certificate.tier != tier) revert WrongTier(certificate.tier, tier);
        if (certificate.choice != _APPROVE) revert NotApproved(tier, certificate.choice);
    }
}
