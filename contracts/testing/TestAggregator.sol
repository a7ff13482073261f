// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// @title A price feed that says what a test tells it to
/// @notice Has the functions of Chainlink's `AggregatorV3Interface` that are read; is deployed nowhere but in tests.
contract TestAggregator {
    /// @notice How many of an answer's digits are behind the point.
    uint8 public immutable decimals;

    uint80 private _roundId;
    int256 private _answer;
    uint256 private _startedAt;
    uint256 private _updatedAt;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    /// @notice Begin and end a round.
    function report(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt) external {
        _roundId = roundId;
        _answer = answer;
        _startedAt = startedAt;
        _updatedAt = updatedAt;
    }

    /// @notice The newest round. The last member is no longer of any use.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _startedAt, _updatedAt, _roundId);
    }
}
