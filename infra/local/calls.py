"""A record of every call to AWS that the functions make: who, what, on what, and how it ended.

It is kept as JSON lines in calls.jsonl among the instance's logs, for the tests that hold it against the functions'
policies and that break each call in turn. What IAM is asked to allow is written down where the emulator asks itself.
No line holds a payload, a credential or an external ID.
"""

import contextvars
import functools
import json
import re
import threading
from urllib.parse import parse_qs

SERVICES = {"dynamodb": "DynamoDB", "sqs": "SQS", "sts": "STS", "iam": "IAM", "scheduler": "Scheduler"}
# How EventBridge Scheduler's API writes what is done with one schedule.
SCHEDULER = {"POST": "CreateSchedule", "GET": "GetSchedule", "PUT": "UpdateSchedule", "DELETE": "DeleteSchedule"}
SERVICE = re.compile(r"Credential=([^/,]+)/\d{8}/[^/]+/([^/]+)/aws4_request")
ATTEMPT = re.compile(r"attempt=(\d+)")
ERROR_CODE = re.compile(r"<Code>([A-Za-z.]+)</Code>")
# A part of a key that is a word of the table's layout, and no id.
WORD = re.compile(r"[A-Z_]+")

# What IAM is asked while one request is served.
_permissions = contextvars.ContextVar("drawbridge_permissions")


