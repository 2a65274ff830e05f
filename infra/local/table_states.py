"""The states of DynamoDB's tables, of which the emulator knows ACTIVE alone, and what AWS refuses in each.

A restored table is CREATING at first. What lasts long on AWS takes a moment here, so that whoever must wait does. For
every other state a test asks, by HTTP on the local AWS's own address:

    PUT    /_drawbridge/tables/ACCOUNT/REGION/NAME  {"status": "ARCHIVED"} shows the table in this state, whatever it
                                                    is in; {"continuous_backups": "DISABLED"} lets it have none yet;
                                                    or both
    DELETE /_drawbridge/tables/ACCOUNT/REGION/NAME  shows it as it is again

Source, unless another document is named: DynamoDB API Reference, TableDescription (TableStatus) and the errors on each
action's page.
"""

import functools
import time

TABLES_PATH = "/_drawbridge/tables/"

# On AWS a restore takes minutes, a change of a table seconds, of its time to live up to an hour.
RESTORE_SECONDS = 1.0
UPDATE_SECONDS = 0.3
TIME_TO_LIVE_SECONDS = 0.3
# Continuous backups, which on-demand backups need too, come to a new table a little after it is ACTIVE.
BACKUPS_LATER_SECONDS = 0.5

STATUSES = (
    "ACTIVE",
    "ARCHIVED",
    "ARCHIVING",
    "CREATING",
    "DELETING",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    "UPDATING",
)
# "its status might not be ACTIVE" (ResourceNotFoundException); while it is DELETING it may still answer.
WITHOUT_ITEMS = ("ARCHIVED", "ARCHIVING", "CREATING")
WORDS = {
    "ARCHIVED": "archived",
    "ARCHIVING": "being archived",
    "CREATING": "being created",
    "DELETING": "being deleted",
    "UPDATING": "being updated",
}
OF_ITEMS = ("batch_get_item", "batch_write_item", "delete_item", "get_item", "put_item", "query", "scan", "update_item")


class TableStates:
    """What tests want tables to show. What a table is in by itself is kept with the table."""

    def __init__(self):
        self._wanted = {}

    def answer(self, method, path, request):
        from ministack.services import dynamodb

        account, _, rest = path.partition("/")
        region, _, name = rest.partition("/")
        if not dynamodb._tables.contains_scoped(account, region, name):
            return 404, {"message": f"no table: {path}"}
        if method == "DELETE":
            self._wanted.pop((account, region, name), None)
        elif method != "PUT":
            return 405, {"message": "PUT or DELETE"}
        else:
            known = {"status": STATUSES, "continuous_backups": ("ENABLED", "DISABLED")}
            if not request or any(value not in known.get(key, ()) for key, value in request.items()):
                return 400, {"message": f"any of {known}"}
            self._wanted[account, region, name] = request
        return 200, {"account_id": account, "region": region, "table": name, **self._of(account, region, name)}

    def _of(self, account, region, name):
        return self._wanted.get((account, region, name), {})

    def forget(self, name):
        self._wanted.pop((*here(), name), None)

    def status(self, name):
        from ministack.services import dynamodb

        table, now = dynamodb._tables[name], time.time()
        if now < table.get("_restored_at", 0):
            own = "CREATING"
        else:
            own = "UPDATING" if now < table.get("_updated_at", 0) else table["TableStatus"]
        return self._of(*here(), name).get("status", own)

    def has_backups(self, name):
        """Whether its continuous backups are enabled."""
        from ministack.services import dynamodb

        wanted = self._of(*here(), name).get("continuous_backups")
        restored = dynamodb._tables[name].get("_restored_at", 0)
        return wanted == "ENABLED" if wanted else time.time() >= restored + BACKUPS_LATER_SECONDS


def here():
    from ministack.core.responses import get_account_id, get_region

    return get_account_id(), get_region()


def error(code, message):
    from ministack.core.responses import error_response_json

    return error_response_json(code, message, 400)


def mend_table_states(states):
    from ministack.services import dynamodb

    show_states(dynamodb, states)
    update_tables_for_a_moment(dynamodb)
    enable_time_to_live_for_a_moment(dynamodb)
    tell_of_continuous_backups(dynamodb, states)
    forget_what_is_deleted(dynamodb, states)
    # Before anything else is looked at.
    for operation in OF_ITEMS:
        refuse(dynamodb, operation, functools.partial(without_items, dynamodb, states))
    for operation in ("update_table", "update_ttl", "tag_resource", "untag_resource", "delete_table"):
        refuse(dynamodb, operation, functools.partial(in_use, dynamodb, states))
    refuse(dynamodb, "update_continuous_backups", functools.partial(without_backups, dynamodb, states))
    refuse(dynamodb, "create_backup", functools.partial(not_to_be_backed_up, dynamodb, states))


