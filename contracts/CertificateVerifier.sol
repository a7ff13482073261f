// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {NodeRegistry} from "./NodeRegistry.sol";
import {VoteData, VoteHash} from "./VoteData.sol";

/// @title Verifies quorum certificates and evidence of equivocation
/// @notice Has no owner and no state of its own: it says what signatures prove. Whether a certificate was used already
/// and whether its tier, topic, subject and choice are what was asked for, the caller checks.
/// @dev The checks, their order and their reasons are those of `verify_certificate` and `verify_evidence` in
/// `noderr.types.consensus`; each error below but the first two is the `Reason` of that name.
contract CertificateVerifier is EIP712 {
    using VoteHash for VoteData;

    /// @notice One voter's part. Each signed its own `codes`.
    struct VoterSignature {
        address voter;
        uint32 codes;
        bytes signature;
    }

    /// @notice `signatures` ascend strictly by voter; the other members are those of every vote in it.
    struct Certificate {
        uint8 tier;
        uint64 epoch;
        uint64 round;
        bytes32 topic;
        bytes32 subject;
        uint8 choice;
        uint64 expiresAt;
        VoterSignature[] signatures;
    }

    /// @notice Why two votes prove nothing.
    enum Unproof {
        TwoSlots,
        TwoSigners,
        SameVote
    }

    uint8 private constant _LAST_TIER = 3;
    uint8 private constant _LAST_CHOICE = 3;

    /// @notice Type hash of the EIP-712 struct that voters sign.
    bytes32 public constant VOTE_TYPE_HASH = VoteHash.TYPE_HASH;
    /// @notice Where the voters of every epoch are.
    NodeRegistry public immutable registry;

    /// @notice There is no contract at this address.
    error NotARegistry(address registry);
    /// @notice The registry is paused, and with it every verdict that rests on it.
    error RegistryPaused();
    /// @notice A member has a value that no vote has.
    error Malformed(string member, uint256 value);
    /// @notice The certificate is not of the tier's current epoch; `current` means nothing if none is published.
    error WrongEpoch(uint8 tier, uint64 epoch, bool published, uint64 current);
    /// @notice It is `timestamp` (Unix seconds), after `expiresAt`.
    error Expired(uint64 expiresAt, uint256 timestamp);
    /// @notice The voter at `index` is not above the one before it, so one might count twice.
    error Duplicate(uint256 index, address voter);
    /// @notice The voter at `index` does not vote in this epoch.
    error NotAMember(uint256 index, address voter);
    /// @notice The signature at `index` is not `voter`'s over this vote, on this chain, for this contract. For evidence
    /// `voter` is zero: nobody could have made the signature.
    error BadSignature(uint256 index, address voter);
    /// @notice More than two thirds of `totalWeight` decide.
    error NoQuorum(uint256 weight, uint256 totalWeight);
    /// @notice The two votes are no equivocation.
    error Unproven(Unproof why);

    constructor(NodeRegistry registry_) EIP712("NodeOS", "1") {
        if (address(registry_).code.length == 0) revert NotARegistry(address(registry_));
        registry = registry_;
    }

    /// @notice The weight behind a certificate that proves what it says now. Reverts with the reason if it does not.
    function verify(Certificate calldata certificate) external view returns (uint256 weight) {
        if (registry.paused()) revert RegistryPaused();
        _checkChoice(certificate.choice);
        (bool published, uint64 current) = registry.currentEpoch(certificate.tier);
        if (!published || certificate.epoch != current)
            revert WrongEpoch(certificate.tier, certificate.epoch, published, current);
        if (block.timestamp > certificate.expiresAt) revert Expired(certificate.expiresAt, block.timestamp);

        VoterSignature[] calldata parts = certificate.signatures;
        for (uint256 i = 1; i < parts.length; ++i) {
            if (parts[i].voter <= parts[i - 1].voter) revert Duplicate(i, parts[i].voter);
        }
        VoteData memory vote = _voteOf(certificate);
        for (uint256 i = 0; i < parts.length; ++i) {
            weight += _weigh(vote, i, parts[i]);
        }
        uint256 total = registry.totalWeight(certificate.tier, certificate.epoch);
        if (3 * weight <= 2 * total) revert NoQuorum(weight, total);
    }

    /// @notice Who signed both votes, which differ where a voter may say one thing only. Reverts with the reason if
    /// that is not proven. Stands alone: it holds for any epoch, after expiry, in a pause and whoever the offender is;
    /// whether it is a voter, the caller asks the registry.
    function isEquivocation(
        VoteData calldata a,
        VoteData calldata b,
        bytes calldata sigA,
        bytes calldata sigB
    ) external view returns (address offender) {
        _checkVote(a);
        _checkVote(b);
        if (!a.sameSlot(b)) revert Unproven(Unproof.TwoSlots);
        bytes32 digestA = voteDigest(a);
        bytes32 digestB = voteDigest(b);
        offender = _signer(0, digestA, sigA);
        if (_signer(1, digestB, sigB) != offender) revert Unproven(Unproof.TwoSigners);
        if (digestA == digestB) revert Unproven(Unproof.SameVote);
    }

    /// @notice What a voter signs: the EIP-712 digest of the vote for this contract on this chain.
    function voteDigest(VoteData memory vote) public view returns (bytes32) {
        return _hashTypedDataV4(vote.hashStruct());
    }

    /// @dev The weight of a voter that did sign. Leaves its codes in `vote`.
    function _weigh(VoteData memory vote, uint256 index, VoterSignature calldata part) private view returns (uint256) {
        uint256 weight = registry.weightOf(vote.tier, vote.epoch, part.voter);
        if (weight == 0) revert NotAMember(index, part.voter);
        vote.codes = part.codes;
        (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(voteDigest(vote), part.signature);
        if (problem != ECDSA.RecoverError.NoError || signer != part.voter) revert BadSignature(index, part.voter);
        return weight;
    }

    function _signer(uint256 index, bytes32 digest, bytes calldata signature) private pure returns (address) {
        (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError) revert BadSignature(index, address(0));
        return signer;
    }

    function _voteOf(Certificate calldata certificate) private pure returns (VoteData memory) {
        return
            VoteData({
                tier: certificate.tier,
                epoch: certificate.epoch,
                round: certificate.round,
                topic: certificate.topic,
                subject: certificate.subject,
                choice: certificate.choice,
                codes: 0,
                expiresAt: certificate.expiresAt
            });
    }

    function _checkVote(VoteData calldata vote) private pure {
        if (vote.tier == 0 || vote.tier > _LAST_TIER) revert Malformed("tier", vote.tier);
        _checkChoice(vote.choice);
        if (vote.expiresAt == 0) revert Malformed("expiresAt", 0);
    }

    function _checkChoice(uint8 choice) private pure {
        if (choice == 0 || choice > _LAST_CHOICE) revert Malformed("choice", choice);
    }
}
