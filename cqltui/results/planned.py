"""Tasks of which nothing is written down but what campaign.json says: of very many those that nobody has touched."""

from collections.abc import Collection, Iterator
from contextlib import suppress

from msgspec.structs import replace

from cqltui.algorithms.base import told
from cqltui.algorithms.kinds import free_settings, free_values, kind
from cqltui.campaign import payload
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.campaign.recorded import read_recorded
from cqltui.errors import InputError
from cqltui.results.known import id_length
from cqltui.results.rundir import RunDir, read_json
from cqltui.state import decode
from cqltui.state.model import Lifecycle, TaskInfo, TaskState


def untouched(run_dir: RunDir, written: Collection[str]) -> dict[str, TaskState]:
    """Return the tasks of campaign.json but those that are written down, queued as they were submitted; none where
    it cannot be read."""
    said = read_json(run_dir.campaign_json) or {}
    table, data = said.get("campaign"), said.get("data")
    if not isinstance(table, dict) or not isinstance(data, dict) or not isinstance(table.get("data"), dict):
        return {}
    with suppress(InputError, KeyError, TypeError, ValueError):  # of its data: others say what is wrong with them
        config = payload.read_data({"data": table["data"] | {"path": said.get("data_path")}})
        campaign = replace(read_recorded(table, config, run_dir.campaign_json), id_length=id_length(run_dir))
        known = DataSummary(decode.text(data, "digest"), decode.whole(data, "rows"), 0)
        return {task.id: task for task in _queued(campaign.identified(known.digest), known) if task.id not in written}
    return {}


def _queued(campaign: Campaign, data: DataSummary) -> Iterator[TaskState]:
    """Yield the campaign's tasks, in the order of the file. What those of a kind have in common is worked out once."""
    infos: dict[object, TaskInfo] = {}
    for index, task in enumerate(campaign.tasks):
        key = task.phase, kind(task.algorithm, task.trainer)
        if (info := infos.get(key)) is None:
            if (info := decode.task_info("", payload.task_info(campaign, task, 0, data))) is None:
                continue
            infos[key] = info
        free = zip(free_settings(task.algorithm), map(told, free_values(task.algorithm, task.trainer)), strict=True)
        own = replace(
            info,
            id=task.id,
            title=task.title,
            description=task.description,
            index=index,
            settings={**info.settings, **dict(free)},
            baseline_loss=task.baseline_loss,
        )
        yield TaskState(own, Lifecycle((0, 1), priority=task.priority, order=index + 1))
