//! The table itself: every capability with its IAM actions.

use super::{Capability, Service};

const RESTORE: &[&str] = &[
    "dynamodb:RestoreTableFromBackup",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:TagResource",
    "dynamodb:UpdateTable",
    "dynamodb:UpdateContinuousBackups",
];

/// `classic`, first statement.
pub(crate) const CLASSIC_EC2: &[&str] = &[
    "ec2:DescribeInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:RebootInstances",
    "ec2:TerminateInstances",
    "ec2:DescribeVolumes",
    "ec2:DescribeTags",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeVolumeStatus",
    "ec2-instance-connect:SendSSHPublicKey",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:RunInstances",
    "ec2:DescribeImages",
    "ec2:CreateTags",
    "ec2:DescribeInstanceTypes",
];

/// `classic`, second statement.
pub(crate) const CLASSIC_DYNAMODB: &[&str] = &[
    "dynamodb:CreateBackup",
    "dynamodb:ListBackups",
    "dynamodb:DescribeBackup",
    "dynamodb:DeleteBackup",
    "dynamodb:RestoreTableFromBackup",
    "dynamodb:DescribeTable",
    "dynamodb:CreateTable",
    "dynamodb:ListTables",
    "dynamodb:Scan",
    "dynamodb:UpdateTable",
    "dynamodb:DeleteTable",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
];

/// One row of the table.
pub(super) struct Row {
    pub name: &'static str,
    /// The `Sid` of its statement and its parameter in `infra/customer-role.yaml`.
    pub title: &'static str,
    /// What it lets the provider do, for the customer who reads it.
    pub meaning: &'static str,
    pub services: &'static [Service],
    pub actions: &'static [&'static [&'static str]],
}

/// The table. A row's place is its capability's, which a test checks.
pub(super) const TABLE: [Row; Capability::ALL.len()] = {
    use Service::{DynamoDb, Ec2};
    [
        Row {
            name: "ec2-observe",
            title: "Ec2Observe",
            meaning: "see instances, volumes, networks and images",
            services: &[Ec2],
            actions: &[&[
                "ec2:DescribeInstances",
                "ec2:DescribeVolumes",
                "ec2:DescribeTags",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeVolumeStatus",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
            ]],
        },
        Row {
            name: "ec2-power",
            title: "Ec2Power",
            meaning: "start, stop and reboot instances",
            services: &[Ec2],
            actions: &[&["ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances"]],
        },
        Row {
            name: "ec2-launch",
            title: "Ec2Launch",
            meaning: "launch instances and set tags",
            services: &[Ec2],
            actions: &[&["ec2:RunInstances", "ec2:CreateTags"]],
        },
        Row {
            name: "ec2-terminate",
            title: "Ec2Terminate",
            meaning: "terminate instances",
            services: &[Ec2],
            actions: &[&["ec2:TerminateInstances"]],
        },
        Row {
            name: "ec2-connect",
            title: "Ec2Connect",
            meaning: "push a one-time SSH key to an instance",
            services: &[Ec2],
            actions: &[&["ec2-instance-connect:SendSSHPublicKey"]],
        },
        Row {
            name: "ec2-backup",
            title: "Ec2Backup",
            meaning: "make and delete snapshots and images",
            services: &[Ec2],
            actions: &[&[
                "ec2:CreateSnapshots",
                "ec2:DescribeSnapshots",
                "ec2:DeleteSnapshot",
                "ec2:CreateImage",
                "ec2:DeregisterImage",
                "ec2:CreateTags",
            ]],
        },
        Row {
            name: "ec2-kms",
            title: "Ec2Kms",
            meaning: "let EC2 use customer-managed keys for encrypted volumes",
            services: &[Ec2],
            actions: &[&["kms:CreateGrant"]],
        },
        Row {
            name: "dynamodb-observe",
            title: "DynamodbObserve",
            meaning: "see tables and backups, not what is in them",
            services: &[DynamoDb],
            actions: &[&[
                "dynamodb:ListTables",
                "dynamodb:DescribeTable",
                "dynamodb:ListBackups",
                "dynamodb:DescribeBackup",
            ]],
        },
        Row {
            name: "dynamodb-backup",
            title: "DynamodbBackup",
            meaning: "make and delete backups of tables",
            services: &[DynamoDb],
            actions: &[&[
                "dynamodb:CreateBackup",
                "dynamodb:DeleteBackup",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
            ]],
        },
        Row {
            name: "dynamodb-restore",
            title: "DynamodbRestore",
            meaning: "restore backups to new tables; AWS asks for rights on items to do so",
            services: &[DynamoDb],
            actions: &[RESTORE],
        },
        Row {
            name: "dynamodb-drill",
            title: "DynamodbDrill",
            meaning: "restore to tables named drawbridge-drill-… and delete those",
            services: &[DynamoDb],
            actions: &[RESTORE, &["dynamodb:DeleteTable"]],
        },
        Row {
            name: "dynamodb-data",
            title: "DynamodbData",
            meaning: "read and write items",
            services: &[DynamoDb],
            actions: &[&[
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:Query",
                "dynamodb:Scan",
                "dynamodb:BatchWriteItem",
                "dynamodb:PutItem",
                "dynamodb:DeleteItem",
            ]],
        },
        Row {
            name: "dynamodb-tables",
            title: "DynamodbTables",
            meaning: "create, change and delete tables",
            services: &[DynamoDb],
            actions: &[&["dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable"]],
        },
        Row {
            name: "classic",
            title: "Classic",
            meaning: "run EC2 instances, and DynamoDB tables with their items and backups",
            services: &[Ec2, DynamoDb],
            actions: &[CLASSIC_EC2, CLASSIC_DYNAMODB],
        },
    ]
};
