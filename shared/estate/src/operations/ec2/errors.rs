//! EC2's errors, and those of EC2 Instance Connect.
//!
//! Sources: EC2 API Reference, "Error codes"; EC2 Instance Connect API Reference, `SendSSHPublicKey`,
//! "Errors".

/// A stable code, and what mends it.
type Meaning = (&'static str, &'static str);

/// The stable code for an error of EC2's, and what mends it. Refusals for want of rights are those of
/// every service.
pub(crate) fn meaning(code: &str, message: &str) -> Option<Meaning> {
    // CloudTrail and the reasons of states write Client.InvalidKMSKey.InvalidState and the like.
    let code = code.strip_prefix("Client.").or(code.strip_prefix("Server.")).unwrap_or(code);
    of_a_launch(code, message)
        .or_else(|| missing_or_blocked(code, message))
        .or_else(|| capacity(code))
        .or_else(|| limit(code))
        .or_else(|| not_such_an_instance(code, message))
        .or_else(|| state(code))
        .or_else(|| input_or_failure(code))
}

/// What keeps an instance from being launched, where more can be said than that something is missing.
fn of_a_launch(code: &str, message: &str) -> Option<Meaning> {
    Some(match code {
        "InvalidAMIID.NotFound" => (
            "not_found",
            ". Images belong to one Region: check that it is the image's, and that the image is shared with the \
             customer's account.",
        ),
        "InvalidKeyPair.NotFound" => (
            "not_found",
            ". Key pairs belong to one Region and one account; the customer makes or imports it there.",
        ),
        "InvalidSubnetID.NotFound" | "InvalidGroup.NotFound" | "InvalidSecurityGroupID.NotFound" => {
            ("not_found", ". Check the Region; the groups of an instance are those of its subnet's VPC.")
        }
        "VPCIdNotSpecified" | "MissingInput" => (
            "invalid_input",
            ". The account has no default VPC in this Region: name a SubnetId, and the SecurityGroupIds.",
        ),
        "VcpuLimitExceeded" => (
            "vcpu_limit_exceeded",
            ". The account's vCPUs of this family of types are used up in this Region: the customer asks for more \
             under Service Quotas (Amazon EC2, Running On-Demand instances), or stops some.",
        ),
        "InsufficientInstanceCapacity" => (
            "insufficient_capacity",
            ". AWS has not enough of this type there now: ask for fewer, for another type or Availability Zone, or \
             again later.",
        ),
        "Unsupported" => (
            "unsupported",
            ". The type is not offered in that Availability Zone, or not with these options: take another subnet, or \
             another type.",
        ),
        "InvalidParameterCombination" => ("invalid_input", ". These parameters do not go together."),
        "InvalidUserData.Malformed" => ("invalid_input", ". User data is base64."),
        "InvalidAMIID.Unavailable" => {
            ("incorrect_state", ". The image is not available (yet): wait until it is, or take another.")
        }
        "PrivateIpAddressLimitExceeded" | "NetworkInterfaceLimitExceeded" => (
            "limit_exceeded",
            ". The type takes no more interfaces or addresses, or the account has no more of them.",
        ),
        // EC2 says of a product that nobody subscribed to what it says of a Region that is not enabled.
        "OptInRequired" if message.contains("subscribe") && message.contains("Marketplace") => (
            "subscription_required",
            ". The image is a product of AWS Marketplace: the customer accepts its terms there first.",
        ),
        _ => return None,
    })
}

fn missing_or_blocked(code: &str, message: &str) -> Option<Meaning> {
    const KEY: Meaning = (
        "key_unusable",
        ". The KMS key of a volume cannot be used: it is disabled, is to be deleted, or does not let the role or \
         EC2 use it. The customer enables it, or allows kms:CreateGrant on it (capability ec2-kms).",
    );
    Some(match code {
        "Blocked" | "PendingVerification" => (
            "account_blocked",
            ". The customer's account may not do this now; the customer asks AWS Support.",
        ),
        "CustomerKeyHasBeenRevoked" => KEY,
        code if code.starts_with("InvalidKMSKey.") => KEY,
        // An image that is not shared with the account, or was deregistered.
        "AuthFailure" if message.starts_with("Not authorized for ") => ("not_found", ""),
        "EC2InstanceNotFoundException" | "InvalidID" => ("not_found", ""),
        // A name that somebody chose can be mended; an id that looks right and is none was never given.
        "InvalidAMIName.Malformed" => ("invalid_input", ""),
        code if code.ends_with(".NotFound") || code.ends_with(".Malformed") => ("not_found", ""),
        _ => return None,
    })
}

