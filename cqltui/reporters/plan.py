"""A plan as a table for people and as JSON for programs."""

from typing import Any
from urllib.parse import urlsplit

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cqltui.campaign.model import NotifyConfig, StoreConfig
from cqltui.campaign.plan import Plan, TaskPlan
from cqltui.reporters.wording import span
from cqltui.state.plain import plain
from cqltui.state.units import flops, size


def plan_table(plan: Plan) -> RenderableType:
    """Phases, then tasks in the order in which they are expected to start, then totals."""
    how = "measured speed" if plan.measured else "an assumed speed; --measure times this machine"
    total = (
        f"{plan.campaign}: {len(plan.queue_order)} tasks on {plan.rows:,} rows, {flops(plan.flops)}, "
        f"{duration(plan.seconds)} with {plan.workers} worker{'s' * (plan.workers != 1)} ({how}), "
        f"{size(plan.memory_bytes)} of memory besides a worker's own, "
        f"{size(plan.disk_bytes)} on disk at most, checkpoints of running tasks included"
    )
    return Group(_phases(plan), Text(), _tasks(plan), Text(), Text(total))


def disk_warning(plan: Plan, taken_bytes: int, free_bytes: int) -> str:
    """Return what to say where the disk has less room than the run will take; empty if it has enough. `taken_bytes`:
    of what the run directory holds already."""
    wanted = max(0, plan.disk_bytes - taken_bytes)
    if wanted <= free_bytes:
        return ""
    there = f" beside the {size(taken_bytes)} that the run has" if taken_bytes else ""
    return f"the run may take {size(wanted)}{there}, and its disk has {size(free_bytes)} free: free some, or --run-dir"


def sent_to(store: StoreConfig) -> str:
    """Return what leaves this machine for workers elsewhere by the campaign's file; empty if nothing does."""
    sent = [f"large checkpoints and models go to {plain(store.url)}"] if store.url is not None else []
    if store.send_data:
        sent.append("the data's file is sent to those that lack it")
    return f"for workers elsewhere, {' and '.join(sent)} ([store])" if sent else ""


def told_to(notify: NotifyConfig) -> str:
    """Return who is told what happens, as far as that is no secret; empty if nobody is."""
    told = [f"the program {plain(notify.command[0])} is started"] if notify.command else []
    if notify.webhook is not None:
        told.append(f"{plain(urlsplit(notify.webhook).hostname or '')} is told")
    return f"to tell what happens, {' and '.join(told)} ([notify])" if told else ""


def plan_json(plan: Plan) -> dict[str, Any]:
    """Everything that the table shows, in seconds, bytes and FLOPs. `id` is empty where the data was not read."""
    return {
        "campaign": plan.campaign,
        "rows": plan.rows,
        "workers": plan.workers,
        "measured": plan.measured,
        "seconds": plan.seconds,
        "worker_seconds": plan.worker_seconds,
        "flops": plan.flops,
        "memory_bytes": plan.memory_bytes,
        "disk_bytes": plan.disk_bytes,
        "phases": [
            {
                "name": phase.name,
                "title": phase.title,
                "priority": phase.priority,
                "tasks": len(phase.tasks),
                "flops": phase.flops,
                "worker_seconds": phase.worker_seconds,
                "start_s": phase.start_s,
                "end_s": phase.end_s,
            }
            for phase in plan.phases
        ],
        "tasks": [_task_json(task) for task in plan.queue_order],
    }


def _task_json(planned: TaskPlan) -> dict[str, Any]:
    task = planned.task
    return {
        "id": task.id,
        "phase": task.phase,
        "title": task.title,
        "priority": task.priority,
        **task.algorithm.values(task.trainer),
        "params": planned.params,
        "steps": planned.steps,
        "step_flops": planned.step_flops,
        "flops": planned.flops,
        "memory_bytes": planned.memory_bytes,
        "disk_bytes": planned.disk_bytes,
        "seconds": planned.seconds,
        "measured": planned.measured,
        "start_s": planned.start_s,
    }


def _phases(plan: Plan) -> Table:
    table = Table(title="Phases", title_justify="left", box=None, pad_edge=False)
    table.add_column("phase", no_wrap=True)
    for column in ("priority", "tasks", "work", "worker time", "starts", "ends"):
        table.add_column(column, justify="right", no_wrap=True)
    for phase in sorted(plan.phases, key=lambda phase: -phase.priority):
        table.add_row(
            Text(phase.name),
            str(phase.priority),
            str(len(phase.tasks)),
            flops(phase.flops),
            duration(phase.worker_seconds),
            duration(phase.start_s),
            duration(phase.end_s),
        )
    return table


def _tasks(plan: Plan) -> Table:
    table = Table(title="Tasks in order", title_justify="left", box=None, pad_edge=False)
    table.add_column("phase", no_wrap=True)
    table.add_column("task")  # the one that gives way on a narrow terminal
    for column in ("epochs", "params", "work", "memory", "time", "starts"):
        table.add_column(column, justify="right", no_wrap=True)
    for planned in plan.queue_order:
        table.add_row(
            Text(planned.task.phase),
            Text(planned.task.title, no_wrap=True, overflow="ellipsis"),
            f"{planned.task.trainer.epochs:,}",
            f"{planned.params:,}",
            flops(planned.flops),
            size(planned.memory_bytes),
            duration(planned.seconds),
            duration(planned.start_s),
        )
    return table


def duration(seconds: float) -> str:
    """Return the seconds as a time for people."""
    if seconds < 0.95:
        return f"{max(1, round(1000 * seconds))} ms" if seconds else "0 s"
    return f"{seconds:.1f} s" if seconds < 60 else span(seconds)
