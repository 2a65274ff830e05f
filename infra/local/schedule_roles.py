"""The role with which EventBridge Scheduler invokes a target: whether it may be assumed, and what it may then do. The
emulator asks neither.

Source: EventBridge Scheduler User Guide, "Set up the execution role", "Confused deputy prevention".
"""

import json

PRINCIPAL = "scheduler.amazonaws.com"


def role_of(arn):
    from ministack.services import iam

    parts = str(arn).split(":", 5)
    role = iam._roles._data.get((parts[4], parts[5].rsplit("/", 1)[-1])) if len(parts) == 6 else None
    return role if role and role["Arn"] == arn else None


def may_send(schedule, queue_arn):
    """Whether the target's role lets Scheduler assume it for the schedule's group, and may send to this queue."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    role = role_of(schedule["Target"]["RoleArn"])
    if role is None or not trusts_scheduler(role, group_of(schedule["Arn"])):
        return False
    account, name = role["Arn"].split(":")[4], role["RoleName"]
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/scheduler",
        principal_type="AssumedRole",
        principal_account=account,
        action="sqs:SendMessage",
        resource_arn=queue_arn,
        region=queue_arn.split(":")[3],
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return iam_evaluator.evaluate(asked, policies, *limits).decision == "Allow"


def group_of(schedule_arn):
    """The ARN that Scheduler names as the source when it assumes a role: the group's, and never the schedule's."""
    head, _, rest = schedule_arn.partition(":schedule/")
    return f"{head}:schedule-group/{rest.split('/')[0]}"


def trusts_scheduler(role, group_arn):
    """Whether the role's trust policy lets Scheduler assume it for this group of schedules."""
    from ministack.core import iam_evaluator

    document = role["AssumeRolePolicyDocument"]
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    account = group_arn.split(":")[4]
    asked = iam_evaluator.EvalContext(
        principal_arn=PRINCIPAL,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region=group_arn.split(":")[3],
        service_context={"aws:sourcearn": group_arn, "aws:sourceaccount": account},
    )
    trusted = False
    for statement in as_list(statements):
        principal = statement.get("Principal")
        named = as_list(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
        if not {PRINCIPAL, "*"} & set(named):
            continue
        if not iam_evaluator._action_matches("sts:AssumeRole", as_list(statement.get("Action", [])), []):
            continue
        if iam_evaluator._conditions_met(statement.get("Condition") or {}, asked):
            if statement["Effect"] == "Deny":
                return False
            trusted = True
    return trusted


def as_list(value):
    return value if isinstance(value, list) else [value]