fn capacity(code: &str) -> Option<Meaning> {
    match code {
        "InsufficientFreeAddressesInSubnet" => Some((
            "insufficient_addresses",
            ". The subnet has no free private addresses left; use another subnet, or free some.",
        )),
        "IncompatibleHostRequirements"
        | "UnavailableHostRequirements"
        | "ReservationCapacityExceeded"
        | "ReservedInstancesUnavailable" => Some(CAPACITY),
        code if code.starts_with("Insufficient") && code.contains("Capacity") => Some(CAPACITY),
        _ => None,
    }
}

const CAPACITY: Meaning = (
    "insufficient_capacity",
    ". AWS has not enough of it there now: ask again later, or take another instance type or Availability Zone.",
);

fn limit(code: &str) -> Option<Meaning> {
    const QUOTA: Meaning = (
        "limit_exceeded",
        ". A quota of the customer's account is used up: the customer asks for more under Service Quotas, or \
         frees some.",
    );
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ConcurrentTagAccess"
        | "SnapshotCreationPerVolumeRateExceeded" => Some(("throttled", ". Ask again in a moment.")),
        "FilterLimitExceeded" | "ResourceCountExceeded" | "RequestResourceCountExceeded" => {
            Some(("invalid_input", ". Ask for less at once."))
        }
        "TagLimitExceeded" => {
            Some(("limit_exceeded", ". A resource has 50 tags at most: take some off first."))
        }
        "ConcurrentSnapshotLimitExceeded"
        | "PendingSnapshotLimitExceeded"
        | "ConcurrentCreateImageNoRebootLimitExceeded" => {
            Some(("limit_exceeded", ". Wait until those that are being made are done, then ask again."))
        }
        "MaxSpotInstanceCountExceeded" | "VolumeIOPSLimit" | "ReservedInstancesCountExceeded" => Some(QUOTA),
        code if code.ends_with("LimitExceeded") => Some(QUOTA),
        _ => None,
    }
}

/// What cannot be done with this instance, or not as it is set up.
fn not_such_an_instance(code: &str, message: &str) -> Option<Meaning> {
    let says = |part: &str| message.contains(part);
    Some(match code {
        "OperationNotPermitted" if says("disableApiTermination") => (
            "termination_protected",
            ". The instance is protected from termination; the customer takes the protection off, if it is to go.",
        ),
        "OperationNotPermitted" if says("disableApiStop") => (
            "stop_protected",
            ". The instance is protected from being stopped; the customer takes the protection off, if it may be.",
        ),
        "OperationNotPermitted" => ("not_permitted", ""),
        "UnsupportedOperation" if says("cannot be stopped") || says("can't stop") => (
            "unsupported_stop",
            ". Such an instance cannot be stopped, only rebooted or terminated: its root device is an instance \
             store, or it is a Spot Instance of a one-time request.",
        ),
        "UnsupportedOperation"
        | "UnsupportedException"
        | "UnsupportedHibernationConfiguration"
        | "UnsupportedHostConfiguration"
        | "UnsupportedInstanceTypeOnHost"
        | "EC2InstanceTypeInvalidException" => ("unsupported", ""),
        _ => return None,
    })
}

fn state(code: &str) -> Option<Meaning> {
    const USED: Meaning = ("in_use", ". Take away what uses it first.");
    Some(match code {
        "IncorrectInstanceState"
        | "IncorrectState"
        | "InvalidInstanceState"
        | "BundlingInProgress"
        | "EC2InstanceStateInvalidException" => {
            ("incorrect_state", ". Wait until the instance has settled, then ask again.")
        }
        "EC2InstanceUnavailableException" => {
            ("unavailable", ". The instance is not to be reached now; ask again in a few minutes.")
        }
        "IncorrectModificationState" | "InvalidHostState" => ("incorrect_state", ""),
        "DependencyViolation" | "VolumeInUse" => USED,
        code if code.ends_with(".InUse") => USED,
        code if code.ends_with(".Duplicate") => ("already_exists", ". Choose another name."),
        "IdempotentParameterMismatch" | "IdempotentInstanceTerminated" => {
            ("idempotency_mismatch", ". The same token was used for another request; use a new one.")
        }
        _ => return None,
    })
}

fn input_or_failure(code: &str) -> Option<Meaning> {
    match code {
        "InternalError" | "InternalFailure" | "ServerInternal" | "ServiceException"
        | "ServiceUnavailable" | "Unavailable" => {
            Some(("aws_unavailable", ". Look whether it was done before asking for it again."))
        }
        "MissingParameter" | "UnknownParameter" | "UnknownVolumeType" | "ValidationError" => {
            Some(("invalid_input", ""))
        }
        // This one is about credentials, whichever service says it.
        "InvalidClientTokenId" => None,
        code if code.starts_with("Invalid") => Some(("invalid_input", "")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