def show_states(dynamodb, states):
    original = dynamodb._table_description

    @functools.wraps(original)
    def described(name):
        table = original(name)
        status = states.status(name)
        if status != "ACTIVE":
            # The emulator's own is never older than this one.
            table["TableStatus"] = status
        summary = dynamodb._tables[name].get("RestoreSummary")
        if summary:
            table["RestoreSummary"] = {**summary, "RestoreInProgress": status == "CREATING"}
        if status == "CREATING" and table.get("GlobalSecondaryIndexes"):
            indexes = table["GlobalSecondaryIndexes"]
            table["GlobalSecondaryIndexes"] = [{**index, "IndexStatus": "CREATING"} for index in indexes]
        return table

    dynamodb._table_description = described


def refuse(dynamodb, operation, check):
    """Lets `check` answer first, with a refusal or with nothing."""
    original = getattr(dynamodb, f"_{operation}")

    @functools.wraps(original)
    def answered(request):
        return check(operation, request) or original(request)

    setattr(dynamodb, f"_{operation}", answered)


def tables_of(dynamodb, request):
    """The names of the tables of a request that are there."""
    name = request.get("TableName") or request.get("ResourceArn")
    named = [name] if name else list(request.get("RequestItems") or ())
    named = [dynamodb._normalize_table_name(one) for one in named]
    return [one for one in named if isinstance(one, str) and one in dynamodb._tables]


def without_items(dynamodb, states, _operation, request):
    for name in tables_of(dynamodb, request):
        if states.status(name) in WITHOUT_ITEMS:
            return error("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
    return None


def in_use(dynamodb, states, operation, request):
    for name in tables_of(dynamodb, request):
        status = states.status(name)
        if operation == "delete_table" and status == "DELETING":
            # "If table is already in the DELETING state, no error is returned."
            return dynamodb.json_response({"TableDescription": dynamodb._table_description(name)})
        if operation == "delete_table" and status == "ARCHIVED":
            return None
        if operation in ("update_ttl", "tag_resource", "untag_resource") and status == "UPDATING":
            return None
        if status in WORDS:
            message = f"Attempt to change a resource which is still in use: Table is {WORDS[status]}: {name}"
            return error("ResourceInUseException", message)
    return None


def without_backups(dynamodb, states, _operation, request):
    for name in tables_of(dynamodb, request):
        if states.status(name) == "CREATING" or not states.has_backups(name):
            message = f"Backups are being enabled for the table: {name}. Please retry later"
            return error("ContinuousBackupsUnavailableException", message)
    return None


def not_to_be_backed_up(dynamodb, states, operation, request):
    refused = without_backups(dynamodb, states, operation, request)
    for name in tables_of(dynamodb, request):
        if states.status(name) in ("ARCHIVED", "ARCHIVING", "DELETING"):
            return error("TableInUseException", f"Table is {WORDS[states.status(name)]}: {name}")
    return refused


def update_tables_for_a_moment(dynamodb):
    """"while it's executing, the table status changes from ACTIVE to UPDATING"; enabling a stream that is enabled, or
    disabling one that is not there, is a ValidationException (UpdateTable). The emulator takes both at once.
    CloudFormation waits for it by itself, and its own calls are not held up here."""
    from ministack.services.cloudformation import provisioners

    original = dynamodb._update_table

    @functools.wraps(original)
    def updated(request):
        for name in tables_of(dynamodb, request):
            table = dynamodb._tables[name]
            has_stream = bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))
            wants_stream = request.get("StreamSpecification", {}).get("StreamEnabled")
            if wants_stream and has_stream:
                return error("ValidationException", f"Table already has an enabled stream: TableName: {name}")
            if wants_stream is False and not has_stream:
                return error("ValidationException", f"Table has no stream to disable: TableName: {name}")
            answer = original(request)
            if answer[0] != 200:
                return answer
            if wants_stream is False:
                # AWS shows no specification of what is disabled.
                table["StreamSpecification"] = None
            table["_updated_at"] = time.time() + UPDATE_SECONDS
            return dynamodb.json_response({"TableDescription": dynamodb._table_description(name)})
        return original(request)

    dynamodb._update_table = updated

    def call(data):
        answer = original(data)
        if answer[0] >= 400:
            raise ValueError(f"AWS::DynamoDB::Table update failed: {answer[2]!r}")

    provisioners._ddb_update_call = call


