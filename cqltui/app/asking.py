"""Ask something of a run's tasks, or of the whole run, and say what came of it."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from cqltui.app import question
from cqltui.app.asker import asker
from cqltui.broker.protocol.queue import Queue
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.later import load
from cqltui.reporters.lines import TASK_LINES
from cqltui.results.rundir import RunDir
from cqltui.state.model import ENDED, RunState, Status, TaskCommand, TaskState, Wanted
from cqltui.state.plain import plain
from cqltui.state.reduce import reduce
from cqltui.state.select import live_workers
from cqltui.supervisor.lock import RunLock, is_supervised

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
QUESTIONS = {TaskCommand.CANCEL: "Cancel", TaskCommand.RESUBMIT: "Run again"}
ASKS_OF: dict[TaskCommand, Callable[[TaskState], bool]] = {
    TaskCommand.CANCEL: lambda task: task.status not in ENDED,
    TaskCommand.RESUBMIT: lambda task: task.status is Status.DONE,
}
"""Of which tasks a command is asked before: as on the screen."""
NAMED = 8
"""Tasks that a question names; of more, it tells the number."""


def ask_run(command: TaskCommand, queue: Queue, run_dir: RunDir | None) -> ExitCode:
    """Pause the whole run, or let it go on. Raise InputError if nobody works on it."""
    unsupervised = run_dir is not None and not is_supervised(run_dir)
    if unsupervised and not live_workers(reduce(RunState(), queue.snapshot()), time.time()):
        raise InputError(f"no supervisor runs: there is nothing to {command}; the campaign's command goes on with it")
    changed = queue.want(WHOLE_RUN[command], asker("cli"))
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
    yes: bool = False,
) -> ExitCode:
    """Ask it of each task; the error's code if one was refused, though the others are carried out all the same.

    `given`: ids or their beginnings. `failed`: of every dead task, too. `yes`: what gives up a result or a training is
    not asked before.
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
    _expect_yes(command, wanted, state, yes=yes)
    by = asker("cli")
    code, changed = ask_each(
        command, lambda task_id: queue.command(command, task_id, priority, by), wanted, state, verbose=verbose
    )
    if changed and run_dir is not None and unsupervised:
        _write_down(run_dir, queue)
        print(UNSUPERVISED, file=sys.stderr)
    return code


def ask_workers(count: int, queue: Queue, run_dir: RunDir | None, *, yes: bool) -> ExitCode:
    """Have that many workers on the run's machine. Raise InputError for more than it can have, or if nobody supervises
    the run."""
    state = reduce(RunState(), queue.snapshot())
    now, limit = state.asked_workers or state.campaign.workers, state.campaign.workers_limit
    if state.finished_ts or (run_dir is not None and run_dir.path.is_dir() and not is_supervised(run_dir)):
        raise InputError(
            "no supervisor runs, which would start and end workers; the campaign's command goes on with the run, and "
            f"has --workers {count}"
        )
    if not limit:
        raise InputError(
            "the run's supervisor is of an earlier version, which cannot change the number of workers: `cqltui stop`, "
            f"then the campaign's command with --workers {count}"
        )
    if limit < count:
        raise InputError(
            f"{count} workers: the run's machine can have {limit} at most (one a core); nothing was changed"
        )
    if count < now:
        leaving = ", ".join(f"w{number}" for number in range(count + 1, now + 1))
        about = [f"{leaving} would write a checkpoint and leave; what they train is queued again."]
        question.expect_yes(f"Go on with {count} of {now} workers?", about, yes=yes)
    changed = queue.ask_workers(count, asker("cli"))
    how = "is so already" if not changed or count == now else f"asked for, in place of {now}"
    print(f"{count} worker{'s' * (count != 1)}: {how}", file=sys.stderr)
    return ExitCode.OK


def _expect_yes(command: TaskCommand, given: Sequence[str], state: RunState, *, yes: bool) -> None:
    """Ask before what gives something up. Raises InputError and DeclinedError without a yes."""
    known = list(state.tasks)
    tasks = [state.tasks[task_id] for one in dict.fromkeys(given) for task_id in _meant(one, known)]
    about = [task for task in tasks if command in ASKS_OF and ASKS_OF[command](task)]
    if about:
        what = f"{len(about)} tasks" if len(about) > 1 else f"task {about[0].id}"
        lines = [_line(task) for task in about[:NAMED]]
        more = [f"  and {len(about) - NAMED:,} more"] * (len(about) > NAMED)
        note = ["The results so far count no more; a cancel brings them back."] * (command is TaskCommand.RESUBMIT)
        question.expect_yes(f"{QUESTIONS[command]} {what}?", [*lines, *more, *note], yes=yes)


def _line(task: TaskState) -> str:
    return f"  {plain(task.id, 40)}  {task.status}  {plain(task.info.phase, 40)}, {plain(task.info.title, 80)}"


def _meant(given: str, known: Sequence[str]) -> list[str]:
    """Return the id that is meant; nothing if it is none, which is refused later."""
    try:
        return [full_id(given, known)]
    except InputError:
        return []


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
    lock = RunLock(run_dir)
    records = load("cqltui.supervisor.records").Records(run_dir)  # late: it loads NumPy, which nothing else here needs
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
