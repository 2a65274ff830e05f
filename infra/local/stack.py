"""Drawbridge on a local AWS: start it, update it, end it, or run a command against one of its own.

    stack.py up   --dir .local --functions target/debug
    stack.py down --dir .local
    stack.py run  --dir .local/test --functions target/debug -- cargo test
    stack.py run  --dir .local/test --functions target/debug --with small:AgreementRounds=1 -- cargo test

Everything it writes is in --dir, and how to reach the stack is in stack.json there. `--with` deploys another instance
beside it, in a folder of its own name, with other parameters. `--moto` starts moto, another local AWS, whose URL is
then stack.json's moto_url.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

from deployment import deploy, take_messages_one_by_one
from instance import STOP_SECONDS, Instance, LocalAwsError, say, write_json
from moto_process import Moto


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
            command.add_argument(
                "--with",
                dest="others",
                action="append",
                default=[],
                type=other_instance,
                metavar="NAME:PARAMETER=VALUE,…",
                help="deploy another instance, with these parameters; its stack.json is in DRAWBRIDGE_STACK_NAME",
            )
            command.add_argument(
                "--break-calls",
                action="append",
                default=[],
                metavar="NAME",
                help="let tests break the calls of this other instance's functions",
            )
            command.add_argument("--moto", action="store_true", help="start moto beside it, for EC2's shape")
            command.add_argument("argv", nargs="+", metavar="COMMAND", help="what to run, with DRAWBRIDGE_STACK set")
    arguments = parser.parse_args()
    if arguments.command == "run":
        names = [name for name, _ in arguments.others]
        if len(set(names)) < len(names) or not set(arguments.break_calls) <= set(names):
            parser.error("each --with needs a name of its own, and --break-calls one of these names")
    return arguments


def other_instance(text):
    """A name and parameters, of `NAME:PARAMETER=VALUE,PARAMETER=VALUE`."""
    name, _, listed = text.partition(":")
    if not re.fullmatch("[a-z]+", name) or name in RESERVED:
        reserved = ", ".join(RESERVED)
        raise argparse.ArgumentTypeError(f"{name!r} is no name: lowercase letters, and none of {reserved}")
    pairs = [pair.partition("=") for pair in listed.split(",") if pair]
    if not all(separator for _, separator, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:PARAMETER=VALUE,…")
    return name, {parameter: value for parameter, _, value in pairs}


def up(instance, arguments):
    """Starts the stack; one that runs already is updated to the functions and template of now, and keeps its state."""
    if instance.running() and instance.stack_file.exists():
        say(f"already running at {instance.endpoint_url()}, updating it")
        deploy(instance, arguments.functions)
    else:
        start_and_deploy(instance, arguments.functions)
    say(f"ready: {instance.stack_file}")
    return 0


def down(instance, _arguments):
    Moto(instance.folder).stop()
    say("stopped" if instance.stop() else "nothing was running")
    return 0


def run(instance, arguments):
    """Runs a command against new stacks, which end with it, whatever happens. Answers with the command's code."""
    others = {name: Instance(instance.folder / name) for name, _ in arguments.others}
    moto = Moto(instance.folder)
    variables = {"DRAWBRIDGE_STACK": str(instance.stack_file)}
    variables |= {f"DRAWBRIDGE_STACK_{name.upper()}": str(other.stack_file) for name, other in others.items()}
    with contextlib.ExitStack() as locks:
        for other in others.values():
            locks.enter_context(other.locked())
        try:
            with concurrent.futures.ThreadPoolExecutor() as together:
                starts = [together.submit(start_and_deploy, instance, arguments.functions)]
                for name, parameters in arguments.others:
                    breaks = name in arguments.break_calls
                    starts.append(
                        together.submit(start_and_deploy, others[name], arguments.functions, parameters, breaks)
                    )
                moto_url = together.submit(moto.start) if arguments.moto else None
            for start in starts:
                start.result()
            if moto_url:
                stack = json.loads(instance.stack_file.read_text())
                write_json(instance.stack_file, {**stack, "moto_url": moto_url.result()})
            return run_command(arguments.argv, {**os.environ, **variables})
        finally:
            # A second Ctrl-C must not interrupt this.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            moto.stop()
            for one in (instance, *others.values()):
                one.stop()
                say(f"local AWS stopped; its logs are in {one.logs}")


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


def start_and_deploy(instance, functions, parameters=None, breaks_calls=False):
    try:
        instance.stop()
        instance.start(breaks_calls)
        deploy(instance, functions, parameters)
        if breaks_calls:
            take_messages_one_by_one(instance)
    except BaseException as error:
        tail = instance.log_tail()
        instance.stop()
        if isinstance(error, LocalAwsError):
            raise
        # What was not foreseen is easier to understand with what the server said about it.
        print(tail, file=sys.stderr)
        raise


# What an instance's own folder holds by these names.
RESERVED = ("lock", "logs", "state", "tmp")
COMMANDS = {"up": up, "down": down, "run": run}


if __name__ == "__main__":
    sys.exit(main())
