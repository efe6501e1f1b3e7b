"""Ask something of a run's tasks, or of the whole run, and say what came of it."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from cqltui.broker.protocol.queue import Queue
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.reporters.lines import TASK_LINES
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState, Status, TaskCommand, TaskState, Wanted
from cqltui.state.reduce import reduce
from cqltui.state.select import live_workers
from cqltui.supervisor.lock import RunLock, is_supervised
from cqltui.supervisor.records import Records

WHOLE_RUN = {TaskCommand.PAUSE: Wanted.PAUSED, TaskCommand.RESUME: Wanted.RUNNING}
"""What the commands mean without a task."""
UNSUPERVISED = "no supervisor runs: the campaign's command goes on with it"
SAID = {
    TaskCommand.PAUSE: "paused; a running task first writes its checkpoint",
    TaskCommand.RESUME: "queued again, with its checkpoint and place",
    TaskCommand.CANCEL: "cancelled",
    TaskCommand.RESUBMIT: "queued as a new run; the old result is kept, and a cancel brings it back",
    TaskCommand.PRIORITY: "its priority is changed",
}
SO_ALREADY = "is so already"


def ask_run(command: TaskCommand, queue: Queue, run_dir: RunDir | None) -> ExitCode:
    """Pause the whole run, or let it go on. Raise InputError if nobody works on it."""
    unsupervised = run_dir is not None and not is_supervised(run_dir)
    if unsupervised and not live_workers(reduce(RunState(), queue.snapshot()), time.time()):
        raise InputError(f"no supervisor runs: there is nothing to {command}; the campaign's command goes on with it")
    changed = queue.want(WHOLE_RUN[command])
    print(f"the campaign is {WHOLE_RUN[command]}{'' if changed else ' already'}", file=sys.stderr)
    if unsupervised:
        print(UNSUPERVISED, file=sys.stderr)
    return ExitCode.OK


def ask_tasks(
    command: TaskCommand,
    given: Sequence[str],
    queue: Queue,
    run_dir: RunDir | None,
    *,
    priority: int | None = None,
    failed: bool = False,
    verbose: bool = False,
) -> ExitCode:
    """Ask it of each task; the error's code if one was refused, though the others are carried out all the same.

    `given`: ids or their beginnings. `failed`: of every dead task, too.
    """
    unsupervised = run_dir is not None and not is_supervised(run_dir)
    state = reduce(RunState(), queue.snapshot())
    wanted = list(given)
    if failed:
        wanted += [task.id for task in state.tasks.values() if task.status is Status.DEAD]
        if not wanted:
            print(f"no task is dead: there is nothing to {command}", file=sys.stderr)
            return ExitCode.OK
    if not wanted:
        number = "" if priority is None else "N "
        raise InputError(f"which task? Give its id: cqltui {command} {number}ID (ids: cqltui status --tasks)")
    code, changed = ask_each(
        command, lambda task_id: queue.command(command, task_id, priority), wanted, state, verbose=verbose
    )
    if changed and run_dir is not None and unsupervised:
        _write_down(run_dir, queue)
        print(UNSUPERVISED, file=sys.stderr)
    return code


def ask_each(
    command: TaskCommand, ask: Callable[[str], bool], wanted: Sequence[str], state: RunState, *, verbose: bool
) -> tuple[ExitCode, bool]:
    """Return the exit code, and whether any task was changed. Of many tasks the first have lines, and those refused."""
    code, done, known = ExitCode.OK, Counter[str](), list(state.tasks)
    for given in wanted:
        try:
            task_id = full_id(given, known)
            said = _said(command, state.tasks[task_id]) if ask(task_id) else SO_ALREADY
        except CqltuiError as error:
            print(f"cqltui: {error}", file=sys.stderr)
            code = error.exit_code
        else:
            done[said] += 1
            if verbose or done.total() <= TASK_LINES:
                print(f"task {task_id}: {said}", file=sys.stderr)
    if not verbose and done.total() > TASK_LINES:
        for said, number in done.items():
            print(f"{number:,} tasks in all (each with -v): {said}", file=sys.stderr)
    return code, done.total() > done[SO_ALREADY]


def full_id(given: str, known: Sequence[str]) -> str:
    """Return the task id that begins with `given`, if it is one only. Raise InputError."""
    if given in known:
        return given
    found = [task_id for task_id in known if given and task_id.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"task {given!r}: {', '.join(sorted(found)[:5])} begin so, give more of the id")
    raise InputError(f"task {given[:80]!r}: there is no such task (ids: cqltui status --tasks)")


def _write_down(run_dir: RunDir, queue: Queue) -> None:
    """Keep the run directory true where no supervisor does."""
    lock, records = RunLock(run_dir), Records(run_dir)
    try:
        for task in reduce(RunState(), queue.snapshot()).tasks.values():
            records.remember(task)
    finally:
        records.close()
        lock.free()


def _said(command: TaskCommand, task: TaskState) -> str:
    if command is TaskCommand.CANCEL and task.life.run > 1:
        return f"{SAID[command]}; if it was done before it was submitted again, that result stands"
    return SAID[command]
