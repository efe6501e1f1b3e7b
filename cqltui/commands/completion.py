"""`cqltui completion`: complete commands, options, runs and task ids in a shell, by argcomplete."""

import argparse
import os
import shlex
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import argcomplete
from argcomplete.completers import FilesCompleter
from argcomplete.shell_integration import shellcode

from cqltui.app import options
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.state import decode

HELP = "Print the script by which a shell completes cqltui's commands, options, runs and task ids."
NAME = "cqltui"
_PLACE = "CQLTUI_PROGRAM"
"""Stands for its path in the code of a shell."""
SHELLS = ("bash", "zsh", "fish")
_HOW = """\
  bash:  eval "$(cqltui completion bash)"            in ~/.bashrc
  zsh:   eval "$(cqltui completion zsh)"             in ~/.zshrc, after compinit
  fish:  cqltui completion fish | source             in ~/.config/fish/config.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui completion`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _HOW
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: argparse.Namespace) -> int:
    """Print it. Raises InputError where the program is no file of its own.

    The program is named by its path: without it argcomplete's code starts whatever is typed, so that a folder's own
    ./cqltui would run as soon as somebody presses Tab behind it.
    """
    print(_code(arguments.shell, _program()))
    return ExitCode.OK


def _code(shell: str, program: str) -> str:
    """Return what argcomplete gives, whose own places for the path take it apart if it has blanks."""
    code = shellcode([NAME], shell=shell, argcomplete_script=_PLACE)
    if shell != "fish":
        return code.replace(f'"{_PLACE}"', shlex.quote(program))
    escaped = program.replace("\\", "\\\\").replace("'", "\\'")
    return code.replace(_PLACE, f"'{escaped}'")


def _program() -> str:
    """Return the absolute path of the program of this environment, or of the one that was called."""
    own = Path(sysconfig.get_path("scripts")) / NAME
    called = Path(sys.argv[0]).absolute()
    found = next((str(path) for path in (own, called) if path.name == NAME and os.access(path, os.X_OK)), None)
    if found is None:
        raise InputError(
            f"{own}: there is no such program, which the shell is to ask: install the package (pip install)"
        )
    return found


def answer(commands: Iterable[str], load: Callable[[str], Any]) -> None:
    """Tell the shell, which has called for it, how the line may go on; then leave. Only the command that stands in the
    line is loaded."""
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 0) or None]
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that is still open
        words = line.split()
    begun = words[1] if len(words) > 1 else ""
    parser = argparse.ArgumentParser(prog="cqltui")
    if begun in commands or len(words) + line.endswith(" ") < 3:  # the second word itself, or a command's arguments
        chosen = parser.add_subparsers()
        for name in commands:
            _fill(chosen.add_parser(name), name, load if name == begun else None)
    else:
        _fill(parser, "run", load)
    argcomplete.autocomplete(parser, default_completer=FilesCompleter())


def _fill(parser: argparse.ArgumentParser, name: str, load: Callable[[str], Any] | None) -> None:
    parser.set_defaults(command=name)
    if load is None:
        return
    load(name).add_arguments(parser)
    _complete_all(parser)


def _complete_all(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # argparse gives no other way to all of them
        if isinstance(action, argparse._SubParsersAction):
            for inner in set(action.choices.values()):
                _complete_all(inner)
        elif action.dest == "run_dir":
            _complete(action, _runs)
        elif action.dest == "tasks" and action.nargs == "*":
            _complete(action, _task_ids)


def _complete(action: argparse.Action, by: Callable[..., list[str]]) -> None:
    action.completer = by  # type: ignore[attr-defined]  # an attribute of argcomplete's


def _runs(**_: object) -> list[str]:
    return [path.parent.name for path in options.run_files()]


def _task_ids(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    try:
        run_dir = options.existing_run(getattr(parsed_args, "run_dir", None))
    except CqltuiError:
        return []
    # By their names alone: whoever presses Tab in a folder has not asked for its documents to be read.
    found = (path.parent.name for path in run_dir.tasks.glob("*/task.json"))
    return sorted(name for name in found if decode.NAME.fullmatch(name))
