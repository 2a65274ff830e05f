"""Drawbridge on a local AWS: start it, update it, end it, or run a command against one of its own.

    stack.py up   --dir .local --functions target/debug
    stack.py down --dir .local
    stack.py run  --dir .local/test --functions target/debug -- cargo test

Everything it writes is in --dir, and how to reach the stack is in stack.json there.
"""

import argparse
import os
import signal
import subprocess
import sys

from deployment import deploy
from instance import STOP_SECONDS, Instance, LocalAwsError, say


def main():
    arguments = parse_arguments()
    # Ctrl-C and a terminated make end in the same orderly way, so that nothing is left running. A shell starts its
    # background commands with SIGINT ignored, so Python's own handler is set again.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    instance = Instance(arguments.dir)
    try:
        with instance.locked():
            return COMMANDS[arguments.command](instance, arguments)
    except LocalAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "run"):
        command = commands.add_parser(name)
        command.add_argument("--dir", default=".local", help="the instance's folder")
        if name != "down":
            command.add_argument("--functions", required=True, help="the folder of the built functions")
        if name == "run":
            command.add_argument("argv", nargs="+", metavar="COMMAND", help="what to run, with DRAWBRIDGE_STACK set")
    return parser.parse_args()


def up(instance, arguments):
    """Starts the stack; one that runs already is updated to the functions and template of now, and keeps its state."""
    if instance.running() and instance.stack_file.exists():
        say(f"already running at {instance.endpoint_url()}, updating it")
        deploy(instance, arguments.functions)
    else:
        instance.stop()
        start_and_deploy(instance, arguments.functions)
    say(f"ready: {instance.stack_file}")
    return 0


def down(instance, _arguments):
    say("stopped" if instance.stop() else "nothing was running")
    return 0


def run(instance, arguments):
    """Runs a command against a new stack, which ends with it, whatever happens. Answers with the command's code."""
    instance.stop()
    try:
        start_and_deploy(instance, arguments.functions)
        return run_command(arguments.argv, {**os.environ, "DRAWBRIDGE_STACK": str(instance.stack_file)})
    finally:
        # A second Ctrl-C must not interrupt this.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        instance.stop()
        say(f"local AWS stopped; its logs are in {instance.logs}")


def run_command(argv, environment):
    process = subprocess.Popen(argv, env=environment)
    try:
        code = process.wait()
    except BaseException:
        # Ctrl-C reached the command too; this is for a terminated make, and for a command that does not listen.
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    # A shell reports the end by a signal this way.
    return code if code >= 0 else 128 - code


def start_and_deploy(instance, functions):
    try:
        instance.start()
        deploy(instance, functions)
    except BaseException as error:
        tail = instance.log_tail()
        instance.stop()
        if isinstance(error, LocalAwsError):
            raise
        # What was not foreseen is easier to understand with what the server said about it.
        print(tail, file=sys.stderr)
        raise


COMMANDS = {"up": up, "down": down, "run": run}


if __name__ == "__main__":
    sys.exit(main())
