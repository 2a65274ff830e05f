"""One local AWS: a server process and the folder that holds everything of it."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid

import psutil

PROVIDER_ACCOUNT_ID = "111111111111"
REGION = "us-east-1"

SERVER = pathlib.Path(__file__).with_name("server.py")
# What a start makes and clears away again. Nothing else in the folder is ever touched.
CONTENTS = ("state", "tmp", "s3", "logs", "stack.json", "server.json")
# Functions inherit the server's environment, so it holds nothing of the developer's own AWS settings or proxies.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "RUST_LOG", "RUST_BACKTRACE")
# The server and every function it starts carry it with this instance's token, so that stopping finds exactly those.
TOKEN_VARIABLE = "DRAWBRIDGE_LOCAL_INSTANCE"

START_SECONDS = 60
STOP_SECONDS = 10
PORT_ATTEMPTS = 3
LOG_TAIL_LINES = 40


class LocalAwsError(Exception):
    """Something that the person at the terminal should read, without a stack trace."""


def say(text):
    print(f"  {text}", flush=True)


class Instance:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.record = self.folder / "server.json"
        self.stack_file = self.folder / "stack.json"
        self.logs = self.folder / "logs"
        self.server_log = self.logs / "ministack.log"

    @contextlib.contextmanager
    def locked(self):
        """One command at a time works on a folder; a second one says so instead of ending the first one's server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LocalAwsError(f"another command is using {self.folder}; let it finish first") from None
            yield

    def endpoint_url(self):
        return f"http://127.0.0.1:{self._recorded()['port']}"

    def running(self):
        recorded = self._recorded()
        return recorded is not None and self._server_process(recorded) is not None

    def start(self, breaks_calls=False):
        """Starts a server with nothing in it, on a port that nobody else uses. `breaks_calls` lets tests break the
        functions' calls, as faults.py says."""
        self._clear(CONTENTS)
        for name in ("state", "tmp", "s3", "logs"):
            (self.folder / name).mkdir(parents=True)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = free_port()
            process = self._launch(port, breaks_calls)
            if self._wait_until_healthy(process, port):
                say(f"local AWS answers at {self.endpoint_url()}")
                return
            # Between finding the port and listening on it somebody else may have taken it.
            taken = "already in use" in self.server_log.read_text(errors="replace")
            self.stop()
            if not taken or attempt == PORT_ATTEMPTS:
                raise LocalAwsError(f"local AWS did not start\n{self.log_tail()}")

    def stop(self):
        """Ends the server and the functions it started, and nothing else. Does nothing if there are none."""
        recorded = self._recorded()
        if recorded is None:
            return False
        server = self._server_process(recorded)
        members = processes_with_token(recorded["token"])
        if server is not None:
            # The server's own process group: the functions end with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
        elif members:
            for process in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.terminate()
        _, alive = psutil.wait_procs(members, timeout=STOP_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=STOP_SECONDS)
        # The logs stay, for whoever wants to know what happened.
        self._clear(("server.json", "stack.json", "state", "tmp", "s3"))
        return bool(members)

    def log_tail(self):
        lines = self.server_log.read_text(errors="replace").splitlines() if self.server_log.exists() else []
        return "\n".join([f"The end of {self.server_log}:", *lines[-LOG_TAIL_LINES:]])

    def _launch(self, port, breaks_calls):
        token = uuid.uuid4().hex
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": PROVIDER_ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "MINISTACK_HOST": "127.0.0.1",
            "AWS_ACCESS_KEY_ID": "root",
            "AWS_SECRET_ACCESS_KEY": "root",
            "AWS_DEFAULT_REGION": REGION,
            # Functions are to call this server and never AWS.
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "NO_PROXY": "127.0.0.1,localhost",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.folder / "state"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DRAWBRIDGE_LOCAL_LOGS": str(self.logs),
            TOKEN_VARIABLE: token,
        }
        if breaks_calls:
            environment["DRAWBRIDGE_LOCAL_FAULTS"] = "1"
        with open(self.server_log, "ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(SERVER)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = psutil.Process(process.pid).create_time()
        write_json(self.record, {"pid": process.pid, "started": started, "port": port, "token": token})
        return process

    def _wait_until_healthy(self, process, port):
        # A proxy in the environment must not be asked for an address of this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                opener.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=5).close()
                return True
            except OSError:
                time.sleep(0.1)
        return False

    def _recorded(self):
        try:
            return json.loads(self.record.read_text())
        except FileNotFoundError:
            return None

    def _server_process(self, recorded):
        """The recorded server, unless it has ended and its process id is somebody else's by now."""
        try:
            process = psutil.Process(recorded["pid"])
            same = abs(process.create_time() - recorded["started"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
            return process if same else None
        except psutil.NoSuchProcess:
            return None

    def _clear(self, names):
        for name in names:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def processes_with_token(token):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TOKEN_VARIABLE) == token:
                found.append(process)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_json(path, value):
    """Whole or not at all, readable by this user only: the values hold (local) credentials."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(value, indent=2) + "\n")
    draft.replace(path)
