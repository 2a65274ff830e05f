"""When EventBridge Scheduler invokes a target.

Source: EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler", and its API Reference,
CreateSchedule.

- A rate begins with the start date or, where there is none, at once, and goes on at that distance; a day is 24 hours,
  whatever the time zone.
- A cron expression is read in the schedule's time zone. A local time that does not exist is skipped, and one that comes
  twice invokes once.
- A one-time schedule is read in its time zone too; start and end date do not concern it.
"""

import datetime
import math
import re
import zoneinfo

UTC = datetime.timezone.utc
ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
MINUTE = datetime.timedelta(minutes=1)


class InvalidSchedule(Exception):
    """What is wrong with an expression or a time zone, in AWS's words where they are known."""


def zone_of(schedule):
    name = schedule.get("ScheduleExpressionTimezone") or "UTC"
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(f"Invalid ScheduleExpressionTimezone {name}.") from None


def once(schedule):
    """The time of a one-time schedule, or None for a recurring one."""
    found = ONCE.fullmatch(schedule["ScheduleExpression"])
    if not found:
        return None
    try:
        local = datetime.datetime.fromisoformat(found[1])
    except ValueError:
        raise invalid(schedule) from None
    return local.replace(tzinfo=zone_of(schedule)).timestamp()


def invalid(schedule):
    return InvalidSchedule(f"Invalid Schedule Expression {schedule['ScheduleExpression']}.")


def next_time(schedule, since):
    """The first time at or after `since` at which the schedule invokes its target, in seconds since the epoch, or None
    if there is none."""
    at = once(schedule)
    if at is not None:
        return at if at >= since else None
    start, end = schedule.get("StartDate"), schedule.get("EndDate")
    anchor = math.floor(schedule["CreationDate"] if start is None else start)
    interval = rate_seconds(schedule)
    if interval:
        time = anchor + max(0, math.ceil((since - anchor) / interval)) * interval
    else:
        time = next_of_cron(schedule, since if start is None else max(since, start))
    return None if time is None or (end is not None and time > end) else time


def rate_seconds(schedule):
    from ministack.services import eventbridge

    return eventbridge._parse_rate_seconds(schedule["ScheduleExpression"])


def next_of_cron(schedule, since):
    from ministack.services import eventbridge

    fields, zone = eventbridge._parse_cron_fields(schedule["ScheduleExpression"]), zone_of(schedule)
    if rate_seconds(schedule) is not None or fields is None:
        raise invalid(schedule)
    minutes, hours, _, months, *_ = fields
    if max(minutes, default=60) > 59 or max(hours, default=24) > 23 or not set(months) <= set(range(1, 13)):
        raise invalid(schedule)
    # What follows a minute, on a clock that knows no changes.
    local = datetime.datetime.fromtimestamp(since, zone).replace(tzinfo=UTC) - MINUTE
    while True:
        local = eventbridge._cron_next_fire(fields, local)
        if local is None:
            return None
        # The first of two, where the clock is set back.
        here = local.replace(tzinfo=zone)
        exists = here.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == here.replace(tzinfo=None)
        if exists and here.timestamp() >= since:
            return here.timestamp()


def check(schedule):
    """Whether the expression and the time zone are right."""
    zone_of(schedule)
    if once(schedule) is None:
        next_time({**schedule, "CreationDate": 0, "StartDate": None, "EndDate": None}, 0)
