"""`cqltui pause | resume | cancel | resubmit | priority`: commands on a run's tasks, or on the whole run."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from cqltui.app import options
from cqltui.app.run_server import open_run
from cqltui.broker.protocol.queue import Queue
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.reporters.lines import TASK_LINES
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState, Status, TaskState, Wanted
from cqltui.state.reduce import reduce
from cqltui.state.select import live_workers
from cqltui.supervisor.lock import RunLock, is_supervised
from cqltui.supervisor.records import Records

HELP = "Pause, resume, cancel or resubmit tasks, or change their priority. Ids may be shortened if they stay unique."
WHOLE_RUN = {"pause": Wanted.PAUSED, "resume": Wanted.RUNNING}
"""What the commands mean without a task."""
UNSUPERVISED = "no supervisor runs: the campaign's command goes on with it"
SAID = {
    "pause": "paused; a running task first writes its checkpoint",
    "resume": "queued again, with its checkpoint and place",
    "cancel": "cancelled",
    "resubmit": "queued as a new run; the old result is kept, and a cancel brings it back",
    "priority": "its priority is changed",
}
SO_ALREADY = "is so already"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the command that is in the parser's defaults."""
    name = parser.get_default("command")
    if name == "priority":
        parser.add_argument("priority", type=int, metavar="N", help="0 or more; higher runs first")
    whole = " (none: the whole campaign)" if name in WHOLE_RUN else ""
    parser.add_argument("tasks", nargs="*", metavar="ID", help=f"task ids{whole}")
    if name == "resubmit":
        parser.add_argument("--failed", action="store_true", help="every dead task")
    options.add_verbose(parser)
    options.add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send the commands. 2 if one was refused; the others are carried out all the same."""
    whole = arguments.command in WHOLE_RUN and not arguments.tasks
    server, run_dir = open_run(arguments, start=not whole)
    try:
        if whole:
            return _whole_run(arguments.command, server.queue, run_dir)
        return _tasks(arguments, server.queue, run_dir)
    finally:
        server.leave()


def _whole_run(name: str, queue: Queue, run_dir: RunDir | None) -> int:
    unsupervised = run_dir is not None and not is_supervised(run_dir)
    if unsupervised and not live_workers(reduce(RunState(), queue.snapshot()), time.time()):
        raise InputError(f"no supervisor runs: there is nothing to {name}; the campaign's command goes on with it")
    changed = queue.want(WHOLE_RUN[name])
    print(f"the campaign is {WHOLE_RUN[name]}{'' if changed else ' already'}", file=sys.stderr)
    if unsupervised:
        print(UNSUPERVISED, file=sys.stderr)
    return ExitCode.OK


def _tasks(arguments: argparse.Namespace, queue: Queue, run_dir: RunDir | None) -> int:
    name = arguments.command
    unsupervised = run_dir is not None and not is_supervised(run_dir)
    state = reduce(RunState(), queue.snapshot())
    wanted = list(arguments.tasks)
    if name == "resubmit" and arguments.failed:
        wanted += [task.id for task in state.tasks.values() if task.status is Status.DEAD]
        if not wanted:
            print("no task is dead: there is nothing to resubmit", file=sys.stderr)
            return ExitCode.OK
    if not wanted:
        number = "N " if name == "priority" else ""
        raise InputError(f"which task? Give its id: cqltui {name} {number}ID (ids: cqltui status --tasks)")
    code, changed = _each(arguments, _action(name, queue, arguments), wanted, state)
    if changed and run_dir is not None and unsupervised:
        _write_down(run_dir, queue)
        print(UNSUPERVISED, file=sys.stderr)
    return code


def _write_down(run_dir: RunDir, queue: Queue) -> None:
    """Keep the run directory true where no supervisor does."""
    lock, records = RunLock(run_dir), Records(run_dir)
    try:
        for task in reduce(RunState(), queue.snapshot()).tasks.values():
            records.remember(task)
    finally:
        records.close()
        lock.free()


def _action(name: str, queue: Queue, arguments: argparse.Namespace) -> Callable[[str], bool]:
    match name:
        case "pause":
            return queue.pause
        case "resume":
            return queue.resume
        case "cancel":
            return queue.cancel
        case "resubmit":
            return queue.resubmit
        case _:
            return lambda task_id: queue.set_priority(task_id, arguments.priority)


def _each(
    arguments: argparse.Namespace, action: Callable[[str], bool], wanted: Sequence[str], state: RunState
) -> tuple[ExitCode, bool]:
    """The exit code, and whether any task was changed. Of many tasks the first have lines, and those refused."""
    code, done, known = ExitCode.OK, Counter[str](), list(state.tasks)
    for given in wanted:
        try:
            task_id = full_id(given, known)
            said = _said(arguments.command, state.tasks[task_id]) if action(task_id) else SO_ALREADY
        except CqltuiError as error:
            print(f"cqltui: {error}", file=sys.stderr)
            code = error.exit_code
        else:
            done[said] += 1
            if arguments.verbose or done.total() <= TASK_LINES:
                print(f"task {task_id}: {said}", file=sys.stderr)
    if not arguments.verbose and done.total() > TASK_LINES:
        for said, number in done.items():
            print(f"{number:,} tasks in all (each with -v): {said}", file=sys.stderr)
    return code, done.total() > done[SO_ALREADY]


def _said(name: str, task: TaskState) -> str:
    if name == "cancel" and task.life.run > 1:
        return f"{SAID[name]}; if it was done before it was submitted again, that result stands"
    return SAID[name]


def full_id(given: str, known: Sequence[str]) -> str:
    """The task id that begins with `given`, if it is one only. Raises InputError."""
    if given in known:
        return given
    found = [task_id for task_id in known if given and task_id.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"task {given!r}: {', '.join(sorted(found)[:5])} begin so, give more of the id")
    raise InputError(f"task {given[:80]!r}: there is no such task (ids: cqltui status --tasks)")
