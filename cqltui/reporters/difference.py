"""What a campaign file changes of a run, as lines for people and as JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from cqltui.campaign.difference import ContinuedTask, Difference, KnownTask, NewTask
from cqltui.campaign.plan import Plan
from cqltui.reporters.plan import duration
from cqltui.state.plain import plain

NAMED = 8
"""Tasks of a kind that are named; of more only how many there are."""


def difference_lines(difference: Difference, run_dir: str) -> list[str]:
    """Return which run, how many tasks of each kind, and which, but for those that are simply kept."""
    done = sum(known.done for known in difference.kept)
    back = sum(known.withdrawn for known in difference.kept)
    counts = (
        f"{len(difference.new)} new",
        f"{len(difference.kept)} kept ({done} done{f', {back} of them back in the file' if back else ''})",
        f"{len(difference.continued)} continued",
        f"{len(difference.withdrawn)} withdrawn ({sum(known.done for known in difference.withdrawn)} done)",
    )
    lines = [f"What this file makes of the run in {run_dir}:", f"  {', '.join(counts)}"]
    if difference.other_data:
        lines.append("  the data is not that of its last start, so that no task is the same")
    lines += _named("new", [_new(item) for item in difference.new])
    lines += _named("continued", [_continued(item) for item in difference.continued])
    return lines + withdrawn_lines(difference.withdrawn)


def withdrawn_lines(withdrawn: Iterable[KnownTask]) -> list[str]:
    """Return the tasks that are withdrawn, those first that were trained."""
    ordered = sorted(withdrawn, key=lambda known: (not known.done, not known.saved_epoch))
    return _named("withdrawn", [f"{_name(known.phase, known.title, known.id)}: {_stand(known)}" for known in ordered])


def left_line(plan: Plan, difference: Difference) -> str:
    """Return what is to be trained yet, by the plan's speeds."""
    left = [
        (1 - difference.epochs_done.get(planned.task.id, 0) / planned.task.trainer.epochs, planned.seconds)
        for phase in plan.phases
        for planned in phase.tasks
    ]
    tasks = sum(share > 0 for share, _ in left)
    seconds = duration(sum(share * seconds for share, seconds in left))
    return f"  left to train: {tasks} task{'s' * (tasks != 1)}, {seconds} of worker time"


def difference_json(difference: Difference) -> dict[str, Any]:
    """Everything that the lines show, and every task."""
    return {
        "changes": difference.changes,
        "other_data": difference.other_data,
        "new": [
            {"id": item.task.id, "shorter": item.shorter.id if item.shorter else None, "why_anew": item.why_anew}
            for item in difference.new
        ],
        "kept": [_known_json(known) for known in difference.kept],
        "continued": [
            {"id": item.task.id, "from": item.source.id, "epoch": item.source.saved_epoch}
            for item in difference.continued
        ],
        "withdrawn": [_known_json(known) for known in difference.withdrawn],
    }


def _known_json(known: KnownTask) -> dict[str, Any]:
    return {
        "id": known.id,
        "phase": known.phase,
        "title": known.title,
        "epochs": known.epochs,
        "done": known.done,
        "saved_epoch": known.saved_epoch,
    }


def _named(kind: str, tasks: Sequence[str]) -> list[str]:
    lines = [f"  {kind:<9}  {task}" for task in tasks[:NAMED]]
    if len(tasks) > NAMED:
        lines.append(f"  {kind:<9}  and {len(tasks) - NAMED} more")
    return lines


def _name(phase: str, title: str, task_id: str) -> str:
    return f"{plain(phase)}, {plain(title)} ({task_id})"


def _stand(known: KnownTask) -> str:
    if known.done:
        return f"done, {known.epochs:,} epochs"
    return f"trained to epoch {known.saved_epoch:,} of {known.epochs:,}" if known.saved_epoch else "not trained"


def _new(item: NewTask) -> str:
    task, shorter = item.task, item.shorter
    text = f"{_name(task.phase, task.title, task.id)}: {task.trainer.epochs:,} epochs"
    if shorter is None:
        return text
    return (
        f"{text}, trained from the beginning: {shorter.id} is done after {shorter.epochs:,} epochs, but {item.why_anew}"
    )


def _continued(item: ContinuedTask) -> str:
    task, source = item.task, item.source
    name = _name(task.phase, task.title, task.id)
    return (
        f"{name}: {task.trainer.epochs:,} epochs, from epoch {source.saved_epoch:,} of {source.id} ({_stand(source)})"
    )
