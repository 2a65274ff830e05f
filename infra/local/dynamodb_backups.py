"""On-demand backups of DynamoDB, and what is restored from them, as AWS has them.

Source: DynamoDB API Reference, the page of each action and type; DynamoDB Developer Guide, "Using DynamoDB backup and
restore". What takes AWS minutes takes a moment here.
"""

import copy
import functools
import json
import re
import time
from collections import defaultdict

from table_states import RESTORE_SECONDS, error, here

# "the backup is created asynchronously": it is CREATING at first.
BACKUP_SECONDS = 0.3
# A table that had point-in-time recovery leaves a backup of this name and age when it is deleted.
SYSTEM_NAME = "{}$DeletedTableBackup"
SYSTEM_SECONDS = 35 * 86400
BACKUP_NAME = re.compile("[a-zA-Z0-9_.-]{3,255}")
TABLE_NAME = re.compile("[a-zA-Z0-9_.-]{3,255}")
BACKUP_ARN = re.compile(r"arn:aws:dynamodb:([a-z0-9-]+):(\d{12}):table/[a-zA-Z0-9_.-]+/backup/[a-zA-Z0-9-]+")
TYPES = ("USER", "SYSTEM", "AWS_BACKUP", "ALL")
# What a backup tells of an index.
INDEX = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput")


def mend_backups(states):
    from ministack.services import dynamodb

    write_arns_as_aws_does(dynamodb)
    leave_a_backup_of_what_had_recovery(dynamodb)
    make_backups_in_a_moment(dynamodb)
    tell_of_backups(dynamodb)
    list_backups_in_order(dynamodb)
    restore_in_a_moment(dynamodb, states)


def write_arns_as_aws_does(dynamodb):
    """The last part is the time in milliseconds, of 14 digits, and 8 hexadecimal ones."""
    from ministack.core.responses import new_uuid

    def backup_arn(table, _name):
        account, region = here()
        moment = f"{int(time.time() * 1000):014d}-{new_uuid()[:8]}"
        return f"arn:aws:dynamodb:{region}:{account}:table/{table}/backup/{moment}"

    dynamodb._backup_arn = backup_arn


def settled(backup):
    """The backup, AVAILABLE if its time has come."""
    details = backup["BackupDetails"]
    if details["BackupStatus"] == "CREATING" and time.time() >= backup["_available_at"]:
        details["BackupStatus"] = "AVAILABLE"
    return backup


def public(backup):
    return {key: value for key, value in backup.items() if not key.startswith("_")}


def being_made_of(dynamodb, name):
    return time.time() < dynamodb._tables[name].get("_backed_up_at", 0)


