"""`cqltui pause | resume | cancel | resubmit | priority`: commands on a run's tasks, or on the whole run."""

import argparse

from cqltui.app import options
from cqltui.app.asking import ASKS_OF, WHOLE_RUN, ask_run, ask_tasks
from cqltui.app.run_server import open_run
from cqltui.state.model import TaskCommand

HELP = {
    "pause": "Pause tasks, or without an ID the whole campaign: running tasks write a checkpoint and leave their "
    "workers, queued ones wait, until `cqltui resume`.",
    "resume": "Queue paused tasks again, at their place and with their checkpoints; without an ID let a paused "
    "campaign go on.",
    "cancel": "Cancel tasks: they are trained no further; asks first. A task that was done before it was resubmitted "
    "gets that result back.",
    "resubmit": "Queue tasks that are done, dead or cancelled as new runs; the old results are kept, and a cancel "
    "brings them back. Asks first where a task is done.",
    "priority": "Change the priority of tasks: the highest is trained first. For a running task it counts when it is "
    "queued again.",
}
"""By command."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of the command that is in the parser's defaults."""
    command = TaskCommand(parser.get_default("command"))
    if command is TaskCommand.PRIORITY:
        parser.add_argument("priority", type=int, metavar="N", help="0 or more; higher runs first")
    whole = " (none: the whole campaign)" if command in WHOLE_RUN else ""
    parser.add_argument(
        "tasks", nargs="*", metavar="ID", help=f"task ids, which may be shortened if they stay unique{whole}"
    )
    if command is TaskCommand.RESUBMIT:
        parser.add_argument("--failed", action="store_true", help="every dead task")
    if command in ASKS_OF:
        parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(command=command)
    options.add_verbose(parser)
    options.add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send the commands. 2 if one was refused; the others are carried out all the same."""
    command: TaskCommand = arguments.command
    whole = command in WHOLE_RUN and not arguments.tasks
    server, run_dir = open_run(arguments, start=not whole)
    try:
        if whole:
            return ask_run(command, server.queue, run_dir)
        return ask_tasks(
            command,
            arguments.tasks,
            server.queue,
            run_dir,
            priority=getattr(arguments, "priority", None),
            failed=getattr(arguments, "failed", False),
            verbose=arguments.verbose,
            yes=getattr(arguments, "yes", False),
        )
    finally:
        server.leave()
