"""The run as its directory holds it: which tasks it knows, which of them are done, and which checkpoints are of use."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from cqltui.campaign.difference import KnownTask
from cqltui.campaign.model import FORMER_ID_LENGTH, ID_LENGTH, task_digest
from cqltui.later import Later
from cqltui.results.rundir import RunDir, read_json, read_metrics
from cqltui.state import decode
from cqltui.state.model import FAILED, Lifecycle, Status
from trainer.files import checkpoints
from trainer.progress import EpochMetrics

if TYPE_CHECKING:
    from cqltui.campaign import recorded
else:  # for large grids only
    recorded = Later("cqltui.campaign.recorded")

CARRIED = "from-"
"""How the folder in a run begins that holds the checkpoint of another task, from which this one goes on."""


class Saved(Struct, frozen=True):
    """A checkpoint with the metrics up to it."""

    path: Path
    rows: tuple[EpochMetrics, ...]

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.rows)


def newest_saved(run_dir: RunDir, task_id: str, run: int, *, carried: bool = False) -> Saved | None:
    """Return the task's newest checkpoint that has its metrics beside it: kept with its result, or of an attempt of the
    run.

    Whether the file itself is whole is seen by who reads it. `carried`: other tasks' checkpoints in its run count too.
    """
    folders = [run_dir.task(task_id), *run_dir.run(task_id, run).glob("*/")]
    return _newest(folder for folder in folders if carried or not folder.name.startswith(CARRIED))


def newest_of(run_dir: RunDir, task_id: str, run: int) -> Saved | None:
    """Return the newest checkpoint that an attempt of this run goes on from; as of `newest_saved`."""
    return _newest(folder for folder in run_dir.run(task_id, run).glob("*/") if not folder.is_symlink())


def _newest(folders: Iterable[Path]) -> Saved | None:
    for epoch, path in sorted((found for folder in folders for found in checkpoints(folder)), reverse=True):
        rows = tuple(row for row in read_metrics(path.parent / "metrics.csv") if row.epoch <= epoch)
        if len(rows) == epoch > 0 and [row.epoch for row in rows] == list(range(1, epoch + 1)):
            return Saved(path, rows)
    return None


def read_known(run_dir: RunDir, wanted: Collection[str]) -> dict[str, KnownTask]:
    """Return every task that the run directory holds, by id. `wanted`: ids that the campaign file has; of those that
    are done no checkpoint is looked for."""
    found = {known.id: known for known in _of_manifest(run_dir)}
    folders = sorted(run_dir.tasks.iterdir()) if run_dir.tasks.is_dir() else ()
    for task_id in (folder.name for folder in folders if decode.NAME.fullmatch(folder.name)):
        said = read_json(run_dir.task_json(task_id)) or {}
        if (info := decode.task_info(task_id, said.get("info"))) is not None:
            found[task_id] = KnownTask(task_id, info.phase, info.title, info.epochs)
        if task_id in found:
            found[task_id] = _as_left(run_dir, found[task_id], said.get("life"), wanted)
    return found


def id_length(run_dir: RunDir) -> int:
    """Return how many digits the ids of the run's tasks have: what it began with, as ids are names of folders."""
    said = read_json(run_dir.campaign_json)
    if said is None:  # it has yet to begin, or its campaign.json was lost
        folders = run_dir.tasks.iterdir() if run_dir.tasks.is_dir() else ()
        is_former = any(len(folder.name) == FORMER_ID_LENGTH for folder in folders)
        return FORMER_ID_LENGTH if is_former else ID_LENGTH
    return ID_LENGTH if decode.whole(said, "id_length") == ID_LENGTH else FORMER_ID_LENGTH


def data_digest(run_dir: RunDir) -> str:
    """Of the data that the run was last started with; empty if that is not known."""
    data = (read_json(run_dir.campaign_json) or {}).get("data")
    return decode.text(data, "digest") if isinstance(data, Mapping) else ""


def _of_manifest(run_dir: RunDir) -> Iterator[KnownTask]:
    """Yield the tasks that the run was last started with, whatever became of them."""
    length, digest = id_length(run_dir), data_digest(run_dir)
    campaign = (read_json(run_dir.campaign_json) or {}).get("campaign")
    grids: list[tuple[str, Mapping[str, Any]]] = []
    for phase in decode.dicts(campaign.get("phases") if isinstance(campaign, Mapping) else None):
        for task in decode.dicts(phase.get("tasks")):
            if "grid" in task:
                grids.append((decode.text(phase, "name"), task))
                continue
            task_id, epochs = decode.text(task, "digest")[:length], decode.whole(task.get("trainer"), "epochs")
            if decode.NAME.fullmatch(task_id):
                yield KnownTask(task_id, decode.text(task, "phase"), decode.text(task, "title"), epochs)
    for made in recorded.grid_tasks(grids) if grids else ():
        yield KnownTask(task_digest(made, digest)[:length], made.phase, made.title, made.trainer.epochs)


def _as_left(run_dir: RunDir, known: KnownTask, told: object, wanted: Collection[str]) -> KnownTask:
    """Return the task with what its folder says of it. `told`: its lifecycle in task.json."""
    life = (decode.lifecycle(told, (0, 0)) if isinstance(told, Mapping) else None) or Lifecycle()
    known = replace(
        known,
        run=life.run,
        done=_is_done(run_dir, known.id, life.run),
        withdrawn=life.status is Status.WITHDRAWN,
        carried_from=_carried_from(run_dir, known.id, life.run) if known.id in wanted else frozenset(),
    )
    if life.status in FAILED or (known.done and known.id in wanted):
        return known
    saved = newest_saved(run_dir, known.id, known.run, carried=known.id in wanted)
    if saved is None:
        return known
    validated = frozenset(row.epoch for row in saved.rows if row.val_loss is not None)
    return replace(known, saved_epoch=saved.epoch, validated=validated)


def _carried_from(run_dir: RunDir, task_id: str, run: int) -> frozenset[str]:
    return frozenset(folder.name.removeprefix(CARRIED) for folder in run_dir.run(task_id, run).glob(f"{CARRIED}*"))


def _is_done(run_dir: RunDir, task_id: str, run: int) -> bool:
    """Return whether it has a result, though it may be to be published yet: nobody supervised the run when it came."""
    return run_dir.result_json(task_id).is_file() or any(run_dir.run(task_id, run).glob("*/result.json"))
