"""Which invocation of which function a call to AWS belongs to.

Lambda gives every invocation a trace id, the Lambda runtime puts it into the process's environment, and the SDK sends
it with every call that the process makes, whatever session it makes it with. The emulator only does so for functions
with active tracing; here every invocation gets one, and it is the thread by which calls are told apart. Calls that a
test makes with a role's session carry none.
"""

import functools
import re
import secrets
import threading
import time

TRACE_HEADER = b"x-amzn-trace-id"
ROOT = re.compile(r"Root=([0-9a-f-]+)")
# What CloudFormation puts around a function's logical id.
GIVEN_NAME = re.compile(r"^drawbridge-|-[0-9A-Za-z]{8,}$")
# Calls come while their invocation runs. A few come later, from a connection that was still open.
KEPT = 10_000


class Invocation:
    """One event that one process of a function takes."""

    def __init__(self, number, function, event, worker, request_id):
        self.number = number
        self.function = function
        self.event = event
        self._worker = worker
        self._request_id = request_id

    def records(self):
        """The queue's messages that it takes, if it takes some, as they are in its event."""
        records = self.event.get("Records") if isinstance(self.event, dict) else None
        return [record for record in records or () if "messageId" in record]

    def messages(self):
        """The ids of those messages."""
        return [record["messageId"] for record in self.records()]

    def deliveries(self):
        """How often the one of those messages has been delivered that has been most often, with this time; 0 if it
        takes none."""
        return max((int(record["attributes"]["ApproximateReceiveCount"]) for record in self.records()), default=0)

    def is_running(self):
        """Whether its process has not answered yet. Until then it works on nothing else."""
        return self._worker._current_request_id == self._request_id

    def kill_process(self):
        """Ends the process at once, as a crash would, unless it has answered; says whether it did."""
        # The emulator takes an answer with this lock held, so that the process cannot be another invocation's by now.
        with self._worker._state_lock:
            process = self._worker._proc
            if process is None or not self.is_running():
                return False
            process.kill()
            return True

    def start_cold(self):
        """Lets the invocation find no process that has run before."""
        process = self._worker._proc
        if process is not None:
            process.kill()
            process.wait()


class Invocations:
    """Those that run now, and the latest that ran. `before` and `after` are told of each."""

    def __init__(self):
        self._lock = threading.Lock()
        self._by_trace = {}
        self._count = 0
        self.before = []
        self.after = []

    def of(self, scope):
        """The invocation that sent a request, or None if no function did."""
        for name, value in scope["headers"]:
            if name.lower() == TRACE_HEADER:
                found = ROOT.search(value.decode("latin-1"))
                return self._by_trace.get(found[1]) if found else None
        return None

    def begin(self, function, event, worker, request_id):
        root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        with self._lock:
            self._count += 1
            invocation = self._by_trace[root] = Invocation(self._count, function, event, worker, request_id)
            if len(self._by_trace) > KEPT:
                del self._by_trace[next(iter(self._by_trace))]
        return invocation, f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


def trace_every_invocation(invocations):
    """Lambda sends a trace id with every invocation; the emulator only if the function's tracing is active."""
    from ministack.core.lambda_runtime import ProvidedWorker

    original = ProvidedWorker.invoke

    @functools.wraps(original)
    def traced(self, event, request_id, *, trace_id=None, **rest):
        invocation, trace_id = invocations.begin(GIVEN_NAME.sub("", self.func_name), event, self, request_id)
        for listener in invocations.before:
            listener(invocation)
        result = original(self, event, request_id, trace_id=trace_id, **rest)
        for listener in invocations.after:
            listener(invocation, result)
        return result

    ProvidedWorker.invoke = traced
