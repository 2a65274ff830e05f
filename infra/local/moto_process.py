"""moto, another local AWS, as a process beside the stack's own.

It is right on the shape of EC2's answers and wrong on who may do what (it enforces no trust across accounts), so tests
hold what is asked of EC2 against it and never try a refusal on it. The stack knows nothing of it. It is in a Python
environment of its own, which is made when it is first started.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request
import uuid

import psutil

from instance import (
    INHERITED,
    PORT_ATTEMPTS,
    START_SECONDS,
    STOP_SECONDS,
    TOKEN_VARIABLE,
    LocalAwsError,
    free_port,
    processes_with_token,
    say,
    write_json,
)

HERE = pathlib.Path(__file__).resolve().parent


class Moto:
    def __init__(self, folder):
        self.record = folder / "moto.json"
        self.log = folder / "moto.log"
        self.python = None

    def start(self):
        """Starts it with nothing in it, on a port that nobody else uses, and answers with its URL."""
        self.stop()
        self.log.unlink(missing_ok=True)
        self.python = python_with_moto()
        for _ in range(PORT_ATTEMPTS):
            port = free_port()
            process = self._launch(port)
            if self._wait_until_healthy(process, port):
                url = f"http://127.0.0.1:{port}"
                say(f"moto answers at {url}")
                return url
            # Somebody else may have taken the port meanwhile.
            self.stop()
        raise LocalAwsError(f"moto did not start\n{self.log.read_text(errors='replace')}")

    def stop(self):
        """Ends what was started, and nothing else: the recorded process and its children carry the record's token."""
        if not self.record.exists():
            return
        members = processes_with_token(json.loads(self.record.read_text())["token"])
        for process in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(members, timeout=STOP_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=STOP_SECONDS)
        self.record.unlink(missing_ok=True)

    def _launch(self, port):
        token = uuid.uuid4().hex
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", TOKEN_VARIABLE: token}
        # Before there is a process, so that whatever happens it can be found.
        write_json(self.record, {"port": port, "token": token})
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [self.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_healthy(self, process, port):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                opener.open(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5).close()
                # Another's server on this port would answer too.
                return process.poll() is None
            except OSError:
                time.sleep(0.1)
        return False


def python_with_moto():
    made = subprocess.run(
        [HERE.parent / "venv.sh", "moto", HERE / "requirements-moto.txt"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    if made.returncode:
        raise LocalAwsError("moto's Python environment could not be made")
    return f"{made.stdout.strip()}/bin/python"
