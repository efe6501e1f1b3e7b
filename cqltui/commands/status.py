"""`cqltui status`: how a run stands, read once."""

import argparse
import json
import time
from typing import Any

from msgspec import to_builtins
from rich.console import Console
from rich.text import Text

from cqltui.app import options
from cqltui.app.run_server import open_run
from cqltui.broker.protocol.trouble import Trouble, kind
from cqltui.broker.server.connect import is_closed
from cqltui.broker.server.locks import is_alive
from cqltui.errors import ExitCode, ServerError
from cqltui.reporters.tasks import task_table
from cqltui.reporters.wording import finish_time, phase_line
from cqltui.results.left import from_disk
from cqltui.results.rundir import read_json
from cqltui.state import hardware, select
from cqltui.state.described import Verdict
from cqltui.state.eta import estimate
from cqltui.state.model import ENDED, RunState, TaskState
from cqltui.state.placed import BlockInfo, block_line
from cqltui.state.plain import plain
from cqltui.state.reduce import reduce
from cqltui.supervisor.lock import is_supervised

HELP = "Show how a run stands: phases, workers, criteria; with --tasks every task."

UNSUPERVISED = "no supervisor runs; the campaign's command goes on with it"
DAMAGED = "its campaign.json is missing or damaged; the campaign's command writes it anew, and keeps what is trained"
GIBIBYTE = 1024**3
Blocks = tuple[BlockInfo, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui status`."""
    parser.add_argument("--tasks", action="store_true", help="list the tasks too")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Print the state."""
    state, status, blocks = read_state(arguments)
    now = time.time()
    if arguments.json:
        print(json.dumps(as_json(state, now, status, blocks), indent=1))
    else:
        _print(state, now, status, blocks, with_tasks=arguments.tasks)
    return ExitCode.OK


def read_state(arguments: argparse.Namespace) -> tuple[RunState, str, Blocks]:
    """Return the state of the run, as its server tells it, else the run directory; that in a few words; and its blocks
    of workers elsewhere, which the server alone knows."""
    try:
        server, run_dir = open_run(arguments, look=True)
    except ServerError as error:
        if arguments.run_dir is None and options.redis_url(arguments.redis_url) is not None:
            raise
        run_dir = options.existing_run(arguments.run_dir)
        state = from_disk(run_dir)
        if is_closed(run_dir.path):
            return state, "another user's run; this is what its directory knows", ()
        if is_supervised(run_dir) or is_alive(run_dir.server):
            said = "the server does not answer" if kind(error) is Trouble.AWAY else str(error)
            return state, f"{said}; this is what the run directory knows", ()
        if read_json(run_dir.campaign_json) is None:
            return state, DAMAGED, ()
        return state, "finished" if select.run_status(state) == "finished" else UNSUPERVISED, ()
    try:
        state = reduce(RunState(online=True), server.queue.snapshot())
        blocks = server.queue.blocks()
    finally:
        server.leave()
    if run_dir is None or is_supervised(run_dir) or state.finished_ts:
        return state, select.run_status(state), blocks
    works = bool(select.live_workers(state, time.time()))
    return state, f"{UNSUPERVISED}; its workers do what is queued" if works else UNSUPERVISED, blocks


def as_json(state: RunState, now: float, status: str, blocks: Blocks = ()) -> dict[str, Any]:
    """Return the state for programs; times in seconds since 1970."""
    expected = estimate(state, now)
    return {
        "status": status,
        "campaign": state.campaign.name,
        "run_dir": state.campaign.run_dir,
        "finish_ts": expected.finish_ts,
        "finish_between": expected.between,
        "finish_without_paused": expected.paused,
        "finished_ts": state.finished_ts or None,
        "counts": dict(select.counts(state)),
        "queue_depth": dict(select.queue_depth(state)),
        "samples_per_s": select.samples_per_s(state, now),
        "speed": to_builtins(hardware.speed(state, now)),
        "devices": [to_builtins(use) for use in hardware.device_use(state, now)],
        "workers": [to_builtins(worker) for worker in select.live_workers(state, now)],
        "blocks": [to_builtins(block) for block in blocks],
        "phases": [
            {
                "name": phase.info.name,
                "tasks": phase.total,
                "done": phase.done,
                "running": phase.running,
                "failed": phase.failed,
                "epochs_done": phase.epochs_done,
                "epochs_total": phase.epochs_total,
                "finish_ts": expected.phases.get(phase.info.name),
                "finish_between": expected.around(expected.phases.get(phase.info.name)),
                "criteria": [to_builtins(verdict) for verdict in phase.info.verdicts],
            }
            for phase in select.phases(state)
        ],
        "tasks": [_task_json(task) for task in select.ordered(state)],
    }


def _task_json(task: TaskState) -> dict[str, Any]:
    return {
        "id": task.id,
        "phase": task.info.phase,
        "title": task.info.title,
        "status": task.status,
        "priority": task.life.priority,
        "run": task.life.run,
        "attempt": task.life.attempt,
        "worker": task.life.worker,
        "epochs_done": task.epochs_done,
        "epochs": task.info.epochs,
        "stopped_early": task.stopped_early,
        "settings": dict(task.info.settings),
        **{metric.name: task.metric(metric.name) for metric in task.algorithm.metrics},
        f"best_{task.algorithm.validation}": task.best,
        "best_epoch": task.best_epoch,
        "seconds": task.progress.trained_s if task.progress else None,
        "finished_ts": task.life.finished_ts or None,
        "error": select.error_text(task),
    }


def _print(state: RunState, now: float, status: str, blocks: Blocks, *, with_tasks: bool) -> None:
    console = Console(markup=False, highlight=False, soft_wrap=True)
    title = plain(state.campaign.title or state.campaign.name or "this run")
    console.print(Text.assemble((title, "bold"), f": {status}"))
    expected = estimate(state, now)
    for phase in select.phases(state):
        console.print(Text(f"  {phase_line(phase, expected.phases.get(phase.info.name), now)}"))
        for verdict in phase.info.verdicts:
            console.print(Text(f"    {_mark(verdict)} {plain(verdict.text)}"))
    if any(task.status not in ENDED for task in state.tasks.values()):
        ends = finish_time(expected.finish_ts, now, expected.between)
        console.print(Text(f"  ends {ends}{select.without_paused(expected)}"))
    depth = ", ".join(f"priority {priority}: {tasks}" for priority, tasks in select.queue_depth(state).items())
    console.print(Text(f"  queued: {depth or 'nothing'}"))
    for block in blocks:
        console.print(Text(f"  {plain(block_line(block))}"))
    for worker in select.live_workers(state, now):
        doing = ", ".join(worker.tasks) or "idle"
        if len(worker.tasks) > 1:
            doing = f"{len(worker.tasks)} tasks together: {doing}"
        console.print(Text(f"  worker {plain(worker.id)} on {plain(worker.device)}, pid {worker.pid}: {plain(doing)}"))
    for use in hardware.device_use(state, now):
        total = f" of {use.memory_total_bytes / GIBIBYTE:.1f}" if use.memory_total_bytes else ""
        console.print(
            Text(f"  {plain(use.device)} of {plain(use.host)}: {use.memory_bytes / GIBIBYTE:.1f}{total} GiB of memory")
        )
    speed = hardware.speed(state, now)
    if speed.samples_per_s:
        flops = f"{speed.flops_per_s / 1e9:,.1f} GFLOP/s"
        console.print(Text(f"  {speed.samples_per_s:,.0f} samples/s, {speed.epochs_per_s:,.1f} epochs/s, {flops}"))
    if with_tasks:
        for line in task_table(select.ordered(state), console.width if console.is_terminal else None):
            console.print(Text(line))


def _mark(verdict: Verdict) -> str:
    return {True: "[passed]", False: "[failed]", None: "[ open ]"}[verdict.passed]
