"""What is submitted of a campaign's tasks. What many of them have in common is worked out, and sent, once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cqltui
from cqltui.algorithms.base import told
from cqltui.algorithms.kinds import free_settings, free_values, kind
from cqltui.broker.protocol.records import Cost, Submission
from cqltui.campaign import payload
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.campaign.payload import DataSummary
from cqltui.state import decode
from cqltui.state.forms import Filled, Form
from cqltui.supervisor.accepted import Planned

MANY = 10
"""Of fewer tasks a form would take as much room as it spares."""


def submissions(campaign: Campaign, data: DataSummary) -> Iterator[Submission]:
    """Yield one for each task, in the order in which they are to be queued."""
    tasks = tuple(campaign.tasks)
    kinds = _kinds(campaign, tasks, data)
    for place in sorted(range(len(tasks)), key=lambda place: -tasks[place].priority):
        task, one = tasks[place], kinds[place]
        info, spec = one.told(task, place)
        yield Submission(task.id, task.digest, info, spec, one.pack, task.priority, one.cost)


def planned(campaign: Campaign, data: DataSummary) -> dict[str, Planned]:
    """Return what each task is, by id."""
    tasks, found = tuple(campaign.tasks), {}
    for place, (task, one) in enumerate(zip(tasks, _kinds(campaign, tasks, data), strict=True)):
        if (info := decode.task_info(task.id, one.told(task, place)[0])) is not None:
            found[task.id] = Planned(info, task.digest, data.validation_rows)
    return found


def _kinds(campaign: Campaign, tasks: Sequence[TaskSpec], data: DataSummary) -> "list[_Kind]":
    """Return the kind of each task: a phase's that differ in free settings alone (`Setting.free`) are of one."""
    source = payload.data_spec(campaign)
    keys = [(task.phase, kind(task.algorithm, task.trainer)) for task in tasks]
    alike = dict(zip(keys, tasks, strict=True))
    known = {
        key: _Kind(campaign, alike[key], data, source, share=number >= MANY) for key, number in Counter(keys).items()
    }
    return [known[key] for key in keys]


class _Kind:
    """What a task is, by what others of its kind are."""

    def __init__(
        self, campaign: Campaign, task: TaskSpec, data: DataSummary, source: Mapping[str, Any], *, share: bool
    ) -> None:
        """`task`: any of them. `share`: there are so many of them that forms spare room."""
        free = free_settings(task.algorithm)
        info = payload.task_info(campaign, task, 0, data)
        spec = payload.task_spec(campaign, task, data, source)
        of_info = [("title",), ("description",), ("index",), *(("settings", name) for name in free)]
        of_spec = [("digest",), *(("trainer", name) for name in free)]
        head = {
            "protocol": payload.PROTOCOL + 1,
            "program": cqltui.__version__,
        }  # who knows no forms leaves such a task
        self._info = Form.of(info, [*of_info, ("baseline_loss",)])
        self._spec = Form.of(spec, of_spec, head)
        self._share = share
        self.pack: str = info["pack"]
        self.cost = _cost(campaign, task, data)

    def told(self, task: TaskSpec, place: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the fields of `state.model.TaskInfo`, and what a worker trains by. `place`: in the campaign file."""
        settings = tuple(map(told, free_values(task.algorithm, task.trainer)))
        info = (task.title, task.description, place, *settings, task.baseline_loss)
        return self._object(self._info, info), self._object(self._spec, (task.digest, *settings))

    def _object(self, form: Form, own: tuple[Any, ...]) -> Mapping[str, Any]:
        made = Filled(form, own)
        return made if self._share else made.whole()


def _cost(campaign: Campaign, task: TaskSpec, data: DataSummary) -> Cost:
    quantity = campaign.quantity(task, data.rows)
    one, two = (campaign.memory_bytes(task, members, data.rows, data.validation_rows) for members in (1, 2))
    return Cost(
        epoch_flops=quantity.step_flops * quantity.epoch_steps,
        epochs=task.trainer.epochs,
        member_bytes=two - one,
        shared_bytes=2 * one - two,
    )
