// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {CertificateVerifier} from "./CertificateVerifier.sol";

/// @notice What makes a proposal and its execution besides the two certificates: each member that is no plain value is
/// its EIP-712 hash, so that an order of any length and a thousand fills cost as much as one.
/// @dev `order` and `fills` are members of `Execution`, `order`, `snapshot`, `ruleset` and `expiresAt` of `TradeProposal`.
struct TradeParts {
    bytes32 order;
    bytes32 fills;
    bytes32 snapshot;
    bytes32 ruleset;
    uint64 expiresAt;
}

/// @notice The EIP-712 hashes of certificates, proposals and executions.
/// @dev The types are those of `noderr.types.consensus`: `certificate_reference`, `trade_proposal`, `execution`.
library TradeHash {
    using TradeHash for CertificateVerifier.Certificate;

    /// @notice `CERTIFICATE_TYPE.type_hash` of the Python.
    bytes32 internal constant CERTIFICATE_TYPE_HASH =
        keccak256(
            "Certificate(uint8 tier,uint64 epoch,uint64 round,bytes32 topic,bytes32 subject,uint8 choice,uint64 expiresAt,VoterSignature[] signatures)"
            "VoterSignature(address voter,uint32 codes,bytes signature)"
        );
    /// @notice `TRADE_PROPOSAL_TYPE.type_hash` of the Python.
    bytes32 internal constant PROPOSAL_TYPE_HASH =
        keccak256(
            "TradeProposal(bytes32 id,uint64 epoch,uint64 round,Order order,SignalReference signal,bytes32 snapshot,bytes32 ruleset,uint64 expiresAt)"
            "Order(string clientOrderId,string symbol,string side,string orderType,string quantity,string limitPrice,string timeInForce,uint64 expiresAtNs,uint64 createdAtNs)"
            "SignalReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 agreedSignal)"
        );
    /// @notice `EXECUTION_TYPE.type_hash` of the Python.
    bytes32 internal constant EXECUTION_TYPE_HASH =
        keccak256(
            "Execution(bytes32 tradeId,address executor,bytes32 proposal,CertificateReference oracles,CertificateReference guardians,Order order,Fill[] fills)"
            "CertificateReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 certificate)"
            "Fill(string fillId,string clientOrderId,string venue,string symbol,string side,string price,string quantity,string fee,string feeCurrency,string liquidity,uint64 atNs)"
            "Order(string clientOrderId,string symbol,string side,string orderType,string quantity,string limitPrice,string timeInForce,uint64 expiresAtNs,uint64 createdAtNs)"
        );

    bytes32 private constant _VOTER_SIGNATURE_TYPE_HASH =
        keccak256("VoterSignature(address voter,uint32 codes,bytes signature)");
    bytes32 private constant _SIGNAL_REFERENCE_TYPE_HASH =
        keccak256("SignalReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 agreedSignal)");
    bytes32 private constant _CERTIFICATE_REFERENCE_TYPE_HASH =
        keccak256("CertificateReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 certificate)");

    /// @notice `hashStruct` of the proposal with these parts, for the guardians' round and because of the oracles' signal.
    function proposalHash(
        TradeParts calldata parts,
        bytes32 tradeId,
        CertificateVerifier.Certificate calldata oracles,
        CertificateVerifier.Certificate calldata guardians
    ) internal pure returns (bytes32) {
        bytes32 signal = keccak256(
            abi.encode(_SIGNAL_REFERENCE_TYPE_HASH, oracles.epoch, oracles.round, oracles.topic, oracles.subject)
        );
        return
            keccak256(
                abi.encode(
                    PROPOSAL_TYPE_HASH,
                    tradeId,
                    guardians.epoch,
                    guardians.round,
                    parts.order,
                    signal,
                    parts.snapshot,
                    parts.ruleset,
                    parts.expiresAt
                )
            );
    }

    /// @notice `hashStruct` of the execution with these parts, of the proposal that the guardians approved.
    function executionHash(
        TradeParts calldata parts,
        bytes32 tradeId,
        address executor,
        CertificateVerifier.Certificate calldata oracles,
        CertificateVerifier.Certificate calldata guardians
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    EXECUTION_TYPE_HASH,
                    tradeId,
                    executor,
                    guardians.subject,
                    oracles.referenceHash(),
                    guardians.referenceHash(),
                    parts.order,
                    parts.fills
                )
            );
    }

    /// @notice `hashStruct` of the reference to a certificate, which pins its every byte.
    function referenceHash(CertificateVerifier.Certificate calldata certificate) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    _CERTIFICATE_REFERENCE_TYPE_HASH,
                    certificate.epoch,
                    certificate.round,
                    certificate.topic,
                    certificate.certificateHash()
                )
            );
    }

    /// @notice `hashStruct` of a certificate with its signatures.
    function certificateHash(CertificateVerifier.Certificate calldata certificate) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    CERTIFICATE_TYPE_HASH,
                    certificate.tier,
                    certificate.epoch,
                    certificate.round,
                    certificate.topic,
                    certificate.subject,
                    certificate.choice,
                    certificate.expiresAt,
                    _signaturesHash(certificate.signatures)
                )
            );
    }

    function _signaturesHash(CertificateVerifier.VoterSignature[] calldata parts) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](parts.length);
        for (uint256 i = 0; i < parts.length; ++i) {
            CertificateVerifier.VoterSignature calldata part = parts[i];
            hashes[i] = keccak256(
                abi.encode(_VOTER_SIGNATURE_TYPE_HASH, part.voter, part.codes, keccak256(part.signature))
            );
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
