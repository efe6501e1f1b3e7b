"""The command line: finds the command, loads only what that command needs, and owns exit codes and stderr."""

import argparse
import atexit
import errno
import gc
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Protocol, cast

import cqltui
from cqltui import streams
from cqltui.child import compute_in_one_thread, forget_relative_path
from cqltui.errors import CqltuiError, ExitCode, without_passwords
from cqltui.forgone import forgo_async, forgo_openssl, forgo_telemetry
from cqltui.later import load
from trainer.names import nearest


class Command(Protocol):
    """A module of `cqltui.commands`."""

    HELP: str | Mapping[str, str]
    """What it does; by command, if the module has several."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = {
    "run": "run",
    "init": "init",
    "schema": "schema",
    "ls": "ls",
    "runs": "runs",
    "plan": "plan",
    "bench": "bench",
    "data": "data",
    "evaluate": "evaluate",
    "report": "report",
    "predict": "predict",
    "compare": "compare",
    "export": "export",
    "ledger": "ledger",
    "worker": "worker",
    "supervise": "supervise",
    "status": "status",
    "attach": "attach",
    "replay": "replay",
    "serve": "serve",
    "pause": "control",
    "resume": "control",
    "cancel": "control",
    "resubmit": "control",
    "priority": "control",
    "workers": "workers",
    "stop": "stop",
    "logs": "logs",
    "clean": "clean",
    "doctor": "doctor",
    "completion": "completion",
    "keys": "keys",
    "redis-cli": "redis_cli",
    "redis-acl": "redis_acl",
    "quota": "quota",
}
"""Command name to module in `cqltui.commands`. `run` is what a campaign file alone means."""

WHOLE = frozenset({"export"})
"""Commands whose libraries, as MLflow, may need what others forgo."""

SCREENS = frozenset({"run", "runs", "attach", "replay"})
"""Commands that show a screen, which is to be seen at once, and stays for hours."""

USAGE = """\
usage: cqltui                            the runs of this folder, on the screen
       cqltui CAMPAIGN.toml [--no-ui] [--json] [--run-dir DIR] [--workers N] [--yes] [--set KEY=VALUE]...
       cqltui COMMAND ...

  cqltui campaigns/quick.toml            run a campaign, or go on with it, in the terminal
  cqltui campaigns/quick.toml --no-ui    the same without a screen
  cqltui plan CAMPAIGN.toml              tasks, work and time; nothing is started
  cqltui bench CAMPAIGN.toml             how fast this machine trains its networks
  cqltui init [deep|quick|blank]         write a commented campaign file
  cqltui ls                              the runs of this folder, or a server's campaigns, as a table

commands on a run (RUN or --run-dir RUN, a directory or a name in runs/; or --redis-url URL):
  status  attach  replay  serve  logs  pause  resume  cancel  resubmit  priority  workers  stop  clean
  evaluate  report  predict  export  redis-cli
others:
  compare     runs beside each other: what differs, and by how much
  worker      train from a queue, on this machine or another
  doctor      is this machine ready?
  data check  what a data file holds, and whether anything in it knows the outcome
  data build  the file of real games that source = "games" reads
  ledger      the bets that were taken: add, settle, show, export
  keys        the keys of the screen, their names in the user's settings, and what they do
  schema      the JSON Schema of campaign files, for editors
  completion  completion of commands, runs and task ids for bash, zsh and fish
  redis-acl   the users that your own server needs
  quota       how many workers each user of a server may have

cqltui COMMAND --help tells more. Exit codes: 0 all done, 1 some task dead or cancelled, 2 wrong input,
3 internal error or no server, 4 stopped with tasks left, 130 interrupted (the run can go on).
"""

NO_WINDOWS = (
    "Windows is not supported, but its Linux is: run `wsl --install` once, then install and start cqltui inside WSL "
    "(https://learn.microsoft.com/windows/wsl/install)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code. `argv`: in place of the process's own, whose streams are then protected."""
    if sys.platform == "win32":
        print(f"cqltui: {NO_WINDOWS}", file=sys.stderr)
        return ExitCode.INPUT
    if argv is None:
        streams.protect()
        os.umask(os.umask(0) | 0o022)  # others may look at a run, if the user lets them, and never write
        forget_relative_path()
        compute_in_one_thread()
        atexit.register(gc.freeze)  # else the interpreter looks for garbage in all that is loaded before it ends
        if "_ARGCOMPLETE" in os.environ:  # a shell asks how the line may go on
            forgo_telemetry()
            importlib.import_module("cqltui.commands.completion").answer(COMMANDS, _load)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments and os.isatty(0) and os.isatty(2):
        arguments = ["runs"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return ExitCode.OK if arguments else ExitCode.INPUT
    if arguments[0] in ("-V", "--version"):
        print(f"cqltui {cqltui.__version__}")
        return ExitCode.OK
    name = arguments.pop(0) if arguments[0] in COMMANDS else "run"
    if name == "run" and arguments and (meant := _mistyped(arguments[0])):
        print(f"cqltui: there is no command {arguments[0]!r}; did you mean {meant}?", file=sys.stderr)
        return ExitCode.INPUT
    if argv is None and name not in WHOLE:
        forgo_telemetry()
        forgo_async()
    if argv is None and name in SCREENS:
        forgo_openssl((*arguments, *os.environ.values()))
    try:
        return _run(name, arguments)
    except CqltuiError as error:
        _tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if _is_servers(error):
            _tell(importlib.import_module("cqltui.broker.protocol.trouble").told(error))
        elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _tell(f"{error.filename or 'the disk'}: {error.strerror}: free some space, then run the same command again")
        else:
            lines = without_passwords(traceback.format_exc())
            logging.getLogger(__name__).error("internal error; please report it with these lines\n%s", lines)
        return ExitCode.INTERNAL


def _tell(message: str) -> None:
    """Print a message, which may quote a path, a file or a server, without passwords and control characters."""
    shown = (char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in without_passwords(message))
    print(f"cqltui: {''.join(shown)}", file=sys.stderr)


def _is_servers(error: Exception) -> bool:
    """Return whether it is one of the client library's. Told by name, since loading it takes longer than `--help`."""
    return any(kind.__module__ == "redis.exceptions" for kind in type(error).__mro__)


class _Parser(argparse.ArgumentParser):
    """Its messages quote what was typed, which may be a URL."""

    def error(self, message: str) -> NoReturn:
        super().error(without_passwords(message))


def _mistyped(word: str) -> str | None:
    """Return the command that was meant by a word that is neither a command, an option nor a file."""
    if word.startswith("-") or "." in word or Path(word).exists():
        return None
    return nearest(word, COMMANDS)


def _load(name: str) -> Command:
    """Return the module of a command."""
    return cast(Command, load(f"cqltui.commands.{COMMANDS[name]}"))


def _run(name: str, arguments: list[str]) -> int:
    command = _load(name)
    told = command.HELP if isinstance(command.HELP, str) else command.HELP[name]
    parser = _Parser(prog="cqltui" if name == "run" else f"cqltui {name}", description=told)
    parser.set_defaults(command=name)
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))
