"""Kills functions' processes at random, for the tests of what is left behind wherever a function ends.

With the given probability the process of a function that has just made a call to AWS is killed, when the call has taken
effect and before it is answered. Each invocation has a process of its own, so that it ends that one and no other. A
test speaks to it by HTTP, on any stack:

    PUT    /_drawbridge/chaos  {"functions": ["PlannerFunction", "WorkerFunction"], "probability": 0.05, "seed": 7}
                               begins, and counts from nothing; and, where they are given,
                               "after_calls": false        kills before the call takes effect
                               "first_deliveries": 3       spares an invocation one of whose messages has been delivered
                                                           as often before, so that it does not become a dead letter
                               "redelivered_after": 0.5    delivers the messages of what was killed again so soon, and
                                                           not when the queue's visibility timeout is over
    GET    /_drawbridge/chaos  {"functions": {"WorkerFunction": {"calls": 812, "killed": 40}, …}}
    DELETE /_drawbridge/chaos  the same, and ends

How often a call is met depends on the seed and on the number of the function's calls before it, and so, where several
processes call at once, on their order.
"""

import random
import threading
import time

from faults import silence, until_given_up

PATH = "/_drawbridge/chaos"
FIRST_DELIVERIES = 3


class Chaos:
    def __init__(self, recorder):
        from ministack.services import lambda_svc

        self._lock = threading.Lock()
        self._wanted = None
        self._counts = {}
        self._random = {}
        # The emulator takes nothing from a queue for this long after a failure, which would be all the time.
        self._pause = lambda_svc._ESM_BACKOFF_SECONDS
        recorder.interceptors.append(self._intercept)

    def answer(self, method, _path, request):
        from ministack.services import lambda_svc

        with self._lock:
            if method == "PUT":
                wrong = what_is_wrong(request)
                if wrong:
                    return 400, {"message": wrong}
                self._wanted = {"after_calls": True, "first_deliveries": FIRST_DELIVERIES, **request}
                self._counts = {name: {"calls": 0, "killed": 0} for name in request["functions"]}
                self._random = {name: random.Random(f"{request.get('seed')}/{name}") for name in request["functions"]}
                lambda_svc._ESM_BACKOFF_SECONDS = 0
            elif method not in ("GET", "DELETE"):
                return 405, {"message": "PUT, GET or DELETE"}
            elif self._wanted is None:
                return 404, {"message": "there is none"}
            elif method == "DELETE":
                self._wanted = None
                lambda_svc._ESM_BACKOFF_SECONDS = self._pause
            return 200, {"functions": self._counts}

    async def _intercept(self, call, serve, scope, receive, send):
        wanted = self._wanted
        if wanted is None or not self._is_met(call):
            await serve(call, scope, receive, send)
            return
        if wanted["after_calls"]:
            await serve(call, scope, receive, silence)
        if call.invocation.kill_process():
            with self._lock:
                self._counts[call.invocation.function]["killed"] += 1
            if "redelivered_after" in wanted:
                deliver_again(call.invocation, wanted["redelivered_after"])
        await until_given_up(receive)

    def _is_met(self, call):
        function = call.invocation.function
        with self._lock:
            wanted = self._wanted
            if wanted is None or function not in self._counts or not call.invocation.is_running():
                return False
            self._counts[function]["calls"] += 1
            met = self._random[function].random() < wanted["probability"]
            return met and call.invocation.deliveries() <= wanted["first_deliveries"]


def what_is_wrong(request):
    numbers = (int, float)
    unknown = set(request) - {
        "functions",
        "probability",
        "seed",
        "after_calls",
        "first_deliveries",
        "redelivered_after",
    }
    if unknown:
        return f"unknown: {sorted(unknown)}"
    if not isinstance(request.get("functions"), list) or not request["functions"]:
        return "functions: names of functions"
    if not isinstance(request.get("probability"), numbers) or not 0 <= request["probability"] <= 1:
        return "probability: from 0 to 1"
    if not all(isinstance(request.get(name, 0), numbers) for name in ("first_deliveries", "redelivered_after")):
        return "first_deliveries, redelivered_after: numbers"
    return None


def deliver_again(invocation, seconds):
    from ministack.services import sqs

    visible_at = time.time() + seconds
    for record in invocation.records():
        queue = sqs._queue_by_arn(record["eventSourceARN"])
        for message in list(queue["messages"]) if queue else ():
            if message["receipt_handle"] == record["receiptHandle"]:
                message["visible_at"] = min(message["visible_at"], visible_at)
