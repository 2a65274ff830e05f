//! Codes are those of EC2's API Reference, "Error codes", unless said otherwise.

use rstest::rstest;

use crate::operations::outcome::meaning;

#[rstest]
// Of a launch.
#[case("InvalidSecurityGroupID.NotFound", "", "not_found")]
#[case("VPCIdNotSpecified", "No default VPC for this user", "invalid_input")]
#[case("MissingInput", "No subnets found for the default VPC", "invalid_input")]
#[case("InvalidUserData.Malformed", "", "invalid_input")]
#[case("NetworkInterfaceLimitExceeded", "", "limit_exceeded")]
#[case("PrivateIpAddressLimitExceeded", "", "limit_exceeded")]
#[case(
    "OptInRequired",
    "In order to use this AWS Marketplace product you need to accept terms and subscribe.",
    "subscription_required"
)]
// Common to all actions.
#[case("UnauthorizedOperation", "", "access_denied")]
#[case("AuthFailure", "AWS was not able to validate the provided access credentials", "region_unavailable")]
#[case("AuthFailure", "Not authorized for images: [ami-1]", "not_found")]
#[case("OptInRequired", "", "region_unavailable")]
#[case("InvalidClientTokenId", "", "region_unavailable")]
#[case("Blocked", "", "account_blocked")]
#[case("PendingVerification", "", "account_blocked")]
#[case("InvalidPaginationToken", "", "invalid_input")]
#[case("InvalidParameter", "", "invalid_input")]
#[case("InvalidParameterCombination", "", "invalid_input")]
#[case("InvalidParameterValue", "", "invalid_input")]
#[case("MissingParameter", "", "invalid_input")]
#[case("UnknownParameter", "", "invalid_input")]
#[case("ValidationError", "", "invalid_input")]
#[case("IdempotentParameterMismatch", "", "idempotency_mismatch")]
#[case("IdempotentInstanceTerminated", "", "idempotency_mismatch")]
// Of single actions.
#[case("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist", "not_found")]
#[case("InvalidInstanceID.Malformed", "", "not_found")]
#[case("InvalidAMIID.NotFound", "", "not_found")]
#[case("InvalidAMIID.Malformed", "", "not_found")]
#[case("InvalidAMIID.Unavailable", "", "incorrect_state")]
#[case("InvalidAMIName.Duplicate", "", "already_exists")]
#[case("InvalidAMIName.Malformed", "", "invalid_input")]
#[case("InvalidSnapshot.NotFound", "", "not_found")]
#[case("InvalidSnapshot.InUse", "", "in_use")]
#[case("InvalidVolume.NotFound", "", "not_found")]
#[case("InvalidSubnetID.NotFound", "", "not_found")]
#[case("InvalidGroup.NotFound", "", "not_found")]
#[case("InvalidKeyPair.NotFound", "", "not_found")]
#[case("InvalidID", "", "not_found")]
#[case("InvalidMaxResults", "", "invalid_input")]
#[case("InvalidFilter", "", "invalid_input")]
#[case("InvalidBlockDeviceMapping", "", "invalid_input")]
#[case("IncorrectInstanceState", "", "incorrect_state")]
#[case("InvalidInstanceState", "", "incorrect_state")]
#[case("IncorrectState", "", "incorrect_state")]
#[case("IncorrectModificationState", "", "incorrect_state")]
#[case("BundlingInProgress", "", "incorrect_state")]
#[case("DependencyViolation", "", "in_use")]
#[case("VolumeInUse", "", "in_use")]
#[case(
    "OperationNotPermitted",
    "The instance 'i-1' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
    "termination_protected"
)]
#[case(
    "OperationNotPermitted",
    "The instance 'i-1' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.",
    "stop_protected"
)]
#[case("OperationNotPermitted", "It is not.", "not_permitted")]
#[case(
    "UnsupportedOperation",
    "The instance 'i-1' does not have an 'ebs' root device type and cannot be stopped.",
    "unsupported_stop"
)]
#[case(
    "UnsupportedOperation",
    "You can't stop the Spot Instance 'i-1' because it is associated with a one-time Spot Instance request.",
    "unsupported_stop"
)]
#[case("UnsupportedOperation", "", "unsupported")]
#[case("Unsupported", "", "unsupported")]
#[case("UnsupportedHibernationConfiguration", "", "unsupported")]
#[case("InsufficientCapacityOnHost", "", "insufficient_capacity")]
#[case("InsufficientReservedInstancesCapacity", "", "insufficient_capacity")]
#[case("IncompatibleHostRequirements", "", "insufficient_capacity")]
#[case("UnavailableHostRequirements", "", "insufficient_capacity")]
#[case("ReservationCapacityExceeded", "", "insufficient_capacity")]
#[case("InsufficientFreeAddressesInSubnet", "", "insufficient_addresses")]
#[case("InstanceLimitExceeded", "", "limit_exceeded")]
#[case("VcpuLimitExceeded", "", "vcpu_limit_exceeded")]
#[case("VolumeLimitExceeded", "", "limit_exceeded")]
#[case("SnapshotLimitExceeded", "", "limit_exceeded")]
#[case("PendingSnapshotLimitExceeded", "", "limit_exceeded")]
#[case("ConcurrentSnapshotLimitExceeded", "", "limit_exceeded")]
#[case("ConcurrentCreateImageNoRebootLimitExceeded", "", "limit_exceeded")]
#[case("TagLimitExceeded", "", "limit_exceeded")]
#[case("ResourceLimitExceeded", "", "limit_exceeded")]
#[case("MaxSpotInstanceCountExceeded", "", "limit_exceeded")]
#[case("VolumeIOPSLimit", "", "limit_exceeded")]
#[case("FilterLimitExceeded", "", "invalid_input")]
#[case("ResourceCountExceeded", "", "invalid_input")]
#[case("SnapshotCreationPerVolumeRateExceeded", "", "throttled")]
#[case("ConcurrentTagAccess", "", "throttled")]
#[case("CustomerKeyHasBeenRevoked", "", "key_unusable")]
// As state reasons and CloudTrail write it.
#[case("Client.InvalidKMSKey.InvalidState", "The KMS key provided is in an incorrect state", "key_unusable")]
#[case("InvalidKMSKey.NotFound", "", "key_unusable")]
// Of the service itself.
#[case("InsufficientInstanceCapacity", "", "insufficient_capacity")]
#[case("Server.InsufficientInstanceCapacity", "", "insufficient_capacity")]
#[case("InsufficientHostCapacity", "", "insufficient_capacity")]
#[case("InsufficientReservedInstanceCapacity", "", "insufficient_capacity")]
#[case("InsufficientVolumeCapacity", "", "insufficient_capacity")]
#[case("InsufficientAddressCapacity", "", "insufficient_capacity")]
#[case("InsufficientCapacity", "", "insufficient_capacity")]
#[case("RequestLimitExceeded", "", "throttled")]
#[case("InternalError", "", "aws_unavailable")]
#[case("InternalFailure", "", "aws_unavailable")]
#[case("ServiceUnavailable", "", "aws_unavailable")]
#[case("Unavailable", "", "aws_unavailable")]
// Of EC2 Instance Connect. Source: its API Reference, `SendSSHPublicKey`, "Errors".
#[case("AuthException", "", "access_denied")]
#[case("EC2InstanceNotFoundException", "", "not_found")]
#[case("EC2InstanceStateInvalidException", "", "incorrect_state")]
#[case("EC2InstanceUnavailableException", "", "unavailable")]
#[case("InvalidArgsException", "", "invalid_input")]
#[case("ServiceException", "", "aws_unavailable")]
#[case("ThrottlingException", "", "throttled")]
#[case("NobodyHasHeardOfThis", "", "refused")]
fn ec2s_codes_are_told_in_ours(#[case] code: &str, #[case] message: &str, #[case] told: &str) {
    assert_eq!(meaning(code, message).0, told);
}

/// What somebody can mend, somebody is told how; the text is one sentence after another.
#[rstest]
#[case("InsufficientInstanceCapacity", "another type")]
#[case("VcpuLimitExceeded", "Service Quotas")]
#[case("InvalidAMIID.NotFound", "shared with")]
#[case("VPCIdNotSpecified", "SubnetId")]
#[case("InvalidKMSKey.InvalidState", "kms:CreateGrant")]
#[case("PendingSnapshotLimitExceeded", "Wait until")]
#[case("RequestLimitExceeded", "Ask again")]
#[case("IncorrectInstanceState", "settled")]
#[case("OptInRequired", "enables the Region")]
fn remedies_are_told_with_it(#[case] code: &str, #[case] mends: &str) {
    let (_, remedy) = meaning(code, "");
    assert!(remedy.starts_with(". ") && remedy.ends_with(['.', ')']) && remedy.contains(mends), "{remedy}");
}