def enable_time_to_live_for_a_moment(dynamodb):
    """It is ENABLING or DISABLING for up to an hour, in which no further change is taken, and what is as wanted already
    is refused (UpdateTimeToLive; DynamoDB Developer Guide, "Enable Time to Live"). The emulator changes it at once."""
    describe, update = dynamodb._describe_ttl, dynamodb._update_ttl

    @functools.wraps(describe)
    def described(request):
        for name in tables_of(dynamodb, request):
            setting = dynamodb._ttl_settings.get(name) or {"TimeToLiveStatus": "DISABLED"}
            status, attribute = setting["TimeToLiveStatus"], setting.get("AttributeName")
            if time.time() < setting.get("_changed_at", 0):
                status = {"ENABLED": "ENABLING", "DISABLED": "DISABLING"}[status]
            told = {"TimeToLiveStatus": status}
            if attribute and status != "DISABLED":
                told["AttributeName"] = attribute
            return dynamodb.json_response({"TimeToLiveDescription": told})
        return describe(request)

    @functools.wraps(update)
    def updated(request):
        for name in tables_of(dynamodb, request):
            setting = dynamodb._ttl_settings.get(name) or {"TimeToLiveStatus": "DISABLED"}
            wanted = request.get("TimeToLiveSpecification") or {}
            enabled, enables = setting["TimeToLiveStatus"] == "ENABLED", bool(wanted.get("Enabled"))
            if time.time() < setting.get("_changed_at", 0):
                message = "Time to live has been modified multiple times within a fixed interval"
                return error("ValidationException", message)
            if enabled == enables:
                word = "enabled" if enabled else "disabled"
                return error("ValidationException", f"TimeToLive is already {word}")
            if enabled and wanted.get("AttributeName") != setting["AttributeName"]:
                message = "TimeToLive is active on a different AttributeName: current AttributeName is "
                return error("ValidationException", message + setting["AttributeName"])
            answer = update(request)
            if answer[0] == 200:
                dynamodb._ttl_settings[name]["_changed_at"] = time.time() + TIME_TO_LIVE_SECONDS
            return answer
        return update(request)

    dynamodb._describe_ttl, dynamodb._update_ttl = described, updated


def tell_of_continuous_backups(dynamodb, states):
    """Point-in-time recovery goes back to when it was enabled, and as far as its period, 35 days unless another is
    given, up to some five minutes ago (PointInTimeRecoveryDescription). The emulator knows no period, and always tells
    the present."""
    describe, update = dynamodb._describe_continuous_backups, dynamodb._update_continuous_backups

    def told(name):
        setting = dynamodb._pitr_settings.get(name)
        recovery = {"PointInTimeRecoveryStatus": "DISABLED"}
        if setting:
            latest = max(time.time() - 300, setting["since"])
            recovery = {
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": setting["days"],
                "EarliestRestorableDateTime": max(setting["since"], latest - setting["days"] * 86400),
                "LatestRestorableDateTime": latest,
            }
        status = "ENABLED" if states.has_backups(name) else "DISABLED"
        return dynamodb.json_response(
            {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": status,
                    "PointInTimeRecoveryDescription": recovery,
                }
            }
        )

    @functools.wraps(describe)
    def described(request):
        names = tables_of(dynamodb, request)
        return told(names[0]) if names else describe(request)

    @functools.wraps(update)
    def updated(request):
        names = tables_of(dynamodb, request)
        if not names:
            return update(request)
        name, wanted = names[0], request.get("PointInTimeRecoverySpecification") or {}
        days = wanted.get("RecoveryPeriodInDays", 35)
        if not isinstance(days, int) or not 1 <= days <= 35:
            return error("ValidationException", "RecoveryPeriodInDays must be between 1 and 35")
        before = dynamodb._pitr_settings.get(name) or {"since": time.time()}
        enabled = wanted.get("PointInTimeRecoveryEnabled")
        dynamodb._pitr_settings[name] = {**before, "days": days} if enabled else False
        return told(name)

    dynamodb._describe_continuous_backups, dynamodb._update_continuous_backups = described, updated


def forget_what_is_deleted(dynamodb, states):
    original = dynamodb._delete_table

    @functools.wraps(original)
    def deleted(request):
        answer = original(request)
        name = dynamodb._normalize_table_name(request.get("TableName"))
        if name not in dynamodb._tables:
            states.forget(name)
        return answer

    dynamodb._delete_table = deleted
