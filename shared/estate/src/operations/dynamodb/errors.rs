//! `DynamoDB`'s errors.
//!
//! Sources: `DynamoDB` API Reference, the errors of each action; `DynamoDB` Developer Guide, "Error
//! messages and codes". Codes that other services have too are not among them.

/// The stable code for an error of `DynamoDB`'s, and what mends it. Refusals for want of rights are
/// those of every service.
pub(crate) fn meaning(code: &str, message: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "ResourceNotFoundException" | "TableNotFoundException" | "BackupNotFoundException" => {
            ("not_found", ". Check the name and the Region; what was just made may take a moment to be seen.")
        }
        "ConditionalCheckFailedException" => {
            ("condition_failed", ". Nothing was written. Read the item, then decide anew.")
        }
        "ProvisionedThroughputExceededException" => {
            ("throttled", ". Ask again in a moment; if it goes on, raise the table's throughput.")
        }
        "LimitExceededException" => (
            "limit_exceeded",
            ". Too many tables, indexes or backups are being changed at once, or the account's quota is used up. \
             Wait for those under way, or have the quota raised.",
        ),
        // DynamoDB says that a table is there already with the code for one that is busy.
        "ResourceInUseException" if message.contains("already exists") => {
            ("already_exists", ". Choose another name, or use the one there is.")
        }
        "TableAlreadyExistsException" => {
            ("already_exists", ". Choose another name, or use the one there is.")
        }
        "ResourceInUseException" | "TableInUseException" | "BackupInUseException" => {
            ("in_use", ". Another change is under way. Wait until it is done, then ask again.")
        }
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException" => {
            ("in_use", ". Somebody else is writing the item. Ask again in a moment.")
        }
        "ItemCollectionSizeLimitExceededException" => (
            "too_large",
            ". Items under one partition key of a table with local indexes are 10 GB at most. Delete some, or \
             spread them over more partition keys.",
        ),
        "ContinuousBackupsUnavailableException" => (
            "unavailable",
            ". Backups are not yet enabled for the table, or were changed a moment ago. Ask again in a few minutes.",
        ),
        "PointInTimeRecoveryUnavailableException" => {
            ("unavailable", ". Enable point-in-time recovery with dynamodb:UpdateContinuousBackups first.")
        }
        // DynamoDB Developer Guide, "Using deletion protection to protect your table".
        "ValidationException" if message.contains("protected against deletion") => (
            "deletion_protected",
            ". The table is protected from deletion; take the protection off with dynamodb:UpdateTable, if it is to go.",
        ),
        "ValidationException" | "SerializationException" => ("invalid_input", ". Mend the input."),
        "InternalServerError" => {
            ("aws_unavailable", ". Look whether it was done before asking for it again.")
        }
        _ => return None,
    })
}
