"""The paths by which tests set up on the local AWS what no API of AWS's sets up for them.

They are on the same address as the local AWS, below /_drawbridge/. What is behind each is told where it is answered:
authorization.py (regions, organization), table_states.py (tables), chaos.py (chaos), faults.py (rows).
"""

import json

from calls import parsed_json, read_body

JSON = {"content-type": "application/json"}


class Control:
    """An ASGI application around another, which takes the paths that begin with one of its prefixes. What answers a
    prefix is given the method, the rest of the path and the request, and gives a status and the answer."""

    def __init__(self, app, answers):
        self._app = app
        self._answers = answers

    async def __call__(self, scope, receive, send):
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/_drawbridge/"):
            for prefix, answer in self._answers.items():
                if path.startswith(prefix):
                    body, _ = await read_body(receive)
                    status, told = answer(scope["method"], path.removeprefix(prefix), parsed_json(body))
                    await respond(send, status, JSON, json.dumps(told).encode())
                    return
        await self._app(scope, receive, send)


async def respond(send, status, headers, body):
    encoded = [(name.encode(), value.encode()) for name, value in {**headers, "content-length": str(len(body))}.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
