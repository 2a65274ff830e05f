"""Breaks chosen calls of the functions to AWS, for the tests of what a failure at any place leaves behind.

A test works in rows: one customer, one connection, one call that fails in one way. An invocation belongs to the row
one of whose strings stands in its event, or that has sent the message that it takes, and a call to the row of its
invocation. A row's rule names a call by its
signature and by its number among the row's calls of that signature; it holds for every try of that one call, and for
nothing that follows, so that what is delivered again runs clean.

A test speaks to it by HTTP:

    PUT    /_drawbridge/rows/ROW   {"strings": […], "rule": {"signature", "ordinal", "fault"}, "cold": true}
                                   makes the row, or adds to it
    GET    /_drawbridge/rows/ROW   the row's calls so far, how often its rule was hit, how many messages are pending
    DELETE /_drawbridge/rows/ROW   the same, and the row's calls are its no longer
"""

import asyncio
import collections
import json
import threading

from calls import parsed_json
from control import respond
from fault_answers import ANSWERS, answer

PATH = "/_drawbridge/rows/"
FAULTS = (*ANSWERS, "reset", "timeout_after", "killed_after")
# Nobody waits longer for an answer that never comes.
SILENCE_SECONDS = 60
# Whose an invocation is becomes known in a moment, or never.
UNCLAIMED = 1_000


class Row:
    def __init__(self):
        self.strings = set()
        self.rule = None
        # Whether each of its invocations finds a new process, so that what a process does once is seen.
        self.cold = False
        self.calls = []
        self.hits = 0
        # The operation that the rule has met.
        self.broken = None
        self.sent = set()
        self.begun = set()
        self.done = set()

    def report(self):
        return {
            "calls": self.calls,
            "hits": self.hits,
            "pending": len((self.sent | self.begun) - self.done),
        }


class Faults:
    """The rows, and what breaks their calls."""

    def __init__(self, recorder, invocations):
        self._lock = threading.Lock()
        self._rows = {}
        # Calls of each row by signature, to number them; tries of one operation are one call.
        self._operations = collections.defaultdict(list)
        self._connections = {}
        # Invocations that are nobody's yet, by the messages that they take: a message may be taken before it is known
        # who has sent it.
        self._unclaimed = collections.OrderedDict()
        recorder.interceptors.append(self._intercept)
        recorder.listeners.append(self._note_sent_message)
        invocations.before.append(self._begin)
        invocations.after.append(self._end)
        self._remember_connections()

    # What a test asks for.

    def answer_row(self, method, name, request):
        with self._lock:
            if method == "PUT":
                rule = request.get("rule")
                if rule and rule.get("fault") not in FAULTS:
                    return 400, {"message": f"no such fault: {rule}"}
                row = self._rows.setdefault(name, Row())
                row.strings.update(request.get("strings", ()))
                row.rule = rule or row.rule
                row.cold = request.get("cold", row.cold)
            elif method == "DELETE":
                row = self._rows.pop(name, None)
                self._operations = collections.defaultdict(
                    list, {key: value for key, value in self._operations.items() if key[0] != name}
                )
            else:
                row = self._rows.get(name)
            if row is None:
                return 404, {}
            return 200, row.report()

    # What the functions do.

    def _begin(self, invocation):
        text, messages = json.dumps(invocation.event), set(invocation.messages())
        with self._lock:
            found = [
                name
                for name, row in self._rows.items()
                if messages & row.sent or any(string in text for string in row.strings)
            ]
            # One that belongs to several, as a batch would, can be blamed on none.
            invocation.row = found[0] if len(found) == 1 else None
            row = self._rows.get(invocation.row)
            if row:
                row.begun.update(messages)
            elif not found:
                self._unclaimed.update(dict.fromkeys(messages, invocation))
                while len(self._unclaimed) > UNCLAIMED:
                    self._unclaimed.popitem(last=False)
        if row and row.cold:
            invocation.start_cold()

    def _end(self, invocation, result):
        with self._lock:
            row = self._rows.get(invocation.row)
            if row and result.get("status") == "ok":
                body = result.get("result")
                failures = body.get("batchItemFailures") or () if isinstance(body, dict) else ()
                failed = {failure.get("itemIdentifier") for failure in failures}
                row.done.update(set(invocation.messages()) - failed)

    def _note_sent_message(self, call, answered):
        if (call.service, call.operation) == ("SQS", "SendMessage"):
            message = parsed_json(answered).get("MessageId")
            with self._lock:
                name = getattr(call.invocation, "row", None)
                row = self._rows.get(name)
                if row and message:
                    row.sent.add(message)
                    taken = self._unclaimed.pop(message, None)
                    if taken:
                        taken.row = name
                        row.begun.update(taken.messages())

    def _fault_of(self, call):
        """What is to happen to this call, which is noted."""
        name = getattr(call.invocation, "row", None)
        with self._lock:
            row = self._rows.get(name)
            if row is None:
                return None
            operations = self._operations[name, call.signature]
            if call.operation_id not in operations:
                operations.append(call.operation_id)
                ordinal = len(operations)
                row.calls.append(
                    {"signature": call.signature, "ordinal": ordinal, "invocation": call.invocation.number}
                )
                rule = row.rule
                if rule and (rule["signature"], rule["ordinal"]) == (call.signature, ordinal):
                    row.broken = call.operation_id
            if row.broken != call.operation_id:
                return None
            row.hits += 1
            return row.rule["fault"]

    async def _intercept(self, call, serve, scope, receive, send):
        fault = self._fault_of(call)
        if fault is None:
            await serve(call, scope, receive, send)
        elif fault in ANSWERS:
            await respond(send, *answer(fault, call))
        elif fault == "reset":
            self._connections[scope["client"]].transport.abort()
        else:
            await serve(call, scope, receive, silence)
            if fault == "killed_after":
                call.invocation.kill_process()
            await until_given_up(receive)

    def _remember_connections(self):
        """Only the connection itself can be broken off; the server shows an application its address alone."""
        from hypercorn.asyncio.tcp_server import TCPServer

        original, connections = TCPServer.run, self._connections

        async def run(server):
            address = server.writer.get_extra_info("peername")
            connections[address] = server.writer
            try:
                await original(server)
            finally:
                connections.pop(address, None)

        TCPServer.run = run


async def silence(_message):
    """The answer goes nowhere."""


async def until_given_up(receive):
    """Returns when the caller has hung up."""

    async def hung_up():
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(hung_up(), SILENCE_SECONDS)
    except TimeoutError:
        pass