def note_permissions():
    """Writes down what the emulator asks its IAM, as it asks it: action and whole resource ARN. Transactions are asked
    item by item, as on AWS."""
    from ministack.core import iam_evaluator

    original = iam_evaluator.enforce

    @functools.wraps(original)
    def noted(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        denied = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        asked = _permissions.get(None)
        if asked is not None:
            # Whatever the principal's policies say about it, AWS allows this one.
            if iam_action != "sts:GetCallerIdentity":
                asked.append({"action": iam_action, "resource": resource_arn, "allowed": denied is None})
        return denied

    iam_evaluator.enforce = noted


class Call:
    """One request to AWS of a function's process."""

    def __init__(self, invocation, scope, body, provider):
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        signed = SERVICE.search(headers.get("authorization", ""))
        target = headers.get("x-amz-target", "")
        self.invocation = invocation
        self.access_key_id, service = (signed[1], signed[2]) if signed else ("", "unknown")
        self.json = bool(target)
        self.service = SERVICES.get(service, service)
        # Tries of one operation share its id.
        self.operation_id = headers.get("amz-sdk-invocation-id", "")
        attempt = ATTEMPT.search(headers.get("amz-sdk-request", ""))
        self.attempt = int(attempt[1]) if attempt else 1
        if target:
            self.operation, self.body = target.rsplit(".", 1)[-1], parsed_json(body)
        elif self.service == "Scheduler":
            self.body, self.operation = parsed_json(body), scheduler_operation(scope["method"], scope["path"])
        else:
            self.body = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            self.operation = self.body.get("Action") or f"{scope['method']} {scope['path'].split('/')[1]}"
        about = ABOUT.get(self.service, lambda call, _: "")(self, provider)
        # What is the same whenever the function makes this call.
        self.signature = " ".join(filter(None, (invocation.function, self.service, self.operation, about)))


class Recorder:
    """An ASGI application around the emulator's that records what functions call."""

    def __init__(self, app, invocations, path, provider):
        self._app = app
        self._invocations = invocations
        self._provider = provider
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        # Each is given the call and what answers it, and may answer it otherwise; the first is asked first.
        self.interceptors = []
        # Told of each call and the body of its answer.
        self.listeners = []
        self._roles = {}

    async def __call__(self, scope, receive, send):
        invocation = self._invocations.of(scope) if scope["type"] == "http" else None
        if invocation is None:
            await self._app(scope, receive, send)
            return
        body, receive = await read_body(receive)
        serve = self._serve
        for interceptor in reversed(self.interceptors):
            serve = functools.partial(following, interceptor, serve)
        await serve(Call(invocation, scope, body, self._provider), scope, receive, send)

    async def _serve(self, call, scope, receive, send):
        """Has the emulator answer, and writes the call down once it is known how it ended."""
        permissions = []
        token = _permissions.set(permissions)
        answer = {"status": None, "body": b""}

        async def watched(message):
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
            elif message["type"] == "http.response.body":
                answer["body"] += message.get("body", b"")
                if not message.get("more_body"):
                    # Before the function knows, so that whoever waits for the function finds it written.
                    self._write(call, permissions, answer)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            _permissions.reset(token)

    def _role_of(self, access_key_id):
        # A key is one role's for as long as it lasts, and finding out reads all the role's policies.
        if access_key_id not in self._roles:
            self._roles[access_key_id] = role_of(access_key_id)
        return self._roles[access_key_id]

    def _write(self, call, permissions, answer):
        for listener in self.listeners:
            listener(call, answer["body"])
        line = {
            "invocation": call.invocation.number,
            "function": call.invocation.function,
            "principal": self._role_of(call.access_key_id),
            "service": call.service,
            "operation": call.operation,
            "signature": call.signature,
            "attempt": call.attempt,
            "permissions": permissions,
            "status": answer["status"],
            "error": error_code(answer) if answer["status"] >= 400 else None,
        }
        with self._lock:
            self._file.write(json.dumps(line) + "\n")


async def following(interceptor, serve, call, scope, receive, send):
    await interceptor(call, serve, scope, receive, send)


async def read_body(receive):
    """The whole body of a request, and a `receive` that tells it again."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    told = False

    async def again():
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


def parsed_json(body):
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def error_code(answer):
    code = parsed_json(answer["body"]).get("__type", "").rsplit("#", 1)[-1]
    if code:
        return code
    found = ERROR_CODE.search(answer["body"].decode("utf-8", "replace"))
    return found[1] if found else "unknown"


def role_of(access_key_id):
    """The ARN of the role whose session has this access key, with its path; the session's own where it is no role's."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    principal = iam_evaluator.resolve_principal(access_key_id, get_account_id())
    arn = str(getattr(principal, "arn", ""))
    if ":assumed-role/" in arn:
        account, session = arn.split(":", 5)[4:]
        role = iam._roles._data.get((account, session.split("/")[1]))
        return role["Arn"] if role else arn
    return arn


def scheduler_operation(method, path):
    kind, _, name = path.strip("/").partition("/")
    if kind != "schedules":
        return f"{method} {kind}"
    return SCHEDULER.get(method, method) if name else "ListSchedules"


# What a call is about, in words and without ids.


def about_dynamodb(call, _provider):
    body = call.body
    if "TransactItems" in body:
        return ", ".join(about_item(name, detail) for item in body["TransactItems"] for name, detail in item.items())
    if "RequestItems" in body:
        return f"{len(body['RequestItems'])} tables"
    if "KeyConditionExpression" in body:
        values = body.get("ExpressionAttributeValues", {}).values()
        keys = sorted(part(value["S"]) for value in values if "#" in value.get("S", ""))
        return "/".join(filter(None, [body.get("IndexName", ""), *keys]))
    return key_in_words(body.get("Key") or body.get("Item") or {})


def about_item(name, detail):
    return f"{name} {key_in_words(detail.get('Key') or detail.get('Item') or {})}"


def key_in_words(key):
    return "/".join(part(key[name]["S"]) for name in ("pk", "sk") if "S" in key.get(name, {}))


def part(text):
    head, separator, _ = text.partition("#")
    return f"{head}#…" if separator else (text if WORD.fullmatch(text) else "…")


def about_sqs(call, _provider):
    # Of the body only what kind of message it is: a fixed word.
    kind = parsed_json(call.body.get("MessageBody", "")).get("kind", "")
    return kind if isinstance(kind, str) else ""


def about_sts(call, provider):
    arn = call.body.get("RoleArn", "")
    if not arn:
        return ""
    if f"::{provider}:" in arn:
        return without_numbers(arn.rsplit("/", 1)[-1])
    external_id = "sent" if call.body.get("ExternalId") else "absent"
    return f"customer's role, external ID {external_id}"


def about_iam(call, _provider):
    for name in ("PolicyArn", "PolicyName", "RoleName"):
        if name in call.body:
            return without_numbers(call.body[name].rsplit("/", 1)[-1])
    return ""


def without_numbers(name):
    return re.sub(r"\d+", "…", name)


ABOUT = {"DynamoDB": about_dynamodb, "SQS": about_sqs, "STS": about_sts, "IAM": about_iam}
