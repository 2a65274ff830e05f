"""Starts ministack, the local AWS, with the mends that Drawbridge needs.

Drawbridge itself never knows that it runs here: where the emulator differs from AWS in something that the template or
the functions rely on, the difference is mended here, for schedules in schedules.py, or for what is asked of customers'
accounts in authorization.py, ec2.py, instance_connect.py and dynamodb.py, and each mend says what AWS does. They reach
into the emulator's modules, so they are written for one version of it and refuse to run with another.
"""

import functools
import importlib.metadata
import os
import pathlib
import sys
import threading
import time

from authorization import ORGANIZATION_PATH, REGIONS_PATH, Organization, mend_authorization
from calls import Recorder, note_permissions
from chaos import PATH as CHAOS_PATH
from chaos import Chaos
from control import Control
from dynamodb import mend_dynamodb
from ec2 import mend_ec2
from faults import PATH as ROWS_PATH
from faults import Faults
from instance_connect import serve_instance_connect
from invocations import Invocations, trace_every_invocation
from schedules import mend_scheduler
from table_states import TABLES_PATH, TableStates

WRITTEN_FOR = "1.5.33"

# AWS documents iam:PolicyARN for exactly these (Service Authorization Reference, "Condition keys for IAM").
ATTACHING_ACTIONS = {
    f"iam:{verb}{principal}Policy" for verb in ("Attach", "Detach") for principal in ("User", "Group", "Role")
}

# How often queues are looked at for messages whose delay has passed.
QUEUE_TICK_SECONDS = 0.1

# How often ended sessions are thrown away.
EVICTION_SECONDS = 30


def refuse_another_version():
    installed = importlib.metadata.version("ministack")
    if installed != WRITTEN_FOR:
        sys.exit(f"infra/local/server.py mends ministack {WRITTEN_FOR}, but {installed} is installed")


def first(params, name):
    value = params.get(name, "")
    return value[0] if isinstance(value, list) else value


def supply_policy_arn():
    """AWS fills iam:PolicyARN when a policy is attached or detached; the emulator leaves it out, so that a
    statement limited by it never allows."""
    from ministack.core import iam_actions

    original = iam_actions.request_tag_context

    @functools.wraps(original)
    def with_policy_arn(service, iam_action, body, params):
        context = original(service, iam_action, body, params)
        if iam_action in ATTACHING_ACTIONS:
            context = {**context, "iam:PolicyARN": first(params, "PolicyArn")}
        return context

    iam_actions.request_tag_context = with_policy_arn


def authorize_iam_on_full_arns():
    """AWS authorizes IAM actions on a role's whole ARN with its path, and CreatePolicy on the ARN of the policy to
    be; the emulator leaves out the path and takes "*" for CreatePolicy."""
    from ministack.core import iam_actions
    from ministack.services import iam

    original = iam_actions.extract_resource_arn

    @functools.wraps(original)
    def with_path(service, method, path, headers, body, params, region, account_id):
        if service == "iam":
            role = iam._roles.get(first(params, "RoleName"))
            if role:
                return role["Arn"]
            if first(params, "Action") == "CreatePolicy":
                policy_path = first(params, "Path") or "/"
                return f"arn:aws:iam::{account_id}:policy{policy_path}{first(params, 'PolicyName')}"
        return original(service, method, path, headers, body, params, region, account_id)

    iam_actions.extract_resource_arn = with_path


def compare_roles_and_not_sessions():
    """On AWS aws:PrincipalArn of a session is the ARN of its role, path and all; the emulator compares the session's
    own ARN, which no pattern for roles matches."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    original = iam_evaluator._resolve_condition_key

    @functools.wraps(original)
    def with_role_arn(key, context):
        value = original(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(value):
            account, session = str(value).split(":", 5)[4:]
            # The role is in the caller's account, which need not be the one that this request is about.
            role = iam._roles._data.get((account, session.split("/")[1]))
            return role["Arn"] if role else value
        return value

    iam_evaluator._resolve_condition_key = with_role_arn


def tell_functions_their_log_format():
    """Lambda tells a function by its environment what its LoggingConfig asks for; the emulator does not."""
    from ministack.services import lambda_svc

    original = lambda_svc._provided_worker_env

    @functools.wraps(original)
    def with_log_format(config, code_dir, port):
        environment = original(config, code_dir, port)
        logging = config.get("LoggingConfig") or {}
        environment["AWS_LAMBDA_LOG_FORMAT"] = logging.get("LogFormat", "Text")
        environment["AWS_LAMBDA_LOG_LEVEL"] = logging.get("ApplicationLogLevel", "INFO")
        environment["AWS_LAMBDA_LOG_GROUP_NAME"] = logging.get("LogGroup", "")
        return environment

    lambda_svc._provided_worker_env = with_log_format


class CopiedOutput:
    """A function's output stream that also appends each line to a file."""

    def __init__(self, stream, path):
        self._stream = stream
        self._file = open(path, "ab", buffering=0)

    def readline(self):
        line = self._stream.readline()
        self._file.write(line)
        return line

    def close(self):
        self._stream.close()
        self._file.close()


def keep_every_log_line(folder):
    """CloudWatch Logs keeps what a function writes whenever it writes it; the emulator attributes lines to
    invocations and drops what comes after the last one. Each function's whole output goes to a file as well."""
    from ministack.core.lambda_runtime import ProvidedWorker

    original = ProvidedWorker._pump_output

    @functools.wraps(original)
    def with_copy(self, stream, log_queue):
        return original(self, CopiedOutput(stream, folder / f"{self.func_name}.log"), log_queue)

    ProvidedWorker._pump_output = with_copy


