"""What the emulator's DynamoDB does otherwise than AWS, mended."""

import functools
import json

from authorization import refused
from dynamodb_backups import mend_backups
from table_states import mend_table_states

# What names the resources of the actions that have no TableName (Service Authorization Reference, "Actions, resources,
# and condition keys for Amazon DynamoDB").
RESOURCE_PARAMETERS = ("BackupArn", "ResourceArn", "TargetTableName")
# What is on no resource, whatever it names.
ON_NOTHING = ("ListBackups", "ListTables")
RESTORING = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")


def mend_dynamodb(states):
    authorize_every_resource()
    # What was mended last is asked first.
    mend_backups(states)
    mend_table_states(states)
    find_no_absent_tables()
    restore_with_all_rights()


def authorize_every_resource():
    """AWS authorizes on the backup, the tagged table and the restored table; the emulator only on TableName and takes
    "*" for these, which a policy limited to one of them never allows. ListTables and ListBackups are on no resource,
    so that a policy limited to a table does not allow listing its backups, which the emulator lets it."""
    from ministack.core import iam_actions

    original, extract = iam_actions.dynamodb_resource_arns, iam_actions.extract_resource_arn

    @functools.wraps(extract)
    def first(service, method, path, headers, body, params, region, account_id):
        if service == "dynamodb" and headers.get("x-amz-target", "").rsplit(".", 1)[-1] in ON_NOTHING:
            return "*"
        return extract(service, method, path, headers, body, params, region, account_id)

    @functools.wraps(original)
    def with_all(body, region, account_id):
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            request = {}
        if not isinstance(request, dict) or not any(name in request for name in RESOURCE_PARAMETERS):
            return original(body, region, account_id)
        values = [request[name] for name in RESOURCE_PARAMETERS if isinstance(request.get(name), str)]
        return [iam_actions._dynamodb_table_arn(value, region, account_id) for value in values if value]

    iam_actions.dynamodb_resource_arns = with_all
    iam_actions.extract_resource_arn = first


def find_no_absent_tables():
    """DynamoDB API Reference: ListTagsOfResource of an absent table is a ResourceNotFoundException, and
    DescribeContinuousBackups and UpdateContinuousBackups have TableNotFoundException alone. The emulator answers
    AccessDeniedException and ResourceNotFoundException."""
    from ministack.core.responses import error_response_json
    from ministack.services import dynamodb

    list_tags = dynamodb._list_tags

    @functools.wraps(list_tags)
    def listed(request):
        arn = request.get("ResourceArn", "")
        if isinstance(arn, str) and dynamodb._dynamodb_arn_spec(arn) is not None:
            if dynamodb._table_name_from_arn(arn) not in dynamodb._tables:
                # AWS writes it this way.
                message = f"Requested resource not found: ResourcArn: {arn} not found"
                return error_response_json("ResourceNotFoundException", message, 400)
        return list_tags(request)

    dynamodb._list_tags = listed

    def of_present_table(original):
        @functools.wraps(original)
        def answered(request):
            name = request.get("TableName")
            if name and dynamodb._normalize_table_name(name) not in dynamodb._tables:
                return error_response_json("TableNotFoundException", f"Table not found: {name}", 400)
            return original(request)

        return answered

    dynamodb._describe_continuous_backups = of_present_table(dynamodb._describe_continuous_backups)
    dynamodb._update_continuous_backups = of_present_table(dynamodb._update_continuous_backups)


def restore_with_all_rights():
    """Whoever restores a backup must also be allowed what AWS then does to the new table (DynamoDB Developer Guide,
    "IAM and DynamoDB backup and restore"; Service Authorization Reference, RestoreTableFromBackup's dependent actions).
    The emulator asks for dynamodb:RestoreTableFromBackup alone."""
    from ministack.core import iam_actions
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import dynamodb

    original = dynamodb._restore_table_from_backup

    @functools.wraps(original)
    def restored(request):
        target = request.get("TargetTableName")
        if isinstance(target, str) and target:
            arn = iam_actions._dynamodb_table_arn(target, get_region(), get_account_id())
            for name in RESTORING:
                response = refused("dynamodb", f"dynamodb:{name}", arn)
                if response:
                    return response
        return original(request)

    dynamodb._restore_table_from_backup = restored
