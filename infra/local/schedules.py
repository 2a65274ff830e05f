"""EventBridge Scheduler's API, where the emulator's differs from AWS's. How schedules fire is in schedule_firing.py.

Source: EventBridge Scheduler API Reference, each action's page; Service Authorization Reference, "Actions, resources,
and condition keys for Amazon EventBridge Scheduler".
"""

import base64
import functools
import hashlib
import json
import re
import time

from authorization import refused
from schedule_firing import fire_schedules_in_time
from schedule_roles import PRINCIPAL, group_of, role_of, trusts_scheduler
from schedule_times import InvalidSchedule, check, once

NAME = re.compile("[0-9a-zA-Z-_.]{1,64}")
# What a target has that names no policy of its own (API Reference, RetryPolicy).
RETRIES = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
START_SECONDS = 300


def mend_scheduler():
    from ministack.services import scheduler

    authorize_on_groups()
    refuse_what_is_wrong(scheduler)
    know_requests_again(scheduler)
    list_in_pages(scheduler)
    ask_for_what_follows(scheduler)
    deploy_all_properties(scheduler)
    fire_schedules_in_time()


class Invalid(Exception):
    pass


def authorize_on_groups():
    """A schedule's ARN names its group, which is in the body or the query; the emulator takes every schedule for one of
    the default group. Lists are on no resource."""
    from ministack.core import iam_actions

    original = iam_actions.extract_resource_arn

    @functools.wraps(original)
    def with_group(service, method, path, headers, body, params, region, account_id):
        found = re.fullmatch("/schedules/([^/]+)", path) if service == "scheduler" else None
        if not found:
            return original(service, method, path, headers, body, params, region, account_id)
        group = params.get("groupName", [])
        if method in ("POST", "PUT"):
            group = parsed(body).get("GroupName")
        group = (group[0] if isinstance(group, list) and group else group) or "default"
        return f"arn:aws:scheduler:{region}:{account_id}:schedule/{group}/{found[1]}"

    iam_actions.extract_resource_arn = with_group


def parsed(body):
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def ask_for_what_follows(scheduler):
    """Whoever makes or changes a schedule passes its target's role, and whoever deletes a group its schedules. The
    emulator asks for neither."""

    def passing(original):
        @functools.wraps(original)
        def asked(name, body):
            role = (body.get("Target") or {}).get("RoleArn")
            keys = {"iam:PassedToService": PRINCIPAL}
            response = refused("scheduler", "iam:PassRole", role, keys) if isinstance(role, str) and role else None
            return response or original(name, body)

        return asked

    scheduler._create_schedule = passing(scheduler._create_schedule)
    scheduler._update_schedule = passing(scheduler._update_schedule)
    delete = scheduler._delete_schedule_group

    @functools.wraps(delete)
    def deleted(name, query):
        schedules = scheduler._schedule_arn(name, "*")
        return refused("scheduler", "scheduler:DeleteSchedule", schedules) or delete(name, query)

    scheduler._delete_schedule_group = deleted


def refuse_what_is_wrong(scheduler):
    """The emulator takes any expression, time zone and window, and a role that nobody can assume. (What AWS says of a
    one-time schedule whose time has passed is not documented; here it is refused.)"""
    create, update = scheduler._create_schedule, scheduler._update_schedule

    def checked(original, is_new):
        @functools.wraps(original)
        def answered(name, body):
            group = body.get("GroupName") or "default"
            is_there = f"{group}/{name}" in scheduler._schedules
            complete = body.get("ScheduleExpression") and body.get("FlexibleTimeWindow") and body.get("Target")
            if not complete or is_there == is_new or (is_new and group not in {*scheduler._schedule_groups, "default"}):
                # Refused by the emulator too.
                return original(name, body)
            try:
                examine(scheduler, name, body, is_new)
            except (Invalid, InvalidSchedule) as error:
                return scheduler._error(400, "ValidationException", str(error))
            # AWS shows the policy that holds, and no description where there is none.
            target = body.get("Target") or {}
            body = {**body, "Target": {**target, "RetryPolicy": {**RETRIES, **(target.get("RetryPolicy") or {})}}}
            return original(name, {**body, "Description": body.get("Description") or None})

        return answered

    scheduler._create_schedule, scheduler._update_schedule = checked(create, True), checked(update, False)