def answer_functions_without_delay():
    """The Runtime API of Lambda answers at once; the emulator's writes head and body apart, and TCP holds the second
    write back for some 40 ms."""
    from ministack.core.lambda_runtime import ProvidedWorker

    original = ProvidedWorker._build_handler_class

    @functools.wraps(original)
    def without_delay(self, generation, pending):
        handler = original(self, generation, pending)
        handler.disable_nagle_algorithm = True
        return handler

    ProvidedWorker._build_handler_class = without_delay


def spare_repeated_work():
    """A condition is parsed again for every item that it is held against, and every session is looked at whenever
    another begins, which a test of thousands of sessions feels."""
    from ministack.services import dynamodb, sts

    dynamodb._condition_syntax_error = functools.lru_cache(4096)(dynamodb._condition_syntax_error)
    evict, done = sts._evict_expired_sessions, [time.monotonic()]

    def evict_now_and_then():
        if time.monotonic() > done[0] + EVICTION_SECONDS:
            done[0] = time.monotonic()
            evict()

    sts._evict_expired_sessions = evict_now_and_then


def apply_what_cloudformation_leaves_out():
    """CloudFormation applies every property of a template; the emulator's CloudFormation drops a few, though its
    services know them: a role's boundary, a table's TTL and point-in-time recovery, a function's RecursiveLoop."""
    from ministack.services import dynamodb, iam, lambda_svc
    from ministack.services.cloudformation import provisioners

    def role(name, properties):
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            check(iam._put_role_permissions_boundary({"RoleName": [name], "PermissionsBoundary": [boundary]}))

    def table(name, properties):
        if "TimeToLiveSpecification" in properties:
            specification = properties["TimeToLiveSpecification"]
            # DynamoDB refuses what is as wanted already.
            is_enabled = dynamodb._ttl_settings.get(name, {}).get("TimeToLiveStatus") == "ENABLED"
            if is_enabled != (specification.get("Enabled") in (True, "true")):
                check(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification}))
        if "PointInTimeRecoverySpecification" in properties:
            specification = properties["PointInTimeRecoverySpecification"]
            request = {"TableName": name, "PointInTimeRecoverySpecification": specification}
            check(dynamodb._update_continuous_backups(request))

    def function(name, properties):
        if "RecursiveLoop" in properties:
            check(lambda_svc._put_function_recursion_config(name, {"RecursiveLoop": properties["RecursiveLoop"]}))

    def check(response):
        if response[0] >= 400:
            raise ValueError(response[2])

    def complete(handlers, apply):
        create, update = handlers["create"], handlers["update"]

        @functools.wraps(create)
        def created(logical_id, properties, stack_name):
            name, attributes = create(logical_id, properties, stack_name)
            apply(name, properties)
            return name, attributes

        @functools.wraps(update)
        def updated(physical_id, old, new, *rest, **named):
            name, attributes = update(physical_id, old, new, *rest, **named)
            apply(name, new)
            return name, attributes

        handlers.update(create=created, update=updated)

    complete(provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"], role)
    complete(provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"], table)
    complete(provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"], function)


def deliver_delayed_messages_in_time():
    """Lambda polls queues without a pause; the emulator looks for messages whose delay has passed once a second."""
    from ministack.services import lambda_svc

    def tick():
        while True:
            time.sleep(QUEUE_TICK_SECONDS)
            lambda_svc._esm_wake.set()

    threading.Thread(target=tick, daemon=True, name="queue-tick").start()


def let_failures_pause_nothing():
    """Lambda takes concurrency from a queue whose messages fail; the emulator stops taking from it for a second, so
    that where many fail on purpose nothing else would run."""
    from ministack.services import lambda_svc

    lambda_svc._ESM_BACKOFF_SECONDS = 0


def watch_calls(invocations, logs, breaks_calls):
    """Puts the record of calls, and where it is wanted what breaks them, around the emulator's own application, and
    gives the paths by which tests speak to it."""
    from ministack import app

    note_permissions()
    recorder = Recorder(app.app, invocations, logs / "calls.jsonl", os.environ["MINISTACK_ACCOUNT_ID"])
    app.app = recorder
    answers = {ROWS_PATH: Faults(recorder, invocations).answer_row} if breaks_calls else {}
    return answers | {CHAOS_PATH: Chaos(recorder).answer}


def take_control_calls(answers):
    """Puts the paths by which tests set something up around everything else."""
    from ministack import app

    app.app = Control(app.app, answers)


def main():
    refuse_another_version()
    logs = pathlib.Path(os.environ["DRAWBRIDGE_LOCAL_LOGS"])
    breaks_calls = "DRAWBRIDGE_LOCAL_FAULTS" in os.environ
    supply_policy_arn()
    authorize_iam_on_full_arns()
    compare_roles_and_not_sessions()
    organization = Organization()
    mend_authorization(organization)
    states = TableStates()
    mend_dynamodb(states)
    mend_ec2()
    serve_instance_connect()
    mend_scheduler()
    apply_what_cloudformation_leaves_out()
    tell_functions_their_log_format()
    keep_every_log_line(logs)
    answer_functions_without_delay()
    spare_repeated_work()
    deliver_delayed_messages_in_time()
    invocations = Invocations()
    trace_every_invocation(invocations)
    if breaks_calls:
        let_failures_pause_nothing()
    answers = watch_calls(invocations, logs, breaks_calls)
    answers |= {REGIONS_PATH: organization.answer_region, ORGANIZATION_PATH: organization.answer_policy}
    answers |= {TABLES_PATH: states.answer}
    take_control_calls(answers)

    from ministack import app

    app.main()


if __name__ == "__main__":
    main()
