"""EventBridge Scheduler invokes targets within a minute of their time, in their time zones, with the context attributes
of the input replaced, as the target's role; what it cannot deliver goes to the dead-letter queue. The emulator looks
every ten seconds, takes local times for UTC, replaces nothing, asks no role, and drops what it cannot deliver.

Source: EventBridge Scheduler User Guide, "Adding context attributes in EventBridge Scheduler" and "Configuring a
schedule's dead-letter queue". A flexible time window is used from its beginning, and what AWS would try again for a day
is given up at once.
"""

import datetime
import hashlib
import logging
import secrets
import time

from schedule_roles import may_send
from schedule_times import InvalidSchedule, next_time, once

logger = logging.getLogger("drawbridge.schedules")

# How often schedules are looked at. Tests wait for them.
TICK_SECONDS = 0.1


def fire_schedules_in_time():
    from ministack.services import scheduler

    ticker = Ticker()
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS
    scheduler._tick_schedules = ticker.tick


class Ticker:
    """What each schedule was when it was last looked at, and when its next time is."""

    def __init__(self):
        self._known = {}

    def tick(self):
        from ministack.services import scheduler

        now, known, schedules = time.time(), self._known, list(scheduler._schedules._data.items())
        self._known = {}
        for key, schedule in schedules:
            made, asked = schedule["CreationDate"], fingerprint(schedule)
            before = known.get(key)
            if before is None or before[0] != made:
                # A new one, perhaps under the name of one that is gone.
                due = self._next(schedule, int(made))
            elif before[1] != asked:
                due = self._next(schedule, now)
            else:
                due = before[2]
            while due is not None and due <= now:
                try:
                    fire(key, schedule, due)
                except Exception:
                    # The others must not wait for it.
                    logger.exception("schedule %s could not be fired", schedule["Arn"])
                # Times that were missed are not made up for.
                due = self._next(schedule, max(due + 1, now))
                if due is None:
                    complete(key, schedule)
            self._known[key] = (made, asked, due)

    def _next(self, schedule, since):
        if schedule["State"] != "ENABLED":
            return None
        try:
            return next_time(schedule, since)
        except InvalidSchedule as error:
            logger.warning("schedule %s: %s", schedule["Arn"], error)
            return None


def fingerprint(schedule):
    """What the times depend on."""
    names = ("ScheduleExpression", "ScheduleExpressionTimezone", "State", "StartDate", "EndDate")
    return tuple(schedule.get(name) for name in names)


def complete(key, schedule):
    """A schedule that has invoked its target for the last time is kept, unless it asks to be deleted."""
    from ministack.services import scheduler

    ended = once(schedule) is not None or schedule.get("EndDate") is not None
    if ended and schedule.get("ActionAfterCompletion") == "DELETE" and scheduler._schedules._data.get(key) is schedule:
        del scheduler._schedules._data[key]


def fire(key, schedule, due):
    from ministack.core.concurrency import esm_wake
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge, sqs

    account, region, _ = key
    target = schedule["Target"]
    # On AWS it is the id of an attempt.
    execution = secrets.token_hex(8)
    attributes = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": datetime.datetime.fromtimestamp(due, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": execution,
        "attempt-number": "1",
    }
    text = target.get("Input")
    for name, value in attributes.items() if text else ():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    with request_scope(account, region):
        if not target["Arn"].startswith("arn:aws:sqs:") or text is None:
            event = {
                "EventId": execution,
                "Source": "aws.scheduler",
                "DetailType": "Scheduled Event",
                "Detail": "{}",
                "Time": due,
                "Resources": [schedule["Arn"]],
                "Account": account,
                "Region": region,
            }
            eventbridge._invoke_target({**target, **({"Input": text} if text else {})}, event, schedule)
            return
        queue = sqs._queue_by_arn(target["Arn"])
        if not may_send(schedule, target["Arn"]):
            code, message = "AccessDenied", f"{target['RoleArn']} may not send messages to {target['Arn']}"
        elif queue is None:
            code, message = "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
        else:
            put(queue, text, {}, target.get("SqsParameters") or {})
            esm_wake.set()
            return
        logger.warning("schedule %s: %s", schedule["Arn"], message)
        letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        queue = sqs._queue_by_arn(letters) if letters and may_send(schedule, letters) else None
        if queue is not None:
            told = {
                "ERROR_CODE": code,
                "ERROR_MESSAGE": message,
                "EXECUTION_ID": execution,
                "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
                "IS_PAYLOAD_TRUNCATED": "false",
                "RETRY_ATTEMPTS": "0",
                "SCHEDULED_TIME": attributes["scheduled-time"],
                "SCHEDULE_ARN": schedule["Arn"],
                "TARGET_ARN": target["Arn"],
            }
            put(queue, text, told, {})


def put(queue, text, attributes, parameters):
    """Puts a message on a queue. (The emulator's own way asks who sends it, and nobody has signed this.)"""
    from ministack.core.responses import new_uuid
    from ministack.services import sqs

    now, group = time.time(), parameters.get("MessageGroupId")
    message = {
        "id": new_uuid(),
        "body": text,
        "md5_body": hashlib.md5(text.encode()).hexdigest(),
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
        "receive_count": 0,
        "first_receive_at": None,
        "message_attributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
        "sys": {"SenderId": "AROASCHEDULER:drawbridge", "SentTimestamp": str(int(now * 1000))},
        "group_id": group,
        "dedup_id": None,
        "dedup_cache_key": None,
        "seq": None,
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