def examine(scheduler, name, body, is_new):
    group, target, window = body.get("GroupName") or "default", body["Target"], body["FlexibleTimeWindow"]
    if not NAME.fullmatch(name) or not NAME.fullmatch(group):
        raise Invalid(f"Names must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$: {group}/{name}")
    if body.get("State", "ENABLED") not in ("ENABLED", "DISABLED"):
        raise Invalid("Value at 'state' failed to satisfy constraint: Member must satisfy enum value set")
    minutes = window.get("MaximumWindowInMinutes")
    flexible = window.get("Mode") == "FLEXIBLE"
    if window.get("Mode") not in ("OFF", "FLEXIBLE") or flexible != (minutes is not None):
        raise Invalid("A FLEXIBLE time window has MaximumWindowInMinutes, and one that is OFF has none.")
    if flexible and not 1 <= minutes <= 1440:
        raise Invalid("Value at 'flexibleTimeWindow.maximumWindowInMinutes' must be between 1 and 1440")
    retries = target.get("RetryPolicy") or {}
    if not 60 <= retries.get("MaximumEventAgeInSeconds", 60) <= 86400:
        raise Invalid("Value at 'target.retryPolicy.maximumEventAgeInSeconds' must be between 60 and 86400")
    if not 0 <= retries.get("MaximumRetryAttempts", 0) <= 185:
        raise Invalid("Value at 'target.retryPolicy.maximumRetryAttempts' must be between 0 and 185")
    check(body)
    at, now = once(body), time.time()
    if at is not None and at < now and body.get("State", "ENABLED") == "ENABLED":
        raise Invalid(f"Invalid Schedule Expression {body['ScheduleExpression']}. It must be in the future.")
    start, end = body.get("StartDate"), body.get("EndDate")
    if at is None and is_new and start is not None and start < now - START_SECONDS:
        raise Invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if at is None and end is not None and end < max(now, start or now):
        raise Invalid("The EndDate you specify must be later than the StartDate and than the current time.")
    role = role_of(target.get("RoleArn"))
    if role is None or not trusts_scheduler(role, group_of(scheduler._schedule_arn(group, name))):
        raise Invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def know_requests_again(scheduler):
    """A request with the ClientToken of an earlier one is the same request: it does nothing and is answered as the
    first was; with other values it is a conflict. The emulator knows no tokens."""
    answers = {}

    def knowing(action, original, token_of):
        @functools.wraps(original)
        def answered(name, request):
            token = token_of(request)
            key = (scheduler.get_account_id(), scheduler.get_region(), action, name, token)
            said = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
            if token and key in answers:
                before, answer = answers[key]
                if before == said:
                    return scheduler._json_resp(200, answer)
                return scheduler._error(409, "ConflictException", "The ClientToken belongs to another request.")
            status, headers, body = original(name, request)
            if token and status == 200:
                answers[key] = (said, json.loads(body))
            return status, headers, body

        return answered

    def in_body(request):
        return request.get("ClientToken")

    def in_query(request):
        return request.get("clientToken")

    scheduler._create_schedule = knowing("create", scheduler._create_schedule, in_body)
    scheduler._update_schedule = knowing("update", scheduler._update_schedule, in_body)
    scheduler._delete_schedule = knowing("delete", scheduler._delete_schedule, in_query)


def list_in_pages(scheduler):
    """The emulator leaves out what is more than a page, and lists nothing of a group that is not there."""

    def listed(query):
        scheduler._ensure_default_group()
        group, token = query.get("ScheduleGroup"), query.get("NextToken")
        asked = [query.get(name) for name in ("ScheduleGroup", "NamePrefix", "State")]
        try:
            limit = int(query.get("MaxResults", 100))
            mark, after = json.loads(base64.urlsafe_b64decode(token)) if token else (asked, "")
        except ValueError:
            return scheduler._error(400, "ValidationException", "Invalid NextToken or MaxResults.")
        if mark != asked or not 1 <= limit <= 100:
            return scheduler._error(400, "ValidationException", "Invalid NextToken or MaxResults.")
        if group and group not in scheduler._schedule_groups:
            return scheduler._error(404, "ResourceNotFoundException", f"Schedule group {group} does not exist.")
        found = []
        for key, schedule in scheduler._schedules.items():
            if key > after and (not group or schedule["GroupName"] == group):
                if schedule["Name"].startswith(query.get("NamePrefix", "")):
                    if schedule["State"] == query.get("State", schedule["State"]):
                        found.append(key)
        page = sorted(found)[:limit]
        answer = {"Schedules": [shown(scheduler._schedules[key]) for key in page]}
        if len(found) > limit:
            answer["NextToken"] = base64.urlsafe_b64encode(json.dumps([asked, page[-1]]).encode()).decode()
        return scheduler._json_resp(200, answer)

    def shown(schedule):
        names = ("Arn", "Name", "GroupName", "State", "CreationDate", "LastModificationDate")
        return {**{name: schedule[name] for name in names}, "Target": {"Arn": schedule["Target"]["Arn"]}}

    scheduler._list_schedules = listed


def deploy_all_properties(scheduler):
    """CloudFormation applies every property, and fails where the service refuses; the emulator's leaves out the time
    zone, the dates and what follows the last invocation, and takes no notice of a refusal."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]

    def made(logical_id, properties, stack_name):
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
        scheduler._ensure_default_group()
        return name, applied(scheduler._create_schedule, name, properties)

    def updated(physical_id, old, new, stack_name, **_):
        moved = old.get("GroupName") != new.get("GroupName") or new.get("Name", physical_id) != physical_id
        if moved:
            return made(physical_id, new, stack_name)
        if old == new:
            return physical_id, {"Arn": scheduler._schedule_arn(new.get("GroupName", "default"), physical_id)}
        return physical_id, applied(scheduler._update_schedule, physical_id, new)

    def applied(act, name, properties):
        request = {key: value for key, value in properties.items() if key != "Name"}
        for date in ("StartDate", "EndDate"):
            if date in request:
                request[date] = scheduler._to_epoch(request[date])
        status, _, body = act(name, as_numbers(request))
        if status != 200:
            raise ValueError(f"AWS::Scheduler::Schedule: {body!r}")
        return {"Arn": json.loads(body)["ScheduleArn"]}

    handlers.update(create=made, update=updated)


def as_numbers(request):
    """A template may write numbers as text."""
    window, target = dict(request.get("FlexibleTimeWindow") or {}), dict(request.get("Target") or {})
    if "MaximumWindowInMinutes" in window:
        window["MaximumWindowInMinutes"] = int(window["MaximumWindowInMinutes"])
    if target.get("RetryPolicy"):
        target["RetryPolicy"] = {name: int(value) for name, value in target["RetryPolicy"].items()}
    return {**request, "FlexibleTimeWindow": window, "Target": target}
