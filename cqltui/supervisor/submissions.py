"""What is submitted of a campaign's tasks. What many of them have in common is worked out, and sent, once."""

from collections import Counter
from collections.abc import Iterator, Mapping
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
    kinds = _Kinds(campaign, data)
    for place, task in sorted(enumerate(campaign.tasks), key=lambda item: -item[1].priority):
        one = kinds.of(task)
        yield Submission(task.id, task.digest, one.info(task, place), one.spec(task), one.pack, task.priority, one.cost)


def planned(campaign: Campaign, data: DataSummary) -> dict[str, Planned]:
    """Return what each task is, by id."""
    kinds, found = _Kinds(campaign, data), {}
    for place, task in enumerate(campaign.tasks):
        if (info := decode.task_info(task.id, kinds.of(task).info(task, place))) is not None:
            found[task.id] = Planned(info, task.digest, data.validation_rows)
    return found


class _Kinds:
    """The kinds of a campaign's tasks: a phase's that differ in free settings alone (`Setting.free`)."""

    def __init__(self, campaign: Campaign, data: DataSummary) -> None:
        self._campaign, self._data = campaign, data
        self._source = payload.data_spec(campaign)
        self._counts = Counter(map(_kind_of, campaign.tasks))
        self._known: dict[object, _Kind] = {}

    def of(self, task: TaskSpec) -> "_Kind":
        """Return the task's kind."""
        key = _kind_of(task)
        if (known := self._known.get(key)) is None:
            known = _Kind(self._campaign, task, self._data, self._source, share=self._counts[key] >= MANY)
            self._known[key] = known
        return known


def _kind_of(task: TaskSpec) -> object:
    return task.phase, kind(task.algorithm, task.trainer)


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

    def info(self, task: TaskSpec, place: int) -> Mapping[str, Any]:
        """Return the fields of `state.model.TaskInfo`; `place`: in the campaign file."""
        own = (task.title, task.description, place, *self._settings(task), task.baseline_loss)
        return self._object(self._info, own)

    def spec(self, task: TaskSpec) -> Mapping[str, Any]:
        """Return what a worker trains by."""
        return self._object(self._spec, (task.digest, *self._settings(task)))

    def _settings(self, task: TaskSpec) -> Iterator[Any]:
        return map(told, free_values(task.algorithm, task.trainer))

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
