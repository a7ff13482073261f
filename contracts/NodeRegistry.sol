// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title The voters of every tier, epoch by epoch, with their weights
/// @notice An epoch is published once and whole; nothing in it changes afterwards. The newest epoch of a tier is its
/// current one: certificates of an older one no longer verify, or who has left could go on signing.
/// @dev The digest of an epoch is `VoterSet.digest` of `noderr.types.consensus.weights`, which refuses the same sets.
contract NodeRegistry is AccessControlDefaultAdminRules, Pausable {
    /// @notice May publish epochs.
    bytes32 public constant PUBLISHER_ROLE = keccak256("PUBLISHER_ROLE");
    /// @notice May pause. Only the default admin ends a pause.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    /// @notice Most voters of one epoch.
    uint256 public constant MAX_VOTERS = 256;
    /// @notice Type hash of the EIP-712 struct whose hash is an epoch's digest.
    bytes32 public constant VOTER_SET_TYPE_HASH =
        keccak256("VoterSet(uint8 tier,uint64 epoch,address[] voters,uint128[] weights)");

    uint8 private constant _LAST_TIER = 3;

    struct Epoch {
        bytes32 digest;
        uint256 totalWeight;
        mapping(address voter => uint128) weights;
    }

    mapping(uint8 tier => mapping(uint64 epoch => Epoch)) private _epochs;
    mapping(uint8 tier => uint64) private _newest;

    /// @notice The voters ascend. Whoever reads this log has the whole set and can compute `digest` from it.
    event EpochPublished(
        uint8 indexed tier,
        uint64 indexed epoch,
        bytes32 indexed digest,
        uint256 totalWeight,
        address[] voters,
        uint128[] weights
    );

    /// @notice Tiers are 1 (validator) to 3 (oracle).
    error UnknownTier(uint8 tier);
    /// @notice Epochs of a tier grow, and `newest` is published already.
    error EpochNotNewer(uint8 tier, uint64 epoch, uint64 newest);
    /// @notice An epoch has 1 to MAX_VOTERS voters and as many weights.
    error WrongLength(uint256 voters, uint256 weights);
    /// @notice The voter at `index` is not above the one before it, or is the zero address.
    error VotersNotAscending(uint256 index, address voter);
    /// @notice A voter of no weight is no voter.
    error ZeroWeight(uint256 index, address voter);
    /// @notice A registry without an admin could never end a pause.
    error AdminNeeded();

    /// @param adminDelay seconds between the announcement of a new default admin and its acceptance
    /// @param admin the default admin, who grants the other roles
    constructor(uint48 adminDelay, address admin) AccessControlDefaultAdminRules(adminDelay, admin) {}

    /// @notice Publish the voters of one epoch, which is the tier's current one from now on.
    /// @param voters ascending strictly, as in the EIP-712 struct
    /// @param weights of the voters, in their order, none zero
    function publishEpoch(
        uint8 tier,
        uint64 epoch,
        address[] calldata voters,
        uint128[] calldata weights
    ) external onlyRole(PUBLISHER_ROLE) whenNotPaused {
        if (tier == 0 || tier > _LAST_TIER) revert UnknownTier(tier);
        uint64 newest = _newest[tier];
        if (isPublished(tier, newest) && epoch <= newest) revert EpochNotNewer(tier, epoch, newest);
        if (voters.length == 0 || voters.length > MAX_VOTERS || voters.length != weights.length)
            revert WrongLength(voters.length, weights.length);

        Epoch storage published = _epochs[tier][epoch];
        uint256 total = 0;
        address previous = address(0);
        for (uint256 i = 0; i < voters.length; ++i) {
            address voter = voters[i];
            if (voter <= previous) revert VotersNotAscending(i, voter);
            if (weights[i] == 0) revert ZeroWeight(i, voter);
            published.weights[voter] = weights[i];
            total += weights[i];
            previous = voter;
        }
        bytes32 digest = keccak256(
            abi.encode(
                VOTER_SET_TYPE_HASH,
                tier,
                epoch,
                keccak256(abi.encodePacked(voters)),
                keccak256(abi.encodePacked(weights))
            )
        );
        published.digest = digest;
        published.totalWeight = total;
        _newest[tier] = epoch;
        emit EpochPublished(tier, epoch, digest, total, voters, weights);
    }

    /// @notice Stop: no epoch is published and no certificate verifies until the default admin unpauses.
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @notice End a pause.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @notice The newest epoch of a tier; `published` is false where there is none yet.
    function currentEpoch(uint8 tier) external view returns (bool published, uint64 epoch) {
        epoch = _newest[tier];
        published = isPublished(tier, epoch);
    }

    /// @notice The weight of a voter in an epoch; zero for who is none.
    function weightOf(uint8 tier, uint64 epoch, address voter) external view returns (uint128) {
        return _epochs[tier][epoch].weights[voter];
    }

    /// @notice The weight of all voters of an epoch, whether they vote or not; zero if it is not published.
    function totalWeight(uint8 tier, uint64 epoch) external view returns (uint256) {
        return _epochs[tier][epoch].totalWeight;
    }

    /// @notice `hashStruct` of the epoch's voters; zero if it is not published.
    function digestOf(uint8 tier, uint64 epoch) external view returns (bytes32) {
        return _epochs[tier][epoch].digest;
    }

    /// @notice Whether an epoch has voters.
    function isPublished(uint8 tier, uint64 epoch) public view returns (bool) {
        return _epochs[tier][epoch].totalWeight != 0;
    }

    /// @dev The way in which the default admin is given up for good begins here, and is closed.
    function _beginDefaultAdminTransfer(address newAdmin) internal override {
        if (newAdmin == address(0)) revert AdminNeeded();
        super._beginDefaultAdminTransfer(newAdmin);
    }
}