def make_backups_in_a_moment(dynamodb):
    """It tells the source as it was then, with nothing of what the source does not have, and one at a time is made of a
    table ("There is another ongoing conflicting backup control plane operation on the table", BackupInUseException).
    The emulator's are AVAILABLE at once, and change with the table."""
    original = dynamodb._create_backup

    @functools.wraps(original)
    def created(request):
        name, table = request.get("BackupName"), dynamodb._normalize_table_name(request.get("TableName"))
        if isinstance(name, str) and not BACKUP_NAME.fullmatch(name):
            return error(
                "ValidationException",
                f"1 validation error detected: Value '{name}' at 'backupName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            )
        if table in dynamodb._tables and being_made_of(dynamodb, table):
            return error("BackupInUseException", f"Backup is being created for the table: {table}")
        status, headers, body = original(request)
        if status != 200:
            return status, headers, body
        arn = json.loads(body)["BackupDetails"]["BackupArn"]
        backup = dynamodb._backups[arn] = as_it_was(dynamodb._backups[arn])
        backup["BackupDetails"]["BackupStatus"] = "CREATING"
        backup["_available_at"] = dynamodb._tables[table]["_backed_up_at"] = time.time() + BACKUP_SECONDS
        return dynamodb.json_response({"BackupDetails": backup["BackupDetails"]})

    dynamodb._create_backup = created


def as_it_was(backup):
    backup = copy.deepcopy(backup)
    # To the millisecond, as in its ARN.
    made = int(backup["BackupDetails"]["BackupArn"].rsplit("/", 1)[-1].split("-")[0]) / 1000
    backup["BackupDetails"]["BackupCreationDateTime"] = made
    features = backup["SourceTableFeatureDetails"]
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        features[kind] = [{key: index[key] for key in INDEX if key in index} for index in features.get(kind) or ()]
    living = features.get("TimeToLiveDescription") or {}
    enabled = living.get("TimeToLiveStatus") == "ENABLED"
    features["TimeToLiveDescription"] = {
        key: living[key] for key in ("TimeToLiveStatus", "AttributeName") if enabled and key in living
    }
    if not (features.get("StreamDescription") or {}).get("StreamEnabled"):
        features["StreamDescription"] = None
    backup["SourceTableFeatureDetails"] = {key: value for key, value in features.items() if value}
    return backup


def tell_of_backups(dynamodb):
    """A backup that is being made, or restored, cannot be deleted, nor can the table that it is being made of; one that
    is deleted is DELETED in the answer, and not found afterwards. The emulator minds neither."""
    describe, delete, delete_table = dynamodb._describe_backup, dynamodb._delete_backup, dynamodb._delete_table

    @functools.wraps(describe)
    def described(request):
        backup = dynamodb._backups.get(request.get("BackupArn") or "")
        return dynamodb.json_response({"BackupDescription": public(settled(backup))}) if backup else describe(request)

    @functools.wraps(delete)
    def deleted(request):
        arn = request.get("BackupArn") or ""
        backup = dynamodb._backups.get(arn)
        if not backup:
            return delete(request)
        if settled(backup)["BackupDetails"]["BackupStatus"] == "CREATING":
            return error("BackupInUseException", f"Backup is being created: {arn}")
        now = time.time()
        for table in dynamodb._tables.values():
            restored = (table.get("RestoreSummary") or {}).get("SourceBackupArn") == arn
            if restored and now < table.get("_restored_at", 0):
                return error("BackupInUseException", f"Backup is being restored: {arn}")
        backup["BackupDetails"]["BackupStatus"] = "DELETED"
        return delete(request)

    @functools.wraps(delete_table)
    def table_deleted(request):
        name = dynamodb._normalize_table_name(request.get("TableName"))
        if name in dynamodb._tables and being_made_of(dynamodb, name):
            return error(
                "ResourceInUseException",
                f"Attempt to change a resource which is still in use: Table is being backed up: {name}",
            )
        return delete_table(request)

    dynamodb._describe_backup, dynamodb._delete_backup = described, deleted
    dynamodb._delete_table = table_deleted


def list_backups_in_order(dynamodb):
    """ListBackups takes a table, a BackupType (USER unless another is given; ALL is USER and SYSTEM) and a range of
    time, lower bound inclusive, upper exclusive. AWS documents no order; here it is that of the ARNs, so that a page
    goes on where the last one ended even if that backup has been deleted since. A full page has a
    LastEvaluatedBackupArn, which "may or may not indicate that there is more". The emulator knows no filter but the
    table, and begins anew after a backup that is gone."""

    def listed(request):
        limit, kind = request.get("Limit", 100), request.get("BackupType", "USER")
        if not isinstance(limit, int) or not 1 <= limit <= 100:
            return error(
                "ValidationException",
                f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
                "Member must have value between 1 and 100",
            )
        if kind not in TYPES:
            return error(
                "ValidationException",
                f"1 validation error detected: Value '{kind}' at 'backupType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [USER, SYSTEM, AWS_BACKUP, ALL]",
            )
        table = dynamodb._normalize_table_name(request.get("TableName") or "")
        lower, upper = request.get("TimeRangeLowerBound"), request.get("TimeRangeUpperBound")
        start = request.get("ExclusiveStartBackupArn") or ""
        found, place = [], here()
        # The store's own way of listing asks anew for each of all accounts' backups whose it is.
        for (account, region, arn), backup in list(dynamodb._backups._data.items()):
            if (account, region) != place or arn <= start:
                continue
            details, source = backup["BackupDetails"], backup["SourceTableDetails"]
            if table and source["TableName"] != table:
                continue
            if kind != "ALL" and details["BackupType"] != kind:
                continue
            made = details["BackupCreationDateTime"]
            if (lower is None or made >= lower) and (upper is None or made < upper):
                found.append(arn)
        page = sorted(found)[:limit]
        answer = {"BackupSummaries": [summary(dynamodb._backups[arn]) for arn in page]}
        if len(page) == limit:
            answer["LastEvaluatedBackupArn"] = page[-1]
        return dynamodb.json_response(answer)

    dynamodb._list_backups = listed


def summary(backup):
    source = settled(backup)["SourceTableDetails"]
    return {**{key: source[key] for key in ("TableName", "TableId", "TableArn")}, **backup["BackupDetails"]}


def restore_in_a_moment(dynamodb, states):
    """The new table is CREATING, with a RestoreSummary that tells where it is from. It has the items, keys, indexes,
    billing mode, throughput and encryption of the backup, and neither its tags, time to live, stream, deletion
    protection nor point-in-time recovery. The backup may be in another Region. The emulator's is ACTIVE at once, leaves
    the encryption out, knows no other Region, and tells of a restore that never ends."""

    def restored(request):
        arn, name = request.get("BackupArn") or "", request.get("TargetTableName") or ""
        if not TABLE_NAME.fullmatch(name):
            return error("ValidationException", f"TableName must be 3 to 255 of [a-zA-Z0-9_.-]: {name}")
        place = BACKUP_ARN.fullmatch(arn)
        backup = dynamodb._backups.get_scoped(here()[0], place[1], arn) if place else None
        if not backup or place[2] != here()[0]:
            return error("BackupNotFoundException", f"Backup not found: {arn}")
        if settled(backup)["BackupDetails"]["BackupStatus"] == "CREATING":
            return error("BackupInUseException", f"Backup is being created: {arn}")
        if name in dynamodb._tables:
            if states.status(name) in ("CREATING", "DELETING"):
                return error("TableInUseException", f"Table is being created or deleted: {name}")
            return error("TableAlreadyExistsException", f"Table already exists: {name}")
        source, features = backup["SourceTableDetails"], backup["SourceTableFeatureDetails"]
        wanted = dynamodb._restore_create_request(
            name,
            source["KeySchema"],
            backup["_attribute_definitions"],
            request.get("BillingModeOverride") or source["BillingMode"],
            request.get("ProvisionedThroughputOverride") or source["ProvisionedThroughput"],
            request,
            features.get("GlobalSecondaryIndexes"),
            features.get("LocalSecondaryIndexes"),
            features.get("VectorIndexes"),
        )
        if request.get("SSESpecificationOverride"):
            wanted["SSESpecification"] = request["SSESpecificationOverride"]
        answer = dynamodb._create_table(wanted)
        if answer[0] != 200:
            return answer
        table = dynamodb._tables[name]
        if not request.get("SSESpecificationOverride"):
            table["SSEDescription"] = copy.deepcopy(features.get("SSEDescription"))
        table["items"] = defaultdict(dict, copy.deepcopy(backup["_items_snapshot"]))
        dynamodb._items_replaced(table)
        table["_restored_at"] = time.time() + RESTORE_SECONDS
        table["RestoreSummary"] = {
            "SourceBackupArn": arn,
            "SourceTableArn": source["TableArn"],
            "RestoreDateTime": backup["BackupDetails"]["BackupCreationDateTime"],
            "RestoreInProgress": True,
        }
        return dynamodb.json_response({"TableDescription": dynamodb._table_description(name)})

    dynamodb._restore_table_from_backup = restored


def leave_a_backup_of_what_had_recovery(dynamodb):
    """Deleting a table with point-in-time recovery makes a SYSTEM backup of it, which is kept for 35 days
    (BackupDetails). The emulator makes none."""
    delete, create = dynamodb._delete_table, dynamodb._create_backup

    @functools.wraps(delete)
    def deleted(request):
        name = dynamodb._normalize_table_name(request.get("TableName"))
        had_recovery = name in dynamodb._tables and dynamodb._pitr_settings.get(name)
        arn = None
        if had_recovery:
            made = create({"TableName": name, "BackupName": SYSTEM_NAME.format(name)})
            arn = json.loads(made[2])["BackupDetails"]["BackupArn"]
        answer = delete(request)
        if arn and name in dynamodb._tables:
            del dynamodb._backups[arn]
        elif arn:
            backup = dynamodb._backups[arn] = as_it_was(dynamodb._backups[arn])
            details = backup["BackupDetails"]
            details |= {"BackupType": "SYSTEM", "BackupExpiryDateTime": time.time() + SYSTEM_SECONDS}
        return answer

    dynamodb._delete_table = deleted
