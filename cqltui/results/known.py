"""The run as its directory holds it: which tasks it knows, which of them are done, and which checkpoints are of use."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cqltui.campaign.difference import KnownTask
from cqltui.campaign.model import ID_LENGTH
from cqltui.results.rundir import RunDir, read_json, read_metrics
from cqltui.state import decode
from cqltui.state.model import Lifecycle, Status
from trainer.files import checkpoints
from trainer.progress import EpochMetrics

CARRIED = "from-"
"""How the folder in a run begins that holds the checkpoint of another task, from which this one goes on."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint with the metrics up to it."""

    path: Path
    rows: tuple[EpochMetrics, ...]

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.rows)


def newest_saved(run_dir: RunDir, task_id: str, run: int, *, carried: bool = False) -> Saved | None:
    """The task's newest checkpoint that has its metrics beside it: kept with its result, or of an attempt of the run.

    Whether the file itself is whole is seen by who reads it. `carried`: other tasks' checkpoints in its run count too.
    """
    folders = [run_dir.task(task_id), *run_dir.run(task_id, run).glob("*/")]
    own = [folder for folder in folders if carried or not folder.name.startswith(CARRIED)]
    for epoch, path in sorted((found for folder in own for found in checkpoints(folder)), reverse=True):
        rows = tuple(row for row in read_metrics(path.parent / "metrics.csv") if row.epoch <= epoch)
        if epoch and [row.epoch for row in rows] == list(range(1, epoch + 1)):
            return Saved(path, rows)
    return None


def read_known(run_dir: RunDir, wanted: Collection[str]) -> dict[str, KnownTask]:
    """Every task that the run directory holds, by id. `wanted`: ids that the campaign file has; of those that are done
    no checkpoint is looked for."""
    found = {}
    for task_id, (phase, title, epochs) in dict([*_of_manifest(run_dir), *_of_tasks(run_dir)]).items():
        life = _life(run_dir, task_id)
        is_done = _is_done(run_dir, task_id, life)
        known = KnownTask(
            id=task_id,
            phase=phase,
            title=title,
            epochs=epochs,
            run=life.run,
            done=is_done,
            withdrawn=life.status is Status.WITHDRAWN,
        )
        given_up = life.status in (Status.DEAD, Status.CANCELLED)
        found[task_id] = (
            known if given_up or (is_done and task_id in wanted) else _with_checkpoint(run_dir, known, wanted)
        )
    return found


def data_digest(run_dir: RunDir) -> str:
    """Of the data that the run was last started with; empty if that is not known."""
    data = (read_json(run_dir.campaign_json) or {}).get("data")
    return decode.text(data, "digest") if isinstance(data, Mapping) else ""


def _of_manifest(run_dir: RunDir) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """(id, (phase, title, epochs)) of the tasks that the run was last started with."""
    campaign = (read_json(run_dir.campaign_json) or {}).get("campaign")
    for phase in decode.dicts(campaign.get("phases") if isinstance(campaign, Mapping) else None):
        for task in decode.dicts(phase.get("tasks")):
            task_id = decode.text(task, "digest")[:ID_LENGTH]
            if decode.NAME.fullmatch(task_id):
                described = decode.text(task, "phase"), decode.text(task, "title")
                yield task_id, (*described, decode.whole(task.get("trainer"), "epochs"))


def _of_tasks(run_dir: RunDir) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """The same of every task that was written down, by whichever start."""
    folders = sorted(run_dir.tasks.iterdir()) if run_dir.tasks.is_dir() else ()
    for folder in folders:
        if decode.NAME.fullmatch(folder.name):
            info = decode.task_info(folder.name, (read_json(run_dir.task_json(folder.name)) or {}).get("info"))
            if info is not None:
                yield folder.name, (info.phase, info.title, info.epochs)


def _life(run_dir: RunDir, task_id: str) -> Lifecycle:
    raw = (read_json(run_dir.task_json(task_id)) or {}).get("life")
    return (decode.lifecycle(raw, (0, 0)) if isinstance(raw, Mapping) else None) or Lifecycle()


def _is_done(run_dir: RunDir, task_id: str, life: Lifecycle) -> bool:
    """Whether it has a result, though it may be to be published yet: nobody supervised the run when it came."""
    left = run_dir.run(task_id, life.run).glob("*/result.json")
    return any(read_json(path) is not None for path in (run_dir.result_json(task_id), *left))


def _with_checkpoint(run_dir: RunDir, known: KnownTask, wanted: Collection[str]) -> KnownTask:
    saved = newest_saved(run_dir, known.id, known.run, carried=known.id in wanted)
    if saved is None:
        return known
    validated = frozenset(row.epoch for row in saved.rows if row.val_loss is not None)
    return replace(known, saved_epoch=saved.epoch, validated=validated)
