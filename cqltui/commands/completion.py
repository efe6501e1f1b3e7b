"""`cqltui completion`: complete commands, options, runs and task ids in a shell, by argcomplete."""

import argparse
import os
import shlex
from collections.abc import Callable, Iterable
from typing import Any

import argcomplete
from argcomplete.completers import FilesCompleter
from argcomplete.shell_integration import shellcode

from cqltui.app import options
from cqltui.errors import CqltuiError, ExitCode
from cqltui.results.left import from_disk

HELP = "Print the script by which a shell completes cqltui's commands, options, runs and task ids."
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
    """Print it."""
    print(shellcode(["cqltui"], shell=arguments.shell))
    return ExitCode.OK


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
    for action in parser._actions:  # argparse gives no other way to all of them
        if action.dest == "run_dir":
            _complete(action, _runs)
        elif action.dest == "tasks" and action.nargs == "*":
            _complete(action, _task_ids)


def _complete(action: argparse.Action, by: Callable[..., list[str]]) -> None:
    action.completer = by  # type: ignore[attr-defined]  # an attribute of argcomplete's


def _runs(**_: object) -> list[str]:
    return [path.parent.name for path in options.run_files()]


def _task_ids(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    try:
        return sorted(from_disk(options.existing_run(getattr(parsed_args, "run_dir", None))).tasks)
    except CqltuiError:
        return []
