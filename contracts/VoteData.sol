// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// @notice A vote: what one voter says of one subject in one round.
/// @dev `noderr.types.consensus.vote` has the same type, member by member, and refuses the same values.
struct VoteData {
    uint8 tier;
    uint64 epoch;
    uint64 round;
    bytes32 topic;
    bytes32 subject;
    uint8 choice;
    uint32 codes;
    uint64 expiresAt;
}

/// @notice The EIP-712 hash of a vote, and where a voter may vote only once.
library VoteHash {
    /// @notice `VOTE_TYPE.type_hash` of the Python.
    bytes32 internal constant TYPE_HASH =
        keccak256(
            "Vote(uint8 tier,uint64 epoch,uint64 round,bytes32 topic,bytes32 subject,uint8 choice,uint32 codes,uint64 expiresAt)"
        );

    /// @notice `hashStruct` of the vote.
    function hashStruct(VoteData memory vote) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    TYPE_HASH,
                    vote.tier,
                    vote.epoch,
                    vote.round,
                    vote.topic,
                    vote.subject,
                    vote.choice,
                    vote.codes,
                    vote.expiresAt
                )
            );
    }

    /// @notice Whether a voter may say only one thing in both places: one tier, epoch, round and topic.
    function sameSlot(VoteData memory a, VoteData memory b) internal pure returns (bool) {
        return a.tier == b.tier && a.epoch == b.epoch && a.round == b.round && a.topic == b.topic;
    }
}
